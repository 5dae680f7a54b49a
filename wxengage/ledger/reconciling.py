"""Comparing payouts with the provider's bills (对账): every difference by name.

match           in both, the same amount
cross_midnight  in one of them only because the days differ: look at the next bill
refunded        went out and came back
amount_differs  in both, with different amounts
books_only      paid in the books, and in no bill
bill_only       money has left, and the books do not say that it was paid
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_several
from wxengage.ledger.accounts import FEN, measure
from wxengage.ledger.bills import Bill, BillRow
from wxengage.ledger.records import PayoutRecord
from wxengage.ledger.states import OVER, State
from wxengage.tables import html_table, text_table
from wxengage.times.zones import SHANGHAI, zone

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Comparison", "Reconciliation", "reconcile"]

Class = Literal[
    "match", "cross_midnight", "refunded", "amount_differs", "books_only", "bill_only"
]
# The provider has taken the money out of the merchant's account.
_GONE: Final = frozenset(
    {State.ACCEPTED, State.AWAITING_USER, State.PAID, State.EXPIRED_REFUNDED}
)
#: Two clocks may differ by so much.
SKEW: Final = dt.timedelta(minutes=10)


@attrs.frozen
class Comparison:
    """What books and bills say about one number (对账结果).

    Attributes
    ----------
    kind
        One of the six classes.
    agrees
        Whether nothing is left to do: False for ``"amount_differs"``,
        ``"books_only"``, ``"bill_only"``, and for a refund that the books have not
        seen.
    number
        The payout's number; WeChat Pay's where the bill has none of ours.
    state
        What the books say, ``State.value``; "" where they do not know the number.
    books_fen
        The payout's amount; 0 where the books do not know it.
    bill_out, bill_in
        What the bills say went out and came in under this number, in fen.
    """

    kind: Class
    agrees: bool
    number: str
    state: str
    books_fen: int
    bill_out: int
    bill_in: int


@attrs.frozen
class Reconciliation:
    """Books and bills, number by number (对账).

    Attributes
    ----------
    comparisons
        One for each number, those of the bills first.
    elsewhere
        How many rows of the bills are of other businesses.
    """

    comparisons: tuple[Comparison, ...]
    elsewhere: int

    @property
    def differences(self) -> tuple[Comparison, ...]:
        """Those that somebody has to look into."""
        return tuple(one for one in self.comparisons if not one.agrees)

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers there are of each class."""
        return dict(Counter(one.kind for one in self.comparisons))

    def __str__(self) -> str:
        return text_table(self._columns())

    def _repr_html_(self) -> str:
        return html_table(self._columns())

    def _columns(self) -> dict[str, Any]:
        return {
            field.name: np.array(
                [getattr(one, field.name) for one in self.comparisons], dtype=object
            )
            for field in attrs.fields(Comparison)
        }


def reconcile(
    bills: Bill | Iterable[Bill],
    payouts: Iterable[PayoutRecord],
    *,
    businesses: Iterable[str] | None = None,
) -> Reconciliation:
    """Compare payouts of money with bills.

    Parameters
    ----------
    bills
        One day's, or several days'.
    payouts
        Every payout there is; those that are no money are left out.
    businesses
        The names under which the bills have payouts (业务名称); rows of others are
        counted and left out. None: every row is taken for a payout.

    Returns
    -------
    Reconciliation
        Each number of the bills once, and each payout that was paid on a day of the
        bills and is in none of them.

    Raises
    ------
    InvalidInputError
        If there is no bill, two are of one day, a movement is in two of them, or a
        number is there twice among the payouts.

    Notes
    -----
    A row is found by the payout's number, or by the provider's receipt. A payout's
    money leaves between its first request and its arrival, give or take
    ten minutes. If the bills do not cover all of these days, a payout that they do
    not have is ``"cross_midnight"``, not missing. ``O(n)``.
    """
    days = _require_bills(bills)
    wanted = None if businesses is None else frozenset(businesses)
    rows = [row for bill in days.values() for row in bill.rows]
    ours = [row for row in rows if wanted is None or row.business in wanted]
    records = _by_number(payouts)
    moved = _by_our_number(ours, records)
    compared = [
        _compared(number, found, records.get(number)) for number, found in moved.items()
    ]
    for number, record in records.items():
        if number not in moved and record.state is State.PAID:
            span = _days(record)
            if span & days.keys():
                compared.append(_absent(record, whole=span <= days.keys()))
    return Reconciliation(tuple(compared), len(rows) - len(ours))


