"""Levels (会员等级): reached by points, kept and lost at reviews."""

from wxengage.segments.points.facts import Earned, Reversed
from wxengage.segments.points.validity import Months, Validity
from wxengage.segments.tiers.course import TierState, tier_state
from wxengage.segments.tiers.policy import (
    FixedYear,
    SinceTierStart,
    TierPolicy,
    Trailing,
)
from wxengage.segments.tiers.tables import TierStates, tier_states, user_tiers

__all__ = [
    "Earned",
    "FixedYear",
    "Months",
    "Reversed",
    "SinceTierStart",
    "TierPolicy",
    "TierState",
    "TierStates",
    "Trailing",
    "Validity",
    "tier_state",
    "tier_states",
    "user_tiers",
]
