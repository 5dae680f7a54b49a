"""Ribbons between segments (流转图): who was where, and where they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wxengage.report.charts import (
    INK,
    MUTED,
    SIZE,
    WIDE,
    colour_of,
    data_of,
    drawing,
    plain,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["flow_chart"]

_STEPS: Final = 24  # points along a ribbon
# Between two blocks, as a share of the height: room for the two lines of a label
# even where a block is thin, so that no label needs to leave its block.
_GAP: Final = 0.15
# A block of nobody is still drawn, so that its label has something to stand by.
_THIN: Final = 0.004


def _ribbon(flow: int, left: float, right: float, thick: float) -> list[dict[str, Any]]:
    """Return the points of one ribbon from the left edge to the right one."""
    points = []
    for step in range(_STEPS + 1):
        t = step / _STEPS
        ease = t * t * (3 - 2 * t)
        y = left + (right - left) * ease
        points.append({"flow": flow, "x": t, "y": y, "y2": y + thick})
    return points


def flow_chart(
    nodes: Sequence[tuple[str, str]],
    counts: Sequence[Sequence[int]],
    width: int,
    *,
    titles: tuple[str, str],
) -> str:
    """Draw how users moved between segments, as ribbons from left to right.

    Parameters
    ----------
    nodes
        Swatch and name of each segment; one that nobody was in is left out.
    counts
        Users from the row's segment to the column's.
    width
        ``WIDE`` or ``NARROW``.
    titles
        Of the left and the right side.

    Returns
    -------
    str
        SVG.
    """
    alt = drawing()
    inside = [
        k for k in range(len(nodes)) if sum(counts[k]) or sum(r[k] for r in counts)
    ]
    nodes = [nodes[k] for k in inside]
    counts = [[counts[i][j] for j in inside] for i in inside]
    size, gap = len(nodes), _GAP
    total = sum(map(sum, counts)) or 1
    scale = (1 - gap * (size - 1)) / total
    left = [sum(row) for row in counts]
    right = [sum(row[j] for row in counts) for j in range(size)]
    starts = [_stack(left, scale, gap), _stack(right, scale, gap)]
    ribbons = _ribbons(nodes, counts, starts, scale)
    side = 120 if width == WIDE else 84
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[1, 0], nice=False))
    colour = colour_of([name for name, _ in nodes])
    flows = (
        alt.Chart(data_of(ribbons), width=width - 2 * side, height=252)
        .mark_area(opacity=0.34)
        .encode(x=x, y=y, y2="y2:Q", color=colour, detail="flow:N")
    )
    blocks, labels = _blocks(nodes, (left, right), starts, scale)
    edges = (
        alt.Chart(data_of(blocks))
        .mark_rule(strokeWidth=9, strokeCap="butt")
        .encode(x=x, y=y, y2="y2:Q", color=colour)
    )
    words = [_label(rows, (x, y), place) for place, rows in enumerate(labels)]
    heads = [_head(titles[place], (x, y), place) for place in range(2)]
    layers = alt.layer(flows, edges, *words, *heads)
    return render(plain(layers, {"left": side, "right": side, "top": 36, "bottom": 12}))


def _ribbons(
    nodes: Sequence[tuple[str, str]],
    counts: Sequence[Sequence[int]],
    starts: Sequence[Sequence[float]],
    scale: float,
) -> list[dict[str, Any]]:
    """Return the outlines of all ribbons, each as thick as its users are many."""
    at = [list(starts[0]), list(starts[1])]
    size = len(nodes)
    ribbons: list[dict[str, Any]] = []
    for i, j in ((i, j) for i in range(size) for j in range(size)):
        thick = counts[i][j] * scale
        if counts[i][j]:
            paint = {"swatch": nodes[i][0]}
            points = _ribbon(i * size + j, at[0][i], at[1][j], thick)
            ribbons += [point | paint for point in points]
        at[0][i] += thick
        at[1][j] += thick
    return ribbons


def _blocks(
    nodes: Sequence[tuple[str, str]],
    sums: tuple[Sequence[int], Sequence[int]],
    starts: Sequence[Sequence[float]],
    scale: float,
) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """Return the blocks at both ends, and the labels beside them."""
    blocks: list[dict[str, Any]] = []
    labels: list[list[dict[str, Any]]] = [[], []]
    for place, users in enumerate(sums):
        for k, (swatch, name) in enumerate(nodes):
            low, tall = starts[place][k], users[k] * scale
            edge = {"y": low, "y2": low + max(tall, _THIN)}
            blocks.append({"swatch": swatch, "x": place} | edge)
            text = {"text": name, "users": f"{users[k]:,}"}
            labels[place].append({"x": place, "y": low + tall / 2} | text)
    return blocks, labels


def _stack(sums: Sequence[int], scale: float, gap: float) -> list[float]:
    """Return where each block of a side begins, from the top."""
    starts, at = [], 0.0
    for one in sums:
        starts.append(at)
        at += one * scale + gap
    return starts


def _label(rows: Sequence[Any], axes: tuple[Any, Any], place: int) -> Any:  # noqa: ANN401  altair is untyped here
    """Return the words beside one edge: name, and below it the number."""
    alt = drawing()
    side = {"align": "left" if place else "right", "dx": 12 if place else -12}
    base = alt.Chart(data_of(rows)).encode(x=axes[0], y=axes[1])
    name = base.mark_text(fontSize=SIZE, dy=-8, **side)
    users = base.mark_text(fontSize=15, fontWeight=600, dy=9, **side)
    return alt.layer(
        name.encode(text="text:N", color=alt.value(MUTED)),
        users.encode(text="users:N", color=alt.value(INK)),
    )


def _head(title: str, axes: tuple[Any, Any], place: int) -> Any:  # noqa: ANN401  altair is untyped here
    """Return the title above one edge."""
    alt = drawing()
    side = {"align": "right" if place else "left", "dx": 5 if place else -5}
    row = {"x": place, "y": -0.09, "text": title}
    base = alt.Chart(data_of([row])).encode(x=axes[0], y=axes[1])
    return base.mark_text(fontSize=SIZE, **side).encode(
        text="text:N", color=alt.value(MUTED)
    )
