"""Who keeps the events: the desk, a bare INSERT, and SQLAlchemy Core.

All write the same table, made by the library's DDL, with the same durability: a
SQLite file with a log and synchronous FULL, or a server as its address says.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from desk_events import MERCHANT, NOW, referral

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from desk_events import Stream

__all__ = [
    "BARE",
    "CORE",
    "GROUP",
    "OWN",
    "Teller",
    "empty_address",
    "kept_rows",
    "open_teller",
    "prepared",
]

OWN: Final = "wxengage"
GROUP: Final = "wxengage, group commit"
BARE: Final = "bare INSERT"
CORE: Final = "SQLAlchemy Core"

_TABLE: Final = "wxengage_event"
_SQLITE: Final = "sqlite:///"
# Seconds to wait for other processes.
_PATIENCE: Final = 60


class Teller(Protocol):
    """Who keeps events."""

    def tell(self, batch: Sequence[Any]) -> None:
        """Keep events, as ``prepared`` gives them, in one transaction."""

    def close(self) -> None:
        """Let go of the database."""


def prepared(engine: str, events: Sequence[Any]) -> list[Any]:
    """Return events as an engine takes them; that is not timed.

    Parameters
    ----------
    engine
        Its name.
    events
        What happened.

    Returns
    -------
    list
        Events for the desk; rows for a bare INSERT; mappings for SQLAlchemy.
    """
    from wxengage.desk.rows import event_row
    from wxengage.stores.schema import TABLES
    from wxengage.times.zones import micros

    if engine.startswith(OWN):
        return list(events)
    rows = [event_row(event, micros("now", NOW)) for event in events]
    if engine == BARE:
        return rows
    names = TABLES["event"].names
    return [dict(zip(names, row, strict=True)) for row in rows]


def open_teller(
    engine: str,
    stream: Stream,
    path: Path,
    *,
    processes: Literal["one", "many"] = "one",
) -> Teller:
    """Open the database for an engine, and make what is missing in it.

    Parameters
    ----------
    engine
        Its name.
    stream
        What it is to be told.
    path
        The SQLite file, where the stream has no server.
    processes
        Whether others open the file too.

    Returns
    -------
    Teller
        Ready.
    """
    address = stream.address or f"{_SQLITE}{path}"
    if engine.startswith(OWN):
        return _Desk(address, stream, processes, group=engine == GROUP)
    _made(address, processes)
    if engine == CORE:
        return _Core(address, processes)
    if address.startswith(_SQLITE):
        return _Bare(_sqlite(path, processes), "?")
    return _Bare(_connected(address), "%s")


def _made(address: str, processes: Literal["one", "many"]) -> None:
    """Make the tables, by the library itself."""
    from wxengage.stores.opening import open_store

    open_store(address, processes=processes).close()


class _Desk:
    """The desk, with a campaign that runs."""

    def __init__(
        self,
        address: str,
        stream: Stream,
        processes: Literal["one", "many"],
        *,
        group: bool,
    ) -> None:
        from wxengage.desk.opening import open_desk

        self.desk = open_desk(
            address,
            merchant=MERCHANT,
            clock=lambda: NOW,
            processes=processes,
            group_commit=group,
        )
        self.desk.backfill([])
        self.desk.publish(referral(stream))

    def tell(self, batch: Sequence[Any]) -> None:
        if len(batch) == 1:
            self.desk.record(batch[0])
        else:
            self.desk.record_many(batch)

    def close(self) -> None:
        self.desk.store.close()


class _Bare:
    """A statement by hand on a connection of DB-API that commits by itself."""

    def __init__(self, connection: Any, mark: str) -> None:
        from wxengage.stores.schema import TABLES

        self._connection = connection
        self._cursor = connection.cursor()
        quote = "`" if type(connection).__module__.startswith("pymysql") else '"'
        names = TABLES["event"].names
        listed = ", ".join(f"{quote}{name}{quote}" for name in names)
        marks = ", ".join([mark] * len(names))
        self._sql = f"INSERT INTO {_TABLE} ({listed}) VALUES ({marks})"

    def tell(self, batch: Sequence[Any]) -> None:
        if len(batch) == 1:
            self._cursor.execute(self._sql, batch[0])
            return
        self._cursor.execute("BEGIN")
        self._cursor.executemany(self._sql, batch)
        self._cursor.execute("COMMIT")

    def close(self) -> None:
        self._cursor.close()
        self._connection.close()


class _Core:
    """SQLAlchemy Core, on one connection that is kept."""

    def __init__(self, address: str, processes: Literal["one", "many"]) -> None:
        import sqlalchemy as sa

        from wxengage.stores.schema import TABLES

        self._engine = sa.create_engine(_alchemy_url(address))
        if address.startswith(_SQLITE):
            sa.event.listen(
                self._engine, "connect", lambda raw, _: _settle(raw, processes)
            )
        self._connection = self._engine.connect()
        types = {"whole": sa.BigInteger, "real": sa.Double}
        columns = [
            sa.Column(column.name, types.get(column.kind, sa.Text))
            for column in TABLES["event"].columns
        ]
        self._insert = sa.Table(_TABLE, sa.MetaData(), *columns).insert()

    def tell(self, batch: Sequence[Any]) -> None:
        with self._connection.begin():
            # A list of one would be prepared as a list.
            told = batch[0] if len(batch) == 1 else batch
            self._connection.execute(self._insert, told)

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


def _alchemy_url(address: str) -> str:
    for plain, driver in (("postgresql", "psycopg"), ("mysql", "pymysql")):
        if address.startswith(f"{plain}://"):
            return address.replace(plain, f"{plain}+{driver}", 1)
    return address


def _sqlite(path: Path, processes: Literal["one", "many"]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    _settle(connection, processes)
    return connection


def _settle(connection: sqlite3.Connection, processes: Literal["one", "many"]) -> None:
    """Choose the journal, the sync and the cache that the library has."""
    from wxengage.stores.sqlite_files import has_reset_bug

    if processes == "one":
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    journal = "persist" if processes == "many" and has_reset_bug() else "wal"
    connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")


def _connected(address: str) -> Any:
    """Return a connection of DB-API to a server, which commits by itself."""
    if address.startswith("postgresql"):
        import psycopg

        return psycopg.connect(address, autocommit=True)
    import pymysql

    parts = urlsplit(address)
    query = parse_qs(parts.query)
    return pymysql.connect(
        host=parts.hostname or "localhost",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=parts.path.removeprefix("/"),
        unix_socket=query["unix_socket"][0] if "unix_socket" in query else None,
        charset="utf8mb4",
        autocommit=True,
    )


def kept_rows(stream: Stream, path: Path, since: str) -> list[tuple[Any, ...]]:
    """Return what a database has of the events from an id on, in the order of ids.

    Parameters
    ----------
    stream
        Whose server it is.
    path
        The SQLite file, where it has none; no engine has it open.
    since
        The first id.

    Returns
    -------
    list of tuple
        The rows as the driver gives them.
    """
    connection = _connected(stream.address) if stream.address else sqlite3.connect(path)
    try:
        cursor = connection.cursor()
        mark = "%s" if stream.address else "?"
        sql = f"SELECT * FROM {_TABLE} WHERE id >= {mark} ORDER BY id"
        cursor.execute(sql, (since,))
        return [tuple(row) for row in cursor.fetchall()]
    finally:
        connection.close()


def empty_address(stream: Stream) -> None:
    """Take every event out of a server's database, if the tables are there."""
    connection = _connected(stream.address)
    try:
        connection.cursor().execute(f"TRUNCATE TABLE {_TABLE}")
    finally:
        connection.close()
