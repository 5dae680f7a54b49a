"""A provider that fails in every way, workers that die, and a clock that jumps.

One seed decides everything, so that a run can be had again. The provider keeps the
truth: what was delivered, whatever it answered.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Outbox, enqueue, lift
from wxengage.delivery.outbox.leasing import begin, holds, lease, next_due
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.recording import record, revive, unasked
from wxengage.delivery.outbox.states import State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import Accepted, Paid, Payout, Refused
from wxengage.delivery.ports import Letter, letter_key
from wxengage.money import Cash
from wxengage.plan.gating.decisions import Decision
from wxengage.sends import Send, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MORNING = NOON + dt.timedelta(hours=20)
POLICY = OutboxPolicy(
    keyed={"mass_send": dt.timedelta(days=1), "app_push": dt.timedelta(days=3650)},
    backoff=Backoff(dt.timedelta(seconds=5)),
    lease_for=dt.timedelta(minutes=2),
    ordered=("app_push",),
)
CHANNELS = ("customer_message", "mass_send", "app_push")
# Before: the provider never saw it. After: it did, and the answer got lost.
BEFORE = ("closed_before", "busy", "minute", "token", "template", "refused", "mend")
AFTER = ("closed_after", "garbage", "another", "raises", "slow", "slow_and_closed")
FAULTS = BEFORE + AFTER


def messages(count: int, *, first: int = 0) -> list[Letter]:
    """Return letters with messages on every channel, several to a user."""
    found = []
    for row in range(first, first + count):
        expires = NOON + dt.timedelta(hours=1 + row % 50) if row % 4 == 0 else None
        channel = CHANNELS[row % len(CHANNELS)]
        topic = ("", "", "", "night", "digest", "unwanted")[row % 6]
        user = f"u{row % 7}"
        send = Send(f"s{row}", user, channel, "m", topic=topic, expires=expires)
        found.append(Letter(send, letter_key(send)))
    return found


def payouts(count: int, *, first: int = 0) -> list[Letter]:
    """Return letters with payouts."""
    found = []
    for row in range(first, first + count):
        number = f"1900000109p{row:017d}"
        payout = Payout(number, "spring", f"u{row}", f"o{row}", Cash(100 + row))
        found.append(Letter(payout, number))
    return found


def gate(send: Send, now: dt.datetime) -> Decision:
    """Decide like a gate with a night that ends and topics that nobody wants."""
    if send.topic == "night" and now < MORNING:
        return Decision(send.id, send.user, "defer", MORNING, "quiet_hours")
    if send.topic == "digest":
        return Decision(send.id, send.user, "digest", MORNING, "digest")
    if send.topic == "unwanted":
        return Decision(send.id, send.user, "drop", None, "opted_out")
    return Decision(send.id, send.user, "send", now, "may_go")


@attrs.define
class Provider:
    """Who delivers, and knows what was delivered."""

    rng: np.random.Generator
    now: Callable[[], dt.datetime]
    wait: Callable[[dt.timedelta], None]
    fault_rate: float = 0.5
    delivered: Counter[str] = attrs.field(factory=Counter)
    first_at: dict[str, dt.datetime] = attrs.field(factory=dict)
    faults: Counter[str] = attrs.field(factory=Counter)

    def _fault(self) -> str:
        if self.rng.random() >= self.fault_rate:
            return ""
        fault = FAULTS[int(self.rng.integers(len(FAULTS)))]
        self.faults[fault] += 1
        return fault

    def _deliver(self, letter: Letter) -> None:
        """Deliver, but for a key that is remembered."""
        key, span = letter.key, POLICY.keyed.get(letter.channel)
        is_payout = isinstance(letter.body, Payout)
        if key in self.first_at:
            age = self.now() - self.first_at[key]
            if is_payout or (span is not None and age <= span):
                return
        self.first_at.setdefault(key, self.now())
        self.delivered[key] += 1

    def ask(self, how: str, letter: Letter) -> Any:
        """Answer as a sender would; a fault is drawn for each request."""
        fault = self._fault()
        if fault in BEFORE:
            return self._refusal(how, letter, fault)
        if how == "send":
            self._deliver(letter)
        if fault in {"slow", "slow_and_closed"}:
            self.wait(POLICY.lease_for + dt.timedelta(seconds=1))
        if fault == "garbage":
            return "<html>502</html>"
        if fault == "another":
            return self._good(attrs.evolve(letter, body=_other(letter), key="other"))
        if fault in {"closed_after", "raises", "slow_and_closed"}:
            return Unknown(fault)
        if how == "query" and not self.delivered[letter.key]:
            return self._no(letter, "never_seen", "retry")
        return self._good(letter)

    def _refusal(self, how: str, letter: Letter, fault: str) -> Any:
        code, action = {
            "busy": ("-1", "retry"),
            "minute": ("45011", "wait"),
            "token": ("40001", "stop"),
            "template": ("40037", "stop"),
            "refused": ("user_block", "drop"),
            "mend": ("47003", "mend"),
        }.get(fault, ("", ""))
        # Who has it may refuse a second one, but nobody says that it never came.
        asked = how == "query" or isinstance(letter.body, Payout)
        if not code or (fault == "refused" and asked and self.delivered[letter.key]):
            return Unknown(fault)
        return self._no(letter, code, action)

    def _no(self, letter: Letter, code: str, action: Any) -> NotSent | Refused:
        if isinstance(letter.body, Payout):
            return Refused(letter.key, code, code == "user_block", action)
        return NotSent(code, action)

    def _good(self, letter: Letter) -> Sent | Paid | Accepted:
        if not isinstance(letter.body, Payout):
            return Sent.of(letter.body, self.now(), key=letter.key)
        if self.fault_rate and self.rng.random() < 0.3:
            return Accepted(letter.key, self.now())
        reward = letter.body.reward
        return Paid(letter.key, self.now(), "r", getattr(reward, "fen", 0))


def _other(letter: Letter) -> Any:
    if isinstance(letter.body, Payout):
        return attrs.evolve(letter.body, number="other")
    return attrs.evolve(letter.body, user="somebody_else")


def hoped(letter: Letter, at: dt.datetime) -> Sent | Paid:
    """Return the answer that one hopes for."""
    if isinstance(letter.body, Payout):
        return Paid(letter.key, at, "r", getattr(letter.body.reward, "fen", 0))
    return Sent.of(letter.body, at, key=letter.key)


@attrs.frozen
class Steps:
    """How a worker goes about it; a mutant replaces one."""

    lease: Callable[..., Any] = lease
    begin: Callable[..., Any] = begin
    record: Callable[..., Any] = record
    holds: Callable[..., bool] = holds
    keep_enqueued: bool = True
    keep_begun: bool = True
    #: What a worker makes of an answer to a letter before it records it.
    read: Callable[[Any, Letter, dt.datetime], Any] = lambda answer, _, __: answer
    #: Under which letter a request goes out.
    send_as: Callable[[Letter, int], Letter] = lambda letter, _: letter
    records_first: bool = False


@attrs.define(slots=False)
class World:
    """A store, workers, a provider and a clock, all driven by one seed."""

    seed: int
    steps: Steps = attrs.field(factory=Steps)
    workers: int = 3
    at: dt.datetime = NOON
    disk: Outbox = attrs.field(factory=lambda: Outbox(POLICY))
    acked: dict[str, Letter] = attrs.field(factory=dict)
    crashes: int = 0
    made: int = 0
    took: dt.timedelta = dt.timedelta(0)

    def __attrs_post_init__(self) -> None:
        """Hire the workers."""
        self.rng = np.random.default_rng(self.seed)
        self.provider = Provider(self.rng, lambda: self.at, self.pass_time)
        self.crew: list[Iterator[None]] = [self.work() for _ in range(self.workers)]

    def pass_time(self, span: dt.timedelta) -> None:
        """Let time go by, or back."""
        self.at += span

    def enqueue(self, letters: list[Letter]) -> None:
        """Put letters in, and say so."""
        box = enqueue(self.disk, letters, self.at)
        if self.steps.keep_enqueued:
            self.disk = box
        self.acked |= {letter.key: letter for letter in letters}

    def work(self) -> Iterator[None]:
        """Work; where it yields, a worker may die, and another one goes on."""
        while True:
            yield from self.round()

    def round(self) -> Iterator[None]:
        """Take some letters, and work on each."""
        self.disk, leases = self.steps.lease(self.disk, self.at, limit=4)
        yield
        for key, fence in leases:
            if key in self.disk.rows:
                yield from self._deliver(key, fence)

    def _deliver(self, key: str, fence: int) -> Iterator[None]:
        steps = self.steps
        box, request = steps.begin(self.disk, key, fence, self.at, check=gate)
        if steps.keep_begun or request is None:
            self.disk = box
        yield
        if request is None or key not in self.disk.rows:
            return
        if steps.records_first:
            self.disk = self._record(key, fence, hoped(request.letter, self.at))
            yield
        letter = steps.send_as(request.letter, box.rows[key].attempts)
        answer = unasked(request.letter)
        if not steps.keep_begun or steps.holds(self.disk, key, fence, self.at):
            answer = self.provider.ask(request.how, letter)
        yield
        if key in self.disk.rows:
            self.disk = self._record(
                key, fence, steps.read(answer, request.letter, self.at)
            )
            yield

    def _record(self, key: str, fence: int, answer: Any) -> Outbox:
        if isinstance(answer, str):
            answer = Unknown("no outcome")
        found: Outbox = self.steps.record(
            self.disk, key, fence, answer, self.at, rng=self.rng
        )
        return found

    def storm(self, turns: int) -> None:
        """Let everything go wrong for a while."""
        for _ in range(turns):
            what = self.rng.random()
            who = int(self.rng.integers(self.workers))
            if what < 0.02 and self.made < 60:
                self.enqueue(messages(6, first=self.made))
                self.enqueue(payouts(2, first=self.made))
                # The caller heard nothing, and hands them in again.
                self.enqueue(messages(6, first=self.made))
                self.made += 6
            elif what < 0.06:
                self.crew[who] = self.work()
                self.crashes += 1
            elif what < 0.12:
                self.pass_time(dt.timedelta(seconds=float(self.rng.exponential(60))))
            elif what < 0.123:
                self.see_to_it()
            elif what < 0.13:
                hours = float(self.rng.uniform(-1, 72 if what < 0.125 else 1))
                self.pass_time(dt.timedelta(hours=hours))
            else:
                next(self.crew[who])

    def calm(self, *, revivals: int = 3) -> None:
        """Let nothing go wrong any more, until nothing is left to do."""
        self.provider.fault_rate = 0
        began = self.at
        for _ in range(revivals):
            self.see_to_it()
            self._drain()
        self.took = self.at - began

    def see_to_it(self) -> None:
        """Lift every stop, and revive every dead letter, as a person would."""
        for place in self.disk.breakers:
            self.disk = lift(self.disk, place)
        for row in list(self.disk.rows.values()):
            if row.state is State.DEAD:
                self.disk = revive(self.disk, row.key, self.at)

    def _drain(self) -> None:
        for _ in range(500):
            due = next_due(self.disk, self.at)
            if due is None:
                return
            self.at = max(self.at, due)
            for _ in self.round():
                pass

    def violations(self) -> list[str]:
        """Compare what the outbox says with what was delivered."""
        found = []
        for key in self.acked:
            times = self.provider.delivered[key]
            if times > 1:
                found.append(f"{key} was delivered {times} times")
            row = self.disk.rows.get(key)
            if row is None:
                found.append(f"{key} was lost")
            elif row.state is State.SENT and times == 0:
                found.append(f"{key} is said to have gone, and has not")
            elif row.state in {State.DROPPED, State.DIGEST} and times:
                found.append(f"{key} is said not to have gone, and has")
            elif row.state is State.MAYBE_SENT and isinstance(row.letter.body, Payout):
                found.append(f"{key} is money, and nobody knows")
        found += [
            told for letter in self.acked.values() for told in self._untimely(letter)
        ]
        strangers = self.provider.delivered.keys() - self.acked.keys()
        return [*found, *(f"{key} is nobody's letter" for key in sorted(strangers))]

    def _untimely(self, letter: Letter) -> Iterator[str]:
        """Yield what went although, or when, it should not have."""
        send, at = letter.body, self.provider.first_at.get(letter.key)
        if at is None or not isinstance(send, Send):
            return
        if send.topic in {"digest", "unwanted"}:
            yield f"{letter.key} went against the gate's word"
        if send.topic == "night" and at < MORNING:
            yield f"{letter.key} went at night"
        # Between the last look and the request there is at most a lease.
        if send.expires is not None and at >= send.expires + POLICY.lease_for:
            yield f"{letter.key} went after it had expired"

    def uncounted(self) -> list[str]:
        """Return the messages that went and that no history would count."""
        return [
            key
            for key, times in self.provider.delivered.items()
            if times
            and key in self.disk.rows
            and isinstance(self.acked[key].body, Send)
            and self.disk.rows[key].touch is None
        ]

    def unfinished(self) -> list[str]:
        """Return the letters that still wait, or are dead, after the calm."""
        rows = self.disk.rows.values()
        return [row.key for row in rows if not row.is_final or row.state is State.DEAD]

    def digest(self) -> str:
        """Return a hash of all that there is."""
        told = [repr(row) for row in self.disk.rows.values()]
        told += [repr(sorted(self.provider.delivered.items())), repr(self.at)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def run(seed: int, steps: Steps | None = None, *, turns: int = 400) -> World:
    """Return a world after a storm and a calm."""
    world = World(seed, steps or Steps())
    world.enqueue(messages(12))
    world.enqueue(payouts(3))
    world.made = 12
    world.storm(turns)
    world.calm()
    return world
