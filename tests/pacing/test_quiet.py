"""What quiet hours promise."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.pacing.quiet import QuietHours
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros

NIGHT = QuietHours("22:30", "08:00")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = DayClock("Europe/Berlin")
ZONES = ["Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]
TIMES = st.builds(
    "{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30])
)


@pytest.mark.parametrize(
    ("wall", "quiet"),
    [
        ("22:29:59.999999", False),
        ("22:30:00", True),
        ("23:59:59.999999", True),
        ("00:00:00", True),
        ("07:59:59.999999", True),
        ("08:00:00", False),
        ("12:00:00", False),
    ],
)
def test_the_night_does_not_leak(wall: str, quiet: bool) -> None:
    """Neither at midnight nor at its two ends."""
    at = dt.datetime.combine(dt.date(2026, 3, 2), dt.time.fromisoformat(wall), SHANGHAI)

    assert quiet is NIGHT.covers(at)


def test_quiet_hours_within_a_day_and_up_to_midnight() -> None:
    """A nap at noon; an evening that ends with the day."""

    def at(hour: int) -> dt.datetime:
        return dt.datetime(2026, 3, 2, hour, tzinfo=SHANGHAI)

    nap, evening = QuietHours("12:00", "14:00"), QuietHours("22:00", "24:00")

    assert [False, True, False] == [nap.covers(at(hour)) for hour in (11, 13, 14)]
    assert [False, True, True, False] == [
        evening.covers(at(h)) for h in (21, 22, 23, 0)
    ]


def test_what_is_not_quiet_may_go_at_once() -> None:
    """The very same instant comes back."""
    noon = dt.datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)

    assert noon is NIGHT.ends_after(noon)


def test_the_end_is_exact() -> None:
    """From 23:00 the next morning at 08:00."""
    late = dt.datetime(2026, 3, 2, 23, tzinfo=SHANGHAI)

    assert dt.datetime(2026, 3, 3, 8, tzinfo=SHANGHAI) == NIGHT.ends_after(late)


@pytest.mark.parametrize(
    ("quiet", "at", "end"),
    [
        (NIGHT, "2026-03-28T22:00", "2026-03-29T06:00"),
        (NIGHT, "2026-10-24T22:00", "2026-10-25T07:00"),
        (QuietHours("22:00", "02:30"), "2026-03-28T22:00", "2026-03-29T01:00"),
        (QuietHours("22:00", "02:30"), "2026-10-24T22:00", "2026-10-25T00:30"),
        (QuietHours("22:00", "02:30"), "2026-10-25T01:10", "2026-10-25T01:30"),
    ],
)
def test_the_end_is_exact_when_the_clock_changes(
    quiet: QuietHours, at: str, end: str
) -> None:
    """Berlin: a night of 8.5 and of 10.5 hours, a skipped end, a doubled one."""
    start = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)

    found = quiet.ends_after(start, clock=BERLIN)

    assert end == f"{found.astimezone(dt.UTC):%Y-%m-%dT%H:%M}"


@given(
    TIMES,
    TIMES,
    st.sampled_from(ZONES),
    st.datetimes(dt.datetime(2025, 12, 1), dt.datetime(2026, 12, 31)),  # noqa: DTZ001  made aware below
)
def test_the_end_is_the_first_instant_that_is_not_quiet(
    start: str, end: str, tz: str, near: dt.datetime
) -> None:
    """Asked minute by minute, in zones that change their clocks."""
    assume(start != end)
    quiet, clock = QuietHours(start, end), DayClock(tz)
    at = near.replace(second=0, microsecond=0, tzinfo=dt.UTC)
    first = at
    while quiet.covers(first, clock=clock):
        first += dt.timedelta(minutes=15) - dt.timedelta(minutes=first.minute % 15)

    found = quiet.ends_after(at, clock=clock)
    assert first == found.astimezone(dt.UTC)


@given(
    TIMES,
    TIMES,
    st.sampled_from(ZONES),
    st.lists(st.integers(1_760_000_000, 1_800_000_000), max_size=20),
)
def test_many_at_once_are_as_one_at_a_time(
    start: str, end: str, tz: str, seconds: list[int]
) -> None:
    """One answer, however it is computed."""
    assume(start != end)
    quiet, clock = QuietHours(start, end), DayClock(tz, dt.time(4))
    at = np.array(seconds, dtype=np.int64) * 1_000_000

    assert [
        quiet.covers(from_micros(one), clock=clock) for one in at.tolist()
    ] == quiet.covers_many(at, clock=clock).tolist()


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("22:30", "22:30", "end must be another time than start"),
        ("00:00", "24:00", "end must be another time than start"),
        ("22.30", "08:00", "start must be a time"),
        ("22:30", "8:00", "end must be a time"),
    ],
)
def test_bad_quiet_hours_are_named(start: str, end: str, message: str) -> None:
    """A whole day or nothing at all is not a rule."""
    with pytest.raises(InvalidInputError, match=message):
        QuietHours(start, end)


def test_a_naive_time_is_refused() -> None:
    """Whose night it is cannot be guessed."""
    naive: Any = dt.datetime(2026, 3, 2)  # noqa: DTZ001  naive on purpose
    for ask in (NIGHT.covers, NIGHT.ends_after):
        with pytest.raises(InvalidInputError, match="at must be an aware"):
            ask(naive)
