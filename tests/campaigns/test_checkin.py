"""Check-in challenges: which days count, what they reach, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.sentences import REFUSALS
from wxengage.campaigns.checkins.terms import KofN, Milestone
from wxengage.campaigns.facts import Fact, fact_key
from wxengage.campaigns.folding import advance
from wxengage.campaigns.replaying import replay
from wxengage.log.events import Event
from wxengage.money import Points
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from wxengage.campaigns.states import State

SHANGHAI = ZoneInfo("Asia/Shanghai")
ANGELES = ZoneInfo("America/Los_Angeles")
HOUR = dt.timedelta(hours=1)


def at(month: int, day: int, hour: int = 9, minute: int = 0) -> dt.datetime:
    """Return an instant of 2026 in Shanghai."""
    return dt.datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


WEEK = CheckIn(
    "spring",
    reward=Points(500),
    milestones=(Milestone(3, Points(50)),),
    opens=at(2, 20, 0),
    closes=at(4, 20, 0),
    make_ups=2,
    make_up_cost=Points(20),
)


def checked(instant: dt.datetime, user: str = "ada", item: str | None = None) -> Event:
    """Return a check-in."""
    return Event("check_in", user=user, at=instant, campaign="spring", item=item)


def told(campaign: CheckIn, *events: Event) -> tuple[State, list[Fact]]:
    """Fold events as they come."""
    state = campaign.start()
    found: list[Fact] = []
    for event in events:
        state, facts = advance(state, event, campaign)
        found += facts
    return state, found


def days(*dates: tuple[int, int], hour: int = 9) -> list[Event]:
    """Return a check-in on each of some days."""
    return [checked(at(month, day, hour)) for month, day in dates]


def moves(facts: list[Fact]) -> list[tuple[str, Any]]:
    """Return what facts move, or which day they are about."""
    return [(fact.kind, fact.reward or fact.other) for fact in facts]


def test_three_and_seven_days_in_a_row_are_granted_once() -> None:
    """Milestones come as they are reached; the second check-in of a day is none."""
    week = days(*((3, day) for day in range(1, 8)))
    _, facts = told(WEEK, *week, *week, *days((3, 7), hour=20))

    assert [
        ("granted", Points(50), at(3, 3)),
        ("granted", Points(500), at(3, 7)),
    ] == [(fact.kind, fact.reward, fact.at) for fact in facts]
    assert fact_key("spring", "granted", "ada", "1", "7", "1") == facts[1].key
    assert "连续打卡7天，获得500积分" == facts[1].zh  # noqa: RUF001
    assert "7 days in a row: you have earned 500 points" == facts[1].explain("en")


def test_a_streak_runs_on_across_the_first_of_a_month() -> None:
    """Regression: a bitmap kept by month breaks every streak on the 1st."""
    state, facts = told(WEEK, *days((2, 26), (2, 27), (2, 28), (3, 1), (3, 2)))

    assert 5 == WEEK.progress(state, "ada", at(3, 2, 12)).streak
    assert [("granted", Points(50))] == moves(facts)


def test_a_miss_before_the_end_of_a_month_is_not_counted_over() -> None:
    """Regression: after a miss in February a streak in March is as long as it is."""
    seen = days((2, 25), (2, 26), (2, 28), (3, 1))
    state, facts = told(WEEK, *seen)

    progress = WEEK.progress(state, "ada", at(3, 1, 12))
    assert (2, 2, 4) == (progress.streak, progress.longest, progress.days)
    assert [] == facts


@pytest.mark.parametrize(
    ("tz", "month", "first", "length"),
    [
        ("America/Los_Angeles", 3, 7, 23),
        ("America/Los_Angeles", 10, 31, 25),
        ("Asia/Shanghai", 3, 7, 24),
    ],
)
def test_days_of_23_and_25_hours_are_days(
    tz: str, month: int, first: int, length: int
) -> None:
    """A day is a date on the calendar: elapsed hours do not matter."""
    zone = ZoneInfo(tz)
    start = dt.datetime(2026, month, first, 0, 5, tzinfo=zone)
    campaign = attrs.evolve(
        WEEK, opens=start, closes=start + 5 * 24 * HOUR, clock=DayClock(tz)
    )
    noon = start.replace(hour=12)
    late = (noon + dt.timedelta(days=1)).replace(hour=23, minute=59)
    early = (noon + dt.timedelta(days=2)).replace(hour=0, minute=1)
    state, facts = told(campaign, *map(checked, [start, late, early]))

    turned = campaign.clock.start(campaign.clock.day(late) + 1) - campaign.clock.start(
        campaign.clock.day(late)
    )
    assert length * HOUR == turned
    assert 3 == campaign.progress(state, "ada", early).streak
    assert 1 == len(facts)


def test_a_make_up_is_a_date_that_no_browser_zone_can_shift() -> None:
    """Regression: a date sent as an instant lands on the day before."""
    ahead = at(3, 4, 7).astimezone(ANGELES)
    assert dt.date(2026, 3, 3) == ahead.date()
    seen = [*days((3, 1), (3, 3)), WEEK.make_up("ada", dt.date(2026, 3, 2), ahead)]
    state, facts = told(WEEK, *seen)

    assert [("made_up", "2026-03-02"), ("granted", Points(50))] == moves(facts)
    assert "2026-03-02补签成功，消耗20积分" == facts[0].zh  # noqa: RUF001
    assert 3 == WEEK.progress(state, "ada", at(3, 4, 12)).streak


def test_the_small_hours_belong_to_the_day_before_where_days_begin_at_four() -> None:
    """`day_start` moves the boundary, and make-ups with it."""
    owl = attrs.evolve(WEEK, clock=DayClock(day_start=dt.time(4)))
    seen = [checked(at(3, 2, 3, 59)), checked(at(3, 2, 4)), checked(at(3, 4, 3, 59))]
    state, facts = told(owl, *seen)

    assert 3 == owl.progress(state, "ada", at(3, 4, 3, 59)).streak
    assert 1 == len(facts)


def test_a_late_event_closes_the_gap_and_grants_the_difference() -> None:
    """What arrives late is worth what it would have been in time."""
    seen = days(*((3, day) for day in (1, 2, 4, 5, 6, 7)))
    state, before = told(WEEK, *seen)
    state, after = advance(state, checked(at(3, 3)), WEEK)

    assert [("granted", Points(50))] == moves(before)
    assert [("granted", Points(500))] == moves(list(after))
    assert at(3, 7) == after[0].at


def test_an_undone_day_takes_back_what_it_reached_and_a_new_one_grants_anew() -> None:
    """Withdrawn once; the next grant has a key of its own."""
    seen = days((3, 1), (3, 2), (3, 3))
    undo = WEEK.undo("ada", dt.date(2026, 3, 3), at(3, 3, 12))
    _, facts = told(WEEK, *seen, undo, undo, *days((3, 3), hour=20))

    assert ["granted", "withdrawn", "granted"] == [fact.kind for fact in facts]
    assert [at(3, 3), at(3, 3, 12), at(3, 3, 20)] == [fact.at for fact in facts]
    assert 3 == len({fact.key for fact in facts})


def test_an_undone_make_up_gives_back_the_card_and_its_price() -> None:
    """The month's allowance is what it was."""
    seen = [
        *days((3, 1), (3, 3)),
        WEEK.make_up("ada", dt.date(2026, 3, 2), at(3, 3, 10)),
    ]
    state, _ = told(WEEK, *seen)
    assert 1 == WEEK.progress(state, "ada", at(3, 3, 11)).make_ups_left
    undo = WEEK.undo("ada", dt.date(2026, 3, 2), at(3, 3, 11))
    state, facts = advance(state, undo, WEEK)

    assert [("unmade", "2026-03-02"), ("withdrawn", Points(50))] == moves(list(facts))
    assert facts[0].zh.endswith("退还20积分")
    assert 2 == WEEK.progress(state, "ada", at(3, 3, 12)).make_ups_left


