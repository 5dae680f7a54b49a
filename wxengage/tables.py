"""Tables for the eye (表格): aligned text for a terminal, plain HTML for a notebook.

A column of Chinese takes two cells a character; plain padding would shear it.
"""

from __future__ import annotations

import datetime as dt
import html
import math
import unicodedata
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["aligned", "html_table", "text_table", "width"]

# Characters that take two cells of a terminal.
_WIDE: Final = frozenset("WF")
# What a number begins with; an empty cell fits both.
_NUMBER: Final = ("", *"0123456789+-.")
#: Rows shown of a longer table.
SHOWN: Final = 10
_STYLE: Final = (
    "<style>.wx-table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".wx-table td,.wx-table th{padding:.25em .75em;text-align:right}"
    ".wx-table td:first-child,.wx-table th:first-child{text-align:left}</style>"
)


def width(text: str) -> int:
    """Return how many terminal cells a line of text takes.

    Parameters
    ----------
    text
        One line.

    Returns
    -------
    int
        Chinese characters and full-width signs take two, combining marks none.

    Examples
    --------
    >>> width("reads 阅读量")
    12
    """
    return sum(
        2 if unicodedata.east_asian_width(sign) in _WIDE else 1
        for sign in text
        if not unicodedata.combining(sign)
    )


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns: words flush left, numbers flush right.

    Parameters
    ----------
    rows
        Of equal length; the first one is the head.

    Returns
    -------
    str
        One line a row, without trailing blanks.

    Examples
    --------
    >>> print(aligned([["metric", "now"], ["阅读量", "1,204"], ["likes", "87"]]))
    metric    now
    阅读量  1,204
    likes      87
    """
    lines = [""] * len(rows)
    for place, column in enumerate(zip(*rows, strict=True)):
        wide = max(map(width, column))
        right = place > 0 and all(cell[:1] in _NUMBER for cell in column[1:])
        for row, cell in enumerate(column):
            blank = " " * (wide - width(cell))
            gap = "  " if place else ""
            lines[row] += gap + (blank + cell if right else cell + blank)
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:  # noqa: ANN401  whatever a column holds
    if value is None or value != value:  # noqa: PLR0124  NaN and NaT
        return "-"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return "".join(sign if sign.isprintable() else "?" for sign in str(value))


def _cells(columns: Mapping[str, Any]) -> tuple[list[list[str]], int]:
    """Return the first rows as text, and how many more there are."""
    size = len(next(iter(columns.values()))) if columns else 0
    shown = [[_cell(v) for v in column[:SHOWN].tolist()] for column in columns.values()]
    return [list(row) for row in zip(*shown, strict=True)], max(size - SHOWN, 0)


def text_table(columns: Mapping[str, Any]) -> str:
    """Return columns as a table for a terminal.

    Parameters
    ----------
    columns
        Numpy arrays of equal length.

    Returns
    -------
    str
        The first rows, and how many more there are.
    """
    rows, more = _cells(columns)
    table = aligned([list(columns), *rows])
    return f"{table}\n({more:,} more)" if more else table


def html_table(columns: Mapping[str, Any]) -> str:
    """Return columns as a table for a notebook, every text escaped.

    Parameters
    ----------
    columns
        Numpy arrays of equal length.

    Returns
    -------
    str
        The first rows, and how many more there are.
    """
    rows, more = _cells(columns)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    caption = f"<caption>{more:,} more</caption>" if more else ""
    return (
        f'{_STYLE}<table class="wx-table">{caption}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
