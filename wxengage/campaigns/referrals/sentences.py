"""What an inviter reads about an invite (裂变活动文案), in Chinese and English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.money import Cash, Coupon, Points
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.money import Reward

__all__ = ["REASONS", "reward_words", "rung_words"]

#: The reason of an invite -> what its inviter reads.
REASONS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "waiting": Words(
            "好友已接受邀请，完成任务后计入助力",
            "Your friend has opened the invite; it counts when they have done their "
            "part",
        ),
        "on_hold": Words(
            "好友已完成任务，确认期满后计入助力",
            "Your friend has done their part; the invite counts after the waiting time",
        ),
        "left_on_hold": Words(
            "好友在确认期内离开，暂不计入助力；重新加入后重新计时",
            "Your friend left during the waiting time; it begins anew when they return",
        ),
        "stayed": Words("好友助力成功，已计入", "Your friend's invite counts"),
        "left": Words(
            "好友已离开，该助力已扣除；在有效期内回来可恢复",
            "Your friend has left and the invite no longer counts; it will again if "
            "they return in time",
        ),
        "came_back": Words(
            "好友已回来，该助力已恢复（同一好友只计一次）",
            "Your friend is back and the invite counts again, once",
        ),
        "kept": Words(
            "该助力已最终确认，不再变动", "The invite is final and stays yours"
        ),
        "gone": Words(
            "好友离开后未在有效期内回来，该助力不计入",
            "Your friend left and did not return in time; the invite does not count",
        ),
        "too_late": Words(
            "活动已结束，好友未能按时完成任务，该助力不计入",
            "The campaign closed before your friend had done their part",
        ),
        "self": Words("不能邀请自己", "You cannot invite yourself"),
        "not_new": Words(
            "好友不是新用户，该邀请不计入",
            "Your friend is not new here; the invite does not count",
        ),
        "not_eligible": Words(
            "好友不符合活动参与条件，该邀请不计入",
            "Your friend is not eligible; the invite does not count",
        ),
        "unknown": Words(
            "无法确认好友是否符合参与条件，该邀请不计入",
            "Whether your friend is eligible is not known; the invite does not count",
        ),
        "other_inviter": Words(
            "好友已为其他邀请人助力，该邀请不计入",
            "Your friend counts for another inviter",
        ),
        "after_the_act": Words(
            "好友在你邀请之前已完成任务，该邀请不计入",
            "Your friend had done their part before your invite",
        ),
        "not_named": Words(
            "好友完成任务时未通过你的邀请，该邀请不计入",
            "Your friend did their part without naming your invite",
        ),
        "reciprocal": Words(
            "你们互相邀请，较晚的一次不计入",
            "You invited each other; the later invite does not count",
        ),
        "circle": Words(
            "邀请关系形成循环，最晚的一次不计入",
            "These invites form a circle; the latest one does not count",
        ),
    }
)


def reward_words(reward: Reward) -> Words:
    """Return how a reward is called.

    Parameters
    ----------
    reward
        Cash, points, a coupon or a perk.

    Returns
    -------
    Words
        In both languages.
    """
    if isinstance(reward, Cash):
        return Words(str(reward), f"{reward.fen // 100}.{reward.fen % 100:02d} yuan")
    if isinstance(reward, Points):
        return Words(f"{reward.n}积分", f"{reward.n} points")
    if isinstance(reward, Coupon):
        return Words(f"优惠券（{reward.stock_id}）", f"coupon {reward.stock_id}")
    return Words(f"权益“{reward.name}”", f"the perk {reward.name!r}")


def rung_words(
    reward: Reward, rung: int, level: int, *, granted: bool
) -> tuple[str, Words]:
    """Return why a reward is granted or withdrawn.

    Parameters
    ----------
    reward
        What moves.
    rung
        The rung reached, or left.
    level
        1: of the inviter's own invites; 2: of their friends' invites.
    granted
        Whether it is granted.

    Returns
    -------
    reason
        For programs.
    words
        For the inviter.
    """
    called = reward_words(reward)
    whose = Words("", "") if level == 1 else Words("二级", "second-level ")
    if granted:
        zh = f"有效{whose.zh}助力达到{rung}人，获得{called.zh}"
        en = f"{rung} {whose.en}invites count: you have earned {called.en}"
        return "rung_reached", Words(zh, en)
    zh = f"有效{whose.zh}助力不足{rung}人，{called.zh}已收回"
    en = f"Fewer than {rung} {whose.en}invites count: {called.en} is withdrawn"
    return "rung_left", Words(zh, en)
