"""Whether so many successes will be reached: peers, laws, bad input."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as peer

from wxengage.errors import InvalidInputError
from wxengage.stats.reaching import beta_reach, poisson_binomial, reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANCES = st.lists(st.floats(0, 1), max_size=7)


@given(CHANCES)
def test_every_way_to_succeed_is_counted(chances: list[float]) -> None:
    """By listing all outcomes of all trials."""
    law: NDArray[np.float64] = np.zeros(len(chances) + 1)
    for outcome in itertools.product([False, True], repeat=len(chances)):
        terms = [p if won else 1 - p for p, won in zip(chances, outcome, strict=True)]
        law[sum(outcome)] += np.prod(terms)

    assert list(law) == pytest.approx(list(poisson_binomial(chances)), abs=1e-12)
    assert law[1:].sum() == pytest.approx(reach(chances, 1), abs=1e-12)


def test_equal_chances_are_binomial_to_the_last_digit_of_a_small_tail() -> None:
    """A tail of 1e-60 keeps its digits."""
    found = poisson_binomial(np.full(60, 0.1))

    wanted = np.asarray(peer.binom.pmf(range(61), 60, 0.1))
    assert wanted.tolist() == pytest.approx(found.tolist(), rel=1e-11)
    assert 0.1**60 == pytest.approx(reach(np.full(60, 0.1), 60), rel=1e-12)


def test_rows_are_independent() -> None:
    """A table gives what its rows give."""
    table = [[0.2, 0.5], [0.9, 1.0]]

    assert [poisson_binomial(row).tolist() for row in table] == poisson_binomial(
        table
    ).tolist()
    assert [1.0, 1.0] == reach([[0.2], [0.3]], 0).tolist()
    assert 0.0 == reach([], 1)


SEEN = st.tuples(st.integers(0, 12), st.integers(0, 12))
LAWS = st.tuples(st.floats(0.05, 30), st.floats(0.05, 30))


@given(SEEN, st.integers(0, 25), st.integers(0, 10), LAWS)
def test_the_rest_of_a_beta_binomial_is_scipys(
    known: tuple[int, int], need: int, more: int, law: tuple[float, float]
) -> None:
    """Tail of what is needed in what is left, given what was seen."""
    (won, lost), (alpha, beta) = known, law
    seen = won + lost
    found = beta_reach(won, seen, need=need, of=seen + more, alpha=alpha, beta=beta)
    wanted = peer.betabinom.sf(need - won - 1, more, alpha + won, beta + lost)

    assert wanted == pytest.approx(found, rel=1e-8, abs=1e-12)


def test_the_same_person_has_the_same_chance_in_a_table() -> None:
    """Of the shape that came in."""
    x, d = [[0, 3], [3, 5]], [[1, 3], [3, 5]]
    found = beta_reach(x, d, need=5, of=7, alpha=2.0, beta=1.0)

    assert (2, 2) == found.shape
    assert found[0, 1] == found[1, 0]
    assert 1.0 == found[1, 1]
    assert found[0, 0] == beta_reach(0, 1, need=5, of=7, alpha=2.0, beta=1.0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: poisson_binomial(0.5),
        lambda: poisson_binomial([0.5, 1.1]),
        lambda: poisson_binomial([0.5, float("nan")]),
        lambda: poisson_binomial([True]),
        lambda: reach([0.5], -1),
        lambda: reach([0.5], True),
        lambda: beta_reach(3, 2, need=1, of=4, alpha=1, beta=1),
        lambda: beta_reach(1, 5, need=1, of=4, alpha=1, beta=1),
        lambda: beta_reach(0.5, 1, need=1, of=4, alpha=1, beta=1),
        lambda: beta_reach(0, 1, need=1, of=4, alpha=0, beta=1),
        lambda: beta_reach(0, 1, need=1, of=4, alpha=1, beta=float("inf")),
        lambda: beta_reach(-1, 1, need=1, of=4, alpha=1, beta=1),
    ],
)
def test_numbers_that_cannot_be_are_refused(ask: Any) -> None:
    """By name."""
    with pytest.raises(InvalidInputError):
        ask()
