"""How surprising counts are (尾概率): tails of discrete laws, and many of them at once.

A tail is the probability that chance alone gives a count so high, or higher. Who
looks at thousands of units finds small ones always; ``adjusted`` says which of them
may be believed when one in so many findings may be false.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import count, number_column, refuse, whole_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["adjusted", "beta_binomial_tail", "overlap_tail"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
# Terms of tails that are summed at a time.
_TERMS: Final = 1 << 20


def beta_binomial_tail(
    successes: ArrayLike, trials: ArrayLike, mean: float, kappa: float | None
) -> Floats:
    """Return how probable so many successes, or more, are.

    Parameters
    ----------
    successes, trials
        Of each unit: whole, from 0. Shape ``(n,)``.
    mean
        Everybody's rate of success, from 0 to 1.
    kappa
        How many trials it weighs: the sum of the beta prior's two parameters. None:
        infinitely many, which makes the law binomial.

    Returns
    -------
    numpy.ndarray
        ``P(X >= successes)``; 1 where there are none. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If a number breaks its rule, or there are more successes than trials.

    Notes
    -----
    The terms from ``successes`` up are summed, so that a small tail keeps all its
    digits; once for each distinct pair of counts.

    Examples
    --------
    >>> beta_binomial_tail([0, 30], [40, 60], 0.2, 15.0).round(6).tolist()
    [1.0, 0.013935]
    """
    wins, tries = whole_column("successes", successes), whole_column("trials", trials)
    if len(wins) != len(tries):
        raise InvalidInputError("trials", len(tries), f"as many as rows, {len(wins)}")
    refuse("successes", wins.astype(float), wins > tries, "at most the trials")
    number = isinstance(mean, (int, float)) and not isinstance(mean, bool)
    if not number or not 0 <= mean <= 1:
        raise InvalidInputError("mean", mean, "from 0 to 1")
    if kappa is not None and (isinstance(kappa, bool) or not 0 < kappa < math.inf):
        hint = "None is an infinite kappa"
        raise InvalidInputError("kappa", kappa, "a finite number above 0", hint)
    pairs, place = np.unique(
        np.column_stack((wins, tries)), axis=0, return_inverse=True
    )
    tails = _pair_tails(pairs[:, 0], pairs[:, 1], float(mean), kappa)
    return tails[place.reshape(-1)]


def _pair_tails(
    wins: NDArray[np.int64], tries: NDArray[np.int64], mean: float, kappa: float | None
) -> Floats:
    from scipy.special import bdtrc, betaln, gammaln  # noqa: PLC0415  slow to import

    tails = np.ones(len(wins))
    some = np.flatnonzero(wins > 0)
    if mean in {0.0, 1.0}:
        tails[some] = mean
        return tails
    if kappa is None:
        tails[some] = bdtrc(wins[some] - 1, tries[some], mean)
        return tails
    a, b = kappa * mean, kappa * (1 - mean)

    def term(k: Floats, n: Floats) -> Floats:
        ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        found: Floats = np.exp(ways + betaln(k + a, n - k + b) - betaln(a, b))
        return found

    tails[some] = _summed(term, wins[some], tries[some], tries[some])
    return tails


def _summed(
    term: Callable[[Floats, Floats], Floats],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    row: NDArray[np.int64],
) -> Floats:
    """Return the sum of ``term(k, row)`` over ``low <= k <= high`` for each row."""
    found = np.zeros(len(low))
    for rows in _portions(high - low + 1):
        size = (high - low + 1)[rows]
        starts = np.cumsum(size) - size
        step = np.arange(int(size.sum())) - np.repeat(starts, size)
        k = np.repeat(low[rows], size) + step
        terms = term(k.astype(np.float64), np.repeat(row[rows], size).astype(float))
        found[rows] = np.add.reduceat(terms, starts)
    return np.minimum(found, 1.0)


def _portions(sizes: NDArray[np.int64]) -> Iterator[slice]:
    """Yield slices of rows with about ``_TERMS`` terms each."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        done = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, done + _TERMS, "right")), start + 1)
        yield slice(start, stop)
        start = stop


def overlap_tail(
    overlap: ArrayLike, first: ArrayLike, second: ArrayLike, total: int
) -> Floats:
    """Return how probable it is that two sets of people share so many, or more.

    Parameters
    ----------
    overlap
        How many are in both sets. Shape ``(n,)``.
    first, second
        How many are in each. Shape ``(n,)``.
    total
        How many people there are.

    Returns
    -------
    numpy.ndarray
        Under the hypergeometric law: each set was drawn without regard to the
        other. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If a count is no whole number from 0, or cannot be.

    Notes
    -----
    The terms from ``overlap`` up are summed.

    Examples
    --------
    >>> print(f"{overlap_tail([18], [40], [60], 5_000)[0]:.4e}")
    1.5210e-25
    """
    from scipy.special import gammaln  # noqa: PLC0415  slow to import

    people = count("total", total)
    both = whole_column("overlap", overlap)
    one, two = whole_column("first", first), whole_column("second", second)
    if not len(both) == len(one) == len(two):
        got = (len(both), len(one), len(two))
        raise InvalidInputError("overlap, first, second", got, "of one length")
    for name, sizes in (("first", one), ("second", two)):
        refuse(name, sizes.astype(float), sizes > people, f"at most {people}")
    low, high = np.maximum(0, one + two - people), np.minimum(one, two)
    rule = "at most both sets, and at least what the total leaves no room for"
    refuse("overlap", both.astype(float), (both > high) | (both < low), rule)

    def ways(n: Floats, k: Floats) -> Floats:
        found: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return found

    def term(k: Floats, row: Floats) -> Floats:
        a, b = (sizes[row.astype(np.int64)].astype(float) for sizes in (one, two))
        every = np.full(len(k), float(people))
        found: Floats = np.exp(ways(a, k) + ways(every - a, b - k) - ways(every, b))
        return found

    tails = _summed(term, both, high, np.arange(len(both)))
    tails[both == low] = 1.0
    return tails


def adjusted(tails: ArrayLike) -> Floats:
    """Return tails adjusted for how many there are (错误发现率).

    Parameters
    ----------
    tails
        One for each unit looked at, from 0 to 1. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        From 0 to 1. Taking all units at most ``q``, no more than the share ``q`` of
        them is expected to be found by chance. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If a tail is not from 0 to 1.

    Notes
    -----
    Benjamini and Hochberg (1995): the least of ``n / rank * tail`` over this rank
    and all above. Holds for independent tests and for positively dependent ones.
    ``O(n log n)``.

    Examples
    --------
    >>> adjusted([0.01, 0.9, 0.02]).round(3).tolist()
    [0.03, 0.9, 0.03]
    """
    column = number_column("tails", tails)
    refuse("tails", column, (column < 0) | (column > 1), "from 0 to 1")
    order = np.argsort(column, kind="stable")
    ranks = np.arange(1, len(column) + 1)
    scaled = column[order] * len(column) / ranks
    found = np.empty(len(column))
    found[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(found, 1.0)
