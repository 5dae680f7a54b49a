"""Steering campaigns (活动调整): in favour of those who take part, signed and kept."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.desk.base import Base
from wxengage.desk.books import journal_of, payout
from wxengage.desk.decisions import decide
from wxengage.desk.granting import PAUSED, UNCLAIMED, set_aside
from wxengage.desk.launching import budget_of
from wxengage.desk.recording import SKEW
from wxengage.desk.rows import payout_row
from wxengage.desk.running import Running, keep, keep_rules, require_running
from wxengage.desk.terms import require_by
from wxengage.desk.waiting import fund_waiting
from wxengage.errors import InvalidInputError
from wxengage.ledger.entries import fund
from wxengage.ledger.states import State
from wxengage.sends import fingerprint
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.desk.unit import Unit

__all__ = ["Steering"]

# Of what came before this nothing lies after the end.
_SKEW: Final = span_micros("skew", SKEW)


class Steering(Base):
    """The counter where campaigns are steered."""

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
            A later end, aware, told before the campaign has ended; None: as before.
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
            If there is no such campaign, it was closed, the end is not later, or the
            campaign has ended.
        """
        instant = self._instant(now)
        require_by(by, reason)
        more = budget_of(add_budget)
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
            if micros("now", now) + _SKEW > micros("closes", one.campaign.closes):
                rule = f"told five minutes before {one.campaign.closes}, when it ends"
                hint = "what came later was judged by that end: publish another one"
                raise InvalidInputError("closes", closes, rule, hint)
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
            # Who grants or begins a request holds the books while it looks at this.
            journal_of(unit, campaign)
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
            if record.state is not State.HELD:
                continue
            if record.because == PAUSED:
                set_aside(unit, self._settings, one, record, now)
            elif record.because == UNCLAIMED:
                # Nobody could claim it meanwhile: it waits anew.
                unit.put("payout", payout_row(attrs.evolve(record, at=now)))


def _require_open(one: Running) -> Running:
    if one.state == "closed":
        rule = "a campaign that was not closed"
        raise InvalidInputError("campaign", one.campaign.id, rule)
    return one
