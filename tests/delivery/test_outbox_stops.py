"""What an outbox leaves alone, how it rests, and how it is doing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.boxes import (
    HOUR,
    MINUTE,
    MONEY,
    NOON,
    NUMBER,
    PAYOUT,
    SECOND,
    TIMEOUT,
    answered,
    chance,
    filled,
    letter,
    sent,
)
from wxengage.codec import dump, load
from wxengage.delivery.actions import ACTIONS, action_of
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Outbox, Suppression, enqueue, lift
from wxengage.delivery.outbox.breakers import Breaker, Place, places_of
from wxengage.delivery.outbox.checkup import health
from wxengage.delivery.outbox.leasing import begin, lease, next_due
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.recording import record, revive, settle
from wxengage.delivery.outbox.rows import OutboxRow
from wxengage.delivery.outbox.states import State
from wxengage.delivery.outcomes import NotSent
from wxengage.delivery.payouts import Accepted, Cancelled, Refunded
from wxengage.delivery.ports import Letter
from wxengage.errors import IllegalTransitionError, InvalidInputError

if TYPE_CHECKING:
    from fractions import Fraction

# Breakers.


def three(message: str = "m") -> list[Letter]:
    """Return letters of one template, another template, and another channel."""
    return [
        letter("template_message", "a", message=message),
        letter("template_message", "b", message="other"),
        letter("customer_message", "c"),
    ]


@pytest.mark.parametrize(
    ("answer", "goes_on", "opens"),
    [
        # A template is stopped until somebody lifts it; the others go on.
        (NotSent("40037", "stop"), ["b", "c"], None),
        # A day's calls of one channel.
        (NotSent("45009", "wait"), ["c"], NOON + 4 * HOUR),
        (NotSent("45011", "wait"), ["c"], NOON + MINUTE),
        (NotSent("48001", "stop"), ["c"], None),
        # A ban stops everything; a token is tried again after a while.
        (NotSent("48004", "stop"), [], None),
        (NotSent("40001", "stop"), [], NOON + MINUTE),
        # What concerns the recipient, or the content, concerns nobody else.
        (NotSent("43117", "wait"), ["b", "c"], NOON + 4 * HOUR),
        (NotSent("48002", "suppress"), ["b", "c"], None),
        (NotSent("47003", "mend"), ["b", "c"], None),
        # A word that is none of WeChat's stops its channel for a while.
        (NotSent("SIGN_ERROR", "stop"), ["c"], NOON + MINUTE),
    ],
)
def test_an_answer_stops_what_it_reaches_and_no_more(
    answer: NotSent, goes_on: list[str], opens: dt.datetime | None
) -> None:
    """By the table of WeChat's codes."""
    box, row = answered(filled(*three()), answer)
    _, found = lease(box, NOON)

    assert goes_on == [box.row(key).letter.send.id for key, _ in found]
    only = box.with_rows(
        attrs.evolve(one, state=State.DROPPED)
        for key, one in box.rows.items()
        if key != row.key
    )
    if answer.code in {"45009", "45011", "43117", "40001", "SIGN_ERROR"}:
        due = next_due(only, NOON)
        assert due is not None
        assert opens is not None
        assert opens <= due
        assert row.key in [key for key, _ in lease(only, due)[1]]
    else:
        assert next_due(only, NOON) is opens


def test_a_stop_that_only_a_person_lifts_stays_until_lifted() -> None:
    """For years, and then at once."""
    box, row = answered(filled(*three()), NotSent("48004", "stop"))
    (place,) = box.breakers

    assert Place("account") == place
    assert () == lease(box, NOON + 9_000 * HOUR)[1]
    assert 3 == len(lease(lift(box, place), NOON + HOUR)[1])
    assert (0, 1) == (row.failures, len(health(box, NOON).troubles))


def test_a_channel_in_trouble_is_tried_with_one_letter() -> None:
    """Open after failures in a row, then half open, then closed or open for longer."""
    policy = OutboxPolicy(trips_after=2)
    box = filled(
        *(letter("app", str(n), user=f"u{n}") for n in range(9)), policy=policy
    )
    for _ in range(2):
        box, _ = answered(box, NotSent("busy", "retry"))
    assert () == lease(box, NOON)[1]
    half = NOON + MINUTE
    box, probe = lease(box, half)
    assert 1 == len(probe)
    assert () == lease(box, half)[1]

    box, _ = begin(box, *probe[0], half)
    worse = record(box, *probe[0], TIMEOUT, half, rng=chance())
    assert () == lease(worse, half + 2 * MINUTE - SECOND)[1]
    assert 1 == len(lease(worse, half + 2 * MINUTE)[1])
    well = record(box, *probe[0], sent(box.row(probe[0][0]).letter), half, rng=chance())
    assert ({}, 8) == (dict(well.breakers), len(lease(well, half)[1]))


