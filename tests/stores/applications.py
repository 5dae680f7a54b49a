"""An application that lends its connection, and begins and commits itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wxengage.stores.ports import Store, Transaction

__all__ = ["Application"]

T = TypeVar("T")


class Application:
    """A store whose every piece of work an application wraps in a transaction.

    Parameters
    ----------
    transaction
        Begins a transaction of the application, and ends it: it commits, or rolls
        back what raises.
    lend
        Opens a store on the connection of that transaction.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[object]],
        lend: Callable[[], Store],
    ) -> None:
        self._transaction = transaction
        with transaction():
            self._store = lend()

    @property
    def name(self) -> str:
        """The engine."""
        return self._store.name

    @property
    def durable(self) -> bool:
        """Nothing is, before the application commits."""
        return self._store.durable

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do some work in a transaction of the application."""
        with self._transaction():
            return self._store.run(work, write=write)

    def within(self, connection: object) -> Transaction:
        """Return the transaction that another connection is in."""
        return self._store.within(connection)

    def now(self) -> dt.datetime:
        """Tell the time."""
        with self._transaction():
            return self._store.now()

    def ddl(self) -> str:
        """Return the statements."""
        return self._store.ddl()

    def verify(self) -> tuple[str, ...]:
        """Look for damage."""
        with self._transaction():
            return self._store.verify()

    def backup(self, path: str | Path) -> None:
        """Make no backup."""
        self._store.backup(path)

    def compact(self) -> None:
        """Do nothing, since others keep the database."""
        self._store.compact()

    def close(self) -> None:
        """Leave the connection open."""
        self._store.close()
