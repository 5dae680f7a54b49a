"""Money after it is promised (打款与对账): claimed, decided on, compared, proved."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from wxengage.campaigns.facts import GRANTED, REWARD_KINDS
from wxengage.delivery.payouts import bill_number
from wxengage.desk.base import Base
from wxengage.desk.books import book, journal_of, require_payout
from wxengage.desk.decisions import decide
from wxengage.desk.granting import UNCLAIMED, call_off, latest, set_aside
from wxengage.desk.rows import account_of, fact_of, payout_of
from wxengage.desk.running import require_running
from wxengage.desk.terms import require_by
from wxengage.errors import InvalidInputError
from wxengage.ledger.auditing import Finding, audit
from wxengage.ledger.debts import net_id
from wxengage.ledger.entries import Row as PostingRow
from wxengage.ledger.events import Resolved
from wxengage.ledger.reconciling import reconcile
from wxengage.ledger.records import ERASED, renew
from wxengage.ledger.statements import statement
from wxengage.ledger.states import State
from wxengage.stores.schema import TABLES
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wxengage.delivery.payouts import Paid, Refunded, Refused
    from wxengage.desk.unit import Unit
    from wxengage.ledger.bills import Bill
    from wxengage.ledger.reconciling import Reconciliation
    from wxengage.ledger.records import PayoutRecord
    from wxengage.ledger.statements import Statement
    from wxengage.stores.schema import Row

__all__ = ["Settling"]

_PAGE: Final = 5_000
# A payout in one of these states has a letter that is not over.
_ON_ITS_WAY: Final = frozenset(
    {
        State.RESERVED,
        State.SUBMITTING,
        State.ACCEPTED,
        State.AWAITING_USER,
        State.UNKNOWN,
    }
)


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
            record = require_payout(unit, entitlement)
            if record.payout.user != user:
                rule = "the number of a reward of the user's own"
                raise InvalidInputError("entitlement", entitlement, rule)
            one = require_running(unit, record.payout.campaign)
            journal_of(unit, record.payout.campaign)
            record = require_payout(unit, entitlement)
            if record.state is not State.HELD or record.because != UNCLAIMED:
                return record
            ends = one.terms.claim_within
            if ends is not None and micros("now", instant) >= micros(
                "at", record.at + ends
            ):
                rule = f"claimed before {record.at + ends}"
                raise InvalidInputError("now", instant, rule)
            if one.state == "paused":
                return record
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
            record = require_payout(unit, number)
            one = require_running(unit, record.payout.campaign)
            journal_of(unit, record.payout.campaign)
            record = require_payout(unit, number)
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
            journal_of(unit, require_payout(unit, number).payout.campaign)
            record = require_payout(unit, number)
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
            record = require_payout(unit, number)
            one = require_running(unit, record.payout.campaign)
            journal_of(unit, record.payout.campaign)
            record = require_payout(unit, number)
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

        def work(unit: Unit) -> PayoutRecord:
            record = require_payout(unit, number)
            decide(unit, number, "resolve", by, evidence, instant, outcome)
            return book(unit, record, Resolved(instant, outcome, by, evidence))

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
        """
        instant = self._instant(as_of)

        def work(unit: Unit) -> Statement:
            rows = unit.find("posting", "by_campaign", (campaign,))
            return statement(map(_posting, rows), campaign, instant)

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

        def work(unit: Unit) -> tuple[Finding, ...]:
            postings = sorted(_walk(unit, "posting"), key=lambda row: (row[5], row[11]))
            payouts = [payout_of(row) for row in _walk(unit, "payout")]
            return (
                *audit(map(_posting, postings), payouts),
                *_balances(unit, postings),
                *_letters(unit, payouts),
                *self._rewards(unit, payouts),
            )

        return self._do(work, write=False)

    def _rewards(self, unit: Unit, payouts: list[PayoutRecord]) -> Iterator[Finding]:
        """Yield rewards that are owed without a payout, and the other way round."""
        owed: Counter[tuple[str, str, str]] = Counter()
        for row in _walk(unit, "fact"):
            if row[3] in REWARD_KINDS:
                fact = fact_of(row).fact
                place = (fact.campaign, fact.user, str(fact.reward_key))
                owed[place] += 1 if fact.kind == GRANTED else -1
        states: dict[tuple[str, str, str], State] = {}
        for record in sorted(payouts, key=lambda one: one.payout.generation):
            paid = record.payout
            states[paid.campaign, paid.user, record.reward_key] = record.state
        # Of somebody erased who came back, a reward's facts are under two names.
        erased = {record.payout.number for record in payouts if record.erased}
        merchants = {record.merchant for record in payouts if record.erased}
        for place, times in sorted(owed.items()):
            back = any(bill_number(one, *place) in erased for one in merchants)
            if back or place[1].startswith(ERASED):
                continue
            subject = f"reward {'/'.join(place)}"
            state = states.get(place)
            if times not in {0, 1}:
                yield Finding("I7", subject, "owed once or not", f"{times} times")
            elif times and state is None and not _netted(unit, place):
                yield Finding("I7", subject, "in a payout, since it is owed", "in none")
            elif not times and state in {State.HELD, State.UNFUNDED, State.RESERVED}:
                rule = "called off, since it is not owed"
                yield Finding("I7", subject, rule, str(state and state.value))

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
            return [payout_of(row) for row in _walk(unit, "payout")]

        payouts = self._do(work, write=False)
        return reconcile(bills, payouts, businesses=businesses)


def _walk(unit: Unit, table: str) -> Iterator[Row]:
    """Yield every row of a table, in the order of keys."""
    places = TABLES[table].places(TABLES[table].key)
    after: Any = None
    while page := unit.tx.walk(table, after=after, limit=_PAGE):
        yield from page
        after = tuple(page[-1][place] for place in places)


def _posting(row: Row) -> PostingRow:
    account = account_of(*row[5:8])
    told: Any = row
    return PostingRow(
        told[0],
        told[2],
        told[3],
        told[4],
        account.campaign,
        account.role,
        account.owner,
        told[8],
        told[9],
    )


def _balances(unit: Unit, postings: list[Row]) -> Iterator[Finding]:
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in postings:
        sums[row[5:9]] += int(row[9] or 0)
    kept = {row[:4]: int(row[4] or 0) for row in _walk(unit, "balance")}
    for place in sorted(sums.keys() | kept.keys()):
        if sums.get(place, 0) != kept.get(place, 0):
            subject = f"account {account_of(*place[:3])}"
            rule = f"of {sums.get(place, 0)} {place[3]}, as its postings"
            yield Finding("I5", subject, rule, str(kept.get(place, 0)))


def _letters(unit: Unit, payouts: list[PayoutRecord]) -> Iterator[Finding]:
    unit.load("letter", [(record.payout.number,) for record in payouts])
    for record in payouts:
        number = record.payout.number
        letter = unit.get("letter", number)
        there = letter is not None
        if record.state in _ON_ITS_WAY and not there:
            rule = "in the outbox, since it is on its way"
            yield Finding("I6", f"payout {number}", rule, "in none")
        if there and record.state in {State.HELD, State.UNFUNDED}:
            rule = "in no outbox, since nothing is set aside for it"
            yield Finding("I6", f"payout {number}", rule, str(letter and letter[1]))


def _netted(unit: Unit, place: tuple[str, str, str]) -> bool:
    """Return whether a debt took all of a reward."""
    campaign, user, key = place
    return unit.get("posting", net_id(campaign, user, key), 0) is not None
