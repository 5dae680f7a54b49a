"""The words of notices (通知文案): placeholders, what they stand for, and how long.

WeChat shows so many characters of a template's value and no more. What cannot be
known before it is filled in is cut when it goes, with an ellipsis.
"""

from __future__ import annotations

import string
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.errors import InvalidInputError, nearest
from wxengage.money import Coupon, Perk, Points, Reward
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.campaigns.facts import Fact
    from wxengage.rules.book import Rulebook
    from wxengage.times.days import DayClock

__all__ = [
    "PLACEHOLDERS",
    "longest_instant",
    "longest_value",
    "one_line",
    "pieces_of",
    "promoting_word",
    "reward_text",
    "said_of",
]

#: What the texts of a notice may name.
PLACEHOLDERS: Final = ("user", "reward", "other", "reason", "at", "why")
_NOTHING: Final = "无"
_ELLIPSIS: Final = "…"
# How long values of a template may be where no rule of the book says less. Source:
# the table of values of subscribeMessage.send (订阅消息参数值内容限制说明). Kinds of
# fields that stand not here have a form of their own and are never cut.
_FIELD_LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "car_number": 8,
        "character_string": 32,
        "letter": 32,
        "name": 10,
        "number": 32,
        "phone_number": 17,
        "phrase": 5,
        "symbol": 5,
        "thing": 20,
    }
)
_TEMPLATE_VALUES: Final = "WX-TPL-004"
# WX-TPL-001: no marketing, promotion, red-packet and coupon content.
_PROMOTING: Final = (
    "红包",
    "优惠券",
    "代金券",
    "促销",
    "推广",
    "营销",
    "抽奖",
    "秒杀",
    "特价",
)


def pieces_of(name: str, text: object) -> tuple[tuple[str, str | None], ...]:
    """Return the words and the placeholders of a text, turn by turn.

    Parameters
    ----------
    name
        The field's, for the message.
    text
        As it came in.

    Returns
    -------
    tuple of (str, str or None)
        Words, and the placeholder that follows them, if any.

    Raises
    ------
    InvalidInputError
        If it is blank, its braces do not match, or it names what is no placeholder.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidInputError(name, text, "a text that is not blank")
    hint = "a brace of your own is written twice: {{ or }}"
    try:
        parsed = tuple(string.Formatter().parse(text))
    except ValueError:
        raise InvalidInputError(name, text, "with matching braces", hint) from None
    for _, placeholder, form, conversion in parsed:
        if placeholder is not None and placeholder not in PLACEHOLDERS:
            near = nearest(placeholder, PLACEHOLDERS)
            raise InvalidInputError(name, text, "with known placeholders", near)
        if form or conversion:
            rule = "without a format or a conversion"
            raise InvalidInputError(name, text, rule, "write {at} and no more")
    return tuple((words, placeholder) for words, placeholder, _, _ in parsed)


def said_of(fact: Fact, clock: DayClock) -> dict[str, str]:
    """Return what the placeholders stand for.

    Parameters
    ----------
    fact
        What was found.
    clock
        On whose wall ``{at}`` is told.

    Returns
    -------
    dict
        Placeholder -> text; "" for what the fact does not have.
    """
    return {
        "user": fact.user,
        "reward": reward_text(fact.reward),
        "other": fact.other or "",
        "reason": fact.reason,
        "at": _wall(fact.at, clock),
        "why": fact.zh,
    }


def _wall(at: dt.datetime, clock: DayClock) -> str:
    wall = from_micros(micros("at", at), clock.zone)
    return f"{wall.year}年{wall.month}月{wall.day}日 {wall:%H:%M}"


def longest_instant() -> int:
    """Return how many characters ``{at}`` takes at most."""
    return len("2026年12月31日 23:59")


def reward_text(reward: Reward | None) -> str:
    """Return a reward in words, for whoever gets it.

    Parameters
    ----------
    reward
        What it is; None: nothing.

    Returns
    -------
    str
        "" for nothing.

    Examples
    --------
    >>> from wxengage.money import Cash
    >>> reward_text(Cash(800)), reward_text(Points(5))
    ('8.00元', '5积分')
    """
    if isinstance(reward, Points):
        return f"{reward.n}积分"
    if isinstance(reward, Coupon):
        return "代金券"
    if isinstance(reward, Perk):
        return reward.name
    return "" if reward is None else str(reward)


def longest_value(channel: str, name: str, book: Rulebook) -> int | None:
    """Return how many characters a template's value takes.

    Parameters
    ----------
    channel
        How the message goes.
    name
        The template's field, such as ``"thing1"``.
    book
        The rules of the day.

    Returns
    -------
    int or None
        None where that is not bounded, or the form is all that counts.
    """
    own = _FIELD_LIMITS.get(name.rstrip(string.digits))
    if channel != "template_message" or _TEMPLATE_VALUES not in book:
        return own
    most = book[_TEMPLATE_VALUES].param("max_chars", int)
    return most if own is None else min(own, most)


def one_line(text: str, longest: int | None) -> str:
    """Return a text as a template takes it: one line, no longer than that.

    Parameters
    ----------
    text
        Filled in.
    longest
        In characters; None: not bounded.

    Returns
    -------
    str
        What is too long ends in an ellipsis; a blank is the word for nothing.

    Examples
    --------
    >>> one_line("ten  friends came", 8)
    'ten fri…'
    """
    line = " ".join(text.split()) or _NOTHING
    if longest is None or len(line) <= longest:
        return line
    return line[: longest - 1] + _ELLIPSIS


def promoting_word(text: str) -> str | None:
    """Return a word that no template may carry, None where there is none."""
    return next((word for word in _PROMOTING if word in text), None)
