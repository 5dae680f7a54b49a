"""How many of each crowd get each option (整数规划), solved by HiGHS.

The linear relaxation comes first: its value is the bound and its duals are the
prices. Rounded down and filled up again it is often good enough, and always
when there are no budgets, since the corners are then whole numbers; otherwise
branch and bound goes on.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import WxEngageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Total
    from wxengage.plan.solving.crowds import Crowd

__all__ = ["Program", "Solution", "mend", "solve"]

# The largest coefficient of the objective, so that the solver's absolute
# tolerances (1e-6) mean the same whatever the unit of the values.
_SCALE: Final = 1_000.0
# A smaller problem is solved to the end, whatever gap is asked for.
_SMALL: Final = 1_000
# Branch and bound stops here; counting nodes, unlike seconds, is repeatable.
_NODES: Final = 20_000
_TINY: Final = 1e-9


def _narrow(matrix: Any) -> Any:  # noqa: ANN401  scipy's types do not fit its arrays
    """Return a sparse matrix with the 32-bit places that HiGHS counts in."""
    matrix.indices = matrix.indices.astype(np.int32)
    matrix.indptr = matrix.indptr.astype(np.int32)
    return matrix


@attrs.frozen(eq=False)
class Program:
    """Maximise ``worth @ x`` with ``matrix @ x <= room``, ``0 <= x <= most``.

    Attributes
    ----------
    worth, most
        Of each variable; the crowds one after the other. Shape ``(v,)``.
    matrix, room
        The constraints: first what a crowd may have, then the budgets.
        Whole numbers. Shapes ``(c, v)`` sparse and ``(c,)``.
    names
        The budgets, which are the last rows.
    """

    worth: NDArray[np.float64]
    most: NDArray[np.int64]
    matrix: Any
    room: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, crowds: tuple[Crowd, ...], totals: tuple[Total, ...]) -> Program:
        """Return the program of some crowds under some budgets.

        Parameters
        ----------
        crowds
            Whom to serve.
        totals
            What they share.

        Returns
        -------
        Program
            One variable for each crowd and each of its options.
        """
        from scipy import sparse  # noqa: PLC0415  slow to load

        sizes = [len(crowd.options) for crowd in crowds]
        starts = np.cumsum([0, *sizes])
        columns: list[NDArray[np.int64]] = []
        weights: list[NDArray[np.int64]] = []
        room: list[int] = []
        for crowd, start in zip(crowds, starts.tolist(), strict=False):
            for group in crowd.groups:
                columns.append(start + np.flatnonzero(group.members))
                weights.append(np.ones(len(columns[-1]), dtype=np.int64))
                room.append(group.most * len(crowd.members))
        options = np.concatenate([crowd.options for crowd in crowds])
        for total in totals:
            spent = total.weights[options]
            columns.append(np.flatnonzero(spent))
            weights.append(spent[columns[-1]])
            room.append(total.limit)
        rows = np.repeat(np.arange(len(room)), [len(column) for column in columns])
        empty = np.empty(0, dtype=np.int64)
        entries = np.concatenate([empty, *weights])
        places = (rows, np.concatenate([empty, *columns]))
        shape = (len(room), int(starts[-1]))
        return cls(
            np.concatenate([crowd.worth for crowd in crowds]),
            np.repeat([len(crowd.members) for crowd in crowds], sizes),
            _narrow(sparse.csc_array((entries, places), shape=shape)),
            np.array(room, dtype=np.int64),
            tuple(total.name for total in totals),
        )


@attrs.frozen(eq=False)
class Solution:
    """What a program is solved by.

    Attributes
    ----------
    counts
        Whole numbers within all constraints. Shape ``(v,)``.
    value, bound
        Their worth, and what nothing can be worth more than.
    prices
        What one more unit of each budget is worth in the relaxation: its dual
        half a unit above the budgets.
    """

    counts: NDArray[np.int64]
    value: float
    bound: float
    prices: Mapping[str, float]


def solve(program: Program, gap: float) -> Solution:
    """Return the best whole numbers, or good enough ones, with proof.

    Parameters
    ----------
    program
        What to maximise. At least one variable.
    gap
        How far from the best is good enough, as a share of it. Up to 1,000
        users in all are always solved to the end.

    Returns
    -------
    Solution
        Deterministic: the same program has the same solution.

    Raises
    ------
    WxEngageError
        If HiGHS does not solve the linear relaxation, which always has a
        solution.

    Notes
    -----
    Dual simplex, then branch and bound over at most 20,000 nodes. The value of
    the whole numbers never passes the bound but for the solver's tolerance; a
    bound within 1e-9 of the value is the value.
    """
    unit = float(program.worth.max()) / _SCALE
    relaxed = _relax(program, unit, 0.0)
    bound = -float(relaxed.fun) * unit
    # A corner that is whole but for rounding errors is not rounded down.
    counts = mend(program, np.floor(relaxed.x + 1e-6).astype(np.int64))
    value = float(program.worth @ counts)
    enough = gap if int(program.most.max()) > _SMALL else 0.0
    if bound - value > max(enough, _TINY) * bound:
        counts, value, bound = _branch(program, unit, enough, counts, bound)
    if bound <= value * (1 + _TINY):
        bound = value
    return Solution(counts, value, bound, _prices(program, unit))


def _relax(program: Program, unit: float, more: float) -> Any:  # noqa: ANN401  scipy's
    """Return the linear relaxation with a little more of each budget."""
    from scipy.optimize import linprog  # noqa: PLC0415  slow to load

    # The stubs know neither sparse matrices nor arrays of bounds.
    simplex: Any = linprog
    room = program.room.astype(np.float64)
    room[len(room) - len(program.names) :] += more
    found = simplex(
        -program.worth / unit,
        A_ub=program.matrix if len(room) else None,
        b_ub=room if len(room) else None,
        bounds=np.column_stack([np.zeros_like(program.most), program.most]),
        method="highs-ds",
    )
    if found.x is None:
        raise WxEngageError(f"HiGHS could not solve the relaxation: {found.message}")
    return found


def _prices(program: Program, unit: float) -> Mapping[str, float]:
    """Return what one more unit of each budget is worth."""
    if not program.names:
        return MappingProxyType({})
    # At whole budgets the dual may be anything between what the last unit
    # brought and what the next one will bring: ask between the two.
    duals = _relax(program, unit, 0.5).ineqlin.marginals[-len(program.names) :]
    pairs = zip(program.names, duals, strict=True)
    return MappingProxyType(
        {name: max(-float(dual) * unit, 0.0) for name, dual in pairs}
    )


def _branch(
    program: Program,
    unit: float,
    gap: float,
    known: NDArray[np.int64],
    bound: float,
) -> tuple[NDArray[np.int64], float, float]:
    """Return better counts, their value and a better bound."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415  slow

    found = milp(
        -program.worth / unit,
        integrality=np.ones_like(program.most),
        bounds=Bounds(0, program.most),
        constraints=LinearConstraint(program.matrix, ub=program.room),
        options={"mip_rel_gap": gap, "node_limit": _NODES},
    )
    counts = known
    if found.x is not None:
        counts = mend(program, np.rint(found.x).astype(np.int64))
    if found.mip_dual_bound is not None:
        bound = min(bound, -float(found.mip_dual_bound) * unit)
    value, least = float(program.worth @ counts), float(program.worth @ known)
    return (counts, value, bound) if value >= least else (known, least, bound)


