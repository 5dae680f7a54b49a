"""Payouts through the outbox in a storm: everybody is paid, and nobody twice."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.adapters.tills import TILLS, Till, payout
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Outbox, enqueue
from wxengage.delivery.outbox.dispatching import dispatch
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.recording import revive
from wxengage.delivery.outbox.states import State
from wxengage.delivery.ports import Letter
from wxengage.testing.faults import Fault
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.adapters.pay import RedPacketSender, TransferSender

pytest.importorskip("wechatpy", reason="wechatpy is not installed")
pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")

DEATHS = 0.02
SECOND = dt.timedelta(seconds=1)
POLICY = OutboxPolicy(
    backoff=Backoff(SECOND, most=10 * SECOND),
    cooling=Backoff(SECOND, most=10 * SECOND),
    lease_for=30 * SECOND,
    attempts=20,
)


class Died(Exception):  # noqa: N818  what happens to a worker
    """A worker is killed."""


def weather(till: Till) -> list[Fault]:
    """Return what may go wrong with a call."""
    return [
        Fault.cut(after=False),
        Fault.cut(after=True),
        Fault.status(502),
        Fault.status(502, after=True),
        Fault.truncated(),
        Fault.forged(),
        Fault.other_number(),
        Fault.body("<html>"),
        Fault.refusal(till.broken, status=500),
        Fault.refusal(till.broken, status=500, after=True),
        Fault.refusal(till.fast, status=429),
        Fault.refusal(till.short, status=403),
        Fault.refusal("NOT_FOUND", status=404),
        Fault.refusal("UNHEARD_OF", after=True),
    ]


def storm(till: Till, payouts: int, seed: int) -> tuple[Counter[str], int]:
    """Return how often each number was paid, and how many calls came in.

    Raises
    ------
    AssertionError
        If after all of it somebody is not paid.
    """
    rng = np.random.default_rng(seed)
    of = [payout(f"user{row}", fen=100 + row) for row in range(payouts)]
    with FakeWeChat() as fake:
        sender = till.sender(fake)
        box = enqueue(Outbox(POLICY), [Letter(one, one.number) for one in of], fake.now)
        for turn in range(400):
            kinds = weather(till) if turn < 60 else []
            fake.mend()
            for path in (till.pay, till.query):
                drawn = rng.integers(len(kinds), size=8) if kinds else ()
                fake.fail(path, *(kinds[kind] for kind in drawn))
            box = _turn(box, sender, lambda: fake.now, rng)
            _open_some(fake, rng, all_of_them=turn >= 60)
            fake.advance(11 * SECOND)
            if all(row.state is State.SENT for row in box.rows.values()):
                break
        assert {State.SENT} == {row.state for row in box.rows.values()}
        paid = {payment.number: payment.fen for payment in fake.pay.payments}
        assert {one.number: 100 + row for row, one in enumerate(of)} == paid
        numbers = Counter(payment.number for payment in fake.pay.payments)
        return numbers, len(fake.calls)


def _turn(
    box: Outbox,
    sender: RedPacketSender | TransferSender,
    clock: Callable[[], dt.datetime],
    rng: np.random.Generator,
) -> Outbox:
    # What is dead was looked at by somebody, who tries again.
    for row in box.rows.values():
        if row.state is State.DEAD:
            box = revive(box, row.key, clock())
    kept = [box]

    def commit(after: Outbox) -> None:
        # Killed before it is written down: what the answer was is lost.
        if rng.random() < DEATHS:
            raise Died
        kept[0] = after
        if rng.random() < DEATHS:
            raise Died

    with suppress(Died):
        dispatch(box, {"payout:cash": sender}, clock, rng=rng, commit=commit, limit=20)
    return kept[0]


def _open_some(
    fake: FakeWeChat, rng: np.random.Generator, *, all_of_them: bool
) -> None:
    for payment in fake.pay.payments:
        waits = fake.pay.state(payment.number) in {"SENT", "WAIT_USER_CONFIRM"}
        if waits and (all_of_them or rng.random() < 0.3):
            fake.pay.receive(payment.number)


@pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
def test_in_a_storm_everybody_is_paid_once(till: Till) -> None:
    """A short one."""
    paid, calls = storm(till, payouts=20, seed=1)

    assert {1} == set(paid.values())
    assert 20 == len(paid)
    assert calls > 60


@pytest.mark.torture
@pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
@pytest.mark.parametrize("seed", range(10))
def test_in_a_long_storm_everybody_is_paid_once(till: Till, seed: int) -> None:
    """A long one."""
    paid, calls = storm(till, payouts=200, seed=seed)
    print(f"{till.name}, seed {seed}: {len(paid)} paid in {calls} calls")  # noqa: T201

    assert {1} == set(paid.values())
    assert 200 == len(paid)
