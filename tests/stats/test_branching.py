"""What branching processes promise."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from wxengage.errors import InvalidInputError
from wxengage.stats.branching import TotalProgeny, extinction_probability, growth_rate
from wxengage.stats.counts import NegativeBinomial

NB = NegativeBinomial(0.6, 0.4)
POISSON = NegativeBinomial(0.6, None)
LAWS = st.builds(
    NegativeBinomial,
    st.floats(0.01, 0.9),
    st.none() | st.floats(0.05, 50),
)


def test_cascades_end_as_often_as_is_published(oracles: dict[str, Any]) -> None:
    """Poisson means of 1.5 and 2 stand in textbooks; unevenness doubles the risk."""
    expected = oracles["referral"]["extinction_probability"]
    laws = [(1.5, None), (2.0, None), (1.5, 0.4), (2.0, 0.4), (0.9, None)]

    found = [extinction_probability(NegativeBinomial(m, k)) for m, k in laws]

    assert pytest.approx(expected["outputs"], rel=expected["rtol"]) == found


@given(st.floats(1.001, 30), st.none() | st.floats(0.05, 50), st.integers(1, 5))
def test_extinction_is_the_least_root_that_the_plain_search_finds(
    mean: float, k: float | None, seeds: int
) -> None:
    """Brent's method between 0 and the middle of the bow, and no Newton."""
    law = NegativeBinomial(mean, k)

    def bow(q: float) -> float:
        if k is None:
            return math.exp(-mean * (1 - q)) - q
        return float((1 + mean * (1 - q) / k) ** -k - q)

    middle = optimize.minimize_scalar(bow, bounds=(0, 1), options={"xatol": 1e-12}).x
    q = optimize.brentq(bow, 0, middle, xtol=1e-15)

    assert pytest.approx(q**seeds, rel=1e-6) == extinction_probability(law, seeds=seeds)


def test_rare_survival_and_rare_extinction_keep_their_digits() -> None:
    """Near the critical mean survival is 2 (m - 1); far above, extinction is e^-m."""
    near = 1 - extinction_probability(NegativeBinomial(1 + 1e-6, None))

    assert pytest.approx(2e-6, rel=1e-5) == near
    far = extinction_probability(NegativeBinomial(50.0, None))
    assert pytest.approx(math.exp(-50), rel=1e-12) == far


def test_sizes_are_those_of_otter_and_dwass(oracles: dict[str, Any]) -> None:
    """Probabilities, mean, variance and quantiles of the published cascade."""
    expected = oracles["referral"]["total_progeny_otter_dwass"]
    out, rel = expected["outputs"], expected["rtol"]

    n = expected["inputs"]["n"]
    assert pytest.approx(out["poisson"], rel=rel) == TotalProgeny(POISSON).pmf(n)
    assert pytest.approx(out["nb"], rel=rel) == TotalProgeny(NB).pmf(n)
    assert pytest.approx(out["mean"], rel=rel) == TotalProgeny(NB).mean
    assert pytest.approx(out["var_nb"], rel=rel) == TotalProgeny(NB).variance
    ten = TotalProgeny(NB, seeds=10)
    assert out["quantiles_nb_10_seeds"] == {
        str(q).lstrip("0"): ten.quantile(q) for q in (0.5, 0.9, 0.95, 0.99)
    }


@given(LAWS, st.integers(1, 20), st.integers(0, 200))
def test_a_size_is_as_likely_as_the_plain_formula_says(
    law: NegativeBinomial, seeds: int, more: int
) -> None:
    """Against scipy's distributions, one size at a time."""
    n = seeds + more
    if law.k is None:
        total = stats.poisson.pmf(more, n * law.mean)
    else:
        total = stats.nbinom.pmf(more, n * law.k, law.k / (law.k + law.mean))

    found = TotalProgeny(law, seeds=seeds).pmf(n)

    assert pytest.approx(seeds / n * float(total), rel=1e-9, abs=1e-290) == found


@pytest.mark.parametrize("law", [NB, POISSON, NegativeBinomial(1.5, 0.4)])
def test_the_sizes_sum_to_the_probability_of_an_end(law: NegativeBinomial) -> None:
    """To 1 below the critical mean, to extinction above."""
    total = TotalProgeny(law, seeds=2).cdf(20_000)

    assert pytest.approx(extinction_probability(law, seeds=2), abs=1e-12) == total


