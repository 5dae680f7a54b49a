"""What happens to one letter (逐封投递), a transaction for each moment.

Begin: the gate and the books are asked, and that a request may leave is written
down. Then, outside of any transaction, a sender is asked. Record: what came back is
written down, in the outbox, in the books and in the quotas at once. Wherever a
process dies, the store knows of every request that may have left.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wxengage.channels.marks import Failure
from wxengage.delivery.outbox.breakers import answer_of
from wxengage.delivery.outbox.leasing import begin
from wxengage.delivery.outbox.recording import record as record_answer
from wxengage.delivery.outbox.recording import unasked
from wxengage.delivery.outbox.states import WAITING, Signal, State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Paid,
    Payout,
    Refunded,
    Refused,
)
from wxengage.desk.books import book, journal_of, payout
from wxengage.desk.histories import decide
from wxengage.desk.names import shown
from wxengage.desk.outboxes import box_of, breakers, hold, letter, save
from wxengage.desk.paying import answered, heard_by_letter, kept_back, park
from wxengage.desk.people import (
    account_quota,
    advanced,
    keep_account_quota,
    keep_quota,
    quota,
)
from wxengage.desk.reminders import is_reminder, still_due
from wxengage.errors import InvalidInputError
from wxengage.ledger.events import Answered, Leased
from wxengage.sends import Send, Sent
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from wxengage.delivery.outbox.box import Outbox
    from wxengage.delivery.outbox.leasing import Lease, Request
    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.delivery.ports import Letter
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.ledger.records import PayoutRecord
    from wxengage.plan.gating.decisions import Decision

__all__ = [
    "Begun",
    "ask",
    "begin_in",
    "expire_in",
    "hold_for",
    "record_in",
    "unanswered",
]

_LOG: Final = logging.getLogger("wxengage.desk")
#: After these nothing has to be told to breakers that are not there.
_WELL: Final = (Sent, Paid, Accepted, AwaitingUser)
_OF_MESSAGES: Final = (Sent, NotSent, Unknown)
_OF_PAYOUTS: Final = (
    Paid,
    Refused,
    Accepted,
    AwaitingUser,
    Refunded,
    Cancelled,
    Unknown,
)


class Begun(NamedTuple):
    """A request that may leave (已登记的请求).

    Attributes
    ----------
    request
        What to ask.
    row
        The letter as it is on disk.
    paid_fence
        The fence of the payout's lease; None where none was taken.
    """

    request: Request
    row: OutboxRow
    paid_fence: int | None


# Before.


def begin_in(
    unit: Unit, settings: Settings, lease: Lease, what: Letter, now: dt.datetime
) -> Begun | str:
    """Note that a request is about to leave, or why none is.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    lease
        What the worker has.
    what
        The letter.
    now
        When.

    Returns
    -------
    Begun or str
        A word for the report where there is nothing to ask.
    """
    record = hold_for(unit, settings, what)
    row = letter(unit, lease.key)
    at = micros("now", now)
    if row is None or not _is_mine(row, lease, settings, at):
        return "lost"
    before = box_of(unit, settings, [row], breakers(unit))
    kept = _kept_back(unit, settings, row, record, now)
    if kept is None:
        after, request = _begun(unit, settings, before, row, now)
    else:
        after, request = before.with_rows([kept]), None
    save(unit, settings, before, after, at)
    row = after.row(lease.key)
    if request is None:
        return _word(row)
    paid_fence = None
    if record is not None and request.how == "send":
        paid_fence = book(unit, record, Leased(now)).fence
    return Begun(request, row, paid_fence)


def hold_for(
    unit: Unit, settings: Settings, what: Letter, *, troubles: bool = False
) -> PayoutRecord | None:
    """Hold all that a step of a letter touches, in the order of the desk.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    what
        The letter.
    troubles
        Whether breakers may change.

    Returns
    -------
    PayoutRecord or None
        Its payout, if it has one.
    """
    body, record = what.body, None
    if isinstance(body, Payout):
        journal_of(unit, body.campaign)
        record = payout(unit, body.number)
    else:
        unit.lock([f"user:{body.user}"])
        unit.forget("profile")
    if troubles or what.channel in settings.outbox.ordered:
        unit.lock(["outbox"])
    hold(unit, what.key)
    return record


def _is_mine(row: OutboxRow, lease: Lease, settings: Settings, at: int) -> bool:
    mine = row.fence == lease.fence and row.state in WAITING
    return mine and row.held(at, settings.outbox)


def _begun(
    unit: Unit,
    settings: Settings,
    before: Outbox,
    row: OutboxRow,
    now: dt.datetime,
) -> tuple[Outbox, Request | None]:
    def check(send: Send, instant: dt.datetime) -> Decision:
        return decide(unit, settings, send, instant)

    try:
        return begin(before, row.key, row.fence, now, check=check)
    except InvalidInputError as error:
        # Nobody can say whether it may go: somebody has to look.
        _LOG.warning("letter %s is not checked: %s", shown(row.key), error.rule)
        dead = row.moved(Signal.DIE, micros("now", now), code="not_checked")
        return before.with_rows([dead]), None


def _kept_back(
    unit: Unit,
    settings: Settings,
    row: OutboxRow,
    record: PayoutRecord | None,
    now: dt.datetime,
) -> OutboxRow | None:
    """Return the row of a letter that is not to be asked for, and why."""
    at = micros("now", now)
    body = row.letter.body
    if isinstance(body, Send):
        is_over = (
            row.state is State.DUE
            and is_reminder(body)
            and not still_due(unit, settings, body, now)
        )
        return row.moved(Signal.DROP, at, code="no_longer_due") if is_over else None
    return kept_back(unit, settings, row, record, at)


def _word(row: OutboxRow) -> str:
    """Return what has become of a letter that was not asked about."""
    return "held" if row.state in WAITING else str(row.state.value)


# Between: outside of any transaction.


def ask(sender: Any, begun: Begun, now: dt.datetime) -> Any:
    """Ask a sender; whatever it raises, the letter may have gone.

    Parameters
    ----------
    sender
        A ``Sender``, or a ``Fulfil`` where the letter is a payout.
    begun
        What to ask.
    now
        The instant, aware.

    Returns
    -------
    object
        Its answer; ``Unknown`` where it raised.
    """
    what, how = begun.request.letter, begun.request.how
    try:
        if isinstance(what.body, Payout):
            act = sender.pay if how == "send" else sender.query
            return act(what.body, now)
        act = sender.send if how == "send" else sender.query
        return act(what, now)
    except Exception as error:  # noqa: BLE001  of whatever kind
        # Neither its words nor its trace: they may hold what was sent, and to whom.
        kind = type(error).__name__
        _LOG.error("letter %s: the sender raised %s", shown(what.key), kind)
        return Unknown(kind)


def unanswered(begun: Begun) -> Any:
    """Return the answer to a request that never left."""
    return unasked(begun.request.letter)


# After.


def record_in(
    unit: Unit,
    settings: Settings,
    begun: Begun,
    answer: Any,
    now: dt.datetime,
    *,
    rng: np.random.Generator,
) -> OutboxRow:
    """Note what a sender answered: in the outbox, the books and the quotas.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    begun
        What was asked.
    answer
        What came back. Anything that is no answer says nothing.
    now
        When.
    rng
        Chance, for the pause before another attempt.

    Returns
    -------
    OutboxRow
        As it is kept now.

    Raises
    ------
    InvalidInputError
        If there is no such letter any more.
    """
    what, how = begun.request.letter, begun.request.how
    fitting = _OF_PAYOUTS if isinstance(what.body, Payout) else _OF_MESSAGES
    if not isinstance(answer, fitting):
        answer = Unknown(f"the sender answered with a {type(answer).__name__}")
    troubles = bool(breakers(unit)) or not isinstance(answer, _WELL)
    record = _hold_all(unit, settings, what, troubles=troubles)
    at = micros("now", now)
    row = letter(unit, what.key)
    if row is None:
        raise InvalidInputError("letter", what.key, "a letter of the outbox")
    before = box_of(unit, settings, [row], breakers(unit))
    heard = answer if record is None else heard_by_letter(record, how, answer)
    after = record_answer(before, what.key, begun.row.fence, heard, now, rng=rng)
    save(unit, settings, before, after, at)
    changed = after.row(what.key)
    if record is not None:
        record = answered(unit, record, begun.paid_fence, answer, now)
        park(unit, record, changed, now)
    elif isinstance(what.body, Send):
        told = _told(what.body, row, changed, answer, now)
        if told is not None:
            _count(unit, settings, told)
    return changed


def _hold_all(
    unit: Unit, settings: Settings, what: Letter, *, troubles: bool
) -> PayoutRecord | None:
    if isinstance(what.body, Send):
        unit.lock([f"user:{what.body.user}", "user:#account"])
    return hold_for(unit, settings, what, troubles=troubles)


def _told(
    send: Send, before: OutboxRow, after: OutboxRow, answer: Any, now: dt.datetime
) -> Sent | Failure | None:
    """Return what quotas have to know: what went, or was refused with a code."""
    if after.state is State.SENT and before.state is not State.SENT:
        return after.touch
    if not isinstance(answer, NotSent) or answer_of(answer.code) is None:
        return None
    return Failure(
        send.user,
        now,
        send.channel,
        int(answer.code),
        account=send.account,
        message=send.message,
    )


def _count(unit: Unit, settings: Settings, told: Sent | Failure) -> None:
    """Let the user's quota and the account's know of a message."""
    try:
        theirs, own = quota(unit, told.user, settings), account_quota(unit, settings)
        counted = advanced(theirs, [told], settings)
        in_all = advanced(own, [told], settings)
    except InvalidInputError as error:
        # It went all the same, and the caps count it.
        _LOG.warning("a message of %s is in no quota: %s", shown(told.user), error.rule)
        return
    if counted is not theirs:
        keep_quota(unit, told.user, counted)
    if in_all is not own:
        keep_account_quota(unit, in_all)


def expire_in(unit: Unit, settings: Settings, key: str, now: dt.datetime) -> None:
    """Note that a lease has run out: what was asked under it is in doubt.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    key
        The letter's.
    now
        When.
    """
    row = letter(unit, key)
    if row is None:
        return
    record = hold_for(unit, settings, row.letter)
    row = letter(unit, key)
    at, policy = micros("now", now), settings.outbox
    if row is None or row.lease_until is None or row.held(at, policy):
        return
    before = box_of(unit, settings, [row], {})
    after = row.abandoned(at, policy)
    save(unit, settings, before, before.with_rows([after]), at)
    if record is None:
        return
    if row.state is State.SENDING:
        doubt = Answered(now, Unknown("lease_ran_out"), record.fence)
        record = book(unit, record, doubt)
    park(unit, record, after, now)
    _LOG.info("letter %s: a lease of %s ran out", shown(key), from_micros(row.since))
