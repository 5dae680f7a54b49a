"""The rising factorial's logarithm (升阶乘), without losing digits.

The negative binomial distribution needs ``ln k(k + 1)...(k + y - 1)`` for a ``k``
from near 0 to infinity. Differences of gamma functions lose everything where ``k``
is large, just where the distribution is nearly Poisson. In ``a = 1/k`` and without
the factor ``k^y``, which cancels, nothing is lost and Poisson is simply ``a = 0``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["log_defect", "log_rising"]

# So many terms are added one by one, the rest by Euler and Maclaurin's formula,
# whose first omitted term is then below 3e-14.
_DIRECT: Final = 128
# Below, a series of so many terms; above, the formula has all its digits.
_SMALL: Final = 0.1
_SERIES: Final = [(-1) ** n / (n + 2) for n in reversed(range(16))]


def log_defect(z: Floats) -> Floats:
    """Return ``(z - ln(1 + z)) / z^2``, 1/2 at 0.

    Parameters
    ----------
    z
        From 0. Any shape.

    Returns
    -------
    numpy.ndarray
        Of the same shape.
    """
    small = z < _SMALL
    large = np.where(small, 1.0, z)
    series = np.polyval(_SERIES, np.where(small, z, 0.0))
    return np.where(small, series, (large - np.log1p(large)) / large**2)


def log_rising(y: NDArray[np.int64] | Floats, a: float) -> tuple[Floats, Floats]:
    """Return the sum of ``ln(1 + i a)`` over ``i`` from 0 to ``y - 1``.

    Parameters
    ----------
    y
        Whole, from 0. Any shape.
    a
        From 0.

    Returns
    -------
    value, slope
        The sum, and its derivative in ``a``: the sum of ``i / (1 + i a)``.

    Notes
    -----
    ``O(1)`` for each ``y``, however large.

    Examples
    --------
    >>> import numpy as np
    >>> value, slope = log_rising(np.array([3, 1000]), 0.5)
    >>> value.round(6).tolist()  # ln 1.5 + ln 2 is ln 3
    [1.098612, 5225.889753]
    """
    first = np.arange(_DIRECT, dtype=np.float64)
    near = np.minimum(y, _DIRECT).astype(np.int64)
    value = np.concatenate(([0.0], np.cumsum(np.log1p(first * a))))[near]
    slope = np.concatenate(([0.0], np.cumsum(first / (1 + first * a))))[near]
    start = np.array(float(_DIRECT))
    far = np.maximum(y, start)
    ends = zip(_sums_up_to(far, a), _sums_up_to(start, a), strict=True)
    more, steeper = (upto - before for upto, before in ends)
    return value + more, slope + steeper


def _sums_up_to(x: Floats, a: float) -> tuple[Floats, Floats]:
    """Return both sums up to ``x``, but for a constant, by Euler and Maclaurin."""
    # Each is the integral of f, less f/2, plus f'/12, less f'''/720.
    z = a * x
    one = 1 + z
    defect = log_defect(z)
    log = np.log1p(z)
    # The integral of ln(1 + a x), in two forms that cancel nowhere.
    direct = one * log / np.where(z < _SMALL, 1.0, z) - 1
    integral = x * np.where(z < _SMALL, z * (1 - one * defect), direct)
    value = integral - log / 2 + a / one / 12 - (a / one) ** 3 / 360
    slope = x**2 * defect - x / one / 2 + 1 / one**2 / 12 - (a / one**2) ** 2 / 120
    return value, slope
