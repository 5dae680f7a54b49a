"""Payouts and what happens to them (打款记录): each move says what it posts.

A record is a value. ``advance`` takes an event and gives the record that follows
and the entry that goes with it, if any: both are to be written in one transaction.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Paid, Payout, Refused, bill_number
from wxengage.errors import IllegalTransitionError, InvalidInputError, require_whole
from wxengage.ledger.events import (
    Answered,
    Funded,
    Leased,
    Parked,
    PayoutEvent,
    Resolved,
    Short,
    Voided,
    move_of,
    require_kind,
)
from wxengage.ledger.moves import entry_of
from wxengage.ledger.states import ENDS, GUESSES, OVER, TRANSITIONS, State
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.ledger.entries import Entry
    from wxengage.money import Reward

__all__ = [
    "ERASED",
    "PayoutRecord",
    "advance",
    "is_numbered_right",
    "open_payout",
    "renew",
]

#: What a name begins with that stands for somebody whose data were erased.
ERASED: Final = "#erased-"


@attrs.frozen
class PayoutRecord:
    """A payout and where it stands (打款记录).

    Attributes
    ----------
    payout
        The request. Its number is ``bill_number`` of the fields here; where the
        user's name was erased, of those that were here.
    merchant
        The merchant's number at WeChat Pay.
    reward_key
        Which reward of that user, such as ``"rung:3"``.
    state
        Where it stands.
    at
        Since when, aware.
    posted
        How many entries it has posted.
    attempts
        How many requests to pay were begun.
    fence
        Number of the latest lease; what an older one guesses is not heard.
    rooms
        Scopes of the limits in which it takes room.
    because
        Why it stands there, in short; may be "".
    confirmed
        Whether a query, or a person with evidence, has told how it ended.
    submitted
        When the first request to pay was begun, aware; None: never.
    by, evidence
        Who resolved it when it was parked, and what he saw.
    receipt
        The provider's own number for it.

    Raises
    ------
    InvalidInputError
        If the payout has another number than the fields make, or a field breaks its
        rule.
    """

    payout: Payout
    merchant: str
    reward_key: str
    state: State = attrs.field(kw_only=True)
    at: dt.datetime = attrs.field(kw_only=True)
    posted: int = attrs.field(default=0, kw_only=True)
    attempts: int = attrs.field(default=0, kw_only=True)
    fence: int = attrs.field(default=0, kw_only=True)
    rooms: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    because: str = attrs.field(default="", kw_only=True)
    confirmed: bool = attrs.field(default=False, kw_only=True)
    submitted: dt.datetime | None = attrs.field(default=None, kw_only=True)
    by: str = attrs.field(default="", kw_only=True)
    evidence: str = attrs.field(default="", kw_only=True)
    receipt: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_kind("payout", self.payout, Payout)
        require_kind("state", self.state, State)
        require_kind("confirmed", self.confirmed, bool)
        micros("at", self.at)
        if self.submitted is not None:
            micros("submitted", self.submitted)
        for name in ("posted", "attempts", "fence"):
            require_whole(name, getattr(self, name))
        for name in ("because", "by", "evidence", "receipt"):
            require_kind(name, getattr(self, name), str)
        number = bill_number(*self.reward, self.payout.generation)
        if not is_numbered_right(self):
            rule = (
                f"{number}, which merchant, campaign, user, reward and generation make"
            )
            raise InvalidInputError("payout.number", self.payout.number, rule)

    @property
    def erased(self) -> bool:
        """Whether a pseudonym stands where its user stood."""
        return self.payout.user.startswith(ERASED)

    @property
    def renewable(self) -> bool:
        """Whether its number will surely never pay, so that another one may.

        A refused request is not enough: in books that were restored from a backup,
        an earlier request, of which they do not know, may have been paid. Somebody
        whose data were erased is paid no more.
        """
        over = self.state in OVER and not self.erased
        return over and (self.confirmed or self.attempts == 0)

    @property
    def reward(self) -> tuple[str, str, str, str]:
        """The one reward that every generation of the payout is about."""
        payout = self.payout
        return self.merchant, payout.campaign, payout.user, self.reward_key


def is_numbered_right(record: PayoutRecord) -> bool:
    """Return whether a payout has the number that its names make.

    Parameters
    ----------
    record
        The payout.

    Returns
    -------
    bool
        True where a name was erased: from a pseudonym nobody can tell. The number
        stays, for the provider knows it, and so does a reward that was paid once.
    """
    number = bill_number(*record.reward, record.payout.generation)
    return record.erased or record.payout.number == number


def open_payout(
    merchant: str,
    campaign: str,
    user: str,
    reward_key: str,
    *,
    recipient: str,
    reward: Reward,
    at: dt.datetime,
    reason: str = "",
) -> PayoutRecord:
    """Return the record of a reward that somebody is to get.

    Parameters
    ----------
    merchant, campaign, user, reward_key
        As in ``bill_number``.
    recipient, reward, reason
        As in ``Payout``.
    at
        Since when it is due, aware.

    Returns
    -------
    PayoutRecord
        Held: nothing is set aside yet. Opening it again gives the same number.
    """
    number = bill_number(merchant, campaign, user, reward_key)
    payout = Payout(number, campaign, user, recipient, reward, reason=reason)
    return PayoutRecord(payout, merchant, reward_key, state=State.HELD, at=at)


def renew(
    record: PayoutRecord, at: dt.datetime, *, recipient: str | None = None
) -> PayoutRecord:
    """Return the next generation of a payout that surely did not arrive.

    Parameters
    ----------
    record
        The payout that is over.
    at
        When, aware.
    recipient
        Where the next one goes; None: to the same.

    Returns
    -------
    PayoutRecord
        Held, under the next number. Renewing it again gives the same.

    Raises
    ------
    InvalidInputError
        If it is not ``renewable``: a new number might pay it twice.
    """
    if not record.renewable:
        rule = "failed, cancelled or refunded, and confirmed by a query"
        hint = "a new number while the old one may still pay is how one pays twice"
        raise InvalidInputError("record.state", record.state.value, rule, hint)
    old = record.payout
    generation = old.generation + 1
    payout = attrs.evolve(
        old,
        number=bill_number(*record.reward, generation),
        generation=generation,
        recipient=old.recipient if recipient is None else recipient,
    )
    return PayoutRecord(
        payout, record.merchant, record.reward_key, state=State.HELD, at=at
    )


def advance(
    record: PayoutRecord, event: PayoutEvent
) -> tuple[PayoutRecord, Entry | None]:
    """Return what follows from an event, and what it posts.

    Parameters
    ----------
    record
        The payout before it.
    event
        What happened.

    Returns
    -------
    tuple of (PayoutRecord, Entry or None)
        The same record and None where the event changes nothing: a fact that is
        known already, or what somebody guesses whose lease has passed to another.

    Raises
    ------
    IllegalTransitionError
        If the state does not take such an event.
    InvalidInputError
        If the event breaks a rule: an instant that is naive, a reason that is
        missing, a proof of something else.

    Notes
    -----
    A success that names another number or another amount is no success: it counts
    as unknown.
    """
    require_kind("record", record, PayoutRecord)
    move = move_of(record.payout, event)
    if isinstance(event, Answered) and move in GUESSES and event.fence != record.fence:
        return record, None
    takes = TRANSITIONS[record.state]
    if move not in takes:
        raise IllegalTransitionError(
            f"payout {record.payout.number}",
            record.state.value,
            move.value,
            tuple(one.value for one in takes),
        )
    changed = _after(record, event, takes[move], told=move in ENDS)
    if changed == record:
        return record, None
    rooms = event.rooms if isinstance(event, Funded) else ()
    entry = entry_of(record, changed.state, event.at, rooms)
    posted = record.posted + (entry is not None)
    return attrs.evolve(changed, posted=posted), entry


def _after(
    record: PayoutRecord, event: PayoutEvent, target: State, *, told: bool
) -> PayoutRecord:
    """Return the record after an event, but for what it posts."""
    found: dict[str, Any] = {}
    if target is not record.state:
        found = {"state": target, "at": event.at, "because": _because(event)}
        found |= _evidence(event)
    if target in OVER:
        found["rooms"] = ()
        found["confirmed"] = record.confirmed or told
    if isinstance(event, Funded):
        found["rooms"] = event.rooms
    if isinstance(event, Short):
        found["because"] = event.because
    if isinstance(event, Leased):
        found["fence"] = record.fence + 1
        found["attempts"] = record.attempts + 1
        found["submitted"] = record.submitted or event.at
    return attrs.evolve(record, **found)


def _evidence(event: PayoutEvent) -> dict[str, str]:
    """Return what shows that it stands there."""
    outcome = getattr(event, "outcome", None)
    receipt = {"receipt": outcome.receipt} if isinstance(outcome, Paid) else {}
    if isinstance(event, Resolved):
        return receipt | {"by": event.by, "evidence": event.evidence}
    return receipt


def _because(event: PayoutEvent) -> str:
    if isinstance(event, Short | Voided | Parked):
        return event.because
    if isinstance(event, Funded | Leased):
        return ""
    if isinstance(event.outcome, Refused):
        return event.outcome.code
    return event.outcome.because if isinstance(event.outcome, Unknown) else ""
