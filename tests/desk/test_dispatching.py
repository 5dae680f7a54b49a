"""A letter goes once, whoever is cut off where, and the books move with it."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk.desks import HOUR, MERCHANT, OPENS, Clock, invited, opened, referral
from tests.desk.senders import Cut, CutStore, Scripted, sends, went
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Outbox, enqueue
from wxengage.delivery.outbox.dispatching import dispatch
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.states import State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Paid,
    Refunded,
    Refused,
    bill_number,
)
from wxengage.delivery.ports import letters
from wxengage.desk.books import payout
from wxengage.desk.desk import Desk
from wxengage.desk.outboxes import breakers, letter
from wxengage.desk.sending import Sending
from wxengage.desk.settings import Settings
from wxengage.errors import InvalidInputError
from wxengage.ledger.states import State as Standing
from wxengage.log.events import Event
from wxengage.sends import Send
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.ledger.records import PayoutRecord
    from wxengage.stores.ports import Store

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
NUMBER = bill_number(MERCHANT, "spring", "ada", "rung:3")
POLICY = OutboxPolicy(
    keyed={"keyed": dt.timedelta(days=1)},
    backoff=Backoff(MINUTE, jitter=Fraction(0)),
    cooling=Backoff(MINUTE, jitter=Fraction(0)),
    ordered=("line",),
    attempts=4,
    trips_after=3,
)


def row_of(desk: Sending, key: str) -> OutboxRow:
    """Return a letter as the store has it."""
    found = desk._do(lambda unit: letter(unit, key), write=False)
    assert found is not None
    return found


def record_of(desk: Sending, number: str = NUMBER) -> PayoutRecord:
    """Return a payout as the books have it."""
    found = desk._do(lambda unit: payout(unit, number), write=False)
    assert found is not None
    return found


@pytest.fixture
def owing(desk: Desk) -> Desk:
    """Return a desk that owes Ada 8 yuan, set aside and not asked for yet."""
    desk.publish(referral())
    desk.record_many(invited("ada", 3, OPENS))
    return desk


# Messages.


def test_every_letter_goes_once(desk: Desk) -> None:
    """What went is not sent again, by however many dispatches."""
    keys = desk.enqueue(sends(5)).keys
    sender = Scripted()
    assert {"sent": 5} == desk.dispatch({"sms": sender}).outcomes
    assert {} == desk.dispatch({"sms": sender}).outcomes
    assert [State.SENT] * 5 == [row_of(desk, key).state for key in keys]
    assert dict.fromkeys(keys, 1) == sender.delivered


def test_a_sender_that_raises_has_said_nothing(desk: Desk) -> None:
    """What may have gone is not repeated where two would be two."""
    (key,) = desk.enqueue(sends(1)).keys
    sender = Scripted([TimeoutError("with a secret")])
    assert {"unknown": 1} == desk.dispatch({"sms": sender}).outcomes
    assert State.MAYBE_SENT is row_of(desk, key).state
    assert {} == desk.dispatch({"sms": sender}).outcomes


def test_an_answer_that_is_none_says_nothing(desk: Desk) -> None:
    """A sender that returns what it likes has not told that the letter went."""
    desk.enqueue(sends(3))
    sender = Scripted(
        [lambda *_: True, lambda *_: "ok", lambda _, now: Accepted("n", now)]
    )
    assert {"unknown": 3} == desk.dispatch({"sms": sender}).outcomes


def test_letters_of_channels_without_a_sender_stay(desk: Desk) -> None:
    """However many are ready, they do not stand before the others."""
    desk.enqueue(sends(450, "other"))
    desk.enqueue([Send("last", "bo", "sms", "hi")])
    assert {"sent": 1} == desk.dispatch({"sms": Scripted()}, limit=5).outcomes
    assert 450 == desk.health().backlog


def test_a_refusal_for_good_suppresses_the_recipient(desk: Desk) -> None:
    """Whoever has blocked the account gets nothing more there, until it is lifted."""
    desk.enqueue([Send("a", "ada", "sms", "hi"), Send("b", "ada", "sms", "ho")])
    sender = Scripted([NotSent("43004", "suppress")])
    assert {"not_sent": 1, "dropped": 1} == desk.dispatch({"sms": sender}).outcomes
    assert 1 == desk.health().suppressed


def test_what_was_sent_is_counted_by_quota_and_cap(where: str, clock: Clock) -> None:
    """A window that a user opened lets five messages go, and then none."""
    with opened(where, clock) as desk:
        desk.record(Event("message", user="ada", at=clock.at, id="m"))
        clock.at += MINUTE
        told = [Send(f"s{n}", "ada", "customer_message", "hi") for n in range(7)]
        desk.enqueue(told)
        sender = Scripted()
        found = desk.dispatch({"customer_message": sender}).outcomes
        assert {"sent": 5, "dropped": 2} == found
        assert "used_up" == desk.check(told[0]).reason


def test_a_stop_is_told_and_lifted_by_a_person(desk: Desk, clock: Clock) -> None:
    """An API that is closed takes no letter's attempt, until somebody has looked."""
    sender = Scripted([NotSent("48001", "stop")])
    free = {"sms": sender}
    keys = desk.enqueue(sends(3)).keys
    assert {"not_sent": 1, "held": 2} == desk.dispatch(free).outcomes
    clock.at += 3 * HOUR
    assert {} == desk.dispatch(free).outcomes
    (trouble,) = desk.health().troubles
    assert not desk.health().fine
    desk.lift(trouble.place, by="bo", reason="the API is open again")
    assert () == desk.health().troubles
    assert {"sent": 3} == desk.dispatch(free).outcomes
    assert dict.fromkeys(keys, 1) == sender.delivered


