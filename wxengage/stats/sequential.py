"""Intervals that may be looked at every day (序贯推断).

An ordinary interval holds the truth in 95 of 100 looks *at one moment fixed
beforehand*. Whoever looks daily and stops when it excludes 0 finds an effect where
there is none in more than a quarter of all tests. The intervals here hold the truth
at all looks at once in 95 of 100 tests: look as often as you like and stop when you
like. The price is an interval about half as wide again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, SupportsIndex

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import check_level, number_column, whole_trials
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "bernoulli_sequence",
    "confidence_sequence",
    "mixture_radius",
    "mixture_rho",
]

#: Units at which the interval of a mean is tightest unless told otherwise.
_TUNED_FOR: Final = 1_000
_MEAN: Final = "asymptotic confidence sequence"
_SHARE: Final = "prior-posterior ratio"
_UNITS: Final = ("units are independent of each other", "holds at all looks at once")
_TWO: Final = 2


def mixture_rho(variance: float, *, level: float = 0.95) -> float:
    """Return the ``rho`` that makes the mixture radius smallest at a variance.

    Parameters
    ----------
    variance
        Sum of the units' variances at which the interval should be tightest;
        above 0. Chosen before the first look.
    level
        Confidence level.

    Returns
    -------
    float
        In the unit of ``variance``, for ``mixture_radius``.

    Raises
    ------
    InvalidInputError
        If the variance is not above 0.

    Notes
    -----
    ``V / (-W(-alpha^2 / e) - 1)`` with the lower branch of Lambert's W: where the
    derivative of the radius is 0, exactly. The approximation in use elsewhere is
    a little larger, and so is the radius.

    Examples
    --------
    >>> print(f"{mixture_rho(100):.5f}")
    12.17735
    """
    from scipy.special import lambertw  # noqa: PLC0415  slow to import

    alpha = 1 - check_level(level)
    _above_zero("variance", variance)
    branch = float(lambertw(-(alpha**2) / math.e, -1).real)
    return variance / (-branch - 1)


def mixture_radius(variance: float, rho: float, *, level: float = 0.95) -> float:
    """Return how far a sum strays from its mean, at any time.

    Parameters
    ----------
    variance
        Sum of the units' variances so far, from 0.
    rho
        From ``mixture_rho``, the same at all looks.
    level
        How often the sum stays within the radius at all times at once.

    Returns
    -------
    float
        In the unit of the sum.

    Raises
    ------
    InvalidInputError
        If the variance is negative or ``rho`` is not above 0.

    Notes
    -----
    ``sqrt((V + rho) (ln((V + rho) / rho) + 2 ln(1 / alpha)))``: Robbins' normal
    mixture, two-sided (Howard and others 2021).

    Examples
    --------
    >>> print(f"{mixture_radius(100, mixture_rho(100)):.5f}")
    30.35122
    """
    alpha = 1 - check_level(level)
    _above_zero("rho", rho)
    if not 0 <= variance < math.inf:
        raise InvalidInputError("variance", variance, "a finite number from 0")
    grown = variance + rho
    return math.sqrt(grown * (math.log(grown / rho) - 2 * math.log(alpha)))


def confidence_sequence(
    values: ArrayLike, *, level: float = 0.95, tuned_for: int = _TUNED_FOR
) -> Estimate:
    """Estimate a mean by an interval that may be looked at after every unit.

    Parameters
    ----------
    values
        One finite number per unit, all units so far. Shape ``(n,)``. For an
        effect, each unit's difference, or one user of each arm taken together.
    level
        How often the truth is within the intervals of all looks.
    tuned_for
        Units at which the interval is tightest. Any choice is right; it must be
        made before the first look and kept.

    Returns
    -------
    Estimate
        Undefined without units; without an interval where there is one unit
        only, or no spread to learn from.

    Raises
    ------
    InvalidInputError
        If the values are no finite numbers, or ``tuned_for`` is not above 0.

    Notes
    -----
    The asymptotic confidence sequence of Waudby-Smith and others (2024): the normal
    mixture with the sample's variance. Like the ordinary interval it needs enough
    units for a mean to be normal: a first look after some dozens.

    Examples
    --------
    >>> print(confidence_sequence([0, 1] * 500))
    0.50 [0.45, 0.55] n=1000
    """
    column = number_column("values", values)
    _above_zero("tuned_for", tuned_for)
    rho = mixture_rho(tuned_for, level=level)
    n = len(column)
    if n == 0:
        return Estimate.undefined("no units", level=level, method=_MEAN)
    value = float(column.mean())
    spread = float(column.std(ddof=1)) if n >= _TWO else 0.0
    if spread == 0:
        reason = ("no spread to learn from",)
        return Estimate(value, None, None, n, level, _MEAN, reason)
    reach = spread * mixture_radius(n, rho, level=level) / n
    return Estimate(value, value - reach, value + reach, n, level, _MEAN, _UNITS)


def bernoulli_sequence(
    successes: SupportsIndex, trials: SupportsIndex, *, level: float = 0.95
) -> Estimate:
    """Estimate a share by an interval that may be looked at after every trial.

    Parameters
    ----------
    successes, trials
        So far, as for ``wilson``.
    level
        How often the truth is within the intervals of all looks.

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
    All shares ``p`` whose density under a flat prior is less than ``1 / alpha``
    times that under the posterior (Waudby-Smith and Ramdas 2020); exact for any
    number of trials.

    Examples
    --------
    >>> print(bernoulli_sequence(700, 1000))
    0.70 [0.65, 0.75] n=1000
    """
    from scipy.special import betaln  # noqa: PLC0415  slow to import

    alpha = 1 - check_level(level)
    k, n = whole_trials(successes, trials)
    if n == 0:
        return Estimate.undefined("no trials", level=level, method=_SHARE)
    allowed = -math.log(alpha) - float(betaln(k + 1, n - k + 1))
    share = k / n
    low = 0.0 if k == 0 else min(_lowest(k, n - k, allowed), share)
    high = 1.0 if k == n else max(1 - _lowest(n - k, k, allowed), share)
    return Estimate(share, low, high, n, level, _SHARE, _UNITS)


def _lowest(k: int, failures: int, allowed: float) -> float:
    """Return the smallest p with ``-k ln p - failures ln(1 - p)`` as allowed."""
    from scipy.optimize import brentq  # noqa: PLC0415  slow to import

    if failures == 0:
        return math.exp(-allowed / k)

    def surprise(logit: float) -> float:
        return k * _softplus(-logit) + failures * _softplus(logit) - allowed

    # The successes alone are too surprising at the first end, and by far one unit
    # below it; the last is k/n, where nothing surprises less. In logits, a small
    # share has as many digits as a large one.
    first, last = -math.log(math.expm1(allowed / k)) - 1, math.log(k / failures)
    logit = float(brentq(surprise, first, last, xtol=1e-14))
    return math.exp(-_softplus(-logit))


def _softplus(x: float) -> float:
    """Return ``ln(1 + e^x)``."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _above_zero(name: str, value: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and 0 < value < math.inf):
        raise InvalidInputError(name, value, "a finite number above 0")
