"""What must hold whatever went wrong (不变量检查).

The checkers read the raw rows of a store, what was acknowledged and what the provider
knows, and nothing else: no code of the desk, the books or the campaigns judges itself
here. What is owed is told by an oracle, a pure function of the stored events that
whoever tests writes from the campaign's rules.

    I1  entries sum to zero, and each balance is the sum of its postings
    I2  no account is below zero that may not be
    I3  a reward has a payout exactly if it is owed
    I4  money is set aside once and then paid or released, never both
    I5  the provider pays a reward once, within the budget, and no number twice
    I6  what the books say is paid is what the provider has paid
    I7  what was acknowledged is stored as it was told
    I8  nothing is left on its way
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from wxengage.codec.envelope import load
from wxengage.stores.schema import TABLES
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wxengage.log.events import Event
    from wxengage.stores.ports import Store, Transaction
    from wxengage.stores.schema import Row
    from wxengage.testing.provider import FaultyProvider

__all__ = [
    "Owed",
    "Violation",
    "check_finished",
    "check_safety",
    "stored_events",
]

#: Campaign, user and key of a reward -> how much of it is owed, in its unit.
Owed: TypeAlias = "Mapping[tuple[str, str, str], int]"
_BELOW_ZERO: Final = ("world", "suspense", "limits")
#: Where money of a payout is, by the state of its row.
_SEATS: Final = {
    "held": None,
    "unfunded": None,
    "reserved": "reserved",
    "submitting": "payable",
    "accepted": "payable",
    "awaiting_user": "payable",
    "unknown": "payable",
    "parked": "payable",
    "paid": "paid",
    "failed": None,
    "expired_refunded": "refunded",
    "cancelled": None,
}
_SOURCES: Final = ("budget", "suspense", "room", "limits")
_OVER: Final = ("paid", "failed", "expired_refunded", "cancelled")
_LETTERS_OVER: Final = ("sent", "maybe_sent", "digest", "dropped")


class Violation(NamedTuple):
    """Something that must never be (违反不变量).

    Attributes
    ----------
    invariant
        ``"I1"`` to ``"I8"``.
    told
        What is wrong.
    """

    invariant: str
    told: str


class _Payout(NamedTuple):
    """A row of a payout, as far as it is read here."""

    number: str
    campaign: str
    user: str
    key: str
    generation: int
    state: str

    @property
    def place(self) -> tuple[str, str, str]:
        """The reward that it is about."""
        return self.campaign, self.user, self.key


class _Rows:
    """All rows of a store, of one instant."""

    def __init__(self, store: Store) -> None:
        names = ("event", "fact", "payout", "posting", "balance", "letter", "campaign")

        def read(tx: Transaction) -> dict[str, list[Row]]:
            return {name: list(_walk(tx, name)) for name in names}

        self.of = store.run(read, write=False)
        self.payouts: list[_Payout] = [_Payout(*row[:6]) for row in self.of["payout"]]  # type: ignore[arg-type]  # as the schema has it
        self.sums: Counter[tuple[str, str, str, str]] = Counter()
        self.by_ref: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.of["posting"]:
            campaign, role, owner, unit, amount = row[5:10]
            self.sums[str(campaign), str(role), str(owner), str(unit)] += _whole(amount)
            self.by_ref[str(row[3])].append(row)

    def seats(self, number: str) -> dict[str, int]:
        """Return where a payout's money is, by its postings."""
        found: Counter[str] = Counter()
        for row in self.by_ref[number]:
            if row[6] not in _SOURCES:
                found[str(row[6])] += _whole(row[9])
        return {role: amount for role, amount in found.items() if amount}

    def amount(self, number: str) -> int | None:
        """Return how much was set aside for a payout; None where nothing was."""
        for row in self.by_ref[number]:
            if row[2] == "hold" and row[6] == "reserved":
                return _whole(row[9])
        return None


def check_safety(
    store: Store,
    provider: FaultyProvider | None = None,
    *,
    acked: Mapping[str, Event] | None = None,
) -> tuple[Violation, ...]:
    """Return what is wrong at any moment, also in the middle of a storm.

    Parameters
    ----------
    store
        With no transaction open.
    provider
        Who pays; None: nobody can be asked.
    acked
        Id -> event, of those of which it was said that they are kept.

    Returns
    -------
    tuple of Violation
        Of I1, I2, I4, I5 and I7; empty where nothing is.
    """
    rows = _Rows(store)
    return (
        *_sums(rows),
        *_once(rows),
        *_paid_once(rows, provider),
        *_kept(rows, acked or {}),
    )


