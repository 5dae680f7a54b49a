"""The desk, awaited: the same methods, and nothing begun is lost."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.desks import MERCHANT, OPENS, Clock, address, invited, referral
from wxengage.desk.asynchronous import AsyncDesk, open_desk_async
from wxengage.desk.desk import Desk
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.campaigns.facts import Fact


async def opened_async(where: str, clock: Clock) -> AsyncDesk:
    """Return a desk to be awaited."""
    return await open_desk_async(where, merchant=MERCHANT, clock=clock, processes="one")


def test_every_method_can_be_awaited() -> None:
    """Whatever the desk does, it does without blocking a loop."""
    public = {
        name
        for name, member in inspect.getmembers(Desk, inspect.isfunction)
        if not name.startswith("_")
    }
    awaited = {name for name in dir(AsyncDesk) if not name.startswith("_")}
    assert set() == public - awaited


@pytest.mark.parametrize("name", ["record", "dispatch", "erase", "export"])
def test_a_method_says_what_it_does(name: str) -> None:
    """Signature and text are those of the desk's own method."""
    desk = AsyncDesk.__new__(AsyncDesk)
    wanted = inspect.signature(getattr(Desk, name)).parameters
    found = inspect.signature(getattr(desk, name)).parameters
    assert set(wanted) - {"self"} == set(found) - {"self"}
    assert getattr(desk, name).__doc__
    assert inspect.iscoroutinefunction(getattr(desk, name))


def test_a_campaign_runs_awaited(where: str, clock: Clock) -> None:
    """End to end, with the answers of the desk itself."""

    async def work() -> tuple[Any, Any]:
        async with await opened_async(where, clock) as desk:
            await desk.backfill([])
            await desk.publish(referral())
            receipts = await desk.record_many(invited("ada", 3, OPENS))
            found = await desk.progress("ada")
            table = await desk.export("payouts")
            assert receipts.new == len((await desk.export("events")).columns["id"])
            assert () == await desk.audit()
            return found, table

    found, table = asyncio.run(work())
    assert 3 == found["spring"].count
    assert ["reserved"] == table.columns["state"].tolist()


def test_an_error_comes_through(clock: Clock) -> None:
    """As the desk raised it."""

    async def work() -> None:
        async with await opened_async("memory://", clock) as desk:
            await desk.pause("spring", by="ops", reason="a look")

    with pytest.raises(InvalidInputError, match="campaign"):
        asyncio.run(work())


def test_many_at_once_are_each_told_once(where: str, clock: Clock) -> None:
    """A hundred callbacks, each delivered three times."""

    async def work() -> tuple[int, int]:
        async with await opened_async(where, clock) as desk:
            receipts = await asyncio.gather(
                *(
                    desk.record(Event("like", user="ada", at=OPENS, id=str(row % 100)))
                    for row in range(300)
                )
            )
            rows = len((await desk.export("events")).columns["id"])
            return sum(not one.duplicate for one in receipts), rows

    assert (100, 100) == asyncio.run(work())


class Slow:
    """A hook that takes its time, and says when it was entered."""

    def __init__(self, *, fails: bool = False) -> None:
        self.entered = threading.Event()
        self.done = threading.Event()
        self.fails = fails

    def __call__(self, _: Any) -> str | None:
        """Keep nothing held, after a while."""
        self.entered.set()
        time.sleep(0.2)
        self.done.set()
        if self.fails:
            raise RuntimeError("no more")
        return None


async def cancelled_in(desk: AsyncDesk, slow: Slow, times: int) -> None:
    """Record until the hold is entered, and cancel whoever waits."""
    await desk.backfill([])
    await desk.publish(referral())
    task = asyncio.create_task(desk.record_many(invited("ada", 3, OPENS)))
    await asyncio.to_thread(slow.entered.wait)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("times", [1, 3])
def test_what_was_begun_is_finished(where: str, clock: Clock, times: int) -> None:
    """Whoever is cancelled hears of it when the work is done, and it is done."""
    slow = Slow()

    async def work() -> int:
        desk = await open_desk_async(
            where, merchant=MERCHANT, clock=clock, processes="one", hold=slow
        )
        async with desk:
            await cancelled_in(desk, slow, times)
            assert slow.done.is_set()
            return len((await desk.export("events")).columns["id"])

    assert 6 == asyncio.run(work())


def test_a_failure_that_nobody_waits_for_is_logged(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the log, and what was kept before it stays."""
    slow = Slow(fails=True)

    def told(fact: Fact) -> None:
        slow(fact)

    async def work() -> int:
        desk = await open_desk_async(
            "memory://",
            merchant=MERCHANT,
            clock=clock,
            on_fact=told,
        )
        async with desk:
            await cancelled_in(desk, slow, 1)
            return len((await desk.export("events")).columns["id"])

    with caplog.at_level(logging.WARNING, "wxengage.desk"):
        assert 6 == asyncio.run(work())
    assert ["wxengage.desk"] == [record.name for record in caplog.records]


def test_the_loop_goes_on_meanwhile(clock: Clock) -> None:
    """A slow transaction does not hold up anybody else."""
    slow = Slow()

    async def work() -> int:
        desk = await open_desk_async(
            "memory://", merchant=MERCHANT, clock=clock, hold=slow
        )
        async with desk:
            await desk.backfill([])
            await desk.publish(referral())
            task = asyncio.create_task(desk.record_many(invited("ada", 3, OPENS)))
            beats = 0
            while not task.done():
                await asyncio.sleep(0.005)
                beats += 1
            await task
            return beats

    assert asyncio.run(work()) >= 10


def test_both_desks_are_one(tmp_path: Path, clock: Clock) -> None:
    """What one keeps the other knows."""

    async def work() -> None:
        async with await opened_async(address("sqlite", tmp_path), clock) as desk:
            await desk.keep("prize", Cash(100))
            found = desk.desk.kept("prize")
            assert found is not None
            assert Cash(100) == found.state
            assert "AsyncDesk" in repr(desk)

    asyncio.run(work())
