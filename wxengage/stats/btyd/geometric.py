"""sBG (合同续约模型): how long contracts last when customers differ.

At each renewal a customer leaves with a probability of their own, which stays what
it is; a beta law (``alpha``, ``beta``) says how customers differ. Those who leave
easily leave first, so the share that renews rises with the age of the cohort,
although nobody becomes more loyal.

References
----------
Fader and Hardie (2007), "How to Project Customer Retention", Journal of Interactive
Marketing 21(1). Fader and Hardie (2010), "Customer-Base Valuation in a Contractual
Setting", Marketing Science 29(1).
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.btyd.fitting import Fit, Fitted, maximise, positive
from wxengage.stats.btyd.quadrature import beta_nodes
from wxengage.stats.checks import number_column, numbers, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from wxengage.stats.btyd.histories import Vector

__all__ = ["Sbg", "fit_sbg"]

_LEAST: Final = 2


@attrs.frozen(eq=False)
class _Likelihood:
    """The log-likelihood in ln alpha, ln beta.

    ``left[t - 1]`` customers left at renewal t, ``stayed`` have not yet.
    """

    left: Vector
    stayed: float
    constant: ClassVar[float] = 0.0
    telling: ClassVar[str] = "renewed"
    floors: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    units: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    subjects: ClassVar[Mapping[str, tuple[int, ...]]] = MappingProxyType(
        {"how customers differ in leaving (alpha, beta)": (0, 1)}
    )

    @property
    def customers(self) -> float:
        return float(self.left.sum()) + self.stayed

    @property
    def repeaters(self) -> float:
        return self.customers - float(self.left[0])

    def sample(self, rows: int) -> _Likelihood:
        del rows
        return self

    def starts(self) -> Sequence[Vector]:
        return [np.zeros(2), np.log([0.7, 3.0])]

    def __call__(self, phi: Vector) -> tuple[float, Vector, Vector]:
        from scipy.special import gammaln, psi, zeta  # noqa: PLC0415  slow to import

        theta = np.exp(np.clip(phi, -700, 700))
        a, b = theta
        n = np.append(self.left, self.stayed)
        one = np.append(np.ones(len(self.left)), 0.0)  # an end, or none yet
        t = np.append(np.arange(len(self.left)), len(self.left))
        total = float(n.sum())
        value = n @ (gammaln(a + one) + gammaln(b + t) - gammaln(a + b + t + one))
        value -= total * (gammaln(a) + gammaln(b) - gammaln(a + b))

        def derived(f: Any) -> tuple[float, float, float]:
            both = total * f(a + b) - n @ f(a + b + t + one)
            return n @ f(a + one) - total * f(a), n @ f(b + t) - total * f(b), both

        in_a, in_b, both = derived(psi)
        slope = np.array([in_a + both, in_b + both]) * theta
        # Hurwitz's zeta of 2 is the trigamma function.
        in_a, in_b, both = derived(lambda at: zeta(2, at))
        curve = np.array([[in_a + both, both], [both, in_b + both]])
        return float(value), slope, curve * np.outer(theta, theta) + np.diag(slope)


@attrs.frozen
class Sbg(Fitted):
    """A fitted sBG model.

    Attributes
    ----------
    alpha, beta
        Parameters of the beta law of leaving at a renewal.
    fit
        How they were found; None where they were given.

    Examples
    --------
    >>> high_end = Sbg(0.668, 3.806)
    >>> [f"{s:.3f}" for s in high_end.survival([1, 7, 12])]
    ['0.851', '0.489', '0.378']
    >>> f"{high_end.expected_lifetime(0.1):.4f}"
    '5.9226'
    """

    alpha: float = attrs.field(validator=positive)
    beta: float = attrs.field(validator=positive)
    fit: Fit | None = attrs.field(default=None, kw_only=True)

    def survival(self, t: ArrayLike) -> Any:
        """Return the share of customers who have renewed ``t`` times."""
        from scipy.special import gammaln  # noqa: PLC0415  slow to import

        at = _renewals("t", t, least=0)
        a, b = self.alpha, self.beta
        fallen = gammaln(b + at) - gammaln(b) - gammaln(a + b + at) + gammaln(a + b)
        return np.exp(fallen)[()]

    def retention(self, t: ArrayLike) -> Any:
        """Return the share of those who came to renewal ``t``, from 1, and renew."""
        at = _renewals("t", t, least=1)
        return ((self.beta + at - 1) / (self.alpha + self.beta + at - 1))[()]

    def expected_lifetime(self, discount: float) -> float:
        """Return the discounted number of periods a new customer stays (DEL).

        Parameters
        ----------
        discount
            Per period, from 0; for a yearly rate D and m periods a year,
            ``(1 + D)**(1 / m) - 1``.

        Returns
        -------
        float
            The first period counts 1. Infinite without discount where ``alpha`` is
            at most 1: then some customers hardly ever leave.
        """
        return self._lifetime(discount, 0)

    def residual_lifetime(self, discount: float, n: int) -> float:
        """Return the discounted periods to come of who stands at renewal n (DERL).

        Parameters
        ----------
        discount
            As for ``expected_lifetime``.
        n
            The renewal that is due, from 1: the customer has renewed n - 1 times
            and has not decided yet.

        Returns
        -------
        float
            The period that renewal n begins counts 1, if it comes.
        """
        due = float(_renewals("n", n, least=1))
        stays = (self.beta + due - 1) / (self.alpha + self.beta + due - 1)
        return float(stays * self._lifetime(discount, due))

    def _lifetime(self, discount: float, renewed: float) -> float:
        """Return the mean of (1 + d) / (d + theta) for who renewed so often."""
        d = float(numbers("discount", discount))
        if d < 0:
            raise InvalidInputError("discount", discount, "at least 0")
        a, b = self.alpha, self.beta + renewed
        if d == 0:
            return (a + b - 1) / (a - 1) if a > 1 else math.inf
        theta, weight = beta_nodes(a, np.array([b]), steep=1 / d)
        return float((weight * (1 + d) / (d + theta)).sum())


def _renewals(name: str, t: ArrayLike, *, least: int) -> Vector:
    """Return whole numbers of renewals, checked."""
    at = numbers(name, t)
    refuse(
        name, at, (at < least) | (at != np.floor(at)), f"a whole number from {least}"
    )
    return at


def fit_sbg(survivors: ArrayLike) -> Sbg:
    """Fit sBG by maximum likelihood.

    Parameters
    ----------
    survivors
        How many customers of a cohort were there at the start, after one renewal,
        after two, ...: not rising, from 0. At least two. Shape ``(periods + 1,)``.

    Returns
    -------
    Sbg
        With ``loglik``, ``standard_errors``, ``converged`` and ``diagnosis``.

    Raises
    ------
    InvalidInputError
        If a number rises or is negative, or there was nobody at the start.

    Notes
    -----
    Published for 1,000 customers of the segment "high end": alpha .668, beta 3.806,
    log-likelihood -1,611.2. Two points determine a mean only, never how customers
    differ: with fewer than three the fit says so.

    Examples
    --------
    >>> model = fit_sbg([1000, 869, 743, 653, 593, 551, 517, 491])
    >>> f"{model.alpha:.3f} {model.beta:.3f} {model.loglik:.1f}"
    '0.668 3.806 -1611.2'
    """
    column = number_column("survivors", survivors)
    if len(column) < _LEAST:
        raise InvalidInputError("survivors", len(column), "at least two numbers")
    refuse("survivors", column, column < 0, "at least 0")
    rises = np.append(False, np.diff(column) > 0)
    refuse("survivors", column, rises, "at most the one before", "nobody comes back")
    if column[0] == 0:
        raise InvalidInputError("survivors[0]", 0, "above 0")
    params, fit = maximise(_Likelihood(-np.diff(column), float(column[-1])))
    return Sbg(*params, fit=fit)
