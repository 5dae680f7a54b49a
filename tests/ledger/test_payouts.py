"""What a payout's number, states and moves promise."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.codec import dump, load
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Paid,
    Payout,
    Refunded,
    Refused,
    bill_number,
)
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.ledger.accounts import Role
from wxengage.ledger.events import (
    Answered,
    Funded,
    Leased,
    Parked,
    PayoutEvent,
    Queried,
    Resolved,
    Short,
    Voided,
    move_of,
)
from wxengage.ledger.providers import RED_PACKET_STATES, TRANSFER_STATES, outcome_of
from wxengage.ledger.records import PayoutRecord, advance, open_payout, renew
from wxengage.ledger.states import ASKED, OVER, SEATS, TRANSITIONS, Move, State
from wxengage.money import Cash, Coupon, Points, Reward

MERCHANT = "1900000109"
AT = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(hours=1)
IDS = st.text("abc-:/", min_size=1, max_size=6)


def opened(reward: Reward = Cash(800)) -> PayoutRecord:  # noqa: B008  frozen
    """Return a payout of ada's for her third invite."""
    return open_payout(
        MERCHANT,
        "spring",
        "ada",
        "rung:3",
        recipient="openid-ada",
        reward=reward,
        at=AT,
    )


NUMBER = opened().payout.number
FINAL = Refused(NUMBER, "BANNED", final=True, action="suppress")
BUSY = Refused(NUMBER, "FREQ_LIMIT", final=False, action="retry")
PAID = Paid(NUMBER, AT, "wx1", 800)
EVENTS: dict[Move, PayoutEvent] = {
    Move.FUNDED: Funded(LATER),
    Move.SHORT: Short(LATER, "spring/budget"),
    Move.VOIDED: Voided(LATER, "withdrawn"),
    Move.LEASED: Leased(LATER),
    Move.PARKED: Parked(LATER, "asked for two days"),
    Move.PAID: Queried(LATER, PAID),
    Move.REFUSED: Answered(LATER, FINAL, 1),
    Move.FAILED: Queried(LATER, FINAL),
    Move.DEFERRED: Answered(LATER, BUSY, 1),
    Move.ACCEPTED: Queried(LATER, Accepted(NUMBER, AT)),
    Move.AWAITING: Queried(LATER, AwaitingUser(NUMBER, AT, None)),
    Move.REFUNDED: Queried(LATER, Refunded(NUMBER, AT)),
    Move.CANCELLED: Queried(LATER, Cancelled(NUMBER, AT)),
    Move.UNKNOWN: Answered(LATER, Unknown("read timeout"), 1),
    Move.PROVED_PAID: Resolved(LATER, PAID, "Lin", "row 7 of the bill"),
    Move.PROVED_FAILED: Resolved(LATER, FINAL, "Lin", "row 7 of the bill"),
    Move.PROVED_REFUNDED: Resolved(
        LATER, Refunded(NUMBER, AT), "Lin", "row 7 of the bill"
    ),
}


def standing(state: State) -> PayoutRecord:
    """Return ada's payout in a state."""
    return attrs.evolve(opened(), state=state, fence=1, posted=3)


# What the provider's pages say that each of its words means.
PACKET_WORDS = {
    "SENDING": "accepted",
    "SENT": "awaiting_user",
    "RECEIVED": "paid",
    "FAILED": "failed",
    # The money is on its way back, and has not come.
    "RFUND_ING": "awaiting_user",
    "REFUND": "expired_refunded",
}
TRANSFER_WORDS = {
    "ACCEPTED": "accepted",
    "PROCESSING": "accepted",
    "WAIT_USER_CONFIRM": "awaiting_user",
    "TRANSFERING": "accepted",
    "SUCCESS": "paid",
    "FAIL": "failed",
    # It may be paid yet.
    "CANCELING": "accepted",
    "CANCELLED": "cancelled",
}


# --- the number -----------------------------------------------------------------------


