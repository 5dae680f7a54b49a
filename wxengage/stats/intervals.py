"""Estimates with their intervals (区间估计).

Every function takes one number per *unit*: per user, per trial. Whoever pools
the sessions of many users and counts them as independent gets intervals that
are too narrow by far, so rates over users go through ``ratio`` and sums
through ``totals.total``, which know that one user's events hang together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, SupportsIndex

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import (
    count_table,
    number_column,
    upper_tail,
    whole_trials,
)
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "beta_rows",
    "jeffreys",
    "mean",
    "newcombe",
    "ratio",
    "wilson",
]

# Jeffreys' prior: half a success and half a failure.
_HALF: Final = 0.5
_UNITS: Final = ("units are independent of each other",)
# A variance needs two units.
_TWO: Final = 2


def wilson(
    successes: SupportsIndex, trials: SupportsIndex, *, level: float = 0.95
) -> Estimate:
    """Estimate a share by Wilson's score interval.

    Parameters
    ----------
    successes
        Trials that succeeded, from 0.
    trials
        All trials. Each must be a unit of its own, such as a user; for sessions
        within users see ``ratio``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        Undefined without trials.

    Raises
    ------
    InvalidInputError
        If a count is no whole number from 0, or there are more successes than
        trials.

    Notes
    -----
    Wilson (1927). Never leaves 0 to 1 and holds its level for small counts,
    where the textbook interval does not.

    Examples
    --------
    >>> print(wilson(9, 10))
    0.90 [0.60, 0.98] n=10
    >>> print(wilson(0, 0))
    undefined n=0 (no trials)
    """
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    k, n = whole_trials(successes, trials)
    z2 = float(ndtri(upper_tail(level))) ** 2
    if n == 0:
        return Estimate.undefined("no trials", level=level, method="Wilson")
    share = k / n
    middle = share + z2 / (2 * n)
    reach = math.sqrt(z2 * (share * (1 - share) + z2 / (4 * n)) / n)
    # Exact ends: rounding must not push 0 or 1 out of the interval.
    low = 0.0 if k == 0 else min((middle - reach) / (1 + z2 / n), share)
    high = 1.0 if k == n else max((middle + reach) / (1 + z2 / n), share)
    return Estimate(share, low, high, n, level, "Wilson", _UNITS)


def newcombe(
    successes_a: SupportsIndex,
    trials_a: SupportsIndex,
    successes_b: SupportsIndex,
    trials_b: SupportsIndex,
    *,
    level: float = 0.95,
) -> Estimate:
    """Estimate how far one share is above another, from two sets of units.

    Parameters
    ----------
    successes_a, trials_a
        Of the first set, as for ``wilson``.
    successes_b, trials_b
        Of the second set. No unit is in both.
    level
        Confidence level.

    Returns
    -------
    Estimate
        The first share less the second, from -1 to 1; ``n`` counts all trials.
        Undefined where either set has no trials.

    Raises
    ------
    InvalidInputError
        If a count is no whole number from 0, or there are more successes than
        trials.

    Notes
    -----
    Newcombe (1998), method 10: the distances from each share to the ends of its
    Wilson interval, put together as the sides of a right angle. Equal shares of 0
    or of 1 still have an interval, where the textbook's is a point.

    Examples
    --------
    >>> print(newcombe(56, 70, 48, 80))
    0.20 [0.052, 0.33] n=150
    """
    pairs = (
        whole_trials(successes_a, trials_a, arm="_a"),
        whole_trials(successes_b, trials_b, arm="_b"),
    )
    n, method = pairs[0][1] + pairs[1][1], "Newcombe"
    shares, below, above = [], [], []
    for arm, pair in zip("ab", pairs, strict=True):
        found = wilson(*pair, level=level)
        if found.value is None or found.low is None or found.high is None:
            reason = f"no trials in {arm}"
            return Estimate.undefined(reason, n=n, level=level, method=method)
        shares.append(found.value)
        below.append(found.value - found.low)
        above.append(found.high - found.value)
    value = shares[0] - shares[1]
    low = value - math.hypot(below[0], above[1])
    high = value + math.hypot(above[0], below[1])
    return Estimate(value, max(low, -1.0), min(high, 1.0), n, level, method, _UNITS)


def jeffreys(
    successes: SupportsIndex, trials: SupportsIndex, *, level: float = 0.95
) -> Estimate:
    """Estimate a share by its posterior under Jeffreys' prior.

    Parameters
    ----------
    successes, trials, level
        As for ``wilson``.

    Returns
    -------
    Estimate
        The observed share with the equal-tailed credible interval. Undefined
        without trials.

    Notes
    -----
    Beta(k + 1/2, n - k + 1/2); the end at an observed 0 or 1 is that end, as
    Brown, Cai and DasGupta (2001) advise.

    Examples
    --------
    >>> print(jeffreys(33, 100))
    0.33 [0.24, 0.43] n=100
    """
    from scipy.special import betaincinv  # noqa: PLC0415  slow to import

    k, n = whole_trials(successes, trials)
    tail = upper_tail(level)
    if n == 0:
        return Estimate.undefined("no trials", level=level, method="Jeffreys")
    a, b = k + _HALF, n - k + _HALF
    share = k / n
    low = 0.0 if k == 0 else min(float(betaincinv(a, b, tail)), share)
    high = 1.0 if k == n else max(float(betaincinv(a, b, 1 - tail)), share)
    return Estimate(share, low, high, n, level, "Jeffreys", _UNITS)


def beta_rows(
    counts: ArrayLike, *, level: float = 0.95
) -> tuple[tuple[Estimate, ...], ...]:
    """Estimate the rows of a transition matrix from counts.

    Parameters
    ----------
    counts
        How many units went from state i to state j: whole, from 0.
        Shape ``(states, states)``; any ``(rows, columns)`` will do.
    level
        Level of each single interval, not of all at once.

    Returns
    -------
    tuple of rows, tuples of Estimate
        Posterior means, which sum to 1 in a row, with the intervals of their
        marginals; ``n`` is the row's count. A row of zeros is undefined.

    Raises
    ------
    InvalidInputError
        If the counts are no table of whole numbers from 0.

    Notes
    -----
    A Dirichlet(1/2, ..., 1/2) prior on each row; each cell's marginal is then
    Beta(a, A - a), a = count + 1/2, A the row's sum of these.

    Examples
    --------
    >>> stay, leave = beta_rows([[80, 20], [0, 0]])[0]
    >>> print(stay, "|", leave)
    0.80 [0.71, 0.87] n=100 | 0.20 [0.13, 0.29] n=100
    """
    from scipy.special import betaincinv  # noqa: PLC0415  slow to import

    tail = upper_tail(level)
    table = count_table(counts)
    rows = []
    for row in table:
        n = int(row.sum())
        if n == 0:
            nobody = Estimate.undefined("nobody was in this state", level=level)
            rows.append((nobody,) * len(row))
            continue
        a = row + _HALF
        rest = a.sum() - a
        low, high = betaincinv(a, rest, tail), betaincinv(a, rest, 1 - tail)
        triples = zip(a / a.sum(), low, high, strict=True)
        rows.append(
            tuple(
                Estimate(
                    float(v), float(lo), float(hi), n, level, "Dirichlet(1/2)", _UNITS
                )
                for v, lo, hi in triples
            )
        )
    return tuple(rows)


def mean(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate the mean of one number per unit by Student's interval.

    Parameters
    ----------
    values
        One finite number per unit. Shape ``(n,)``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        Undefined without units; without an interval where there is one unit
        only, or no spread to learn from.

    Raises
    ------
    InvalidInputError
        If the values are no finite numbers.

    Examples
    --------
    >>> print(mean([2.0, 4.0, 6.0]))
    4 [-0.97, 8.97] n=3
    """
    column = number_column("values", values)
    n = len(column)
    if n == 0:
        return Estimate.undefined("no units", level=level, method="Student's t")
    value = float(column.mean())
    error = float(column.std(ddof=1)) / math.sqrt(n) if n >= _TWO else 0.0
    return _around(value, error, n, level, method="Student's t")


