"""Rows in tables of MySQL or MariaDB (MySQL 方言与事务), by PyMySQL.

Ids are kept as the bytes of their UTF-8: two of them that differ by case, by an accent
or by a space at the end are two people.
"""

from __future__ import annotations

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
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

    from wxengage.stores.layouts import Layout
    from wxengage.stores.schema import Key, Row, Value

__all__ = [
    "DEADLOCK",
    "DIALECT",
    "MysqlTransaction",
    "code_of",
    "lent",
    "load_pymysql",
    "meaning_of",
    "settings_of",
    "texts",
]

_MUTEX: Final = f"`{PREFIX}mutex`"
_TABLE_END: Final = (
    " ENGINE = InnoDB ROW_FORMAT = DYNAMIC"
    " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
)
#: How MySQL and MariaDB write things. A plain INSERT refuses a key that is there,
#: and names it apart from what else may be wrong; INSERT IGNORE would hide both.
DIALECT: Final = Dialect(
    name="mysql",
    placeholder="%s",
    quote="`",
    types=MappingProxyType(
        {
            "id": "VARBINARY(512)",
            "text": "LONGTEXT",
            "whole": "BIGINT",
            "real": "DOUBLE",
        }
    ),
    has_table=(
        "SELECT 1 FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name = %s"
    ),
    table_end=_TABLE_END,
    keep_old="",
    take_new=" ON DUPLICATE KEY UPDATE {values}",
    new_value="{column} = VALUES({column})",
    partial=False,
    compares_rows=False,
    also=(f"CREATE TABLE {_MUTEX} (slot INT NOT NULL PRIMARY KEY){_TABLE_END}",),
)
_ASK: Final = (
    "SHOW VARIABLES WHERE Variable_name IN ('version', 'sql_mode', 'tx_isolation',"
    " 'transaction_isolation', 'character_set_client', 'character_set_connection',"
    " 'check_constraint_checks', 'innodb_flush_log_at_trx_commit', 'log_bin',"
    " 'sync_binlog')"
)
# As many names as may be waited for apart; more would only fill a table.
_SLOTS: Final = 2**16
_MOST_ROWS: Final = 1000
# Below what a server takes in one statement, of which MySQL 5.7's 4 MB is the least.
_MOST_CHARACTERS: Final = 500_000
_DUPLICATE: Final = 1062
_BELOW_FLOOR: Final = (3819, 4025)
_NO_TABLE: Final = 1146
DEADLOCK: Final = 1213
# Lock wait, and changed since read.
_BUSY: Final = (DEADLOCK, 1205, 1020)
# Connections: too many, refused, killed, lost; the server goes down or comes up.
_AWAY: Final = frozenset(
    {0, 1040, 1047, 1053, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006, 2013}
    | {2055, 4031}
)


def load_pymysql() -> ModuleType:
    """Return the driver, or say how to get it."""
    try:
        import pymysql  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtraError("PyMySQL", "mysql") from None
    return pymysql


def code_of(error: BaseException) -> int:
    """Return the number of an error of PyMySQL; -1 where it has none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else -1


def meaning_of(error: Exception, where: str, layout: Layout | None) -> StoreError:
    """Return what an error of PyMySQL means."""
    code = code_of(error)
    text = str(error.args[1] if len(error.args) > 1 else error)
    table = layout.table.name if layout else where
    if code in _BELOW_FLOOR and layout and layout.table.floor:
        return FloorError.of(table, layout.table.floor)
    if code == _DUPLICATE:
        # ... for key 'wxengage_payout_by_reward'; before it stand the values.
        index = text.rpartition(" for key ")[2].strip("'").rpartition(".")[2]
        return TakenError.of(table, index.removeprefix(f"{PREFIX}{table}_"))
    said = first_line(text)
    if code in _BUSY:
        hint = "do it again later, or keep transactions shorter"
        return StoreBusyError(said, where, hint)
    if code in _AWAY:
        hint = "see whether the server runs and lets this user in"
        return StoreUnreachableError(said or "it hung up", where, hint)
    if code == _NO_TABLE:
        return StoreVersionError(said, where, "open it once with create=True")
    return StoreError(said, where, f"look up error {code}, and see the server's log")


def _slot(name: str) -> int:
    """Return the row that stands for a name; some names share one."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _SLOTS


