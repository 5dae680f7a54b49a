"""Days, windows and calendars (自然日, 时间窗口, 工作日历)."""

from wxengage.times.calendars import (
    ChineseCalendar,
    WeekdayCalendar,
    WorkCalendar,
    add_months,
    iso_week,
    work_calendar,
)
from wxengage.times.days import DayClock
from wxengage.times.zones import SHANGHAI, from_micros, micros, to_utc, zone

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
    "to_utc",
    "work_calendar",
    "zone",
]
