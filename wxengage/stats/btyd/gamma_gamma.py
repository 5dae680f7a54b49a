"""Gamma-Gamma (客单价模型): what a customer spends at a time.

Each purchase of a customer is worth something around a mean of their own, and the
means differ between customers. Someone seen once tells little: the estimate lies
between their own mean and everybody's, nearer to their own the more is known. How
much people spend is taken to have nothing to do with how often they buy.

References
----------
Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025.
"""

from __future__ import annotations

import functools
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.btyd.fitting import Fit, Fitted, maximise, positive
from wxengage.stats.btyd.histories import Vector, looked_up, weight_column
from wxengage.stats.checks import number_column, numbers, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

__all__ = ["GammaGamma", "fit_gamma_gamma"]

_BLOCK: Final = 1 << 14
# A correlation of counts and values beyond this is told; CDNOW has 0.11, which
# Fader and Hardie let pass.
_TOGETHER: Final = 0.2


def _above_one(_: object, field: attrs.Attribute[float], value: float) -> None:
    positive(_, field, value)
    if value <= 1:
        hint = "at most 1, the mean over customers would be infinite"
        raise InvalidInputError(field.name, value, "above 1", hint)


@attrs.frozen(eq=False, slots=False)
class _Likelihood:
    """The log-likelihood in ln p, ln(q - 1), ln v.

    A row of x purchases of mean z adds ``ln G(p x + q)/(G(p x) G(q)) + q ln v +
    (p x - 1) ln z + p x ln x - (p x + q) ln(v + x z)``.
    """

    x: Vector
    total: Vector  # x * z, in units of the mean value
    weight: Vector
    constant: float
    unit: float
    telling: ClassVar[str] = "have a value"
    floors: ClassVar[tuple[float, ...]] = (0.0, 1.0, 0.0)
    subjects: ClassVar[Mapping[str, tuple[int, ...]]] = MappingProxyType(
        {
            "how a customer's purchases vary (p)": (0,),
            "how customers' means differ (q, v)": (1, 2),
        }
    )

    @property
    def units(self) -> tuple[float, ...]:
        return (1.0, 1.0, self.unit)

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    @property
    def repeaters(self) -> float:
        return float(self.weight.sum())

    def sample(self, rows: int) -> _Likelihood:
        step = len(self.x) // rows
        if step < 2:  # noqa: PLR2004  nothing to leave out
            return self
        part = slice(None, None, step)
        return attrs.evolve(
            self, x=self.x[part], total=self.total[part], weight=self.weight[part]
        )

    def starts(self) -> Sequence[Vector]:
        return [np.log([3.0, 2.0, 1.0])]

    @functools.cached_property
    def _counts(self) -> tuple[Vector, Vector]:
        """The distinct counts, and how many customers have each."""
        counts, place = looked_up(self.x)
        customers = np.bincount(place, self.weight, len(counts)).astype(np.float64)
        return counts, customers

    @functools.cached_property
    def _weights(self) -> Vector:
        """Customers, and their purchases, of each row. Shape ``(2, rows)``."""
        return np.stack((self.weight, self.weight * self.x))

    @functools.cached_property
    def _logs(self) -> tuple[float, float]:
        """Sums of ln(x z), and of x ln(x z), which no parameter changes."""
        sums = np.zeros(2)
        for low in range(0, len(self.x), _BLOCK):
            part = slice(low, low + _BLOCK)
            sums += self._weights[:, part] @ np.log(self.total[part])
        return float(sums[0]), float(sums[1])

    def __call__(self, phi: Vector) -> tuple[float, Vector, Vector]:
        from scipy.special import gammaln, psi, zeta  # noqa: PLC0415  slow to import

        steps = np.exp(np.clip(phi, -700, 700))
        p, q, v = steps + np.array(self.floors)
        x, n = self._counts
        all_, shape = float(n.sum()), p * x + q
        sums = self._summed(v)
        by_log, by_x_log, by_inverse, by_x_inverse, by_square, by_x_square = sums
        plain, by_count = self._logs
        value = n @ (gammaln(shape) - gammaln(p * x)) - all_ * gammaln(q)
        value += all_ * q * np.log(v) + p * by_count - plain
        value -= p * by_x_log + q * by_log
        own, theirs = psi(shape), psi(p * x)
        slope = np.array(
            [
                (n * x) @ (own - theirs) + by_count - by_x_log,
                n @ own - all_ * psi(q) + all_ * np.log(v) - by_log,
                all_ * q / v - p * by_x_inverse - q * by_inverse,
            ]
        )
        # Hurwitz's zeta of 2 is the trigamma function.
        own, theirs = zeta(2, shape), zeta(2, p * x)
        mixed = (n * x) @ own
        curve = np.array(
            [
                [(n * x * x) @ (own - theirs), mixed, -by_x_inverse],
                [mixed, n @ own - all_ * zeta(2, q), all_ / v - by_inverse],
                [0, 0, -all_ * q / v**2 + p * by_x_square + q * by_square],
            ]
        )
        curve[2, :2] = curve[:2, 2]
        slope *= steps
        return float(value), slope, curve * np.outer(steps, steps) + np.diag(slope)

    def _summed(self, v: float) -> Vector:
        """Return the sums of ln(v + x z), its inverse and its square, and by x."""
        sums = np.zeros((3, 2))
        for low in range(0, len(self.x), _BLOCK):
            part = slice(low, low + _BLOCK)
            below = v + self.total[part]
            weights, inverse = self._weights[:, part], 1 / below
            sums[0] += weights @ np.log(below)
            sums[1] += weights @ inverse
            sums[2] += weights @ (inverse * inverse)
        return sums.ravel()


