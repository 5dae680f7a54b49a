"""Transactions of others (外部事务): the one that an application is already in.

Whatever an application hands over, underneath is a connection of sqlite3, psycopg or
PyMySQL. It must be in a transaction, or in one as soon as the first statement is
run: rows that each commit by themselves would be left half written.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

__all__ = ["Engine", "Joined", "join"]

Engine: TypeAlias = Literal["sqlite", "postgresql", "mysql"]

# psycopg's and PyMySQL's words for how a connection is doing.
_IDLE, _FAILED, _UNKNOWN = 0, 3, 4
_IN_TRANSACTION: Final = 1


class Joined(NamedTuple):
    """An application's connection, out of its wrappers."""

    engine: Engine
    connection: Any


def join(connection: object) -> Joined:
    """Return the connection under what an application has, if it can be joined.

    Parameters
    ----------
    connection
        A connection of sqlite3, psycopg 3 or PyMySQL; a SQLAlchemy ``Connection`` or
        ``Session``; Django's ``connection``.

    Returns
    -------
    Joined
        Which engine it speaks to, and the driver's own connection.

    Raises
    ------
    InvalidInputError
        If it is something else, or in no transaction.
    """
    unwrapped = _of_django(_of_sqlalchemy(connection))
    for engine, module, name, check in _DRIVERS:
        if _is_a(unwrapped, module, name):
            check(unwrapped)
            return Joined(engine, unwrapped)
    rule = (
        "a connection of sqlite3, psycopg 3 or PyMySQL, or of SQLAlchemy or Django "
        "over one of these"
    )
    hint = "an async one has a plain one inside: AsyncSession.run_sync(...)"
    got = f"{type(unwrapped).__module__}.{type(unwrapped).__qualname__}"
    raise InvalidInputError("connection", got, rule, hint)


def _is_a(what: object, module: str, name: str) -> bool:
    """Tell whether it is of a class, importing nothing: it would be loaded."""
    loaded = getattr(sys.modules.get(module), name, None)
    return loaded is not None and isinstance(what, loaded)


def _of_sqlalchemy(given: Any) -> Any:
    is_session = _is_a(given, "sqlalchemy.orm", "Session") or _is_a(
        given, "sqlalchemy.orm", "scoped_session"
    )
    if is_session:
        given = given.connection()  # which begins what the session will commit
    if not _is_a(given, "sqlalchemy.engine", "Connection"):
        return given
    if not given.in_transaction():
        raise _not_in("begin it first: with connection.begin(): ...")
    return given.connection.driver_connection


def _of_django(given: Any) -> Any:
    if _is_a(given, "django.utils.connection", "ConnectionProxy"):
        given = given._connections[given._alias]  # noqa: SLF001  it has no other door
    if not _is_a(given, "django.db.backends.base.base", "BaseDatabaseWrapper"):
        return given
    given.ensure_connection()
    if given.get_autocommit():
        raise _not_in("use it inside of: with transaction.atomic(): ...")
    return given.connection


def _check_sqlite(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        return
    # -1 is what Python before 3.12 knows only: isolation_level decides.
    autocommit = getattr(connection, "autocommit", -1)
    if autocommit is True or (autocommit == -1 and connection.isolation_level is None):
        raise _not_in("run BEGIN IMMEDIATE first")
    # sqlite3 would begin before the first write, which is too late for what is read
    # before. commit() and rollback() of the application end it all the same.
    connection.execute("BEGIN IMMEDIATE")


def _check_psycopg(connection: Any) -> None:
    status = int(connection.info.transaction_status)
    if status == _IDLE and connection.autocommit:
        raise _not_in("use it inside of: with connection.transaction(): ...")
    if status in {_FAILED, _UNKNOWN}:
        hint = "roll back first" if status == _FAILED else "it is closed; make another"
        got = f"one that is {connection.info.transaction_status.name}"
        raise InvalidInputError("connection", got, "fit for statements", hint)


def _check_pymysql(connection: Any) -> None:
    if not connection.open:
        hint = "it is closed; make another"
        raise InvalidInputError("connection", "a closed one", "open", hint)
    if connection.get_autocommit() and not connection.server_status & _IN_TRANSACTION:
        raise _not_in("call connection.begin() first")


def _not_in(hint: str) -> InvalidInputError:
    return InvalidInputError(
        "connection", "one that commits by itself", "in a transaction", hint
    )


_DRIVERS: Final[tuple[tuple[Engine, str, str, Callable[[Any], None]], ...]] = (
    ("sqlite", "sqlite3", "Connection", _check_sqlite),
    ("postgresql", "psycopg", "Connection", _check_psycopg),
    ("mysql", "pymysql.connections", "Connection", _check_pymysql),
)