def test_a_breaker_that_opens_holds_what_is_leased_already() -> None:
    """A batch in hand does not run into the wall one by one."""
    box, found = lease(filled(*three()), NOON)
    box, _ = begin(box, *found[0], NOON)
    box = record(box, *found[0], NotSent("48004", "stop"), NOON, rng=chance())
    box, request = begin(box, *found[1], NOON)

    assert request is None
    assert (State.DUE, None) == (
        box.row(found[1].key).state,
        box.row(found[1].key).lease_until,
    )


def test_an_answer_from_before_leaves_an_open_breaker_open() -> None:
    """It left before the trouble came."""
    box, found = lease(filled(*three()), NOON)
    for one in found[:2]:
        box, _ = begin(box, *one, NOON)
    box = record(box, *found[0], NotSent("40001", "stop"), NOON, rng=chance())
    good = sent(box.row(found[1].key).letter)
    box = record(box, *found[1], good, NOON, rng=chance())

    assert [Place("account")] == list(box.breakers)


def test_troubles_that_come_while_it_is_open_open_nothing_anew() -> None:
    """Letters that were on their way fail too, and the pause does not grow."""
    box, found = lease(filled(*three(), letter(name="d")), NOON)
    for one in found:
        box, _ = begin(box, *one, NOON)
    seen = []
    for one, code in zip(found, ("40001", "42001", "48004", "40001"), strict=True):
        box = record(box, *one, NotSent(code, "stop"), NOON, rng=chance())
        (breaker,) = box.breakers.values()
        seen.append((breaker.opened, breaker.failures, breaker.until is None))

    assert [(1, 1, False), (1, 2, False), (2, 3, True), (2, 4, True)] == seen


def test_a_breaker_is_not_frozen_by_a_clock_that_was_turned_back() -> None:
    """A pause that begins far in the future is over; a calendar's end is not."""
    paused, _ = answered(filled(*three()), NotSent("40001", "stop"))
    until, _ = answered(filled(*three()[:1]), NotSent("45009", "wait"))
    day = 24 * HOUR
    (pause,), (end,) = paused.breakers.values(), until.breakers.values()

    early = int((NOON - day).timestamp() * 10**6)
    assert ("half_open", "open") == (pause.stands(early), end.stands(early))


def test_payouts_are_no_part_of_a_banned_account() -> None:
    """They have one place: the way they are paid."""
    assert (Place("channel", "", "payout:cash"),) == places_of(MONEY)


@pytest.mark.parametrize(
    ("code", "action"),
    [
        *[(-1, "retry"), (45028, "wait"), (43101, "drop"), (99999, "mend")],
        *[(40003, "suppress"), (43019, "suppress"), (41030, "mend"), (87014, "mend")],
        *[(40037, "stop"), (40164, "stop"), (42001, "stop"), (45109, "stop")],
    ],
)
def test_a_code_says_what_to_do(code: int, action: str) -> None:
    """As the table has it."""
    assert action == action_of(code)
    assert action in ACTIONS


def test_a_duplicate_is_a_success() -> None:
    """45065 says that it has gone."""
    with pytest.raises(InvalidInputError, match="return Sent"):
        action_of(45065)


# Pauses.


@given(
    st.integers(1, 10**6),
    st.integers(1, 10**4),
    st.integers(1, 9),
    st.fractions(0, 1),
    st.integers(1, 10**6),
)
def test_a_pause_is_between_its_bounds(
    first: int, most: int, growth: int, jitter: Fraction, attempt: int
) -> None:
    """At most ``most``, and at least the share that is not left to chance."""
    longest = first + most
    backoff = Backoff(
        dt.timedelta(microseconds=first),
        most=dt.timedelta(microseconds=longest),
        growth=growth,
        jitter=jitter,
    )
    expected = min(first * growth ** min(attempt - 1, 40), longest)
    pause = backoff.pause(attempt, chance())

    assert expected == backoff.longest(attempt)
    assert expected * (1 - jitter) <= pause <= expected


