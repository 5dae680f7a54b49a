"""How a chance rises with a number (逻辑回归): one covariate, with a ridge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import flags, number_column, numbers, upper_tail
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Logistic", "fit_logistic"]

_METHOD: Final = "penalised maximum likelihood, normal"
_INDEPENDENT: Final = "rows are independent of each other"
_STEPS: Final = 100
# In logits, of a coefficient of the standardised covariate.
_CLOSE: Final = 1e-12


@attrs.frozen
class Logistic:
    """A chance that rises or falls with a number.

    Attributes
    ----------
    intercept
        The logit of the chance at 0.
    slope
        By how much the logit rises for each 1, with its interval. Its ``n`` is
        the number of rows.
    happened
        In how many rows it happened.
    diagnosis
        What is wrong with the data, "" where nothing is: ``"separated"`` where
        one value of ``x`` parts all rows in which it happened from all others,
        ``"one value"`` where ``x`` is the same in every row. Then the slope says
        what the ridge says.
    """

    intercept: float
    slope: Estimate
    happened: int
    diagnosis: str = ""

    def chances(self, x: ArrayLike) -> Floats:
        """Return the chance at each value.

        Parameters
        ----------
        x
            Finite numbers. Any shape.

        Returns
        -------
        numpy.ndarray
            From 0 to 1. Of the same shape.
        """
        logits = self.intercept + (self.slope.value or 0.0) * numbers("x", x)
        return np.exp(-np.logaddexp(0.0, -logits))


def fit_logistic(
    x: ArrayLike, happened: ArrayLike, *, ridge: float = 1.0, level: float = 0.95
) -> Logistic:
    """Fit how the chance of something rises with a number.

    Parameters
    ----------
    x
        A finite number a row. Shape ``(n,)``.
    happened
        Whether it happened: booleans, or 0 and 1. Shape ``(n,)``.
    ridge
        How strongly the slope is held near 0: the penalty is ``ridge / 2`` times
        the square of the slope for one standard deviation of ``x``. Above 0. The
        intercept is free.
    level
        Confidence level of the slope's interval.

    Returns
    -------
    Logistic
        The fit, with a diagnosis.

    Raises
    ------
    InvalidInputError
        If it happened in no row, or in every row: then no finite chance fits
        best. If a number is not finite, or the columns differ in length.

    Notes
    -----
    Newton's method on the rows with one ``x`` together, halving a step that goes
    too far; the penalised likelihood is strictly concave, so there is one
    maximum. The interval is a normal one from the curvature there, ridge
    included: a strong ridge makes it short, and moves it.

    Examples
    --------
    >>> fit = fit_logistic([0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 0, 1])
    >>> fit.chances([0, 2]).round(2).tolist()
    [0.2, 0.48]
    """
    column, did = number_column("x", x), flags("happened", happened)
    if len(column) != len(did):
        raise InvalidInputError("happened", len(did), f"as many as x, {len(column)}")
    number = isinstance(ridge, int | float) and not isinstance(ridge, bool)
    if not (number and 0 < ridge < math.inf):
        hint = "without a ridge data that are separated have no best slope"
        raise InvalidInputError("ridge", ridge, "a finite number above 0", hint)
    tail = upper_tail(level)
    _require_both(did)
    values, row = np.unique(column, return_inverse=True)
    trials = np.bincount(row).astype(np.float64)
    hits = np.bincount(row, did).astype(np.float64)
    center = float(column.mean())
    scale = float(column.std()) if len(values) > 1 else 0.0
    # Values too near to each other to have a spread are one value.
    scale = scale or 1.0
    at, (aa, ab, bb) = _newton((values - center) / scale, trials, hits, ridge)
    error = math.sqrt(aa / (aa * bb - ab * ab)) / scale
    slope = at[1] / scale
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    reach = -float(ndtri(tail)) * error
    estimate = Estimate(
        slope, slope - reach, slope + reach, len(did), level, _METHOD, (_INDEPENDENT,)
    )
    fitted = at[0] - slope * center
    return Logistic(fitted, estimate, int(did.sum()), _diagnosis(values, trials, hits))


def _require_both(did: NDArray[np.bool_]) -> None:
    n = len(did)
    if not n or did.all() or not did.any():
        hint = "there are no rows"
        if n:
            # What would have happened in no row of n in one case of twenty.
            most = -math.expm1(math.log(0.05) / n)
            which = "does not happen" if did.all() else "happens"
            hint = f"with {n} alike, the chance that it {which} is below {most:.2g}"
        rule = "true in some rows and false in others"
        raise InvalidInputError("happened", int(did.sum()), rule, hint)


def _diagnosis(values: Floats, trials: Floats, hits: Floats) -> str:
    if len(values) == 1:
        return "one value"
    did, did_not = values[hits > 0], values[hits < trials]
    apart = did.min() >= did_not.max() or did.max() <= did_not.min()
    return "separated" if apart else ""


def _newton(
    z: Floats, trials: Floats, hits: Floats, ridge: float
) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """Return intercept and slope, and the curvature: ``aa``, ``ab`` and ``bb``."""

    def loss(a: float, b: float) -> float:
        logits = a + b * z
        return float(
            trials @ np.logaddexp(0, logits) - hits @ logits + ridge / 2 * b**2
        )

    share = float(hits.sum() / trials.sum())
    a, b = math.log(share) - math.log1p(-share), 0.0
    for _ in range(_STEPS):
        p = np.exp(-np.logaddexp(0.0, -(a + b * z)))
        rest, spread = trials * p - hits, trials * p * (1 - p)
        ga, gb = float(rest.sum()), float(rest @ z) + ridge * b
        aa, ab = float(spread.sum()), float(spread @ z)
        bb = float(spread @ z**2) + ridge
        ruled = aa * bb - ab * ab
        da, db = (bb * ga - ab * gb) / ruled, (aa * gb - ab * ga) / ruled
        if abs(da) + abs(db) < _CLOSE:
            break
        before, step = loss(a, b), 1.0
        while step > _CLOSE and loss(a - step * da, b - step * db) > before:
            step /= 2
        a, b = a - step * da, b - step * db
    return (a, b), (aa, ab, bb)
