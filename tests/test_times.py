"""Days, windows and calendars against a slow, obvious reference."""

from __future__ import annotations

import calendar
import datetime as dt
import pickle
import subprocess
import sys
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.times.calendars import (
    ChineseCalendar,
    WeekdayCalendar,
    add_months,
    iso_week,
    work_calendar,
)
from wxengage.times.days import DayClock
from wxengage.times.zones import (
    EPOCH,
    from_micros,
    micros,
    offsets,
    require_aware,
    span_micros,
    to_utc,
    zone,
)

DAY = 86_400_000_000
MINUTE = 60_000_000
# Zones with a past: summer time until 1991, gaps at midnight, a skipped day,
# half and quarter hours, a change at one minute past midnight, and both
# hemispheres.
ZONES = [
    "Asia/Shanghai",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Havana",
    "Europe/London",
    "Africa/Casablanca",
    "UTC",
]
HOUR = 60 * MINUTE
STARTS = [dt.time(0), dt.time(4), dt.time(23, 59, 59, 999_999)]
LOW, HIGH = (int(dt.datetime(y, 1, 1, tzinfo=dt.UTC).timestamp()) for y in (1950, 2037))
INSTANTS = st.integers(LOW * 10**6, HIGH * 10**6)
CLOCKS = st.builds(DayClock, st.sampled_from(ZONES), st.sampled_from(STARTS))


def walls(at: int, tz: str) -> dt.datetime:
    """Return the naive wall-clock time of an instant, by the standard library."""
    return from_micros(at).astimezone(ZoneInfo(tz)).replace(tzinfo=None)


def slow_day(clock: DayClock, at: int) -> int:
    """Return the local day of one instant, the long way."""
    start = clock.day_start
    shift = dt.timedelta(
        hours=start.hour,
        minutes=start.minute,
        seconds=start.second,
        microseconds=start.microsecond,
    )
    return (walls(at, clock.tz) - shift).toordinal() - EPOCH.toordinal()


def array(*at: int) -> Any:
    """Return instants as the kernels take them."""
    return np.array(at, dtype=np.int64)


@settings(max_examples=60, deadline=None)
@given(CLOCKS, st.lists(INSTANTS, max_size=20))
def test_local_days_are_those_of_the_standard_library(
    clock: DayClock, at: list[int]
) -> None:
    """Over any span of years, however the zone changed its clocks."""
    assert [slow_day(clock, each) for each in at] == clock.days(array(*at)).tolist()


@given(CLOCKS, INSTANTS)
def test_one_instant_and_an_array_agree(clock: DayClock, at: int) -> None:
    """The scalar is the array of one."""
    assert slow_day(clock, at) == clock.day(from_micros(at))


@pytest.mark.parametrize(
    ("tz", "at"),
    [
        ("Asia/Shanghai", "1986-05-03T18:00"),
        ("Asia/Shanghai", "1991-09-14T15:00"),
        ("America/Sao_Paulo", "2018-11-04T03:00"),
        ("America/Sao_Paulo", "2019-02-17T02:00"),
        ("Pacific/Apia", "2011-12-30T10:00"),
        ("America/St_Johns", "2006-10-29T02:31"),
        ("America/Havana", "2013-11-03T05:00"),
        ("Australia/Lord_Howe", "2020-04-04T15:00"),
    ],
)
def test_days_are_right_around_a_change_of_the_clock(tz: str, at: str) -> None:
    """Every minute for two hours around the change, and the instant itself."""
    change = micros("at", dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC))
    near = [change + n * MINUTE for n in range(-120, 120)]
    near += [change - 1, change + 1]
    for start in STARTS:
        clock = DayClock(tz, start)

        begun = [
            # A day that has begun stays begun, though the clock be turned back.
            max(
                slow_day(clock, before)
                for before in (*range(each, each - 2 * HOUR, -MINUTE), change - 1)
                if before <= each
            )
            for each in near
        ]
        assert begun == clock.days(array(*near)).tolist()


