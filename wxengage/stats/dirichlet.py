"""Likelihoods of counts whose shares differ from unit to unit (狄利克雷-多项似然).

Functions of the logarithms of their parameters, with gradient and Hessian, for
Newton's method; what is fitted with them stands in ``stats.shrinkage``.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.stats.btyd.newton import Peak, climb
from wxengage.stats.rising import log_rising

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CountTable", "RateRows", "most_probable"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

# Standard deviation of the weak prior in ln kappa: exp(2 * 2) is 55.
_PRIOR: Final = 2.0
# What a further step may still win.
_LEFT: Final = 1e-6


@attrs.frozen(eq=False)
class CountTable:
    """Tables of counts as a likelihood sees them.

    Attributes
    ----------
    columns
        For each thing the distinct counts above 0, and how many units have each.
    totals
        The same of the units' totals.
    sums
        How often each thing was done in all; as floats, exact to 2**53.
    units
        How many units there are.
    single
        Whether no unit did more than one thing.
    """

    columns: tuple[tuple[Floats, Floats], ...]
    totals: tuple[Floats, Floats]
    sums: Floats
    units: int
    single: bool

    @classmethod
    def of(cls, table: NDArray[np.int64], units: NDArray[np.int64]) -> CountTable:
        """Return what is needed of a table and its weights."""
        kept = units > 0
        table, units = table[kept], units[kept]
        columns = tuple(_histogram(column, units) for column in table.T)
        totals = _histogram(table.sum(axis=1), units)
        sums = np.array([float(values @ held) for values, held in columns])
        single = bool(((table > 0).sum(axis=1) <= 1).all())
        return cls(columns, totals, sums, int(units.sum()), single)

    @property
    def total(self) -> float:
        """All observations."""
        return float(self.sums.sum())

    @property
    def constant(self) -> float:
        """The logarithm of the number of orders, for all units together."""
        from scipy.special import gammaln  # noqa: PLC0415  slow to import

        values, held = self.totals
        orders = float(held @ gammaln(values + 1))
        return orders - sum(float(w @ gammaln(v + 1)) for v, w in self.columns)

    def some(self) -> tuple[CountTable, NDArray[np.int64]]:
        """Return the same without the things that nobody did, and which are left."""
        left = np.flatnonzero(self.sums > 0)
        columns = tuple(self.columns[i] for i in left.tolist())
        return attrs.evolve(self, columns=columns, sums=self.sums[left]), left

    def unlike(self) -> bool:
        """Return whether units differ by more than chance."""
        # Pairs of observations of one unit that are of the same thing: more of them
        # than everybody's shares make. In integers, which neither round nor overflow.
        pairs = sum(
            (
                Fraction(_pairs(column) * int(self.total), int(total))
                for column, total in zip(self.columns, self.sums.tolist(), strict=True)
            ),
            Fraction(0),
        )
        return pairs > _pairs(self.totals)

    def alike(self) -> float:
        """Return the log-likelihood at an infinite kappa, without the constant."""
        return float(self.sums @ np.log(self.sums / self.total))

    def __call__(self, phi: Floats) -> tuple[float, Floats, Floats]:
        """Return the log-likelihood, gradient, Hessian at ``ln(kappa * shares)``."""
        alpha = np.exp(phi)
        kappa = float(alpha.sum())
        value, slope, curve = 0.0, np.zeros(len(phi)), np.zeros(len(phi))
        for place, column in enumerate(self.columns):
            found = _rising(column, float(alpha[place]))
            # Shares, not alphas, keep the value's digits: powers of kappa cancel.
            value += found[0] + self.sums[place] * math.log(alpha[place] / kappa)
            slope[place], curve[place] = found[1:]
        whole = _rising(self.totals, kappa)
        slope, curve = slope - whole[1], curve * alpha**2
        curve += alpha * slope
        return (
            value - whole[0],
            alpha * slope,
            np.diag(curve) - whole[2] * np.outer(alpha, alpha),
        )


def _histogram(
    column: NDArray[np.int64], units: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the distinct counts above 0, and how many units have each."""
    some = column > 0
    values, place = np.unique(column[some], return_inverse=True)
    held = np.bincount(place, units[some], len(values))
    return values.astype(np.float64), held.astype(np.float64)


