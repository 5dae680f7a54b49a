"""A store in PostgreSQL (PostgreSQL 存储).

Transactions that write see the latest rows (READ COMMITTED) and lock names before
they read what others may change; those that only read see one instant. A commit is
answered when it is on the disk of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wxengage.errors import InvalidInputError
from wxengage.stores.errors import CommitUnknownError, StoreError, StoreUnreachableError
from wxengage.stores.joined import join
from wxengage.stores.lent import LentStore, lent_transaction
from wxengage.stores.migrations import advance, require_ready, version_of
from wxengage.stores.postgres_rows import (
    DIALECT,
    PostgresTransaction,
    lent,
    load_psycopg,
    meaning_of,
)
from wxengage.stores.schema import SCHEMA_VERSION
from wxengage.stores.served import Connection, ServedStore
from wxengage.times.zones import from_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    import psycopg

    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Row
    from wxengage.stores.sql import SqlTransaction

__all__ = ["PostgresStore", "lend_postgres"]

_CLOCK: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
# What a connection needs and an administrator may have set otherwise; whether what
# is committed is on the disk; how text is kept.
_SETTLE: Final = """
SELECT set_config('lock_timeout', '10s', false),
  set_config('extra_float_digits', '3', false),
  set_config('synchronous_commit', CASE current_setting('synchronous_commit')
    WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
  set_config('client_encoding', 'UTF8', false),
  current_setting('server_encoding'),
  current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
  current_setting('server_version')
"""
_DEFAULTS: Final = {
    "connect_timeout": "10",
    "fallback_application_name": "wxengage",
    # A server whose machine is gone says nothing: it is given up after a minute.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_IN_NO_TRANSACTION: Final = 0


class PostgresConnection(Connection):
    """A connection of psycopg that commits when it is told to."""

    def __init__(self, url: str) -> None:
        self._driver = load_psycopg()
        try:
            options = self._driver.conninfo.conninfo_to_dict(url)
        except self._driver.Error:
            # What libpq says of it may quote the password.
            hint = "as in 'postgresql://user:password@host/database?sslmode=require'"
            rule = "one that libpq can read"
            raise InvalidInputError("address", "another", rule, hint) from None
        host = options.get("host") or options.get("hostaddr") or ""
        self.where = f"postgresql://{host}/{options.get('dbname') or ''}"
        try:
            self.raw: psycopg.Connection[Any] = self._driver.connect(
                **{**_DEFAULTS, **options}, autocommit=True
            )
        except self._driver.Error as error:
            raise meaning_of(error, self.where, None) from error
        try:
            row: tuple[Any, ...] = self.ask(_SETTLE)[0]
        except BaseException:
            self.close()
            raise
        encoding = row[-3]
        self.durable: bool = row[-2]
        self.version: str = row[-1]
        if encoding != "UTF8":
            self.raw.close()
            hint = "create the database WITH ENCODING 'UTF8'"
            raise StoreError(f"its text is kept in {encoding}", self.where, hint)

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up, as far as is known."""
        return not self.raw.closed

    def begin(self, *, write: bool) -> PostgresTransaction:
        """Begin a transaction: of the latest rows, or of one instant to read."""
        self._execute(
            b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
            if write
            else b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        )
        return PostgresTransaction(self.raw, self.where, write=write)

    def commit(self) -> None:
        """Commit, and return only when the server has said so."""
        if self.raw.closed:
            hint = "do it again"
            raise StoreUnreachableError("the server hung up", self.where, hint)
        try:
            said = self.raw.execute(b"COMMIT", prepare=False).statusmessage
        except self._driver.Error as error:
            ended = int(self.raw.info.transaction_status) == _IN_NO_TRANSACTION
            if ended and not self.raw.closed and getattr(error, "sqlstate", None):
                raise meaning_of(error, self.where, None) from error
            raise CommitUnknownError.of(self.where) from error
        if said != "COMMIT":
            hint = "let no error of a statement pass"
            raise StoreError("the server rolled back instead", self.where, hint)

    def rollback(self) -> None:
        """Undo what the transaction did, if there is one."""
        if self.raw.closed or int(self.raw.info.transaction_status):
            self._execute(b"ROLLBACK")

    def close(self) -> None:
        """Let go of the server."""
        self.raw.close()

    def ask(self, sql: str) -> Sequence[Row]:
        """Run a query outside of transactions, and return its rows."""
        try:
            return self.raw.execute(sql.encode()).fetchall()
        except self._driver.Error as error:
            raise meaning_of(error, self.where, None) from error

    def _execute(self, sql: bytes) -> None:
        try:
            self.raw.execute(sql, prepare=False)
        except self._driver.Error as error:
            raise meaning_of(error, self.where, None) from error


class PostgresStore(ServedStore[PostgresConnection]):
    """Rows in a database of PostgreSQL (PostgreSQL 存储).

    Parameters
    ----------
    url
        As libpq takes it, such as ``"postgresql://user@host/database"``.
    create
        Whether to make the tables where there are none, or bring them forward.
    now
        Replaces the clock of the server.
    """

    def __init__(
        self,
        url: str,
        *,
        create: bool = True,
        now: Callable[[], dt.datetime] | None = None,
    ) -> None:
        super().__init__(
            DIALECT, lambda: PostgresConnection(url), clock=_CLOCK, now=now
        )
        connection = self._repeated(self._taken)
        self._where = connection.where
        self._version, self._durable = connection.version, connection.durable
        self._pool.give(connection)
        try:
            if create:
                while self._run(self._step, write=True) < SCHEMA_VERSION:
                    pass
            self._run(self._require_ready, write=False)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The server and its version, for people."""
        return f"PostgreSQL {self._version}"

    @property
    def durable(self) -> bool:
        """Whether the server lets nothing but the disk itself confirm a commit."""
        return self._durable

    def within(self, connection: object) -> Transaction:
        """Return the transaction that an application's connection is in."""
        return lent_transaction(connection, DIALECT, lent)

    def _step(self, transaction: SqlTransaction) -> int:
        transaction.lock(["tables"])
        return advance(transaction.execute, DIALECT, self._where)

    def _require_ready(self, transaction: SqlTransaction) -> None:
        version = version_of(transaction.execute, DIALECT, self._where)
        require_ready(version, DIALECT, self._where)


def lend_postgres(
    connection: object,
    *,
    create: bool = True,
    now: Callable[[], dt.datetime] | None = None,
) -> LentStore:
    """Return a store on a connection that an application lends.

    Parameters
    ----------
    connection
        As the application has it.
    create
        Whether to make the tables where there are none, in its transaction.
    now
        Replaces the clock of the server.

    Returns
    -------
    LentStore
        It neither begins nor commits.
    """

    def clock() -> dt.datetime:
        rows = lent(join(connection).connection).execute(_CLOCK)
        return from_micros(rows[0][0])  # type: ignore[arg-type]  # a bigint

    info = join(connection).connection.info
    name = f"PostgreSQL {info.parameter_status('server_version')}"
    return LentStore(
        connection, DIALECT, lent, name=name, create=create, now=now or clock
    )
