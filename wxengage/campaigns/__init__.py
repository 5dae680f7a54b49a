"""Campaigns (活动): what a campaign owes to whom, and how far it spreads (裂变)."""

from __future__ import annotations

from wxengage.campaigns.design import design_ladder
from wxengage.campaigns.facts import Fact
from wxengage.campaigns.folding import advance
from wxengage.campaigns.funnel import campaign_funnel
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.gradient import fit_goal_gradient
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.response import InviteCost
from wxengage.campaigns.rungs import LEAST_PAYOUT, Rung

__all__ = [
    "LEAST_PAYOUT",
    "Fact",
    "Gift",
    "InviteCost",
    "Ladder",
    "Referral",
    "Rung",
    "advance",
    "campaign_funnel",
    "design_ladder",
    "fit_goal_gradient",
    "replay",
]
