"""BG/NBD and MBG/NBD (流失-购买模型): people buy at a pace, until they leave.

While a customer is there, purchases come at random at a pace of their own. Right
after a purchase the customer may leave for good, with a probability of their own.
Paces differ as a gamma law says (``r``, ``alpha``), probabilities of leaving as a
beta law says (``a``, ``b``), and the two have nothing to do with each other.

The models differ in one thing: may a customer leave after the first purchase?
BG/NBD says no, so that whoever bought once is alive for ever; MBG/NBD says yes.

References
----------
Fader, Hardie and Lee (2005), "Counting Your Customers the Easy Way", Marketing
Science 24(2). Batislam, Denizel and Filiztekin (2007), "Empirical validation and
comparison of models for customer base analysis", IJRM 24(3).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.btyd.beta_geometric_likelihood import BetaGeometricLikelihood
from wxengage.stats.btyd.fitting import Fit, maximise, positive
from wxengage.stats.btyd.histories import (
    Histories,
    Vector,
    checked,
    in_blocks,
)
from wxengage.stats.btyd.lifetimes import Lifetimes
from wxengage.stats.btyd.purchases import purchase_law

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BgNbd", "MbgNbd", "fit_bgnbd", "fit_mbgnbd"]

# Log odds beyond which the exponential is no finite number; 1 / (1 + e**700) is 0
# for every purpose.
_SURE: Final = 700.0


class _BetaGeometric(Lifetimes):
    """What both models can tell; ages in the unit that the model was fitted in."""

    __slots__ = ()

    if TYPE_CHECKING:
        r: float
        alpha: float
        a: float
        b: float
    #: Chances to leave that the first purchase brings.
    _chances: ClassVar[int]

    def dormancy_gap(
        self, x: ArrayLike, t_x: ArrayLike, *, p_alive: float = 0.5
    ) -> Any:
        """Return after which silence each customer is likely to have left.

        Parameters
        ----------
        x, t_x
            Purchases after the first, and the age at the last of them.
        p_alive
            The gap ends where the probability to be alive has fallen to this.

        Returns
        -------
        numpy.ndarray
            Time since the last purchase, in the unit of the fit; infinite where the
            probability never falls so low.

        Raises
        ------
        InvalidInputError
            If ``p_alive`` is not between 0 and 1.
        """
        if not 0 < p_alive < 1:
            raise InvalidInputError("p_alive", p_alive, "between 0 and 1")
        count, recency, _ = checked(x, t_x, t_x)
        m = count + self._chances
        against = math.log((1 - p_alive) / p_alive / self.a)
        with np.errstate(divide="ignore", over="ignore"):
            rest = np.log(np.where(m > 0, self.b + m - 1, np.inf))
            longer = np.maximum(against + rest, 0.0) / (self.r + count)
            return ((self.alpha + recency) * np.expm1(longer))[()]

    def _alive(self, count: Vector, recency: Vector, age: Vector) -> Vector:
        return in_blocks(self._there, count, recency, age)

    def _active(
        self, ahead: Vector, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        return in_blocks(self._comes, ahead, count, recency, age)

    def _expected(
        self, ahead: Vector, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        if not ahead.ndim:
            return self._within(float(ahead), count, recency, age)
        # A horizon each: few of them are different, as a rule.
        ahead, *columns = np.broadcast_arrays(ahead, count, recency, age)
        found = np.empty(ahead.shape)
        for one in np.unique(ahead):
            rows = ahead == one
            found[rows] = self._within(float(one), *(c[rows] for c in columns))
        return found

    def _there(self, count: Vector, recency: Vector, age: Vector) -> Vector:
        """Return the probability to be alive, of columns of one length."""
        m = count + self._chances
        longer = np.log1p((age - recency) / (self.alpha + recency))
        odds = math.log(self.a) + (self.r + count) * longer
        odds -= np.log(np.where(m > 0, self.b + m - 1, 1.0))
        alive: Vector = 1 / (1 + np.exp(np.minimum(odds, _SURE)))
        # Who had no chance to leave is there.
        return alive if self._chances else np.where(m > 0, alive, 1.0)

    def _comes(
        self, ahead: Vector, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        """Return the probability of a purchase, of columns of one length."""
        none = np.log1p(ahead / (self.alpha + age))
        buys = -np.expm1(-(self.r + count) * none)
        return self._there(count, recency, age) * buys

    def _within(
        self, horizon: float, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        """Return the expected purchases within one horizon."""
        law = purchase_law(self, self._chances, horizon, count, age)

        def expected(count: Vector, recency: Vector, age: Vector) -> Vector:
            return self._there(count, recency, age) * law(count, age)

        return in_blocks(expected, count, recency, age)


@attrs.frozen
class BgNbd(_BetaGeometric):
    """A fitted BG/NBD model.

    Whoever has bought once only is alive for ever in its eyes: use it to compare
    with published results, and ``MbgNbd`` to decide.

    Attributes
    ----------
    r, alpha
        Shape and rate of the gamma law of paces; alpha is in the unit of time.
    a, b
        Parameters of the beta law of the probability to leave after a purchase.
    fit
        How they were found; None where they were given.

    Examples
    --------
    >>> published = BgNbd(0.243, 4.414, 0.793, 2.426)
    >>> f"{published.p_alive(2, 30.43, 38.86):.4f}"
    '0.7266'
    >>> f"{published.expected_purchases(39, 2, 30.43, 38.86):.3f}"
    '1.226'
    """

    r: float = attrs.field(validator=positive)
    alpha: float = attrs.field(validator=positive)
    a: float = attrs.field(validator=positive)
    b: float = attrs.field(validator=positive)
    fit: Fit | None = attrs.field(default=None, kw_only=True)
    _chances: ClassVar[int] = 0


@attrs.frozen
class MbgNbd(_BetaGeometric):
    """A fitted MBG/NBD model: the default for purchases and interactions.

    Attributes
    ----------
    r, alpha, a, b, fit
        As in ``BgNbd``.

    Examples
    --------
    >>> model = MbgNbd(0.5248, 6.183, 0.8914, 1.614)
    >>> f"{model.p_active(30 / 7, 5, 30, 39):.3f}"
    '0.270'
    >>> f"{model.dormancy_gap(5, 30):.2f}"
    '15.82'
    """

    r: float = attrs.field(validator=positive)
    alpha: float = attrs.field(validator=positive)
    a: float = attrs.field(validator=positive)
    b: float = attrs.field(validator=positive)
    fit: Fit | None = attrs.field(default=None, kw_only=True)
    _chances: ClassVar[int] = 1


def _fitted(
    chances: int, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None
) -> tuple[tuple[float, ...], Fit]:
    rows = Histories.of(x, t_x, T, weights).scaled()
    # A density of x purchases is per unit of time to the x.
    constant = -rows.purchases * math.log(rows.unit)
    return maximise(BetaGeometricLikelihood(rows, chances, constant))


def fit_bgnbd(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, weights: ArrayLike | None = None
) -> BgNbd:
    """Fit BG/NBD by maximum likelihood.

    Parameters
    ----------
    x, t_x, T, weights
        As for ``fit_mbgnbd``.

    Returns
    -------
    BgNbd
        With ``loglik``, ``standard_errors``, ``converged`` and ``diagnosis``.

    Notes
    -----
    Published for CDNOW: r .243, alpha 4.414, a .793, b 2.426, log-likelihood
    -9582.4 (Fader, Hardie and Lee 2005).
    """
    params, fit = _fitted(0, x, t_x, T, weights)
    return BgNbd(*params, fit=fit)


def fit_mbgnbd(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, weights: ArrayLike | None = None
) -> MbgNbd:
    """Fit MBG/NBD by maximum likelihood.

    Parameters
    ----------
    x
        Purchases after the first: whole, from 0. Shape ``(n,)``.
    t_x
        Age at the last of them: time since the first purchase. 0 where ``x`` is 0.
        Shape ``(n,)``.
    T
        Age when looked at, in the same unit. Shape ``(n,)``.
    weights
        How many customers each row stands for; one each if not given.

    Returns
    -------
    MbgNbd
        With ``loglik``, ``standard_errors``, ``converged`` and ``diagnosis``. Data
        without an answer give a model that has not converged and says why; it is
        the one under a weak prior.

    Raises
    ------
    InvalidInputError
        If a value breaks a rule, or there are no customers.

    Notes
    -----
    Newton's method in the logarithms of the parameters with exact second
    derivatives, on distinct histories: one sort, ``O(n log n)``, then four or five
    passes over the distinct ones.

    Examples
    --------
    >>> model = fit_mbgnbd([2, 0, 0, 7, 1, 0], [30, 0, 0, 38, 4, 0], [39] * 6)
    >>> model.converged, model.diagnosis[:38]
    (True, 'maximum found, but the data say little')
    >>> fit_mbgnbd([0, 0], [0, 0], [39, 30]).diagnosis[:31]
    'none of 2 customers came back; '
    """
    params, fit = _fitted(1, x, t_x, T, weights)
    return MbgNbd(*params, fit=fit)
