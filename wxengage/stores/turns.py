"""One transaction after another (轮流): who may work in this process, and who not."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from wxengage.stores.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["WAIT", "Turns"]

#: Seconds that a transaction waits for others before it gives up.
WAIT: Final = 30.0


class Turns:
    """Lets one thread after the other work, and none within its own work (轮流).

    Parameters
    ----------
    where
        The store, for messages.
    wait
        Seconds to wait for one's turn.
    """

    def __init__(self, where: str, wait: float = WAIT) -> None:
        self._where = where
        self._wait = wait
        self._lock = threading.Lock()
        self._inside = threading.local()

    @contextmanager
    def alone(self) -> Generator[None]:
        """Wait for one's turn, and work while no other thread does."""
        self._enter()
        try:
            if not self._lock.acquire(timeout=self._wait):
                raise StoreBusyError(
                    f"another thread has worked for {self._wait:g} seconds",
                    self._where,
                    "keep what waits for a network out of transactions",
                )
            try:
                yield
            finally:
                self._lock.release()
        finally:
            self._inside.yes = False

    @contextmanager
    def beside(self) -> Generator[None]:
        """Work while others do, which only reading may."""
        self._enter()
        try:
            yield
        finally:
            self._inside.yes = False

    def _enter(self) -> None:
        if getattr(self._inside, "yes", False):
            raise StoreError(
                "a transaction was begun inside another one",
                self._where,
                "use the transaction that the work was given",
            )
        self._inside.yes = True
