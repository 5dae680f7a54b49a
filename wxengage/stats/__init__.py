"""The mathematics (统计方法), knowing nothing of WeChat.

The names below, and the rooms ``btyd``, ``counts``, ``intervals``, ``quantiles``,
``sequential`` and ``survival``, which are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from wxengage.stats.estimates import Estimate
from wxengage.stats.intervals import (
    beta_rows,
    jeffreys,
    mean,
    newcombe,
    ratio,
    wilson,
)
from wxengage.stats.totals import ratio_change, total, total_change
from wxengage.stats.verdicts import Verdict, against, interval_verdict

_ROOMS = ("btyd", "counts", "intervals", "quantiles", "sequential", "survival")

__all__ = [
    "Estimate",
    "Verdict",
    "against",
    "beta_rows",
    "interval_verdict",
    "jeffreys",
    "mean",
    "newcombe",
    "ratio",
    "ratio_change",
    "total",
    "total_change",
    "wilson",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _ROOMS:
            return import_module(f"wxengage.stats.{name}")
        raise AttributeError(f"module 'wxengage.stats' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*__all__, *_ROOMS])