def test_a_late_check_in_takes_the_place_of_the_make_up() -> None:
    """Nobody pays for a day on which they did check in."""
    seen = [
        *days((3, 1), (3, 3)),
        WEEK.make_up("ada", dt.date(2026, 3, 2), at(3, 3, 10)),
        checked(at(3, 2, 22)),
    ]
    _, facts = told(WEEK, *seen)

    assert [
        ("made_up", "2026-03-02"),
        ("granted", Points(50)),
        ("unmade", "2026-03-02"),
    ] == moves(facts)


@pytest.mark.parametrize(
    ("date", "instant", "reason"),
    [
        ((3, 2), at(3, 5), ""),
        ((3, 2), at(3, 9), ""),
        ((3, 2), at(3, 10), "too_old"),
        ((3, 5), at(3, 4), "not_over"),
        ((2, 19), at(2, 20), "before_open"),
        ((4, 20), at(4, 21), "closed"),
        ((3, 2), at(2, 19), "not_open"),
        ((2, 28), at(3, 4), "not_joined"),
        ((3, 1), at(3, 4), "already"),
    ],
)
def test_a_make_up_says_why_it_does_not_count(
    date: tuple[int, int], instant: dt.datetime, reason: str
) -> None:
    """Before it is done, for programs, with a sentence for people."""
    state, _ = told(WEEK, *days((3, 1), (3, 4)))
    event = WEEK.make_up("ada", dt.date(2026, *date), instant)

    assert reason == WEEK.refusal(event, state)
    assert not reason or REFUSALS[reason].zh


