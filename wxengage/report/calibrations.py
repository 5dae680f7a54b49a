"""Forecast beside outcome (校准图): dots that should lie on the diagonal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from wxengage.report.charts import (
    MUTED,
    PAPER,
    SIZE,
    colour_of,
    data_of,
    drawing,
    plain,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["calibration_chart"]

# Between two ticks, and how many of them there are at most.
_STEPS: Final = tuple(
    lead * 10.0**power for power in range(-5, 0) for lead in (1, 2, 5)
)
_MOST_TICKS: Final = 5
# Area of a dot, in square pixels: of the smallest bin and of the largest.
_AREA: Final = (16, 200)


def _ticks(top: float) -> list[float]:
    """Return round shares from 0 to the first that is not below ``top``."""
    step = next((one for one in _STEPS if top <= _MOST_TICKS * one), 0.2)
    return [k * step for k in range(math.ceil(round(top / step, 9)) + 1)]


def calibration_chart(
    bins: Sequence[tuple[str, float, float, float, float, int]],
    width: int,
    *,
    x: str,
    y: str,
) -> str:
    """Draw what was forecast and what came, a dot a bin with its interval.

    Parameters
    ----------
    bins
        Swatch, mean forecast, observed share, low and high end of its interval,
        users.
    width
        ``WIDE`` or ``NARROW``.
    x, y
        Titles of the forecast and of the observed share.

    Returns
    -------
    str
        SVG. Both axes have the same scale, so that the diagonal is where forecast
        and outcome agree.
    """
    alt = drawing()
    ticks = _ticks(max(max(forecast, high) for _, forecast, _, _, high, _ in bins))
    scale = alt.Scale(domain=[0, ticks[-1]], nice=False)
    names = ("swatch", "forecast", "observed", "low", "high", "users")
    # The largest first: a small bin is never hidden behind a large one.
    order = sorted(bins, key=lambda one: -one[-1])
    rows = [dict(zip(names, one, strict=True)) for one in order]
    across = alt.X("forecast:Q", title=x, scale=scale).axis(
        values=ticks, format=".3~%", titlePadding=8, labelPadding=9, labelFlush=False
    )

    def up(field: str) -> Any:  # noqa: ANN401  altair is untyped here
        return alt.Y(f"{field}:Q", title=None, scale=scale).axis(
            values=ticks, format=".3~%"
        )

    edge = ticks[-1]
    agreed = [{"forecast": share, "observed": share} for share in (0, edge)]
    diagonal = (
        alt.Chart(data_of(agreed), width=width - 64, height=264)
        .mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1.25)
        .encode(x=across, y=up("observed"))
    )
    base = alt.Chart(data_of(rows))
    colour = colour_of([swatch for swatch, *_ in bins])
    intervals = base.mark_rule(strokeWidth=3, opacity=0.5, strokeCap="round").encode(
        x=across, y=up("low"), y2="high:Q", color=colour
    )
    most = max(users for *_, users in bins)
    area = alt.Scale(domain=[0, most], range=list(_AREA))
    dots = base.mark_circle(opacity=1, stroke=PAPER, strokeWidth=1).encode(
        x=across,
        y=up("observed"),
        size=alt.Size("users:Q", scale=area, legend=None),
        color=colour,
    )
    corner = [{"forecast": 0, "observed": edge, "text": y}]
    head = (
        alt.Chart(data_of(corner))
        .mark_text(fontSize=SIZE, align="left", dy=-14, color=MUTED)
        .encode(x=across, y=up("observed"), text="text:N")
    )
    layers = alt.layer(diagonal, intervals, dots, head)
    return render(plain(layers, {"left": 48, "right": 16, "top": 28, "bottom": 52}))
