"""The statements of a table (语句), written once for each dialect."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from wxengage.stores.layouts import Layout, layout_of
from wxengage.stores.seals import SEAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.stores.schema import Index, Key, Value
    from wxengage.stores.sql import Dialect

__all__ = ["Statements", "statements_of"]


class Statements:
    """The statements of one table in one dialect (语句).

    Parameters
    ----------
    dialect
        How the engine writes things.
    layout
        Of the table.
    """

    def __init__(self, dialect: Dialect, layout: Layout) -> None:
        self._dialect = dialect
        self._layout = layout
        table = layout.table
        columns = (*table.names, SEAL) if table.sealed else table.names
        self._name = dialect.table(table.name)
        self._columns = dialect.listed(columns)
        self._key = dialect.listed(table.key)
        marks = ", ".join([dialect.placeholder] * len(columns))
        into = f"INSERT INTO {self._name} ({self._columns}) VALUES ({marks})"
        others = [name for name in columns if name not in table.key]
        values = ", ".join(
            dialect.new_value.format(column=dialect.quoted(name)) for name in others
        )
        first = dialect.quoted(table.key[0])
        #: Adds a row, unless one of its key is there.
        self.insert = into + dialect.keep_old.format(key=self._key, first=first)
        #: Writes a row.
        self.put = into + dialect.take_new.format(key=self._key, values=values)
        #: Reads the row of one key.
        self.one = f"SELECT {self._columns} FROM {self._name} WHERE {self._is_key()}"
        self._made: dict[tuple[object, ...], str] = {}

    def _is_key(self) -> str:
        mark = self._dialect.placeholder
        names = map(self._dialect.quoted, self._layout.table.key)
        return " AND ".join(f"{name} = {mark}" for name in names)

    def some(self, count: int) -> str:
        """Return what reads the rows of so many keys."""
        return self._kept(("some", count), lambda: self._select(self._among(count)))

    def remove(self, count: int) -> str:
        """Return what takes out the rows of so many keys."""
        return self._kept(
            ("remove", count), lambda: f"DELETE FROM {self._name}{self._among(count)}"
        )

    def walk(self, *, after: bool) -> str:
        """Return what reads on in the order of keys: after a key, and a limit."""

        def make() -> str:
            where = f" WHERE {self._beyond()}" if after else ""
            mark = self._dialect.placeholder
            return self._select(f"{where} ORDER BY {self._key} LIMIT {mark}")

        return self._kept(("walk", after), make)

    def after(self, key: Key) -> tuple[Value, ...]:
        """Return the values of a key as ``walk`` takes them."""
        if self._dialect.compares_rows:
            return key
        return tuple(value for n in range(len(key)) for value in key[: n + 1])

    def find(
        self,
        index: Index,
        equals: int,
        bounds: tuple[int | None, int | None],
        *,
        limited: bool,
        newest: bool,
    ) -> str:
        """Return what reads rows by an index: equals, bounds, and a limit."""
        shape = (bounds[0] is not None, bounds[1] is not None)

        def make() -> str:
            where = self._where(index, equals, shape)
            way = " DESC" if newest else ""
            names = map(self._dialect.quoted, self._layout.order_of(index))
            order = ", ".join(name + way for name in names)
            limit = f" LIMIT {self._dialect.placeholder}" if limited else ""
            return self._select(f"{where} ORDER BY {order}{limit}")

        return self._kept(("find", index.name, equals, shape, limited, newest), make)

    def count(self, index: Index | None, equals: int) -> str:
        """Return what counts rows, of so many values of an index's columns."""
        start = f"SELECT count(*) FROM {self._name}"
        if index is None:
            return start
        where = self._where(index, equals, (False, False))
        return self._kept(("count", index.name, equals), lambda: start + where)

    def _kept(self, what: tuple[object, ...], make: Callable[[], str]) -> str:
        found = self._made.get(what)
        if found is None:
            found = self._made[what] = make()
        return found

    def _select(self, end: str) -> str:
        return f"SELECT {self._columns} FROM {self._name}{end}"

    def _among(self, count: int) -> str:
        mark = self._dialect.placeholder
        width = len(self._layout.table.key)
        if width == 1:
            return f" WHERE {self._key} IN ({', '.join([mark] * count)})"
        # SQLite searches for a row among rows by reading the whole table.
        names = map(self._dialect.quoted, self._layout.table.key)
        one = " AND ".join(f"{name} = {mark}" for name in names)
        return f" WHERE {' OR '.join([f'({one})'] * count)}"

    def _beyond(self) -> str:
        mark = self._dialect.placeholder
        names = list(map(self._dialect.quoted, self._layout.table.key))
        if self._dialect.compares_rows and len(names) > 1:
            return f"({self._key}) > ({', '.join([mark] * len(names))})"
        ways = []
        for n, name in enumerate(names):
            same = [f"{before} = {mark}" for before in names[:n]]
            ways.append(" AND ".join([*same, f"{name} > {mark}"]))
        return "(" + " OR ".join(ways) + ")"

    def _where(self, index: Index, equals: int, shape: tuple[bool, bool]) -> str:
        mark = self._dialect.placeholder
        names = list(map(self._dialect.quoted, index.columns))
        parts = [f"{name} = {mark}" for name in names[:equals]]
        signs = (">=", "<")
        parts += [
            f"{names[equals]} {sign} {mark}"
            for sign, given in zip(signs, shape, strict=True)
            if given
        ]
        if self._layout.is_partial(index):
            parts.append(f"{names[-1]} IS NOT NULL")
        return f" WHERE {' AND '.join(parts)}" if parts else ""


@functools.cache
def statements_of(dialect: Dialect, table: str) -> Statements:
    """Return the statements of a table, made once."""
    return Statements(dialect, layout_of(table))
