"""Statements (对账单): what a campaign was given, and where all of it is."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import require_id
from wxengage.ledger.accounts import FEN, Role
from wxengage.ledger.book import Book
from wxengage.money import format_yuan
from wxengage.tables import aligned, html_table
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxengage.ledger.entries import Row

__all__ = ["Line", "Statement", "statement"]

_ROLES: Final = (
    Role.BUDGET,
    Role.RESERVED,
    Role.PAYABLE,
    Role.PAID,
    Role.REFUNDED,
    Role.DEBT,
    Role.SUSPENSE,
)


@attrs.frozen
class Line:
    """Where one unit of a campaign is (对账单行).

    Attributes
    ----------
    unit
        Of what.
    funded
        What the campaign was given, less what was taken back. All others sum to it.
    budget
        Not promised to anybody.
    reserved
        Promised, and not asked of the provider.
    payable
        Asked of the provider, and not known to have arrived.
    paid
        Arrived, and earned.
    refunded
        Come back.
    debt
        Arrived, and owed back by users.
    suspense
        Below zero: arrived although nothing was reserved for it.
    """

    unit: str
    funded: int
    budget: int
    reserved: int
    payable: int
    paid: int
    refunded: int
    debt: int
    suspense: int


@attrs.frozen
class Statement:
    """The accounts of a campaign at an instant (对账单).

    Attributes
    ----------
    campaign
        Of which campaign.
    as_of
        Entries up to here, this instant included, are in it.
    lines
        One for each unit, in the order of their names.
    """

    campaign: str
    as_of: dt.datetime
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        names = [field.name for field in attrs.fields(Line)]
        rows = [[_shown(line, name) for name in names] for line in self.lines]
        return aligned([names, *rows])

    def _repr_html_(self) -> str:
        return html_table(
            {
                field.name: np.array(
                    [_shown(line, field.name) for line in self.lines], dtype=object
                )
                for field in attrs.fields(Line)
            }
        )


def _shown(line: Line, name: str) -> str:
    value = getattr(line, name)
    return format_yuan(value) if line.unit == FEN and name != "unit" else str(value)


def statement(
    book: Book | Iterable[Row], campaign: str, as_of: dt.datetime
) -> Statement:
    """Return where everything is that a campaign was given.

    Parameters
    ----------
    book
        A book, or the rows of a store in any order.
    campaign
        Of which campaign; one that the book does not know has no lines.
    as_of
        Entries with ``at <= as_of`` count, aware.

    Returns
    -------
    Statement
        Summed anew from the postings: ``O(n)`` for ``n`` of them.
    """
    require_id("campaign", campaign)
    until = micros("as_of", as_of)
    held: Counter[tuple[str, Role]] = Counter()
    for row in book.rows() if isinstance(book, Book) else book:
        if row.at <= until and row.campaign == campaign:
            held[row.unit, row.role] += row.amount
    lines = tuple(
        Line(unit, -held[unit, Role.WORLD], *(held[unit, role] for role in _ROLES))
        for unit in sorted({unit for unit, _ in held})
    )
    return Statement(campaign, as_of, lines)
