"""Payouts (打款): the request to hand out one reward, its number and its answers.

The number is all that stands between a lost answer and a second payment. It is a
pure function of merchant, campaign, user, reward and generation: no date, no
clock, no chance. Asking again, on another machine or from a restored backup,
gives the same number, and WeChat Pay pays a number once.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import re
from typing import Any, Final, Protocol, TypeAlias

import attrs

from wxengage.delivery.actions import Action  # noqa: TC001  the codec reads it
from wxengage.delivery.outcomes import Unknown, require_action
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.money import Cash, Coupon, Fen, Perk, Points, Reward
from wxengage.sends import fingerprint
from wxengage.times.zones import micros

__all__ = [
    "Accepted",
    "AwaitingUser",
    "Cancelled",
    "Fulfil",
    "Fulfilment",
    "Paid",
    "Payout",
    "Refunded",
    "Refused",
    "bill_number",
]

# Source: the rules WX-RP-003 (mch_billno, at most 28) and WX-TRF-001 (out_bill_no,
# at most 32): ASCII letters and digits.
_NUMBER: Final = re.compile(r"[0-9A-Za-z]{1,28}")
_MERCHANT: Final = re.compile(r"[0-9]{10}")
# 36**18 is about 10**28: among 10**9 payouts two numbers are the same with a
# probability of 5 in 10**11, and a unique index would refuse the second.
_DIGITS: Final = 18


def bill_number(
    merchant: str, campaign: str, user: str, reward_key: str, generation: int = 0
) -> str:
    """Return the number under which a reward is paid (商户单号).

    Parameters
    ----------
    merchant
        The merchant's number at WeChat Pay (mch_id), ten digits.
    campaign, user
        For what and to whom.
    reward_key
        Which reward of that user, such as ``"rung:3"``.
    generation
        How often a number of this reward has surely failed for good.

    Returns
    -------
    str
        28 characters, ``mch_billno`` of a red packet (v2) and ``out_bill_no`` of a
        transfer (v3) alike: the merchant's number and 18 of ``0-9a-z``, SHA-256 of
        the arguments modulo 36**18.

    Raises
    ------
    InvalidInputError
        If the merchant's number has other than ten digits, a name is no id, or the
        generation is not whole or below zero.

    Examples
    --------
    >>> bill_number("1900000109", "spring", "ada", "rung:3")
    '1900000109i2oxzc5x9vu560lvef'
    """
    if not isinstance(merchant, str) or _MERCHANT.fullmatch(merchant) is None:
        hint = "mch_id as on the merchant platform, for example '1900000109'"
        raise InvalidInputError("merchant", merchant, "ten digits as text", hint)
    names = {"campaign": campaign, "user": user, "reward_key": reward_key}
    for name, value in names.items():
        require_id(name, value)
    require_whole("generation", generation)
    told = fingerprint("payout", merchant, *names.values(), str(generation))
    return merchant + told[-_DIGITS:]


def _require_number(_: object, field: attrs.Attribute[str], got: object) -> None:
    if not isinstance(got, str) or _NUMBER.fullmatch(got) is None:
        rule = "1 to 28 ASCII letters and digits"
        raise InvalidInputError(field.name, got, rule, "see bill_number")


def _require_instant(_: object, field: attrs.Attribute[Any], got: Any) -> None:  # noqa: ANN401
    micros(field.name, got)


def _require_reward(got: object) -> None:
    if not isinstance(got, Cash | Points | Coupon | Perk):
        hint = "for example Cash(yuan('8'))"
        raise InvalidInputError("reward", got, "a reward", hint)


def _require_text(name: str, got: object) -> None:
    if not isinstance(got, str):
        raise InvalidInputError(name, got, "a text")


@attrs.frozen
class Payout:
    """The request to pay, or hand out, one reward (打款请求).

    Attributes
    ----------
    number
        Its idempotency key, as ``bill_number`` makes it.
    campaign, user
        For what and to whom.
    recipient
        Where it goes: the user's openid in the paying account's app.
    reward
        What is handed out.
    generation
        As in ``bill_number``.
    reason
        Why, for people who look at it later; may be "".

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    number: str = attrs.field(validator=_require_number)
    campaign: str
    user: str
    recipient: str
    reward: Reward
    generation: int = attrs.field(default=0)
    reason: str = attrs.field(default="")

    def __attrs_post_init__(self) -> None:
        for name in ("campaign", "user", "recipient"):
            require_id(name, getattr(self, name))
        _require_reward(self.reward)
        require_whole("generation", self.generation)
        _require_text("reason", self.reason)


