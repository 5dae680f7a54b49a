"""Pareto/NBD (帕累托/NBD 模型): people may leave at any moment, not only after buying.

Purchases come at random at a pace of the customer's own, and so does the end, at a
rate of their own. Paces differ as one gamma law says (``r``, ``alpha``), rates of
leaving as another (``s``, ``beta``).

References
----------
Schmittlein, Morrison and Colombo (1987), "Counting Your Customers: Who Are They and
What Will They Do Next?", Management Science 33(1). Fader and Hardie (2005), "A Note
on Deriving the Pareto/NBD Model and Related Expressions".
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import numpy as np

from wxengage.stats.btyd.fitting import Fit, OfHistories, maximise, positive
from wxengage.stats.btyd.histories import (
    Histories,
    Vector,
    in_blocks,
)
from wxengage.stats.btyd.lifetimes import Lifetimes
from wxengage.stats.btyd.mixtures import log_sum
from wxengage.stats.btyd.quadrature import legendre

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

__all__ = ["ParetoNbd", "fit_pareto_nbd"]

# Nodes in each panel, and where panels end, as parts of the fall.
_NODES: Final = 8
_PANELS: Final = (0.0, 0.006, 0.025, 0.075, 0.2, 0.45, 1.0)
# A likelihood that has fallen by exp(-40) adds nothing.
_DEEPEST: Final = 40.0
_BLOCK: Final = 1 << 11
# Shape of the paces, and shape and rate of leaving: early by some, and late by most.
_STARTS: Final = ((0.5, 0.6, 0.4), (2.0, 2.0, 2.0))
_SOLVED: Final = 1e-14
_ROUNDS: Final = 60


@attrs.frozen(eq=False)
class _Exits:
    """When customers may have left between their last purchase and now.

    Attributes
    ----------
    age
        Ages at which they may have left. Shape ``(n, nodes)``.
    log_weight
        Logarithm of the likelihood of having left around each, relative to that of
        a history that ends with the purchase. Shape ``(n, nodes)``.
    log_alive
        The same of not having left yet. Shape ``(n,)``.
    """

    age: Vector
    log_weight: Vector
    log_alive: Vector


def _exits(
    scale: tuple[float, float], shape: tuple[Vector, float], start: Vector, span: Vector
) -> _Exits:
    """Return when customers may have left in a time.

    Parameters
    ----------
    scale
        alpha and beta.
    shape
        r + x of each row, and s. The density of having left at age ``y`` is
        ``s (alpha + y)**-(r+x) (beta + y)**-(s+1)``.
    start, span
        An age, and the time from there on. Shape ``(n,)`` each.

    Returns
    -------
    _Exits
        Relative to ``(alpha + start)**-(r+x) (beta + start)**-s``.

    Notes
    -----
    The log-likelihood of being silent and alive falls from 0. Measured
    by that fall instead of by age, the density is ``exp(-fall)`` times a factor
    that hardly changes: Gauss-Legendre in panels gives ten digits, also
    where the closed form overflows. At which age the fall has
    reached each node is found by Newton's method on a convex function.
    """
    (alpha, beta), (count, s) = scale, shape
    least = min(alpha, beta)
    more_a, more_b, from_ = alpha - least, beta - least, least + start

    def fallen(y: Vector, n: Any, t: Any) -> tuple[Vector, Vector]:
        # Fall of the log-likelihood, and its slope, at ln((least + age) / from_) = y.
        grown = t * np.exp(y)
        a, b = more_a + grown, more_b + grown
        longer = t * np.expm1(y)
        fall = n * np.log1p(longer / (more_a + t)) + s * np.log1p(longer / (more_b + t))
        return fall, n * grown / a + s * grown / b

    last = np.log1p(span / from_)
    most, _ = fallen(last, count, from_)
    node, weight = legendre(_NODES, _PANELS)
    reach = np.minimum(most, _DEEPEST)[:, None]
    target = node * reach
    n, t = count[:, None], from_[:, None]
    y = target / (n + s)
    for _ in range(_ROUNDS):
        fall, slope = fallen(y, n, t)
        step = (fall - target) / slope
        y = np.clip(y - step, 0.0, last[:, None])
        if float(np.abs(step).max(initial=0.0)) < _SOLVED:
            break
    age = start[:, None] + t * np.expm1(y)
    share = s / (s + n * (beta + age) / (alpha + age))
    with np.errstate(divide="ignore"):
        return _Exits(age, np.log(weight * reach * share) - target, -most)


@attrs.frozen(eq=False, slots=False)
class _Likelihood(OfHistories):
    """The log-likelihood in ln r, ln alpha, ln s, ln beta."""

    rows: Histories
    constant: float
    telling: ClassVar[str] = "came back"
    floors: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)
    subjects: ClassVar[Mapping[str, tuple[int, ...]]] = MappingProxyType(
        {
            "how the pace differs between customers (r, alpha)": (0, 1),
            "how customers drop out (s, beta)": (2, 3),
        }
    )

    @property
    def units(self) -> tuple[float, ...]:
        return (1.0, self.rows.unit, 1.0, self.rows.unit)

    def starts(self) -> Sequence[Vector]:
        gap = self.rows.mean_gap
        return [np.log([r, r * gap, s, b]) for r, s, b in _STARTS]

    def __call__(self, phi: Vector) -> tuple[float, Vector, Vector]:
        theta = np.exp(np.clip(phi, -700, 700))
        value, slope, curve = self._counted(theta)
        for low in range(0, len(self.rows.x), _BLOCK):
            part = self._silent(theta, slice(low, low + _BLOCK))
            value, slope, curve = value + part[0], slope + part[1], curve + part[2]
        slope = slope * theta
        return value, slope, curve * np.outer(theta, theta) + np.diag(slope)

    def _counted(self, theta: Vector) -> tuple[float, Vector, Vector]:
        """Return the terms in ``x`` alone."""
        from scipy.special import gammaln, psi, zeta  # noqa: PLC0415  slow to import

        r, alpha, s, beta = theta
        x, n = self.rows.counts[0], self.rows.customers_by_count
        total = float(n.sum())
        value = n @ gammaln(r + x) - total * gammaln(r)
        value += total * (r * math.log(alpha) + s * math.log(beta))
        slope = total * np.array(
            [math.log(alpha) - psi(r), r / alpha, math.log(beta), s / beta]
        )
        slope[0] += n @ psi(r + x)
        curve = np.zeros((4, 4))
        # Hurwitz's zeta of 2 is the trigamma function.
        curve[0, 0] = n @ zeta(2, r + x) - total * zeta(2, r)
        curve[0, 1] = curve[1, 0] = total / alpha
        curve[1, 1] = -total * r / alpha**2
        curve[2, 3] = curve[3, 2] = total / beta
        curve[3, 3] = -total * s / beta**2
        return float(value), slope, curve

    def _silent(self, theta: Vector, part: slice) -> tuple[float, Vector, Vector]:
        """Return the terms of the silence since the last purchase."""
        r, alpha, s, beta = theta
        unit = self.rows.unit
        t_x, T = self.rows.t_x[part] / unit, self.rows.T[part] / unit
        count = r + self.rows.x[part]
        exits = _exits((alpha, beta), (count, s), t_x, T - t_x)
        base = -count * np.log(alpha + t_x) - s * np.log(beta + t_x)
        logs = np.column_stack((exits.log_weight, exits.log_alive)) + base[:, None]
        age = np.column_stack((exits.age, T))
        left = np.ones_like(age)
        left[:, -1] = 0.0
        a, b, n = 1 / (alpha + age), 1 / (beta + age), count[:, None]
        firsts = np.stack((np.log(a), -n * a, left / s + np.log(b), -(s + left) * b))
        seconds = {
            (0, 1): -a,
            (1, 1): n * a**2,
            (2, 2): -left / s**2,
            (2, 3): -b,
            (3, 3): (s + left) * b**2,
        }
        return log_sum(logs, firsts, seconds, self.rows.weight[part])


@attrs.frozen
class ParetoNbd(Lifetimes):
    """A fitted Pareto/NBD model.

    Attributes
    ----------
    r, alpha
        Shape and rate of the gamma law of paces; alpha is in the unit of time.
    s, beta
        Shape and rate of the gamma law of the rates of leaving, in the same unit.
    fit
        How they were found; None where they were given.

    Examples
    --------
    >>> model = ParetoNbd(0.5533971, 10.5801985, 0.6060625, 11.6562237)
    >>> f"{model.p_alive(26, 30 + 6 / 7, 31):.6f}"
    '0.997873'
    """

    r: float = attrs.field(validator=positive)
    alpha: float = attrs.field(validator=positive)
    s: float = attrs.field(validator=positive)
    beta: float = attrs.field(validator=positive)
    fit: Fit | None = attrs.field(default=None, kw_only=True)

    def _alive(self, count: Vector, recency: Vector, age: Vector) -> Vector:
        return in_blocks(self._still_there, count, recency, age, rows=_BLOCK)

    def _active(
        self, ahead: Vector, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        buys = in_blocks(self._buys, ahead, count, age, rows=_BLOCK)
        return self._alive(count, recency, age) * buys

    def _expected(
        self, ahead: Vector, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        from scipy.special import exprel  # noqa: PLC0415  slow to import

        pace = (self.r + count) / (self.alpha + age)
        longer = np.log1p(ahead / (self.beta + age))
        stay = (self.beta + age) * longer * exprel((1 - self.s) * longer)
        found: Vector = self._alive(count, recency, age) * pace * stay
        return found

    def _still_there(self, count: Vector, recency: Vector, age: Vector) -> Vector:
        scale, shape = (self.alpha, self.beta), (self.r + count, self.s)
        exits = _exits(scale, shape, recency, age - recency)
        with np.errstate(over="ignore"):
            gone = np.exp(exits.log_weight - exits.log_alive[:, None])
        alive: Vector = 1 / (1 + gone.sum(axis=1))
        return alive

    def _buys(self, ahead: Vector, count: Vector, age: Vector) -> Vector:
        """Return the probability of a purchase of who is alive at an age."""
        scale, shape = (self.alpha, self.beta), (self.r + count, self.s)
        exits = _exits(scale, shape, age, ahead)
        # Each node's weight is s / (s + rest) of a part of what was lost: the
        # purchases have the other share, so that nothing is subtracted from 1.
        ratio = (self.beta + exits.age) / (self.alpha + exits.age)
        bought = np.exp(exits.log_weight) * shape[0][:, None] * ratio / self.s
        found: Vector = bought.sum(axis=1)
        return found


def fit_pareto_nbd(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, weights: ArrayLike | None = None
) -> ParetoNbd:
    """Fit Pareto/NBD by maximum likelihood.

    Parameters
    ----------
    x, t_x, T, weights
        As for ``fit_mbgnbd``.

    Returns
    -------
    ParetoNbd
        With ``loglik``, ``standard_errors``, ``converged`` and ``diagnosis``.

    Notes
    -----
    Published for CDNOW: log-likelihood -9595.0 (Fader, Hardie and Lee 2005). Each
    distinct history takes a quadrature of 48 nodes, which MBG/NBD does not need.
    """
    rows = Histories.of(x, t_x, T, weights).scaled()
    constant = -rows.purchases * math.log(rows.unit)
    params, fit = maximise(_Likelihood(rows, constant))
    return ParetoNbd(*params, fit=fit)
