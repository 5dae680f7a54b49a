"""When, how often and how much (节奏): windows, quiet hours, caps, budgets."""

from __future__ import annotations

from wxengage.pacing.budgets import AdShare, Budget
from wxengage.pacing.caps import DAILY_CEILING, Cap, may_send_many, next_allowed
from wxengage.pacing.fatigue import VolumeUtility
from wxengage.pacing.gaps import MinGap
from wxengage.pacing.hours import send_time
from wxengage.pacing.mix import ContentMix
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.sunset import Sunset
from wxengage.pacing.windows import GOLDEN_WINDOWS, Window, windows_on

__all__ = [
    "DAILY_CEILING",
    "GOLDEN_WINDOWS",
    "AdShare",
    "Budget",
    "Cap",
    "ContentMix",
    "MinGap",
    "QuietHours",
    "Sunset",
    "VolumeUtility",
    "Window",
    "may_send_many",
    "next_allowed",
    "send_time",
    "windows_on",
]
