"""Processes that are killed (强杀进程): kill -9 at any instant, and started anew.

A program that keeps its promises keeps them whenever it dies. A ``KillRunner`` runs
an application's own work in processes, kills them at random, starts them anew, and
tells what one of them has died of where nobody has killed it.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import multiprocessing
import os
import signal
import time
import traceback
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import attrs

from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection
    from types import TracebackType

    import numpy as np

__all__ = ["Job", "KillRunner", "Torment"]

#: How long the processes live on average, all of them together.
MEAN: Final = dt.timedelta(milliseconds=25)
# After so many kills without progress they are left alone for twice as long.
_STUCK: Final = 10
# How long the nursery may take to import what its jobs need.
_PATIENCE: Final = 60.0
_SAID: Final = 8_000
# prctl(PR_SET_PDEATHSIG, ...): to die with whoever has started one.
_DIE_WITH_PARENT: Final = 1


def _callable(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not callable(got):
        raise InvalidInputError(field.name, got, "a function of a module")


@attrs.frozen
class Job:
    """What one process does, until it returns or is killed (工作).

    Attributes
    ----------
    name
        Its name.
    work
        A function of a module, which another process can import.
    arguments
        What the function is called with; they can be pickled.
    prepare
        A function of a module, called once with the same arguments before the first
        life. What it returns is what the work is called with instead: connections
        that are not open yet, and whatever takes long to make.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    name: str
    work: Callable[..., object] = attrs.field(validator=_callable)
    arguments: tuple[Any, ...] = ()
    prepare: Callable[..., tuple[Any, ...]] | None = attrs.field(
        default=None, validator=attrs.validators.optional(_callable)
    )

    def __attrs_post_init__(self) -> None:
        require_id("name", self.name)
        if not isinstance(self.arguments, tuple):
            raise InvalidInputError("arguments", self.arguments, "a tuple")


@attrs.frozen
class Torment:
    """How often processes were killed (强杀统计).

    Attributes
    ----------
    kills
        Name of a job -> how often.
    seconds
        How long it took, in real time.
    mean
        The time between two kills on average, in the end.
    """

    kills: Counter[str]
    seconds: float
    mean: dt.timedelta

    @property
    def total(self) -> int:
        """How many kills there were."""
        return self.kills.total()

    def __str__(self) -> str:
        rate = self.total / self.seconds if self.seconds else 0.0
        return f"{self.total} kills in {self.seconds:.1f} s ({rate:.0f} a second)"


class _Ended(NamedTuple):
    """A process that has ended by itself: 0 where its work returned."""

    name: str
    status: int
    said: str


