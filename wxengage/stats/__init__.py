"""The mathematics (统计方法), knowing nothing of WeChat."""

from __future__ import annotations

from wxengage.stats.estimates import Estimate
from wxengage.stats.intervals import (
    beta_rows,
    jeffreys,
    mean,
    ratio,
    wilson,
)
from wxengage.stats.totals import ratio_change, total, total_change
from wxengage.stats.verdicts import Verdict, against, interval_verdict

__all__ = [
    "Estimate",
    "Verdict",
    "against",
    "beta_rows",
    "interval_verdict",
    "jeffreys",
    "mean",
    "ratio",
    "ratio_change",
    "total",
    "total_change",
    "wilson",
]
