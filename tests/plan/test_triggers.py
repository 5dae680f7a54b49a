"""What scene-triggered reach promises, scene by scene."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from wxengage.log.events import Event
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.facts import Facts, Holding
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
)
from wxengage.plan.scenes.trigger import Step, Trigger
from wxengage.times.days import DayClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = DayClock("Europe/Berlin")
MICROSECOND = dt.timedelta(microseconds=1)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
HI = Step("hi", "wecom")


def at(text: str, zone: str = "Asia/Shanghai") -> dt.datetime:
    """Return a wall-clock time of 2026, or of the year that is written."""
    text = text if len(text) > 11 else f"2026-{text}"
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def ada(*deeds: tuple[str, dt.datetime], **fields: Any) -> Facts:
    """Return what ada did, and more."""
    events = tuple(Event(kind, user="ada", at=when) for kind, when in deeds)
    return Facts("ada", events=events, **fields)


def told(
    trigger: Trigger, facts: Facts, *times: dt.datetime, clock: DayClock = DayClock()
) -> list[list[str]]:
    """Return the messages due at each of some instants."""
    return [
        [send.message for send in due_triggers(trigger, facts, time, clock=clock)]
        for time in times
    ]


def stretch(facts: Facts, trigger: Trigger, now: dt.datetime, **more: Any) -> Any:
    """Return from when to when the one send that is due is due."""
    (send,) = due_triggers(trigger, facts, now, **more)
    return send.not_before, send.expires


# --- a send is due in one half-open stretch -------------------------------------------


def test_a_step_is_due_from_its_instant_on_and_not_at_its_end() -> None:
    """Offset and grace are exact to the microsecond."""
    followed = at("03-02T09:00")
    step = Step("hi", "wecom", after=DAY, grace=HOUR)
    hello = Trigger("hello", Followed(), (step,))
    opens, closes = followed + DAY, followed + DAY + HOUR
    times = [opens - MICROSECOND, opens, closes - MICROSECOND, closes]

    assert [[], ["hi"], ["hi"], []] == told(hello, ada(("follow", followed)), *times)
    assert (opens, closes) == stretch(ada(("follow", followed)), hello, opens)


def test_an_end_that_no_calendar_tells_is_none() -> None:
    """A grace may reach beyond the year 9999."""
    now = dt.datetime(9990, 1, 1, tzinfo=dt.UTC)
    trigger = Trigger("t", Followed(), (attrs.evolve(HI, grace=10_000 * DAY),))

    assert (now, None) == stretch(ada(("follow", now)), trigger, now)


def test_asking_twice_gives_the_same_send() -> None:
    """An outbox that knows the id takes it once."""
    facts = ada(("follow", at("03-02T09:00")))
    first, second = (
        due_triggers(Trigger("t", Followed(), (HI,)), facts, at(time))
        for time in ("03-02T09:00", "03-02T21:30")
    )

    assert first == second
    assert 28 == len(first[0].id)


def test_the_id_names_trigger_user_occasion_and_message_and_nothing_else() -> None:
    """Steps may move, be added and go another way without sending again."""
    facts, now = ada(("follow", at("03-02T09:00"))), at("03-02T10:00")
    plain = Trigger("t", Followed(), (HI,))
    (send,) = due_triggers(plain, facts, now)
    other = attrs.evolve(HI, channel="mass_send", after=MINUTE, value=2.0)
    early = Step("early", "wecom")

    moved = due_triggers(attrs.evolve(plain, steps=(early, other)), facts, now)
    renamed = due_triggers(attrs.evolve(plain, id="u"), facts, now)
    again = due_triggers(plain, ada(("follow", at("03-02T09:01"))), now)

    assert {send.id: "hi"} == {s.id: s.message for s in moved if s.message == "hi"}
    assert 3 == len({send.id, renamed[0].id, again[0].id})


def test_a_send_carries_what_its_step_says() -> None:
    """The gate and the planner see a send like any other."""
    step = Step(
        "hi",
        "wecom",
        account="shop",
        topic="welcome",
        category="service",
        content="short",
        is_ad=True,
        transactional=True,
        value=0.5,
        cost=3,
    )

    (send,) = due_triggers(
        Trigger("t", Followed(), (step,)),
        ada(("follow", at("03-02T09:00"))),
        at("03-02T09:00"),
    )

    assert ("ada", "wecom", "hi", "shop") == (
        send.user,
        send.channel,
        send.message,
        send.account,
    )
    assert ("welcome", "service", "short") == (send.topic, send.category, send.content)
    assert (True, True, 0.5, 3) == (
        send.is_ad,
        send.transactional,
        send.value,
        send.cost,
    )


# --- the hour and the weekday of a step -----------------------------------------------


@pytest.mark.parametrize(
    ("step", "due"),
    [
        ({"at": "09:00"}, "03-02T09:00"),
        ({"at": "08:59"}, "03-03T08:59"),
        ({"at": "12:00", "after": DAY}, "03-03T12:00"),
        ({"at": "00:00"}, "03-03T00:00"),
        ({"at": "09:00", "weekday": 1}, "03-02T09:00"),
        ({"at": "08:00", "weekday": 1}, "03-09T08:00"),
        ({"at": "20:00", "weekday": 7}, "03-08T20:00"),
        ({"at": "20:00", "after": 28 * DAY, "weekday": 2}, "03-31T20:00"),
    ],
)
def test_an_hour_is_the_first_one_from_then_on(step: dict[str, Any], due: str) -> None:
    """2 March 2026 was a Monday; days go on across the end of a month."""
    trigger = Trigger("t", Followed(), (Step("hi", "wecom", **step),))
    facts = ada(("follow", at("03-02T09:00")))

    assert at(due) == stretch(facts, trigger, at(due))[0]


@pytest.mark.parametrize(
    ("followed", "hour", "due"),
    [
        # Forward from 02:00 to 03:00 on 29 March, back from 03:00 on 25 October.
        ("2026-03-28T22:00Z", "02:30", "2026-03-29T01:00Z"),
        ("2026-03-29T01:30Z", "02:30", "2026-03-30T00:30Z"),
        ("2026-10-24T22:00Z", "02:30", "2026-10-25T00:30Z"),
        ("2026-10-25T00:45Z", "02:30", "2026-10-26T01:30Z"),
        ("2026-10-24T18:00Z", "20:00", "2026-10-24T18:00Z"),
        ("2026-10-24T18:01Z", "20:00", "2026-10-25T19:00Z"),
    ],
)
def test_an_hour_that_is_skipped_or_repeated_comes_once(
    followed: str, hour: str, due: str
) -> None:
    """A skipped time is the instant of the jump, of a repeated one the first."""
    start, then = (dt.datetime.fromisoformat(text) for text in (followed, due))
    trigger = Trigger("t", Followed(), (Step("hi", "wecom", at=hour),))
    facts = ada(("follow", start), zone="Europe/Berlin")

    assert [[], ["hi"]] == told(trigger, facts, then - MICROSECOND, then)


def test_the_users_zone_says_whose_hour_it_is_and_the_clock_stands_in() -> None:
    """Nine in the morning is nine where the user lives."""
    trigger = Trigger("t", Followed(), (Step("hi", "wecom", at="09:00"),))
    facts = ada(("follow", at("03-02T06:00")))
    berlin = attrs.evolve(facts, zone="Europe/Berlin")

    assert at("03-02T09:00") == stretch(facts, trigger, at("03-02T12:00"))[0]
    assert at("03-02T16:00") == stretch(berlin, trigger, at("03-02T20:00"))[0]
    assert (
        at("03-02T16:00") == stretch(facts, trigger, at("03-02T20:00"), clock=BERLIN)[0]
    )


# --- scenes ---------------------------------------------------------------------------


def test_following_again_is_welcomed_again_or_never() -> None:
    """A second follow within a stretch is no occasion, one after leaving is."""
    facts = ada(
        ("follow", at("03-02T09:00")),
        ("follow", at("03-02T10:00")),
        ("unfollow", at("03-02T11:00")),
        ("follow", at("03-02T12:00")),
    )
    each = Trigger("t", Followed(), (HI,))
    never = attrs.evolve(each, again="never")
    times = [at(f"03-02T{hour}:00") for hour in ("09", "10", "11", "12")]

    assert [["hi"], ["hi"], [], ["hi"]] == told(each, facts, *times)
    assert [["hi"], ["hi"], [], []] == told(never, facts, *times)
    assert at("03-02T09:00") == stretch(facts, each, times[1])[0]


def test_a_follow_in_the_second_of_an_unfollow_is_not_welcomed() -> None:
    """WeChat's seconds do not tell which came first."""
    now = at("03-02T09:00")
    facts = ada(("follow", now), ("unfollow", now))

    assert [[]] == told(Trigger("t", Followed(), (HI,)), facts, now)


