"""Everybody's facts as columns (用户事实表): a log, and what is in no log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_id
from wxengage.log.columns import Codes, codes_of
from wxengage.log.faults import CODE
from wxengage.log.frames import Ids
from wxengage.log.instants import instants_of
from wxengage.log.intake import Table, read_table
from wxengage.plan.scenes.facts import require_birthday
from wxengage.plan.scenes.trigger import FOREVER
from wxengage.times.zones import zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from wxengage.log.table import Log

__all__ = ["UNKNOWN", "Crowd", "Held", "Reading"]

#: Stands for "not known" among codes and counts.
UNKNOWN: Final = -1
# Whole numbers that floats count exactly.
_MOST_LEFT: Final = 2**53


@attrs.frozen
class Reading:
    """How to read the times of a table: as for ``read_log``."""

    tz: str | None
    unit: str | None

    def times(self, table: Table, name: str) -> NDArray[np.int64]:
        """Return an optional column of instants, ``FOREVER`` where empty."""
        if name not in table:
            return np.full(table.rows, FOREVER)
        found = instants_of(name, table.columns[name], tz=self.tz, unit=self.unit)
        empty = found.faults == CODE["missing_time"]
        rule = "an instant from 1970 to 2199 with a zone, or empty"
        table.refuse(name, (found.faults > 0) & ~empty, rule)
        return np.where(empty, FOREVER, found.at)


@attrs.frozen(eq=False)
class Held:
    """Holdings; every column has shape ``(n,)``.

    Attributes
    ----------
    user
        Codes of the crowd.
    kind, id
        Text.
    at, until, closed
        Microseconds since 1970; ``FOREVER`` where there is none.
    left
        ``UNKNOWN`` where it is not counted.
    """

    user: NDArray[np.int64]
    kind: NDArray[np.object_]
    id: NDArray[np.object_]
    at: NDArray[np.int64]
    until: NDArray[np.int64]
    left: NDArray[np.int64]
    closed: NDArray[np.int64]


@attrs.frozen(eq=False)
class Crowd:
    """What is known of all users.

    Attributes
    ----------
    log
        What they did.
    ids
        Of all users by code; those of the log come first, with its codes.
    birthday, zone
        Codes into ``birthdays`` and ``zones``, ``UNKNOWN`` for none. Shape
        ``(users,)``.
    birthdays, zones
        Text by code.
    held
        What they hold.
    """

    log: Log
    ids: Ids
    birthday: NDArray[np.int64]
    birthdays: tuple[str, ...]
    zone: NDArray[np.int64]
    zones: tuple[str, ...]
    held: Held

    @classmethod
    def of(cls, log: Log, people: object, holdings: object, reading: Reading) -> Self:
        """Join a log and two tables.

        Parameters
        ----------
        log
            What users did.
        people
            Table with ``user`` and, where known, ``birthday`` and ``zone``; None
            for none.
        holdings
            Table with ``user``, ``kind``, ``id``, ``at`` and, where known,
            ``until``, ``left`` and ``closed``; None for none.
        reading
            How to read the times of ``holdings``.

        Returns
        -------
        Crowd
            Of the users of all three.
        """
        who, what = _people(people), _holdings(holdings)
        ids, (of_who, of_what) = _joined(log.ids, _users(who), _users(what))
        birthday, birthdays = _words(who, "birthday", require_birthday)
        zones, names = _words(who, "zone", _require_zone)
        _refuse_twice(who, "user", (of_who,), "there once: this user has another row")
        return cls(
            log=log,
            ids=ids,
            birthday=_spread(birthday, of_who, len(ids)),
            birthdays=birthdays,
            zone=_spread(zones, of_who, len(ids)),
            zones=names,
            held=_held(what, of_what, reading),
        )


def _require_zone(name: str, got: str) -> None:
    try:
        zone(got)
    except InvalidInputError as error:
        raise InvalidInputError(name, got, error.rule, error.hint) from None


def _people(source: object) -> Table:
    given = {"user": []} if source is None else source
    return read_table(given, ("user",), ("birthday", "zone"))


def _holdings(source: object) -> Table:
    needed = ("user", "kind", "id", "at")
    given: Any = source
    if source is None:
        given = {name: np.zeros(0, "M8[us]") if name == "at" else [] for name in needed}
    return read_table(given, needed, ("until", "left", "closed"))


def _users(table: Table) -> tuple[NDArray[np.int64], Ids]:
    return table.users("user")


def _joined(
    log: Ids, *tables: tuple[NDArray[np.int64], Ids]
) -> tuple[Ids, list[NDArray[np.int64]]]:
    """Return the ids of all users, and each table's column as codes of them."""
    known = [log, *(ids for _, ids in tables if len(ids))]
    if len(known) == 1:
        return log, [codes for codes, _ in tables]
    columns = [ids.numpy() for ids in known if len(ids)]
    numbers = [column.dtype.kind == "i" for column in columns]
    if len(set(numbers)) > 1:
        rule = "whole numbers in every table or text in every table"
        raise InvalidInputError("user", [c.dtype for c in columns], rule)
    found = codes_of(np.concatenate(columns))
    # The log's users first, under the log's own codes.
    code = np.full(len(found.values), UNKNOWN)
    code[found.codes[: len(log)]] = np.arange(len(log))
    others = code == UNKNOWN
    code[others] = np.arange(len(log), len(code))
    ends = np.cumsum([len(log), *(len(ids) for _, ids in tables)])
    places = np.split(code[found.codes], ends[:-1])[1:]
    joined = [place[codes] for place, (codes, _) in zip(places, tables, strict=True)]
    return Ids(found.values[np.argsort(code)]), joined