def _chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut rows into parts that each fit into one statement."""
    part: list[Row] = []
    size = 0
    for row in rows:
        long = sum(len(value) for value in row if isinstance(value, str))
        if part and (len(part) == _MOST_ROWS or size + long > _MOST_CHARACTERS):
            yield part
            part, size = [], 0
        part.append(row)
        size += long
    if part:
        yield part


class MysqlTransaction(SqlTransaction):
    """A transaction of a connection of PyMySQL."""

    def __init__(self, connection: Any, where: str, *, write: bool) -> None:
        self.errors = load_pymysql().Error
        super().__init__(connection, DIALECT, where, write=write)

    def execute(self, sql: str, values: tuple[Value, ...] = ()) -> list[Row]:
        """Run a statement of one's own, and return its rows."""
        return texts(super().execute(sql, values))

    def _new_cursor(self, connection: Any) -> Any:
        # An application's connection may have cursors of its own kind.
        return load_pymysql().cursors.Cursor(connection)

    def _meaning(self, error: Exception, layout: Layout | None) -> StoreError:
        return meaning_of(error, self.where, layout)

    def _fetched(
        self, layout: Layout, sql: str, values: tuple[Value, ...]
    ) -> Sequence[Any]:
        return texts(super()._fetched(layout, sql, values))

    def _lock(self, names: Sequence[str]) -> None:
        slots = tuple(sorted(set(map(_slot, names))))
        if slots:
            marks = ", ".join(["(%s)"] * len(slots))
            self.execute(
                f"INSERT INTO {_MUTEX} (slot) VALUES {marks}"
                " ON DUPLICATE KEY UPDATE slot = slot",
                slots,
            )

    def _insert_new(
        self, layout: Layout, sql: str, rows: Sequence[Row]
    ) -> Iterable[bool]:
        key_of = layout.key_of
        first = {key_of(row): row for row in reversed(rows)}
        # In the order of keys: two that meet do not cross.
        for part in _chunks([first[key] for key in sorted(first)]):
            for key in self._add(layout, sql, {key_of(row): row for row in part}):
                del first[key]
        # Of several rows of a key the first was new.
        return [first.pop(key_of(row), None) is not None for row in rows]

    def _add(self, layout: Layout, sql: str, rows: dict[Key, Row]) -> set[Key]:
        """Add rows, and return the keys of those that were there already."""
        # A statement adds all of its rows or none, and one that fails leaves the
        # transaction as it was.
        there: set[Key] = set()
        tries = 0
        while rows:
            try:
                self._insert_all(sql, list(rows.values()))
                break
            except self.errors as error:
                if code_of(error) != _DUPLICATE:
                    raise
                found = self._keys_of(layout, rows)
                # One that is in the way and then gone may just have been removed.
                tries += not found
                if tries > 1:
                    raise
            there |= found
            rows = {key: row for key, row in rows.items() if key not in found}
        return there

    def _insert_all(self, sql: str, rows: Sequence[Row]) -> None:
        start, _, marks = sql.partition(" VALUES ")
        values = ", ".join([marks] * len(rows))
        flat = [value for row in rows for value in row]
        self._cursor.execute(f"{start} VALUES {values}", flat)

    def _keys_of(
        self, layout: Layout, rows: Iterable[Key], *, hold: bool = False
    ) -> set[Key]:
        """Return which of some keys are there, and hold them if asked to."""
        key = DIALECT.listed(layout.table.key)
        keys = tuple(rows)
        mark = ", ".join(["%s"] * len(layout.table.key))
        marks = ", ".join([f"({mark})"] * len(keys))
        sql = (
            f"SELECT {key} FROM {DIALECT.table(layout.table.name)}"
            f" WHERE ({key}) IN ({marks}){' FOR UPDATE' if hold else ''}"
        )
        return set(self._fetched(layout, sql, tuple(v for key in keys for v in key)))

    def _put_all(self, layout: Layout, sql: str, rows: Sequence[Row]) -> None:
        if any(index.unique for index in layout.table.indexes):
            insert = sql.partition(" ON DUPLICATE KEY")[0]
            for part in _chunks(rows):
                self._put_in_order(layout, insert, part)
            return
        last = {layout.key_of(row): row for row in rows}
        for part in _chunks([last[key] for key in sorted(last)]):
            self._upsert_all(sql, part)

    def _put_in_order(self, layout: Layout, sql: str, rows: Sequence[Row]) -> None:
        """Write rows of a table in which one may be in the place of another.

        ON DUPLICATE KEY would take that one for the one to write over.
        """
        new = {layout.key_of(row): row for row in rows}
        there = self._keys_of(layout, new, hold=True)
        if not there and len(new) == len(rows):
            there = self._add(layout, sql, new)
            rows = [new[key] for key in there]
        for row in rows:
            key = layout.key_of(row)
            if key in there or self._add(layout, sql, {key: row}):
                self._update(layout, key, row)
            there.add(key)

    def _upsert_all(self, sql: str, rows: Sequence[Row]) -> None:
        into, end, values = sql.partition(" ON DUPLICATE KEY UPDATE ")
        start, _, marks = into.partition(" VALUES ")
        many = ", ".join([marks] * len(rows))
        flat = [value for row in rows for value in row]
        self._cursor.execute(f"{start} VALUES {many}{end}{values}", flat)

    def _update(self, layout: Layout, key: Key, row: Row) -> None:
        names = [column.name for column in layout.table.columns]
        if layout.table.sealed:
            names.append(SEAL)
        values = ", ".join(f"{DIALECT.quoted(name)} = %s" for name in names)
        same = " AND ".join(f"{DIALECT.quoted(name)} = %s" for name in layout.table.key)
        table = DIALECT.table(layout.table.name)
        sql = f"UPDATE {table} SET {values} WHERE {same}"
        self._cursor.execute(sql, (*row, *key))


