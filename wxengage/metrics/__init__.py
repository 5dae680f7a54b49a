"""Chapter 4: what the numbers are, how sure they are, what changed (数据监测)."""

from __future__ import annotations

from wxengage.metrics.board import Reading, Scoreboard, scoreboard
from wxengage.metrics.registry import METRICS, TIERS, Metric
from wxengage.metrics.sides import Period

__all__ = [
    "METRICS",
    "TIERS",
    "Metric",
    "Period",
    "Reading",
    "Scoreboard",
    "scoreboard",
]
