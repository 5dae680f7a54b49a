"""Shrinkage: the oracle, an independent likelihood, laws, and the edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.stats.shrinkage import (
    DirichletMultinomial,
    fit_beta_binomial,
    fit_concentration,
    fit_dirichlet_multinomial,
    shrunk,
)

ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=12
)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 9), min_size=width, max_size=width),
        min_size=2,
        max_size=8,
    )
)


def loglik(table: list[list[int]], shares: np.ndarray[Any, Any], kappa: float) -> float:
    """Return scipy's log-likelihood, things without a share left out."""
    left = shares > 0
    rows = np.array(table)[:, left]
    return float(
        sum(
            stats.dirichlet_multinomial.logpmf(row, shares[left] * kappa, row.sum())
            for row in rows
            if row.sum()
        )
    )


def test_the_oracle_of_send_times_is_met(oracles: dict[str, Any]) -> None:
    """Two users and four slots; a slot without a send has the slot's mean."""
    oracle = oracles["pacing"]["send_time_rate_shrinkage"]
    given = oracle["inputs"]

    found = shrunk(given["opens"], given["sends"], given["slot_mean"], given["kappa"])

    np.testing.assert_allclose(oracle["outputs"], found, rtol=oracle["rtol"])
    assert oracle["outputs"][0][2] == given["slot_mean"][2]


@given(ROWS)
@settings(max_examples=40)
def test_no_search_finds_a_more_likely_beta_binomial(
    rows: list[tuple[int, int]],
) -> None:
    """Its own distribution in scipy and four searches find nothing better."""
    wins, losses = np.array(rows).T
    tries = wins + losses
    assume(tries.sum() > 0)
    fit = fit_beta_binomial(wins, tries)
    assume(fit.converged)

    def worse(x: np.ndarray[Any, Any]) -> float:
        a, b = np.exp(np.clip(x, -25, 12))
        return -float(stats.betabinom.logpmf(wins, tries, a, b).sum())

    best = min(
        optimize.minimize(worse, start, method="Nelder-Mead").fun
        for start in ([0, 0], [3, 3], [-2, -2], [8, 8])
    )

    assert fit.loglik is not None
    # What is as good as alike is so by less than a hundredth.
    slack = 0.01 if "as good as" in fit.diagnosis else 1e-4
    assert fit.loglik >= -best - slack
    if fit.kappa is not None:
        peer = loglik(
            np.column_stack((wins, losses)).tolist(), np.array(fit.shares), fit.kappa
        )
        assert fit.loglik == pytest.approx(peer, abs=1e-7)


@given(TABLES)
@settings(max_examples=50)
def test_the_fit_of_a_table_is_a_maximum(table: list[list[int]]) -> None:
    """Its likelihood is scipy's, and no parameter nearby has a higher one."""
    assume(sum(map(sum, table)) > 0)
    fit = fit_dirichlet_multinomial(table)
    assume(fit.converged and fit.kappa is not None)
    assert fit.loglik is not None
    assert fit.kappa is not None
    shares = np.array(fit.shares)

    assert loglik(table, shares, fit.kappa) == pytest.approx(fit.loglik, abs=1e-6)
    rng = np.random.default_rng(1)
    for _ in range(20):
        alpha = shares * fit.kappa * np.exp(rng.normal(0, 0.05, len(shares)))
        kappa = float(np.sum(alpha))
        there = loglik(table, alpha / kappa, kappa)
        assert there <= fit.loglik + 1e-7


@given(TABLES)
def test_units_are_alike_where_a_large_kappa_is_the_best(
    table: list[list[int]],
) -> None:
    """The rule in whole numbers says what the likelihood's slope at infinity says."""
    assume(sum(map(sum, table)) > 0)
    fit = fit_dirichlet_multinomial(table)
    counts = np.array(table)
    total, sums = counts.sum(), counts.sum(axis=0)
    left = sums > 0
    pairs = (counts * (counts - 1)).sum(axis=0)[left] / sums[left]
    rows = counts.sum(axis=1)
    excess = total * pairs.sum() - (rows * (rows - 1)).sum()
    assume(excess > 1e-9)

    assert fit.kappa is not None or "as good as alike" in fit.diagnosis


@given(TABLES, st.data())
def test_weights_are_repetitions(table: list[list[int]], data: st.DataObject) -> None:
    """A row that stands for three units is three rows, in any order."""
    sizes = st.lists(st.integers(0, 3), min_size=len(table), max_size=len(table))
    weights = data.draw(sizes)
    repeated = np.repeat(table, weights, axis=0)[::-1]
    assume(repeated.sum() > 0)

    assert fit_dirichlet_multinomial(repeated) == fit_dirichlet_multinomial(
        table, weights=weights
    )


