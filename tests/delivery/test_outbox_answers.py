"""What becomes of a letter by what came back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest

from tests.delivery.boxes import (
    HOUR,
    MINUTE,
    MONEY,
    NOON,
    NUMBER,
    PAYOUT,
    POLICY,
    SECOND,
    TIMEOUT,
    answered,
    begun,
    chance,
    filled,
    letter,
    sent,
    told,
)
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Suppression, lift
from wxengage.delivery.outbox.checkup import health
from wxengage.delivery.outbox.leasing import Request, lease, next_due
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.recording import Answered, record, revive, settle
from wxengage.delivery.outbox.states import (
    State,
)
from wxengage.delivery.outcomes import NotSent
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Paid,
    Refunded,
    Refused,
)
from wxengage.delivery.ports import Letter
from wxengage.errors import InvalidInputError
from wxengage.money import Coupon
from wxengage.sends import Sent

# Answers to messages.


def test_a_message_that_went_is_the_users_history() -> None:
    """With its receipt."""
    _, row = answered(filled(letter()), sent(letter(), NOON + SECOND))

    assert (State.SENT, "r1", sent(letter(), NOON + SECOND)) == (
        row.state,
        row.receipt,
        row.touch,
    )


@pytest.mark.parametrize(
    ("answer", "state", "failures"),
    [
        (NotSent("-1", "retry"), State.DUE, 1),
        (NotSent("45009", "wait"), State.DUE, 0),
        (NotSent("40001", "stop"), State.DUE, 0),
        (NotSent("45015", "drop"), State.DROPPED, 0),
        (NotSent("48002", "suppress"), State.DROPPED, 0),
        (NotSent("47003", "mend"), State.DEAD, 0),
        (TIMEOUT, State.MAYBE_SENT, 1),
    ],
)
def test_an_answer_says_what_becomes_of_a_letter(
    answer: Any, state: State, failures: int
) -> None:
    """And what is no letter's fault burns none of its attempts."""
    box, row = answered(filled(letter()), answer)

    assert (state, failures) == (row.state, row.failures)
    assert (state is State.MAYBE_SENT) == (row.touch is not None)
    assert (1, state is State.MAYBE_SENT) == (
        len(box),
        health(box, NOON).in_doubt == 1,
    )


@pytest.mark.parametrize(
    ("answer", "at"),
    [
        (NotSent("x", "wait", until=NOON + 7 * MINUTE), NOON + 7 * MINUTE),
        (NotSent("45011", "wait"), NOON + MINUTE),
        # Shanghai's midnight.
        (NotSent("45009", "wait"), NOON + 4 * HOUR),
        (NotSent("43117", "wait"), NOON + 4 * HOUR),
    ],
)
def test_a_letter_waits_for_the_quotas_next_period(
    answer: NotSent, at: dt.datetime
) -> None:
    """Or for the instant that the provider names."""
    box, _ = answered(filled(letter()), answer)

    assert at == next_due(box, NOON)
    assert () == lease(box, at - dt.timedelta(microseconds=1))[1]
    assert 1 == len(lease(box, at)[1])


def test_retries_pause_longer_each_time_and_end() -> None:
    """With chance from the caller, and a dead letter at the end."""
    policy = OutboxPolicy(backoff=Backoff(10 * SECOND), attempts=4, trips_after=99)
    box, now, pauses = filled(letter(), policy=policy), NOON, []
    for _ in range(3):
        box, _ = answered(box, NotSent("busy", "retry"), now)
        due = next_due(box, now)
        assert due is not None
        pauses.append((due - now) / SECOND)
        now = due
    box, row = answered(box, NotSent("busy", "retry"), now)

    assert [True] * 3 == [5 <= pause / 2**n <= 10 for n, pause in enumerate(pauses)]
    assert (State.DEAD, None) == (row.state, next_due(box, now))
    box, request, _ = begun(revive(box, row.key, now), now)
    assert request == Request("send", letter())


def test_who_refuses_messages_gets_no_more_of_them() -> None:
    """On that channel, until somebody lifts it."""
    box, _ = answered(
        filled(letter(), letter(name="s2"), letter("app", "s3")),
        NotSent("48002", "suppress"),
    )
    box, request, _ = begun(box)
    assert request is None
    assert "suppressed" == box.row(letter(name="s2").key).code
    _, request, _ = begun(box)
    assert request == Request("send", letter("app", "s3"))
    stop = Suppression("", "customer_message", "ada")
    assert {stop} == box.suppressed
    assert frozenset() == lift(box, stop).suppressed


