"""What WeChat Pay refuses with (错误码), and what to do about it.

None of these codes says that a number will never pay: that is told by the state
that a query answers with, and by nothing else. A code that is not listed says
nothing, and the outcome stays unknown: among them SYSTEMERROR, PROCESSING, and
whatever says that another request had the number, since that one may have paid.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.delivery.actions import Action

__all__ = [
    "RED_PACKET_REFUSALS",
    "TRANSFER_REFUSALS",
    "refusal_of_payment",
    "refusal_of_query",
]

#: Red packets, v2. Source: pay.weixin.qq.com/doc/v2/merchant/4011974053.
RED_PACKET_REFUSALS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        # The merchant is out of money, or its configuration is wrong.
        "NOTENOUGH": "stop",
        "SIGN_ERROR": "stop",
        "CA_ERROR": "stop",
        "ILLEGAL_APPID": "stop",
        "API_METHOD_CLOSED": "stop",
        # Too much in a second, in a day, or at night.
        "FREQ_LIMIT": "wait",
        "TIME_LIMITED": "wait",
        "SENDNUM_LIMIT": "wait",
        "SENDAMOUNT_LIMIT": "wait",
        "RCVDAMOUNT_LIMIT": "wait",
        # This one cannot go as it is: somebody has to look.
        "NO_AUTH": "mend",
        "PARAM_ERROR": "mend",
        "XML_ERROR": "mend",
        "OPENID_ERROR": "mend",
        "MONEY_LIMIT": "mend",
    }
)
#: Transfers, v3. Source: pay.weixin.qq.com/doc/v3/merchant/4012716434.
TRANSFER_REFUSALS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "NOT_ENOUGH": "stop",
        "NO_AUTH": "stop",
        "SIGN_ERROR": "stop",
        "APPID_MCHID_NOT_MATCH": "stop",
        "FREQUENCY_LIMITED": "wait",
        "FREQUENCY_LIMIT_EXCEED": "wait",
        "RATELIMIT_EXCEEDED": "wait",
        "QUOTA_EXCEED": "wait",
        "PARAM_ERROR": "mend",
    }
)


def refusal_of_payment(
    codes: Mapping[str, Action], code: str, number: str
) -> Refused | Unknown:
    """Return what a code means for a request to pay.

    Parameters
    ----------
    codes
        ``RED_PACKET_REFUSALS`` or ``TRANSFER_REFUSALS``.
    code
        The code.
    number
        The payout's number.

    Returns
    -------
    Refused or Unknown
        Never final. The same number may be tried again.
    """
    action = codes.get(code)
    if action is None:
        return Unknown(_told(code))
    return Refused(number, code, final=False, action=action)


def refusal_of_query(
    codes: Mapping[str, Action], code: str, number: str
) -> Refused | Unknown:
    """Return what a code means for a question.

    Parameters
    ----------
    codes, code, number
        As of ``refusal_of_payment``.

    Returns
    -------
    Refused or Unknown
        ``Refused`` where the question itself came too fast or cannot be asked;
        whoever is told so waits. A number that is not found may still be paid.
    """
    if codes.get(code) in {"wait", "stop"}:
        return refusal_of_payment(codes, code, number)
    return Unknown(_told(code))


def _told(code: str) -> str:
    return f"the code {code[:40]!r} does not say what became of it"
