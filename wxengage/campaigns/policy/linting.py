"""A campaign before the dated rules, before it is launched (活动合规检查)."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wxengage.campaigns.policy.cases import Case, Fault
from wxengage.campaigns.policy.disclosure import (
    ages,
    lottery,
    prize_cap,
    rules_text,
    template_messages,
)
from wxengage.campaigns.policy.findings import SEVERITIES, Finding
from wxengage.campaigns.policy.inducement import (
    by_link,
    following,
    in_mini_program,
    levels,
    subscribing,
)
from wxengage.campaigns.policy.launch import Launch
from wxengage.campaigns.policy.payouts import (
    pays_by_packet,
    pays_by_transfer,
    red_packet_a_day,
    red_packet_at_once,
    red_packets_closed,
    transfers,
)
from wxengage.campaigns.policy.sentences import sentence
from wxengage.campaigns.policy.terms import terms_of
from wxengage.campaigns.policy.wording import EXEMPTIONS, absolute_words
from wxengage.errors import InvalidInputError
from wxengage.rules.book import Rulebook
from wxengage.rules.rule import Rule, require_date
from wxengage.rules.shelf import shipped
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["CHECKS", "Check", "lint_campaign"]

_HALF_A_YEAR: Final = dt.timedelta(days=180)


class Check(NamedTuple):
    """What is asked of a campaign because of one rule.

    Attributes
    ----------
    concerns
        Whether the rule can be about this campaign at all.
    find
        What is at fault by it.
    also
        Other rules that it reads.
    """

    concerns: Callable[[Case], bool]
    find: Callable[[Case, Rule], Iterator[Fault]]
    also: tuple[str, ...] = ()


def _in_wechat(case: Case) -> bool:
    return case.terms.placement in {"wechat_link", "wecom"}


def _has_texts(case: Case) -> bool:
    return any(True for _ in case.texts())


#: Rule -> its check.
CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "WX-IND-001": Check(_in_wechat, by_link),
        "WX-IND-002": Check(lambda _: True, following),
        "WX-IND-003": Check(
            lambda case: case.terms.placement == "mini_program", in_mini_program
        ),
        "WX-SUB-003": Check(lambda case: bool(case.launch.asks), subscribing),
        "WX-DIST-001": Check(lambda case: case.terms.levels > 0, levels),
        "WX-RP-001": Check(pays_by_packet, red_packet_at_once),
        "WX-RP-002": Check(pays_by_packet, red_packet_a_day),
        "WX-RP-005": Check(pays_by_packet, red_packets_closed),
        "WX-TRF-002": Check(pays_by_transfer, transfers),
        "WX-TPL-001": Check(lambda case: bool(case.launch.notices), template_messages),
        "CN-PROMO-001": Check(lambda _: True, rules_text),
        "CN-LOT-001": Check(
            lambda case: bool(case.launch.draw or case.terms.contested), prize_cap
        ),
        "CN-LOT-002": Check(lambda case: case.launch.draw is not None, lottery),
        "CN-AD-001": Check(_has_texts, absolute_words, (EXEMPTIONS,)),
        "CN-PI-001": Check(lambda _: True, ages),
    }
)


def lint_campaign(
    campaign: Any,
    *,
    as_of: dt.date,
    rulebook: Rulebook | None = None,
    launch: Launch | None = None,
    copy: tuple[str, ...] = (),
    stale_after: dt.timedelta = _HALF_A_YEAR,
) -> tuple[Finding, ...]:
    """Return what the platforms' rules and the law have against a campaign.

    Parameters
    ----------
    campaign
        A ``Referral``, ``CheckIn``, ``Contest`` or ``Gift``.
    as_of
        The day whose rules are asked, in Asia/Shanghai: the day of the launch.
    rulebook
        The rules, for example with corrections of your own. Of its versions those
        in force on ``as_of`` are asked. None: the library's.
    launch
        How the campaign is put before people. None: by a link in WeChat, and
        nothing else is known; then what has not been said is noted.
    copy
        The texts that advertise it. The rules and the notices of the launch are
        read too.
    stale_after
        A rule that concerns the campaign and was last checked longer ago than
        this is noted.

    Returns
    -------
    tuple of Finding
        Errors first, then warnings, then notes; in each, rule by rule. Empty
        where nothing is found, which is no proof that nothing is wrong.

    Raises
    ------
    InvalidInputError
        If an argument breaks its rule, the campaign is of another type, or the
        launch contradicts it.

    Notes
    -----
    An error needs a rule whose text names the practice and forbids it, and which
    does not rest on a single weak source. Where the text can be read so, or a word
    in a text is all the evidence, the finding is a warning. A rule that comes into
    force while the campaign runs is found by asking for that day too. This is no
    legal advice, and it does not tell how a rule could be evaded.

    Complexity: ``O(rules)``, and ``O(n log n)`` for texts with ``n`` characters.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.campaigns.gifts.campaign import Gift
    >>> from wxengage.money import Cash
    >>> gift = Gift(
    ...     "welcome",
    ...     reward=Cash(100),
    ...     opens=dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc),
    ...     closes=dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc),
    ...     claim_within=dt.timedelta(days=7),
    ...     offered_on="follow",
    ... )
    >>> for finding in lint_campaign(gift, as_of=dt.date(2026, 11, 24)):
    ...     print(finding)
    error WX-IND-002 offered_on: whoever follows the account is given a reward
    warning CN-PROMO-001 launch.rules: there are no rules that participants can read
    note CN-PI-001 launch.min_age: nobody has said how old participants must be
    """
    day = require_date("as_of", as_of)
    if not isinstance(stale_after, dt.timedelta) or stale_after < dt.timedelta(0):
        rule = "a timedelta of 0 or more"
        raise InvalidInputError("stale_after", stale_after, rule)
    launch = Launch() if launch is None else launch
    if not isinstance(launch, Launch):
        raise InvalidInputError("launch", launch, "a Launch")
    case = Case(terms_of(campaign, launch), launch, _texts(copy), _book(rulebook, day))
    found = [*_judged(case), *_stale(case, day, stale_after)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def _book(given: Any, day: dt.date) -> Rulebook:
    if given is None:
        return Rulebook(day, shipped())
    if not isinstance(given, Rulebook):
        hint = "rulebook(as_of).overlay(corrections)"
        raise InvalidInputError("rulebook", given, "a Rulebook", hint)
    return Rulebook(day, given.versions)


def _texts(given: Any) -> tuple[str, ...]:
    if not isinstance(given, tuple):
        raise InvalidInputError("copy", given, "a tuple of texts")
    for row, text in enumerate(given):
        if not isinstance(text, str):
            raise InvalidInputError(f"copy[{row}]", text, "a text")
    return given


def _judged(case: Case) -> Iterator[Finding]:
    """Yield what each rule in force has against a campaign."""
    for name, check in CHECKS.items():
        if name in case.book and check.concerns(case):
            rule = case.book[name]
            for fault in check.find(case, rule):
                yield _finding(fault, rule)


def _stale(case: Case, day: dt.date, age: dt.timedelta) -> Iterator[Finding]:
    """Yield the rules in play that nobody has checked for too long."""
    asked = {
        rule_id
        for name, check in CHECKS.items()
        if check.concerns(case)
        for rule_id in (name, *check.also)
    }
    for rule in case.book.stale(age):
        if rule.id in asked:
            days = (day - rule.checked_on).days
            said = (f"checked_on = {rule.checked_on}",)
            fault = Fault("note", "rule_is_stale", "rulebook", said, {"days": days})
            yield _finding(fault, rule)


def _finding(fault: Fault, rule: Rule) -> Finding:
    """Return a fault in the words of its rule."""
    weak = fault.severity == "error" and rule.confidence == "low"
    found, mend = sentence(fault.reason, fault.values)
    return Finding(
        rule.id,
        "warning" if weak else fault.severity,
        fault.reason,
        fault.field,
        found,
        mend,
        Words(rule.statement_zh, rule.statement_en),
        rule.source,
        rule.in_force_from,
        rule.checked_on,
        fault.evidence,
    )
