"""What a desk was told is kept once, whole, with all that follows from it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk.desks import (
    DAY,
    HOUR,
    MERCHANT,
    OPENS,
    Clock,
    follow,
    invited,
    opened,
    referral,
    scan,
    unfollow,
)
from tests.desk.senders import Cut
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.replaying import replay
from wxengage.delivery.payouts import bill_number
from wxengage.desk.books import payout
from wxengage.desk.desk import Desk
from wxengage.desk.opening import open_desk
from wxengage.desk.rows import payout_of
from wxengage.errors import InvalidInputError
from wxengage.ledger.states import State
from wxengage.log.events import Event
from wxengage.money import Cash, yuan

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.campaigns.facts import Fact
    from wxengage.ledger.records import PayoutRecord

RUNG_3 = bill_number(MERCHANT, "spring", "ada", "rung:3")
RUNG_6 = bill_number(MERCHANT, "spring", "ada", "rung:6")


def record_of(desk: Desk, number: str) -> PayoutRecord | None:
    """Return a payout of a desk's store."""
    return desk._do(lambda unit: payout(unit, number), write=False)


def rows(desk: Desk, table: str) -> int:
    """Return how many rows a table of a desk's store has."""
    return desk.store.run(lambda tx: tx.count(table), write=False)


def test_an_event_told_three_times_happened_once(desk: Desk) -> None:
    """WeChat tells up to three times: the second and third change nothing."""
    desk.publish(referral())
    told = [desk.record(event) for event in invited("ada", 3, OPENS) for _ in "123"]
    assert [False, True, True] * 6 == [receipt.duplicate for receipt in told]
    assert 6 == rows(desk, "event")
    assert 1 == rows(desk, "payout") == rows(desk, "letter")
    assert () == desk.audit()


def test_a_reward_is_granted_reserved_and_asked_for_in_one_transaction(
    desk: Desk,
) -> None:
    """The third invite leaves a fact, a reserved payout, its posting and its letter."""
    desk.publish(referral())
    facts = desk.record_many(invited("ada", 3, OPENS)).facts
    granted = [fact for fact in facts if fact.kind == "granted"]
    assert [("ada", "rung:3", yuan("8"))] == [
        (fact.user, fact.reward_key, fact.reward and fact.reward.fen)  # type: ignore[union-attr]
        for fact in granted
    ]
    record = record_of(desk, RUNG_3)
    assert record is not None
    assert State.RESERVED is record.state
    (line,) = desk.statement("spring").lines
    assert (10_000, 9_200, 800) == (line.funded, line.budget, line.reserved)


def test_an_event_without_an_id_is_known_by_its_content(desk: Desk) -> None:
    """The same content told twice is one event; another second is another event."""
    like = Event("like", user="ada", at=OPENS, item="article")
    assert [False, True] == [desk.record(like).duplicate for _ in range(2)]
    later = attrs.evolve(like, at=OPENS + dt.timedelta(seconds=1))
    assert not desk.record(later).duplicate


def test_one_id_with_other_content_is_refused_and_nothing_of_the_batch_is_kept(
    desk: Desk,
) -> None:
    """A source that gives one id to two events has lost one of them already."""
    like = Event("like", user="ada", at=OPENS, id="1")
    desk.record(like)
    other = attrs.evolve(like, user="bob")
    fresh = Event("like", user="cy", at=OPENS, id="2")
    with pytest.raises(InvalidInputError, match=r"events\[1\]\.id"):
        desk.record_many([fresh, other])
    assert 1 == rows(desk, "event")