def test_make_ups_are_counted_by_the_month_in_which_they_are_done() -> None:
    """The third of a month is refused; on the 1st there are two again."""
    seen = days((3, 24), (3, 31), (4, 1))
    made = [
        WEEK.make_up("ada", dt.date(2026, 3, day), at(3, 31, 10 + day - 25))
        for day in (25, 26, 27)
    ]
    state, _ = told(WEEK, *seen, *made[:2])

    assert "used_up" == WEEK.refusal(made[2], state)
    april = WEEK.make_up("ada", dt.date(2026, 3, 27), at(4, 1, 10))
    assert "" == WEEK.refusal(april, state)


def test_a_challenge_may_take_make_ups_after_it_has_closed() -> None:
    """`make_ups_until` is its own deadline; days after the close are no days."""
    late = attrs.evolve(WEEK, closes=at(3, 4, 0), make_ups_until=at(3, 6, 0))
    state, _ = told(late, *days((3, 1), (3, 2)))
    made = late.make_up("ada", dt.date(2026, 3, 3), at(3, 5, 10))

    assert "" == late.refusal(made, state)
    assert [("made_up", "2026-03-03"), ("granted", Points(50))] == moves(
        list(advance(state, made, late)[1])
    )
    beyond = late.make_up("ada", dt.date(2026, 3, 4), at(3, 5, 10))
    assert "after_close" == late.refusal(beyond, state)
    assert "closed" == late.refusal(checked(at(3, 4, 0)), state)


def test_without_make_ups_a_date_in_an_event_is_no_check_in_of_today() -> None:
    """A make-up that is not allowed does not turn into something else."""
    none = attrs.evolve(WEEK, make_ups=0)
    event = none.make_up("ada", dt.date(2026, 3, 1), at(3, 2))
    state, facts = told(none, event)

    assert "not_allowed" == none.refusal(event, state)
    assert (0, []) == (none.progress(state, "ada", at(3, 2, 12)).days, facts)


