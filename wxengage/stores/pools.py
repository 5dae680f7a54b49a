"""Connections that wait to be used again (连接池): few, alive, and of this process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pool"]

# More threads than these may work at once; so many connections outlive their work.
_KEPT = 8


class _Closable(Protocol):
    def close(self) -> object: ...


C = TypeVar("C", bound=_Closable)
# What a fork has left here belongs to the parent. Closing it, or letting it be
# collected, would say goodbye to the server in the parent's name.
_OF_PARENTS: list[object] = []


class Pool(Generic[C]):
    """Connections that nobody uses at the moment.

    Threads take from it and give back without a lock, which a fork could leave
    locked for ever: a list's ``pop`` and ``append`` are whole in themselves.

    Parameters
    ----------
    connect
        Makes a new connection, ready for work.
    """

    def __init__(self, connect: Callable[[], C]) -> None:
        self._connect = connect
        self._idle: list[C] = []
        self._process = os.getpid()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it gives out no more connections."""
        return self._closed

    def take(self) -> C:
        """Return a connection that nobody else uses until it is given back."""
        self._own()
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def give(self, connection: C) -> None:
        """Take back a connection that is in no transaction."""
        self._own()
        if self._closed or len(self._idle) >= _KEPT:
            connection.close()
        else:
            self._idle.append(connection)

    def drop(self, connection: C) -> None:
        """Give up a broken connection, and all idle ones: they are as old as it."""
        connection.close()
        self.clear()

    def clear(self) -> None:
        """Close every idle connection."""
        self._own()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                return
            connection.close()

    def close(self) -> None:
        """Close every idle connection now, and the others when they come back."""
        self._closed = True
        self.clear()

    def _own(self) -> None:
        if self._process != os.getpid():
            _OF_PARENTS.extend(self._idle)
            self._process, self._idle = os.getpid(), []
