"""Branching processes (分支过程): how far something spreads that passes itself on.

Everybody who joins brings a random number of others, independently and by the same
law. Below one on average, every cascade ends and its size has a distribution in
closed form; above one, some cascades never end, and others still die early.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.checks import numbers, refuse
from wxengage.stats.counts import NegativeBinomial
from wxengage.stats.rising import log_defect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Several: TypeAlias = Sequence[int] | NDArray[Any]

__all__ = ["TotalProgeny", "extinction_probability", "growth_rate", "require_law"]

# Stirling's series has all its digits from here on.
_LARGE: Final = 16.0
_STIRLING: Final = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
# Exponents whose exponential is still a number.
_LARGEST: Final = 700.0
# Cascades looked at for a quantile, and how many at once.
_MOST: Final = 2**26
_BLOCK: Final = 2**16


def require_law(name: str, got: object) -> NegativeBinomial:
    """Return a law of how many others each one brings, checked."""
    if not isinstance(got, NegativeBinomial):
        hint = "fit_negative_binomial(counts) finds one; k=None is a Poisson"
        raise InvalidInputError(name, got, "a NegativeBinomial", hint)
    return got


def _a_law(_: object, field: attrs.Attribute[Any], got: object) -> None:
    require_law(field.name, got)


def _some_seeds(_: object, field: attrs.Attribute[int], got: object) -> None:
    require_whole(field.name, got, least=1)


def extinction_probability(law: NegativeBinomial, *, seeds: int = 1) -> float:
    """Return how likely a cascade is to end by itself.

    Parameters
    ----------
    law
        How many others each one brings.
    seeds
        How many begin, at least 1.

    Returns
    -------
    float
        1 where each brings one or less on average.

    Raises
    ------
    InvalidInputError
        If ``seeds`` is no whole number from 1.

    Notes
    -----
    The least root of ``G(q) = q`` by Newton's method on the probability of
    survival, from 1 downwards: every step stays above the root, and the distance
    to a root near 0 keeps its digits. The plain iteration ``q = G(q)`` crawls where
    the mean is near one.

    Examples
    --------
    >>> f"{extinction_probability(NegativeBinomial(1.5, None)):.6f}"
    '0.417188'
    >>> f"{extinction_probability(NegativeBinomial(1.5, 0.4)):.6f}"
    '0.798225'
    """
    require_law("law", law)
    require_whole("seeds", seeds, least=1)
    if law.mean <= 1:
        return 1.0
    survives, lower = 1.0, _newton(law, 1.0)
    while 0 < lower < survives:
        survives, lower = lower, _newton(law, lower)
    # What Newton has found, seen from 0: small probabilities keep their digits.
    log, _ = _log_pgf(law, survives)
    return math.exp(seeds * log)


def _newton(law: NegativeBinomial, survives: float) -> float:
    """Return the next guess of the probability of survival."""
    log, slope = _log_pgf(law, survives)
    return survives - (survives + math.expm1(log)) / (1 - slope)


def _log_pgf(law: NegativeBinomial, survives: float) -> tuple[float, float]:
    """Return ``ln G(1 - s)`` and the slope ``G'(1 - s)``."""
    if law.k is None:
        log = -law.mean * survives
        return log, law.mean * math.exp(log)
    log = -law.k * math.log1p(law.mean * survives / law.k)
    return log, law.mean * math.exp(log) / (1 + law.mean * survives / law.k)


def growth_rate(
    mean: float, *, generation_mean: float, generation_sd: float = 0.0
) -> float:
    """Return how fast a spreading grows.

    Parameters
    ----------
    mean
        How many others each one brings, above 0.
    generation_mean, generation_sd
        Time from joining to those who are brought joining, in any unit: mean,
        above 0, and standard deviation. 0: always the same time.

    Returns
    -------
    float
        The rate ``r`` of ``exp(r t)``, per unit of time; negative where it dies
        out.

    Raises
    ------
    InvalidInputError
        If a number breaks these rules.

    Notes
    -----
    Euler and Lotka's equation for gamma times with shape ``a`` and scale ``b``:
    ``r = (mean^(1/a) - 1) / b``. ``ln(mean) / generation_mean``, its limit for a
    standard deviation of 0, is too small for a growing cascade.

    Examples
    --------
    >>> f"{growth_rate(1.3, generation_mean=2, generation_sd=1):.6f}"
    '0.135580'
    """
    log = math.log(_number("mean", mean, above=True))
    average = _number("generation_mean", generation_mean, above=True)
    spread = _number("generation_sd", generation_sd) / average
    # With shape 1/spread^2 and scale spread^2 * average; both ends stay exact.
    exponent = log * spread**2
    if exponent > _LARGEST:
        hint = "times this uneven make the rate too large to write"
        raise InvalidInputError("generation_sd", generation_sd, "smaller", hint)
    return log * (math.expm1(exponent) / exponent if exponent else 1.0) / average


def _number(name: str, value: float, *, above: bool = False) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and (value > 0 if above else value >= 0) and value < math.inf):
        rule = f"a finite number {'above' if above else 'from'} 0"
        raise InvalidInputError(name, value, rule)
    return float(value)


