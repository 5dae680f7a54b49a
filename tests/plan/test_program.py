"""What the solver of counts promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from wxengage.errors import WxEngageError
from wxengage.plan.solving.program import Program, mend, solve


def program(
    worth: list[float], rows: list[list[int]], room: list[int], most: int = 5
) -> Program:
    """Return a program whose last row is a budget."""
    return Program(
        np.array(worth),
        np.full(len(worth), most),
        sparse.csc_array(np.array(rows, dtype=np.int64)),
        np.array(room),
        ("budget",),
    )


def test_counts_that_break_a_row_are_cut_where_it_costs_least() -> None:
    """A solver in floats may be off by one; the books are not."""
    knapsack = program([3.0, 1.0], [[2, 2]], [7])

    assert [3, 0] == mend(knapsack, np.array([3, 2])).tolist()


def test_counts_are_filled_up_with_what_is_worth_most() -> None:
    """Nothing is left lying that would have fitted."""
    knapsack = program([3.0, 1.0], [[2, 1]], [7])

    assert [3, 1] == mend(knapsack, np.array([0, 0])).tolist()


@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_mended_counts_keep_every_row(
    counts: list[int], weights: list[int], first: int, second: int
) -> None:
    """Whatever comes in, what goes out is allowed, and cannot be topped up."""
    one = program([1.0, 2.0, 3.0], [[1, 1, 0], weights], [first, second])

    found = mend(one, np.array(counts))

    left = one.room - one.matrix @ found
    assert (left >= 0).all()
    assert ((found >= 0) & (found <= 5)).all()
    dense = one.matrix.toarray()
    for variable in range(3):
        blocked = (dense[:, variable] > left).any()
        assert found[variable] == 5 or blocked


def test_a_program_without_a_solution_is_an_error() -> None:
    """It cannot come from limits, which are never below zero."""
    with pytest.raises(WxEngageError, match="HiGHS could not solve"):
        solve(program([1.0], [[1]], [-1]), 0.0)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_the_unit_of_the_values_does_not_matter(unit: float) -> None:
    """Tolerances of the solver are relative to the largest value."""
    found = solve(program([3 * unit, 2 * unit], [[2, 1]], [7]), 0.0)

    assert [1, 5] == found.counts.tolist()
    assert 13 * unit == pytest.approx(found.value)
    assert found.bound == found.value
    assert 1.5 * unit == pytest.approx(found.prices["budget"])
