"""What an audit finds in books that are not sound."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs
import pytest

from wxengage.delivery.payouts import Paid, Refused
from wxengage.ledger.accounts import LedgerAccount, Role
from wxengage.ledger.auditing import audit, overdue
from wxengage.ledger.book import Book
from wxengage.ledger.entries import Entry, fund, move_funds, transfer
from wxengage.ledger.events import Answered, Leased, Queried
from wxengage.ledger.funding import SpendLimit, book_event, reserve
from wxengage.ledger.records import PayoutRecord, open_payout, renew
from wxengage.ledger.states import State
from wxengage.money import Cash

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.ledger.entries import Row

AT = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
LIMITS = (SpendLimit("user", 2000), SpendLimit("day", 9000))


def opened(user: str, fen: int = 800) -> PayoutRecord:
    """Return a payout."""
    return open_payout(
        "1900000109",
        "spring",
        user,
        "rung:3",
        recipient=f"openid-{user}",
        reward=Cash(fen),
        at=AT,
    )


def sound() -> tuple[Book, list[PayoutRecord]]:
    """Return books with one payout reserved, one on its way, one paid, one failed."""
    book = Book([fund("spring", 9000, AT, id="f1")])
    reserved, asked, paid, failed = (
        reserve(book, opened(user), AT, limits=LIMITS)
        for user in ("ada", "bo", "cy", "di")
    )
    asked, paid, failed = (
        book_event(book, record, Leased(AT)) for record in (asked, paid, failed)
    )
    told = Paid(paid.payout.number, AT, "wx1", 800)
    paid = book_event(book, paid, Answered(AT, told, 1))
    never = Refused(failed.payout.number, "BANNED", final=True, action="suppress")
    failed = book_event(book, failed, Answered(AT, never, 1))
    return book, [reserved, asked, paid, failed]


def test_sound_books_have_no_finding() -> None:
    """As a book, and as the rows of a store."""
    book, records = sound()

    assert () == audit(book, records)
    assert () == audit(iter(book.rows()), iter(records))
    assert () == audit(Book(), ())


def without(entry: str, rows: list[Row]) -> None:
    """Lose an entry."""
    rows[:] = [row for row in rows if row.entry != entry]


def other_amount(rows: list[Row], _: list[PayoutRecord]) -> None:
    """Change one posting."""
    rows[1] = attrs.evolve(rows[1], amount=rows[1].amount + 1)


def lost_posting(rows: list[Row], _: list[PayoutRecord]) -> None:
    """Lose one posting."""
    del rows[1]


def other_subject(rows: list[Row], _: list[PayoutRecord]) -> None:
    """Make half an entry another one's."""
    rows[-1] = attrs.evolve(rows[-1], ref="somebody")


def lost_funding(rows: list[Row], _: list[PayoutRecord]) -> None:
    """Lose the entry that brought the money."""
    without("f1", rows)


def lost_settlement(rows: list[Row], records: list[PayoutRecord]) -> None:
    """Lose the entry that says that it was paid."""
    without(f"{records[2].payout.number}:3", rows)


def repeated(rows: list[Row], records: list[PayoutRecord]) -> None:
    """Pay twice in the books."""
    number = records[2].payout.number
    rows += [
        attrs.evolve(row, entry=f"{number}:4")
        for row in rows
        if row.entry == f"{number}:3"
    ]


def other_state(_: list[Row], records: list[PayoutRecord]) -> None:
    """Overwrite paid with unknown, as a slow worker does."""
    records[2] = attrs.evolve(records[2], state=State.UNKNOWN)


def released(_: list[Row], records: list[PayoutRecord]) -> None:
    """Give up silently."""
    records[1] = attrs.evolve(records[1], state=State.CANCELLED, rooms=())


def lost_payout(_: list[Row], records: list[PayoutRecord]) -> None:
    """Lose a payout whose money is on its way."""
    del records[1]


def there_twice(_: list[Row], records: list[PayoutRecord]) -> None:
    """Keep a payout twice."""
    records.append(records[0])


def two_at_once(_: list[Row], records: list[PayoutRecord]) -> None:
    """Give a payout a new number while the old one may pay."""
    failed = attrs.evolve(records[1], state=State.FAILED, confirmed=True)
    records.append(renew(failed, AT))


