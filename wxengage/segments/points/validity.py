"""How long something holds on the calendar (有效期): to the end of a day or month.

What is valid for one month from 31 January holds through 28 February (29 in a
leap year); its end is the first instant at which it holds no longer. Every end
is the start of a local day, so a user never loses something in the middle of one.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, nearest, require_whole
from wxengage.times.calendars import add_months
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, from_micros, micros, to_utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FOREVER",
    "DayTable",
    "Months",
    "Validity",
    "instant",
    "later_months",
]

Until = Literal["day", "month", "year"]
_UNTIL: Final[tuple[str, ...]] = get_args(Until)
_A_YEAR: Final = 12
# The longest that can be asked for is a century: with instants from 1970 to 2200
# every end lies within the years that all libraries know.
_MOST: Final = {"days": 36_525, "months": 1_200, "years": 100}
#: Stands for the end of what never ends, among microseconds.
FOREVER: Final = 2**63 - 1
_EARLIEST: Final = 0
_LATEST: Final = micros("latest", dt.datetime(2200, 1, 1, tzinfo=dt.UTC))


def instant(name: str, at: dt.datetime) -> int:
    """Return an aware datetime from 1970 to 2199 in microseconds since 1970."""
    found = micros(name, at)
    if not _EARLIEST <= found < _LATEST:
        raise InvalidInputError(name, at, "within the years 1970 to 2199")
    return found


@attrs.frozen
class Months:
    """A number of calendar months (自然月), where a timedelta will not do.

    Attributes
    ----------
    n
        From 1 to 1200.
    """

    n: int

    def __attrs_post_init__(self) -> None:
        require_whole("n", self.n, least=1, most=_MOST["months"])


@attrs.frozen(kw_only=True)
class Validity:
    """So many days, months or years, rounded up to the end of a day, month or year.

    Exactly one of ``days``, ``months`` and ``years`` is given. With ``days=0`` it
    is the present day, with ``years=0, until="year"`` the present year.

    Attributes
    ----------
    days, months, years
        How many after the first day. The first day itself comes on top: what
        begins on a Monday and is valid for one day holds through Tuesday. A
        month that is too short for the day ends it on its last day.
    until
        The end of what: the local ``"day"``, ``"month"`` or ``"year"`` into which
        the last day falls.

    Raises
    ------
    InvalidInputError
        If not exactly one length is given, or one breaks its bounds: at most a
        century.

    Examples
    --------
    >>> Validity(months=1).last_day(dt.date(2026, 1, 31))
    datetime.date(2026, 2, 28)
    >>> Validity(years=1, until="year").last_day(dt.date(2026, 1, 31))
    datetime.date(2027, 12, 31)
    """

    days: int | None = None
    months: int | None = None
    years: int | None = None
    until: Until = "day"

    def __attrs_post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _MOST}
        given = {name: n for name, n in given.items() if n is not None}
        if len(given) != 1:
            hint = "for example Validity(months=12)"
            raise InvalidInputError(
                "Validity", given, "one of days, months, years", hint
            )
        for name, n in given.items():
            require_whole(name, n, most=_MOST[name])
        if not isinstance(self.until, str) or self.until not in _UNTIL:
            hint = nearest(self.until, _UNTIL)
            raise InvalidInputError("until", self.until, "a day, month or year", hint)

    @property
    def length(self) -> tuple[str, int]:
        """Return ``("days", n)`` or ``("months", n)``; a year has twelve of these."""
        if self.days is not None:
            return "days", self.days
        if self.months is not None:
            return "months", self.months
        return "months", _A_YEAR * (self.years or 0)

    def last_day(self, first: dt.date) -> dt.date:
        """Return the last day on which it holds.

        Parameters
        ----------
        first
            The local date on which it begins.

        Returns
        -------
        datetime.date
            Included.
        """
        unit, n = self.length
        last = first + dt.timedelta(days=n) if unit == "days" else add_months(first, n)
        if self.until == "year":
            return last.replace(month=12, day=31)
        if self.until == "month":
            return add_months(last.replace(day=1), 1) - dt.timedelta(days=1)
        return last

    def end(self, at: dt.datetime, clock: DayClock = DayClock()) -> dt.datetime:
        """Return the first instant at which it holds no longer.

        Parameters
        ----------
        at
            When it begins: aware.
        clock
            Whose calendar counts.

        Returns
        -------
        datetime.datetime
            The start of a local day, in the clock's zone.

        Examples
        --------
        >>> at = dt.datetime.fromisoformat("2024-02-29T12:00+08:00")
        >>> Validity(years=1).end(at).isoformat()
        '2025-03-01T00:00:00+08:00'
        """
        return from_micros(self.end_of(instant("at", at), clock), clock.zone)

    def end_of(self, at: int, clock: DayClock) -> int:
        """Return ``end``, microseconds since 1970 there and back."""
        first = clock.date(int(clock.days(np.array([at], dtype=np.int64))[0]))
        return clock.start_of(clock.of_date(self.last_day(first)) + 1)

    def last_days(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``last_day`` of many local days. Shape ``(n,)``."""
        unit, n = self.length
        last = days + n if unit == "days" else later_months(days, n)
        if self.until == "day":
            return last
        code = "M" if self.until == "month" else "Y"
        period = last.astype("M8[D]").astype(f"M8[{code}]")
        ends: NDArray[np.int64] = (period + 1).astype("M8[D]").astype(np.int64) - 1
        return ends

    def ends(self, at: NDArray[np.int64], table: DayTable) -> NDArray[np.int64]:
        """Return ``end_of`` of many instants. Shape ``(n,)``."""
        return table.starts(self.last_days(table.days(at)) + 1)

    @property
    def at_most_days(self) -> int:
        """No end is more days than this after its beginning."""
        unit, n = self.length
        return (n if unit == "days" else 31 * n) + 367


