"""Plans for many users (大规模求解): prices first, then every user alone.

The bound is the Lagrangian's, computed in 64 bits and enlarged by what rounding
can have lost. Sets of a user that lie within each other are solved exactly, so
that the bound is that of the linear relaxation; what is left of the gap comes
from whole numbers, and it shrinks as users become more.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.log.parallel import each
from wxengage.plan.solving.dual import bound_at, seek_prices
from wxengage.plan.solving.repair import cut, fill, serve, trim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Total
    from wxengage.plan.result import Short
    from wxengage.plan.solving.layout import Layout

__all__ = ["Priced", "solve_priced"]

# Rounds of changes; each asks all users again.
_ROUNDS: Final = 8


@attrs.frozen(eq=False)
class Priced:
    """A plan by prices.

    Attributes
    ----------
    users, options
        Positions, one entry a send, in no order.
    value, bound
        What it is worth, and what nothing can be worth more than.
    prices
        Of each budget by name.
    wants
        The users who could get something worth sending.
    short
        Why value and bound are apart: ``"whole"`` numbers, or sets that are
        ``"crossing"`` and were relaxed.
    """

    users: NDArray[np.int64]
    options: NDArray[np.int64]
    value: float
    bound: float
    prices: Mapping[str, float]
    wants: NDArray[np.int64]
    short: Short


def solve_priced(layout: Layout, totals: tuple[Total, ...], gap: float) -> Priced:
    """Return a good plan and a bound.

    Parameters
    ----------
    layout
        The problem in blocks.
    totals
        The budgets, in the layout's order.
    gap
        How far below the bound is good enough, as a share of it.

    Returns
    -------
    Priced
        Deterministic: the same problem has the same plan.

    Notes
    -----
    Some twenty passes over the values of all users, each ``O(j)`` a user.
    """
    prices = np.zeros(len(totals))
    if len(totals) and len(layout):
        prices = seek_prices(layout, gap)
    chosen = np.zeros(layout.values.shape, dtype=np.bool_)
    bound = bound_at(layout, prices, exact=True, chosen=chosen).bound
    costs = layout.costs(prices)
    trim(layout, chosen, costs)
    cut(layout, chosen, costs)
    value = _value(layout, chosen)
    for _ in range(_ROUNDS):
        if bound - value <= gap * bound or not fill(layout, chosen, costs):
            break
        value = _value(layout, chosen)
    serve(layout, chosen)
    value = _value(layout, chosen)
    rows, places = _sends(chosen)
    whole = all(layout.kinds[one.kind].within.is_whole for one in layout.blocks)
    return Priced(
        users=layout.users[places],
        options=layout.columns[rows],
        value=value / layout.scale,
        bound=max(bound, value) / layout.scale,
        prices=MappingProxyType(_named(layout, totals, prices)),
        wants=layout.users[_wants(layout)],
        short="whole" if whole else "crossing",
    )


def _value(layout: Layout, chosen: NDArray[np.bool_]) -> float:
    """Return what a plan is worth, added up in 64 bits."""

    def work(row: int) -> float:
        users = layout.source_of[np.flatnonzero(chosen[row])]
        return float(layout.source[users, layout.columns[row]].sum(dtype=np.float64))

    return math.fsum(each(work, range(len(chosen)))) * layout.scale


def _sends(chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of each send."""
    places = each(lambda row: np.flatnonzero(chosen[row]), range(len(chosen)))
    none = np.empty(0, dtype=np.int64)
    rows = np.repeat(np.arange(len(chosen)), [len(one) for one in places])
    return rows, np.concatenate([none, *places])


def _wants(layout: Layout) -> NDArray[np.bool_]:
    """Return who could get something that is worth sending."""
    found = np.zeros(len(layout), dtype=np.bool_)
    for block in layout.blocks:
        values = layout.values[
            layout.kinds[block.kind].usable, block.start : block.stop
        ]
        found[block.start : block.stop] = (values > 0).any(axis=0)
    return found


def _named(
    layout: Layout, totals: tuple[Total, ...], scaled: NDArray[np.float64]
) -> dict[str, float]:
    """Return the price of each budget by name, in the unit of the values."""
    prices = scaled / layout.scale
    found: dict[str, float] = {}
    for total, price in zip(totals, prices.tolist(), strict=True):
        takes = np.flatnonzero(total.weights)
        if len(takes) and total.limit < total.weights[takes].min():
            # Nothing of it can be sent, so that no price was sought: the best there
            # is, less what it takes of the others, is what the first unit brings.
            best = np.fmax.reduce(layout.source[:, takes], axis=0, initial=0.0)
            others = sum(
                one.weights[takes] * float(cost)
                for one, cost in zip(totals, prices, strict=True)
                if one is not total
            )
            price = float(np.max((best - others) / total.weights[takes]))  # noqa: PLW2901
        found[total.name] = max(price, 0.0)
    return found