# Health, keeping, bad input.


def test_health_counts_every_state() -> None:
    """And tells the oldest age and when there is something to do."""
    box, _ = answered(filled(letter(), letter(name="s2")), TIMEOUT)
    found = health(box, NOON + HOUR)

    assert ({"due": 1, "maybe_sent": 1}, 2) == (
        {state: n for state, n in found.counts.items() if n},
        sum(found.counts.values()),
    )
    assert (1, HOUR, NOON + HOUR) == (found.in_doubt, found.oldest, found.next_due)
    assert {state.value for state in State} == set(found.counts)
    assert (0, dt.timedelta(0)) == (
        health(Outbox(), NOON).in_doubt,
        health(Outbox(), NOON).oldest,
    )


@pytest.mark.parametrize("of", [letter("mass_send", not_before=NOON), MONEY])
def test_rows_and_breakers_are_kept_as_text(of: Letter) -> None:
    """A store writes them one by one."""
    box, row = answered(filled(of), TIMEOUT)
    _, breaker = next(iter(box.breakers.items()))

    for value in (row, breaker, box.policy, Suppression("", "app", "ada")):
        assert value == load(dump(value))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Outbox().row("x"), "key must be the key of a letter"),
        (lambda: Outbox(1), "policy must be"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: enqueue(Outbox(), ["x"], NOON), r"letters\[0\] must be a Letter"),  # type: ignore[list-item]  # the mistake under test
        (lambda: lease(Outbox(), NOON, limit=0), "limit must be at least 1"),
        (lambda: lease(Outbox(), NOON.replace(tzinfo=None)), "now must be"),
        (
            lambda: record(filled(MONEY), NUMBER, 1, TIMEOUT, NOON, rng=chance()),
            "fence must be at most 0",
        ),
        (
            lambda: answered(filled(letter()), Accepted("x", NOON)),
            "outcome must be one of Sent, NotSent, Unknown",
        ),
        (
            lambda: answered(filled(MONEY), NotSent("x", "drop")),
            "outcome must be one of Unknown, Paid",
        ),
        (lambda: settle(filled(letter()), letter().key, TIMEOUT, NOON), "for sure"),
        (lambda: lift(Outbox(), "x"), "what must be a Place"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: OutboxRow("x", 0, 0, 0, 0), "letter must be a Letter"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: OutboxRow(MONEY, -1, 0, 0, 0), "seq must be at least 0"),
        (lambda: OutboxRow(MONEY, 0, 0, 0, 0, state="due"), "state must be a State"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: OutboxRow(MONEY, 0, 0, 0, 0, code=1), "code must be a text"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: Breaker("x"), "place must be a Place"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: Place("galaxy"), "scope must be"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: NotSent("x", "drop", until=NOON), "until must be None"),
        (lambda: Letter(PAYOUT, "x"), "key must be the payout's number"),
        (lambda: OutboxPolicy(attempts=0), "attempts must be at least 1"),
        (lambda: OutboxPolicy(keyed={"a": HOUR * 0}), r"keyed\['a'\] must be"),
        (lambda: OutboxPolicy(ordered=["a"]), "ordered must be a tuple"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: OutboxPolicy(backoff=1), "backoff must be a Backoff"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: OutboxPolicy(clock=1), "clock must be a DayClock"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: Backoff(HOUR, most=MINUTE), "most must be at least the first"),
        (lambda: Backoff(jitter=0.5), "jitter must be a Fraction"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: Backoff().longest(0), "attempt must be at least 1"),
    ],
)
def test_bad_input_is_named(wrong: Any, message: str) -> None:
    """Before anything moves."""
    with pytest.raises(InvalidInputError, match=message):
        wrong()


def test_only_a_dead_letter_is_revived_and_what_went_cannot_not_have() -> None:
    """A machine says what it takes."""
    box, row = answered(filled(letter()), sent(letter()))

    with pytest.raises(IllegalTransitionError, match="it is over"):
        revive(box, row.key, NOON)
    with pytest.raises(IllegalTransitionError, match="does not take DROP"):
        settle(box, row.key, NotSent("failed", "drop"), NOON)
    assert box == settle(box, row.key, sent(letter()), NOON)
    back, _ = answered(filled(MONEY), Refunded(NUMBER, NOON))
    assert back == settle(back, NUMBER, Cancelled(NUMBER, NOON), NOON)
    assert "Outbox(1 letters)" == repr(back)
