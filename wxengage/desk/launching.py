"""Starting and steering campaigns (活动上线与调整): checked, signed for, versioned.

Rules are frozen when a campaign is published. What may change afterwards favours
those who take part, or is somebody's decision that is kept with its reason.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
import functools
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.folding import campaign_kinds
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.policy.linting import lint_campaign
from wxengage.campaigns.policy.reviews import apply_overrides
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.desk.base import Base
from wxengage.desk.books import journal_of, payout
from wxengage.desk.decisions import decide
from wxengage.desk.folding import folder_of
from wxengage.desk.granting import PAUSED, fund_waiting, set_aside
from wxengage.desk.notices import check_notices
from wxengage.desk.people import rules_on
from wxengage.desk.recording import record_in
from wxengage.desk.rows import event_of
from wxengage.desk.running import Running, keep, keep_rules, require_running, running
from wxengage.desk.terms import Terms, require_by
from wxengage.errors import InvalidInputError, require_whole
from wxengage.ledger.accounts import FEN, measure, require_unit
from wxengage.ledger.entries import fund
from wxengage.ledger.states import State
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.sends import fingerprint
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.campaigns.policy.findings import Finding, Override
    from wxengage.campaigns.policy.launch import Launch
    from wxengage.desk.unit import Unit
    from wxengage.ledger.funding import SpendLimit
    from wxengage.money import Reward

__all__ = ["Backfilled", "Launching", "Published"]

_BACKFILLED: Final = "backfilled"
_PAGE: Final = 2_000
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


@attrs.frozen
class Backfilled:
    """What was brought in from before (历史导入).

    Attributes
    ----------
    events
        How many were given.
    new
        How many of them were not known.
    """

    events: int
    new: int


class Launching(Base):
    """The counter where campaigns are started and steered."""

    def backfill(
        self,
        source: Any,
        *,
        now: dt.datetime | None = None,
        **columns: Any,
    ) -> Backfilled:
        """Bring in the past: existing followers, and what they did, granting nothing.

        Parameters
        ----------
        source
            Events, or whatever ``read_log`` takes. An empty one says that there is
            no past: nobody followed before.
        now
            When, aware; None: by the store's clock.
        columns
            As ``read_log`` takes them.

        Returns
        -------
        Backfilled
            How many events there were.

        Raises
        ------
        InvalidInputError
            If an event breaks a rule, or lies within a campaign that runs: what
            happens there is to be recorded, and counts.
        """
        instant = self._instant(now)
        total = new = 0
        events = iter(_events(source, columns))
        while page := tuple(islice(events, _PAGE)):
            new += self._do(functools.partial(self._past, events=page, now=instant))
            total += len(page)
        self._do(
            lambda unit: unit.put("meta", (_BACKFILLED, str(micros("now", instant))))
        )
        return Backfilled(total, new)

    def _past(self, unit: Unit, events: tuple[Event, ...], now: dt.datetime) -> int:
        opens = min(
            (
                micros("opens", one.campaign.opens)
                for one in running(unit)
                if one.state != "closed"
            ),
            default=None,
        )
        for row, event in enumerate(events):
            if opens is not None and micros("at", event.at) >= opens:
                rule = f"before {from_micros(opens)}, when a running campaign opened"
                hint = "record it: what happens in a campaign counts"
                raise InvalidInputError(f"source[{row}].at", event.at, rule, hint)
        told = record_in(
            unit, self._settings, events, now, durable=False, backfilled=True
        )
        return sum(not one.duplicate for one in told)

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
        signed = tuple(overrides)
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
        opens = micros("opens", one.campaign.opens)
        count = 0
        for row in unit.find("event", "by_time", least=opens):
            event = event_of(row)
            if folder.concerns(event):
                folder.fold(event, now)
                count += 1
        folder.write()
        return count

    def amend(
        self,
        campaign: str,
        *,
        by: str,
        reason: str,
        closes: dt.datetime | None = None,
        add_budget: int | Mapping[str, int] | None = None,
        now: dt.datetime | None = None,
    ) -> Running:
        """Change a campaign in favour of those who take part.

        Parameters
        ----------
        campaign
            Its id.
        by, reason
            Who decides it, and why.
        closes
            A later end, aware; None: as before.
        add_budget
            More budget: fen, or amounts by unit. Payouts that wait for it get
            theirs, the oldest first.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        Running
            As it is now.

        Raises
        ------
        InvalidInputError
            If there is no such campaign, it was closed, or the end is not later.
        """
        instant = self._instant(now)
        require_by(by, reason)
        more = _budget(add_budget)
        return self._do(
            lambda unit: self._amended(
                unit, campaign, (closes, more), (by, reason), instant
            )
        )

    def _amended(
        self,
        unit: Unit,
        campaign: str,
        change: tuple[dt.datetime | None, Mapping[str, int]],
        why: tuple[str, str],
        now: dt.datetime,
    ) -> Running:
        closes, more = change
        one = _require_open(require_running(unit, campaign))
        if closes is not None:
            if micros("closes", closes) <= micros("closes", one.campaign.closes):
                rule = f"later than {one.campaign.closes}"
                raise InvalidInputError("closes", closes, rule, "see desk.close")
            changed = attrs.evolve(one.campaign, closes=closes)
            one = one._replace(campaign=changed, version=one.version + 1)
            keep(unit, one)
            keep_rules(unit, one, now)
        detail = {"closes": str(closes), "add_budget": dict(more)}
        name = decide(unit, campaign, "amend", *why, now, detail)
        journal = journal_of(unit, campaign)
        for unit_name, amount in sorted(more.items()):
            entry = fingerprint("budget", name, unit_name)
            note = f"{why[0]}: {why[1]}"
            journal.post(
                fund(campaign, amount, now, id=entry, unit=unit_name, note=note)
            )
        if more:
            fund_waiting(unit, self._settings, campaign, now)
        return one

    def pause(
        self, campaign: str, *, by: str, reason: str, now: dt.datetime | None = None
    ) -> Running:
        """Stop paying for a while: events still count, and nothing is lost.

        Parameters
        ----------
        campaign
            Its id.
        by, reason
            Who decides it, and why.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        Running
            As it is now. What was asked of a provider already goes on.
        """
        return self._turned(campaign, "pause", (by, reason), now)

    def resume(
        self, campaign: str, *, by: str, reason: str, now: dt.datetime | None = None
    ) -> Running:
        """Pay again, also what was granted in the meantime; parameters as in pause."""
        return self._turned(campaign, "resume", (by, reason), now)

    def close(
        self, campaign: str, *, by: str, reason: str, now: dt.datetime | None = None
    ) -> Running:
        """End a campaign before its time: later events do not count.

        Parameters
        ----------
        campaign
            Its id.
        by, reason
            Who decides it, and why.
        now
            From when on, aware; None: by the store's clock.

        Returns
        -------
        Running
            As it is now. What was earned before is paid.
        """
        return self._turned(campaign, "close", (by, reason), now)

    def _turned(
        self, campaign: str, what: str, why: tuple[str, str], now: dt.datetime | None
    ) -> Running:
        instant = self._instant(now)
        require_by(*why)

        def work(unit: Unit) -> Running:
            one = _require_open(require_running(unit, campaign))
            state = {"pause": "paused", "resume": "open", "close": "closed"}[what]
            if one.state == state:
                return one
            terms = one.terms
            if what == "close":
                terms = attrs.evolve(terms, closed_at=instant)
            after = one._replace(state=state, terms=terms)  # type: ignore[arg-type]  # a state
            keep(unit, after)
            decide(unit, campaign, what, *why, instant)
            if one.state == "paused":
                self._released(unit, after, instant)
            return after

        return self._do(work)

    def _released(self, unit: Unit, one: Running, now: dt.datetime) -> None:
        """Set money aside for what was granted while the campaign was paused."""
        journal_of(unit, one.campaign.id)
        for row in unit.find("payout", "by_state", (State.HELD.value,)):
            record = payout(unit, str(row[0]))
            if record is None or row[1] != one.campaign.id:
                continue
            if record.state is State.HELD and record.because == PAUSED:
                set_aside(unit, self._settings, one, record, now)


def _require_open(one: Running) -> Running:
    if one.state == "closed":
        rule = "a campaign that was not closed"
        raise InvalidInputError("campaign", one.campaign.id, rule)
    return one


def _require_ready(unit: Unit, campaign: Any, merchant: str | None) -> None:
    """Raise unless the desk knows what a campaign has to ask."""
    if _asks_who_is_new(campaign) and unit.get("meta", _BACKFILLED) is None:
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
    settled = Terms() if terms is None else terms
    own = getattr(campaign, "budget", None)
    if budget is not None:
        settled = attrs.evolve(settled, budget=_budget(budget))
    elif own is not None and not settled.budget:
        settled = attrs.evolve(settled, budget={FEN: own})
    return attrs.evolve(settled, limits=limits) if limits else settled


def _budget(given: int | Mapping[str, int] | None) -> Mapping[str, int]:
    if given is None:
        return _EMPTY
    if not isinstance(given, Mapping):
        require_whole("budget", given, least=1)
        return {FEN: given}
    for unit, amount in given.items():
        require_unit(unit)
        require_whole(f"budget[{unit!r}]", amount, least=1)
    return dict(given)


def _events(source: Any, columns: dict[str, Any]) -> Iterator[Event]:
    """Yield the events of a source, whatever it is."""
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | Mapping):
        iterator = iter(source)
        first = next(iterator, None)
        if first is None:
            return
        if isinstance(first, Event):
            yield from chain([first], iterator)
            return
        if isinstance(first, Mapping):
            source = [first, *iterator]
    yield from _of_log(read_log(source, **columns).to_frame({}))


def _of_log(table: Mapping[str, Any]) -> Iterator[Event]:
    names = [name for name in table if name in attrs.fields_dict(Event)]
    for row in range(len(table["user"])):
        told = {name: _plain(table[name][row]) for name in names}
        told["at"] = from_micros(int(np.datetime64(told["at"], "us").astype("int64")))
        for name in ("user", "inviter", "item", "group", "id"):
            if isinstance(told.get(name), int):
                told[name] = str(told[name])
        yield Event(
            **{name: value for name, value in told.items() if value is not None}
        )


def _plain(value: Any) -> Any:
    """Return a value of numpy as Python's own; a NaN is nothing."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value
