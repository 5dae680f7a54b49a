"""Long-run shares and waiting times of Markov chains."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from wxengage.errors import InvalidInputError
from wxengage.stats.chains import stationary, steps_to

rows = st.integers(2, 5).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(1, 9), min_size=n, max_size=n), min_size=n, max_size=n
    )
)


def shares(counts: list[list[int]]) -> Any:
    """Return rows of counts as rows that sum to 1."""
    table = np.array(counts, dtype=float)
    return table / table.sum(axis=1, keepdims=True)


def test_the_oracle_is_met(oracles: dict[str, Any]) -> None:
    """The article's three segments: shares in the long run, steps to dormant."""
    oracle = oracles["segmentation"]["transition_matrix"]
    matrix = oracle["outputs"]["mle"]
    steps = oracles["segmentation"]["expected_steps_to_dormant"]

    assert_allclose(oracle["outputs"]["stationary_mle"], stationary(matrix), rtol=1e-6)
    found = steps_to(matrix, steps["inputs"]["absorbing"])
    assert_allclose([*steps["outputs"], 0], found, rtol=1e-6)


@given(rows)
def test_one_more_step_changes_nothing(counts: list[list[int]]) -> None:
    """The long-run shares are their own next step, and sum to 1."""
    matrix = shares(counts)

    found = stationary(matrix)

    assert_allclose(found, found @ matrix, atol=1e-12)
    assert 1 == pytest.approx(float(found.sum()))


@given(rows)
def test_a_step_takes_one(counts: list[list[int]]) -> None:
    """From each state: one step, and what it takes from there on."""
    matrix = shares(counts)

    steps = steps_to(matrix, 0)

    assert 0 == steps[0]
    assert_allclose(steps[1:], 1 + (matrix @ steps)[1:], rtol=1e-9)


def test_what_may_never_come_takes_for_ever() -> None:
    """A state that is never left, and one that may fall into it."""
    matrix = np.array([[0.5, 0.25, 0.25], [0, 1, 0], [0.5, 0, 0.5]])

    assert [0, math.inf, 2] == steps_to(matrix, 0).tolist()
    assert np.isfinite(steps_to(matrix, 1)).all()
    assert_allclose([0.0, 1.0, 0.0], stationary(matrix), atol=1e-12)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ([[0.5, 0.4], [0.5, 0.5]], r"matrix\[0\] must be probabilities that sum to 1"),
        ([[1.5, -0.5], [0.5, 0.5]], r"matrix\[0\] must be probabilities"),
        ([[1.0]] * 2, "matrix.shape must be square"),
        ([[1, 0], [0, 1]], "one group of states that all lead to each other"),
        ([[math.nan, 1], [0, 1]], "must be finite"),
    ],
)
def test_bad_matrices_are_refused(matrix: Any, said: str) -> None:
    """Rows are probabilities; shares must not depend on the beginning."""
    with pytest.raises(InvalidInputError, match=said):
        stationary(matrix)
    with pytest.raises(InvalidInputError, match="target must be at most 1"):
        steps_to([[0.5, 0.5], [0.5, 0.5]], 2)
