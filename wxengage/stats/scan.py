"""Whether events crowd together more than chance does (扫描统计量).

The most events in any window of a given length is not binomial: there are many
windows, and the fullest one is looked at.
"""

from __future__ import annotations

import math

from wxengage.errors import InvalidInputError, require_whole

__all__ = ["burst_probability"]


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
    from scipy.special import bdtrc, gammaln  # noqa: PLC0415  slow to import

    require_whole("events", events)
    require_whole("largest", largest)
    number = isinstance(window, (int, float)) and not isinstance(window, bool)
    if not (number and 0 < window < 1):
        hint = "10 minutes of a day are 10 / 1440"
        raise InvalidInputError("window", window, "a share between 0 and 1", hint)
    n, k = events, largest
    if k > n:
        return 0.0
    if k <= 1:
        return 1.0
    log = float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
    share = math.exp(log + k * math.log(window) + (n - k) * math.log1p(-window))
    found = (k / window - n - 1) * share + 2 * float(bdtrc(k - 1, n, window))
    return min(max(found, 0.0), 1.0)
