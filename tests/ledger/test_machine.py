"""What the books promise while everything around them goes wrong.

A provider keeps its own truth, loses answers, delays and repeats them, and refuses
the second request for a number that it has paid. The clock jumps. After each step
the books are audited from their rows and compared with the provider's truth.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Fulfilment,
    Paid,
    Payout,
    Refunded,
    Refused,
)
from wxengage.errors import InvalidInputError, OverdrawnError
from wxengage.ledger import events as happenings
from wxengage.ledger import records as machine
from wxengage.ledger.accounts import LedgerAccount, Role, measure
from wxengage.ledger.auditing import audit
from wxengage.ledger.book import Book
from wxengage.ledger.debts import claw_back, net_debt
from wxengage.ledger.entries import Entry, fund, reverse
from wxengage.ledger.events import (
    Answered,
    Leased,
    Parked,
    Queried,
    Resolved,
    Voided,
)
from wxengage.ledger.funding import SpendLimit, book_event, reserve
from wxengage.ledger.moves import entry_of
from wxengage.ledger.records import PayoutRecord, open_payout, renew
from wxengage.ledger.statements import statement
from wxengage.ledger.states import ASKED, OVER, TRANSITIONS, Move, State
from wxengage.money import Cash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MERCHANT = "1900000109"
USERS = ("ada", "bo", "cy")
KEYS = ("rung:3", "rung:6", "share")
LIMITS = (SpendLimit("user", 2500), SpendLimit("rung", 3000), SpendLimit("day", 4000))
START = dt.datetime(2026, 3, 1, 23, 50, tzinfo=dt.UTC)
FAULTS = (
    "none",
    "lost before",
    "lost after",
    "garbage after",
    "another number",
    "another amount",
    "busy",
    "banned",
    "waits",
    "late answer",
)


class Provider:
    """WeChat Pay as it is: it keeps its word about numbers, and little else."""

    def __init__(self) -> None:
        self.truth: dict[str, str] = {}
        self.amounts: dict[str, int] = {}

    def pay(self, payout: Payout, fault: str, at: dt.datetime) -> Fulfilment:
        """Take a request and answer it, as well as the fault lets it."""
        number, fen = payout.number, measure(payout.reward)[1]
        before: dict[str, Fulfilment] = {
            "lost before": Unknown("connection reset"),
            "another number": Paid("1900000109other", at, "", fen),
            "busy": Refused(number, "FREQ_LIMIT", final=False, action="retry"),
            # Said of this request, although an earlier one may have been taken.
            "banned": Refused(number, "BANNED", final=True, action="suppress"),
        }
        if fault == "banned":
            self.truth.setdefault(number, "failed")
        if fault in before:
            return before[fault]
        if number not in self.truth:
            self.truth[number] = "waiting" if fault == "waits" else "received"
            self.amounts[number] = fen
        after: dict[str, Fulfilment] = {
            "lost after": Unknown("read timeout"),
            "garbage after": Unknown("not JSON"),
            "another amount": Paid(number, at, "", fen + 1),
        }
        return after.get(fault) or self.tell(payout, at)

    def tell(self, payout: Payout, at: dt.datetime) -> Fulfilment:
        """Answer a query."""
        number = payout.number
        state = self.truth.get(number)
        if state is None:
            return Refused(number, "NOT_FOUND", final=False, action="retry")
        if state == "failed":
            return Refused(number, "FAIL", final=True, action="mend")
        if state == "waiting":
            return AwaitingUser(number, at, None)
        if state == "returned":
            return Refunded(number, at)
        return Paid(number, at, "wx1", self.amounts[number])

    def received(self) -> int:
        """Return what users have."""
        return sum(
            self.amounts[one]
            for one, state in self.truth.items()
            if state == "received"
        )


class World:
    """Books, payouts and a provider, and what may happen to them."""

    def __init__(self) -> None:
        self.book = Book()
        self.now = START
        self.provider = Provider()
        self.records: dict[str, PayoutRecord] = {}
        self.late: list[tuple[str, Any]] = []
        self.funds: list[Entry] = []
        self.broken: list[str] = []
        self.give(6000)

    def give(self, fen: int) -> None:
        """Give the campaign money."""
        entry = fund("spring", fen, self.now, id=f"fund:{len(self.funds)}")
        self.book.post(entry)
        self.funds.append(entry)

    def take_back(self, place: int) -> None:
        """Undo a funding, where the money is still there."""
        try:
            entry = reverse(self.funds[place % len(self.funds)], self.now, note="Lin")
            self.book.post(entry)
        except (OverdrawnError, InvalidInputError):
            pass

    def grant(self, user: str, key: str, fen: int) -> None:
        """Open a payout, if that reward has none, less what its user owes."""
        record = self.opened(user, key, fen)
        if record.payout.number in self.records:
            return
        rest = net_debt(self.book, "spring", user, Cash(fen), self.now, key=key)
        if isinstance(rest, Cash):
            record = self.opened(user, key, rest.fen)
            self.records[record.payout.number] = record

    def opened(self, user: str, key: str, fen: int) -> PayoutRecord:
        """Return a new payout."""
        return open_payout(
            MERCHANT,
            "spring",
            user,
            key,
            recipient=f"openid-{user}",
            reward=Cash(fen),
            at=self.now,
        )

    def some(self, place: int, *states: State) -> PayoutRecord | None:
        """Return one of the payouts in some states."""
        found = [one for one in self.records.values() if one.state in states]
        return found[place % len(found)] if found else None

    def put(self, record: PayoutRecord) -> None:
        """Keep a payout."""
        self.records[record.payout.number] = record

    def reserve(self, place: int) -> None:
        """Set money aside."""
        if record := self.some(place, State.HELD, State.UNFUNDED):
            self.put(reserve(self.book, record, self.now, limits=LIMITS))

    def happen(self, record: PayoutRecord, event: Any) -> PayoutRecord:
        """Let an event happen."""
        changed = book_event(self.book, record, event)
        self.put(changed)
        if record.state is State.PAID and changed.state not in {
            State.PAID,
            State.EXPIRED_REFUNDED,
        }:
            self.broken.append(f"{record.payout.number} was paid, and is no more")
        return changed

    def void(self, place: int) -> None:
        """Call a payout off."""
        if record := self.some(place, State.HELD, State.UNFUNDED, State.RESERVED):
            self.happen(record, Voided(self.now, "withdrawn"))

    def submit(self, place: int, fault: str) -> None:
        """Send a request, or send it again under the same number."""
        if not (record := self.some(place, State.RESERVED, State.UNKNOWN)):
            return
        record = self.happen(record, Leased(self.now))
        outcome = self.provider.pay(record.payout, fault, self.now)
        event = Answered(self.now, outcome, record.fence)
        if fault == "late answer":
            # The worker is slow: its lease runs out, and its answer comes some day.
            self.late.append((record.payout.number, event))
            event = Answered(self.now, Unknown("the lease ran out"), record.fence)
        elif isinstance(outcome, Unknown):
            self.late.append((record.payout.number, event))
        self.happen(record, event)

    def hear(self, place: int) -> None:
        """Hear an old answer, perhaps again."""
        if self.late:
            number, event = self.late[place % len(self.late)]
            record = self.records[number]
            if record.state not in {State.HELD, State.UNFUNDED}:
                self.happen(record, event)

    def query(self, place: int) -> None:
        """Ask what became of a number."""
        if record := self.some(place, *ASKED, State.PAID, State.FAILED):
            outcome = self.provider.tell(record.payout, self.now)
            self.happen(record, Queried(self.now, outcome))

    def park(self, place: int) -> None:
        """Give up asking."""
        if record := self.some(place, State.UNKNOWN):
            self.happen(record, Parked(self.now, "asked for two days"))

    def resolve(self, place: int) -> None:
        """Let a person look at the provider's own screen."""
        record = self.some(place, State.PARKED)
        if record is None:
            return
        told = self.provider.tell(record.payout, self.now)
        if isinstance(told, Paid | Refunded) or (
            isinstance(told, Refused) and told.final
        ):
            self.happen(record, Resolved(self.now, told, "Lin", "row 7 of the bill"))

    def renew(self, place: int) -> None:
        """Try a new number for what surely failed."""
        if (record := self.some(place, *OVER)) and record.renewable:
            self.records.setdefault((new := renew(record, self.now)).payout.number, new)

    def take_packets(self, *, opened: bool) -> None:
        """Let users open what waits for them, or let it go back."""
        for number, state in self.provider.truth.items():
            if state == "waiting":
                self.provider.truth[number] = "received" if opened else "returned"

    def claw(self, place: int) -> None:
        """Make a payment a debt."""
        record = self.some(place, State.PAID)
        if record is not None and f"{record.payout.number}:claw_back" not in self.book:
            self.book.post(claw_back(record, self.now, note="Lin: sold account"))

    def drain(self) -> None:
        """Let everything get through: the provider answers at once, and truly."""
        self.take_packets(opened=True)
        for record in list(self.records.values()):
            self.settle(record)

    def settle(self, record: PayoutRecord) -> None:
        """Bring one payout to its end."""
        if record.state is State.RESERVED:
            record = self.happen(record, Leased(self.now))
        for _ in range(3):
            told = self.provider.tell(record.payout, self.now)
            if record.state is State.PARKED and not isinstance(told, AwaitingUser):
                if isinstance(told, Refused) and not told.final:
                    self.provider.truth[record.payout.number] = "failed"
                    told = self.provider.tell(record.payout, self.now)
                proof: Any = told
                record = self.happen(record, Resolved(self.now, proof, "Lin", "bill"))
            elif record.state in ASKED:
                if isinstance(told, Refused) and not told.final:
                    self.provider.pay(record.payout, "none", self.now)
                    told = self.provider.tell(record.payout, self.now)
                record = self.happen(record, Queried(self.now, told))

    def wrongs(self) -> list[str]:
        """Return every promise that is broken."""
        found = self.broken + [
            str(one) for one in audit(self.book, self.records.values())
        ]
        arrived = Counter[tuple[str, str]]()
        for number, state in self.provider.truth.items():
            if state not in {"received", "waiting"}:
                continue
            record = self.records.get(number)
            if record is None:
                found.append(f"money left under {number}, which nobody knows")
                continue
            arrived[record.payout.user, record.reward_key] += 1
            if record.state not in {*ASKED, State.PAID}:
                found.append(f"{number} is {state}, and the books say {record.state}")
        found += [f"{one} paid {n} times" for one, n in arrived.items() if n > 1]
        for number, record in self.records.items():
            told = self.provider.truth.get(number)
            if record.state is State.PAID and told != "received":
                found.append(f"{number} is paid in the books alone")
        return found + self.unbalanced()

    def unbalanced(self) -> list[str]:
        """Return what the statement and the limits say that cannot be."""
        found = []
        late = self.now + dt.timedelta(days=9999)
        for line in statement(self.book, "spring", late).lines:
            held = line.budget + line.reserved + line.payable + line.paid
            if line.funded != held + line.refunded + line.debt + line.suspense:
                found.append("the statement does not add up")
            roles = (Role.BUDGET, Role.RESERVED, Role.PAYABLE, Role.PAID)
            if held != sum(
                self.book.balance(LedgerAccount("spring", role), "fen")
                for role in roles
            ):
                found.append("the statement and the balances differ")
            out = sum(
                self.provider.amounts[one]
                for one, state in self.provider.truth.items()
                if state in {"received", "waiting"}
            )
            if out > line.funded:
                found.append("more has left than was given")
        spent: Counter[str] = Counter()
        for record in self.records.values():
            if record.state not in {State.HELD, State.UNFUNDED, *OVER}:
                spent[record.payout.user] += measure(record.payout.reward)[1]
        return found + [f"{user} over limit" for user, n in spent.items() if n > 2500]