def check_finished(
    store: Store,
    provider: FaultyProvider,
    owed: Owed,
    *,
    acked: Mapping[str, Event] | None = None,
) -> tuple[Violation, ...]:
    """Return what is wrong when everything has come to its end.

    Parameters
    ----------
    store, provider, acked
        As for ``check_safety``.
    owed
        What is owed by the campaigns' rules and all events that the store has.

    Returns
    -------
    tuple of Violation
        Of all invariants; empty where nothing is.
    """
    rows = _Rows(store)
    return (
        *check_safety(store, provider, acked=acked),
        *_owed(rows, owed),
        *_agreed(rows, provider),
        *_done(rows),
    )


def stored_events(store: Store) -> list[dict[str, Any]]:
    """Return the events of a store, for whoever works out what is owed.

    Parameters
    ----------
    store
        With no transaction open.

    Returns
    -------
    list of dict
        Name of the column -> value, as the table ``event`` has them; by time, then
        by id.
    """
    rows = store.run(lambda tx: list(_walk(tx, "event")), write=False)
    found = [dict(zip(TABLES["event"].names, row, strict=True)) for row in rows]
    return sorted(found, key=lambda event: (event["at"], event["id"]))


def _sums(rows: _Rows) -> Iterator[Violation]:
    entries: Counter[tuple[str, str]] = Counter()
    for row in rows.of["posting"]:
        entries[str(row[0]), str(row[8])] += _whole(row[9])
    for (entry, unit), total in entries.items():
        if total:
            yield Violation("I1", f"entry {entry} sums to {total} {unit}")
    kept: Counter[tuple[str, str, str, str]] = Counter()
    for row in rows.of["balance"]:
        kept[str(row[0]), str(row[1]), str(row[2]), str(row[3])] = _whole(row[4])
    for place in sorted({*rows.sums, *kept}):
        if rows.sums[place] != kept[place]:
            told = f"{kept[place]}, its postings come to {rows.sums[place]}"
            yield Violation("I1", f"balance of {place} is {told}")
    for place, total in rows.sums.items():
        if total < 0 and place[1] not in _BELOW_ZERO:
            yield Violation("I2", f"account {place} is at {total}")


def _once(rows: _Rows) -> Iterator[Violation]:
    for one in rows.payouts:
        seat, got = _SEATS[one.state], rows.seats(one.number)
        amount = rows.amount(one.number)
        wanted = {seat: amount} if seat is not None else {}
        if got != wanted:
            yield Violation("I4", f"{one.number} is {one.state}, its money {got}")
        entries = {(str(row[0]), str(row[2])) for row in rows.by_ref[one.number]}
        reasons = Counter(reason for _, reason in entries)
        if reasons["settle"] > 1 or (one.state == "paid" and reasons["release"]):
            yield Violation("I4", f"{one.number} was posted {dict(reasons)}")
    known = {one.number for one in rows.payouts}
    moved = {
        str(row[3]) for row in rows.of["posting"] if row[6] in {"reserved", "paid"}
    }
    for number in sorted(moved - known):
        yield Violation("I4", f"entries of {number}, which is no payout")


def _paid_once(rows: _Rows, provider: FaultyProvider | None) -> Iterator[Violation]:
    if provider is None:
        return
    for number in provider.reused:
        yield Violation("I5", f"{number} was asked for twice, of two payouts")
    places = {one.number: one.place for one in rows.payouts}
    times: Counter[tuple[str, str, str]] = Counter()
    spent: Counter[tuple[str, str]] = Counter()
    for number, payment in provider.payments.items():
        if number not in places:
            yield Violation("I5", f"{number} was asked for, and is not in the store")
        elif payment.is_taken:
            times[places[number]] += 1
            unit = str(rows.by_ref[number][0][8]) if rows.by_ref[number] else ""
            spent[places[number][0], unit] += payment.amount
    for place, count in times.items():
        if count > 1:
            yield Violation("I5", f"reward {place} was paid {count} times")
    for (campaign, unit), total in spent.items():
        given = -rows.sums[campaign, "world", "", unit]
        if total > given:
            yield Violation("I5", f"{campaign} paid {total} of {given} {unit}")