def test_silence_is_elapsed_time_and_comes_again_only_after_a_word() -> None:
    """Dormant at the very instant, and an interaction there breaks it."""
    spoke = at("03-28T22:00", "Europe/Berlin")
    trigger = Trigger("t", Silent(DAY), (attrs.evolve(HI, grace=None),))
    facts = ada(("like", spoke), ("read", spoke + HOUR), zone="Europe/Berlin")
    just = ada(("like", spoke), ("like", spoke + DAY))
    late = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    end = (spoke.astimezone(dt.UTC) + DAY).astimezone(spoke.tzinfo)

    assert [[], ["hi"], ["hi"]] == told(trigger, facts, end - MICROSECOND, end, late)
    assert "23:00" == f"{end:%H:%M}"
    assert [[]] == told(trigger, just, spoke.astimezone(dt.UTC) + DAY)
    assert 1 == len({due_triggers(trigger, facts, now)[0].id for now in (end, late)})


def test_the_last_of_several_events_is_a_short_silence() -> None:
    """A cart is left an hour after the last click, unless something was bought."""
    click = at("03-02T09:00")
    trigger = Trigger("cart", Silent(HOUR, ("click",)), (HI,), unless=("purchase",))
    clicks = (("click", click), ("click", click + HOUR / 2))
    bought = ("purchase", click + 45 * MINUTE)
    times = [click + HOUR, click + 90 * MINUTE]

    assert [[], ["hi"]] == told(trigger, ada(*clicks), *times)
    assert [[], []] == told(trigger, ada(*clicks, bought), *times)