def books_and_provider_agree(world: World) -> bool:
    """Return whether what users have is what the books say that they have."""
    paid = LedgerAccount("spring", Role.PAID)
    held = world.book.balance(paid, "fen") + sum(
        world.book.balance(LedgerAccount("spring", Role.DEBT, user), "fen")
        for user in USERS
    )
    return held == world.provider.received()


PLACES = st.integers(0, 20)


class Books(RuleBasedStateMachine):
    """Any order of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(fen=st.integers(1, 3000))
    def give(self, fen: int) -> None:
        """Give the campaign more money."""
        self.world.give(fen)

    @rule(place=PLACES)
    def take_back(self, place: int) -> None:
        """Undo a funding."""
        self.world.take_back(place)

    @rule(
        user=st.sampled_from(USERS),
        key=st.sampled_from(KEYS),
        fen=st.sampled_from([1, 300, 800, 1500]),
    )
    def grant(self, user: str, key: str, fen: int) -> None:
        """Owe somebody a reward, and set its money aside."""
        self.world.grant(user, key, fen)
        self.world.reserve(0)

    @rule(
        place=PLACES,
        act=st.sampled_from(
            [
                "reserve",
                "void",
                "hear",
                "query",
                "park",
                "resolve",
                "renew",
                "claw",
            ]
        ),
    )
    def act(self, place: int, act: str) -> None:
        """Let something happen to one of the payouts."""
        getattr(self.world, act)(place)

    @rule(place=PLACES, fault=st.sampled_from(FAULTS))
    def submit(self, place: int, fault: str) -> None:
        """Ask the provider to pay."""
        self.world.submit(place, fault)

    @rule(opened=st.booleans())
    def take_packets(self, opened: bool) -> None:
        """Let users open what waits, or let it go back."""
        self.world.take_packets(opened=opened)

    @rule(minutes=st.integers(-600, 3000))
    def time_passes(self, minutes: int) -> None:
        """Let the clock run, or jump back."""
        self.world.now += dt.timedelta(minutes=minutes)

    @invariant()
    def nothing_is_wrong(self) -> None:
        """Every promise holds after each step."""
        assert [] == self.world.wrongs()

    def teardown(self) -> None:
        """Once nothing fails any more, everything ends, and both sides agree."""
        self.world.drain()
        states = {record.state for record in self.world.records.values()}
        assert states <= {State.HELD, State.UNFUNDED, State.PAID, *OVER}
        assert [] == self.world.wrongs()
        assert books_and_provider_agree(self.world)


Books.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
TestBooks = Books.TestCase


# --- the same world by seed, and what is wrong with wrong books -----------------------


def simulated(seed: int, steps: int = 120) -> list[str]:
    """Return what is wrong after a simulated campaign."""
    chance = random.Random(seed)  # noqa: S311  a test's own chance
    world = World()
    acts: list[Callable[[], None]] = [
        lambda: world.grant(
            chance.choice(USERS), chance.choice(KEYS), chance.choice([300, 800, 1500])
        ),
        lambda: world.reserve(chance.randrange(20)),
        lambda: world.submit(chance.randrange(20), chance.choice(FAULTS)),
        lambda: world.submit(chance.randrange(20), chance.choice(FAULTS)),
        lambda: world.hear(chance.randrange(20)),
        lambda: world.query(chance.randrange(20)),
        lambda: world.park(chance.randrange(20)),
        lambda: world.resolve(chance.randrange(20)),
        lambda: world.renew(chance.randrange(20)),
        lambda: world.void(chance.randrange(20)),
        lambda: world.take_packets(opened=chance.random() < 0.5),
    ]
    found = []
    for _ in range(steps):
        world.now += dt.timedelta(minutes=chance.randrange(-60, 600))
        chance.choice(acts)()
        found += world.wrongs()
    world.drain()
    found += world.wrongs()
    if not books_and_provider_agree(world):
        found.append("books and provider differ")
    if any(one.state in ASKED for one in world.records.values()):
        found.append("something has no end")
    return found


SEEDS = range(12)


def test_sound_books_are_found_sound() -> None:
    """Twelve campaigns of 120 steps, and not one broken promise."""
    assert [] == [wrong for seed in SEEDS for wrong in simulated(seed)]


def changed(changes: Mapping[tuple[State, Move], State]) -> Mapping[Any, Any]:
    """Return the table of transitions with some of them wrong."""
    table = {state: dict(moves) for state, moves in TRANSITIONS.items()}
    for (state, move), target in changes.items():
        table[state][move] = target
    return MappingProxyType(table)


def trusting(payout: Payout, outcome: object) -> bool:
    """Believe every success."""
    return payout is not outcome


def renew_anything(record: PayoutRecord, at: dt.datetime, **_: object) -> PayoutRecord:
    """Give a payout a new number while the old one may still pay."""
    return renew(attrs.evolve(record, state=State.FAILED, confirmed=True), at)


MUTANTS: dict[str, Mapping[tuple[State, Move], State]] = {
    "a time-out is a failure, and the money is released": {
        (State.SUBMITTING, Move.UNKNOWN): State.FAILED
    },
    "SYSTEMERROR is a failure": {
        (State.SUBMITTING, Move.DEFERRED): State.FAILED,
        (State.SUBMITTING, Move.UNKNOWN): State.FAILED,
    },
    "a time-out is tried again under a reservation that can be voided": {
        (State.SUBMITTING, Move.UNKNOWN): State.RESERVED
    },
    "a refused second request fails what the first may have paid": {
        (State.UNKNOWN, Move.REFUSED): State.FAILED
    },
    "a stale unknown overwrites paid": {(State.PAID, Move.UNKNOWN): State.UNKNOWN},
    "it is marked paid before the call": {(State.RESERVED, Move.LEASED): State.PAID},
    "what waits for the user is taken for paid": {
        (State.SUBMITTING, Move.AWAITING): State.PAID
    },
    "gives up silently": {(State.UNKNOWN, Move.PARKED): State.CANCELLED},
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_table_is_found_out(
    mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these mistakes has cost somebody money."""
    monkeypatch.setattr(machine, "TRANSITIONS", changed(MUTANTS[mutant]))

    assert wrongs_of_any_seed()


