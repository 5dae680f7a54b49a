"""Scene-triggered reach (场景化触达): what is due now, for one user or for all."""

from __future__ import annotations

from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.facts import Facts, Holding
from wxengage.plan.scenes.many import due_many
from wxengage.plan.scenes.plays import NEWCOMER, RECALL
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
)
from wxengage.plan.scenes.trigger import Step, Trigger

__all__ = [
    "NEWCOMER",
    "RECALL",
    "Birthday",
    "Expiring",
    "Facts",
    "Followed",
    "Happened",
    "Holding",
    "RunningLow",
    "Silent",
    "Step",
    "StreakBreaking",
    "Trigger",
    "due_many",
    "due_triggers",
]
