"""A referral folded one event at a time and replayed at once: the same answer."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.campaigns.facts import GRANTED, REWARD_KINDS, Fact
from wxengage.campaigns.folding import advance
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals import replaying
from wxengage.campaigns.referrals.campaign import Referral, Requirement
from wxengage.campaigns.referrals.judging import Book
from wxengage.campaigns.replaying import replay
from wxengage.log import parallel
from wxengage.log.events import Event
from wxengage.money import Cash, yuan
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.campaigns.states import State

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
END = OPENS + 60 * HOUR
PEOPLE = ("ada", "bo", "cy", "di")
KINDS = {
    "follow": ("follow", "follow", "unfollow", "scan"),
    "purchase": ("purchase", "purchase", "refund", "scan"),
    "register": ("register", "scan", "follow"),
}


def deep(referral: Referral) -> Referral:
    """Return the campaign with a second level."""
    second = Ladder({1: yuan("1"), 2: yuan("3")}, pays="total")
    return attrs.evolve(referral, depth=2, acknowledge_depth=True, second=second)


REFERRALS = st.builds(
    Referral,
    st.just("spring"),
    ladder=st.sampled_from(
        [
            Ladder({1: yuan("2"), 2: yuan("5")}, pays="total"),
            Ladder({2: yuan("2")}, pays="each", repeats=(1, yuan("1"))),
        ]
    ),
    opens=st.just(OPENS + 5 * HOUR),
    closes=st.sampled_from([OPENS + 30 * HOUR, OPENS + 45 * HOUR]),
    qualifies_on=st.sampled_from(
        ["follow", "follow", "follow", "purchase", "register"]
    ),
    hold=st.sampled_from([0, 1, 6]).map(lambda hours: hours * HOUR),
    revoke_until=st.sampled_from([0, 5, 12, 100]).map(lambda hours: hours * HOUR),
    newness=st.sampled_from(["never", "any", "any", "any", 3 * HOUR]),
    attribution=st.sampled_from(
        ["first_touch", "first_touch", "last_touch", "registration"]
    ),
    max_helps=st.integers(1, 3),
    reciprocal=st.sampled_from(["refuse", "allow"]),
    account=st.sampled_from([None, None, "shop"]),
    requires=st.sampled_from(
        [
            (),
            (),
            (),
            (
                Requirement("channel", ("app", "store"), unknown="accept"),
                Requirement("group", ("g1",), unknown="refuse"),
            ),
        ]
    ),
).flatmap(lambda one: st.sampled_from([one, one, deep(one)]))


@st.composite
def logs(draw: st.DrawFn, referral: Referral, *, apart: bool = False) -> list[Event]:
    """Draw what some people do around a campaign."""
    seed = draw(st.integers(0, 2**32 - 1))
    size = draw(st.sampled_from([0, 1, 3, 8, 15, 25, 40]))
    dice = random.Random(seed)  # noqa: S311  a test's dice
    hours = dice.sample(range(60), min(size, 60)) if apart else None
    events = []
    for place in range(size):
        hour = hours[place] if hours else dice.randrange(60)
        events.append(_event(dice, referral, OPENS + hour * HOUR))
    return events


def _event(dice: random.Random, referral: Referral, at: dt.datetime) -> Event:
    kind = dice.choice(KINDS[referral.qualifies_on])
    return Event(
        kind,
        user=dice.choice(PEOPLE),
        at=at,
        inviter=dice.choice(PEOPLE) if dice.random() < 0.6 else None,
        campaign=dice.choice([*["spring"] * 6, "other", None]),
        account=dice.choice([*["shop"] * 5, "club"]),
        channel=dice.choice([None, "app", "web"]),
        group=dice.choice([None, "g1", "g1"]),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Referral, list[Event]]:
    """Draw a campaign and a log."""
    referral = draw(REFERRALS)
    return referral, draw(logs(referral))


def folded(
    referral: Referral, events: Sequence[Event], as_of: dt.datetime
) -> tuple[State, list[Fact]]:
    """Fold events as they come, then what is due, by touched people only."""
    everything = referral.start()
    found: list[Fact] = []

    def take(event: Any) -> None:
        nonlocal everything
        keys = referral.touches(event)
        while True:
            known = {
                k: everything.subjects[k] for k in keys if k in everything.subjects
            }
            part = referral.start().changed(known)
            more = referral.touches(event, part)
            if more == keys:
                break
            keys = more
        part, facts = advance(part, event, referral)
        assert set(part.subjects) <= keys
        everything = everything.changed(part.subjects)
        found.extend(facts)

    for event in events:
        take(event)
    for tick in referral.due(everything, as_of):
        take(tick)
    assert () == referral.due(everything, as_of)
    return everything, found


def invites_of(referral: Referral, state: State) -> set[tuple[Any, ...]]:
    """Return the rows of the table of invites, from a state."""
    book = Book(referral, state.subjects)
    return {
        (
            one.inviter,
            one.invitee,
            micros("at", one.touched_at),
            one.status.value,
            micros("since", one.since),
            one.reason,
        )
        for key in state.subjects
        for one in book.invites(key).values()
    }


def replayed_invites(referral: Referral, events: Any) -> set[tuple[Any, ...]]:
    """Return the rows of the table of invites, from a replay."""
    columns = replay(referral, events, as_of=END).columns("invites")
    columns.pop("counts")
    for name in ("touched_at", "since"):
        columns[name] = columns[name].astype(np.int64)
    rows = list(zip(*(c.tolist() for c in columns.values()), strict=True))
    assert len(rows) == len(set(rows))
    return set(rows)


def owed(facts: Sequence[Fact]) -> dict[str, int]:
    """Return what reward facts sum to, by person, in fen; nothing is left out."""
    total: dict[str, int] = {}
    for fact in facts:
        if fact.kind in REWARD_KINDS:
            assert isinstance(fact.reward, Cash)
            sign = 1 if fact.kind == GRANTED else -1
            total[fact.user] = total.get(fact.user, 0) + sign * fact.reward.fen
    return {user: fen for user, fen in total.items() if fen}


def agree(referral: Referral, events: list[Event], dice: random.Random) -> None:
    """Check that any order with repeats, and the replay, say the same."""
    mixed = [*events, *dice.choices(events, k=len(events) // 3)] if events else []
    dice.shuffle(mixed)
    state, facts = folded(referral, mixed, END)
    rows = replayed_invites(
        referral, mixed or {"user": [], "kind": [], "at": [], "inviter": []}
    )
    assert rows == invites_of(referral, state)

    standings = replay(referral, mixed, as_of=END) if mixed else None
    if standings is None:
        return
    fen = standings.columns("users")
    owing = dict(zip(fen["user"].tolist(), fen["fen"].tolist(), strict=True))
    assert {user: sum_ for user, sum_ in owing.items() if sum_} == owed(facts)
    assert len(facts) == len(
        {fact.key for fact in facts if fact.kind in REWARD_KINDS}
    ) + sum(fact.kind not in REWARD_KINDS for fact in facts)
    counts = {k: p.counts for k, p in state.subjects.items() if p.counts}
    told = dict(zip(fen["user"].tolist(), fen["counts"].tolist(), strict=True))
    assert counts == {user: n for user, n in told.items() if n}


@settings(max_examples=300)
@given(cases(), st.randoms(use_true_random=False))
def test_any_order_of_events_with_repeats_is_what_the_replay_says(
    case: tuple[Referral, list[Event]], dice: random.Random
) -> None:
    """Invites, counts and entitlements; folding touched people only."""
    agree(*case, dice)


@settings(max_examples=150)
@given(cases(), st.sampled_from([1, 2, 8]))
def test_people_are_judged_alike_in_blocks_and_all_at_once(
    case: tuple[Referral, list[Event]], size: int
) -> None:
    """Every table of many small blocks, judged by threads, is that of one block."""
    referral, events = case
    source: Any = events or {"user": [], "kind": [], "at": [], "inviter": []}
    whole = replay(referral, source, as_of=END)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replaying, "_BLOCK", size)
        patch.setattr(parallel, "_WORTH_IT", 1)
        parts = replay(referral, source, as_of=END)

    for name in whole.tables:
        expected, got = whole.columns(name), parts.columns(name)
        assert list(expected) == list(got)
        for column, values in expected.items():
            assert values.tolist() == got[column].tolist()


@pytest.mark.torture
@settings(max_examples=10_000)
@given(cases(), st.randoms(use_true_random=False))
def test_ten_thousand_logs_agree(
    case: tuple[Referral, list[Event]], dice: random.Random
) -> None:
    """The same promise, for long."""
    agree(*case, dice)


def in_order(referral: Referral, events: Sequence[Event]) -> list[Fact]:
    """Fold events by time, and before each one what time has decided by then."""
    state = referral.start()
    found: list[Fact] = []
    for event in sorted(events, key=lambda one: one.at):
        before = event.at - dt.timedelta(microseconds=1)
        for tick in referral.due(state, before):
            state, facts = advance(state, tick, referral)
            found += facts
        state, facts = advance(state, event, referral)
        found += facts
    for tick in referral.due(state, END):
        state, facts = advance(state, tick, referral)
        found += facts
    return found


@st.composite
def orderly(draw: st.DrawFn) -> tuple[Referral, list[Event]]:
    """Draw events of which no two are at one instant, nor at the end of a hold."""
    referral = draw(
        REFERRALS.filter(
            lambda one: one.attribution == "first_touch" and not one.requires
        )
    )
    events = draw(logs(referral, apart=True))
    minute = dt.timedelta(minutes=1)
    moved = [
        attrs.evolve(event, at=event.at + place * minute)
        for place, event in enumerate(sorted(events, key=lambda one: one.at))
    ]
    return referral, moved


@settings(max_examples=300)
@given(orderly())
def test_the_facts_of_a_replay_are_those_of_folding_in_order(
    case: tuple[Referral, list[Event]],
) -> None:
    """Kind, person, instant, key, reward and both sentences."""
    referral, events = case
    if not events:
        return
    columns = replay(referral, events, as_of=END).columns("facts")
    columns["at"] = columns["at"].astype(np.int64)
    rows = zip(
        *(
            columns[n].tolist()
            for n in (
                "kind",
                "user",
                "other",
                "at",
                "key",
                "amount",
                "reason",
                "zh",
                "en",
            )
        ),
        strict=True,
    )
    told = [
        (
            fact.kind,
            fact.user,
            fact.other or "",
            micros("at", fact.at),
            fact.key,
            fact.reward.fen if isinstance(fact.reward, Cash) else 0,
            fact.reason,
            fact.zh,
            fact.en,
        )
        for fact in in_order(referral, events)
    ]
    assert sorted(told) == sorted(rows)
