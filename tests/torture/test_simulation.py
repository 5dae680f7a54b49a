"""A desk in a storm, by a seed: nothing is lost, and nothing is paid twice.

What must hold is judged by ``wxengage.testing.checkers`` and by a model of the
campaigns that was written apart from them. That the storm finds what is wrong is
tested by what is wrong on purpose.
"""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

from tests.torture import story
from wxengage.campaigns.facts import GRANTED, REWARD_KINDS
from wxengage.delivery.outbox.rows import OutboxRow
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Paid, Payout, Refused
from wxengage.desk import folding, granting, recording
from wxengage.desk.opening import open_desk
from wxengage.desk.rows import event_of, fact_of
from wxengage.ledger.states import State
from wxengage.testing.checkers import check_finished, check_safety, stored_events
from wxengage.testing.provider import PROVIDER_FAULTS
from wxengage.testing.simulation import Simulation, Storm
from wxengage.testing.stage import SteppedStore

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from wxengage.testing.provider import FaultyProvider

ROOT = Path(__file__).parents[2]
STORM = Storm(requests=0.8, crashes=0.05, jumps=0.01, undone=0.2, lost=0.04)
TURNS = 4_000
SHORT = 800
LONG = pytest.mark.torture
KINDS = ("jump of the clock", "transaction undone", "answer to commit lost")
# Tells the digest of one short run, in a process where sets have another order.
TELLS = """
from tests.torture.test_simulation import SHORT, simulated, story
sim = simulated(5, events=story.events(5, 60))
sim.rage(SHORT)
sim.calm()
print(sim.digest())
sim.close()
"""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep what the desk logs of thousands of faults to itself."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def simulated(seed: int, url: str = "memory://", **more: Any) -> Simulation:
    """Return a shop that is about to meet a storm."""
    given: dict[str, Any] = {
        "events": story.events(seed),
        "settings": story.SETTINGS,
        "start": story.start,
        "at": story.OPENS,
        "url": url,
        "storm": STORM,
    }
    return Simulation(seed, **{**given, **more})


def wrong(sim: Simulation, turns: int = TURNS) -> list[str]:
    """Return all that is wrong in a run, in the storm and after it."""
    found = []
    for _ in range(2):
        sim.rage(turns // 2)
        safe = check_safety(sim.store, sim.provider, acked=sim.acked)
        found += [f"in the storm: {one}" for one in safe]
    # In every second run money is short to the end.
    if not sim.calm(budget=3_000 if sim.seed % 2 else None):
        found.append("it does not come to an end")
    owed = story.owed(stored_events(sim.store), sim.clock())
    done = check_finished(sim.store, sim.provider, owed, acked=sim.acked)
    found += [f"at the end: {one}" for one in done]
    found += [f"by the audit: {one}" for one in sim.desk().audit()]
    if sim.acked.keys() != {event.id for event in story.events(sim.seed)}:
        found.append("something was never acknowledged")
    return found


# --- the storm ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "seeds"), [("memory://", range(5)), ("sqlite://", range(5, 6))]
)
def test_a_storm_loses_nothing_and_pays_nothing_twice(
    url: str, seeds: range, capsys: pytest.CaptureFixture[str]
) -> None:
    """Processes die, commits get lost, clocks jump, the provider lies: it holds."""
    met, paid = weathered(url, seeds)

    with capsys.disabled():
        sys.stdout.write(f"\n{url}: {met.total():,} faults, {paid} payments ")
    # A storm that spares something proves nothing about it.
    assert {"crash", *KINDS} == set(met) - set(PROVIDER_FAULTS)
    assert len(PROVIDER_FAULTS) - len(met.keys() & set(PROVIDER_FAULTS)) < 4
    assert 10 * len(seeds) < paid


def weathered(url: str, seeds: Iterable[int], most: int = 10**9) -> tuple[Any, int]:
    """Return what was met in runs of which nothing was wrong, and what was paid."""
    met: Counter[str] = Counter()
    paid = 0
    for seed in seeds:
        if met.total() >= most:
            break
        with simulated(seed, url) as sim:
            assert [] == wrong(sim), f"seed {seed}"
            met += sim.met + sim.provider.met
            paid += sum(one.is_taken for one in sim.provider.payments.values())
    return met, paid


