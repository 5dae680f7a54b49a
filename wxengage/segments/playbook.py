"""What to do with whom (分层策略): the article's table of segments, as data."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLAYBOOK", "Move", "Strategy"]


@attrs.frozen
class Move:
    """One thing to do for a segment.

    Attributes
    ----------
    code
        Its name in programs.
    zh, en
        The article's words, and in English.
    """

    code: str
    zh: str
    en: str


@attrs.frozen
class Strategy:
    """A segment's row in the article's table.

    Attributes
    ----------
    segment
        A name in ``SEGMENTS``.
    traits_zh, traits_en
        How such users behave.
    goal_zh, goal_en
        What to lead them to.
    moves
        How, the first one first.
    """

    segment: str
    traits_zh: str
    traits_en: str
    goal_zh: str
    goal_en: str
    moves: tuple[Move, ...]


#: Segment -> strategy. Source: the article, chapter 1.
PLAYBOOK: Final[Mapping[str, Strategy]] = MappingProxyType(
    {
        "potential": Strategy(
            "potential",
            "低频次浏览，无主动操作",
            "browse now and then, no action of their own",
            "引导首次互动",
            "a first interaction",
            (
                Move("newcomer_gift", "推送新手福利", "send a newcomer gift"),
                Move("simpler_path", "简化参与路径", "make taking part simpler"),
            ),
        ),
        "active": Strategy(
            "active",
            "高频点赞评论，参与活动",
            "like and comment often, take part in activities",
            "深化价值认同",
            "a deeper sense of what the brand stands for",
            (
                Move("open_ugc", "开放UGC创作权限", "let them publish their own work"),
                Move("level_system", "设置等级体系", "set up levels to rise through"),
            ),
        ),
        "dormant": Strategy(
            "dormant",
            "连续30天无互动",
            "no interaction for 30 days in a row",
            "激活回流",
            "to come back",
            (
                Move(
                    "recall_gift", "推送专属召回礼包", "send a recall gift of their own"
                ),
                Move("scene_reminder", "触发场景化提醒", "remind when the scene fits"),
            ),
        ),
    }
)
