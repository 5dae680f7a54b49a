"""The mathematics (统计方法), knowing nothing of WeChat.

The names below, and the rooms ``branching``, ``btyd``, ``chains``, ``counts``,
``gains``, ``intervals``, ``logistic``, ``quantiles``, ``ranking``, ``sample_sizes``,
``scan``, ``scoring``, ``sequential``, ``shrinkage``, ``survival``, ``tails`` and
``volumes``, which are loaded on first use.
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

_ROOMS = (
    "branching",
    "btyd",
    "chains",
    "counts",
    "gains",
    "intervals",
    "logistic",
    "quantiles",
    "ranking",
    "sample_sizes",
    "scan",
    "scoring",
    "sequential",
    "shrinkage",
    "survival",
    "tails",
    "volumes",
)

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

if TYPE_CHECKING:
    from wxengage.stats import branching as branching
    from wxengage.stats import btyd as btyd
    from wxengage.stats import chains as chains
    from wxengage.stats import counts as counts
    from wxengage.stats import gains as gains
    from wxengage.stats import intervals as intervals
    from wxengage.stats import logistic as logistic
    from wxengage.stats import quantiles as quantiles
    from wxengage.stats import ranking as ranking
    from wxengage.stats import sample_sizes as sample_sizes
    from wxengage.stats import scan as scan
    from wxengage.stats import scoring as scoring
    from wxengage.stats import sequential as sequential
    from wxengage.stats import shrinkage as shrinkage
    from wxengage.stats import survival as survival
    from wxengage.stats import tails as tails
    from wxengage.stats import volumes as volumes
else:

    def __getattr__(name: str) -> object:
        if name in _ROOMS:
            return import_module(f"wxengage.stats.{name}")
        raise AttributeError(f"module 'wxengage.stats' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*__all__, *_ROOMS])
