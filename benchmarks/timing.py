"""Engines timed in turn, each in a process of its own.

A machine that others use is slower at some times than at others. Therefore every
round asks all engines one after the other, and what is reported is the median
over rounds of the ratio within a round.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import attrs
from answers import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobs import Data

__all__ = ["Timing", "Unequal", "compare", "median_ratio"]

#: What each engine's worker says of its answer.
Digests: TypeAlias = "Mapping[str, Mapping[str, Any]]"

_HERE: Final = Path(__file__).parent
#: Between two looks at a worker's memory.
_SAMPLE_SECONDS: Final = 0.02
_THREADS: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "2",
    "POLARS_MAX_THREADS": "2",
    "PYTHONPATH": str(_HERE.parent),
}


class Unequal(Exception):  # noqa: N818  a sentence: answers are unequal
    """Two engines gave different answers: their times mean nothing."""


@attrs.frozen
class Timing:
    """What an engine took, a value a round.

    Attributes
    ----------
    wall, cpu
        Seconds; ``cpu`` of all threads and child processes.
    peak
        The most memory that was resident at any time since the process began,
        files that are mapped included. Bytes.
    anonymous
        The same without files, as seen every 20 ms while it worked. Bytes.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    peak: int
    anonymous: int

    def median(self, measure: str) -> float:
        """Return the median of ``"wall"`` or ``"cpu"``."""
        values: tuple[float, ...] = getattr(self, measure)
        return statistics.median(values)


def median_ratio(timing: Timing, own: Timing, measure: str) -> float:
    """Return how many times as long ``timing`` took as ``own``, a round at a time."""
    pairs = zip(getattr(timing, measure), getattr(own, measure), strict=True)
    ratios: list[float] = [theirs / max(ours, 1e-9) for theirs, ours in pairs]
    return statistics.median(ratios)


class _Worker:
    """A process that does one engine's work when told to."""

    def __init__(self, work: str, engine: str, data: Data) -> None:
        self.engine = engine
        self.anonymous = 0
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the worker
        arguments = ["serve", pickle.dumps(data).hex(), work, engine]
        self._process = subprocess.Popen(
            [sys.executable, _HERE / "worker.py", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=os.environ | _THREADS,
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def ask(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        return self.hear(watch=word == "run")

    def hear(self, *, watch: bool = False) -> dict[str, Any]:
        """Wait for an answer, and look at the worker's memory meanwhile."""
        answers = self._process.stdout
        assert answers is not None
        wait = _SAMPLE_SECONDS if watch else None
        text = bytearray()
        while not text.endswith(b"\n"):
            if not select.select([answers], [], [], wait)[0]:
                self.anonymous = max(self.anonymous, self._anonymous_now())
                continue
            more = os.read(answers.fileno(), 1 << 16)
            if not more:
                self._said.seek(0)
                told = self._said.read().decode(errors="replace")[-3000:]
                raise RuntimeError(f"{self.engine} failed:\n{told}")
            text += more
        if watch:
            self.anonymous = max(self.anonymous, self._anonymous_now())
        found: dict[str, Any] = json.loads(text)
        return found

    def _anonymous_now(self) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        for line in status.splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        return 0


def compare(
    work: str,
    engines: Mapping[str, Data],
    rounds: int,
    *,
    differ: Callable[[Digests], list[str]] | None = differences,
    tell: Callable[[str], None] = print,
) -> dict[str, Timing]:
    """Time engines against each other.

    Parameters
    ----------
    work
        Which comparison.
    engines
        The data each works on, by name.
    rounds
        How often each is timed, after one run that is not.
    differ
        Returns in what the engines' answers are unequal; None: they may be.
    tell
        Called with a line a round.

    Returns
    -------
    dict of str to Timing
        By engine.

    Raises
    ------
    Unequal
        If the answers differ, before the first round or after the last.
    """
    workers: list[_Worker] = []
    try:
        for engine, data in engines.items():
            worker = _Worker(work, engine.partition(" @ ")[0], data)
            workers.append(worker)
            worker.hear()
        for worker in workers:
            worker.ask("run")
        _check(work, engines, workers, differ)
        runs: list[list[dict[str, float]]] = []
        for number in range(rounds):
            order = workers if number % 2 else workers[::-1]
            found = {id(worker): worker.ask("run") for worker in order}
            runs.append([found[id(worker)] for worker in workers])
            took = ", ".join(f"{one['wall']:.3f}" for one in runs[-1])
            tell(f"  {work} round {number + 1}: {took} s")
        _check(work, engines, workers, differ)
    finally:
        for worker in workers:
            worker.__exit__()
    return {
        engine: _timing([run[place] for run in runs], workers[place].anonymous)
        for place, engine in enumerate(engines)
    }


def _check(
    work: str,
    engines: Iterable[str],
    workers: Sequence[_Worker],
    differ: Callable[[Digests], list[str]] | None,
) -> None:
    if differ is None:
        return
    digests = {
        engine: worker.ask("answer")
        for engine, worker in zip(engines, workers, strict=True)
    }
    if found := differ(digests):
        raise Unequal(f"{work}: " + "; ".join(found))


def _timing(runs: Sequence[Mapping[str, float]], anonymous: int) -> Timing:
    return Timing(
        wall=tuple(run["wall"] for run in runs),
        cpu=tuple(run["cpu"] for run in runs),
        peak=int(max(run["peak"] for run in runs)),
        anonymous=anonymous,
    )
