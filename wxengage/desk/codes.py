"""Invite codes (邀请码): a short random token that stands for who invites to what.

The places that carry a code are short: a temporary QR code takes 64 characters, a
mini program's scene 32, WeCom's state 30 bytes. None takes a campaign and a user,
and a text made of them could be forged. So a code is a random token, and only the
store knows whose it is.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import string
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import attrs

from wxengage.campaigns.referrals.acts import TOUCHING
from wxengage.desk.base import Base
from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wxengage.desk.unit import Unit
    from wxengage.log.events import Event
    from wxengage.stores.schema import Row

__all__ = [
    "CARRIERS",
    "Carrier",
    "Codes",
    "InviteCode",
    "inviter_of",
    "load_codes",
]

#: A temporary QR code of an official account (scene_str), a mini program's code
#: (scene), or a contact way of WeCom (state).
Carrier: TypeAlias = Literal["official_account", "mini_program", "wecom"]
_ALPHABET: Final = string.digits + string.ascii_letters
# 62**12 is 3.2e21. Of 10**8 codes in one store, two are drawn alike with a
# probability of 1.6e-6, and then the second is drawn again; a guess meets one of
# them with a probability of 3.1e-14.
_LENGTH: Final = 12
_A_TOKEN: Final = re.compile(f"[0-9A-Za-z]{{{_LENGTH}}}", re.ASCII)
_SCENE: Final = "qrscene_"
# WX-QR-001: a temporary QR code lives for 2,592,000 s at most.
_LIFE: Final = dt.timedelta(seconds=2_592_000)
# An image that was saved or printed is replaced this long before it ends.
_MARGIN: Final = dt.timedelta(days=3)
#: Carrier -> how long its image lives; None for ever.
CARRIERS: Final[Mapping[str, dt.timedelta | None]] = MappingProxyType(
    {"official_account": _LIFE, "mini_program": None, "wecom": None}
)
# The state in which a campaign never takes another event.
_CLOSED: Final = "closed"


@attrs.frozen
class InviteCode:
    """What somebody shows to those whom they invite.

    Attributes
    ----------
    scene
        The token, for the carrier's scene_str, scene or state: 12 characters of
        ``0-9A-Za-z``. Upper and lower case differ.
    carrier
        What carries it.
    campaign, user
        To what it invites, and who does.
    expires_at
        When the image made of it ends; None: never. The token does not end.
    renew_at
        From when on another image should be made of the same token.
    """

    scene: str
    carrier: str
    campaign: str
    user: str
    expires_at: dt.datetime | None
    renew_at: dt.datetime | None

    def __attrs_post_init__(self) -> None:
        for name in ("scene", "carrier", "campaign", "user"):
            require_id(name, getattr(self, name))
        for name in ("expires_at", "renew_at"):
            at = getattr(self, name)
            if at is not None:
                micros(name, at)

    def imaged(self, at: dt.datetime) -> InviteCode:
        """Return the code with an image that was made at an instant."""
        life = CARRIERS[self.carrier]
        if life is None:
            return attrs.evolve(self, expires_at=None, renew_at=None)
        ends = at + life
        return attrs.evolve(self, expires_at=ends, renew_at=ends - _MARGIN)


def inviter_of(unit: Unit, event: Event) -> Event:
    """Return an event with the inviter and the campaign that its scene stands for.

    Parameters
    ----------
    unit
        The rows.
    event
        What happened. Where its ``item`` is a code of ours, who invited and to
        what is known.

    Returns
    -------
    Event
        With ``inviter`` and ``campaign`` where these were missing. The same object
        where the item is no code of ours, and where the event names another
        campaign than the code: then it is not about this invitation.
    """
    token = _token(event)
    row = None if token is None else unit.get("code", token)
    if row is None or event.campaign not in {None, row[1]}:
        return event
    if event.inviter is not None and event.campaign is not None:
        return event
    inviter = str(row[2]) if event.inviter is None else event.inviter
    return attrs.evolve(event, campaign=str(row[1]), inviter=inviter)


def load_codes(unit: Unit, events: Iterable[Event]) -> None:
    """Read at once the codes that ``inviter_of`` will ask for.

    Parameters
    ----------
    unit
        The rows.
    events
        What happened.
    """
    tokens = (_token(event) for event in events)
    unit.load("code", [(token,) for token in tokens if token is not None])


def _token(event: Event) -> str | None:
    """Return what may be a code of ours in an event."""
    return None if event.kind not in TOUCHING else _read(event.item)


def _read(scene: object) -> str | None:
    if not isinstance(scene, str):
        return None
    token = scene.removeprefix(_SCENE)
    return token if _A_TOKEN.fullmatch(token) else None


class Codes(Base):
    """The counter for invite codes."""

    def invite_code(
        self,
        campaign: str,
        user: str,
        *,
        carrier: Carrier,
        now: dt.datetime | None = None,
    ) -> InviteCode:
        """Return the code by which a user invites to a campaign.

        Parameters
        ----------
        campaign
            Id of a campaign that was published.
        user
            Who invites.
        carrier
            ``"official_account"``, ``"mini_program"`` or ``"wecom"``.
        now
            The instant, aware; None for the store's.

        Returns
        -------
        InviteCode
            The same one each time it is asked for. Its image is taken to be made
            now if it is new; tell ``renewed`` when another one is made.

        Raises
        ------
        InvalidInputError
            If there is no such campaign or carrier, or the user is no id.
        """
        require_id("user", user)
        if not isinstance(carrier, str) or carrier not in CARRIERS:
            rule = "a carrier of codes"
            hint = nearest(carrier, get_args(Carrier))
            raise InvalidInputError("carrier", carrier, rule, hint)
        at = self._instant(now)
        return self._do(lambda unit: _made(unit, campaign, user, carrier, at))

    def codes_due(
        self, now: dt.datetime | None = None, *, limit: int = 1000
    ) -> tuple[InviteCode, ...]:
        """Return the codes whose images end soon, earliest first.

        Parameters
        ----------
        now
            The instant, aware; None for the store's.
        limit
            At most so many.

        Returns
        -------
        tuple of InviteCode
            Of campaigns that are not over. Make a new image of each ``scene`` and
            tell ``renewed``.
        """
        at = micros("now", self._instant(now))
        require_whole("limit", limit, least=1)
        return self._do(lambda unit: _due(unit, at, limit))

    def renewed(self, scene: str, now: dt.datetime | None = None) -> InviteCode:
        """Note that a new image was made of a code.

        Parameters
        ----------
        scene
            Its token.
        now
            When the image was made, aware; None for the store's clock.

        Returns
        -------
        InviteCode
            The same token, with another end. Told of an older image than it knows,
            the code stays as it is.

        Raises
        ------
        InvalidInputError
            If there is no such code.
        """
        at = self._instant(now)
        return self._do(lambda unit: _renewed(unit, scene, at))

    def resolve_code(self, scene: str) -> InviteCode | None:
        """Return the code of a scene.

        Parameters
        ----------
        scene
            As a callback brings it, also with WeChat's ``qrscene_`` before it.

        Returns
        -------
        InviteCode or None
            None for whatever is no code of this store.
        """
        token = _read(scene)
        if token is None:
            return None
        row = self._do(lambda unit: unit.get("code", token), write=False)
        return None if row is None else _code(row)


def _made(
    unit: Unit, campaign: str, user: str, carrier: str, at: dt.datetime
) -> InviteCode:
    unit.lock([f"code:{campaign}"])
    if unit.get("campaign", require_id("campaign", campaign)) is None:
        raise InvalidInputError("campaign", campaign, "published", "publish it first")
    owner = (campaign, user, carrier)
    found = unit.find("code", "by_owner", owner, limit=1)
    if found:
        return _code(found[0])
    token = _drawn()
    while unit.get("code", token) is not None:
        token = _drawn()
    code = InviteCode(token, carrier, campaign, user, None, None).imaged(at)
    unit.put("code", _code_row(code))
    return code


def _due(unit: Unit, at: int, limit: int) -> tuple[InviteCode, ...]:
    while True:
        rows = unit.find("code", "by_renewal", (), below=at + 1, limit=limit)
        over = [row for row in rows if _is_over(unit, str(row[1]), at)]
        if not over:
            return tuple(_code(row) for row in rows)
        unit.lock({f"code:{row[1]}" for row in over})
        for row in over:
            # Codes of what is over are never due again, and others take their place.
            unit.put("code", (*row[:4], None, row[5]))


def _is_over(unit: Unit, campaign: str, at: int) -> bool:
    row = unit.get("campaign", campaign)
    return row is None or row[1] == _CLOSED or int(row[4] or 0) <= at


def _renewed(unit: Unit, scene: str, at: dt.datetime) -> InviteCode:
    token = _read(scene)
    row = None if token is None else unit.get("code", token)
    if row is None:
        raise InvalidInputError("scene", scene, "a code of this store")
    unit.lock([f"code:{row[1]}"])
    unit.forget("code")
    code = _code(unit.get("code", str(row[0])) or row)
    made = code.imaged(at)
    ends = code.expires_at
    if ends is None or made.expires_at is None or made.expires_at <= ends:
        return code
    unit.put("code", _code_row(made))
    return made


def _drawn() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def _code(row: Row) -> InviteCode:
    token, campaign, user, carrier, _, ends = row
    ends_at = None if ends == "" else from_micros(int(ends or 0))
    renew_at = None if ends_at is None else ends_at - _MARGIN
    return InviteCode(
        str(token), str(carrier), str(campaign), str(user), ends_at, renew_at
    )


def _code_row(code: InviteCode) -> Row:
    ends = "" if code.expires_at is None else str(micros("ends", code.expires_at))
    renew = None if code.renew_at is None else micros("renew_at", code.renew_at)
    return code.scene, code.campaign, code.user, code.carrier, renew, ends
