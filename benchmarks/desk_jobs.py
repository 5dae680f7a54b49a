"""A desk and its peers at work on made-up events, ready to be timed."""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from cache import CACHE, kept
from desk_events import NOW, Stream
from desk_tellers import (
    OWN,
    empty_address,
    kept_rows,
    open_teller,
    prepared,
)
from jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from desk_tellers import Teller
    from timing import Digests

__all__ = ["Work", "forget_stores", "make_job", "unequal"]

_FILE: Final = "desk.db"
# Rows that are written at a time where a store is filled beforehand.
_FILL: Final = 20_000
# Part of the cache's name: raise it when the same arguments give other rows.
_EDITION: Final = 1
_PATIENCE: Final = 120
_CHANNEL: Final = "sms"
_CASH: Final = "payout:cash"


def make_job(work: str, engine: str, stream: Stream, scratch: Path) -> Job:
    """Make an engine ready for a comparison.

    Parameters
    ----------
    work
        Its number; what is done is in the stream.
    engine
        Its name in that comparison.
    stream
        What it is told, and how.
    scratch
        A folder for its file.

    Returns
    -------
    Job
        Ready.
    """
    del work
    made = _WORKS[stream.way](engine, stream, scratch / _FILE)
    return Job(made.fresh, made.run, lambda _: made.answer(), _plain)


