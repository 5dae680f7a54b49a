"""Pictures as inline SVG (图表): no script, Chinese as text, colours from the page.

Vega-Lite draws with placeholder colours, which are then replaced by the page's
CSS variables: one picture serves the light page, the dark one and the printer.
Each chart is drawn twice, for a desk and for a phone, so that its words keep
their size on both.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wxengage.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "FONTS",
    "INK",
    "MUTED",
    "NARROW",
    "PAPER",
    "SIZE",
    "WIDE",
    "bin_days",
    "colour_of",
    "data_of",
    "day_chart",
    "drawing",
    "for_both",
    "forest_chart",
    "moves_chart",
    "plain",
    "render",
    "silence_chart",
]

#: Width of a chart on a desk and on a phone, in CSS pixels.
WIDE: Final = 800
NARROW: Final = 320
#: Fonts in order of preference; every system's Chinese face is among them.
FONTS: Final = (
    "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'PingFang SC', 'Hiragino Sans GB', "
    "'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', system-ui, sans-serif"
)
# Placeholder colour -> CSS variable of the page.
_COLOURS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "#010203": "--ink",
        "#010204": "--muted",
        "#010205": "--line",
        "#010206": "--potential",
        "#010207": "--active",
        "#010208": "--dormant",
        "#010209": "--newcomer",
        "#01020a": "--accent",
        "#01020b": "--good",
        "#01020c": "--bad",
        "#01020d": "--band",
        "#01020e": "--paper",
    }
)
_OF: Final = MappingProxyType({name[2:]: hex_ for hex_, name in _COLOURS.items()})
INK, MUTED, LINE, BAND, PAPER = (
    _OF[name] for name in ("ink", "muted", "line", "band", "paper")
)
SIZE: Final = 12  # of the letters, in CSS pixels
# Lengths of a histogram's bins, in days: a month is a whole number of each.
_BINS: Final = (1, 2, 3, 5, 6, 10, 15, 30, 60, 90, 180, 360)
# Days between two ticks, and the pixels that a tick's label takes.
_TICKS: Final = (1, 5, 10, 30, 60, 90, 180, 360, 720, 1800)
_TICK_PIXELS: Final = 60
# Thousands are spelt out until they take too much room.
_SHORT: Final = (
    "abs(datum.value) < 10000 ? format(abs(datum.value), ',') "
    ": format(abs(datum.value), '~s')"
)
_MOST_BINS: Final = MappingProxyType({WIDE: 40, NARROW: 20})


def render(chart: Any) -> str:  # noqa: ANN401  altair is untyped here
    """Return a chart as SVG markup that may stand inside a page.

    Parameters
    ----------
    chart
        An Altair chart.

    Returns
    -------
    str
        One ``<svg>`` element. Nothing in it points outside: data from the
        network is refused while it is drawn.

    Raises
    ------
    MissingExtraError
        If vl-convert is not installed.
    """
    try:
        import vl_convert  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtraError("vl-convert-python", "report") from None
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    for placeholder, variable in _COLOURS.items():
        svg = svg.replace(f'="{placeholder}"', f'="var({variable})"')
    return svg


def for_both(draw: Callable[[int], str]) -> tuple[str, str]:
    """Return a chart as drawn for a desk and for a phone."""
    return draw(WIDE), draw(NARROW)


def drawing() -> Any:  # noqa: ANN401  altair is untyped here
    """Return the altair module, or say how to install it."""
    try:
        import altair as alt  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtraError("altair", "report") from None
    return alt


def plain(chart: Any, padding: Mapping[str, int] | int = 0) -> Any:  # noqa: ANN401  altair is untyped here
    """Return a chart in the page's dress: no frame, no background, its fonts."""
    dressed = chart.configure(
        background="transparent",
        font=FONTS,
        aria=False,
        padding=padding,
        # Text is placed by us; measuring it needs fonts that may not be here.
        autosize="none",
    )
    return dressed.configure_view(stroke=None).configure_axis(
        labelColor=MUTED,
        titleColor=MUTED,
        labelFontSize=SIZE,
        titleFontSize=SIZE,
        titleFontWeight="normal",
        gridColor=LINE,
        domain=False,
        ticks=False,
        labelPadding=6,
    )


