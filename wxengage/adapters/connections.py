"""Connections (连接): watched, so that every call has an end and nobody a secret.

A read timeout bounds the wait for one piece, not for the answer: a server that
drips may hold a call for hours. So a watch shuts the socket when the time for the
whole call is over. It also knows whether a byte of the call may have left, which is
all that tells "surely not sent" from "nobody can say".

Where a call needs a secret on its way, requests and urllib3 hold a stand-in, which
the connection alone replaces when it writes to the socket.
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

from wxengage.adapters.calls import STAND_IN, Lost, Unsent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import Session

    from wxengage.adapters.endpoints import Endpoint
    from wxengage.adapters.secret import Secret

__all__ = ["Guarded", "Watch", "failure", "guard", "watching"]


class Watch:
    """One call: its secret, whether it left, and its end.

    Attributes
    ----------
    left
        Whether a byte of the call may have left.
    over
        Whether the time for the call ran out.
    """

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
        """Note the socket that is to be shut when the time is over."""
        with self._lock:
            self._socket = sock
            if self.over:
                self._shut()

    def stop(self) -> None:
        """End the watch: the call is done."""
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
    watch: Watch


_CURRENT: Final = _Current()


@contextlib.contextmanager
def watching(seconds: float, secret: Secret | None = None) -> Iterator[Watch]:
    """Watch what this thread calls until the block ends.

    Parameters
    ----------
    seconds
        How long it may take in all.
    secret
        What the stand-in means.

    Yields
    ------
    Watch
        What is known of the call.
    """
    watch = _CURRENT.watch = Watch(seconds, secret)
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


class Guarded(HTTPAdapter):
    """What a session of requests is to speak through, within ``watching``."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Let every connection be one that is watched."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401
        """Let a proxy's connections be watched too."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def guard(session: Session, endpoint: Endpoint) -> None:
    """Let a session speak through watched connections, and ask no environment.

    Parameters
    ----------
    session
        The session.
    endpoint
        Whose proxy it takes.
    """
    session.trust_env = False
    session.mount("https://", Guarded())
    session.mount("http://", Guarded())
    if endpoint.proxy is not None:
        session.proxies = {"https": endpoint.proxy}


def failure(error: Exception, watch: Watch) -> Unsent | Lost:
    """Return what a call comes to that raised.

    Parameters
    ----------
    error
        What the libraries raised. It is told by its name alone.
    watch
        What is known of the call.

    Returns
    -------
    Unsent or Lost
        Unsent where no byte of the call left.
    """
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    because = f"HTTP {status}" if status else type(error).__name__
    if watch.over:
        because = "the time for the call was over"
    return Lost(because) if watch.left else Unsent(because)
