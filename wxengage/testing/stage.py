"""Processes that take turns (轮流执行的进程), and die between any two steps.

Each is a thread that works only when it is told to, up to its next pause: before and
after each transaction, before and after each request. So one source of chance decides
how they interleave, and a run can be had again. One that is killed does nothing more:
what it had committed stays, what it was about to do is never done.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from wxengage.stores.errors import CommitUnknownError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from wxengage.stores.ports import Store, Transaction

__all__ = ["Crash", "Process", "SteppedStore", "VirtualClock"]

T = TypeVar("T")
_WHERE = "a simulated store"


class Crash(BaseException):
    """A process was killed."""


class _Undone(Exception):  # noqa: N818  no error either
    """A transaction is rolled back and done again."""


@attrs.define
class VirtualClock:
    """A clock that moves when it is told to (虚拟时钟).

    Attributes
    ----------
    at
        What it shows, aware.
    """

    at: dt.datetime

    def __call__(self) -> dt.datetime:
        """Return what it shows."""
        return self.at

    def pass_time(self, span: dt.timedelta) -> None:
        """Go forward, or back."""
        self.at += span


class Process:
    """One process, which works when it is told to (模拟进程).

    Parameters
    ----------
    name
        Its name, for the history.
    work
        What it does; it is given the process, and calls ``pause`` wherever it may
        be interrupted.
    """

    def __init__(self, name: str, work: Callable[[Process], None]) -> None:
        self.name = name
        self.point = "start"
        self.error: BaseException | None = None
        self.is_over = False
        self._work = work
        self._killed = False
        self._turn = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Let it work up to its next pause, or its end."""
        if not self.is_over:
            self._turn.release()
            self._back.acquire()

    def kill(self) -> None:
        """End it where it is."""
        self._killed = True
        self.step()
        self._thread.join()

    def pause(self, point: str) -> None:
        """Let others work; called by the process itself.

        Parameters
        ----------
        point
            What it is about to do, or has just done.

        Raises
        ------
        Crash
            If it was killed.
        """
        if self._killed:
            raise Crash
        self.point = point
        self._back.release()
        self._turn.acquire()
        if self._killed:
            raise Crash

    def _live(self) -> None:
        self._turn.acquire()
        try:
            if not self._killed:
                self._work(self)
        except Crash:
            self.point = "killed"
        except BaseException as error:  # noqa: BLE001  told to whoever steps it
            self.error = error
        self.is_over = True
        self._back.release()


class SteppedStore:
    """A store as one process sees it: it pauses around each transaction.

    Parameters
    ----------
    store
        The store, which all processes share.
    process
        Whose view it is.
    rng
        Chance.
    lost
        The share of commits whose answer gets lost: half of them are committed.
    undone
        The share of transactions that are rolled back once and done again.
    met
        Counts what was met.
    """

    def __init__(
        self,
        store: Store,
        process: Process,
        rng: np.random.Generator,
        *,
        lost: float,
        undone: float,
        met: Counter[str],
    ) -> None:
        self._store, self._process, self._rng = store, process, rng
        self._lost, self._undone, self._met = lost, undone, met

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"simulated {self._store.name}"

    @property
    def durable(self) -> bool:
        """What is committed outlives every process of the simulation."""
        return True

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do some work in one transaction; a process may die before and after it."""
        self._process.pause("begins to write" if write else "begins to read")
        if not write:
            return self._store.run(work, write=False)
        if self._rng.random() < self._undone:
            self._met["transaction undone"] += 1
            self._undo(work)
        commits, lost = self._rng.random() < 0.5, self._rng.random() < self._lost  # noqa: PLR2004  a half
        if lost:
            self._met["answer to commit lost"] += 1
        if not lost or commits:
            result = self._store.run(work)
        self._process.pause("has committed")
        if lost:
            raise CommitUnknownError.of(_WHERE)
        return result

    def _undo(self, work: Callable[[Transaction], object]) -> None:
        def undone(tx: Transaction) -> None:
            work(tx)
            raise _Undone

        try:
            self._store.run(undone)
        except _Undone:
            self._process.pause("was undone")

    def within(self, connection: Any) -> Transaction:  # noqa: ANN401  of many libraries
        """Return the transaction that a connection is in."""
        return self._store.within(connection)

    def now(self) -> dt.datetime:
        """Return the instant by the store's clock."""
        return self._store.now()

    def ddl(self) -> str:
        """Return the statements that make an empty store."""
        return self._store.ddl()

    def verify(self) -> tuple[str, ...]:
        """Return what is wrong with the store, in words."""
        return self._store.verify()

    def backup(self, path: str | Path) -> None:
        """Write a copy as of one instant."""
        self._store.backup(path)

    def compact(self) -> None:
        """Give back the room of what was removed."""
        self._store.compact()

    def close(self) -> None:
        """Do nothing: the store is everybody's."""
