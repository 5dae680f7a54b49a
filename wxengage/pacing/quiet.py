"""Quiet hours (免打扰时段): when nobody wants to hear from a brand.

The rule is about what the wall clock shows, so an hour that comes twice in
autumn is quiet twice, and one that is skipped in spring is quiet not at all.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.pacing.windows import MICROS_PER_MINUTE, MINUTES_PER_DAY, minute_of_day
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, from_micros, micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["QuietHours"]


@attrs.frozen
class QuietHours:
    """Hours of every day at which nothing is sent, half-open.

    Attributes
    ----------
    start, end
        Wall-clock times ``"HH:MM"``. Quiet at ``start <= t < end``; with
        ``end`` before ``start`` the night between, across midnight.

    Raises
    ------
    InvalidInputError
        If a time is not readable, or both are the same.

    Examples
    --------
    >>> import datetime as dt
    >>> night = QuietHours("22:30", "08:00")
    >>> at = dt.datetime(2026, 3, 1, 16, 0, tzinfo=dt.timezone.utc)  # midnight
    >>> f"{night.ends_after(at):%d %H:%M}"
    '02 08:00'
    """

    start: str
    end: str

    def __attrs_post_init__(self) -> None:
        start, end = self._minutes()
        if start == end:
            hint = "to send nothing at all, plan nothing; for no quiet hours, leave out"
            raise InvalidInputError("end", self.end, "another time than start", hint)

    def _minutes(self) -> tuple[int, int]:
        """Return both times as minutes; midnight at the end is 0 of the next day."""
        start = minute_of_day("start", self.start) % MINUTES_PER_DAY
        return start, minute_of_day("end", self.end) % MINUTES_PER_DAY

    def covers(self, at: dt.datetime, *, clock: DayClock = DayClock()) -> bool:
        """Return whether an instant is quiet.

        Parameters
        ----------
        at
            The instant, aware.
        clock
            Its zone says whose night it is.

        Returns
        -------
        bool
            True at ``start``, False at ``end``.
        """
        now = micros("at", at)
        return self._left(now + _east(now, clock)) > 0

    def covers_many(
        self,
        at: NDArray[np.int64],
        *,
        clock: DayClock = DayClock(),
    ) -> NDArray[np.bool_]:
        """Return whether each of many instants is quiet.

        Parameters
        ----------
        at
            Microseconds since 1970 in UTC. Shape ``(n,)``.
        clock
            Its zone says whose night it is.

        Returns
        -------
        numpy.ndarray
            The same answers as ``covers``. Shape ``(n,)``.
        """
        midnight = DayClock(clock.tz)
        if at.size == 0:
            return at.astype(bool)
        shifts = midnight.shifts(int(at.min()), int(at.max()))
        since, east = np.array(shifts, dtype=np.int64).T
        wall = at + east[np.searchsorted(since[1:], at, side="right")]
        start, end = (m * MICROS_PER_MINUTE for m in self._minutes())
        quiet: NDArray[np.bool_] = (wall - start) % MICROS_PER_DAY < (
            end - start
        ) % MICROS_PER_DAY
        return quiet

    def ends_after(
        self,
        at: dt.datetime,
        *,
        clock: DayClock = DayClock(),
    ) -> dt.datetime:
        """Return the first instant from ``at`` on that is not quiet.

        Parameters
        ----------
        at
            The instant, aware.
        clock
            Its zone says whose night it is.

        Returns
        -------
        datetime.datetime
            ``at`` itself where it is not quiet, else the end of the quiet
            hours in the clock's zone, exact also where the clock changes in
            the night.
        """
        now = micros("at", at)
        while left := self._left(now + _east(now, clock)):
            change = _next_change(now, now + left, clock)
            now = now + left if change is None else change
        return at if now == micros("at", at) else from_micros(now, clock.zone)

    def _left(self, wall: int) -> int:
        """Return how much wall-clock time of quiet is left, 0 outside."""
        start, end = (minute * MICROS_PER_MINUTE for minute in self._minutes())
        into = (wall - start) % MICROS_PER_DAY
        return max((end - start) % MICROS_PER_DAY - into, 0)


def _east(at: int, clock: DayClock) -> int:
    """Return what the wall clock is ahead of UTC at an instant."""
    offset = from_micros(at, clock.zone).utcoffset() or dt.timedelta(0)
    return offset // dt.timedelta(microseconds=1)


def _next_change(after: int, until: int, clock: DayClock) -> int | None:
    """Return when the clock is changed in ``after < t <= until``, if it is."""
    shifts = clock.shifts(after, until)
    return next((since for since, _ in shifts[1:] if after < since <= until), None)