def data_of(rows: Sequence[Mapping[str, object]]) -> Any:  # noqa: ANN401  altair is untyped here
    """Return rows as a chart's inline data."""
    return drawing().Data(values=[dict(row) for row in rows])


def colour_of(swatches: Sequence[str], field: str = "swatch") -> Any:  # noqa: ANN401  altair is untyped here
    """Return an encoding of swatch names by the page's colours."""
    alt = drawing()
    names = list(dict.fromkeys(swatches))
    scale = alt.Scale(domain=names, range=[_OF[name] for name in names])
    return alt.Color(f"{field}:N", scale=scale, legend=None)


def bin_days(longest: float, width: int) -> int:
    """Return how many days one bar of a histogram covers.

    Parameters
    ----------
    longest
        The longest silence, in days.
    width
        Of the chart: ``WIDE`` or ``NARROW``.

    Returns
    -------
    int
        The shortest length that keeps the bars few; 30 days are always a whole
        number of bars, or a bar of them.
    """
    most = _MOST_BINS[width]
    return next((days for days in _BINS if longest < days * most), _BINS[-1])


def _day_ticks(end: int, width: int) -> list[int]:
    """Return round numbers of days for an axis."""
    step = next(
        (days for days in _TICKS if end / days <= width / _TICK_PIXELS), _TICKS[-1]
    )
    return list(range(0, end + 1, step))


def silence_chart(
    bars: Sequence[tuple[str, int, int, int]], width: int, *, x: str
) -> str:
    """Draw how long users have been silent, a colour a segment.

    Parameters
    ----------
    bars
        Swatch, first day, day after the last, users.
    width
        ``WIDE`` or ``NARROW``.
    x
        Title of the axis of days.

    Returns
    -------
    str
        SVG.
    """
    alt = drawing()
    top: dict[int, int] = {}
    rows = []
    for swatch, first, after, users in bars:
        base = top.get(first, 0)
        top[first] = base + users
        gap = 0.06 * (after - first)
        rows.append(
            {"swatch": swatch, "a": first + gap / 2, "b": after - gap / 2}
            | {"low": base, "high": base + users}
        )
    end = max((after for _, _, after, _ in bars), default=1)
    marks = (
        alt.Chart(data_of(rows), width=width - 64, height=176)
        .mark_bar()
        .encode(
            x=alt.X("a:Q", title=x, scale=alt.Scale(domain=[0, end], nice=False)).axis(
                grid=False, values=_day_ticks(end, width), titlePadding=8
            ),
            x2="b:Q",
            y=alt.Y("low:Q", title=None).axis(
                tickCount=4, tickMinStep=1, labelExpr=_SHORT
            ),
            y2="high:Q",
            color=colour_of([swatch for swatch, *_ in bars]),
        )
    )
    return render(plain(marks, {"left": 48, "right": 16, "top": 12, "bottom": 48}))


