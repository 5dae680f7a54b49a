"""Sentences about a plan (为什么), in Chinese and in English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxengage.plan.bounds import Usage
    from wxengage.sends import Send

__all__ = ["chosen", "crowded_out", "left_out", "lost", "refused", "short_of"]

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


def left_out(who: Words | None, reason: str, said: Words | None = None) -> Words:
    """Return why a user gets nothing from this plan or the next.

    Parameters
    ----------
    who
        What people call such users; None where nobody said.
    reason
        A key of ``OUTCOMES`` that is not about being chosen or deferred.
    said
        What the gate said of the first option that it did not let go, where that
        is the reason.

    Returns
    -------
    Words
        One sentence.
    """
    who, because = _name(who), _LEFT_OUT[reason]
    if said is not None:
        return Words(f"{who.zh}：{said.zh}", f"{who.en}: {said.en}")  # noqa: RUF001
    zh = f"{who.zh}：不推送，{because.zh}"  # noqa: RUF001
    return Words(zh, f"{who.en}: nothing is sent, {because.en}")


# What an option lost to; {by}, {price} and {short} are filled in.
_LOST: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "holdout": Words("该用户属于对照组", "the user is held out"),
        "not_allowed": Words("不允许发给该用户", "the user may not get it"),
        "quiet_hours": Words(
            "可发送的时段全部落在免打扰时段内", "its window lies within quiet hours"
        ),
        "no_value": Words(
            "预期价值不大于零（差 {short}）",  # noqa: RUF001
            "its value is not above zero (short by {short})",
        ),
        "budget": Words(
            "额度「{by}」紧张，占用的额度折合 {price}，还差 {short} 才合算",  # noqa: RUF001
            "the budget {by!r} is short: what it takes costs {price}, "
            "{short} more than it brings",
        ),
        "slot": Words(
            "同一时刻有更合适的「{by}」，扣除额度价格后还差 {short}",  # noqa: RUF001
            "{by!r} goes at the same instant and is better by {short} after prices",
        ),
        "cap": Words(
            "频次上限（{by}）已用满，扣除额度价格后还差 {short}",  # noqa: RUF001
            "better messages fill what the user may have ({by}); it is short by "
            "{short} after prices",
        ),
        "ad_share": Words(
            "广告占比已达上限，扣除额度价格后还差 {short}",  # noqa: RUF001
            "no more ads may go to the user; it is short by {short} after prices",
        ),
        "cap at all": Words("该用户不能再收到消息", "the user may get nothing more"),
        "ad_share at all": Words(
            "该用户不能再收到广告", "the user may get no more ads"
        ),
        "gap": Words(
            "本可以发送，但计划已达到要求的精度",  # noqa: RUF001
            "it would have fitted, but the plan was good enough without it",
        ),
    }
)
_SHORT: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "whole": Words(
            "一条消息不能只发一半：用户不多而额度不少时，"  # noqa: RUF001
            "整数解与线性上界之间会留下差距",
            "a message cannot be sent by halves: with few users for so many budgets "
            "some gap to the linear bound remains",
        ),
        "crossing": Words(
            "同一用户的几条限制互相交叉，计算上界时放宽了其中一部分",  # noqa: RUF001
            "some limits of one user cross each other and were relaxed for the bound",
        ),
        "nodes": Words(
            "分支定界在规定的节点数内没有找到更好的解",
            "branch and bound found nothing better within its number of nodes",
        ),
    }
)


def lost(said: Words, reason: str, by: str, price: float, short_by: float) -> Words:
    """Return why an option was not chosen for a user.

    Parameters
    ----------
    said
        What people call the message.
    reason
        As in ``Lost``.
    by
        What it lost to; "" where that is not a name.
    price
        What it takes of the budgets.
    short_by
        How much it is short by.

    Returns
    -------
    Words
        One sentence.
    """
    filled = {"price": f"{price:.4g}", "short": f"{max(short_by, 0.0):.4g}"}
    words = _LOST.get(f"{reason} at all", _LOST[reason]) if not by else _LOST[reason]
    zh, en = words.zh.format(by=by, **filled), words.en.format(by=by, **filled)
    return Words(f"「{said.zh}」：{zh}", f"{said.en!r}: {en}")  # noqa: RUF001


def refused(said: Words, by: Words) -> Words:
    """Return why the gate does not let an option go to a user.

    Parameters
    ----------
    said
        What people call the message.
    by
        What the gate said.

    Returns
    -------
    Words
        One sentence.
    """
    return Words(f"「{said.zh}」：{by.zh}", f"{said.en!r}: {by.en}")  # noqa: RUF001


def short_of(gap: float, asked: float, short: str) -> Words:
    """Return why a plan is further from the bound than was asked for.

    Parameters
    ----------
    gap, asked
        As in ``Plan``.
    short
        As in ``Plan``.

    Returns
    -------
    Words
        One sentence.
    """
    because = _SHORT[short]
    zh = f"差距 {gap:.2g}，大于要求的 {asked:.2g}：{because.zh}"  # noqa: RUF001
    return Words(zh, f"the gap is {gap:.2g} and not {asked:.2g}: {because.en}")
