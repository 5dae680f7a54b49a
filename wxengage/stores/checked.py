"""What every engine refuses alike (统一校验), before it does anything.

An engine gives the doing, in methods that begin with an underscore; what may be asked
of it, and when, is decided here once, so that no store takes what another refuses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NoReturn

from wxengage.stores.errors import StoreError
from wxengage.stores.layouts import Layout, check_limit, layout_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wxengage.stores.schema import Index, Key, Row, Value

__all__ = ["CheckedTransaction"]


class CheckedTransaction(ABC):
    """A transaction that takes nothing wrong, and nothing after its end.

    Where an engine has failed, or a row was below its floor or in another's place,
    nothing of the transaction can be kept: whatever is asked of it afterwards raises
    the same error again, and ``end`` returns it.

    Parameters
    ----------
    where
        The store, for messages.
    write
        Whether it may change rows.
    """

    def __init__(self, where: str, *, write: bool) -> None:
        self._where = where
        self._write = write
        self._open = True
        self._failure: StoreError | None = None

    @property
    def where(self) -> str:
        """The store, for messages."""
        return self._where

    def lock(self, names: Iterable[str]) -> None:
        """Wait until nobody else holds these names, and hold them until the end."""
        self._usable()
        self._lock(sorted(set(names)))

    def insert(self, table: str, rows: Sequence[Row]) -> tuple[bool, ...]:
        """Add rows whose key is not there yet; say of each whether it is new."""
        layout = self._writable(table)
        rows = self._checked(layout, rows)
        return tuple(self._insert(layout, rows)) if rows else ()

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Write rows, each in the place of the one with its key, if any."""
        layout = self._writable(table)
        if rows := self._checked(layout, rows):
            self._put(layout, rows)

    def get(self, table: str, keys: Iterable[Key]) -> dict[Key, Row]:
        """Return the rows of keys; those that are not there are left out."""
        self._usable()
        layout = layout_of(table)
        keys = layout.check_keys(keys)
        return self._get(layout, keys) if keys else {}

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
        """Return rows by an index."""
        self._usable()
        layout = layout_of(table)
        order = layout.index(index)
        layout.check_search(order, equals, least=least, below=below)
        check_limit(limit)
        return self._find(
            layout, order, equals, (least, below), limit=limit, newest=newest
        )

    def walk(
        self, table: str, *, after: Key | None = None, limit: int = 1000
    ) -> tuple[Row, ...]:
        """Return the next rows after a key, in the order of keys."""
        self._usable()
        layout = layout_of(table)
        check_limit(limit)
        if after is not None:
            layout.check_keys((after,))
        return self._walk(layout, after, limit)

    def count(
        self, table: str, index: str | None = None, equals: tuple[Value, ...] = ()
    ) -> int:
        """Return how many rows there are, of these values of an index's columns."""
        self._usable()
        layout = layout_of(table)
        order = None if index is None else layout.index(index)
        layout.check_search(order, equals)
        return self._count(layout, order, equals)

    def remove(self, table: str, keys: Iterable[Key]) -> int:
        """Take rows out, and say how many were there."""
        layout = self._writable(table)
        keys = layout.check_keys(keys)
        return self._remove(layout, keys) if keys else 0

    def only_read(self) -> None:
        """Refuse to write from now on."""
        self._write = False

    def end(self) -> StoreError | None:
        """Take no more, and return what must not be passed over, if anything."""
        self._open = False
        return self._failure

    def _usable(self) -> None:
        if not self._open:
            raise StoreError(
                "this transaction is over", self._where, "do all of the work within run"
            )
        if self._failure is not None:
            raise self._failure

    def _writable(self, table: str) -> Layout:
        self._usable()
        if not self._write:
            raise StoreError(
                "this transaction only reads", self._where, "use run(work, write=True)"
            )
        return layout_of(table)

    def _checked(self, layout: Layout, rows: Sequence[Row]) -> Sequence[Row]:
        try:
            return layout.check_rows(rows)
        except StoreError as error:
            self._fail(error)

    def _fail(self, error: StoreError, cause: Exception | None = None) -> NoReturn:
        """Raise an error after which nothing of this transaction can be kept."""
        self._failure = error
        raise error from cause

    @abstractmethod
    def _lock(self, names: Sequence[str]) -> None: ...

    @abstractmethod
    def _insert(self, layout: Layout, rows: Sequence[Row]) -> Iterable[bool]: ...

    @abstractmethod
    def _put(self, layout: Layout, rows: Sequence[Row]) -> None: ...

    @abstractmethod
    def _get(self, layout: Layout, keys: Sequence[Key]) -> dict[Key, Row]: ...

    @abstractmethod
    def _find(
        self,
        layout: Layout,
        index: Index,
        equals: tuple[Value, ...],
        bounds: tuple[int | None, int | None],
        *,
        limit: int | None,
        newest: bool,
    ) -> tuple[Row, ...]: ...

    @abstractmethod
    def _walk(
        self, layout: Layout, after: Key | None, limit: int
    ) -> tuple[Row, ...]: ...

    @abstractmethod
    def _count(
        self, layout: Layout, index: Index | None, equals: tuple[Value, ...]
    ) -> int: ...

    @abstractmethod
    def _remove(self, layout: Layout, keys: Sequence[Key]) -> int: ...
