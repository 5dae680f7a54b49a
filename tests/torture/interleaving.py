"""Two transactions, stepped by hand through what they read and write.

One is stopped before one of its steps and holds what it holds; the other does all its
work, or waits for the first; then the first goes on. Whatever both then say, and
whatever is in the store, must be as if one had come after the other.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from wxengage.desk.desk import Desk
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.desk.settings import Settings
    from wxengage.stores.ports import Store

__all__ = ["COMMIT", "FIRST_WRITE", "Both", "Stopping", "interleaved"]

T = TypeVar("T")
#: Where a transaction is stopped: right before its commit, or before its first write.
COMMIT = "commit"
FIRST_WRITE = "first write"
_STEPS = ("lock", "insert", "put", "get", "find", "walk", "count", "remove")
_WRITES = ("insert", "put", "remove")
# Who has not ended after so many seconds waits for the other one.
_PATIENCE = 0.15
_LONG = 60.0


class _Steps:
    """A transaction that says before each step what it is about to do."""

    def __init__(self, tx: Any, told: Callable[[str], None]) -> None:
        self._tx, self._told = tx, told

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        if name not in _STEPS:
            return found

        def step(*args: Any, **more: Any) -> Any:
            self._told(name)
            return found(*args, **more)

        return step


class Stopping:
    """A store whose one transaction is stopped at one of its steps.

    Reading transactions, and those before ``skip``, run as they are.
    """

    def __init__(self, store: Store, where: str | int, skip: int) -> None:
        self._store, self._where, self._skip = store, where, skip
        self._steps = 0
        self._done = False
        self.reached = threading.Event()
        self.go = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def run(self, work: Callable[[Any], T], *, write: bool = True) -> T:
        """Run some work, and stop in it."""
        if not write or self._done:
            return self._store.run(work, write=write)
        if self._skip:
            self._skip -= 1
            return self._store.run(work)

        def stopped(tx: Any) -> T:
            result = work(_Steps(tx, self._told))
            self._told(COMMIT)
            return result

        return self._store.run(stopped)

    def _told(self, step: str) -> None:
        if self._done:
            return
        self._steps += 1
        at_write = self._where == FIRST_WRITE and step in _WRITES
        if at_write or self._where in {step, self._steps} or step == COMMIT:
            self._done = True
            if at_write or self._where in {step, self._steps}:
                self.reached.set()
                self.go.wait(_LONG)


@attrs.define
class Both:
    """What two that met have said, and whether they met at all.

    Attributes
    ----------
    first, second
        What each returned, or what it raised.
    met
        Whether the first was stopped before it ended.
    waited
        Whether the second had to wait for the first.
    """

    first: Any = None
    second: Any = None
    met: bool = False
    waited: bool = False

    @property
    def raised(self) -> list[BaseException]:
        """What was raised."""
        both = (self.first, self.second)
        return [one for one in both if isinstance(one, BaseException)]


def interleaved(
    url: str,
    settings: Settings,
    clock: Callable[[], dt.datetime],
    acts: tuple[Callable[[Desk], Any], Callable[[Desk], Any]],
    where: str | int,
    *,
    skip: int = 0,
) -> Both:
    """Let two meet on a store that exists; each has connections of its own.

    Parameters
    ----------
    url, settings, clock
        Of both desks.
    acts
        What the first does, and the second.
    where
        Where the first is stopped: before a step of that name, or of that number.
    skip
        So many writing transactions of the first are not stopped.

    Returns
    -------
    Both
        What came of it.
    """
    both = Both()
    stores = [open_store(url, create=False, now=clock) for _ in acts]
    stopping = Stopping(stores[0], where, skip)
    desks = [Desk(stopping, settings), Desk(stores[1], settings)]

    def act(which: int, name: str) -> None:
        try:
            setattr(both, name, acts[which](desks[which]))
        except Exception as error:  # noqa: BLE001  told to the test
            setattr(both, name, error)
        if which == 0:
            stopping.reached.set()

    first = threading.Thread(target=act, args=(0, "first"))
    second = threading.Thread(target=act, args=(1, "second"))
    first.start()
    stopping.reached.wait(_LONG)
    both.met = first.is_alive()
    second.start()
    second.join(_PATIENCE)
    both.waited = second.is_alive()
    stopping.go.set()
    first.join(_LONG)
    second.join(_LONG)
    assert not first.is_alive()
    assert not second.is_alive()
    for store in stores:
        store.close()
    return both
