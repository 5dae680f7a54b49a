"""A store in memory (内存存储): for tests, for notebooks, for trying things out.

It keeps every promise of the others but one: nothing survives the process. Rows are
the values themselves, so there is no disk between writing and reading on which one
could be damaged, and sealed tables carry no checksum here.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right, insort
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from wxengage.errors import InvalidInputError, StoreError, TakenError
from wxengage.stores.layouts import Layout, check_limit, layout_of, picker
from wxengage.stores.schema import TABLES
from wxengage.stores.turns import Turns
from wxengage.times.zones import require_aware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Index, Key, Row, Value

__all__ = ["MemoryStore", "utc_now"]

T = TypeVar("T")
_WHERE: Final = "memory://"


def utc_now() -> dt.datetime:
    """Return the instant by this machine's clock."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251  a store has a clock


class _Order:
    """Rows of a table in the order of an index, and then of the key (索引)."""

    def __init__(self, layout: Layout, columns: tuple[str, ...], last: int) -> None:
        self._values = picker(layout.table.places(columns))
        self._key = picker(tuple(columns.index(name) for name in layout.table.key))
        # The place of the last column of the index, which may be empty.
        self._last = last
        self._entries: list[tuple[Any, ...]] = []

    def add(self, row: Row) -> None:
        entry = self._values(row)
        if entry[self._last] is None:
            return
        if not self._entries or entry > self._entries[-1]:
            self._entries.append(entry)
        else:
            insort(self._entries, entry)

    def drop(self, row: Row) -> None:
        entry = self._values(row)
        if entry[self._last] is not None:
            del self._entries[bisect_left(self._entries, entry)]

    def other(self, row: Row) -> bool:
        """Tell whether a row is there with the same values of the index."""
        values = self._values(row)[: self._last + 1]
        if values[-1] is None:
            return False
        low, high = self.bounds(values)
        return low < high

    def bounds(
        self,
        equals: tuple[Value, ...],
        least: int | None = None,
        below: int | None = None,
    ) -> tuple[int, int]:
        """Return from where to where in the order these rows are."""
        entries = self._entries
        low = bisect_left(entries, equals if least is None else (*equals, least))
        if below is None:
            start = itemgetter(slice(len(equals)))
            high = bisect_right(entries, equals, lo=low, key=start)
        else:
            high = bisect_left(entries, (*equals, below))
        return low, max(low, high)

    def after(self, key: Key) -> int:
        """Return where in the order of keys the next one is."""
        return bisect_right(self._entries, key)

    def keys(self, low: int, high: int, *, newest: bool = False) -> Iterable[Key]:
        """Return the keys of a part of the order."""
        places = range(high - 1, low - 1, -1) if newest else range(low, high)
        return (self._key(self._entries[place]) for place in places)

    def __len__(self) -> int:
        return len(self._entries)


