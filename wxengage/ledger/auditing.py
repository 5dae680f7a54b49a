"""Proving the books (审计): from the raw rows, trusting no balance.

I1  each entry sums to zero in each unit, so all accounts together do
I2  no account that may not is ever below zero, and nothing stands in suspense
I3  a reward has one payout at a time, each under the number that its names make,
    or made before its user's name was erased
I4  the money of each payout sits where its state says, once, and nothing of it
    anywhere else; no entry is of a payout that is not there
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.delivery.payouts import bill_number
from wxengage.ledger.accounts import BELOW_ZERO, Role, measure
from wxengage.ledger.book import Book
from wxengage.ledger.entries import PAYOUT_REASONS, Row
from wxengage.ledger.records import is_numbered_right
from wxengage.ledger.states import ASKED, OVER, SEATS, State
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wxengage.ledger.records import PayoutRecord

__all__ = ["CLEARED_WITHIN", "Finding", "Invariant", "audit", "overdue"]

#: The desk adds I5 to I7: balances, letters, and rewards that are owed.
Invariant = Literal["I1", "I2", "I3", "I4", "I5", "I6", "I7"]
#: Red packets and transfers that nobody takes are back after 24 hours (the rules
#: WX-RP-004 and WX-TRF-001); the bill of the next day settles the rest.
CLEARED_WITHIN: Final = dt.timedelta(hours=72)
# Where the money of a payout comes from, and what limits it; the rest are seats.
_SOURCES: Final = (Role.BUDGET, Role.SUSPENSE)
_LIMITS: Final = (Role.ROOM, Role.LIMITS)
_PAYOUT_SEATS: Final = (Role.RESERVED, Role.PAYABLE)


@attrs.frozen
class Finding:
    """One thing in the books that cannot be (审计发现).

    Attributes
    ----------
    invariant
        ``"I1"`` to ``"I7"``.
    subject
        The entry, the account or the payout.
    rule
        What it must be.
    got
        What it is.
    """

    invariant: Invariant
    subject: str
    rule: str
    got: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject} must be {self.rule}, got {self.got}"


def audit(
    book: Book | Iterable[Row], payouts: Iterable[PayoutRecord]
) -> tuple[Finding, ...]:
    """Return everything in the books that cannot be.

    Parameters
    ----------
    book
        A book, or the rows of a store in the order in which they were written.
    payouts
        Every payout there is.

    Returns
    -------
    tuple of Finding
        Empty where the books are sound; otherwise by invariant.

    Notes
    -----
    Balances are summed anew from the rows, in exact whole numbers. Time and memory
    are in proportion to rows and payouts.
    """
    rows = book.rows() if isinstance(book, Book) else tuple(book)
    records = tuple(payouts)
    return (
        *_entries_sum_to_zero(rows),
        *_nothing_is_overdrawn(rows),
        *_one_payout_a_reward(records),
        *_payouts_sit_where_they_say(rows, records),
    )


def overdue(
    payouts: Iterable[PayoutRecord],
    now: dt.datetime,
    *,
    after: dt.timedelta = CLEARED_WITHIN,
) -> tuple[PayoutRecord, ...]:
    """Return the payouts whose money has been on its way for too long (逾期未结).

    Parameters
    ----------
    payouts
        Every payout there is.
    now
        Aware.
    after
        Since its first request.

    Returns
    -------
    tuple of PayoutRecord
        Asked of the provider that long ago or longer, and without an end; the
        oldest first.
    """
    latest = micros("now", now) - span_micros("after", after)
    ages = [
        (micros("submitted", record.submitted or record.at), record)
        for record in payouts
        if record.state in ASKED
    ]
    found = [pair for pair in ages if pair[0] <= latest]
    return tuple(record for _, record in sorted(found, key=lambda pair: pair[0]))


def _entries_sum_to_zero(rows: tuple[Row, ...]) -> Iterator[Finding]:
    sums: Counter[tuple[str, str]] = Counter()
    heads: dict[str, tuple[str, str, int]] = {}
    for row in rows:
        sums[row.entry, row.unit] += row.amount
        head = heads.setdefault(row.entry, (row.because, row.ref, row.at))
        if head != (row.because, row.ref, row.at):
            rule = f"of one reason, subject and instant, {head}"
            got = str((row.because, row.ref, row.at))
            yield Finding("I1", f"entry {row.entry}", rule, got)
    for (entry, unit), total in sums.items():
        if total:
            yield Finding("I1", f"entry {entry}", "zero in sum", f"{total} {unit}")


def _nothing_is_overdrawn(rows: tuple[Row, ...]) -> Iterator[Finding]:
    balances: Counter[tuple[str, Role, str, str]] = Counter()
    found = set()
    # Within an entry the order of postings means nothing.
    for entry, postings in groupby(rows, key=lambda row: row.entry):
        touched = []
        for row in postings:
            touched.append((row.campaign, row.role, row.owner, row.unit))
            balances[touched[-1]] += row.amount
        for account in touched:
            low = balances[account] < 0 and account[1] not in BELOW_ZERO
            if low and account not in found:
                found.add(account)
                got = f"{balances[account]} {account[3]} after entry {entry}"
                yield Finding("I2", _shown(*account[:3]), "zero or more", got)
    for (campaign, role, owner, unit), held in balances.items():
        if role is Role.SUSPENSE and held:
            rule = "zero: money has arrived for which nothing was reserved"
            yield Finding("I2", _shown(campaign, role, owner), rule, f"{held} {unit}")


def _shown(campaign: str, role: Role, owner: str) -> str:
    return f"account {campaign}/{role.value}" + (f"/{owner}" if owner else "")


def _one_payout_a_reward(records: tuple[PayoutRecord, ...]) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    rewards: defaultdict[tuple[str, ...], list[PayoutRecord]] = defaultdict(list)
    for record in records:
        number = record.payout.number
        seen[number] += 1
        rewards[record.reward].append(record)
        if not is_numbered_right(record):
            made = bill_number(*record.reward, record.payout.generation)
            yield Finding("I3", f"payout {number}", f"numbered {made}", number)
    for number, times in seen.items():
        if times > 1:
            yield Finding("I3", f"payout {number}", "there once", f"{times} times")
    for reward, payouts in rewards.items():
        payouts.sort(key=lambda record: record.payout.generation)
        generations = [record.payout.generation for record in payouts]
        subject = f"reward {'/'.join(reward[1:])}"
        if generations != list(range(len(payouts))):
            rule = "paid under generations 0, 1, 2 ... without a gap"
            yield Finding("I3", subject, rule, str(generations))
        live = [one.state.value for one in payouts[:-1] if one.state not in OVER]
        if live:
            rule = "over in every generation but the last"
            yield Finding("I3", subject, rule, ", ".join(live))


def _payouts_sit_where_they_say(
    rows: tuple[Row, ...], records: tuple[PayoutRecord, ...]
) -> Iterator[Finding]:
    by_number: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.because in PAYOUT_REASONS:
            by_number[row.ref].append(row)
    for record in records:
        yield from _of_payout(record, by_number.pop(record.payout.number, []))
    for number, orphans in by_number.items():
        entries = ", ".join(sorted({row.entry for row in orphans}))
        yield Finding("I4", f"payout {number}", "known", f"entries {entries}")
    yield from _of_seats(rows, records)


def _of_payout(record: PayoutRecord, rows: list[Row]) -> Iterator[Finding]:
    """Compare what the entries of one payout have done with what its state says."""
    number = record.payout.number
    unit, amount = measure(record.payout.reward)
    seat = SEATS[record.state]
    held: Counter[tuple[str, str, Role]] = Counter()
    rooms: Counter[str] = Counter()
    for row in rows:
        if row.role is Role.ROOM:
            rooms[row.owner] -= row.amount
        elif row.role not in (*_SOURCES, *_LIMITS):
            held[row.campaign, row.unit, row.role] += row.amount
    wanted = {(record.payout.campaign, unit, seat): amount} if seat else {}
    got = {place: total for place, total in held.items() if total}
    if wanted != got:
        rule = f"with {amount} {unit} in {seat.value}" if seat else "without money"
        shown = [f"{n} {of} in {role.value}" for (_, of, role), n in got.items()]
        told = ", ".join(shown) or "nothing"
        subject = f"payout {number}, {record.state.value},"
        yield Finding("I4", subject, rule, told)
    used = {scope: total for scope, total in rooms.items() if total}
    if used != dict.fromkeys(record.rooms, amount):
        rule = f"using {amount} of {list(record.rooms)}"
        yield Finding("I4", f"payout {number}", rule, str(used))
    entries = {row.entry for row in rows}
    if len(entries) != record.posted:
        rule = f"of {record.posted} entries"
        yield Finding("I4", f"payout {number}", rule, str(len(entries)))


def _of_seats(
    rows: tuple[Row, ...], records: tuple[PayoutRecord, ...]
) -> Iterator[Finding]:
    """Compare whole accounts with the payouts whose money sits there.

    What is paid and what is owed back have both arrived: debts move money between
    the two, and never change their sum.
    """
    left: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        if row.role in _PAYOUT_SEATS:
            left[row.campaign, row.role.value, row.unit] += row.amount
        elif row.role in {Role.PAID, Role.DEBT}:
            left[row.campaign, "paid and debt", row.unit] += row.amount
    for record in records:
        seat = SEATS[record.state]
        unit, amount = measure(record.payout.reward)
        if seat in _PAYOUT_SEATS:
            left[record.payout.campaign, seat.value, unit] -= amount
        elif record.state is State.PAID:
            left[record.payout.campaign, "paid and debt", unit] -= amount
    for (campaign, name, unit), rest in left.items():
        if rest:
            rule = "what its payouts have there"
            got = f"{rest:+} {unit} beside them"
            yield Finding("I4", f"account {campaign}/{name}", rule, got)