def test_a_million_draws_keep_twelve_digits() -> None:
    """The ratio of neighbours is known exactly; gamma functions would lose it."""
    size = TotalProgeny(NegativeBinomial(1.0, 1.0))
    n = 1_000_000
    # P(T = n) is a Catalan number over 2^(2n - 1).
    ratio = (2 * n - 1) / (2 * n + 2)

    found = size.pmf([n + 1, n])

    assert pytest.approx(ratio, rel=1e-12) == found[0] / found[1]


def test_without_offspring_there_are_the_seeds() -> None:
    """The smallest law of all."""
    size = TotalProgeny(NegativeBinomial(0.0, 0.4), seeds=3)

    assert [0.0, 1.0, 0.0] == size.pmf([2, 3, 4]).tolist()
    assert (3.0, 0.0, 3) == (size.mean, size.variance, size.quantile(0.999))


def test_from_the_critical_mean_on_the_mean_is_infinite() -> None:
    """And so is a quantile that more cascades never reach."""
    size = TotalProgeny(NegativeBinomial(1.5, 0.4))

    assert (math.inf, math.inf) == (size.mean, size.variance)
    assert math.inf == size.quantile(0.9)
    assert 5 == size.quantile(0.7)
    assert math.inf == TotalProgeny(NegativeBinomial(1.0, None)).mean


def test_a_quantile_too_far_away_to_look_for_is_refused() -> None:
    """Nearly critical cascades have no size worth waiting for."""
    size = TotalProgeny(NegativeBinomial(1.0, None), seeds=2**26 - 10)

    with pytest.raises(InvalidInputError, match="reached below 2"):
        size.quantile(0.9)


def test_growth_follows_euler_and_lotka() -> None:
    """The published example, and the equation itself."""
    rate = growth_rate(1.3, generation_mean=2.0, generation_sd=1.0)

    assert pytest.approx(0.135580, abs=5e-7) == rate
    assert pytest.approx(5.112, abs=5e-4) == math.log(2) / rate
    fixed = growth_rate(1.3, generation_mean=2.0)
    assert pytest.approx(0.131182, abs=5e-7) == fixed


@given(st.floats(0.1, 5), st.floats(0.5, 20), st.floats(0.0, 2.0))
def test_a_generation_discounted_by_growth_brings_back_one(
    mean: float, average: float, spread: float
) -> None:
    """``mean E[exp(-r T)] = 1``, with the gamma transform written out."""
    rate = growth_rate(mean, generation_mean=average, generation_sd=spread * average)

    if spread < 1e-6:
        log = -rate * average
    else:
        log = -math.log1p(rate * average * spread**2) / spread**2
    assert pytest.approx(0.0, abs=1e-7) == math.log(mean) + log


def test_growth_has_the_sign_of_the_mean_less_one() -> None:
    """It dies, stands, or grows."""
    signs = [
        np.sign(growth_rate(m, generation_mean=2.0, generation_sd=2.0))
        for m in (0.5, 1.0, 2.0)
    ]

    assert [-1, 0, 1] == signs


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: TotalProgeny(0.6), "law must be a NegativeBinomial"),  # type: ignore[arg-type]
        (lambda: TotalProgeny(NB, seeds=0), "seeds must be at least 1"),
        (lambda: TotalProgeny(NB, seeds=True), "seeds must be a whole number"),
        (lambda: TotalProgeny(NB).pmf(-1), "n must be a whole number from 0"),
        (lambda: TotalProgeny(NB).pmf([1, math.nan]), "n[1] must be finite"),  # type: ignore[list-item]
        (lambda: TotalProgeny(NB).pmf([1.5]), "n[0] must be a whole"),  # type: ignore[list-item]
        (lambda: TotalProgeny(NB).cdf(2**27), "n must be at most"),
        (lambda: TotalProgeny(NB).quantile(1.0), "q must be between 0 and 1"),
        (lambda: TotalProgeny(NB).quantile(math.nan), "q must be a finite number"),
        (lambda: extinction_probability(None), "law must be"),  # type: ignore[arg-type]
        (lambda: extinction_probability(NB, seeds=-1), "seeds must be at least 1"),
        (lambda: growth_rate(0.0, generation_mean=1), "mean must be a finite number"),
        (lambda: growth_rate(1.0, generation_mean=0), "generation_mean must be"),
        (
            lambda: growth_rate(1.0, generation_mean=1, generation_sd=-1),
            "generation_sd must be a finite number from 0",
        ),
        (
            lambda: growth_rate(9.0, generation_mean=1, generation_sd=99),
            "generation_sd must be smaller",
        ),
    ],
)
def test_what_is_no_branching_process_is_refused(call: Any, said: str) -> None:
    """The message names the argument and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
