"""Groups of equal size by rank (按秩分组), without tearing equal values apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["rank_groups"]


def rank_groups(counts: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return the group of each distinct value.

    Parameters
    ----------
    counts
        How many units have each value, at least 1, values ascending.
        Shape ``(values,)``.
    groups
        Number of groups, at least 1.

    Returns
    -------
    numpy.ndarray
        From 0 to ``groups - 1``, never falling. Shape ``(values,)``. Where
        many units share a value, some groups have none.

    Notes
    -----
    ``floor(groups * (rank - 1/2) / n)``, where ``rank`` is the mean rank of the
    value's units among all ``n``. In integers, on twice the rank: rounding
    moves no unit across an edge.

    Examples
    --------
    >>> import numpy as np
    >>> rank_groups(np.array([4, 2, 1, 1, 1, 1]), 5).tolist()
    [1, 2, 3, 3, 4, 4]
    """
    # Twice (rank - 1/2): the units below and those up to here.
    upto = np.cumsum(counts)
    twice = 2 * upto - counts
    found: NDArray[np.int64] = groups * twice // (2 * upto[-1:])
    return found
