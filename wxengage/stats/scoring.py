"""How good a forecast of yes or no was (预测评分).

Three questions, and a forecast may pass one and fail another. Does it put those
who did before those who did not? ``auc`` looks at the order alone. How far were
the probabilities off? ``brier``, best read beside ``base_rate_brier``, the score
of who knows nothing but the overall share. Do 20 of 100 do what was forecast at
20 %? ``calibration`` lays both side by side.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.checks import number_column, refuse, upper_tail
from wxengage.stats.estimates import Estimate
from wxengage.stats.intervals import mean, wilson
from wxengage.stats.ranks import rank_groups

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Calibration",
    "CalibrationBin",
    "auc",
    "base_rate_brier",
    "beside_outcomes",
    "brier",
    "calibration",
    "checked_probabilities",
]

_DELONG: Final = "Mann-Whitney, DeLong"
_USERS: Final = ("users are independent of each other",)
_TWO: Final = 2  # units that a variance needs
_MOST_BINS: Final = 1_000


def _happened(outcomes: ArrayLike) -> NDArray[np.float64]:
    """Return outcomes as 0 and 1, checked. Shape ``(n,)``."""
    given = np.asarray(outcomes)
    if given.dtype == np.bool_:
        given = given.astype(np.float64)
    column = number_column("outcomes", given)
    odd = (column != 0) & (column != 1)
    refuse("outcomes", column, odd, "0 or 1", "did it happen, or not?")
    return column


def beside_outcomes(
    name: str, values: ArrayLike, outcomes: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return forecasts and outcomes, checked. Shape ``(n,)`` each."""
    column, happened = number_column(name, values), _happened(outcomes)
    if len(column) != len(happened):
        rule = f"as many as {name}, {len(column)}"
        raise InvalidInputError("outcomes", len(happened), rule)
    return column, happened


