"""Facts about many users' points as columns (积分流水表), in the order they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.columns import Codes, codes_of
from wxengage.log.intake import Table, read_table
from wxengage.segments.points.facts import FACT_KINDS, MOST_POINTS, order_of_id
from wxengage.segments.points.fold import EARNED, REINSTATED, REVERSED, SPENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.frames import Ids, Origin

__all__ = ["FactColumns", "read_facts"]

# Sums over the whole table stay within 64 bits, with room for sums of two sums.
_MOST_IN_ALL: Final = 2.0**61


@attrs.frozen(eq=False)
class FactColumns:
    """Facts by user, then in the order in which they happen; shape ``(n,)`` each.

    Attributes
    ----------
    user
        Codes of users: positions in ``ids``.
    at
        Microseconds since 1970.
    kind
        Codes; positions in ``FACT_KINDS``.
    points
        Whole; 0 for a reversal of all that is left, and for a reinstatement.
    target
        Row of what is reversed; -1 for what is no reversal.
    row
        Position in the source.
    ids
        All users of the source, ascending, whether they have facts or not.
    origin
        What kind of table it was.
    """

    user: NDArray[np.int64]
    at: NDArray[np.int64]
    kind: NDArray[np.int64]
    points: NDArray[np.int64]
    target: NDArray[np.int64]
    row: NDArray[np.int64]
    ids: Ids
    origin: Origin

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first row of each user, then the end. Shape ``(users + 1,)``."""
        return np.searchsorted(self.user, np.arange(len(self.ids) + 1))


def read_facts(
    source: Any, as_of: int, *, tz: str | None = None, unit: str | None = None
) -> FactColumns:
    """Read a table of facts.

    Parameters
    ----------
    source
        With the columns user, at and points; with ``kind`` (a word in
        ``FACT_KINDS``; all rows are earned without it), ``id`` (needed to reverse
        and to know repeats) and ``of`` (the id of what is reversed, of the same
        user). Ids are unique within a user.
    as_of
        Later facts are left out, microseconds since 1970.
    tz, unit
        As for ``read_log``.

    Returns
    -------
    FactColumns
        Each fact once.

    Raises
    ------
    InvalidInputError
        If a cell breaks its rule, a reversal has no target before it, or two
        different facts of a user share an id.
    """
    table = read_table(source, ("user", "at", "points"), ("kind", "id", "of"))
    user, ids = table.users("user")
    at, origin = table.times("at", tz=tz, unit=unit)
    table.refuse("at", at < 0, "within the years 1970 to 2199")
    kind = _kinds(table)
    points = _points(table, kind)
    names, of = _ids(table, kind)
    found = np.flatnonzero(at <= as_of)
    found = _once(table, found, user, names.codes, (at, kind, points, of.codes))
    found = _ordered(found, names, user, at, kind)
    return FactColumns(
        user=user[found],
        at=at[found],
        kind=kind[found],
        points=points[found],
        target=_targets(table, found, user=user, kind=kind, names=names, of=of),
        row=found,
        ids=ids,
        origin=origin,
    )


def _kinds(table: Table) -> NDArray[np.int64]:
    if "kind" not in table:
        return np.full(table.rows, EARNED, dtype=np.int64)
    words = codes_of(table.columns["kind"])
    known = [*map(str, _listed(words.values))]
    codes = [FACT_KINDS.index(word) if word in FACT_KINDS else -1 for word in known]
    kind = np.array([*codes, -1], dtype=np.int64)[words.codes]
    table.refuse("kind", kind < 0, "one of " + ", ".join(FACT_KINDS))
    return kind


def _points(table: Table, kind: NDArray[np.int64]) -> NDArray[np.int64]:
    points, missing = table.whole("points", 0, MOST_POINTS)
    counted = (kind == EARNED) | (kind == SPENT)
    wrong = (counted & missing) | ((points == 0) & ~missing & (kind != REINSTATED))
    table.refuse("points", wrong, "a whole number from 1")
    total = points.sum(dtype=np.float64)
    if total > _MOST_IN_ALL:
        raise InvalidInputError("points", total, "less than 2**61 in all")
    return np.where(kind == REINSTATED, 0, points)


