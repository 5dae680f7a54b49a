"""What the article claims of campaigns, crises and groups (第五至八章)."""

from __future__ import annotations

from typing import Final

from wxengage.claims.claim import Claim
from wxengage.claims.figures import (
    AD_SHARE,
    CHECK_IN_DAYS,
    CHURN_ANCHORS,
    CONTEST_GROWTH,
    CRISIS_STAGES,
    GROUP_ACTIVATION,
    GROUP_MESSAGES_A_DAY,
    INVITE_RATE_LIFT,
    REFERRAL_LADDER,
    RENEWAL_RATE,
    RESPONSE_DEADLINE,
    THREE_EASES,
    TRENDS,
)

__all__ = ["SECOND_HALF"]

_RUNGS: Final = tuple(REFERRAL_LADDER.items())
_LOST: Final = tuple(CHURN_ANCHORS.items())

_FIVE: Final = (
    Claim(
        "campaigns.three_eases",
        5,
        '成功的微信活动需具备"三易"特性:易参与、易传播、易兑现',
        "a campaign must be easy to join, easy to spread and easy to redeem",
        THREE_EASES,
        "steps",
        "wxengage.claims.figures.THREE_EASES",
    ),
    Claim(
        "campaigns.first_rung",
        5,
        "裂变红包:设置阶梯奖励机制,例如邀请3人得8元红包",
        "three invites earn a red packet of 8 yuan",
        _RUNGS[0],
        "invites, fen",
        "wxengage.claims.figures.REFERRAL_LADDER",
        "new_followers",
    ),
    Claim(
        "campaigns.second_rung",
        5,
        "6人得15元,利用沉没成本促使用户升级任务",
        "six invites earn 15 yuan: the sunk cost drives the next rung (15 in all, or "
        "on top of the 8, it does not say)",
        _RUNGS[1],
        "invites, fen",
        "wxengage.claims.figures.REFERRAL_LADDER",
        "new_followers",
    ),
    Claim(
        "campaigns.check_in_days",
        5,
        "打卡挑战:连续7天完成指定行为解锁奖励,结合企业微信提醒功能提升完成率",
        "seven days in a row unlock a reward; reminders by WeCom raise completion",
        CHECK_IN_DAYS,
        "local days in a row",
        "wxengage.claims.figures.CHECK_IN_DAYS",
    ),
    Claim(
        "campaigns.contest_growth",
        5,
        "活动期间新增用户增长230%",
        "new users grew by 230 % during a contest of a beauty brand",
        CONTEST_GROWTH,
        "share of what it was",
        "wxengage.claims.figures.CONTEST_GROWTH",
        "new_followers",
    ),
)
_SIX: Final = (
    Claim(
        "crisis.stages",
        6,
        '建立"预警-响应-复盘"三级防护体系',
        "three lines of defence: warn, respond, review",
        CRISIS_STAGES,
        "stages",
        "wxengage.claims.figures.CRISIS_STAGES",
    ),
    Claim(
        "crisis.prevention",
        6,
        '日常预防 | 建立敏感词库/设置内容白名单 | 某金融号提前屏蔽"暴雷"等词汇',
        "before: a lexicon of sensitive words and an allow-list; a finance account "
        "had blocked words such as 'default' early",
        CRISIS_STAGES[0],
        "stage",
        "wxengage.claims.figures.CRISIS_STAGES",
    ),
    Claim(
        "crisis.response",
        6,
        "突发应对 | 30分钟内官方回应/转移话题焦点 | 某餐饮品牌快速赔偿投诉用户",
        "at once: an official answer within 30 minutes, or another topic; a "
        "restaurant brand compensated those who complained",
        RESPONSE_DEADLINE,
        "timedelta",
        "wxengage.claims.figures.RESPONSE_DEADLINE",
    ),
    Claim(
        "crisis.repair",
        6,
        "事后修复 | 发布检测报告/开展补偿活动 | 某母婴号赠送检测试剂盒",
        "after: a test report and compensation; a parenting account gave test kits",
        CRISIS_STAGES[2],
        "stage",
        "wxengage.claims.figures.CRISIS_STAGES",
    ),
    Claim(
        "crisis.churn_within_deadline",
        6,
        "30分钟内响应的危机事件,用户流失率可控制在15%以内",
        "answered within 30 minutes, at most 15 % of users are lost",
        _LOST[0],
        "time to the answer, share of users",
        "wxengage.claims.figures.CHURN_ANCHORS",
        "unfollows",
    ),
    Claim(
        "crisis.churn_after_two_hours",
        6,
        "超过2小时则飙升至60%",
        "answered after more than 2 hours, 60 % are lost",
        _LOST[1],
        "time to the answer, share of users",
        "wxengage.claims.figures.CHURN_ANCHORS",
        "unfollows",
    ),
)
_SEVEN: Final = (
    Claim(
        "community.start",
        7,
        "建群初期 | 设置入群欢迎语/发布群公告 | 24小时内活跃度达60%",
        "a new group: a welcome and a notice; 60 % active within 24 hours",
        GROUP_ACTIVATION,
        "time since the start, share of members",
        "wxengage.claims.figures.GROUP_ACTIVATION",
    ),
    Claim(
        "community.daily",
        7,
        "日常维护 | 早晚报打卡/每周固定话题 | 日均发言量>20条",
        "every day: check-ins in the morning and the evening, topics by the week; "
        "more than 20 messages a day",
        GROUP_MESSAGES_A_DAY,
        "messages a local day",
        "wxengage.claims.figures.GROUP_MESSAGES_A_DAY",
    ),
    Claim(
        "community.value",
        7,
        "价值输出 | 专家答疑/限时福利发放 | 成员邀请率提升3倍",
        "value: experts answer, offers for a limited time; members invite three "
        "times more",
        INVITE_RATE_LIFT,
        "share of what it was",
        "wxengage.claims.figures.INVITE_RATE_LIFT",
    ),
    Claim(
        "community.renewal_rate",
        7,
        '例如某教育社群通过"每日一题"打卡+月度模考排名,使成员续费率提升至85%',
        "a daily question and a monthly ranking raised the renewal rate of an "
        "education group to 85 %",
        RENEWAL_RATE,
        "share",
        "wxengage.claims.figures.RENEWAL_RATE",
    ),
    Claim(
        "community.ad_share",
        7,
        "需注意避免过度营销,广告占比应控制在10%以下",
        "less than 10 % of the messages are advertising",
        AD_SHARE,
        "share",
        "wxengage.claims.figures.AD_SHARE",
    ),
)
_EIGHT: Final = (
    Claim(
        "personal.trends",
        8,
        "未来趋势将呈现三大特征:一是物联网设备与微信联动的场景化互动,"
        "二是虚拟现实技术重塑沉浸式体验,三是区块链赋能的信任体系建设",
        "three trends: devices that talk to WeChat, virtual reality, trust by "
        "blockchain",
        TRENDS,
        "trends",
        "wxengage.claims.figures.TRENDS",
    ),
)
#: Claims of chapters 5 to 8, in the article's order.
SECOND_HALF: Final = (*_FIVE, *_SIX, *_SEVEN, *_EIGHT)
