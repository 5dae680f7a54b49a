"""Intervals for daily looks: published numbers, laws, and what peeking costs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.intervals import mean, wilson
from wxengage.stats.sequential import (
    bernoulli_sequence,
    confidence_sequence,
    mixture_radius,
    mixture_rho,
)

if TYPE_CHECKING:
    from wxengage.stats.estimates import Estimate

ORACLE = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)["metrics"]["confseq_normal_mixture"]
COUNTS = st.integers(1, 100_000).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n))
)


def ends(estimate: Estimate) -> tuple[float, float]:
    """Return the interval's ends, which must be there."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


def test_the_radius_equals_the_published_one() -> None:
    """Of the approximate rho, and a little less of the exact one."""
    published = ORACLE["outputs"]["rho"], ORACLE["outputs"]["bound"]

    assert published[1] == pytest.approx(mixture_radius(100, published[0]), rel=1e-9)
    assert 12.17735 == pytest.approx(mixture_rho(100), abs=5e-6)
    assert 30.35122 == pytest.approx(mixture_radius(100, mixture_rho(100)), abs=5e-6)


@given(st.floats(1e-3, 1e6), st.floats(0.5, 0.999))
def test_the_exact_rho_is_the_best_one(variance: float, level: float) -> None:
    """No other rho gives a smaller radius at the variance it is made for."""
    rho = mixture_rho(variance, level=level)
    best = mixture_radius(variance, rho, level=level)

    for factor in (0.5, 0.99, 1.01, 2):
        assert best <= mixture_radius(variance, rho * factor, level=level)


def test_a_share_equals_the_published_one() -> None:
    """700 of 1,000: 0.646984801 to 0.749662047."""
    found = bernoulli_sequence(700, 1000)

    assert (0.646984801, 0.749662047) == pytest.approx(ends(found), abs=5e-10)


@given(COUNTS, st.floats(0.5, 0.999))
def test_the_ends_of_a_share_solve_the_equation(
    pair: tuple[int, int], level: float
) -> None:
    """Prior over posterior is 1 / alpha at each end inside 0 to 1."""
    k, n = pair
    found = bernoulli_sequence(k, n, level=level)
    low, high = ends(found)
    norm = math.lgamma(k + 1) + math.lgamma(n - k + 1) - math.lgamma(n + 2)

    assert 0 <= low <= k / n <= high <= 1
    assert (low == 0, high == 1) == (k == 0, k == n)
    for p in (low, high):
        if 1e-300 < p < 1 - 1e-9:
            ratio = norm - k * math.log(p) - (n - k) * math.log1p(-p)
            assert -math.log(1 - level) == pytest.approx(ratio, abs=1e-5)


@given(COUNTS)
def test_failures_mirror_successes(pair: tuple[int, int]) -> None:
    """The interval of the failures is the mirrored interval of the successes."""
    k, n = pair
    low, high = ends(bernoulli_sequence(k, n))

    mirrored = ends(bernoulli_sequence(n - k, n))
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


def test_looking_often_costs_a_wider_interval() -> None:
    """About half as wide again where it is tightest."""
    values = [0, 1] * 500
    wide, narrow = (ends(f(values)) for f in (confidence_sequence, mean))

    assert 1.55 == pytest.approx(
        (wide[1] - wide[0]) / (narrow[1] - narrow[0]), abs=0.01
    )
    assert ends(bernoulli_sequence(500, 1000))[0] < ends(wilson(500, 1000))[0]


def test_thirty_daily_looks_keep_the_promise_that_a_z_test_breaks() -> None:
    """No effect, 50 users a day: a z test finds one in a quarter of all tests."""
    rng = np.random.default_rng(2)
    fooled_z = fooled = 0
    for _ in range(300):
        values = rng.exponential(1, 1500) - 1
        looks = [values[:n] for n in range(50, 1501, 50)]
        errors = [look.std(ddof=1) / math.sqrt(len(look)) for look in looks]
        fooled_z += any(
            abs(look.mean()) > 1.96 * error
            for look, error in zip(looks, errors, strict=True)
        )
        sequence = [ends(confidence_sequence(look)) for look in looks]
        fooled += any(not low <= 0 <= high for low, high in sequence)

    assert fooled_z / 300 > 0.18
    assert fooled / 300 < 0.05


def test_a_share_watched_after_every_trial_keeps_its_promise() -> None:
    """A true share of 0.3, looked at a thousand times: held in 95 of 100 tests."""
    rng = np.random.default_rng(4)
    lost = 0
    for _ in range(100):
        sums = np.cumsum(rng.random(300) < 0.3)
        lost += any(
            not low <= 0.3 <= high
            for low, high in (
                ends(bernoulli_sequence(k, n)) for n, k in enumerate(sums.tolist(), 1)
            )
        )

    assert lost <= 9


def test_too_few_units_have_an_answer() -> None:
    """Nobody is undefined; one unit and no spread have no interval."""
    assert "undefined n=0 (no units)" == str(confidence_sequence([]))
    assert "undefined n=0 (no trials)" == str(bernoulli_sequence(0, 0))
    assert "3 n=1" == str(confidence_sequence([3]))
    assert "3 n=2" == str(confidence_sequence([3, 3]))


@pytest.mark.parametrize("tuned_for", [0, -1, math.nan, math.inf, True, "9"])
def test_what_it_is_tuned_for_is_above_zero(tuned_for: Any) -> None:
    """The message names the parameter."""
    with pytest.raises(InvalidInputError, match="tuned_for must be a finite number"):
        confidence_sequence([1, 2], tuned_for=tuned_for)


def test_impossible_numbers_are_refused() -> None:
    """Variances, rho, counts, values and levels."""
    with pytest.raises(InvalidInputError, match="variance must be a finite number"):
        mixture_rho(0)
    with pytest.raises(InvalidInputError, match="variance must be a finite number"):
        mixture_radius(-1, 1)
    with pytest.raises(InvalidInputError, match="rho must be a finite number"):
        mixture_radius(1, 0)
    with pytest.raises(InvalidInputError, match="successes must be at most"):
        bernoulli_sequence(2, 1)
    with pytest.raises(InvalidInputError, match=r"values\[1\] must be finite"):
        confidence_sequence([1, math.nan])
    with pytest.raises(InvalidInputError, match="level must be between"):
        bernoulli_sequence(1, 2, level=1)
