"""Contests at their edges: who looked, who does both, and what comes in odd order."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import attrs
import pytest

from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.lottery import _RANGE, _in_order, _Wait
from wxengage.campaigns.contests.publishing import amend, publish
from wxengage.campaigns.contests.ranking import capped_votes, rank_entries
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.contests.subjects import RESULTS, Submission, entry_key
from wxengage.campaigns.folding import advance
from wxengage.campaigns.guard import Attack, Crowd, RiskPolicy, attack_profits, risk
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.states import State, Tick
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash, yuan

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
PHOTOS = Contest(
    "photos",
    prizes=(Cash(500),),
    votes=VoteRule(per_day=2),
    opens=OPENS,
    closes=OPENS + 14 * DAY,
    publishes=OPENS + 15 * DAY,
)
WRONG: Any = "wrong"


def event(
    kind: str, user: str, hours: float, item: str | None = "p1", **more: Any
) -> Event:
    """Return an event of the contest, so many hours after it opened."""
    at = OPENS + hours * HOUR
    return Event(kind, user=user, at=at, item=item, campaign="photos", **more)


EVENTS = [
    event("submit", "ada", 0),
    event("submit", "bo", 1, "p2"),
    event("vote", "bo", 2),
    event("vote", "cy", 3),
    event("vote", "cy", 30),
    event("vote", "bo", 4, "p2"),
    event("read", "di", 5),
    event("read", "di", 6),
    event("read", "cy", 6),
    event("read", "di", 6, "p2"),
]


def test_viewers_are_people_who_looked_or_whose_votes_count() -> None:
    """Each once, however often they looked or voted; never fewer than voters."""
    table = replay(PHOTOS, EVENTS, as_of=OPENS + 9 * DAY).columns("entries")

    assert ["p1", "p2"] == table["entry"].tolist()
    assert [3, 0] == table["votes"].tolist()
    assert [2, 0] == table["voters"].tolist()
    assert [3, 1] == table["viewers"].tolist()
    ranking = rank_entries(table["entry"], table["voters"], viewers=table["viewers"])
    assert ("p1", "p2") == ranking.entries
    assert "<table" in ranking._repr_html_()
    assert "<EntryRanking of 2 entries by posterior>" == repr(ranking)


def test_people_are_told_what_they_gave_and_got() -> None:
    """An author who votes is one person."""
    standings = replay(PHOTOS, EVENTS, as_of=OPENS + 9 * DAY)
    users = standings.columns("users")

    assert ["ada", "bo", "cy"] == users["user"].tolist()
    assert [1, 1, 0] == users["entries"].tolist()
    assert [3, 0, 0] == users["received"].tolist()
    assert [0, 2, 2] == users["votes"].tolist()
    assert [0, 1, 2] == users["counted"].tolist()
    assert [0, 1, 0] == users["refused"].tolist()
    assert "ada" in str(standings)
    assert [] == standings.columns("rewards")["key"].tolist()


def test_a_log_of_centuries_is_sorted_as_one_of_days() -> None:
    """Where voter and time do not fit into one key, two keys sort."""
    ages = [event("vote", "cy", 24 * 365 * year) for year in (-50, 100)]
    far = [
        attrs.evolve(one, user=f"{one.user}{n}") for one in ages for n in range(3_000)
    ]

    table = replay(PHOTOS, [*EVENTS, *far], as_of=OPENS + 9_999_999 * HOUR)

    rows = table.columns("votes")
    assert 3 == (rows["status"] == "counted").sum()
    assert {"not_open", "closed", "valid", "own_entry"} == set(rows["reason"])


def test_without_a_column_of_items_there_are_no_votes() -> None:
    """A log of follows has an answer; one of votes is refused."""
    follow = {"user": ["ada"], "kind": ["follow"], "at": [OPENS]}
    vote = {"user": ["ada"], "kind": ["vote"], "at": [OPENS]}

    assert 0 == len(replay(PHOTOS, follow, as_of=OPENS + DAY).columns("votes")["at"])
    with pytest.raises(InvalidInputError, match="with a column 'item'"):
        replay(PHOTOS, vote, as_of=OPENS + DAY)


def test_an_earlier_entry_of_the_same_name_takes_it() -> None:
    """Whoever was first, whenever that comes to be known."""
    state = PHOTOS.start()
    for one in (event("submit", "bo", 5), event("submit", "ada", 1)):
        state, _ = advance(state, one, PHOTOS)
    again, facts = advance(state, event("submit", "bo", 5), PHOTOS)

    entry = state.subjects[entry_key("p1")]
    assert isinstance(entry, Submission)
    assert "ada" == entry.author
    assert ["taken"] == [fact.reason for fact in facts]
    assert ((), again) == advance(again, event("submit", "bo", 5), PHOTOS)[::-1]


def test_ticks_that_are_not_due_change_nothing() -> None:
    """Of other subjects, too early, or where publishing is by hand."""
    state, _ = advance(PHOTOS.start(), EVENTS[0], PHOTOS)
    by_hand = attrs.evolve(PHOTOS, publishes=None)
    late = Tick(OPENS + 20 * DAY, RESULTS)

    assert (state, ()) == advance(state, Tick(OPENS + 14 * DAY, RESULTS), PHOTOS)
    assert (state, ()) == advance(state, Tick(OPENS + 20 * DAY, "ada"), PHOTOS)
    assert (state, ()) == advance(state, late, by_hand)
    assert () == PHOTOS.due(PHOTOS.start(), OPENS + 20 * DAY)


def test_results_need_all_entries_and_the_right_state() -> None:
    """What is missing is named."""
    state, _ = advance(PHOTOS.start(), EVENTS[0], PHOTOS)
    part = State("photos", {RESULTS: state.subjects[RESULTS]})
    at = OPENS + 15 * DAY

    with pytest.raises(InvalidInputError, match=r"load what contest\.touches says"):
        publish(part, PHOTOS, at=at)
    with pytest.raises(InvalidInputError, match="a state of campaign 'photos'"):
        publish(State("other"), PHOTOS, at=at)
    done, _ = publish(state, PHOTOS, at=at, order=["p1"])
    with pytest.raises(InvalidInputError, match="not before the last results"):
        amend(done, PHOTOS, at=OPENS, because="why")


def test_lots_that_floats_cannot_tell_apart_are_told_apart() -> None:
    """The larger fraction waits less, by one part in 2**256."""
    half = _RANGE // 2
    wait = {"a": _Wait(half, 1), "b": _Wait(half + 1, 1), "c": _Wait(half - 1, 1)}

    assert {wait["a"].rough()} == {one.rough() for one in wait.values()}
    assert ["b", "a", "c"] == _in_order(wait)


REFERRAL = Referral(
    "spring",
    ladder=Ladder({3: yuan("8")}, pays="total"),
    opens=OPENS,
    closes=OPENS + DAY,
)


def test_tables_of_the_guard_print() -> None:
    """In a terminal and in a notebook."""
    events = [
        Event(
            "scan", user=f"u{n}", inviter="ada", at=OPENS + n * HOUR, campaign="spring"
        )
        for n in range(4)
    ]
    risks = risk(events, as_of=OPENS + 9 * DAY, campaign=REFERRAL)

    assert "ada" in str(risks)
    assert "<table" in risks._repr_html_()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: attrs.evolve(PHOTOS, votes=WRONG), "votes must be a VoteRule"),
        (lambda: attrs.evolve(PHOTOS, one_prize_each=WRONG), "True or False"),
        (lambda: VoteRule(self_vote=WRONG), "self_vote must be True or False"),
        (lambda: VoteRule(clock=WRONG), "clock must be a DayClock"),
        (lambda: VoteRule(change_within=-HOUR), "change_within must be a timedelta"),
        (lambda: RiskPolicy(clock=WRONG), "clock must be a DayClock"),
        (lambda: RiskPolicy(horizon=9_999 * DAY), "at most ten years"),
        (lambda: capped_votes([5], [0], size=3), "size must be above"),
        (lambda: capped_votes([0], [0], known=[True, False]), "known must be"),
        (lambda: rank_entries(["a"], [1, 2]), "votes must be one for each entry"),
        (
            lambda: attack_profits(REFERRAL, fakes=(), identity_cost=1, rng=WRONG),
            "one or more each",
        ),
        (
            lambda: attack_profits(
                REFERRAL, fakes=(3,), identity_cost=1, rng=WRONG, attacks=(WRONG,)
            ),
            "attacks must be Attacks",
        ),
        (lambda: Attack(" ", within=HOUR), "name must"),
        (lambda: Crowd(alike=0.0), "alike must be a number above 0"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, said: str) -> None:
    """With the field and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