def mend(program: Program, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts within all constraints, filled up where there is room.

    Parameters
    ----------
    program
        The constraints.
    counts
        Whole numbers that may break them, or leave room. Shape ``(v,)``.

    Returns
    -------
    numpy.ndarray
        What is worth least is cut first, what is worth most filled up first.
        Shape ``(v,)``.
    """
    # The solver works in floats: a count may be off by a unit in millions.
    counts = np.clip(counts, 0, program.most)
    by_worth = np.argsort(-program.worth, kind="stable").tolist()
    left = program.room - program.matrix @ counts
    for variable in reversed(by_worth):
        rows, weights = _column(program, variable)
        over = -left[rows]
        if (over > 0).any():
            cut = min(int((-(-over // weights)).max()), int(counts[variable]))
            counts[variable] -= cut
            left[rows] += cut * weights
    for variable in by_worth:
        rows, weights = _column(program, variable)
        more = int(program.most[variable] - counts[variable])
        more = min([more, *(left[rows] // weights).tolist()])
        counts[variable] += more
        left[rows] -= more * weights
    return counts


def _column(program: Program, variable: int) -> tuple[Any, Any]:
    inside = slice(*program.matrix.indptr[variable : variable + 2])
    return program.matrix.indices[inside], program.matrix.data[inside]
