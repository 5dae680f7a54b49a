"""Whether so many successes will be reached (达标概率): trials that differ, or people.

Of trials whose chances are known and differ, the number of successes is
Poisson-binomial. Of somebody whose own chance is not known, and about whom only
successes and failures so far tell, it is beta-binomial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import count, numbers, refuse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["beta_reach", "poisson_binomial", "reach"]


def poisson_binomial(chances: ArrayLike) -> NDArray[np.float64]:
    """Return the law of the number of successes.

    Parameters
    ----------
    chances
        Of each trial, independent of the others. Shape ``(..., n)``.

    Returns
    -------
    numpy.ndarray
        ``P(X = k)`` for k from 0 to n. Shape ``(..., n + 1)``.

    Raises
    ------
    InvalidInputError
        If a chance is not from 0 to 1.

    Notes
    -----
    A convolution a trial: ``O(n^2)``. Nothing is subtracted, so that every term
    keeps its digits.

    Examples
    --------
    >>> poisson_binomial([0.5, 0.5]).tolist()
    [0.25, 0.5, 0.25]
    """
    p = numbers("chances", chances)
    if p.ndim == 0:
        raise InvalidInputError("chances", float(p), "at least one-dimensional")
    refuse("chances", p, (p < 0) | (p > 1), "from 0 to 1")
    law = np.zeros((*p.shape[:-1], p.shape[-1] + 1))
    law[..., 0] = 1.0
    for trial in range(p.shape[-1]):
        hit = p[..., trial, None]
        won = law[..., :-1] * hit
        law *= 1 - hit
        law[..., 1:] += won
    return law


def reach(chances: ArrayLike, need: SupportsIndex) -> Any:  # noqa: ANN401  like numpy's
    """Return how probable at least so many successes are.

    Parameters
    ----------
    chances
        As for ``poisson_binomial``. Shape ``(..., n)``.
    need
        How many: whole, from 0.

    Returns
    -------
    numpy.ndarray or float
        Shape ``(...)``; 0 where there are fewer trials.

    Raises
    ------
    InvalidInputError
        If a chance is not from 0 to 1, or the number is not whole.

    Examples
    --------
    >>> f"{reach([0.9, 0.8, 0.7], 2):.3f}"
    '0.902'
    """
    least = count("need", need)
    return poisson_binomial(chances)[..., least:].sum(axis=-1)[()]


def beta_reach(
    successes: ArrayLike,
    trials: ArrayLike,
    *,
    need: SupportsIndex,
    of: SupportsIndex,
    alpha: float,
    beta: float,
) -> Any:  # noqa: ANN401  like numpy's: a number for numbers
    """Return how probable so many successes in all are, of whom some are known.

    Parameters
    ----------
    successes, trials
        Of each person so far: whole, from 0. Shapes that broadcast.
    need
        How many successes in all.
    of
        How many trials in all, at least ``trials``.
    alpha, beta
        Parameters of the beta law of people's chances.

    Returns
    -------
    numpy.ndarray or float
        Of the common shape: 1 where there are enough already.

    Raises
    ------
    InvalidInputError
        If a number breaks its rule.

    Notes
    -----
    With x of d so far, the rest is beta-binomial with ``alpha + x`` and
    ``beta + d - x``. Its terms are summed for each distinct pair: ``O(pairs * of)``.

    Examples
    --------
    >>> f"{beta_reach(3, 3, need=7, of=10, alpha=2.0, beta=1.0):.4f}"
    '0.9293'
    """
    from scipy.special import betaln, gammaln  # noqa: PLC0415  slow to import

    least, most = count("need", need), count("of", of)
    for name, value in (("alpha", alpha), ("beta", beta)):
        given = float(numbers(name, value))
        refuse(name, np.asarray(given), np.asarray(given <= 0), "above 0")
    x, d = np.broadcast_arrays(
        numbers("successes", successes), numbers("trials", trials)
    )
    refuse("trials", d, (d < 0) | (d != np.floor(d)) | (d > most), f"from 0 to {most}")
    refuse("successes", x, (x < 0) | (x != np.floor(x)), "a whole number from 0")
    refuse("successes", x, x > d, "at most the trials")
    pairs, place = np.unique(
        np.stack([x.ravel(), d.ravel()]), axis=1, return_inverse=True
    )
    found = np.ones(pairs.shape[1])
    for row, (won, seen) in enumerate(pairs.T):
        left, more = most - seen, max(least - won, 0.0)
        if more == 0:
            continue
        k = np.arange(more, left + 1)
        a, b = alpha + won, beta + seen - won
        ways = gammaln(left + 1) - gammaln(k + 1) - gammaln(left - k + 1)
        terms = np.exp(ways + betaln(a + k, b + left - k) - betaln(a, b))
        found[row] = min(terms.sum(), 1.0)
    return found[place.ravel()].reshape(x.shape)[()]
