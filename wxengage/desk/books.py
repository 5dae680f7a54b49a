"""The books in a store (库中账本): entries, balances and payouts of one campaign.

Whoever posts holds the campaign's books until the transaction ends, so what a
balance was when it was read is what it is when it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxengage.desk.rows import (
    balance_row,
    entry_of,
    payout_of,
    payout_row,
    posting_rows,
)
from wxengage.errors import InvalidInputError, require_id
from wxengage.ledger.book import Journal
from wxengage.ledger.funding import book_event

if TYPE_CHECKING:
    from wxengage.desk.unit import Unit
    from wxengage.ledger.accounts import LedgerAccount
    from wxengage.ledger.entries import Entry
    from wxengage.ledger.events import PayoutEvent
    from wxengage.ledger.records import PayoutRecord

__all__ = ["StoredJournal", "book", "journal_of", "payout", "require_payout"]

# An entry has two postings for its money and two for each of four limits.
_MOST_POSTINGS: Final = 10


class StoredJournal(Journal):
    """The journal of one campaign, in a store.

    Parameters
    ----------
    unit
        The transaction's rows. The campaign's books must be held.
    campaign
        Of which campaign.
    """

    def __init__(self, unit: Unit, campaign: str) -> None:
        self._unit = unit
        self._campaign = campaign
        self._seq: int | None = None

    def _found(self, entry_id: str) -> Entry | None:
        first = self._unit.get("posting", entry_id, 0)
        if first is None:
            return None
        rest = [(entry_id, place) for place in range(1, _MOST_POSTINGS)]
        self._unit.load("posting", rest)
        rows = [self._unit.get("posting", *key) for key in rest]
        return entry_of([first, *(row for row in rows if row is not None)])

    def _held(self, place: tuple[LedgerAccount, str]) -> int:
        account, unit = place
        row = self._unit.get(
            "balance", account.campaign, account.role.value, account.owner, unit
        )
        return 0 if row is None else int(row[4] or 0)

    def _keep(
        self, new: dict[str, Entry], balances: dict[tuple[LedgerAccount, str], int]
    ) -> None:
        for entry in new.values():
            seq = self._next()
            for row in posting_rows(entry, seq):
                self._unit.put("posting", row)
        for (account, unit), amount in balances.items():
            self._unit.put("balance", balance_row(account, unit, amount))

    def _next(self) -> int:
        """Return the next place in the order of the campaign's entries."""
        if self._seq is None:
            last = self._unit.find(
                "posting", "by_campaign", (self._campaign,), newest=True, limit=1
            )
            self._seq = int(last[0][11] or 0) if last else 0
        self._seq += 1
        return self._seq


def journal_of(unit: Unit, campaign: str) -> StoredJournal:
    """Return a campaign's journal, held by this transaction from now on.

    Parameters
    ----------
    unit
        The transaction's rows.
    campaign
        Of which campaign.

    Returns
    -------
    StoredJournal
        The same one each time in a transaction.
    """

    def held() -> StoredJournal:
        unit.lock([f"books:{campaign}"])
        unit.forget("balance")
        unit.forget("posting")
        unit.forget("payout")
        return StoredJournal(unit, campaign)

    return unit.once(f"journal:{campaign}", held)


def payout(unit: Unit, number: str) -> PayoutRecord | None:
    """Return a payout by its number, None where there is none."""
    row = unit.get("payout", number)
    return None if row is None else payout_of(row)


def require_payout(unit: Unit, number: str) -> PayoutRecord:
    """Return a payout by its number.

    Parameters
    ----------
    unit
        The transaction's rows.
    number
        Its bill number.

    Returns
    -------
    PayoutRecord
        As it stands.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    found = payout(unit, require_id("number", number))
    if found is None:
        hint = "see desk.progress(user) or desk.export('payouts')"
        raise InvalidInputError("number", number, "the number of a payout", hint)
    return found


def book(unit: Unit, record: PayoutRecord, event: PayoutEvent) -> PayoutRecord:
    """Let an event happen to a payout, and write down what it makes of the books.

    Parameters
    ----------
    unit
        The transaction's rows.
    record
        The payout; it is read anew under the lock of its campaign's books.
    event
        What happened.

    Returns
    -------
    PayoutRecord
        As it is written.
    """
    journal = journal_of(unit, record.payout.campaign)
    current = require_payout(unit, record.payout.number)
    changed = book_event(journal, current, event)
    if changed != current:
        unit.put("payout", payout_row(changed))
    return changed
