"""A store in one SQLite file (SQLite 存储): the default of an embedded desk.

What is committed is on the disk: synchronous is FULL, always. Many processes may use
one file. One writes at a time, and says so before it reads, so that what it read
cannot have changed when it writes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from wxengage.errors import InvalidInputError
from wxengage.stores.clocks import utc_now
from wxengage.stores.errors import StoreError
from wxengage.stores.lent import lent_transaction
from wxengage.stores.migrations import advance, require_ready, version_of
from wxengage.stores.pools import Pool
from wxengage.stores.schema import SCHEMA_VERSION
from wxengage.stores.sql import ddl_text
from wxengage.stores.sqlite_files import (
    Journal,
    connect,
    copy_to,
    has_reset_bug,
    keep_alive_in_forks,
    make_private,
    refuse_network,
    set_journal,
    sync_folder,
    vacuum_into,
)
from wxengage.stores.sqlite_rows import (
    DIALECT,
    ERRORS,
    SqliteTransaction,
    lent,
    meaning,
)
from wxengage.stores.turns import WAIT, Turns
from wxengage.times.zones import require_aware

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Generator

    from wxengage.stores.ports import Transaction

__all__ = ["SqliteStore"]

T = TypeVar("T")
_LOG: Final = logging.getLogger("wxengage.stores")
# Since when tables can be STRICT.
_OLDEST: Final = (3, 37, 0)
# Seconds between two looks at whether somebody has let go.
_PAUSE: Final = 0.005


class _Here:
    """What a store has in one process: a fork starts with nothing."""

    def __init__(self, where: str, wait: float) -> None:
        self.turns = Turns(where, wait)
        self.writer: sqlite3.Connection | None = None

    def drop(self) -> None:
        """Close what writes; the next who needs it makes another."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


