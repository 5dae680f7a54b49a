"""The benchmark of the gate: a believable audience, and a peer that agrees."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

USERS = 300


def script(name: str) -> Any:
    """Return one of the scripts as a module."""
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def audience(cache: Path) -> Any:
    """Return a few users."""
    assert cache.is_dir()
    return script("audience").make_audience(USERS)


def answer_of(work: str, engine: str, audience: Any) -> Any:
    """Return who may get the message, by one engine."""
    job = script("gates").make_job(work, engine, audience, Path())
    return job.answer(job.run(job.fresh()))["may_go"]


def test_the_audience_is_what_the_page_says(audience: Any) -> None:
    """Fifty messages within 45 days, in order of time; a few said no."""
    at = audience.column("at")
    now = script("audience").NOW.timestamp()

    assert (USERS, 50) == at.shape
    assert (np.diff(at, axis=1) >= 0).all()
    assert now - 45 * 86_400 <= at.min() < at.max() < now
    assert 0.9 < audience.column("yes").mean() < 1
    assert 0.9 < audience.column("grants").mean() < 1


def test_the_audience_is_the_same_every_time(
    audience: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A result of last year can be compared with one of today."""
    monkeypatch.setattr(script("cache"), "CACHE", tmp_path)
    again = script("audience").make_audience(USERS)

    assert audience.folder != again.folder
    for name in ("at", "yes", "grants"):
        np.testing.assert_array_equal(audience.column(name), again.column(name))


@pytest.mark.parametrize("work", ["G1", "G2", "G3"])
def test_all_engines_let_the_same_users_through(work: str, audience: Any) -> None:
    """What is timed is the same work; some are let through, and some are not."""
    pytest.importorskip("proactive_gate")
    engines = script("gate_page").ENGINES[work]
    found = [answer_of(work, engine, audience) for engine in engines]

    assert 0.2 < found[0].mean() < 0.9
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_another_answer_is_told_by_engine() -> None:
    """Whoever lets others through is named."""
    said = {"ours": {"may_go": "ff"}, "a": {"may_go": "ff"}, "b": {"may_go": "fe"}}

    assert ["b lets others through than ours"] == script("gates").unequal(said)


def test_growth_is_judged_by_decision() -> None:
    """Ten times the users take at most 12.5 times as long."""
    timing, comparison = script("timing").Timing, script("comparisons").Comparison
    times = {"1,000": 1.0, "10,000": 13.0, "100,000": 100.0}
    timings = {
        f"wxengage @ {size} users": timing((took,), (took,), 0, 0)
        for size, took in times.items()
    }
    found = comparison("G4", 1_000, "decision", "", timings, "2026", (0.0, 0.0))
    results = script("results").Results(Path(), [found])
    said = script("gate_page").verdicts(results)

    assert ["not met", "met"] == [one.word for one in said]
    assert ["1.30x", "0.77x"] == [one.reached["CPU"] for one in said]


def test_the_command_measures_and_writes_its_chapter(
    programs: Path, tmp_path: Path
) -> None:
    """The chapters of other programs stay on the page."""
    page = tmp_path / "page.md"
    page.write_text("# Old\n\n## Segmentation\n\nas it was\n", encoding="utf-8")
    command = [sys.executable, str(programs / "gate.py"), "--sizes", "100"]
    command += ["--pairs", "1", "--only", "g4", "--write", str(page)]
    subprocess.run([*command, "--results", str(tmp_path / "results.json")], check=True)
    text = page.read_text(encoding="utf-8")

    assert "## Segmentation\n\nas it was\n\n## The gate\n" in text
    assert "| wxengage @ 1,000 users |" in text
    assert "| G4, 1,000 users: time per decision over that of 100 |" in text
    assert "G1" not in text