class _Rows:
    """The rows of one table, in all its orders."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.by_key: dict[Key, Row] = {}
        key = layout.table.key
        self.in_order = _Order(layout, key, len(key) - 1)
        self.orders = {
            index.name: _Order(layout, layout.order_of(index), len(index.columns) - 1)
            for index in layout.table.indexes
        }
        self._unique: tuple[Index, ...] = tuple(
            index for index in layout.table.indexes if index.unique
        )

    def set(self, key: Key, row: Row | None) -> Row | None:
        """Put a row in the place of another, or nothing; return what was there."""
        was = self.by_key.pop(key, None)
        if was is not None:
            self.in_order.drop(was)
            for order in self.orders.values():
                order.drop(was)
        if row is not None:
            self.by_key[key] = row
            self.in_order.add(row)
            for order in self.orders.values():
                order.add(row)
        return was

    def taken(self, key: Key, row: Row) -> str | None:
        """Return the index in which another row has the place of this one."""
        was = self.by_key.get(key)
        for index in self._unique:
            place = picker(self.layout.table.places(index.columns))
            if was is not None and place(was) == place(row):
                continue
            if self.orders[index.name].other(row):
                return index.name
        return None


class _MemoryTransaction:
    """What a transaction sees of the memory, and how to undo what it did."""

    def __init__(self, tables: dict[str, _Rows], *, write: bool) -> None:
        self._tables = tables
        self._write = write
        self._undo: list[tuple[_Rows, Key, Row | None]] = []
        self._open = True
        self._failure: StoreError | None = None

    def lock(self, names: Iterable[str]) -> None:
        """Do nothing more: there is one transaction at a time."""
        tuple(names)
        self._usable()

    def insert(self, table: str, rows: Sequence[Row]) -> tuple[bool, ...]:
        """Add rows whose key is not there yet; say of each whether it is new."""
        there = self._table(table, write=True)
        new = []
        for row in self._checked(there.layout, rows):
            key = there.layout.key_of(row)
            new.append(key not in there.by_key)
            if new[-1]:
                self._set(there, key, row)
        return tuple(new)

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Write rows, each in the place of the one with its key, if any."""
        there = self._table(table, write=True)
        for row in self._checked(there.layout, rows):
            self._set(there, there.layout.key_of(row), row)

    def get(self, table: str, keys: Iterable[Key]) -> dict[Key, Row]:
        """Return the rows of keys; those that are not there are left out."""
        there = self._table(table)
        found = there.by_key
        return {
            key: found[key] for key in there.layout.check_keys(keys) if key in found
        }

    def find(
        self,
        table: str,
        index: str,
        equals: tuple[Value, ...] = (),
        *,
        least: int | None = None,
        below: int | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> tuple[Row, ...]:
        """Return rows by an index."""
        there = self._table(table)
        layout = there.layout
        layout.check_search(
            layout.index(index), equals, least=least, below=below, limit=limit
        )
        order = there.orders[index]
        keys = order.keys(*order.bounds(equals, least, below), newest=newest)
        return tuple(there.by_key[key] for key in islice(keys, limit))

    def walk(
        self, table: str, *, after: Key | None = None, limit: int = 1000
    ) -> tuple[Row, ...]:
        """Return the next rows after a key, in the order of keys."""
        there = self._table(table)
        check_limit(limit)
        start = 0
        if after is not None:
            start = there.in_order.after(there.layout.check_keys((after,))[0])
        end = min(start + limit, len(there.in_order))
        return tuple(there.by_key[key] for key in there.in_order.keys(start, end))

    def count(
        self, table: str, index: str | None = None, equals: tuple[Value, ...] = ()
    ) -> int:
        """Return how many rows there are, of these values of an index's columns."""
        there = self._table(table)
        if index is None:
            there.layout.check_no_values(equals)
            return len(there.by_key)
        there.layout.check_search(there.layout.index(index), equals)
        low, high = there.orders[index].bounds(equals)
        return high - low

    def remove(self, table: str, keys: Iterable[Key]) -> int:
        """Take rows out, and say how many were there."""
        there = self._table(table, write=True)
        gone = 0
        for key in there.layout.check_keys(keys):
            if key in there.by_key:
                self._undo.append((there, key, there.set(key, None)))
                gone += 1
        return gone

    def end(self) -> StoreError | None:
        """Take no more, and return what went wrong and must not be passed over."""
        self._open = False
        return self._failure

    def undo(self) -> None:
        """Put everything back as it was, the last change first."""
        self._open = False
        while self._undo:
            there, key, was = self._undo.pop()
            there.set(key, was)

    def _table(self, name: str, *, write: bool = False) -> _Rows:
        self._usable()
        if write and not self._write:
            raise StoreError(
                "this transaction only reads", _WHERE, "use run(work, write=True)"
            )
        return self._tables[layout_of(name).table.name]

    def _usable(self) -> None:
        if not self._open:
            raise StoreError(
                "this transaction is over", _WHERE, "do all of the work within run"
            )
        if self._failure is not None:
            raise self._failure

    def _checked(self, layout: Layout, rows: Sequence[Row]) -> Sequence[Row]:
        try:
            return layout.check_rows(rows)
        except StoreError as error:
            self._fail(error)

    def _set(self, there: _Rows, key: Key, row: Row) -> None:
        if index := there.taken(key, row):
            self._fail(TakenError.of(there.layout.table.name, index))
        self._undo.append((there, key, there.set(key, row)))

    def _fail(self, error: StoreError) -> NoReturn:
        """Raise an error after which nothing of this transaction can be kept."""
        self._failure = error
        raise error


class MemoryStore:
    """Rows in dictionaries, one transaction at a time (内存存储).

    Parameters
    ----------
    now
        Replaces the clock.

    Examples
    --------
    >>> store = MemoryStore()
    >>> store.run(lambda tx: tx.insert("freeze", [("f1", "{}"), ("f1", "other")]))
    (True, False)
    >>> store.run(lambda tx: tx.get("freeze", [("f1",), ("f2",)]), write=False)
    {('f1',): ('f1', '{}')}
    """

    def __init__(self, *, now: Callable[[], dt.datetime] | None = None) -> None:
        self._tables = {name: _Rows(layout_of(name)) for name in TABLES}
        self._now = now or utc_now
        self._turns = Turns(_WHERE)

    @property
    def name(self) -> str:
        """What it is, for people."""
        return "memory"

    @property
    def durable(self) -> bool:
        """Nothing survives the process."""
        return False

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do some work in one transaction, once; what it raises undoes it."""
        if self._turns.is_foreign:
            raise StoreError(
                "a store in memory cannot be shared with another process",
                _WHERE,
                "open a store in a file, as in 'sqlite:///engage.db'",
            )
        with self._turns.alone():
            transaction = _MemoryTransaction(self._tables, write=write)
            try:
                result = work(transaction)
                if failure := transaction.end():
                    raise failure
            except BaseException:
                transaction.undo()
                raise
            return result

    def within(self, connection: object) -> Transaction:
        """Refuse: there is no connection to memory."""
        hint = "use run, or a store of the application's own database"
        raise InvalidInputError("connection", connection, "left out here", hint)

    def now(self) -> dt.datetime:
        """Return the instant by this machine's clock."""
        return require_aware("now", self._now())

    def ddl(self) -> str:
        """Return nothing: there is nothing to make."""
        return ""

    def verify(self) -> tuple[str, ...]:
        """Return nothing: values do not change behind the back of a program."""
        return ()

    def backup(self, path: str | Path) -> None:
        """Write all rows as of one instant into a new SQLite file."""
        raise NotImplementedError(path)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