def test_any_other_item_is_the_applications_own_and_today_is_today() -> None:
    """The name of a lesson, or the date of the day itself, is a plain check-in."""
    seen = [checked(at(3, 1), item="lesson 1"), checked(at(3, 2), item="2026-03-02")]
    state, _ = told(WEEK, *seen)

    assert 2 == WEEK.progress(state, "ada", at(3, 2, 12)).days
    nothing = checked(at(3, 3), item="2026-02-30")
    assert "no_such_day" == WEEK.refusal(nothing, state)
    assert (state, ()) == advance(state, nothing, WEEK)


@pytest.mark.parametrize(
    ("instant", "reason"),
    [
        (at(2, 20, 0) - dt.timedelta(microseconds=1), "not_open"),
        (at(2, 20, 0), ""),
        (at(4, 20, 0) - dt.timedelta(microseconds=1), ""),
        (at(4, 20, 0), "closed"),
    ],
)
def test_check_ins_count_from_the_opening_to_before_the_close(
    instant: dt.datetime, reason: str
) -> None:
    """To the microsecond, one at a time and all at once."""
    event = checked(instant)
    state, _ = told(WEEK, event)

    assert reason == WEEK.refusal(event, WEEK.start())
    assert (not reason) == bool(state.subjects)
    standings = replay(WEEK, [event], as_of=at(5, 1))
    assert (not reason) == bool(len(standings.columns("users")["user"]))


def test_freezes_are_used_for_missed_days_in_their_order() -> None:
    """Two misses are forgiven, and add nothing; the third ends the streak."""
    frozen = attrs.evolve(WEEK, freezes=2)
    state, facts = told(frozen, *days((3, 1), (3, 3), (3, 5)))
    assert [("granted", Points(50))] == moves(facts)
    progress = frozen.progress(state, "ada", at(3, 6, 12))
    assert (3, 0) == (progress.streak, progress.spare)
    assert 0 == frozen.progress(state, "ada", at(3, 7, 12)).streak


def test_freezes_used_in_vain_are_gone() -> None:
    """They work by themselves at the end of each day: nobody knows what comes."""
    frozen = attrs.evolve(WEEK, freezes=2)
    state, _ = told(frozen, *days((3, 1), (3, 5), (3, 7)))

    progress = frozen.progress(state, "ada", at(3, 7, 12))
    assert (1, 1, 0) == (progress.streak, progress.longest, progress.spare)


def test_a_made_up_day_gives_the_freeze_back() -> None:
    """A day that counts was not missed."""
    frozen = attrs.evolve(WEEK, freezes=1)
    seen = days((3, 1), (3, 3), (3, 5))
    state, before = told(frozen, *seen)
    assert [] == before
    made = frozen.make_up("ada", dt.date(2026, 3, 2), at(3, 5, 12))
    _, facts = advance(state, made, frozen)

    assert [("made_up", "2026-03-02"), ("granted", Points(50))] == moves(list(facts))


def test_a_cycle_begins_anew_after_its_last_day_and_pays_again() -> None:
    """Milestones are told by cycle; a miss begins the same cycle anew."""
    round_ = attrs.evolve(WEEK, days=3, streak="cycle", milestones=())
    seen = days(*((3, day) for day in (1, 2, 3, 4, 5, 6, 7, 9, 10)))
    state, facts = told(round_, *seen)

    assert [at(3, 3), at(3, 6)] == [fact.at for fact in facts]
    keys = [fact_key("spring", "granted", "ada", str(c), "3", "1") for c in (1, 2)]
    assert keys == [fact.key for fact in facts]
    progress = round_.progress(state, "ada", at(3, 10, 12))
    assert (2, 2, 2, 1) == (
        progress.cycles,
        progress.best,
        progress.streak,
        progress.needs,
    )
    assert not progress.completed


