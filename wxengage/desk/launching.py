"""Starting campaigns (活动上线): checked, signed for, versioned.

Rules are frozen when a campaign is published. What may change afterwards favours
those who take part, or is somebody's decision that is kept with its reason.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.folding import campaign_kinds
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.policy.linting import lint_campaign
from wxengage.campaigns.policy.reviews import apply_overrides
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.desk.backfilling import BACKFILLED
from wxengage.desk.base import Base
from wxengage.desk.books import journal_of
from wxengage.desk.decisions import decide
from wxengage.desk.folding import folder_of
from wxengage.desk.notices import check_notices
from wxengage.desk.people import rules_on
from wxengage.desk.rows import event_of
from wxengage.desk.running import (
    Running,
    keep,
    keep_rules,
    nobody_tells,
    require_running,
)
from wxengage.desk.terms import Terms
from wxengage.errors import InvalidInputError, require_several, require_whole
from wxengage.ledger.accounts import FEN, measure, require_unit
from wxengage.ledger.entries import fund
from wxengage.sends import fingerprint
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.campaigns.policy.findings import Finding, Override
    from wxengage.campaigns.policy.launch import Launch
    from wxengage.desk.unit import Unit
    from wxengage.ledger.funding import SpendLimit
    from wxengage.money import Reward

__all__ = ["Launching", "Published", "budget_of", "rewards_of"]

_EMPTY: Final[Mapping[str, int]] = {}


@attrs.frozen
class Published:
    """A campaign that runs (已上线的活动).

    Attributes
    ----------
    campaign
        Its id.
    version
        Of its rules, from 1.
    new
        False where exactly this was published before.
    findings
        What the rules have against it, with whoever answers for it.
    caught_up
        How many events were known already that it reads.
    """

    campaign: str
    version: int
    new: bool
    findings: tuple[Finding, ...]
    caught_up: int


class Launching(Base):
    """The counter where campaigns are started."""

    def publish(
        self,
        campaign: Any,
        *,
        overrides: Iterable[Override] = (),
        launch: Launch | None = None,
        copy: tuple[str, ...] = (),
        budget: int | Mapping[str, int] | None = None,
        limits: tuple[SpendLimit, ...] = (),
        terms: Terms | None = None,
        now: dt.datetime | None = None,
    ) -> Published:
        """Check a campaign, put its rules in force and its budget aside.

        Parameters
        ----------
        campaign
            A ``Referral``, ``CheckIn``, ``Contest`` or ``Gift``.
        overrides
            Who answers for which finding that is an error. They are kept.
        launch, copy
            As ``lint_campaign`` takes them.
        budget
            What it may pay: fen, or amounts by unit. None: a referral's own budget;
            otherwise cash waits, unfunded, until ``amend`` adds some. Units that are
            not cash and have no budget are not bounded.
        limits
            What each payout has to fit in besides.
        terms
            When and how it pays; ``budget`` and ``limits`` here have the last word.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        Published
            Publishing exactly the same again changes nothing.

        Raises
        ------
        InvalidInputError
            If the rules have an error against it that nobody answers for, another
            campaign has its id, it asks who is new before ``backfill`` told who is
            not, it pays cash and the desk has no merchant, or a notice is at fault.
        """
        instant = self._instant(now)
        known = campaign_kinds()
        if not isinstance(campaign, known):
            names = ", ".join(kind.__name__ for kind in known)
            raise InvalidInputError("campaign", campaign, f"one of {names}")
        signed = require_several("overrides", overrides, "several of Override")
        findings = self._reviewed(campaign, signed, launch, copy, instant)
        settled = _settled_terms(campaign, budget, limits, terms)
        check_notices(
            self._settings.notices, campaign, rules_on(self._settings, instant)
        )
        return self._do(
            lambda unit: self._started(
                unit, campaign, settled, (findings, signed), instant
            )
        )

    def _reviewed(
        self,
        campaign: Any,
        overrides: tuple[Override, ...],
        launch: Launch | None,
        copy: tuple[str, ...],
        now: dt.datetime,
    ) -> tuple[Finding, ...]:
        days = self._settings.days
        as_of = days.date(days.day(now))
        found = lint_campaign(campaign, as_of=as_of, launch=launch, copy=copy)
        review = apply_overrides(found, overrides)
        if review.blocking:
            told = "; ".join(f"{one.rule_id} ({one.field})" for one in review.blocking)
            rule = f"free of what the rules forbid: {told}"
            hint = "mend it, or publish with Override(rule, by, reason) for each"
            raise InvalidInputError("campaign", campaign.id, rule, hint)
        return review.findings

    def _started(
        self,
        unit: Unit,
        campaign: Any,
        terms: Terms,
        review: tuple[tuple[Finding, ...], tuple[Override, ...]],
        now: dt.datetime,
    ) -> Published:
        findings, overrides = review
        nobody_tells(unit)
        unit.lock([f"campaign:{campaign.id}"])
        row = unit.get("campaign", campaign.id)
        if row is not None:
            one = require_running(unit, campaign.id)
            if (one.campaign, one.terms) != (campaign, terms):
                rule = "the id of this campaign alone"
                hint = "it is published with other rules; see desk.amend"
                raise InvalidInputError("campaign.id", campaign.id, rule, hint)
            return Published(campaign.id, one.version, False, findings, 0)
        _require_ready(unit, campaign, self._settings.merchant)
        one = Running(campaign, 1, "open", terms)
        keep(unit, one)
        keep_rules(unit, one, now)
        journal = journal_of(unit, campaign.id)
        for unit_name, amount in sorted(terms.budget.items()):
            name = fingerprint("budget", campaign.id, unit_name)
            journal.post(fund(campaign.id, amount, now, id=name, unit=unit_name))
        for override in overrides:
            reason = override.reason
            decide(unit, campaign.id, "override", override.by, reason, now, override)
        return Published(
            campaign.id, 1, True, findings, self._caught_up(unit, one, now)
        )

    def _caught_up(self, unit: Unit, one: Running, now: dt.datetime) -> int:
        """Fold what happened in a campaign before it was published."""
        folder = folder_of(unit, self._settings, one)
        folder.stay_alone()
        opens = micros("opens", one.campaign.opens)
        count = 0
        for row in unit.find("event", "by_time", least=opens):
            event = event_of(row)
            if folder.concerns(event):
                folder.fold(event, now)
                count += 1
        folder.write()
        return count


def _require_ready(unit: Unit, campaign: Any, merchant: str | None) -> None:
    """Raise unless the desk knows what a campaign has to ask."""
    if _asks_who_is_new(campaign) and unit.get("meta", BACKFILLED) is None:
        rule = "published after the existing followers were brought in"
        hint = "desk.backfill(followers), or backfill([]) where there are none"
        raise InvalidInputError("campaign", campaign.id, rule, hint)
    cash = any(measure(reward)[0] == FEN for reward in rewards_of(campaign))
    if cash and merchant is None:
        rule = "published at a desk that knows the merchant: it pays cash"
        hint = "open_desk(..., merchant='1900000109')"
        raise InvalidInputError("campaign", campaign.id, rule, hint)


def _asks_who_is_new(campaign: Any) -> bool:
    if isinstance(campaign, Referral):
        return campaign.newness != "any"
    return isinstance(campaign, Gift) and campaign.offered_on != "deliver"


def rewards_of(campaign: Any) -> tuple[Reward, ...]:
    """Return the rewards that a campaign can grant.

    Parameters
    ----------
    campaign
        Of any type.

    Returns
    -------
    tuple
        One for each place in its rules, in their order.
    """
    if isinstance(campaign, Referral):
        ladders = [campaign.ladder, *filter(None, [campaign.second])]
        return tuple(rung.reward for ladder in ladders for rung in ladder.rungs)
    if isinstance(campaign, CheckIn):
        return tuple(campaign.pays.values())
    if isinstance(campaign, Contest):
        return campaign.prizes
    reward: Reward = campaign.reward
    return (reward,)


def _settled_terms(
    campaign: Any,
    budget: int | Mapping[str, int] | None,
    limits: tuple[SpendLimit, ...],
    terms: Terms | None,
) -> Terms:
    if terms is not None and not isinstance(terms, Terms):
        raise InvalidInputError("terms", terms, "Terms, or None")
    settled = Terms() if terms is None else terms
    own = getattr(campaign, "budget", None)
    if budget is not None:
        settled = attrs.evolve(settled, budget=budget_of(budget))
    elif own is not None and not settled.budget:
        settled = attrs.evolve(settled, budget={FEN: own})
    return settled if limits == () else attrs.evolve(settled, limits=limits)


def budget_of(given: int | Mapping[str, int] | None) -> Mapping[str, int]:
    """Return a budget by unit: a number is fen, None is none."""
    if given is None:
        return _EMPTY
    if not isinstance(given, Mapping):
        require_whole("budget", given, least=1)
        return {FEN: given}
    for unit, amount in given.items():
        require_unit(unit)
        require_whole(f"budget[{unit!r}]", amount, least=1)
    return dict(given)
