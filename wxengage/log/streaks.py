"""Days in a row (连续天数), counted in local days and never by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wxengage.log.runs import NEVER
from wxengage.log.state import ACTIVE, OWN, days_of

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
    today = int(clock.days(np.array([upto], dtype=np.int64))[0])
    current, longest = (np.zeros(part.users, dtype=np.int64) for _ in range(2))
    last = np.full(part.users, NEVER)
    for users, _, active in part.blocks(OWN, ACTIVE):
        day, new_day = days_of(active, clock)
        user = active.users(new_day)
        kept = new_day < active.until(upto)[user]
        _fill(
            day[new_day[kept]],
            user[kept],
            today,
            (current[users], longest[users], last[users]),
        )
    return current, longest, last


def _fill(
    days: NDArray[np.int64],
    user: NDArray[np.int64],
    today: int,
    columns: tuple[NDArray[np.int64], ...],
) -> None:
    """Fill in the streaks of a block of users from their days."""
    current, longest, last = columns
    if not len(days):
        return
    broken = (np.diff(days) != 1) | (np.diff(user) != 0)
    first = np.concatenate(([0], np.flatnonzero(broken) + 1))
    length = np.diff(np.append(first, len(days)))
    final = first + length - 1
    np.maximum.at(longest, user[first], length)
    last[user[final]] = days[final]  # ascending, so the last streak is written last
    alive = days[final] >= today - 1
    current[user[final][alive]] = length[alive]
