"""What the article claims of users, content, tools and numbers (第一至四章)."""

from __future__ import annotations

from typing import Final

from wxengage.claims.claim import Claim
from wxengage.claims.figures import (
    CHAPTERS,
    CONTENT_KINDS,
    DORMANT_AFTER,
    GENTLE_REACH,
    GOLDEN_HOURS,
    GOLDEN_WINDOW,
    INTERACTIONS_A_DAY,
    METRIC_TIERS,
    SESSION_OPEN_RATE,
    TOOL_LIFTS,
)

__all__ = ["FIRST_HALF"]

_ONE: Final = (
    Claim(
        "article.chapters",
        0,
        "以下从八个关键维度展开分析",
        "eight dimensions are looked at",
        CHAPTERS,
        "chapters",
        "wxengage.claims.figures.CHAPTERS",
    ),
    Claim(
        "segments.signals",
        1,
        "通过公众号关注时长、菜单点击频率、历史互动记录等维度",
        "by follow age, frequency of menu clicks and history of interactions",
        ("follow_age_days", "menu_clicks", "interactions"),
        "columns",
        "wxengage.segments.classify_users",
    ),
    Claim(
        "segments.three",
        1,
        "可将用户划分为潜在用户(浏览未互动)、活跃用户(高频次参与)、"
        "沉默用户(长期无互动)三类",
        "users are potential (browse, no interaction), active (take part often) or "
        "dormant (no interaction for long)",
        ("potential", "active", "dormant"),
        "segments",
        "wxengage.segments.SEGMENTS",
    ),
    Claim(
        "segments.potential",
        1,
        "潜在用户 | 低频次浏览,无主动操作 | 引导首次互动 | 推送新手福利、简化参与路径",
        "potential users browse now and then without acting; lead them to a first "
        "interaction with a newcomer gift and a simpler way to take part",
        "potential",
        "segment",
        "wxengage.segments.PLAYBOOK",
    ),
    Claim(
        "segments.active",
        1,
        "活跃用户 | 高频点赞评论,参与活动 | 深化价值认同 | "
        "开放UGC创作权限、设置等级体系",
        "active users like and comment often and join activities; deepen what they "
        "share with the brand by rights to publish and a system of levels",
        "active",
        "segment",
        "wxengage.segments.PLAYBOOK",
    ),
    Claim(
        "segments.dormant",
        1,
        "沉默用户 | 连续30天无互动 | 激活回流 | 推送专属召回礼包、触发场景化提醒",
        "dormant users have not interacted for 30 days in a row; win them back with "
        "a recall gift of their own and a reminder when the scene fits",
        "dormant",
        "segment",
        "wxengage.segments.PLAYBOOK",
    ),
    Claim(
        "segments.dormant_after",
        1,
        "连续30天无互动",
        "no interaction for 30 days in a row makes a user dormant",
        DORMANT_AFTER,
        "timedelta",
        "wxengage.segments.LifecyclePolicy.dormant_after",
        "active_share",
    ),
    Claim(
        "segments.gentle_reach",
        1,
        "需通过1v1客服对话、模板消息唤醒等温和方式激活,避免强行推送造成流失",
        "one-to-one service chats and template messages win users back gently; "
        "forced pushes lose them",
        GENTLE_REACH,
        "means",
        "wxengage.claims.figures.GENTLE_REACH",
    ),
)
_TWO: Final = (
    Claim(
        "content.matrix",
        2,
        '建立"短内容+深度内容+互动内容"三维矩阵,满足不同场景需求',
        "a matrix of short, deep and interactive content serves every scene",
        CONTENT_KINDS,
        "kinds of content",
        "wxengage.claims.figures.CONTENT_KINDS",
    ),
    Claim(
        "windows.four_hours",
        2,
        '内容发布需遵循"黄金四小时"原则',
        "publish in the four golden hours (the table's rows last five)",
        GOLDEN_HOURS,
        "timedelta",
        "wxengage.claims.figures.GOLDEN_HOURS",
    ),
    Claim(
        "windows.commute",
        2,
        "08:00-09:00 | 通勤场景高峰 | 短视频刷屏期 | 早间热点讨论期",
        "08:00 to 09:00: WeChat peaks on the commute, Douyin in short videos, Weibo "
        "in talk about the morning's news",
        GOLDEN_WINDOW[0],
        "local time of day",
        "wxengage.pacing.GOLDEN_WINDOWS",
        "interactions",
    ),
    Claim(
        "windows.lunch",
        2,
        "12:00-14:00 | 午休碎片化阅读 | 娱乐内容爆发期 | 热搜话题发酵期",
        "12:00 to 14:00: reading in bits on WeChat, entertainment on Douyin, "
        "trending topics ferment on Weibo",
        GOLDEN_WINDOW[1],
        "local time of day",
        "wxengage.pacing.GOLDEN_WINDOWS",
        "interactions",
    ),
    Claim(
        "windows.evening",
        2,
        "20:00-22:00 | 晚间情感互动高峰 | 直播黄金时段 | 夜话类内容活跃期",
        "20:00 to 22:00: feelings peak on WeChat, live streams on Douyin, night talk "
        "on Weibo",
        GOLDEN_WINDOW[2],
        "local time of day",
        "wxengage.pacing.GOLDEN_WINDOWS",
        "interactions",
    ),
    Claim(
        "pacing.interactions_a_day",
        2,
        "需注意单日互动频次控制在3-5次,避免信息过载",
        "3 to 5 interactions a day at most, lest it be too much",
        INTERACTIONS_A_DAY,
        "interactions a local day",
        "wxengage.pacing.DAILY_CEILING",
        "unfollows",
    ),
)
_THREE: Final = (
    Claim(
        "tools.mini_program",
        3,
        "微信小程序 | 沉浸式交互体验 | 游戏化任务、预约服务 | 转化率提升40%",
        "mini programs, immersive, for games and bookings, raise conversion by 40 %",
        TOOL_LIFTS["mini_program"],
        "share of what it was",
        "wxengage.claims.figures.TOOL_LIFTS",
    ),
    Claim(
        "tools.live_stream",
        3,
        "微信直播 | 实时连麦互动 | 产品讲解、福利发放 | 观看时长增加3倍",
        "live streams, with guests on the line, for products and gifts, raise watch "
        "time three times",
        TOOL_LIFTS["live_stream"],
        "share of what it was",
        "wxengage.claims.figures.TOOL_LIFTS",
    ),
    Claim(
        "tools.wecom",
        3,
        "企业微信 | 私域流量运营 | 客户1v1服务、社群管理 | 复购率提升25%",
        "WeCom, for the owned audience, one-to-one service and groups, raises "
        "repurchase by 25 %",
        TOOL_LIFTS["wecom"],
        "share of what it was",
        "wxengage.claims.figures.TOOL_LIFTS",
    ),
)
_FOUR: Final = (
    Claim(
        "metrics.tiers",
        4,
        "建立三级数据看板实现精细化运营",
        "a board of three tiers",
        tuple(METRIC_TIERS),
        "tiers",
        "wxengage.metrics.TIERS",
    ),
    Claim(
        "metrics.base",
        4,
        "基础层 | 阅读量/点赞数/分享率 | 内容选题优化",
        "base tier: reads, likes, share rate tell which topics to choose",
        METRIC_TIERS["base"],
        "metrics",
        "wxengage.metrics.METRICS",
        "share_rate",
    ),
    Claim(
        "metrics.advanced",
        4,
        "进阶层 | 停留时长/跳出率/转化率 | 交互流程改进",
        "advanced tier: dwell time, bounce rate, conversion rate mend the flow",
        METRIC_TIERS["advanced"],
        "metrics",
        "wxengage.claims.figures.METRIC_TIERS",
    ),
    Claim(
        "metrics.strategic",
        4,
        "战略层 | 用户LTV/社群活跃度/NPS | 商业模式验证",
        "strategic tier: lifetime value, community activity, NPS test the business",
        METRIC_TIERS["strategic"],
        "metrics",
        "wxengage.claims.figures.METRIC_TIERS",
    ),
    Claim(
        "metrics.session_open_rate",
        4,
        "该指标高于30%说明私域关系维护到位",
        "a session open rate above 30 % shows a healthy owned audience",
        SESSION_OPEN_RATE,
        "share",
        "wxengage.claims.figures.SESSION_OPEN_RATE",
    ),
)
#: Claims of the introduction and of chapters 1 to 4, in the article's order.
FIRST_HALF: Final = (*_ONE, *_TWO, *_THREE, *_FOUR)
