"""The middle of what people do (中位数), which a few open tabs cannot move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.stats.checks import number_column, upper_tail
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["median"]

_METHOD: Final = "order statistics"
_UNITS: Final = ("units are independent of each other",)


def median(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate the median of one number per unit, whatever its distribution.

    Parameters
    ----------
    values
        One finite number per unit. Shape ``(n,)``.
    level
        Confidence level; the interval has it or a little more.

    Returns
    -------
    Estimate
        Undefined without units; without an interval where even the whole range
        of the values does not reach the level: fewer than 6 units for 0.95.

    Raises
    ------
    InvalidInputError
        If the values are no finite numbers.

    Notes
    -----
    From the value of rank ``r`` to that of rank ``n + 1 - r``, with the largest
    ``r`` for which at most half of ``1 - level`` is lost at either end: fewer than
    ``r`` heads in ``n`` throws of a coin. ``O(n)``.

    Examples
    --------
    >>> print(median([3, 5, 8, 9, 12, 14, 15, 21, 900]))
    12 [5, 21] n=9
    """
    column, tail = number_column("values", values), upper_tail(level)
    n = len(column)
    if n == 0:
        return Estimate.undefined("no units", level=level, method=_METHOD)
    value, rank = float(np.median(column)), _outer_rank(n, tail)
    if rank == 0:
        reason = ("too few units for an interval at this level",)
        return Estimate(value, None, None, n, level, _METHOD, reason)
    places = rank - 1, n - rank
    sorted_there = np.partition(column, places)
    low, high = (float(sorted_there[place]) for place in places)
    return Estimate(value, low, high, n, level, _METHOD, _UNITS)


def _outer_rank(n: int, tail: float) -> int:
    """Return the largest r with P(fewer than r heads in n throws) <= tail."""
    from scipy.special import bdtr  # noqa: PLC0415  slow to import

    least, most = 0, n // 2
    while least < most:
        rank = (least + most + 1) // 2
        if float(bdtr(rank - 1, n, 0.5)) <= tail:
            least = rank
        else:
            most = rank - 1
    return least
