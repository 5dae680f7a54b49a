"""What authors and voters read (创作赛文案), in Chinese and English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.campaigns.referrals.sentences import reward_words
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.money import Reward

__all__ = ["REASONS", "prize_words"]

#: The reason of a fact -> what the person reads.
REASONS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "valid": Words("投票成功，已计入", "Your vote counts"),
        "taken_back": Words(
            "投票已撤回，当日票数已返还",
            "Your vote is taken back; you may use it again",
        ),
        "found_void": Words(
            "这张票被判定为无效，不计入结果",
            "Your vote was found to be void and does not count",
        ),
        "not_open": Words("活动尚未开始", "The contest has not opened yet"),
        "closed": Words("活动已结束", "The contest has closed"),
        "no_entry": Words("该作品不存在", "There is no such entry"),
        "entry_left": Words(
            "该作品已退出比赛，投票不计入",
            "The entry is no longer in the contest; your vote does not count",
        ),
        "own_entry": Words(
            "不能给自己的作品投票", "You cannot vote for your own entry"
        ),
        "too_young": Words(
            "关注时间不够长，暂不能投票",
            "You have not followed for long enough to vote",
        ),
        "age_unknown": Words(
            "无法确认关注时间，投票不计入",
            "Since when you have followed is not known; your vote does not count",
        ),
        "entry_quota": Words(
            "今天给该作品的票已用完", "Your votes of today for this entry are used up"
        ),
        "day_quota": Words("今天的票已用完", "Your votes of today are used up"),
        "total_quota": Words(
            "本次活动的票已用完", "Your votes in this contest are used up"
        ),
        "submitted": Words("作品已参赛", "Your entry is in the contest"),
        "taken": Words(
            "该作品编号已被他人使用，未能参赛",
            "Somebody else has an entry of this name; yours is not in the contest",
        ),
        "withdrawn_by_author": Words(
            "作品已撤回，不再参赛", "Your entry is withdrawn from the contest"
        ),
        "disqualified": Words(
            "作品因违反活动规则被取消参赛资格",
            "Your entry was disqualified under the rules of the contest",
        ),
    }
)


def prize_words(rank: int, reward: Reward, *, granted: bool) -> Words:
    """Return why a prize is granted or withdrawn.

    Parameters
    ----------
    rank
        Of the entry.
    reward
        The prize.
    granted
        Whether it is granted.

    Returns
    -------
    Words
        For the author.
    """
    called = reward_words(reward)
    if granted:
        return Words(
            f"作品获得第{rank}名，奖励{called.zh}",
            f"Your entry came in at rank {rank}: you have won {called.en}",
        )
    return Words(
        f"比赛结果已更正，作品不再是第{rank}名，{called.zh}已收回",
        f"The results were amended and your entry is no longer at rank {rank}: "
        f"{called.en} is withdrawn",
    )
