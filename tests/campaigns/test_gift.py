"""What a gift promises: once per user, in time, while the stock lasts."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.campaigns.facts import GRANTED, REWARD_KINDS, WITHDRAWN, Fact
from wxengage.campaigns.folding import advance
from wxengage.campaigns.gifts.campaign import STOCK, Gift
from wxengage.campaigns.gifts.holders import GiftHolder
from wxengage.campaigns.replaying import replay
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Coupon
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.campaigns.states import State

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
END = OPENS + 60 * HOUR
RECALL = Gift(
    "recall",
    reward=Coupon("987"),
    opens=OPENS,
    closes=OPENS + 30 * HOUR,
    claim_within=10 * HOUR,
    audience=("dormant",),
)
WELCOME = attrs.evolve(RECALL, id="welcome", offered_on="follow", audience=())


def offer(hour: float, user: str = "ada", segment: str | None = "dormant") -> Event:
    """Return the message that offers the recall pack."""
    at = OPENS + hour * HOUR
    return Event("deliver", user=user, at=at, campaign="recall", group=segment)


def claim(hour: float, user: str = "ada", gift: str = "recall") -> Event:
    """Return an attempt to redeem."""
    return Event("redeem", user=user, at=OPENS + hour * HOUR, campaign=gift)


def follow(hour: float, user: str = "ada") -> Event:
    """Return a follow."""
    return Event("follow", user=user, at=OPENS + hour * HOUR)


def folded(gift: Gift, events: Sequence[Any]) -> tuple[State, list[Fact]]:
    """Fold events as they come, then what is due."""
    state = gift.start()
    found: list[Fact] = []
    for event in events:
        part = gift.start().changed(
            {k: state.subjects[k] for k in gift.touches(event) if k in state.subjects}
        )
        part, facts = advance(part, event, gift)
        assert set(part.subjects) <= gift.touches(event)
        state = state.changed(part.subjects)
        found += facts
    for tick in gift.due(state, END):
        state, facts = advance(state, tick, gift)
        found += facts
    return state, found


def kinds(facts: Sequence[Fact]) -> list[str]:
    """Return the kinds of facts."""
    return [fact.kind for fact in facts]


def test_a_gift_is_redeemed_once_however_often_somebody_clicks() -> None:
    """The server decides, and a click more is a click."""
    _, facts = folded(RECALL, [offer(1), claim(2), claim(2), claim(3), claim(9)])

    assert ["offered", GRANTED] == kinds(facts)
    assert Coupon("987") == facts[1].reward
    assert OPENS + 2 * HOUR == facts[1].at


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((1, 1), GRANTED),
        ((1, 10.999), GRANTED),
        ((1, 11), "expired"),
        ((29.9, 39), GRANTED),
    ],
)
def test_an_offer_holds_for_its_time_to_the_microsecond(
    hours: tuple[float, float], expected: str
) -> None:
    """Half-open, and past the closing where it was made before."""
    _, facts = folded(RECALL, [offer(hours[0]), claim(hours[1])])

    assert expected == kinds(facts)[-1]


def test_a_claim_without_an_offer_gives_nothing() -> None:
    """The trap of an endpoint that writes whatever level it is asked for."""
    for event in (offer(1, segment="active"), offer(1, segment=None), offer(30)):
        _, facts = folded(RECALL, [event, claim(2), claim(31)])
        assert [] == facts


def test_the_stock_is_never_oversold() -> None:
    """First come, first served, and who comes late is told."""
    few = attrs.evolve(RECALL, stock=2)
    people = ("ada", "bo", "cy")
    events = [offer(1, user) for user in people]
    events += [claim(2 + place, user) for place, user in enumerate(people)]
    state, facts = folded(few, events)

    assert 2 == kinds(facts).count(GRANTED)
    assert ["sold_out"] == [f.reason for f in facts if f.kind == "refused"]
    assert 2 == state.subjects[STOCK].taken


def test_a_newcomer_is_new_by_the_whole_history() -> None:
    """An earlier follow that comes to be known late takes the gift back."""
    _, facts = folded(WELCOME, [follow(1), claim(2, gift="welcome")])
    assert ["offered", GRANTED] == kinds(facts)

    _, facts = folded(WELCOME, [follow(1), claim(2, gift="welcome"), follow(-5)])
    assert ["offered", GRANTED, WITHDRAWN] == kinds(facts)
    assert len(facts) == len({fact.key for fact in facts})


def test_every_fault_of_a_gift_is_told_at_once() -> None:
    """Who fills in a form wants to mend it once."""
    with pytest.raises(InvalidInputError, match=r"4 faults.*closes.*claim_within"):
        attrs.evolve(
            RECALL,
            closes=OPENS,
            claim_within=dt.timedelta(0),
            stock=0,
            offered_on="follow",
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reward", 800),
        ("opens", dt.datetime(2026, 3, 1)),  # noqa: DTZ001  that is the point
        ("offered_on", "push"),
        ("audience", ["dormant"]),
        ("audience", ("",)),
        ("stock", 2.0),
        ("account", ""),
    ],
)
def test_a_fault_of_a_gift_names_its_field(field: str, value: Any) -> None:
    """Nothing is coerced."""
    fields: dict[str, Any] = {field: value}
    with pytest.raises(InvalidInputError, match=rf"(^|; ){field}"):
        attrs.evolve(RECALL, **fields)


def test_a_gift_and_its_holders_can_be_kept() -> None:
    """Versioned text, there and back."""
    holder = GiftHolder(OPENS, OPENS, (OPENS,), has=True, times=2)

    assert RECALL == load(dump(RECALL))
    assert holder == load(dump(holder))


def test_nobody_has_the_name_of_the_stock() -> None:
    """Its key is no user's."""
    with pytest.raises(InvalidInputError, match="a user"):
        advance(RECALL.start(), offer(1, user=STOCK), RECALL)


