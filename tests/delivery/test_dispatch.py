"""The dispatch loop: cut off anywhere, it neither loses nor repeats."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.delivery.boxes import (
    HOUR,
    MONEY,
    NOON,
    NUMBER,
    POLICY,
    SECOND,
    chance,
    filled,
    letter,
    sent,
)
from wxengage.adapters.dryrun import dry_run
from wxengage.delivery.outbox.checkup import health
from wxengage.delivery.outbox.dispatching import dispatch
from wxengage.delivery.outbox.leasing import begin, holds, lease, next_due
from wxengage.delivery.outbox.recording import record, unasked
from wxengage.delivery.outbox.states import State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import Paid, Payout
from wxengage.errors import InvalidInputError
from wxengage.plan.gating.decisions import Decision

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.delivery.outbox.box import Outbox
    from wxengage.delivery.ports import Letter
    from wxengage.sends import Send, Sent

LETTERS = (
    letter("customer_message", "a"),
    letter("mass_send", "b"),
    letter("customer_message", "c"),
    MONEY,
)


class PowerCutError(Exception):
    """The power is gone."""


@attrs.define
class Honest:
    """A provider that delivers, remembers keys where it has some, and can be cut off.

    It counts what it does, and the power is cut at the moment ``cut``: before it
    delivers, or after.
    """

    cut: int = -1
    moments: int = 0
    delivered: Counter[str] = attrs.field(factory=Counter)

    def moment(self) -> None:
        """Let a moment pass, in which the power may go."""
        self.moments += 1
        if self.moments == self.cut:
            raise KeyboardInterrupt

    def send(self, letter: Letter, now: dt.datetime) -> Sent:
        """Deliver a message."""
        self.moment()
        if letter.channel != "mass_send" or not self.delivered[letter.key]:
            self.delivered[letter.key] += 1
        self.moment()
        return sent(letter, now)

    def pay(self, payout: Payout, now: dt.datetime) -> Paid:
        """Pay."""
        self.moment()
        self.delivered[payout.number] = 1
        self.moment()
        return Paid(payout.number, now, "", 800)

    def query(self, what: Any, now: dt.datetime) -> Any:
        """Say what was delivered."""
        self.moment()
        if isinstance(what, Payout):
            done = self.delivered[what.number]
            return Paid(what.number, now, "", 800) if done else Unknown("not found")
        if self.delivered[what.key]:
            return sent(what, now)
        return NotSent("never_seen", "retry")


@attrs.define
class Disk:
    """What survives; the power may also go right before or after a commit."""

    box: Outbox
    provider: Honest

    def commit(self, box: Outbox) -> None:
        """Write, between two moments."""
        self.provider.moment()
        self.box = box
        self.provider.moment()


def finish(disk: Disk, start: dt.datetime) -> None:
    """Go on from the disk, with the power on, until nothing is left to do."""
    senders = dict.fromkeys(("customer_message", "mass_send"), disk.provider)
    now = start
    for _ in range(50):
        due = next_due(disk.box, now)
        if due is None:
            return
        now = max(now, due)
        dispatch(
            disk.box,
            {**senders, "payout:cash": disk.provider},
            itertools.repeat(now).__next__,
            rng=chance(),
            commit=disk.commit,
        )
    pytest.fail("it does not come to an end")


def cut_at(moment: int) -> Disk:
    """Return the disk after the power went at a moment, and came back."""
    disk = Disk(filled(*LETTERS), Honest(moment))
    try:
        finish(disk, NOON)
    except KeyboardInterrupt:
        finish(disk, NOON + SECOND)
    return disk


def test_the_power_may_go_at_any_moment() -> None:
    """Every boundary, until none is left: nothing is lost, nothing goes twice."""
    moment = doubts = 0
    while True:
        moment += 1
        disk = cut_at(moment)
        found, delivered = health(disk.box, NOON), disk.provider.delivered
        assert {1} >= set(delivered.values()), moment
        for key, row in disk.box.rows.items():
            assert row.state in {State.SENT, State.MAYBE_SENT}, moment
            assert row.state is State.MAYBE_SENT or delivered[key] == 1, moment
            keyless = row.letter.channel == "customer_message"
            assert keyless or row.state is State.SENT, moment
        doubts += found.in_doubt
        assert found.in_doubt <= 1
        if disk.provider.moments < moment:
            break

    # Each letter has six moments. A message without a key is in doubt at the four
    # between the commit of its beginning and that of its answer.
    assert (2 * 4, 2 + 4 * 6 + 1) == (doubts, moment)


def test_a_letter_goes_through_the_real_dry_run() -> None:
    """The port is the one that adapters have."""
    sender = dry_run()
    one = letter("wecom")
    box = dispatch(filled(one), {"wecom": sender}, lambda: NOON, rng=chance())

    assert (State.SENT, (one,)) == (box.row(one.key).state, sender.letters)
    assert box.row(one.key).touch == sender.query(one, NOON)


def test_only_channels_with_a_sender_are_worked_on() -> None:
    """The others wait."""
    box = dispatch(
        filled(*LETTERS), {"mass_send": Honest()}, lambda: NOON, rng=chance()
    )

    assert {"sent": 1, "due": 3} == {
        state: n for state, n in health(box, NOON).counts.items() if n
    }


@pytest.mark.parametrize("answer", [None, "<html>", {"errcode": 0}, Paid])
def test_whatever_is_no_outcome_says_nothing(answer: Any) -> None:
    """The letter may have gone."""

    class Odd(Honest):
        def send(self, letter: Letter, now: dt.datetime) -> Any:
            del letter, now
            return answer

    box = dispatch(
        filled(LETTERS[0]), {"customer_message": Odd()}, lambda: NOON, rng=chance()
    )
    (row,) = box.rows.values()

    assert State.MAYBE_SENT is row.state
    assert row.code.startswith("the sender answered with a ")


def test_a_sender_that_raises_says_nothing() -> None:
    """And the loop goes on with the next letter; no secret of the error is kept."""

    class Broken(Honest):
        def send(self, letter: Letter, now: dt.datetime) -> Any:
            del letter, now
            raise PowerCutError("secret=abc")

    box = dispatch(
        filled(*LETTERS[::2]),
        {"customer_message": Broken()},
        lambda: NOON,
        rng=chance(),
    )

    assert [(State.MAYBE_SENT, "PowerCutError")] * 2 == [
        (row.state, row.code) for row in box.rows.values()
    ]


def test_the_gate_is_asked_at_send_time() -> None:
    """Nothing that it holds back leaves."""
    provider = Honest()

    def check(send: Send, now: dt.datetime) -> Decision:
        return Decision(send.id, send.user, "defer", now + HOUR, "quiet_hours")

    box = dispatch(
        filled(*LETTERS),
        {"customer_message": provider, "payout:cash": provider},
        lambda: NOON,
        rng=chance(),
        check=check,
    )

    assert {NUMBER: 1} == dict(provider.delivered)
    assert {"quiet_hours", ""} == {row.code for row in box.rows.values()}


def test_a_worker_that_halted_too_long_does_not_send() -> None:
    """Its lease has run out: somebody else may be asking already."""
    provider = Honest()
    times = iter([NOON, NOON, *[NOON + POLICY.lease_for] * 9])
    box = dispatch(
        filled(LETTERS[0], MONEY),
        {"customer_message": provider, "payout:cash": provider},
        lambda: next(times),
        rng=chance(),
    )

    assert {} == dict(provider.delivered)
    first = box.row(LETTERS[0].key)
    assert (State.DUE, "lease_ran_out", 0) == (first.state, first.code, first.failures)
    assert State.DUE is box.row(NUMBER).state
    assert {} == dict(box.breakers)


def test_whoever_has_lost_a_lease_is_told() -> None:
    """By time, by another worker, or by an answer."""
    box, ((key, fence),) = lease(filled(MONEY), NOON)
    assert not holds(box, key, fence, NOON)
    box, _ = begin(box, key, fence, NOON)

    assert holds(box, key, fence, NOON)
    assert not holds(box, key, fence, NOON + POLICY.lease_for)
    assert not holds(lease(box, NOON + HOUR)[0], key, fence, NOON + HOUR)
    done = record(box, key, fence, unasked(MONEY), NOON, rng=chance())
    assert not holds(done, key, fence, NOON)


def test_a_commit_that_fails_ends_the_loop_before_the_request() -> None:
    """What is not on disk does not leave."""
    provider = Honest()

    def full(_: Outbox) -> None:
        raise InvalidInputError("disk", "full", "not full")

    with pytest.raises(InvalidInputError, match="disk must be"):
        dispatch(
            filled(*LETTERS),
            {"customer_message": provider},
            lambda: NOON,
            rng=chance(),
            commit=full,
        )
    assert 0 == provider.moments
