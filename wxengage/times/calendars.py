"""Weeks, months and working days (周, 月, 工作日)."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Final, Protocol

import attrs

from wxengage.errors import InvalidInputError, MissingExtraError

__all__ = [
    "ChineseCalendar",
    "WeekdayCalendar",
    "WorkCalendar",
    "add_months",
    "iso_week",
    "work_calendar",
]

_MONTHS: Final = 12


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
    >>> [iso_week(day) for day in (20_513, 20_514, 20_520, 20_521)]
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
