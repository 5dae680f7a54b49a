"""The metrics (指标字典): what each number is, exactly, as data.

Three tiers, as the article's chapter 4 has them: *base* tells which topics to
choose, *advanced* how the flow should change, *strategic* whether the business
works. Only metrics that are computed stand here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.metrics.rates import (
    ACTIVE,
    EventTotal,
    Measure,
    NetTotal,
    UserShare,
    UserTotal,
    ValueTotal,
)
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["METRICS", "TIERS", "Metric", "Tier"]

Tier = Literal["base", "advanced", "strategic"]
Unit = Literal["events", "users", "share", "value"]


@attrs.frozen
class TierInfo:
    """A tier of the board (数据层级) and the decision that it serves."""

    name: Words
    decision: Words


#: The three tiers, in the article's order, with its words for what each is for.
TIERS: Final[Mapping[Tier, TierInfo]] = MappingProxyType(
    {
        "base": TierInfo(
            Words("基础层", "Base"), Words("内容选题优化", "which topics to choose")
        ),
        "advanced": TierInfo(
            Words("进阶层", "Advanced"),
            Words("交互流程改进", "how to improve the flow"),
        ),
        "strategic": TierInfo(
            Words("战略层", "Strategic"),
            Words("商业模式验证", "whether the business works"),
        ),
    }
)


@attrs.frozen
class Metric:
    """The definition of one number.

    Attributes
    ----------
    id
        Its key in ``METRICS``.
    name
        What people call it.
    tier
        ``"base"``, ``"advanced"`` or ``"strategic"``.
    unit
        Of the value: events, users, a share from 0 to 1, or the log's value.
    formula
        The exact definition.
    denominator
        Which users a share is of; None for what is no share.
    null
        When it is unknown instead of 0.
    question
        What a manager decides with it.
    measure
        How it is counted.
    better
        ``"up"`` or ``"down"``: the direction that is good news.
    in_article
        Whether the article's own board names it.
    """

    id: str
    name: Words
    tier: Tier
    unit: Unit
    formula: Words
    null: Words
    question: Words
    measure: Measure
    denominator: Words | None = None
    better: Literal["up", "down"] = "up"
    in_article: bool = False


def _null(zh: str, en: str) -> Words:
    return Words(
        f"截至统计时刻,日志里从未出现{zh}:未知,不记为 0",
        f"unknown, not 0, if the log has never held {en}",
    )


_BASE: Final = (
    Metric(
        "reads",
        Words("阅读量", "Reads"),
        "base",
        "events",
        Words("期内 read 事件数", "read events in the period"),
        _null("阅读事件", "a read event"),
        Words("哪些选题有人看", "which topics get read"),
        EventTotal(("read",)),
        in_article=True,
    ),
    Metric(
        "likes",
        Words("点赞数", "Likes"),
        "base",
        "events",
        Words("期内 like 事件数", "like events in the period"),
        _null("点赞事件", "a like event"),
        Words("哪些选题讨人喜欢", "which topics please"),
        EventTotal(("like",)),
        in_article=True,
    ),
    Metric(
        "comments",
        Words("评论数", "Comments"),
        "base",
        "events",
        Words("期内 comment 事件数", "comment events in the period"),
        _null("评论事件", "a comment event"),
        Words("哪些选题引发讨论", "which topics start a conversation"),
        EventTotal(("comment",)),
    ),
    Metric(
        "shares",
        Words("分享次数", "Shares"),
        "base",
        "events",
        Words("期内 share 事件数", "share events in the period"),
        _null("分享事件", "a share event"),
        Words("内容被传播了多少次", "how often content was passed on"),
        EventTotal(("share",)),
    ),
    Metric(
        "share_rate",
        Words("分享率", "Share rate"),
        "base",
        "share",
        Words(
            "期内既阅读又分享的用户数 / 期内阅读用户数",
            "users who read and shared / users who read, in the period",
        ),
        _null("阅读事件或分享事件", "a read event, or a share event"),
        Words("哪些选题值得传播", "which topics are worth passing on"),
        UserShare(("share",), ("read",)),
        denominator=Words("期内阅读用户", "users who read in the period"),
        in_article=True,
    ),
    Metric(
        "interactions",
        Words("互动次数", "Interactions"),
        "base",
        "events",
        Words("期内主动行为事件数", "events of active kinds in the period"),
        _null("主动行为", "an event of an active kind"),
        Words("用户有多投入", "how much users take part"),
        EventTotal(ACTIVE),
    ),
    Metric(
        "active_users",
        Words("互动用户数", "Active users"),
        "base",
        "users",
        Words(
            "期内至少有一次主动行为的用户数",
            "users with at least one event of an active kind in the period",
        ),
        _null("主动行为", "an event of an active kind"),
        Words("还有多少人在参与", "how many people take part"),
        UserTotal(ACTIVE),
    ),
    Metric(
        "active_share",
        Words("互动用户占比", "Active share"),
        "base",
        "share",
        Words(
            "期内互动用户数 / 期末为止出现过的全部用户数",
            "active users in the period / all users seen by its end",
        ),
        _null("主动行为", "an event of an active kind"),
        Words("用户池是否还有活力", "whether the audience is alive"),
        UserShare(ACTIVE),
        denominator=Words("期末为止出现过的用户", "users seen by the period's end"),
    ),
    Metric(
        "new_followers",
        Words("新增关注", "New follows"),
        "base",
        "events",
        Words("期内 follow 事件数", "follow events in the period"),
        _null("关注事件", "a follow event"),
        Words("引流是否有效", "whether acquisition works"),
        EventTotal(("follow",)),
    ),
    Metric(
        "unfollows",
        Words("取消关注", "Unfollows"),
        "base",
        "events",
        Words("期内 unfollow 事件数", "unfollow events in the period"),
        _null("取消关注事件", "an unfollow event"),
        Words("推送是否过度", "whether we push too hard"),
        EventTotal(("unfollow",)),
        better="down",
    ),
    Metric(
        "net_growth",
        Words("净增关注", "Net growth"),
        "base",
        "events",
        Words("新增关注 - 取消关注", "new follows - unfollows"),
        _null("关注事件或取消关注事件", "a follow event, or an unfollow event"),
        Words("用户池在涨还是在缩", "whether the audience grows"),
        NetTotal(("follow",), ("unfollow",)),
    ),
    Metric(
        "purchases",
        Words("购买次数", "Purchases"),
        "base",
        "events",
        Words("期内 purchase 事件数", "purchase events in the period"),
        _null("购买事件", "a purchase event"),
        Words("互动是否带来成交", "whether engagement sells"),
        EventTotal(("purchase",)),
    ),
    Metric(
        "value",
        Words("成交金额", "Value"),
        "base",
        "value",
        Words(
            "期内事件金额之和,退款计为负",
            "sum of the events' values in the period, refunds against it",
        ),
        _null("非零金额", "a value other than 0"),
        Words("互动带来多少收入", "what engagement earns"),
        ValueTotal(),
    ),
)

#: Every metric by its id, in the order of the board.
METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {metric.id: metric for metric in _BASE}
)
