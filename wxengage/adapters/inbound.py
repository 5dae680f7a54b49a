"""Callbacks of WeChat (接收回调): who speaks, is it fresh, what does it say.

Everything that is wrong with a callback is one error, ``CallbackRejected``, with
a reason for the program. Answer it with a plain 403 and nothing else. What is
read is a value: record its events, then send back ``callback.reply()``. WeChat
waits five seconds and asks three times; the same callback has the same ``key``,
and its events have the same ids.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.adapters.bodies import Fields, fields_of, text, text_reply, xml_of
from wxengage.adapters.cipher import Cipher
from wxengage.adapters.happenings import Report, Told, told_by
from wxengage.adapters.secret import Secret, secret_of
from wxengage.adapters.signatures import FRESH_FOR, checked, signature
from wxengage.errors import CallbackRejected, InvalidInputError
from wxengage.times.zones import micros
from wxengage.users import Account

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.log.events import Event

__all__ = ["Callback", "Inbound"]

_MICROS: Final = 1_000_000


@attrs.frozen(eq=False, repr=False)
class Callback:
    """One callback, verified and read (回调).

    Attributes
    ----------
    kind
        WeChat's word: the event's name, the type of a message, or
        ``"verification"`` for the question by which an address is registered.
    known
        False for a kind that this version does not know: it has no events, and
        its ``fields`` say everything.
    key
        The same for every delivery of the same callback, and for no other; ""
        for a verification.
    events
        What users did, as the log keeps it. Their ids are made from ``key``.
    reports
        What became of messages that were sent.
    fields
        Everything that it said, by WeChat's names. Holds personal data: what
        people wrote, where they are.
    echo
        What a verification is answered with; None for others.
    """

    kind: str
    known: bool
    key: str
    events: tuple[Event, ...]
    reports: tuple[Report, ...]
    fields: Fields
    echo: str | None
    _inbound: Inbound
    _now: dt.datetime
    _sealed: bool

    def __repr__(self) -> str:
        return (
            f"Callback(kind={self.kind!r}, known={self.known}, "
            f"events={len(self.events)}, reports={len(self.reports)})"
        )

    def reply(self, content: str = "") -> str:
        """Return what WeChat is to be answered.

        Parameters
        ----------
        content
            What the account says to the user at once (被动回复); "" to say only
            that the callback was received.

        Returns
        -------
        str
            The body of the answer: the echo of a verification, WeChat's word for
            "received", or a message, encrypted where the callback was.

        Raises
        ------
        InvalidInputError
            If the content is no text or has a character that XML cannot tell,
            or if this callback cannot be answered with words: a verification,
            or one of a mini program.
        """
        _require_kind("content", content, str, "a text")
        wordless = self.echo is not None or self._inbound.account.kind == "mini_program"
        if content and wordless:
            rule = "empty for a verification and for a mini program"
            hint = "send a customer message instead"
            raise InvalidInputError("content", content, rule, hint)
        if self.echo is not None:
            return self.echo
        if not content:
            return "" if self._inbound.account.kind == "wecom" else "success"
        second = micros("now", self._now) // _MICROS
        to, sender = (
            text(self.fields, name) for name in ("FromUserName", "ToUserName")
        )
        plain = text_reply(to, sender, second, content)
        return self._inbound.sealed(plain, second) if self._sealed else plain


class Inbound:
    """Reads the callbacks of one account (回调入口).

    Parameters
    ----------
    account
        Whose callbacks: its ``appid``, or corp id, is checked in every encrypted
        one.
    token
        The token of the callback's configuration.
    aes_key
        Its EncodingAESKey; None where there is none.
    allow_plaintext
        Whether callbacks that are not encrypted are read. WeChat's signature
        does not cover their body: whoever has seen one address can send any
        body with it for five minutes. Leave it at False where money follows.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, or WeCom, which encrypts always, has no
        ``aes_key``.
    MissingExtraError
        If there is a key and ``cryptography`` is not installed.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.adapters.signatures import signature
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    >>> shop = Account("shop", "service", "wx1234567890abcdef")
    >>> inbound = Inbound(shop, token="let-me-in")
    >>> query = {"timestamp": "1772452800", "nonce": "n1", "echostr": "42"}
    >>> query["signature"] = signature(Secret("let-me-in"), "1772452800", "n1")
    >>> inbound.read("GET", query, b"", noon).reply()
    '42'
    """

    __slots__ = ("_cipher", "_token", "account", "allow_plaintext")

    def __init__(
        self,
        account: Account,
        *,
        token: str | Secret,
        aes_key: str | Secret | None = None,
        allow_plaintext: bool = False,
    ) -> None:
        _require_kind("account", account, Account, "an Account")
        _require_kind("allow_plaintext", allow_plaintext, bool, "True or False")
        if account.kind == "wecom" and aes_key is None:
            raise InvalidInputError("aes_key", None, "given for WeCom")
        self.account = account
        self.allow_plaintext = allow_plaintext
        self._token = secret_of("token", token)
        self._cipher = (
            None
            if aes_key is None
            else Cipher(secret_of("aes_key", aes_key), account.appid)
        )

    def __repr__(self) -> str:
        return f"Inbound({self.account.id!r}, encrypted={self._cipher is not None})"

    def read(
        self, method: str, query: Mapping[str, str], body: bytes, now: dt.datetime
    ) -> Callback:
        """Verify a callback and say what it tells.

        Parameters
        ----------
        method
            ``"GET"`` or ``"POST"``.
        query
            The parameters of the address, decoded, each once.
        body
            As it came; empty for GET.
        now
            When it came, aware.

        Returns
        -------
        Callback
            What it tells.

        Raises
        ------
        CallbackRejected
            With one of the reasons ``method``, ``malformed_query``, ``stale``,
            ``bad_signature``, ``plaintext``, ``undecipherable``, ``too_large``,
            ``too_many_tags``, ``document_type``, ``malformed`` or
            ``from_the_future``.
        InvalidInputError
            If the application hands over something else than these types, or
            ``now`` is naive.

        Notes
        -----
        ``O(n)`` in the body, which has at most 64 KiB: a longer one is not even
        decoded.
        """
        micros("now", now)
        _require_types(query, body)
        if method == "GET":
            return self._verified(query, now)
        if method != "POST":
            raise CallbackRejected("method", "WeChat sends GET and POST")
        fields, sealed = self._opened(query, body, now)
        told = told_by(fields, self.account)
        seconds = int(text(fields, "CreateTime"))
        latest = micros("now", now + FRESH_FOR) // _MICROS
        if seconds > latest:
            hint = "is the clock of this machine right?"
            raise CallbackRejected("from_the_future", hint)
        return self._callback(told, fields, None, now, sealed=sealed)

    def sealed(self, plain: str, second: int) -> str:
        """Return the XML of an answer, encrypted and signed.

        Parameters
        ----------
        plain
            The XML of the answer.
        second
            When, in seconds since 1970.

        Returns
        -------
        str
            The XML that WeChat can open.

        Raises
        ------
        InvalidInputError
            If there is no key.
        """
        if self._cipher is None:
            raise InvalidInputError("aes_key", None, "given for an encrypted answer")
        hidden = self._cipher.seal(plain.encode(), secrets.token_bytes(16))
        nonce = secrets.token_hex(8)
        return xml_of(
            {
                "Encrypt": hidden,
                "MsgSignature": signature(self._token, str(second), nonce, hidden),
                "TimeStamp": second,
                "Nonce": nonce,
            }
        )

    def _callback(
        self,
        told: Told,
        fields: Fields,
        echo: str | None,
        now: dt.datetime,
        *,
        sealed: bool,
    ) -> Callback:
        words = told.kind, told.known, told.key, told.events, told.reports
        return Callback(*words, fields, echo, self, now, sealed)

    def _verified(self, query: Mapping[str, str], now: dt.datetime) -> Callback:
        echo = query.get("echostr", "")
        if self.account.kind == "wecom" and self._cipher is not None:
            by = "msg_signature"
            checked(self._token, query, now, by=by, cipher_text=echo)
            echo = _utf8(self._cipher.open(echo))
        else:
            checked(self._token, query, now)
        if not echo.isprintable() or not echo:
            raise CallbackRejected("malformed_query", "echostr is needed")
        told = Told("verification", known=True, key="")
        return self._callback(told, {}, echo, now, sealed=False)

    def _opened(
        self, query: Mapping[str, str], body: bytes, now: dt.datetime
    ) -> tuple[Fields, bool]:
        """Return the fields of a body that WeChat signed, and whether it was sealed."""
        json = self.account.kind == "mini_program"
        if self._cipher is None:
            if not self.allow_plaintext:
                hint = "give aes_key=, or accept forged bodies with allow_plaintext="
                raise CallbackRejected("plaintext", hint)
            checked(self._token, query, now)
            return self._addressed(fields_of(body, may_be_json=json)), False
        outer = fields_of(body, may_be_json=json)
        if "Encrypt" not in outer:
            if not self.allow_plaintext:
                raise CallbackRejected("plaintext", "an encrypted body is expected")
            checked(self._token, query, now)
            return self._addressed(outer), False
        hidden = text(outer, "Encrypt")
        checked(self._token, query, now, by="msg_signature", cipher_text=hidden)
        return fields_of(self._cipher.open(hidden), may_be_json=json), True

    def _addressed(self, fields: Fields) -> Fields:
        # In the compatible mode (兼容模式) a body says everything twice.
        if "Encrypt" in fields and "MsgType" not in fields:
            raise CallbackRejected("undecipherable", "give aes_key=")
        return fields


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise CallbackRejected("malformed", "the echo is not UTF-8") from None


def _require_kind(name: str, got: object, kind: type, rule: str) -> None:
    if not isinstance(got, kind):
        raise InvalidInputError(name, got, rule)


def _require_types(query: object, body: object) -> None:
    if not isinstance(query, Mapping) or not all(
        isinstance(one, str) for pair in query.items() for one in pair
    ):
        hint = "of a framework's own type make dict(...) of its last values"
        raise InvalidInputError("query", type(query).__name__, "texts by name", hint)
    if not isinstance(body, bytes):
        raise InvalidInputError("body", type(body).__name__, "bytes, as they came")