class SqliteStore:
    """A store in a SQLite file, or in the memory of SQLite (SQLite 存储).

    Parameters
    ----------
    path
        The file; None for memory, which is for tests.
    create
        Whether to make the file and the tables, and to bring older ones forward.
    processes
        ``"one"`` keeps the file for this process alone, and is faster. ``"many"``
        lets others work with it.
    now
        Replaces the clock.
    wait
        Seconds to wait for others.
    version
        Of SQLite, by which the journal is chosen.

    Raises
    ------
    InvalidInputError
        If ``processes`` is something else.
    StoreError
        If SQLite is older than 3.37, or the file cannot be used.

    Notes
    -----
    ``processes="one"`` keeps a write-ahead log. So does ``"many"``, and threads read
    beside the one that writes, unless the SQLite at hand can damage the log when two
    connections write (3.7.0 to 3.51.2): then it keeps a rollback journal.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        create: bool = True,
        processes: Literal["many", "one"] = "many",
        now: Callable[[], dt.datetime] | None = None,
        wait: float = WAIT,
        version: tuple[int, ...] = sqlite3.sqlite_version_info,
    ) -> None:
        if processes not in {"many", "one"}:
            raise InvalidInputError("processes", processes, "'many' or 'one'")
        if version < _OLDEST:
            raise StoreError(
                f"SQLite {'.'.join(map(str, version))} is too old",
                "sqlite" if path is None else str(path),
                "use a Python with SQLite 3.37 or newer",
            )
        self._path = None if path is None else Path(path).absolute()
        self._where = "sqlite://" if path is None else str(path)
        self._one = processes == "one"
        self._now = now or utc_now
        self._wait = wait
        self._closed = False
        self._journal: Journal = (
            "persist" if not self._one and has_reset_bug(version) else "wal"
        )
        self._lives: dict[int, _Here] = {os.getpid(): _Here(self._where, wait)}
        beside = self._path is not None and self._journal == "wal" and not self._one
        self._readers = Pool(self._connect_reader) if beside else None
        keep_alive_in_forks(self)
        if self._path is not None:
            self._prepare_file(self._path, create=create)
        try:
            with self._alone() as connection:
                self._prepare(connection, create=create)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The engine and its version, for people."""
        return f"SQLite {sqlite3.sqlite_version}"

    @property
    def durable(self) -> bool:
        """Whether what ``run`` has returned survives a loss of power."""
        return self._path is not None

    @property
    def connection(self) -> sqlite3.Connection:
        """What writes in this process.

        Its ``set_trace_callback`` sees every statement of every transaction that
        writes, BEGIN and COMMIT among them, which is how tests stop at each.
        """
        return self._writer_of(self._here())

    def connections(self) -> tuple[sqlite3.Connection, ...]:
        """Return what this process must not close if it is a fork's child."""
        found = (here.writer for here in self._lives.values())
        return tuple(writer for writer in found if writer is not None)

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do some work in one transaction, commit it, and return its result."""
        if write:
            with self._alone() as connection:
                return self._do(connection, work, write=True)
        with self._reading() as connection:
            return self._do(connection, work, write=False)

    def within(self, connection: Any) -> Transaction:
        """Return the transaction that an application's own connection is in."""
        return lent_transaction(connection, DIALECT, lent)

    def now(self) -> dt.datetime:
        """Return the instant by this machine's clock, which its processes share."""
        return require_aware("now", self._now())

    def ddl(self) -> str:
        """Return the statements that make an empty store, for whoever runs them."""
        return ddl_text(DIALECT)

    def verify(self) -> tuple[str, ...]:
        """Return what is wrong with the file, its tables and its rows, in words."""
        found: list[str] = []
        with self._reading() as connection:
            transaction = SqliteTransaction(
                connection, DIALECT, self._where, write=False
            )
            for pragma in ("integrity_check", "foreign_key_check"):
                try:
                    rows = connection.execute(f"PRAGMA {pragma}").fetchall()
                except ERRORS as error:
                    found.append(f"{pragma}: {error}")
                else:
                    said = (" ".join(map(str, row)) for row in rows)
                    found += [f"{pragma}: {text}" for text in said if text != "ok"]
            try:
                found += transaction.broken_seals()
            except StoreError as error:
                found.append(str(error))
        return tuple(found)

    def backup(self, path: str | Path) -> None:
        """Write a copy as of one instant into a new file, while others go on."""
        with self._reading() as connection, self._telling():
            copy_to(connection, Path(path).absolute())

    def compact(self) -> None:
        """Write the file anew without what was removed, and empty its journal.

        Nobody else may have a transaction open. It needs as much room again.
        """
        with self._alone() as connection, self._telling():
            # A journal that is kept for the next transaction has the pages of the last.
            connection.execute("PRAGMA journal_size_limit = 0").close()
            self._patiently(lambda: connection.execute("VACUUM"))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            connection.execute("PRAGMA journal_size_limit = -1").close()

    def close(self) -> None:
        """Let go of every connection."""
        self._closed = True
        here = self._here()
        with here.turns.alone():
            here.drop()
        if self._readers is not None:
            self._readers.close()

    def _here(self) -> _Here:
        process = os.getpid()
        here = self._lives.get(process)
        if here is not None:
            return here
        if self._path is None:
            raise StoreError(
                "a store in memory cannot be shared with another process",
                self._where,
                "open a store in a file, as in 'sqlite:///engage.db'",
            )
        # Whole in itself: of two threads that find nothing, one is first.
        return self._lives.setdefault(process, _Here(self._where, self._wait))

    @contextmanager
    def _alone(self) -> Generator[sqlite3.Connection]:
        here = self._here()
        with here.turns.alone():
            connection = self._writer_of(here)
            try:
                yield connection
            finally:
                if connection.in_transaction:  # what could not be rolled back
                    here.drop()

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        if self._readers is None:
            with self._alone() as connection:
                yield connection
            return
        with self._here().turns.beside():
            self._require_open()
            with self._telling():
                connection = self._readers.take()
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    self._readers.drop(connection)
                else:
                    self._readers.give(connection)

    @contextmanager
    def _telling(self) -> Generator[None]:
        try:
            yield
        except ERRORS as error:
            raise meaning(error, self._where, None) from error

    def _do(
        self,
        connection: sqlite3.Connection,
        work: Callable[[SqliteTransaction], T],
        *,
        write: bool,
    ) -> T:
        transaction = SqliteTransaction(connection, DIALECT, self._where, write=write)
        self._begin(connection, write=write)
        try:
            result = work(transaction)
            transaction.commit(connection)
        finally:
            transaction.end()
            if connection.in_transaction:
                # A full disk has rolled back already. What fails here must not hide
                # why: the connection is given up for it.
                with contextlib.suppress(*ERRORS):
                    connection.execute("ROLLBACK")
        return result

    def _begin(self, connection: sqlite3.Connection, *, write: bool) -> None:
        sql = "BEGIN IMMEDIATE" if write else "BEGIN"
        try:
            self._patiently(lambda: connection.execute(sql))
        except ERRORS as error:
            raise meaning(error, self._where, None) from error

    def _patiently(self, act: Callable[[], object]) -> None:
        """Try again while others hold the file, also where SQLite does not wait."""
        until = time.monotonic() + self._wait
        while True:
            try:
                act()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() >= until:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("it is closed", self._where, "open it again")

    def _writer_of(self, here: _Here) -> sqlite3.Connection:
        self._require_open()
        if here.writer is None:
            with self._telling():
                here.writer = self._connect_writer()
        return here.writer

    def _connect_writer(self) -> sqlite3.Connection:
        connection = connect(self._path, self._wait)
        try:
            if self._path is not None:
                self._patiently(
                    lambda: set_journal(connection, self._journal, alone=self._one)
                )
                sync_folder(self._path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        connection = connect(self._path, self._wait)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _prepare_file(self, path: Path, *, create: bool) -> None:
        refuse_network(path)
        if create:
            make_private(path)
        elif not path.is_file():
            require_ready(None, DIALECT, self._where)
        if self._journal == "persist":
            _LOG.warning(
                "SQLite %s can damage a write-ahead log that several processes write: "
                "%s keeps a rollback journal, which is slower. SQLite 3.51.3 is "
                "mended; processes='one' is safe with any",
                sqlite3.sqlite_version,
                path.name,
            )

    def _prepare(self, connection: sqlite3.Connection, *, create: bool) -> None:
        """Look at the version; make the tables, or take steps, where that is asked."""
        while True:
            version = self._do(connection, self._version, write=False)
            if version == SCHEMA_VERSION:
                return
            if not create:
                require_ready(version, DIALECT, self._where)
            if version is not None and self._path is not None:
                with self._telling():
                    vacuum_into(connection, self._path, version)
            self._do(connection, self._advance, write=True)

    def _version(self, transaction: SqliteTransaction) -> int | None:
        return version_of(transaction.execute, DIALECT, self._where)

    def _advance(self, transaction: SqliteTransaction) -> int:
        return advance(transaction.execute, DIALECT, self._where)
