"""Campaigns (活动): what a campaign owes to whom, and how far it spreads (裂变)."""

from __future__ import annotations

from wxengage.campaigns.design import Design, InviteCost, design_ladder
from wxengage.campaigns.diagnosis import Diagnosis
from wxengage.campaigns.gradient import GoalGradient, fit_goal_gradient
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.rungs import LEAST_PAYOUT, Rung, Step

__all__ = [
    "LEAST_PAYOUT",
    "Design",
    "Diagnosis",
    "GoalGradient",
    "InviteCost",
    "Ladder",
    "Rung",
    "Step",
    "design_ladder",
    "fit_goal_gradient",
]