@attrs.frozen
class Paid:
    """The user has it (已到账).

    Attributes
    ----------
    number
        The payout's number, as the provider tells it back.
    at
        When, aware.
    receipt
        The provider's own number; "" where there is none.
    fen
        How much, in fen; 0 for a reward that is no money.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    number: str = attrs.field(validator=_require_number)
    at: dt.datetime = attrs.field(validator=_require_instant)
    receipt: str
    fen: Fen

    def __attrs_post_init__(self) -> None:
        if self.receipt != "":
            require_id("receipt", self.receipt)
        require_whole("fen", self.fen)


@attrs.frozen
class Refused:
    """The provider did not take it (被拒).

    Attributes
    ----------
    number
        The payout's number.
    code
        Why, in the provider's words, such as ``"NOTENOUGH"``.
    final
        Whether this number will surely never pay. False: the same number may be
        tried again.
    action
        What to do, as in ``NotSent``.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    number: str = attrs.field(validator=_require_number)
    code: str
    final: bool
    action: Action

    def __attrs_post_init__(self) -> None:
        require_id("code", self.code)
        if not isinstance(self.final, bool):
            raise InvalidInputError("final", self.final, "True or False")
        require_action(self.action)


@attrs.frozen
class Accepted:
    """The provider works on it (已受理).

    Attributes
    ----------
    number
        The payout's number.
    at
        When, aware.
    """

    number: str = attrs.field(validator=_require_number)
    at: dt.datetime = attrs.field(validator=_require_instant)


@attrs.frozen
class AwaitingUser:
    """It waits for the user to open or confirm it (待领取).

    Attributes
    ----------
    number
        The payout's number.
    at
        Since when, aware.
    expires
        When the money goes back, aware; None where that is not told.

    Raises
    ------
    InvalidInputError
        If it expires before it waits.
    """

    number: str = attrs.field(validator=_require_number)
    at: dt.datetime = attrs.field(validator=_require_instant)
    expires: dt.datetime | None

    def __attrs_post_init__(self) -> None:
        if self.expires is not None and micros("expires", self.expires) < micros(
            "at", self.at
        ):
            raise InvalidInputError("expires", self.expires, f"not before {self.at}")


@attrs.frozen
class Refunded:
    """It was not taken, and the money has come back (过期退回).

    Attributes
    ----------
    number
        The payout's number.
    at
        When, aware.
    """

    number: str = attrs.field(validator=_require_number)
    at: dt.datetime = attrs.field(validator=_require_instant)


@attrs.frozen
class Cancelled:
    """The merchant's request to cancel it was carried out (已撤销).

    Attributes
    ----------
    number
        The payout's number.
    at
        When, aware.
    """

    number: str = attrs.field(validator=_require_number)
    at: dt.datetime = attrs.field(validator=_require_instant)


#: What a provider answers about a payout.
Fulfilment: TypeAlias = (
    Paid | Refused | Accepted | AwaitingUser | Refunded | Cancelled | Unknown
)


class Fulfil(Protocol):
    """Whoever can hand out rewards; adapters are."""

    def pay(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Hand out a reward, once for each number, and say what became of it."""

    def query(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Say what became of a number without paying it."""