def _kept(rows: _Rows, acked: Mapping[str, Event]) -> Iterator[Violation]:
    stored = {str(row[0]): row for row in rows.of["event"]}
    for name, event in acked.items():
        row = stored.get(name)
        if row is None:
            yield Violation("I7", f"event {name} was acknowledged, and is lost")
            continue
        told = (event.user, event.kind, micros("at", event.at))
        if told != row[1:4] or (event.campaign, event.inviter) != row[5:7]:
            yield Violation("I7", f"event {name} was told as {told}, kept as {row}")


def _owed(rows: _Rows, owed: Owed) -> Iterator[Violation]:
    latest: dict[tuple[str, str, str], _Payout] = {}
    for one in sorted(rows.payouts, key=lambda one: one.generation):
        latest[one.place] = one
    withdrawn = Counter(_net(rows))
    for place in sorted({*owed, *latest}):
        found = latest.get(place)
        if place not in owed:
            left = found is not None and found.state not in _OVER
            if left or withdrawn[place]:
                yield Violation("I3", f"{place} is not owed, and is {found}")
            continue
        if found is None or found.state == "cancelled":
            yield Violation("I3", f"{place} is owed, and is {found}")
            continue
        amount = rows.amount(found.number)
        if amount is not None and amount != owed[place]:
            yield Violation("I3", f"{place} is owed {owed[place]}, and is {amount}")
        if withdrawn[place] != 1:
            yield Violation("I3", f"{place} is owed {withdrawn[place]} times by facts")


def _net(rows: _Rows) -> dict[tuple[str, str, str], int]:
    """Return how often each reward was granted more than it was withdrawn."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in rows.of["fact"]:
        if row[3] in {"granted", "withdrawn"}:
            told: Any = load(str(row[7]))
            place = (str(row[1]), str(row[2]), str(told.reward_key))
            found[place] += 1 if row[3] == "granted" else -1
    return dict(found)


def _agreed(rows: _Rows, provider: FaultyProvider) -> Iterator[Violation]:
    # A number that was called off, and closed by somebody who looked it up, is both.
    truth = {
        "paid": {"paid"},
        "refunded": {"expired_refunded"},
        "failed": {"failed", "cancelled"},
        "processing": {"accepted"},
        "awaiting": {"awaiting_user"},
    }
    for one in rows.payouts:
        payment = provider.payments.get(one.number)
        if payment is None:
            if one.state not in {"held", "unfunded", "cancelled"}:
                yield Violation("I6", f"{one.number} is {one.state}, never asked for")
        elif one.state not in truth[payment.standing]:
            yield Violation("I6", f"{one.number} is {one.state}: {payment.standing}")
        elif one.state == "paid" and rows.amount(one.number) != payment.amount:
            yield Violation("I6", f"{one.number} was paid {payment.amount}")


def _done(rows: _Rows) -> Iterator[Violation]:
    for one in rows.payouts:
        if one.state in _OVER:
            continue
        if one.state == "unfunded":
            yield from _still_unfunded(rows, one)
        else:
            yield Violation("I8", f"{one.number} is still {one.state}")
    for row in rows.of["letter"]:
        if row[1] not in _LETTERS_OVER:
            yield Violation("I8", f"letter {row[0]} is still {row[1]}")
    for row in rows.of["balance"]:
        if row[1] in {"reserved", "payable"} and row[4]:
            yield Violation("I8", f"{row[4]} {row[3]} of {row[0]} is still {row[1]}")


def _still_unfunded(rows: _Rows, one: _Payout) -> Iterator[Violation]:
    """Complain of a payout that waits for money, although there is some."""
    told: Any = next(
        load(str(row[7])) for row in rows.of["payout"] if row[0] == one.number
    )
    fen = getattr(told.payout.reward, "fen", None)
    left = rows.sums[one.campaign, "budget", "", "fen"]
    if fen is None or fen <= left:
        yield Violation("I8", f"{one.number} waits for {fen} fen, and {left} are there")


def _walk(tx: Transaction, table: str) -> Iterator[Row]:
    """Yield every row of a table, in the order of keys."""
    places = TABLES[table].places(TABLES[table].key)
    after: Any = None
    while page := tx.walk(table, after=after, limit=1_000):
        yield from page
        after = tuple(page[-1][place] for place in places)


def _whole(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101  as the schema has it
    return value
