"""A letter goes once, whoever is cut off where, and the books move with it."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk.desks import HOUR, Clock, opened
from tests.desk.senders import Scripted, sends
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Outbox, enqueue
from wxengage.delivery.outbox.dispatching import dispatch
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.states import State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import (
    Accepted,
)
from wxengage.delivery.ports import letters
from wxengage.desk.outboxes import breakers, letter
from wxengage.desk.sending import Sending
from wxengage.desk.settings import Settings
from wxengage.log.events import Event
from wxengage.sends import Send
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.desk.desk import Desk
    from wxengage.stores.ports import Store

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
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
    assert {"sent": 9} == desk.dispatch(senders, limit=9).outcomes


def test_letters_of_one_recipient_go_one_after_another(
    where: str, clock: Clock
) -> None:
    """The second waits for the first to be through, and then goes at once."""
    with closing(open_store(where, processes="one", now=clock)) as store:
        desk = Sending(store, Settings(outbox=POLICY))
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


# Cut off, and at once.


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

    with closing(open_store(where, processes="one", now=away)) as store:
        desk = Sending(store, Settings())
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
    with closing(open_store(where, processes="one", now=clock)) as store:
        desk = Sending(store, Settings())
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
    with closing(open_store(where, processes="one", now=clock)) as store:
        desk = Sending(store, Settings(outbox=POLICY))
        before = clock.at
        clock.at += dt.timedelta(days=30)
        desk.enqueue(sends(1, not_before=before))
        desk.dispatch({"sms": Scripted([NotSent("-1", "retry")])})
        clock.at = before + HOUR
        sender = Scripted()
        assert {"sent": 1} == desk.dispatch({"sms": sender}).outcomes


def test_final_letters_cost_nothing(where: str, clock: Clock) -> None:
    """A dispatch reads as many rows after hundreds of sent letters as after ten."""
    with closing(open_store(where, processes="one", now=clock)) as store:
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
