"""What an outbox does with letters, leases and the gate."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.boxes import (
    HOUR,
    MONEY,
    NOON,
    NUMBER,
    PAYOUT,
    POLICY,
    TIMEOUT,
    answered,
    begun,
    chance,
    filled,
    letter,
    sent,
    told,
)
from wxengage.delivery.outbox.box import Outbox, enqueue
from wxengage.delivery.outbox.leasing import Request, begin, lease, next_due
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.recording import record, revive
from wxengage.delivery.outbox.rows import OutboxRow
from wxengage.delivery.outbox.shelf import Rows
from wxengage.delivery.outbox.states import (
    FINAL,
    TRANSITIONS,
    WAITING,
    Signal,
    State,
    step,
)
from wxengage.delivery.outcomes import NotSent
from wxengage.delivery.ports import Letter
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.money import Cash
from wxengage.plan.gating.decisions import Decision

if TYPE_CHECKING:
    from wxengage.sends import Send


@pytest.mark.parametrize(("state", "signal"), list(itertools.product(State, Signal)))
def test_every_state_takes_a_signal_or_says_what_it_takes(
    state: State, signal: Signal
) -> None:
    """No pair of state and signal is left undecided."""
    if signal in TRANSITIONS[state]:
        assert TRANSITIONS[state][signal] is step(state, signal)
    else:
        with pytest.raises(IllegalTransitionError, match=f"in state {state.name}"):
            step(state, signal)


def test_what_has_gone_stays_gone() -> None:
    """Nothing moves a letter that was sent, and only facts move other ends."""
    assert {} == dict(TRANSITIONS[State.SENT])
    for state in (State.DIGEST, State.DROPPED):
        assert {Signal.GO: State.SENT} == dict(TRANSITIONS[state])
    assert set(State) == FINAL | {*WAITING, State.SENDING, State.ASKING}


# Putting in.


def test_a_letter_is_in_once() -> None:
    """Handed in again, or planned anew for another hour, it is the same letter."""
    box = filled(letter())

    assert box == enqueue(box, [letter()], NOON + HOUR)
    assert box == enqueue(box, [letter(at=NOON + HOUR, value=2.0)], NOON)
    assert 1 == len(filled(letter(), letter()))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (letter(), letter(topic="offers")),
        (letter(), letter(category="service")),
        (MONEY, Letter(attrs.evolve(PAYOUT, reward=Cash(900)), NUMBER)),
        (MONEY, Letter(attrs.evolve(PAYOUT, recipient="o2"), NUMBER)),
    ],
)
def test_another_letter_under_a_known_key_is_refused(
    first: Letter, second: Letter
) -> None:
    """One of the two would be lost, or paid to somebody else."""
    with pytest.raises(InvalidInputError, match=r"letters\[0\].key must be a letter's"):
        enqueue(filled(first), [second], NOON)
    with pytest.raises(InvalidInputError, match=r"letters\[1\].key must be a letter's"):
        filled(first, second)


def test_a_letter_goes_when_it_was_meant_to() -> None:
    """Not before its slot, else not before its bound, else at once."""
    box = filled(
        letter(name="a", at=NOON + 2 * HOUR, not_before=NOON + HOUR),
        letter(name="b", not_before=NOON + HOUR),
    )
    later = [
        [box.row(key).letter.send.id for key, _ in lease(box, NOON + hours * HOUR)[1]]
        for hours in (0, 1, 2)
    ]

    assert [[], ["b"], ["b", "a"]] == later
    assert NOON + HOUR == next_due(box, NOON)


def test_an_expired_letter_is_dropped() -> None:
    """At the instant itself it is too late."""
    box = filled(letter(expires=NOON + HOUR))
    leased, found = lease(box, NOON + HOUR - dt.timedelta(microseconds=1))
    box, none = lease(box, NOON + HOUR)

    assert (1, 0) == (len(found), len(none))
    assert ("dropped", "expired") == told(box)
    assert next_due(box, NOON) is None
    (key, fence), *_ = found
    late, request = begin(leased, key, fence, NOON + HOUR)
    assert request is None
    assert ("dropped", "expired") == told(late)


@given(st.lists(st.lists(st.integers(0, 400), max_size=200), max_size=6))
def test_rows_are_a_dict_that_is_a_value(changes: list[list[int]]) -> None:
    """Changed, they are what a dict would be; those from before stay as they were."""
    rows, peer = Rows(), dict[str, OutboxRow]()
    old: list[tuple[Rows, dict[str, OutboxRow]]] = []
    blank = OutboxRow(letter(), 0, 0, 0, 0)
    for turn, change in enumerate(changes):
        new = [
            attrs.evolve(blank, letter=Letter(blank.letter.body, f"k{n}"), seq=turn)
            for n in change
        ]
        old.append((rows, dict(peer)))
        rows = rows.changed(new)
        peer |= {row.key: row for row in new}
        assert list(peer.items()) == list(rows.items())
        assert len(peer) == len(rows)
    assert all(before == dict(was) for was, before in old)


# Leases.


def test_a_letter_is_leased_to_one_worker() -> None:
    """And to the next one with a higher fence, when the lease has run out."""
    box, first = lease(filled(letter()), NOON)

    assert ((), [1]) == (lease(box, NOON)[1], [fence for _, fence in first])
    assert NOON + POLICY.lease_for == next_due(box, NOON)
    box, second = lease(box, NOON + POLICY.lease_for)
    assert [2] == [fence for _, fence in second]
    assert (box, None) == begin(box, *first[0], NOON + POLICY.lease_for)
    assert begin(box, *second[0], NOON + POLICY.lease_for)[1] is not None


def test_a_request_begins_once() -> None:
    """The same lease does not send twice."""
    box, request, fence = begun(filled(letter()))

    assert request == Request("send", letter())
    assert (box, None) == begin(box, letter().key, fence, NOON)


def test_a_lease_counts_no_attempt_before_a_request() -> None:
    """A worker that dies with a hundred letters in hand has sent one of them."""
    box, _ = lease(filled(letter()), NOON)
    box, found = lease(box, NOON + HOUR)

    assert (0, 0) == (box.row(letter().key).attempts, box.row(letter().key).failures)
    assert ("due", "") == told(box)
    assert 1 == len(found)


@pytest.mark.parametrize(
    ("channel", "state"), [("customer_message", "maybe_sent"), ("mass_send", "unknown")]
)
def test_a_worker_that_dies_while_sending_leaves_a_doubt(
    channel: str, state: str
) -> None:
    """It may have gone: asked about where that helps, never repeated where not."""
    box, _, _ = begun(filled(letter(channel)))
    box, found = lease(box, NOON + HOUR)

    assert (state, "lease_ran_out") == told(box)
    assert ([] if state == "maybe_sent" else [2]) == [fence for _, fence in found]
    assert box.row(letter(channel).key).touch is not None


def test_a_letter_that_kills_its_worker_is_dead_at_last() -> None:
    """Poison is put aside, with the doubt, and a person can bring it back."""
    box, now = filled(MONEY), NOON
    for _ in range(POLICY.attempts):
        box, request, _ = begun(box, now)
        assert request is not None
        now += HOUR
    box, found = lease(box, now)

    assert ((), "dead") == (found, told(box)[0])
    box, request, _ = begun(revive(box, NUMBER, now), now)
    assert request == Request("query", MONEY)


def test_a_clock_that_was_turned_back_freezes_nothing() -> None:
    """Neither a lease nor a pause outlasts what it could be."""
    _, row = answered(filled(letter()), NotSent("-1", "retry"))
    early = NOON - 10 * HOUR
    leased, _ = lease(filled(letter(not_before=early)), NOON)

    assert (1, 1) == (len(lease(leased, early)[1]), row.failures)
    pausing = enqueue(Outbox(POLICY), [letter(not_before=early)], early)
    pausing = pausing.with_rows([attrs.evolve(row, not_before=0)])
    assert early == next_due(pausing, early)


def test_letters_of_one_recipient_go_in_order_where_asked() -> None:
    """The next one when the one before is settled; others do not wait."""
    both = [letter("app", "a"), letter("app", "b"), letter("app", "c", user="bob")]
    box = filled(*both, policy=OutboxPolicy(ordered=("app",)))
    box, first = lease(box, NOON)
    assert [both[0].key, both[2].key] == [key for key, _ in first]
    assert () == lease(box, NOON)[1]

    box, _ = begin(box, *first[0], NOON)
    box = record(box, *first[0], sent(both[0]), NOON, rng=chance())
    assert [both[1].key] == [key for key, _ in lease(box, NOON)[1]]
    # Where it is not asked, nobody waits.
    assert 3 == len(lease(filled(*both), NOON)[1])


def test_a_worker_takes_what_it_can_deliver() -> None:
    """Only its channels, the longest due first, and no more than it wants."""
    box = filled(letter("app", "a", not_before=NOON), letter("sms", "b"), MONEY)

    assert 1 == len(lease(box, NOON, channels=["app"])[1])
    assert [NUMBER] == [key for key, _ in lease(box, NOON, channels={"payout:cash"})[1]]
    assert 2 == len(lease(box, NOON, limit=2)[1])


# The gate at send time.


@pytest.mark.parametrize(
    ("action", "at", "state"),
    [
        ("send", NOON, "sending"),
        ("defer", NOON + HOUR, "due"),
        ("digest", NOON + HOUR, "digest"),
        ("drop", None, "dropped"),
    ],
)
def test_the_gate_decides_when_the_letter_is_about_to_go(
    action: Any, at: dt.datetime | None, state: str
) -> None:
    """And its reason is kept."""

    def check(send: Send, now: dt.datetime) -> Decision:
        assert NOON == now
        return Decision(send.id, send.user, action, at, "because")

    box, request, _ = begun(filled(letter()), check=check)
    row = box.row(letter().key)

    assert (state, action == "send") == (row.state.value, request is not None)
    if action != "send":
        assert (action, "because", 0) == (row.outcome, row.code, row.attempts)
    assert (NOON + HOUR if action == "defer" else None) == (
        next_due(box, NOON) if action != "send" else None
    )


def test_the_gate_is_not_asked_about_what_may_have_gone() -> None:
    """It counts the message already, and would refuse it for its own sake."""

    def never(send: Send, now: dt.datetime) -> Decision:
        raise AssertionError(send, now)

    box, row = answered(filled(letter("mass_send")), TIMEOUT)
    _, request, _ = begun(box, NOON + HOUR, check=never)

    assert ("unknown", Request("query", row.letter)) == (row.state.value, request)


@pytest.mark.parametrize(
    "check", [lambda _s, _t: None, lambda _s, t: Decision("x", "ada", "send", t, "r")]
)
def test_a_decision_about_something_else_is_refused(check: Any) -> None:
    """A message goes by its own decision."""
    with pytest.raises(InvalidInputError, match="decision"):
        begun(filled(letter()), check=check)