def test_a_number_fits_both_ways_to_pay() -> None:
    """At most 28 ASCII letters and digits, for red packets and transfers alike."""
    number = bill_number(MERCHANT, "spring", "ada", "rung:3")

    assert 28 == len(number)
    assert re.fullmatch("1900000109[0-9a-z]{18}", number)
    assert number == bill_number(MERCHANT, "spring", "ada", "rung:3", 0)


def test_a_number_is_the_same_for_ever() -> None:
    """On another machine, in another process, from a restored backup."""
    first, second = (
        bill_number(MERCHANT, "spring", "ada", "rung:3", generation)
        for generation in range(2)
    )

    assert "1900000109i2oxzc5x9vu560lvef" == first
    assert "19000001096x4x2wx8evve0q29dv" == second


@given(
    st.tuples(IDS, IDS, IDS, st.integers(0, 3)),
    st.tuples(IDS, IDS, IDS, st.integers(0, 3)),
)
def test_two_rewards_never_share_a_number(
    one: tuple[str, str, str, int], other: tuple[str, str, str, int]
) -> None:
    """Not even where the names run into each other."""
    same = bill_number(MERCHANT, *one) == bill_number(MERCHANT, *other)

    assert (one == other) is same


@pytest.mark.parametrize("merchant", ["190000010", "19000001099", "19000001O9", 19])
def test_a_merchant_has_ten_digits(merchant: Any) -> None:
    """Whatever else would make another number."""
    with pytest.raises(InvalidInputError, match="ten digits"):
        bill_number(merchant, "spring", "ada", "rung:3")


def test_a_record_has_the_number_that_its_names_make() -> None:
    """No adapter and no import invents one."""
    record = opened()
    wrong = attrs.evolve(record.payout, number="1900000109x")

    with pytest.raises(InvalidInputError, match="which merchant, campaign"):
        attrs.evolve(record, payout=wrong)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Payout("a-b", "c", "u", "o", Cash(1)), "ASCII letters"),
        (lambda: Payout("a" * 29, "c", "u", "o", Cash(1)), "1 to 28"),
        (lambda: Payout("a", "c", "u", "", Cash(1)), "recipient"),
        (lambda: Payout("a", "c", "u", "o", 800), "a reward"),  # type: ignore[arg-type]
        (lambda: Payout("a", "c", "u", "o", Cash(1), -1), "at least 0"),
        (lambda: Paid("a", AT, "r", True), "a whole number"),
        (lambda: Paid("a", AT.replace(tzinfo=None), "r", 1), "aware"),
        (lambda: Refused("a", "X", final=1, action="mend"), "True or False"),  # type: ignore[arg-type]
        (lambda: Refused("a", "X", final=True, action="hope"), "action"),  # type: ignore[arg-type]
        (lambda: AwaitingUser("a", LATER, AT), "not before"),
        (lambda: attrs.evolve(opened(), state="paid"), "a State"),  # type: ignore[arg-type]
        (lambda: attrs.evolve(opened(), attempts=-1), "at least 0"),
    ],
)
def test_what_breaks_a_rule_is_refused(make: Any, rule: str) -> None:
    """The message names field and rule."""
    with pytest.raises(InvalidInputError, match=rule):
        make()