def wrongs_of_any_seed() -> list[str]:
    """Return what is wrong; a machine that breaks down is wrong too."""
    found = []
    for seed in SEEDS:
        try:
            found += simulated(seed)
        except Exception as error:  # noqa: BLE001  whatever the mutant breaks
            found.append(repr(error))
    return found


def test_books_that_trust_any_body_are_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A success that names another number or amount must not be booked."""
    monkeypatch.setattr(happenings, "_is_about", trusting)

    assert wrongs_of_any_seed()


def test_a_new_number_on_retry_is_found_out() -> None:
    """The default of wechatpy: a lost answer is paid again under another number."""
    world = World()
    world.grant("ada", "rung:3", 800)
    world.reserve(0)
    world.submit(0, "lost after")
    (old,) = world.records.values()

    with pytest.raises(InvalidInputError, match="pays twice"):
        renew(old, world.now)

    world.put(renew_anything(old, world.now))
    world.reserve(0)
    world.submit(0, "none")
    world.submit(0, "none")
    assert [wrong for wrong in world.wrongs() if "2 times" in wrong]


def test_books_without_reservations_are_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who counts only what is paid promises the last money twice."""
    unchecked = entry_of

    def nothing_held(record: PayoutRecord, target: State, *rest: Any) -> Entry | None:
        return None if target is State.RESERVED else unchecked(record, target, *rest)

    monkeypatch.setattr(machine, "entry_of", nothing_held)

    assert wrongs_of_any_seed()


