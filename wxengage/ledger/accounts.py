"""Accounts of a campaign (账户), and in which unit a reward is counted.

Each campaign has one account of a role, and for debts and limits one for each
owner. An account holds each unit apart: fen, points, coupons of one stock, perks
of one name.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

from wxengage.errors import InvalidInputError, require_id
from wxengage.money import Cash, Coupon, Perk, Points, Reward

__all__ = ["FEN", "POINTS", "LedgerAccount", "Role", "measure", "require_unit"]

FEN: Final = "fen"
POINTS: Final = "points"
# What a unit begins with that names a stock or a perk.
_NAMED: Final = ("coupon", "perk")


class Role(enum.Enum):
    """What an account is for (账户用途)."""

    #: Where money comes from: minus what the campaign was given.
    WORLD = "world"
    #: Given, and not promised to anybody.
    BUDGET = "budget"
    #: Promised, and not asked of the provider yet.
    RESERVED = "reserved"
    #: Asked of the provider, and not known to have arrived.
    PAYABLE = "payable"
    #: Arrived.
    PAID = "paid"
    #: Come back from the provider because nobody took it.
    REFUNDED = "refunded"
    #: Arrived, and owed back by its owner, a user.
    DEBT = "debt"
    #: Minus what has arrived although nothing was reserved for it any more. A person
    #: looks into it and books it away: it has to come back to zero.
    SUSPENSE = "suspense"
    #: What may still be promised within a limit; its owner is the limit's scope.
    ROOM = "room"
    #: The other side of all rooms: minus what is left in them.
    LIMITS = "limits"


#: The accounts that may go below zero; no other may.
BELOW_ZERO: Final = frozenset({Role.WORLD, Role.SUSPENSE, Role.LIMITS})
#: The accounts of which there is one for each owner.
OWNED: Final = frozenset({Role.DEBT, Role.ROOM})


@attrs.frozen
class LedgerAccount:
    """One account (账户).

    Attributes
    ----------
    campaign
        Of which campaign.
    role
        What it is for.
    owner
        The user who owes, or the scope of a limit such as ``"day:2026-03-02"``;
        "" for the other roles.

    Raises
    ------
    InvalidInputError
        If the campaign is no id, the role is none, or there is an owner where none
        belongs, or none where one does.

    Examples
    --------
    >>> str(LedgerAccount("spring", Role.BUDGET))
    'spring/budget'
    >>> str(LedgerAccount("spring", Role.DEBT, "ada"))
    'spring/debt/ada'
    """

    campaign: str
    role: Role
    owner: str = ""

    def __attrs_post_init__(self) -> None:
        require_id("campaign", self.campaign)
        _require_role(self.role)
        if not isinstance(self.owner, str):
            raise InvalidInputError("owner", self.owner, "a text")
        if self.role is Role.ROOM:
            scope, _, name = self.owner.partition(":")
            require_id("owner", scope)
            require_id("owner", name)
        elif self.role is Role.DEBT:
            require_id("owner", self.owner)
        elif self.owner != "":
            rule = f"'' for {self.role.value}, which the whole campaign shares"
            raise InvalidInputError("owner", self.owner, rule)

    def __str__(self) -> str:
        owner = f"/{self.owner}" if self.owner else ""
        return f"{self.campaign}/{self.role.value}{owner}"


def _require_role(got: object) -> None:
    if not isinstance(got, Role):
        raise InvalidInputError("role", got, "a Role", "for example Role.BUDGET")


def measure(reward: Reward) -> tuple[str, int]:
    """Return in which unit a reward is counted, and how much it is.

    Parameters
    ----------
    reward
        The reward.

    Returns
    -------
    tuple of (str, int)
        ``"fen"``, ``"points"``, ``"coupon:<stock>"`` or ``"perk:<name>"``, and the
        amount in it. A coupon and a perk count one.

    Examples
    --------
    >>> measure(Cash(800)), measure(Coupon("9867"))
    (('fen', 800), ('coupon:9867', 1))
    """
    if isinstance(reward, Cash):
        return FEN, reward.fen
    if isinstance(reward, Points):
        return POINTS, reward.n
    if isinstance(reward, Coupon):
        return f"coupon:{reward.stock_id}", 1
    return f"perk:{_perk(reward).name}", 1


def _perk(reward: object) -> Perk:
    if not isinstance(reward, Perk):
        hint = "for example Cash(yuan('8'))"
        raise InvalidInputError("reward", reward, "a reward", hint)
    return reward


def require_unit(got: object) -> None:
    """Raise unless a value is a unit that a reward is counted in.

    Parameters
    ----------
    got
        What came in.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if isinstance(got, str):
        kind, colon, name = got.partition(":")
        if got in {FEN, POINTS}:
            return
        if colon and kind in _NAMED:
            require_id("unit", name)
            return
    hint = "'fen', 'points', 'coupon:<stock>' or 'perk:<name>'"
    raise InvalidInputError("unit", got, "a unit", hint)
