"""Local times of day as instants (本地时刻): when a step's hour comes next."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.pacing.windows import wall_instant
from wxengage.plan.scenes.trigger import FOREVER
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.plan.scenes.trigger import Step

__all__ = ["due_at", "on_wall"]

# A time that the clock jumps over at the end of the day before may be the first.
_BEFORE: Final = 1
_WEEK: Final = 7


@functools.lru_cache(maxsize=8192)
def on_wall(day: int, minute: int, tz: str) -> int:
    """Return the instant at which a zone's clocks show a time of a date.

    Parameters
    ----------
    day
        The date, in days since 1970-01-01.
    minute
        Minutes since midnight.
    tz
        The zone.

    Returns
    -------
    int
        Microseconds since 1970. A time that comes twice is the first one; a
        time that the clock jumps over is the instant of the jump.
    """
    clock = DayClock(tz)
    return wall_instant(clock.date(day), minute, clock)


def _near(day: int, minute: int, weekday: int | None, tz: str) -> list[int]:
    """Return the instants around a day that a step's rule allows."""
    clock = DayClock(tz)
    last = 1 if weekday is None else _WEEK
    return [
        on_wall(one, minute, tz)
        for one in range(day - _BEFORE, day + last + 1)
        if weekday is None or clock.date(one).isoweekday() == weekday
    ]


def due_at(step: Step, earliest: NDArray[np.int64], tz: str) -> NDArray[np.int64]:
    """Return when a step is due for users of one zone.

    Parameters
    ----------
    step
        The step.
    earliest
        The entry and the step's distance from it, microseconds since 1970.
        Shape ``(n,)``.
    tz
        The users' zone.

    Returns
    -------
    numpy.ndarray
        The first instant from ``earliest`` on at which the wall shows ``at``
        on the weekday; ``earliest`` itself where the step names no time. Shape
        ``(n,)``.
    """
    if step.minute is None or not earliest.size:
        return earliest
    days, place = np.unique(DayClock(tz).days(earliest), return_inverse=True)
    # As long as the longest row; a week has one such day, or two at its ends.
    rows = [_near(day, step.minute, step.weekday, tz) for day in days.tolist()]
    width = max(map(len, rows))
    near = np.array([row + [FOREVER] * (width - len(row)) for row in rows])[place]
    found: NDArray[np.int64] = np.where(near >= earliest[:, None], near, FOREVER).min(
        axis=1
    )
    return found
