"""Chapter 1, who is who: segments and how users move between them (用户分层)."""

from wxengage.segments.backtests import backtest
from wxengage.segments.lifecycle import classify_users, segment_users
from wxengage.segments.moves import transition_matrix, transitions
from wxengage.segments.odds import activity_odds
from wxengage.segments.playbook import PLAYBOOK
from wxengage.segments.points.lots import PointsLot, balance
from wxengage.segments.policy import (
    INTERACTION_WEIGHTS,
    SEGMENTS,
    LifecyclePolicy,
)
from wxengage.segments.rfm import rfm_scores
from wxengage.segments.tiers.course import tier_state
from wxengage.segments.tiers.policy import TierPolicy

__all__ = [
    "INTERACTION_WEIGHTS",
    "PLAYBOOK",
    "SEGMENTS",
    "LifecyclePolicy",
    "PointsLot",
    "TierPolicy",
    "activity_odds",
    "backtest",
    "balance",
    "classify_users",
    "rfm_scores",
    "segment_users",
    "tier_state",
    "transition_matrix",
    "transitions",
]
