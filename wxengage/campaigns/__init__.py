"""Campaigns (活动): what a campaign owes to whom, and how far it spreads (裂变)."""

from __future__ import annotations

from wxengage.campaigns.design import design_ladder
from wxengage.campaigns.gradient import fit_goal_gradient
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.response import InviteCost
from wxengage.campaigns.rungs import LEAST_PAYOUT, Rung

__all__ = [
    "LEAST_PAYOUT",
    "InviteCost",
    "Ladder",
    "Rung",
    "design_ladder",
    "fit_goal_gradient",
]
