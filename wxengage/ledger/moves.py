"""What each move of a payout posts (状态变动的分录).

The money of a payout sits in one account at a time; ``SEATS`` says in which. A move
from one state to another posts what takes it from seat to seat, and nothing where
the seat is the same.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.ledger.accounts import LedgerAccount, Role, measure
from wxengage.ledger.entries import (
    DEFER,
    HOLD,
    LATE,
    REFUND,
    RELEASE,
    SETTLE,
    SUBMIT,
    Entry,
    Posting,
    transfer,
)
from wxengage.ledger.states import OVER, SEATS, State

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.ledger.records import PayoutRecord

__all__ = ["entry_of"]

# The account that money goes to -> why.
_BECAUSE: Final[Mapping[Role, str]] = MappingProxyType(
    {
        Role.BUDGET: RELEASE,
        Role.PAYABLE: SUBMIT,
        Role.PAID: SETTLE,
        Role.REFUNDED: REFUND,
    }
)


def entry_of(
    record: PayoutRecord, target: State, at: dt.datetime, rooms: tuple[str, ...]
) -> Entry | None:
    """Return what a payout's move to another state posts.

    Parameters
    ----------
    record
        The payout before the move.
    target
        The state that it moves to.
    at
        When, aware.
    rooms
        Scopes of the limits that it takes room in, where it is funded.

    Returns
    -------
    Entry or None
        None where the money stays where it is.
    """
    source, goal = SEATS[record.state], SEATS[target]
    late = target is State.PAID and (source is None or record.state in OVER)
    if source is goal and not late:
        return None
    campaign = record.payout.campaign
    unit, amount = measure(record.payout.reward)
    giver = Role.SUSPENSE if late else source or Role.BUDGET
    taker = goal or Role.BUDGET
    postings: tuple[Posting, ...] = transfer(
        LedgerAccount(campaign, giver), LedgerAccount(campaign, taker), unit, amount
    )
    if giver is Role.BUDGET:
        postings += _of_limits(campaign, rooms, unit, -amount)
    elif target in OVER:
        # Whoever did not get it has not used his limits either.
        postings += _of_limits(campaign, record.rooms, unit, amount)
    return Entry(
        f"{record.payout.number}:{record.posted + 1}",
        at,
        postings,
        _because(giver, taker),
        record.payout.number,
    )


def _because(giver: Role, taker: Role) -> str:
    if giver is Role.SUSPENSE:
        return LATE
    if taker is Role.RESERVED:
        return HOLD if giver is Role.BUDGET else DEFER
    return _BECAUSE[taker]


def _of_limits(
    campaign: str, scopes: tuple[str, ...], unit: str, amount: int
) -> tuple[Posting, ...]:
    """Return the postings that take room in limits, or give it back."""
    if not scopes:
        return ()
    rooms = tuple(
        Posting(LedgerAccount(campaign, Role.ROOM, scope), unit, amount)
        for scope in scopes
    )
    limits = LedgerAccount(campaign, Role.LIMITS)
    return *rooms, Posting(limits, unit, -amount * len(rooms))
