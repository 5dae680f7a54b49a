"""A store in MySQL or MariaDB (MySQL 存储).

Transactions that write see the latest rows (READ COMMITTED), and hold rows of a table
of their own for the names that they lock; those that only read see one instant.
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from wxengage.errors import InvalidInputError, nearest
from wxengage.stores.errors import (
    CommitUnknownError,
    StoreBusyError,
    StoreError,
    StoreUnreachableError,
)
from wxengage.stores.joined import join
from wxengage.stores.lent import LentStore, lent_transaction
from wxengage.stores.migrations import advance, require_ready, version_of
from wxengage.stores.mysql_rows import (
    DEADLOCK,
    DIALECT,
    MysqlTransaction,
    code_of,
    lent,
    load_pymysql,
    meaning_of,
    settings_of,
    texts,
)
from wxengage.stores.schema import SCHEMA_VERSION, TABLES
from wxengage.stores.served import Connection, ServedStore
from wxengage.stores.sql import PREFIX, SqlTransaction, ddl_statements
from wxengage.times.zones import from_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    import pymysql

    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Row

__all__ = ["MysqlStore", "lend_mysql"]

_CLOCK: Final = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
_LEVEL: Final = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
_SETTLE: Final = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',"
    " innodb_lock_wait_timeout = 10, sql_safe_updates = 0"
)
_CONNECT_TIMEOUT: Final = 10
# A table, an index of the name is there already.
_THERE: Final = (1050, 1061)
_OPTIONS: Final[Mapping[str, Callable[[str], object]]] = {
    "unix_socket": str,
    "connect_timeout": int,
    "read_timeout": int,
    "write_timeout": int,
    "max_allowed_packet": int,
    "ssl_ca": str,
    "ssl_cert": str,
    "ssl_key": str,
    "ssl_verify_cert": lambda text: text.lower() == "true",
    "ssl_verify_identity": lambda text: text.lower() == "true",
}


def _address(url: str) -> dict[str, Any]:
    """Return what PyMySQL takes of an address."""
    parts = urlsplit(url)
    options: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query):
        if name not in _OPTIONS:
            raise InvalidInputError(
                "option of the address", name, "known", nearest(name, _OPTIONS)
            )
        try:
            options[name] = _OPTIONS[name](value)
        except ValueError:
            rule = "a whole number"
            raise InvalidInputError(f"{name} of the address", value, rule) from None
    database = unquote(parts.path.lstrip("/"))
    if not database:
        hint = "as in 'mysql://user:password@host/database'"
        raise InvalidInputError("address", parts.hostname, "with a database", hint)
    return {
        # A server whose machine is gone says nothing: it is given up after a minute.
        "read_timeout": 60,
        "write_timeout": 60,
        "host": parts.hostname or "localhost",
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": database,
        **options,
    }


def _socket(path: str) -> socket.socket:
    """Return a socket of a server on this machine."""
    made = socket.socket(socket.AF_UNIX)
    try:
        made.settimeout(_CONNECT_TIMEOUT)
        made.connect(path)
    except BaseException:
        made.close()
        raise
    return made


class MysqlConnection(Connection):
    """A connection of PyMySQL that commits when it is told to."""

    def __init__(self, url: str) -> None:
        self._driver = load_pymysql()
        options = _address(url)
        self.where = f"mysql://{options['host']}/{options['database']}"
        self.raw: pymysql.Connection[Any] = self._driver.connect(
            **options, charset="utf8mb4", autocommit=True, defer_connect=True
        )
        try:
            if "unix_socket" in options:
                # PyMySQL leaves its own open where the server does not answer.
                self.raw._secure = True  # noqa: SLF001
                self.raw.connect(_socket(options["unix_socket"]))
            else:
                self.raw.connect()
            self._rows(_LEVEL)
            self._rows(_SETTLE)
            said = settings_of(self._rows)
            if "check_constraint_checks" in said:  # MariaDB can be told not to look
                self._rows("SET SESSION check_constraint_checks = 1")
        except OSError as error:
            hint = "see whether the server runs, and where its socket is"
            raise StoreUnreachableError(str(error), self.where, hint) from error
        except self._driver.Error as error:
            self.close()
            raise meaning_of(error, self.where, None) from error
        self.version = said["version"]
        # A server that keeps a binary log undoes, after a crash, what is not in it.
        logged = said["log_bin"] == "OFF" or said.get("sync_binlog") == "1"
        flushed = said.get("innodb_flush_log_at_trx_commit") in {"1", "3"}
        self.durable = logged and flushed
        self._require_checks()

    @property
    def is_mariadb(self) -> bool:
        """Whether it is MariaDB."""
        return "mariadb" in self.version.lower()

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up, as far as is known."""
        return bool(self.raw.open)

    def begin(self, *, write: bool) -> MysqlTransaction:
        """Begin a transaction: of the latest rows, or of one instant to read."""
        if write:
            self._execute("START TRANSACTION")
        else:
            self._execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        return MysqlTransaction(self.raw, self.where, write=write)

    def commit(self) -> None:
        """Commit, and return only when the server has said so."""
        if not self.raw.open:
            raise StoreUnreachableError("the server hung up", self.where, "do it again")
        try:
            self.raw.query("COMMIT")
        except self._driver.Error as error:
            # A cluster may refuse a commit, and says so; all else may mean anything.
            if code_of(error) == DEADLOCK and self.raw.open:
                raise meaning_of(error, self.where, None) from error
            self.close()
            raise CommitUnknownError.of(self.where) from error

    def rollback(self) -> None:
        """Undo what the transaction did, if there is one."""
        self._execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the server."""
        if self.raw.open:
            self.raw.close()

    def ask(self, sql: str) -> list[Row]:
        """Run a statement outside of transactions, such as one that makes a table."""
        try:
            return texts(self._rows(sql))
        except self._driver.Error as error:
            raise meaning_of(error, self.where, None) from error

    def _rows(self, sql: str) -> Sequence[Any]:
        with self._driver.cursors.Cursor(self.raw) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def _execute(self, sql: str) -> None:
        try:
            self.raw.query(sql)
        except self._driver.Error as error:
            raise meaning_of(error, self.where, None) from error

    def _require_checks(self) -> None:
        """Refuse a server that reads CHECK and forgets it."""
        numbers = tuple(map(int, re.findall(r"\d+", self.version)[:3]))
        least = (10, 2, 22) if self.is_mariadb else (8, 0, 16)
        if numbers < least:
            self.close()
            named = ".".join(map(str, least))
            what = f"version {self.version} does not enforce CHECK"
            raise StoreError(what, self.where, f"use version {named} or later")


class MysqlStore(ServedStore[MysqlConnection]):
    """Rows in a database of MySQL or MariaDB (MySQL 存储).

    Parameters
    ----------
    url
        Such as ``"mysql://user:password@host/database"``; after a question mark
        ``unix_socket``, time-outs and ``ssl_...`` as PyMySQL names them.
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
        super().__init__(DIALECT, lambda: MysqlConnection(url), clock=_CLOCK, now=now)
        self._url = url
        connection = self._repeated(self._taken)
        self._where = connection.where
        self._version, self._durable = connection.version, connection.durable
        self._pool.give(connection)
        try:
            if create:
                _create(connection)
            self._run(self._require_ready, write=False)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The server and its version, for people."""
        return _name_of(self._version)

    @property
    def durable(self) -> bool:
        """Whether the server flushes its log, and the one beside it, at a commit."""
        return self._durable

    def within(self, connection: object) -> Transaction:
        """Return the transaction that an application's connection is in."""
        return lent_transaction(connection, DIALECT, lent)

    def verify(self) -> tuple[str, ...]:
        """Return what is wrong with tables, and which rows are not as written."""
        connection = MysqlConnection(self._url)
        try:
            names = ", ".join(map(DIALECT.table, TABLES))
            said = connection.ask(f"CHECK TABLE {names}")
        finally:
            connection.close()
        wrong = [
            f"{table}: {text}"
            for table, _, kind, text in said
            if kind in {"error", "warning"} or (kind == "status" and text != "OK")
        ]
        return (*wrong, *super().verify())

    def _require_ready(self, transaction: SqlTransaction) -> None:
        version = version_of(transaction.execute, DIALECT, self._where)
        require_ready(version, DIALECT, self._where)


