"""An outbox in a storm: a provider that fails in every way, crashes, clock jumps.

Then the storm ends, and every letter must end too. The invariants themselves are
tested by outboxes that are wrong on purpose: each must be noticed.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.delivery.faulty import FAULTS, POLICY, Steps, World, hoped, run
from wxengage.delivery.outbox.leasing import begin, lease
from wxengage.delivery.outbox.recording import record
from wxengage.delivery.outbox.shelf import Rows
from wxengage.delivery.outbox.states import FINAL, State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import Payout, Refused

if TYPE_CHECKING:
    from wxengage.delivery.outbox.box import Outbox
    from wxengage.delivery.ports import Letter

SEEDS = range(40)
LONG = dt.timedelta(days=60)


def noticed(world: World) -> list[str]:
    """Return everything that is wrong with a world after the calm."""
    late = [f"the calm took {world.took}"] if world.took > LONG else []
    return [*world.violations(), *world.unfinished(), *world.uncounted(), *late]


def test_nothing_is_lost_and_nothing_goes_twice() -> None:
    """Through every fault, crashes at any step, and a clock that jumps both ways."""
    faults: Counter[str] = Counter()
    for seed in SEEDS:
        world = run(seed)
        faults += world.provider.faults
        faults["crash"] += world.crashes

        assert [] == noticed(world), f"seed {seed}"
        assert {row.state for row in world.disk.rows.values()} <= FINAL

    assert {*FAULTS, "crash"} == set(faults)


@pytest.mark.torture
def test_nothing_is_lost_and_nothing_goes_twice_for_long() -> None:
    """Until a hundred thousand faults have been injected."""
    faults = seed = 0
    while faults < 100_000:
        seed += 1
        world = run(seed, turns=2_000)
        faults += world.provider.faults.total() + world.crashes
        assert [] == noticed(world), f"seed {seed}"


def test_a_seed_reproduces() -> None:
    """The same seed gives the same outbox, byte by byte; another one does not."""
    assert run(7).digest() == run(7).digest() != run(8).digest()


def test_what_went_is_counted_at_every_moment() -> None:
    """A cap never sees less than what went, also between request and answer."""
    world = World(3)
    run_letters = run(3, turns=0).acked
    world.enqueue(list(run_letters.values()))
    world.provider.fault_rate = 0.2
    for turn in range(600):
        next(world.crew[turn % world.workers])
        assert [] == world.uncounted()
        world.pass_time(dt.timedelta(seconds=1))
    assert world.provider.delivered.total() > 0


# Outboxes that are wrong on purpose.


def another_key(letter: Letter, attempt: int) -> Letter:
    """Give each attempt a key of its own, as wechatpy's red packets do."""
    key = f"{letter.key[:20]}n{attempt}"
    body: Any = letter.body
    if isinstance(body, Payout):
        body = attrs.evolve(body, number=key)
    return attrs.evolve(letter, body=body, key=key)


def failed(answer: Any, letter: Letter, _: dt.datetime) -> Any:
    """Take silence for a failure that may be tried again."""
    if not isinstance(answer, Unknown | str):
        return answer
    if isinstance(letter.body, Payout):
        return Refused(letter.key, "timeout", final=True, action="drop")
    return NotSent("timeout", "retry")


def failed_for_good(answer: Any, letter: Letter, now: dt.datetime) -> Any:
    """Take silence for a failure for good."""
    found = failed(answer, letter, now)
    silent = isinstance(found, NotSent) and found.code == "timeout"
    return NotSent("SYSTEMERROR", "drop") if silent else found


def trusting(answer: Any, letter: Letter, now: dt.datetime) -> Any:
    """Take whatever came back for a success."""
    return hoped(letter, now) if isinstance(answer, Unknown | str) else answer


def leased_for_ever(box: Outbox, now: dt.datetime, **how: Any) -> Any:
    """Lease without an end."""
    policy = attrs.evolve(box.policy, lease_for=dt.timedelta(days=3650))
    return lease(attrs.evolve(box, policy=policy), now, **how)


def leased_as_if_keyed(box: Outbox, now: dt.datetime, **how: Any) -> Any:
    """Believe that every channel honours keys."""
    keyed = MappingProxyType({**POLICY.keyed, "customer_message": LONG})
    policy = attrs.evolve(box.policy, keyed=keyed)
    return lease(attrs.evolve(box, policy=policy), now, **how)


def leased_without_memory(box: Outbox, now: dt.datetime, **how: Any) -> Any:
    """Forget that a request had begun when its worker died."""
    lost = [
        attrs.evolve(row, state=State.DUE, lease_until=None)
        for row in box.rows.values()
        if row.state is State.SENDING
    ]
    return lease(box.with_rows(lost), now, **how)


def begun_without_gate(*lease_and_now: Any, check: Any) -> Any:  # noqa: ARG001
    """Ask the gate when planning, and never again."""
    return begin(*lease_and_now)


def recorded_over_facts(
    box: Outbox, key: str, fence: int, answer: Any, now: dt.datetime, **how: Any
) -> Outbox:
    """Let a late silence put a letter back, whatever has become of it."""
    after = record(box, key, fence, answer, now, **how)
    if after is box and isinstance(answer, Unknown):
        row = attrs.evolve(box.row(key), state=State.DUE, doubt_since=None)
        return box.with_rows([row])
    return after


def recorded_without_doubt(
    box: Outbox, key: str, fence: int, answer: Any, now: dt.datetime, **how: Any
) -> Outbox:
    """Forget, at a refusal, that an earlier request may have gone."""
    if isinstance(answer, NotSent) and box.row(key).state is State.SENDING:
        box = box.with_rows([attrs.evolve(box.row(key), doubt_since=None)])
    return record(box, key, fence, answer, now, **how)


def recorded_silently(
    box: Outbox, key: str, fence: int, answer: Any, now: dt.datetime, **how: Any
) -> Outbox:
    """Give a letter up at the first failure, and tell nobody."""
    if isinstance(answer, Unknown):
        left = [row for row in box.rows.values() if row.key != key]
        return attrs.evolve(box, rows=Rows().changed(left))
    return record(box, key, fence, answer, now, **how)


MUTANTS = {
    "a new number on each attempt": Steps(send_as=another_key),
    "sent is noted before the request": Steps(records_first=True),
    "a time-out is a failure": Steps(read=failed),
    "SYSTEMERROR is a failure for good": Steps(read=failed_for_good),
    "a lease never runs out": Steps(lease=leased_for_ever),
    "a late unknown overwrites a fact": Steps(record=recorded_over_facts),
    "acknowledged before it is on disk": Steps(keep_enqueued=False),
    "any answer is a success": Steps(read=trusting),
    "given up silently": Steps(record=recorded_silently),
    "the request leaves before it is noted": Steps(keep_begun=False),
    "a message without a key is repeated": Steps(lease=leased_as_if_keyed),
    "a request of a dead worker is forgotten": Steps(lease=leased_without_memory),
    "a refusal clears an earlier doubt": Steps(record=recorded_without_doubt),
    "the gate is not asked at send time": Steps(begin=begun_without_gate),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_an_outbox_that_is_wrong_is_noticed(name: str) -> None:
    """The invariants see each of these, or they would be worth nothing."""
    assert any(noticed(run(seed, MUTANTS[name])) for seed in SEEDS)
