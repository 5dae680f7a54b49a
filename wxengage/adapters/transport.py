"""The wire (传输): one call over wechatpy, in bounded time, with no secret to find.

wechatpy makes the request and requests sends it, but neither of them ever holds a
secret: it has a stand-in, which the connection itself replaces when it writes to
the socket. So there is nothing to find in logs, errors and tracebacks of any of
the libraries in between, whatever their level of detail.

A read timeout bounds the wait for one piece, not for the answer: a server that
drips may hold a call for hours. So a watch shuts the socket when the time for the
whole call is over.

This file needs the extra ``wechat``; it is imported by the call that sends.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from wechatpy.client.base import BaseWeChatClient

from wxengage.adapters.calls import (
    MOST_BYTES,
    STAND_IN,
    Answered,
    Came,
    Lost,
    Unsent,
    answer_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from wxengage.adapters.endpoints import Endpoint
    from wxengage.adapters.secret import Secret

__all__ = ["Wire"]


class _Watch:
    """One call: its secret, whether it left, and its end."""

    def __init__(self, seconds: float, secret: Secret | None) -> None:
        self.secret = secret
        self.left = False
        self.over = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def see(self, sock: socket.socket | None) -> None:
        with self._lock:
            self._socket = sock
            if self.over:
                self._shut()

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def _end(self) -> None:
        with self._lock:
            self.over = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            # Not the method of an SSL socket, which the other thread still reads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Current(threading.local):
    watch: _Watch


_CURRENT: Final = _Current()


@contextlib.contextmanager
def _watching(seconds: float, secret: Secret | None) -> Iterator[_Watch]:
    watch = _CURRENT.watch = _Watch(seconds, secret)
    try:
        yield watch
    finally:
        watch.stop()
        del _CURRENT.watch


class _Discreet(HTTPConnection):
    """A connection that alone knows the secret."""

    connecting = False

    def connect(self) -> None:
        self.connecting = True
        try:
            super().connect()
        finally:
            self.connecting = False
        _CURRENT.watch.see(self.sock)

    def request(  # type: ignore[override]  # the rest is passed on as it is
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **options: bool,
    ) -> None:
        secret = _CURRENT.watch.secret
        if secret is not None and body and STAND_IN.encode() in body:
            told = json.dumps(secret.reveal())[1:-1].encode()
            body = body.replace(STAND_IN.encode(), told)
            headers = {**(headers or {}), "Content-Length": str(len(body))}
        super().request(method, url, body, headers, **options)

    def putrequest(self, method: str, url: str, *args: bool, **options: bool) -> None:
        secret = _CURRENT.watch.secret
        if secret is not None:
            url = url.replace(STAND_IN, quote(secret.reveal(), safe=""))
        super().putrequest(method, url, *args, **options)

    def send(self, data: Any) -> None:  # noqa: ANN401  as http.client has it
        if self.sock is None:
            self.connect()
        _CURRENT.watch.see(self.sock)
        # What asks a proxy for a tunnel is not the call itself.
        _CURRENT.watch.left |= not self.connecting
        super().send(data)


class _DiscreetOverTls(_Discreet, HTTPSConnection):
    """The same, encrypted."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Discreet  # type: ignore[assignment]  # a protocol of theirs


class _PoolOverTls(HTTPSConnectionPool):
    ConnectionCls = _DiscreetOverTls  # type: ignore[assignment]


_POOLS: Final = {"http": _Pool, "https": _PoolOverTls}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Client(BaseWeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """wechatpy's client: without its tokens, retries and readings."""

    @property
    def access_token(self) -> str:
        return STAND_IN

    def _handle_result(self, res: requests.Response, *_: object, **__: object) -> Came:
        with res:
            raw = res.raw.read(MOST_BYTES + 1, decode_content=True)
        return answer_of(res.status_code, raw)


class Wire:
    """Makes calls to one endpoint; safe to use from threads.

    Parameters
    ----------
    endpoint
        Where WeChat is, and how long a call may take.
    """

    __slots__ = ("_client", "endpoint")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        times = endpoint.connect, endpoint.read
        self._client = _Client("unused", timeout=times, auto_retry=False)
        http: requests.Session = self._client._http  # noqa: SLF001  there is no other way
        http.trust_env = False
        http.mount("https://", _Adapter())
        http.mount("http://", _Adapter())
        if endpoint.proxy is not None:
            http.proxies = {"https": endpoint.proxy}

    def __repr__(self) -> str:
        return f"Wire({self.endpoint.url!r})"

    def call(
        self,
        method: str,
        path: str,
        *,
        secret: Secret | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Came:
        """Make one call, once.

        Parameters
        ----------
        method
            ``"get"`` or ``"post"``.
        path
            Such as ``"/cgi-bin/message/custom/send"``.
        secret
            What the stand-in in ``query`` or ``body`` means.
        query
            The parameters of the address; None for the token, as wechatpy adds it.
        body
            What is sent as JSON.

        Returns
        -------
        Answered, Unsent or Lost
            Whatever the libraries raise is told by its name alone.
        """
        options: dict[str, Any] = {"allow_redirects": False, "stream": True}
        if query is not None:
            # wechatpy adds its token to a mapping and leaves pairs alone.
            options["params"] = list(query.items())
        if body is not None:
            options["data"] = dict(body)
        with _watching(self.endpoint.total, secret) as watch:
            try:
                came = self._client._request(  # noqa: SLF001  get and post hide the method
                    method, self.endpoint.url + path, **options
                )
            except Exception as error:  # noqa: BLE001  what they raise is full of details
                return _failure(error, watch)
        return came if isinstance(came, Answered | Lost) else Lost("no answer")


def _failure(error: Exception, watch: _Watch) -> Came:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    because = f"HTTP {status}" if status else type(error).__name__
    if watch.over:
        because = "the time for the call was over"
    return Lost(because) if watch.left else Unsent(because)
