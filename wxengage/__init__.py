"""WeChat engagement decisions as plain functions and small state machines.

``import wxengage as wx`` gives the rooms (``wx.log``, ``wx.segments``, ...) and
the short list of names in ``__all__``. Everything is loaded on first use: the
import itself loads no numpy, no scipy and no dataframe library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Public name -> the file where it lives.
_NAMES = {
    "CLAIMS": "claims",
    "Account": "users",
    "Cap": "pacing.caps",
    "Cash": "money",
    "Coupon": "money",
    "DayClock": "times.days",
    "Estimate": "stats.estimates",
    "Event": "log.events",
    "Freeze": "sends",
    "InvalidInputError": "errors",
    "InvalidLogError": "errors",
    "LifecyclePolicy": "segments.policy",
    "Log": "log.table",
    "Perk": "money",
    "Points": "money",
    "QuietHours": "pacing.quiet",
    "Reward": "money",
    "Send": "sends",
    "Tally": "log.tally",
    "User": "users",
    "WxEngageError": "errors",
    "activity_odds": "segments.odds",
    "classify_users": "segments.lifecycle",
    "dump": "codec",
    "format_yuan": "money",
    "load": "codec",
    "open_log": "log.store",
    "plan_sends": "plan.solver",
    "read_log": "log.reading",
    "rfm_scores": "segments.rfm",
    "scoreboard": "metrics.board",
    "show_versions": "versions",
    "write_report": "report.page",
    "yuan": "money",
}
_ROOMS = (
    "adapters",
    "claims",
    "codec",
    "datasets",
    "delivery",
    "errors",
    "log",
    "metrics",
    "money",
    "pacing",
    "plan",
    "report",
    "segments",
    "sends",
    "stats",
    "times",
    "users",
)

__all__ = sorted([*_NAMES, *_ROOMS])  # noqa: PLE0605  a list of names, told by a table

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _ROOMS:
            return import_module(f"wxengage.{name}")
        if name in _NAMES:
            value = getattr(import_module(f"wxengage.{_NAMES[name]}"), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module 'wxengage' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __all__
