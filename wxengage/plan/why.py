"""Sentences about a plan (为什么), in Chinese and in English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxengage.plan.bounds import Usage
    from wxengage.sends import Send

__all__ = ["chosen", "crowded_out", "left_out"]

_NOBODY: Final = Words("该用户", "the user")
_LEFT_OUT: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "no_value": Words(
            "没有一条值得推送：各条消息的预期价值都不大于零",  # noqa: RUF001
            "no message is worth sending: none has a value above zero",
        ),
        "not_allowed": Words(
            "没有任何可发送的消息", "there is no message that this user may get"
        ),
        "quiet_hours": Words(
            "可发送的时段全部落在免打扰时段内",
            "every window in which something may go lies within quiet hours",
        ),
        "ad_share": Words(
            "剩下的消息都是广告，而该用户的广告占比已达上限",  # noqa: RUF001
            "only ads are left, and the user's share of ads is used up",
        ),
        "cap": Words(
            "该用户的触达次数已达上限",
            "the user has already got as many messages as the cap allows",
        ),
        "holdout": Words(
            "属于对照组，用来衡量推送的真实效果",  # noqa: RUF001
            "held out, so that the effect of sending can be measured",
        ),
    }
)


def _name(who: Words | None) -> Words:
    return who or _NOBODY


def chosen(who: Words | None, sends: Sequence[Send], said: Sequence[Words]) -> Words:
    """Return what a user gets.

    Parameters
    ----------
    who
        What people call such users; None where nobody said.
    sends
        The user's sends, at least one, in order of time.
    said
        What people call each message.

    Returns
    -------
    Words
        One sentence, a clause for each send.
    """
    who = _name(who)
    zh, en = [], []
    for send, words in zip(sends, said, strict=True):
        at = f"{send.at:%Y-%m-%d %H:%M}"
        worth = f"{send.value:.4g}"
        zh.append(f"{at} 经 {send.channel} 发出「{words.zh}」，预期价值 {worth}")  # noqa: RUF001
        en.append(f"{words.en!r} on {send.channel} at {at}, worth {worth}")
    return Words(f"{who.zh}：{'；'.join(zh)}", f"{who.en}: gets {'; '.join(en)}")  # noqa: RUF001


def crowded_out(who: Words | None, said: Words, name: str, usage: Usage) -> Words:
    """Return why a user has to wait although a message was worth sending.

    Parameters
    ----------
    who
        What people call such users; None where nobody said.
    said
        The message that they would rather have had.
    name
        The budget that is used up.
    usage
        How far it is used, and what one more unit would be worth.

    Returns
    -------
    Words
        One sentence.
    """
    who = _name(who)
    used = f"{usage.used}/{usage.limit}"
    zh = (
        f"{who.zh}：本次顺延。最合适的「{said.zh}」受限于额度「{name}」，已用 {used}；"  # noqa: RUF001
        f"每多一个单位约值 {usage.price:.4g}"
    )
    en = (
        f"{who.en}: waits for the next plan; {said.en!r} is the best there is, but "
        f"the budget {name!r} is used up ({used}), and one more unit is worth "
        f"{usage.price:.4g}"
    )
    return Words(zh, en)


def left_out(who: Words | None, reason: str) -> Words:
    """Return why a user gets nothing from this plan or the next.

    Parameters
    ----------
    who
        What people call such users; None where nobody said.
    reason
        A key of ``OUTCOMES`` that is not about being chosen or deferred.

    Returns
    -------
    Words
        One sentence.
    """
    who, because = _name(who), _LEFT_OUT[reason]
    zh = f"{who.zh}：不推送，{because.zh}"  # noqa: RUF001
    return Words(zh, f"{who.en}: nothing is sent, {because.en}")
