"""The vocabulary of what users do (互动行为).

A kind is *active* when the user did something that a brand can call an
interaction, and *passive* when the user only received, watched or joined. The
article's potential user "browses, no action": reading is therefore passive, and
so is following, which is the moment a newcomer gift is for. A policy may weigh
the kinds otherwise; these are the defaults.
"""

from __future__ import annotations

import difflib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "Kind", "nearest_kind"]


@attrs.frozen
class Kind:
    """What an event is.

    Attributes
    ----------
    name
        The word in the log.
    active
        Whether it counts as an interaction by default.
    zh
        The Chinese term.
    """

    name: str
    active: bool
    zh: str


_ACTIVE = {
    "like": "点赞",
    "share": "分享",
    "comment": "评论",
    "favorite": "收藏",
    "click": "点击",
    "menu_click": "菜单点击",
    "message": "发消息",
    "scan": "扫码",
    "purchase": "购买",
    "register": "注册",
    "check_in": "打卡",
    "vote": "投票",
    "answer": "答题",
    "submit": "投稿",
    "redeem": "兑换",
    "invite": "邀请",
    "subscribe": "订阅授权",
}
_PASSIVE = {
    "deliver": "送达",
    "open": "打开",
    "read": "阅读",
    "watch": "观看",
    "follow": "关注",
    "unfollow": "取消关注",
    "join": "入群",
    "leave": "退群",
    "refund": "退款",
    "consent": "同意",
    "opt_out": "退订",
    "decline": "拒绝授权",
    "retract": "撤回投票",
    "withdraw": "撤回作品",
    "void": "判定无效",
}
#: Every kind by its name.
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {name: Kind(name, True, zh) for name, zh in _ACTIVE.items()}
    | {name: Kind(name, False, zh) for name, zh in _PASSIVE.items()}
)


def nearest_kind(word: str) -> str | None:
    """Return the known kind that a misspelt word most likely means, if any."""
    found = difflib.get_close_matches(word.lower(), KINDS, n=1, cutoff=0.6)
    return found[0] if found else None
