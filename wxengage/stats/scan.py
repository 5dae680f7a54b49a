"""Whether events crowd together more than chance does (扫描统计量).

The most events in any window of a given length is not binomial: there are many
windows, and the fullest one is looked at.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from wxengage.errors import INT64_MAX, InvalidInputError, require_whole
from wxengage.stats.checks import refuse, whole_column

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["burst_probabilities", "burst_probability", "most_in_window"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


def burst_probability(events: int, largest: int, window: float) -> float:
    """Return how likely some window is to hold so many of events spread evenly.

    Parameters
    ----------
    events
        How many events there are, from 0.
    largest
        How many of them the fullest window holds, from 0.
    window
        Its length as a share of the time looked at, above 0, below 1.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    InvalidInputError
        If a number breaks its rule.

    Notes
    -----
    Wallenstein and Neff (1987): ``(k/w - n - 1) b(k; n, w) + 2 P(Bin(n, w) >= k)``.
    An approximation from above, close where the answer is small; where it is not,
    there is no burst to speak of. Cut at 1.

    Examples
    --------
    >>> f"{burst_probability(12, 4, 10 / 1440):.2e}"
    '6.15e-04'
    """
    require_whole("events", events)
    require_whole("largest", largest)
    share = _a_share(window)
    if largest > events:
        return 0.0
    return float(_tail(np.array([events]), np.array([largest]), share)[0])


def burst_probabilities(events: ArrayLike, largest: ArrayLike, window: float) -> Floats:
    """Return ``burst_probability`` of many series of events at once.

    Parameters
    ----------
    events, largest
        As there, one for each series; no window holds more events than there are.
        Shape ``(n,)``.
    window
        As there, one for all.

    Returns
    -------
    numpy.ndarray
        From 0 to 1. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If a number breaks its rule.

    Examples
    --------
    >>> burst_probabilities([12, 12, 0], [4, 1, 0], 10 / 1440).round(6).tolist()
    [0.000615, 1.0, 1.0]
    """
    n, k = whole_column("events", events), whole_column("largest", largest)
    if len(k) != len(n):
        raise InvalidInputError("largest", len(k), f"as many as rows, {len(n)}")
    refuse("largest", k.astype(float), k > n, "at most the events")
    return _tail(n, k, _a_share(window))


def _a_share(window: float) -> float:
    number = isinstance(window, (int, float)) and not isinstance(window, bool)
    if not (number and 0 < window < 1):
        hint = "10 minutes of a day are 10 / 1440"
        raise InvalidInputError("window", window, "a share between 0 and 1", hint)
    return float(window)


def _tail(n: NDArray[np.int64], k: NDArray[np.int64], window: float) -> Floats:
    from scipy.special import bdtrc, gammaln  # noqa: PLC0415  slow to import

    log = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    share = np.exp(log + k * math.log(window) + (n - k) * math.log1p(-window))
    found = (k / window - n - 1) * share + 2 * bdtrc(np.maximum(k - 1, 0), n, window)
    return np.where(k <= 1, 1.0, np.clip(found, 0.0, 1.0))


def most_in_window(
    groups: ArrayLike, at: ArrayLike, window: int, *, size: int | None = None
) -> NDArray[np.int64]:
    """Return the most points of each group that any window holds.

    Parameters
    ----------
    groups
        The group of each point: whole numbers from 0. Shape ``(n,)``.
    at
        When, in whole numbers from 0. Shape ``(n,)``.
    window
        How long the window is, its ends included.
    size
        How many groups there are. None: as many as the highest says.

    Returns
    -------
    numpy.ndarray
        By group, 0 for one without points. Shape ``(size,)``.

    Raises
    ------
    InvalidInputError
        If a number is no whole number from 0, lengths differ, a group is not among
        ``size``, or groups times instants do not fit into 63 bits.

    Notes
    -----
    One sort, and a binary search for the last point of the window that each point
    opens: ``O(n log n)``.

    Examples
    --------
    >>> most_in_window([0, 0, 1, 0, 0], [5, 9, 6, 30, 14], 10).tolist()
    [3, 1]
    """
    group, when = whole_column("groups", groups), whole_column("at", at)
    if len(group) != len(when):
        raise InvalidInputError("at", len(when), f"as many as rows, {len(group)}")
    span = require_whole("window", window)
    top = int(group.max()) + 1 if len(group) else 0
    many = top if size is None else require_whole("size", size)
    if top > many:
        raise InvalidInputError("groups", top - 1, f"below size, {many}")
    found = np.zeros(many, dtype=np.int64)
    if not len(group):
        return found
    # No window reaches from one group into the next.
    stride = int(when.max()) + span + 1
    if many * stride > INT64_MAX:
        raise InvalidInputError("at", int(when.max()), "coarser: groups * time is big")
    keys = np.sort(group * stride + when)
    held = np.searchsorted(keys, keys + span, side="right") - np.arange(len(keys))
    np.maximum.at(found, keys // stride, held)
    return found
