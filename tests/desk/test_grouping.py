"""Callers that come at once share a transaction, and answer for themselves alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.desk.desks import OPENS, Clock, invited, opened, referral
from wxengage.desk.grouping import Group
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_every_caller_gets_its_own_result_and_batches_grow_while_one_is_done() -> None:
    """Sixteen callers behind one that is slow are done in one batch."""
    sizes: list[int] = []
    first, rest = threading.Event(), threading.Event()

    def work(given: Sequence[int]) -> list[int]:
        sizes.append(len(given))
        if len(sizes) == 1:
            first.set()
            assert rest.wait(10)
        return [one * 10 for one in given]

    group = Group(work)
    with ThreadPoolExecutor(17) as pool:
        leader = pool.submit(group.do, 0)
        assert first.wait(10)
        others = [pool.submit(group.do, one) for one in range(1, 17)]
        while len(group._queue) < 16:
            pass
        rest.set()
        assert [one * 10 for one in range(17)] == [
            one.result(10) for one in [leader, *others]
        ]
    assert [1, 16] == sizes


def test_one_that_is_refused_takes_nobody_else_with_it() -> None:
    """A batch in which one is refused is done one by one."""

    def work(given: Sequence[int]) -> list[int]:
        if 13 in given:
            raise ValueError(13)
        return list(given)

    group = Group(work)

    def told(one: int) -> int | str:
        try:
            return group.do(one)
        except ValueError as error:
            return f"refused {error}"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(told, range(100)))
    expected = [f"refused {one}" if one == 13 else one for one in range(100)]
    assert expected == found


def test_threads_that_record_at_once_leave_what_one_would_have_left(
    where: str, clock: Clock
) -> None:
    """Eight threads, each event told twice: every event once, one reward each."""
    events = [
        event
        for inviter in ("ada", "bob", "cy", "dan")
        for event in invited(inviter, 3, OPENS)
    ]
    with opened(where, clock, group_commit=True) as desk:
        desk.backfill([])
        desk.publish(referral())
        with ThreadPoolExecutor(8) as pool:
            receipts = list(pool.map(desk.record, [*events, *events]))
        assert len(events) == sum(not receipt.duplicate for receipt in receipts)
        granted = [
            fact.user
            for receipt in receipts
            for fact in receipt.facts
            if fact.kind == "granted"
        ]
        assert ["ada", "bob", "cy", "dan"] == sorted(granted)
        with pytest.raises(InvalidInputError):
            desk.record(Event("like", user=7, at=OPENS))
        assert () == desk.audit()
