"""What tails of counts, rankings and scans over groups promise."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wxengage.errors import InvalidInputError
from wxengage.stats.intervals import wilson
from wxengage.stats.ranking import (
    bradley_terry,
    midrank_percentiles,
    rank_intervals,
    wilson_lower,
)
from wxengage.stats.scan import burst_probabilities, burst_probability, most_in_window
from wxengage.stats.tails import adjusted, beta_binomial_tail, overlap_tail

PAIRS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 300)).map(
        lambda pair: (min(pair), max(pair))
    ),
    min_size=1,
    max_size=20,
)


def test_new_accounts_are_as_surprising_as_is_published(
    oracles: dict[str, Any],
) -> None:
    """The tail of the beta-binomial law."""
    expected = oracles["ugc"]["new_account_share_tail"]
    told = expected["inputs"]
    a, b = told["prior"]

    found = beta_binomial_tail(told["new"], told["votes"], a / (a + b), a + b)

    assert pytest.approx(expected["outputs"], rel=expected["rtol"]) == found


def test_shared_voters_are_as_surprising_as_is_published(
    oracles: dict[str, Any],
) -> None:
    """The tail of the hypergeometric law."""
    expected = oracles["ugc"]["covoting_overlap"]
    told = expected["inputs"]

    (found,) = overlap_tail(
        [told["overlap"]], [told["votes_A"]], [told["votes_B"]], told["voters_total"]
    )

    assert pytest.approx(expected["outputs"], rel=expected["rtol"]) == found


def exact_tail(k: int, n: int, a: Fraction, b: Fraction) -> Fraction:
    """Return the tail of the beta-binomial law without rounding."""

    def rising(start: Fraction, times: int) -> Fraction:
        return math.prod((start + step for step in range(times)), start=Fraction(1))

    terms = (math.comb(n, x) * rising(a, x) * rising(b, n - x) for x in range(k, n + 1))
    return sum(terms, Fraction(0)) / rising(a + b, n)


@given(
    st.integers(0, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=50),
    st.fractions(Fraction(1, 10), 10_000, max_denominator=20),
)
def test_beta_binomial_tails_are_exact(
    pair: tuple[int, int], mean: Fraction, kappa: Fraction
) -> None:
    """In ten digits, however small."""
    k, n = pair

    (found,) = beta_binomial_tail([k], [n], float(mean), float(kappa))

    exact = exact_tail(k, n, kappa * mean, kappa * (1 - mean))
    assert pytest.approx(float(exact), rel=1e-10) == found


@given(PAIRS, st.floats(0.01, 0.99), st.floats(0.1, 1e4))
def test_beta_binomial_tails_are_a_peer_s(
    pairs: list[tuple[int, int]], mean: float, kappa: float
) -> None:
    """Of many counts at once; the peer rounds at ten digits after the point."""
    wins, tries = np.array(pairs).T

    found = beta_binomial_tail(wins, tries, mean, kappa)

    peer = stats.betabinom.sf(wins - 1, tries, kappa * mean, kappa * (1 - mean))
    assert pytest.approx(peer, rel=1e-6, abs=1e-9) == found
    assert (found <= 1).all()


@given(PAIRS, st.floats(0.0, 1.0))
def test_without_heterogeneity_tails_are_binomial(
    pairs: list[tuple[int, int]], mean: float
) -> None:
    """Also where the rate is 0 or 1."""
    wins, tries = np.array(pairs).T

    found = beta_binomial_tail(wins, tries, mean, None)

    peer = stats.binom.sf(wins - 1, tries, mean)
    assert pytest.approx(peer, rel=1e-6, abs=1e-12) == found


@given(
    st.integers(1, 200).flatmap(
        lambda total: st.tuples(
            st.just(total), st.integers(0, total), st.integers(0, total)
        )
    ),
    st.floats(0, 1),
)
def test_overlap_tails_are_a_peer_s(sizes: tuple[int, int, int], where: float) -> None:
    """For every overlap that can be."""
    total, a, b = sizes
    low, high = max(0, a + b - total), min(a, b)
    overlap = low + round(where * (high - low))

    (found,) = overlap_tail([overlap], [a], [b], total)

    peer = stats.hypergeom.sf(overlap - 1, total, a, b)
    assert pytest.approx(peer, rel=1e-6, abs=1e-12) == found


@given(st.lists(st.floats(0, 1), max_size=40))
def test_adjusted_tails_are_a_peer_s(tails: list[float]) -> None:
    """Benjamini and Hochberg's, of any number of tests."""
    found = adjusted(tails)

    peer = stats.false_discovery_control(tails) if tails else np.zeros(0)
    assert pytest.approx(peer) == found


def test_of_false_findings_there_are_as_many_as_was_said() -> None:
    """A tenth of what is found at 10 %, and what is there is found."""
    rng = np.random.default_rng(11)
    wrong, right = [], []
    for _ in range(200):
        normal = rng.normal(0, 1, 500) + np.r_[np.full(50, 4.0), np.zeros(450)]
        found = adjusted(stats.norm.sf(normal)) <= 0.1
        wrong.append(found[50:].sum() / max(found.sum(), 1))
        right.append(found[:50].mean())

    assert np.mean(wrong) <= 0.1
    assert np.mean(right) >= 0.8


