"""The states of a payout (打款状态), and what leads from one to another.

    held, unfunded -> reserved -> submitting -> accepted -> awaiting_user -> paid
                                     |  unknown -> parked
                                     failed, cancelled, expired_refunded

Three rules are told by the table alone. What may have been paid is *unknown*, and
only what the provider tells about the number leads out of there: a refusal of
another attempt does not, because it says nothing of the first one; a query does.
*Parked* is left by a person with evidence and by nobody else. And money that has
arrived is paid, whatever the books believed when the news came.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.ledger.accounts import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ASKED", "ENDS", "GUESSES", "OVER", "SEATS", "TRANSITIONS", "Move", "State"]


class State(enum.Enum):
    """Where a payout stands (打款状态)."""

    #: A guard looks at it; nothing is set aside.
    HELD = "held"
    #: The budget, or a limit, has no room for it.
    UNFUNDED = "unfunded"
    #: Its money is set aside.
    RESERVED = "reserved"
    #: One request is on its way, and every one before it was surely refused.
    SUBMITTING = "submitting"
    #: The provider works on it.
    ACCEPTED = "accepted"
    #: It waits for the user to open or confirm it.
    AWAITING_USER = "awaiting_user"
    #: It may have been paid, or not.
    UNKNOWN = "unknown"
    #: Nobody could find out; a person has to.
    PARKED = "parked"
    #: The user has it.
    PAID = "paid"
    #: The provider will never pay this number.
    FAILED = "failed"
    #: Nobody took it, and the money came back.
    EXPIRED_REFUNDED = "expired_refunded"
    #: It was called off before anybody had it.
    CANCELLED = "cancelled"


class Move(enum.Enum):
    """What an event comes down to (状态变动)."""

    FUNDED = "funded"
    SHORT = "short"
    VOIDED = "voided"
    LEASED = "leased"
    PARKED = "parked"
    PAID = "paid"
    #: The provider refused a request to pay, for good.
    REFUSED = "refused"
    #: Asked about the number, the provider says that it will never pay.
    FAILED = "failed"
    #: The provider refused a request to pay; the number may be tried again.
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    AWAITING = "awaiting"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    #: A person has seen evidence.
    PROVED_PAID = "proved_paid"
    PROVED_FAILED = "proved_failed"
    PROVED_REFUNDED = "proved_refunded"


#: What a provider may answer.
_ANSWERS: Final = (
    Move.PAID,
    Move.REFUSED,
    Move.FAILED,
    Move.DEFERRED,
    Move.ACCEPTED,
    Move.AWAITING,
    Move.REFUNDED,
    Move.CANCELLED,
    Move.UNKNOWN,
)
#: What only whoever holds the lease may say: it is about a request, not a number.
GUESSES: Final = frozenset({Move.DEFERRED, Move.UNKNOWN})

#: What a query, or a person, tells: this number will surely never pay.
ENDS: Final = frozenset(
    {
        Move.FAILED,
        Move.REFUNDED,
        Move.CANCELLED,
        Move.PROVED_FAILED,
        Move.PROVED_REFUNDED,
    }
)
# What the provider tells about the number itself.
_TOLD: Final[dict[Move, State]] = {
    Move.PAID: State.PAID,
    Move.FAILED: State.FAILED,
    Move.ACCEPTED: State.ACCEPTED,
    Move.AWAITING: State.AWAITING_USER,
    Move.REFUNDED: State.EXPIRED_REFUNDED,
    Move.CANCELLED: State.CANCELLED,
}


def _stays(state: State) -> dict[Move, State]:
    return dict.fromkeys(_ANSWERS, state)


def _over(state: State) -> dict[Move, State]:
    """Return what an end takes: that it is so, or that the money arrived after all."""
    confirmed = dict.fromkeys((Move.PROVED_FAILED, Move.PROVED_REFUNDED), state)
    arrived = dict.fromkeys((Move.PAID, Move.PROVED_PAID), State.PAID)
    return _stays(state) | confirmed | arrived


#: State -> move -> state. A move that is missing is illegal there.
TRANSITIONS: Final[Mapping[State, Mapping[Move, State]]] = MappingProxyType(
    {
        State.HELD: {
            Move.FUNDED: State.RESERVED,
            Move.SHORT: State.UNFUNDED,
            Move.VOIDED: State.CANCELLED,
            Move.PAID: State.PAID,
        },
        State.UNFUNDED: {
            Move.FUNDED: State.RESERVED,
            Move.SHORT: State.UNFUNDED,
            Move.VOIDED: State.CANCELLED,
            Move.PAID: State.PAID,
        },
        State.RESERVED: _stays(State.RESERVED)
        | _TOLD
        | {
            Move.REFUSED: State.FAILED,
            Move.LEASED: State.SUBMITTING,
            Move.VOIDED: State.CANCELLED,
        },
        State.SUBMITTING: _TOLD
        | {
            Move.REFUSED: State.FAILED,
            Move.DEFERRED: State.RESERVED,
            Move.UNKNOWN: State.UNKNOWN,
        },
        State.ACCEPTED: _stays(State.ACCEPTED) | _TOLD,
        State.AWAITING_USER: _stays(State.AWAITING_USER) | _TOLD,
        State.UNKNOWN: _stays(State.UNKNOWN)
        | _TOLD
        | {Move.LEASED: State.UNKNOWN, Move.PARKED: State.PARKED},
        State.PARKED: _stays(State.PARKED)
        | {
            Move.PARKED: State.PARKED,
            Move.PROVED_PAID: State.PAID,
            Move.PROVED_FAILED: State.FAILED,
            Move.PROVED_REFUNDED: State.EXPIRED_REFUNDED,
        },
        State.PAID: _stays(State.PAID) | {Move.REFUNDED: State.EXPIRED_REFUNDED},
        State.FAILED: _over(State.FAILED),
        State.EXPIRED_REFUNDED: _over(State.EXPIRED_REFUNDED),
        State.CANCELLED: _over(State.CANCELLED),
    }
)

#: In which account the money of a payout is; None: nothing is set aside for it.
SEATS: Final[Mapping[State, Role | None]] = MappingProxyType(
    {
        State.HELD: None,
        State.UNFUNDED: None,
        State.RESERVED: Role.RESERVED,
        State.SUBMITTING: Role.PAYABLE,
        State.ACCEPTED: Role.PAYABLE,
        State.AWAITING_USER: Role.PAYABLE,
        State.UNKNOWN: Role.PAYABLE,
        State.PARKED: Role.PAYABLE,
        State.PAID: Role.PAID,
        State.FAILED: None,
        State.EXPIRED_REFUNDED: Role.REFUNDED,
        State.CANCELLED: None,
    }
)
#: The provider was asked, and the end is not known.
ASKED: Final = frozenset(state for state, seat in SEATS.items() if seat is Role.PAYABLE)
#: Surely not with the user, and never to be under this number.
OVER: Final = frozenset({State.FAILED, State.EXPIRED_REFUNDED, State.CANCELLED})
