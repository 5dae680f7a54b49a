"""What a store does (存储端口): rows by key and by index, in transactions.

Nothing here knows what the rows mean. Whoever uses a store writes a function of a
transaction and gives it to ``run``: what it does is done as a whole or not at all,
and what it read cannot have changed in between where it took the locks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from wxengage.stores.schema import Key, Row, Value

__all__ = ["Store", "Transaction"]

T = TypeVar("T")


class Transaction(Protocol):
    """Rows, as one transaction sees and changes them.

    Values are of the types of their columns exactly, texts have no NUL, and reals are
    finite (``-0.0`` may come back as ``0.0``); anything else is refused with table, row
    and column, before anything is done. Where the engine refuses, nothing of the
    transaction is kept, whoever catches the error: a value below its floor raises
    FloorError, another row in one's place of a unique index TakenError.
    """

    def lock(self, names: Iterable[str]) -> None:
        """Wait until nobody else holds these names, and hold them until the end.

        Taken in their sorted order, so that two that ask at once do not wait for
        each other. Rows that are read afterwards are as the former holder left
        them. An engine with one writer at a time needs nothing more than itself.
        """

    def insert(self, table: str, rows: Sequence[Row]) -> tuple[bool, ...]:
        """Add rows whose key is not there yet; say of each whether it is new.

        Another row of the key, there already or earlier among these, stays as it
        is, whatever it holds.
        """

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Write rows, each in the place of the one with its key, if any."""

    def get(self, table: str, keys: Iterable[Key]) -> dict[Key, Row]:
        """Return the rows of keys; those that are not there are left out."""

    def find(
        self,
        table: str,
        index: str,
        equals: tuple[Value, ...] = (),
        *,
        least: int | None = None,
        below: int | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> tuple[Row, ...]:
        """Return rows by an index.

        ``equals`` gives values of its first columns; the next column, a whole one,
        is at least ``least`` and below ``below``. None is never among them. In the
        order of the index and then of the key, or with ``newest`` the other way
        round; at most ``limit``.
        """

    def walk(
        self, table: str, *, after: Key | None = None, limit: int = 1000
    ) -> tuple[Row, ...]:
        """Return the next rows after a key, in the order of keys."""

    def count(
        self, table: str, index: str | None = None, equals: tuple[Value, ...] = ()
    ) -> int:
        """Return how many rows there are, of these values of an index's columns."""

    def remove(self, table: str, keys: Iterable[Key]) -> int:
        """Take rows out, and say how many were there."""


class Store(Protocol):
    """Where a desk keeps what it knows."""

    @property
    def name(self) -> str:
        """The engine and its version, for people."""

    @property
    def durable(self) -> bool:
        """Whether what ``run`` has returned survives a loss of power."""

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do some work in one transaction, commit it, and return its result.

        Where another transaction was in the way, or the connection was lost before
        the commit was asked for, it is done again from the start: whatever it does
        besides, it does once for each try. What it raises undoes it.
        """

    def within(self, connection: Any) -> Transaction:
        """Return the transaction that an application's own connection is in.

        It is neither begun nor committed here.
        """

    def now(self) -> dt.datetime:
        """Return the instant by the clock of the store, which all processes share."""

    def ddl(self) -> str:
        """Return the statements that make an empty store, for whoever runs them."""

    def verify(self) -> tuple[str, ...]:
        """Return what is wrong with the files or tables, in words; empty if nothing."""

    def backup(self, path: str | Path) -> None:
        """Write a copy as of one instant, while others go on writing."""

    def compact(self) -> None:
        """Give back the room of what was removed, so that no file holds it any more.

        Where the engine does that by itself, nothing happens.
        """

    def close(self) -> None:
        """Let go of every connection."""
