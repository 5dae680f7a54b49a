"""Rows in SQLite (SQLite 的行): its dialect, its transactions, what its errors mean."""

from __future__ import annotations

import sqlite3
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.errors import InvalidInputError
from wxengage.stores.errors import (
    FloorError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    TakenError,
)
from wxengage.stores.sql import PREFIX, Dialect, SqlTransaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wxengage.stores.layouts import Layout
    from wxengage.stores.schema import Row

__all__ = ["DIALECT", "ERRORS", "SqliteTransaction", "lent", "meaning"]

#: What sqlite3 raises; also where a damaged file spoils the message of an error.
ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
DIALECT: Final = Dialect(
    name="sqlite",
    placeholder="?",
    quote='"',
    types=MappingProxyType(
        {"id": "TEXT", "text": "TEXT", "whole": "INTEGER", "real": "REAL"}
    ),
    has_table="SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
    table_end=" STRICT",
)


def meaning(error: Exception, where: str, layout: Layout | None) -> StoreError:
    """Return what an error of SQLite means.

    Parameters
    ----------
    error
        As it was raised.
    where
        The store, for messages.
    layout
        Of the table that the statement was about, if it was about one.

    Returns
    -------
    StoreError
        Not raised yet.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE and layout is not None:
        return TakenError.of(layout.table.name, _index_in(str(error), layout))
    if code == sqlite3.SQLITE_CONSTRAINT_CHECK and layout and layout.table.floor:
        return FloorError.of(layout.table.name, layout.table.floor)
    primary = None if code is None else code & 0xFF
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreBusyError(
            "another connection did not let go of it",
            where,
            "look for a transaction that never ends, or one that read before it "
            "began to write",
        )
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or (
        isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error)
    ):
        return StoreDamagedError(
            f"the file is damaged, or no store: {error}",
            where,
            "stop, keep a copy of it, and restore a backup",
        )
    mends = {
        sqlite3.SQLITE_FULL: "make room and do it again: nothing was lost",
        sqlite3.SQLITE_IOERR: "look at the disk, then do it again",
        sqlite3.SQLITE_READONLY: "let this process write the file and its folder",
        sqlite3.SQLITE_CANTOPEN: "look at the path and at who may read it",
    }
    mend = mends.get(primary or 0, "nothing of this transaction was kept")
    return StoreError(str(error), where, mend)


def _index_in(message: str, layout: Layout) -> str:
    """Return the unique index whose columns an error names."""
    table = PREFIX + layout.table.name
    for index in layout.table.indexes:
        columns = ", ".join(f"{table}.{name}" for name in index.columns)
        if index.unique and message.endswith(f": {columns}"):
            return index.name
    return ""


class SqliteTransaction(SqlTransaction):
    """A transaction of SQLite, which has one writer at a time."""

    errors = ERRORS

    def _new_cursor(self, connection: sqlite3.Connection) -> sqlite3.Cursor:
        cursor = connection.cursor()
        cursor.row_factory = None  # an application's own may make no tuples
        return cursor

    def _lock(self, names: Sequence[str]) -> None:
        """Do nothing: whoever writes has the whole file."""

    def _meaning(self, error: Exception, layout: Layout | None) -> StoreError:
        return meaning(error, self._where, layout)

    def end(self) -> StoreError | None:
        """Take no more; whoever keeps an error of this keeps no statement alive."""
        self._cursor.close()
        return super().end()

    def commit(self, connection: sqlite3.Connection) -> None:
        """Keep what was done, or raise why it cannot be kept."""
        if failure := self.end():
            raise failure
        try:
            connection.execute("COMMIT")
        except ERRORS as error:
            raise meaning(error, self._where, None) from error

    def _insert_new(
        self, layout: Layout, sql: str, rows: Sequence[Row]
    ) -> Iterable[bool]:
        """Add all at once: SQLite numbers rows, and new ones come after the last."""
        if len(rows) == 1:
            return super()._insert_new(layout, sql, rows)
        cursor, name = self._cursor, DIALECT.table(layout.table.name)
        (last,) = cursor.execute(f"SELECT max(rowid) FROM {name}").fetchone()
        cursor.executemany(sql, rows)
        if cursor.rowcount == len(rows):
            return [True] * len(rows)
        key = DIALECT.listed(layout.table.key)
        cursor.execute(f"SELECT {key} FROM {name} WHERE rowid > ?", (last or 0,))
        new = set(cursor.fetchall())
        told = []  # of several rows of a key the first was new
        for row in rows:
            own = layout.key_of(row)
            told.append(own in new)
            new.discard(own)
        return told


def lent(connection: sqlite3.Connection) -> SqliteTransaction:
    """Return the transaction that an application's own connection is in.

    Parameters
    ----------
    connection
        In a transaction.

    Returns
    -------
    SqliteTransaction
        Which the application ends.

    Raises
    ------
    InvalidInputError
        If the connection gives texts as something else.
    """
    if connection.text_factory is not str:
        hint = "lend a connection of its own, or leave text_factory alone"
        got = connection.text_factory
        raise InvalidInputError("connection.text_factory", got, "str", hint)
    where = "the application's connection"
    return SqliteTransaction(connection, DIALECT, where, write=True)
