"""A WeChat of one's own (模拟微信), on this machine only.

It answers the calls of senders as WeChat would: it knows tokens, followers,
grants and reply windows, and goes wrong exactly when a test says so. Its clock
stands still until a test moves it; only delays are real.
"""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import attrs

from wxengage.adapters.bodies import fields_of
from wxengage.errors import CallbackRejected, InvalidInputError, require_whole
from wxengage.testing.faults import Fault
from wxengage.testing.pay import FakePay, pay_route
from wxengage.testing.replies import Reply, json_reply
from wxengage.testing.world import Accepted, World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["Call", "FakeWeChat"]

_NOON: Final = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)
_MOST_BYTES: Final = 1_048_576
_TOKENS: Final = frozenset(
    {"/cgi-bin/stable_token", "/cgi-bin/token", "/cgi-bin/gettoken"}
)


@attrs.frozen
class Call:
    """A call that came in (收到的请求): what a sender really sent.

    Attributes
    ----------
    method, path
        How, and to which address.
    query
        Its parameters, with the token.
    body
        What was posted; empty where it was neither a JSON object nor XML.
    at
        When, by the fake's clock.
    """

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(repr=False)
    body: Mapping[str, Any] = attrs.field(repr=False)
    at: dt.datetime


@attrs.define
class _Planned:
    fault: Fault
    times: int | None