def texts(rows: Sequence[Any]) -> list[Row]:
    """Return rows with the bytes of ids as text again."""
    return [tuple(v.decode() if type(v) is bytes else v for v in row) for row in rows]


def settings_of(execute: Callable[[str], Sequence[Sequence[Any]]]) -> dict[str, str]:
    """Return the settings of a session that matter here."""
    said = {name: str(value) for name, value in execute(_ASK)}
    said["isolation"] = said.get("transaction_isolation") or said["tx_isolation"]
    return said


def lent(connection: Any) -> MysqlTransaction:
    """Return the transaction that an application's connection of PyMySQL is in.

    Parameters
    ----------
    connection
        In a transaction.

    Returns
    -------
    MysqlTransaction
        The same transaction.

    Raises
    ------
    InvalidInputError
        If it sees one instant only: what it reads under a lock would be older than
        the lock. If it cannot speak of every character, or keeps what does not fit
        cut to size.
    """
    database = connection.db
    name = database.decode() if isinstance(database, bytes) else database
    transaction = MysqlTransaction(connection, f"mysql:///{name or ''}", write=True)
    said = settings_of(transaction.execute)
    if said["isolation"] != "READ-COMMITTED":
        hint = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED before it begins"
        rule = "in a transaction that sees the latest rows"
        raise InvalidInputError("connection", said["isolation"], rule, hint)
    for of in ("character_set_client", "character_set_connection"):
        if said[of] != "utf8mb4":
            hint = "connect with charset='utf8mb4'"
            raise InvalidInputError(f"connection's {of}", said[of], "utf8mb4", hint)
    if "STRICT_ALL_TABLES" not in said["sql_mode"] and (
        "STRICT_TRANS_TABLES" not in said["sql_mode"]
    ):
        hint = "add STRICT_TRANS_TABLES to sql_mode, as it is by default"
        raise InvalidInputError(
            "connection's sql_mode", said["sql_mode"], "strict", hint
        )
    return transaction