@pytest.mark.parametrize(
    "value",
    [
        opened().payout,
        opened(Coupon("9867")),
        attrs.evolve(standing(State.PARKED), rooms=("user:ada",), submitted=AT),
        PAID,
        FINAL,
        Accepted(NUMBER, AT),
        AwaitingUser(NUMBER, AT, LATER),
        Refunded(NUMBER, AT),
        Cancelled(NUMBER, AT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_records_and_answers_can_be_kept(value: object) -> None:
    """What is written is read."""
    assert value == load(dump(value))


# --- every state and every move -------------------------------------------------------


@pytest.mark.parametrize("move", Move)
def test_each_event_comes_down_to_its_move(move: Move) -> None:
    """The table of this test covers all of them."""
    assert move is move_of(opened().payout, EVENTS[move])


@pytest.mark.parametrize(("state", "move"), list(itertools.product(State, Move)))
def test_every_state_takes_a_move_or_says_what_it_takes(
    state: State, move: Move
) -> None:
    """No pair is left undecided, and what is posted takes money from seat to seat."""
    record = standing(state)
    if move not in TRANSITIONS[state]:
        with pytest.raises(IllegalTransitionError, match=f"in state {state.value}"):
            advance(record, EVENTS[move])
        return
    target = TRANSITIONS[state][move]

    changed, entry = advance(record, EVENTS[move])

    assert target is changed.state
    if changed == record:
        assert state is target
    if entry is None:
        assert SEATS[state] is SEATS[target]
    else:
        assert record.posted + 1 == changed.posted
        moved = {posting.account.role: posting.amount for posting in entry.postings}
        assert 800 == moved[SEATS[target] or Role.BUDGET]


def test_unknown_is_left_only_by_what_the_provider_tells_about_the_number() -> None:
    """Or to a person; a refused second request is told of the second alone."""
    told = {Move.PAID, Move.FAILED, Move.ACCEPTED, Move.AWAITING}
    told |= {Move.REFUNDED, Move.CANCELLED, Move.PARKED}

    leads_out = {
        move
        for move, target in TRANSITIONS[State.UNKNOWN].items()
        if target is not State.UNKNOWN
    }

    assert told == leads_out


def test_parked_is_left_only_by_a_person() -> None:
    """And whoever leaves it says what he has seen."""
    leads_out = {
        move
        for move, target in TRANSITIONS[State.PARKED].items()
        if target is not State.PARKED
    }

    assert {Move.PROVED_PAID, Move.PROVED_FAILED, Move.PROVED_REFUNDED} == leads_out
    changed, _ = advance(standing(State.PARKED), EVENTS[Move.PROVED_PAID])
    assert ("Lin", "row 7 of the bill") == (changed.by, changed.evidence)


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("state", State)
def test_only_what_surely_failed_gets_another_number(
    state: State, confirmed: bool
) -> None:
    """Everything else might pay twice."""
    record = attrs.evolve(standing(state), attempts=1, confirmed=confirmed)
    if not (state in OVER and confirmed):
        with pytest.raises(InvalidInputError, match="pays twice"):
            renew(record, LATER)
        return

    new = renew(record, LATER, recipient="openid-2")

    assert bill_number(MERCHANT, "spring", "ada", "rung:3", 1) == new.payout.number
    assert (State.HELD, 0, 1) == (new.state, new.posted, new.payout.generation)
    assert "openid-2" == new.payout.recipient
    assert new == renew(record, LATER, recipient="openid-2")


def test_what_was_never_asked_of_the_provider_can_be_renewed() -> None:
    """A reward that was called off before its first request."""
    record, _ = advance(opened(), Voided(LATER, "withdrawn"))

    assert record.renewable


@pytest.mark.parametrize(
    ("move", "confirmed"),
    [
        (Move.REFUSED, False),
        (Move.AWAITING, False),
        (Move.UNKNOWN, False),
        (Move.FAILED, True),
        (Move.CANCELLED, True),
        (Move.PROVED_FAILED, True),
    ],
)
def test_a_failure_is_confirmed_by_a_query_or_a_person(
    move: Move, confirmed: bool
) -> None:
    """A refused request tells of that request; nothing is posted either way."""
    record = attrs.evolve(standing(State.FAILED), attempts=1)

    changed, entry = advance(record, EVENTS[move])

    assert (State.FAILED, confirmed) == (changed.state, changed.renewable)
    assert entry is None
    assert (changed, None) == advance(changed, EVENTS[move])


def test_an_unfunded_payout_says_what_is_short_now() -> None:
    """The latest reason counts."""
    record, _ = advance(opened(), Short(LATER, "spring/budget"))

    again, _ = advance(record, Short(LATER, "spring/room/user:ada"))

    assert "spring/room/user:ada" == again.because


# --- facts, guesses, and answers about something else ---------------------------------


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (PAID, State.PAID),
        (FINAL, State.FAILED),
        (Accepted(NUMBER, AT), State.ACCEPTED),
        (BUSY, State.SUBMITTING),
        (Unknown("read timeout"), State.SUBMITTING),
    ],
)
def test_a_lost_lease_tells_facts_and_no_guesses(outcome: Any, state: State) -> None:
    """A fact holds whoever tells it; a guess only by the latest lease."""
    record = attrs.evolve(standing(State.SUBMITTING), fence=2)

    changed, _ = advance(record, Answered(LATER, outcome, 1))

    assert state is changed.state


@pytest.mark.parametrize("fence", [0, 1, 3])
def test_only_the_latest_lease_may_guess(fence: int) -> None:
    """Neither an older one nor one that was never given."""
    record = attrs.evolve(standing(State.SUBMITTING), fence=2)

    for outcome in (BUSY, Unknown("read timeout")):
        assert (record, None) == advance(record, Answered(LATER, outcome, fence))


@pytest.mark.parametrize("outcome", [Unknown("read timeout"), BUSY, FINAL])
def test_what_has_arrived_is_in_no_doubt_again(outcome: Any) -> None:
    """A notice came first, and then the answer to the request that it was about."""
    paid, _ = advance(standing(State.SUBMITTING), Queried(AT, PAID))

    assert State.PAID is paid.state
    assert (paid, None) == advance(paid, Answered(LATER, outcome, paid.fence))


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNKNOWN])
def test_a_number_that_is_not_found_has_not_failed(state: State) -> None:
    """A query that finds nothing says nothing of a request that is on its way."""
    nothing = Refused(NUMBER, "NOT_FOUND", final=False, action="retry")

    changed, _ = advance(standing(state), Queried(LATER, nothing))

    assert State.UNKNOWN is changed.state