def _ids(table: Table, kind: NDArray[np.int64]) -> tuple[Codes, Codes]:
    """Return the ids of facts, and those that reversals name."""
    undone = kind == REVERSED
    for name in ("id", "of"):
        if name not in table and undone.any():
            hint = "a reversal says by `of` which `id` it takes back"
            got = sorted(table.columns)
            raise InvalidInputError("source", got, f"with a column {name!r}", hint)
    if "id" not in table:
        rows = np.arange(table.rows)
        return Codes(rows, rows), Codes(np.full(table.rows, -1), rows)
    names = table.ids("id")
    if "of" not in table:
        return names, Codes(np.full(table.rows, -1), np.zeros(0, dtype=object))
    of = codes_of(table.columns["of"])
    table.refuse("of", undone & (of.codes < 0), "the id of what is reversed")
    return names, Codes(np.where(undone, of.codes, -1), of.values)


def _once(
    table: Table,
    rows: NDArray[np.int64],
    user: NDArray[np.int64],
    name: NDArray[np.int64],
    content: tuple[NDArray[np.int64], ...],
) -> NDArray[np.int64]:
    """Leave out repeats; refuse another fact under the same id."""
    if not rows.size or np.bincount(name[rows]).max() == 1:
        return rows
    ordered = rows[np.lexsort((rows, name[rows], user[rows]))]
    first, second = ordered[:-1], ordered[1:]
    same = (user[first] == user[second]) & (name[first] == name[second])
    differs = np.zeros(len(same), dtype=np.bool_)
    for column in content:
        differs |= column[first] != column[second]
    torn = np.zeros(table.rows, dtype=np.bool_)
    torn[second[same & differs]] = True
    table.refuse("id", torn, "of one fact only: another one of this user has it")
    return np.sort(ordered[np.append(True, ~same)])


def _ordered(
    rows: NDArray[np.int64],
    names: Codes,
    user: NDArray[np.int64],
    at: NDArray[np.int64],
    kind: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return rows by user, instant, kind and id."""
    keys = (at[rows] * len(FACT_KINDS) + kind[rows], user[rows])
    order = np.lexsort(keys)
    ties = np.ones(max(len(rows) - 1, 0), dtype=np.bool_)
    for key in keys:
        ties &= key[order][1:] == key[order][:-1]
    if not ties.any():
        return rows[order]
    # Text is compared in Python, which takes long: only where it decides.
    tied = np.append(ties, False) | np.append(False, ties)
    codes = np.unique(names.codes[rows[order[tied]]])
    keyed = [*map(order_of_id, _listed(names.values.take(codes)))]
    rank = np.zeros(int(names.codes.max()) + 1, dtype=np.int64)
    rank[codes[sorted(range(len(codes)), key=keyed.__getitem__)]] = np.arange(
        len(codes)
    )
    return rows[np.lexsort((rank[names.codes[rows]], *keys))]


def _targets(
    table: Table,
    found: NDArray[np.int64],
    *,
    user: NDArray[np.int64],
    kind: NDArray[np.int64],
    names: Codes,
    of: Codes,
) -> NDArray[np.int64]:
    """Return the place among ``found`` of what each of them reverses."""
    target = np.full(len(found), -1)
    undone = np.flatnonzero(kind[found] == REVERSED)
    if not undone.size:
        return target
    concerned = np.isin(user[found], user[found[undone]]) & (kind[found] <= SPENT)
    places = np.flatnonzero(concerned)
    known = _keyed(user[found[places]], names, found[places])
    place_of = dict(zip(known, places.tolist(), strict=True))
    wanted = _keyed(user[found[undone]], of, found[undone])
    target[undone] = [place_of.get(key, -1) for key in wanted]
    lost = np.zeros(table.rows, dtype=np.bool_)
    lost[found[undone[(target[undone] < 0) | (target[undone] > undone)]]] = True
    rule = "the id of an earning or a spending of this user not after the reversal"
    table.refuse("of", lost, rule)
    return target


def _keyed(
    user: NDArray[np.int64], names: Codes, rows: NDArray[np.int64]
) -> list[tuple[int, tuple[bool, str | int]]]:
    values = _listed(names.values.take(names.codes[rows]))
    # In a column with empty cells pandas keeps whole numbers as floats.
    whole = [int(x) if isinstance(x, float) and x.is_integer() else x for x in values]
    return [*zip(user.tolist(), map(order_of_id, whole), strict=True)]


def _listed(values: Any) -> list[Any]:
    listed: list[Any] = (
        values.tolist() if isinstance(values, np.ndarray) else values.to_pylist()
    )
    return listed
