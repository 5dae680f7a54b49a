"""Columns of the gate's tables (数据列): words, flags and instants, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wxengage.errors import InvalidInputError, require_id
from wxengage.log.columns import codes_of
from wxengage.log.faults import CODE
from wxengage.log.instants import instants_of
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from wxengage.log.frames import Ids
    from wxengage.log.intake import Table

__all__ = ["Words", "flags", "listed", "micros_or", "places", "times_or", "words"]


class Words(NamedTuple):
    """A column of words: ``names[codes]``; an empty cell is ``""``, which is code 0.

    Attributes
    ----------
    codes
        Shape ``(n,)``.
    names
        The distinct words.
    """

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    def take(self, rows: NDArray[np.int64]) -> Words:
        """Return the words of some rows."""
        if not any(self.codes.strides):
            return Words(np.broadcast_to(self.codes[:1], len(rows)), self.names)
        return Words(self.codes[rows], self.names)

    def plus(self, more: Words) -> Words:
        """Return both columns, one after the other."""
        names = tuple(dict.fromkeys([*self.names, *more.names]))
        codes = np.concatenate([self.into(names), more.into(names)])
        return Words(codes.astype(np.int32), names)

    def into(self, others: Sequence[str]) -> NDArray[np.int64]:
        """Return each word's place among others, -1 where it is not there."""
        place = {name: code for code, name in enumerate(others)}
        found = np.array([place.get(name, -1) for name in self.names], dtype=np.int64)
        return found[self.codes]

    def flags(self, chosen: Iterable[str]) -> NDArray[np.bool_]:
        """Return which rows have one of some words."""
        wanted = set(chosen)
        found = np.array([name in wanted for name in self.names], dtype=np.bool_)
        return found[self.codes]


def words(
    table: Table, name: str, *, known: Sequence[str] = (), default: str = ""
) -> Words:
    """Return a column of words.

    Parameters
    ----------
    table
        The table.
    name
        The column; where it is not there, every row has the default.
    known
        The words that are allowed; any id where it is empty.
    default
        What an empty cell means.

    Returns
    -------
    Words
        Of each row.

    Raises
    ------
    InvalidInputError
        If a cell is no such word; its row is named.
    """
    if name not in table:
        # One cell for all rows: a column that is not there takes no memory.
        code = np.int32(default != "")
        return Words(np.broadcast_to(code, table.rows), ("", default))
    found = codes_of(table.columns[name])
    given = [one if isinstance(one, str) else repr(one) for one in listed(found.values)]
    bad = [not _may_be(one, known) for one in listed(found.values)]
    rule = "one of " + ", ".join(known) if known else "text, as an id is"
    table.refuse(name, np.array([*bad, False])[found.codes], rule)
    meant = [one or default for one in given] + [default]
    names = dict.fromkeys(["", *meant])
    place = {one: code for code, one in enumerate(names)}
    codes = np.array([place[one] for one in meant], dtype=np.int32)
    return Words(codes[found.codes], tuple(names))


def _may_be(one: object, known: Sequence[str]) -> bool:
    """Return whether a value is an empty cell, or one of the words allowed."""
    if not isinstance(one, str) or not one:
        return one == ""
    if known:
        return one in known
    try:
        require_id("word", one)
    except InvalidInputError:
        return False
    return True


def listed(values: Any) -> list[Any]:  # noqa: ANN401  numpy or Arrow
    """Return distinct values as Python objects."""
    found: list[Any] = (
        values.tolist() if isinstance(values, np.ndarray) else values.to_pylist()
    )
    return found


def flags(table: Table, name: str, *, default: bool) -> NDArray[np.bool_]:
    """Return a column of yes and no; an empty cell means the default.

    Parameters
    ----------
    table
        The table.
    name
        The column; where it is not there, every row has the default.
    default
        What an empty cell means.

    Returns
    -------
    numpy.ndarray
        Shape ``(rows,)``.
    """
    if name not in table:
        return np.full(table.rows, default)
    column = table.columns[name]
    if isinstance(column, np.ndarray) and column.dtype == np.bool_:
        return column
    found = codes_of(column)
    values = listed(found.values)
    fine = [isinstance(one, bool | int) and one in {0, 1} for one in values]
    table.refuse(name, ~np.array([*fine, True])[found.codes], "True or False")
    meant = np.array([*(bool(one) for one in values), default], dtype=np.bool_)
    return meant[found.codes]


def times_or(table: Table, name: str, missing: int) -> NDArray[np.int64]:
    """Return a column of instants that may be empty.

    Parameters
    ----------
    table
        The table.
    name
        The column; where it is not there, every cell is empty.
    missing
        What stands for an empty cell.

    Returns
    -------
    numpy.ndarray
        Microseconds since 1970. Shape ``(rows,)``.
    """
    if name not in table:
        return np.full(table.rows, missing, dtype=np.int64)
    found = instants_of(name, table.columns[name], tz=None, unit=None)
    empty = found.faults == CODE["missing_time"]
    table.refuse(name, (found.faults > 0) & ~empty, "an instant with a zone, or none")
    return np.where(empty, missing, found.at)


def micros_or(name: str, at: dt.datetime | None, missing: int) -> int:
    """Return an instant in microseconds, or what stands for none."""
    return missing if at is None else micros(name, at)


def places(wanted: Ids, known: Ids) -> NDArray[np.int64]:
    """Return the place of each id among known ones, -1 where it is not there.

    Parameters
    ----------
    wanted, known
        Ids, each once; the known ones ascending.

    Returns
    -------
    numpy.ndarray
        Shape ``(wanted,)``.

    Raises
    ------
    InvalidInputError
        If one side is of numbers and the other of text: then nobody would be found.
    """
    if not len(wanted) or not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    mine, theirs = wanted.numpy(), known.numpy()
    if (mine.dtype.kind == "i") != (theirs.dtype.kind == "i"):
        hint = "users are numbers in one table and text in another"
        raise InvalidInputError("user", mine[0], f"like {theirs[0]!r}", hint)
    if len(mine) == len(theirs) and (mine == theirs).all():
        return np.arange(len(mine))
    if mine.dtype.kind == "i":
        row = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
        return np.where(theirs[row] == mine, row, -1)
    place: Mapping[str, int] = {one: row for row, one in enumerate(theirs.tolist())}
    return np.array([place.get(one, -1) for one in mine.tolist()], dtype=np.int64)
