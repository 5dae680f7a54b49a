"""Contests (UGC创作赛): entries, votes with quotas, results that stay as published."""

from __future__ import annotations

from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.lottery import (
    Prize,
    Win,
    commitment,
    draw_lots,
    winning_odds,
)
from wxengage.campaigns.contests.publishing import amend, publish
from wxengage.campaigns.contests.ranking import (
    EntryRanking,
    capped_votes,
    rank_entries,
)
from wxengage.campaigns.contests.rule import VoteRule

__all__ = [
    "Contest",
    "EntryRanking",
    "Prize",
    "VoteRule",
    "Win",
    "amend",
    "capped_votes",
    "commitment",
    "draw_lots",
    "publish",
    "rank_entries",
    "winning_odds",
]
