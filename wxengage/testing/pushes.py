"""Callbacks as WeChat sends them (模拟回调): signed, and encrypted where asked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.adapters.bodies import xml_of
from wxengage.adapters.cipher import Cipher
from wxengage.adapters.secret import secret_of
from wxengage.adapters.signatures import signature
from wxengage.errors import InvalidInputError, nearest
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.adapters.secret import Secret
    from wxengage.users import Account

__all__ = ["Push", "Pushes"]

_MICROS: Final = 1_000_000
_EVENTS: Final = {
    "follow": "subscribe",
    "unfollow": "unsubscribe",
    "scan": "SCAN",
    "menu_click": "CLICK",
    "click": "VIEW",
    "open": "user_enter_tempsession",
}
_KINDS: Final = ("message", "subscribe", "decline", *_EVENTS)


@attrs.frozen
class Push:
    """One request of WeChat to the application (推送请求).

    Attributes
    ----------
    method
        ``"GET"`` or ``"POST"``.
    query
        The parameters of the address.
    body
        What is posted.
    """

    method: str
    query: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


class Pushes:
    """Makes the callbacks of one account (模拟回调).

    What it makes is a function of its arguments: the same push twice is what
    WeChat sends when it hears nothing for five seconds, and a list of them can be
    shuffled.

    Parameters
    ----------
    account
        Whose callbacks.
    token
        The token of the callback's configuration.
    aes_key
        Its EncodingAESKey; None for plain callbacks.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.adapters.inbound import Inbound
    >>> from wxengage.users import Account
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    >>> shop = Account("shop", "service", "wx1234567890abcdef")
    >>> key = "0" * 43
    >>> push = Pushes(shop, token="let-me-in", aes_key=key).push("follow", "oA", noon)
    >>> inbound = Inbound(shop, token="let-me-in", aes_key=key)
    >>> callback = inbound.read(push.method, push.query, push.body, noon)
    >>> [event.kind for event in callback.events]
    ['follow']
    """

    def __init__(
        self,
        account: Account,
        *,
        token: str | Secret,
        aes_key: str | Secret | None = None,
    ) -> None:
        self.account = account
        self._token = secret_of("token", token)
        key = None if aes_key is None else secret_of("aes_key", aes_key)
        self._cipher = None if key is None else Cipher(key, account.appid)

    def __repr__(self) -> str:
        return f"Pushes({self.account.id!r})"

    def push(self, kind: str, user: str, now: dt.datetime, *, item: str = "") -> Push:
        """Return the callback of something that a user does.

        Parameters
        ----------
        kind
            ``"message"``, ``"follow"``, ``"unfollow"``, ``"scan"``,
            ``"menu_click"``, ``"click"``, ``"open"``, ``"subscribe"`` or
            ``"decline"``.
        user
            The openid.
        now
            When, aware.
        item
            What it is about: the words of a message, the scene of a code, the
            key of a menu, the template of a grant.

        Returns
        -------
        Push
            The request.

        Raises
        ------
        InvalidInputError
            If it is no kind of callback, or ``now`` is naive.
        """
        if kind not in _KINDS:
            raise InvalidInputError("kind", kind, "a callback", nearest(kind, _KINDS))
        second = micros("now", now) // _MICROS
        fields: dict[str, str | int] = {
            "ToUserName": "gh_wxengage",
            "FromUserName": user,
            "CreateTime": second,
        }
        if kind == "message":
            number = int(_digest(user, str(second), item)[:15], 16)
            fields |= {"MsgType": "text", "Content": item, "MsgId": number}
            return self.raw(xml_of(fields), now)
        if kind in {"subscribe", "decline"}:
            return self.raw(_grant(fields, kind, item), now)
        if kind == "follow" and item:
            item = f"qrscene_{item}"
        fields |= {"MsgType": "event", "Event": _EVENTS[kind], "EventKey": item}
        return self.raw(xml_of(fields), now)

    def raw(self, body: str | bytes, now: dt.datetime) -> Push:
        """Return a callback with any body.

        Parameters
        ----------
        body
            As it is before encryption.
        now
            When it is signed, aware.

        Returns
        -------
        Push
            The request.
        """
        stamp = str(micros("now", now) // _MICROS)
        plain = body.encode() if isinstance(body, str) else body
        random = hashlib.sha256(stamp.encode() + plain).hexdigest()
        nonce = random[:10]
        query = {"timestamp": stamp, "nonce": nonce}
        query["signature"] = signature(self._token, stamp, nonce)
        if self._cipher is None:
            return Push("POST", query, plain)
        hidden = self._cipher.seal(plain, random[-16:].encode())
        signed = signature(self._token, stamp, nonce, hidden)
        query |= {"encrypt_type": "aes", "msg_signature": signed}
        outer = {"ToUserName": "gh_wxengage", "Encrypt": hidden}
        return Push("POST", query, xml_of(outer).encode())

    def verification(self, now: dt.datetime, *, echo: str = "7412589630") -> Push:
        """Return the request by which an address is registered.

        Parameters
        ----------
        now
            When, aware.
        echo
            What is to be answered.

        Returns
        -------
        Push
            The request.
        """
        stamp = str(micros("now", now) // _MICROS)
        nonce = _digest(echo, stamp)[:10]
        query = {"timestamp": stamp, "nonce": nonce}
        if self._cipher is not None and self.account.kind == "wecom":
            hidden = self._cipher.seal(echo.encode(), _digest(echo)[:16].encode())
            query["msg_signature"] = signature(self._token, stamp, nonce, hidden)
            return Push("GET", query | {"echostr": hidden}, b"")
        query["signature"] = signature(self._token, stamp, nonce)
        return Push("GET", query | {"echostr": echo}, b"")


def _grant(fields: dict[str, str | int], kind: str, template: str) -> str:
    change = "Popup" if kind == "subscribe" else "Change"
    status = "accept" if kind == "subscribe" else "reject"
    event = f"subscribe_msg_{change.lower()}_event"
    outer = xml_of(fields | {"MsgType": "event", "Event": event})
    item = xml_of({"TemplateId": template, "SubscribeStatusString": status})
    inner = item.removeprefix("<xml>").removesuffix("</xml>")
    name = f"SubscribeMsg{change}Event"
    listed = f"<{name}><List>{inner}</List></{name}>"
    return outer.removesuffix("</xml>") + listed + "</xml>"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
