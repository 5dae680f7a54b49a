"""Prices of what all users share (影子价格): the Lagrangian dual.

At given prices of the budgets every user is planned alone, and what comes out,
plus the budgets at these prices, is worth at least as much as any plan. The
lowest such bound is sought: by L-BFGS-B, first on samples of the users, which
cost little and come near, then on all of them. Where there are few users the
bound has corners, and the search ends with cutting planes, which end in a corner.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.log.parallel import each
from wxengage.plan.solving.greedy import Picked, pick

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.plan.solving.layout import Block, Layout

__all__ = ["Dual", "bound_at", "seek_prices"]

# A sample has at least so many users, and every level 16 times as many.
_SAMPLE: Final = 2_000
_STEP: Final = 16
# Evaluations of all users, of samples, and of so few users that it costs nothing.
_FEW: Final = 16
_MANY: Final = 200
_SMALL: Final = 40_000
# The search ends after so many evaluations in a row that each win less than a
# share of the bound: a sample's, that of few users, and one of the gap.
_PATIENCE: Final = 5
_ROUGH: Final = 1e-6
_FINE: Final = 1e-11
_SHARE: Final = 1e-3
# How far to go at first: a share of what a message is worth, or of known prices.
_START: Final = 0.5
_UNSURE: Final = 0.05
# Users of whom each one's choices are kept as cutting planes of their own.
_CUT_APART: Final = 400
_CUTS: Final = 60
_EXACT: Final = 1e-10
_TINY: Final = float(np.finfo(np.float64).tiny)


@attrs.frozen(eq=False)
class Dual:
    """A bound and where it holds.

    Attributes
    ----------
    bound
        What no plan is worth more than, in the layout's scale.
    prices
        One for each budget. Shape ``(t,)``.
    used
        What users choose of each budget at these prices. Shape ``(t,)``.
    """

    bound: float
    prices: NDArray[np.float64]
    used: NDArray[np.int64]


def bound_at(
    layout: Layout,
    prices: NDArray[np.float64],
    *,
    exact: bool = False,
    chosen: NDArray[np.bool_] | None = None,
) -> Dual:
    """Return the bound at some prices.

    Parameters
    ----------
    layout
        The problem.
    prices
        Not negative. Shape ``(t,)``.
    exact
        Whether to compute in 64 bits and to add what rounding may have lost, so
        that the bound holds to the last bit.
    chosen
        Filled with what each user chooses where given. Shape ``(j, b)``.

    Returns
    -------
    Dual
        Any prices give a bound; the best ones the lowest.

    Notes
    -----
    One pass over the values.
    """
    costs = layout.costs(prices)[:, None]
    narrow = costs.astype(np.float32)

    def work(block: Block) -> tuple[float, NDArray[np.int64]]:
        if exact:
            reduced: NDArray[np.floating] = layout.exact(block)
            reduced -= costs
        else:
            reduced = layout.values[:, block.start : block.stop] - narrow
        mine = None if chosen is None else chosen[:, block.start : block.stop]
        found: Picked = pick(reduced, layout.kinds[block.kind].within, mine)
        return float(found.values.sum(dtype=np.float64)), found.counts

    parts = each(work, layout.blocks)
    counts = np.sum([count for _, count in parts], axis=0, dtype=np.int64)
    counts = np.broadcast_to(counts, len(layout.columns))
    spent = [float(one) for one in prices * layout.limits]
    bound = math.fsum([*(value for value, _ in parts), *spent])
    if exact:
        # Each of the sums is off by so many units in the last place at most.
        size = bound + float(costs[:, 0] @ counts)
        terms = len(prices) + len(layout.columns) + 64
        bound += size * terms * float(np.finfo(np.float64).eps)
    return Dual(bound, prices, layout.weights @ counts)


def seek_prices(layout: Layout, gap: float) -> NDArray[np.float64]:
    """Return prices at which the bound is low.

    Parameters
    ----------
    layout
        The problem, with at least one budget.
    gap
        How near the best is good enough for the plan; the bound comes a thousand
        times as near, where there is no end to coming nearer.

    Returns
    -------
    numpy.ndarray
        One for each budget, in the layout's scale. Shape ``(t,)``.

    Notes
    -----
    The bound is convex in the prices; a sample's lowest point is near that of
    all users, and the search on all of them takes few steps from there.
    """
    prices = np.zeros(len(layout.limits))
    levels = max(int(math.log(max(len(layout) / _SAMPLE, 1), _STEP)), 0)
    for level in range(levels, 0, -1):
        sample = layout.sample(_STEP**level)
        prices = _Search(sample, _ROUGH, _MANY).from_(prices)
    small = len(layout) <= _SMALL
    near = _FINE if small else max(_FINE, min(gap * _SHARE, _ROUGH))
    prices = _Search(layout, near, _MANY if small else _FEW).from_(prices)
    return _cut(layout, prices) if len(layout) <= _CUT_APART else prices


class _EnoughError(Exception):
    """The search has come as near as it shall."""


class _Search:
    """A search for low prices that ends when it hardly gets any lower."""

    def __init__(self, layout: Layout, near: float, most: int) -> None:
        self._layout = layout
        self._near = near
        self._left = most
        self._stale = 0

    def from_(self, start: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the best prices found from some on."""
        from scipy.optimize import minimize  # noqa: PLC0415  slow to load

        self._best = bound_at(self._layout, start)
        self._size = max(self._best.bound, _TINY)
        self._unit = self._first_step(start)
        slope = self._slope(self._best)
        # L-BFGS-B goes down the slope by its length at first, and by 1 at most.
        moves = np.where((start > 0) | (slope < 0), slope, 0.0)
        self._height = float(np.linalg.norm(moves))
        if not self._height:
            return start
        search: Any = minimize
        bounds = [(0.0, None)] * len(start)
        options = {"maxfun": self._left, "maxcor": 30, "ftol": 0.0, "gtol": 0.0}
        with contextlib.suppress(_EnoughError):
            search(
                self._measure,
                start / self._unit,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options=options,
            )
        return self._best.prices

    def _first_step(self, start: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far to go at first with each price."""
        # From nothing, some part of what a message is worth on the average; from
        # prices that a sample gave, by so much as those are unsure.
        layout = self._layout
        weights = layout.weights.astype(np.float64)
        takers = np.maximum((weights > 0).sum(axis=1), 1)
        heavy: NDArray[np.float64] = np.maximum(weights.sum(axis=1) / takers, 1.0)
        if start.any():
            step = _UNSURE * float((start * heavy).mean())
        else:
            limits = np.maximum(layout.limits / heavy, 1.0)
            step = _START * self._size / float(limits.sum() + len(layout))
        return max(step, _TINY) / heavy

    def _measure(
        self, scaled: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        found = bound_at(self._layout, scaled * self._unit)
        won = self._best.bound - found.bound
        self._stale = 0 if won > self._near * self._size else self._stale + 1
        self._left -= 1
        if won > 0:
            self._best = found
        if self._left == 0 or self._stale == _PATIENCE:
            raise _EnoughError
        return found.bound / self._height, self._slope(found) / self._height

    def _slope(self, at: Dual) -> NDArray[np.float64]:
        slope: NDArray[np.float64] = (self._layout.limits - at.used) * self._unit
        return slope


def _cut(layout: Layout, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best prices there are, by cutting planes of each user's own."""
    # Each choice that a user has made at some prices is a plane under that user's
    # part of the bound; the lowest point over all planes is a linear program. Its
    # solution is where the bound is computed next, until the two meet.
    from scipy import sparse  # noqa: PLC0415  slow to load

    users, budgets = len(layout), len(layout.limits)
    chosen = np.zeros(layout.values.shape, dtype=np.bool_)
    best = bound_at(layout, start, exact=True, chosen=chosen)
    values = np.concatenate([layout.exact(block) for block in layout.blocks], axis=1)
    aside = -sparse.eye_array(users, format="csr")
    rows: list[Any] = []
    tops: list[NDArray[np.float64]] = []
    for _ in range(_CUTS):
        spent = (layout.weights @ chosen).T.astype(np.float64)
        rows.append(sparse.hstack([-sparse.csr_array(spent), aside]))
        tops.append(-np.where(chosen, values, 0.0).sum(axis=0))
        costs = np.concatenate([layout.limits, np.ones(users)])
        prices, low = _lowest(costs, sparse.vstack(rows), np.concatenate(tops), budgets)
        if prices is None or best.bound - low <= _EXACT * best.bound:
            break
        found = bound_at(layout, prices, exact=True, chosen=chosen)
        best = found if found.bound < best.bound else best
    return best.prices


def _lowest(
    costs: NDArray[np.float64],
    planes: Any,  # noqa: ANN401  scipy's types do not fit its arrays
    tops: NDArray[np.float64],
    budgets: int,
) -> tuple[NDArray[np.float64] | None, float]:
    """Return the prices at the lowest point over all planes, and its height."""
    from scipy.optimize import linprog  # noqa: PLC0415  slow to load

    solver: Any = linprog
    planes.indices = planes.indices.astype(np.int32)
    planes.indptr = planes.indptr.astype(np.int32)
    found = solver(costs, A_ub=planes, b_ub=tops, method="highs-ds")
    if found.x is None:
        return None, 0.0
    prices: NDArray[np.float64] = np.maximum(found.x[:budgets], 0.0)
    return prices, float(found.fun)
