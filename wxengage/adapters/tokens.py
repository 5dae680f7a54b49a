"""Access tokens (接口凭证): fetched once, for all threads, before they run out.

Official accounts and mini programs use ``stable_token``, which gives the token
that is still good rather than a new one, so that two processes do not take each
other's away; WeCom has ``gettoken``. Whoever needs a token while one is being
fetched waits for that one, also when the fetch fails.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, Protocol

from wxengage.adapters.calls import STAND_IN, Answered, Came
from wxengage.adapters.secret import Secret
from wxengage.channels.answers import answer_to
from wxengage.delivery.outcomes import NotSent
from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from wxengage.users import Account

__all__ = ["Calls", "Tokens"]

#: A token is renewed this many seconds before it runs out: WeChat itself renews
#: a stable token five minutes before.
_MARGIN: Final = 300
#: However short-lived WeChat says it is, a token is kept for a minute.
_LEAST: Final = 60
_LONGEST: Final = 86_400


class Calls(Protocol):
    """Whatever can make one call: ``transport.Wire`` is."""

    def call(
        self,
        method: str,
        path: str,
        *,
        secret: Secret | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Came:
        """Make one call, once."""


class Tokens:
    """The access token of one account; safe to use from threads (接口凭证).

    Parameters
    ----------
    account
        Whose token.
    secret
        The app secret; of WeCom, the secret of the application.
    wire
        Makes the calls.
    clock
        Seconds that never go back, such as ``time.monotonic``.
    """

    __slots__ = (
        "_account",
        "_clock",
        "_flight",
        "_lock",
        "_secret",
        "_token",
        "_until",
        "_wire",
    )

    def __init__(
        self,
        account: Account,
        secret: Secret,
        wire: Calls,
        clock: Callable[[], float],
    ) -> None:
        self._account = account
        self._secret = secret
        self._wire = wire
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._until = 0.0
        self._flight: Future[Secret | NotSent] | None = None

    def __repr__(self) -> str:
        return f"Tokens({self._account.id!r})"

    def get(self, stale: Secret | None = None) -> Secret | NotSent:
        """Return a token.

        Parameters
        ----------
        stale
            The token that WeChat just refused: not this one again, unless WeChat
            gives it again.

        Returns
        -------
        Secret or NotSent
            Why there is none: the message that it was for did not go.
        """
        with self._lock:
            token = self._token
            if token is not None and token != stale and self._clock() < self._until:
                return token
            flight = self._flight
            mine = flight is None
            if flight is None:
                flight = self._flight = Future()
        if mine:
            self._fly(flight)
        return flight.result()

    def _fly(self, flight: Future[Secret | NotSent]) -> None:
        found: Secret | NotSent = NotSent("no_token", "retry")
        try:
            found = self._fetched()
        finally:
            # Whatever happens, nobody waits for ever.
            with self._lock:
                self._flight = None
            flight.set_result(found)

    def _fetched(self) -> Secret | NotSent:
        asked = self._clock()
        came = self._ask()
        if not isinstance(came, Answered):
            # Lost or not: without a token the message did not go.
            return NotSent("no_token", "retry")
        if came.code:
            return _refused(came.code)
        try:
            token = Secret(came.fields.get("access_token", ""))
        except InvalidInputError:
            return NotSent("no_token", "retry")
        told = came.fields.get("expires_in")
        lasts = told if type(told) is int else _MARGIN
        with self._lock:
            self._token = token
            self._until = asked + min(max(lasts - _MARGIN, _LEAST), _LONGEST)
        return token

    def _ask(self) -> Came:
        appid = self._account.appid
        if self._account.kind == "wecom":
            query = {"corpid": appid, "corpsecret": STAND_IN}
            path = "/cgi-bin/gettoken"
            return self._wire.call("get", path, secret=self._secret, query=query)
        body = {
            "grant_type": "client_credential",
            "appid": appid,
            "secret": STAND_IN,
            "force_refresh": False,
        }
        path = "/cgi-bin/stable_token"
        return self._wire.call("post", path, secret=self._secret, query={}, body=body)


def _refused(code: int) -> NotSent:
    """Return what a refusal of a token means for the letter that needed it."""
    soon = answer_to(code).retry in {"back_off", "next_minute"}
    # A wrong secret is nothing that the letter could mend.
    return NotSent(str(code), "retry" if soon else "stop")
