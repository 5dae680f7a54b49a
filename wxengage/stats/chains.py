"""Where a Markov chain goes in the long run (马尔可夫链): shares and waiting times.

Both answers take every step to be like the one that was seen, and the next step to
depend on the present state alone. Users are not like that, as a rule: how long they
stay is not geometric. The numbers say what the matrix says, and are no forecast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.checks import numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["stationary", "steps_to"]

_TABLE: Final = 2  # dimensions
_ROUNDING: Final = 1e-9


def _matrix(matrix: ArrayLike) -> NDArray[np.float64]:
    """Return the probabilities of moves, checked. Shape ``(states, states)``."""
    table = numbers("matrix", matrix)
    if table.ndim != _TABLE or table.shape[0] != table.shape[1] or not table.size:
        raise InvalidInputError("matrix.shape", table.shape, "square")
    for i, row in enumerate(table):
        total = float(row.sum())
        if (row < 0).any() or abs(total - 1) > _ROUNDING:
            rule = "probabilities that sum to 1"
            raise InvalidInputError(f"matrix[{i}]", row.tolist(), rule)
    return table


def _reach(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which states can be reached from which, in any number of steps."""
    reach = (table > 0) | np.eye(len(table), dtype=np.bool_)
    for _ in range(len(table).bit_length()):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    return reach


def stationary(matrix: ArrayLike) -> NDArray[np.float64]:
    """Return the shares of states that one step does not change.

    Parameters
    ----------
    matrix
        Probability of each move; rows sum to 1. Shape ``(states, states)``.

    Returns
    -------
    numpy.ndarray
        Shares that sum to 1; 0 for states that are left for good.
        Shape ``(states,)``.

    Raises
    ------
    InvalidInputError
        If it is no such matrix, or falls apart into groups of states that are
        never left, so that the shares depend on the beginning.

    Examples
    --------
    >>> [f"{share:.3f}" for share in stationary([[0.9, 0.1], [0.3, 0.7]])]
    ['0.750', '0.250']
    """
    table = _matrix(matrix)
    reach, size = _reach(table), len(table)
    # A state is left for good if it reaches one that does not lead back.
    lasting = ~(reach & ~reach.T).any(axis=1)
    first = int(np.flatnonzero(lasting)[0])
    if not (reach[first] | ~lasting).all():
        rule = "one group of states that all lead to each other"
        raise InvalidInputError("matrix", table.tolist(), rule, "look at each group")
    rows = np.vstack((table.T - np.eye(size), np.ones(size)))
    ends = np.append(np.zeros(size), 1.0)
    found = np.linalg.lstsq(rows, ends, rcond=None)[0]
    return np.where(lasting, np.clip(found, 0.0, 1.0), 0.0)


def steps_to(matrix: ArrayLike, target: int) -> NDArray[np.float64]:
    """Return how many steps it takes on average to come to a state.

    Parameters
    ----------
    matrix
        Probability of each move; rows sum to 1. Shape ``(states, states)``.
    target
        The state's place.

    Returns
    -------
    numpy.ndarray
        0 for the target itself; infinite for states from which it may never be
        reached. Shape ``(states,)``.

    Raises
    ------
    InvalidInputError
        If it is no such matrix, or has no such state.

    Notes
    -----
    ``(I - Q)^-1 1`` with Q the moves among the other states.

    Examples
    --------
    >>> steps_to([[0.5, 0.5], [0.3, 0.7]], 1).tolist()
    [2.0, 0.0]
    """
    table = _matrix(matrix).copy()
    require_whole("target", target, most=len(table) - 1)
    # From the target on nothing matters.
    table[target] = np.eye(len(table))[target]
    reach = _reach(table)
    lost = (reach & ~reach[:, target]).any(axis=1)
    some = np.flatnonzero(~lost & (np.arange(len(table)) != target))
    steps = np.where(lost, np.inf, 0.0)
    among = np.eye(len(some)) - table[np.ix_(some, some)]
    steps[some] = np.linalg.solve(among, np.ones(len(some)))
    return steps