def lend_mysql(
    connection: object, *, now: Callable[[], dt.datetime] | None = None
) -> LentStore:
    """Return a store on a connection that an application lends.

    Parameters
    ----------
    connection
        As the application has it. Tables are not made in its transaction, which
        would be committed by that.
    now
        Replaces the clock of the server.

    Returns
    -------
    LentStore
        It neither begins nor commits.
    """

    def clock() -> dt.datetime:
        rows = lent(join(connection).connection).execute(_CLOCK)
        return from_micros(rows[0][0])  # type: ignore[arg-type]  # a BIGINT

    name = _name_of(join(connection).connection.get_server_info())
    return LentStore(
        connection, DIALECT, lent, name=name, create=False, now=now or clock
    )


def _name_of(version: str) -> str:
    """Return what people call a server that says this of itself."""
    # MariaDB used to say that it is a MySQL 5.5.5, for clients that knew no other.
    number = re.sub(r"^5\.5\.5-", "", version).partition("-")[0]
    return f"{'MariaDB' if 'mariadb' in version.lower() else 'MySQL'} {number}"


def _create(connection: MysqlConnection) -> None:
    """Make the tables where there are none, or bring them forward.

    A statement that makes a table commits by itself here, so that a crash may leave
    some tables only. The one that tells the version gets its name last.

    Raises
    ------
    StoreBusyError
        If another process has been at it for a minute.
    """
    lock = f"CONCAT(DATABASE(), ' {PREFIX}tables')"
    if connection.ask(f"SELECT GET_LOCK({lock}, 60)") != [(1,)]:
        hint = "see who holds it: SHOW PROCESSLIST"
        raise StoreBusyError("another process makes the tables", connection.where, hint)
    try:
        execute = MysqlTransaction(connection.raw, connection.where, write=True).execute
        if version_of(execute, DIALECT, connection.where) is None:
            _make(connection)
        while advance(execute, DIALECT, connection.where) < SCHEMA_VERSION:
            pass
    finally:
        connection.ask(f"SELECT RELEASE_LOCK({lock})")


def _make(connection: MysqlConnection) -> None:
    meta, making = DIALECT.table("meta"), f"`{PREFIX}making`"
    connection.ask(f"DROP TABLE IF EXISTS {making}")
    for statement in ddl_statements(DIALECT):
        try:
            connection.ask(statement.replace(meta, making))
        except StoreError as error:
            cause = error.__cause__
            if cause is None or code_of(cause) not in _THERE:
                raise
    connection.ask(f"RENAME TABLE {making} TO {meta}")
