"""The wire of v2 (红包传输): wechatpy's red packets, signed and read by ourselves.

wechatpy chooses the fields, the address and the certificate, and makes the call. It
never holds the merchant's API key: the signature is made here, and so is the XML, in
which no text can end its field and begin another. What wechatpy would log at DEBUG,
such as whom it pays, it does not.

This file needs the extra ``wechat``; it is imported when a sender is made.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from wechatpy.pay import WeChatPay

from wxengage.adapters.bodies import fields_of
from wxengage.adapters.calls import MOST_BYTES, STAND_IN, Lost, Unsent
from wxengage.adapters.connections import failure, guard, watching
from wxengage.adapters.pay.signing import signed_xml
from wxengage.errors import CallbackRejected

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from wxengage.adapters.bodies import Fields
    from wxengage.adapters.pay.hosts import PayEndpoint
    from wxengage.adapters.pay.merchants import Merchant
    from wxengage.adapters.secret import Secret

__all__ = ["PacketWire"]


def _above_debug(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


# Also where somebody else uses wechatpy with a real key: at DEBUG it logs that.
for _name in ("wechatpy.pay", "wechatpy.pay.utils"):
    logging.getLogger(_name).addFilter(_above_debug)


class _Pay(WeChatPay):  # type: ignore[misc]  # wechatpy has no types
    """wechatpy's client: without its signatures and its reading."""

    def __init__(
        self, merchant: Merchant, api_key: Secret, endpoint: PayEndpoint
    ) -> None:
        super().__init__(
            merchant.appid,
            STAND_IN,
            merchant.mch_id,
            mch_cert=str(merchant.cert_file),
            mch_key=str(merchant.key_file),
            timeout=(endpoint.connect, endpoint.read),
        )
        self.API_BASE_URL = f"{endpoint.url}/"
        self._secret = api_key
        guard(self._http, endpoint)

    def _request(self, method: str, url_or_endpoint: str, **options: Any) -> Fields:  # noqa: ANN401
        fields = {name: one for name, one in options["data"].items() if one is not None}
        fields |= {"mch_id": self.mch_id, "nonce_str": secrets.token_hex(16)}
        options["data"] = signed_xml(fields, self._secret).encode()
        options |= {"stream": True, "allow_redirects": False}
        options["headers"] = {"Content-Type": "text/xml; charset=utf-8"}
        found: Fields = super()._request(method, url_or_endpoint, **options)
        return found

    def _handle_result(self, res: requests.Response) -> Fields:
        with res:
            raw = res.raw.read(MOST_BYTES + 1, decode_content=True)
        if res.status_code != 200:  # noqa: PLR2004  OK
            raise CallbackRejected("status", f"HTTP {res.status_code}")
        return fields_of(raw)


class PacketWire:
    """Makes calls about red packets; safe to use from threads.

    Parameters
    ----------
    merchant
        Who pays.
    api_key
        The key that signs.
    endpoint
        Where WeChat Pay is.
    """

    __slots__ = ("_pay", "_total")

    def __init__(
        self, merchant: Merchant, api_key: Secret, endpoint: PayEndpoint
    ) -> None:
        self._pay: Final = _Pay(merchant, api_key, endpoint)
        self._total: Final = endpoint.total

    def send(self, **fields: str | int | None) -> Fields | Unsent | Lost:
        """Send one red packet, once.

        Parameters
        ----------
        **fields
            By the names that wechatpy has; number and address are among them.

        Returns
        -------
        Fields, Unsent or Lost
            The answer, or what the call came to.
        """
        return self._call(lambda: self._pay.redpack.send(**fields))

    def query(self, number: str) -> Fields | Unsent | Lost:
        """Ask about one number.

        Parameters
        ----------
        number
            The number.

        Returns
        -------
        Fields, Unsent or Lost
            The answer, or what the call came to.
        """
        return self._call(lambda: self._pay.redpack.query(out_trade_no=number))

    def _call(self, work: Callable[[], Fields]) -> Fields | Unsent | Lost:
        with watching(self._total) as watch:
            try:
                return work()
            except CallbackRejected as rejected:
                # The reader's word for it: there is no XML, or too much of it.
                return Lost(f"the answer is not read: {rejected.hint}")
            except Exception as error:  # noqa: BLE001  what they raise is full of details
                response = getattr(error, "response", None)
                if response is not None:
                    response.close()
                return failure(error, watch)
