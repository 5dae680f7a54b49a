"""Negative binomial fits: the oracle, laws, the edges where k cannot be told."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.stats.counts import NegativeBinomial, fit_negative_binomial
from wxengage.stats.rising import log_defect, log_rising

ORACLE = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)["referral"]["nb_fit_counts"]
INVITES = ORACLE["inputs"]["count"], ORACLE["inputs"]["freq"]
COUNTS = st.lists(st.integers(0, 30), min_size=2, max_size=40)
MODELS = st.builds(
    NegativeBinomial,
    st.floats(0.01, 50),
    st.none() | st.floats(0.05, 1e6),
)


def test_the_fit_equals_the_oracle() -> None:
    """A thousand inviters: mean 1.001, k 0.41512477, log-likelihood -1346.003512."""
    fit = fit_negative_binomial(INVITES[0], weights=INVITES[1])

    assert 1.001 == fit.mean
    assert ORACLE["outputs"]["k"] == pytest.approx(fit.k, abs=5e-8)
    assert ORACLE["outputs"]["loglik"] == pytest.approx(fit.loglik, abs=5e-7)
    assert (1000, True, "maximum found") == (fit.n, fit.converged, fit.diagnosis)
    assert "NegativeBinomial mean=1.00 k=0.41512 n=1,000" == str(fit)


def test_tails_are_the_published_ones() -> None:
    """Mean 1.2, k 0.4: three or more 0.162886, six or more 0.051173."""
    found = NegativeBinomial(1.2, 0.4).tail([3, 6])

    assert [0.162886, 0.051173] == pytest.approx(found.tolist(), abs=5e-7)


@given(COUNTS)
def test_the_fit_equals_a_plain_search(counts: list[int]) -> None:
    """No k on a fine grid and no other optimiser finds a higher likelihood."""
    fit = fit_negative_binomial(counts)
    assume(fit.mean > 0)
    y = np.array(counts)

    def loglik(log_k: float) -> float:
        k = math.exp(log_k)
        return float(stats.nbinom.logpmf(y, k, k / (k + fit.mean)).sum())

    grid = [loglik(x) for x in np.linspace(-8, 12, 81)]
    best = optimize.minimize_scalar(
        lambda x: -loglik(x), bounds=(-8, 12), method="bounded"
    )

    assert fit.loglik is not None
    slack = 1e-7 * (1 + abs(fit.loglik))
    assert fit.loglik >= max(*grid, -float(best.fun)) - slack
    assert fit.loglik == pytest.approx(float(np.log(fit.pmf(y)).sum()))


@given(COUNTS, st.data())
def test_weights_are_repetitions(counts: list[int], data: st.DataObject) -> None:
    """A row that stands for three units is three rows, in any order."""
    size = len(counts)
    weights = data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    assume(sum(weights))

    weighted = fit_negative_binomial(counts, weights=weights)

    assert weighted == fit_negative_binomial(np.repeat(counts, weights)[::-1])


@given(MODELS)
def test_probabilities_sum_to_one(model: NegativeBinomial) -> None:
    """The mass function and the tail are of one distribution, with its moments."""
    upto = int(model.mean + 40 * math.sqrt(model.variance)) + 400
    n = np.arange(upto)
    mass, above = model.pmf(n), model.tail(n)

    np.testing.assert_allclose(above[:-1] - above[1:], mass[:-1], atol=1e-12)
    assert 1 == pytest.approx(mass.sum() + model.tail(upto))
    assert 1 == model.tail(0)
    assert model.mean == pytest.approx((mass * n).sum(), rel=1e-3)
    assert mass[3] == model.pmf(3)


@given(MODELS)
def test_scipy_gives_the_same_distribution(model: NegativeBinomial) -> None:
    """An independent implementation agrees, far out in the tail too."""
    n = np.array([0, 1, 2, 5, 17, 60, 200, 1000])
    peer: Any = stats.poisson(model.mean)
    if model.k is not None:
        assume(model.k < 1e4)  # the peer loses digits above
        peer = stats.nbinom(model.k, model.k / (model.k + model.mean))

    np.testing.assert_allclose(peer.pmf(n), model.pmf(n), rtol=1e-6, atol=1e-290)
    np.testing.assert_allclose(peer.sf(n - 1), model.tail(n), rtol=1e-6, atol=1e-290)


def test_a_large_k_goes_over_into_a_poisson() -> None:
    """Nothing is lost where differences of gamma functions lose everything."""
    poisson = NegativeBinomial(5.0, None)

    for k in (1e9, 1e13, 1e16):
        found = NegativeBinomial(5.0, k).pmf(np.arange(30))
        near = 1000 / k + 1e-12
        np.testing.assert_allclose(poisson.pmf(np.arange(30)), found, rtol=near)


def test_simulated_users_give_their_k_back() -> None:
    """Mean 2 and k 4 from 200,000 users, within a hundredth."""
    rng = np.random.default_rng(3)
    fit = fit_negative_binomial(rng.negative_binomial(4, 4 / 6, 200_000))

    assert 2 == pytest.approx(fit.mean, rel=0.01)
    assert 4 == pytest.approx(fit.k, rel=0.03)


@pytest.mark.parametrize(("mean", "k", "n"), [(2.0, 4.0, 500), (1.0, 0.4, 400)])
def test_intervals_cover_what_they_say(mean: float, k: float, n: int) -> None:
    """95 of 100 hold the truth; the lower limit at 0.90 is below it as often."""
    rng = np.random.default_rng(8)
    held = np.zeros(3)
    for _ in range(300):
        fit = fit_negative_binomial(rng.negative_binomial(k, k / (k + mean), n))
        for place, (found, true) in enumerate(
            ((fit.mean_estimate(), mean), (fit.k_estimate(), k))
        ):
            assert found.low is not None
            assert found.high is not None
            held[place] += found.low <= true <= found.high
        low = fit.k_estimate(level=0.90).low
        assert low is not None
        held[2] += low <= k

    assert (held / 300 >= 0.91).all()
    assert (held / 300 <= 0.99).all()


@given(COUNTS, st.floats(0.5, 0.999))
def test_an_interval_of_k_holds_all_likely_k(counts: list[int], level: float) -> None:
    """Its ends are where the likelihood has fallen as far as the level allows."""
    fit = fit_negative_binomial(counts)
    found = fit.k_estimate(level=level)
    assume(found.low is not None)
    assert fit.loglik is not None
    fall = float(special.ndtri((1 + level) / 2)) ** 2 / 2

    for end in (found.low, found.high):
        assert end is not None
        if math.isfinite(end) and 1e-6 < end < 1e6:
            there = NegativeBinomial(fit.mean, end).pmf(np.array(counts))
            fallen = fit.loglik - float(np.log(there).sum())
            assert fall == pytest.approx(fallen, abs=1e-6)


def test_even_counts_are_a_poisson_with_a_lower_limit() -> None:
    """No more uneven than a Poisson: k is None, and still has a lower end."""
    fit = fit_negative_binomial([1, 3] * 50)
    found = fit.k_estimate()

    assert (2.0, None, True) == (fit.mean, fit.k, fit.converged)
    assert "k is infinite" in fit.diagnosis
    assert (math.inf, math.inf) == (found.value, found.high)
    assert found.low == pytest.approx(25.85, abs=5e-3)
    assert fit.loglik == pytest.approx(50 * np.sum(stats.poisson.logpmf([1, 3], 2)))


@given(COUNTS)
def test_poisson_exactly_where_the_variance_is_not_above_the_mean(
    counts: list[int],
) -> None:
    """The rule is decided in whole numbers: no rounding moves a case across."""
    n, total = len(counts), sum(counts)
    uneven = n * sum(y * y for y in counts) - total**2 > n * total

    assert uneven == (fit_negative_binomial(counts).k is not None)


@pytest.mark.parametrize(
    ("counts", "said"),
    [([0, 0, 0], "all counts are 0"), ([4], "there is one unit only")],
)
def test_counts_that_tell_nothing_of_k_say_so(counts: list[int], said: str) -> None:
    """No convergence is claimed and no interval is made up."""
    fit = fit_negative_binomial(counts)

    assert (None, False) == (fit.k, fit.converged)
    assert f"{said}: k cannot be told" == fit.diagnosis
    assert not fit.k_estimate().defined
    assert counts[0] == fit.mean_estimate().value
    assert fit.mean_estimate().low is None


def test_nobody_at_all_does_nothing() -> None:
    """A mean of 0 is a distribution: always 0 times."""
    fit = fit_negative_binomial([0, 0])

    assert [1.0, 0.0] == fit.pmf([0, 1]).tolist()
    assert [1.0, 0.0] == fit.tail([0, 1]).tolist()
    assert 0 == fit.loglik


def test_one_heavy_user_among_a_million_is_fitted() -> None:
    """The edges of what a double holds: tiny k, and counts of a billion."""
    lone = fit_negative_binomial([0, 2], weights=[999_999, 1])
    huge = fit_negative_binomial([0, 5, 10**9])

    assert (2e-6, 7.9591e-7) == pytest.approx((lone.mean, lone.k), rel=1e-4)
    assert 0.044484 == pytest.approx(huge.k, rel=1e-4)


def test_a_fit_is_kept_and_comes_back_equal() -> None:
    """A fitted model is a value like any other; its intervals come back too."""
    for fit in (
        fit_negative_binomial(INVITES[0], weights=INVITES[1]),
        fit_negative_binomial([1, 1, 1]),
        NegativeBinomial(1.2, 0.4),
    ):
        back = load(dump(fit))
        assert fit == back
        assert fit.k_estimate() == back.k_estimate()


def test_given_parameters_have_no_interval() -> None:
    """A model typed in knows no units."""
    model = NegativeBinomial(1.2, 0.4)

    assert "<NegativeBinomial mean=1.20 k=0.4>" == repr(model)
    assert "0.40 n=0" == str(model.k_estimate())
    assert "1.20 n=0" == str(model.mean_estimate())
    assert 1.2 + 1.2**2 / 0.4 == model.variance
    assert "NegativeBinomial mean=2 k=inf (Poisson)" == str(NegativeBinomial(2.0, None))


@pytest.mark.parametrize(
    ("counts", "weights", "said"),
    [
        ([], None, "counts must be of at least one unit"),
        ([3], [0], "counts must be of at least one unit"),
        ([1, -1], None, r"counts\[1\] must be a whole number"),
        ([1, 1.5], None, r"counts\[1\] must be a whole number"),
        ([1, math.nan], None, r"counts\[1\] must be finite"),
        ([True, False], None, "counts must be numbers"),
        ([[1]], None, "one-dimensional"),
        ([1, 2], [1, -1], r"weights\[1\] must be a whole number"),
        ([1, 2], [1, 0.5], r"weights\[1\] must be a whole number"),
        ([1, 2], [1], "as many as the rows, 2, got 1"),
    ],
)
def test_what_is_no_count_is_named_by_its_row(
    counts: Any, weights: Any, said: str
) -> None:
    """Each column says what it must hold."""
    with pytest.raises(InvalidInputError, match=said):
        fit_negative_binomial(counts, weights=weights)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ((-1.0, 1.0), "mean must be a finite number from 0"),
        ((math.nan, 1.0), "mean must be a finite number"),
        ((True, 1.0), "mean must be a finite number"),
        ((1.0, 0.0), "k must be a finite number above 0.*None is an infinite k"),
        ((1.0, math.inf), "k must be a finite number above 0"),
        ((1.0, 1.0, None, ((0, 0),)), r"seen\[0\] units must be at least 1"),
        ((1.0, 1.0, None, ((-1, 1),)), r"seen\[0\] count must be at least 0"),
    ],
)
def test_parameters_that_are_none_are_refused(
    fields: tuple[Any, ...], said: str
) -> None:
    """The message names the parameter."""
    with pytest.raises(InvalidInputError, match=said):
        NegativeBinomial(*fields)


def test_a_number_of_times_is_whole() -> None:
    """Half a time has no probability, and is not rounded."""
    with pytest.raises(InvalidInputError, match=r"n\[1\] must be a whole number"):
        NegativeBinomial(1.0, 1.0).pmf([1, 0.5])  # type: ignore[list-item]  # the mistake under test
    with pytest.raises(InvalidInputError, match="n must be a whole number"):
        NegativeBinomial(1.0, 1.0).tail(-1)


@pytest.mark.parametrize("a", [0.0, 1e-14, 1e-6, 1e-3, 0.5, 7.0, 1e5])
def test_the_rising_factorial_is_summed_to_the_last_digits(a: float) -> None:
    """Both sums equal Shewchuk's exact ones, across the seam and far beyond."""
    y = [0, 1, 5, 127, 128, 129, 1000, 50_000]
    value, slope = log_rising(np.array(y), a)

    for place, size in enumerate(y):
        logs = math.fsum(math.log1p(i * a) for i in range(size))
        steps = math.fsum(i / (1 + i * a) for i in range(size))
        assert logs == pytest.approx(value[place], rel=1e-13, abs=1e-300)
        assert steps == pytest.approx(slope[place], rel=1e-13)


def test_the_defect_of_the_logarithm_has_no_seam() -> None:
    """Series and formula agree where one takes over from the other."""
    below, above = log_defect(np.array([0.1 - 1e-15, 0.1 + 1e-15]))

    assert below == pytest.approx(above, rel=1e-13)
    assert 0.5 == log_defect(np.array(0.0))
