"""Rows in tables of PostgreSQL (PostgreSQL 方言与事务), by psycopg 3."""

from __future__ import annotations

import functools
import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.stores.errors import (
    FloorError,
    StoreBusyError,
    StoreError,
    StoreUnreachableError,
    StoreVersionError,
    TakenError,
)
from wxengage.stores.seals import SEAL
from wxengage.stores.served import first_line
from wxengage.stores.sql import PREFIX, Dialect, SqlTransaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from wxengage.stores.layouts import Layout
    from wxengage.stores.schema import Key, Row

__all__ = ["DIALECT", "PostgresTransaction", "lent", "load_psycopg", "meaning_of"]

_TYPES: Final = MappingProxyType(
    {
        "id": 'text COLLATE "C"',
        "text": "text",
        "whole": "bigint",
        "real": "double precision",
    }
)
#: How PostgreSQL writes things.
DIALECT: Final = Dialect(
    name="postgresql",
    placeholder="%s",
    quote='"',
    types=_TYPES,
    has_table="SELECT 1 WHERE to_regclass(%s) IS NOT NULL",
)
# No room for another lock in the table that all transactions share.
_FULL: Final = "53200"
# Serialization failure, deadlock, lock not available.
_BUSY: Final = ("40001", "40P01", "55P03", _FULL)
# A server has room for some 6,400 locks of all transactions together. A batch that
# needs more names of one kind than this holds them all.
_SLOTS: Final = 1024
# Connection, too many of them, the server goes down or comes up.
_AWAY: Final = ("08", "533", "57P")


def load_psycopg() -> ModuleType:
    """Return the driver, or say how to get it."""
    try:
        import psycopg  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtraError("psycopg", "postgres") from None
    return psycopg


def meaning_of(error: Exception, where: str, layout: Layout | None) -> StoreError:
    """Return what an error of psycopg means."""
    state = getattr(error, "sqlstate", None) or ""
    table = layout.table.name if layout else where
    if state == "23514" and layout and layout.table.floor:
        return FloorError.of(table, layout.table.floor)
    if state == "23505":
        name = getattr(getattr(error, "diag", None), "constraint_name", None) or ""
        return TakenError.of(table, name.removeprefix(f"{PREFIX}{table}_"))
    if state in _BUSY:
        hint = "do it again later, or keep transactions shorter"
        if state == _FULL:
            hint = "raise max_locks_per_transaction of the server"
        return StoreBusyError(first_line(error), where, hint)
    driver = load_psycopg()
    hung_up = (driver.OperationalError, driver.InterfaceError)
    if state.startswith(_AWAY) or (not state and isinstance(error, hung_up)):
        hint = "see whether the server runs and lets this user in"
        return StoreUnreachableError(first_line(error), where, hint)
    if state == "42P01":
        hint = "open it once with create=True"
        return StoreVersionError(first_line(error), where, hint)
    known = f"look up SQLSTATE {state}, and " if state else ""
    hint = f"{known}see the server's log"
    return StoreError(first_line(error), where, hint)


def _number(name: str) -> int:
    """Return the number under which a name is locked; two of a kind may share one."""
    # The kind stands before the colon. Two kinds share nothing, so of two who take
    # kind after kind in one order, neither waits for the other for ever.
    kind = int.from_bytes(_hashed(name.partition(":")[0]), "big", signed=True)
    return kind * _SLOTS + int.from_bytes(_hashed(name), "big") % _SLOTS


def _hashed(text: str) -> bytes:
    return hashlib.blake2b(f"{PREFIX}{text}".encode(), digest_size=6).digest()


@functools.cache
def _bulk(layout: Layout, end: str) -> str:
    """Return the INSERT of many rows, which come as one array for each column."""
    columns = {column.name: column.kind for column in layout.table.columns}
    if layout.table.sealed:
        columns[SEAL] = "whole"
    arrays = ", ".join(
        f"%s::{_TYPES[kind].split(' C')[0]}[]" for kind in columns.values()
    )
    into = f"{DIALECT.table(layout.table.name)} ({DIALECT.listed(columns)})"
    return f"INSERT INTO {into} SELECT * FROM unnest({arrays}){end}"


class PostgresTransaction(SqlTransaction):
    """A transaction of a connection of psycopg."""

    def __init__(self, connection: Any, where: str, *, write: bool) -> None:
        self.errors = load_psycopg().Error
        super().__init__(connection, DIALECT, where, write=write)

    def _new_cursor(self, connection: Any) -> Any:
        driver = load_psycopg()
        # An application's connection may have cursors and rows of its own kind.
        return driver.Cursor(connection, row_factory=driver.rows.tuple_row)

    def _meaning(self, error: Exception, layout: Layout | None) -> StoreError:
        return meaning_of(error, self.where, layout)

    def _lock(self, names: Sequence[str]) -> None:
        numbers = sorted(set(map(_number, names)))
        if numbers:
            sql = "SELECT count(pg_advisory_xact_lock(n)) FROM unnest(%s::bigint[]) n"
            self.execute(sql, (numbers,))  # type: ignore[arg-type]  # one array

    def _insert_new(
        self, layout: Layout, sql: str, rows: Sequence[Row]
    ) -> Iterable[bool]:
        if len(rows) == 1:
            self._cursor.execute(sql, rows[0])
            return (self._cursor.rowcount == 1,)
        key_of = layout.key_of
        first = {key_of(row): row for row in reversed(rows)}
        names = DIALECT.listed(layout.table.key)
        end = f" ON CONFLICT ({names}) DO NOTHING RETURNING {names}"
        self._write_many(layout, end, first)
        new = set(self._cursor.fetchall())
        told = []  # of several rows of a key the first was new
        for row in rows:
            key = key_of(row)
            told.append(key in new)
            new.discard(key)
        return told

    def _put_all(self, layout: Layout, sql: str, rows: Sequence[Row]) -> None:
        if len(rows) == 1:
            self._cursor.execute(sql, rows[0])
            return
        if any(index.unique for index in layout.table.indexes):
            # One row may make room for the next.
            self._cursor.executemany(sql, rows)
            return
        end = sql[sql.index(" ON CONFLICT") :]
        self._write_many(layout, end, {layout.key_of(row): row for row in rows})

    def _write_many(self, layout: Layout, end: str, rows: dict[Key, Row]) -> None:
        """Write rows in the order of their keys: two that meet do not cross."""
        columns = zip(*(rows[key] for key in sorted(rows)), strict=True)
        self._cursor.execute(_bulk(layout, end), list(map(list, columns)))


def lent(connection: Any) -> PostgresTransaction:
    """Return the transaction that an application's connection of psycopg is in.

    Parameters
    ----------
    connection
        In a transaction.

    Returns
    -------
    PostgresTransaction
        The same transaction.

    Raises
    ------
    InvalidInputError
        If it sees one instant only: what it reads under a lock would be older than
        the lock.
    """
    where = f"postgresql:///{connection.info.dbname}"
    transaction = PostgresTransaction(connection, where, write=True)
    level = transaction.execute("SHOW transaction_isolation")[0][0]
    if level != "read committed":
        hint = "begin it with ISOLATION LEVEL READ COMMITTED, which is the default"
        rule = "in a transaction that sees the latest rows"
        raise InvalidInputError("connection", level, rule, hint)
    return transaction