class FakeWeChat:
    """A WeChat of one's own on a port of this machine (模拟微信).

    Use it in a ``with`` statement, and give senders ``Endpoint(fake.url)``.

    Parameters
    ----------
    now
        What its clock says, aware; by default noon of 2 March 2026 in China.
    secrets
        Appid -> app secret of the accounts that exist; None lets everybody in.

    Raises
    ------
    InvalidInputError
        If ``now`` is naive.

    Examples
    --------
    >>> with FakeWeChat() as fake:
    ...     fake.act("follow", "oAlice")
    ...     fake.grants("oAlice", "sign_in"), fake.messages
    (0, ())
    """

    def __init__(
        self,
        *,
        now: dt.datetime = _NOON,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._world = World(now, secrets)
        self._lock = threading.Lock()
        #: Its WeChat Pay.
        self.pay: Final = FakePay(lambda: self._world.now, self._lock)
        self._calls: list[Call] = []
        self._planned: dict[str, list[_Planned]] = {}
        self._closing = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"FakeWeChat(messages={len(self._world.messages)})"

    def __enter__(self) -> Self:
        self._server = server = _Server(self)
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self.pay.close()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    @property
    def url(self) -> str:
        """Where it is, for an ``Endpoint``."""
        if self._server is None:
            raise InvalidInputError("fake", "closed", "used in a with statement")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def now(self) -> dt.datetime:
        """What its clock says."""
        return self._world.now

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call that came in."""
        with self._lock:
            return tuple(self._calls)

    @property
    def messages(self) -> tuple[Accepted, ...]:
        """Every message that was taken: the truth about what went."""
        with self._lock:
            return tuple(self._world.messages)

    @property
    def tokens_fetched(self) -> int:
        """How often somebody asked for a token."""
        return self._world.fetched

    def advance(self, span: dt.timedelta) -> None:
        """Move the clock.

        Parameters
        ----------
        span
            By how much; below zero moves it back.
        """
        with self._lock:
            self._world.now += span

    def act(self, kind: str, user: str, *, item: str = "") -> None:
        """Let a user do something, now.

        Parameters
        ----------
        kind
            ``"message"``, ``"menu_click"``, ``"follow"``, ``"scan"``, ``"open"``,
            ``"unfollow"``, ``"subscribe"`` or ``"decline"``.
        user
            Who; from then on WeChat knows this id.
        item
            The template, for ``"subscribe"`` and ``"decline"``.

        Raises
        ------
        InvalidInputError
            If it is no act.
        """
        with self._lock:
            self._world.act(kind, user, item)

    def grants(self, user: str, template: str) -> int:
        """Return how many messages of a template a user still allows."""
        with self._lock:
            return self._world.grants(user, template)

    def forget_tokens(self) -> None:
        """Let every token run out at once."""
        with self._lock:
            self._world.forget_tokens()

    def fail(self, path: str, *faults: Fault, times: int | None = 1) -> None:
        """Plan what goes wrong with the next calls of a path.

        Parameters
        ----------
        path
            Such as ``"/cgi-bin/message/custom/send"``. In a path of WeChat Pay
            ``{number}`` stands for every number.
        *faults
            One after the other; with what was planned before, in turn.
        times
            How often each of them; None for ever.

        Raises
        ------
        InvalidInputError
            If something is no Fault of this path, or ``times`` is no number
            from 1.
        """
        if times is not None:
            require_whole("times", times, least=1)
        for row, fault in enumerate(faults):
            if not isinstance(fault, Fault):
                raise InvalidInputError(f"faults[{row}]", fault, "a Fault")
            if (fault.of_pay and pay_route(path) is None) or (
                fault.kind == "code" and pay_route(path) is not None
            ):
                rule = "one that this path can have"
                raise InvalidInputError(f"faults[{row}]", fault, rule)
        with self._lock:
            planned = self._planned.setdefault(path, [])
            planned += [_Planned(fault, times) for fault in faults]

    def mend(self) -> None:
        """Forget every fault that is planned."""
        with self._lock:
            self._planned.clear()

    def _answer(
        self, method: str, address: str, headers: Mapping[str, str], raw: bytes
    ) -> tuple[Fault | None, Reply]:
        """Return what goes wrong with a call, and what it is answered."""
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = _body(raw)
        with self._lock:
            self._calls.append(Call(method, parts.path, query, body, self._world.now))
            route = pay_route(parts.path)
            fault = self._next_fault(route or parts.path)
            if fault is not None and not (fault.after or fault.of_pay):
                return fault, json_reply({"errcode": fault.number, "errmsg": "fault"})
            if route is not None:
                answered = self.pay.answer(method, parts.path, headers, raw, fault)
                return fault, answered
            if parts.path in _TOKENS:
                appid = query.get("corpid", query.get("appid", body.get("appid", "")))
                names = ("corpsecret", "secret")
                found = [query[name] for name in names if name in query]
                secret = found[0] if found else body.get("secret", "")
                answer = self._world.token(str(appid), str(secret))
            else:
                answer = self._world.call(parts.path, query, body)
            return fault, json_reply(answer)

    def _next_fault(self, path: str) -> Fault | None:
        planned = self._planned.get(path)
        if not planned:
            return None
        first = planned[0]
        if first.times is not None:
            first.times -= 1
            if not first.times:
                del planned[0]
        return first.fault


def _body(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        return _xml(raw)
    return found if isinstance(found, dict) else {}


def _xml(raw: bytes) -> dict[str, Any]:
    try:
        return dict(fields_of(raw))
    except CallbackRejected:
        return {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, fake: FakeWeChat) -> None:
        self.fake = fake
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_close(self) -> None:
        """Stop listening, and hang up on whoever is still connected."""
        super().server_close()
        for connection in tuple(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A client that hangs up must not hold a thread.
    timeout = 30
    # Head and body leave in one piece: apart, the second waits for the first.
    wbufsize = 65_536
    server: _Server

    def setup(self) -> None:
        self.server.open.add(self.request)
        super().setup()

    def finish(self) -> None:
        self.server.open.discard(self.request)
        super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        told = self.headers.get("Content-Length", "0")
        length = int(told) if told.isdecimal() else 0
        self._handle(self.rfile.read(min(length, _MOST_BYTES)))

    def _handle(self, raw: bytes) -> None:
        fake = self.server.fake
        fault, reply = fake._answer(  # noqa: SLF001  its own
            self.command, self.path, dict(self.headers), raw
        )
        closing = fake._closing  # noqa: SLF001
        kind = None if fault is None else fault.kind
        if fault is None or kind == "code" or fault.of_pay:
            self._write(reply)
        elif kind == "status":
            self._write(Reply(b"<html>fault</html>", status=fault.number))
        elif kind == "body":
            self._write(Reply(fault.text.encode(), headers=reply.headers))
        elif kind == "short":
            half = reply.body[: len(reply.body) // 2]
            self._write(attrs.evolve(reply, body=half))
        elif kind == "slow":
            closing.wait(fault.seconds)
            self._write(reply)
        elif kind == "drip":
            self._drip(reply.body, fault.seconds, closing)
        else:
            self._hang_up()

    def _write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _drip(self, body: bytes, seconds: float, closing: threading.Event) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.close_connection = True
        for byte in head + body:
            if closing.wait(seconds):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
