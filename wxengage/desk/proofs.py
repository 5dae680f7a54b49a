"""Proving a store (总账证明): the books from their raw rows, and what hangs on them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from wxengage.campaigns.facts import GRANTED, REWARD_KINDS
from wxengage.delivery.payouts import bill_number
from wxengage.desk.rows import account_of, fact_of, payout_of
from wxengage.ledger.auditing import Finding, audit
from wxengage.ledger.debts import net_id
from wxengage.ledger.entries import Row as PostingRow
from wxengage.ledger.records import ERASED
from wxengage.ledger.states import State
from wxengage.stores.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.desk.unit import Unit
    from wxengage.ledger.records import PayoutRecord
    from wxengage.stores.schema import Row

__all__ = ["findings", "posting_of", "walk"]

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


def findings(unit: Unit) -> tuple[Finding, ...]:
    """Return everything in a store that cannot be; see ``Desk.audit``."""
    postings = sorted(walk(unit, "posting"), key=lambda row: (row[5], row[11]))
    payouts = [payout_of(row) for row in walk(unit, "payout")]
    return (
        *audit(map(posting_of, postings), payouts),
        *_balances(unit, postings),
        *_letters(unit, payouts),
        *_rewards(unit, payouts),
    )


def _rewards(unit: Unit, payouts: list[PayoutRecord]) -> Iterator[Finding]:
    """Yield rewards that are owed without a payout, and the other way round."""
    owed: Counter[tuple[str, str, str]] = Counter()
    for row in walk(unit, "fact"):
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
    for place in sorted(owed.keys() | states.keys()):
        times, state = owed[place], states.get(place)
        back = any(bill_number(one, *place) in erased for one in merchants)
        if back or place[1].startswith(ERASED):
            continue
        subject = f"reward {'/'.join(place)}"
        if times not in {0, 1}:
            yield Finding("I7", subject, "owed once or not", f"{times} times")
        elif times and state is None and not _netted(unit, place):
            yield Finding("I7", subject, "in a payout, since it is owed", "in none")
        elif not times and state in {State.HELD, State.UNFUNDED, State.RESERVED}:
            rule = "called off, since it is not owed"
            yield Finding("I7", subject, rule, str(state and state.value))


def walk(unit: Unit, table: str) -> Iterator[Row]:
    """Yield every row of a table, in the order of keys."""
    places = TABLES[table].places(TABLES[table].key)
    after: Any = None
    while page := unit.tx.walk(table, after=after, limit=_PAGE):
        yield from page
        after = tuple(page[-1][place] for place in places)


def posting_of(row: Row) -> PostingRow:
    """Return a posting as an audit reads it."""
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
    kept = {row[:4]: int(row[4] or 0) for row in walk(unit, "balance")}
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
