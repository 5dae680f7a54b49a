"""What the rules have against a campaign, before it is launched (活动合规检查)."""

from __future__ import annotations

from wxengage.campaigns.policy.findings import SEVERITIES, Finding, Override
from wxengage.campaigns.policy.launch import Ask, Draw, Launch, Notice
from wxengage.campaigns.policy.linting import lint_campaign
from wxengage.campaigns.policy.reviews import Review, apply_overrides

__all__ = [
    "SEVERITIES",
    "Ask",
    "Draw",
    "Finding",
    "Launch",
    "Notice",
    "Override",
    "Review",
    "apply_overrides",
    "lint_campaign",
]
