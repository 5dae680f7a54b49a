"""Candidates one a row (长表候选): a user, an option, and what it is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import INT64_MAX, InvalidInputError
from wxengage.log.columns import codes_of, is_arrow
from wxengage.log.intake import Table, read_table
from wxengage.plan.intake import LARGEST_VALUE
from wxengage.plan.options import Option
from wxengage.times.zones import from_micros, zone

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Pairs", "read_pairs"]

_NEEDED: Final = ("user", "message", "channel", "value")
_WORDS: Final = ("account", "topic", "category", "content")
_FLAGS: Final = ("is_ad", "transactional")
_OPTIONAL: Final = ("start", "slot", "end", "cost", *_WORDS, *_FLAGS)
# Costs are whole numbers that floats count exactly.
_DEAREST: Final = 2**53
_NO_END: Final = INT64_MAX


@attrs.frozen(eq=False)
class Pairs:
    """Pairs of a user and an option.

    Attributes
    ----------
    users
        Ids, ascending.
    options
        Each once, in an order of their own.
    user, option, value
        One entry a pair; the first two are positions. Shape ``(n,)``.
    """

    users: NDArray[Any]
    options: tuple[Option, ...]
    user: NDArray[np.int64]
    option: NDArray[np.int64]
    value: NDArray[np.float64]


def read_pairs(source: object, *, tz: str | None, unit: str | None) -> Pairs:
    """Read a table of candidates.

    Parameters
    ----------
    source
        As ``Candidates.from_pairs`` takes it.
    tz, unit
        How to read times without a zone, and whole numbers as times.

    Returns
    -------
    Pairs
        Each once.

    Raises
    ------
    InvalidInputError
        If a column is missing, a cell breaks its rule, or a candidate is there
        twice; by column and row.
    """
    table = read_table(source, _NEEDED, _OPTIONAL)
    user, ids = table.users("user")
    value = _values(table)
    opens = "slot" if "slot" in table and "start" not in table else "start"
    if opens not in table:
        got = sorted(table.columns)
        raise InvalidInputError("source", got, "with a column 'start' or 'slot'")
    start, _ = table.times(opens, tz=tz, unit=unit)
    end = _ends(table, start, tz=tz, unit=unit)
    key = [start, end]
    key += [table.ids(name).codes for name in ("message", "channel")]
    if "account" in table:
        key.append(codes_of(table.columns["account"]).codes)
    terms = [_flags(table, name) for name in _FLAGS if name in table]
    terms += [
        codes_of(table.columns[name]).codes for name in _WORDS[1:] if name in table
    ]
    if "cost" in table:
        terms.append(table.whole("cost", 0, _DEAREST)[0])
    candidate = _numbered([_numbered(key), user])
    table.refuse("message", _again(candidate), "proposed once to a user in a window")
    number = _numbered([*key, *terms])
    options, place = _options(table, number, start, end)
    return Pairs(ids.numpy(), options, user, place[number], value)


def _values(table: Table) -> NDArray[np.float64]:
    column = table.columns["value"]
    plain = column.to_pylist() if is_arrow(column) else column
    try:
        value = np.array(
            [np.nan if one is None else one for one in plain]
            if isinstance(plain, list)
            else plain
        )
    except (TypeError, ValueError):
        value = np.empty(0, dtype=object)
    if value.dtype.kind not in "iuf" and table.rows:
        raise InvalidInputError("value", value.dtype, "a column of numbers")
    found = value.astype(np.float64)
    within = np.abs(found) <= LARGEST_VALUE
    table.refuse("value", ~within, f"a number within {LARGEST_VALUE:g}")
    return found


def _ends(
    table: Table, start: NDArray[np.int64], *, tz: str | None, unit: str | None
) -> NDArray[np.int64]:
    """Return when windows close; a window without an end never does."""
    if "end" not in table:
        return np.full(table.rows, _NO_END)
    end, _ = table.times("end", tz=tz, unit=unit)
    table.refuse("end", end <= start, "after start")
    return end


def _flags(table: Table, name: str) -> NDArray[np.int64]:
    found = codes_of(table.columns[name])
    words = _listed(found.values)
    known = [
        1 if one else 0 if isinstance(one, bool | np.bool_) else -1 for one in words
    ]
    flags = np.array([*known, -1], dtype=np.int64)[found.codes]
    good = [isinstance(one, bool | np.bool_) for one in words]
    table.refuse(name, ~np.array([*good, False])[found.codes], "True or False")
    return flags


def _numbered(columns: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return numbers that are equal where all columns are."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        _, number = np.unique(number * max(len(values), 1) + place, return_inverse=True)
    return number


def _again(number: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows repeat an earlier one."""
    again = np.ones(len(number), dtype=np.bool_)
    again[np.unique(number, return_index=True)[1]] = False
    return again


def _options(
    table: Table,
    number: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
) -> tuple[tuple[Option, ...], NDArray[np.int64]]:
    """Return the options in order, and the place of each number."""
    rows = np.unique(number, return_index=True)[1].tolist()
    found = [_option(table, row, int(start[row]), int(end[row])) for row in rows]
    order = sorted(
        range(len(found)), key=lambda one: (found[one].key, _terms(found[one]))
    )
    place = np.empty(len(found), dtype=np.int64)
    place[order] = np.arange(len(found))
    return tuple(found[one] for one in order), place


def _terms(option: Option) -> tuple[object, ...]:
    terms = (option.topic, option.category, option.content, option.is_ad)
    return (*terms, option.transactional, option.cost)


def _option(table: Table, row: int, start: int, end: int) -> Option:
    fields: dict[str, Any] = {}
    for name in (*_WORDS, *_FLAGS, "cost"):
        if name in table:
            fields[name] = _cell(table, name, row)
    if fields.get("account") in {None, ""}:
        fields.pop("account", None)
    for name in ("topic", "content"):
        fields[name] = fields.get(name) or ""
    utc = zone("UTC")
    message, channel = _cell(table, "message", row), _cell(table, "channel", row)
    try:
        return Option(
            message,
            channel,
            from_micros(start, utc),
            None if end == _NO_END else from_micros(end, utc),
            **fields,
        )
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{error.name}[{row}]", error.got, error.rule, error.hint
        ) from None


def _cell(table: Table, name: str, row: int) -> Any:  # noqa: ANN401  any cell
    column = table.columns[name]
    if is_arrow(column):
        return column[row].as_py()
    one = column.iloc[row] if hasattr(column, "iloc") else column[row]
    if one is None or one != one:  # noqa: PLR0124  NaN and NaT
        return None
    return one.item() if isinstance(one, np.generic) else one


def _listed(values: Any) -> list[Any]:  # noqa: ANN401  numpy's or Arrow's
    listed: list[Any] = values.to_pylist() if is_arrow(values) else values.tolist()
    return listed