@given(PAIRS, st.floats(0.001, 0.999))
def test_many_bursts_are_each_the_one(
    pairs: list[tuple[int, int]], window: float
) -> None:
    """One at a time and all at once."""
    most, events = np.array(pairs).T

    one = [burst_probability(n, k, window) for k, n in pairs]

    assert one == burst_probabilities(events, most, window).tolist()


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), max_size=40),
    st.integers(0, 70),
)
def test_the_fullest_window_is_found_by_sliding(
    points: list[tuple[int, int]], window: int
) -> None:
    """Its ends included, and no window sees another group."""
    groups = [group for group, _ in points]
    at = [when for _, when in points]

    slid = [
        max(
            (
                sum(g == group and start <= t <= start + window for g, t in points)
                for start in range(61)
            ),
            default=0,
        )
        for group in range(5)
    ]

    assert slid == most_in_window(groups, at, window, size=5).tolist()


@given(PAIRS)
def test_lower_ends_are_wilson_s(pairs: list[tuple[int, int]]) -> None:
    """Those of one at a time."""
    one = [wilson(k, n).low if n else 0.0 for k, n in pairs]

    found = wilson_lower(*np.array(pairs).T)

    assert pytest.approx(one) == found


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.floats(0.1, 100))
def test_percentiles_do_not_know_the_scale(values: list[int], scale: float) -> None:
    """Their mean is one half, and equal values have one."""
    found = midrank_percentiles(values)

    assert pytest.approx(0.5) == found.mean()
    assert found.tolist() == midrank_percentiles([scale * v for v in values]).tolist()
    peer = (stats.rankdata(values) - 0.5) / len(values)
    assert pytest.approx(peer) == found


WINS = st.integers(2, 5).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(0, 9), min_size=n, max_size=n), min_size=n, max_size=n
    )
)


@settings(max_examples=50)
@given(WINS)
def test_strengths_are_the_most_probable(rows: list[list[int]]) -> None:
    """No strength can be moved and become more probable; also without a win."""
    wins = np.array(rows)
    np.fill_diagonal(wins, 0)
    shares, converged = bradley_terry(wins)

    def value(g: Any) -> float:
        chance = g[:, None] / (g[:, None] + g)
        prior = float((np.log(g) - g).sum())
        return float((wins * np.log(chance)).sum()) + prior

    # Under the prior gamma(2, 1) the strengths themselves sum to n.
    best = shares * len(shares)
    assert converged
    assert (shares > 0).all()
    for row in range(len(best)):
        for factor in (0.99, 1.01):
            moved = best.copy()
            moved[row] *= factor
            assert value(moved) <= value(best) + 1e-9


def test_without_a_prior_strengths_are_the_most_likely() -> None:
    """The likelihood's slope is zero: wins are what was to be expected."""
    wins = np.array([[0, 3, 4], [1, 0, 3], [2, 1, 0]])

    shares, converged = bradley_terry(wins, shape=1.0, rate=0.0)

    met = wins + wins.T
    expected = (met * shares[:, None] / (shares[:, None] + shares)).sum(axis=1)
    assert converged
    assert pytest.approx(wins.sum(axis=1), abs=1e-6) == expected


def test_rank_intervals_hold_their_level() -> None:
    """Where shares come from the prior, true ranks are inside as often as was said."""
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(100):
        shares = rng.beta(4, 36, 30)
        trials = rng.integers(10, 400, 30)
        wins = rng.binomial(trials, shares)
        best, worst = rank_intervals(
            wins, trials, (4, 36), rng=rng, draws=400, level=0.8
        )
        true = stats.rankdata(-shares)
        inside.append(((best <= true) & (true <= worst)).mean())

    assert 0.78 <= np.mean(inside) <= 0.9


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: beta_binomial_tail([2], [1], 0.5, 1.0), "at most the trials"),
        (lambda: beta_binomial_tail([1], [1], 1.5, 1.0), "mean must be from 0"),
        (lambda: beta_binomial_tail([1], [1], 0.5, 0.0), "kappa must be"),
        (lambda: beta_binomial_tail([1], [1, 2], 0.5, 1.0), "as many as rows"),
        (lambda: overlap_tail([3], [2], [5], 10), "at most both sets"),
        (lambda: overlap_tail([1], [2], [15], 10), "second[0] must be at most 10"),
        (lambda: adjusted([0.5, 1.5]), "tails[1] must be from 0 to 1"),
        (lambda: burst_probabilities([1], [2], 0.1), "at most the events"),
        (lambda: most_in_window([5], [2**40], 2**62), "coarser"),
        (lambda: most_in_window([3], [1], 1, size=2), "groups must be below size"),
        (lambda: bradley_terry([[1]]), "wins must be square"),
        (lambda: bradley_terry([[0]], shape=0.5), "shape must be"),
        (
            lambda: rank_intervals([1], [2], (0, 1), rng=np.random.default_rng()),
            "prior",
        ),
    ],
)
def test_what_cannot_be_is_refused(call: Any, said: str) -> None:
    """With the argument and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