def test_a_stopped_channel_does_not_stand_before_the_others(
    desk: Desk, clock: Clock
) -> None:
    """Its letters are put off, so that nobody comes again at once for nothing."""
    stopped = [Send(f"s{row}", f"u{row}", "sms", "bad") for row in range(450)]
    desk.enqueue(stopped)
    desk.dispatch({"sms": Scripted([NotSent("48001", "stop")])}, limit=1)
    (trouble,) = desk.health().troubles
    clock.at += HOUR
    desk.enqueue([Send("other", "bo", "mail", "hi")])
    senders = {"sms": Scripted(), "mail": Scripted()}
    assert {"sent": 1} == desk.dispatch(senders, limit=5).outcomes
    due = desk.next_due()
    assert due is not None
    assert due > clock.at
    desk.lift(trouble.place, by="bo", reason="the API is open again")
    assert clock.at == desk.next_due()
    assert {"sent": 450} == desk.dispatch(senders, limit=450).outcomes


def test_letters_of_one_recipient_go_one_after_another(
    where: str, clock: Clock
) -> None:
    """The second waits for the first to be through, and then goes at once."""
    desk = Sending(
        open_store(where, processes="one", now=clock), Settings(outbox=POLICY)
    )
    for name in ("first", "second", "third"):
        desk.enqueue([Send(name, "ada", "line", name)])
        clock.at += dt.timedelta(seconds=1)
    sender = Scripted([NotSent("-1", "retry")])
    assert {"not_sent": 1} == desk.dispatch({"line": sender}).outcomes
    assert {} == desk.dispatch({"line": sender}).outcomes
    clock.at += 2 * MINUTE
    said = [desk.dispatch({"line": sender})["sent"] for _ in range(4)]
    assert [1, 1, 1, 0] == said
    asked = [key for _, key in sender.asked]
    assert asked[0] == asked[1]
    assert 3 == len(set(asked))


# Payouts: the letter and the record move together.


def test_a_payout_is_paid_once_and_booked(owing: Desk) -> None:
    """The letter has gone, the money is paid, and the books add up."""
    bank = Scripted()
    assert {"paid": 1} == owing.dispatch({"payout:cash": bank}).outcomes
    assert [("pay", NUMBER)] == bank.asked
    assert State.SENT is row_of(owing, NUMBER).state
    assert Standing.PAID is record_of(owing).state
    assert () == owing.audit()


UNSURE = Refused(NUMBER, "FREQ_LIMIT", final=False, action="wait")
NO = Refused(NUMBER, "FAIL", final=True, action="drop")
GIVE_UP = Refused(NUMBER, "PARAM_ERROR", final=False, action="drop")