def test_a_record_keeps_the_instant_of_its_first_request() -> None:
    """From then on the money may have left."""
    first, _ = advance(standing(State.RESERVED), Leased(AT))
    lost, _ = advance(first, Answered(AT, Unknown("read timeout"), 2))

    again, _ = advance(lost, Leased(LATER))

    assert (AT, 2) == (again.submitted, again.attempts)


@pytest.mark.parametrize(
    "outcome",
    [
        Paid("1900000109other", AT, "wx1", 800),
        Paid(NUMBER, AT, "wx1", 799),
        Paid(NUMBER, AT, "wx1", 0),
        attrs.evolve(FINAL, number="1900000109other"),
    ],
)
def test_an_answer_about_something_else_is_unknown(outcome: Any) -> None:
    """A success of another number or amount must not be booked."""
    for event in (Answered(LATER, outcome, 1), Queried(LATER, outcome)):
        changed, _ = advance(standing(State.SUBMITTING), event)

        assert State.UNKNOWN is changed.state


def test_a_cancelled_request_is_no_cancelled_number() -> None:
    """While an earlier request may have been paid, only a query tells."""
    cancelled = Cancelled(NUMBER, AT)

    by_request, _ = advance(standing(State.UNKNOWN), Answered(LATER, cancelled, 1))
    by_query, _ = advance(standing(State.UNKNOWN), Queried(LATER, cancelled))

    assert (State.UNKNOWN, State.CANCELLED) == (by_request.state, by_query.state)


def test_rewards_without_money_are_paid_without_an_amount() -> None:
    """Points and coupons have no fen to compare."""
    record = attrs.evolve(opened(Points(5)), state=State.SUBMITTING, fence=1)

    changed, entry = advance(record, Answered(LATER, Paid(NUMBER, AT, "", 0), 1))

    assert State.PAID is changed.state
    assert entry is not None
    assert {"points"} == {posting.unit for posting in entry.postings}