def _require_bills(bills: Bill | Iterable[Bill]) -> dict[dt.date, Bill]:
    days: dict[dt.date, Bill] = {}
    flows = set()
    several = (bills,) if isinstance(bills, Bill) else bills
    given = require_several("bills", several, "a bill, or several")
    for place, bill in enumerate(given):
        if not isinstance(bill, Bill):
            raise InvalidInputError(f"bills[{place}]", bill, "a Bill", "see read_bill")
        if bill.date in days:
            raise InvalidInputError(f"bills[{place}]", bill.date, "of a day of its own")
        days[bill.date] = bill
        for row in bill.rows:
            if row.flow in flows:
                rule = "of movements that no other bill has"
                raise InvalidInputError(f"bills[{place}]", row.flow, rule)
            flows.add(row.flow)
    if not days:
        raise InvalidInputError("bills", given, "at least one bill")
    return days


def _by_number(payouts: Iterable[PayoutRecord]) -> dict[str, PayoutRecord]:
    records: dict[str, PayoutRecord] = {}
    for place, record in enumerate(payouts):
        if not isinstance(record, PayoutRecord):
            raise InvalidInputError(f"payouts[{place}]", record, "a PayoutRecord")
        number = record.payout.number
        if number in records:
            raise InvalidInputError(f"payouts[{place}]", number, "there once")
        if measure(record.payout.reward)[0] == FEN:
            records[number] = record
    return records


def _by_our_number(
    rows: list[BillRow], records: dict[str, PayoutRecord]
) -> dict[str, list[BillRow]]:
    """Return rows by number: ours, or else the provider's where we know it."""
    receipts = {one.receipt: number for number, one in records.items() if one.receipt}
    moved: dict[str, list[BillRow]] = {}
    for row in rows:
        known = row.number if row.number in records else receipts.get(row.receipt)
        moved.setdefault(known or row.number or row.flow, []).append(row)
    return moved


def _compared(
    number: str, rows: list[BillRow], record: PayoutRecord | None
) -> Comparison:
    """Return what both say about a number that the bills have."""
    out = sum(row.fen for row in rows if row.direction == "out")
    back = sum(row.fen for row in rows if row.direction == "in")
    if record is None:
        return Comparison("bill_only", False, number, "", 0, out, back)
    fen = measure(record.payout.reward)[1]
    kind, agrees = _class(record, fen, out, back)
    if kind == "match" and not {row.at.date() for row in rows} <= _days(record):
        kind = "cross_midnight"
    return Comparison(kind, agrees, number, record.state.value, fen, out, back)


def _class(record: PayoutRecord, fen: int, out: int, back: int) -> tuple[Class, bool]:
    if back and out in {0, back}:
        if back != fen:
            return "amount_differs", False
        return "refunded", record.state in OVER
    if record.state not in _GONE:
        return "bill_only", False
    return ("match", True) if (out, back) == (fen, 0) else ("amount_differs", False)


def _absent(record: PayoutRecord, *, whole: bool) -> Comparison:
    """Return what the books say about a number that the bills do not have."""
    kind: Class = "books_only" if whole else "cross_midnight"
    fen = measure(record.payout.reward)[1]
    number, state = record.payout.number, record.state.value
    return Comparison(kind, not whole, number, state, fen, 0, 0)


def _days(record: PayoutRecord) -> set[dt.date]:
    """Return the local days on which a payout's money may have left."""
    shanghai = zone(SHANGHAI)
    first = (record.submitted or record.at).astimezone(dt.UTC)
    last = max(first, record.at.astimezone(dt.UTC))
    day = (first - SKEW).astimezone(shanghai).date()
    end = (last + SKEW).astimezone(shanghai).date()
    return {day + dt.timedelta(days=n) for n in range((end - day).days + 1)}
