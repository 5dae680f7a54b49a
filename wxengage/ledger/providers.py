"""What WeChat Pay's states mean in ours (微信支付状态对照).

A state that is not listed, such as one that WeChat adds next year, is unknown.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Cancelled,
    Fulfilment,
    Paid,
    Refunded,
    Refused,
)
from wxengage.errors import InvalidInputError
from wxengage.ledger.states import State

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

__all__ = ["RED_PACKET_STATES", "TRANSFER_STATES", "outcome_of"]

#: Red packets, v2, the answer of a query (gethbinfo). Source: the rule WX-RP-004.
#: The refund of RFUND_ING is under way and not done.
RED_PACKET_STATES: Final[Mapping[str, State]] = MappingProxyType(
    {
        "SENDING": State.ACCEPTED,
        "SENT": State.AWAITING_USER,
        "RECEIVED": State.PAID,
        "FAILED": State.FAILED,
        "RFUND_ING": State.AWAITING_USER,
        "REFUND": State.EXPIRED_REFUNDED,
    }
)
#: Transfers, v3 (mch-transfer/transfer-bills). Source: pay.weixin.qq.com/doc/v3/
#: merchant/4012716457. TRANSFERING is spelt as there. A transfer that nobody
#: confirmed in time is FAIL with a reason; it has no state of its own.
TRANSFER_STATES: Final[Mapping[str, State]] = MappingProxyType(
    {
        "ACCEPTED": State.ACCEPTED,
        "PROCESSING": State.ACCEPTED,
        "WAIT_USER_CONFIRM": State.AWAITING_USER,
        "TRANSFERING": State.ACCEPTED,
        "SUCCESS": State.PAID,
        "FAIL": State.FAILED,
        "CANCELING": State.ACCEPTED,
        "CANCELLED": State.CANCELLED,
    }
)


def outcome_of(
    states: Mapping[str, State],
    word: object,
    *,
    number: str,
    at: dt.datetime,
    fen: int,
    receipt: str = "",
    expires: dt.datetime | None = None,
    reason: str = "",
) -> Fulfilment:
    """Return what the answer to a query says about a payout.

    Parameters
    ----------
    states
        ``RED_PACKET_STATES`` or ``TRANSFER_STATES``.
    word
        The state that the provider tells, as it came in.
    number, fen, receipt
        The number, the amount and the provider's number as it tells them back.
    at
        When, aware.
    expires
        When an unopened packet goes back.
    reason
        Why it failed, in the provider's words.

    Returns
    -------
    Fulfilment
        ``Unknown`` for every word that is not listed, and where what else the
        provider tells breaks its rule: a number that is none, an amount of text.

    Raises
    ------
    InvalidInputError
        If ``at`` is naive.

    Examples
    --------
    >>> import datetime as dt
    >>> at = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    >>> outcome_of(TRANSFER_STATES, "FROZEN", number="1900000109a", at=at, fen=800)
    Unknown(because="state 'FROZEN' is not known")
    """
    state = states.get(word) if isinstance(word, str) else None
    if state is None:
        return Unknown(f"state {str(word)[:40]!r} is not known")
    try:
        if state is State.PAID:
            return Paid(number, at, receipt, fen)
        if state is State.AWAITING_USER:
            return AwaitingUser(number, at, expires)
        if state is State.FAILED:
            return Refused(number, reason or str(word), final=True, action="mend")
        return _PLAIN[state](number, at)
    except InvalidInputError as error:
        # What the provider wrote, not what the caller did: no answer of ours.
        if error.name in {"number", "fen", "receipt", "code", "expires"}:
            return Unknown(str(error))
        raise


_PLAIN: Final[Mapping[State, type[Accepted | Cancelled | Refunded]]] = MappingProxyType(
    {
        State.ACCEPTED: Accepted,
        State.CANCELLED: Cancelled,
        State.EXPIRED_REFUNDED: Refunded,
    }
)
