"""The answers about red packets (红包应答), v2: what they say, and of what.

An answer that is no answer about this number, this recipient and this amount is no
answer at all. Good news must be signed; a refusal need not, since it costs nothing
that the same number is tried again.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

from wxengage.adapters.bodies import parts
from wxengage.adapters.pay.refusals import (
    RED_PACKET_REFUSALS,
    refusal_of_payment,
    refusal_of_query,
)
from wxengage.adapters.pay.told import amount_of, an_id_or_none, plausible
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Accepted
from wxengage.ledger.providers import RED_PACKET_STATES, outcome_of
from wxengage.ledger.states import State
from wxengage.times.zones import SHANGHAI, zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.adapters.bodies import Fields
    from wxengage.adapters.pay.merchants import Merchant
    from wxengage.delivery.payouts import Fulfilment, Payout

__all__ = ["answer_to_packet", "answer_to_question"]

_SUCCESS: Final = "SUCCESS"
_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII
)
#: An unopened packet goes back after this. Source: the rule WX-RP-004.
_OPEN_FOR: Final = dt.timedelta(hours=24)
#: State -> the field that says since when.
_SINCE: Final[Mapping[State | None, str]] = {
    State.PAID: "rcv_time",
    State.EXPIRED_REFUNDED: "refund_time",
}


def answer_to_packet(
    fields: Fields,
    payout: Payout,
    fen: int,
    merchant: Merchant,
    now: dt.datetime,
    *,
    signed: bool | None,
) -> Fulfilment:
    """Return what an answer to a red packet says.

    Parameters
    ----------
    fields
        The answer.
    payout, fen
        What was asked for, and its amount.
    merchant
        Who asked.
    now
        When, aware.
    signed
        Whether the answer is signed rightly; None where it is not signed.

    Returns
    -------
    Fulfilment
        ``Accepted``, a ``Refused`` that is not final, or ``Unknown``.
    """
    number = payout.number
    refused = _refusal(fields, number, signed=signed)
    if isinstance(refused, Unknown):
        return refused
    if refused is not None:
        return refusal_of_payment(RED_PACKET_REFUSALS, refused, number)
    expected = {
        "mch_billno": number,
        "mch_id": merchant.mch_id,
        "wxappid": merchant.appid,
        "re_openid": payout.recipient,
    }
    fault = _fault(fields, expected, fen, signed=signed)
    return Unknown(fault) if fault is not None else Accepted(number, now)


def answer_to_question(
    fields: Fields,
    payout: Payout,
    fen: int,
    merchant: Merchant,
    now: dt.datetime,
    *,
    signed: bool | None,
) -> Fulfilment:
    """Return what an answer to a question about a red packet says (gethbinfo).

    Parameters
    ----------
    fields, payout, fen, merchant, now, signed
        As of ``answer_to_packet``.

    Returns
    -------
    Fulfilment
        By ``RED_PACKET_STATES``; ``Paid`` only where the recipient is told, too.
    """
    number = payout.number
    refused = _refusal(fields, number, signed=signed)
    if isinstance(refused, Unknown):
        return refused
    if refused is not None:
        return refusal_of_query(RED_PACKET_REFUSALS, refused, number)
    expected = {"mch_billno": number, "mch_id": merchant.mch_id}
    fault = _fault(fields, expected, fen, signed=signed)
    word = fields.get("status")
    state = RED_PACKET_STATES.get(word) if isinstance(word, str) else None
    received = parts(fields, "hblist", "hbinfo")
    if fault is None and state is State.PAID:
        fault = _fault_of_receipt(received, payout.recipient, fen)
    if fault is not None:
        return Unknown(fault)
    source = received[0] if state is State.PAID else fields
    stamp = source.get(_SINCE.get(state, "send_time"))
    at = plausible(_instant(stamp), now)
    return outcome_of(
        RED_PACKET_STATES,
        word,
        number=number,
        at=at,
        fen=fen,
        receipt=an_id_or_none(fields.get("detail_id")),
        expires=at + _OPEN_FOR,
        reason=an_id_or_none(fields.get("reason")),
    )


def _refusal(
    fields: Fields, number: str, *, signed: bool | None
) -> str | Unknown | None:
    """Return the code of a refusal, None for a success."""
    if signed is False:
        return Unknown("the answer's signature is not right")
    results = fields.get("return_code"), fields.get("result_code")
    if results == (_SUCCESS, _SUCCESS):
        return None
    told = fields.get("mch_billno", number)
    if told not in {number, ""}:
        return Unknown("the answer names another mch_billno")
    code = fields.get("err_code")
    if "FAIL" not in results or not isinstance(code, str) or not code:
        return Unknown("the answer is neither a success nor a refusal")
    return code


def _fault(
    fields: Fields, expected: Mapping[str, str], fen: int, *, signed: bool | None
) -> str | None:
    if signed is None:
        return "the answer is not signed; see allow_unsigned="
    for name, value in expected.items():
        if fields.get(name) != value:
            return f"the answer names another {name}"
    if amount_of(fields.get("total_amount")) != fen:
        return "the answer names another total_amount"
    return None


def _fault_of_receipt(
    received: tuple[Fields, ...], recipient: str, fen: int
) -> str | None:
    if len(received) != 1:
        return "the answer does not name one recipient"
    if received[0].get("openid") != recipient:
        return "the answer names another openid"
    if amount_of(received[0].get("amount")) != fen:
        return "the answer names another amount"
    return None


def _instant(told: object) -> dt.datetime | None:
    """Return an instant of Beijing time, None for what is none."""
    if not isinstance(told, str) or _STAMP.fullmatch(told) is None:
        return None
    try:
        return dt.datetime.fromisoformat(told).replace(tzinfo=zone(SHANGHAI))
    except ValueError:
        return None
