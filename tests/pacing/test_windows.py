"""What golden windows promise."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wxengage.errors import InvalidInputError
from wxengage.pacing.windows import (
    GOLDEN_WINDOWS,
    Slot,
    Window,
    minute_of_day,
    windows_on,
)
from wxengage.times.days import DayClock

BERLIN = DayClock("Europe/Berlin")
SPRING, AUTUMN = dt.date(2026, 3, 29), dt.date(2026, 10, 25)


def hours(slots: tuple[Slot, ...]) -> list[tuple[str, str]]:
    """Return starts and ends in UTC."""
    return [(in_utc(slot.start), in_utc(slot.end)) for slot in slots]


def in_utc(at: dt.datetime) -> str:
    """Return day and time in UTC."""
    return f"{at.astimezone(dt.UTC):%d %H:%M}"


def test_the_articles_windows_are_there_for_three_platforms() -> None:
    """08-09, 12-14 and 20-22, with the article's words for each."""
    assert {"wechat", "douyin", "weibo"} == set(GOLDEN_WINDOWS)
    for windows in GOLDEN_WINDOWS.values():
        assert [("08:00", "09:00"), ("12:00", "14:00"), ("20:00", "22:00")] == [
            (window.start, window.end) for window in windows
        ]
    assert "通勤场景高峰" == GOLDEN_WINDOWS["wechat"][0].zh
    assert "热搜话题发酵期" == GOLDEN_WINDOWS["weibo"][1].zh


def test_windows_are_instants_of_a_local_day() -> None:
    """Shanghai is eight hours ahead."""
    clock = DayClock()
    day = clock.of_date(dt.date(2026, 3, 2))

    assert [
        ("02 00:00", "02 01:00"),
        ("02 04:00", "02 06:00"),
        ("02 12:00", "02 14:00"),
    ] == hours(windows_on(day, clock=clock))


def test_the_wall_decides_when_the_clock_has_changed() -> None:
    """08:00 is 07:00 UTC the day before and 06:00 UTC after."""
    window = (Window("early", "08:00", "09:00"),)
    days = [BERLIN.of_date(SPRING) + step for step in (-1, 0)]

    assert [[("28 07:00", "28 08:00")], [("29 06:00", "29 07:00")]] == [
        hours(windows_on(day, windows=window, clock=BERLIN)) for day in days
    ]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("02:00", "03:00", []),
        ("02:15", "02:45", []),
        ("01:30", "02:30", [("29 00:30", "29 01:00")]),
        ("02:30", "03:30", [("29 01:00", "29 01:30")]),
    ],
)
def test_a_window_in_the_skipped_hour_is_shorter_or_not_there(
    start: str, end: str, found: list[tuple[str, str]]
) -> None:
    """From 02:00 the clock goes to 03:00 at once."""
    day = BERLIN.of_date(SPRING)

    slots = windows_on(day, windows=(Window("w", start, end),), clock=BERLIN)

    assert found == hours(slots)


def test_a_window_in_the_doubled_hour_opens_the_first_time() -> None:
    """And lasts until its end comes for the first time."""
    day = BERLIN.of_date(AUTUMN)

    slots = windows_on(day, windows=(Window("w", "02:15", "03:15"),), clock=BERLIN)

    assert [("25 00:15", "25 02:15")] == hours(slots)


def test_a_window_before_the_start_of_the_day_belongs_to_the_night() -> None:
    """Where days begin at 04:00, 01:00 is late in the day, not early."""
    clock = DayClock(day_start=dt.time(4))
    day = clock.of_date(dt.date(2026, 3, 2))
    window = Window("night", "01:00", "02:00")

    (slot,) = windows_on(day, windows=(window,), clock=clock)

    assert day == clock.day(slot.start)
    assert dt.datetime(2026, 3, 3, 1, tzinfo=ZoneInfo("Asia/Shanghai")) == slot.start


def test_a_window_may_end_at_midnight() -> None:
    """Written 24:00, which is the next day's 00:00."""
    slot = Window("late", "22:00", "24:00").on(0, DayClock("UTC"))

    assert slot is not None
    assert dt.timedelta(hours=2) == slot.end - slot.start


@pytest.mark.parametrize(
    "text",
    [
        "8:00",
        "08:60",
        "24:01",
        "25:00",
        "08:00:00",
        "",
        "\uff10\uff18:00",
        "08:00\n",
        None,
        8,
    ],
)
def test_a_time_is_written_one_way(text: Any) -> None:
    """Two digits, a colon, two digits."""
    with pytest.raises(InvalidInputError, match=r"start must be a time from '00:00'"):
        minute_of_day("start", text)


@pytest.mark.parametrize(
    ("code", "start", "end", "message"),
    [
        ("", "08:00", "09:00", "code must be"),
        ("w", "09:00", "09:00", "end must be after 09:00"),
        ("w", "22:00", "06:00", "a window that crosses midnight is two windows"),
    ],
)
def test_a_bad_window_is_named(code: str, start: str, end: str, message: str) -> None:
    """An empty or reversed one is no window."""
    with pytest.raises(InvalidInputError, match=message):
        Window(code, start, end)


def test_what_is_no_window_is_named() -> None:
    """By its position, and a code may be there once."""
    window, platform = Window("w", "08:00", "09:00"), "wechat"
    words: Any = platform
    with pytest.raises(InvalidInputError, match=r"windows\[0\] must be a Window"):
        windows_on(0, windows=words)
    with pytest.raises(InvalidInputError, match=r"windows\[1\] must be named once"):
        windows_on(0, windows=(window, window))
    assert () == windows_on(0, windows=())