def _words(
    table: Table, name: str, check: Callable[[str, str], object]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return an optional column of checked text as codes; empty is unknown."""
    if name not in table:
        return np.full(table.rows, UNKNOWN), ()
    found = codes_of(table.columns[name])
    values = _listed(found)
    for code, value in enumerate(values):
        if value != "":
            row = int((found.codes == code).argmax())
            check(f"{name}[{row}]", require_id(f"{name}[{row}]", value))
    known = np.array([*(value != "" for value in values), False], dtype=np.bool_)
    return np.where(known[found.codes], found.codes, UNKNOWN), tuple(values)


def _listed(found: Codes) -> list[Any]:
    values = found.values
    listed: list[Any] = (
        values.tolist() if isinstance(values, np.ndarray) else values.to_pylist()
    )
    return listed


def _spread(
    column: NDArray[np.int64], user: NDArray[np.int64], users: int
) -> NDArray[np.int64]:
    """Return a table's column as one of all users."""
    found = np.full(users, UNKNOWN)
    found[user] = column
    return found


def _refuse_twice(
    table: Table, name: str, keys: tuple[NDArray[np.int64], ...], rule: str
) -> None:
    """Refuse a second row with the same keys."""
    order = np.lexsort(keys)  # stable: the later row of two is the second one
    same = np.ones(max(table.rows - 1, 0), dtype=np.bool_)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    twice = np.zeros(table.rows, dtype=np.bool_)
    twice[order[1:][same]] = True
    table.refuse(name, twice, rule)


def _held(table: Table, user: NDArray[np.int64], reading: Reading) -> Held:
    kind, name = _texts(table, "kind"), _texts(table, "id")
    at = reading.times(table, "at")
    table.refuse("at", at == FOREVER, "given")
    until, closed = reading.times(table, "until"), reading.times(table, "closed")
    table.refuse("until", until <= at, "after at")
    table.refuse("closed", closed < at, "not before at")
    left = np.full(table.rows, UNKNOWN)
    if "left" in table:
        counted, missing = table.whole("left", 0, _MOST_LEFT)
        left = np.where(missing, UNKNOWN, counted)
    rule = "there once: another row has this user, kind, id and at"
    _refuse_twice(table, "id", (at, name.codes, kind.codes, user), rule)
    kinds, names = (
        np.array([*_listed(column), None], dtype=object)[column.codes]
        for column in (kind, name)
    )
    return Held(user, kinds, names, at, until, left, closed)


def _texts(table: Table, name: str) -> Codes:
    """Return a column of ids that are text."""
    found = table.ids(name)
    number = [not isinstance(value, str) for value in _listed(found)]
    rule = "text, as in a Holding"
    table.refuse(name, np.array([*number, False], dtype=np.bool_)[found.codes], rule)
    return found
