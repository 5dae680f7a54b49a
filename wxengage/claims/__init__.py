"""The article's every figure and table row (文中数据), with what each one feeds."""

from __future__ import annotations

from wxengage.claims.book import CLAIMS
from wxengage.claims.claim import Claim
from wxengage.claims.figures import (
    AD_SHARE,
    CHAPTERS,
    CHECK_IN_DAYS,
    CHURN_ANCHORS,
    CONTENT_KINDS,
    CONTEST_GROWTH,
    CRISIS_STAGES,
    DORMANT_AFTER,
    GENTLE_REACH,
    GOLDEN_HOURS,
    GOLDEN_WINDOW,
    GROUP_ACTIVATION,
    GROUP_MESSAGES_A_DAY,
    INTERACTIONS_A_DAY,
    INVITE_RATE_LIFT,
    METRIC_TIERS,
    REFERRAL_LADDER,
    RENEWAL_RATE,
    RESPONSE_DEADLINE,
    SESSION_OPEN_RATE,
    THREE_EASES,
    TOOL_LIFTS,
    TRENDS,
)

__all__ = [
    "AD_SHARE",
    "CHAPTERS",
    "CHECK_IN_DAYS",
    "CHURN_ANCHORS",
    "CLAIMS",
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
    "Claim",
]
