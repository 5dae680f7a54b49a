"""Whether one forecast is better than another for the same users (预测比较).

Two forecasts of the same users go wrong together: whom the one misses, the other
misses too. Their difference, user by user, is known far better than either.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.stats.checks import upper_tail
from wxengage.stats.estimates import Estimate
from wxengage.stats.intervals import mean
from wxengage.stats.scoring import beside_outcomes, checked_probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["auc_gain", "brier_gain"]

_PAIRED: Final = "Mann-Whitney, paired, DeLong"
_USERS: Final = ("users are independent of each other",)
_TWO: Final = 2  # units that a variance needs


def auc_gain(
    scores: ArrayLike, other: ArrayLike, outcomes: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Estimate by how much one score orders the same users better than another.

    Parameters
    ----------
    scores, other
        Two finite numbers per user, of any scales. Shape ``(n,)`` each.
    outcomes
        Whether it happened: 0 and 1, or booleans. Shape ``(n,)``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        ``auc(scores)`` less ``auc(other)``. Undefined where all or none did;
        without an interval where only one did, or did not, and where both scores
        order alike.

    Raises
    ------
    InvalidInputError
        If a score is not finite, an outcome is not 0 or 1, or the columns differ
        in length.

    Notes
    -----
    The paired test of DeLong, DeLong and Clarke-Pearson (1988). Two scores of the
    same users go wrong together: their difference is known far better than
    either, and intervals that overlap say little about it.

    Examples
    --------
    >>> who = [0, 0, 1, 1, 1, 0]
    >>> print(auc_gain([1, 2, 3, 4, 2, 1], [2, 1, 3, 1, 3, 2], who))
    0.22 [-0.42, 0.87] n=6
    """
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    column, happened = beside_outcomes("scores", scores, outcomes)
    against, _ = beside_outcomes("other", other, outcomes)
    tail, n, did = upper_tail(level), len(column), happened == 1
    if did.all() or not did.any():
        reason = "nobody did" if not did.any() else "nobody did not"
        return Estimate.undefined(reason if n else "no users", n=n, level=level)
    gain = _beaten(column, did) - _beaten(against, did)
    value, variance = float(gain[did].mean()), 0.0
    if min(did.sum(), (~did).sum()) >= _TWO:
        variance = sum(
            float(gain[some].var(ddof=1)) / int(some.sum()) for some in (did, ~did)
        )
    if variance == 0:
        reason = "no spread to learn from"
        return Estimate(value, None, None, n, level, _PAIRED, (reason,))
    reach = -float(ndtri(tail)) * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach, n, level, _PAIRED, _USERS)


def _beaten(column: NDArray[np.float64], did: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return which share of the others each user is ordered rightly against."""
    _, place = np.unique(column, return_inverse=True)
    yes, no = (
        np.bincount(place[some], minlength=place.max() + 1) for some in (did, ~did)
    )
    won = (np.cumsum(no) - no + no / 2) / no.sum()
    lost = (yes.sum() - np.cumsum(yes) + yes / 2) / yes.sum()
    found: NDArray[np.float64] = np.where(did, won[place], lost[place])
    return found


def brier_gain(
    probabilities: ArrayLike,
    other: ArrayLike,
    outcomes: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimate:
    """Estimate by how much one forecast errs less than another for the same users.

    Parameters
    ----------
    probabilities, other
        Two forecasts per user, from 0 to 1. Shape ``(n,)`` each.
    outcomes
        Whether it happened: 0 and 1, or booleans. Shape ``(n,)``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        ``brier(other)`` less ``brier(probabilities)``: above 0 where the first is
        better. Undefined without users.

    Raises
    ------
    InvalidInputError
        If a probability is outside 0 to 1, an outcome is not 0 or 1, or the columns
        differ in length.

    Notes
    -----
    Student's interval of the users' differences.

    Examples
    --------
    >>> print(brier_gain([0.9, 0.2, 0.6], [0.5, 0.5, 0.5], [1, 0, 1]))
    0.18 [-0.017, 0.38] n=3
    """
    column, happened = checked_probabilities(probabilities, outcomes)
    against, _ = checked_probabilities(other, outcomes)
    found = mean((against - happened) ** 2 - (column - happened) ** 2, level=level)
    return attrs.evolve(found, method=f"paired Brier scores, {found.method}")
