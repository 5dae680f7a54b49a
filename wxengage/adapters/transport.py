"""The wire (传输): one call over wechatpy, in bounded time, with no secret to find.

wechatpy makes the request and requests sends it, but neither of them ever holds a
secret: it has a stand-in, which the connection itself replaces when it writes to
the socket. So there is nothing to find in logs, errors and tracebacks of any of
the libraries in between, whatever their level of detail.

This file needs the extra ``wechat``; it is imported by the call that sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wechatpy.client.base import BaseWeChatClient

from wxengage.adapters.calls import (
    MOST_BYTES,
    STAND_IN,
    Answered,
    Came,
    Lost,
    answer_of,
)
from wxengage.adapters.connections import failure, guard, watching

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from wxengage.adapters.endpoints import Endpoint
    from wxengage.adapters.secret import Secret

__all__ = ["Wire"]


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
        guard(http, endpoint)

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
        with watching(self.endpoint.total, secret) as watch:
            try:
                came = self._client._request(  # noqa: SLF001  get and post hide the method
                    method, self.endpoint.url + path, **options
                )
            except Exception as error:  # noqa: BLE001  what they raise is full of details
                return failure(error, watch)
        return came if isinstance(came, Answered | Lost) else Lost("no answer")
