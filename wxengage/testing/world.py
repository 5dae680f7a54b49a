"""What the fake WeChat knows (模拟状态): tokens, people, grants, windows, messages.

A model of its own, simpler than the quotas of the library and written apart from
them, so that the two can be held against each other. It has a clock that only a
test moves.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import attrs

from wxengage.errors import InvalidInputError, nearest
from wxengage.times.zones import require_aware

__all__ = ["Accepted", "World"]

_HOUR: Final = dt.timedelta(hours=1)
_MINUTE: Final = dt.timedelta(minutes=1)
# What opens a window, for how many messages, and how long.
_WINDOWS: Final = {
    "message": (5, 48 * _HOUR),
    "menu_click": (3, _MINUTE),
    "follow": (3, _MINUTE),
    "scan": (3, _MINUTE),
    "open": (2, _MINUTE),
}
_ACTS: Final = (*_WINDOWS, "unfollow", "subscribe", "decline")
_TOKEN_LASTS: Final = 2 * _HOUR
_OVERLAP: Final = 5 * _MINUTE
_KEY_LASTS: Final = 10 * _MINUTE
_MASS_KEY_LASTS: Final = 24 * _HOUR
_OK: Final = {"errcode": 0, "errmsg": "ok"}

Body = Mapping[str, Any]


@attrs.frozen
class Accepted:
    """A message that the fake WeChat took (已受理的消息).

    Attributes
    ----------
    to
        Whom it went to: an openid, an external id, a member, a group; "" for the
        robot and for a mass send.
    path
        By which call.
    body
        What was posted.
    at
        When, by the fake's clock.
    receipt
        The number that was answered.
    """

    to: str
    path: str
    body: Body
    at: dt.datetime
    receipt: str


@attrs.define
class _Window:
    closes: dt.datetime
    left: int


class World:
    """The state; whoever calls it holds the lock."""

    def __init__(self, now: dt.datetime, secrets: Mapping[str, str] | None) -> None:
        self.now = require_aware("now", now)
        self.messages: list[Accepted] = []
        self.fetched = 0
        self._secrets = None if secrets is None else dict(secrets)
        self._tokens: dict[str, tuple[str, dt.datetime]] = {}
        self._good: dict[str, dt.datetime] = {}
        self._followers: set[str] = set()
        self._known: set[str] = set()
        self._windows: dict[str, dict[str, _Window]] = {}
        self._grants: Counter[tuple[str, str]] = Counter()
        self._keys: dict[str, tuple[dt.datetime, str]] = {}

    def act(self, kind: str, user: str, item: str) -> None:
        """Let a user do something."""
        if kind not in _ACTS:
            raise InvalidInputError("kind", kind, "an act", nearest(kind, _ACTS))
        self._known.add(user)
        if kind == "subscribe":
            self._grants[user, item] += 1
        elif kind == "decline":
            self._grants[user, item] = 0
        elif kind == "unfollow":
            self._followers.discard(user)
            self._windows.pop(user, None)
        else:
            if kind == "follow":
                self._followers.add(user)
            count, lasts = _WINDOWS[kind]
            opened = self._windows.setdefault(user, {})
            opened[kind] = _Window(self.now + lasts, count)

    def grants(self, user: str, template: str) -> int:
        """Return how many messages of a template a user still allows."""
        return self._grants[user, template]

    def forget_tokens(self) -> None:
        """Let every token run out at once."""
        self._tokens.clear()
        self._good.clear()

    def token(self, appid: str, secret: str) -> Body:
        """Answer to a call for a token."""
        self.fetched += 1
        if self._secrets is not None:
            if appid not in self._secrets:
                return _refusal(40013)
            if self._secrets[appid] != secret:
                return _refusal(40125)
        token, ends = self._tokens.get(appid, ("", self.now))
        if self.now >= ends - _OVERLAP:
            token = f"token-{self.fetched}-{appid}"
            # The old one stays good for the five minutes that it has left.
            ends = self.now + _TOKEN_LASTS
            self._tokens[appid] = token, ends
            self._good[token] = ends
        lasts = int((ends - self.now).total_seconds())
        return {**_OK, "access_token": token, "expires_in": lasts}

    def call(self, path: str, query: Mapping[str, str], body: Body) -> Body:
        """Answer to any other call, and remember what was taken."""
        if path == "/cgi-bin/webhook/send":
            return self._take("", path, body) if query.get("key") else _refusal(93000)
        if self._good.get(query.get("access_token", ""), self.now) <= self.now:
            return _refusal(42001)
        route = _ROUTES.get(path)
        if route is None:
            return {"errcode": 40066, "errmsg": "invalid url"}
        answer: Body = route(self, path, body)
        return answer

    def _take(self, to: str, path: str, body: Body) -> Body:
        receipt = str(10_000 + len(self.messages))
        self.messages.append(Accepted(to, path, body, self.now, receipt))
        return {**_OK, "msgid": int(receipt)}

    def _customer(self, path: str, body: Body) -> Body:
        to = str(body.get("touser", ""))
        if to not in self._known:
            return _refusal(40003)
        opened = self._windows.get(to, {}).values()
        still = [window for window in opened if window.closes > self.now]
        if not still:
            return _refusal(45015)
        if not any(window.left for window in still):
            return _refusal(45047)
        for window in still:
            window.left = max(window.left - 1, 0)
        return self._take(to, path, body)

    def _template(self, path: str, body: Body) -> Body:
        to, key = str(body.get("touser", "")), str(body.get("client_msg_id", ""))
        if to not in self._followers:
            return _refusal(43004 if to in self._known else 40003)
        at, receipt = self._keys.get(key, (None, ""))
        if at is not None and self.now < at + _KEY_LASTS:
            return {**_refusal(45065), "msgid": int(receipt)}
        answer = self._take(to, path, body)
        if key:
            self._keys[key] = self.now, str(answer["msgid"])
        return answer

    def _subscribe(self, path: str, body: Body) -> Body:
        to, template = str(body.get("touser", "")), str(body.get("template_id", ""))
        if not self._grants[to, template]:
            return _refusal(43101 if to in self._known else 40003)
        self._grants[to, template] -= 1
        return self._take(to, path, body)

    def _mass(self, path: str, body: Body) -> Body:
        key = str(body.get("clientmsgid", ""))
        # Mass sends and templates do not know of each other's keys.
        at, receipt = self._keys.get(f"mass {key}", (None, ""))
        if at is not None and self.now < at + _MASS_KEY_LASTS:
            return {**_refusal(45065), "msg_id": int(receipt)}
        answer = self._take("", path, body)
        if key:
            self._keys[f"mass {key}"] = self.now, str(answer["msgid"])
        return {**_OK, "msg_id": answer["msgid"], "msg_data_id": answer["msgid"] + 1}

    def _task(self, path: str, body: Body) -> Body:
        single = body.get("chat_type") != "group"
        wanted = body.get("external_userid" if single else "chat_id_list") or []
        failed = [one for one in wanted if one not in self._known]
        if failed == list(wanted):
            return {**_refusal(41048), "fail_list": failed}
        answers = [self._take(one, path, body) for one in wanted if one in self._known]
        receipt = f"msg-{answers[-1]['msgid']}"
        return {**_OK, "fail_list": failed, "msgid": receipt}

    def _staff(self, path: str, body: Body) -> Body:
        to = str(body.get("touser", ""))
        if to not in self._known:
            return {**_OK, "invaliduser": to}
        return {**self._take(to, path, body), "invaliduser": ""}


_ROUTES: Final = {
    "/cgi-bin/message/custom/send": World._customer,  # noqa: SLF001  its own
    "/cgi-bin/message/template/send": World._template,  # noqa: SLF001
    "/cgi-bin/message/subscribe/bizsend": World._subscribe,  # noqa: SLF001
    "/cgi-bin/message/subscribe/send": World._subscribe,  # noqa: SLF001
    "/cgi-bin/externalcontact/add_msg_template": World._task,  # noqa: SLF001
    "/cgi-bin/message/mass/sendall": World._mass,  # noqa: SLF001
    "/cgi-bin/message/send": World._staff,  # noqa: SLF001
}


def _refusal(code: int) -> dict[str, Any]:
    return {"errcode": code, "errmsg": f"fake refusal {code}"}