@pytest.mark.parametrize("kappa", [0.5, 6.0, 60.0])
def test_simulated_units_give_their_kappa_back(kappa: float) -> None:
    """Four things, 20,000 units of 20 observations: kappa within a twentieth."""
    rng = np.random.default_rng(5)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    table = rng.multinomial(20, rng.dirichlet(kappa * shares, 20_000))

    fit = fit_dirichlet_multinomial(table)

    assert kappa == pytest.approx(fit.kappa, rel=0.05)
    np.testing.assert_allclose(shares, fit.shares, atol=0.01)
    assert (True, "maximum found", 20_000) == (fit.converged, fit.diagnosis, fit.n)


@pytest.mark.parametrize(
    ("table", "kappa", "converged", "said"),
    [
        ([[2, 2], [3, 3]], None, True, "units are alike"),
        ([[1, 0], [0, 1]], 2.0, False, "no unit has two observations"),
        ([[2, 0], [3, 0]], 2.0, False, "all observations are of one thing"),
        ([[2, 0], [0, 3]], 0.4954, False, "each unit does one thing only"),
    ],
)
def test_what_cannot_be_told_is_said(
    table: list[list[int]], kappa: float | None, converged: bool, said: str
) -> None:
    """Every edge has an answer that can be used, and a diagnosis."""
    fit = fit_dirichlet_multinomial(table)

    assert kappa == pytest.approx(fit.kappa, abs=1e-4) if kappa else fit.kappa is None
    assert converged == fit.converged
    assert said in fit.diagnosis
    assert fit.loglik is not None
    assert np.isfinite(fit.shrunk(table)).all()


def test_a_kappa_too_large_to_be_told_is_infinite() -> None:
    """26 units that differ hardly more than chance: no weak prior makes them unlike."""
    rng = np.random.default_rng(0)
    found = [
        fit_dirichlet_multinomial(rng.multinomial(30, [0.5, 0.5], 26))
        for _ in range(200)
    ]

    assert all(fit.converged for fit in found)
    assert {"maximum found", "units are alike: kappa is infinite"} <= {
        fit.diagnosis for fit in found
    }


def test_what_nobody_did_has_no_share() -> None:
    """A column of zeros stays in its place, at 0."""
    fit = fit_dirichlet_multinomial([[5, 0, 1], [0, 0, 4], [3, 0, 3]])

    assert 0 == fit.shares[1]
    assert fit.converged
    assert 1 == pytest.approx(sum(fit.shares))


def test_a_prior_is_the_answer_of_no_data() -> None:
    """And it is outweighed where there are many units."""
    nothing = fit_dirichlet_multinomial(np.zeros((0, 3), dtype=int), prior=[1, 2, 1])
    rng = np.random.default_rng(2)
    table = rng.multinomial(30, rng.dirichlet([2, 1, 1], 5_000))
    plain = fit_dirichlet_multinomial(table)
    believed = fit_dirichlet_multinomial(table, prior=[1, 1, 50])

    assert (0.25, 0.5, 0.25) == pytest.approx(nothing.shares)
    assert 3 == pytest.approx(nothing.kappa)
    assert nothing.converged
    np.testing.assert_allclose(plain.shares, believed.shares, atol=0.005)
    assert plain.kappa == pytest.approx(believed.kappa, rel=0.02)


@given(TABLES, st.floats(0.01, 1e3))
@settings(max_examples=50)
def test_with_a_prior_there_is_a_maximum_always(
    table: list[list[int]], weight: float
) -> None:
    """Whatever the counts are, parameters are finite, and nothing nearby is better."""
    width = len(table[0])
    prior = np.arange(1, width + 1) * weight
    fit = fit_dirichlet_multinomial(table, prior=prior)

    def posterior(alpha: np.ndarray[Any, Any]) -> float:
        kappa = float(np.sum(alpha))
        away = math.log(kappa / width)
        believed = float(prior @ np.log(alpha / kappa))
        return loglik(table, alpha / kappa, kappa) + believed - away**2 / 8

    assert fit.converged
    assert fit.kappa is not None
    here = posterior(np.array(fit.shares) * fit.kappa)
    rng = np.random.default_rng(4)
    for _ in range(10):
        alpha = np.array(fit.shares) * fit.kappa * np.exp(rng.normal(0, 0.1, width))
        assert posterior(alpha) <= here + 1e-6 * (1 + abs(here))


@pytest.mark.parametrize(
    ("wins", "tries", "prior"),
    [
        ([0, 0, 0, 0], [300_000, 900_000, 12, 77_777], [1e-6, 4.0]),
        ([12, 50], [12, 50], [4e-3, 2e-4]),
        ([0, 0, 0], [3, 2, 1], [1e-11, 4e-11]),
    ],
)
def test_a_belief_as_light_as_a_feather_is_enough(
    wins: list[int], tries: list[int], prior: list[float]
) -> None:
    """All failures, all successes, millions of them: the answer is a maximum."""
    fit = fit_beta_binomial(wins, tries, prior=prior)

    assert fit.converged
    rate = sum(wins) / sum(tries)
    assert rate == pytest.approx(fit.mean, abs=1e-4)


