"""What quiet hours promise."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.pacing.quiet import WEEKDAYS, QuietHours
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

NIGHT = QuietHours("22:30", "08:00")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = DayClock("Europe/Berlin")
# The last one turned its clocks back at midnight, to 23:00 of the day before.
ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Beirut",
]
TIMES = st.builds(
    "{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30])
)

DAYS: Any = st.none() | st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(tuple)
QUIETS = (
    st.tuples(TIMES, TIMES, DAYS)
    .filter(lambda rule: rule[0] != rule[1])
    .map(lambda rule: QuietHours(*rule[:2], days=rule[2]))
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


@pytest.mark.parametrize(
    ("wall", "quiet"),
    [
        ("02-28T23:00", True),  # the night of Saturday
        ("03-01T07:00", True),
        ("03-01T23:00", True),  # the night of Sunday
        ("03-02T07:00", True),  # is Sunday's on Monday morning, too
        ("03-02T23:00", False),
        ("02-28T07:00", False),  # is Friday's on Saturday morning
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(wall: str, quiet: bool) -> None:
    """At weekends only: 1 March 2026 is a Sunday."""
    weekend = QuietHours("22:30", "08:00", days=("sat", "sun"))
    at = dt.datetime.fromisoformat(f"2026-{wall}").replace(tzinfo=SHANGHAI)

    assert quiet is weekend.covers(at)
    assert (at == weekend.ends_after(at)) is not quiet


@given(
    QUIETS,
    st.sampled_from(ZONES),
    st.datetimes(dt.datetime(2025, 12, 1), dt.datetime(2026, 12, 31)),  # noqa: DTZ001  made aware below
)
def test_the_end_is_the_first_instant_that_is_not_quiet(
    quiet: QuietHours, tz: str, near: dt.datetime
) -> None:
    """Asked quarter by quarter, in zones that change their clocks."""
    clock = DayClock(tz)
    at = near.replace(second=0, microsecond=0, tzinfo=dt.UTC)
    first = at
    while quiet.covers(first, clock=clock):
        first += dt.timedelta(minutes=15) - dt.timedelta(minutes=first.minute % 15)

    found = quiet.ends_after(at, clock=clock)
    assert first == found.astimezone(dt.UTC)


@given(
    QUIETS,
    st.sampled_from(ZONES),
    st.datetimes(dt.datetime(2025, 12, 1), dt.datetime(2026, 12, 31)),  # noqa: DTZ001  read on the wall
)
def test_quiet_is_what_the_wall_clock_shows(
    quiet: QuietHours, tz: str, near: dt.datetime
) -> None:
    """Said again with times of day: in the evening part, or in the morning part."""
    at = near.replace(tzinfo=dt.UTC)
    wall = at.astimezone(ZoneInfo(tz))
    opens, closes = map(dt.time.fromisoformat, (quiet.start, quiet.end))
    days = WEEKDAYS if quiet.days is None else quiet.days
    today, yesterday = (WEEKDAYS[wall.weekday() - back] in days for back in (0, 1))
    if opens < closes:
        naive = opens <= wall.time() < closes and today
    else:
        naive = (opens <= wall.time() and today) or (wall.time() < closes and yesterday)

    assert naive is quiet.covers(at, clock=DayClock(tz))


@given(
    QUIETS,
    st.sampled_from(ZONES),
    st.lists(st.integers(1_760_000_000, 1_800_000_000), max_size=20),
    st.lists(st.integers(0, 96), max_size=8),
)
def test_many_at_once_are_as_one_at_a_time(
    quiet: QuietHours, tz: str, seconds: list[int], quarters: list[int]
) -> None:
    """One answer, however it is computed; also around a change of the clock."""
    clock = DayClock(tz, dt.time(4))
    near = [1_792_800_000 + 900 * each for each in quarters]  # 24 October 2026
    at = np.array([*seconds, *near], dtype=np.int64) * 1_000_000
    one = [from_micros(each) for each in at.tolist()]

    assert [quiet.covers(each, clock=clock) for each in one] == quiet.covers_many(
        at, clock=clock
    ).tolist()
    assert [
        micros("end", quiet.ends_after(each, clock=clock)) for each in one
    ] == quiet.ends_after_many(at, clock=clock).tolist()


def test_a_clock_that_goes_back_over_midnight_leaks_nothing() -> None:
    """St John's in 2006: one minute past midnight it was 23:01 once more."""
    evening, clock = QuietHours("22:30", "23:45"), DayClock("America/St_Johns")
    first = micros("first", dt.datetime(2006, 10, 29, 1, tzinfo=dt.UTC))
    at = first + np.arange(0, 5 * 60, 5) * 60_000_000
    one = [from_micros(each) for each in at.tolist()]

    # 75 minutes, and once more the 44 that are shown twice, in steps of five.
    assert 15 + 8 == evening.covers_many(at, clock=clock).sum()
    assert [evening.covers(each, clock=clock) for each in one] == evening.covers_many(
        at, clock=clock
    ).tolist()
    assert [
        micros("end", evening.ends_after(each, clock=clock)) for each in one
    ] == evening.ends_after_many(at, clock=clock).tolist()


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


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ((), "days must be a tuple of weekdays"),
        ("sat", "days must be a tuple of weekdays"),
        (("sat", "sat"), "days must be a tuple of weekdays, each once"),
        (("sat", "sunday"), r"days\[1\] must be a weekday.* did you mean 'sun'"),
        ((5,), r"days\[0\] must be a weekday"),
    ],
)
def test_bad_weekdays_are_named(days: Any, message: str) -> None:
    """Names, because nobody agrees on which day is 1."""
    with pytest.raises(InvalidInputError, match=message):
        QuietHours("22:30", "08:00", days=days)


def test_quiet_hours_survive_as_text() -> None:
    """With their weekdays."""
    weekend = QuietHours("22:30", "08:00", days=("sat", "sun"))

    assert [weekend, NIGHT] == [load(dump(weekend)), load(dump(NIGHT))]


def test_a_naive_time_is_refused() -> None:
    """Whose night it is cannot be guessed."""
    naive: Any = dt.datetime(2026, 3, 2)  # noqa: DTZ001  naive on purpose
    for ask in (NIGHT.covers, NIGHT.ends_after):
        with pytest.raises(InvalidInputError, match="at must be an aware"):
            ask(naive)
