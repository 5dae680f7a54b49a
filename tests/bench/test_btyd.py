"""The benchmark of lifetime models: believable customers, and a peer that agrees."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CUSTOMERS = 3_000


def script(name: str) -> Any:
    """Return one of the scripts as a module."""
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def customers(cache: Path) -> Any:
    """Return a few customers."""
    assert cache.is_dir()
    return script("customers").make_customers(CUSTOMERS)


def answer_of(work: str, engine: str, customers: Any) -> dict[str, list[float]]:
    """Return one engine's answer."""
    job = script("fitters").make_job(work, engine, customers, Path())
    found: dict[str, list[float]] = job.digest(job.answer(job.run(job.fresh())))
    return found


def test_customers_are_what_the_page_says(customers: Any) -> None:
    """Whole days, 90 to 730 of them; nearly half came back; values in fen."""
    x, t_x, age, mean_value = (
        customers.column(name) for name in script("customers").COLUMNS
    )

    assert CUSTOMERS == len(x) == customers.size
    assert (90, 730) == (age.min(), age.max())
    for column in (x, t_x, age, np.rint(100 * x * mean_value)):
        assert (column == np.floor(column)).all()
    assert 0.43 < (x > 0).mean() < 0.49
    assert f"{np.count_nonzero(x):,} of whom came back" == customers.about
    np.testing.assert_array_equal(x > 0, t_x > 0)
    np.testing.assert_array_equal(x > 0, mean_value > 0)
    assert (x <= t_x).all()
    assert (t_x <= age).all()
    np.testing.assert_allclose(np.rint(100 * x * mean_value), 100 * x * mean_value)


def test_customers_are_the_same_every_time(
    customers: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A result of last year can be compared with one of today."""
    monkeypatch.setattr(script("cache"), "CACHE", tmp_path)
    again = script("customers").make_customers(CUSTOMERS)

    assert customers.folder != again.folder
    for name in script("customers").COLUMNS:
        np.testing.assert_array_equal(customers.column(name), again.column(name))


def test_fits_find_the_parameters_that_made_the_customers(cache: Path) -> None:
    """Within a tenth: what is bought on one day counts once, which slows them."""
    assert cache.is_dir()
    many = script("customers").make_customers(100_000)
    found = answer_of("B6", "wxengage", many)
    made = script("customers").PACES | script("customers").SPENDING

    assert {*made, "loglik"} == found.keys()
    for name, value in made.items():
        assert value == pytest.approx(found[name][0], rel=0.1), name


@pytest.mark.parametrize("work", ["B1", "B2", "B3", "B4", "B5"])
def test_lifetimes_gives_our_answer(work: str, customers: Any) -> None:
    """What is timed is the same work: parameters, likelihoods, predictions."""
    pytest.importorskip("lifetimes")
    engines = script("btyd_page").ENGINES[work]
    found = {engine: answer_of(work, engine, customers) for engine in engines}

    assert [] == script("fitters").unequal(found)
    assert ("wxengage", "lifetimes") == engines[:2]
    rows = 1 if work in {"B1", "B2", "B3"} else CUSTOMERS
    assert {rows} == {len(column) for column in found["wxengage"].values()}


def test_a_different_answer_is_told_by_engine_and_name() -> None:
    """Near is enough for parameters, nearer for predictions; nothing is not."""
    ours = {"r": [0.25], "p_alive": [0.5, 1.0]}
    near = {"r": [0.2502], "p_alive": [0.5 + 9e-7, 1.0]}
    far = {"r": [0.2503], "p_alive": [0.5 + 2e-6, 1.0]}
    none: dict[str, list[float]] = {"r": [np.nan], "p_alive": [0.5]}
    unequal = script("fitters").unequal

    assert [] == unequal({"ours": ours, "theirs": near})
    for wrong in (far, none, {}):
        assert [
            "theirs: r is not what ours says",
            "theirs: p_alive is not what ours says",
        ] == unequal({"ours": ours, "theirs": wrong})


def test_growth_is_judged_by_customer_and_at_ten_million() -> None:
    """Ten times the customers take at most 12.5 times as long, ten million 4 s."""
    timing, comparison = script("timing").Timing, script("comparisons").Comparison
    times = {"100,000": 1.0, "1,000,000": 13.0, "10,000,000": 3.0}
    timings = {
        f"wxengage @ {size} customers": timing((took,), (took,), 0, 0)
        for size, took in times.items()
    }
    found = comparison("B6", 100_000, "customer", "", timings, "2026", (0.0, 0.0))
    results = script("results").Results(Path(), [found])
    said = script("btyd_page").verdicts(results)

    assert ["not met", "met", "met"] == [one.word for one in said]
    assert ["1.30x", "0.02x", "3.00 s"] == [one.reached["CPU"] for one in said]


def test_the_command_measures_and_writes_its_chapter(
    programs: Path, tmp_path: Path
) -> None:
    """The chapters of other programs stay on the page."""
    page = tmp_path / "page.md"
    page.write_text("# Old\n\n## Segmentation\n\nas it was\n", encoding="utf-8")
    command = [sys.executable, str(programs / "btyd.py"), "--sizes", "200"]
    command += ["--pairs", "1", "--only", "b6", "--write", str(page)]
    subprocess.run([*command, "--results", str(tmp_path / "results.json")], check=True)
    text = page.read_text(encoding="utf-8")

    assert "## Segmentation\n\nas it was\n\n## Lifetime models\n" in text
    assert "| wxengage @ 2,000 customers |" in text
    assert "| B6, 2,000 customers: time per customer over that of 200 |" in text
    assert "B1" not in text
