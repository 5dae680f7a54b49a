"""A contest folded one event at a time and replayed at once: the same answer."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.judging import verdicts
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.contests.subjects import RESULTS, Submission, Voter
from wxengage.campaigns.folding import advance
from wxengage.campaigns.replaying import replay
from wxengage.log.events import Event
from wxengage.money import Cash
from wxengage.times.days import DayClock
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.campaigns.facts import Fact
    from wxengage.campaigns.states import State

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
END = OPENS + 80 * HOUR
PEOPLE = ("ada", "bo", "cy", "di")
ITEMS = ("p1", "p2", "7")
ACTS = (*["vote"] * 8, *["retract"] * 2, "void", "follow", "submit", "withdraw", "like")

QUOTAS = st.sampled_from([None, 1, 2, 3])
RULES = st.builds(
    VoteRule,
    per_day=QUOTAS,
    per_entry_per_day=QUOTAS,
    total=st.sampled_from([None, None, 2, 4]),
    min_account_age=st.sampled_from([0, 0, 3, 20]).map(lambda hours: hours * HOUR),
    self_vote=st.booleans(),
    change_within=st.sampled_from([None, 2 * HOUR, 0 * HOUR]),
    clock=st.sampled_from([DayClock(), DayClock("America/New_York", dt.time(4))]),
)
CONTESTS = st.builds(
    Contest,
    st.just("photos"),
    prizes=st.sampled_from([(Cash(500),), (Cash(300), Cash(200))]),
    votes=RULES,
    opens=st.just(OPENS + 5 * HOUR),
    closes=st.just(OPENS + 55 * HOUR),
    publishes=st.sampled_from([None, OPENS + 55 * HOUR, OPENS + 60 * HOUR]),
    least_votes=st.integers(1, 2),
    one_prize_each=st.booleans(),
    account=st.sampled_from([None, None, "shop"]),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Contest, list[Event]]:
    """Draw a contest and a log of it."""
    dice = random.Random(draw(st.integers(0, 2**32 - 1)))  # noqa: S311  a test's dice
    size = draw(st.sampled_from([0, 1, 5, 15, 40, 80]))
    return draw(CONTESTS), [_event(dice) for _ in range(size)]


def _event(dice: random.Random) -> Event:
    kind = dice.choice(ACTS)
    early = kind == "submit" and dice.random() < 0.8
    at = OPENS + dice.randrange(4, 9 if early else 62) * HOUR
    items: list[str | int] = [*ITEMS, 7]
    item = dice.choice(items)
    whole = kind == "void" and dice.random() < 0.5
    return Event(
        kind,
        user=dice.choice(PEOPLE),
        at=at,
        id=dice.choice([None, 1, "1", "b", "c"]) if kind == "vote" else None,
        item=None if whole or kind == "follow" else item,
        campaign=dice.choice([*["photos"] * 8, "other"]),
        account=dice.choice(["shop", "club"]),
        group=dice.choice([None, "b", 1]) if kind == "void" else None,
    )


def stated_order(
    contest: Contest, events: Sequence[Event], dice: random.Random
) -> list[Event | None]:
    """Return events in an order that the contest allows, with repeats.

    What happens to entries comes first, by time; then all else in any order; last
    what comes after the results, which are due at the None.
    """
    until = contest.publishes or END
    entries = [
        event
        for event in events
        if event.kind in {"submit", "withdraw"}
        or (event.kind == "void" and event.item is not None and event.group is None)
    ]
    entries.sort(key=lambda one: (one.at, one.kind != "submit", str(one.user)))
    others = [event for event in events if event not in entries]
    mixed = [*others, *dice.choices(others, k=len(others) // 3)] if others else []
    dice.shuffle(mixed)
    parts: list[Event | None] = []
    for now in (True, False):
        parts += [one for one in entries if (one.at <= until) is now]
        parts += [one for one in mixed if (one.at <= until) is now]
        if now:
            parts.append(None)
    return parts


def folded(
    contest: Contest, events: Sequence[Event | None]
) -> tuple[State, list[Fact]]:
    """Fold events as they come, by touched subjects only."""
    everything = contest.start()
    found: list[Fact] = []

    def take(event: Any) -> None:
        nonlocal everything
        keys = contest.touches(event)
        while True:
            known = {
                k: everything.subjects[k] for k in keys if k in everything.subjects
            }
            part = contest.start().changed(known)
            more = contest.touches(event, part)
            if more == keys:
                break
            keys = more
        part, facts = advance(part, event, contest)
        assert set(part.subjects) <= keys
        again, none = advance(part, event, contest)
        assert part == again
        assert () == none
        everything = everything.changed(part.subjects)
        found.extend(facts)

    for event in events:
        if event is None:
            for tick in contest.due(everything, END):
                take(tick)
        else:
            take(event)
    assert () == contest.due(everything, END)
    return everything, found


def stands(state: State, contest: Contest) -> Counter[tuple[Any, ...]]:
    """Return the rows of the table of votes, from a state."""
    return Counter(
        (key, b.entry, micros("at", b.at), v.status, v.reason, v.since)
        for key, voter in state.subjects.items()
        if isinstance(voter, Voter)
        for b, v in verdicts(voter, contest).items()
    )


def table(columns: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    """Return some columns as rows, instants as whole numbers."""
    lists = [
        columns[n].astype(np.int64).tolist()
        if columns[n].dtype.kind == "M"
        else columns[n].tolist()
        for n in names
    ]
    return list(zip(*lists, strict=True))


def agree(contest: Contest, events: list[Event], dice: random.Random) -> None:
    """Check that votes, entries, results and prizes are the same."""
    mixed = stated_order(contest, events, dice)
    state, facts = folded(contest, mixed)
    given_ = [event for event in mixed if event is not None]
    dice.shuffle(given_)
    source: Any = given_ or {"user": [], "kind": [], "at": [], "item": []}
    standings = replay(contest, source, as_of=END)

    rows = table(
        standings.columns("votes"),
        *("voter", "entry", "at", "status", "reason", "since"),
    )
    assert stands(state, contest) == Counter(rows)

    told = table(
        standings.columns("entries"), "entry", "author", "votes", "submitted_at"
    )
    kept = [one for one in state.subjects.values() if isinstance(one, Submission)]
    assert sorted(told) == sorted(
        (one.entry, one.author, one.votes, micros("at", one.submitted_at))
        for one in kept
    )
    left = {one.entry: one.left_at is not None for one in kept}
    gone = standings.columns("entries")
    assert left == dict(
        zip(gone["entry"], (~np.isnat(gone["left_at"])).tolist(), strict=True)
    )
    results = state.subjects.get(RESULTS)
    if results is not None and results.published is not None:
        awards = table(
            standings.columns("results"), "rank", "entry", "author", "votes", "amount"
        )
        assert awards == [
            (a.rank, a.entry, a.author, a.votes, a.reward.fen if a.reward else 0)
            for a in results.published
        ]
    owed = [(f.user, f.key) for f in facts if f.reward is not None]
    assert owed == table(standings.columns("rewards"), "user", "key")


@settings(max_examples=300)
@given(cases(), st.randoms(use_true_random=False))
def test_folding_in_any_stated_order_is_what_the_replay_says(
    case: tuple[Contest, list[Event]], dice: random.Random
) -> None:
    """Votes with reasons, entries, results, prizes; by touched subjects only."""
    agree(*case, dice)


@pytest.mark.torture
@settings(max_examples=10_000)
@given(cases(), st.randoms(use_true_random=False))
def test_ten_thousand_logs_agree(
    case: tuple[Contest, list[Event]], dice: random.Random
) -> None:
    """The same promise, for long."""
    agree(*case, dice)


@settings(max_examples=100)
@given(cases())
def test_quotas_are_what_counting_by_hand_says(
    case: tuple[Contest, list[Event]],
) -> None:
    """Of votes by time, each one is taken that no quota refuses then."""
    contest, events = case
    plain = attrs.evolve(contest, votes=attrs.evolve(contest.votes, self_vote=True))
    votes = [
        attrs.evolve(
            event, kind="vote", id=row, item="p", campaign="photos", group=None
        )
        for row, event in enumerate(events)
    ]
    entry = Event("submit", user="zed", at=contest.opens, item="p", campaign="photos")
    follow = [
        Event("follow", user=user, at=OPENS - 99 * HOUR, account="shop")
        for user in PEOPLE
    ]
    rule = contest.votes

    taken: list[Event] = []
    for vote in sorted(votes, key=lambda one: (one.at, str(one.id))):
        mine = [one for one in taken if one.user == vote.user]
        day = [one for one in mine if rule.clock.day(one.at) == rule.clock.day(vote.at)]
        if (
            contest.opens <= vote.at < contest.closes
            and (rule.per_day is None or len(day) < rule.per_day)
            and (rule.per_entry_per_day is None or len(day) < rule.per_entry_per_day)
            and (rule.total is None or len(mine) < rule.total)
        ):
            taken.append(vote)

    columns = replay(plain, [entry, *follow, *votes], as_of=END).columns("votes")
    counted = columns["status"] == "counted"
    assert Counter((one.user, micros("at", one.at)) for one in taken) == Counter(
        zip(
            columns["voter"][counted].tolist(),
            columns["at"][counted].astype(np.int64).tolist(),
            strict=True,
        )
    )


@settings(max_examples=100)
@given(cases())
def test_facts_are_those_of_folding_in_the_order_of_time(
    case: tuple[Contest, list[Event]],
) -> None:
    """Keys are told apart, and every prize is among them."""
    contest, events = case
    if not events:
        return
    standings = replay(contest, events, as_of=END)
    facts = standings.columns("facts")
    rewards = standings.columns("rewards")["key"].tolist()

    moves = [
        key for key, kind in zip(facts["key"], facts["reward"], strict=True) if kind
    ]
    assert rewards == moves
    last: dict[tuple[str, str], str] = {}
    for user, other, kind in table(facts, "user", "other", "kind"):
        last[user, other] = kind
    counted = Counter(
        (voter, entry)
        for voter, entry, status in table(
            standings.columns("votes"), "voter", "entry", "status"
        )
        if status == "counted"
    )
    assert {pair for pair in counted if pair not in last} == set()
