"""Money after it is promised (打款与对账): claimed, decided on, compared, proved."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
from typing import TYPE_CHECKING, Any

from wxengage.desk.base import Base
from wxengage.desk.books import book, journal_of, require_payout
from wxengage.desk.decisions import decide
from wxengage.desk.granting import UNCLAIMED, call_off, latest, set_aside
from wxengage.desk.proofs import findings, posting_of, walk
from wxengage.desk.rows import payout_of
from wxengage.desk.running import require_published, require_running
from wxengage.desk.terms import require_by
from wxengage.errors import InvalidInputError
from wxengage.ledger.events import Resolved
from wxengage.ledger.reconciling import reconcile
from wxengage.ledger.records import renew
from wxengage.ledger.statements import statement
from wxengage.ledger.states import State
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxengage.delivery.payouts import Paid, Refunded, Refused
    from wxengage.desk.running import Running
    from wxengage.desk.unit import Unit
    from wxengage.ledger.auditing import Finding
    from wxengage.ledger.bills import Bill
    from wxengage.ledger.reconciling import Reconciliation
    from wxengage.ledger.records import PayoutRecord
    from wxengage.ledger.statements import Statement

__all__ = ["Settling"]


class Settling(Base):
    """The counter of the cashier."""

    def claim(
        self,
        user: str,
        entitlement: str,
        *,
        within: Any = None,
        now: dt.datetime | None = None,
    ) -> PayoutRecord:
        """Let a user claim a reward that waits for it.

        Parameters
        ----------
        user
            Who claims.
        entitlement
            The number of the payout, as ``progress`` shows it.
        within
            The application's own open connection.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        PayoutRecord
            As it stands: claiming again changes nothing.

        Raises
        ------
        InvalidInputError
            If the reward is not that user's, is called off, or was not claimed in
            time.
        """
        instant = self._instant(now)

        def work(unit: Unit) -> PayoutRecord:
            record, one = _held(unit, entitlement)
            if record.payout.user != user:
                rule = "the number of a reward of the user's own"
                raise InvalidInputError("entitlement", entitlement, rule)
            if record.state is State.CANCELLED:
                rule = f"one that stands; it was called off: {record.because}"
                raise InvalidInputError("entitlement", entitlement, rule)
            if record.state is not State.HELD or record.because != UNCLAIMED:
                return record
            if one.state == "paused":
                return record
            ends = one.terms.claim_within
            if ends is not None and micros("now", instant) >= micros(
                "at", record.at + ends
            ):
                rule = f"claimed before {record.at + ends}"
                raise InvalidInputError("now", instant, rule)
            return set_aside(unit, self._settings, one, record, instant)

        return self._do(work, within=within)

    def release(
        self, number: str, *, by: str, reason: str, now: dt.datetime | None = None
    ) -> PayoutRecord:
        """Let a payout go that was held.

        Parameters
        ----------
        number
            Its bill number.
        by, reason
            Who decides it, and why.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        PayoutRecord
            Reserved, or unfunded.

        Raises
        ------
        InvalidInputError
            If it is not held.
        """
        instant = self._instant(now)
        require_by(by, reason)

        def work(unit: Unit) -> PayoutRecord:
            record, one = _held(unit, number)
            if record.state is not State.HELD:
                raise InvalidInputError("number", record.state.value, "held")
            decide(unit, number, "release", by, reason, instant)
            return set_aside(unit, self._settings, one, record, instant)

        return self._do(work)

    def void(
        self, number: str, *, by: str, reason: str, now: dt.datetime | None = None
    ) -> PayoutRecord:
        """Call a payout off that was not asked of a provider.

        Parameters
        ----------
        number
            Its bill number.
        by, reason
            Who decides it, and why.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        PayoutRecord
            Cancelled.

        Raises
        ------
        IllegalTransitionError
            If it was asked for already.
        """
        instant = self._instant(now)
        require_by(by, reason)

        def work(unit: Unit) -> PayoutRecord:
            record, _ = _held(unit, number)
            decide(unit, number, "void", by, reason, instant)
            return call_off(unit, self._settings, record, "voided", instant)

        return self._do(work)

    def renew(
        self, number: str, *, by: str, reason: str, now: dt.datetime | None = None
    ) -> PayoutRecord:
        """Pay a reward anew, under its next number, that surely did not arrive.

        Parameters
        ----------
        number
            The number that failed, was refunded or cancelled, and surely never pays.
        by, reason
            Who decides it, and why.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        PayoutRecord
            The next generation.

        Raises
        ------
        InvalidInputError
            If that number may still pay, or is not the latest.
        """
        instant = self._instant(now)
        require_by(by, reason)

        def work(unit: Unit) -> PayoutRecord:
            record, one = _held(unit, number)
            newest = latest(
                unit,
                self._settings,
                record.payout.campaign,
                record.payout.user,
                record.reward_key,
            )
            if newest != record:
                rule = "the latest number of its reward"
                raise InvalidInputError("number", number, rule)
            decide(unit, number, "renew", by, reason, instant)
            after = renew(record, instant)
            return set_aside(unit, self._settings, one, after, instant)

        return self._do(work)

    def resolve(
        self,
        number: str,
        outcome: Paid | Refused | Refunded,
        *,
        by: str,
        evidence: str,
        now: dt.datetime | None = None,
    ) -> PayoutRecord:
        """Say what became of a payout that was parked, on evidence.

        Parameters
        ----------
        number
            Its bill number.
        outcome
            ``Paid``, a final ``Refused`` or ``Refunded``.
        by, evidence
            Who has seen what: a row of the bill, the answer of a query.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        PayoutRecord
            As it stands now.

        Raises
        ------
        IllegalTransitionError
            If it is not parked.
        InvalidInputError
            If the outcome is about something else.
        """
        instant = self._instant(now)
        require_by(by, evidence, "evidence")

        def work(unit: Unit) -> PayoutRecord:
            record = require_payout(unit, number)
            record = book(unit, record, Resolved(instant, outcome, by, evidence))
            decide(unit, number, "resolve", by, evidence, instant, outcome)
            return record

        return self._do(work)

    def statement(self, campaign: str, as_of: dt.datetime | None = None) -> Statement:
        """Return what a campaign was given, and where all of it is.

        Parameters
        ----------
        campaign
            Its id.
        as_of
            Up to when, aware; None: by the store's clock.

        Returns
        -------
        Statement
            Summed from the postings, of ``O(n)``.

        Raises
        ------
        InvalidInputError
            If there is no such campaign.
        """
        instant = self._instant(as_of)

        def work(unit: Unit) -> Statement:
            require_published(unit, campaign)
            rows = unit.find("posting", "by_campaign", (campaign,))
            return statement(map(posting_of, rows), campaign, instant)

        return self._do(work, write=False)

    def audit(self) -> tuple[Finding, ...]:
        """Prove the books from their raw rows, and what hangs on them.

        Returns
        -------
        tuple of Finding
            Empty where all is sound. Besides the invariants of ``ledger.audit``: I5
            each balance is the sum of its postings; I6 a payout on its way has its
            letter, and no other; I7 a reward that is owed has a payout, and one that
            is not owed has none that waits.

        Notes
        -----
        Reads everything of one instant: ``O(n)`` in time and memory.
        """
        return self._do(findings, write=False)

    def reconcile(
        self,
        bills: Bill | Iterable[Bill],
        *,
        businesses: Iterable[str] | None = None,
    ) -> Reconciliation:
        """Compare the payouts of the store with the provider's bills.

        Parameters
        ----------
        bills
            As ``ledger.read_bill`` reads them: one day's, or several days'.
        businesses
            The names under which the bills have payouts; None: every row.

        Returns
        -------
        Reconciliation
            Every difference by its name. Nothing is booked.
        """

        def work(unit: Unit) -> list[PayoutRecord]:
            return [payout_of(row) for row in walk(unit, "payout")]

        payouts = self._do(work, write=False)
        return reconcile(bills, payouts, businesses=businesses)


def _held(unit: Unit, number: str) -> tuple[PayoutRecord, Running]:
    """Return a payout and its campaign, whose books this transaction holds from now."""
    campaign = require_payout(unit, number).payout.campaign
    one = require_running(unit, campaign)
    journal_of(unit, campaign)
    return require_payout(unit, number), one