def test_an_event_is_followed_up_unless_something_else_happens() -> None:
    """Registered and bought nothing within three days."""
    registered = at("01-30T09:00")
    step = attrs.evolve(HI, after=3 * DAY)
    trigger = Trigger("t", Happened(("register",)), (step,), unless=("purchase",))
    due = at("02-02T09:00")

    def after(*when: dt.datetime) -> Facts:
        return ada(("register", registered), *(("purchase", one) for one in when))

    assert [["hi"]] == told(trigger, after(), due)
    assert [["hi"]] == told(trigger, after(registered - MICROSECOND), due)
    assert [[]] == told(trigger, after(registered), due)
    assert [[]] == told(trigger, after(due - HOUR), due)
    # The exit is looked at when the send is: until then it stood.
    assert [["hi"], []] == told(trigger, after(due + HOUR), due, due + HOUR)


@pytest.mark.parametrize(
    ("again", "fired"),
    [
        ("each_occasion", [0, 10, 24, 48]),
        ("never", [0]),
        (DAY, [0, 24, 48]),
        (DAY + MICROSECOND, [0, 48]),
    ],
)
def test_reentry_counts_from_the_entry_before(again: Any, fired: list[int]) -> None:
    """Exactly as long after as the rule says is allowed."""
    start = at("03-02T00:00")
    facts = ada(*(("vote", start + hour * HOUR) for hour in (0, 10, 24, 48)))
    step = attrs.evolve(HI, grace=HOUR)
    trigger = Trigger("t", Happened(("vote",)), (step,), again=again)

    assert fired == [
        hour for hour in range(60) if told(trigger, facts, start + hour * HOUR)[0]
    ]


@pytest.mark.parametrize(
    ("birthday", "leap", "year", "day"),
    [
        ("02-29", "02-28", 2026, "02-28"),
        ("02-29", "03-01", 2026, "03-01"),
        ("02-29", "02-28", 2028, "02-29"),
        ("02-29", "03-01", 2028, "02-29"),
        ("02-29", "03-01", 2100, "03-01"),
        ("12-31", "02-28", 2026, "12-31"),
        ("01-01", "02-28", 2026, "01-01"),
    ],
)
def test_a_birthday_is_one_day_a_year(
    birthday: str, leap: Any, year: int, day: str
) -> None:
    """29 February falls where it was said to; the day ends at midnight."""
    trigger = Trigger(
        "t", Birthday("09:00", leap=leap), (attrs.evolve(HI, grace=None),)
    )
    facts = ada(birthday=birthday)
    nine = at(f"{year}-{day}T09:00")

    days = [
        f"{nine + n * DAY:%m-%d}"
        for n in range(-20, 20)
        if told(trigger, facts, nine + n * DAY)[0]
    ]

    assert [day] == days
    assert (nine, nine + 15 * HOUR) == stretch(facts, trigger, nine)


def test_a_birthday_is_the_users_own_and_may_be_announced() -> None:
    """By the user's calendar, some days ahead, under one id for the year."""
    trigger = Trigger("t", Birthday(days_before=2), (attrs.evolve(HI, grace=None),))
    facts = ada(birthday="01-01", zone="America/Los_Angeles")
    opens = at("2025-12-30T09:00", "America/Los_Angeles")
    closes = at("2026-01-02T00:00", "America/Los_Angeles")

    assert [[], ["hi"], ["hi"], []] == told(
        trigger, facts, opens - MICROSECOND, opens, closes - MICROSECOND, closes
    )
    first, next_year = (
        due_triggers(trigger, facts, opens.replace(year=year))[0].id
        for year in (2025, 2026)
    )
    assert first != next_year