@attrs.frozen
class GammaGamma(Fitted):
    """A fitted Gamma-Gamma model.

    Attributes
    ----------
    p, q, v
        Shape of a customer's purchases, and shape and scale of how the means
        differ; q above 1, v in the unit of the values.
    fit
        How they were found; None where they were given.

    Examples
    --------
    >>> model = GammaGamma(6.25, 3.74, 15.44)
    >>> [f"{value:.2f}" for value in model.expected_value([0, 1, 5], [0, 100, 100])]
    ['35.22', '80.26', '94.78']
    """

    p: float = attrs.field(validator=positive)
    q: float = attrs.field(validator=_above_one)
    v: float = attrs.field(validator=positive)
    fit: Fit | None = attrs.field(default=None, kw_only=True)

    def _floor(self, name: str) -> float:
        return 1.0 if name == "q" else 0.0

    @property
    def mean_value(self) -> float:
        """What a purchase of an unknown customer is worth on average."""
        return self.p * self.v / (self.q - 1)

    def expected_value(self, x: ArrayLike, mean_value: ArrayLike) -> Any:
        """Return what a customer's purchases are worth on average.

        Parameters
        ----------
        x
            Purchases seen: whole, from 0.
        mean_value
            Their mean, above 0; where ``x`` is 0 it is not looked at. Of shapes
            that broadcast.

        Returns
        -------
        numpy.ndarray
            ``p (v + x z) / (p x + q - 1)``, in the unit of the values; the mean over
            all customers where nothing was seen.

        Raises
        ------
        InvalidInputError
            If a value breaks a rule.
        """
        count, mean = numbers("x", x), numbers("mean_value", mean_value)
        _check_spendings(count, mean, seen=False)
        mean = np.where(count > 0, mean, 0.0)
        below = self.p * count + self.q - 1
        return (self.p * (self.v + count * mean) / below)[()]


def _check_spendings(count: Vector, mean: Vector, *, seen: bool) -> None:
    """Refuse counts and mean values that no customer can have."""
    whole, least = count == np.floor(count), int(seen)
    hint = "leave out who has no purchase to look at" if seen else ""
    rule = f"a whole number from {least}"
    refuse("x", count, (count < least) | ~whole, rule, hint)
    shown = np.broadcast_to(count, np.broadcast_shapes(count.shape, mean.shape))
    given = np.broadcast_to(mean, shown.shape)
    hint = "a free or refunded purchase has no place in this model: leave it out"
    refuse("mean_value", given, (shown > 0) & (given <= 0), "above 0", hint)


def fit_gamma_gamma(
    x: ArrayLike, mean_value: ArrayLike, *, weights: ArrayLike | None = None
) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood.

    Parameters
    ----------
    x
        Purchases of each customer, whole, from 1. Customers without one are left
        out by the caller, who knows why they have none. Shape ``(n,)``.
    mean_value
        Mean value of these purchases, above 0. Shape ``(n,)``.
    weights
        How many customers each row stands for; one each if not given.

    Returns
    -------
    GammaGamma
        With ``loglik``, ``standard_errors``, ``converged`` and ``diagnosis``. ``q``
        is above 1: otherwise there would be no mean to expect.

    Raises
    ------
    InvalidInputError
        If a value breaks a rule, or there are no customers.

    Notes
    -----
    The model assumes that how much people spend has nothing to do with how often
    they buy. Where the two go together, ``diagnosis`` says so.
    Published for CDNOW (946 customers): p 6.25, q 3.74, v 15.44.
    """
    count, mean = number_column("x", x), number_column("mean_value", mean_value)
    if len(count) != len(mean):
        rule = f"as many as x, {len(count)}"
        raise InvalidInputError("mean_value", len(mean), rule)
    _check_spendings(count, mean, seen=True)
    weight = weight_column(weights, len(count))
    if weight is not None:
        count, mean, weight = (column[weight > 0] for column in (count, mean, weight))
    if not len(count):
        raise InvalidInputError("x", "no customers", "at least one row of weight")
    weight = np.ones(len(count)) if weight is None else weight
    unit = float(weight @ mean) / float(weight.sum())
    # ln z = ln(x z) - ln x, and p x ln x cancels but for the term that is constant.
    constant = float(weight @ np.log(count)) - float(weight.sum()) * np.log(unit)
    rows = _Likelihood(count, count * (mean / unit), weight, float(constant), unit)
    params, fit = maximise(rows)
    together = _correlation(count, mean, weight)
    if abs(together) > _TOGETHER:
        said = (
            f"{fit.diagnosis}; counts and values go together (correlation "
            f"{together:.2f}), and the model assumes that they do not"
        )
        fit = attrs.evolve(fit, diagnosis=said)
    return GammaGamma(*params, fit=fit)


def _correlation(x: Vector, mean_value: Vector, weight: Vector) -> float:
    """Return how counts and mean values go together, from -1 to 1; 0 without spread."""
    total = float(weight.sum())
    a, b = (column - float(weight @ column) / total for column in (x, mean_value))
    spread = float(weight @ a**2) * float(weight @ b**2)
    return float(weight @ (a * b)) / math.sqrt(spread) if spread > 0 else 0.0
