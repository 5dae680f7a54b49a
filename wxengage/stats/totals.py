"""Sums over users (总量) and how they changed, with intervals.

How many reads were there? Exactly as many as the log says. The interval tells
something else, which is what a decision needs: what another period of the same
length would bring if nothing changed. Users come independently of each other
(Poisson); how much each one does hangs together and is taken as it is. A few
users who do nearly everything make the interval wide, as they should.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import not_negative, number_column, upper_tail
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ratio_change", "total", "total_change"]

_USERS: Final = ("users come and act independently of each other",)
_GAMMA: Final = "compound Poisson, gamma"
_NORMAL: Final = "users' differences, normal"


def total(
    values: ArrayLike, *, least: float | None = None, level: float = 0.95
) -> Estimate:
    """Estimate what a period brings from what each user brought.

    Parameters
    ----------
    values
        One number from 0 per user: events, or an amount. Shape ``(n,)``. Users
        who brought nothing may be left out: they change nothing.
    least
        What the next user would bring at least, 1 for events: gives an interval
        even where nobody brought anything.
    level
        Confidence level.

    Returns
    -------
    Estimate
        The sum; ``n`` counts the users who brought something. Without an
        interval where nobody did and ``least`` is not given.

    Raises
    ------
    InvalidInputError
        If a value is negative or no finite number, or ``least`` is not above 0.

    Notes
    -----
    The gamma interval of Fay and Feuer (1997) for a sum with variance
    ``sum x^2``. For one event per user it is Garwood's exact Poisson interval.

    Examples
    --------
    >>> print(total([1] * 10))
    10 [4.80, 18.39] n=10
    >>> print(total([10]))
    10 [0.25, 55.72] n=1
    """
    from scipy.special import gammaincinv  # noqa: PLC0415  slow to import

    column = not_negative("values", values)
    tail = upper_tail(level)
    if least is not None and not 0 < least < math.inf:
        raise InvalidInputError("least", least, "above 0 and finite")
    column = column[column > 0]
    n, value = len(column), float(column.sum())
    if n == 0 and least is None:
        return Estimate(0.0, None, None, 0, level, _GAMMA, ("nobody brought anything",))
    spread = float((column**2).sum())
    step = max(float(column.max(initial=0.0)), least or 0.0)
    low = 0.0
    if n:
        low = spread / value * float(gammaincinv(value**2 / spread, tail))
    above, wide = value + step, spread + step**2
    high = wide / above * float(gammaincinv(above**2 / wide, 1 - tail))
    return Estimate(value, min(low, value), max(high, value), n, level, _GAMMA, _USERS)


def total_change(before: ArrayLike, now: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate how a sum over users changed.

    Parameters
    ----------
    before, now
        One pair of numbers per user; 0 where the user was not there.
        Shape ``(n,)`` each.
    level
        Confidence level.

    Returns
    -------
    Estimate
        Sum of ``now`` less sum of ``before``. Without an interval where no
        user changed.

    Raises
    ------
    InvalidInputError
        If the columns differ in length or hold no finite numbers.

    Notes
    -----
    Normal, with variance ``sum (now - before)^2``: a user who does the same in
    both periods adds nothing to the doubt.

    Examples
    --------
    >>> print(total_change([4, 0, 2], [5, 3, 2]))
    4 [-2.20, 10.20] n=3
    """
    pairs = _aligned(before=before, now=now)
    difference = pairs["now"] - pairs["before"]
    return _normal(float(difference.sum()), difference, level)


def ratio_change(
    before: tuple[ArrayLike, ArrayLike],
    now: tuple[ArrayLike, ArrayLike],
    *,
    level: float = 0.95,
) -> Estimate:
    """Estimate how a ratio of two sums over users changed.

    Parameters
    ----------
    before, now
        Numerators and denominators of each period, one pair of each per user;
        0 and 0 where the user was not there. Shape ``(n,)`` each.
    level
        Confidence level.

    Returns
    -------
    Estimate
        The ratio now less the ratio before. Undefined where a denominator sums
        to 0.

    Raises
    ------
    InvalidInputError
        If the columns differ in length or hold no finite numbers.

    Notes
    -----
    Delta method on users seen in either period, so that those seen in both are
    not counted as two.

    Examples
    --------
    >>> print(ratio_change(([1, 0, 1, 0], [1, 1, 1, 1]), ([1, 1, 1, 0], [1, 1, 1, 1])))
    0.25 [-0.17, 0.67] n=4
    """
    columns = _aligned(
        before_numerators=before[0],
        before_denominators=before[1],
        now_numerators=now[0],
        now_denominators=now[1],
    )
    y0, x0, y1, x1 = columns.values()
    below0, below1 = float(x0.sum()), float(x1.sum())
    if below0 <= 0 or below1 <= 0:
        when = "before" if below0 <= 0 else "now"
        reason = f"the denominator {when} is 0"
        return Estimate.undefined(reason, n=len(x0), level=level, method=_NORMAL)
    r0, r1 = float(y0.sum()) / below0, float(y1.sum()) / below1
    share = (y1 - r1 * x1) / below1 - (y0 - r0 * x0) / below0
    return _normal(r1 - r0, share, level)


def _aligned(**columns: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return columns of one length, checked. Shape ``(n,)`` each."""
    checked = {name: number_column(name, values) for name, values in columns.items()}
    lengths = {name: len(column) for name, column in checked.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInputError("columns", lengths, "of one length, one row per user")
    return checked


def _normal(value: float, shares: NDArray[np.float64], level: float) -> Estimate:
    """Return a value whose users' shares of doubt are given."""
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    tail, n = upper_tail(level), len(shares)
    error = math.sqrt(float((shares**2).sum()))
    if error == 0:
        reason = ("no user changed",)
        return Estimate(value, None, None, n, level, _NORMAL, reason)
    reach = -float(ndtri(tail)) * error
    return Estimate(value, value - reach, value + reach, n, level, _NORMAL, _USERS)