def test_stopping_at_a_milestone_and_beginning_anew_pays_nothing_more() -> None:
    """Whoever breaks a streak cannot collect its first days twice."""
    for streak in ("reset", "cycle"):
        campaign = attrs.evolve(WEEK, streak=streak)
        seen = days(*((3, day) for day in (1, 2, 3, 5, 6, 7, 9, 10, 11)))
        assert [("granted", Points(50))] == moves(told(campaign, *seen)[1])


def test_five_days_of_any_seven_are_enough() -> None:
    """The window moves: days that lie too far back no longer help."""
    loose = attrs.evolve(WEEK, streak=KofN(5, 7), days=5)
    far = days(*((3, day) for day in (1, 2, 3, 8, 9)))
    near = days((3, 10), (3, 11), (3, 13))

    assert [("granted", Points(50))] == moves(told(loose, *far)[1])
    assert [Points(50), Points(500)] == [
        fact.reward for fact in told(loose, *far, *near)[1]
    ]


def test_whoever_has_not_checked_in_today_is_at_risk() -> None:
    """With deadline, and a reminder at the usual hour or two hours before it."""
    night = [checked(at(3, day, 23), "bo") for day in (1, 2)]
    seen = [*days((3, 1), (3, 2), hour=8), *night, checked(at(3, 3, 7), "cy")]
    state, _ = told(WEEK, *seen)

    ada, bo = WEEK.at_risk(state, at(3, 3, 7, 30))
    assert ("ada", 2, 3, 1, 0) == (ada.user, ada.streak, ada.next, ada.needs, ada.spare)
    assert (at(3, 4, 0), at(3, 3, 8)) == (ada.deadline, ada.remind_at)
    assert (at(3, 4, 0), at(3, 3, 22)) == (bo.deadline, bo.remind_at)
    assert at(3, 3, 23, 30) == WEEK.at_risk(state, at(3, 3, 23, 30))[0].remind_at
    at_six = WEEK.at_risk(state, at(3, 3, 1), usual={"ada": 6 * HOUR})
    assert at(3, 3, 6) == at_six[0].remind_at


def test_nobody_is_at_risk_who_has_nothing_left_to_win() -> None:
    """Not when complete, nor when the close is too near, nor outside of it."""
    done, _ = told(WEEK, *days(*((3, day) for day in range(1, 8))))
    assert () == WEEK.at_risk(done, at(3, 8))
    short = attrs.evolve(WEEK, milestones=(), closes=at(3, 7, 0))
    state, _ = told(short, *days((3, 1), (3, 2)))
    assert () == short.at_risk(state, at(3, 3))
    assert () == WEEK.at_risk(WEEK.start(), at(3, 3))
    assert () == WEEK.at_risk(done, at(4, 20, 0))


def test_what_k_of_n_forgives_is_no_risk_yet() -> None:
    """Five of seven leave two days to miss, and then none."""
    loose = attrs.evolve(WEEK, streak=KofN(5, 7), days=5, milestones=())
    state, _ = told(loose, *days((3, 1), (3, 2)))

    assert [1, 0] == [
        loose.at_risk(state, at(3, day), spare=9)[0].spare for day in (4, 5)
    ]
    assert () == loose.at_risk(state, at(3, 4))
    assert ["ada"] == [one.user for one in loose.at_risk(state, at(3, 5))]
    assert 0 == len(loose.at_risk(state, at(3, 9)))


def test_the_close_makes_the_longer_window_the_better_one() -> None:
    """One day is left: only what began early can still be completed."""
    loose = attrs.evolve(
        WEEK, streak=KofN(3, 7), days=3, milestones=(), closes=at(3, 4, 0)
    )
    state, _ = told(loose, *days((3, 1), (3, 2)))

    (one,) = loose.at_risk(state, at(3, 3))
    assert ("ada", 2, 3, 1, 0) == (one.user, one.streak, one.next, one.needs, one.spare)
    table = replay(loose, days((3, 1), (3, 2)), as_of=at(3, 3)).columns("at_risk")
    assert [[1], [0]] == [table["needs"].tolist(), table["spare"].tolist()]