def test_a_message_without_a_key_is_never_repeated() -> None:
    """It may have gone; a later fact or a person decides, and nobody else."""
    box, row = answered(filled(letter()), TIMEOUT)

    assert (State.MAYBE_SENT, ()) == (row.state, lease(box, NOON + 9000 * HOUR)[1])
    late = record(box, row.key, row.fence, sent(letter()), NOON, rng=chance())
    assert State.SENT is late.row(row.key).state
    missing = settle(box, row.key, NotSent("checked", "retry"), NOON)
    assert (State.DUE, None) == (missing.row(row.key).state, missing.row(row.key).touch)
    assert 1 == len(lease(missing, NOON)[1])


def test_a_message_with_a_key_is_asked_about_and_then_sent_under_the_same_key() -> None:
    """Query, then the same again, for as long as the provider remembers the key."""
    box, _ = answered(filled(letter("mass_send")), TIMEOUT)
    asked = []
    now = NOON
    for _ in range(3):
        now += HOUR
        box, request, fence = begun(box, now)
        assert request is not None
        asked.append(request.how)
        key = request.letter.key
        box = record(box, key, fence, TIMEOUT, now, rng=chance())
        assert letter("mass_send").key == key

    assert ["query", "send", "query"] == asked
    box, request, _ = begun(box, NOON + 24 * HOUR - POLICY.lease_for + SECOND)
    assert request is None
    assert ("maybe_sent", "read timeout") == told(box)


def test_the_last_moment_of_a_key_leaves_time_for_a_request() -> None:
    """A request takes at most a lease."""
    box, _ = answered(filled(letter("mass_send")), TIMEOUT)
    box, _ = answered(box, TIMEOUT, NOON + HOUR)

    _, request, _ = begun(box, NOON + 24 * HOUR - POLICY.lease_for)
    assert request == Request("send", letter("mass_send"))


def test_an_answer_to_a_question_ends_the_doubt() -> None:
    """It went, or it surely did not and goes now."""
    box, _ = answered(filled(letter("mass_send")), TIMEOUT)
    _, went = answered(box, sent(letter("mass_send")), NOON + HOUR)
    again, never = answered(box, NotSent("never_seen", "retry"), NOON + HOUR)

    assert (State.SENT, State.DUE) == (went.state, never.state)
    assert (None, None) == (went.doubt_since, never.touch)
    assert {} == dict(again.breakers)


@pytest.mark.parametrize(
    "answer",
    [NotSent("-1", "retry"), NotSent("45009", "wait"), NotSent("x", "stop"), TIMEOUT],
)
def test_a_question_that_is_refused_says_nothing_about_the_letter(answer: Any) -> None:
    """A limit on questions is no word about the message."""
    box, _ = answered(filled(letter("mass_send")), TIMEOUT)
    _, row = answered(box, answer, NOON + HOUR)

    assert (State.UNKNOWN, False) == (row.state, row.touch is None)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (NotSent("-1", "retry"), State.UNKNOWN),
        (NotSent("45011", "wait"), State.UNKNOWN),
        (NotSent("43004", "drop"), State.MAYBE_SENT),
        (NotSent("47003", "mend"), State.MAYBE_SENT),
    ],
)
def test_a_refused_repetition_leaves_the_earlier_doubt(
    answer: NotSent, state: State
) -> None:
    """The second request did not go; the first may have."""
    box, _ = answered(filled(letter("mass_send")), TIMEOUT)
    box, _ = answered(box, TIMEOUT, NOON + HOUR)
    _, row = answered(box, answer, NOON + 2 * HOUR)

    assert (state, False) == (row.state, row.touch is None)


def test_guesses_need_the_fence_and_facts_do_not() -> None:
    """An old worker's silence is nothing; its receipt is everything."""
    box, _, fence = begun(filled(letter("mass_send")))
    box, request, newer = begun(box, NOON + HOUR)
    key = letter("mass_send").key

    assert (1, 2) == (fence, newer)
    assert request == Request("query", letter("mass_send"))
    for guess in (TIMEOUT, NotSent("-1", "retry"), NotSent("47003", "mend")):
        assert box is record(box, key, fence, guess, NOON + HOUR, rng=chance())
    fact = record(box, key, fence, sent(letter("mass_send")), NOON, rng=chance())
    assert State.SENT is fact.row(key).state
    for guess in (TIMEOUT, NotSent("-1", "retry")):
        assert fact is record(fact, key, newer, guess, NOON + HOUR, rng=chance())