class KillRunner:
    """Runs work in processes, and kills them (强杀运行器).

    All processes are forked from one, the nursery, that has imported what they need:
    a life begins within milliseconds. They end with the ``with`` statement, and also
    when whoever uses it is killed itself.

    Parameters
    ----------
    jobs
        What the processes do; one process for each.

    Raises
    ------
    InvalidInputError
        If there is no job, two have one name, or there is no ``fork`` here.

    Examples
    --------
    >>> with KillRunner([Job("sleeper", time.sleep, (60,))]) as runner:
    ...     runner.kill("sleeper")
    ...     runner.lives["sleeper"]
    True
    2
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        given = tuple(jobs)
        self._jobs = {job.name: job for job in given}
        if not given or len(self._jobs) != len(given):
            got = [job.name for job in given]
            raise InvalidInputError("jobs", got, "jobs, each with a name of its own")
        if not hasattr(os, "fork"):  # Windows
            raise InvalidInputError("jobs", os.name, "on a system with fork")
        #: Name of a job -> how many processes have done it until now.
        self.lives: Final[Counter[str]] = Counter()
        self._returned: set[str] = set()
        self._nursery: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # A daemon ends with this process.
        self._nursery = context.Process(
            target=_nurse, args=(theirs, tuple(self._jobs.values())), daemon=True
        )
        self._nursery.start()
        theirs.close()
        if not self._pipe.poll(_PATIENCE):
            raise ChildProcessError("the jobs cannot be imported in good time")
        self._hear()
        self.lives.update(list(self._jobs))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._nursery.join()
            self._pipe = None

    def kill(self, name: str) -> bool:
        """Kill a process with kill -9, wait until it is gone, and start it anew.

        Parameters
        ----------
        name
            Its job's.

        Returns
        -------
        bool
            False where its work had returned; then it is not started again.

        Raises
        ------
        InvalidInputError
            If there is no such job.
        ChildProcessError
            If a process has failed by itself; with what it raised.
        """
        if name not in self._jobs:
            hint = nearest(name, self._jobs)
            raise InvalidInputError("name", name, "the name of a job", hint)
        self._ask(name)
        if name in self._returned:
            return False
        self.lives[name] += 1
        return True

    def torment(
        self,
        times: int,
        rng: np.random.Generator,
        *,
        mean: dt.timedelta = MEAN,
        progress: Callable[[], object] | None = None,
        until: Callable[[], bool] | None = None,
    ) -> Torment:
        """Kill one process after another, whichever chance says.

        Parameters
        ----------
        times
            How many kills.
        rng
            Chance.
        mean
            The time between two kills on average; it is exponential.
        progress
            Tells how far the work is. Where ten kills leave it as it was, the mean is
            doubled, until there is some again. None: it does not matter.
        until
            Whether the work is done, so that there is nothing to kill for.

        Returns
        -------
        Torment
            Who was killed how often.

        Raises
        ------
        ChildProcessError
            If a process has failed by itself; with what it raised.
        """
        require_whole("times", times)
        least = span_micros("mean", mean) / 1e6
        pause, stuck, last = least, 0, progress and progress()
        kills: Counter[str] = Counter()
        began = time.monotonic()
        while kills.total() < times and not (until and until()):
            time.sleep(rng.exponential(pause))
            victims = [name for name in self._jobs if name not in self._returned]
            if not victims:
                break
            victim = victims[int(rng.integers(len(victims)))]
            kills[victim] += self.kill(victim)
            if progress is not None:
                here = progress()
                stuck = 0 if here != last else stuck + 1
                if here != last:
                    pause = max(least, pause / 2)
                elif stuck % _STUCK == 0:
                    pause *= 2
                last = here
        mean = dt.timedelta(seconds=pause)
        return Torment(kills, time.monotonic() - began, mean)

    def returned(self) -> frozenset[str]:
        """Look who has ended, and tell.

        Returns
        -------
        frozenset of str
            The names of the jobs whose work has returned.

        Raises
        ------
        ChildProcessError
            If a process has failed by itself; with what it raised.
        """
        self._ask("")
        return frozenset(self._returned)

    def wait(self, span: dt.timedelta) -> bool:
        """Wait until all work has returned.

        Parameters
        ----------
        span
            For how long at most.

        Returns
        -------
        bool
            Whether it has.

        Raises
        ------
        ChildProcessError
            If a process has failed by itself; with what it raised.
        """
        end = time.monotonic() + span_micros("span", span) / 1e6
        while len(self.returned()) < len(self._jobs):
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def _ask(self, name: str) -> None:
        """Have a process killed, or none, and hear who has ended by itself."""
        if self._pipe is None:
            raise InvalidInputError("runner", "closed", "used in a with statement")
        try:
            self._pipe.send(name)
            self._hear()
        except (EOFError, BrokenPipeError):
            raise ChildProcessError("the nursery of the processes is gone") from None

    def _hear(self) -> None:
        assert self._pipe is not None  # noqa: S101  for mypy
        ended: list[_Ended] = self._pipe.recv()
        for one in ended:
            if one.status != 0:
                told = f"{one.name} has ended by itself with {one.status}\n{one.said}"
                raise ChildProcessError(told)
            self._returned.add(one.name)


# In the nursery, and in the processes that it forks.


class _Life(NamedTuple):
    job: Job
    process: int
    last_words: int


def _nurse(pipe: Connection, jobs: tuple[Job, ...]) -> None:
    """Start, kill and bury processes, as the one at the other end of the pipe says."""
    # A Ctrl-C is for whoever asked for all this: the pipe's end tells us.
    os.setsid()
    jobs = tuple(_prepared(job) for job in jobs)
    lives = {job.name: _born(job) for job in jobs}
    try:
        pipe.send([])
        while True:
            victim = pipe.recv()
            ended = _buried(lives)
            if victim in lives:
                life = lives.pop(victim)
                os.kill(life.process, signal.SIGKILL)
                status = os.waitpid(life.process, 0)[1]
                if os.WIFEXITED(status):  # in the same moment
                    ended.append(_ended(life, status))
                else:
                    os.close(life.last_words)
                if not ended or ended[-1].name != victim:
                    lives[victim] = _born(life.job)
            pipe.send(ended)
    except (EOFError, BrokenPipeError):
        pass
    finally:
        for life in lives.values():
            os.kill(life.process, signal.SIGKILL)
            os.waitpid(life.process, 0)


def _prepared(job: Job) -> Job:
    if job.prepare is None:
        return job
    return attrs.evolve(job, arguments=job.prepare(*job.arguments), prepare=None)


def _buried(lives: dict[str, _Life]) -> list[_Ended]:
    """Return who has ended by itself, and forget them."""
    found = []
    for name, life in tuple(lives.items()):
        process, status = os.waitpid(life.process, os.WNOHANG)
        if process:
            found.append(_ended(lives.pop(name), status))
    return found


def _ended(life: _Life, status: int) -> _Ended:
    said = b""
    with contextlib.suppress(BlockingIOError):
        said = os.read(life.last_words, _SAID)
    os.close(life.last_words)
    return _Ended(
        life.job.name, os.waitstatus_to_exitcode(status), said.decode(errors="replace")
    )


def _born(job: Job) -> _Life:
    """Fork a process that does a job."""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    nursery = os.getpid()
    with warnings.catch_warnings():
        # The threads of linear algebra, which know how to be forked.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        os.close(writes)
        return _Life(job, process, reads)
    status = 1
    try:
        _die_with(nursery)
        job.work(*job.arguments)
        status = 0
    except BaseException:  # noqa: BLE001  whatever it is, it is told
        os.write(writes, traceback.format_exc().encode()[-_SAID:])
    finally:
        # Nothing of the nursery is flushed or cleaned up a second time.
        os._exit(status)


def _die_with(nursery: int) -> None:
    """Be killed when the nursery is, where the system knows how."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:  # Linux
        prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != nursery:
        os._exit(1)