def later_months(days: NDArray[np.int64], months: int) -> NDArray[np.int64]:
    """Return ``add_months`` of many local days.

    Parameters
    ----------
    days
        Days since 1970-01-01. Shape ``(n,)``.
    months
        How many; may be negative.

    Returns
    -------
    numpy.ndarray
        Days since 1970-01-01. Shape ``(n,)``.
    """
    month = days.astype("M8[D]").astype("M8[M]")
    day_of_month = days - month.astype("M8[D]").astype(np.int64)
    first = (month + months).astype("M8[D]").astype(np.int64)
    length = (month + months + 1).astype("M8[D]").astype(np.int64) - first
    later: NDArray[np.int64] = first + np.minimum(day_of_month, length - 1)
    return later


class DayTable:
    """When each local day of a span begins: for many look-ups (自然日表).

    ``DayClock`` answers for one day at a time, or works out the zone's changes
    on every call; here that is done once.
    """

    __slots__ = ("_first", "_starts")

    def __init__(self, clock: DayClock, low: int, high: int) -> None:
        """Make the table.

        Parameters
        ----------
        clock
            Whose days.
        low, high
            First and last instant that will be asked about, microseconds.
        """
        first, last = low // MICROS_PER_DAY - 2, high // MICROS_PER_DAY + 2
        days = np.arange(first, last + 1)
        wall = days * MICROS_PER_DAY + clock.start_micros
        starts, exists = to_utc(wall, clock.zone)
        for row in np.flatnonzero(~exists).tolist():
            starts[row] = clock.start_of(int(days[row]))
        self._first, self._starts = int(first), starts

    def places(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position in ``every`` of the day of each instant."""
        return np.searchsorted(self._starts, at, side="right") - 1

    def days(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the local day of each instant. Shape ``(n,)``."""
        return self.places(at) + self._first

    @property
    def every(self) -> NDArray[np.int64]:
        """All days of the table, ascending."""
        return np.arange(self._first, self._first + len(self._starts))

    def starts(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first instant of each local day, or of the table's first."""
        return self._starts[np.maximum(days - self._first, 0)]
