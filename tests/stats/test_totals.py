"""Sums over users and their changes: exact cases, laws, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.totals import ratio_change, total, total_change


def test_one_event_each_is_the_exact_poisson_interval() -> None:
    """Garwood's table: 10 events, 4.795 to 18.390."""
    found = total([1] * 10)

    assert (10.0, 10) == (found.value, found.n)
    assert 4.795 == pytest.approx(found.low, abs=5e-4)
    assert 18.390 == pytest.approx(found.high, abs=5e-4)


def test_nobody_is_zero_with_an_upper_end_where_a_step_is_known() -> None:
    """No events in a period still allow up to 3.69 in the next one like it."""
    found = total([], least=1)

    assert (0.0, 0.0) == (found.value, found.low)
    assert -math.log(0.025) == pytest.approx(found.high)
    assert total([]).low is None


@given(st.lists(st.integers(0, 50), max_size=40))
def test_users_who_bring_nothing_change_nothing(values: list[int]) -> None:
    """A total is the same with and without the idle."""
    assert total([v for v in values if v], least=1) == total(values, least=1)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_few_busy_users_make_the_interval_wider(values: list[int]) -> None:
    """The same sum from independent single acts is never less sure."""
    busy, single = total(values), total([1] * sum(values))

    assert busy.value == single.value
    assert busy.high is not None
    assert single.high is not None
    assert single.high <= busy.high + 1e-9


def test_the_interval_covers_what_it_says() -> None:
    """Users come at random and read in bursts: 95 of 100 hold the mean."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        reads = rng.geometric(0.3, size=rng.poisson(40))
        found = total(reads, least=1)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 40 / 0.3 <= found.high

    assert 0.93 <= held / 400 <= 0.995


def test_a_change_counts_only_users_who_changed() -> None:
    """Ten thousand steady users add nothing to the doubt."""
    few = total_change([4, 0, 2], [5, 3, 2])
    many = total_change([4, 0, 2] + [7] * 10_000, [5, 3, 2] + [7] * 10_000)

    assert 4 == few.value
    assert (few.low, few.high) == (many.low, many.high)
    assert total_change([1, 2], [1, 2]).low is None


def test_a_change_of_shares_pairs_the_users() -> None:
    """Two shares of disjoint users: the textbook error of two proportions."""
    sharers = [1] * 30 + [0] * 70
    zeros, ones = [0] * 100, [1] * 100
    found = ratio_change(
        (sharers + zeros, ones + zeros), (zeros + sharers[::-1], zeros + ones)
    )

    assert 0 == pytest.approx(found.value)
    assert 1.959964 * math.sqrt(2 * 0.3 * 0.7 / 100) == pytest.approx(
        found.high, rel=1e-6
    )


def test_a_change_from_nothing_is_undefined() -> None:
    """No denominator then or now: no change to speak of."""
    assert not ratio_change(([0], [0]), ([1], [1])).defined
    assert not ratio_change(([1], [1]), ([0], [0])).defined


def test_bad_columns_are_refused_by_name() -> None:
    """Negative amounts, unequal lengths and a senseless step."""
    with pytest.raises(InvalidInputError, match=r"values\[1\] must be at least 0"):
        total([1, -2])
    with pytest.raises(InvalidInputError, match="one length"):
        total_change([1, 2], [1])
    with pytest.raises(InvalidInputError, match="least must be above 0"):
        total([], least=0)
