"""Calendar periods (自然周期): minutes, days, ISO weeks and months of a day clock.

A period is a number; consecutive periods of a kind differ by one, across years too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from wxengage.times.zones import MICROS_PER_SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.times.days import DayClock

__all__ = [
    "PERIODS",
    "Period",
    "days_in",
    "first_day",
    "next_start",
    "period_of",
    "periods",
    "start_of",
]

Period = Literal["minute", "day", "week", "month"]
PERIODS: Final[tuple[str, ...]] = get_args(Period)
_MINUTE: Final = 60 * MICROS_PER_SECOND
_THURSDAY: Final = 3  # 1970-01-01, counted from Monday


def periods(per: Period, at: NDArray[np.int64], clock: DayClock) -> NDArray[np.int64]:
    """Return the period that each instant is in.

    Parameters
    ----------
    per
        Which kind of period.
    at
        Microseconds since 1970 in UTC. Shape ``(n,)``.
    clock
        Whose days count. A minute is the same on every clock.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``.
    """
    return at // _MINUTE if per == "minute" else period_of(per, clock.days(at))


def period_of(per: Period, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the day, ISO week or month of local days.

    Parameters
    ----------
    per
        ``"day"``, ``"week"`` (from Monday) or ``"month"``.
    days
        Days since 1970-01-01. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``.
    """
    if per == "day":
        return days
    if per == "week":
        return (days + _THURSDAY) // 7
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_day(per: Period, period: int) -> int:
    """Return the first local day of a day, week or month, days since 1970-01-01."""
    if per == "day":
        return period
    if per == "week":
        return period * 7 - _THURSDAY
    return int(np.datetime64(period, "M").astype("datetime64[D]").astype(np.int64))


def start_of(per: Period, period: int, clock: DayClock) -> int:
    """Return the first instant of a period, microseconds since 1970."""
    if per == "minute":
        return period * _MINUTE
    return clock.start_of(first_day(per, period))


def days_in(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many days each month has: 28 to 31. Shape ``(n,)``."""
    starts = months.astype("datetime64[M]")
    ends = (months + 1).astype("datetime64[M]")
    last, first = ends.astype("datetime64[D]"), starts.astype("datetime64[D]")
    days: NDArray[np.int64] = (last - first).astype(np.int64)
    return days


def next_start(per: Period, at: int, clock: DayClock) -> int:
    """Return when the period after the one of ``at`` begins, in microseconds."""
    period = int(periods(per, np.array([at], dtype=np.int64), clock)[0])
    return start_of(per, period + 1, clock)