def test_shanghai_had_summer_time_until_1991() -> None:
    """At 15:30 UTC it was already tomorrow in a summer of the eighties."""
    clock = DayClock("Asia/Shanghai")
    days = [
        clock.date(clock.day(dt.datetime(year, 7, 1, 15, 30, tzinfo=dt.UTC))).day
        for year in (1985, 1988, 1991, 1992)
    ]

    assert [1, 2, 2, 1] == days


def test_a_day_may_begin_at_four() -> None:
    """Who checks in at 01:30 on 3 March is still on 2 March."""
    clock = DayClock("Asia/Shanghai", dt.time(4))
    late = dt.datetime(2026, 3, 3, 1, 30, tzinfo=ZoneInfo("Asia/Shanghai"))

    assert dt.date(2026, 3, 2) == clock.date(clock.day(late))
    assert dt.date(2026, 3, 3) == clock.date(clock.day(late.replace(hour=4, minute=0)))


def slow_start(clock: DayClock, day: int) -> int:
    """Return the first minute whose local day is ``day`` or later."""
    at = day * DAY - 36 * 60 * MINUTE
    while slow_day(clock, at) < day:
        at += MINUTE
    return at


@pytest.mark.parametrize(
    ("tz", "date"),
    [
        ("Asia/Shanghai", dt.date(2026, 3, 1)),
        ("Asia/Shanghai", dt.date(1986, 5, 4)),
        ("Asia/Shanghai", dt.date(1940, 6, 1)),
        ("America/Sao_Paulo", dt.date(2018, 11, 4)),
        ("America/Sao_Paulo", dt.date(2019, 2, 17)),
        ("Pacific/Apia", dt.date(2011, 12, 29)),
        ("Pacific/Apia", dt.date(2011, 12, 30)),
        ("Pacific/Apia", dt.date(2011, 12, 31)),
        ("Pacific/Kwajalein", dt.date(1993, 8, 21)),
        ("America/St_Johns", dt.date(2006, 10, 29)),
        ("America/Havana", dt.date(2013, 11, 3)),
        ("Asia/Amman", dt.date(2021, 3, 26)),
    ],
)
@pytest.mark.parametrize("start", [dt.time(0), dt.time(4), dt.time(0, 30)])
def test_a_day_begins_at_its_first_minute(
    tz: str, date: dt.date, start: dt.time
) -> None:
    """Also where midnight never was, came twice, or the whole day was skipped."""
    clock = DayClock(tz, start)
    day = clock.of_date(date)

    assert slow_start(clock, day) == clock.start_of(day)
    assert from_micros(clock.start_of(day)) == clock.start(day)


@settings(max_examples=25, deadline=None)
@given(CLOCKS.filter(lambda c: c.day_start.minute == 0), INSTANTS)
def test_an_instant_lies_between_the_starts_of_its_days(
    clock: DayClock, at: int
) -> None:
    """Days follow one another without a gap, and the first minute is the start."""
    day = clock.day(from_micros(at))

    assert clock.start_of(day) <= at
    assert slow_start(clock, day) == clock.start_of(day)
    assert clock.start_of(day) < clock.start_of(day + 1) or clock.tz == "Pacific/Apia"


@given(st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)))
def test_a_day_is_the_count_of_its_date(date: dt.date) -> None:
    """Consecutive dates are consecutive numbers, across months and leap days."""
    clock = DayClock()

    assert date == clock.date(clock.of_date(date))
    assert (date - dt.date(1970, 1, 1)).days == clock.of_date(date)