def test_money_that_arrives_after_its_release_stands_in_suspense() -> None:
    """It is booked all the same, and the books say that nothing was held for it."""
    changed, entry = advance(standing(State.FAILED), EVENTS[Move.PAID])

    assert State.PAID is changed.state
    assert entry is not None
    assert "late" == entry.because
    assert [(Role.SUSPENSE, -800), (Role.PAID, 800)] == [
        (posting.account.role, posting.amount) for posting in entry.postings
    ]


def test_a_second_request_goes_under_the_same_number() -> None:
    """Unknown stays unknown meanwhile."""
    again, entry = advance(standing(State.UNKNOWN), Leased(LATER))

    assert (State.UNKNOWN, 2, NUMBER) == (
        again.state,
        again.fence,
        again.payout.number,
    )
    assert entry is None


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (Voided(LATER, " "), "told in words"),
        (Leased(LATER.replace(tzinfo=None)), "aware"),
        (Answered(LATER, PAID, -1), "fence"),
        (Answered(LATER, "SUCCESS", 1), "an answer of a provider"),  # type: ignore[arg-type]
        (Resolved(LATER, PAID, "", "row 7"), "event.by"),
        (Resolved(LATER, PAID, "Lin", ""), "event.evidence"),
        (Resolved(LATER, BUSY, "Lin", "row 7"), "a final Refused"),
        (Resolved(LATER, attrs.evolve(PAID, fen=1), "Lin", "row 7"), "whole amount"),
        ("paid", "an event of a payout"),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused(event: Any, rule: str) -> None:
    """Nothing happens to the payout."""
    with pytest.raises(InvalidInputError, match=rule):
        advance(standing(State.SUBMITTING), event)


# --- the provider's words -------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "word", "state"),
    [
        *((RED_PACKET_STATES, word, State(to)) for word, to in PACKET_WORDS.items()),
        *((TRANSFER_STATES, word, State(to)) for word, to in TRANSFER_WORDS.items()),
        *((RED_PACKET_STATES, word, State.UNKNOWN) for word in ("", "sent", None, 7)),
        *((TRANSFER_STATES, word, State.UNKNOWN) for word in ("NOT_FOUND", "TRANSFER")),
    ],
)
def test_a_providers_word_leads_to_its_state(
    states: Any, word: object, state: State
) -> None:
    """What is not in the table is unknown, for ever."""
    outcome = outcome_of(
        states, word, number=NUMBER, at=AT, fen=800, receipt="wx1", expires=LATER
    )

    changed, _ = advance(standing(State.UNKNOWN), Queried(LATER, outcome))

    assert state is changed.state


def test_every_word_of_a_provider_has_a_meaning() -> None:
    """And no other word has one."""
    assert PACKET_WORDS.keys() == RED_PACKET_STATES.keys()
    assert TRANSFER_WORDS.keys() == TRANSFER_STATES.keys()


@pytest.mark.parametrize(
    "told",
    [{"number": "no number!"}, {"fen": "800"}, {"fen": -1}, {"receipt": "\x00"}],
)
def test_garbage_beside_a_known_word_is_unknown(told: dict[str, Any]) -> None:
    """A proxy's page, or a body cut short, proves nothing."""
    given_back: dict[str, Any] = {"number": NUMBER, "fen": 800, "receipt": ""} | told

    assert isinstance(
        outcome_of(TRANSFER_STATES, "SUCCESS", at=AT, **given_back), Unknown
    )


def test_a_naive_clock_is_the_callers_mistake() -> None:
    """It is refused, not taken for an answer."""
    with pytest.raises(InvalidInputError, match="aware"):
        outcome_of(
            TRANSFER_STATES, "SUCCESS", number=NUMBER, at=AT.replace(tzinfo=None), fen=1
        )


def test_asked_states_are_those_whose_end_is_not_known() -> None:
    """Exactly these are to be queried."""
    assert {"submitting", "accepted", "awaiting_user", "unknown", "parked"} == {
        state.value for state in ASKED
    }