def moves_chart(bars: Sequence[tuple[str, str, int]], width: int) -> str:
    """Draw how many users moved up and down, period by period.

    Parameters
    ----------
    bars
        Swatch, label of the period in order of time, users; users below zero
        are drawn downwards.
    width
        ``WIDE`` or ``NARROW``.

    Returns
    -------
    str
        SVG.
    """
    alt = drawing()
    labels = list(dict.fromkeys(label for _, label, _ in bars))
    every = math.ceil(len(labels) / (width // 64))
    ticks = labels[::-1][::every][::-1]
    rows = [{"swatch": s, "label": label, "users": users} for s, label, users in bars]
    marks = (
        alt.Chart(data_of(rows), width=width - 64, height=200)
        .mark_bar()
        .encode(
            x=alt.X("label:N", sort=labels, title=None)
            .scale(paddingInner=0.16, paddingOuter=0.1)
            .axis(values=ticks, labelAngle=0, labelPadding=8),
            y=alt.Y("users:Q", title=None, stack="zero").axis(
                tickCount=5, tickMinStep=1, labelExpr=_SHORT
            ),
            color=colour_of([swatch for swatch, *_ in bars]),
        )
    )
    zero = alt.Chart(data_of([{"users": 0}])).mark_rule(color=MUTED).encode(y="users:Q")
    pad = {"left": 48, "right": 16, "top": 12, "bottom": 30}
    return render(plain(marks + zero, pad))


def day_chart(
    bars: Sequence[tuple[str, float, float, int]],
    width: int,
    *,
    days: int,
    bands: Sequence[tuple[float, float]],
) -> str:
    """Draw what goes out over one day or some, a colour a segment.

    Parameters
    ----------
    bars
        Swatch, begin and end in hours from the first midnight, sends.
    width
        ``WIDE`` or ``NARROW``.
    days
        How many days the axis has.
    bands
        Stretches to shade, in hours: the golden windows.

    Returns
    -------
    str
        SVG.
    """
    alt = drawing()
    top: dict[float, int] = {}
    rows = []
    for swatch, start, end, sends in bars:
        base = top.get(start, 0)
        top[start] = base + sends
        rows.append({"swatch": swatch, "a": start + 0.05, "b": end - 0.05})
        rows[-1] |= {"low": base, "high": base + sends}
    high = max(top.values(), default=1)
    step = (4 if width == WIDE else 6) if days == 1 else 24
    x = alt.X(
        "a:Q", title=None, scale=alt.Scale(domain=[0, 24 * days], nice=False)
    ).axis(
        grid=False,
        values=list(range(0, 24 * days + 1, step)),
        labelExpr="format(datum.value % 24, '02d') + ':00'",
        labelFlush=False,
    )
    scale = alt.Scale(domain=[0, high], nice=True)
    level = alt.Y("low:Q", title=None, scale=scale).axis(
        tickCount=4, tickMinStep=1, labelExpr=_SHORT
    )
    shade = (
        alt.Chart(data_of([{"a": a, "b": b} for a, b in bands]), width=width - 72)
        .mark_rect(color=BAND)
        .encode(x=x, x2="b:Q")
    )
    marks = (
        alt.Chart(data_of(rows), height=176)
        .mark_bar()
        .encode(
            x=x,
            x2="b:Q",
            y=level,
            y2="high:Q",
            color=colour_of([swatch for swatch, *_ in bars]),
        )
    )
    layers = alt.layer(shade, marks)
    return render(plain(layers, {"left": 48, "right": 24, "top": 12, "bottom": 30}))


def forest_chart(
    rows: Sequence[tuple[str, float, float, float, str]], width: int
) -> str:
    """Draw changes in per cent with their intervals, one line a metric.

    Parameters
    ----------
    rows
        Name, change, low, high (0.1 is ten per cent), and a swatch: ``"good"``,
        ``"bad"`` or ``"muted"``.
    width
        ``WIDE`` or ``NARROW``.

    Returns
    -------
    str
        SVG.
    """
    alt = drawing()
    reach = max((abs(edge) for _, _, *edges, _ in rows for edge in edges), default=0.1)
    reach = min(max(math.ceil(reach * 10) / 10, 0.1), 2.0)
    names = [name for name, *_ in rows]
    data = [
        {"name": name, "value": max(-reach, min(value, reach)), "swatch": swatch}
        | {"low": max(low, -reach), "high": min(high, reach)}
        for name, value, low, high, swatch in rows
    ]
    x = alt.X("low:Q", title=None, scale=alt.Scale(domain=[-reach, reach])).axis(
        values=[-reach, -reach / 2, 0, reach / 2, reach],
        labelExpr="datum.value == 0 ? '0' : format(datum.value, '+.0%')",
    )
    y = alt.Y("name:N", sort=names, title=None).axis(
        labelColor=INK, labelLimit=0, labelPadding=12, grid=False
    )
    colour = colour_of([row[-1] for row in rows])
    side = 132 if width == WIDE else 108
    base = alt.Chart(data_of(data), width=width - side - 28, height=30 * len(rows))
    lines = base.mark_rule(strokeWidth=3, opacity=0.5, strokeCap="round").encode(
        x=x, x2="high:Q", y=y, color=colour
    )
    dots = base.mark_circle(size=90, opacity=1).encode(x="value:Q", y=y, color=colour)
    zero = alt.Chart(data_of([{"low": 0}])).mark_rule(color=MUTED).encode(x=x)
    pad = {"left": side, "right": 28, "top": 6, "bottom": 28}
    return render(plain(zero + lines + dots, pad))
