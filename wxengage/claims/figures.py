"""The article's figures (文中数据): the defaults that the rooms above take.

None of these figures carries a source in the article. They stand here once,
as named defaults that a user may override; ``CLAIMS`` tells where each one
comes from and what it feeds. They are claims to be tested, not truths.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AD_SHARE",
    "CHAPTERS",
    "CHECK_IN_DAYS",
    "CHURN_ANCHORS",
    "CONTENT_KINDS",
    "CONTEST_GROWTH",
    "CRISIS_STAGES",
    "DORMANT_AFTER",
    "GENTLE_REACH",
    "GOLDEN_HOURS",
    "GOLDEN_WINDOW",
    "GROUP_ACTIVATION",
    "GROUP_MESSAGES_A_DAY",
    "INTERACTIONS_A_DAY",
    "INVITE_RATE_LIFT",
    "METRIC_TIERS",
    "REFERRAL_LADDER",
    "RENEWAL_RATE",
    "RESPONSE_DEADLINE",
    "SESSION_OPEN_RATE",
    "THREE_EASES",
    "TOOL_LIFTS",
    "TRENDS",
]

#: The eight dimensions (八个关键维度).
CHAPTERS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "用户分层与精准触达策略",
        2: "内容矩阵与互动节奏设计",
        3: "互动工具的创新应用",
        4: "数据监测与效果评估体系",
        5: "活动策划的病毒传播设计",
        6: "危机应对与舆情管理机制",
        7: "社群运营的深度激活技巧",
        8: "引入AI技术实现个性化互动升级",
    }
)

# Chapter 1.
#: Silence after which a user is dormant (沉默用户: 连续30天无互动).
DORMANT_AFTER: Final = dt.timedelta(days=30)

#: How to win somebody back without pushing (温和方式激活).
GENTLE_REACH: Final = ("service_chat", "template_message")

# Chapter 2.
#: Content matrix (内容矩阵): short, deep, interactive.
CONTENT_KINDS: Final = ("short", "deep", "interactive")
#: Golden windows (黄金时段): code, start and end on the local wall clock,
#: half-open.
GOLDEN_WINDOW: Final = (
    ("commute", "08:00", "09:00"),
    ("lunch", "12:00", "14:00"),
    ("evening", "20:00", "22:00"),
)
#: How long they are together by their name (黄金四小时); by their rows, five hours.
GOLDEN_HOURS: Final = dt.timedelta(hours=4)
#: Interactions a local day, at most: from the first to the second number.
INTERACTIONS_A_DAY: Final = (3, 5)

# Chapter 3.
#: What each tool raises, as a share of what it was: conversion by mini programs,
#: watch time by live streams, repurchase by WeCom. "增加3倍" is read as a rise by
#: three times what it was, to four times; others read "to three times".
TOOL_LIFTS: Final[Mapping[str, Fraction]] = MappingProxyType(
    {
        "mini_program": Fraction(40, 100),
        "live_stream": Fraction(3),
        "wecom": Fraction(25, 100),
    }
)

# Chapter 4.
#: Three metric tiers (三级数据看板) and the metrics of each.
METRIC_TIERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "base": ("reads", "likes", "share_rate"),
        "advanced": ("dwell_time", "bounce_rate", "conversion_rate"),
        "strategic": ("ltv", "community_activity", "nps"),
    }
)
#: Session open rate (会话打开率) above which the owned audience is healthy.
SESSION_OPEN_RATE: Final = Fraction(30, 100)

# Chapter 5.
#: What a campaign must be: easy to join, to spread, to redeem (三易).
THREE_EASES: Final = ("join", "spread", "redeem")
#: Referral ladder (阶梯奖励): valid invites -> fen. Whether 15 yuan are in all
#: or on top of the 8, the article does not say.
REFERRAL_LADDER: Final[Mapping[int, int]] = MappingProxyType({3: 800, 6: 1500})
#: Days in a row that unlock the check-in reward (连续7天打卡).
CHECK_IN_DAYS: Final = 7
#: Growth of new users during the one contest named (新增用户增长230%).
CONTEST_GROWTH: Final = Fraction(230, 100)

# Chapter 6.
#: Three lines of defence (三级防护体系).
CRISIS_STAGES: Final = ("prevention", "response", "repair")
#: Official answer due after the alert (30分钟内官方回应).
RESPONSE_DEADLINE: Final = dt.timedelta(minutes=30)
#: Share of users lost by the time of the answer: 15 % within 30 minutes, 60 %
#: from two hours on.
CHURN_ANCHORS: Final[Mapping[dt.timedelta, Fraction]] = MappingProxyType(
    {
        RESPONSE_DEADLINE: Fraction(15, 100),
        dt.timedelta(hours=2): Fraction(60, 100),
    }
)

# Chapter 7.
#: Share of a new group active within that time (24小时内活跃度达60%).
GROUP_ACTIVATION: Final = (dt.timedelta(hours=24), Fraction(60, 100))
#: Messages a local day above which a group is alive (日均发言量>20条).
GROUP_MESSAGES_A_DAY: Final = 20
#: Rise of the members' invite rate, as a share of what it was (提升3倍).
INVITE_RATE_LIFT: Final = Fraction(3)
#: Renewal rate of the one education group named (续费率提升至85%).
RENEWAL_RATE: Final = Fraction(85, 100)
#: Share of advertising that a group must stay below (广告占比10%以下).
AD_SHARE: Final = Fraction(1, 10)

# Chapter 8 and the end.
#: What the article sees coming (未来趋势).
TRENDS: Final = ("internet_of_things", "virtual_reality", "blockchain")