def _plain(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is kept as a checksum, and the rest as it is."""
    rows = found.get("rows", ())
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    return {**found, "rows": [len(rows), digest]}


def unequal(found: Digests) -> list[str]:
    """Return in what engines that were told the same differ: in the rows they kept."""
    first: dict[str, tuple[str, Any]] = {}
    said = []
    for engine, answer in found.items():
        own, ours = first.setdefault(engine.partition(" @ ")[2], (engine, answer))
        if answer["rows"] != ours["rows"]:
            said.append(f"{engine} kept other rows than {own}")
    return said


class Work:
    """Telling events, in one way or another.

    Parameters
    ----------
    engine
        Who is told.
    stream
        Of what, and how.
    path
        The SQLite file, where there is no server.
    """

    def __init__(self, engine: str, stream: Stream, path: Path) -> None:
        self._engine, self._stream, self._path = engine, stream, path
        self._teller: Teller | None = None
        self._runs: list[Sequence[float]] = []
        self._since = 0
        if stream.before:
            shutil.copyfile(_grown(stream) / _FILE, path)
        elif stream.address:
            # The first who comes makes the tables.
            self._open()
            self._close()

    def fresh(self) -> Any:
        """Return what a run starts from: an empty store, or one that was filled."""
        self._close()
        stream = self._stream
        if stream.before:
            self._since = len(self._runs) * stream.size
        elif stream.address:
            empty_address(stream)
        else:
            for file in self._path.parent.glob(f"{_FILE}*"):
                file.unlink()
        self._open()
        return self._start(prepared(self._engine, stream.events(self._since)))

    def run(self, start: Any) -> None:
        """Tell all of it."""
        self._runs.append(self._told(start))

    def answer(self) -> dict[str, Any]:
        """Return what is in the database, and how long calls took in each run."""
        self._close()
        first = self._stream.first_id(self._since)
        quantiles = np.quantile(np.array(self._runs), (0.5, 0.99), axis=1)
        p50, p99 = quantiles.tolist()
        rows = kept_rows(self._stream, self._path, first)
        return {"rows": rows, "p50": p50, "p99": p99}

    def _start(self, told: list[Any]) -> Any:
        """Return what ``_told`` is to tell."""
        return list(self._stream.batches(told))

    def _told(self, start: Any) -> list[float]:
        """Tell it, and return the seconds of each call."""
        assert self._teller is not None
        return _each(self._teller.tell, start)

    def _open(self) -> None:
        self._teller = open_teller(self._engine, self._stream, self._path)

    def _close(self) -> None:
        if self._teller is not None:
            self._teller.close()
            self._teller = None


def _each(tell: Callable[[Any], None], batches: Sequence[Any]) -> list[float]:
    """Tell one batch after the other, and return the seconds of each."""
    seconds = []
    clock = time.perf_counter
    for batch in batches:
        before = clock()
        tell(batch)
        seconds.append(clock() - before)
    return seconds


class _Callers(Work):
    """Many threads that tell at once, each its own events one by one."""

    def _start(self, told: list[Any]) -> Any:
        count = self._stream.at_once
        gate, lock = threading.Barrier(count + 1), threading.Lock()
        seconds: list[float] = []

        def call(mine: Sequence[Any]) -> None:
            own = self._own_teller()
            tell = self._shared(lock) if own is None else own.tell
            gate.wait()
            seconds.extend(_each(tell, list(self._stream.batches(mine))))
            gate.wait()
            if own is not None:
                own.close()

        threads = [
            threading.Thread(target=call, args=(told[n::count],), daemon=True)
            for n in range(count)
        ]
        for thread in threads:
            thread.start()
        return gate, threads, seconds

    def _told(self, start: Any) -> list[float]:
        gate, threads, seconds = start
        gate.wait()
        gate.wait()
        for thread in threads:
            thread.join()
        return seconds  # type: ignore[no-any-return]

    def _own_teller(self) -> Teller | None:
        """Return a connection of a thread's own, where a peer has a server."""
        if self._engine.startswith(OWN) or not self._stream.address:
            return None
        return open_teller(self._engine, self._stream, self._path)

    def _shared(self, lock: threading.Lock) -> Callable[[Any], None]:
        """Return how threads tell one teller; a connection takes one at a time."""
        assert self._teller is not None
        tell = self._teller.tell
        if self._engine.startswith(OWN):
            return tell

        def locked(batch: Any) -> None:
            with lock:
                tell(batch)

        return locked


def _write(engine: str, stream: Stream, path: Path, place: int, pipe: Any) -> None:
    """Tell one process's part of the events, when it is told to."""
    told = prepared(engine, stream.events()[place :: stream.at_once])
    teller = open_teller(engine, stream, path, processes="many")
    pipe.send("ready")
    pipe.recv()
    pipe.send(_each(teller.tell, list(stream.batches(told))))
    pipe.recv()
    teller.close()


class _Processes(Work):
    """Several processes that tell at once; they are there before a run begins."""

    _writers: tuple[tuple[Any, Any], ...] = ()

    def _start(self, told: list[Any]) -> Any:
        del told
        context = multiprocessing.get_context("spawn")
        made = []
        for place in range(self._stream.at_once):
            ours, theirs = context.Pipe()
            arguments = (self._engine, self._stream, self._path, place, theirs)
            process = context.Process(target=_write, args=arguments, daemon=True)
            process.start()
            theirs.close()  # so that one that dies is heard of
            made.append((process, ours))
        self._writers = tuple(made)
        return [_heard(pipe) for _, pipe in made]

    def _told(self, start: Any) -> list[float]:
        del start
        for _, pipe in self._writers:
            pipe.send("go")
        return [took for _, pipe in self._writers for took in _heard(pipe)]

    def _open(self) -> None:
        # One after the other would make the tables; this one leaves the file.
        open_teller(self._engine, self._stream, self._path, processes="many").close()

    def _close(self) -> None:
        for process, pipe in self._writers:
            pipe.send("end")
            process.join(_PATIENCE)
        self._writers = ()


def _heard(pipe: Any) -> Any:
    """Return what a process says; one that has died says nothing for ever."""
    if not pipe.poll(_PATIENCE):
        raise RuntimeError(f"a writer has said nothing for {_PATIENCE} s")
    return pipe.recv()


class _Audit(Work):
    """An audit of a store that was told everything before."""

    def __init__(self, engine: str, stream: Stream, path: Path) -> None:
        super().__init__(engine, stream, path)
        shutil.copyfile(_told_store(stream) / _FILE, path)
        self._findings: tuple[Any, ...] = ()

    def fresh(self) -> Any:
        """Return the desk."""
        self._close()
        self._open()
        return self._teller

    def run(self, start: Any) -> None:
        """Prove the books."""
        self._findings = start.desk.audit()

    def answer(self) -> dict[str, Any]:
        """Return what was found, and how much there was to look at."""
        assert self._teller is not None
        desk: Any = self._teller
        counts = desk.desk.store.run(
            lambda tx: {name: tx.count(name) for name in ("event", "payout")},
            write=False,
        )
        return {"rows": list(self._findings), **counts}


class _Instant:
    """A sender whose letters arrive at once."""

    def send(self, letter: Any, now: Any) -> Any:
        """Say that a message went."""
        from wxengage.sends import Sent

        return Sent.of(letter.send, now, key=letter.key, receipt="receipt")

    def pay(self, payout: Any, now: Any) -> Any:
        """Say that a payout arrived."""
        from wxengage.delivery.payouts import Paid

        return Paid(payout.number, now, "receipt", payout.reward.fen)

    def query(self, what: Any, now: Any) -> Any:
        """Say the same again."""
        return self.send(what, now) if hasattr(what, "send") else self.pay(what, now)


class _Dispatch(Work):
    """Letters in the outbox, sent by a sender that takes no time."""

    def fresh(self) -> Any:
        """Return a desk with letters that are due: messages, or payouts."""
        from wxengage.sends import Send

        start = super().fresh()
        assert self._teller is not None
        desk: Any = self._teller
        if self._stream.kind == "invites":
            desk.desk.record_many([event for batch in start for event in batch])
        else:
            desk.desk.enqueue(
                Send(f"s{row}", f"oWx{row:025d}", _CHANNEL, "hi")
                for row in range(self._stream.size)
            )
        return desk.desk

    def run(self, start: Any) -> None:
        """Send them all."""
        channel = _CASH if self._stream.kind == "invites" else _CHANNEL
        report = start.dispatch({channel: _Instant()}, limit=self._stream.size)
        self._sent = report.outcomes

    def answer(self) -> dict[str, Any]:
        """Return what became of them."""
        return {"rows": [], "outcomes": dict(self._sent)}


_WORKS: Final[Mapping[str, type[Work]]] = {
    "singly": Work,
    "together": Work,
    "callers": _Callers,
    "processes": _Processes,
    "audit": _Audit,
    "dispatch": _Dispatch,
}


# --- stores that are filled beforehand -------------------------------------


def _grown(stream: Stream) -> Path:
    """Return a folder with a store that has the events before a stream's own."""

    def write(folder: Path) -> None:
        from wxengage.desk.rows import event_row
        from wxengage.stores.sqlite import SqliteStore
        from wxengage.times.zones import micros

        at = micros("now", NOW)
        store = SqliteStore(folder / _FILE, processes="one")
        for start in range(0, stream.before, _FILL):
            size = min(_FILL, stream.before - start)
            part = Stream(size, "together", before=stream.before)
            rows = [event_row(e, at) for e in part.events(start - stream.before)]
            store.run(lambda tx, rows=rows: tx.insert("event", rows))  # type: ignore[misc]
        store.close()

    return kept(f"desk-grown-{_EDITION}-{stream.before}", write)


def _told_store(stream: Stream) -> Path:
    """Return a folder with a store that was told all events of a stream."""

    def write(folder: Path) -> None:
        teller = open_teller(OWN, stream, folder / _FILE)
        for batch in stream.batches(stream.events()):
            teller.tell(batch)
        teller.close()

    return kept(f"desk-told-{_EDITION}-{stream.size}", write)


def forget_stores() -> None:
    """Remove the stores that were filled beforehand: they are large."""
    for folder in CACHE.glob("desk-*"):
        if folder.is_dir():
            shutil.rmtree(folder)
