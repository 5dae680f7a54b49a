"""Estimates, shares, means and ratios against published numbers and laws."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.estimates import Estimate
from wxengage.stats.intervals import (
    beta_rows,
    jeffreys,
    mean,
    newcombe,
    ratio,
    wilson,
)

ORACLES = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)
COUNTS = st.integers(0, 10_000).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n))
)


def ends(estimate: Estimate) -> tuple[float, float]:
    """Return the interval's ends, which must be there."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


def test_an_estimate_prints_as_one_line() -> None:
    """Value, interval and units are read at a glance."""
    found = Estimate(0.32, 0.25, 0.40, 120)

    assert "0.32 [0.25, 0.40] n=120" == str(found)
    assert "<Estimate 0.32 [0.25, 0.40] n=120>" == repr(found)


def test_an_undefined_estimate_says_why_and_is_never_zero() -> None:
    """What cannot be known is None, with the reason, and prints so."""
    found = Estimate.undefined("no trials")

    assert not found.defined
    assert (None, None, None) == (found.value, found.low, found.high)
    assert "undefined n=0 (no trials)" == str(found)


def test_html_of_an_estimate_is_escaped() -> None:
    """A hostile reason is text, also inside the attribute."""
    found = Estimate.undefined('"><script>alert(1)</script>')

    assert "<script" not in found._repr_html_()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ((math.nan, None, None, 1), "value must be a number"),
        ((True, None, None, 1), "value must be a number"),
        ((0.5, 0.6, 0.7, 1), "interval must be around the value"),
        ((0.5, 0.4, None, 1), "interval must be both ends"),
        ((None, 0.4, 0.5, 1), "interval must be None"),
        ((0.5, 0.4, 0.6, -1), "n must be a whole number"),
        ((0.5, 0.4, 0.6, 1, 1.0), "level must be between 0 and 1"),
    ],
)
def test_an_estimate_that_contradicts_itself_is_refused(
    fields: tuple[Any, ...], said: str
) -> None:
    """The message names the field and the rule."""
    with pytest.raises(InvalidInputError, match=said):
        Estimate(*fields)


def test_wilson_gives_the_published_interval() -> None:
    """9 of 10: 0.595850 to 0.982124."""
    found = wilson(9, 10)

    assert 0.9 == found.value
    assert (0.595850, 0.982124) == pytest.approx(ends(found), abs=5e-7)


@given(COUNTS)
def test_shares_stay_within_zero_and_one(pair: tuple[int, int]) -> None:
    """Both intervals hold the share; without trials both are undefined."""
    for method in (wilson, jeffreys):
        found = method(*pair)
        if pair[1] == 0:
            assert not found.defined
            continue
        low, high = ends(found)
        assert 0 <= low <= pair[0] / pair[1] <= high <= 1
        assert low < high


@given(COUNTS)
def test_failures_mirror_successes(pair: tuple[int, int]) -> None:
    """The interval of the failures is the mirrored interval of the successes."""
    k, n = pair
    for method in (wilson, jeffreys):
        found, mirrored = method(k, n), method(n - k, n)
        if n:
            low, high = ends(found)
            assert (1 - high, 1 - low) == pytest.approx(ends(mirrored), abs=1e-12)


@pytest.mark.parametrize(
    ("successes", "trials", "said"),
    [
        (-1, 3, "successes must be a whole number from 0, got -1"),
        (1.5, 3, "successes must be a whole number"),
        (True, 3, "successes must be a whole number from 0, got True"),
        (4, 3, "successes must be at most the trials, 3, got 4"),
        (1, math.nan, "trials must be a whole number"),
        ("1", 3, "successes must be a whole number"),
    ],
)
def test_impossible_counts_are_refused(successes: Any, trials: Any, said: str) -> None:
    """The message names the count at fault."""
    with pytest.raises(InvalidInputError, match=said):
        wilson(successes, trials)


def test_whole_numpy_counts_are_taken() -> None:
    """A sum of a numpy column is a count like any other."""
    assert wilson(9, 10) == wilson(np.int64(9), np.uint32(10))


@pytest.mark.parametrize(
    ("counts", "value", "interval"),
    [
        ((56, 70, 48, 80), 0.2, (0.0524, 0.3339)),
        ((9, 10, 3, 10), 0.6, (0.1705, 0.8090)),
        ((6, 7, 2, 7), 4 / 7, (0.0582, 0.8062)),
        ((5, 56, 0, 29), 5 / 56, (-0.0381, 0.1926)),
        ((0, 10, 0, 20), 0.0, (-0.1611, 0.2775)),
        ((0, 10, 0, 10), 0.0, (-0.2775, 0.2775)),
        ((10, 10, 0, 20), 1.0, (0.6791, 1.0)),
        ((10, 10, 0, 10), 1.0, (0.6075, 1.0)),
    ],
)
def test_a_difference_of_shares_is_the_published_one(
    counts: tuple[int, int, int, int], value: float, interval: tuple[float, float]
) -> None:
    """All eight examples of Newcombe's table, method 10."""
    found = newcombe(*counts)

    assert value == pytest.approx(found.value)
    assert interval == pytest.approx(ends(found), abs=5e-5)


