"""A payout goes once, whoever is cut off where, and the books move with its letter."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.desks import HOUR, MERCHANT, OPENS, Clock, invited, place, referral
from tests.desk.senders import Cut, CutStore, Scripted, went
from wxengage.delivery.outbox.states import State
from wxengage.delivery.outcomes import Unknown
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
from wxengage.desk.outboxes import letter
from wxengage.desk.settings import Settings
from wxengage.errors import InvalidInputError
from wxengage.ledger.states import State as Standing
from wxengage.sends import Send
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.desk.sending import Sending
    from wxengage.ledger.records import PayoutRecord

NUMBER = bill_number(MERCHANT, "spring", "ada", "rung:3")


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


def test_a_late_time_out_puts_nothing_in_doubt_that_has_arrived(
    owing: Desk, clock: Clock
) -> None:
    """A halted worker comes back with a time-out after another one has asked."""
    other = Scripted()

    def halt(*_: object) -> Unknown:
        clock.at += HOUR
        owing.dispatch({"payout:cash": other})
        return Unknown("read timeout")

    owing.dispatch({"payout:cash": Scripted([halt])})
    assert [("query", NUMBER)] == other.asked
    assert Standing.PAID is record_of(owing).state
    assert State.SENT is row_of(owing, NUMBER).state
    assert () == owing.audit()


def test_a_worker_that_dies_while_it_pays_leaves_a_doubt_in_letter_and_books(
    owing: Desk, clock: Clock
) -> None:
    """When its lease has run out nobody knows whether the money went."""

    class Killed(BaseException):
        """The process ends."""

    def die(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        owing.dispatch({"payout:cash": Scripted([die])})
    assert (State.SENDING, Standing.SUBMITTING) == (
        row_of(owing, NUMBER).state,
        record_of(owing).state,
    )
    clock.at += HOUR
    owing.dispatch({})
    assert (State.UNKNOWN, Standing.UNKNOWN) == (
        row_of(owing, NUMBER).state,
        record_of(owing).state,
    )
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
    kind: str, tmp_path: Path, clock: Clock, *, after: bool
) -> None:
    """Nothing is lost, nothing is paid twice, and no message goes twice."""
    for cut in range(60):
        folder = tmp_path / str(cut)
        folder.mkdir()
        with place(kind, folder) as where:
            if not _cut_off(where, Clock(clock.at), cut, after=after):
                break
    assert cut >= 8


def _cut_off(where: str, at: Clock, cut: int, *, after: bool) -> bool:
    """Return whether a dispatch has so many transactions; the next ones mend it."""
    told = [Send(f"s{row}", f"u{row}", "sms", "hi") for row in range(2)]
    provider = Truth()
    senders = {"sms": provider, "payout:cash": provider}
    store = open_store(where, processes="one", now=at)
    desk = Desk(store, Settings(merchant=MERCHANT))
    with closing(store):
        desk.backfill([])
        desk.publish(referral())
        desk.record_many(invited("ada", 3, OPENS))
        desk.enqueue(told)
        cutting: Any = CutStore(store, cut, after=after)
        try:
            Desk(cutting, desk._settings).dispatch(senders)
        except Cut:
            if where == "memory://":
                _mended(desk, at, provider, told)
        else:
            return False
    if where != "memory://":
        with closing(open_store(where, processes="one", now=at)) as store:
            _mended(Desk(store, desk._settings), at, provider, told)
    return True


def _mended(desk: Desk, at: Clock, provider: Truth, told: list[Send]) -> None:
    for _ in range(6):
        at.at += HOUR
        desk.dispatch({"sms": provider, "payout:cash": provider})
    assert {1} == set(provider.delivered.values())
    assert Standing.PAID is record_of(desk).state
    states = {row_of(desk, one.key).state for one in letters(told)}
    assert states <= {State.SENT, State.MAYBE_SENT}
    assert () == desk.audit()
