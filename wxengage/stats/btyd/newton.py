"""Newton's method with steps that always climb (牛顿法), for a few parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.stats.btyd.histories import Vector

__all__ = ["Objective", "Peak", "climb"]

#: From a point to value, gradient ``(k,)`` and Hessian ``(k, k)``.
Objective: TypeAlias = "Callable[[Vector], tuple[float, Vector, Vector]]"

# The Newton decrement, gradient times step: twice what a further step would win.
# It is compared with 1 because a log-likelihood is in natural units; the value
# itself, ten million customers' sum, has lost such small digits long before. Each
# step squares it: below this, the last step is taken without looking again.
_ENOUGH: Final = 1e-9
_STEPS: Final = 100
_LONGEST: Final = 2.0
_HALVINGS: Final = 30
# Information below this, in logarithms of parameters, is none: a standard error of
# 45 says that a parameter may be anything. There the climb goes on, to the bound.
_FLAT: Final = 5e-4
# A share of the value that rounding alone may take away.
_ROUNDING: Final = 1e-12


@attrs.frozen(eq=False)
class Peak:
    """Where the climb ended.

    Attributes
    ----------
    point
        Shape ``(k,)``.
    value
        The objective there.
    information
        Minus the Hessian, where the last step began. Shape ``(k, k)``.
    reached
        Whether it is a maximum inside the bounds.
    """

    point: Vector
    value: float
    information: Vector
    reached: bool


def climb(
    objective: Objective, start: Vector, *, bound: float, flat: float = _FLAT
) -> Peak:
    """Find a maximum.

    Parameters
    ----------
    objective
        Smooth; computed with gradient and Hessian.
    start
        Shape ``(k,)``.
    bound
        The climb is given up where a coordinate leaves ``-bound`` to ``bound``.
    flat
        Information up to this, in the direction that has least, is none. Minus
        infinity where there is a maximum for certain, however flat.

    Returns
    -------
    Peak
        ``reached`` says whether it is a maximum.

    Notes
    -----
    Where the Hessian is not negative definite, its eigenvalues are taken by their
    size, so that every step climbs; a step is at most 2 in each coordinate and is
    halved until it wins something. Ends on the Newton decrement.
    """
    point = np.asarray(start, dtype=np.float64)
    value, slope, curve = _looked(objective, point)
    for _ in range(_STEPS):
        step, least = _direction(slope, curve)
        decrement = float(slope @ step)
        if least > flat and decrement < _ENOUGH:
            return Peak(point + step, value + decrement / 2, -curve, True)
        longest = float(np.abs(step).max())
        if longest == 0:
            break
        step *= min(1.0, _LONGEST / longest)
        slack = _ROUNDING * abs(value) if decrement < 1e-3 else 0.0  # noqa: PLR2004
        for halving in range(_HALVINGS):
            ahead = point + step * 0.5**halving
            found = _looked(objective, ahead)
            if found[0] >= value - slack and np.isfinite(found[2]).all():
                break
        else:
            break
        point, (value, slope, curve) = ahead, found
        if float(np.abs(point).max()) > bound:
            break
    return Peak(point, value, -curve, False)


def _looked(objective: Objective, point: Vector) -> tuple[float, Vector, Vector]:
    """Return the objective at a point; rounding makes no Hessian lopsided."""
    value, slope, curve = objective(point)
    return value, slope, (curve + curve.T) / 2


def _direction(slope: Vector, curve: Vector) -> tuple[Vector, float]:
    """Return a step that climbs, and the information where there is least."""
    values, vectors = np.linalg.eigh(-curve)
    size = np.abs(values)
    size = np.maximum(size, max(float(size.max()) * 1e-12, 1e-300))
    return vectors @ ((vectors.T @ slope) / size), float(values[0])
