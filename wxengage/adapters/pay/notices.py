"""Notices of WeChat Pay (微信支付通知), v3: verified, opened, and taken as a hint.

A notice says that something happened to a bill. It is no fact for the books: it may
come late, twice or never. What it names is asked about, with the sender's ``query``,
and the answer is booked.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.adapters.bodies import MOST_BYTES, fields_of, text
from wxengage.adapters.pay.keys import PlatformKeys
from wxengage.adapters.secret import Secret, secret_of
from wxengage.adapters.signatures import FRESH_FOR
from wxengage.errors import (
    CallbackRejected,
    InvalidInputError,
    MissingExtraError,
    require_id,
)
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from wxengage.adapters.bodies import Fields

__all__ = ["BillHint", "PayInbound"]

_STAMP: Final = re.compile(r"[0-9]{10}", re.ASCII)
_NONCE: Final = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9A-Za-z_*|-]{1,32}", re.ASCII)
_ALGORITHM: Final = "WECHATPAY2-SHA256-RSA2048"
_MICROS: Final = 1_000_000
# Of a transfer, and of what a user paid.
_NUMBERS: Final = ("out_bill_no", "out_trade_no")


@attrs.frozen
class BillHint:
    """A bill about which there is news: ask (支付通知).

    Attributes
    ----------
    number
        The bill's number: that of the payout.
    event_type
        WeChat's word, such as ``"MCHTRANSFER.BILL.FINISHED"``.
    at
        When WeChat signed the notice, aware.
    key
        The notice's id, the same each time that it is sent.
    """

    number: str
    event_type: str
    at: dt.datetime
    key: str


class PayInbound:
    """Reads the notices of WeChat Pay to one merchant (微信支付通知入口).

    Answer a notice that was read with status 200 or 204 and no body, and one that
    was rejected with 403. WeChat sends notices with a wrong signature on purpose, to
    see that they are rejected.

    Parameters
    ----------
    mch_id
        The merchant's number.
    apiv3_key
        Its APIv3 key, 32 characters.
    platform_keys
        Whose signatures are trusted.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule.
    MissingExtraError
        If ``cryptography`` is not installed.
    """

    __slots__ = ("_key", "_keys", "mch_id")

    def __init__(
        self,
        mch_id: str,
        *,
        apiv3_key: str | Secret,
        platform_keys: PlatformKeys,
    ) -> None:
        if not isinstance(platform_keys, PlatformKeys):
            raise InvalidInputError("platform_keys", platform_keys, "PlatformKeys")
        key = secret_of("apiv3_key", apiv3_key)
        if len(key.reveal()) != 32:  # noqa: PLR2004  AES with 256 bits
            raise InvalidInputError("apiv3_key", "***", "32 characters")
        self.mch_id = require_id("mch_id", mch_id)
        self._key = key
        self._keys = platform_keys

    def __repr__(self) -> str:
        return f"PayInbound({self.mch_id!r})"

    def read(
        self, headers: Mapping[str, str], body: bytes, now: dt.datetime
    ) -> BillHint:
        """Verify a notice and say which bill it is about.

        Parameters
        ----------
        headers
            Of the request, by name; upper and lower case do not matter.
        body
            As it came.
        now
            When it came, aware.

        Returns
        -------
        BillHint
            What to ask about.

        Raises
        ------
        CallbackRejected
            With one of the reasons ``too_large``, ``malformed_headers``, ``stale``,
            ``bad_signature``, ``too_many_tags``, ``malformed``, ``undecipherable``
            or ``wrong_merchant``.
        InvalidInputError
            If the application hands over something else than these types, or
            ``now`` is naive.
        """
        at = micros("now", now)
        _require_types(headers, body)
        if len(body) > MOST_BYTES:
            raise CallbackRejected("too_large", f"at most {MOST_BYTES} bytes are read")
        signed_at = self._verified(headers, body, at)
        outer = _json(body)
        event_type = text(outer, "event_type")
        inner = _json(self._opened(outer))
        told = text(inner, "mchid", "") or text(inner, "mch_id", "")
        if told != self.mch_id:
            raise CallbackRejected("wrong_merchant", "it is for another mch_id")
        number = _number(inner)
        key = _an_id(text(outer, "id"), "id")
        return BillHint(number, _an_id(event_type, "event_type"), signed_at, key)

    def _verified(
        self, headers: Mapping[str, str], body: bytes, at: int
    ) -> dt.datetime:
        """Refuse what WeChat did not sign, or signed long ago."""
        told = {name.lower(): value for name, value in headers.items()}
        names = ("timestamp", "nonce", "serial", "signature")
        stamp, nonce, serial, signature = (
            told.get(f"wechatpay-{name}", "") for name in names
        )
        algorithm = told.get("wechatpay-signature-type", _ALGORITHM)
        shaped = _STAMP.fullmatch(stamp) and _NONCE.fullmatch(nonce)
        if not shaped or not serial or algorithm != _ALGORITHM:
            hint = "the four Wechatpay- headers are needed"
            raise CallbackRejected("malformed_headers", hint)
        if abs(at - int(stamp) * _MICROS) > FRESH_FOR // dt.timedelta(microseconds=1):
            raise CallbackRejected("stale", "is the clock of this machine right?")
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        if not self._keys.verifies(serial, message, signature):
            hint = "is the key of this serial among platform_keys?"
            raise CallbackRejected("bad_signature", hint)
        return from_micros(int(stamp) * _MICROS)

    def _opened(self, outer: Fields) -> bytes:
        """Return what the sealed part says."""
        resource = outer.get("resource")
        if not isinstance(resource, Mapping):
            raise CallbackRejected("malformed", "there is no resource")
        if text(resource, "algorithm") != "AEAD_AES_256_GCM":
            raise CallbackRejected("malformed", "the algorithm is not known")
        sealed = text(resource, "ciphertext")
        nonce = text(resource, "nonce")
        with_it = text(resource, "associated_data", "")
        found = self._plain(sealed, nonce.encode(), with_it.encode())
        if found is None:
            raise CallbackRejected("undecipherable", "is apiv3_key right?")
        return found

    def _plain(self, sealed: str, nonce: bytes, with_it: bytes) -> bytes | None:
        try:
            from cryptography.exceptions import InvalidTag  # noqa: PLC0415
            from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("cryptography", "pay") from None
        try:
            raw = base64.b64decode(sealed.encode("ascii"), validate=True)
            opener = aead.AESGCM(self._key.reveal().encode())
            return opener.decrypt(nonce, raw, with_it or None)
        except (ValueError, InvalidTag):
            return None


def _json(raw: bytes) -> Fields:
    if not raw.lstrip().startswith(b"{"):
        raise CallbackRejected("malformed", "no JSON object")
    return fields_of(raw, may_be_json=True)


def _number(inner: Fields) -> str:
    found = [text(inner, name) for name in _NUMBERS if name in inner]
    if len(found) != 1 or _NUMBER.fullmatch(found[0]) is None:
        raise CallbackRejected("malformed", "it names no bill, or more than one")
    return found[0]


def _an_id(told: str, name: str) -> str:
    try:
        return require_id(name, told)
    except InvalidInputError:
        raise CallbackRejected("malformed", f"{name} is no id") from None


def _require_types(headers: Any, body: object) -> None:  # noqa: ANN401  whatever came
    if not isinstance(headers, Mapping) or not all(
        isinstance(one, str) for pair in headers.items() for one in pair
    ):
        hint = "of a framework's own type make dict(...)"
        raise InvalidInputError(
            "headers", type(headers).__name__, "texts by name", hint
        )
    if not isinstance(body, bytes):
        raise InvalidInputError("body", type(body).__name__, "bytes, as they came")
