"""Processes that race for the last of a budget get all of it, and not a fen more."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.torture.workers.places import an_empty_store
from tests.torture.workers.racers import (
    PRICE,
    RACERS,
    beginning,
    campaign,
    desk_of,
    ready,
    run,
)
from tests.torture.workers.shops import payouts
from wxengage.testing.checkers import check_safety
from wxengage.testing.killing import Job, KillRunner

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.desk.desk import Desk

ENGINES = ("sqlite", "postgresql", "mysql")


def race(store: str, folder: Path, budget: int, each: int) -> float:
    """Let all race; return how long it took, after what must hold was looked at."""
    with desk_of(store) as desk:
        desk.backfill([])
        desk.publish(campaign(), budget=budget)
        desk.record_many(beginning(each))
        assert 0 == desk.store.run(lambda tx: tx.count("payout"), write=False)
    jobs = [
        Job(
            f"racer-{who}", run, (store, who, each, folder), ready if who == 0 else None
        )
        for who in range(RACERS)
    ]
    with KillRunner(jobs) as runner:
        while len(list(folder.glob("ready-*"))) < RACERS:
            assert not runner.returned()
            time.sleep(0.01)
        began = time.monotonic()
        (folder / "go").touch()
        assert runner.wait(dt.timedelta(seconds=60))
        took = time.monotonic() - began
    with desk_of(store) as desk:
        _look(desk, folder, budget, RACERS * each + 1)
    return took


def _look(desk: Desk, folder: Path, budget: int, inviters: int) -> None:
    granted = budget // PRICE
    states = Counter(record.state.value for record in payouts(desk))
    assert {"reserved": granted, "unfunded": inviters - granted} == states
    (line,) = desk.statement("spring").lines
    assert (budget, granted * PRICE) == (line.funded, line.reserved)
    assert budget - granted * PRICE == line.budget
    assert granted == desk.store.run(lambda tx: tx.count("letter"), write=False)
    # Of the one event that all have told, one was the first.
    news = [int(path.read_text(encoding="utf-8")) for path in folder.glob("news-*")]
    assert (RACERS, inviters) == (len(news), sum(news))
    assert () == desk.audit()
    assert () == check_safety(desk.store)


@pytest.mark.parametrize("engine", ENGINES)
def test_sixteen_processes_share_the_last_budget_to_the_fen(engine: str) -> None:
    """Money for 20 of 33 who qualify at once, and half of another one's."""
    with an_empty_store(engine) as (store, folder):
        took = race(store, folder, 20 * PRICE + PRICE // 2, each=2)
    print(f"{engine}: 33 invites in {took:.2f} s")  # noqa: T201  numbers


@pytest.mark.torture
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("turn", range(20))
def test_sixteen_processes_share_the_last_budget_each_time(
    engine: str, turn: int
) -> None:
    """From money for nobody to money for all but one of 65."""
    budget = turn * 64 * PRICE // 19
    with an_empty_store(engine) as (store, folder):
        took = race(store, folder, budget, each=4)
    print(f"{engine}, {budget} fen: 65 invites in {took:.2f} s")  # noqa: T201  numbers