@given(ROWS, st.lists(st.floats(0.05, 0.95), min_size=12, max_size=12))
def test_a_concentration_is_the_most_probable_one(
    rows: list[tuple[int, int]], rates: list[float]
) -> None:
    """A search over scipy's distribution and the prior finds no better one."""
    wins, losses = np.array(rows).T
    tries, means = wins + losses, np.array(rates[: len(rows)])

    def worse(log_kappa: float) -> float:
        kappa = math.exp(log_kappa)
        here = stats.betabinom.logpmf(wins, tries, kappa * means, kappa * (1 - means))
        return (log_kappa - math.log(2)) ** 2 / 8 - float(np.sum(here))

    found = math.log(fit_concentration(wins, tries, means))

    best = min(worse(x) for x in np.linspace(-9, 12, 120))
    assert worse(found) <= best + 1e-7


def test_shrinking_goes_from_everybody_to_the_unit_itself() -> None:
    """Nothing seen is everybody's mean; much seen is one's own rate."""
    found = shrunk([0, 1, 1000], [0, 2, 2000], 0.1, 10.0)

    assert [0.1, 2 / 12, 1001 / 2010] == pytest.approx(found.tolist())
    assert [0.1] == shrunk([3], [3], 0.1, None).tolist()


@given(TABLES)
def test_shrunk_shares_sum_to_one(table: list[list[int]]) -> None:
    """Own and everybody's shares, mixed: still shares."""
    width = len(table[0])
    model = DirichletMultinomial(tuple([1 / width] * width), 3.0)

    np.testing.assert_allclose(np.sum(model.shrunk(table), axis=1), 1)
    assert model.shrunk(table)[0].tolist() == model.shrunk(table[0]).tolist()


def test_a_fit_is_kept_and_comes_back_equal() -> None:
    """A fitted model is a value like any other."""
    for fit in (
        fit_beta_binomial([0, 1, 3, 9], [5, 5, 10, 10]),
        fit_dirichlet_multinomial([[1, 1], [1, 1]]),
    ):
        assert fit == load(dump(fit))
        assert {"shares": fit.shares, "kappa": fit.kappa} == dict(fit.params)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fit_dirichlet_multinomial([[1], [2]]), "of two columns or more"),
        (lambda: fit_dirichlet_multinomial([[0, 0]]), "with an observation"),
        (lambda: fit_dirichlet_multinomial([[1, -1]]), r"counts\[0\]\[1\] must be at"),
        (lambda: fit_dirichlet_multinomial([[1, 0.5]]), "a table of whole numbers"),
        (lambda: fit_dirichlet_multinomial([[1, math.nan]]), "whole numbers"),
        (lambda: fit_dirichlet_multinomial([[2**60, 1]]), "at most 2\\*\\*53 together"),
        (lambda: fit_dirichlet_multinomial([[1, 2]], weights=[1, 2]), "as many as"),
        (lambda: fit_dirichlet_multinomial([[1, 2]], prior=[1]), "one number for each"),
        (
            lambda: fit_dirichlet_multinomial([[1, 2]], prior=[1, 0]),
            r"prior\[1\] must be above 0",
        ),
        (lambda: fit_beta_binomial([2], [1]), r"successes\[0\] must be at most the"),
        (lambda: fit_beta_binomial([1], [1, 2]), "trials must be as many as rows, 1"),
        (lambda: fit_concentration([2], [1], [0.5]), "at most the trials"),
        (lambda: fit_concentration([1], [1], [1.0]), r"means\[0\] must be between"),
        (lambda: fit_concentration([1], [1, 2], [0.5]), "of one length"),
        (lambda: shrunk(2, 1, 0.5, 1.0), "successes must be at most the trials"),
        (lambda: shrunk(-1, 1, 0.5, 1.0), "successes must be at least 0"),
        (lambda: shrunk(1, 1, 1.5, 1.0), "mean must be from 0 to 1"),
        (lambda: shrunk(1, 1, 0.5, 0.0), "kappa must be a finite number above 0"),
        (lambda: shrunk(1, 1, 0.5, True), "kappa must be a finite number above 0"),
        (lambda: shrunk([1, math.nan], 1, 0.5, 1.0), r"successes\[1\] must be finite"),
        (lambda: DirichletMultinomial((0.5, 0.4), 1.0), "shares that sum to 1"),
        (lambda: DirichletMultinomial((1.0,), 1.0), "two or more shares"),
        (lambda: DirichletMultinomial((0.5, 0.5), 0.0), "kappa must be a finite"),
        (
            lambda: DirichletMultinomial((0.5, 0.5), 1.0).shrunk([1, 2, 3]),
            "counts.shape must be rows of 2",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(call: Any, said: str) -> None:
    """The message names the value and the rule."""
    with pytest.raises(InvalidInputError, match=said):
        call()
