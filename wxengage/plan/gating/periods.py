"""Days, weeks, months and quiet spells as instants (周期边界, 免打扰区间).

A calendar period begins and ends at instants that depend on the zone, and so does
a night. Both are worked out once a zone and day, and looked up after that: a
decision then compares integers.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.pacing.quiet import WEEKDAYS
from wxengage.pacing.windows import MICROS_PER_MINUTE, MINUTES_PER_DAY, minute_of_day
from wxengage.times.days import DayClock
from wxengage.times.periods import first_day, period_of
from wxengage.times.zones import MICROS_PER_DAY, regimes, zone

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.pacing.caps import Period
    from wxengage.pacing.quiet import QuietHours

__all__ = ["edges_between", "period_at", "quiet_end"]

# Nights of the days around an instant: none is longer than a day, and a change of
# the clock makes it longer by hours.
_MARGIN: Final = 2 * MICROS_PER_DAY
_THURSDAY: Final = WEEKDAYS.index("thu")  # 1970-01-01


def edges_between(
    clock: DayClock, per: Period, low: int, high: int
) -> NDArray[np.int64]:
    """Return when the periods begin that some instants fall into.

    Parameters
    ----------
    clock
        Whose days, weeks and months.
    per
        Which period.
    low, high
        First and last instant of interest, microseconds since 1970.

    Returns
    -------
    numpy.ndarray
        Ascending; the first is not after ``low``, the last is after ``high``. A day
        that the calendar leaves out has no edge of its own. Shape ``(k,)``.
    """
    days = clock.days(np.array([low, high], dtype=np.int64))
    first, last = period_of(per, days).tolist()
    starts = [clock.start_of(first_day(per, p)) for p in range(first, last + 2)]
    return np.unique(np.array(starts, dtype=np.int64))


@functools.lru_cache(maxsize=8192)
def _edges_of(tz: str, day_start: dt.time, per: Period, day: int) -> tuple[int, ...]:
    low = day * MICROS_PER_DAY
    found = edges_between(DayClock(tz, day_start), per, low, low + MICROS_PER_DAY - 1)
    return tuple(found.tolist())


def period_at(clock: DayClock, per: Period, at: int) -> tuple[int, int]:
    """Return when the calendar period of an instant begins and ends.

    Parameters
    ----------
    clock
        Whose days, weeks and months.
    per
        Which period.
    at
        Microseconds since 1970.

    Returns
    -------
    tuple of int
        ``start`` and ``end`` of ``start <= t < end``, microseconds since 1970.
    """
    edges = _edges_of(clock.tz, clock.day_start, per, at // MICROS_PER_DAY)
    place = bisect_right(edges, at)
    return edges[place - 1], edges[place]


@functools.lru_cache(maxsize=8192)
def _spells_of(
    start: str, end: str, days: tuple[str, ...] | None, tz: str, day: int
) -> tuple[tuple[int, int], ...]:
    """Return the quiet spells that touch a day in UTC, whole and in order."""
    # The wall clock is followed through every change: what comes twice is quiet
    # twice, and spells that touch are one.
    low = day * MICROS_PER_DAY
    high = low + MICROS_PER_DAY
    opens, closes = (
        minute_of_day(name, text) % MINUTES_PER_DAY * MICROS_PER_MINUTE
        for name, text in (("start", start), ("end", end))
    )
    length = (closes - opens) % MICROS_PER_DAY
    since, east = (
        column.tolist() for column in regimes(zone(tz), low - _MARGIN, high + _MARGIN)
    )
    found: list[tuple[int, int]] = []
    until = [*since[1:], high + _MARGIN]
    for begins, ends, offset in zip(since, until, east, strict=True):
        first, last = ((at + offset) // MICROS_PER_DAY for at in (begins, ends))
        for night in range(first - 1, last + 1):
            if days is not None and WEEKDAYS[(night + _THURSDAY) % 7] not in days:
                continue
            falls = night * MICROS_PER_DAY + opens - offset
            lifts = min(falls + length, ends)
            falls = max(falls, begins)
            if falls >= lifts:
                continue
            if found and found[-1][1] == falls:
                falls = found.pop()[0]
            found.append((falls, lifts))
    return tuple(
        (falls, lifts) for falls, lifts in found if falls < high and lifts > low
    )


def quiet_end(quiet: QuietHours, tz: str, at: int) -> int:
    """Return the first instant from ``at`` on that is not quiet.

    Parameters
    ----------
    quiet
        The quiet hours.
    tz
        Whose wall clock shows them.
    at
        Microseconds since 1970.

    Returns
    -------
    int
        ``at`` itself where it is not quiet; as ``QuietHours.ends_after``.
    """
    day = at // MICROS_PER_DAY
    for falls, lifts in _spells_of(quiet.start, quiet.end, quiet.days, tz, day):
        if falls <= at < lifts:
            return lifts
    return at
