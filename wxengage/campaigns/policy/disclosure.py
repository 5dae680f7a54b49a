"""Rules, prizes, ages and messages (规则公示, 有奖销售, 未成年人, 模板消息)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxengage.campaigns.policy.cases import Case, Fault
from wxengage.money import format_yuan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.rules.rule import Rule

__all__ = ["ages", "lottery", "prize_cap", "rules_text", "template_messages"]

# What the rule on template messages names. Source: WX-TPL-001.
_PROMOTING: Final = ("营销", "推广", "促销", "红包", "优惠券")


def rules_text(case: Case, _: Rule) -> Iterator[Fault]:
    """Check that there are rules which participants can read."""
    if not case.launch.rules.strip():
        yield Fault("warning", "no_rules", "launch.rules")


def prize_cap(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check the highest prize.

    Yields
    ------
    Fault
        An error for a draw: the rule names it and the amount. A warning where a
        vote decides: it is arguable whether that is chance.
    """
    most = rule.param("max_fen", int)
    values = {"most": format_yuan(most)}
    draw = case.launch.draw
    if draw is not None and draw.top > most:
        said = (f"top: {format_yuan(draw.top)}",)
        yield Fault("error", "prize_too_large", "launch.draw.top", said, values)
    for prize in case.terms.contested:
        if prize.fen > most:
            said = (f"{prize.field}: {format_yuan(prize.fen)}",)
            yield Fault("warning", "contest_prize_large", prize.field, said, values)


def lottery(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check what a draw must publish and keep."""
    draw = case.launch.draw
    if draw is None:
        return
    if not draw.odds.strip():
        yield Fault("error", "no_odds", "launch.draw.odds")
    above = rule.param("publish_above_fen", int)
    if draw.top > above and not draw.names_winners:
        said = (f"top: {format_yuan(draw.top)}",)
        values = {"above": format_yuan(above)}
        field = "launch.draw.names_winners"
        yield Fault("error", "winners_not_named", field, said, values)
    years = rule.param("keep_years", int)
    if draw.keep_years < years:
        said = (f"keep_years = {draw.keep_years}",)
        field = "launch.draw.keep_years"
        yield Fault("error", "records_too_short", field, said, {"years": years})


def ages(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check that children are kept out, or that somebody has thought of them."""
    least, age = rule.param("min_age_sensitive", int), case.launch.min_age
    values = {"age": least}
    if age is None:
        yield Fault("note", "age_not_said", "launch.min_age", (), values)
    elif age < least:
        said = (f"min_age = {age}",)
        yield Fault("warning", "children_admitted", "launch.min_age", said, values)


def template_messages(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check that no template message carries the campaign.

    Yields
    ------
    Fault
        An error for a notice that is marketing by its own account; a warning for
        one that speaks as if it were.
    """
    purposes = rule.param("purpose", tuple)
    for row, notice in enumerate(case.launch.notices):
        if notice.channel != "template_message":
            continue
        field = f"launch.notices[{row}]"
        if notice.category not in purposes:
            said: tuple[str, ...] = (f"category = {notice.category!r}",)
            yield Fault("error", "marketing_by_template", f"{field}.channel", said)
        elif said := tuple(word for word in _PROMOTING if word in notice.text):
            yield Fault("warning", "template_promotes", f"{field}.text", said)
