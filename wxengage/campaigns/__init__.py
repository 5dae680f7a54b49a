"""Campaigns (活动): what a campaign owes to whom, and how far it spreads (裂变).

The rooms ``checkins``, ``contests``, ``gifts``, ``guard``, ``policy``, ``referrals``
and ``virality`` have more on each of them.
"""

from __future__ import annotations

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.terms import KofN
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.design import design_ladder
from wxengage.campaigns.facts import Fact
from wxengage.campaigns.folding import advance
from wxengage.campaigns.funnel import campaign_funnel
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.findings import Override
from wxengage.campaigns.policy.linting import lint_campaign
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.rungs import Rung

__all__ = [
    "CheckIn",
    "Contest",
    "Fact",
    "Gift",
    "KofN",
    "Ladder",
    "Override",
    "Referral",
    "Rung",
    "VoteRule",
    "advance",
    "campaign_funnel",
    "design_ladder",
    "lint_campaign",
    "replay",
]
