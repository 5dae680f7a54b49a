"""How much of a good thing (频次与效用): each time helps less and may be the last.

``U(k) = sum_{j<=k} v S_{j-1} V_{j-1} q_j - l (1 - S_k) - c k``: what ``k``
attempts are worth, where the ``j``-th succeeds with the chance ``q_j`` and ends
everything with the chance ``h_j``. ``S`` is the chance to be still there, ``V``
the chance not to have succeeded yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.checks import numbers, refuse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["Allotment", "allot", "geometric", "utilities"]

_TABLE: Final = 2  # dimensions
# So many steps of a dynamic program are done in the blink of an eye.
_SMALL: Final = 5_000_000


def geometric(first: Floats, ratio: Floats, most: int) -> Floats:
    """Return chances of which each is so many times the one before, at most 1.

    Parameters
    ----------
    first, ratio
        The first chance, and the ratio, from 0. Shape ``(n,)`` each.
    most
        How many.

    Returns
    -------
    numpy.ndarray
        Shape ``(n, most)``.

    Examples
    --------
    >>> import numpy as np
    >>> geometric(np.array([0.5]), np.array([0.5]), 3).tolist()
    [[0.5, 0.25, 0.125]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        grown = first[:, None] * ratio[:, None] ** np.arange(most)
    # What does not begin does not grow: 0 times infinity is 0 here.
    return np.where(first[:, None] == 0, 0.0, np.minimum(grown, 1.0))


def utilities(
    v: ArrayLike, q: ArrayLike, h: ArrayLike, ell: ArrayLike, c: ArrayLike
) -> Floats:
    """Return ``U(0), ..., U(most)`` of each unit.

    Parameters
    ----------
    v, ell, c
        What a success is worth, what the end costs, what an attempt costs, in
        one unit. Finite. Shape ``(n,)`` each, or one number.
    q, h
        The chances that an attempt succeeds, and that it is the last one.
        Shape ``(n, most)`` each.

    Returns
    -------
    numpy.ndarray
        Column ``k`` is for ``k`` attempts; column 0 is 0. Shape
        ``(n, most + 1)``.

    Raises
    ------
    InvalidInputError
        If a chance is outside 0 to 1, a number is not finite, or shapes differ.

    Notes
    -----
    Only the first success counts. An attempt is made, and paid for, also where
    the unit is no longer there. ``O(n most)``.

    Examples
    --------
    >>> utilities(1, [[0.5, 0.5]], [[0.1, 0.1]], 2, 0).round(3).tolist()
    [[0.0, 0.3, 0.345]]
    """
    success, end = numbers("q", q), numbers("h", h)
    if success.ndim != _TABLE or success.shape != end.shape:
        rule = "tables of one shape, a row a unit and a column an attempt"
        raise InvalidInputError("q, h", (success.shape, end.shape), rule)
    for name, table in (("q", success), ("h", end)):
        refuse(name, table.ravel(), (table.ravel() < 0) | (table.ravel() > 1), "0 to 1")
    n = len(success)
    worth, loss, cost = (
        _column(name, given, n) for name, given in (("v", v), ("ell", ell), ("c", c))
    )
    stays = np.cumprod(1 - end, axis=1)
    open_ = np.cumprod(1 - success, axis=1)
    before = np.ones_like(success)
    before[:, 1:] = stays[:, :-1] * open_[:, :-1]
    found = np.zeros((n, success.shape[1] + 1))
    gained = worth * np.cumsum(before * success, axis=1)
    attempts = np.arange(1, success.shape[1] + 1)
    found[:, 1:] = gained - loss * (1 - stays) - cost * attempts
    return found


def _column(name: str, given: ArrayLike, n: int) -> Floats:
    column = numbers(name, given)
    if column.shape not in {(), (1,), (n,)}:
        raise InvalidInputError(name, column.shape, f"one number, or {n}")
    return column.reshape(-1, 1)


@attrs.frozen(eq=False)
class Allotment:
    """How often for whom, within a budget, and how good that is at least.

    Attributes
    ----------
    volumes
        Attempts for each unit. Shape ``(n,)``, dtype ``int64``.
    value
        What they are worth in all.
    bound
        No allotment within the budget is worth more.
    price
        What one more attempt in the budget would be worth, by that bound; 0
        where the budget is not used up.
    """

    volumes: NDArray[np.int64]
    value: float
    bound: float
    price: float

    @property
    def gap(self) -> float:
        """How far the value may be below the best, as a share of the larger of both."""
        scale = max(abs(self.bound), abs(self.value))
        return (self.bound - self.value) / scale if scale else 0.0


def allot(u: ArrayLike, budget: int | None = None) -> Allotment:
    """Return how often to attempt with whom.

    Parameters
    ----------
    u
        ``u[i, k]`` is what ``k`` attempts with unit ``i`` are worth. Finite.
        Shape ``(n, most + 1)``.
    budget
        Attempts in all. Whole; None where there is no bound.

    Returns
    -------
    Allotment
        Of two volumes worth the same the smaller one.

    Raises
    ------
    InvalidInputError
        If ``u`` is no table of finite numbers, or the budget is not whole.

    Notes
    -----
    Lagrange: at a price ``p`` for an attempt each unit takes the ``k`` of the
    highest ``u[k] - p k``, and ``p budget`` plus the sum of these is a bound. The
    best price is the slope, on the units' concave hulls, at which the budget is
    used up, found exactly by sorting the hulls' edges. Where each row of ``u``
    is concave this is the best allotment. Otherwise edges may be longer than one
    attempt, and the last one may not fit: then a dynamic program finds the best
    where ``n most budget`` is small, and in a large crowd the rest goes to the
    best gains that fit, with a gap of at most one edge's gain. But for the
    program ``O(n most^2 + e log e)`` for ``e`` edges, at most ``n most``.

    Examples
    --------
    >>> found = allot([[0, 5, 8, 9], [0, 4, 5, 5]], budget=3)
    >>> found.volumes.tolist(), found.value, found.bound
    ([2, 1], 12.0, 12.0)
    """
    table = numbers("u", u)
    if table.ndim != _TABLE or not table.shape[1]:
        raise InvalidInputError("u.shape", table.shape, "a row a unit, a column a k")
    rows = np.arange(len(table))
    if budget is not None:
        require_whole("budget", budget)
    unit, length, slope = _edges(table)
    order = np.argsort(-slope, kind="stable")
    used = np.cumsum(length[order])
    fits = len(order) if budget is None else int(np.searchsorted(used, budget, "right"))
    taken = order[:fits]
    volumes = np.bincount(unit[taken], length[taken], len(table)).astype(np.int64)
    price = float(slope[order[fits]]) if fits < len(order) else 0.0
    best = (table - price * np.arange(table.shape[1])).max(axis=1, initial=-np.inf)
    bound = float(best.sum()) + price * (budget or 0)
    left = 0 if budget is None else budget - int(volumes.sum())
    exact = not left or not price
    if not exact and table.size * ((budget or 0) + 1) <= _SMALL:
        volumes, exact = _exact(table, budget or 0), True
    elif not exact:
        _fill(table, volumes, left)
    value = float(table[rows, volumes].sum())
    return Allotment(volumes, value, value if exact else max(bound, value), price)


def _edges(table: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return row, length and slope of the rising edges of the rows' concave hulls."""
    # Edges of a row stand in order, and their slopes never rise, whatever is lost
    # in rounding: a stable sort by slope leaves no edge before one that it needs.
    most = table.shape[1]
    at = np.zeros(len(table), dtype=np.int64)
    last = np.full(len(table), np.inf)
    rows = np.arange(len(table))
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
    while rows.size and most > 1:
        ahead = np.arange(most) - at[rows, None]
        here = table[rows, at[rows]][:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = np.where(ahead > 0, (table[rows] - here) / ahead, -np.inf)
        to = slopes.argmax(axis=1)
        slope = np.minimum(slopes.max(axis=1), last[rows])
        rising = slope > 0
        rows, to, slope = rows[rising], to[rising], slope[rising]
        found.append((rows, to - at[rows], slope))
        at[rows], last[rows] = to, slope
    if not found:
        nobody = np.zeros(0, dtype=np.int64)
        return nobody, nobody, np.zeros(0)
    unit, length, slope = (np.concatenate(part) for part in zip(*found, strict=True))
    return unit, length, slope


def _exact(table: Floats, budget: int) -> NDArray[np.int64]:
    """Return the best volumes within a budget, by dynamic programming."""
    n, width = table.shape
    worth = np.zeros(budget + 1)
    choices = np.zeros((n, budget + 1), dtype=np.int64)
    for row in range(n):
        before, worth = worth, np.full(budget + 1, -np.inf)
        for k in range(min(width, budget + 1)):
            with_k = before[: budget + 1 - k] + table[row, k]
            # The smaller of two alike stays.
            better = with_k > worth[k:]
            worth[k:][better], choices[row, k:][better] = with_k[better], k
    volumes = np.zeros(n, dtype=np.int64)
    for row in reversed(range(n)):
        volumes[row] = choices[row, budget]
        budget -= int(volumes[row])
    return volumes


def _fill(table: Floats, volumes: NDArray[np.int64], left: int) -> None:
    """Spend what is left of the budget on the best gains that fit, in place."""
    # Some edge is longer than what is left, so there is always one with room.
    rows = np.arange(len(table))
    while left:
        best: tuple[float, int, int] = (0.0, 0, 0)
        for more in range(1, min(left, table.shape[1] - 1) + 1):
            to = volumes + more
            inside = rows[to < table.shape[1]]
            gain = table[inside, to[inside]] - table[inside, volumes[inside]]
            first = int(gain.argmax())
            # Shorter ones come first, so that of two alike the shorter is taken.
            if gain[first] / more > best[0]:
                best = (float(gain[first]) / more, int(inside[first]), more)
        slope, unit, more = best
        if not slope:
            return
        volumes[unit] += more
        left -= more
