"""Opening a store (打开存储) by its address, or on an application's connection."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote, urlsplit

from wxengage.errors import InvalidInputError, nearest
from wxengage.stores.clocks import utc_now
from wxengage.stores.joined import join
from wxengage.stores.lent import LentStore
from wxengage.stores.memory import MemoryStore
from wxengage.stores.sql import ddl_text
from wxengage.stores.sqlite import SqliteStore
from wxengage.stores.sqlite_rows import DIALECT, lent

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.stores.ports import Store
    from wxengage.stores.sql import Dialect

__all__ = ["ddl_for", "open_store"]

_ENGINES: Final = ("memory", "sqlite", "postgresql", "mysql")
_HINT: Final = (
    "as in 'sqlite:///engage.db', 'postgresql://user@host/name', "
    "'mysql://user@host/name' or 'memory://'"
)


def open_store(
    url_or_connection: object,
    *,
    create: bool = True,
    processes: Literal["many", "one"] = "many",
    now: Callable[[], dt.datetime] | None = None,
) -> Store:
    """Open a store.

    Parameters
    ----------
    url_or_connection
        ``"sqlite:///engage.db"`` (three slashes: from the working folder; four: from
        the root), ``"postgresql://..."``, ``"mysql://..."``, ``"memory://"``, and
        ``"sqlite://"`` for a SQLite in memory. Or the application's own connection,
        of sqlite3, psycopg, PyMySQL, SQLAlchemy or Django, in a transaction: what the
        store does then belongs to it, and is kept when the application commits.
    create
        Whether to make what is not there yet, and to bring tables of an older version
        forward. Of a MySQL connection that was lent, tables are never made.
    processes
        Of a SQLite file: ``"one"`` keeps it for this process, which is faster.
    now
        Replaces the clock of the store, for tests and simulations.

    Returns
    -------
    Store
        Ready for use, from any thread.

    Raises
    ------
    InvalidInputError
        If it is no address and no connection that is known here.

    Examples
    --------
    >>> store = open_store("sqlite:///engage.db")
    >>> store.durable
    True
    >>> store.run(lambda tx: tx.insert("freeze", [("f1", "{}")]))
    (True,)
    >>> store.close()
    """
    if not isinstance(url_or_connection, str):
        return _on_connection(url_or_connection, create=create, now=now)
    engine, path = _parted(url_or_connection)
    if engine == "memory":
        return MemoryStore(now=now)
    if engine == "sqlite":
        return SqliteStore(path, create=create, processes=processes, now=now)
    url = f"{engine}://{url_or_connection.partition('://')[2]}"
    if engine == "postgresql":
        from wxengage.stores.postgres import PostgresStore  # noqa: PLC0415  an extra

        return PostgresStore(url, create=create, now=now)
    from wxengage.stores.mysql import MysqlStore  # noqa: PLC0415  an extra

    return MysqlStore(url, create=create, now=now)


def ddl_for(engine: str) -> str:
    """Return the statements that make an empty store, for whoever runs them.

    Parameters
    ----------
    engine
        ``"sqlite"``, ``"postgresql"`` or ``"mysql"``.

    Returns
    -------
    str
        SQL, one statement after another. A store that is made by it is opened with
        ``create=False``.

    Raises
    ------
    InvalidInputError
        If the engine is none of these.

    Examples
    --------
    >>> print(ddl_for("sqlite")[:60])
    CREATE TABLE "wxengage_meta" (
      "name" TEXT NOT NULL,
      "va
    """
    if engine not in _ENGINES[1:]:
        hint = nearest(engine, _ENGINES[1:])
        raise InvalidInputError("engine", engine, "an engine with tables", hint)
    return ddl_text(_dialect(engine))


def _parted(url: str) -> tuple[str, Path | None]:
    """Return the engine, and SQLite's file."""
    scheme = urlsplit(url).scheme if "://" in url else ""
    engine = scheme.partition("+")[0]
    engine = {"postgres": "postgresql", "mariadb": "mysql"}.get(engine, engine)
    if engine not in _ENGINES:
        # Whatever it is, it may hold a password.
        got = f"{scheme}://..." if scheme else "no scheme"
        raise InvalidInputError("address", got, "of a known engine", _HINT)
    if engine not in {"sqlite", "memory"}:
        return engine, None
    rest = url.partition("://")[2]
    if "?" in rest or "#" in rest or (rest and not rest.startswith("/")):
        hint = "three slashes before a name, four before a path from the root"
        raise InvalidInputError("address", url, "sqlite:///, then the file", hint)
    if rest == "/:memory:":
        raise InvalidInputError("address", url, "sqlite:// for a SQLite in memory")
    if engine == "memory" and rest:
        raise InvalidInputError("address", url, "memory:// and nothing more")
    return engine, Path(unquote(rest[1:])) if rest[1:] else None


def _dialect(engine: str) -> Dialect:
    if engine == "postgresql":
        from wxengage.stores import postgres_rows  # noqa: PLC0415  slow to import

        return postgres_rows.DIALECT
    if engine == "mysql":
        from wxengage.stores import mysql_rows  # noqa: PLC0415  slow to import

        return mysql_rows.DIALECT
    return DIALECT


def _on_connection(
    connection: object, *, create: bool, now: Callable[[], dt.datetime] | None
) -> Store:
    engine = join(connection).engine
    if engine == "postgresql":
        from wxengage.stores.postgres import lend_postgres  # noqa: PLC0415  an extra

        return lend_postgres(connection, create=create, now=now)
    if engine == "mysql":
        from wxengage.stores.mysql import lend_mysql  # noqa: PLC0415  an extra

        return lend_mysql(connection, now=now)
    return LentStore(
        connection,
        DIALECT,
        lent,
        name=f"SQLite {sqlite3.sqlite_version}",
        create=create,
        now=now or utc_now,
    )