@st.composite
def logs(draw: st.DrawFn) -> tuple[Gift, list[Event]]:
    """Draw a gift and what some people do."""
    gift = draw(st.sampled_from([RECALL, WELCOME]))
    dice = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311  a test's dice
    size = draw(st.sampled_from([1, 4, 12, 25]))
    hours = dice.sample(range(-10, 55), size)
    events = []
    for hour in hours:
        user, what = dice.choice(["ada", "bo", "cy"]), dice.random()
        if what < 0.4:
            events.append(offer(hour, user, dice.choice(["dormant", "active", None])))
        elif what < 0.6:
            events.append(follow(hour, user))
        else:
            events.append(claim(hour, user, dice.choice([gift.id, gift.id, "other"])))
    return gift, events


def shown(facts: Sequence[Fact]) -> list[tuple[Any, ...]]:
    """Return facts as rows."""
    return sorted((f.kind, f.user, micros("at", f.at), f.key) for f in facts)


@settings(max_examples=200)
@given(logs(), st.randoms(use_true_random=False), st.sampled_from([None, 1, 2]))
def test_any_order_with_repeats_is_what_the_replay_says(
    case: tuple[Gift, list[Event]], dice: random.Random, stock: int | None
) -> None:
    """Without a bound any order; with one the order of time."""
    gift, events = case
    gift = attrs.evolve(gift, stock=stock)
    mixed = [*events, *dice.choices(events, k=len(events) // 2)]
    dice.shuffle(mixed)
    standings = replay(gift, mixed, as_of=END)
    users = standings.columns("users")
    has = set(users["user"][users["has"]].tolist())
    ordered = sorted(events, key=lambda one: one.at)

    for order in (ordered, mixed) if stock is None else (ordered,):
        state, facts = folded(gift, order)
        holders = state.subjects.items()
        assert has == {
            k for k, one in holders if isinstance(one, GiftHolder) and one.has
        }
        granted = [f.user for f in facts if f.kind == GRANTED]
        taken = [f.user for f in facts if f.kind == WITHDRAWN]
        assert len(has) == len(granted) - len(taken)
        moving = [fact.key for fact in facts if fact.kind in REWARD_KINDS]
        assert len(moving) == len(set(moving))
    if order is ordered:
        columns = standings.columns("facts")
        rows = zip(
            columns["kind"].tolist(),
            columns["user"].tolist(),
            columns["at"].astype("int64").tolist(),
            columns["key"].tolist(),
            strict=True,
        )
        assert shown(facts) == sorted(rows)
