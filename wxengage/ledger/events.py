"""What may happen to a payout (打款事件), and what it comes down to.

An answer to a request to pay is about that request; an answer to a query is about
the number. A refusal means something else in each of the two.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import Final, TypeAlias, get_args

import attrs

from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Fulfilment,
    Paid,
    Payout,
    Refunded,
    Refused,
)
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.ledger.states import Move
from wxengage.money import Cash
from wxengage.times.zones import micros

__all__ = [
    "Answered",
    "Funded",
    "Leased",
    "Parked",
    "PayoutEvent",
    "Queried",
    "Resolved",
    "Short",
    "Voided",
    "move_of",
    "require_kind",
]


@attrs.frozen
class Funded:
    """Its money can be set aside, and room in these limits taken (预算已占用)."""

    at: dt.datetime
    rooms: tuple[str, ...] = ()


@attrs.frozen
class Short:
    """The budget or a limit has no room for it (预算不足)."""

    at: dt.datetime
    because: str


@attrs.frozen
class Voided:
    """It is called off before it was submitted (作废)."""

    at: dt.datetime
    because: str


@attrs.frozen
class Leased:
    """Somebody is about to send the request (领取待发)."""

    at: dt.datetime


@attrs.frozen
class Answered:
    """The provider answered a request to pay, or did not (支付应答).

    ``fence`` is that of the record after it was leased. A lease that ran out is
    answered with ``Unknown``.
    """

    at: dt.datetime
    outcome: Fulfilment
    fence: int


@attrs.frozen
class Queried:
    """The provider told what became of the number (查单结果): a query, or a notice."""

    at: dt.datetime
    outcome: Fulfilment


@attrs.frozen
class Parked:
    """Asking leads nowhere: a person has to look (转人工)."""

    at: dt.datetime
    because: str


@attrs.frozen
class Resolved:
    """A person has seen evidence (人工核实): a row of the bill, say.

    ``outcome`` is ``Paid``, a final ``Refused`` or ``Refunded``.
    """

    at: dt.datetime
    outcome: Paid | Refused | Refunded
    by: str
    evidence: str


#: What may happen to a payout.
PayoutEvent: TypeAlias = (
    Funded | Short | Voided | Leased | Answered | Queried | Parked | Resolved
)
_PLAIN: Final = {
    Funded: Move.FUNDED,
    Short: Move.SHORT,
    Voided: Move.VOIDED,
    Leased: Move.LEASED,
    Parked: Move.PARKED,
}
_TOLD: Final = {
    Paid: Move.PAID,
    Accepted: Move.ACCEPTED,
    AwaitingUser: Move.AWAITING,
    Refunded: Move.REFUNDED,
    Cancelled: Move.CANCELLED,
    Unknown: Move.UNKNOWN,
}
_PROVED: Final = {
    Paid: Move.PROVED_PAID,
    Refused: Move.PROVED_FAILED,
    Refunded: Move.PROVED_REFUNDED,
}
# What a person may have found out about a parked payout.
_PROOFS: Final = (Paid, Refused, Refunded)


def require_kind(name: str, got: object, kind: type) -> None:
    """Raise unless a value is of a type."""
    if not isinstance(got, kind):
        raise InvalidInputError(name, got, f"a {kind.__name__}")


def _require_event(event: object) -> None:
    if not isinstance(event, get_args(PayoutEvent)):
        raise InvalidInputError("event", event, "an event of a payout")
    micros("event.at", event.at)
    if isinstance(event, Short | Voided | Parked):
        _require_told("event.because", event.because)
    if isinstance(event, Answered):
        require_whole("event.fence", event.fence)
    if isinstance(event, Answered | Queried | Resolved) and not isinstance(
        event.outcome, get_args(Fulfilment)
    ):
        rule = "an answer of a provider"
        raise InvalidInputError("event.outcome", event.outcome, rule)
    if isinstance(event, Resolved):
        require_id("event.by", event.by)
        _require_told("event.evidence", event.evidence)


def _require_told(name: str, got: object) -> None:
    if not isinstance(got, str) or not got.strip():
        raise InvalidInputError(name, got, "told in words")


def move_of(payout: Payout, event: PayoutEvent) -> Move:
    """Return what an event comes down to.

    Parameters
    ----------
    payout
        The payout that it happened to.
    event
        What happened.

    Returns
    -------
    Move
        A success that names another number or another amount is no success, but
        unknown.

    Raises
    ------
    InvalidInputError
        If the event breaks a rule: an instant that is naive, a reason that is
        missing, a proof of something else.
    """
    _require_event(event)
    if isinstance(event, Resolved):
        return _proved(payout, event.outcome)
    if not isinstance(event, Answered | Queried):
        return _PLAIN[type(event)]
    if not _is_about(payout, event.outcome):
        return Move.UNKNOWN
    return _told(event.outcome, queried=isinstance(event, Queried))


def _told(outcome: Fulfilment, *, queried: bool) -> Move:
    """Return what an answer about the right number comes down to."""
    if isinstance(outcome, Refused) and not outcome.final:
        return Move.UNKNOWN if queried else Move.DEFERRED
    if isinstance(outcome, Refused):
        return Move.FAILED if queried else Move.REFUSED
    if isinstance(outcome, Cancelled | Refunded) and not queried:
        # Of the number, a request to pay tells only that it goes well.
        return Move.REFUSED
    return _TOLD[type(outcome)]


def _proved(payout: Payout, outcome: object) -> Move:
    final = not isinstance(outcome, Refused) or outcome.final
    if not isinstance(outcome, _PROOFS) or not final:
        rule = "Paid, Refunded or a final Refused"
        raise InvalidInputError("event.outcome", outcome, rule)
    if not _is_about(payout, outcome):
        rule = f"about number {payout.number} and its whole amount"
        raise InvalidInputError("event.outcome", outcome, rule)
    return _PROVED[type(outcome)]


def _is_about(payout: Payout, outcome: Fulfilment) -> bool:
    """Return whether an answer is about this number and, if paid, all of it."""
    if isinstance(outcome, Unknown):
        return True
    if isinstance(outcome, Paid) and isinstance(payout.reward, Cash):
        return (outcome.number, outcome.fen) == (payout.number, payout.reward.fen)
    return outcome.number == payout.number
