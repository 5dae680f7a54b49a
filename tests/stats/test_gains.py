"""Two forecasts of the same users: the pairs, one by one; laws; coverage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.gains import auc_gain, brier_gain
from wxengage.stats.scoring import auc, brier

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.bool_]"]
# Few values, so that ties are common.
ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()),
    min_size=1,
    max_size=30,
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


def order(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return who of each pair is put first: 1, 0, or 1/2 for a tie."""
    found: NDArray[np.float64] = (np.sign(np.subtract.outer(a, b)) + 1) / 2
    return found


@given(ROWS)
def test_a_gain_in_order_is_that_of_every_pair(rows: Rows) -> None:
    """Value and paired DeLong error by the definition."""
    one, two, did = rows
    found = auc_gain(one, two, did)
    if did.all() or not did.any():
        assert not found.defined
        return
    pairs = order(one[did], one[~did]) - order(two[did], two[~did])
    assert found.value == pytest.approx(pairs.mean())
    if min(did.sum(), (~did).sum()) < 2:
        assert found.low is None
        return
    of_yes, of_no = pairs.mean(axis=1), pairs.mean(axis=0)
    variance = of_yes.var(ddof=1) / len(of_yes) + of_no.var(ddof=1) / len(of_no)
    if found.low is None:
        assert 0 == pytest.approx(variance, abs=1e-15)
    else:
        reach = 1.959963984540054 * math.sqrt(variance)
        assert found.low == pytest.approx(pairs.mean() - reach)


@given(ROWS)
def test_a_gain_is_the_difference_of_both_and_has_a_mirror(rows: Rows) -> None:
    """Of areas and of Brier scores; the other way round it is a loss."""
    one, two, did = rows
    gain, loss = auc_gain(one, two, did), auc_gain(two, one, did)
    first, second = auc(one, did).value, auc(two, did).value
    if first is not None and second is not None:
        assert first - second == pytest.approx(gain.value)
        assert gain.value == pytest.approx(-(loss.value or 0.0))
    error = brier_gain(one / 4, two / 4, did)
    smaller, larger = brier(one / 4, did).value, brier(two / 4, did).value
    assert smaller is not None
    assert larger is not None
    assert larger - smaller == pytest.approx(error.value)


def test_paired_intervals_see_what_overlapping_ones_hide() -> None:
    """A forecast and a slightly worse copy of it, for the same 2,000 users."""
    rng = np.random.default_rng(4)
    truth = rng.normal(size=2000)
    did = rng.random(2000) < 1 / (1 + np.exp(-truth))
    worse = truth + rng.normal(scale=0.5, size=2000)

    mine, other = auc(truth, did), auc(worse, did)
    gain = auc_gain(truth, worse, did)

    assert mine.low is not None
    assert other.high is not None
    assert mine.low < other.high
    assert gain.low is not None
    assert gain.low > 0


def test_equal_forecasts_are_told_apart_in_5_of_100() -> None:
    """Two copies with as much noise each: the interval holds 0 at its level."""
    rng = np.random.default_rng(8)
    held = {"order": 0, "error": 0}
    for _ in range(400):
        truth = rng.uniform(0.1, 0.9, 150)
        did = rng.random(150) < truth
        one, two = (np.clip(truth + rng.normal(0, 0.1, 150), 0, 1) for _ in range(2))
        for name, gain in (("order", auc_gain), ("error", brier_gain)):
            found = gain(one, two, did)
            assert found.low is not None
            assert found.high is not None
            held[name] += found.low <= 0 <= found.high

    assert 0.92 <= held["order"] / 400 <= 0.98
    assert 0.92 <= held["error"] / 400 <= 0.98


def test_bad_input_is_named() -> None:
    """Each column by its name."""
    with pytest.raises(InvalidInputError, match=r"other\[1\] must be finite"):
        auc_gain([1, 2], [1, math.nan], [0, 1])
    with pytest.raises(InvalidInputError, match="outcomes must be as many as other"):
        auc_gain([1, 2], [1], [0, 1])
    with pytest.raises(InvalidInputError, match="from 0 to 1"):
        brier_gain([0.1, 0.2], [0.1, 2.0], [0, 1])
    assert ("no users",) == auc_gain([], [], []).assumptions
    assert not brier_gain([], [], []).defined
    with pytest.raises(InvalidInputError, match="level must be between 0 and 1"):
        auc_gain([1, 2], [2, 1], [0, 1], level=95)
