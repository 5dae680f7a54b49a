"""Cash against the limits of WeChat Pay (红包与转账限额).

The limits are the defaults that the platform states; a merchant may have others,
and lays them over the rules. So what passes one is a warning, not an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxengage.campaigns.policy.cases import Case, Fault
from wxengage.money import format_yuan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.rules.rule import Rule

__all__ = [
    "pays_by_packet",
    "pays_by_transfer",
    "red_packet_a_day",
    "red_packet_at_once",
    "red_packets_closed",
    "transfers",
]


def pays_by_packet(case: Case) -> bool:
    """Return whether cash goes out as red packets."""
    return bool(case.terms.payments) and case.launch.payout == "red_packet"


def pays_by_transfer(case: Case) -> bool:
    """Return whether cash goes out as transfers."""
    return bool(case.terms.payments) and case.launch.payout == "transfer"


def red_packet_at_once(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check each payment against the least and the most of one red packet."""
    yield from _at_once(case, rule)


def red_packet_a_day(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check the busiest day of one person, and the budget, for red packets."""
    yield from _a_day(case, rule, rule.param("user_day_count", int))
    yield from _in_all(case, rule)


def red_packets_closed(case: Case, rule: Rule) -> Iterator[Fault]:
    """Say that new merchants get no red packets, where the rule says so."""
    if pays_by_packet(case) and not rule.param("new_merchants", bool):
        said = ("payout = 'red_packet'",)
        yield Fault("note", "closed_to_new_merchants", "launch.payout", said)


def transfers(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check payments, the busiest day and the budget against transfers."""
    yield from _at_once(case, rule)
    yield from _a_day(case, rule, None)
    yield from _in_all(case, rule)


def _at_once(case: Case, rule: Rule) -> Iterator[Fault]:
    least, most = rule.param("min_fen", int), rule.param("max_fen", int)
    for payment in case.terms.payments:
        values = {"least": format_yuan(least), "most": format_yuan(most)}
        said = (f"{payment.field}: {format_yuan(payment.fen)}",)
        if payment.fen < least:
            yield Fault("warning", "payment_too_small", payment.field, said, values)
        elif payment.fen > most:
            yield Fault("warning", "payment_too_large", payment.field, said, values)


def _a_day(case: Case, rule: Rule, most: int | None) -> Iterator[Fault]:
    """Check what may fall due to one person on one day."""
    limit, busiest = rule.param("user_day_fen", int), case.terms.busiest_day
    if busiest is None:
        repeated = next(one for one in case.terms.payments if one.times is None)
        said = (f"{repeated.field}: {format_yuan(repeated.fen)} each time",)
        yield Fault("note", "no_end", "cap", said)
        return
    count, total = busiest
    # The first stands for all of them: the ladder, the milestones, the prizes.
    fields = (one.field.split(".")[0].split("[")[0] for one in case.terms.payments)
    field = next(fields, "reward")
    if most is not None and count > most:
        said = (f"{count} payments",)
        yield Fault("warning", "too_many_a_day", field, said, {"most": most})
    if total > limit:
        days = -(-total // limit)
        values = {"most": format_yuan(limit), "days": days}
        said = (format_yuan(total),)
        yield Fault("warning", "too_much_a_day", field, said, values)


def _in_all(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check the budget against what the merchant may pay while it lasts."""
    if case.terms.budget is None:
        return
    most = rule.param("merchant_day_fen", int) * case.terms.days
    if case.terms.budget > most:
        said = (f"budget: {format_yuan(case.terms.budget)}", f"{case.terms.days} days")
        values = {"most": format_yuan(most)}
        yield Fault("warning", "budget_too_large", "budget", said, values)
