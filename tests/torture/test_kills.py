"""Processes of a shop are killed with kill -9, and nothing is lost or paid twice.

Two of them pay, one tells events, one lets time pass and looks after what is stuck;
the real wechatpy talks to a fake WeChat that fails in every way, is never killed and
knows what went. When the kills and the faults stop, everything must come to its end.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import Final

import pytest

from tests.stores.servers import crash, postgres_server
from tests.torture.workers.lives import Life
from tests.torture.workers.places import an_empty_store
from tests.torture.workers.shops import tell_too_early

pytest.importorskip("wechatpy", reason="wechatpy is not installed")

#: Budgets, as shares of what is owed in the end.
SHARES: Final = (0.3, 0.7, 1.0)
#: A process of a server's client takes longer to begin, and to do anything.
MEANS: Final = {
    "sqlite": dt.timedelta(milliseconds=25),
    "postgresql": dt.timedelta(milliseconds=50),
    "mysql": dt.timedelta(milliseconds=50),
}


def lives(engine: str, kills: int, *, each: int = 100) -> int:
    """Let shops live until there were so many kills; return how many."""
    done = seed = 0
    while done < kills:
        with an_empty_store(engine) as (store, folder):
            life = Life(store, folder, seed, share=SHARES[seed % 3], inviters=30)
            report = life.live(min(each, kills - done), mean=MEANS[engine])
        print(f"{engine}, {report}")  # noqa: T201  numbers
        done, seed = done + report.torment.total, seed + 1
    return done


def test_processes_that_are_killed_lose_nothing_and_pay_nobody_twice() -> None:
    """Some 25 kills."""
    with an_empty_store("sqlite") as (store, folder):
        report = Life(store, folder, seed=1, share=0.7, inviters=12).live(25)
    print(report)  # noqa: T201  numbers

    assert report.paid > 0
    assert report.fen <= report.budget < report.need
    assert report.states["unfunded"] > 0
    assert 25 == report.torment.total


@pytest.mark.torture
@pytest.mark.parametrize(
    ("engine", "kills"), [("sqlite", 1_000), ("postgresql", 200), ("mysql", 100)]
)
def test_after_many_kills_everybody_has_what_is_owed(engine: str, kills: int) -> None:
    """Some thousand kills, with budgets of a third, two thirds and all of it."""
    assert kills <= lives(engine, kills)


@pytest.mark.torture
def test_who_acknowledges_before_it_is_kept_is_found_out() -> None:
    """The torment itself is tried: an event is missed that was acknowledged."""
    with an_empty_store("sqlite") as (store, folder):
        life = Life(store, folder, seed=1, inviters=30, teller=tell_too_early)
        with pytest.raises(AssertionError, match="was acknowledged, and is lost"):
            life.live(100)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(3))
def test_a_database_that_crashes_besides_loses_nothing(seed: int) -> None:
    """PostgreSQL is stopped at once, as by a loss of power of its own, five times."""
    fall = functools.partial(crash, postgres_server())
    with an_empty_store("postgresql") as (store, folder):
        life = Life(store, folder, seed, share=SHARES[seed], restless=True, inviters=30)
        report = life.live(60, crashes=[fall] * 5)
    print(f"5 crashes, {report}")  # noqa: T201  numbers

    assert 0 < report.torment.total
