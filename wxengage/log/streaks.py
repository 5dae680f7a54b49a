"""Days in a row (连续天数), counted in local days and never by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wxengage.log.runs import NEVER
from wxengage.log.state import ACTIVE, days_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.part import Part
    from wxengage.times.days import DayClock

__all__ = ["streaks_of"]


def streaks_of(
    part: Part, upto: int, clock: DayClock
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the current and the longest streak and the last day of each user.

    Parameters
    ----------
    part
        The events.
    upto
        Microseconds since 1970; later events are left out.
    clock
        Whose days count.

    Returns
    -------
    current, longest, last_day
        Shape ``(users,)`` each; ``last_day`` is ``NEVER`` without interaction.
    """
    runs = part.runs(ACTIVE)
    today = int(clock.days(np.array([upto], dtype=np.int64))[0])
    current, longest = (np.zeros(part.users, dtype=np.int64) for _ in range(2))
    last = np.full(part.users, NEVER)
    if not len(runs.keys):
        return current, longest, last
    day, new_day = days_of(runs, clock)
    user = (runs.keys[new_day] >> np.uint64(runs.bits)).astype(np.int64)
    kept = new_day < runs.until(upto)[user]
    days, user = day[new_day[kept]], user[kept]
    if not len(days):
        return current, longest, last
    broken = (np.diff(days) != 1) | (np.diff(user) != 0)
    first = np.concatenate(([0], np.flatnonzero(broken) + 1))
    length = np.diff(np.append(first, len(days)))
    final = first + length - 1
    np.maximum.at(longest, user[first], length)
    last[user[final]] = days[final]  # ascending, so the last streak is written last
    alive = days[final] >= today - 1
    current[user[final][alive]] = length[alive]
    return current, longest, last
