"""Stores on a database server (服务器存储): what PostgreSQL and MySQL have in common.

A connection may break at any moment, and somebody else may be in the way. Until a
commit is asked for, nothing has happened, and the work is done again from the start.
From then on only the answer tells, and where it gets lost nobody knows.
"""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from wxengage.stores.errors import StoreBusyError, StoreError, StoreUnreachableError
from wxengage.stores.layouts import layout_of
from wxengage.stores.pools import Pool
from wxengage.stores.schema import TABLES
from wxengage.stores.sql import ddl_text
from wxengage.stores.sqlite import SqliteStore
from wxengage.stores.sqlite_files import refuse_existing, write_whole
from wxengage.stores.turns import Turns
from wxengage.times.zones import from_micros, require_aware

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Key, Row
    from wxengage.stores.sql import Dialect, SqlTransaction

__all__ = ["Connection", "ServedStore", "first_line"]

T = TypeVar("T")
# Seconds between tries, longer each time: five seconds in all, in which a server
# starts again, and of which those that met each other take different parts.
_PAUSES: Final = tuple(0.01 * 2**k for k in range(9))
_MOST_SHOWN: Final = 200
# Rows that a backup reads and writes at a time.
_AT_ONCE: Final = 5000


def first_line(said: object) -> str:
    """Return what an error says first: what follows may quote the rows themselves."""
    lines = str(said).strip().splitlines() or [type(said).__name__]
    return lines[0][:_MOST_SHOWN]


class _PassingError(Exception):
    """Nothing was committed, and another try may do."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(error)
        self.error = error


class Connection(ABC):
    """A driver's connection, in no transaction until it is told to begin one.

    Whatever goes wrong is raised as a StoreError.
    """

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether it can still be used, as far as is known."""

    @abstractmethod
    def begin(self, *, write: bool) -> SqlTransaction:
        """Begin a transaction: of the latest rows, or of one instant to read."""

    @abstractmethod
    def commit(self) -> None:
        """Commit, and return only when the server has said so.

        Raises CommitUnknownError where the server has not said that it did not.
        """

    @abstractmethod
    def rollback(self) -> None:
        """Undo what the transaction did."""

    @abstractmethod
    def ask(self, sql: str) -> Sequence[Row]:
        """Run a query outside of transactions, and return its rows."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the server, whatever state this is in."""


C = TypeVar("C", bound=Connection)


class ServedStore(ABC, Generic[C]):
    """Rows on a server (服务器存储).

    Parameters
    ----------
    dialect
        How the server writes things.
    connect
        Makes a connection.
    clock
        The query that tells microseconds since 1970 by the server's clock.
    now
        Replaces that clock.
    """

    def __init__(
        self,
        dialect: Dialect,
        connect: Callable[[], C],
        *,
        clock: str,
        now: Callable[[], dt.datetime] | None = None,
    ) -> None:
        self._dialect = dialect
        self._pool = Pool(connect)
        self._clock = clock
        self._now = now
        self._turns = Turns(dialect.name)

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do some work in one transaction, commit it, and return its result."""
        with self._turns.beside():
            return self._run(work, write=write)

    def now(self) -> dt.datetime:
        """Return the instant by the server's clock."""
        if self._now is not None:
            return require_aware("now", self._now())
        micros = self._repeated(lambda: self._ask(self._clock))[0][0]
        return from_micros(micros)  # type: ignore[arg-type]  # whole, by its query

    def ddl(self) -> str:
        """Return the statements that make an empty store, for whoever runs them."""
        return ddl_text(self._dialect)

    def verify(self) -> tuple[str, ...]:
        """Return which rows are not as they were written, in words."""
        return self._run(lambda tx: tuple(tx.broken_seals()), write=False)

    def compact(self) -> None:
        """Do nothing: servers clear away what was removed by themselves."""

    def backup(self, path: str | Path) -> None:
        """Write all rows as of one instant into a new SQLite file.

        For small stores, and to take one along; a server has ways of its own.
        """
        path = Path(path).absolute()
        refuse_existing(path)

        self._run(
            lambda tx: write_whole(path, lambda part: _copy(tx, part)), write=False
        )

    def close(self) -> None:
        """Let go of every connection; of those in use, when their work is done."""
        self._pool.close()

    def _run(self, work: Callable[[SqlTransaction], T], *, write: bool) -> T:
        return self._repeated(lambda: self._once(work, write=write))

    @staticmethod
    def _repeated(attempt: Callable[[], T]) -> T:
        for pause in _PAUSES:
            try:
                return attempt()
            except _PassingError:
                time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  no secret
        try:
            return attempt()
        except _PassingError as passing:
            raise passing.error from passing.__cause__

    def _ask(self, sql: str) -> Sequence[Row]:
        """Ask something outside of transactions, once."""
        connection = self._taken()
        try:
            rows = connection.ask(sql)
        except StoreError as error:
            self._pool.drop(connection)
            raise _sorted(error) from error.__cause__
        except BaseException:
            self._pool.drop(connection)
            raise
        self._pool.give(connection)
        return rows

    def _once(self, work: Callable[[SqlTransaction], T], *, write: bool) -> T:
        """Try once; raise ``_PassingError`` where another try is worth it."""
        connection = self._taken()
        transaction: SqlTransaction | None = None
        try:
            try:
                transaction = connection.begin(write=write)
            except StoreError as error:
                raise _sorted(error) from error.__cause__
            result = work(transaction)
            if failure := transaction.end():
                raise failure  # noqa: TRY301  the work has caught it
        except Exception as error:
            self._undo(connection)
            failure = transaction.end() if transaction else None
            if failure is not None:
                # The work may have wrapped it in an error of its own.
                raise _sorted(failure) from (failure.__cause__ or error)
            raise
        except BaseException:
            # Stopped in the middle of anything, of an answer as well.
            self._pool.drop(connection)
            raise
        self._commit(connection)
        return result

    def _taken(self) -> C:
        if self._pool.closed:
            raise StoreError("it is closed", self._dialect.name, "open it again")
        try:
            return self._pool.take()
        except StoreError as error:
            raise _sorted(error) from error.__cause__

    def _commit(self, connection: C) -> None:
        try:
            connection.commit()
        except StoreError as error:
            self._undo(connection)
            raise _sorted(error) from error.__cause__
        except BaseException:
            self._pool.drop(connection)
            raise
        self._pool.give(connection)

    def _undo(self, connection: C) -> None:
        try:
            connection.rollback()
        except StoreError:
            self._pool.drop(connection)
            return
        if connection.is_open:
            self._pool.give(connection)
        else:
            self._pool.drop(connection)


def _sorted(error: StoreError) -> Exception:
    """Return an error, marked where it may pass."""
    passes = isinstance(error, (StoreBusyError, StoreUnreachableError))
    return _PassingError(error) if passes else error


def _copy(transaction: SqlTransaction, path: Path) -> None:
    """Write every row into a store of its own."""
    copy = SqliteStore(path, processes="one")
    try:
        for name in TABLES:
            key_of = layout_of(name).key_of
            after: Key | None = None
            while rows := transaction.walk(name, after=after, limit=_AT_ONCE):
                copy.run(lambda tx, name=name, rows=rows: tx.put(name, rows))  # type: ignore[misc]
                after = key_of(rows[-1])
    finally:
        copy.close()
