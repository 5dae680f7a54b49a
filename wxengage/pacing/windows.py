"""Golden windows (黄金时段): when people look at their phones.

A window is a half-open stretch of a local day, read on the wall clock. What it
is in instants depends on the day and the zone: where the clock is turned
forward over it a window is shorter, or is not there at all that day.
"""

from __future__ import annotations

import datetime as dt
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.claims.figures import GOLDEN_WINDOW
from wxengage.errors import InvalidInputError, require_id
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, from_micros, to_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "GOLDEN_WINDOWS",
    "Slot",
    "Window",
    "minute_of_day",
    "wall_instant",
    "windows_on",
]

MICROS_PER_MINUTE: Final = 60_000_000
MINUTES_PER_DAY: Final = 1_440
# ASCII digits only: int() would also read full-width ones.
_TIME: Final = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9]))|24:00", re.ASCII)


def minute_of_day(name: str, text: object) -> int:
    """Return a wall-clock time as minutes since midnight.

    Parameters
    ----------
    name
        The field's name, for the message.
    text
        ``"HH:MM"`` from ``"00:00"`` to ``"24:00"``.

    Returns
    -------
    int
        From 0 to 1440.

    Raises
    ------
    InvalidInputError
        If it is written in any other way.

    Examples
    --------
    >>> minute_of_day("start", "22:30")
    1350
    """
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        hint = "two digits each, as in '08:00'"
        raise InvalidInputError(name, text, "a time from '00:00' to '24:00'", hint)
    hour, minute = found.groups()
    return MINUTES_PER_DAY if hour is None else int(hour) * 60 + int(minute)


def wall_instant(date: dt.date, minute: int, clock: DayClock) -> int:
    """Return the instant at which the wall clock shows a time of a date.

    Parameters
    ----------
    date
        The calendar date.
    minute
        Minutes since midnight; 1440 is the next midnight.
    clock
        Its zone says whose wall it is.

    Returns
    -------
    int
        Microseconds since 1970 in UTC. A time that comes twice is the first
        one; a time that the clock jumps over is the instant of the jump.
    """
    wall = clock.of_date(date) * MICROS_PER_DAY + minute * MICROS_PER_MINUTE
    at, exists = to_utc(np.array([wall], dtype=np.int64), clock.zone)
    near = int(at[0])
    if exists[0]:
        return near
    shifts = clock.shifts(near - MICROS_PER_DAY, near + MICROS_PER_DAY)
    return min(since for since, _ in shifts[1:] if since > near)


@attrs.frozen
class Window:
    """A stretch of every local day, half-open (时段).

    Attributes
    ----------
    code
        Its name in tables.
    start, end
        Wall-clock times ``"HH:MM"``: it holds at ``start <= t < end``. A window
        does not cross midnight; take two.
    zh, en
        What people do then.

    Raises
    ------
    InvalidInputError
        If a time is not readable, or ``end`` is not after ``start``.
    """

    code: str
    start: str
    end: str
    zh: str = ""
    en: str = ""

    def __attrs_post_init__(self) -> None:
        require_id("code", self.code)
        start = minute_of_day("start", self.start)
        if minute_of_day("end", self.end) <= start:
            hint = "a window that crosses midnight is two windows"
            raise InvalidInputError("end", self.end, f"after {self.start}", hint)

    def on(self, day: int, clock: DayClock) -> Slot | None:
        """Return when the window is open on one local day.

        Parameters
        ----------
        day
            Days since 1970-01-01 on the clock's calendar.
        clock
            Whose day it is. Where a day begins at 04:00, a window at 01:00
            belongs to the day before.

        Returns
        -------
        Slot or None
            None where the clock is turned forward over the whole of it.
        """
        opens = minute_of_day("start", self.start)
        closes = minute_of_day("end", self.end)
        date = clock.date(day)
        if opens * MICROS_PER_MINUTE < clock.start_micros:
            date += dt.timedelta(days=1)
        start = wall_instant(date, opens, clock)
        end = wall_instant(date, closes, clock)
        if end <= start:
            return None
        return Slot(self, from_micros(start, clock.zone), from_micros(end, clock.zone))


@attrs.frozen
class Slot:
    """A window on a given day (时段位): ``start <= t < end``, both aware."""

    window: Window
    start: dt.datetime
    end: dt.datetime


_WORDS: Final = {
    "wechat": (
        ("通勤场景高峰", "the commute"),
        ("午休碎片化阅读", "reading in bits at lunch"),
        ("晚间情感互动高峰", "feelings in the evening"),
    ),
    "douyin": (
        ("短视频刷屏期", "short videos one after another"),
        ("娱乐内容爆发期", "entertainment breaks out"),
        ("直播黄金时段", "prime time for live streams"),
    ),
    "weibo": (
        ("早间热点讨论期", "talk about the morning's news"),
        ("热搜话题发酵期", "trending topics ferment"),
        ("夜话类内容活跃期", "night talk"),
    ),
}
_HINT: Final = "for example windows=GOLDEN_WINDOWS['weibo']"
#: The article's three windows on each platform, chapter 2. Its unverified claim:
#: learn your own from the log as soon as there is one.
GOLDEN_WINDOWS: Final[Mapping[str, tuple[Window, ...]]] = MappingProxyType(
    {
        platform: tuple(
            Window(*hours, *said)
            for hours, said in zip(GOLDEN_WINDOW, words, strict=True)
        )
        for platform, words in _WORDS.items()
    }
)


def windows_on(
    day: int,
    *,
    windows: tuple[Window, ...] = GOLDEN_WINDOWS["wechat"],
    clock: DayClock = DayClock(),
) -> tuple[Slot, ...]:
    """Return the windows of one local day as instants.

    Parameters
    ----------
    day
        Days since 1970-01-01 on the clock's calendar, as ``clock.day`` gives.
    windows
        Which windows; the article's for WeChat by default.
    clock
        Whose day it is.

    Returns
    -------
    tuple of Slot
        In order of their start. A window that does not exist on that day,
        because the clock is turned forward over it, is left out.

    Raises
    ------
    InvalidInputError
        If ``windows`` holds something else, or one code twice.

    Examples
    --------
    >>> clock = DayClock()
    >>> day = clock.of_date(dt.date(2026, 3, 2))
    >>> [f"{slot.start:%H:%M}" for slot in windows_on(day, clock=clock)]
    ['08:00', '12:00', '20:00']
    """
    codes: set[str] = set()
    for row, window in enumerate(windows):
        if not isinstance(window, Window):
            raise InvalidInputError(f"windows[{row}]", window, "a Window", _HINT)
        if window.code in codes:
            raise InvalidInputError(f"windows[{row}]", window.code, "named once")
        codes.add(window.code)
    slots = (window.on(day, clock) for window in windows)
    return tuple(sorted((s for s in slots if s), key=lambda slot: slot.start))