@pytest.mark.torture
@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
def test_a_hundred_thousand_faults(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As above, for long; the numbers are printed."""
    most = 80_000 if url == "memory://" else 20_000
    met, paid = weathered(url, itertools.count(1_000 if most > 20_000 else 10**6), most)

    with capsys.disabled():
        sys.stdout.write(f"\n{url}: {met.total():,} faults, {paid:,} payments: ")
        sys.stdout.write(f"{dict(met)}\n")
    assert met.total() >= most


# --- the same again -------------------------------------------------------------------


def test_the_same_seed_is_the_same_history_everywhere() -> None:
    """On any store, and in a process where sets have another order."""
    other = subprocess.Popen(
        [sys.executable, "-c", TELLS],
        env={**os.environ, "PYTHONHASHSEED": "4711", "OPENBLAS_NUM_THREADS": "1"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    digests = []
    for seed, url in ((5, "memory://"), (5, "sqlite://"), (6, "memory://")):
        with simulated(seed, url, events=story.events(seed, 60)) as sim:
            sim.rage(SHORT)
            sim.calm()
            digests.append(sim.digest())
    told, _ = other.communicate()

    assert digests[0] == digests[1] == told.strip()
    assert digests[0] != digests[2]


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=LONG) for seed in range(1, 9))]
)
def test_what_is_owed_does_not_depend_on_the_order_of_news(seed: int) -> None:
    """Told late, twice and in any order, the same events owe the same."""
    with simulated(seed) as sim:
        sim.rage(SHORT)
        sim.calm()
        rows = [row for row in sim.rows("event") if not row[13]]
        first, now = _rewards(sim.rows("fact")), sim.clock()
    rng = np.random.default_rng(seed)
    told = [event_of(row) for row in rows for _ in range(2)]
    order = [told[int(place)] for place in rng.permutation(len(told))]

    with open_desk("memory://", merchant="1900000109", clock=lambda: now) as desk:
        story.start(desk)
        for start in range(0, len(order), 7):
            desk.record_many(order[start : start + 7])
        desk.tick()
        page = desk.store.run(lambda tx: tx.walk("fact"), write=False)
        again = _rewards(list(page))

    assert first
    assert first == again


def _rewards(rows: list[Any]) -> set[tuple[str, str, str]]:
    net: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        fact = fact_of(row).fact
        if fact.kind in REWARD_KINDS:
            place = (fact.campaign, fact.user, str(fact.reward_key))
            net[place] += 1 if fact.kind == GRANTED else -1
    return {place for place, times in net.items() if times}


# --- the storm finds what is wrong on purpose -----------------------------------------


@attrs.frozen
class Adapter:
    """An adapter between a desk and a provider, as somebody might write it."""

    provider: FaultyProvider

    def pay(self, payout: Payout, now: dt.datetime) -> Any:
        """Ask to pay."""
        return self.provider.pay(payout, now)

    def query(self, payout: Payout, now: dt.datetime) -> Any:
        """Ask what became of a number."""
        return self.provider.query(payout, now)


class FreshNumbers(Adapter):
    """Takes another number for each request, as wechatpy does by itself."""

    def pay(self, payout: Payout, now: dt.datetime) -> Any:
        """Ask to pay, and tell the answer under the number that was asked for."""
        made = len(self.provider.payments)
        other = attrs.evolve(payout, number=f"{payout.number[:-5]}{made:05d}")
        answer = self.provider.pay(other, now)
        known = isinstance(answer, Paid) and answer.number == other.number
        return attrs.evolve(answer, number=payout.number) if known else answer


class TimeoutsFail(Adapter):
    """Takes what it does not know for a failure."""

    def pay(self, payout: Payout, now: dt.datetime) -> Any:
        """Ask to pay; whatever is no answer is a refusal."""
        try:
            answer = self.provider.pay(payout, now)
        except ConnectionError:
            answer = Unknown("cut off")
        if isinstance(answer, Unknown):
            return Refused(payout.number, "timeout", final=True, action="drop")
        return answer


class SystemErrorsFail(Adapter):
    """Takes SYSTEMERROR for a failure."""

    def pay(self, payout: Payout, now: dt.datetime) -> Any:
        """Ask to pay; an error of the provider is a refusal."""
        answer = self.provider.pay(payout, now)
        if isinstance(answer, Unknown) and "system" in answer.because:
            return Refused(payout.number, "SYSTEMERROR", final=True, action="drop")
        return answer


class TrustsAnything(Adapter):
    """Takes any body for a success, as one does who looks for no exception."""

    def pay(self, payout: Payout, now: dt.datetime) -> Any:
        """Ask to pay; what raises nothing has paid."""
        answer = self.provider.pay(payout, now)
        if isinstance(answer, str | bytes):
            fen = getattr(payout.reward, "fen", 0)
            return Paid(payout.number, now, "", fen)
        return answer


def found_in(seeds: range, **more: Any) -> list[str]:
    """Return what the first run finds that finds anything."""
    for seed in seeds:
        with simulated(seed, **more) as sim:
            try:
                found = wrong(sim, 2_000)
            except Exception as error:  # noqa: BLE001  a constraint may be the first
                found = [f"raised {type(error).__name__}: {error}"]
        if found:
            return found
    return []


@pytest.mark.parametrize(
    ("adapter", "invariant"),
    [
        (FreshNumbers, "I5"),
        (TimeoutsFail, "I6"),
        pytest.param(SystemErrorsFail, "I6", marks=LONG),
        pytest.param(TrustsAnything, "I6", marks=LONG),
    ],
)
def test_a_wrong_adapter_is_found(adapter: type[Adapter], invariant: str) -> None:
    """Four ways to pay twice, or never, that people have written."""
    found = found_in(range(40, 44), adapter=adapter)

    assert any(f"invariant='{invariant}'" in one for one in found), found


def test_acknowledging_before_the_commit_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever says that it is kept must have kept it."""
    honest = SteppedStore.run

    def hasty(self: Any, work: Any, *, write: bool = True) -> Any:
        lose = write and self._process.name == "ingest" and self._rng.random() < 0.1
        if not lose:
            return honest(self, work, write=write)
        kept: list[Any] = []

        def undone(tx: Any) -> None:
            kept.append(work(tx))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self._store.run(undone)
        return kept[0]

    monkeypatch.setattr(SteppedStore, "run", hasty)

    found = found_in(range(40, 44))

    assert any("invariant='I7'" in one or "is new again" in one for one in found)


@LONG
def test_a_lease_that_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a dead worker had would wait for ever."""
    monkeypatch.setattr(
        OutboxRow, "held", lambda self, *_: self.lease_until is not None
    )
    monkeypatch.setattr("wxengage.desk.sending.expired", lambda *_: ())

    found = found_in(range(40, 44))

    assert any("invariant='I8'" in one or "an end" in one for one in found), found


def test_a_promise_without_money_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Money that is not set aside is promised twice."""

    def careless(journal: Any, record: Any, at: dt.datetime, **_: Any) -> Any:
        del journal
        return attrs.evolve(record, state=State.RESERVED, at=at)

    monkeypatch.setattr(granting, "reserve", careless)

    found = found_in(range(40, 44))

    assert found


@LONG
def test_a_reward_that_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event is kept, and what follows from it is not."""
    honest = folding.folder_of

    def forgetful(unit: Any, settings: Any, one: Any) -> Any:
        folder = honest(unit, settings, one)
        fold = folder.fold

        def sometimes(event: Any, *rest: Any, **more: Any) -> Any:
            if str(getattr(event, "id", "")).endswith("7"):
                return ()
            return fold(event, *rest, **more)

        if "fold" not in vars(folder):
            folder.fold = sometimes  # type: ignore[method-assign]  # a mutant
        return folder

    monkeypatch.setattr(recording, "folder_of", forgetful)

    found = found_in(range(40, 44))

    assert any("invariant='I3'" in one for one in found), found
