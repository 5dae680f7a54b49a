"""A store in memory (内存存储): for tests, for notebooks, for trying things out.

It keeps every promise of the others but one: nothing survives the process. Rows are
the values themselves, so there is no disk between writing and reading on which one
could be damaged, and sealed tables carry no checksum here.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right, insort
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wxengage.errors import InvalidInputError
from wxengage.stores.checked import CheckedTransaction
from wxengage.stores.clocks import utc_now
from wxengage.stores.errors import StoreError, TakenError
from wxengage.stores.layouts import Layout, layout_of, picker
from wxengage.stores.schema import TABLES
from wxengage.stores.sqlite import SqliteStore
from wxengage.stores.sqlite_files import refuse_existing, write_whole
from wxengage.stores.turns import Turns
from wxengage.times.zones import require_aware

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Index, Key, Row, Value

__all__ = ["MemoryStore"]

T = TypeVar("T")
_WHERE: Final = "memory://"


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


class _MemoryTransaction(CheckedTransaction):
    """What a transaction sees of the memory, and how to undo what it did."""

    def __init__(self, tables: dict[str, _Rows], *, write: bool) -> None:
        super().__init__(_WHERE, write=write)
        self._tables = tables
        self._undo: list[tuple[_Rows, Key, Row | None]] = []

    def undo(self) -> None:
        """Put everything back as it was, the last change first."""
        while self._undo:
            there, key, was = self._undo.pop()
            there.set(key, was)

    def _lock(self, names: Sequence[str]) -> None:
        """Do nothing: there is one transaction at a time."""

    def _insert(self, layout: Layout, rows: Sequence[Row]) -> Iterable[bool]:
        there = self._tables[layout.table.name]
        new = []
        for row in rows:
            key = layout.key_of(row)
            new.append(key not in there.by_key)
            if new[-1]:
                self._set(there, key, row)
        return new

    def _put(self, layout: Layout, rows: Sequence[Row]) -> None:
        there = self._tables[layout.table.name]
        for row in rows:
            self._set(there, layout.key_of(row), row)

    def _get(self, layout: Layout, keys: Sequence[Key]) -> dict[Key, Row]:
        found = self._tables[layout.table.name].by_key
        return {key: found[key] for key in keys if key in found}

    def _find(
        self,
        layout: Layout,
        index: Index,
        equals: tuple[Value, ...],
        bounds: tuple[int | None, int | None],
        *,
        limit: int | None,
        newest: bool,
    ) -> tuple[Row, ...]:
        there = self._tables[layout.table.name]
        order = there.orders[index.name]
        keys = order.keys(*order.bounds(equals, *bounds), newest=newest)
        return tuple(there.by_key[key] for key in islice(keys, limit))

    def _walk(self, layout: Layout, after: Key | None, limit: int) -> tuple[Row, ...]:
        there = self._tables[layout.table.name]
        start = 0 if after is None else there.in_order.after(after)
        end = min(start + limit, len(there.in_order))
        return tuple(there.by_key[key] for key in there.in_order.keys(start, end))

    def _count(
        self, layout: Layout, index: Index | None, equals: tuple[Value, ...]
    ) -> int:
        there = self._tables[layout.table.name]
        if index is None:
            return len(there.by_key)
        low, high = there.orders[index.name].bounds(equals)
        return high - low

    def _remove(self, layout: Layout, keys: Sequence[Key]) -> int:
        there = self._tables[layout.table.name]
        gone = [key for key in dict.fromkeys(keys) if key in there.by_key]
        self._undo.extend((there, key, there.set(key, None)) for key in gone)
        return len(gone)

    def _set(self, there: _Rows, key: Key, row: Row) -> None:
        if index := there.taken(key, row):
            self._fail(TakenError.of(there.layout.table.name, index))
        self._undo.append((there, key, there.set(key, row)))


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
        self._process = os.getpid()

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
        if self._process != os.getpid():
            raise StoreError(
                "a store in memory cannot be shared with another process",
                _WHERE,
                "open a store in a file, as in 'sqlite:///engage.db'",
            )
        with self._turns.alone():
            transaction = _MemoryTransaction(self._tables, write=write)
            done = False
            try:
                result = work(transaction)
                done = transaction.end() is None
            finally:
                failure = transaction.end()
                if not done:
                    transaction.undo()
            if failure:
                raise failure
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

    def compact(self) -> None:
        """Do nothing: what was removed is gone."""

    def backup(self, path: str | Path) -> None:
        """Write all rows as of one instant into a new SQLite file."""
        path = Path(path).absolute()
        refuse_existing(path)
        rows = self.run(
            lambda _: {
                name: tuple(of.by_key.values()) for name, of in self._tables.items()
            },
            write=False,
        )

        def fill(transaction: Transaction) -> None:
            for name, of_table in rows.items():
                transaction.put(name, of_table)

        def write(part: Path) -> None:
            copy = SqliteStore(part, processes="one")
            try:
                copy.run(fill)
            finally:
                copy.close()

        write_whole(path, write)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
