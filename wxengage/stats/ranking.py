"""Ranking by shares, pairs and juries (排序方法).

Kernels: what a score is, and how sure a rank. Nothing here knows what is ranked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.checks import (
    count_table,
    number_column,
    refuse,
    upper_tail,
    whole_column,
)

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "bradley_terry",
    "midrank_percentiles",
    "rank_intervals",
    "wilson_lower",
]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
# Numbers that are drawn at a time.
_DRAWN: Final = 1 << 21
_ROUNDS: Final = 10_000
_CLOSE: Final = 1e-12


def wilson_lower(
    successes: ArrayLike, trials: ArrayLike, *, level: float = 0.95
) -> Floats:
    """Return the lower ends of Wilson's score intervals.

    Parameters
    ----------
    successes, trials
        Of each unit: whole, from 0. Shape ``(n,)``.
    level
        Two-sided confidence level.

    Returns
    -------
    numpy.ndarray
        From 0 to 1; 0 without trials. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If a number is no whole number from 0, or there are more successes than
        trials.

    Examples
    --------
    >>> wilson_lower([9, 0, 0], [10, 5, 0]).round(3).tolist()
    [0.596, 0.0, 0.0]
    """
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    k, n = _shares(successes, trials)
    z2 = float(ndtri(upper_tail(level))) ** 2
    some = np.maximum(n, 1)
    share = k / some
    middle = share + z2 / (2 * some)
    reach = np.sqrt(z2 * (share * (1 - share) + z2 / (4 * some)) / some)
    low = (middle - reach) / (1 + z2 / some)
    return np.where(k > 0, np.minimum(np.maximum(low, 0.0), share), 0.0)


def _shares(
    successes: ArrayLike, trials: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    k, n = whole_column("successes", successes), whole_column("trials", trials)
    if len(k) != len(n):
        raise InvalidInputError("trials", len(n), f"as many as rows, {len(k)}")
    refuse("successes", k.astype(float), k > n, "at most the trials")
    return k, n


def midrank_percentiles(values: ArrayLike) -> Floats:
    """Return where each value stands among all of them, whatever their scale.

    Parameters
    ----------
    values
        Finite. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        ``(rank - 1/2) / n``, the highest value near 1; equal values share the mean
        of their ranks. The mean of all is 1/2. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If a value is not finite.

    Examples
    --------
    >>> midrank_percentiles([3, 9, 3, 100]).tolist()
    [0.25, 0.625, 0.25, 0.875]
    """
    column = number_column("values", values)
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    upto = np.cumsum(counts)
    middle = (2 * upto - counts) / (2 * max(len(column), 1))
    return np.asarray(middle[place], dtype=np.float64)


def bradley_terry(
    wins: ArrayLike, *, shape: float = 2.0, rate: float = 1.0
) -> tuple[Floats, bool]:
    """Return how strong each of several units is, from pairs that were compared.

    Parameters
    ----------
    wins
        ``wins[i][j]``: how often ``i`` was preferred to ``j``. Shape ``(n, n)``; the
        diagonal is zero.
    shape, rate
        Of the gamma prior of each strength; ``shape`` at least 1, ``rate`` not
        negative. 1 and 0: none, the most likely strengths.

    Returns
    -------
    strengths
        ``i`` is preferred to ``j`` with probability ``g[i] / (g[i] + g[j])``. Sum 1.
        Shape ``(n,)``.
    converged
        Whether the last step moved no strength by more than its 12th digit.

    Raises
    ------
    InvalidInputError
        If the table or the prior breaks its rule.

    Notes
    -----
    Without a prior a unit that never won has no most likely strength above 0, and one
    that never lost none below infinity; with ``shape`` above 1 and ``rate`` above 0
    there is one maximum, always.

    Hunter's (2004) minorisation, with the prior of Caron and Doucet (2012):
    ``g_i = (shape - 1 + wins of i) / (rate + sum_j n_ij / (g_i + g_j))``, ``O(n**2)``
    a step. The maximum under the prior is found first, and then scaled to sum 1.

    Examples
    --------
    >>> strengths, converged = bradley_terry([[0, 3, 4], [1, 0, 3], [0, 1, 0]])
    >>> strengths.round(3).tolist(), converged
    ([0.614, 0.28, 0.106], True)
    """
    table = count_table(wins)
    if table.shape[0] != table.shape[1] or np.diagonal(table).any():
        rule = "square, with zeros where a unit meets itself"
        raise InvalidInputError("wins", table.tolist(), rule)
    for name, value, least in (("shape", shape, 1.0), ("rate", rate, 0.0)):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not least <= value < math.inf:
            raise InvalidInputError(name, value, f"a finite number from {least:g}")
    met = (table + table.T).astype(np.float64)
    won = shape - 1 + table.sum(axis=1)
    strengths = np.ones(len(table))
    converged = len(table) == 0
    for _ in range(_ROUNDS):
        if converged:
            break
        pairs = strengths[:, None] + strengths
        # Of two units that never won, nothing is known without a prior.
        weight = np.divide(met, pairs, out=np.zeros_like(met), where=pairs > 0)
        below = rate + weight.sum(axis=1)
        new = np.divide(won, below, out=strengths.copy(), where=below > 0)
        if rate == 0:
            new *= len(new) / max(new.sum(), np.finfo(float).tiny)
        converged = bool(np.abs(new - strengths).max() <= _CLOSE * strengths.max())
        strengths = new
    return strengths / max(strengths.sum(), np.finfo(float).tiny), converged


def rank_intervals(
    successes: ArrayLike,
    trials: ArrayLike,
    prior: tuple[float, float],
    *,
    rng: Generator,
    draws: int = 2_000,
    level: float = 0.95,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return between which ranks each unit is, given what is known of its share.

    Parameters
    ----------
    successes, trials
        Of each unit: whole, from 0. Shape ``(n,)``.
    prior
        The two parameters of the beta law from which shares come, above 0.
    rng
        Chance.
    draws
        How often all shares are drawn, from 1.
    level
        Probability that the rank is inside, for each unit by itself.

    Returns
    -------
    best, worst
        Ranks from 1, the highest share. Shape ``(n,)`` each.

    Raises
    ------
    InvalidInputError
        If a number breaks its rule.

    Notes
    -----
    Each draw takes every share from its posterior beta law and ranks them; the ends
    are quantiles of a unit's ranks. ``O(draws * n log n)``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> best, worst = rank_intervals([90, 10, 11], [100, 100, 100], (1, 1), rng=rng)
    >>> best.tolist(), worst.tolist()
    ([1, 2, 2], [1, 3, 3])
    """
    k, n = _shares(successes, trials)
    tail = upper_tail(level)
    times = require_whole("draws", draws, least=1)
    ok = isinstance(prior, tuple) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in prior
    )
    if not ok or len(prior) != 2 or not all(0 < one < math.inf for one in prior):  # noqa: PLR2004
        raise InvalidInputError("prior", prior, "two finite numbers above 0")
    a, b = k + prior[0], n - k + prior[1]
    size = max(len(k), 1)
    ranks = np.empty((times, len(k)), dtype=np.int64)
    for start in range(0, times, max(_DRAWN // size, 1)):
        part = ranks[start : start + max(_DRAWN // size, 1)]
        shares = rng.beta(a, b, size=part.shape)
        order = np.argsort(-shares, axis=1, kind="stable")
        np.put_along_axis(part, order, np.arange(1, len(k) + 1)[None, :], axis=1)
    ends = [tail, 1 - tail]
    low = np.quantile(ranks, ends[0], axis=0, method="inverted_cdf")
    high = np.quantile(ranks, ends[1], axis=0, method="inverted_cdf")
    return low.astype(np.int64), high.astype(np.int64)
