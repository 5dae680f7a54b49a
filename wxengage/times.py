"""Days, windows and calendars (自然日, 时间窗口, 工作日历).

Instants are aware ``datetime`` values; arrays of them are microseconds since
1970 in UTC (``int64``). A *local day* is an ordinal, the count of days since
1970-01-01 on the calendar of one zone: consecutive days differ by one across
month ends, leap days and changes of the clock, so nothing here is ever keyed
by month.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "SHANGHAI",
    "ChineseCalendar",
    "DayClock",
    "WeekdayCalendar",
    "WorkCalendar",
    "add_months",
    "from_micros",
    "iso_week",
    "micros",
    "offsets",
    "require_aware",
    "span_micros",
    "to_utc",
    "work_calendar",
    "zone",
]

SHANGHAI: Final = "Asia/Shanghai"
MICROS_PER_SECOND: Final = 1_000_000
MICROS_PER_DAY: Final = 86_400 * MICROS_PER_SECOND
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_ORDINAL: Final = EPOCH.toordinal()
_MONTHS: Final = 12
# Between two looks at a zone's offset its clock is taken to change at most once.
_STEP: Final = 86_400


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Parameters
    ----------
    name
        Such as ``"Asia/Shanghai"``.

    Returns
    -------
    zoneinfo.ZoneInfo
        The zone.

    Raises
    ------
    InvalidInputError
        If there is no such zone. An unknown zone is never taken for another
        one: that is how a whole audience gets lost.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidInputError(
            "zone", name, "an IANA time zone", "for example 'Asia/Shanghai'"
        ) from None


def require_aware(name: str, at: dt.datetime) -> dt.datetime:
    """Return ``at`` if it is an aware datetime.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    at
        The instant.

    Returns
    -------
    datetime.datetime
        The same object.

    Raises
    ------
    InvalidInputError
        If it is naive, or no datetime at all.
    """
    if not isinstance(at, dt.datetime) or at.tzinfo is None or at.utcoffset() is None:
        hint = "add a zone, as in datetime(..., tzinfo=ZoneInfo('Asia/Shanghai'))"
        raise InvalidInputError(name, at, "an aware datetime", hint)
    return at


def micros(name: str, at: dt.datetime) -> int:
    """Return an aware datetime as microseconds since 1970 in UTC.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    at
        The instant.

    Returns
    -------
    int
        Exact; no float is involved.

    Raises
    ------
    InvalidInputError
        If it is naive, no datetime at all, or so close to the ends of the
        calendar that another zone may not be able to tell it.

    Examples
    --------
    >>> micros("as_of", dt.datetime(1970, 1, 2, tzinfo=dt.timezone.utc))
    86400000000
    """
    if not dt.MINYEAR < require_aware(name, at).year < dt.MAXYEAR:
        raise InvalidInputError(name, at, "within the years 2 to 9998")
    return (at - EPOCH) // dt.timedelta(microseconds=1)


def from_micros(at: int, tz: dt.tzinfo = dt.UTC) -> dt.datetime:
    """Return microseconds since 1970 as an aware datetime in ``tz``."""
    return (EPOCH + dt.timedelta(microseconds=int(at))).astimezone(tz)


def span_micros(name: str, span: dt.timedelta) -> int:
    """Return a positive timedelta in microseconds.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    span
        The duration.

    Returns
    -------
    int
        Exact.

    Raises
    ------
    InvalidInputError
        If it is no timedelta, or not positive.
    """
    if not isinstance(span, dt.timedelta) or span <= dt.timedelta(0):
        raise InvalidInputError(
            name, span, "a timedelta above zero", "for example timedelta(days=30)"
        )
    return span // dt.timedelta(microseconds=1)


def _offset_at(tz: ZoneInfo, second: int) -> int:
    at = EPOCH + dt.timedelta(seconds=second)
    offset = at.astimezone(tz).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


@functools.lru_cache(maxsize=256)
def offsets(tz: ZoneInfo, low: int, high: int) -> tuple[tuple[int, int], ...]:
    """Return when the zone's distance from UTC changes between two instants.

    Parameters
    ----------
    tz
        The zone.
    low, high
        First and last instant of interest, seconds since 1970.

    Returns
    -------
    tuple of (second, offset) pairs
        The offset, in seconds east of UTC, that holds from each second on. The
        first pair holds at ``low`` already, and before it as far as asked.
    """
    found = [(low, _offset_at(tz, low))]
    at = low
    while at < high:
        step = min(at + _STEP, high)
        if _offset_at(tz, step) != found[-1][1]:
            before, after = at, step
            while after - before > 1:
                middle = (before + after) // 2
                if _offset_at(tz, middle) == found[-1][1]:
                    before = middle
                else:
                    after = middle
            found.append((after, _offset_at(tz, after)))
        at = step
    return tuple(found)


def _regimes(tz: ZoneInfo, low: int, high: int) -> tuple[NDArray[np.int64], ...]:
    """Return change instants and offsets, both in microseconds, as arrays."""
    table = offsets(tz, low // MICROS_PER_SECOND - _STEP, high // MICROS_PER_SECOND + 1)
    both = np.array(table, dtype=np.int64) * MICROS_PER_SECOND
    return both[:, 0], both[:, 1]


def to_utc(
    local: NDArray[np.int64], tz: ZoneInfo
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read wall-clock times of one zone as instants.

    Parameters
    ----------
    local
        Wall-clock microseconds since 1970-01-01T00:00 on that zone's clocks.
        Shape ``(n,)``.
    tz
        The zone.

    Returns
    -------
    at
        Microseconds since 1970 in UTC. Where the clock was turned back and the
        same wall time came twice, the first of the two. Shape ``(n,)``.
    exists
        False where the clock was turned forward over that time, so that it
        never was. Shape ``(n,)``.
    """
    if local.size == 0:
        return local.astype(np.int64), np.ones(0, dtype=np.bool_)
    margin = 2 * MICROS_PER_DAY
    starts, east = _regimes(tz, int(local.min()) - margin, int(local.max()) + margin)
    if len(east) == 1:
        return local - east[0], np.ones(local.shape, dtype=np.bool_)
    ends = starts[1:] + east[:-1]  # each regime's end, on its own wall clock
    regime = np.searchsorted(ends, local, side="right")
    at = local - east[regime]
    return at, (regime == 0) | (at >= starts[regime])


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
            count local days with it.
        """
        starts, east = _regimes(self.zone, low, high)
        start = self.start_micros
        return tuple(
            (int(since), int(shift) - start)
            for since, shift in zip(starts, east, strict=True)
        )

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


def iso_week(day: int) -> int:
    """Return the ISO week of a local day, counted without years.

    Parameters
    ----------
    day
        Days since 1970-01-01.

    Returns
    -------
    int
        Weeks since the Monday of 1969-12-29: consecutive weeks differ by one
        across New Year, which a pair of year and week number does not.

    Examples
    --------
    >>> clock = DayClock()
    >>> [iso_week(clock.of_date(dt.date(2026, 3, d))) for d in (1, 2, 8, 9)]
    [2930, 2931, 2931, 2932]
    """
    return (int(day) + 3) // 7  # 1970-01-01 was a Thursday


def add_months(date: dt.date, months: int) -> dt.date:
    """Return the same day some months later.

    Parameters
    ----------
    date
        The day to start from.
    months
        How many; may be negative.

    Returns
    -------
    datetime.date
        The last day of the month where the month is too short, counted from
        the given date, so that twice one month is not always two months.

    Raises
    ------
    InvalidInputError
        If ``date`` is a datetime or no date, ``months`` is not whole, or the
        calendar does not reach so far.

    Examples
    --------
    >>> add_months(dt.date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    if not isinstance(date, dt.date) or isinstance(date, dt.datetime):
        hint = "an instant has a date only in a zone: DayClock(...).day(at)"
        raise InvalidInputError("date", date, "a date without a time", hint)
    if not isinstance(months, int) or isinstance(months, bool):
        raise InvalidInputError("months", months, "a whole number")
    year, month = divmod(date.year * _MONTHS + date.month - 1 + months, _MONTHS)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise InvalidInputError("months", months, "within the years 1 to 9999")
    _, last = calendar.monthrange(year, month + 1)
    return dt.date(year, month + 1, min(date.day, last))


class WorkCalendar(Protocol):
    """Which days are worked (工作日)."""

    def is_workday(self, date: dt.date) -> bool:
        """Return whether offices are open on that date."""
        ...


@attrs.frozen
class WeekdayCalendar:
    """Monday to Friday, no holidays: the calendar when nothing better is known."""

    def is_workday(self, date: dt.date) -> bool:
        """Return whether ``date`` is a Monday to Friday."""
        return date.isoweekday() <= 5  # noqa: PLR2004  Friday


def _official(date: dt.date) -> bool | None:
    # None: the official table does not know that year.
    try:
        from chinese_calendar import is_workday  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtraError("chinesecalendar", "cn") from None
    try:
        return bool(is_workday(date))
    except NotImplementedError:
        return None


@attrs.frozen
class ChineseCalendar:
    """China's public holidays and the weekends worked for them (调休).

    The official table is published a year at a time, so a date beyond it is
    answered by ``beyond`` instead; ``covers`` says which it was.
    """

    beyond: WorkCalendar = attrs.field(factory=WeekdayCalendar)

    def covers(self, date: dt.date) -> bool:
        """Return whether the official table knows that year."""
        return _official(date) is not None

    def is_workday(self, date: dt.date) -> bool:
        """Return whether offices are open on that date."""
        known = _official(date)
        return self.beyond.is_workday(date) if known is None else known


def work_calendar() -> WorkCalendar:
    """Return China's calendar where chinesecalendar is installed.

    Returns
    -------
    WorkCalendar
        ``ChineseCalendar`` with the extra ``cn``, else ``WeekdayCalendar``.
    """
    try:
        import chinese_calendar  # noqa: F401, PLC0415  an extra
    except ImportError:
        return WeekdayCalendar()
    return ChineseCalendar()
