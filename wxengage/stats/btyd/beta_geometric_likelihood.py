"""The likelihood of BG/NBD and MBG/NBD (似然函数), one formula for both."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import attrs
import numpy as np

from wxengage.stats.btyd.fitting import OfHistories

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxengage.stats.btyd.histories import Histories, Vector

__all__ = ["BetaGeometricLikelihood"]

# Rows at a time: what is made of them stays in the processor's cache.
_BLOCK: Final = 1 << 13
# Shape of the paces, and the law of leaving: some leave at once, many do, few do, and
# all are alike.
_STARTS: Final = ((0.5, 0.8, 2.0), (0.3, 2.0, 1.0), (2.0, 0.3, 3.0), (5.0, 5.0, 10.0))


@attrs.frozen(eq=False, slots=False)
class BetaGeometricLikelihood(OfHistories):
    """The log-likelihood of both models in ln r, ln alpha, ln a, ln b.

    ``chances`` is how many chances to leave the first purchase brings: 0 in BG/NBD,
    1 in MBG/NBD. With ``m = x + chances`` both models have one formula,

        ln G(r+x)/G(r) + ln B(a, b+m)/B(a, b) + r ln alpha - (r+x) ln(alpha+T)
        + ln(1 + e^u),  u = ln a - ln(b+m-1) + (r+x) ln((alpha+T)/(alpha+t_x)),

    where the last term, that of having left, is there for m > 0 only; ``1/(1+e^u)``
    is the probability of being alive.
    """

    rows: Histories
    chances: int
    constant: float = 0.0
    telling: ClassVar[str] = "came back"
    floors: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)
    subjects: ClassVar[Mapping[str, tuple[int, ...]]] = MappingProxyType(
        {
            "how the pace differs between customers (r, alpha)": (0, 1),
            "how customers drop out (a, b)": (2, 3),
        }
    )

    @property
    def units(self) -> tuple[float, ...]:
        """The unit in which each parameter is fitted."""
        return (1.0, self.rows.unit, 1.0, 1.0)

    def starts(self) -> Sequence[Vector]:
        """Return points to start from."""
        # Customers who are like the average one: alpha / r is the mean gap.
        gap = self.rows.mean_gap
        return [np.log([r, r * gap, a, b]) for r, a, b in _STARTS]

    def __call__(self, phi: Vector) -> tuple[float, Vector, Vector]:
        """Return value, gradient and Hessian at logarithms of parameters."""
        theta = np.exp(np.clip(phi, -700, 700))
        value, slope, curve = self._counted(theta)
        for part in (self._aged(theta), self._left(theta)):
            value += part[0]
            slope += part[1]
            curve += part[2]
        # From parameters to their logarithms.
        slope *= theta
        curve = curve * np.outer(theta, theta) + np.diag(slope)
        return value, slope, curve

    def _counted(self, theta: Vector) -> tuple[float, Vector, Vector]:
        """Return the terms in ``x`` alone, computed once for each count."""
        from scipy.special import gammaln, psi, zeta  # noqa: PLC0415  slow to import

        r, _, a, b = theta
        x, n = self.rows.counts[0], self.rows.customers_by_count
        m, total = x + self.chances, float(n.sum())
        value = n @ (gammaln(r + x) + gammaln(b + m) - gammaln(a + b + m))
        value += total * (gammaln(a + b) - gammaln(r) - gammaln(b))
        slope, curve = np.zeros(4), np.zeros((4, 4))
        slope[0] = n @ psi(r + x) - total * psi(r)
        slope[2] = total * psi(a + b) - n @ psi(a + b + m)
        slope[3] = slope[2] + n @ psi(b + m) - total * psi(b)
        # Hurwitz's zeta of 2 is the trigamma function.
        curve[0, 0] = n @ zeta(2, r + x) - total * zeta(2, r)
        curve[2:, 2:] = total * zeta(2, a + b) - n @ zeta(2, a + b + m)
        curve[3, 3] += n @ zeta(2, b + m) - total * zeta(2, b)
        return float(value), slope, curve

    def _aged(self, theta: Vector) -> tuple[float, Vector, Vector]:
        """Return the terms in ``T`` and ``x``, computed once for each age."""
        r, alpha = theta[:2]
        ages, (n, bought) = self.rows.ages[0], self.rows.by_age
        total, shape, inverse = float(n.sum()), r * n + bought, 1 / (alpha + ages)
        logs = np.log(alpha + ages)
        slope, curve = np.zeros(4), np.zeros((4, 4))
        slope[0] = total * math.log(alpha) - n @ logs
        slope[1] = total * r / alpha - shape @ inverse
        curve[0, 1] = curve[1, 0] = total / alpha - n @ inverse
        curve[1, 1] = -total * r / alpha**2 + shape @ inverse**2
        return r * total * math.log(alpha) - float(shape @ logs), slope, curve

    def _left(self, theta: Vector) -> tuple[float, Vector, Vector]:
        """Return the terms of having left, row by row."""
        r, alpha, a, b = theta
        rows = self.rows
        x, x_place = rows.counts
        ages, early, late = rows.ages
        logs, inverse = np.log(alpha + ages), 1 / (alpha + ages)
        # Per count: the row's r + x, 1 / (b+m-1), and ln a - ln(b+m-1).
        m = x + self.chances
        shape, rest = r + x, 1 / np.maximum(b + m - 1, 1e-300)
        odds = math.log(a) + np.log(rest)
        first = 0 if self.chances else int(np.searchsorted(rows.x, 1))
        value, sums = 0.0, np.zeros((6, 7))
        for low in range(first, len(rows.x), _BLOCK):
            part = slice(low, low + _BLOCK)
            at, old, new = x_place[part], early[part], late[part]
            longer = logs[new] - logs[old]
            before, now = inverse[old], inverse[new]
            pace, n, q = now - before, shape[at], rest[at]
            u = odds[at] + n * longer
            small = np.exp(-np.abs(u))
            value += float(rows.weight[part] @ (np.maximum(u, 0) + np.log1p(small)))
            gone = np.where(u > 0, 1.0, small) / (1 + small)
            bent = n * pace
            # u's derivatives in r, alpha and b (in a it is 1 / a), and what the
            # second derivatives need.
            table = np.stack(
                (
                    longer,
                    bent,
                    q,
                    pace,
                    bent * (now + before),
                    q * q,
                )
            )
            weight = rows.weight[part] * gone
            sums[:, 6] += table @ weight
            doubt = weight * (1 - gone)
            sums[:3, :3] += (table[:3] * doubt) @ table[:3].T
            sums[:3, 3] += table[:3] @ doubt
            sums[3, 4] += weight.sum()
            sums[3, 5] += doubt.sum()
        return (value, *_assembled(sums, a))


def _assembled(sums: Vector, a: float) -> tuple[Vector, Vector]:
    """Return gradient and Hessian from sums over rows; see ``_left``."""
    in_r, in_alpha, in_b, mixed, in_alpha2, in_b2 = sums[:, 6]
    gone, doubt = sums[3, 4], sums[3, 5]
    (rr, ra, rb), (_, aa, ab), (_, _, bb) = sums[:3, :3]
    er, ea, eb = sums[:3, 3] / a
    slope = np.array([in_r, in_alpha, gone / a, -in_b])
    curve = np.array(
        [
            [rr, ra + mixed, er, -rb],
            [ra + mixed, aa - in_alpha2, ea, -ab],
            [er, ea, (doubt - gone) / a**2, -eb],
            [-rb, -ab, -eb, bb + in_b2],
        ]
    )
    return slope, curve
