"""The wire of v3 (转账传输): wechatpayv3's transfers, in bounded time.

wechatpayv3 chooses the fields and the address, signs the request and checks the
signature of the answer. Left to itself it has no end to a call, follows redirects,
asks the environment for proxies, reads answers of any length, and fetches keys from
the network; so the call itself is made here.

This file needs the extra ``pay``; it is imported when a sender is made.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import requests
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType
from wechatpayv3.utils import build_authorization

from wxengage.adapters.calls import MOST_BYTES, STAND_IN, Lost, Unsent, answer_of
from wxengage.adapters.connections import failure, guard, watching
from wxengage.adapters.pay.bills import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxengage.adapters.pay.hosts import PayEndpoint
    from wxengage.adapters.pay.keys import PlatformKeys
    from wxengage.adapters.pay.merchants import Merchant, Papers

__all__ = ["BillWire"]

_OK: Final = 200
_UNREADABLE: Final = Lost("the answer's signature is not right")


class _Core(Core):  # type: ignore[misc]  # wechatpayv3 has no types
    """wechatpayv3's core: without its calls."""

    def __init__(
        self, endpoint: PayEndpoint, judges: Mapping[str, Core], **options: str
    ) -> None:
        super().__init__(**options)
        self._endpoint = endpoint
        self._judges = judges
        self._http = requests.Session()
        guard(self._http, endpoint)

    def request(
        self,
        path: str,
        method: RequestType = RequestType.GET,
        data: Mapping[str, Any] | None = None,
        **_: object,
    ) -> Reply | Lost:
        """Make a call, as the library's own does."""
        # A field that is not said must not be said to be null.
        said = {name: one for name, one in (data or {}).items() if one is not None}
        body = json.dumps(said) if said else ""
        signed = build_authorization(
            path,
            method.value,
            self._mchid,
            self._cert_serial_no,
            self._private_key,
            data=body,
        )
        response = self._http.request(
            method.value,
            self._endpoint.url + path,
            data=body.encode() or None,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": "wxengage",
                "Wechatpay-Serial": self._public_key_id,
                "Authorization": signed,
            },
            timeout=(self._endpoint.connect, self._endpoint.read),
            allow_redirects=False,
            stream=True,
        )
        with response:
            raw = response.raw.read(MOST_BYTES + 1, decode_content=True)
        return self._read(response.status_code, response.headers, raw)

    def _read(
        self, status: int, headers: Mapping[str, str], raw: bytes
    ) -> Reply | Lost:
        # What it says is read alike whatever the status: a refusal has one, too.
        came = answer_of(_OK, raw)
        signed = bool(headers.get("Wechatpay-Signature"))
        if isinstance(came, Lost):
            return Lost(f"HTTP {status}") if status != _OK else came
        if (signed or status == _OK) and not self._verified(headers, raw):
            return _UNREADABLE
        return Reply(status, came.fields)

    def _verified(self, headers: Mapping[str, str], raw: bytes) -> bool:
        judge = self._judges.get(headers.get("Wechatpay-Serial", ""))
        if judge is None:
            return False
        try:
            return judge._verify_signature(headers, raw.decode()) is True  # noqa: SLF001
        except Exception:  # noqa: BLE001  its word for an algorithm that is not known
            return False


class BillWire:
    """Makes calls about transfers; safe to use from threads.

    Parameters
    ----------
    merchant, papers
        Who pays, and what it signs with.
    keys
        Whose signatures are trusted.
    endpoint
        Where WeChat Pay is.
    """

    __slots__ = ("_pay", "_total")

    def __init__(
        self,
        merchant: Merchant,
        papers: Papers,
        keys: PlatformKeys,
        endpoint: PayEndpoint,
    ) -> None:
        def options(key_id: str, private_key: str = "") -> dict[str, str]:
            return {
                "mchid": merchant.mch_id,
                "private_key": private_key,
                "cert_serial_no": papers.serial,
                # Transfers need no key of APIv3.
                "apiv3_key": STAND_IN,
                "public_key": keys.pem(key_id),
                "public_key_id": key_id,
            }

        first = keys.ids[0]
        # What only judges signatures needs no key that signs.
        judges = {key_id: Core(**options(key_id)) for key_id in keys.ids}
        self._pay = WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI, appid=merchant.appid, **options(first)
        )
        self._pay._core = _Core(  # noqa: SLF001  no other way
            endpoint, judges, **options(first, papers.reveal())
        )
        self._total = endpoint.total

    def create(self, **fields: Any) -> Reply | Unsent | Lost:  # noqa: ANN401
        """Ask for one transfer, once.

        Parameters
        ----------
        **fields
            By the names that wechatpayv3 has; the number is among them.

        Returns
        -------
        Reply, Unsent or Lost
            The answer, or what the call came to.
        """
        return self._call(lambda: self._pay.mch_transfer_bills(**fields))

    def query(self, number: str) -> Reply | Unsent | Lost:
        """Ask about one number.

        Parameters
        ----------
        number
            The number.

        Returns
        -------
        Reply, Unsent or Lost
            The answer, or what the call came to.
        """
        return self._call(lambda: self._pay.mch_transfer_bills_query(number))

    def cancel(self, number: str) -> Reply | Unsent | Lost:
        """Ask that one number be cancelled.

        Parameters
        ----------
        number
            The number.

        Returns
        -------
        Reply, Unsent or Lost
            The answer, or what the call came to.
        """
        return self._call(lambda: self._pay.mch_transfer_bills_cancel(number))

    def _call(self, work: Callable[[], Reply | Lost]) -> Reply | Unsent | Lost:
        with watching(self._total) as watch:
            try:
                return work()
            except Exception as error:  # noqa: BLE001  what they raise is full of details
                return failure(error, watch)
