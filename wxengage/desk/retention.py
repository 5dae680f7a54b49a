"""What is kept no longer (留存期限): old events, messages and touches go, in pages."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import attrs

from wxengage.delivery.outbox.states import State
from wxengage.desk.rows import is_message, letter_of
from wxengage.desk.running import running
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.desk.unit import Unit

__all__ = ["Forgotten", "forgotten"]

T = TypeVar("T")
_PAGE: Final = 1_000
# A dead letter waits for a person.
_DONE: Final = (State.SENT, State.MAYBE_SENT, State.DIGEST, State.DROPPED)


@attrs.frozen
class Forgotten:
    """How much is kept no longer (清理结果).

    Attributes
    ----------
    events
        Events that went. They happened before ``events_before``.
    letters, touches
        Messages that went: letters of this store, and others.
    events_before
        What was asked for, or the opening of a campaign that still reads them.
    """

    events: int
    letters: int
    touches: int
    events_before: dt.datetime


class Do(Protocol):
    """Does some work in one transaction."""

    def __call__(self, work: Callable[[Unit], T], *, write: bool = True) -> T: ...


def forgotten(do: Do, before: dt.datetime, lasting: frozenset[str]) -> Forgotten:
    """Take out what is older than an instant, a page in each transaction.

    Parameters
    ----------
    do
        Does the work.
    before
        The instant.
    lasting
        Kinds of events that stay.

    Returns
    -------
    Forgotten
        How much went.
    """
    limit = micros("before", before)
    cut = do(lambda unit: _cut(unit, limit), write=False)
    return Forgotten(
        _all(do, _Events(cut, lasting)),
        sum(_all(do, _Letters(limit, state)) for state in _DONE),
        _all(do, _Touches(limit)),
        from_micros(cut),
    )


def _cut(unit: Unit, limit: int) -> int:
    """Return up to when no campaign reads events any more."""
    needed = (
        micros("opens", one.campaign.opens)
        for one in running(unit)
        if one.state != "closed" and micros("closes", one.campaign.closes) > limit
    )
    return min([limit, *needed])


class _Pages(Protocol):
    """One page after the other; None where there is no other."""

    def turn(self, unit: Unit, after: Any) -> tuple[int, Any]:
        """Take out what is old on a page; say how much, and where the next begins."""


def _all(do: Do, pages: _Pages) -> int:
    total, after = 0, None
    while True:
        count, after = do(functools.partial(pages.turn, after=after))
        total += count
        if after is None:
            return total


@attrs.frozen
class _Events:
    cut: int
    lasting: frozenset[str]

    def turn(self, unit: Unit, after: Any) -> tuple[int, Any]:
        least, size = after or (None, _PAGE)
        rows = unit.find("event", "by_time", least=least, below=self.cut, limit=size)
        old = [(str(row[0]),) for row in rows if row[2] not in self.lasting]
        count = unit.tx.remove("event", old)
        if len(rows) < size:
            return count, None
        # Those that stay are read again, but for an instant that fills a page.
        last = int(rows[-1][3] or 0)
        return count, (last, size if last != least or old else size * 2)


@attrs.frozen
class _Letters:
    limit: int
    state: State

    def turn(self, unit: Unit, after: Any) -> tuple[int, Any]:
        least, size = after or (None, _PAGE)
        state = (self.state.value,)
        rows = unit.find(
            "letter", "by_state", state, least=least, below=self.limit, limit=size
        )
        found = [letter_of(row) for row in rows]
        old = [
            (one.key,) for one in found if is_message(one) and one.since < self.limit
        ]
        count = unit.tx.remove("letter", old)
        if len(rows) < size:
            return count, None
        last = int(rows[-1][5] or 0)
        return count, (last, size if last != least or old else size * 2)


@attrs.frozen
class _Touches:
    limit: int

    def turn(self, unit: Unit, after: Any) -> tuple[int, Any]:
        rows = unit.tx.walk("touch", after=after, limit=_PAGE)
        old = [(str(row[0]),) for row in rows if int(row[2] or 0) < self.limit]
        count = unit.tx.remove("touch", old)
        return count, (str(rows[-1][0]),) if len(rows) == _PAGE else None
