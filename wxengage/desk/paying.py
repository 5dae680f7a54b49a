"""A payout and the letter that asks for it (打款与待发件): two machines, one step.

The outbox knows when to ask again, the books know where the money is. They move in
one transaction, and where they would not agree the books have the last word.
"""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.delivery.outbox.states import Signal, State
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Cancelled, Refunded, Refused
from wxengage.desk.books import book
from wxengage.desk.granting import payable
from wxengage.desk.names import shown
from wxengage.ledger.events import Answered, Parked, Queried
from wxengage.ledger.states import OVER
from wxengage.ledger.states import State as Standing
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.ledger.records import PayoutRecord

__all__ = ["answered", "heard_by_letter", "kept_back", "park", "to_be_asked"]

_LOG: Final = logging.getLogger("wxengage.desk")
_WITH_PROVIDER: Final = (Standing.ACCEPTED, Standing.AWAITING_USER)
#: State of a payout -> what becomes of its letter that was to ask for it.
_ASKED_FOR: Final = MappingProxyType(
    {
        **dict.fromkeys(OVER, Signal.DROP),
        Standing.PAID: Signal.GO,
        Standing.PARKED: Signal.DIE,
    }
)


def kept_back(
    unit: Unit,
    settings: Settings,
    row: OutboxRow,
    record: PayoutRecord | None,
    at: int,
) -> OutboxRow | None:
    """Return the row of a payout's letter that is not to ask for it now, and why.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    row
        The letter.
    record
        The payout as the books have it; None where they do not.
    at
        When, in microseconds.

    Returns
    -------
    OutboxRow or None
        None where it is to be asked for, or about.
    """
    if record is None:
        return row.moved(Signal.DIE, at, code="no_payout")
    # Whatever the letter believes, what is over or parked is asked for no more.
    if record.state not in _ASKED_FOR:
        if row.state is not State.DUE:
            return _asked_again(row, record, at)
        if payable(unit, record):
            return None
        if record.state in _WITH_PROVIDER:
            return to_be_asked(row, at)
    signal = _ASKED_FOR.get(record.state, Signal.HOLD)
    told: dict[str, Any] = {"code": f"payout_{record.state.value}"}
    if signal is Signal.GO:
        told |= {"sent_at": micros("at", record.at), "receipt": record.receipt}
    if signal is Signal.HOLD:
        pause = span_micros("lease_for", settings.outbox.lease_for)
        told |= {"not_before": at + pause}
    return row.moved(signal, at, **told)


def _asked_again(row: OutboxRow, record: PayoutRecord, at: int) -> OutboxRow | None:
    """Return a letter that may only be asked about, where it was to be sent."""
    if record.state in _WITH_PROVIDER and row.state is State.UNKNOWN and row.asked:
        return row.moved(Signal.HOLD, at, asked=False, not_before=at)
    return None


def to_be_asked(row: OutboxRow, at: int) -> OutboxRow:
    """Return a letter of which somebody says that it may have gone: it is asked about.

    Parameters
    ----------
    row
        A payout's, in any state.
    at
        Since when.

    Returns
    -------
    OutboxRow
        Unknown, or accepted, and ready at once; the same where it is being asked
        about already, or is through.
    """
    if row.state in {State.UNKNOWN, State.ACCEPTED}:
        if row.lease_until is not None:
            return row
        return attrs.evolve(row, next_at=None, not_before=at, asked=False)
    if row.state is State.DUE:
        # Sent by books of which these are an older copy, say.
        row = row.moved(Signal.DIE, at)
    if row.state is not State.DEAD:
        return row
    since = at if row.doubt_since is None else row.doubt_since
    return row.moved(
        Signal.DOUBT, at, not_before=at, doubt_since=since, asked=False, failures=0
    )


def heard_by_letter(record: PayoutRecord, how: str, answer: Any) -> Any:
    """Return what an answer about a payout means for its letter.

    The books are the stricter ones. A refusal of another request does not say what
    became of one that is in doubt; what a provider has accepted is asked about until
    it says how it ended; and a payout is given up by a person and nobody else.

    Parameters
    ----------
    record
        The payout before the answer.
    how
        Whether it was asked for, ``"send"``, or about, ``"query"``.
    answer
        What came back.

    Returns
    -------
    object
        An answer for the outbox.
    """
    ends = isinstance(answer, Refunded | Cancelled)
    if isinstance(answer, Refused):
        if not answer.final and answer.action in {"wait", "stop"}:
            return answer
        if not answer.final and how == "query" and record.state in _WITH_PROVIDER:
            return Unknown(f"asked about, it answers {answer.code}")
        if not answer.final and answer.action in {"drop", "suppress"}:
            return attrs.evolve(answer, action="mend")
        ends = answer.final
    if ends and how == "send" and record.state is Standing.UNKNOWN:
        return Unknown("another request was refused, and the first is in doubt")
    return answer


def answered(
    unit: Unit,
    record: PayoutRecord,
    fence: int | None,
    answer: Any,
    now: dt.datetime,
) -> PayoutRecord:
    """Book an answer about a payout.

    Parameters
    ----------
    unit
        The transaction's rows.
    record
        The payout.
    fence
        Of the payout's lease under which it was asked for; None: it was asked about.
    answer
        What came back.
    now
        When.

    Returns
    -------
    PayoutRecord
        As the books have it now.
    """
    if fence is None:
        return book(unit, record, Queried(now, answer))
    return book(unit, record, Answered(now, answer, fence))


def park(unit: Unit, record: PayoutRecord, row: OutboxRow, now: dt.datetime) -> None:
    """Hand a payout in doubt to a person if its letter asks no more."""
    if row.is_final and record.state is Standing.UNKNOWN:
        book(unit, record, Parked(now, row.code or row.state.value))
        _LOG.warning("payout %s is parked: a person has to look", shown(row.key))
