"""Local days (自然日): whose calendar day counts, and when it begins.

A *local day* is an ordinal, the count of days since 1970-01-01 on the calendar
of one zone: consecutive days differ by one across month ends, leap days and
changes of the clock, so nothing here is ever keyed by month.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.times.zones import (
    EPOCH,
    MICROS_PER_DAY,
    MICROS_PER_SECOND,
    SHANGHAI,
    from_micros,
    micros,
    regimes,
    span_micros,
    to_utc,
    zone,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

__all__ = ["DayClock"]

_EPOCH_ORDINAL: Final = EPOCH.toordinal()


@attrs.frozen
class DayClock:
    """Whose calendar day counts, and when it begins (自然日).

    Attributes
    ----------
    tz
        IANA name of the zone.
    day_start
        Local time at which a new day begins. At 04:00, a check-in at 01:30 on
        3 March still belongs to 2 March.

    Examples
    --------
    >>> clock = DayClock("Asia/Shanghai")
    >>> at = dt.datetime(2026, 2, 28, 16, 30, tzinfo=dt.timezone.utc)
    >>> clock.date(clock.day(at))
    datetime.date(2026, 3, 1)
    """

    tz: str = SHANGHAI
    day_start: dt.time = dt.time(0)

    def __attrs_post_init__(self) -> None:
        zone(self.tz)
        if not isinstance(self.day_start, dt.time) or self.day_start.tzinfo is not None:
            raise InvalidInputError("day_start", self.day_start, "a naive local time")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return zone(self.tz)

    @property
    def start_micros(self) -> int:
        """Microseconds from local midnight to the start of the day."""
        start = self.day_start
        seconds = (start.hour * 60 + start.minute) * 60 + start.second
        return seconds * MICROS_PER_SECOND + start.microsecond

    def shifts(self, low: int, high: int) -> tuple[tuple[int, int], ...]:
        """Return what to add to an instant so that whole days are local days.

        Parameters
        ----------
        low, high
            First and last instant of interest, microseconds since 1970.

        Returns
        -------
        tuple of (since, shift) pairs
            In microseconds; each shift holds from its instant on, the first
            one at ``low`` and before. An engine that knows only integers can
            count local days with it. Days never run backwards: where the clock
            is turned back over the start of a day, the day has begun.
        """
        starts, east = regimes(self.zone, low, high)
        found: list[tuple[int, int]] = []
        for change, offset in zip(starts.tolist(), east.tolist(), strict=True):
            since, shift = change, offset - self.start_micros
            if found:
                day = (since - 1 + found[-1][1]) // MICROS_PER_DAY
                # Until the start of that day has come a second time.
                since = max(since, day * MICROS_PER_DAY - shift)
            found.append((since, shift))
        return tuple(found)

    def days(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the local day of each instant.

        Parameters
        ----------
        at
            Microseconds since 1970 in UTC. Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            Days since 1970-01-01 on the local calendar. Shape ``(n,)``.

        Notes
        -----
        One floor division an instant, plus a binary search where the zone
        changed its clocks within the span.
        """
        if at.size == 0:
            return at.astype(np.int64)
        shifts = self.shifts(int(at.min()), int(at.max()))
        if len(shifts) == 1:
            return (at + shifts[0][1]) // MICROS_PER_DAY
        since, shift = np.array(shifts, dtype=np.int64).T
        regime = np.searchsorted(since[1:], at, side="right")
        local: NDArray[np.int64] = (at + shift[regime]) // MICROS_PER_DAY
        return local

    def day(self, at: dt.datetime) -> int:
        """Return the local day of one aware instant."""
        return int(self.days(np.array([micros("at", at)], dtype=np.int64))[0])

    def date(self, day: int) -> dt.date:
        """Return the calendar date of a local day."""
        return dt.date.fromordinal(_EPOCH_ORDINAL + int(day))

    def of_date(self, date: dt.date) -> int:
        """Return the local day of a calendar date."""
        return date.toordinal() - _EPOCH_ORDINAL

    def start(self, day: int) -> dt.datetime:
        """Return the first instant of a local day, in UTC.

        Parameters
        ----------
        day
            Days since 1970-01-01.

        Returns
        -------
        datetime.datetime
            Where the clock is turned forward over the start of the day, the
            instant at which it is turned.
        """
        return from_micros(self.start_of(day))

    def start_of(self, day: int) -> int:
        """Return the first instant of a local day, microseconds since 1970."""
        wall = np.array([day * MICROS_PER_DAY + self.start_micros], dtype=np.int64)
        at, exists = to_utc(wall, self.zone)
        if exists[0]:
            return int(at[0])
        near = int(at[0])
        shifts = self.shifts(near - MICROS_PER_DAY, near + MICROS_PER_DAY)
        return min(since for since, _ in shifts[1:] if since > near - MICROS_PER_DAY)

    def window_start(self, as_of: dt.datetime, window: dt.timedelta) -> int:
        """Return where a window that ends at ``as_of`` begins.

        Parameters
        ----------
        as_of
            The end, aware and included.
        window
            How far back. Whole days are local days that end with the day of
            ``as_of``: 30 days are that day and the 29 before it. Any other
            length is elapsed time.

        Returns
        -------
        int
            Microseconds since 1970 of the first instant inside.
        """
        end, span = micros("as_of", as_of), span_micros("window", window)
        if span % MICROS_PER_DAY:
            return end - span + 1
        return self.start_of(self.day(as_of) - span // MICROS_PER_DAY + 1)
