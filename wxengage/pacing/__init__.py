"""When, how often and how much (节奏): windows, quiet hours, caps, budgets."""

from __future__ import annotations

from wxengage.claims.figures import INTERACTIONS_A_DAY
from wxengage.pacing.budgets import AdShare, Budget
from wxengage.pacing.caps import DAILY_CEILING, Cap, may_send_many, next_allowed
from wxengage.pacing.hours import send_time
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.windows import GOLDEN_WINDOWS, Slot, Window, windows_on

__all__ = [
    "DAILY_CEILING",
    "GOLDEN_WINDOWS",
    "INTERACTIONS_A_DAY",
    "AdShare",
    "Budget",
    "Cap",
    "QuietHours",
    "Slot",
    "Window",
    "may_send_many",
    "next_allowed",
    "send_time",
    "windows_on",
]
