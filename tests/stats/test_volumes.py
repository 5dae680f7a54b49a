"""How much of a good thing: utilities, and the best of them within a budget."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.volumes import allot, geometric, utilities

CHANCES = st.floats(0, 1)
MONEY = st.floats(-100, 100)


@given(MONEY, st.lists(st.tuples(CHANCES, CHANCES), max_size=6), MONEY, MONEY)
def test_a_utility_is_the_expectation_over_all_that_may_happen(
    v: float, chances: list[tuple[float, float]], ell: float, c: float
) -> None:
    """Every attempt succeeds or not, and ends it or not: all branches, weighed."""
    expected = 0.0
    for fates in itertools.product((True, False), repeat=2 * len(chances)):
        probability, gained, there = 1.0, 0.0, True
        for (q, h), success, end in zip(chances, fates[::2], fates[1::2], strict=True):
            probability *= (q if success else 1 - q) * (h if end else 1 - h)
            if success and there:
                gained = v
            there = there and not end
        expected += probability * (gained - (0 if there else ell))
    rows = np.array(chances).reshape(-1, 2).T

    found = utilities(v, rows[:1], rows[1:], ell, c)

    assert expected - c * len(chances) == pytest.approx(found[0, -1], abs=1e-9)
    assert found[0, 0] == 0


@given(st.lists(st.tuples(CHANCES, st.floats(0, 10)), max_size=5), st.integers(0, 6))
def test_each_chance_is_so_many_times_the_one_before(
    units: list[tuple[float, float]], most: int
) -> None:
    """And stays a chance."""
    first, ratio = np.array(units).reshape(-1, 2).T

    found = geometric(first, ratio, most)

    assert (len(units), most) == found.shape
    for row, (chance, times) in zip(found.tolist(), units, strict=True):
        assert row == pytest.approx([min(chance * times**j, 1) for j in range(most)])


TABLES = st.integers(0, 4).flatmap(
    lambda most: st.lists(
        st.lists(st.integers(-20, 20), min_size=most + 1, max_size=most + 1),
        min_size=1,
        max_size=5,
    )
)


def by_hand(table: list[list[int]], budget: int | None) -> int:
    """Return the highest value of all volumes that the budget allows."""
    volumes = itertools.product(range(len(table[0])), repeat=len(table))
    return max(
        sum(row[k] for row, k in zip(table, ks, strict=True))
        for ks in volumes
        if budget is None or sum(ks) <= budget
    )


@given(TABLES, st.none() | st.integers(0, 25))
def test_a_small_crowd_gets_the_best_there_is(
    table: list[list[int]], budget: int | None
) -> None:
    """Whatever the table, as brute force finds."""
    found = allot(table, budget)

    assert by_hand(table, budget) == found.value == found.bound
    assert budget is None or found.volumes.sum() <= budget
    assert found.value == sum(
        row[k] for row, k in zip(table, found.volumes.tolist(), strict=True)
    )
    if budget is None:
        assert [row.index(max(row)) for row in table] == found.volumes.tolist()


@given(TABLES, st.integers(0, 12))
def test_where_each_attempt_adds_less_the_value_is_the_bound(
    table: list[list[int]], budget: int
) -> None:
    """No gap at all, as brute force confirms."""
    concave = np.cumsum(-np.sort(-np.array(table), axis=1), axis=1)

    found = allot(concave, budget)

    assert by_hand(concave.tolist(), budget) == found.value
    assert found.bound == pytest.approx(found.value, abs=1e-9)
    assert found.gap == pytest.approx(0, abs=1e-9)


def test_what_is_left_of_a_budget_goes_to_what_fits() -> None:
    """Two attempts at once are best, there is one left, and the gap is told."""
    table = [[0, 0, 10]] * 5_000 + [[0, 3, 3], [0, 0, 2]]

    found = allot(table, budget=5_001)

    assert (25_003, 25_005, 5) == (found.value, found.bound, found.price)
    assert 5_001 == found.volumes.sum()
    assert 1 == found.volumes[5_000]
    assert found.gap == pytest.approx(2 / 25_005)


@given(TABLES, st.integers(0, 3_000))
def test_in_a_large_crowd_the_gap_is_at_most_what_one_unit_gains(
    table: list[list[int]], budget: int
) -> None:
    """So it vanishes as a share; and the bound is one, as a small crowd shows."""
    many = 1_500
    found = allot(table * many, budget)

    gain = max(max(row) - row[0] for row in table)
    assert 0 <= found.bound - found.value <= gain + 1e-6
    assert found.volumes.sum() <= budget
    # What one copy of the crowd does with its part of the budget, all can do.
    assert many * by_hand(table, budget // many) <= found.bound + 1e-6


def test_the_price_is_what_one_more_attempt_would_bring() -> None:
    """And nothing where all got what they want."""
    table = [[0, 5, 8, 9], [0, 4, 5, 5]]

    prices = [allot(table, budget).price for budget in range(7)]

    assert [5, 4, 3, 1, 1, 0, 0] == prices
    gains = -np.diff([allot(table, budget).value for budget in range(6, -1, -1)])
    assert prices[:-1] == gains[::-1].tolist()


def test_an_empty_crowd_gets_nothing() -> None:
    """Worth 0, and no more than 0."""
    found = allot(np.empty((0, 4)), budget=3)

    assert (0, 0.0, 0.0, 0.0) == (
        found.volumes.size,
        found.value,
        found.bound,
        found.gap,
    )


@pytest.mark.parametrize(
    ("table", "budget", "message"),
    [
        ([1, 2], 1, "u.shape must be a row a unit"),
        (np.empty((2, 0)), 1, "u.shape must be a row a unit"),
        ([[0, math.nan]], 1, r"u\[1\] must be finite"),
        ([[0, math.inf]], 1, r"u\[1\] must be finite"),
        ([[0, "1"]], 1, "u must be numbers"),
        ([[0, 1]], -1, "budget must be at least 0"),
        ([[0, 1]], 1.0, "budget must be a whole number"),
    ],
)
def test_a_bad_table_or_budget_is_named(table: Any, budget: Any, message: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInputError, match=message):
        allot(table, budget)


@pytest.mark.parametrize(
    ("q", "h", "v", "message"),
    [
        ([[0.1]], [[0.1, 0.1]], 1, "q, h must be tables of one shape"),
        ([0.1], [0.1], 1, "q, h must be tables of one shape"),
        ([[1.1]], [[0.1]], 1, r"q\[0\] must be 0 to 1"),
        ([[0.1]], [[-0.1]], 1, r"h\[0\] must be 0 to 1"),
        ([[0.1]], [[0.1]], [1, 2], "v must be one number, or 1"),
        ([[0.1]], [[0.1]], math.nan, "v must be finite"),
    ],
)
def test_bad_chances_are_named(q: Any, h: Any, v: Any, message: str) -> None:
    """A chance is from 0 to 1."""
    with pytest.raises(InvalidInputError, match=message):
        utilities(v, q, h, 0, 0)
