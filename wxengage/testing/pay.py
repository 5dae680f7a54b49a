"""A WeChat Pay of one's own (模拟微信支付): red packets, transfers, and notices.

It remembers every number. The same request under the same number pays once; another
request under it is refused. What was paid stands in ``payments``, which is what a
test proves "never twice" by.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.adapters.pay.keys import PlatformKeys
from wxengage.adapters.pay.merchants import Merchant
from wxengage.errors import InvalidInputError, MissingExtraError, require_whole
from wxengage.testing.pay_bills import Bills, Payment
from wxengage.testing.pay_packets import packet_reply
from wxengage.testing.pay_transfers import (
    Asked,
    Shop,
    bill_fields,
    signed_headers,
    transfer_reply,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from wxengage.testing.faults import Fault
    from wxengage.testing.replies import Reply

__all__ = ["FakePay", "PayPush", "Payment", "pay_route"]

_MERCHANT: Final = "1900000109"
_APPID: Final = "wx1234567890abcdef"
_KEY_ID: Final = "PUB_KEY_ID_0119000001092026030200000000"
_NUMBER: Final = re.compile(r"(/out-bill-no)/[0-9A-Za-z]+")
_RED_PACKETS: Final = "/mmpaymkttransfers/"
_TRANSFERS: Final = "/v3/fund-app/mch-transfer/"


def pay_route(path: str) -> str | None:
    """Return the name of a path at WeChat Pay; None for another one.

    Parameters
    ----------
    path
        Of a call.

    Returns
    -------
    str or None
        The path, with ``{number}`` in place of a number.
    """
    if not path.startswith((_RED_PACKETS, _TRANSFERS)):
        return None
    return _NUMBER.sub(r"\1/{number}", path)


@attrs.frozen
class PayPush:
    """One notice of WeChat Pay to the application (支付通知请求).

    Attributes
    ----------
    headers
        By name, with the signature.
    body
        What is posted.
    """

    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


class FakePay:
    """A WeChat Pay of one's own (模拟微信支付); had from ``FakeWeChat.pay``.

    Attributes
    ----------
    api_key, apiv3_key
        The merchant's keys, of v2 and of v3.
    """

    def __init__(
        self, clock: Callable[[], dt.datetime], lock: AbstractContextManager[Any]
    ) -> None:
        self.api_key = hashlib.sha256(b"fake v2").hexdigest()[:32]
        self.apiv3_key = hashlib.sha256(b"fake v3").hexdigest()[:32]
        self._clock = clock
        self._lock = lock
        self._bills = Bills()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __repr__(self) -> str:
        return f"FakePay(payments={len(self._bills.payments)})"

    @property
    def merchant(self) -> Merchant:
        """The merchant, with its certificate and key in a folder until the end."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="wxengage-pay-")
        cert, key = (
            Path(self._folder.name) / f"apiclient_{name}.pem"
            for name in ("cert", "key")
        )
        cert.write_bytes(self._shop.ring.cert)
        key.write_bytes(self._shop.ring.key)
        return Merchant(_MERCHANT, _APPID, cert_file=cert, key_file=key)

    @property
    def platform_keys(self) -> PlatformKeys:
        """The key that its answers and notices are signed with."""
        return PlatformKeys({_KEY_ID: self._shop.ring.platform})

    @property
    def payments(self) -> tuple[Payment, ...]:
        """Every payment that was made: the truth about what went."""
        with self._lock:
            return tuple(self._bills.payments)

    @property
    def funds(self) -> int | None:
        """What the merchant may pay out in all, in fen; None for any amount."""
        return self._bills.funds

    @funds.setter
    def funds(self, fen: int | None) -> None:
        if fen is not None:
            require_whole("funds", fen)
        with self._lock:
            self._bills.funds = fen

    def receive(self, number: str) -> None:
        """Let the user open a red packet, or confirm a transfer.

        Parameters
        ----------
        number
            Its number.

        Raises
        ------
        InvalidInputError
            If there is none, or it does not wait for the user.
        """
        with self._lock:
            self._bills.receive(number, self._clock())

    def state(self, number: str) -> str:
        """Return WeChat's word for how a payment stands.

        Parameters
        ----------
        number
            Its number.

        Returns
        -------
        str
            Such as ``"SENT"`` or ``"WAIT_USER_CONFIRM"``.
        """
        with self._lock:
            return self._bills.the(number).state(self._clock())

    def put(self, number: str, word: str) -> None:
        """Let a payment stand as a word says, also one that nobody knows yet.

        Parameters
        ----------
        number
            Its number.
        word
            Such as ``"PROCESSING"``.

        Raises
        ------
        InvalidInputError
            If there is no such payment, or the word is no text.
        """
        if not isinstance(word, str) or not word:
            raise InvalidInputError("word", word, "a state, as text")
        with self._lock:
            self._bills.the(number).word = word

    def push(self, number: str) -> PayPush:
        """Return the notice about a transfer, as it stands now.

        Parameters
        ----------
        number
            Its number.

        Returns
        -------
        PayPush
            The request: signed and encrypted. Its id is the same each time.
        """
        with self._lock:
            now = self._clock()
            told = bill_fields(self._bills.the(number), now)
        return self.raw(json.dumps({"mchid": _MERCHANT, **told}).encode(), now)

    def raw(self, told: bytes, now: dt.datetime) -> PayPush:
        """Return a notice with any content.

        Parameters
        ----------
        told
            As it is before encryption.
        now
            When it is signed, aware.

        Returns
        -------
        PayPush
            The request.
        """
        body = {
            "id": f"EV-{hashlib.sha256(told).hexdigest()[:24]}",
            "create_time": now.isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": "MCHTRANSFER.BILL.FINISHED",
            "summary": "商家转账单据终态通知",
            "resource": self._shop.ring.seal(told, self.apiv3_key),
        }
        return self.signed(json.dumps(body).encode(), now)

    def signed(self, body: bytes, now: dt.datetime) -> PayPush:
        """Return a notice with any body.

        Parameters
        ----------
        body
            As it is posted.
        now
            When it is signed, aware.

        Returns
        -------
        PayPush
            The request.
        """
        return PayPush(signed_headers(body, now, self._shop), body)

    def close(self) -> None:
        """Remove the merchant's files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def answer(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        raw: bytes,
        fault: Fault | None,
    ) -> Reply:
        """Answer to a call; whoever calls it holds the lock."""
        now = self._clock()
        if path.startswith(_RED_PACKETS):
            names = _MERCHANT, _APPID, self.api_key
            return packet_reply(self._bills, path, raw, now, names=names, fault=fault)
        small = {name.lower(): one for name, one in headers.items()}
        asked = Asked(method, path, small, raw)
        return transfer_reply(self._bills, asked, now, shop=self._shop, fault=fault)

    @property
    def _shop(self) -> Shop:
        try:
            from wxengage.testing.pay_keys import Ring  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("wxengage"):
                raise
            raise MissingExtraError("cryptography", "pay") from None
        return Shop(_MERCHANT, _APPID, _KEY_ID, Ring.of(_MERCHANT))
