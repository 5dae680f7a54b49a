"""Referral campaigns (裂变, 任务宝): friends bring friends, and who is owed what."""

from wxengage.campaigns.referrals.campaign import Referral, Requirement
from wxengage.campaigns.referrals.invites import (
    TRANSITIONS,
    Invite,
    Signal,
    Status,
    step,
)
from wxengage.campaigns.referrals.people import Participant

__all__ = [
    "TRANSITIONS",
    "Invite",
    "Participant",
    "Referral",
    "Requirement",
    "Signal",
    "Status",
    "step",
]
