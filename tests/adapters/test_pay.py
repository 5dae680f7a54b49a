"""What paying promises, with the real wechatpy and wechatpayv3 and a fake WeChat."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import pytest

from tests.adapters.tills import RED_PACKETS, TILLS, TRANSFERS, Till, payout
from wxengage.adapters.pay.refusals import RED_PACKET_REFUSALS, TRANSFER_REFUSALS
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Fulfil,
    Fulfilment,
    Paid,
    Refunded,
    Refused,
)
from wxengage.ledger.providers import RED_PACKET_STATES, TRANSFER_STATES
from wxengage.ledger.states import State
from wxengage.testing.faults import Fault
from wxengage.testing.fixtures import fake_wechat
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.delivery.payouts import Payout

pytest.importorskip("wechatpy", reason="wechatpy is not installed")
pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")

__all__ = ["fake_wechat"]

HOUR = dt.timedelta(hours=1)
MEANS: dict[State, type] = {
    State.ACCEPTED: Accepted,
    State.AWAITING_USER: AwaitingUser,
    State.PAID: Paid,
    State.FAILED: Refused,
    State.EXPIRED_REFUNDED: Refunded,
    State.CANCELLED: Cancelled,
}
both = pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
USERS = itertools.count()


class Shared(NamedTuple):
    """A fake WeChat and its senders, for many tests; each has its own user."""

    fake: FakeWeChat
    senders: dict[str, Any]

    def payout(self) -> Payout:
        """Return the payout of somebody new."""
        return payout(f"user{next(USERS)}")

    def paid(self, of: Payout) -> list[tuple[str, int]]:
        """Return whom a number paid, and how much."""
        return [
            (payment.openid, payment.fen)
            for payment in self.fake.pay.payments
            if payment.number == of.number
        ]


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    """Give one fake WeChat for many tests."""
    with FakeWeChat() as fake:
        yield Shared(fake, {till.name: till.sender(fake, total=0.3) for till in TILLS})


@both
def test_a_payout_goes_waits_and_arrives(fake_wechat: FakeWeChat, till: Till) -> None:
    """It is paid once the user has it, and no moment sooner."""
    sender: Fulfil = till.sender(fake_wechat)
    of, pay = payout(), fake_wechat.pay

    first = sender.pay(of, fake_wechat.now)
    waiting = sender.query(of, fake_wechat.now)
    fake_wechat.advance(HOUR)
    pay.receive(of.number)
    arrived = sender.query(of, fake_wechat.now)

    (payment,) = pay.payments
    assert isinstance(first, Accepted | AwaitingUser)
    began = fake_wechat.now - HOUR
    assert AwaitingUser(of.number, began, began + 24 * HOUR) == waiting
    assert Paid(of.number, fake_wechat.now, payment.receipt, 800) == arrived
    assert ("o_ada", 800, of.number) == (payment.openid, payment.fen, payment.number)


@both
def test_the_same_number_is_paid_once(fake_wechat: FakeWeChat, till: Till) -> None:
    """However often it is asked for, also by another process."""
    outcomes = [
        till.sender(fake_wechat).pay(payout(), fake_wechat.now) for _ in range(3)
    ]

    assert [outcomes[0]] * 3 == outcomes
    assert 1 == len(fake_wechat.pay.payments)


@both
def test_another_payout_under_a_number_says_nothing_about_the_first(
    fake_wechat: FakeWeChat, till: Till
) -> None:
    """Somebody may have been paid under it: it must be asked about."""
    sender = till.sender(fake_wechat)
    sender.pay(payout(), fake_wechat.now)
    more = attrs.evolve(payout(fen=900))

    outcome, told = (
        sender.pay(more, fake_wechat.now),
        sender.query(more, fake_wechat.now),
    )

    assert isinstance(outcome, Unknown)
    assert isinstance(told, Unknown)
    assert "amount" in told.because
    assert [800] == [payment.fen for payment in fake_wechat.pay.payments]


@pytest.mark.parametrize(
    ("till", "word"),
    [(RED_PACKETS, word) for word in RED_PACKET_STATES]
    + [(TRANSFERS, word) for word in TRANSFER_STATES],
    ids=lambda one: getattr(one, "name", one),
)
def test_every_state_is_told_as_the_ledger_has_it(
    shared: Shared, till: Till, word: str
) -> None:
    """By the one table that there is; only these ends are final."""
    states = RED_PACKET_STATES if till is RED_PACKETS else TRANSFER_STATES
    fake, sender, of = shared.fake, shared.senders[till.name], shared.payout()
    sender.pay(of, fake.now)
    if word == till.done:
        fake.pay.receive(of.number)
    else:
        fake.pay.put(of.number, word)

    outcome = sender.query(of, fake.now)

    assert MEANS[states[word]] is type(outcome)
    assert getattr(outcome, "final", True)


@both
def test_a_state_that_nobody_knows_is_unknown(
    fake_wechat: FakeWeChat, till: Till
) -> None:
    """Whatever WeChat invents next year."""
    sender, of = till.sender(fake_wechat), payout()
    sender.pay(of, fake_wechat.now)
    fake_wechat.pay.put(of.number, "FROZEN")

    assert Unknown("state 'FROZEN' is not known") == sender.query(of, fake_wechat.now)


def test_what_nobody_takes_comes_back_after_a_day(fake_wechat: FakeWeChat) -> None:
    """A packet is refunded after a while, a transfer fails with a reason."""
    packets, transfers = (till.sender(fake_wechat) for till in TILLS)
    packets.pay(payout("ada"), fake_wechat.now)
    transfers.pay(payout("bob"), fake_wechat.now)

    def asked() -> list[type]:
        told = (
            packets.query(payout("ada"), fake_wechat.now),
            transfers.query(payout("bob"), fake_wechat.now),
        )
        return [type(one) for one in told]

    fake_wechat.advance(24 * HOUR - dt.timedelta(seconds=1))
    before = asked()
    fake_wechat.advance(dt.timedelta(seconds=1))
    at_once = asked()
    fake_wechat.advance(HOUR)

    assert [AwaitingUser, AwaitingUser] == before
    assert [AwaitingUser, Refused] == at_once
    assert [Refunded, Refused] == asked()
    failed = transfers.query(payout("bob"), fake_wechat.now)
    assert Refused(failed.number, "OVERDUE_CLOSE", final=True, action="mend") == failed


# (fault, whether it was paid)
UNCLEAR = [
    (Fault.status(500), False),
    (Fault.status(502, after=True), True),
    (Fault.status(404), False),
    (Fault.status(302, after=True), True),
    (Fault.cut(after=False), False),
    (Fault.cut(after=True), True),
    (Fault.truncated(), True),
    (Fault.other_number(), True),
    (Fault.forged(), True),
    (Fault.unsigned(), True),
    (Fault.body(""), True),
    (Fault.body("<html><body>502</body></html>"), True),
    (Fault.body("<xml/>"), True),
    (Fault.body("[]"), True),
    (Fault.body("{}"), True),
    (Fault.body("\x00\xff"), True),
    (Fault.refusal("PROCESSING"), False),
    (Fault.refusal("NEW_CODE_2027"), False),
    (Fault.refusal("NEW_CODE_2027", after=True), True),
    (Fault.refusal("SYSTEMERROR", after=False), False),
    (Fault.refusal("SYSTEMERROR", after=True), True),
    (Fault.refusal("SYSTEM_ERROR", status=500, after=True), True),
    (Fault.refusal("NOT_ENOUGH", status=503, after=True), True),
    (Fault.slow(20), True),
    (Fault.drip(0.05), True),
]


@both
@pytest.mark.parametrize(("fault", "went"), UNCLEAR, ids=str)
def test_what_nobody_can_tell_is_unknown_and_then_asked(
    shared: Shared, till: Till, fault: Fault, went: bool
) -> None:
    """It is asked about and asked for again under its number, and paid once."""
    fake, sender, of = shared.fake, shared.senders[till.name], shared.payout()
    fake.fail(till.pay, fault)

    outcome = sender.pay(of, fake.now)
    before = shared.paid(of)
    told = sender.query(of, fake.now)
    again = sender.pay(of, fake.now)

    assert isinstance(outcome, Unknown)
    assert went == bool(before)
    assert (AwaitingUser if went else Unknown) is type(told)
    assert isinstance(again, Accepted | AwaitingUser)
    assert [(of.recipient, 800)] == shared.paid(of)


@both
@pytest.mark.parametrize("fault", [fault for fault, _ in UNCLEAR], ids=str)
def test_a_question_that_nobody_answers_decides_nothing(
    shared: Shared, till: Till, fault: Fault
) -> None:
    """Not that it was paid, and not that it was not."""
    fake, sender, of = shared.fake, shared.senders[till.name], shared.payout()
    sender.pay(of, fake.now)
    fake.pay.receive(of.number)
    fake.fail(till.query, fault)

    assert isinstance(sender.query(of, fake.now), Unknown)
    assert isinstance(sender.query(of, fake.now), Paid)


@both
def test_a_number_that_is_not_found_may_be_paid_yet(
    fake_wechat: FakeWeChat, till: Till
) -> None:
    """Right after the request, WeChat may not find what it is about to pay."""
    sender, of = till.sender(fake_wechat), payout()
    sender.pay(of, fake_wechat.now)
    fake_wechat.fail(till.query, Fault.refusal("NOT_FOUND", status=404))

    assert isinstance(sender.query(of, fake_wechat.now), Unknown)
    assert isinstance(sender.query(of, fake_wechat.now), AwaitingUser)


@pytest.mark.parametrize(
    ("till", "code", "action"),
    [(RED_PACKETS, *pair) for pair in RED_PACKET_REFUSALS.items()]
    + [(TRANSFERS, *pair) for pair in TRANSFER_REFUSALS.items()],
    ids=lambda one: getattr(one, "name", one),
)
def test_no_code_ends_a_number(
    shared: Shared, till: Till, code: str, action: Any
) -> None:
    """The same number may be tried again; a question is not an answer."""
    fake_wechat, sender, of = shared.fake, shared.senders[till.name], shared.payout()
    fault = Fault.refusal(code, status=403)
    fake_wechat.fail(till.pay, fault)
    fake_wechat.fail(till.query, fault)

    refused = Refused(of.number, code, final=False, action=action)
    assert refused == sender.pay(of, fake_wechat.now)
    told: Fulfilment = sender.query(of, fake_wechat.now)
    if action in {"wait", "stop"}:
        assert refused == told
    else:
        assert isinstance(told, Unknown)
    assert isinstance(sender.pay(of, fake_wechat.now), Accepted | AwaitingUser)


@both
def test_an_empty_purse_stops_and_then_pays(
    fake_wechat: FakeWeChat, till: Till
) -> None:
    """Under the same number, once there is money."""
    sender, of = till.sender(fake_wechat), payout()
    fake_wechat.pay.funds = 799

    outcome = sender.pay(of, fake_wechat.now)
    fake_wechat.pay.funds = 800

    assert Refused(of.number, till.short, final=False, action="stop") == outcome
    assert isinstance(sender.pay(of, fake_wechat.now), Accepted | AwaitingUser)
    other = sender.pay(payout("bob"), fake_wechat.now)
    assert isinstance(other, Refused)


@both
def test_what_never_left_is_not_paid(fake_wechat: FakeWeChat, till: Till) -> None:
    """Nobody listens there. Of an earlier request that says nothing."""
    sender, of = till.sender(fake_wechat), payout()
    fake_wechat.__exit__(None, None, None)

    outcome, told = sender.pay(of, fake_wechat.now), sender.query(of, fake_wechat.now)

    assert Refused(of.number, "not_reached", final=False, action="retry") == outcome
    assert isinstance(told, Unknown)


@both
def test_after_a_lost_answer_the_next_payout_goes(
    fake_wechat: FakeWeChat, till: Till
) -> None:
    """A connection that was shut is not used again."""
    sender = till.sender(fake_wechat, total=0.4)
    for fault in (Fault.drip(0.1), Fault.cut(), Fault.status(502)):
        fake_wechat.fail(till.pay, fault)
        assert isinstance(sender.pay(payout(), fake_wechat.now), Unknown)

    outcome = sender.pay(payout("bob"), fake_wechat.now)

    assert isinstance(outcome, Accepted | AwaitingUser)


@pytest.mark.parametrize(
    ("till", "fault"),
    [(RED_PACKETS, Fault.slow(20)), (TRANSFERS, Fault.drip(0.1))],
    ids=str,
)
def test_a_call_has_an_end(fake_wechat: FakeWeChat, till: Till, fault: Fault) -> None:
    """However it trickles."""
    sender = till.sender(fake_wechat, total=0.3, read=5.0)
    fake_wechat.fail(till.pay, fault)

    outcome = sender.pay(payout(), fake_wechat.now)

    assert Unknown("the time for the call was over") == outcome


def test_good_news_without_a_signature_can_be_allowed(fake_wechat: FakeWeChat) -> None:
    """Where WeChat signs none; a wrong one is never believed."""
    sender = RED_PACKETS.sender(fake_wechat, allow_unsigned=True)
    fake_wechat.fail(RED_PACKETS.pay, Fault.unsigned(), Fault.forged())
    fake_wechat.fail(RED_PACKETS.query, Fault.unsigned(), Fault.forged())

    paid = [sender.pay(payout(), fake_wechat.now) for _ in range(2)]
    told = [sender.query(payout(), fake_wechat.now) for _ in range(2)]

    assert [Accepted, Unknown] == [type(one) for one in paid]
    assert [AwaitingUser, Unknown] == [type(one) for one in told]


def test_a_transfer_can_be_called_off(fake_wechat: FakeWeChat) -> None:
    """As long as the user has not confirmed it."""
    sender = TRANSFERS.sender(fake_wechat)
    ada, bob = payout("ada"), payout("bob")
    for of in (ada, bob):
        sender.pay(of, fake_wechat.now)
    fake_wechat.pay.receive(bob.number)

    off = sender.cancel(ada, fake_wechat.now), sender.cancel(ada, fake_wechat.now)
    late = sender.cancel(bob, fake_wechat.now)
    unheard = sender.cancel(payout("cy"), fake_wechat.now)

    assert (Accepted, Cancelled) == tuple(type(one) for one in off)
    assert isinstance(sender.query(ada, fake_wechat.now), Cancelled)
    assert isinstance(late, Unknown)
    assert isinstance(unheard, Unknown)
    assert isinstance(sender.query(bob, fake_wechat.now), Paid)


def test_the_package_is_handed_over(fake_wechat: FakeWeChat) -> None:
    """Each time it is told; what the application does with it changes nothing."""
    seen: list[tuple[str, str]] = []

    def keep(of: Any, package: str) -> None:
        seen.append((of.number, package))
        raise KeyError(package)

    sender = TRANSFERS.sender(fake_wechat, on_package=keep)
    outcomes = [sender.pay(payout(), fake_wechat.now) for _ in range(2)]

    package = f"package-of-{fake_wechat.pay.payments[0].receipt}"
    assert [(payout().number, package)] * 2 == seen
    assert [AwaitingUser, AwaitingUser] == [type(one) for one in outcomes]