@pytest.mark.parametrize(
    ("answer", "state", "standing"),
    [
        (lambda p, now: Paid(p.number, now, "", 800), State.SENT, Standing.PAID),
        (lambda p, now: Paid(p.number, now, "", 1), State.UNKNOWN, Standing.UNKNOWN),
        (lambda _, now: Paid("1900", now, "", 800), State.UNKNOWN, Standing.UNKNOWN),
        (lambda p, now: Accepted(p.number, now), State.ACCEPTED, Standing.ACCEPTED),
        (
            lambda p, now: AwaitingUser(p.number, now, None),
            State.ACCEPTED,
            Standing.AWAITING_USER,
        ),
        (UNSURE, State.DUE, Standing.RESERVED),
        (NO, State.DROPPED, Standing.FAILED),
        (GIVE_UP, State.DEAD, Standing.RESERVED),
        (Unknown("cut"), State.UNKNOWN, Standing.UNKNOWN),
        (TimeoutError(), State.UNKNOWN, Standing.UNKNOWN),
        (lambda p, now: Refunded(p.number, now), State.DROPPED, Standing.FAILED),
        (lambda p, now: Cancelled(p.number, now), State.DROPPED, Standing.FAILED),
        (lambda *_: {"result_code": "SUCCESS"}, State.UNKNOWN, Standing.UNKNOWN),
    ],
)
def test_letter_and_books_agree_on_every_answer(
    owing: Desk, answer: Any, state: State, standing: Standing
) -> None:
    """What is known of a payout is the same in the outbox and in the books."""
    owing.dispatch({"payout:cash": Scripted([answer])})
    assert (state, standing) == (row_of(owing, NUMBER).state, record_of(owing).state)
    assert () == owing.audit()


def test_a_doubt_is_asked_about_before_the_same_number_goes_again(
    owing: Desk, clock: Clock
) -> None:
    """After an unknown answer comes a query, then the same number once more."""
    bank = Scripted([Unknown("cut"), Unknown("not found"), None])
    for _ in range(3):
        owing.dispatch({"payout:cash": bank})
        clock.at += HOUR
    assert [("pay", NUMBER), ("query", NUMBER), ("pay", NUMBER)] == bank.asked
    assert Standing.PAID is record_of(owing).state
    assert () == owing.audit()


def test_a_refusal_in_doubt_does_not_end_what_may_have_been_paid(
    owing: Desk, clock: Clock
) -> None:
    """A second request that is refused says nothing of the first one."""
    bank = Scripted([Unknown("cut"), Unknown("cut"), NO])
    for _ in range(3):
        owing.dispatch({"payout:cash": bank})
        clock.at += HOUR
    assert Standing.UNKNOWN is record_of(owing).state
    assert State.UNKNOWN is row_of(owing, NUMBER).state
    owing.dispatch({"payout:cash": bank})
    assert ("query", NUMBER) == bank.asked[-1]


def test_a_doubt_that_nobody_clears_is_parked(owing: Desk, clock: Clock) -> None:
    """After enough questions a person has to look; the money stays set aside."""
    bank = Scripted([Unknown("cut")] * 30)
    for _ in range(30):
        owing.dispatch({"payout:cash": bank})
        clock.at += 2 * HOUR
    assert State.DEAD is row_of(owing, NUMBER).state
    assert Standing.PARKED is record_of(owing).state
    assert () == owing.audit()
    assert any("parked" in worry for worry in owing.health().worries)
    with pytest.raises(InvalidInputError, match="resolve"):
        owing.revive(NUMBER, by="bo", reason="try again")


def test_a_hint_has_the_provider_asked_and_books_nothing(
    owing: Desk, clock: Clock
) -> None:
    """A notice may be forged: only what a query answers is booked."""
    bank = Scripted([lambda p, now: AwaitingUser(p.number, now, None), None])
    owing.dispatch({"payout:cash": bank})
    assert owing.hint(NUMBER)
    assert Standing.AWAITING_USER is record_of(owing).state
    assert {"paid": 1} == owing.dispatch({"payout:cash": bank}).outcomes
    assert [("pay", NUMBER), ("query", NUMBER)] == bank.asked
    assert not owing.hint(NUMBER)
    assert not owing.hint("1900000109unknown")
    clock.at += HOUR
    assert () == owing.audit()


def test_a_hint_about_a_number_that_was_never_asked_for_is_asked_about_first(
    owing: Desk,
) -> None:
    """Restored books do not know what they have paid: the provider does."""
    assert owing.hint(NUMBER)
    bank = Scripted()
    assert {"paid": 1} == owing.dispatch({"payout:cash": bank}).outcomes
    assert [("query", NUMBER)] == bank.asked
    assert Standing.PAID is record_of(owing).state
    assert () == owing.audit()


def test_a_paused_campaign_pays_nothing(owing: Desk, clock: Clock) -> None:
    """Its letters stay, and go when it is resumed."""
    owing.pause("spring", by="bo", reason="looking")
    bank = Scripted()
    assert {"held": 1} == owing.dispatch({"payout:cash": bank}).outcomes
    owing.resume("spring", by="bo", reason="looked")
    clock.at += HOUR
    assert {"paid": 1} == owing.dispatch({"payout:cash": bank}).outcomes