def test_a_restored_backup_pays_nothing_twice() -> None:
    """The books do not know of the payment, and the provider refuses the next one."""
    world = World()
    world.grant("ada", "rung:3", 800)
    world.reserve(0)
    (record,) = world.records.values()
    world.provider.pay(record.payout, "none", world.now)

    world.submit(0, "banned")

    (record,) = world.records.values()
    assert State.FAILED is record.state
    with pytest.raises(InvalidInputError, match="confirmed by a query"):
        renew(record, world.now)
    world.query(0)
    (record,) = world.records.values()
    assert State.PAID is record.state
    assert books_and_provider_agree(world)
    assert -800 == world.book.balance(LedgerAccount("spring", Role.SUSPENSE), "fen")


def test_an_accepted_request_is_not_refused_by_a_late_answer() -> None:
    """What the provider works on is not released because another call failed."""
    world = World()
    world.grant("ada", "rung:3", 800)
    world.reserve(0)
    (record,) = world.records.values()
    number = record.payout.number
    record = world.happen(record, Leased(world.now))
    record = world.happen(record, Answered(world.now, Accepted(number, world.now), 1))
    refusal = Refused(number, "USER_BANNED", final=True, action="suppress")

    record = world.happen(record, Answered(world.now, refusal, 1))

    assert State.ACCEPTED is record.state
