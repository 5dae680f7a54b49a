"""Check-in challenges: their definition, their tables, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pytest

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.terms import KofN, Milestone
from wxengage.campaigns.folding import advance
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.states import State, Tick
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.money import Cash, Coupon, Points, yuan

if TYPE_CHECKING:
    from wxengage.campaigns.facts import Fact

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


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict, list])
def test_standings_come_as_the_kind_of_table_that_the_events_were(make: Any) -> None:
    """With users, what they are entitled to, and what happened."""
    rows = [
        {"user": user, "kind": "check_in", "at": at(3, day)}
        for user, last in (("ada", 7), ("bo", 3))
        for day in range(1, last + 1)
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    source = rows if make is list else make(columns)
    standings = replay(WEEK, source, as_of=at(3, 8))

    users = standings.columns("users")
    assert ["ada", "bo"] == users["user"].tolist()
    assert [550, 50] == users["points"].tolist()
    assert isinstance(standings.users, make)
    assert 3 == len(standings.columns("entitlements")["user"])
    assert ["granted"] * 3 == standings.columns("facts")["kind"].tolist()
    assert "ada" in str(standings)


def test_a_log_and_whole_numbers_for_ids_will_do() -> None:
    """A log without campaigns is of this one; ids come back as they are."""
    table = {
        "user": np.array([7, 7, 7, 5]),
        "kind": ["check_in"] * 4,
        "at": [at(3, 1), at(3, 2), at(3, 3), at(3, 3)],
    }
    for source in (table, read_log(table)):
        users = replay(WEEK, source, as_of=at(3, 4)).columns("users")
        assert [5, 7] == users["user"].tolist()
        assert [1, 3] == users["days"].tolist()


def test_survivors_are_of_those_who_began_long_enough_ago() -> None:
    """Nobody counts as lost who had no time to go on."""
    table = [
        {"user": user, "kind": "check_in", "at": at(3, day)}
        for user, seen in (("ada", range(1, 8)), ("bo", (1, 2)), ("cy", (6, 7)))
        for day in seen
    ]
    found = replay(WEEK, table, as_of=at(3, 8)).columns("survivors")

    assert [2, 2, 1, 1, 1, 1, 1] == found["reached"].tolist()


def test_a_participant_and_the_challenge_can_be_kept() -> None:
    """As text, there and back."""
    state, _ = told(
        WEEK,
        *days((3, 1), (3, 2), (3, 4)),
        WEEK.make_up("ada", dt.date(2026, 3, 3), at(3, 4, 10)),
        WEEK.undo("ada", dt.date(2026, 3, 3), at(3, 4, 11)),
    )
    loose = attrs.evolve(WEEK, streak=KofN(5, 7), days=5, reward=Coupon("9876"))

    for value in (WEEK, loose, state.subjects["ada"]):
        assert value == load(dump(value))


def test_a_tick_changes_nothing() -> None:
    """No reward of a challenge is decided by time alone."""
    state, _ = told(WEEK, *days((3, 1)))

    assert (state, ()) == advance(state, Tick(at(3, 9), "ada"), WEEK)
    assert () == WEEK.due(state, at(4, 1))
    assert {"ada"} == WEEK.touches(Tick(at(3, 9), "ada"))


def test_an_event_of_something_else_changes_nothing() -> None:
    """Another campaign's, another kind's, and what voids no day."""
    like = Event("like", user="ada", at=at(3, 1), campaign="spring")
    other = attrs.evolve(checked(at(3, 1)), campaign="summer")
    void = Event("void", user="ada", at=at(3, 1), campaign="spring", item="entry 7")
    outside = WEEK.undo("ada", dt.date(2026, 1, 1), at(3, 1))

    for event in (like, other, void, outside):
        assert (WEEK.start(), ()) == advance(WEEK.start(), event, WEEK)
    assert "other_campaign" == WEEK.refusal(other, WEEK.start())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"days": 0}, "days must be at least 1"),
        ({"days": 2.5}, "days must be a whole number"),
        ({"days": True}, "days must be a whole number"),
        ({"streak": "weekly"}, "streak must be 'reset', 'cycle' or a KofN"),
        ({"streak": KofN(5, 9)}, "days must be 5, as KofN says"),
        ({"closes": at(2, 20, 0)}, "closes must be after opens"),
        ({"opens": dt.datetime(2026, 3, 1)}, "opens must be an aware datetime"),  # noqa: DTZ001
        ({"freezes": -1}, "freezes must be at least 0"),
        ({"make_ups": 1.0}, "make_ups must be a whole number"),
        ({"look_back": 0}, "look_back must be at least 1"),
        ({"make_ups_until": at(1, 1)}, "make_ups_until must be after opens"),
        ({"make_up_cost": Coupon("1")}, "make_up_cost must be Cash, Points or None"),
        ({"reward": 500}, "reward must be a reward"),
        ({"reward": Cash(8)}, "reward must be at least 0.10"),
        ({"milestones": {3: Points(5)}}, "milestones must be a tuple of Milestone"),
        ({"milestones": (Milestone(7, Points(5)),)}, "the last day's is `reward`"),
        (
            {"milestones": (Milestone(4, Points(5)), Milestone(4, Points(5)))},
            "milestones[1].day must be after day 4",
        ),
        ({"clock": "Asia/Shanghai"}, "clock must be a DayClock"),
        ({"id": " "}, "id must be not blank"),
        (
            {"streak": KofN(7, 9), "freezes": 1},
            "freezes must be 0 with KofN, got 1; KofN forgives n - k days already",
        ),
        ({"reward": Points(2**63 - 1)}, "at most 2**63 - 1 in all"),
    ],
)
def test_a_definition_names_what_is_wrong(changes: dict[str, Any], says: str) -> None:
    """Field, rule, value, and how to mend it."""
    with pytest.raises(InvalidInputError) as caught:
        attrs.evolve(WEEK, **changes)
    assert says in str(caught.value)


def test_all_faults_of_a_definition_are_told_at_once() -> None:
    """Not one after the other."""
    with pytest.raises(InvalidInputError, match="its 3 faults") as caught:
        attrs.evolve(WEEK, days=0, freezes=-1, make_ups=-1)
    assert {"days", "freezes", "make_ups"} <= set(str(caught.value).split())


@pytest.mark.parametrize(
    ("k", "n", "says"),
    [
        (8, 7, "k must be at most n, 7"),
        (0, 7, "k must be at least 1"),
        (1, 0, "n must be"),
    ],
)
def test_more_days_than_there_are_is_no_rule(k: int, n: int, says: str) -> None:
    """K of n needs 1 <= k <= n."""
    with pytest.raises(InvalidInputError, match=says):
        KofN(k, n)


@pytest.mark.parametrize(
    ("day", "reward"),
    [(0, Points(5)), (True, Points(5)), (3, None), (3, 5), (3, Cash(9))],
)
def test_a_milestone_is_a_day_and_a_reward(day: Any, reward: Any) -> None:
    """From day 1, and nothing that cannot be paid."""
    with pytest.raises(InvalidInputError):
        Milestone(day, reward)


def test_days_are_seven_or_those_of_k_of_n_where_they_are_not_said() -> None:
    """The default is a week."""
    about: dict[str, Any] = {
        "reward": Cash(yuan("1")),
        "opens": at(3, 1),
        "closes": at(4, 1),
    }
    assert 7 == CheckIn("a", **about).days
    assert 5 == CheckIn("a", streak=KofN(5, 10), **about).days


def test_bad_questions_are_refused() -> None:
    """Naive instants, negative spans, what is no date, and ids that are numbers."""
    naive = dt.datetime(2026, 3, 1)  # noqa: DTZ001
    state = WEEK.start()
    anything: Any = None
    for ask in (
        lambda: WEEK.at_risk(state, naive),
        lambda: WEEK.at_risk(state, at(3, 1), lead=-HOUR),
        lambda: WEEK.at_risk(state, at(3, 1), spare=-1),
        lambda: WEEK.progress(state, "ada", naive),
        lambda: WEEK.make_up("ada", at(3, 1), at(3, 2)),
        lambda: WEEK.undo("ada", anything, at(3, 2)),
        lambda: replay(WEEK, [checked(at(3, 1))], as_of=naive),
        lambda: advance(State("other"), checked(at(3, 1)), WEEK),
        lambda: advance(state, attrs.evolve(checked(at(3, 1)), user=7), WEEK),
        lambda: WEEK.amounts(anything),
    ):
        with pytest.raises(InvalidInputError):
            ask()
    known, _ = told(WEEK, *days((3, 1)))
    with pytest.raises(InvalidInputError, match="usual"):
        WEEK.at_risk(known, at(3, 2), usual={"ada": 24 * HOUR})


def test_an_empty_log_has_nobody() -> None:
    """Every table is there, and is empty."""
    for streak in ("reset", "cycle", KofN(7, 9)):
        campaign = attrs.evolve(WEEK, streak=streak)
        none: dict[str, list[Any]] = {"user": [], "kind": [], "at": []}
        standings = replay(campaign, none, as_of=at(3, 1))
        for name in ("users", "entitlements", "at_risk", "rewards", "facts"):
            assert {0} == {len(one) for one in standings.columns(name).values()}
        if streak != KofN(7, 9):
            survivors = standings.columns("survivors")["reached"].tolist()
            assert [0] * 7 == survivors


def test_a_challenge_without_an_end_takes_no_place_for_days_to_come() -> None:
    """Two thousand people in a hundred years: their days are sorted instead."""
    ever = attrs.evolve(WEEK, closes=at(2, 20).replace(year=2126))
    people = np.arange(2_000)
    table = {
        "user": np.concatenate([people, people, people[:1_000]]),
        "kind": ["check_in"] * 5_000,
        "at": [at(3, 1)] * 2_000 + [at(3, 1, 20)] * 2_000 + [at(3, 2)] * 1_000,
    }
    long = replay(ever, table, as_of=at(3, 3)).columns("users")
    short = replay(WEEK, table, as_of=at(3, 3)).columns("users")

    assert [2] * 1_000 + [1] * 1_000 == long["days"].tolist()
    assert {name: column.tolist() for name, column in short.items()} == {
        name: column.tolist() for name, column in long.items()
    }
