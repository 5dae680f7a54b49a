"""One transaction's worth of rows (工作单元): read once, written once.

A grant touches a dozen rows, and a batch of events touches some of them again and
again. Rows that were read are kept, rows that change wait, and all that waits is
written in as few statements as there are tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from wxengage.stores.layouts import layout_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Key, Row, Value

__all__ = ["Unit"]

T = TypeVar("T")


class Unit:
    """Rows as one piece of work sees them.

    Parameters
    ----------
    tx
        The transaction. Flush before it ends.
    """

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self._rows: dict[str, dict[Key, Row | None]] = {}
        self._changed: dict[str, dict[Key, None]] = {}
        self._made: dict[str, Any] = {}

    def load(self, table: str, keys: Iterable[Key]) -> None:
        """Read rows of which it is known that they will be asked for."""
        rows = self._rows.setdefault(table, {})
        missing = [key for key in dict.fromkeys(keys) if key not in rows]
        if missing:
            found = self.tx.get(table, missing)
            rows.update({key: found.get(key) for key in missing})

    def get(self, table: str, *key: str | int) -> Row | None:
        """Return a row, None where there is none."""
        rows = self._rows.setdefault(table, {})
        if key not in rows:
            self.load(table, [key])
        return rows[key]

    def put(self, table: str, row: Row) -> None:
        """Write a row, in the place of the one with its key."""
        key = layout_of(table).key_of(row)
        self._rows.setdefault(table, {})[key] = row
        self._changed.setdefault(table, {})[key] = None

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
        """Return rows by an index, what waits to be written included."""
        self._write(table)
        return self.tx.find(
            table,
            index,
            equals,
            least=least,
            below=below,
            limit=limit,
            newest=newest,
        )

    def lock(self, names: Iterable[str]) -> None:
        """Hold names until the end; what was read before may have changed since."""
        self.tx.lock(names)

    def forget(self, table: str) -> None:
        """Read rows anew from now on, but for those that were changed here.

        To be called after a lock was waited for: somebody else may have changed them.
        """
        changed = self._changed.get(table, {})
        rows = self._rows.get(table, {})
        self._rows[table] = {key: rows[key] for key in changed}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what was made under a name in this transaction, or make it now."""
        if name not in self._made:
            self._made[name] = make()
        made: T = self._made[name]
        return made

    def flush(self) -> None:
        """Write all that waits."""
        for table in tuple(self._changed):
            self._write(table)

    def end(self) -> None:
        """Let go of everything: what was made here knows the unit, which knows it."""
        self._made.clear()
        self._rows.clear()

    def _write(self, table: str) -> None:
        changed = self._changed.get(table)
        if changed:
            rows = self._rows[table]
            self.tx.put(table, [row for key in changed if (row := rows[key])])
            changed.clear()
