"""A store on a connection that an application lends (借用连接): it begins nothing.

What it does is kept when the application commits, and undone when it rolls back. A
part that failed may leave half of a batch behind, so whoever catches an error of a
store rolls back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from wxengage.errors import InvalidInputError
from wxengage.stores.errors import StoreError
from wxengage.stores.joined import join
from wxengage.stores.migrations import advance, require_ready, version_of
from wxengage.stores.sql import SqlTransaction, ddl_text
from wxengage.times.zones import require_aware

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from pathlib import Path

    from wxengage.stores.ports import Transaction
    from wxengage.stores.sql import Dialect

__all__ = ["LentStore", "lent_transaction"]

T = TypeVar("T")


def lent_transaction(
    connection: object,
    dialect: Dialect,
    make: Callable[[Any], SqlTransaction],
) -> SqlTransaction:
    """Return the transaction that an application's connection is in.

    Parameters
    ----------
    connection
        As the application has it.
    dialect
        Of the engine that it must speak to.
    make
        Makes a transaction of the driver's connection.

    Returns
    -------
    SqlTransaction
        Of a store that is ready.

    Raises
    ------
    InvalidInputError
        If it speaks to another engine.
    """
    joined = join(connection)
    if joined.engine != dialect.name:
        rule = f"a connection to {dialect.name}"
        raise InvalidInputError("connection", joined.engine, rule)
    transaction = make(joined.connection)
    where = transaction.where
    require_ready(version_of(transaction.execute, dialect, where), dialect, where)
    return transaction


class LentStore:
    """A store on a connection that an application lends (借用连接的存储).

    Parameters
    ----------
    connection
        As the application has it.
    dialect
        Of its engine.
    make
        Makes a transaction of the driver's connection.
    name
        The engine and its version, for people.
    create
        Whether to make the tables where there are none.
    now
        The clock of the database.
    """

    def __init__(
        self,
        connection: object,
        dialect: Dialect,
        make: Callable[[Any], SqlTransaction],
        *,
        name: str,
        create: bool,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._make = make
        self._name = name
        self._now = now
        if create:
            self._create()
        lent_transaction(connection, dialect, make)

    @property
    def name(self) -> str:
        """The engine and its version, for people."""
        return self._name

    @property
    def durable(self) -> bool:
        """Nothing is kept before the application commits."""
        return False

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do some work in the transaction that the application is in."""
        transaction = lent_transaction(self._connection, self._dialect, self._make)
        if not write:
            transaction.only_read()
        try:
            result = work(transaction)
        finally:
            failure = transaction.end()
        if failure:
            raise failure
        return result

    def within(self, connection: object) -> Transaction:
        """Return the transaction that another connection is in."""
        return lent_transaction(connection, self._dialect, self._make)

    def now(self) -> dt.datetime:
        """Return the instant by the clock of the store."""
        return require_aware("now", self._now())

    def ddl(self) -> str:
        """Return the statements that make an empty store."""
        return ddl_text(self._dialect)

    def verify(self) -> tuple[str, ...]:
        """Return which rows are not as they were written."""
        transaction = lent_transaction(self._connection, self._dialect, self._make)
        return tuple(transaction.broken_seals())

    def compact(self) -> None:
        """Do nothing: others keep the database."""

    def backup(self, path: str | Path) -> None:
        """Refuse: others keep the database."""
        raise StoreError(
            "a lent connection makes no backup",
            str(path),
            "back up the application's database as a whole",
        )

    def close(self) -> None:
        """Do nothing: the connection is the application's."""

    def _create(self) -> None:
        joined = join(self._connection)
        if joined.engine != self._dialect.name:
            return  # which is refused a moment later
        execute = self._make(joined.connection).execute
        if version_of(execute, self._dialect, self._name) is None:
            advance(execute, self._dialect, self._name)
