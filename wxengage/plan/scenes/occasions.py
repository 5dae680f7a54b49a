"""The occasions of one user (触发时机), one scene at a time."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wxengage.pacing.windows import minute_of_day
from wxengage.plan.scenes.facts import require_birthday
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
    span_of,
)
from wxengage.plan.scenes.trigger import FOREVER
from wxengage.plan.scenes.walls import on_wall
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from wxengage.plan.scenes.facts import Facts, Holding
    from wxengage.plan.scenes.scene import Scene

__all__ = ["Occasion", "breaks_at", "celebrated", "named", "occasions_of"]

# A birthday in January may be announced in December, and one in December be over
# in January elsewhere.
_YEARS: Final = (-1, 0, 1)


class Occasion(NamedTuple):
    """One occasion of a user that has been entered; instants in microseconds.

    ``ends`` is ``FOREVER`` where it never ends by itself, and ``over`` tells
    whether something the user did has ended it by now.
    """

    entered: int
    name: str
    since: int
    ends: int
    over: bool


def named(holding_id: str, at: int) -> str:
    """Return the name of a holding's occasion: a refreshed one is another."""
    return f"{holding_id}@{at}"


def occasions_of(
    scene: Scene, facts: Facts, now: int, clock: DayClock
) -> Iterable[Occasion]:
    """Return the occasions that a user has entered by now.

    Parameters
    ----------
    scene
        Which.
    facts
        What is known of the user. What is later than now is not read.
    now
        Microseconds since 1970.
    clock
        Whose days streaks count, and whose zone is taken for an unknown one.

    Returns
    -------
    iterable of Occasion
        Past ones too, in no order.

    Notes
    -----
    ``O(n log n)`` in the user's events.
    """
    return _OF[type(scene)](scene, facts, now, clock)


def _moments(facts: Facts, kinds: tuple[str, ...], now: int) -> list[int]:
    """Return the instants of some kinds by now, ascending, each once."""
    at = (micros("events", e.at) for e in facts.events if e.kind in kinds)
    return sorted({one for one in at if one <= now})


def _followed(_: Followed, facts: Facts, now: int, __: DayClock) -> Iterator[Occasion]:
    marks = [(at, False) for at in _moments(facts, ("follow",), now)]
    marks += [(at, True) for at in _moments(facts, ("unfollow",), now)]
    since: int | None = None
    for at, left in sorted(marks):
        if not left:
            since = at if since is None else since
        elif since is not None:
            if at > since:
                yield Occasion(since, str(since), since, FOREVER, over=True)
            since = None
    if since is not None:
        yield Occasion(since, str(since), since, FOREVER, over=False)


def _happened(
    scene: Happened, facts: Facts, now: int, _: DayClock
) -> Iterator[Occasion]:
    for at in _moments(facts, scene.kinds, now):
        yield Occasion(at, str(at), at, FOREVER, over=False)


def _silent(scene: Silent, facts: Facts, now: int, _: DayClock) -> Iterator[Occasion]:
    after, moments = span_of(scene.after), _moments(facts, scene.kinds, now)
    for at, following in itertools.pairwise([*moments, FOREVER]):
        entered = at + after
        if entered <= now and entered < following:
            over = following != FOREVER
            yield Occasion(entered, str(at), at, FOREVER, over=over)


def celebrated(
    scene: Birthday, birthday: str, tz: str, now: int
) -> tuple[Occasion, ...]:
    """Return the birthdays around now that have been entered and are not over.

    Parameters
    ----------
    scene
        When to congratulate.
    birthday
        ``"MM-DD"``.
    tz
        The user's zone.
    now
        Microseconds since 1970.

    Returns
    -------
    tuple of Occasion
        At most one.
    """
    clock = DayClock(tz)
    month, day = require_birthday("birthday", birthday)
    today = from_micros(now, clock.zone).date()
    found = []
    for year in (today.year + offset for offset in _YEARS):
        try:
            date = dt.date(year, month, day)
        except ValueError:  # 29 February of a common year
            date = dt.date(year, *require_birthday("leap", scene.leap))
        if abs((date - today).days) > scene.days_before + 1:
            continue
        local = clock.of_date(date)
        entered = on_wall(local - scene.days_before, minute_of_day("at", scene.at), tz)
        ends = clock.start_of(local + 1)
        if entered <= now < ends:
            found.append(Occasion(entered, str(year), entered, ends, over=False))
    return tuple(found)


def _birthday(
    scene: Birthday, facts: Facts, now: int, clock: DayClock
) -> Iterable[Occasion]:
    if facts.birthday is None:
        return ()
    return celebrated(scene, facts.birthday, facts.zone or clock.tz, now)


@functools.lru_cache(maxsize=8192)
def breaks_at(by: str, day: int, clock: DayClock) -> tuple[int, int, int]:
    """Return when a local day begins, when its check-in is missed, and its end.

    Parameters
    ----------
    by
        Local time ``"HH:MM"``.
    day
        Days since 1970-01-01.
    clock
        Whose day it is. Where a day begins at 04:00, 01:00 is late in it.

    Returns
    -------
    tuple of int
        Microseconds since 1970.
    """
    minute = minute_of_day("by", by)
    start, end = clock.start_of(day), clock.start_of(day + 1)
    late = on_wall(day, minute, clock.tz)
    if late < start:
        late = on_wall(day + 1, minute, clock.tz)
    return start, late, end


def _streak_breaking(
    scene: StreakBreaking, facts: Facts, now: int, clock: DayClock
) -> Iterator[Occasion]:
    first: dict[int, int] = {}
    for at in _moments(facts, (scene.kind,), now):
        first.setdefault(clock.day(from_micros(at)), at)
    length = 0
    for day in first:  # ascending, as the moments are
        length = length + 1 if day - 1 in first else 1
        if length < scene.days:
            continue
        start, late, end = breaks_at(scene.by, day + 1, clock)
        checked_in = first.get(day + 1)
        if late <= now and (checked_in is None or late < checked_in):
            over = checked_in is not None
            yield Occasion(late, str(day + 1), start, end, over=over)


def _ends(holding: Holding) -> int:
    return FOREVER if holding.until is None else micros("until", holding.until)


def _held(holding: Holding, entered: int, now: int) -> Iterator[Occasion]:
    at = micros("at", holding.at)
    closed = FOREVER if holding.closed is None else micros("closed", holding.closed)
    # What is used in the instant of its entry has not been entered.
    if at <= now and entered <= now and entered < closed:
        name = named(holding.id, at)
        yield Occasion(entered, name, at, _ends(holding), over=closed <= now)


def _expiring(
    scene: Expiring, facts: Facts, now: int, _: DayClock
) -> Iterator[Occasion]:
    for holding in facts.holdings:
        if holding.kind == scene.kind and holding.until is not None:
            at, near = micros("at", holding.at), _ends(holding) - span_of(scene.before)
            yield from _held(holding, max(at, near), now)


def _running_low(
    scene: RunningLow, facts: Facts, now: int, _: DayClock
) -> Iterator[Occasion]:
    for holding in facts.holdings:
        if holding.kind == scene.kind and holding.left == scene.left:
            yield from _held(holding, micros("at", holding.at), now)


_OF: Final[Mapping[type, Callable[[Any, Facts, int, DayClock], Iterable[Occasion]]]] = (
    MappingProxyType(
        {
            Followed: _followed,
            Happened: _happened,
            Silent: _silent,
            Birthday: _birthday,
            StreakBreaking: _streak_breaking,
            Expiring: _expiring,
            RunningLow: _running_low,
        }
    )
)
