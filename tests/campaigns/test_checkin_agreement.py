"""A challenge folded one event at a time and replayed at once: the same answer."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.judging import Judged, course_of, judged
from wxengage.campaigns.checkins.people import NOBODY
from wxengage.campaigns.checkins.terms import KofN, Milestone
from wxengage.campaigns.facts import GRANTED, REWARD_KINDS, Fact
from wxengage.campaigns.folding import advance
from wxengage.campaigns.replaying import replay
from wxengage.log.events import Event
from wxengage.money import Cash, Perk, Points
from wxengage.times.days import DayClock
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.campaigns.states import State
    from wxengage.money import Reward

HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR
# Two Sundays on which clocks are turned, and the ends of two months.
BEGIN = dt.datetime(2026, 2, 25, tzinfo=dt.UTC)
SPAN = 40
PLAIN = CheckIn("plain", reward=Points(5), opens=BEGIN, closes=BEGIN + SPAN * DAY)
PEOPLE = ("ada", "bo", "cy")
CLOCKS = [
    DayClock(),
    DayClock("UTC"),
    DayClock("America/Los_Angeles", dt.time(2, 30)),
    DayClock("Asia/Shanghai", dt.time(4)),
]


@st.composite
def challenges(draw: st.DrawFn) -> CheckIn:
    """Draw a challenge."""
    opens = BEGIN + draw(st.integers(0, 5 * 24)) * HOUR
    closes = opens + draw(st.integers(10, 30 * 24)) * HOUR
    streak: Any = draw(
        st.sampled_from(["reset", "reset", "cycle", "cycle", KofN(2, 3), KofN(3, 7)])
    )
    counts = isinstance(streak, KofN)
    days = streak.k if counts else draw(st.integers(1, 6))
    marks = sorted(draw(st.sets(st.integers(1, days), max_size=3)))
    rewards: list[Reward] = [Cash(30), Points(7), Perk("badge")]
    through = draw(st.booleans())
    return CheckIn(
        "run",
        reward=None if through else Cash(500),
        milestones=tuple(
            Milestone(day, draw(st.sampled_from(rewards)))
            for day in marks
            if through or day < days
        ),
        opens=opens,
        closes=closes,
        streak=streak,
        days=days,
        freezes=0 if counts else draw(st.sampled_from([0, 0, 1, 3])),
        make_ups=draw(st.sampled_from([0, 1, 2, 30])),
        look_back=draw(st.sampled_from([1, 3, 40])),
        make_ups_until=draw(
            st.sampled_from([None, opens + HOUR, closes - 5 * HOUR, closes + 3 * DAY])
        ),
        make_up_cost=draw(st.sampled_from([None, Points(3)])),
        clock=draw(st.sampled_from(CLOCKS)),
    )


def _event(dice: random.Random, campaign: CheckIn, at: dt.datetime) -> Event:
    user = dice.choice(PEOPLE)
    about = dice.random()
    today = campaign.clock.date(campaign.clock.day(at))
    date = today - dt.timedelta(days=dice.choice([-1, 0, 1, 1, 2, 3, 5, 20]))
    if about < 0.15:
        return campaign.make_up(user, date, at)
    if about < 0.22:
        return campaign.undo(user, date, at)
    return Event(
        dice.choice(["check_in"] * 9 + ["void"]),
        user=user,
        at=at,
        campaign=dice.choice(["run"] * 9 + ["other"]),
        item=dice.choice([None, None, "lesson 3", "2026-02-30"]),
    )


@st.composite
def cases(
    draw: st.DrawFn, *, apart: bool = False
) -> tuple[CheckIn, list[Event], dt.datetime]:
    """Draw a challenge, what people do, and an instant to settle at."""
    campaign = draw(challenges())
    seed = draw(st.integers(0, 2**32 - 1))
    size = draw(st.sampled_from([0, 1, 5, 20, 60, 120]))
    dice = random.Random(seed)  # noqa: S311  a test's dice
    places = (
        dice.sample(range(24 * SPAN), size)
        if apart
        else [dice.randrange(24 * SPAN) for _ in range(size)]
    )
    events = [_event(dice, campaign, BEGIN + place * HOUR) for place in places]
    as_of = BEGIN + draw(st.integers(0, 24 * (SPAN + 3))) * HOUR
    return campaign, events, as_of


def folded(
    campaign: CheckIn, events: Sequence[Event], as_of: dt.datetime
) -> tuple[State, list[Fact]]:
    """Fold events as they come, with the touched user loaded and nobody else."""
    everything = campaign.start()
    found: list[Fact] = []
    for event in events:
        if event.at > as_of:
            continue
        keys = campaign.touches(event)
        known = {k: v for k, v in everything.subjects.items() if k in keys}
        part, facts = advance(campaign.start().changed(known), event, campaign)
        assert set(part.subjects) <= keys
        everything = everything.changed(part.subjects)
        found += facts
    assert () == campaign.due(everything, as_of)
    return everything, found


def owed(facts: Sequence[Fact]) -> dict[tuple[str, str, str], int]:
    """Return what reward facts sum to, by person and reward."""
    total: dict[tuple[str, str, str], int] = {}
    for fact in facts:
        if fact.kind in REWARD_KINDS:
            reward = fact.reward
            amount = (
                reward.fen
                if isinstance(reward, Cash)
                else reward.n
                if isinstance(reward, Points)
                else 1
            )
            place = (fact.user, type(reward).__name__.lower(), "")
            sign = 1 if fact.kind == GRANTED else -1
            total[place] = total.get(place, 0) + sign * amount
    return {place: amount for place, amount in total.items() if amount}


def rows(campaign: CheckIn, events: Any, as_of: dt.datetime, name: str) -> list[Any]:
    """Return the rows of a table of the replay."""
    columns = replay(campaign, events, as_of=as_of).columns(name)
    plain = [c.astype(np.int64) if c.dtype.kind == "M" else c for c in columns.values()]
    return list(zip(*(c.tolist() for c in plain), strict=True))


def users_of(
    campaign: CheckIn, state: State, facts: Sequence[Fact], as_of: dt.datetime
) -> list[Any]:
    """Return the rows of the table of users, from a state and its facts."""
    due = owed(facts)
    found = []
    for user, challenger in sorted(state.subjects.items()):
        counted = judged(challenger, campaign)
        if not counted.days:
            continue
        told = campaign.progress(state, user, as_of)
        found.append(
            (
                user,
                told.days,
                len(counted.made_up),
                told.streak,
                told.longest,
                told.cycles,
                told.best,
                told.completed,
                told.spare,
                max(counted.days),
                due.get((user, "cash", ""), 0),
                due.get((user, "points", ""), 0),
            )
        )
    return found


def reached_of(campaign: CheckIn, state: State) -> set[tuple[str, int, int]]:
    """Return user, cycle and count of every milestone reached, from a state."""
    return {
        (user, cycle, count)
        for user, challenger in state.subjects.items()
        for cycle, count in course_of(judged(challenger, campaign), campaign).reached
    }


def held(facts: Sequence[Fact]) -> list[str]:
    """Return the days that are made up by the facts."""
    made = [f"{f.user} {f.other}" for f in facts if f.kind == "made_up"]
    for fact in facts:
        if fact.kind == "unmade":
            made.remove(f"{fact.user} {fact.other}")
    return sorted(made)


def agree(
    campaign: CheckIn, events: list[Event], as_of: dt.datetime, dice: random.Random
) -> None:
    """Check that any order with repeats, and the replay, say the same."""
    mixed = [*events, *dice.choices(events, k=len(events) // 3)] if events else []
    dice.shuffle(mixed)
    state, facts = folded(campaign, mixed, as_of)
    source: Any = mixed or {"user": [], "kind": [], "at": []}

    assert rows(campaign, source, as_of, "users") == users_of(
        campaign, state, facts, as_of
    )
    told = rows(campaign, source, as_of, "entitlements")
    assert {row[:3] for row in told} == reached_of(campaign, state)
    assert len(told) == len({row[:3] for row in told})
    assert len(facts) == len({fact.key for fact in facts})
    risk = [
        (*attrs.astuple(one)[:5], micros("d", one.deadline), micros("r", one.remind_at))
        for one in campaign.at_risk(state, as_of, spare=100)
    ]
    assert [
        (user, streak, goal, needs, spare, *times)
        for user, streak, goal, needs, spare, *times in rows(
            campaign, source, as_of, "at_risk"
        )
    ] == risk
    assert held(facts) == sorted(
        f"{user} {campaign.clock.date(day)}"
        for user, challenger in state.subjects.items()
        for day in judged(challenger, campaign).made_up
    )
    again, _ = folded(campaign, sorted(mixed, key=lambda one: one.at), as_of)
    assert {
        user: attrs.evolve(one, withdrawn=(), unmade=())
        for user, one in again.subjects.items()
    } == {
        user: attrs.evolve(one, withdrawn=(), unmade=())
        for user, one in state.subjects.items()
    }


@settings(max_examples=300)
@given(cases(), st.randoms(use_true_random=False))
def test_any_order_of_events_with_repeats_is_what_the_replay_says(
    case: tuple[CheckIn, list[Event], dt.datetime], dice: random.Random
) -> None:
    """Days, streaks, entitlements and risks; folding the touched user only."""
    agree(*case, dice)


@pytest.mark.torture
@settings(max_examples=10_000)
@given(cases(), st.randoms(use_true_random=False))
def test_ten_thousand_logs_agree(
    case: tuple[CheckIn, list[Event], dt.datetime], dice: random.Random
) -> None:
    """The same promise, for long."""
    agree(*case, dice)


@settings(max_examples=300)
@given(cases(apart=True))
def test_the_facts_of_a_replay_are_those_of_folding_in_order(
    case: tuple[CheckIn, list[Event], dt.datetime],
) -> None:
    """Kind, person, instant, key, reward and both sentences."""
    campaign, events, as_of = case
    if not events:
        return
    ordered = sorted(events, key=lambda one: one.at)
    _, facts = folded(campaign, ordered, as_of)
    told = sorted(
        (f.kind, f.user, f.other or "", micros("at", f.at), f.key, f.reason, f.zh, f.en)
        for f in facts
    )
    found = [
        (kind, user, other, at, key, reason, zh, en)
        for kind, user, other, at, key, _, _, _, reason, zh, en in rows(
            campaign, events, as_of, "facts"
        )
    ]
    assert told == sorted(found)


@settings(max_examples=300)
@given(cases(apart=True))
def test_a_fact_in_order_holds_from_its_event_on(
    case: tuple[CheckIn, list[Event], dt.datetime],
) -> None:
    """Nothing is dated back or ahead when events come in the order of time."""
    campaign, events, _ = case
    state = campaign.start()
    for event in sorted(events, key=lambda one: one.at):
        state, facts = advance(state, event, campaign)
        assert {event.at} >= {fact.at for fact in facts}


@settings(max_examples=300)
@given(cases(), st.randoms(use_true_random=False))
def test_what_the_campaign_would_refuse_changes_nothing(
    case: tuple[CheckIn, list[Event], dt.datetime], dice: random.Random
) -> None:
    """The reason given before is what happens, and only what counts moves facts."""
    campaign, events, _ = case
    dice.shuffle(events)
    state = campaign.start()
    for event in events:
        reason = campaign.refusal(event, state)
        before = judged(state.subjects.get(str(event.user), NOBODY), campaign)
        state, facts = advance(state, event, campaign)
        after = judged(state.subjects.get(str(event.user), NOBODY), campaign)
        if reason:
            assert () == facts
            assert dict(before.days) == dict(after.days)


@given(
    st.sets(st.integers(0, 45), max_size=40),
    st.integers(0, 4),
    st.integers(1, 9),
    st.sampled_from(["reset", "cycle"]),
)
@settings(max_examples=400)
def test_a_calendar_walked_day_by_day_says_the_same(
    checked_on: set[int], freezes: int, goal: int, streak: Any
) -> None:
    """The rules once more in the plainest way: one day after another."""
    campaign = attrs.evolve(
        PLAIN, days=goal, milestones=(), freezes=freezes, streak=streak
    )
    length, longest, count, done, left = 0, 0, 0, 0, freezes
    for day in range(46):
        if day in checked_on:
            length, count = length + 1, count + 1
            longest = max(longest, length)
            if streak == "cycle" and count == goal:
                done, count = done + 1, 0
        elif length and left:
            left -= 1
        else:
            length, count = 0, 0
    found = course_of(
        Judged({day: day for day in sorted(checked_on)}, {}, {}), campaign
    )

    assert longest == found.longest
    assert done == found.cycles
    wins = done if streak == "cycle" else int(longest >= goal)
    assert wins == len(found.reached)


@given(st.sets(st.integers(0, 45), max_size=40), st.integers(1, 6), st.integers(0, 9))
@settings(max_examples=300)
def test_every_window_of_n_days_is_looked_at(
    checked_on: set[int], k: int, more: int
) -> None:
    """The best window by trying them all."""
    n = k + more
    campaign = attrs.evolve(PLAIN, days=k, milestones=(), streak=KofN(k, n))
    best = max(
        len([day for day in checked_on if low <= day < low + n])
        for low in range(-n, 46)
    )
    found = course_of(
        Judged({day: day for day in sorted(checked_on)}, {}, {}), campaign
    )

    assert best == found.best
    assert (best >= k) == bool(found.reached)
