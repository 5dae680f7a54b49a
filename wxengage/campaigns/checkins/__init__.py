"""Check-in challenges (打卡): day after day, and what each day is worth."""

from __future__ import annotations

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.forecasts import (
    allocate_reminders,
    completion_chance,
    forecast_completion,
    schedule_cost,
)
from wxengage.campaigns.checkins.risks import AtRisk, Progress
from wxengage.campaigns.checkins.sentences import REFUSALS
from wxengage.campaigns.checkins.terms import KofN, Milestone

__all__ = [
    "REFUSALS",
    "AtRisk",
    "CheckIn",
    "KofN",
    "Milestone",
    "Progress",
    "allocate_reminders",
    "completion_chance",
    "forecast_completion",
    "schedule_cost",
]