def test_a_late_refusal_of_the_only_request_ends_its_doubt() -> None:
    """Nobody else has asked since."""
    box, _, fence = begun(filled(letter()))
    box, _ = lease(box, NOON + HOUR)
    late = NotSent("-1", "retry")
    box = record(box, letter().key, fence, late, NOON + HOUR, rng=chance())

    assert ("due", "-1") == told(box)


@pytest.mark.parametrize(
    "answer",
    [
        Sent.of(letter(name="s2", user="bob").send, NOON),
        sent(letter(name="s2")),
    ],
)
def test_an_answer_that_names_another_message_is_none(answer: Sent) -> None:
    """A provider that mixes them up has said nothing about this one."""
    _, row = answered(filled(letter()), answer)

    assert (State.MAYBE_SENT, "the answer names another message") == (
        row.state,
        row.code,
    )


# Answers about payouts.


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Paid(NUMBER, NOON, "r1", 800), State.SENT),
        (Paid(NUMBER, NOON, "r1", 900), State.UNKNOWN),
        (Paid("1900000109abd", NOON, "r1", 800), State.UNKNOWN),
        (Refused(NUMBER, "x", final=True, action="drop"), State.DROPPED),
        (Refused(NUMBER, "NOTENOUGH", final=False, action="stop"), State.DUE),
        (Refused(NUMBER, "FREQ_LIMIT", final=False, action="wait"), State.DUE),
        (Refused(NUMBER, "x", final=False, action="retry"), State.DUE),
        (Refused(NUMBER, "x", final=False, action="mend"), State.DEAD),
        (Accepted(NUMBER, NOON), State.ACCEPTED),
        (AwaitingUser(NUMBER, NOON, None), State.ACCEPTED),
        (Refunded(NUMBER, NOON), State.DROPPED),
        (Cancelled(NUMBER, NOON), State.DROPPED),
        (TIMEOUT, State.UNKNOWN),
    ],
)
def test_an_answer_says_what_becomes_of_a_payout(answer: Any, state: State) -> None:
    """Never maybe: a number can be asked about for ever."""
    _, row = answered(filled(MONEY), answer)

    assert (state, None) == (row.state, row.touch)


def test_an_accepted_payout_is_asked_about_until_it_is_settled() -> None:
    """And never paid again meanwhile, however often nobody can say."""
    box, _ = answered(filled(MONEY), Accepted(NUMBER, NOON))
    waits = AwaitingUser(NUMBER, NOON, None)
    later: list[Answered] = [TIMEOUT, waits, *[TIMEOUT] * 20]
    now = NOON
    for answer in later:
        now += 2 * HOUR
        box, request, fence = begun(box, now)
        assert request == Request("query", MONEY)
        box = record(box, NUMBER, fence, answer, now, rng=chance())
        assert State.ACCEPTED is box.row(NUMBER).state
        box = lift(box, *box.breakers) if box.breakers else box
    _, row = answered(box, Refunded(NUMBER, now), now + 2 * HOUR)
    assert (State.DROPPED, "refunded") == (row.state, row.outcome)


def test_a_repetition_that_is_refused_does_not_unpay_the_first() -> None:
    """The payout is parked with its doubt, or asked about again."""
    box, _ = answered(filled(MONEY), TIMEOUT)
    box, _ = answered(box, TIMEOUT, NOON + HOUR)
    limit = Refused(NUMBER, "FREQ_LIMIT", final=False, action="wait")
    broken = Refused(NUMBER, "PARAM_ERROR", final=False, action="mend")
    _, waits = answered(box, limit, NOON + 2 * HOUR)
    parked, dead = answered(box, broken, NOON + 2 * HOUR)

    assert (State.UNKNOWN, State.DEAD) == (waits.state, dead.state)
    assert 1 == health(parked, NOON).in_doubt
    paid = settle(parked, NUMBER, Paid(NUMBER, NOON, "bill", 800), NOON + 3 * HOUR)
    assert State.SENT is paid.row(NUMBER).state


def test_a_payout_goes_by_the_kind_of_its_reward() -> None:
    """Money and coupons have senders of their own."""
    coupon = Letter(attrs.evolve(PAYOUT, reward=Coupon("stock")), NUMBER)

    assert ("payout:cash", "payout:coupon", "o1") == (
        MONEY.channel,
        coupon.channel,
        coupon.recipient,
    )
    assert PAYOUT == MONEY.payout
    with pytest.raises(InvalidInputError, match="a letter with a message"):
        _ = MONEY.send
    with pytest.raises(InvalidInputError, match="a letter with a payout"):
        _ = letter().payout
