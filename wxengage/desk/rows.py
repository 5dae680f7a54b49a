"""Values as rows, and back (值与行): the only place that knows the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wxengage.codec.envelope import dump, load
from wxengage.delivery.outbox.box import suppression_of
from wxengage.delivery.outbox.states import WAITING
from wxengage.ledger.accounts import BELOW_ZERO, LedgerAccount, Role
from wxengage.ledger.entries import Entry, Posting
from wxengage.log.events import Event
from wxengage.sends import Send, fingerprint
from wxengage.stores.schema import LEAST
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.campaigns.facts import Fact
    from wxengage.delivery.outbox.policy import OutboxPolicy
    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.ledger.records import PayoutRecord
    from wxengage.stores.schema import Row

__all__ = [
    "StoredFact",
    "account_of",
    "balance_row",
    "content_of",
    "entry_of",
    "event_id",
    "event_of",
    "event_row",
    "fact_of",
    "fact_row",
    "is_message",
    "letter_of",
    "letter_row",
    "line_of",
    "payout_of",
    "payout_row",
    "posting_rows",
]

# Columns of an event that do not belong to it but to its arrival.
_ARRIVAL = 2


def event_id(event: Event) -> str:
    """Return the name under which an event is kept.

    Parameters
    ----------
    event
        What happened.

    Returns
    -------
    str
        Its own id. An event without one is known by its content: told twice, word
        for word, it happened once.
    """
    if isinstance(event.id, str):
        return event.id
    told = (event.kind, event.account, event.campaign, event.inviter, event.item)
    more = (event.channel, event.group, event.value)
    at = micros("at", event.at)
    return fingerprint("event", str(event.user), str(at), repr((*told, *more)))


def event_row(event: Event, received_at: int, *, backfilled: bool = False) -> Row:
    """Return the row of an event whose names are all text.

    Parameters
    ----------
    event
        What happened.
    received_at
        When it was told, in microseconds.
    backfilled
        Whether it is past that was brought in, and grants nothing.

    Returns
    -------
    Row
        Of the table ``event``.
    """
    item = event.item
    is_text = isinstance(item, str)
    return (
        event_id(event),
        event.user,
        event.kind,
        micros("at", event.at),
        event.account,
        event.campaign,
        event.inviter,
        item if is_text else None,
        None if is_text else item,
        event.channel,
        event.group,
        None if event.value is None else float(event.value),
        received_at,
        int(backfilled),
    )


def content_of(row: Row) -> Row:
    """Return what two tellings of one event must agree in."""
    return row[:-_ARRIVAL]


def event_of(row: Row) -> Event:
    """Return the event of a row."""
    name, user, kind, at, account, campaign, inviter, item, number, *rest = row
    channel, group, value = rest[:3]
    return Event(
        kind,  # type: ignore[arg-type]  # as the schema has it; and so below
        user=user,  # type: ignore[arg-type]
        at=from_micros(at),  # type: ignore[arg-type]
        id=name,  # type: ignore[arg-type]
        account=account,  # type: ignore[arg-type]
        campaign=campaign,  # type: ignore[arg-type]
        inviter=inviter,  # type: ignore[arg-type]
        item=number if item is None else item,  # type: ignore[arg-type]
        channel=channel,  # type: ignore[arg-type]
        group=group,  # type: ignore[arg-type]
        value=value,  # type: ignore[arg-type]
    )


class StoredFact(NamedTuple):
    """A fact as it is kept.

    Attributes
    ----------
    fact
        What was found.
    event
        Id of the event that led to it; ``"#tick"`` where time did.
    version
        Of the rules under which it was found.
    """

    fact: Fact
    event: str
    version: int


def fact_row(fact: Fact, event: str, version: int) -> Row:
    """Return the row of a fact."""
    return (
        fact.key,
        fact.campaign,
        fact.user,
        fact.kind,
        micros("at", fact.at),
        event,
        version,
        dump(fact),
    )


def fact_of(row: Row) -> StoredFact:
    """Return the fact of a row."""
    return StoredFact(_load(row[7]), str(row[5]), int(row[6] or 0))


def payout_row(record: PayoutRecord) -> Row:
    """Return the row of a payout."""
    payout = record.payout
    return (
        payout.number,
        payout.campaign,
        payout.user,
        record.reward_key,
        payout.generation,
        record.state.value,
        micros("at", record.at),
        dump(record),
    )


def payout_of(row: Row) -> PayoutRecord:
    """Return the payout of a row."""
    found: PayoutRecord = _load(row[7])
    return found


def posting_rows(entry: Entry, seq: int) -> list[Row]:
    """Return the rows of an entry, of which each has the same place in the order."""
    at = micros("at", entry.at)
    return [
        (
            entry.id,
            place,
            entry.because,
            entry.ref,
            at,
            posting.account.campaign,
            posting.account.role.value,
            posting.account.owner,
            posting.unit,
            posting.amount,
            entry.note,
            seq,
        )
        for place, posting in enumerate(entry.postings)
    ]


def account_of(campaign: Any, role: Any, owner: Any) -> LedgerAccount:
    """Return the account that three columns name."""
    return LedgerAccount(campaign, Role(role), owner)


def entry_of(rows: Sequence[Row]) -> Entry:
    """Return the entry of its rows, in the order of their places."""
    entry: Any = rows[0]
    postings = tuple(
        Posting(account_of(*row[5:8]), row[8], row[9])  # type: ignore[arg-type]
        for row in rows
    )
    return Entry(
        entry[0], from_micros(entry[4]), postings, entry[2], entry[3], entry[10]
    )


def balance_row(account: LedgerAccount, unit: str, amount: int) -> Row:
    """Return the row of a balance, with the floor of its account."""
    least = LEAST if account.role in BELOW_ZERO else 0
    role, owner = account.role.value, account.owner
    return account.campaign, role, owner, unit, amount, least


def letter_row(row: OutboxRow, policy: OutboxPolicy, now: int) -> Row:
    """Return the row of a letter, with what indexes have to see of it.

    Parameters
    ----------
    row
        The letter.
    policy
        How the outbox behaves: on which channels the order counts.
    now
        In microseconds.

    Returns
    -------
    Row
        Of the table ``letter``.
    """
    letter, body = row.letter, row.letter.body
    waits = row.state in WAITING and row.lease_until is None
    touch = row.touch
    return (
        row.key,
        row.state.value,
        letter.channel,
        body.user,
        line_of(row),
        row.seq,
        row.ready_at(now, policy) if waits else None,
        row.lease_until,
        None if row.is_final or letter.channel not in policy.ordered else row.seq,
        None if touch is None else micros("at", touch.at),
        dump(row),
    )


def line_of(row: OutboxRow) -> str:
    """Return whom a letter waits behind where the order counts."""
    line = suppression_of(row.letter)
    return fingerprint("line", line.account, line.channel, line.recipient)


def letter_of(row: Row) -> OutboxRow:
    """Return the letter of a row."""
    found: OutboxRow = _load(row[10])
    return found


def _load(text: Any) -> Any:
    return load(text)


def is_message(row: OutboxRow) -> bool:
    """Return whether a letter is a message and no payout."""
    return isinstance(row.letter.body, Send)
