"""The answers about transfers (转账应答), v3: what they say, and of what.

A request tells only that a bill was taken; what became of it, and to whom and how
much it is, is told by a query alone.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.adapters.pay.refusals import (
    TRANSFER_REFUSALS,
    refusal_of_payment,
    refusal_of_query,
)
from wxengage.adapters.pay.told import an_id_or_none, plausible
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Accepted, AwaitingUser, Cancelled
from wxengage.ledger.providers import TRANSFER_STATES, outcome_of
from wxengage.ledger.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.adapters.pay.merchants import Merchant
    from wxengage.delivery.payouts import Fulfilment, Payout

__all__ = ["Reply", "answer_to_bill", "answer_to_cancel", "answer_to_question"]

#: A bill that nobody confirmed is closed after this. Source: the rule WX-TRF-001.
_OPEN_FOR: Final = dt.timedelta(hours=24)
_OK: Final = 200
_BAD: Final = 400
_BROKEN: Final = 500


@attrs.frozen
class Reply:
    """An answer of v3 (v3 应答).

    Attributes
    ----------
    status
        The HTTP status. One of 200 was signed rightly.
    fields
        What it says. Personal data: not shown.
    """

    status: int
    fields: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def refusal(self) -> str | Unknown | None:
        """The code of a refusal, None for a success."""
        if self.status == _OK:
            return None
        code = self.fields.get("code")
        if not _BAD <= self.status < _BROKEN or not isinstance(code, str) or not code:
            return Unknown(f"HTTP {self.status}")
        return code


def answer_to_bill(reply: Reply, payout: Payout, now: dt.datetime) -> Fulfilment:
    """Return what an answer to a transfer says.

    Parameters
    ----------
    reply
        The answer.
    payout
        What was asked for.
    now
        When, aware.

    Returns
    -------
    Fulfilment
        ``Accepted``, ``AwaitingUser``, a ``Refused`` that is not final, or
        ``Unknown``. An end, such as SUCCESS, is ``Accepted``: it is to be asked.
    """
    refusal, number = reply.refusal, payout.number
    if isinstance(refusal, Unknown):
        return refusal
    if refusal is not None:
        return refusal_of_payment(TRANSFER_REFUSALS, refusal, number)
    if reply.fields.get("out_bill_no") != number:
        return Unknown("the answer names another out_bill_no")
    word = reply.fields.get("state")
    state = TRANSFER_STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Unknown(f"state {str(word)[:40]!r} is not known")
    if state is State.AWAITING_USER:
        at = _instant(reply.fields.get("create_time"), now)
        return AwaitingUser(number, at, at + _OPEN_FOR)
    return Accepted(number, now)


def answer_to_question(
    reply: Reply, payout: Payout, fen: int, merchant: Merchant, now: dt.datetime
) -> Fulfilment:
    """Return what an answer to a question about a transfer says.

    Parameters
    ----------
    reply
        The answer.
    payout, fen
        What was asked for, and its amount.
    merchant
        Who asked.
    now
        When, aware.

    Returns
    -------
    Fulfilment
        By ``TRANSFER_STATES``.
    """
    refusal, number = reply.refusal, payout.number
    if isinstance(refusal, Unknown):
        return refusal
    if refusal is not None:
        return refusal_of_query(TRANSFER_REFUSALS, refusal, number)
    told = reply.fields
    expected = {
        "out_bill_no": number,
        "mch_id": merchant.mch_id,
        "appid": merchant.appid,
        "openid": payout.recipient,
        "transfer_amount": fen,
    }
    for name, value in expected.items():
        # True is 1 to Python, and 800.0 is 800.
        if type(told.get(name)) is not type(value) or told.get(name) != value:
            return Unknown(f"the answer names another {name}")
    created = _instant(told.get("create_time"), now)
    word = told.get("state")
    waits = isinstance(word, str) and TRANSFER_STATES.get(word) is State.AWAITING_USER
    at = created if waits else _instant(told.get("update_time"), now)
    return outcome_of(
        TRANSFER_STATES,
        word,
        number=number,
        at=at,
        fen=fen,
        receipt=an_id_or_none(told.get("transfer_bill_no")),
        expires=created + _OPEN_FOR,
        reason=an_id_or_none(told.get("fail_reason")),
    )


def answer_to_cancel(reply: Reply, payout: Payout, now: dt.datetime) -> Fulfilment:
    """Return what an answer to a cancellation says.

    Parameters
    ----------
    reply, payout, now
        As of ``answer_to_bill``.

    Returns
    -------
    Fulfilment
        ``Accepted`` while it is being cancelled, ``Cancelled`` once it is, a
        ``Refused`` that is not final where it came too fast, or ``Unknown``.
    """
    refusal, number = reply.refusal, payout.number
    if isinstance(refusal, Unknown):
        return refusal
    if refusal is not None:
        return refusal_of_query(TRANSFER_REFUSALS, refusal, number)
    if reply.fields.get("out_bill_no") != number:
        return Unknown("the answer names another out_bill_no")
    word = reply.fields.get("state")
    if word == "CANCELLED":
        at = _instant(reply.fields.get("update_time"), now)
        return Cancelled(number, at)
    if word == "CANCELING":
        return Accepted(number, now)
    return Unknown(f"state {str(word)[:40]!r} is not that of a cancellation")


def _instant(told: object, now: dt.datetime) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        at = None
    return plausible(at if at is not None and at.tzinfo is not None else None, now)