def checked_probabilities(
    probabilities: ArrayLike, outcomes: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return forecasts from 0 to 1 and outcomes, checked. Shape ``(n,)`` each."""
    column, happened = beside_outcomes("probabilities", probabilities, outcomes)
    outside = (column < 0) | (column > 1)
    refuse("probabilities", column, outside, "from 0 to 1", "20 % is 0.20")
    return column, happened


def auc(scores: ArrayLike, outcomes: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate how often a score puts who did before who did not.

    Parameters
    ----------
    scores
        One finite number per user, of any scale; higher means more likely.
        Shape ``(n,)``.
    outcomes
        Whether it happened: 0 and 1, or booleans. Shape ``(n,)``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        The probability that, of two users drawn at random, one who did and one
        who did not, the first has the higher score; a tie counts half. 1/2 is
        a coin. Undefined where all or none did. Without an interval where only
        one did, or did not, and where the score separates them without error.

    Raises
    ------
    InvalidInputError
        If a score is not finite, an outcome is not 0 or 1, or there are more
        of one than of the other.

    Notes
    -----
    The area under the ROC curve as the Mann-Whitney statistic, ``O(n log n)``;
    the variance is that of DeLong, DeLong and Clarke-Pearson (1988), the
    interval normal and cut at 0 and 1. Only the order of the scores enters.

    Examples
    --------
    >>> print(auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]))
    0.75 [0.057, 1] n=4
    """
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    column, happened = beside_outcomes("scores", scores, outcomes)
    tail, n = upper_tail(level), len(column)
    _, place = np.unique(column, return_inverse=True)
    # Whole numbers as long as they are summed: no rounding depends on the order.
    size = np.bincount(place)
    did = np.bincount(place, weights=happened).astype(np.int64)
    not_ = size - did
    yes, no = int(did.sum()), int(not_.sum())
    if yes == 0 or no == 0:
        reason = "nobody did" if yes == 0 else "nobody did not"
        return Estimate.undefined(
            reason if n else "no users", n=n, level=level, method=_DELONG
        )
    # Twice how many others each user beats, a tie counting one half.
    won = 2 * (np.cumsum(not_) - not_) + not_
    lost = 2 * (yes - np.cumsum(did)) + did
    value = int((did * won).sum()) / (2 * yes * no)
    variance = 0.0
    if min(yes, no) >= _TWO:
        for count, others, wins, users in (
            (yes, no, won, did),
            (no, yes, lost, not_),
        ):
            spread = float((users * (wins / (2 * others) - value) ** 2).sum())
            variance += spread / (count - 1) / count
    if variance == 0:
        reason = "no spread to learn from"
        return Estimate(value, None, None, n, level, _DELONG, (reason,))
    reach = -float(ndtri(tail)) * math.sqrt(variance)
    low, high = max(value - reach, 0.0), min(value + reach, 1.0)
    return Estimate(value, low, high, n, level, _DELONG, _USERS)


def brier(
    probabilities: ArrayLike, outcomes: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Estimate how far forecast probabilities are off: their mean squared error.

    Parameters
    ----------
    probabilities
        One forecast per user, from 0 to 1. Shape ``(n,)``.
    outcomes
        Whether it happened: 0 and 1, or booleans. Shape ``(n,)``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        From 0, never wrong, to 1; always 1/2 scores 0.25. Undefined without
        users; without an interval where all errors are the same.

    Raises
    ------
    InvalidInputError
        If a probability is outside 0 to 1, an outcome is not 0 or 1, or there
        are more of one than of the other.

    Notes
    -----
    Brier (1950); Student's interval over users, cut at 0 and 1. The score has
    no scale of its own: see ``base_rate_brier``.

    Examples
    --------
    >>> print(brier([0.9, 0.2, 0.6], [1, 0, 1]))
    0.07 [0, 0.27] n=3
    """
    column, happened = checked_probabilities(probabilities, outcomes)
    found = mean((column - happened) ** 2, level=level)
    found = attrs.evolve(found, method=f"Brier score, {found.method}")
    if found.low is None or found.high is None:
        return found
    return attrs.evolve(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


def base_rate_brier(outcomes: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate the Brier score of who forecasts the overall share for everybody.

    Parameters
    ----------
    outcomes
        Whether it happened: 0 and 1, or booleans. Shape ``(n,)``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        ``p (1 - p)`` of the share ``p``: what a forecast has to beat. Undefined
        without users.

    Raises
    ------
    InvalidInputError
        If an outcome is not 0 or 1.

    Examples
    --------
    >>> print(base_rate_brier([1, 0, 0, 0]).value)
    0.1875
    """
    happened = _happened(outcomes)
    share = float(happened.mean()) if len(happened) else 0.0
    return brier(np.full(len(happened), share), happened, level=level)


@attrs.frozen
class CalibrationBin:
    """Users with similar forecasts, and what became of them.

    Attributes
    ----------
    low, high
        Lowest and highest forecast among them.
    forecast
        Mean forecast.
    observed
        Share of those who did, with Wilson's interval; its ``n`` is the number
        of users.
    """

    low: float
    high: float
    forecast: float
    observed: Estimate


@attrs.frozen
class Calibration:
    """Forecast and observed shares side by side (校准表). Prints as a table.

    Attributes
    ----------
    bins
        By ascending forecast; none is empty.
    error
        Expected calibration error: mean distance between forecast and observed
        share, over users. Undefined without users.
    """

    bins: tuple[CalibrationBin, ...]
    error: Estimate

    @property
    def columns(self) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
        """The bins as columns: forecast and observed share, its interval, users."""
        shares = [one.observed for one in self.bins]
        return {
            "forecast": np.array([one.forecast for one in self.bins], dtype=np.float64),
            "observed": np.array([one.value for one in shares], dtype=np.float64),
            "low": np.array([one.low for one in shares], dtype=np.float64),
            "high": np.array([one.high for one in shares], dtype=np.float64),
            "users": np.array([one.n for one in shares], dtype=np.int64),
        }

    def __str__(self) -> str:
        names = list(self.columns)
        rows = [" ".join(f"{name:>8}" for name in names)]
        for *shares, users in zip(*self.columns.values(), strict=True):
            rows.append(" ".join([*(f"{x:8.3f}" for x in shares), f"{users:8,}"]))
        return "\n".join([*rows, f"calibration error: {self.error}"])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def calibration(
    probabilities: ArrayLike,
    outcomes: ArrayLike,
    *,
    bins: int = 10,
    level: float = 0.95,
) -> Calibration:
    """Compare forecast probabilities with the shares that were observed.

    Parameters
    ----------
    probabilities
        One forecast per user, from 0 to 1. Shape ``(n,)``.
    outcomes
        Whether it happened: 0 and 1, or booleans. Shape ``(n,)``.
    bins
        Into how many bins of equal size users are sorted, from 1 to 1,000.
        Equal forecasts are never split: where many are equal there are fewer
        bins, of unequal size.
    level
        Level of each single interval, not of all at once.

    Returns
    -------
    Calibration
        Without bins where there are no users.

    Raises
    ------
    InvalidInputError
        If a probability is outside 0 to 1, an outcome is not 0 or 1, there are
        more of one than of the other, or ``bins`` is out of range.

    Notes
    -----
    ``O(n log n)``. A forecast that lies outside its bin's interval in many more
    than 5 of 100 bins is not calibrated. The calibration error is above 0 even
    for a perfect forecast, since a bin is a sample, and grows with ``bins``.

    Examples
    --------
    >>> print(calibration([0.1] * 10 + [0.6] * 5, [1] + [0] * 12 + [1, 1], bins=5))
    forecast observed      low     high    users
       0.100    0.100    0.018    0.404       10
       0.600    0.400    0.118    0.769        5
    calibration error: 0.067 n=15
    """
    column, happened = checked_probabilities(probabilities, outcomes)
    require_whole("bins", bins, least=1, most=_MOST_BINS)
    method, n = "expected calibration error", len(column)
    if n == 0:
        nothing = Estimate.undefined("no users", level=level, method=method)
        return Calibration((), nothing)
    values, place, size = np.unique(column, return_inverse=True, return_counts=True)
    did = np.bincount(place, weights=happened).astype(np.int64)
    group = rank_groups(size, bins)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    ends = [*starts[1:].tolist(), len(values)]
    found, distance = [], 0.0
    for start, end in zip(starts.tolist(), ends, strict=True):
        users = int(size[start:end].sum())
        low, high = float(values[start]), float(values[end - 1])
        total = math.fsum(values[start:end] * size[start:end])
        # A mean of equal numbers is that number.
        forecast = min(max(total / users, low), high)
        yes = int(did[start:end].sum())
        distance += abs(yes - users * forecast)
        share = wilson(yes, users, level=level)
        found.append(CalibrationBin(low, high, forecast, share))
    reason = ("above 0 even for a perfect forecast: a bin is a sample",)
    error = Estimate(distance / n, None, None, n, level, method, reason)
    return Calibration(tuple(found), error)