@given(COUNTS, COUNTS)
def test_a_difference_turned_round_changes_its_sign(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    """Which share stands first changes the sign and nothing else."""
    found, turned = newcombe(*a, *b), newcombe(*b, *a)

    assert found.defined == turned.defined == (a[1] > 0 and b[1] > 0)
    if found.value is not None:
        low, high = ends(found)
        assert (-high, -low) == pytest.approx(ends(turned))
        assert -1 <= low <= found.value <= high <= 1


def test_a_difference_names_the_set_at_fault() -> None:
    """Counts that cannot be and sets without trials are told apart."""
    assert "undefined n=5 (no trials in b)" == str(newcombe(1, 5, 0, 0))
    with pytest.raises(InvalidInputError, match="successes_b must be at most"):
        newcombe(1, 5, 3, 2)
    with pytest.raises(InvalidInputError, match="trials_a must be a whole number"):
        newcombe(1, 5.5, 3, 4)  # type: ignore[arg-type]  # the mistake under test


def test_transition_rows_equal_the_oracle() -> None:
    """Posterior means and Beta marginals of the reference table."""
    oracle = ORACLES["segmentation"]["transition_matrix"]

    rows = beta_rows(oracle["inputs"]["counts"])

    for name, field in (("posterior_mean", "value"), ("lo", "low"), ("hi", "high")):
        found = [[getattr(cell, field) for cell in row] for row in rows]
        np.testing.assert_allclose(found, oracle["outputs"][name], rtol=1e-6)
    assert [100, 200, 200] == [row[0].n for row in rows]


@given(
    st.lists(
        st.lists(st.integers(0, 500), min_size=3, max_size=3), min_size=1, max_size=4
    )
)
def test_each_row_sums_to_one_or_is_undefined(counts: list[list[int]]) -> None:
    """Nobody in a state: nothing is known of where they go."""
    for given_row, row in zip(counts, beta_rows(counts), strict=True):
        if not sum(given_row):
            assert not any(cell.defined for cell in row)
            continue
        assert 1 == pytest.approx(sum(cell.value or 0 for cell in row))


@pytest.mark.parametrize("counts", [[1, 2], [[1.5]], [[True]], [["a"]], [[math.nan]]])
def test_a_table_of_something_else_is_refused(counts: Any) -> None:
    """Only whole numbers count transitions."""
    with pytest.raises(InvalidInputError, match="counts must be a table of whole"):
        beta_rows(counts)


def test_a_negative_count_is_named_by_its_cell() -> None:
    """The cell at fault stands in the message."""
    with pytest.raises(InvalidInputError, match=r"counts\[1\]\[0\] must be at least 0"):
        beta_rows([[1, 2], [-1, 4]])


def test_ratio_equals_the_oracle() -> None:
    """The user-level error, not the one of pooled sessions."""
    oracle = ORACLES["metrics"]["ratio_delta"]
    found = ratio(oracle["inputs"]["opens"], oracle["inputs"]["sessions"])
    low, high = ends(found)
    t9 = 2.2621571627409915  # Student's 97.5 % quantile, 9 degrees of freedom

    assert oracle["outputs"]["ratio"] == pytest.approx(found.value)
    assert oracle["outputs"]["se_delta"] == pytest.approx((high - low) / 2 / t9)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_a_ratio_of_parts_stays_within_zero_and_one(
    pairs: list[tuple[int, int]],
) -> None:
    """Opens are part of the sessions: no end leaves 0 to 1."""
    opens = [min(pair) for pair in pairs]
    sessions = [max(pair) for pair in pairs]

    found = ratio(opens, sessions)

    if not sum(sessions):
        assert not found.defined
    elif found.low is not None:
        low, high = ends(found)
        assert 0 <= low <= high <= 1


def test_one_user_gives_a_ratio_without_an_interval() -> None:
    """One unit shows no spread: the value stands, the interval does not."""
    found = ratio([3], [10])

    assert 0.3 == found.value
    assert found.low is None
    assert "0.30 n=1" == str(found)


def test_ratio_refuses_columns_that_do_not_fit() -> None:
    """Lengths, signs and what is no number are told apart."""
    with pytest.raises(InvalidInputError, match="as many as numerators, 2, got 1"):
        ratio([1, 2], [3])
    with pytest.raises(InvalidInputError, match=r"denominators\[1\] must be at least"):
        ratio([1, 2], [3, -1])
    with pytest.raises(InvalidInputError, match=r"numerators\[1\] must be finite"):
        ratio([1, math.nan], [3, 1])
    with pytest.raises(InvalidInputError, match="numbers, one per unit"):
        ratio(["a", "b"], [3, 1])
    with pytest.raises(InvalidInputError, match="one-dimensional"):
        ratio([[1.0]], [[1.0]])


def test_mean_is_students() -> None:
    """Mean 4, error 2 / sqrt(3), quantile 4.302653 at two degrees of freedom."""
    reach = 4.302652729696142 * 2 / math.sqrt(3)
    found = mean([2, 4, 6])

    assert 4 == found.value
    assert (4 - reach, 4 + reach) == pytest.approx(ends(found))
    assert not mean([]).defined
    assert mean([5.0]).low is None


def test_daily_messages_equal_the_oracle() -> None:
    """Two weeks of a group: the mean, its error, and not a Poisson's."""
    oracle = ORACLES["community"]["daily_messages_gt_20"]
    found = mean(oracle["inputs"]["counts"])
    low, high = ends(found)
    t13 = 2.1603686564627917  # Student's 97.5 % quantile, 13 degrees of freedom

    assert oracle["outputs"]["mean"] == pytest.approx(found.value)
    assert oracle["outputs"]["se"] == pytest.approx((high - low) / 2 / t13)
