"""The ledger (账本): what campaigns have promised, asked for, paid and got back.

The files have more: ``entries`` and ``accounts`` for postings of one's own,
``events`` and ``states`` for the machine of a payout, ``debts`` for taking back,
``providers`` for WeChat Pay's states, ``pots`` for red packets by luck.
"""

from __future__ import annotations

from wxengage.ledger.auditing import audit
from wxengage.ledger.bills import read_bill
from wxengage.ledger.book import Book
from wxengage.ledger.debts import claw_back, net_debt
from wxengage.ledger.entries import fund
from wxengage.ledger.funding import SpendLimit, book_event, reserve
from wxengage.ledger.pots import split_pot
from wxengage.ledger.reconciling import reconcile
from wxengage.ledger.records import PayoutRecord, open_payout, renew
from wxengage.ledger.statements import statement

__all__ = [
    "Book",
    "PayoutRecord",
    "SpendLimit",
    "audit",
    "book_event",
    "claw_back",
    "fund",
    "net_debt",
    "open_payout",
    "read_bill",
    "reconcile",
    "renew",
    "reserve",
    "split_pot",
    "statement",
]
