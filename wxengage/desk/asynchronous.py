"""The desk, awaited (异步运营台): the same methods, which do not block the loop.

Each call runs in a thread of the loop's own pool. What was begun is finished: whoever
is cancelled while waiting for an answer hears of it when the work is done, so that no
transaction goes on behind the back of an application that is about to close.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    overload,
)

from wxengage.desk.desk import Desk
from wxengage.desk.opening import open_desk

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from wxengage.desk.backfilling import Backfilled
    from wxengage.desk.exporting import Exported
    from wxengage.stores.ports import Store

__all__ = ["AsyncDesk", "open_desk_async"]

P = ParamSpec("P")
T = TypeVar("T")
_LOG: Final = logging.getLogger("wxengage.desk")


async def _aside(work: Callable[[], T]) -> T:
    """Do some work in a thread, to its end."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    # No task of the loop's: a loop that ends would cancel it.
    done = loop.run_in_executor(None, functools.partial(context.run, work))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await _ended(done)
        raise


async def _ended(done: asyncio.Future[T]) -> None:
    """Wait until work has ended that nobody hears of any more."""
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError:
            continue
    if not done.cancelled() and (error := done.exception()) is not None:
        _LOG.warning("work whose caller was cancelled has failed", exc_info=error)


class _Awaited(Generic[P, T]):
    """A method of the desk, to be awaited."""

    def __init__(self, method: Callable[Concatenate[Any, P], T]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, desk: None, kind: type[AsyncDesk]) -> Self: ...

    @overload
    def __get__(
        self, desk: AsyncDesk, kind: type[AsyncDesk]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(
        self, desk: AsyncDesk | None, kind: type[AsyncDesk]
    ) -> Self | Callable[P, Coroutine[Any, Any, T]]:
        if desk is None:
            return self

        @functools.wraps(self._method)
        async def awaited(*args: P.args, **named: P.kwargs) -> T:
            work = functools.partial(self._method, desk.desk, *args, **named)
            return await _aside(work)

        return awaited


class AsyncDesk:
    """A desk whose methods are awaited; made by ``open_desk_async``.

    Parameters
    ----------
    desk
        The desk. It may be used beside this one.

    Notes
    -----
    A connection that is given as ``within`` is used in another thread: SQLite's has to
    be opened with ``check_same_thread=False``.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # launching
    publish = _Awaited(Desk.publish)
    amend = _Awaited(Desk.amend)
    pause = _Awaited(Desk.pause)
    resume = _Awaited(Desk.resume)
    close = _Awaited(Desk.close)
    # recording
    record = _Awaited(Desk.record)
    record_many = _Awaited(Desk.record_many)
    tick = _Awaited(Desk.tick)
    # settling
    claim = _Awaited(Desk.claim)
    release = _Awaited(Desk.release)
    void = _Awaited(Desk.void)
    renew = _Awaited(Desk.renew)
    resolve = _Awaited(Desk.resolve)
    statement = _Awaited(Desk.statement)
    audit = _Awaited(Desk.audit)
    reconcile = _Awaited(Desk.reconcile)
    # sending
    check = _Awaited(Desk.check)
    enqueue = _Awaited(Desk.enqueue)
    remind = _Awaited(Desk.remind)
    dispatch = _Awaited(Desk.dispatch)
    next_due = _Awaited(Desk.next_due)
    health = _Awaited(Desk.health)
    hint = _Awaited(Desk.hint)
    reported = _Awaited(Desk.reported)
    revive = _Awaited(Desk.revive)
    lift = _Awaited(Desk.lift)
    compose = _Awaited(Desk.compose)
    # codes
    invite_code = _Awaited(Desk.invite_code)
    codes_due = _Awaited(Desk.codes_due)
    renewed = _Awaited(Desk.renewed)
    resolve_code = _Awaited(Desk.resolve_code)
    # keeping
    keep = _Awaited(Desk.keep)
    kept = _Awaited(Desk.kept)
    freeze = _Awaited(Desk.freeze)
    unfreeze = _Awaited(Desk.unfreeze)
    freezes = _Awaited(Desk.freezes)
    page = _Awaited(Desk.page)
    # privacy
    introduce = _Awaited(Desk.introduce)
    user_of = _Awaited(Desk.user_of)
    erase = _Awaited(Desk.erase)
    was_erased = _Awaited(Desk.was_erased)
    forget_before = _Awaited(Desk.forget_before)
    compact = _Awaited(Desk.compact)
    # showing
    progress = _Awaited(Desk.progress)
    leaderboard = _Awaited(Desk.leaderboard)
    replay = _Awaited(Desk.replay)
    to_log_source = _Awaited(Desk.to_log_source)

    async def backfill(
        self, source: Any, *, now: dt.datetime | None = None, **columns: Any
    ) -> Backfilled:
        """Bring in the past; see ``Desk.backfill``."""
        return await _aside(
            functools.partial(self.desk.backfill, source, now=now, **columns)
        )

    @overload
    async def export(self, name: str, *, like: None = None) -> Exported: ...

    @overload
    async def export(self, name: str, *, like: object) -> Any: ...

    async def export(self, name: str, *, like: object = None) -> Any:
        """Return a table of all that the store holds; see ``Desk.export``."""
        return await _aside(functools.partial(self.desk.export, name, like=like))

    @property
    def store(self) -> Store:
        """Where everything is kept: its DDL, its backup, its own checks, its end."""
        return self.desk.store

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await _aside(self.desk.store.close)

    def __repr__(self) -> str:
        return f"Async{self.desk!r}"


def _opener(opens: Callable[P, Desk]) -> Callable[P, Coroutine[Any, Any, AsyncDesk]]:
    async def opened(*args: P.args, **named: P.kwargs) -> AsyncDesk:
        """Open a desk whose methods are awaited; takes what ``open_desk`` takes."""
        return AsyncDesk(await _aside(functools.partial(opens, *args, **named)))

    return opened


open_desk_async = _opener(open_desk)
