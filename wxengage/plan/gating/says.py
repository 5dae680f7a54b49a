"""Sentences about a decision (为什么能发, 为什么不能发), in Chinese and in English."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.channels.catalog import CATALOG
from wxengage.channels.quotas import REASONS as REFUSALS
from wxengage.words import Words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.plan.gating.decisions import Action

__all__ = ["REASONS", "sentence"]

#: Why a message goes, waits or is dropped: the machine's word -> the clause, in
#: which ``{}`` stands for the constraint. What the platform refuses has the words
#: of its quota.
REASONS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "may_go": Words("没有任何限制", "nothing stands against it"),
        # Settled at once.
        "expired": Words("消息已过期", "it has expired"),
        "not_carried": Words(
            "渠道 {} 不允许承载这类消息", "the channel {} may not carry such messages"
        ),
        "unfollowed": Words(
            "用户没有关注，渠道 {} 发不到",
            "the user does not follow, as the channel {} needs",
        ),
        "under_14": Words(
            "用户不满 14 周岁，不得向其营销",
            "the user is under 14, to whom nothing is advertised",
        ),
        "opted_out": Words("用户已退订 {}", "the user has opted out of {}"),
        "no_consent": Words("用户没有同意接收 {}", "the user has not consented to {}"),
        "zone_unknown": Words(
            "用户所在时区未知，无法判断免打扰时段",
            "the user's zone is not known, so quiet hours cannot be kept",
        ),
        # In time.
        "not_before": Words("还没有到约定的发送时间", "it is not due yet"),
        "freeze": Words("推送已冻结（{}）", "marketing is frozen ({})"),
        "sunset": Words(
            "对 {} 用户的召回有次数和间隔限制",
            "attempts to win back {} users are limited",
        ),
        "quiet_hours": Words("处于免打扰时段 {}", "these are the quiet hours {}"),
        "gap": Words(
            "与相邻消息的间隔不足（{}）", "it is too close to another one ({})"
        ),
        "cap": Words("已达到频次上限（{}）", "the cap is reached ({})"),
        "mix": Words("会打破内容配比 {}", "it would upset the content mix {}"),
        "ad_share": Words(
            "广告占比已达上限（内容配比 {}）",
            "the share of ads is used up (content mix {})",
        ),
        # The platform's own, where its quota does not say more.
        "quota": Words("渠道 {} 的配额不允许", "the quota of {} does not allow it"),
        "account": Words(
            "账号在渠道 {} 的配额不允许",
            "the account's quota of {} does not allow it",
        ),
    }
)
_TAILS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "send": Words("{}：现在可以发送", "{}: it may go now"),
        "defer": Words("{}：最早可在 {} 发送", "{}: it may go at {} at the earliest"),
        "digest": Words(
            "{}：并入汇总消息，最早可在 {} 发送",
            "{}: put it into the digest, which may go at {} at the earliest",
        ),
        "drop": Words("{}：不发送", "{}: it is not sent"),
        "expires_first": Words(
            "{}，等到可以发送时消息已过期：不发送",
            "{} until after it has expired: it is not sent",
        ),
    }
)
_PERIODS: Final = {"day": "每天", "week": "每周", "month": "每月"}
_CAP: Final = re.compile(r"(?P<limit>\d+) per (?P<per>.+?)(?: in (?P<scope>.+))?")
_GAP: Final = re.compile(r"(?P<after>.+) apart(?: in (?P<scope>.+))?")


def _in_chinese(kind: str, name: str) -> str:
    """Return the name of a cap or a gap as Chinese readers say it."""
    if kind == "cap" and (cap := _CAP.fullmatch(name)):
        per = _PERIODS.get(cap["per"]) or f"每 {cap['per']} "
        where = f"，范围 {cap['scope']}" if cap["scope"] else ""
        return f"{per}最多 {cap['limit']} 条{where}"
    if kind == "gap" and (gap := _GAP.fullmatch(name)):
        where = f"，范围 {gap['scope']}" if gap["scope"] else ""
        return f"至少间隔 {gap['after']}{where}"
    if name == "*":
        return "全部消息"
    return CATALOG[name].zh if name in CATALOG else name


def _clause(reason: str) -> Words:
    if reason in REFUSALS:
        zh, en = REFUSALS[reason]
        return Words(f"渠道 {{}}：{zh}", f"{{}}: {en}")
    return REASONS.get(reason, REASONS["quota"])


def sentence(
    action: Action, reason: str, constraint: str, at: dt.datetime | None
) -> Words:
    """Return why a message goes, waits or is dropped.

    Parameters
    ----------
    action, reason, constraint, at
        As in ``Decision``.

    Returns
    -------
    Words
        One sentence.
    """
    kind, _, name = constraint.partition(": ")
    first = reason == "expires_first"
    clause = _clause(kind if first else reason)
    tail = _TAILS["expires_first" if first else action]
    when = "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    name = name or kind
    zh = clause.zh.format(_in_chinese(kind, name))
    en = clause.en.format("everything" if name == "*" else name)
    return Words(tail.zh.format(zh, when), tail.en.format(en, when))
