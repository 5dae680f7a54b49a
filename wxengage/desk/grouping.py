"""Group commit (组提交): callers that come at once share one transaction.

A disk acknowledges so many commits a second, whatever is in them. Whoever comes
first writes for all who have come meanwhile; nobody waits for a clock, and there is
no thread besides those of the callers.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Group"]

T = TypeVar("T")
R = TypeVar("R")


class _Waiting(Generic[T, R]):
    """One caller, and what comes back."""

    __slots__ = ("done", "error", "given", "result")

    def __init__(self, given: T) -> None:
        self.given = given
        self.done = threading.Event()
        self.result: R | None = None
        self.error: BaseException | None = None


class Group(Generic[T, R]):
    """Work of many callers, done together.

    Parameters
    ----------
    work
        Does a batch in one transaction: one result for each of what it is given, in
        order, or an error and nothing done.
    most
        At most so many in one batch.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Sequence[R]], *, most: int = 500
    ) -> None:
        self._work = work
        self._most = most
        self._queue: deque[_Waiting[T, R]] = deque()
        self._guard = threading.Lock()
        self._led = False

    def do(self, given: T) -> R:
        """Do one thing, with whatever others want done at this moment.

        Parameters
        ----------
        given
            What is to be done.

        Returns
        -------
        R
            Its own result, after the commit.

        Raises
        ------
        BaseException
            What the work says about this one: a batch in which one is refused is
            done one by one, so that nobody answers for another.
        """
        mine: _Waiting[T, R] = _Waiting(given)
        with self._guard:
            self._queue.append(mine)
            leads = not self._led
            self._led = True
        if leads:
            self._lead(mine)
        else:
            mine.done.wait()
            if mine.result is None and mine.error is None:
                # The leader has gone with its own; somebody has to lead the rest.
                self._lead(mine)
        if mine.error is not None:
            raise mine.error
        return mine.result  # type: ignore[return-value]  # there, since no error is

    def _lead(self, mine: _Waiting[T, R]) -> None:
        """Do batches until one's own is done, and hand the rest to who waits."""
        while mine.result is None and mine.error is None:
            with self._guard:
                count = min(self._most, len(self._queue))
                batch = [self._queue.popleft() for _ in range(count)]
            self._do(batch)
            for one in batch:
                if one is not mine:
                    one.done.set()
        with self._guard:
            heir = self._queue[0] if self._queue else None
            self._led = heir is not None
        if heir is not None:
            heir.done.set()

    def _do(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            results = self._work([one.given for one in batch])
        except Exception as error:  # noqa: BLE001  it is raised where it belongs
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:
                self._do([one])
            return
        except BaseException as error:  # noqa: BLE001  nobody is left waiting
            for one in batch:
                one.error = error
            return
        for one, result in zip(batch, results, strict=True):
            one.result = result
