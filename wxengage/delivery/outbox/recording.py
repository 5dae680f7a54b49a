"""What becomes of a letter by what came back (回执入账).

Facts, that a message went or a payout was paid, refused for good or came back, hold
whoever tells them and however late. Guesses need the fence of the latest lease: an
old worker's time-out says nothing about a letter that somebody else has by now.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

import attrs

from wxengage.delivery.outbox.box import suppression_of
from wxengage.delivery.outbox.breakers import (
    Breaker,
    answer_of,
    places_of,
    trouble_of,
)
from wxengage.delivery.outbox.states import Signal, State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Paid,
    Refunded,
    Refused,
)
from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import Cash
from wxengage.sends import Send, Sent
from wxengage.times.periods import next_start
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import numpy as np

    from wxengage.delivery.actions import Action
    from wxengage.delivery.outbox.box import Outbox
    from wxengage.delivery.outbox.breakers import Place
    from wxengage.delivery.outbox.policy import OutboxPolicy
    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.delivery.ports import Letter
    from wxengage.times.periods import Period

__all__ = ["Answered", "record", "revive", "settle", "unasked"]

#: What holds whoever tells it.
Fact: TypeAlias = Sent | Paid | Refused | Refunded | Cancelled
#: What a sender may answer, about a message or a payout.
Answered: TypeAlias = Fact | NotSent | Unknown | Accepted | AwaitingUser
_OF_MESSAGES: Final = (Sent, NotSent, Unknown)
_NAMES: Final[dict[type, str]] = {
    Sent: "sent",
    NotSent: "not_sent",
    Unknown: "unknown",
    Paid: "paid",
    Refused: "refused",
    Accepted: "accepted",
    AwaitingUser: "awaiting_user",
    Refunded: "refunded",
    Cancelled: "cancelled",
}
_OF_PAYOUTS: Final = tuple(one for one in _NAMES if one not in {Sent, NotSent})
_OPEN: Final = frozenset({State.SENDING, State.ASKING})
#: Action -> what it does to a letter of which nothing has gone.
_WITHOUT_DOUBT: Final[dict[Action, Signal]] = {
    "retry": Signal.AGAIN,
    "wait": Signal.AGAIN,
    "stop": Signal.AGAIN,
    "drop": Signal.DROP,
    "suppress": Signal.DROP,
    "mend": Signal.DIE,
}
_CLEAR: Final[Mapping[str, Any]] = MappingProxyType(
    {"failures": 0, "doubt_since": None, "asked": False}
)
#: Retry of an answer -> the period whose end it waits for.
_PERIODS: Final[dict[str, Period]] = {
    "next_minute": "minute",
    "next_day": "day",
    "next_period": "day",
}


def record(
    outbox: Outbox,
    key: str,
    fence: int,
    outcome: Answered,
    now: dt.datetime,
    *,
    rng: np.random.Generator,
) -> Outbox:
    """Note what a sender answered (登记结果).

    Parameters
    ----------
    outbox
        The outbox.
    key, fence
        The lease under which it was asked.
    outcome
        The answer. One that names another message or payout is no answer.
    now
        When, aware.
    rng
        Chance, for the pause before another attempt.

    Returns
    -------
    Outbox
        With the letter moved, its recipient suppressed, and breakers opened or
        closed. The same outbox where the answer is no fact and comes too late.

    Raises
    ------
    InvalidInputError
        If there is no such letter, the fence was never given, or the outcome is
        none of a letter of that kind.
    """
    at, row = micros("now", now), outbox.row(key)
    require_whole("fence", fence, most=row.fence, hint="it was never given")
    outcome = _believed(row.letter, outcome)
    if _is_fact(outcome):
        after = _established(row, outcome, at)
    elif fence == row.fence and row.state in _OPEN:
        after = _guessed(row, outcome, at, outbox.policy, rng)
    elif fence == row.fence and isinstance(outcome, NotSent) and _in_one_doubt(row):
        after = _refused(row, outcome, at, outbox.policy, rng)
    else:
        return outbox
    harmless = _is_answer_to_question(row, outcome)
    breakers = _breakers(outbox, row.letter, outcome, at, harmless=harmless)
    return _noted(outbox, after, outcome).with_breakers(breakers)


def unasked(letter: Letter) -> NotSent | Refused:
    """Return the answer to a request that never left, for the lease had run out."""
    if isinstance(letter.body, Send):
        return NotSent("lease_ran_out", "wait")
    return Refused(letter.key, "lease_ran_out", final=False, action="wait")


def settle(outbox: Outbox, key: str, outcome: Answered, now: dt.datetime) -> Outbox:
    """Note what is known for sure, from a callback, a bill or a person (人工核实).

    Parameters
    ----------
    outbox
        The outbox.
    key
        The letter's key.
    outcome
        What is known. ``NotSent``, and ``Refused``, mean that nothing of it ever
        went: then it is to go again at once, or is given up, as the action says.
    now
        When, aware.

    Returns
    -------
    Outbox
        With the letter moved.

    Raises
    ------
    InvalidInputError
        If there is no such letter, or nothing is known for sure.
    IllegalTransitionError
        If the letter has gone, and cannot not have.
    """
    at, row = micros("now", now), outbox.row(key)
    outcome = _believed(row.letter, outcome)
    if _is_fact(outcome):
        after = _established(row, outcome, at)
    elif isinstance(outcome, NotSent | Refused):
        signal = _WITHOUT_DOUBT[outcome.action]
        after = _told(row, outcome).moved(signal, at, **_CLEAR)
    else:
        hint = "an answer that decides nothing belongs to record"
        raise InvalidInputError("outcome", outcome, "what is known for sure", hint)
    return _noted(outbox, after, outcome)


def revive(outbox: Outbox, key: str, now: dt.datetime) -> Outbox:
    """Bring a dead letter back: somebody has looked (死信重投).

    Parameters
    ----------
    outbox
        The outbox.
    key
        The letter's key.
    now
        When, aware.

    Returns
    -------
    Outbox
        With the letter due at once. One that may have gone is asked about first.

    Raises
    ------
    IllegalTransitionError
        If the letter is not dead.
    """
    at, row = micros("now", now), outbox.row(key)
    signal = Signal.REVIVE if row.doubt_since is None else Signal.DOUBT
    if row.state is not State.DEAD:
        signal = Signal.REVIVE
    after = row.moved(signal, at, failures=0, asked=False)
    return outbox.with_rows([after])


# What came back.


def _believed(letter: Letter, outcome: Answered) -> Answered:
    """Return the outcome; one about something else decides nothing."""
    body = letter.body
    fitting = _OF_MESSAGES if isinstance(body, Send) else _OF_PAYOUTS
    if not isinstance(outcome, fitting):
        names = ", ".join(one.__name__ for one in fitting)
        raise InvalidInputError("outcome", outcome, f"one of {names}")
    if isinstance(outcome, Sent):
        known = (outcome.key in {"", letter.key}) and outcome.user == letter.recipient
        return outcome if known else Unknown("the answer names another message")
    if isinstance(outcome, NotSent | Unknown):
        return outcome
    if outcome.number != letter.key:
        return Unknown("the answer names another number")
    if isinstance(outcome, Paid) and outcome.fen != _fen(letter):
        return Unknown("the answer names another amount")
    return outcome


def _fen(letter: Letter) -> int:
    reward = letter.payout.reward
    return reward.fen if isinstance(reward, Cash) else 0


def _is_fact(outcome: Answered) -> TypeGuard[Fact]:
    if isinstance(outcome, Refused):
        return outcome.final
    return isinstance(outcome, Sent | Paid | Refunded | Cancelled)


def _in_one_doubt(row: OutboxRow) -> bool:
    """Return whether the latest request is the only one that may have gone."""
    return row.state is State.MAYBE_SENT and row.doubt_since == row.began_at


def _is_answer_to_question(row: OutboxRow, outcome: Answered) -> bool:
    """Return whether a refusal says what became of a letter that was asked about."""
    # One of WeChat's own codes, or a wait, says that the question was refused.
    return (
        row.state is State.ASKING
        and isinstance(outcome, NotSent | Refused)
        and outcome.action not in {"wait", "stop"}
        and answer_of(outcome.code) is None
    )


# What it does to the letter.


def _established(row: OutboxRow, fact: Fact, at: int) -> OutboxRow:
    if row.state is State.SENT:
        return row
    if isinstance(fact, Sent | Paid):
        sent_at = micros("at", fact.at)
        return _told(row, fact).moved(
            Signal.GO, at, sent_at=sent_at, receipt=fact.receipt, **_CLEAR
        )
    if row.state is State.DROPPED:
        return row
    return _told(row, fact).moved(Signal.DROP, at, **_CLEAR)


def _guessed(
    row: OutboxRow,
    outcome: Answered,
    at: int,
    policy: OutboxPolicy,
    rng: np.random.Generator,
) -> OutboxRow:
    if isinstance(outcome, NotSent | Refused):
        return _refused(row, outcome, at, policy, rng)
    pause = at + policy.backoff.pause(row.attempts, rng)
    if isinstance(outcome, Unknown):
        return row.doubted(at, policy, outcome.because, pause=pause)
    return _told(row, outcome).moved(Signal.ACCEPT, at, next_at=pause, **_CLEAR)


def _refused(
    row: OutboxRow,
    outcome: NotSent | Refused,
    at: int,
    policy: OutboxPolicy,
    rng: np.random.Generator,
) -> OutboxRow:
    """Return the row after a request, or a question, that was refused."""
    told, action = _told(row, outcome), outcome.action
    signal = _WITHOUT_DOUBT[action]
    asking = row.state is State.ASKING
    changes: dict[str, Any] = dict(_CLEAR)
    if asking and not _is_answer_to_question(row, outcome):
        # The question was refused: nothing more is known than before.
        signal = Signal.ACCEPT if row.doubt_since is None else Signal.DOUBT
        changes = {}
    elif row.state is State.SENDING and row.doubt_since is not None:
        # This request did not go. An earlier one may have.
        lost = Signal.LOSE if isinstance(row.letter.body, Send) else Signal.DIE
        signal = Signal.DOUBT if signal is Signal.AGAIN else lost
        changes = {"asked": False}
    failures = row.failures + 1 if action == "retry" else row.failures
    changes |= {"failures": failures}
    if (
        action == "retry"
        and failures >= policy.attempts
        and signal is not Signal.ACCEPT
    ):
        signal = Signal.DIE
    if signal in {Signal.AGAIN, Signal.DOUBT, Signal.ACCEPT}:
        changes |= _pause(outcome, row, at, policy, rng)
    return told.moved(signal, at, **changes)


def _pause(
    outcome: NotSent | Refused,
    row: OutboxRow,
    at: int,
    policy: OutboxPolicy,
    rng: np.random.Generator,
) -> dict[str, int]:
    """Return until when a letter that was refused is left alone."""
    if outcome.action == "wait":
        if isinstance(outcome, NotSent) and outcome.until is not None:
            return {"not_before": micros("until", outcome.until)}
        answer = answer_of(outcome.code)
        if answer is not None and answer.retry in _PERIODS:
            period = _PERIODS[answer.retry]
            return {"not_before": next_start(period, at, policy.clock)}
    return {"next_at": at + policy.backoff.pause(row.attempts, rng)}


def _told(row: OutboxRow, outcome: Answered) -> OutboxRow:
    code = outcome.code if isinstance(outcome, NotSent | Refused) else ""
    return attrs.evolve(row, outcome=_NAMES[type(outcome)], code=code)


# What it does to others.


def _noted(outbox: Outbox, row: OutboxRow, outcome: Answered) -> Outbox:
    outbox = outbox.with_rows([row])
    if isinstance(outcome, NotSent | Refused) and outcome.action == "suppress":
        suppressed = outbox.suppressed | {suppression_of(row.letter)}
        return attrs.evolve(outbox, suppressed=suppressed)
    return outbox


def _breakers(
    outbox: Outbox, letter: Letter, outcome: Answered, at: int, *, harmless: bool
) -> dict[Place, Breaker]:
    breakers, policy = dict(outbox.breakers), outbox.policy
    code, action = "unknown", "unknown"
    if isinstance(outcome, NotSent | Refused):
        code, action = outcome.code, outcome.action
    elif not isinstance(outcome, Unknown):
        harmless = True
    trouble = None
    if not harmless:
        trouble = trouble_of(letter, code, action, at, policy)
    if trouble is not None:
        known = breakers.get(trouble.place) or Breaker(trouble.place)
        breakers[trouble.place] = known.after(trouble, at, policy)
        return breakers
    for place in places_of(letter):
        if place in breakers and breakers[place].stands(at) != "open":
            # It answers again. What is open stays open: this letter left before.
            del breakers[place]
    return breakers