def gap(_: list[Row], records: list[PayoutRecord]) -> None:
    """Lose the payout that had the number before."""
    again = renew(attrs.evolve(records[3], confirmed=True), AT)
    records[3] = renew(attrs.evolve(again, state=State.FAILED), AT)


def other_rooms(_: list[Row], records: list[PayoutRecord]) -> None:
    """Forget that a limit is used."""
    records[0] = attrs.evolve(records[0], rooms=records[0].rooms[:1])


def by_hand(rows: list[Row], _: list[PayoutRecord]) -> None:
    """Move what is reserved with an entry of no payout."""
    reserved = LedgerAccount("spring", Role.RESERVED)
    budget = LedgerAccount("spring", Role.BUDGET)
    book = Book([fund("spring", 9, AT, id="f2")])
    book.post(Entry("x", AT, transfer(budget, reserved, "fen", 5), "x", "spring"))
    rows += book.rows()


@pytest.mark.parametrize(
    ("tamper", "invariant", "rule"),
    [
        (other_amount, "I1", "zero in sum"),
        (lost_posting, "I1", "zero in sum"),
        (other_subject, "I1", "of one reason"),
        (lost_funding, "I2", "account spring/budget must be zero or more"),
        (there_twice, "I3", "there once"),
        (two_at_once, "I3", "over in every generation but the last"),
        (gap, "I3", "without a gap"),
        (lost_settlement, "I4", "with 800 fen in paid"),
        (repeated, "I4", "with 800 fen in paid"),
        (other_state, "I4", "with 800 fen in payable"),
        (released, "I4", "without money"),
        (lost_payout, "I4", "known"),
        (other_rooms, "I4", "using 800 of"),
        (by_hand, "I4", "what its payouts have there"),
    ],
)
def test_each_wrong_is_found(
    tamper: Callable[[list[Row], list[PayoutRecord]], object],
    invariant: str,
    rule: str,
) -> None:
    """And named by its invariant, its subject and what is there instead."""
    book, records = sound()
    rows = list(book.rows())
    tamper(rows, records)

    found = audit(rows, records)

    assert [one for one in found if one.invariant == invariant and rule in str(one)]


def test_every_lost_row_is_found() -> None:
    """Whichever row of the store goes missing."""
    book, records = sound()
    rows = book.rows()

    for place in range(len(rows)):
        assert audit(rows[:place] + rows[place + 1 :], records)


def test_every_lost_payout_entry_is_found() -> None:
    """Whichever entry of a payout goes missing as a whole."""
    book, records = sound()
    ids = {entry.id for entry in book if ":" in entry.id}

    for lost in ids:
        rows = list(book.rows())
        without(lost, rows)
        assert audit(rows, records)


def test_a_wrong_number_is_found() -> None:
    """Even where a store was changed behind the library's back."""
    book, records = sound()
    object.__setattr__(records[0].payout, "number", "1900000109made0up")

    found = [one for one in audit(book, records) if one.invariant == "I3"]

    assert [f"numbered {opened('ada').payout.number}"] == [one.rule for one in found]


def test_money_that_arrived_after_its_release_is_found_until_it_is_covered() -> None:
    """Suspense has to come back to zero."""
    book, records = sound()
    failed = records[3]
    told = Paid(failed.payout.number, AT, "wx2", 800)
    records[3] = book_event(book, failed, Queried(AT, told))

    (found,) = audit(book, records)

    assert ("I2", "account spring/suspense") == (found.invariant, found.subject)
    assert found.got == "-800 fen"
    cover = move_funds(
        "spring", Role.BUDGET, Role.SUSPENSE, 800, AT, id="m1", note="Lin: late"
    )
    book.post(cover)
    assert () == audit(book, records)


def test_money_that_is_on_its_way_for_too_long_is_listed() -> None:
    """The oldest first; what has an end, or was never asked, is not."""
    _, records = sound()
    asked = records[1]
    older = attrs.evolve(asked, submitted=AT - dt.timedelta(hours=1))
    day = dt.timedelta(days=1)

    assert () == overdue(records, AT + 3 * day - dt.timedelta(microseconds=1))
    assert (asked,) == overdue(records, AT + 3 * day)
    assert (older, asked) == overdue([asked, older], AT + 3 * day)
    assert (asked,) == overdue(records, AT + day, after=day)
