"""Processes can be killed at any instant, and begin anew; who fails is told."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wxengage.errors import InvalidInputError
from wxengage.testing.killing import Job, KillRunner

SECOND = dt.timedelta(seconds=1)


def write(folder: Path, name: str) -> None:
    """Leave the number of one's process, and work for ever."""
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(60)


def fail(_: Path) -> None:
    """Die of an error of one's own."""
    raise ValueError("the shop has burnt down")


def count(folder: Path, before: int) -> None:
    """Do one thing after the other, until there are twenty."""
    del before
    while len(list(folder.iterdir())) < 20:
        (folder / f"{time.monotonic_ns()}").touch()
        time.sleep(0.002)


def prepared(folder: Path) -> tuple[Path, int]:
    """Do once what takes long."""
    (folder / f"prepared-{os.getpid()}").touch()
    return folder, 7


def lines(path: Path) -> list[str]:
    """Return what processes have left in a file."""
    until = time.monotonic() + 20
    while not path.exists() or not path.read_text(encoding="utf-8").endswith("\n"):
        assert time.monotonic() < until
        time.sleep(0.005)
    return path.read_text(encoding="utf-8").split()


def is_alive(process: int) -> bool:
    """Return whether there is a process, though it be nobody's."""
    state = Path(f"/proc/{process}/stat")
    try:
        return state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_who_is_killed_is_gone_and_another_one_does_its_work(tmp_path: Path) -> None:
    """Each life is a process of its own, and none outlives the runner."""
    jobs = [Job("a", write, (tmp_path, "a")), Job("b", write, (tmp_path, "b"))]
    with KillRunner(jobs) as runner:
        first = int(lines(tmp_path / "a")[0])
        (tmp_path / "a").unlink()
        assert is_alive(first)
        assert runner.kill("a")
        assert not is_alive(first)
        second = int(lines(tmp_path / "a")[0])
        assert first != second
        assert {"a": 2, "b": 1} == dict(runner.lives)
        with pytest.raises(InvalidInputError, match="name of a job"):
            runner.kill("c")
        last = [second, int(lines(tmp_path / "b")[0])]
        assert [True, True] == [is_alive(process) for process in last]
    assert [False, False] == [is_alive(process) for process in last]


def test_a_torment_kills_as_often_as_it_says_whoever_chance_chooses(
    tmp_path: Path,
) -> None:
    """The mean time is doubled where nothing gets on, and chance is the caller's."""
    jobs = [Job(name, write, (tmp_path, name)) for name in "abc"]
    mean = dt.timedelta(milliseconds=1)
    with KillRunner(jobs) as runner:
        quick = runner.torment(20, np.random.default_rng(1), mean=mean)
        stuck = runner.torment(
            40, np.random.default_rng(1), mean=mean, progress=lambda: "none"
        )
        lives = dict(runner.lives)
        rng = np.random.default_rng(1)
        assert 0 == runner.torment(5, rng, until=lambda: True).total
        assert not runner.wait(SECOND / 50)

    assert (20, 40) == (quick.total, stuck.total)
    assert {"a", "b", "c"} == set(quick.kills)
    assert lives == {name: 1 + quick.kills[name] + stuck.kills[name] for name in "abc"}
    assert (mean, 16 * mean) == (quick.mean, stuck.mean)


def test_work_that_returns_is_over_whatever_was_killed_before(tmp_path: Path) -> None:
    """What takes long is made once; a torment ends with the work."""
    with KillRunner([Job("count", count, (tmp_path,), prepared)]) as runner:
        mean = dt.timedelta(milliseconds=10)
        torment = runner.torment(3, np.random.default_rng(2), mean=mean)
        assert runner.wait(20 * SECOND)
        assert frozenset({"count"}) == runner.returned()
        assert not runner.kill("count")
        assert 0 == runner.torment(5, np.random.default_rng(3)).total
    assert 20 <= len(list(tmp_path.iterdir()))
    assert 1 == len(list(tmp_path.glob("prepared-*")))
    assert torment.total <= 3


def test_who_dies_of_an_error_is_told_with_its_words(tmp_path: Path) -> None:
    """A failure of the work's own is no kill, and is not passed over."""
    with (
        KillRunner([Job("shop", fail, (tmp_path,))]) as runner,
        pytest.raises(ChildProcessError, match="the shop has burnt down"),
    ):
        runner.wait(20 * SECOND)


def job(**changes: Any) -> Job:
    """Return a job."""
    return Job(**{"name": "a", "work": time.sleep, "arguments": (60,), **changes})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"work": "sleep"}, "work"),
        ({"arguments": [60]}, "arguments"),
        ({"prepare": 7}, "prepare"),
    ],
)
def test_what_is_no_job_is_refused(changes: dict[str, Any], field: str) -> None:
    """By the field that is wrong."""
    with pytest.raises((InvalidInputError, TypeError), match=field):
        job(**changes)


@pytest.mark.parametrize("jobs", [[], [job(), job()]], ids=["none", "two of one name"])
def test_jobs_have_names_of_their_own(jobs: list[Job]) -> None:
    """And there is at least one."""
    with pytest.raises(InvalidInputError, match="jobs"):
        KillRunner(jobs)


def test_a_runner_that_is_not_open_kills_nobody() -> None:
    """It says how it is used."""
    runner = KillRunner([job(name="sleeper")])
    with pytest.raises(InvalidInputError, match="with statement"):
        runner.kill("sleeper")