# Cut off, and at once.


class Truth(Scripted):
    """A provider that pays a number once, whatever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Any] = {}

    def _answer(self, how: str, key: str, what: Any, now: dt.datetime) -> Any:
        self.asked.append((how, key))
        if how == "query":
            return self.known.get(key, Unknown("not found"))
        if how == "send" or key not in self.known:
            self.delivered[key] += 1
        if how == "send":
            return went(what, now)
        return self.known.setdefault(key, Paid(key, now, "", what.reward.fen))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_dispatch_may_be_cut_off_at_every_transaction(
    where: str, clock: Clock, *, after: bool
) -> None:
    """Nothing is lost, nothing is paid twice, and no message goes twice."""
    told = [Send(f"s{row}", f"u{row}", "sms", "hi") for row in range(2)]
    cuts = 0
    for cut in range(60):
        at = Clock(clock.at)
        path = where if where == "memory://" else where.replace(".db", f"{cut}.db")
        store: Store = open_store(path, processes="one", now=at)
        desk = Desk(store, Settings(merchant=MERCHANT))
        desk.backfill([])
        desk.publish(referral())
        desk.record_many(invited("ada", 3, OPENS))
        desk.enqueue(told)
        provider = Truth()
        senders = {"sms": provider, "payout:cash": provider}
        cutting: Any = CutStore(store, cut, after=after)
        try:
            Desk(cutting, desk._settings).dispatch(senders)
        except Cut:
            cuts += 1
        else:
            break
        if path != "memory://":
            store.close()
            store = open_store(path, processes="one", now=at)
        again = Desk(store, desk._settings)
        for _ in range(6):
            at.at += HOUR
            again.dispatch(senders)
        assert {1} == set(provider.delivered.values())
        assert Standing.PAID is record_of(again).state
        states = {row_of(again, one.key).state for one in letters(told)}
        assert states <= {State.SENT, State.MAYBE_SENT}
        assert () == again.audit()
        store.close()
    assert cuts >= 8


def test_two_dispatchers_at_once_send_each_letter_once(where: str) -> None:
    """Whoever leases a letter has it alone."""
    store = open_store(where, processes="one")
    desks = [Sending(store, Settings()) for _ in range(3)]
    keys = desks[0].enqueue(sends(40)).keys
    sender = Scripted()
    failed: list[BaseException] = []

    def work(desk: Sending) -> None:
        try:
            while desk.dispatch({"sms": sender}, limit=3).letters:
                pass
        except BaseException as error:  # noqa: BLE001  told below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert [] == failed
    assert Counter(dict.fromkeys(keys, 1)) == sender.delivered


def test_a_worker_that_was_away_for_too_long_sends_nothing(
    where: str, clock: Clock
) -> None:
    """Between begin and the request the lease ran out: the letter goes later."""
    jumps = iter([0, 0, 0, 0, 3_600])

    def away() -> dt.datetime:
        clock.at += dt.timedelta(seconds=next(jumps, 0))
        return clock.at

    desk = Sending(open_store(where, processes="one", now=away), Settings())
    (key,) = desk.enqueue(sends(1)).keys
    sender = Scripted()
    assert {"not_sent": 1} == desk.dispatch({"sms": sender}).outcomes
    assert [] == sender.asked
    clock.at += HOUR
    assert {"sent": 1} == desk.dispatch({"sms": sender}).outcomes
    assert [("send", key)] == sender.asked


def test_a_lease_that_ran_out_leaves_a_message_in_doubt(
    where: str, clock: Clock
) -> None:
    """A worker that died while it asked: the message may have gone, so it stays."""
    desk = Sending(open_store(where, processes="one", now=clock), Settings())
    (key,) = desk.enqueue(sends(1)).keys

    class Killed(BaseException):
        """The process ends."""

    def die(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        desk.dispatch({"sms": Scripted([die])})
    assert State.SENDING is row_of(desk, key).state
    clock.at += HOUR
    sender = Scripted()
    assert {} == desk.dispatch({"sms": sender}).outcomes
    assert State.MAYBE_SENT is row_of(desk, key).state
    assert [] == sender.asked


def test_a_clock_that_is_turned_back_freezes_nothing(where: str, clock: Clock) -> None:
    """A pause that a clock which was ahead has written is over."""
    desk = Sending(
        open_store(where, processes="one", now=clock), Settings(outbox=POLICY)
    )
    before = clock.at
    clock.at += dt.timedelta(days=30)
    desk.enqueue(sends(1, not_before=before))
    desk.dispatch({"sms": Scripted([NotSent("-1", "retry")])})
    clock.at = before + HOUR
    sender = Scripted()
    assert {"sent": 1} == desk.dispatch({"sms": sender}).outcomes


def test_final_letters_cost_nothing(where: str, clock: Clock) -> None:
    """A dispatch reads as many rows after hundreds of sent letters as after ten."""
    store = open_store(where, processes="one", now=clock)
    desk = Sending(store, Settings())
    counts = []
    for size in (10, 300):
        told = [Send(f"{size}-{n}", f"u{n}", "sms", "hi") for n in range(size)]
        desk.enqueue(told)
        while desk.dispatch({"sms": Scripted()}, limit=500).letters:
            pass
        counting: Any = Counting(store)
        Sending(counting, Settings()).enqueue([Send("x", f"bo{size}", "sms", "hi")])
        before = counting.rows
        assert {"sent": 1} == Sending(counting, Settings()).dispatch(
            {"sms": Scripted()}
        ).outcomes
        counts.append(counting.rows - before)
    assert counts[0] == counts[1]


class Counting:
    """A store that counts the rows it gives."""

    def __init__(self, store: Store) -> None:
        self._store, self.rows = store, 0

    def run(self, work: Any, *, write: bool = True) -> Any:
        """Do some work, and count what it reads."""
        return self._store.run(lambda tx: work(CountingRows(tx, self)), write=write)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class CountingRows:
    """A transaction that counts the rows it gives."""

    def __init__(self, tx: Any, counting: Counting) -> None:
        self._tx, self._counting = tx, counting

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        if name not in {"get", "find", "walk"}:
            return found

        def counted(*args: Any, **more: Any) -> Any:
            rows = found(*args, **more)
            self._counting.rows += len(rows)
            return rows

        return counted


# As the pure outbox has it.

CHANNELS = ("sms", "keyed", "line")
ANSWERS = (
    None,
    NotSent("-1", "retry"),
    NotSent("45009", "wait"),
    NotSent("x", "drop"),
    NotSent("43004", "suppress"),
    NotSent("47003", "mend"),
    NotSent("48001", "stop"),
    NotSent("y", "stop"),
    Unknown("cut"),
    TimeoutError(),
)
SPANS = (0, 1, 30, 90, 400, 4_000, 100_000)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.integers(0, 2),
            st.sampled_from(CHANNELS),
            st.sampled_from([None, 60, 5_000]),
        ),
        st.tuples(
            st.just("go"),
            st.integers(1, 5),
            st.lists(st.sampled_from(ANSWERS), max_size=4),
            st.sampled_from(SPANS),
        ),
    ),
    max_size=14,
)


def plain(row: OutboxRow) -> tuple[Any, ...]:
    """Return a row without its place in the order, which a store tells by the clock."""
    return attrs.astuple(attrs.evolve(row, seq=0), recurse=False)


@given(steps=STEPS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_desk_does_with_its_rows_what_the_pure_outbox_does(steps: list[Any]) -> None:
    """Any history of letters, answers and pauses leaves the same rows and stops."""
    at = NOON
    desk = Sending(open_store("memory://"), Settings(outbox=POLICY))
    pure = Outbox(POLICY)
    for place, (what, first, second, third) in enumerate(steps):
        at += dt.timedelta(seconds=1)
        if what == "put":
            expires = None if third is None else at + dt.timedelta(seconds=third)
            send = Send(f"s{place}", f"u{first}", second, "m", expires=expires)
            desk.enqueue([send], at)
            pure = enqueue(pure, letters([send]), at)
            continue
        at += dt.timedelta(seconds=third)
        one, other = Scripted(second), Scripted(second)
        desk.dispatch(dict.fromkeys(CHANNELS, one), at, limit=first)
        pure = dispatch(
            pure,
            dict.fromkeys(CHANNELS, other),
            Clock(at),
            rng=np.random.default_rng(1),
            limit=first,
        )
        assert other.asked == one.asked
        kept = desk._do(breakers, write=False)
        assert dict(pure.breakers) == kept
    for key, row in pure.rows.items():
        assert plain(row) == plain(row_of(desk, key))
    assert len(pure.suppressed) == desk.health(at).suppressed
    counts = Counter(row.state.value for row in pure.rows.values())
    assert dict.fromkeys((one.value for one in State), 0) | counts == dict(
        desk.health(at).letters
    )
