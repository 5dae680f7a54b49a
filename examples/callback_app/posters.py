"""Posters (邀请海报): a QR code with a scene of one's own, made once in 27 days.

The code is made by a call of wechatpy. It goes over the library's wire, as letters
do: with an end to how long it takes, and with no secret in anything that is logged
or raised.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import attrs

from wxengage.adapters.calls import Answered
from wxengage.adapters.tokens import Tokens
from wxengage.adapters.transport import Wire
from wxengage.channels.answers import answer_to
from wxengage.codec.envelope import register
from wxengage.delivery.outcomes import NotSent
from wxengage.errors import StaleStateError

from .campaign import CAMPAIGN

if TYPE_CHECKING:
    from wxengage.adapters.calls import Came
    from wxengage.adapters.endpoints import Endpoint
    from wxengage.adapters.secret import Secret
    from wxengage.desk.codes import InviteCode
    from wxengage.desk.desk import Desk
    from wxengage.users import Account

__all__ = ["NoPosterError", "Poster", "Posters"]

_CREATE: Final = "/cgi-bin/qrcode/create"
_SHOW: Final = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket="
_LIVES: Final = dt.timedelta(days=30)


class NoPosterError(Exception):
    """WeChat made no code, for a reason that stands in the log."""


@register
@attrs.frozen
class Poster:
    """A QR code that WeChat made (带参数二维码).

    Attributes
    ----------
    scene
        The invite code that it carries.
    ticket
        WeChat's name of the image.
    renew_at
        From when on another image is made.
    """

    scene: str
    ticket: str
    renew_at: dt.datetime

    @property
    def image(self) -> str:
        """Where the image is."""
        return _SHOW + quote(self.ticket, safe="")


class Posters:
    """Makes posters, each once, and keeps them at the desk.

    Parameters
    ----------
    desk
        Where codes and posters are kept.
    account, secret
        Whose codes.
    endpoint
        Where WeChat is, and how long a call may take.
    """

    def __init__(
        self, desk: Desk, account: Account, secret: Secret, endpoint: Endpoint
    ) -> None:
        self._desk = desk
        self._wire = Wire(endpoint)
        self._tokens = Tokens(account, secret, self._wire, time.monotonic)

    def of(self, user: str, now: dt.datetime) -> Poster:
        """Return the poster of a user; it may take as long as a call to WeChat.

        Parameters
        ----------
        user
            Who invites.
        now
            The instant, aware.

        Returns
        -------
        Poster
            The one that was made before, unless its image ends soon.

        Raises
        ------
        NoPosterError
            If WeChat makes none.
        """
        code = self._desk.invite_code(
            CAMPAIGN, user, carrier="official_account", now=now
        )
        name = f"poster:{code.scene}"
        kept = self._desk.kept(name)
        if kept is not None and now < kept.state.renew_at:
            poster: Poster = kept.state
            return poster
        poster = self._made(code, now)
        version = None if kept is None else kept.version
        try:
            self._desk.keep(name, poster, expect=version, now=now)
        except StaleStateError:
            # Two asked at once: both images carry the same scene, and both are good.
            return poster
        self._desk.renewed(code.scene, now)
        return poster

    def _made(self, code: InviteCode, now: dt.datetime) -> Poster:
        came = self._ask(code.scene)
        ticket = came.fields.get("ticket") if isinstance(came, Answered) else None
        if not isinstance(ticket, str) or not ticket:
            told = came.code if isinstance(came, Answered) else type(came).__name__
            raise NoPosterError(str(told))
        return Poster(code.scene, ticket, code.imaged(now).renew_at or now)

    def _ask(self, scene: str) -> Came | NotSent:
        token = self._tokens.get()
        if isinstance(token, NotSent):
            return token
        came = self._create(scene, token)
        if not isinstance(came, Answered) or not came.code:
            return came
        if answer_to(came.code).retry != "refresh_token":
            return came
        again = self._tokens.get(stale=token)
        return again if isinstance(again, NotSent) else self._create(scene, again)

    def _create(self, scene: str, token: Secret) -> Came:
        body = {
            "expire_seconds": int(_LIVES.total_seconds()),
            "action_name": "QR_STR_SCENE",
            "action_info": {"scene": {"scene_str": scene}},
        }
        return self._wire.call("post", _CREATE, secret=token, body=body)