def ratio(
    numerators: ArrayLike, denominators: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Estimate a ratio of two sums over units, such as opens a session.

    Parameters
    ----------
    numerators, denominators
        One pair per unit, such as a user's opens and the same user's sessions.
        Finite; denominators not negative. Shape ``(n,)`` each.
    level
        Confidence level.

    Returns
    -------
    Estimate
        Sum of numerators over sum of denominators. Undefined where the
        denominators sum to 0; without an interval where the units show no
        spread.

    Raises
    ------
    InvalidInputError
        If the columns differ in length or hold something else than told.

    Notes
    -----
    The delta method on units (Deng, Knoblich and Lu 2018):
    ``Var R = sum (y - R x)^2 / ((n - 1) n mean(x)^2)``, with Student's quantile.
    Sessions within users hang together: pooling them as if independent covers
    the truth in 64 of 100 cases, this in 95. An end beyond what the numerators
    allow (below 0, or above 1 for parts of their denominators) is cut there.

    Examples
    --------
    >>> print(ratio([3, 0, 1, 4, 2], [10, 4, 3, 8, 5]))
    0.33 [0.13, 0.53] n=5
    """
    y = number_column("numerators", numerators)
    x = number_column("denominators", denominators)
    if len(y) != len(x):
        raise InvalidInputError(
            "denominators", len(x), f"as many as numerators, {len(y)}"
        )
    if (x < 0).any():
        first = int(np.flatnonzero(x < 0)[0])
        raise InvalidInputError(f"denominators[{first}]", float(x[first]), "at least 0")
    n, below = len(x), float(x.sum())
    if below == 0:
        return Estimate.undefined(
            "the denominator is 0", n=n, level=level, method="delta method"
        )
    value = float(y.sum()) / below
    error = 0.0
    if n >= _TWO:
        spread = float(((y - value * x) ** 2).sum())
        error = math.sqrt(spread / ((n - 1) * n)) / (below / n)
    positive = bool((y >= 0).all())
    bounds = (
        0.0 if positive else -math.inf,
        1.0 if positive and (y <= x).all() else math.inf,
    )
    return _around(value, error, n, level, method="delta method", bounds=bounds)


def _around(
    value: float,
    error: float,
    n: int,
    level: float,
    *,
    method: str,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate:
    """Return an estimate with Student's interval around it, cut at the ends."""
    from scipy.special import stdtrit  # noqa: PLC0415  slow to import

    tail = upper_tail(level)
    if error == 0:
        return Estimate(
            value, None, None, n, level, method, ("no spread to learn from",)
        )
    reach = float(stdtrit(n - 1, 1 - tail)) * error
    low = max(value - reach, min(bounds[0], value))
    high = min(value + reach, max(bounds[1], value))
    return Estimate(value, low, high, n, level, method, _UNITS)