@attrs.frozen
class TotalProgeny:
    """How many there are in all when everything has ended (总规模).

    Attributes
    ----------
    law
        How many others each one brings.
    seeds
        How many begin, at least 1. They are counted.

    Examples
    --------
    >>> size = TotalProgeny(NegativeBinomial(0.6, 0.4), seeds=10)
    >>> round(size.mean, 9), size.quantile(0.99)
    (25.0, 83)
    """

    law: NegativeBinomial = attrs.field(validator=_a_law)
    seeds: int = attrs.field(default=1, validator=_some_seeds, kw_only=True)

    @property
    def mean(self) -> float:
        """How many on average; infinite where each brings one or more."""
        return self.seeds / (1 - self.law.mean) if self.law.mean < 1 else math.inf

    @property
    def variance(self) -> float:
        """Mean squared distance from the mean; infinite with it."""
        if self.law.mean >= 1:
            return math.inf
        return self.seeds * self.law.variance / (1 - self.law.mean) ** 3

    @overload
    def pmf(self, n: int) -> float: ...
    @overload
    def pmf(self, n: Several) -> Floats: ...
    def pmf(self, n: int | Several) -> float | Floats:
        """Return the probability of exactly ``n`` in all.

        Parameters
        ----------
        n
            Whole, from 0; 0 below ``seeds``. Any shape.

        Returns
        -------
        float or numpy.ndarray
            As ``n`` came. Over all ``n`` they sum to the probability of
            extinction.

        Raises
        ------
        InvalidInputError
            If ``n`` is negative or not whole.

        Notes
        -----
        Otter and Dwass: ``P(T = n) = seeds/n P(S = n - seeds)``, with S the sum
        of ``n`` draws, which is negative binomial again (for a Poisson, the
        distribution of Borel and Tanner). By Loader's saddle-point form, which
        keeps its digits for any ``n``.
        """
        size = numbers("n", n)
        bad = (size < 0) | (size != np.floor(size))
        refuse("n", size, bad, "a whole number from 0")
        some = np.maximum(size, self.seeds)
        found = self.seeds / some * _pmf_of_sum(self.law, some, some - self.seeds)
        found = np.where(size >= self.seeds, found, 0.0)
        return found if found.ndim else float(found)

    def cdf(self, n: int) -> float:
        """Return the probability of at most ``n`` in all.

        Parameters
        ----------
        n
            Whole, from 0 to 2^26.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        InvalidInputError
            If ``n`` is no such number.

        Notes
        -----
        A sum of ``n`` terms.
        """
        require_whole("n", n, most=_MOST)
        parts = (
            float(self.pmf(np.arange(first, min(first + _BLOCK, n + 1))).sum())
            for first in range(self.seeds, n + 1, _BLOCK)
        )
        return min(math.fsum(parts), 1.0)

    def quantile(self, q: float) -> float:
        """Return the least size that is not exceeded with probability ``q``.

        Parameters
        ----------
        q
            Above 0, below 1.

        Returns
        -------
        float
            A whole number; infinite where more than ``1 - q`` never end.

        Raises
        ------
        InvalidInputError
            If ``q`` is outside, or the answer is above 2^26.
        """
        if not 0 < _number("q", q) < 1:
            raise InvalidInputError("q", q, "between 0 and 1")
        if q > extinction_probability(self.law, seeds=self.seeds):
            return math.inf
        below = 0.0
        for first in range(self.seeds, _MOST, _BLOCK):
            climbing = below + np.cumsum(self.pmf(np.arange(first, first + _BLOCK)))
            if climbing[-1] >= q:
                return first + int(climbing.searchsorted(q))
            below = float(climbing[-1])
        raise InvalidInputError("q", q, "reached below 2^26 participants")


def _pmf_of_sum(law: NegativeBinomial, n: Floats, times: Floats) -> Floats:
    """Return the probability that ``n`` draws sum to ``times``."""
    if law.mean == 0:
        return np.where(times == 0, 1.0, 0.0)
    x = np.maximum(times, 1.0)  # nothing at all is done apart
    mean = n * law.mean
    if law.k is None:
        none = np.exp(-mean)
        some = np.exp(-_stirling(x) - _deviance(x, mean)) / np.sqrt(2 * np.pi * x)
        return np.where(times == 0, none, some)
    # A negative binomial as a binomial of r + x, of which r are the draws' own.
    r, share = n * law.k, law.k / (law.k + law.mean)
    both = r + x
    log = _stirling(both) - _stirling(r) - _stirling(x)
    log -= _deviance(r, both * share) + _deviance(x, both * (1 - share))
    some = np.exp(log) * np.sqrt(r / (2 * np.pi * x * both))
    return np.where(times == 0, np.exp(-r * math.log1p(law.mean / law.k)), some)


def _stirling(z: Floats) -> Floats:
    """Return the error of Stirling's formula for ``ln z!``."""
    from scipy.special import gammaln  # noqa: PLC0415  slow to import

    large = np.maximum(z, _LARGE)
    series = np.polyval(_STIRLING[::-1], 1 / large**2) / large
    small = np.minimum(z, _LARGE)
    direct = gammaln(small + 1) - (small + 0.5) * np.log(small) + small
    return np.where(z < _LARGE, direct - 0.5 * math.log(2 * math.pi), series)


def _deviance(x: Floats, mean: Floats) -> Floats:
    """Return ``x ln(x / mean) - x + mean``, without cancelling near 0."""
    off = (x - mean) / mean
    down = np.minimum(off, 0.0)
    # (1 + d) ln(1 + d) - d; the series of `log_defect` holds for d from 0.
    up = np.maximum(off, 0.0)
    above = up * np.log1p(up) - up**2 * log_defect(up)
    lower = -down / (1 + down)
    # With 1 + d = 1/(1 + e) it is (e - ln(1 + e)) / (1 + e).
    below = lower**2 * log_defect(lower) / (1 + lower)
    return mean * np.where(off >= 0, above, below)