def test_two_events_of_one_id_in_one_batch_are_one_or_refused(desk: Desk) -> None:
    """Within a batch the same rule holds as between batches."""
    like = Event("like", user="ada", at=OPENS, id="1")
    assert 1 == desk.record_many([like, like]).duplicates
    with pytest.raises(InvalidInputError, match="other content"):
        desk.record_many(
            [
                Event("like", user="ada", at=OPENS, id="2"),
                Event("like", user="bob", at=OPENS, id="2"),
            ]
        )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user": 7}, "user"),
        ({"id": 7}, "id"),
        ({"inviter": 7}, "inviter"),
        ({"user": "#results"}, "user"),
        ({"at": OPENS + 30 * DAY}, "at"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_field(
    desk: Desk, changes: dict[str, Any], field: str
) -> None:
    """Numbers for names, names of other things, and events from the future."""
    told: dict[str, Any] = {"kind": "like", "user": "ada", "at": OPENS}
    with pytest.raises(InvalidInputError, match=rf"events\[0\]\.{field}"):
        desk.record(Event(**(told | changes)))
    assert 0 == rows(desk, "event")


def test_what_is_no_event_is_refused(desk: Desk) -> None:
    """A dictionary is not an event."""
    with pytest.raises(InvalidInputError, match=r"events\[0\]"):
        desk.record({"kind": "like"})  # type: ignore[arg-type]


def test_who_followed_before_is_nobody_new(where: str, clock: Clock) -> None:
    """An old follower who follows again through a code earns nobody anything."""
    with opened(where, clock) as desk:
        desk.backfill([follow("old", OPENS - 100 * DAY)])
        ladder = Ladder({1: yuan("8")}, pays="total")
        desk.publish(referral(ladder=ladder))
        desk.record(unfollow("old", OPENS + HOUR))
        (fact,) = desk.record(scan("old", "ada", OPENS + 2 * HOUR)).facts
        assert ("refused", "not_new") == (fact.kind, fact.reason)
        desk.record(follow("old", OPENS + 3 * HOUR))
        assert 0 == rows(desk, "payout")
        desk.record_many([scan("new", "ada", OPENS), follow("new", OPENS + HOUR)])
        assert 1 == rows(desk, "payout")


def test_a_reward_withdrawn_before_it_is_asked_for_is_called_off(
    desk: Desk,
) -> None:
    """An unfollow takes the third invite back: payout, money and letter go back."""
    desk.publish(referral())
    desk.record_many(invited("ada", 3, OPENS))
    desk.record(unfollow("ada-friend-0", OPENS + 2 * DAY))
    record = record_of(desk, RUNG_3)
    assert record is not None
    assert State.CANCELLED is record.state
    (line,) = desk.statement("spring").lines
    assert (10_000, 0) == (line.budget, line.reserved)
    assert () == desk.audit()
    # And comes back under the next number, since the first was never asked for.
    desk.record(follow("ada-friend-0", OPENS + 3 * DAY))
    again = record_of(desk, bill_number(MERCHANT, "spring", "ada", "rung:3", 1))
    assert again is not None
    assert State.RESERVED is again.state
    assert () == desk.audit()


def test_a_budget_is_never_oversold_and_what_it_lacks_is_unfunded(
    desk: Desk,
) -> None:
    """With money for one reward of eight yuan, the second waits and says why."""
    desk.publish(referral(budget=yuan("15.99")))
    desk.record_many([*invited("ada", 3, OPENS), *invited("bob", 3, OPENS)])
    bob = record_of(desk, bill_number(MERCHANT, "spring", "bob", "rung:3"))
    assert bob is not None
    assert (State.UNFUNDED, "spring/budget") == (bob.state, bob.because)
    assert 1 == rows(desk, "letter")
    desk.amend("spring", add_budget=yuan("0.01"), by="lin", reason="a fen was missing")
    bob = record_of(desk, bob.payout.number)
    assert bob is not None
    assert State.RESERVED is bob.state
    assert 2 == rows(desk, "letter")
    assert () == desk.audit()


def test_the_cap_of_one_inviter_is_a_limit_of_the_books(desk: Desk) -> None:
    """With eight yuan for each, the second rung of the same inviter waits."""
    desk.publish(referral(cap=yuan("8")))
    desk.record_many(invited("ada", 6, OPENS))
    second = record_of(desk, RUNG_6)
    assert second is not None
    assert (State.UNFUNDED, "spring/room/user:ada") == (second.state, second.because)


def test_time_alone_settles_what_was_on_hold(where: str, clock: Clock) -> None:
    """Three days after the third follow, and not before, a tick grants the reward."""
    with opened(where, clock) as desk:
        desk.backfill([])
        desk.publish(referral(hold=3 * DAY))
        clock.at = OPENS + DAY
        desk.record_many(invited("ada", 3, OPENS))
        clock.at = OPENS + 3 * DAY + 2.5 * HOUR - dt.timedelta(microseconds=1)
        assert "granted" not in {fact.kind for fact in desk.tick()}
        clock.at += dt.timedelta(microseconds=1)
        assert ["granted"] == [
            fact.kind for fact in desk.tick() if fact.reward is not None
        ]
        assert () == desk.tick()
        assert () == desk.audit()


def test_facts_are_told_after_they_are_kept(where: str, clock: Clock) -> None:
    """``on_fact`` hears each fact once, and what it raises undoes nothing."""
    heard: list[Fact] = []

    def hear(fact: Fact) -> None:
        heard.append(fact)
        if fact.kind == "granted":
            raise RuntimeError("the application's own")

    with opened(where, clock, on_fact=hear) as desk:
        desk.backfill([])
        desk.publish(referral())
        *before, last = invited("ada", 3, OPENS)
        receipts = desk.record_many(before)
        with pytest.raises(RuntimeError, match="own"):
            desk.record(last)
        assert len(receipts.facts) + 2 == len(heard)
        assert desk.record(last).duplicate
        assert 1 == rows(desk, "payout")


def test_a_guard_holds_a_payout_until_somebody_lets_it_go(
    where: str, clock: Clock
) -> None:
    """A held payout has no money set aside and no letter; release gives it both."""

    def hold(fact: Fact) -> str | None:
        return "many in one minute" if fact.user == "ada" else None

    with opened(where, clock, hold=hold) as desk:
        desk.backfill([])
        desk.publish(referral())
        desk.record_many(invited("ada", 3, OPENS))
        held = record_of(desk, RUNG_3)
        assert held is not None
        assert (State.HELD, "many in one minute") == (held.state, held.because)
        assert 0 == rows(desk, "letter")
        assert () == desk.audit()
        let_go = desk.release(RUNG_3, by="lin", reason="they know each other")
        assert State.RESERVED is let_go.state
        assert 1 == rows(desk, "letter")
        with pytest.raises(InvalidInputError, match="held"):
            desk.release(RUNG_3, by="lin", reason="again")
        assert () == desk.audit()


def test_an_applications_transaction_takes_the_event_with_it(
    tmp_path: Path, clock: Clock
) -> None:
    """Rolled back with the application's own rows, the event was never told."""
    path = tmp_path / "shop.db"
    with open_desk(f"sqlite:///{path}", clock=clock) as desk:
        mine = sqlite3.connect(path, isolation_level=None)
        mine.execute("CREATE TABLE orders (id INTEGER)")
        like = Event("like", user="ada", at=OPENS, id="1")
        for ending, kept in (("ROLLBACK", 0), ("COMMIT", 1)):
            mine.execute("BEGIN IMMEDIATE")
            mine.execute("INSERT INTO orders VALUES (1)")
            receipt = desk.record(like, within=mine)
            assert (False, False) == (receipt.duplicate, receipt.durable)
            mine.execute(ending)
            orders = mine.execute("SELECT count(*) FROM orders").fetchone()[0]
            assert (kept, kept) == (orders, rows(desk, "event"))
        mine.close()


def test_a_sqlite_file_keeps_what_it_was_told(tmp_path: Path, clock: Clock) -> None:
    """Opened again, the desk knows its events, campaigns, payouts and books."""
    where = f"sqlite:///{tmp_path / 'kept.db'}"
    with opened(where, clock) as desk:
        desk.backfill([])
        desk.publish(referral())
        receipt = desk.record_many(invited("ada", 3, OPENS))[0]
        assert receipt.durable
        before = desk.statement("spring")
    with opened(where, clock) as desk:
        assert before == desk.statement("spring")
        assert all(one.duplicate for one in desk.record_many(invited("ada", 3, OPENS)))
        assert () == desk.audit()


def test_a_store_belongs_to_one_merchant(tmp_path: Path, clock: Clock) -> None:
    """Numbers of payouts are a merchant's own, so another merchant is refused."""
    where = f"sqlite:///{tmp_path / 'one.db'}"
    with opened(where, clock):
        pass
    with pytest.raises(InvalidInputError, match=MERCHANT):
        open_desk(where, merchant="1900000110", clock=clock)


def test_what_somebody_erased_had_told_is_known_when_it_is_told_again(
    desk: Desk,
) -> None:
    """WeChat repeats a callback after the erasure: it is a repeat, and no error."""
    like = Event("like", user="ada", at=OPENS, id="1")
    desk.record(like)
    desk.erase("ada", by="lin", key=b"0123456789abcdef0123456789abcdef")
    assert desk.record(like).duplicate
    assert 1 == rows(desk, "event")


class Breaking:
    """A store whose next transaction that writes breaks off before one of its steps."""

    def __init__(self, store: Any, step: int) -> None:
        self._store, self._left = store, step

    def run(self, work: Any, *, write: bool = True) -> Any:
        """Do some work, or break off and undo it."""
        return self._store.run(lambda tx: work(Steps(tx, self._count)), write=write)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Cut

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Steps:
    """A transaction that counts what is asked of it."""

    def __init__(self, tx: Any, count: Any) -> None:
        self._tx, self._count = tx, count

    def __getattr__(self, name: str) -> Any:
        if name in {"lock", "insert", "put", "get", "find", "walk", "count", "remove"}:
            self._count()
        return getattr(self._tx, name)


def test_wherever_a_telling_breaks_off_the_next_one_grants_all(
    where: str, clock: Clock
) -> None:
    """The third friend is told, something breaks, and WeChat tells again."""
    *before, third = invited("ada", 3, OPENS)
    broken = 0
    for step in range(200):
        path = where if where == "memory://" else where.replace(".db", f"{step}.db")
        with opened(path, clock) as desk:
            desk.backfill([])
            desk.publish(referral())
            desk.record_many(before)
            breaking: Any = Breaking(desk.store, step)
            try:
                Desk(breaking, desk._settings).record(third)
            except Cut:
                broken += 1
                assert not desk.record(third).duplicate
            else:
                break
            found = record_of(desk, RUNG_3)
            assert found is not None
            assert State.RESERVED is found.state
            assert (6, 1) == (rows(desk, "event"), rows(desk, "letter"))
            assert () == desk.audit()
    assert 10 < broken < 200


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """Return events of a few friends and two inviters, in any order, some twice."""
    friends = [f"f{row}" for row in range(5)]
    events = []
    for row in range(draw(st.integers(1, 25))):
        friend = draw(st.sampled_from(friends))
        at = OPENS + draw(st.integers(0, 200)) * HOUR
        kind = draw(st.sampled_from(["scan", "follow", "unfollow", "like"]))
        inviter = draw(st.sampled_from(["ada", "bob", "f0"]))
        events.append(
            Event(
                kind,
                user=friend,
                at=at,
                id=f"e{row}",
                campaign="spring" if kind == "scan" else None,
                inviter=inviter if kind == "scan" else None,
            )
        )
    repeats = draw(st.lists(st.sampled_from(events), max_size=5))
    return draw(st.permutations(events + repeats))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories(), cuts=st.lists(st.integers(0, 30), max_size=4))
