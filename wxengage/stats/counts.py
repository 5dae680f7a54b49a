"""How often people do a thing (计数分布): Poisson, and what is more uneven.

Most users invite nobody and a few invite ten: no Poisson does that. The negative
binomial (负二项分布) is a Poisson whose rate differs from user to user; ``k`` says
how little it differs, with variance ``mean + mean^2 / k``. An infinite ``k`` is the
Poisson itself, written as ``None``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.checks import (
    numbers,
    refuse,
    repetitions,
    upper_tail,
    whole_column,
)
from wxengage.stats.estimates import Estimate, shown
from wxengage.stats.rising import log_defect, log_rising

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Several: TypeAlias = Sequence[int] | NDArray[Any]

__all__ = ["NegativeBinomial", "fit_negative_binomial"]

_UNITS: Final = ("units are independent of each other",)
_MEAN: Final = "maximum likelihood, normal in the logarithm"
_K: Final = "maximum likelihood, likelihood ratio"
_GIVEN: Final = "parameters as given"
_TWO: Final = 2
# Where to look for a root: 2^200 times further than where it is expected.
_DOUBLINGS: Final = 200


def _not_negative(_: object, field: attrs.Attribute[float], value: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and 0 <= value < math.inf):
        raise InvalidInputError(field.name, value, "a finite number from 0")


def _positive_or_none(
    _: object, field: attrs.Attribute[float | None], value: float | None
) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value < math.inf):
        hint = "None is an infinite k: a Poisson"
        raise InvalidInputError(field.name, value, "a finite number above 0", hint)


def _histogram(
    _: object, field: attrs.Attribute[Any], value: tuple[tuple[int, int], ...]
) -> None:
    for row, (times, units) in enumerate(value):
        require_whole(f"{field.name}[{row}] count", times)
        require_whole(f"{field.name}[{row}] units", units, least=1)


@attrs.frozen(repr=False)
class NegativeBinomial:
    """How many times a user does a thing: a distribution (负二项分布).

    Attributes
    ----------
    mean
        Times a user, from 0.
    k
        Evenness, above 0: the variance is ``mean + mean^2 / k``. None is
        infinite, a Poisson.
    loglik
        Log-likelihood of the counts fitted; None where parameters were given.
    seen
        The counts fitted: pairs of a count and how many units have it.
    converged
        Whether the parameters are the most likely ones, or were given. False
        where the counts tell nothing of ``k``.
    diagnosis
        What the fit found, in words.

    Examples
    --------
    >>> invites = NegativeBinomial(mean=1.2, k=0.4)
    >>> print(f"{invites.tail(3):.4f}")
    0.1629
    """

    mean: float = attrs.field(validator=_not_negative)
    k: float | None = attrs.field(validator=_positive_or_none)
    loglik: float | None = None
    seen: tuple[tuple[int, int], ...] = attrs.field(default=(), validator=_histogram)
    converged: bool = True
    diagnosis: str = _GIVEN

    @property
    def n(self) -> int:
        """Units whose counts were fitted."""
        return sum(units for _, units in self.seen)

    @property
    def variance(self) -> float:
        """Mean squared distance from the mean."""
        return self.mean + self.mean**2 * self._spread

    @property
    def _spread(self) -> float:
        """1/k, 0 for a Poisson."""
        return 0.0 if self.k is None else 1 / self.k

    @overload
    def pmf(self, n: int) -> float: ...
    @overload
    def pmf(self, n: Several) -> Floats: ...
    def pmf(self, n: int | Several) -> float | Floats:
        """Return the probability of exactly ``n`` times.

        Parameters
        ----------
        n
            Whole, from 0.

        Returns
        -------
        float or numpy.ndarray
            As ``n`` came.

        Raises
        ------
        InvalidInputError
            If ``n`` is negative or not whole.

        Notes
        -----
        The exponential of a sum of logarithms that do not cancel for any ``k``.
        """
        from scipy.special import gammaln, xlogy  # noqa: PLC0415  slow to import

        times, a, m = _times(n), self._spread, self.mean
        rising, _ = log_rising(times, a)
        log = rising + xlogy(times, m) - times * math.log1p(m * a) - gammaln(times + 1)
        found = np.exp(log - _silence(m, a))
        return found if found.ndim else float(found)

    @overload
    def tail(self, n: int) -> float: ...
    @overload
    def tail(self, n: Several) -> Floats: ...
    def tail(self, n: int | Several) -> float | Floats:
        """Return the probability of ``n`` times or more.

        Parameters
        ----------
        n
            Whole, from 0.

        Returns
        -------
        float or numpy.ndarray
            As ``n`` came.

        Raises
        ------
        InvalidInputError
            If ``n`` is negative or not whole.

        Notes
        -----
        An incomplete beta or gamma function, not 1 less a sum: small tails keep
        their digits.
        """
        from scipy.special import betainc, gammainc  # noqa: PLC0415  slow to import

        times = _times(n)
        some = np.maximum(times, 1.0)  # at least 0 times is certain
        if self.k is None:
            above = gammainc(some, self.mean)
        else:
            above = betainc(some, self.k, self.mean / (self.k + self.mean))
        found = np.where(times > 0, above, 1.0)
        return found if found.ndim else float(found)

    def mean_estimate(self, *, level: float = 0.95) -> Estimate:
        """Estimate the mean.

        Parameters
        ----------
        level
            Confidence level.

        Returns
        -------
        Estimate
            Without an interval where parameters were given, or the counts tell
            nothing of their spread.

        Notes
        -----
        Normal in the logarithm, from the observed information, in which mean and
        ``k`` do not depend on each other.
        """
        from scipy.special import ndtri  # noqa: PLC0415  slow to import

        tail, n = upper_tail(level), self.n
        if n == 0 or not self.converged:
            reason = _GIVEN if n == 0 else self.diagnosis
            return Estimate(self.mean, None, None, n, level, _MEAN, (reason,))
        error = math.sqrt((1 / self.mean + self._spread) / n)
        factor = math.exp(min(-float(ndtri(tail)) * error, 700.0))
        ends = self.mean / factor, self.mean * factor
        return Estimate(self.mean, *ends, n, level, _MEAN, _UNITS)

    def k_estimate(self, *, level: float = 0.95) -> Estimate:
        """Estimate ``k``.

        Parameters
        ----------
        level
            Confidence level. The lower end at 0.90 is the limit that a true
            ``k`` is above in 95 of 100 cases.

        Returns
        -------
        Estimate
            Infinite for a Poisson, with a finite lower end. The upper end is
            infinite where a Poisson cannot be ruled out. Without an interval
            where parameters were given; undefined where the counts tell nothing
            of ``k``.

        Notes
        -----
        All ``k`` whose likelihood is not too far below the best one. It covers
        the truth better than a normal interval in ``ln k``, whose lower end falls
        to 0 where counts are nearly Poisson.
        """
        from scipy.special import ndtri  # noqa: PLC0415  slow to import

        tail, n = upper_tail(level), self.n
        value = math.inf if self.k is None else self.k
        if n == 0:
            return Estimate(value, None, None, 0, level, "given", (_GIVEN,))
        if not self.converged:
            return Estimate.undefined(self.diagnosis, n=n, level=level, method=_K)
        profile = _Profile.of(self.seen)
        least = profile.loglik(self._spread) - float(ndtri(tail)) ** 2 / 2

        def excess(spread: float) -> float:
            return profile.loglik(spread) - least

        start = self._spread or 1 / self.mean
        highest = _root(excess, start, up=excess(start) > 0)
        lowest = 0.0 if excess(0.0) >= 0 else _root(excess, start, up=False)
        low = min(1 / highest, value)
        high = max(1 / lowest, value) if lowest else math.inf
        return Estimate(value, low, high, n, level, _K, _UNITS)

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        k = "inf (Poisson)" if self.k is None else f"{self.k:.5g}"
        units = f" n={self.n:,}" if self.n else ""
        return f"NegativeBinomial mean={shown(self.mean)} k={k}{units}"


def fit_negative_binomial(
    counts: ArrayLike, *, weights: ArrayLike | None = None
) -> NegativeBinomial:
    """Find the negative binomial that makes counts most likely.

    Parameters
    ----------
    counts
        How many times each unit did it: whole, from 0. Shape ``(n,)``.
    weights
        How many units each row stands for: whole, from 0. None: one each.
        Shape ``(n,)``.

    Returns
    -------
    NegativeBinomial
        A Poisson, ``k`` None, where the variance is not above the mean: the
        likelihood then grows with ``k`` for ever. Not ``converged`` where the
        counts tell nothing of ``k``: all 0, or one unit only.

    Raises
    ------
    InvalidInputError
        If a count or a weight is no whole number from 0, lengths differ, or
        there are no units.

    Notes
    -----
    The most likely mean is the sample mean for every ``k``; what is left is one
    root of the slope in ``ln k``, there and alone if and only if the variance, over
    ``n`` and compared in integers, is above the mean (Levin and Reeds 1977).
    Computed on the distinct counts: ``O(n log n)`` once, ``O(distinct)`` a step.

    Examples
    --------
    >>> fit = fit_negative_binomial([0, 1, 2, 3, 7], weights=[60, 20, 10, 7, 3])
    >>> print(fit)
    NegativeBinomial mean=0.82 k=0.57529 n=100
    >>> print(fit.k_estimate())
    0.58 [0.31, 1.15] n=100
    """
    column = whole_column("counts", counts)
    units = repetitions(weights, len(column))
    values, place = np.unique(column[units > 0], return_inverse=True)
    held = np.bincount(place, units[units > 0], len(values)).astype(np.int64)
    if not len(values):
        raise InvalidInputError("counts", column.tolist(), "of at least one unit")
    seen = tuple(zip(values.tolist(), held.tolist(), strict=True))
    profile = _Profile.of(seen)
    spread = profile.best()
    n = sum(w for _, w in seen)
    if profile.mean == 0 or n < _TWO:
        nothing = "all counts are 0" if profile.mean == 0 else "there is one unit only"
        said, converged = f"{nothing}: k cannot be told", False
    elif spread == 0:
        said, converged = "no more uneven than a Poisson: k is infinite", True
    else:
        said, converged = "maximum found", True
    return NegativeBinomial(
        mean=profile.mean,
        k=1 / spread if spread else None,
        loglik=profile.loglik(spread),
        seen=seen,
        converged=converged,
        diagnosis=said,
    )


@attrs.frozen(eq=False)
class _Profile:
    """The log-likelihood of counts in ``1/k``, the mean at its best.

    Attributes
    ----------
    values, units
        The distinct counts and how many units have each. Shape ``(d,)``.
    n, mean
        Units, and their mean count.
    excess
        The sign of variance less mean, exact.
    """

    values: Floats
    units: Floats
    n: int
    mean: float
    excess: int

    @classmethod
    def of(cls, seen: tuple[tuple[int, int], ...]) -> _Profile:
        """Return the profile of a histogram."""
        n = sum(w for _, w in seen)
        total = sum(w * y for y, w in seen)
        squares = sum(w * y * y for y, w in seen)
        values = np.array([y for y, _ in seen], dtype=np.float64)
        units = np.array([w for _, w in seen], dtype=np.float64)
        # Of Python's integers, which do not overflow.
        excess = n * squares - total * total - n * total
        return cls(values, units, n, total / n, (excess > 0) - (excess < 0))

    def loglik(self, spread: float) -> float:
        """Return the log-likelihood at ``1/k``, 0 for a Poisson."""
        from scipy.special import gammaln, xlogy  # noqa: PLC0415  slow to import

        m = self.mean
        log, _ = log_rising(self.values, spread)
        log += xlogy(self.values, m) - self.values * math.log1p(m * spread)
        log -= gammaln(self.values + 1) + _silence(m, spread)
        return float(self.units @ log)

    def slope(self, spread: float) -> float:
        """Return its derivative in ``1/k``."""
        _, steps = log_rising(self.values, spread)
        level = self.n * self.mean**2 * float(log_defect(np.array(self.mean * spread)))
        return float(self.units @ steps) - level

    def best(self) -> float:
        """Return the most likely ``1/k``; 0 where that is a Poisson."""
        if self.excess <= 0:
            return 0.0
        variance = float(self.units @ (self.values - self.mean) ** 2) / self.n
        start = max(variance / self.mean - 1, 1e-12) / self.mean
        return _root(self.slope, start, up=self.slope(start) > 0)


def _root(f: Callable[[float], float], start: float, *, up: bool) -> float:
    """Return where ``f`` changes sign above or below ``start``; 0 if nowhere."""
    from scipy.optimize import brentq  # noqa: PLC0415  slow to import

    sign, near = f(start) > 0, start
    for _ in range(_DOUBLINGS):
        far = near * 2 if up else near / 2
        if (f(far) > 0) != sign:
            # In logarithms: as many digits of a small root as of a large one.
            ends = math.log(near), math.log(far)
            log = brentq(lambda x: f(math.exp(x)), ends[0], ends[1], xtol=1e-14)
            return math.exp(float(log))
        near = far
    return 0.0


def _silence(mean: float, spread: float) -> float:
    """Return minus the logarithm of the probability of no time at all."""
    return math.log1p(mean * spread) / spread if spread else mean


def _times(n: ArrayLike) -> Floats:
    """Return numbers of times of any shape, checked."""
    times = numbers("n", n)
    refuse(
        "n", times, (times < 0) | (times != np.floor(times)), "a whole number from 0"
    )
    return times
