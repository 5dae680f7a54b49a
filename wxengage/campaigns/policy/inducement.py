"""Rewards for sharing, inviting, following and subscribing (诱导分享, 诱导关注).

Each function is one rule's check: it is asked only on days on which the rule is in
force, and yields what it finds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wxengage.campaigns.policy.cases import Case, Fault, excerpt
from wxengage.campaigns.policy.sentences import ACTS, GAINS, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.campaigns.policy.findings import Severity
    from wxengage.campaigns.policy.terms import Incentive
    from wxengage.rules.rule import Rule

__all__ = ["by_link", "following", "in_mini_program", "levels", "subscribing"]

#: Acts that bring a campaign before others.
_SPREADING: Final = ("share", "invite", "help", "collect")
# Words that deny what follows them.
_NOT: Final = r"(?<!无需)(?<!不用)(?<!不必)(?<!无须)(?<!不)(?<!勿)(?<!非)"
_GAIN: Final = r"(?:领|获得|赢|得\d|奖|红包|解锁|抽|免费|优惠|才能|才可|方可|即可)"
_SHARING: Final = re.compile(
    rf"{_NOT}(?:分享|转发|邀请)[^。！？；\n]{{0,16}}?{_GAIN}"  # noqa: RUF001  Chinese
    r"|集赞|砍价|砍一刀|求助力|好友助力|拆红包"
)
_FOLLOWING: Final = re.compile(
    rf"{_NOT}(?:关注|扫码关注)[^。！？；\n]{{0,16}}?{_GAIN}"  # noqa: RUF001  Chinese
)


def by_link(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check what a link in WeChat may not reward.

    Yields
    ------
    Fault
        An error for an act that the rule names, where people meet the campaign by
        a link in WeChat; a warning where they do in WeCom: what is shared there is
        opened in WeChat, but the rule speaks of links in WeChat.
    """
    named = rule.param("reward_on", tuple)
    place = case.terms.placement
    if place not in {"wechat_link", "wecom"}:
        return
    for incentive in case.terms.incentives:
        if incentive.act in named:
            explicit = place == "wechat_link"
            yield _rewarded(case, incentive, "error" if explicit else "warning")
    yield from _said(case, _SHARING, "copy_rewards_sharing")


def in_mini_program(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check what a mini program may not reward.

    Yields
    ------
    Fault
        An error for a reward on sharing, which the rule names; a warning for one
        on bringing others, where it depends on what these do by themselves.
    """
    if case.terms.placement != "mini_program" or rule.param("allowed", bool):
        return
    for incentive in case.terms.incentives:
        if incentive.act in _SPREADING:
            explicit = incentive.act == "share"
            yield _rewarded(case, incentive, "error" if explicit else "warning")
    yield from _said(case, _SHARING, "copy_rewards_sharing")


def following(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check what following an account may not be worth, wherever it is asked for.

    Yields
    ------
    Fault
        An error where whoever follows gets something for it; a warning where the
        inviter does, or where only those may vote who have followed for some time:
        of these the rule does not speak.
    """
    if "follow" not in rule.param("reward_on", tuple):
        return
    for incentive in case.terms.incentives:
        if incentive.act != "follow":
            continue
        if incentive.direct:
            yield _rewarded(case, incentive, "error")
        else:
            reason = "follow_counts" if incentive.gives == "reward" else "follow_gates"
            yield Fault("warning", reason, incentive.field, (incentive.evidence,))
    yield from _said(case, _FOLLOWING, "copy_rewards_following")


def subscribing(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check that nothing is given for a grant of a subscription.

    Yields
    ------
    Fault
        An error.
    """
    if rule.param("reward_for_grant", bool):
        return
    for incentive in case.terms.incentives:
        if incentive.act == "subscribe":
            yield _rewarded(case, incentive, "error")


def levels(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check over how many levels rewards reach.

    Yields
    ------
    Fault
        An error above the rule's number. The rule counts the promoter too; where
        it is kept only if the invitee at the end is not counted, a warning.
    """
    most, rewarded = rule.param("max_levels", int), case.terms.levels
    said = (f"depth = {rewarded}",)
    values = {"levels": rewarded, "people": rewarded + 1, "most": most}
    if rewarded > most:
        yield Fault("error", "too_many_levels", "depth", said, values)
    elif rewarded + 1 > most:
        yield Fault("warning", "levels_unclear", "depth", said, values)


def _rewarded(case: Case, incentive: Incentive, severity: Severity) -> Fault:
    """Return that something is given for an act."""
    act = incentive.act
    values = {
        "act": ACTS[act],
        "gain": GAINS[incentive.gives],
        "place": PLACES[case.terms.placement],
    }
    asked = incentive.field.startswith("launch.")
    reason = f"{'asks' if asked else 'rewards'}_{act}"
    return Fault(severity, reason, incentive.field, (incentive.evidence,), values)


def _said(case: Case, pattern: re.Pattern[str], reason: str) -> Iterator[Fault]:
    """Yield each text that promises something for it: a warning, words are no act."""
    for field, text in case.texts():
        said = tuple(excerpt(text, *found.span()) for found in pattern.finditer(text))
        if said:
            yield Fault("warning", reason, field, said)