def test_told_in_any_order_and_batches_it_grants_what_a_replay_grants(
    story: list[Event], cuts: list[int]
) -> None:
    """What is owed follows from the events alone: not from order, batch or repeats."""
    ladder = Ladder({1: yuan("1"), 2: yuan("3"), 3: yuan("7")}, pays="total")
    rules = referral(budget=yuan("1000"), ladder=ladder)
    clock = Clock(OPENS + 13 * DAY)
    with opened("memory://", clock) as desk:
        desk.backfill([])
        desk.publish(rules)
        edges = sorted({0, len(story), *(cut % (len(story) + 1) for cut in cuts)})
        for start, end in pairwise(edges):
            desk.record_many(story[start:end])
        desk.tick()
        assert () == desk.audit()
        owed: Counter[str] = Counter()
        for record in _live(desk):
            reward = record.payout.reward
            owed[record.payout.user] += reward.fen if isinstance(reward, Cash) else 0
    once = list({event.id: event for event in story}.values())
    told = replay(rules, once, as_of=clock.at).entitlements
    assert {row["user"]: row["amount"] for row in told} == owed


def _live(desk: Desk) -> list[PayoutRecord]:
    """Return the payouts that were not called off."""
    found = desk.store.run(lambda tx: tx.walk("payout"), write=False)
    records = [payout_of(row) for row in found]
    return [one for one in records if one.state is not State.CANCELLED]
