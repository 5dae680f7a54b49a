"""Laws that hold for a quota whatever happens."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.channels.random_facts import (
    CHANNELS,
    START,
    TEMPLATES,
    ada,
    events,
    facts,
    instants,
    messages,
)
from wxengage.channels.folding import advance
from wxengage.channels.marks import Failure, Mark, added
from wxengage.channels.quotas import Quota
from wxengage.codec import dump, load
from wxengage.log.events import Event
from wxengage.rules.book import rulebook
from wxengage.sends import Send, Sent

if TYPE_CHECKING:
    from tests.channels.random_facts import Fact

BOOK = rulebook(dt.date(2026, 2, 1))
SENDS = st.builds(
    Send,
    st.just("s1"),
    ada,
    st.sampled_from(CHANNELS),
    st.sampled_from(TEMPLATES),
)
HAPPENED = st.lists(facts(ada), max_size=14)


def told(rows: list[Fact]) -> Quota:
    """Return ada's quota after all of that."""
    quota = Quota.under(BOOK, "ada")
    for row in rows:
        quota = advance(quota, row, BOOK)
    return quota


@given(HAPPENED, st.data())
def test_order_and_repetition_leave_no_trace(
    rows: list[Fact], data: st.DataObject
) -> None:
    """Callbacks arrive late and more than once."""
    again = data.draw(st.permutations(rows + rows[: len(rows) // 2]))

    assert told(rows) == told(again)


@given(HAPPENED)
def test_a_quota_comes_back_from_text(rows: list[Fact]) -> None:
    """And answers as before."""
    quota = told(rows)

    assert quota == load(dump(quota))


@given(HAPPENED, SENDS, instants)
def test_the_answers_agree_with_each_other(
    rows: list[Fact], send: Send, now: dt.datetime
) -> None:
    """A reason is a no, a no leaves none, and until is when the answer turns."""
    quota = told(rows)
    yes, until, left = quota.may_send(send, now)

    assert yes == (quota.refusal(send, now) is None)
    assert yes == (quota.next_allowed(send, now) == now)
    assert yes != (left == 0)
    if until is not None:
        later = [row.at for row in rows if now < row.at < until]
        if not later:
            assert quota.refusal(send, until - dt.timedelta(microseconds=1)) is None
            assert quota.refusal(send, until) is not None


@given(HAPPENED, SENDS, instants)
def test_the_next_instant_is_the_first_one_at_which_it_may_go(
    rows: list[Fact], send: Send, now: dt.datetime
) -> None:
    """Looked for at every instant near which anything can change."""
    quota = told(rows)
    found = quota.next_allowed(send, now)

    second, minute = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
    midnight = dt.datetime(2026, 1, 31, 16, tzinfo=dt.UTC)
    days = [midnight + dt.timedelta(days=n) for n in range(130)]
    minutes = [row.at.replace(second=0) + n * minute for row in rows for n in (0, 1)]
    looked = {now, *days, *minutes, *(row.at for row in rows)}
    looked |= {at + step for at in set(looked) for step in (second, -second)}
    free = [at for at in sorted(looked) if at >= now and not quota.refusal(send, at)]
    assert found == min(free, default=None)


# --- against the rules, written down once more in the plainest way --------------------

SPANS = {"message": (5, 172_800), "menu_click": (3, 60), "follow": (3, 60)}


def naive_windows(rows: list[Event | Sent], now: dt.datetime) -> int:
    """Return how many customer messages are left: look at each window by itself."""
    most = 0
    for row in rows:
        if not isinstance(row, Event) or row.kind not in {*SPANS, "scan"}:
            continue
        count, seconds = SPANS.get(row.kind, (3, 60))
        if row.at <= now < row.at + dt.timedelta(seconds=seconds):
            used = {
                (sent.at, *_named(sent))
                for sent in rows
                if _on(sent, "customer_message") and row.at <= sent.at <= now
            }
            most = max(most, count - len(used))
    left = [row.at for row in rows if _is(row, "unfollow") and row.at <= now]
    came = [row.at for row in rows if _is(row, "follow") and row.at <= now]
    gone = bool(left) and (not came or max(left) >= max(came))
    return 0 if gone else max(most, 0)


def naive_grants(rows: list[Event | Sent], now: dt.datetime) -> int:
    """Return the grants of t1 that are left: a purse, in order of time."""
    steps = {
        (row.at, "1 given", "", "")
        for row in rows
        if _is(row, "subscribe") and _named(row)[0] == "t1"
    }
    steps |= {
        (row.at, "3 taken", "", "")
        for row in rows
        if _is(row, "decline") and _named(row)[0] == "t1"
    }
    steps |= {
        (row.at, "2 spent", *_named(row))
        for row in rows
        if _on(row, "subscribe_message") and _named(row)[0] == "t1"
    }
    purse = 0
    for at, what, _, _ in sorted(steps):
        if at <= now:
            purse = {"1 given": purse + 1, "2 spent": max(purse - 1, 0)}.get(what, 0)
    return purse


def _is(row: Event | Sent, kind: str) -> bool:
    return isinstance(row, Event) and row.kind == kind


def _on(row: Event | Sent, channel: str) -> bool:
    went = isinstance(row, Sent) or row.kind == "deliver"
    return went and row.channel == channel


def _named(row: Event | Sent) -> tuple[str, str]:
    if isinstance(row, Sent):
        return row.message, row.key
    return str(row.item or ""), ""


ROWS = st.lists(st.one_of(events(ada), messages(ada)), max_size=16)


def agreed(rows: list[Event | Sent], now: dt.datetime) -> None:
    """Hold a quota against the plain reading of the rules."""
    quota = told([*rows])
    customer = Send("s1", "ada", "customer_message", "t1")
    subscribed = Send("s1", "ada", "subscribe_message", "t1")

    assert naive_windows(rows, now) == quota.may_send(customer, now).left
    assert naive_grants(rows, now) == quota.may_send(subscribed, now).left


@given(ROWS, instants)
def test_a_quota_reads_the_rules_as_they_are_written(
    rows: list[Event | Sent], now: dt.datetime
) -> None:
    """Windows one by one, grants as a purse."""
    agreed(rows, now)


@pytest.mark.torture
@settings(max_examples=3_000)
@given(ROWS, instants)
def test_a_quota_reads_the_rules_as_they_are_written_in_many_worlds(
    rows: list[Event | Sent], now: dt.datetime
) -> None:
    """The same, at length."""
    agreed(rows, now)


# --- the facts ------------------------------------------------------------------------

MARKS = st.builds(
    Mark,
    st.integers(0, 9),
    st.sampled_from(["sent", "opened"]),
    st.sampled_from(["mass_send", "subscribe_message"]),
    message=st.sampled_from(["", "t1"]),
)


@given(st.lists(MARKS, max_size=30), st.integers(1, 4), st.data())
def test_the_latest_of_a_kind_stay_whatever_the_order(
    marks: list[Mark], kept: int, data: st.DataObject
) -> None:
    """Ascending, each once, and no more of a kind than may stay."""
    one: tuple[Mark, ...] = ()
    other: tuple[Mark, ...] = ()
    for mark in marks:
        one = added(one, mark, kept)
    for mark in data.draw(st.permutations(marks)):
        other = added(other, mark, kept)

    assert one == other
    assert all(a < b for a, b in pairwise(one))
    for group in {mark.group for mark in marks}:
        same = sorted({mark for mark in marks if mark.group == group})
        assert same[-kept:] == [mark for mark in one if mark.group == group]


@pytest.mark.parametrize(
    "value",
    [
        Failure("ada", START, "subscribe_message", 43101, message="t1"),
        Mark(7, "opened", "customer_message", count=5, until=9),
        Quota.under(BOOK, "ada").limits[0],
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_parts_of_a_quota_come_back_from_text(value: object) -> None:
    """Each is a value that one may keep."""
    assert value == load(dump(value))
