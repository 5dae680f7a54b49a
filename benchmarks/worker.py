"""One engine in a process of its own, which runs when it is told to.

Reads words from standard input, one a line, and answers each with one line of
JSON: ``run`` does the work once and says what it took, ``answer`` gives the
checksums of the last result, anything else ends it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs import Data, Job

_TICKS = os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    """Return a process's children and theirs: Spark works in one."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _cpu_seconds(others: list[int]) -> float:
    """Return the processor time of this process and of some others."""
    total = time.process_time()
    for pid in others:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        user, system = text.rpartition(")")[2].split()[11:13]
        total += (int(user) + int(system)) / _TICKS
    return total


def _peak_bytes(others: list[int]) -> int:
    """Return the most memory that was resident, of this process and of others.

    It is what ``resource.getrusage`` calls ``ru_maxrss``, but that one begins at
    the size of the process that started this one.
    """
    total = 0
    for pid in [os.getpid(), *others]:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1]) * 1024
    return total


def _serve(job: Job) -> None:
    # Whatever a library prints goes to the error stream, not among our answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    result: Any = None

    def say(found: dict[str, Any]) -> None:
        answers.write(json.dumps(found) + "\n")
        answers.flush()

    say({"ready": True})
    for line in sys.stdin:
        word = line.strip()
        if word == "answer":
            say(dict(job.digest(job.answer(result))))
        elif word == "run":
            result = None
            start = job.fresh()
            gc.collect()
            others = _children(os.getpid())
            cpu, wall = _cpu_seconds(others), time.perf_counter()
            result = job.run(start)
            wall, cpu = time.perf_counter() - wall, _cpu_seconds(others) - cpu
            del start
            say({"wall": wall, "cpu": cpu, "peak": _peak_bytes(others)})
        else:
            return


def main(arguments: list[str]) -> None:
    """Serve a job, or build a tally.

    Parameters
    ----------
    arguments
        ``serve DATA WORK ENGINE``, with the data pickled, in hexadecimal digits, or
        ``tally FOLDER EVENTS USERS TARGET``.
    """
    what, *rest = arguments
    if what == "tally":
        from engines import build_tally
        from eventlog import EventLog

        folder, events, users, target = rest
        build_tally(EventLog(Path(folder), int(events), int(users)), Path(target))
        return
    text, work, engine = rest
    data: Data = pickle.loads(bytes.fromhex(text))  # noqa: S301  our own
    maker = importlib.import_module(data.jobs)
    with tempfile.TemporaryDirectory(prefix="wxengage-bench-") as scratch:
        _serve(maker.make_job(work, engine, data, Path(scratch)))


if __name__ == "__main__":
    main(sys.argv[1:])
