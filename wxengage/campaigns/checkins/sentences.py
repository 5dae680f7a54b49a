"""What a participant reads about their challenge (打卡文案), in Chinese and English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.campaigns.referrals.sentences import reward_words
from wxengage.words import Words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.money import Reward

__all__ = ["REFUSALS", "make_up_words", "milestone_words"]

#: Why a check-in or a make-up does not count -> what its user reads.
REFUSALS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "other_campaign": Words("这不是本活动的打卡", "This belongs to something else"),
        "not_open": Words("活动尚未开始", "The challenge has not opened yet"),
        "closed": Words("活动已结束", "The challenge has closed"),
        "not_allowed": Words("本活动不支持补签", "Days cannot be made up here"),
        "no_such_day": Words("没有这一天", "There is no such day"),
        "not_over": Words("这一天还没到，不能补签", "That day is still to come"),
        "before_open": Words(
            "这一天活动还没开始，不能补签", "The challenge was not open on that day"
        ),
        "after_close": Words(
            "这一天活动已经结束，不能补签", "The challenge was closed on that day"
        ),
        "too_old": Words("这一天已超过补签期限", "That day is too long ago"),
        "not_joined": Words(
            "不能补签首次打卡之前的日子", "You had not joined yet on that day"
        ),
        "already": Words("这一天已经打过卡", "That day counts already"),
        "undone": Words("这次补签已被撤销", "That was taken back"),
        "used_up": Words("本月补签次数已用完", "No day is left to make up this month"),
    }
)


def milestone_words(
    campaign: CheckIn, count: int, reward: Reward, *, granted: bool
) -> tuple[str, Words]:
    """Return why a reward is granted or withdrawn.

    Parameters
    ----------
    campaign
        The challenge.
    count
        The milestone.
    reward
        What moves.
    granted
        Whether it is granted.

    Returns
    -------
    reason
        For programs.
    words
        For the participant.
    """
    called = reward_words(reward)
    if isinstance(campaign.streak, str):
        zh, en = f"连续打卡{count}天", f"{count} days in a row"
    else:
        n = campaign.streak.n
        zh, en = f"{n}天内打卡{count}天", f"{count} days within {n}"
    if granted:
        words = Words(f"{zh}，获得{called.zh}", f"{en}: you have earned {called.en}")
        return "milestone_reached", words
    words = Words(
        f"有打卡被撤销，不再满足{zh}，{called.zh}已收回",
        f"A check-in was taken back and {en} are not reached: {called.en} is withdrawn",
    )
    return "milestone_left", words


def make_up_words(campaign: CheckIn, date: dt.date, *, made: bool) -> tuple[str, Words]:
    """Return that a day is made up, or is no longer.

    Parameters
    ----------
    campaign
        The challenge.
    date
        The day.
    made
        Whether it is.

    Returns
    -------
    reason
        For programs.
    words
        For the participant.
    """
    cost = campaign.make_up_cost
    priced = Words("", "") if cost is None else reward_words(cost)
    if made:
        words = Words(
            f"{date}补签成功" + (f"，消耗{priced.zh}" if cost else ""),
            f"{date} is made up" + (f" for {priced.en}" if cost else ""),
        )
        return "made_up", words
    words = Words(
        f"{date}的补签已取消，补签次数已返还" + (f"，退还{priced.zh}" if cost else ""),
        f"{date} is no longer made up; the make-up is yours again"
        + (f", and {priced.en}" if cost else ""),
    )
    return "unmade", words
