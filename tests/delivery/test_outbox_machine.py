"""Any order of operations: hypothesis looks for the shortest one that breaks a law.

The reference keeps nothing but what was asked of the provider and what was told.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.delivery.faulty import Provider, gate, messages, payouts
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Outbox, enqueue, lift
from wxengage.delivery.outbox.checkup import health
from wxengage.delivery.outbox.leasing import Lease, begin, holds, lease, next_due
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.recording import record, revive, unasked
from wxengage.delivery.outbox.states import FINAL, TRANSITIONS, State
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Payout

START = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
LETTERS = [*messages(6), *payouts(2)]
POLICY = OutboxPolicy(
    keyed={"mass_send": dt.timedelta(days=1), "app_push": dt.timedelta(days=3650)},
    backoff=Backoff(dt.timedelta(seconds=5)),
    lease_for=dt.timedelta(minutes=2),
    attempts=3,
    trips_after=2,
)


@attrs.frozen
class Working:
    """A letter in the hands of a worker."""

    lease: Lease
    answer: Any = None
    asked: bool = False


class Outboxes(RuleBasedStateMachine):
    """Letters in, workers that come and go, a provider that fails."""

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.box = Outbox(POLICY)
        self.now = START
        self.hands: list[Working] = []
        self.rng = np.random.default_rng(0)
        self.provider = Provider(self.rng, lambda: self.now, self.wait, fault_rate=0)
        self.fences: dict[str, int] = {}

    def wait(self, span: dt.timedelta) -> None:
        """Let time go by."""
        self.now += span

    @rule(which=st.integers(0, len(LETTERS) - 1))
    def put_in(self, which: int) -> None:
        """Hand a letter in, again and again."""
        self.box = enqueue(self.box, [LETTERS[which]], self.now)

    @rule(limit=st.integers(1, 3))
    def take(self, limit: int) -> None:
        """Lease some letters."""
        self.box, leases = lease(self.box, self.now, limit=limit)
        for one in leases:
            assert one.fence > self.fences.get(one.key, 0)
            self.fences[one.key] = one.fence
            self.hands.append(Working(one))

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), fault=st.sampled_from([0.0, 1.0]), seed=st.integers(0, 99))
    def ask(self, data: st.DataObject, fault: float, seed: int) -> None:
        """Begin a request, and ask; the answer is in the worker's hands."""
        place = data.draw(st.integers(0, len(self.hands) - 1))
        one = self.hands.pop(place)
        if one.asked:
            self.hands.append(one)
            return
        self.box, request = begin(self.box, *one.lease, self.now, check=gate)
        if request is None:
            return
        answer: Any = unasked(request.letter)
        if holds(self.box, *one.lease, self.now):
            self.provider.rng = np.random.default_rng(seed)
            self.provider.fault_rate = fault
            answer = self.provider.ask(request.how, request.letter)
        if isinstance(answer, str):
            answer = Unknown("no outcome")
        self.hands.append(Working(one.lease, answer, asked=True))

    @precondition(lambda self: any(one.asked for one in self.hands))
    @rule(data=st.data())
    def write_down(self, data: st.DataObject) -> None:
        """Record an answer, in any order."""
        asked = [one for one in self.hands if one.asked]
        one = data.draw(st.sampled_from(asked))
        self.hands.remove(one)
        self.box = record(self.box, *one.lease, one.answer, self.now, rng=self.rng)

    @precondition(lambda self: self.hands)
    @rule()
    def die(self) -> None:
        """Lose a worker with all that it knows."""
        self.hands.pop()

    @rule(minutes=st.sampled_from([-60, -1, 1, 3, 60, 24 * 60]))
    def tick(self, minutes: int) -> None:
        """Let the clock go on, or back."""
        self.now += dt.timedelta(minutes=minutes)

    @rule()
    def look(self) -> None:
        """Let a person look."""
        for place in self.box.breakers:
            self.box = lift(self.box, place)
        for row in list(self.box.rows.values()):
            if row.state is State.DEAD:
                self.box = revive(self.box, row.key, self.now)

    @invariant()
    def nothing_goes_twice(self) -> None:
        """Not even what may be repeated."""
        assert all(times == 1 for times in self.provider.delivered.values())

    @invariant()
    def states_are_of_the_table(self) -> None:
        """Each row is in a state, and what has gone is told."""
        for key, row in self.box.rows.items():
            went = self.provider.delivered[key]
            assert row.state in TRANSITIONS
            assert row.state is not State.SENT or went
            if isinstance(row.letter.body, Payout):
                assert row.state is not State.MAYBE_SENT
            elif went:
                assert row.touch is not None

    @invariant()
    def health_is_the_sum(self) -> None:
        """Every letter is counted once, and there is work unless all is final."""
        found = health(self.box, self.now)
        assert len(self.box) == sum(found.counts.values())
        waiting = [row for row in self.box.rows.values() if not row.is_final]
        assert waiting or found.next_due is None

    def teardown(self) -> None:
        """Stop the faults: everything must come to an end."""
        self.hands.clear()
        self.provider.fault_rate = 0
        for _ in range(2):
            self.look()
            for _ in range(200):
                due = next_due(self.box, self.now)
                if due is None:
                    break
                self.now = max(self.now, due)
                self.take(3)
                for one in self.hands:
                    self.box, request = begin(
                        self.box, *one.lease, self.now, check=gate
                    )
                    if request is not None:
                        answer = self.provider.ask(request.how, request.letter)
                        self.box = record(
                            self.box, *one.lease, answer, self.now, rng=self.rng
                        )
                self.hands.clear()
        self.nothing_goes_twice()
        self.states_are_of_the_table()
        ends = {row.state for row in self.box.rows.values()}
        assert ends <= FINAL - {State.DEAD}


TestOutboxes = Outboxes.TestCase
TestOutboxes.settings = settings(max_examples=60, stateful_step_count=40)