def _pairs(column: tuple[Floats, Floats]) -> int:
    """Return the ordered pairs of observations within units, exactly."""
    values, held = (part.astype(np.int64).tolist() for part in column)
    return sum(w * y * (y - 1) for y, w in zip(values, held, strict=True))


def _rising(column: tuple[Floats, Floats], alpha: float) -> tuple[float, float, float]:
    """Return the sum of ``ln(1 + i/alpha)`` over all ``i`` below each unit's count.

    Then the first two derivatives of the sum of ``ln(alpha + i)``.
    """  # noqa: DOC201  it is said above
    from scipy.special import digamma, polygamma  # noqa: PLC0415  slow to import

    values, held = column
    value, _ = log_rising(values, 1 / alpha)
    slope = digamma(alpha + values) - digamma(alpha)
    curve = polygamma(1, alpha + values) - polygamma(1, alpha)
    return float(held @ value), float(held @ slope), float(held @ curve)


def most_probable(seen: CountTable, belief: Floats) -> Peak:
    """Return where the likelihood times the prior is largest."""
    weight, middle = 1 / _PRIOR**2, math.log(len(belief))

    def posterior(phi: Floats) -> tuple[float, Floats, Floats]:
        value, slope, curve = seen(phi)
        highest = float(phi.max())
        shares = np.exp(phi - highest)
        log_kappa = highest + math.log(float(shares.sum()))
        shares /= shares.sum()
        away, mass = weight * (log_kappa - middle), float(belief.sum())
        value += float(belief @ (phi - log_kappa))
        value -= away * (log_kappa - middle) / 2
        bend = np.diag(shares) - np.outer(shares, shares)
        return (
            value,
            slope + belief - (mass + away) * shares,
            curve - (mass + away) * bend - weight * np.outer(shares, shares),
        )

    start = np.log((seen.sums + belief) / (seen.total + belief.sum())) + middle
    peak = climb(posterior, start, bound=math.inf, flat=-math.inf)
    # Of counts of millions the value itself has lost the digits that the last steps
    # are judged by; the slope has not.
    _, slope, _ = posterior(peak.point)
    left = float(slope @ np.linalg.pinv(peak.information, hermitian=True) @ slope)
    return attrs.evolve(peak, reached=peak.reached or abs(left) < _LEFT)


@attrs.frozen(eq=False)
class RateRows:
    """The posterior of ``ln kappa`` given successes, trials and means by row."""

    wins: Floats
    tries: Floats
    means: Floats

    def __call__(self, phi: Floats) -> tuple[float, Floats, Floats]:
        """Return value, gradient and Hessian at ``ln kappa``."""
        from scipy.special import digamma, gammaln, polygamma  # noqa: PLC0415  slow

        kappa = math.exp(float(phi[0]))
        value = slope = curve = 0.0
        for share, counts, sign in (
            (self.means, self.wins, 1),
            (1 - self.means, self.tries - self.wins, 1),
            (np.ones(1), self.tries, -1),
        ):
            low, high = kappa * share, kappa * share + counts
            value += sign * float((gammaln(high) - gammaln(low)).sum())
            slope += sign * float((share * (digamma(high) - digamma(low))).sum())
            bend = share**2 * (polygamma(1, high) - polygamma(1, low))
            curve += sign * float(bend.sum())
        away = (float(phi[0]) - math.log(2.0)) / _PRIOR**2
        value -= away**2 * _PRIOR**2 / 2
        gradient = kappa * slope
        return (
            value,
            np.array([gradient - away]),
            np.array([[kappa**2 * curve + gradient - 1 / _PRIOR**2]]),
        )
