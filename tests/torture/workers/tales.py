"""A fixed story of a desk, of which every instant can be gone back to.

A process that is killed leaves its files as the system has them at that instant, and
nothing else. So a picture of the files, of what the provider knows and of what was
acknowledged is all that is left of a process that dies there; whoever comes after it
goes on from there, on a desk that is opened anew.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from tests.torture.workers.invites import owed
from tests.torture.workers.shops import HOUR, MERCHANT, POLICY, START, campaign
from wxengage.desk.opening import open_desk
from wxengage.log.events import Event
from wxengage.sends import Send
from wxengage.stores.sqlite import SqliteStore
from wxengage.testing.checkers import check_finished, stored_events
from wxengage.testing.people import see_to_all
from wxengage.testing.provider import FaultyProvider
from wxengage.testing.stage import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wxengage.desk.desk import Desk

__all__ = ["Picture", "Tale", "finish"]

#: What is done next, with whoever delivers.
Step: TypeAlias = "Callable[[Desk, dict[str, Any]], object]"
SMS: Final = "sms"
#: Ada is owed one, two and four friends', and what is left does for nobody else.
BUDGET: Final = 900
MINUTE: Final = dt.timedelta(minutes=1)


class Picture(NamedTuple):
    """What is left of a process that is killed at one instant."""

    #: Which instant, and what was about to happen.
    number: int
    before: str
    files: dict[str, bytes]
    clock: VirtualClock
    provider: FaultyProvider
    #: How many steps of the story were acknowledged.
    done: int


class Tale:
    """The story, told once from its beginning, with a picture of each instant.

    Parameters
    ----------
    folder
        Empty.
    processes
        As ``open_desk`` takes it: SQLite keeps one journal or another.
    too_early
        Whether whoever tells takes a step for acknowledged before it is done.
    steps
        How far it is told; None: to its end.
    """

    def __init__(
        self,
        folder: Path,
        processes: Literal["one", "many"] = "one",
        *,
        too_early: bool = False,
        steps: int | None = None,
    ) -> None:
        self.pictures: list[Picture] = []
        self.instants = 0
        self.kinds: Counter[str] = Counter()
        self._folder, self._processes = folder, processes
        self._seen: set[bytes] = set()
        self._done = 0
        self._clock = VirtualClock(START)
        rng = np.random.default_rng(11)
        self.provider = FaultyProvider(rng, self._clock, rate=0.5, waits=0.3)
        self._tell(STEPS[:steps], too_early=too_early)

    def _tell(self, steps: tuple[Step, ...], *, too_early: bool) -> None:
        senders = _senders(Watched(self.provider, self._look))
        with _opened(self._folder, self._processes, self._clock) as desk:
            assert isinstance(desk.store, SqliteStore)
            desk.store.connection.set_trace_callback(self._look)
            for place, step in enumerate(steps):
                self._done = place + too_early
                step(desk, senders)
                # It has returned, and nobody knows that it has.
                self._look("answers")
                self._done = place + 1
                self._look("begins")
                self._clock.pass_time(7 * MINUTE)
            desk.store.connection.set_trace_callback(None)

    def _look(self, before: str) -> None:
        """Keep a picture of this instant, if it is not that of another."""
        self.instants += 1
        self.kinds[before.split(" ", 1)[0]] += 1
        files = {
            path.name: path.read_bytes()
            for path in sorted(self._folder.iterdir())
            if not path.name.endswith("-shm")
        }
        told = hashlib.sha256(repr((self._done, self.provider)).encode())
        for name, content in files.items():
            told.update(f"{name} {len(content)}".encode() + content)
        if told.digest() in self._seen:
            return
        self._seen.add(told.digest())
        # Together: the provider's clock is the desk's.
        shared = {id(self.provider.keyed): self.provider.keyed}
        clock, provider = copy.deepcopy((self._clock, self.provider), shared)
        picture = Picture(self.instants, before, files, clock, provider, self._done)
        self.pictures.append(picture)


class Watched:
    """A provider that is looked at before and after each request."""

    def __init__(self, provider: FaultyProvider, look: Callable[[str], None]) -> None:
        self._provider, self._look = provider, look

    def _asked(self, how: str, what: Any, now: dt.datetime) -> Any:
        self._look(f"{how} leaves")
        try:
            return getattr(self._provider, how)(what, now)
        finally:
            self._look(f"{how} returns")

    def pay(self, what: Any, now: dt.datetime) -> Any:
        """Pay."""
        return self._asked("pay", what, now)

    def query(self, what: Any, now: dt.datetime) -> Any:
        """Say what became of something."""
        return self._asked("query", what, now)

    def send(self, what: Any, now: dt.datetime) -> Any:
        """Deliver."""
        return self._asked("send", what, now)


def finish(
    picture: Picture, folder: Path, processes: Literal["one", "many"] = "one"
) -> FaultyProvider:
    """Go on from a picture to the end of the story, and see that all is well.

    Whoever tells repeats what was not acknowledged, and nothing else.

    Parameters
    ----------
    picture
        Of an instant; it is used up.
    folder
        Empty.
    processes
        As it was for the story.

    Returns
    -------
    FaultyProvider
        Which knows what went.
    """
    for name, content in picture.files.items():
        (folder / name).write_bytes(content)
    clock, provider = picture.clock, picture.provider
    provider.rate = 0.0
    clock.pass_time(HOUR)
    with _opened(folder, processes, clock) as desk:
        _look_sound(desk)
        for step in STEPS[picture.done :]:
            step(desk, _senders(provider))
        _drain(desk, provider, clock)
        _look_sound(desk)
        rows = stored_events(desk.store)
        acked = {str(event.id): event for event in EVENTS}
        wrong = check_finished(desk.store, provider, owed(rows, clock.at), acked=acked)
        assert () == wrong, wrong
        # A message is told once, or it is known that nobody can say.
        assert {1} >= set(provider.delivered.values()), provider.delivered
        letters = desk.store.run(
            lambda tx: tx.get("letter", [(k,) for k in provider.delivered]), write=False
        )
        states = {str(row[1]) for row in letters.values()}
        assert {"sent", "maybe_sent"} >= states, states
    return provider


def _look_sound(desk: Desk) -> None:
    found = (*desk.store.verify(), *desk.audit())
    assert () == found, found


def _drain(desk: Desk, provider: FaultyProvider, clock: VirtualClock) -> None:
    for _ in range(300):
        see_to_all(desk, provider, None)
        due = desk.next_due()
        if due is None:
            return
        clock.at = max(clock.at + MINUTE, due)
        desk.dispatch(_senders(provider), rng=np.random.default_rng(1))
    raise AssertionError("work is left that never ends")


def _opened(
    folder: Path, processes: Literal["one", "many"], clock: VirtualClock
) -> Desk:
    return open_desk(
        f"sqlite:///{folder / 'desk.db'}",
        merchant=MERCHANT,
        processes=processes,
        clock=clock,
        outbox=POLICY,
    )


def _senders(provider: Any) -> dict[str, Any]:
    return {"payout:cash": provider, SMS: provider}


# The story.


def _event(kind: str, user: str, minute: int, inviter: str | None = None) -> Event:
    at = START - 2 * HOUR + minute * MINUTE
    campaign = None if inviter is None else "spring"
    name = f"{kind}-{user}-{minute}"
    return Event(kind, user=user, at=at, id=name, campaign=campaign, inviter=inviter)


def _invite(inviter: str, friend: str, minute: int) -> tuple[Event, Event]:
    return (
        _event("scan", friend, minute, inviter),
        _event("follow", friend, minute + 1),
    )


ONE_BY_ONE: Final = (
    *_invite("ada", "bob", 0),
    *_invite("ada", "cy", 2),
    *_invite("ada", "old", 4),
    *_invite("dan", "eve", 40),
    _event("unfollow", "bob", 50),
    *_invite("dan", "bob", 51),
    *_invite("ada", "fay", 55),
)
AT_ONCE: Final = (
    *_invite("ada", "gus", 57),
    *_invite("dan", "hal", 59),
    _event("unfollow", "eve", 112),
    *_invite("ada", "ian", 60),
)
EVENTS: Final = (*ONE_BY_ONE, *AT_ONCE)


def _begin(desk: Desk, _: Any) -> None:
    known = Event("follow", user="old", at=START - 99 * HOUR, id="known")
    desk.backfill([known])


def _publish(desk: Desk, _: Any) -> None:
    desk.publish(campaign(), budget=BUDGET // 2)


def _tell(event: Event) -> Callable[[Desk, Any], object]:
    return lambda desk, _: desk.record(event)


def _tell_at_once(desk: Desk, _: Any) -> None:
    desk.record_many(AT_ONCE)


def _enqueue(desk: Desk, _: Any) -> None:
    desk.enqueue([Send(f"m{row}", "ada", SMS, "hello") for row in range(2)])


def _dispatch(desk: Desk, senders: dict[str, Any]) -> None:
    desk.dispatch(senders, limit=3, rng=np.random.default_rng(3))


def _pause(desk: Desk, _: Any) -> None:
    desk.pause("spring", by="lin", reason="a question")


def _resume(desk: Desk, _: Any) -> None:
    desk.resume("spring", by="lin", reason="an answer")


def _amend(desk: Desk, _: Any) -> None:
    """Add what is missing of the budget: whoever is in doubt looks first."""
    missing = BUDGET - desk.statement("spring").lines[0].funded
    if missing:
        desk.amend("spring", add_budget=missing, by="lin", reason="it goes well")


STEPS: Final[tuple[Step, ...]] = (
    _begin,
    _publish,
    *map(_tell, ONE_BY_ONE[:6]),
    _dispatch,
    *map(_tell, ONE_BY_ONE[6:]),
    _enqueue,
    _dispatch,
    _pause,
    _tell_at_once,
    _dispatch,
    _resume,
    _dispatch,
    _amend,
    _dispatch,
    _dispatch,
    _dispatch,
)
