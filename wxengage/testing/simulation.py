"""A desk in a storm that can be had again (确定性故障模拟).

One seed drives everything: processes that tell events, dispatch, tick and operate
interleave by it, die and start anew, commits are undone or their answers lost, the
clock jumps, and the provider fails in every way it can. Then the faults stop, and
everything must come to its end. What is looked for in between and afterwards stands
in ``wxengage.testing.checkers``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.desk.desk import Desk
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.stores.errors import StoreError
from wxengage.stores.opening import open_store
from wxengage.stores.schema import TABLES
from wxengage.testing.people import claim_some, operate, see_to_all
from wxengage.testing.provider import FaultyProvider
from wxengage.testing.stage import Process, SteppedStore, VirtualClock
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wxengage.desk.settings import Settings
    from wxengage.log.events import Event
    from wxengage.stores.ports import Store, Transaction
    from wxengage.stores.schema import Row

__all__ = ["Simulation", "Storm"]

# What is due is dispatched so often before it counts as not finished.
_MOST_ROUNDS: Final = 2_000
_MOST_AT_ONCE: Final = 1_000
_CHANNELS: Final = ("payout:cash", "payout:points", "payout:coupon", "payout:perk")


def _straight(provider: FaultyProvider) -> Any:  # noqa: ANN401  of both ports
    return provider


@attrs.frozen
class Storm:
    """How bad it gets: shares, from 0 to 1 (故障强度).

    Attributes
    ----------
    requests
        Of requests that meet a fault at the provider.
    crashes
        Of steps at which a process dies.
    lost
        Of commits whose answer gets lost.
    undone
        Of transactions that are rolled back once and done again.
    jumps
        Of steps at which the clock jumps: from an hour back to three days forward.
    moves
        Of steps at which time goes on; by ``moves_by`` on average.
    moves_by
        How far the clock goes then.
    """

    requests: float = attrs.field(default=0.6, kw_only=True)
    crashes: float = attrs.field(default=0.03, kw_only=True)
    lost: float = attrs.field(default=0.01, kw_only=True)
    undone: float = attrs.field(default=0.05, kw_only=True)
    jumps: float = attrs.field(default=0.004, kw_only=True)
    moves: float = attrs.field(default=0.2, kw_only=True)
    moves_by: dt.timedelta = attrs.field(default=dt.timedelta(seconds=20), kw_only=True)


class Simulation:
    """A desk, its provider, processes and a clock, all driven by one seed.

    Parameters
    ----------
    seed
        Decides everything.
    events
        What happens, each with an id. An event is told when its instant has come,
        in any order, one or several at once, and again until it is acknowledged;
        some are told again after that.
    settings
        Of the desks: each process has one of its own, over one store.
    start
        Publishes campaigns, on a desk that nothing goes wrong with.
    at
        When it begins.
    url
        Of the store: ``"memory://"`` or ``"sqlite://"``.
    workers
        How many processes dispatch.
    storm
        How bad it gets.
    channels
        Those for which the workers have the provider.
    adapter
        Makes of the provider what the desk sends by: an adapter of one's own, say.

    Attributes
    ----------
    store
        What all processes share.
    clock
        Everybody's.
    provider
        Who pays, and knows the truth.
    acked
        Id -> event, of those that were acknowledged.
    met
        Fault -> how often it was met, the provider's apart.
    """

    def __init__(
        self,
        seed: int,
        *,
        events: Sequence[Event],
        settings: Settings,
        start: Callable[[Desk], object],
        at: dt.datetime,
        url: str = "memory://",
        workers: int = 2,
        storm: Storm = Storm(),
        channels: Sequence[str] = _CHANNELS,
        adapter: Callable[[FaultyProvider], Any] = _straight,
    ) -> None:
        self.storm, self.settings = storm, settings
        self.clock = VirtualClock(at)
        self.rng = np.random.default_rng(seed)
        self.met: Counter[str] = Counter()
        self.acked: dict[str, Event] = {}
        self.turns = 0
        self.seed, self._made = seed, 0
        self._latest = at
        self._channels = tuple(channels)
        self._hash = hashlib.sha256()
        order = self.rng.permutation(len(events))
        self._pending = [events[int(place)] for place in order]
        self.store: Store = open_store(url, now=self.clock)
        skew = dt.timedelta(seconds=float(self.rng.uniform(-240, 240)))
        self.provider = FaultyProvider(
            self.rng,
            lambda: self.clock() + skew,
            rate=storm.requests,
            wait=self.clock.pass_time,
        )
        self._sender = adapter(self.provider)
        start(self.desk())
        names = ["ingest", "ticker", "operator", "users"]
        names += [f"worker {number}" for number in range(workers)]
        self._processes = [self._born(name) for name in names]
        # Who dispatches has the most to do.
        self._weights = [
            place
            for place, name in enumerate(names)
            for _ in range(3 if name.startswith("worker") else 1)
        ]

    @property
    def faults(self) -> int:
        """How many faults were met so far, of all kinds."""
        return self.met.total() + self.provider.met.total()

    def desk(self) -> Desk:
        """Return a desk on the store that nothing goes wrong with."""
        return Desk(self.store, self.settings)

    # The storm.

    def rage(self, turns: int) -> None:
        """Let everything go wrong for so many turns.

        Parameters
        ----------
        turns
            In each one process works up to its next pause, or something happens.

        Raises
        ------
        BaseException
            Whatever a process raised that no fault explains.
        """
        for _ in range(turns):
            self.turns += 1
            chance, storm = self.rng.random(), self.storm
            place = self._weights[int(self.rng.integers(len(self._weights)))]
            if chance < storm.crashes:
                self._crash(place)
            elif chance < storm.crashes + storm.jumps:
                self._jump()
            elif chance < storm.crashes + storm.jumps + storm.moves:
                by = float(self.rng.exponential(storm.moves_by.total_seconds()))
                self.clock.pass_time(dt.timedelta(seconds=by))
            else:
                self._step(self._processes[place])
            self._latest = max(self._latest, self.clock())

    def _step(self, process: Process) -> None:
        process.step()
        at = micros("clock", self.clock())
        self._hash.update(f"{process.name}|{process.point}|{at};".encode())
        if process.error is not None:
            raise process.error

    def _crash(self, place: int) -> None:
        process = self._processes[place]
        self._hash.update(f"{process.name} dies;".encode())
        self.met["crash"] += 1
        process.kill()
        self._processes[place] = self._born(process.name)

    def _jump(self) -> None:
        self.met["jump of the clock"] += 1
        by = dt.timedelta(hours=float(self.rng.uniform(-1, 72)))
        if self.rng.random() < 0.5:  # noqa: PLR2004  a half goes back
            by = dt.timedelta(hours=float(self.rng.uniform(-1, 0)))
        self.clock.pass_time(by)

    # Processes.

    def _born(self, name: str) -> Process:
        """Start a process, as after a reboot: with nothing in its memory."""
        self._made += 1
        rng = np.random.default_rng([self.seed, self._made])

        def live(process: Process) -> None:
            view = SteppedStore(
                self.store,
                process,
                rng,
                lost=self.storm.lost,
                undone=self.storm.undone,
                met=self.met,
            )
            desk = Desk(view, self.settings)
            act = self._acts(name, process, rng)
            while True:
                # Another process was in the way, or an answer got lost.
                with contextlib.suppress(StoreError):
                    act(desk)
                process.pause("has done its round")

        return Process(name, live)

    def _acts(
        self, name: str, process: Process, rng: np.random.Generator
    ) -> Callable[[Desk], object]:
        if name == "ingest":
            return lambda desk: self._tell(desk, rng)
        if name == "ticker":
            return lambda desk: desk.tick()
        if name == "operator":
            return lambda desk: _tried(lambda: operate(desk, self.provider, rng))
        if name == "users":
            return lambda desk: _tried(lambda: claim_some(desk, rng))
        door = _Door(process, self._sender)
        senders: dict[str, Any] = dict.fromkeys(self._channels, door)
        return lambda desk: desk.dispatch(
            senders, limit=int(rng.integers(1, 6)), rng=rng
        )

    def _tell(self, desk: Desk, rng: np.random.Generator) -> None:
        """Tell some events, as WeChat does: until somebody says that he has them."""
        told = self._some(rng)
        if not told:
            return
        before = self.clock()
        try:
            if len(told) == 1:
                receipts = [desk.record(told[0])]
            else:
                receipts = list(desk.record_many(told))
        except InvalidInputError:
            if not any(event.at > before for event in told):
                raise
            # By a clock that went back it has not happened yet.
            return
        for event, receipt in zip(told, receipts, strict=True):
            if event.id in self.acked and not receipt.duplicate:
                raise AssertionError(f"{event.id} was acknowledged, and is new again")
            self.acked[str(event.id)] = event
        self._pending = [one for one in self._pending if one.id not in self.acked]

    def _some(self, rng: np.random.Generator) -> list[Event]:
        ready = [event for event in self._pending if event.at <= self._latest][:40]
        known = list(self.acked.values())
        if known and (not ready or rng.random() < 0.2):  # noqa: PLR2004  every fifth
            ready = known
        if not ready:
            return []
        count = min(len(ready), int(rng.integers(1, 5)))
        places = rng.permutation(len(ready))[:count]
        return [ready[int(place)] for place in places]

    # The calm.

    def calm(self, *, budget: int | None = None) -> bool:
        """Let nothing go wrong any more, until nothing is left to do.

        Parameters
        ----------
        budget
            What each campaign is given besides, in fen; None: nothing.

        Returns
        -------
        bool
            Whether it came to an end. What had been left to people is seen to by
            them in between, three times at most.
        """
        for process in self._processes:
            process.kill()
        self.provider.rate, self.provider.wait = 0, None
        desk = self.desk()
        for event in sorted(self._pending, key=lambda one: micros("at", one.at)):
            self.clock.at = max(self.clock(), event.at)
            desk.record(event)
            self.acked[str(event.id)] = event
        self._pending = []
        finished = True
        for _ in range(3):
            see_to_all(desk, self.provider, budget)
            budget = None
            finished = self._drain(desk)
        return finished

    def _drain(self, desk: Desk) -> bool:
        senders: dict[str, Any] = dict.fromkeys(self._channels, self._sender)
        for _ in range(_MOST_ROUNDS):
            desk.dispatch(senders, limit=_MOST_AT_ONCE, rng=self.rng)
            due = desk.next_due()
            if due is None:
                return True
            self.clock.at = max(self.clock(), due)
        return False

    # What is left.

    def rows(self, table: str) -> list[Row]:
        """Return every row of a table, in the order of keys."""
        return self.store.run(lambda tx: list(walk(tx, table)), write=False)

    def digest(self) -> str:
        """Return a hash of all that happened and all that is left.

        Returns
        -------
        str
            The same for the same seed, events, settings and library, on any store.
        """
        found = self._hash.copy()
        # What a store notes of itself is its own.
        for table in sorted(TABLES.keys() - {"meta"}):
            for row in self.rows(table):
                found.update(repr(row).encode())
        for number, payment in sorted(self.provider.payments.items()):
            found.update(f"{number}{payment.standing}{payment.at}".encode())
        counted = sorted((self.met + self.provider.met).items())
        found.update(repr((counted, self.turns, self.clock())).encode())
        return found.hexdigest()

    def close(self) -> None:
        """End every process, and let go of the store."""
        for process in self._processes:
            process.kill()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Door:
    """The way from a worker to the provider: it may die on it, both ways."""

    def __init__(self, process: Process, sender: Any) -> None:  # noqa: ANN401  of both ports
        self._process, self._sender = process, sender

    def pay(self, payout: Any, now: dt.datetime) -> Any:  # noqa: ANN401  as the port
        """Ask to pay."""
        return self._through(self._sender.pay, payout, now)

    def query(self, what: Any, now: dt.datetime) -> Any:  # noqa: ANN401  as the port
        """Ask what became of something."""
        return self._through(self._sender.query, what, now)

    def send(self, letter: Any, now: dt.datetime) -> Any:  # noqa: ANN401  as the port
        """Ask to deliver."""
        return self._through(self._sender.send, letter, now)

    def _through(self, ask: Callable[[Any, dt.datetime], Any], *told: Any) -> Any:  # noqa: ANN401  as the port
        self._process.pause("is about to ask")
        try:
            return ask(*told)
        finally:
            self._process.pause("was answered")


def _tried(act: Callable[[], object]) -> None:
    """Do what a person does, who may come too late."""
    try:
        act()
    except (IllegalTransitionError, InvalidInputError):
        return


def walk(tx: Transaction, table: str) -> Iterator[Row]:
    """Yield every row of a table, in the order of keys."""
    places = TABLES[table].places(TABLES[table].key)
    after: Any = None
    while page := tx.walk(table, after=after, limit=1_000):
        yield from page
        after = tuple(page[-1][place] for place in places)