def test_a_streak_is_about_to_break_until_the_check_in() -> None:
    """Three days, none today by eight; across a month's end, until midnight."""
    days = [at("02-26T10:00"), at("02-27T23:59"), at("02-28T00:00")]
    facts = ada(*(("check_in", day) for day in days))
    trigger = Trigger("t", StreakBreaking(3), (HI,))
    times = [at("03-01T19:59"), at("03-01T20:00"), at("03-02T00:00")]

    assert [[], ["hi"], []] == told(trigger, facts, *times)
    assert (times[1], times[2]) == stretch(facts, trigger, times[1])
    checked = ada(*(("check_in", d) for d in days), ("check_in", at("03-01T21:00")))
    assert [["hi"], []] == told(trigger, checked, times[1], at("03-01T21:00"))
    assert [[]] == told(Trigger("t", StreakBreaking(4), (HI,)), facts, times[1])


@pytest.mark.parametrize(("date", "hours"), [("03-29", 23), ("10-25", 25)])
def test_a_streaks_day_is_as_long_as_its_calendar_says(date: str, hours: int) -> None:
    """23 hours in spring and 25 in autumn where clocks are changed."""
    start = at(f"{date}T00:00", "Europe/Berlin").astimezone(dt.UTC)
    trigger = Trigger(
        "t", StreakBreaking(1, by="00:00"), (attrs.evolve(HI, grace=None),)
    )
    facts = ada(("check_in", start - HOUR))

    end = start + hours * HOUR
    assert (start, end) == stretch(facts, trigger, start, clock=BERLIN)


def test_a_day_that_begins_at_four_is_late_at_one() -> None:
    """The hour belongs to the day that the clock says."""
    clock = DayClock(day_start=dt.time(4))
    facts = ada(("check_in", at("03-02T03:00")))  # still 1 March
    trigger = Trigger("t", StreakBreaking(1, by="01:00"), (HI,))
    times = [at("03-03T00:59"), at("03-03T01:00"), at("03-03T04:00")]

    assert [[], ["hi"], []] == told(trigger, facts, *times, clock=clock)


def test_a_reward_is_called_for_until_it_is_claimed_or_gone() -> None:
    """Three days before its end, or at once where it lives less than that."""
    given, until = at("03-01T12:00"), at("03-08T12:00")
    trigger = Trigger("t", Expiring("reward", 3 * DAY), (attrs.evolve(HI, grace=None),))
    reward = Holding("reward", "r1", given, until=until)
    near = until - 3 * DAY
    times = [near - MICROSECOND, near, until - MICROSECOND, until]

    def holding(**fields: Any) -> Facts:
        return ada(holdings=(attrs.evolve(reward, **fields),))

    assert [[], ["hi"], ["hi"], []] == told(trigger, holding(), *times)
    assert [[], ["hi"], [], []] == told(trigger, holding(closed=near + HOUR), *times)
    assert [[], [], [], []] == told(trigger, holding(closed=near), *times)
    short = holding(until=given + DAY)
    assert (given, given + DAY) == stretch(short, trigger, given)
    assert [[]] == told(trigger, holding(until=None), until)
    assert [[]] == told(trigger, holding(kind="coupon"), near)


def test_a_window_that_is_opened_again_is_another_occasion() -> None:
    """The reply window is 48 hours; its last hour is the time to ask."""
    trigger = Trigger("t", Expiring("reply_window", HOUR), (HI,))
    first, second = (
        ada(holdings=(Holding("reply_window", "shop", day, until=day + 2 * DAY),))
        for day in (at("03-02T09:00"), at("03-02T10:00"))
    )

    (one,) = due_triggers(trigger, first, at("03-04T08:30"))
    (two,) = due_triggers(trigger, second, at("03-04T09:30"))

    assert (at("03-04T08:00"), at("03-04T09:00")) == (one.not_before, one.expires)
    assert one.id != two.id


@pytest.mark.parametrize(
    ("left", "messages"), [(2, []), (1, ["hi"]), (0, []), (None, [])]
)
def test_the_last_grant_is_noticed_and_none_left_is_too_late(
    left: int | None, messages: list[str]
) -> None:
    """Exactly so many."""
    now = at("03-02T09:00")
    grant = Holding("grant", "tmpl-1", now, left=left)

    assert [messages] == told(
        Trigger("t", RunningLow("grant"), (HI,)), ada(holdings=(grant,)), now
    )
