"""The benchmark of planning: believable offers, and a peer that agrees."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wxengage.pacing.budgets import Budget
from wxengage.plan.solving import crowds

USERS = 60


def script(name: str) -> Any:
    """Return one of the scripts as a module."""
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def offers(cache: Path) -> Any:
    """Return offers to a few users."""
    assert cache.is_dir()
    return script("offers").make_offers(USERS)


def answer_of(work: str, engine: str, offers: Any) -> dict[str, float]:
    """Return one engine's answer; by prices also where it says so for good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowds, "LARGEST", crowds.LARGEST)
        job = script("planners").make_job(work, engine, offers, Path())
        found: dict[str, float] = job.digest(job.answer(job.run(job.fresh())))
    return found


def test_offers_are_what_the_page_says(offers: Any) -> None:
    """Forty options in six slots, 25 budgets, a tenth not allowed, some do harm."""
    values = offers.values
    limits = script("offers").limits_of(USERS)

    assert (USERS, 40) == values.shape
    assert np.float32 == values.dtype
    assert 0.07 < np.isnan(values).mean() < 0.13
    assert (values < 0).any()
    assert {0, 1} == set(offers.ads_left.tolist())
    assert 40 == len({one.key for one in offers.options})
    assert 20 == len({one.message for one in offers.options})
    assert 6 == len({one.start for one in offers.options})
    assert 25 == sum(isinstance(one, Budget) for one in limits)


def test_offers_are_the_same_every_time(
    offers: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A result of last year can be compared with one of today."""
    monkeypatch.setattr(script("cache"), "CACHE", tmp_path)
    again = script("offers").make_offers(USERS)

    assert offers.folder != again.folder
    np.testing.assert_array_equal(offers.values, again.values)
    np.testing.assert_array_equal(offers.ads_left, again.ads_left)


@pytest.mark.parametrize("work", ["D1", "D2"])
def test_highs_gives_our_answer(work: str, offers: Any) -> None:
    """The same relaxation to 1e-6; the best plan between our value and our bound."""
    engines = script("plan_page").ENGINES[work]
    found = {engine: answer_of(work, engine, offers) for engine in engines}

    assert [] == script("planners").unequal(found)
    assert "wxengage" == engines[0]
    if work == "D2":
        best = found["HiGHS branch and bound"]["bound"]
        assert best == pytest.approx(found["wxengage"]["value"])


def test_a_different_answer_is_told() -> None:
    """A bound that is off, a plan that is better than the best, a gap too wide."""
    planners = script("planners")
    ours = {"bound": 10.0, "value": 9.0, "gap": 0.1}

    assert [] == planners.unequal({"o": ours, "HiGHS simplex": {"bound": 10.000001}})
    for engine, bound in (
        ("HiGHS simplex", 10.0001),
        ("HiGHS interior point", 9.9),
        ("HiGHS branch and bound", 8.9),
        ("HiGHS branch and bound", 10.1),
    ):
        assert 1 == len(planners.unequal({"o": ours, engine: {"bound": bound}}))
    assert ["o: gap 0.1"] == planners.too_wide({"o": ours})


def test_growth_is_judged_by_user_and_at_a_million() -> None:
    """Ten times the users take at most 15 times as long; a million 5 s, 1.5 GB."""
    timing, comparison = script("timing").Timing, script("comparisons").Comparison
    timings = {
        "wxengage @ 10,000 users": timing((0.1,), (0.1,), 0, 0),
        "wxengage @ 100,000 users": timing((2.0,), (2.0,), 0, 0),
        "wxengage @ 1,000,000 users": timing((4.0,), (4.0,), 1_600_000_000, 0),
    }
    found = comparison("D3", 10_000, "user", "", timings, "2026", (0.0, 0.0))
    said = script("plan_page").verdicts(script("results").Results(Path(), [found]))

    assert ["not met", "met", "met in wall only"] == [one.word for one in said]
    assert {"wall": "4.00 s", "peak": "1.60 GB"} == said[-1].reached


def test_the_command_measures_and_writes_its_chapter(
    programs: Path, tmp_path: Path
) -> None:
    """The chapters of other programs stay on the page."""
    page = tmp_path / "page.md"
    page.write_text("# Old\n\n## Segmentation\n\nas it was\n", encoding="utf-8")
    command = [sys.executable, str(programs / "plan.py"), "--sizes", "100"]
    command += ["--rounds", "1", "--only", "d2", "--write", str(page)]
    subprocess.run([*command, "--results", str(tmp_path / "results.json")], check=True)
    text = page.read_text(encoding="utf-8")

    assert "## Segmentation\n\nas it was\n\n## Planning\n" in text
    assert "| HiGHS branch and bound |" in text
    assert "D1" not in text
