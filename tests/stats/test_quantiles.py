"""Medians and their intervals: the printed table, laws, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.quantiles import median

# Dwell times in seconds; two tabs were left open.
DWELL = [3, 5, 8, 9, 12, 14, 15, 21, 30, 33, 41, 60, 75, 120, 240, 900, 1800]


@pytest.mark.parametrize(
    ("n", "rank"),
    [(6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (17, 5), (20, 6), (25, 8), (30, 10)],
)
def test_the_ranks_are_those_of_the_printed_table(n: int, rank: int) -> None:
    """Ranks of a 95 % interval for a median, as tables of the sign test give them."""
    found = median(np.arange(1, n + 1))

    assert (rank, n + 1 - rank) == (found.low, found.high)


def test_open_tabs_do_not_move_the_median() -> None:
    """17 dwell times: 30 seconds, from the 5th to the 13th value; covers 95.1 %."""
    found = median(DWELL)

    assert (30, 12, 75) == (found.value, found.low, found.high)
    lost = sum(math.comb(17, heads) for heads in range(5)) / 2**17
    assert 0.950958 == pytest.approx(1 - 2 * lost, abs=5e-7)


def test_the_interval_covers_what_it_says() -> None:
    """Heavy-tailed values: the true median is held in at least 95 of 100."""
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(1000):
        found = median(rng.lognormal(3, 1.5, 17))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= math.exp(3) <= found.high

    assert 0.93 <= held / 1000 <= 0.975


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60), st.floats(0.5, 0.9999))
def test_the_interval_holds_the_median(values: list[int], level: float) -> None:
    """Ties and any order of the values change nothing."""
    found = median(values, level=level)

    assert found == median(sorted(values), level=level)
    assert np.median(values) == found.value
    if found.low is not None:
        assert found.low in values
        assert found.high in values
    else:
        assert 2 * 0.5 ** len(values) > 1 - level


def test_few_units_have_no_interval() -> None:
    """Five values do not reach 95 %; nobody is undefined."""
    assert "3 n=5" == str(median([1, 2, 3, 4, 5]))
    assert "undefined n=0 (no units)" == str(median([]))
    with pytest.raises(InvalidInputError, match=r"values\[1\] must be finite"):
        median([1, math.nan])