@given(
    st.sampled_from(ZONES),
    st.lists(
        st.datetimes(
            dt.datetime(1950, 1, 1),  # noqa: DTZ001  wall clocks
            dt.datetime(2036, 1, 1),  # noqa: DTZ001
        ),
        max_size=20,
    ),
)
@settings(max_examples=60, deadline=None)
def test_wall_clocks_are_read_as_the_standard_library_reads_them(
    tz: str, times: list[dt.datetime]
) -> None:
    """The first of two, and no guess at a time that never was."""
    origin = dt.datetime(1970, 1, 1)  # noqa: DTZ001
    wall = array(*((each - origin) // dt.timedelta(microseconds=1) for each in times))
    at, exists = to_utc(wall, ZoneInfo(tz))

    for each, got, real in zip(times, at.tolist(), exists.tolist(), strict=True):
        slow = micros("at", each.replace(tzinfo=ZoneInfo(tz)))
        assert (each == walls(slow, tz)) == real
        if real:
            assert slow == got


def test_a_wall_time_that_never_was_is_told() -> None:
    """02:30 in a spring night of New York, and midnight in São Paulo."""
    origin = dt.datetime(1970, 1, 1)  # noqa: DTZ001
    for tz, wall in (
        ("America/New_York", dt.datetime(2026, 3, 8, 2, 30)),  # noqa: DTZ001
        ("America/Sao_Paulo", dt.datetime(2018, 11, 4, 0, 0)),  # noqa: DTZ001
        ("Pacific/Apia", dt.datetime(2011, 12, 30, 12, 0)),  # noqa: DTZ001
    ):
        local = array((wall - origin) // dt.timedelta(microseconds=1))

        assert [False] == to_utc(local, ZoneInfo(tz))[1].tolist()


def test_no_instants_are_no_days() -> None:
    """Empty in, empty out, of the same type."""
    at, exists = to_utc(array(), ZoneInfo("Asia/Shanghai"))

    assert np.int64 == DayClock().days(array()).dtype == at.dtype
    assert 0 == len(DayClock().days(array())) == len(at) == len(exists)


@given(CLOCKS, INSTANTS, st.integers(0, 400 * DAY))
def test_an_engine_can_count_days_with_the_shifts(
    clock: DayClock, at: int, span: int
) -> None:
    """Adding the shift in force makes whole days local days."""
    shifts = clock.shifts(at, at + span)
    for each in (at, at + span // 2, at + span):
        shift = [s for since, s in shifts if since <= each or since == shifts[0][0]][-1]
        assert slow_day(clock, each) == (each + shift) // DAY


@given(st.sampled_from(ZONES), st.integers(LOW, HIGH - 10**8), st.integers(0, 10**8))
def test_offsets_hold_from_their_second_on(tz: str, low: int, span: int) -> None:
    """The table is the zone's own, to the second."""
    table = offsets(ZoneInfo(tz), low, low + span)

    for (since, east), nearby in zip(table, [None, *table], strict=False):
        slow = dt.datetime.fromtimestamp(since, ZoneInfo(tz)).utcoffset()
        assert dt.timedelta(seconds=east) == slow
        if nearby is not None:
            before = dt.datetime.fromtimestamp(since - 1, ZoneInfo(tz)).utcoffset()
            assert dt.timedelta(seconds=nearby[1]) == before != slow


@settings(max_examples=50, deadline=None)
@given(CLOCKS, INSTANTS, st.integers(1, 60))
def test_a_window_of_days_ends_with_the_day_of_its_end(
    clock: DayClock, at: int, days: int
) -> None:
    """Thirty days are that day and the 29 before it, whole."""
    start = clock.window_start(from_micros(at), dt.timedelta(days=days))

    assert clock.start_of(clock.day(from_micros(at)) - days + 1) == start
    assert start <= at


@given(INSTANTS, st.integers(1, 10 * DAY).filter(lambda span: span % DAY))
def test_any_other_window_is_elapsed_time(at: int, span: int) -> None:
    """Half-open at its beginning, closed at its end."""
    start = DayClock().window_start(from_micros(at), dt.timedelta(microseconds=span))

    assert at - span + 1 == start


def test_a_window_across_a_change_of_the_clock_keeps_its_days() -> None:
    """Two days with a change in between are 49 hours, not 48."""
    clock = DayClock("America/Sao_Paulo")
    as_of = dt.datetime(2019, 2, 17, 23, 59, tzinfo=clock.zone)
    start = clock.window_start(as_of, dt.timedelta(days=2))

    assert dt.datetime(2019, 2, 16, tzinfo=clock.zone) == from_micros(start)
    assert dt.timedelta(hours=48, minutes=59) == as_of.astimezone(dt.UTC) - from_micros(
        start
    )


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    st.integers(-400, 400),
)
def test_weeks_are_iso_weeks(date: dt.date, later: int) -> None:
    """Two days share a week when their ISO year and week are the same."""
    clock = DayClock()
    other = date + dt.timedelta(days=later)
    weeks = iso_week(clock.of_date(date)), iso_week(clock.of_date(other))

    assert (date.isocalendar()[:2] == other.isocalendar()[:2]) == (weeks[0] == weeks[1])


def test_the_weeks_around_new_year_follow_one_another() -> None:
    """A year of 53 weeks, and days of January that belong to December."""
    clock = DayClock()
    mondays = [dt.date(2020, 12, 21) + dt.timedelta(weeks=n) for n in range(4)]
    weeks = [iso_week(clock.of_date(monday)) for monday in mondays]

    assert [0, 1, 2, 3] == [week - weeks[0] for week in weeks]
    assert weeks[1] == iso_week(clock.of_date(dt.date(2021, 1, 3)))


@given(st.dates(dt.date(1000, 1, 1), dt.date(9000, 1, 1)), st.integers(-6000, 6000))
def test_months_later_is_the_same_day_or_the_last(date: dt.date, months: int) -> None:
    """Against the plain definition."""
    later = add_months(date, months)
    last = calendar.monthrange(later.year, later.month)[1]

    assert date.year * 12 + date.month + months == later.year * 12 + later.month
    assert min(date.day, last) == later.day


@pytest.mark.parametrize(
    ("later", "date", "months"),
    [
        (dt.date(2026, 2, 28), dt.date(2026, 1, 31), 1),
        (dt.date(2028, 2, 29), dt.date(2028, 1, 31), 1),
        (dt.date(2027, 2, 28), dt.date(2028, 2, 29), -12),
        (dt.date(2025, 12, 31), dt.date(2026, 1, 31), -1),
        (dt.date(9999, 12, 31), dt.date(9999, 12, 31), 0),
        (dt.date(1, 1, 1), dt.date(1, 2, 1), -1),
    ],
)
def test_months_are_clipped_to_their_last_day(
    later: dt.date, date: dt.date, months: int
) -> None:
    """Leap years, both ends of the year, and both ends of the calendar."""
    assert later == add_months(date, months)


@pytest.mark.parametrize(
    ("name", "date", "months"),
    [
        ("months", dt.date(9999, 12, 31), 1),
        ("months", dt.date(1, 1, 1), -1),
        ("months", dt.date(2026, 1, 1), 10**30),
        ("months", dt.date(2026, 1, 1), 1.0),
        ("months", dt.date(2026, 1, 1), True),
        ("date", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 1),
        ("date", "2026-01-01", 1),
    ],
)
def test_no_month_is_guessed(name: str, date: Any, months: Any) -> None:
    """Beyond the calendar and with the wrong types it is refused by name."""
    with pytest.raises(InvalidInputError, match=f"^{name} must be"):
        add_months(date, months)


@given(INSTANTS)
def test_instants_and_microseconds_are_the_same_thing(at: int) -> None:
    """No microsecond is lost on the way there or back, in any zone."""
    assert at == micros("at", from_micros(at))
    assert at == micros("at", from_micros(at, ZoneInfo("Asia/Kathmandu")))
    assert dt.timedelta(microseconds=at) == from_micros(at) - EPOCH


@pytest.mark.parametrize(
    "at",
    [
        dt.datetime(2026, 3, 1),  # noqa: DTZ001  the mistake under test
        dt.date(2026, 3, 1),
        "2026-03-01",
        1_772_000_000,
        None,
    ],
)
def test_only_aware_datetimes_are_instants(at: Any) -> None:
    """A naive time is refused with the mend."""
    with pytest.raises(InvalidInputError, match=r"as_of must be an aware.*tzinfo"):
        require_aware("as_of", at)
    with pytest.raises(InvalidInputError, match="as_of must be"):
        micros("as_of", at)


@pytest.mark.parametrize("at", [dt.datetime.min, dt.datetime.max])  # noqa: DTZ901
def test_the_ends_of_the_calendar_are_refused(at: dt.datetime) -> None:
    """Another zone could not tell them, so no day of them is counted."""
    for tz in (dt.UTC, dt.timezone(dt.timedelta(hours=8))):
        with pytest.raises(InvalidInputError, match="years 2 to 9998"):
            DayClock().day(at.replace(tzinfo=tz))


@pytest.mark.parametrize(
    "span", [dt.timedelta(0), dt.timedelta(days=-1), 30, "30d", None, np.timedelta64(1)]
)
def test_a_span_is_a_timedelta_above_zero(span: Any) -> None:
    """Thirty alone says nothing: thirty of what."""
    with pytest.raises(InvalidInputError, match=r"window must be.*timedelta\(days"):
        span_micros("window", span)


@pytest.mark.parametrize(
    "name",
    [
        "Asia/Shangai",
        "Beijing",
        "",
        "America",
        "../../etc/passwd",
        "/etc/passwd",
        "a\x00b",
        "x" * 10_000,
        None,
        8,
        b"UTC",
        [],
    ],
)
def test_an_unknown_zone_is_refused(name: Any) -> None:
    """And never taken for another one."""
    with pytest.raises(InvalidInputError, match="zone must be"):
        zone(name)
    with pytest.raises(InvalidInputError, match="zone must be"):
        DayClock(name)


@pytest.mark.parametrize("start", ["04:00", 4, None, dt.time(4, tzinfo=dt.UTC)])
def test_a_day_starts_at_a_local_time(start: Any) -> None:
    """A time with a zone of its own is no local time."""
    with pytest.raises(InvalidInputError, match="day_start must be"):
        DayClock("UTC", start)


def test_a_clock_is_a_value() -> None:
    """Clocks compare, hash and pickle by what they are."""
    clock = DayClock("Asia/Shanghai", dt.time(4))

    assert clock == pickle.loads(pickle.dumps(clock))
    assert 1 == len({clock, DayClock("Asia/Shanghai", dt.time(4))})


def test_weekdays_are_worked_when_nothing_better_is_known() -> None:
    """Monday to Friday, National Day or not."""
    week = [dt.date(2025, 9, 29) + dt.timedelta(days=n) for n in range(7)]

    assert [True] * 5 + [False] * 2 == [WeekdayCalendar().is_workday(d) for d in week]


def test_the_chinese_calendar_knows_holidays_and_the_weekends_worked_for_them() -> None:
    """National Day of 2025, and the Sunday before it."""
    pytest.importorskip("chinese_calendar", reason="the extra cn is not installed")
    known = work_calendar()

    assert isinstance(known, ChineseCalendar)
    assert not known.is_workday(dt.date(2025, 10, 1))
    assert known.is_workday(dt.date(2025, 9, 28))
    assert known.is_workday(dt.date(2025, 9, 26))


def test_beyond_the_official_table_weekdays_answer() -> None:
    """The table is published a year at a time; the calendar says where it ends."""
    pytest.importorskip("chinese_calendar", reason="the extra cn is not installed")
    known = ChineseCalendar()

    assert known.covers(dt.date(2025, 10, 1))
    assert not known.covers(dt.date(2099, 10, 1))
    assert known.is_workday(dt.date(2099, 10, 1))
    assert not known.is_workday(dt.date(2099, 10, 3))


def test_without_the_extra_weekdays_answer_and_the_calendar_says_what_is_missing() -> (
    None
):
    """A missing package is named with its mend."""
    code = (
        "import sys, datetime as dt; sys.modules['chinese_calendar'] = None\n"
        "from wxengage.errors import MissingExtraError\n"
        "from wxengage.times import ChineseCalendar, work_calendar\n"
        "print(type(work_calendar()).__name__)\n"
        "try: ChineseCalendar().is_workday(dt.date(2025, 10, 1))\n"
        "except MissingExtraError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert [
        "WeekdayCalendar",
        "chinesecalendar is not installed: pip install 'wxengage[cn]'",
    ] == run.stdout.splitlines()
