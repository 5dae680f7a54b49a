"""Two workers dispatch at once, where several letters share something.

A place in trouble is tried with one letter, and a user's cap is passed by one.
"""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.torture.interleaving import COMMIT, FIRST_WRITE, interleaved
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outcomes import NotSent
from wxengage.desk.desk import Desk
from wxengage.desk.settings import Settings
from wxengage.pacing.caps import Cap
from wxengage.plan.gating.gate import Gate
from wxengage.sends import Send, Sent
from wxengage.stores.opening import open_store
from wxengage.testing.stage import VirtualClock

if TYPE_CHECKING:
    from wxengage.delivery.ports import Letter

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
LONG = pytest.mark.torture
WHERE = pytest.mark.parametrize(
    "where", [COMMIT, pytest.param(FIRST_WRITE, marks=LONG)]
)
ENGINES = pytest.mark.parametrize(
    "engine", ["postgres_url", pytest.param("mysql_url", marks=LONG)]
)
# Which of a dispatch's transactions that write is stopped: it ticks, leases, begins.
LEASES, BEGINS = 1, 2


@attrs.define
class Channel:
    """Takes every message, or says each time what it was told to."""

    says: Any = None
    asked: list[str] = attrs.field(factory=list)
    _guard: Any = attrs.field(factory=threading.Lock)

    def send(self, letter: Letter, now: dt.datetime) -> Any:
        """Answer to a message that is to go."""
        with self._guard:
            self.asked.append(letter.key)
        return self.query(letter, now) if self.says is None else self.says

    def query(self, letter: Letter, now: dt.datetime) -> Any:
        """Say that a message went."""
        return Sent.of(letter.send, now, key=letter.key)


@ENGINES
@WHERE
def test_two_workers_try_a_place_in_trouble_with_one_letter(
    engine: str, where: str, request: pytest.FixtureRequest
) -> None:
    """The others wait for the answer, whoever has them."""
    url, clock = request.getfixturevalue(engine), VirtualClock(NOON)
    settings = Settings(outbox=OutboxPolicy(trips_after=1))
    down = Channel(NotSent("busy", "retry"))
    store = open_store(url, now=clock)
    desk = Desk(store, settings)
    desk.enqueue([Send(f"s{row}", f"u{row}", "sms", "hi") for row in range(5)])
    desk.dispatch({"sms": down}, limit=1)
    store.close()
    assert 1 == len(down.asked)
    clock.pass_time(dt.timedelta(hours=1))

    def work(desk: Desk) -> Any:
        return desk.dispatch({"sms": down}, limit=2)

    both = interleaved(url, settings, clock, (work, work), where, skip=LEASES)

    assert [] == both.raised
    assert both.met
    assert 2 == len(down.asked)


@ENGINES
@WHERE
def test_two_letters_of_one_user_pass_one_cap_once(
    engine: str, where: str, request: pytest.FixtureRequest
) -> None:
    """Whoever asks the gate second sees that the first is on its way."""
    url, clock = request.getfixturevalue(engine), VirtualClock(NOON)
    settings = Settings(gate=Gate(caps=(Cap(1, per=dt.timedelta(days=1)),)))
    channel = Channel()
    store = open_store(url, now=clock)
    Desk(store, settings).enqueue(
        [Send(f"s{row}", "ada", "sms", "hi") for row in range(2)]
    )
    store.close()

    def work(desk: Desk) -> Any:
        return desk.dispatch({"sms": channel}, limit=1)

    both = interleaved(url, settings, clock, (work, work), where, skip=BEGINS)

    assert [] == both.raised
    assert both.met
    assert both.waited
    assert 1 == len(channel.asked)
