"""Expressions that mean the same on every engine (跨引擎表达式)."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Final

import narwhals.stable.v2 as nw

from wxengage.times.zones import MICROS_PER_DAY, micros, offsets, zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.times.days import DayClock

__all__ = [
    "EARLIEST",
    "LATEST",
    "flag",
    "from_wall",
    "full_days",
    "local_day",
    "stepped",
    "whole",
]

# Added before dividing, so that engines whose division rounds towards zero
# agree with those that round down: days from before 1970 on stay positive.
_DAYS_BEFORE: Final = 1_000
# Before 1970 is before any log, and 1970 began a day early in the far east.
EARLIEST: Final = -MICROS_PER_DAY
LATEST: Final = micros("", dt.datetime(2200, 1, 1, tzinfo=dt.UTC))


def whole(number: int) -> nw.Expr:
    """Return a constant, 64 bits wide on every engine."""
    return nw.lit(number, nw.Int64())


def flag(condition: nw.Expr) -> nw.Expr:
    """Return 1 where a condition holds, else 0."""
    return nw.when(condition).then(whole(1)).otherwise(whole(0))


def local_day(us: nw.Expr, clock: DayClock, low: int, high: int) -> nw.Expr:
    """Return the local day of microseconds since 1970.

    Parameters
    ----------
    us
        The instants.
    clock
        Whose days count.
    low, high
        Between which instants they lie, for the changes of the clock.

    Returns
    -------
    narwhals.Expr
        Days since 1970-01-01.
    """
    steps = [(since, whole(shift)) for since, shift in clock.shifts(low, high)]
    shift = stepped(us, steps)
    return full_days(us + shift + _DAYS_BEFORE * MICROS_PER_DAY) - _DAYS_BEFORE


def full_days(us: nw.Expr) -> nw.Expr:
    """Return how many days of 24 hours some microseconds, 0 or more, hold."""
    # The rest is taken off first: Ibis divides in floating point, which rounds the
    # last microsecond of a day up to the next.
    return (us - us % MICROS_PER_DAY) // MICROS_PER_DAY


def from_wall(wall: nw.Expr, tz: str) -> nw.Expr:
    """Return wall-clock microseconds of one zone as instants, null in a gap."""
    table = offsets(zone(tz), EARLIEST // 1_000_000, LATEST // 1_000_000)
    steps = [(EARLIEST, wall - table[0][1] * 1_000_000)]
    for (_, before), (since, after) in itertools.pairwise(table):
        end, begin = ((since + offset) * 1_000_000 for offset in (before, after))
        if begin > end:
            steps.append((end, nw.lit(None, nw.Int64())))
        steps.append((max(begin, end), wall - after * 1_000_000))
    return stepped(wall, steps)


def stepped(number: nw.Expr, steps: Sequence[tuple[float, nw.Expr]]) -> nw.Expr:
    """Return what holds from the last step on that a number has reached.

    Parameters
    ----------
    number
        Instants, or any other numbers; null is below every step.
    steps
        Where each begins, ascending, and what holds from there on. The first one
        holds below, too.

    Returns
    -------
    narwhals.Expr
        One of what the steps hold.
    """
    # A balanced tree: two centuries of a zone have 900 steps, and a chain of as
    # many cases is deeper than engines, and Python, can go.
    if len(steps) == 1:
        return steps[0][1]
    middle = len(steps) // 2
    late, early = (stepped(number, half) for half in (steps[middle:], steps[:middle]))
    return nw.when(number >= steps[middle][0]).then(late).otherwise(early)
