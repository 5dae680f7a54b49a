"""The board as plain text and as a notebook's table (看板排版)."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Final

from wxengage.metrics.registry import TIERS
from wxengage.tables import aligned

if TYPE_CHECKING:
    from wxengage.metrics.board import Reading, Scoreboard
    from wxengage.metrics.registry import Unit

__all__ = [
    "board_html",
    "board_text",
    "change_text",
    "interval_text",
    "number_text",
]

_HEAD: Final = ("metric", "now", "95% interval", "users", "before", "change", "")
_WHOLE: Final = 100  # from here on decimals of an amount are noise
_STYLE: Final = (
    "<style>.wx-board{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".wx-board td,.wx-board th{padding:.25em .75em;text-align:right}"
    ".wx-board td:first-child,.wx-board th:first-child{text-align:left}</style>"
)


def number_text(value: float | None, unit: Unit, *, sign: bool = False) -> str:
    """Return a number of a unit as people read it.

    Parameters
    ----------
    value
        The number; None prints as a dash.
    unit
        A share prints in per cent, others with thousands separated.
    sign
        Whether to print a plus.

    Returns
    -------
    str
        Such as ``"12.4%"`` or ``"1,204"``.
    """
    if value is None:
        return "-"
    plus = "+" if sign else ""
    if not math.isfinite(value):
        return str(value)
    if unit == "share":
        return f"{100 * value:{plus}.1f}%"
    digits = 2 if unit == "value" and abs(value) < _WHOLE else 0
    return f"{value:{plus},.{digits}f}"


def interval_text(reading: Reading) -> str:
    """Return the interval of a reading, ``"-"`` where there is none."""
    low, high, unit = reading.now.low, reading.now.high, reading.metric.unit
    if low is None or high is None:
        return "-"
    return f"{number_text(low, unit)} to {number_text(high, unit)}"


def change_text(reading: Reading) -> str:
    """Return the change of a reading: points for a share, else per cent."""
    change, unit = reading.change.value, reading.metric.unit
    if change is None:
        return "-"
    if unit == "share":
        return f"{100 * change:+.1f} pts"
    if reading.relative is not None:
        return f"{100 * reading.relative:+.0f}%"
    return number_text(change, unit, sign=True)


def _cells(reading: Reading) -> tuple[str, ...]:
    """Return a known reading's cells."""
    metric = reading.metric
    verdict = f", {reading.verdict}" if reading.verdict else ""
    return (
        f"{metric.id} {metric.name.zh}",
        number_text(reading.now.value, metric.unit),
        interval_text(reading),
        f"{reading.now.n:,}",
        number_text(reading.before.value, metric.unit),
        change_text(reading),
        f"{reading.direction or '-'}{verdict}",
    )


def _head(board: Scoreboard) -> tuple[str, ...]:
    return tuple(cell.replace("95", f"{100 * board.level:g}") for cell in _HEAD)


def _title(board: Scoreboard) -> str:
    tz = board.period.clock.tz
    return f"Scoreboard {board.period} ({tz}), against {board.before}"


def board_text(board: Scoreboard) -> str:
    """Return a board as a plain table, known numbers first.

    Parameters
    ----------
    board
        What to print.

    Returns
    -------
    str
        Aligned also where Chinese stands beside Latin text. Metrics that cannot
        be known are listed below with the reason.
    """
    lines = [_title(board), *(f"note: {note.en}" for note in board.notes)]
    for group in board.groups:
        for tier, readings in board.tiers.items():
            mine = [one for one in readings if one.group == group]
            known = [_cells(one) for one in mine if one.now.defined]
            if not mine:
                continue
            title = f"{TIERS[tier].name.en} {TIERS[tier].name.zh}"
            lines += ["", f"{title}: {group}" if group else title]
            if known:
                lines.append(aligned([_head(board), *known]))
    return "\n".join(lines + _unknown(board))


def _unknown(board: Scoreboard) -> list[str]:
    """Return a line for each reason why metrics are unknown."""
    names: dict[str, list[str]] = {}
    for one in board.readings:
        if one.unknown is not None:
            of = f" of {one.group}" if one.unknown.en.startswith("its ") else ""
            names.setdefault(one.unknown.en, []).append(one.metric.id + of)
    names = {why: list(dict.fromkeys(ids)) for why, ids in names.items()}
    return [f"unknown ({why}): {', '.join(ids)}" for why, ids in names.items()]


def board_html(board: Scoreboard) -> str:
    """Return a board as a table for notebooks, every text escaped."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in _head(board))
    rows = []
    for reading in board.readings:
        cells = _cells(reading)
        note = reading.metric.formula.en
        if reading.unknown is not None:
            cells, note = (cells[0], *("-",) * (len(cells) - 1)), reading.unknown.en
        group = f"{reading.group}: " if reading.group else ""
        cells = (group + cells[0], *cells[1:])
        body = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr title="{html.escape(note)}">{body}</tr>')
    caption = html.escape(_title(board))
    return (
        f'{_STYLE}<table class="wx-board"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
