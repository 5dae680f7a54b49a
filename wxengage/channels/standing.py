"""How a channel stands at an instant (渠道状态): the arithmetic of a quota.

Every function reads facts of one account that are no later than ``now``, in
microseconds since 1970, and says what they come to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from wxengage.channels.answers import answer_to
from wxengage.channels.periods import days_in, periods

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wxengage.channels.marks import Mark
    from wxengage.channels.terms import Limit
    from wxengage.times.days import DayClock

__all__ = [
    "FREE",
    "LONG_AGO",
    "Standing",
    "balance",
    "in_windows",
    "period_left",
]

#: Before every instant that a datetime can tell.
LONG_AGO: Final = -(2**63)


class Standing(NamedTuple):
    """Whether something may go.

    Attributes
    ----------
    reason
        Why not; None where it may.
    until
        When that ends if nothing else happens, in microseconds; None: never.
    left
        How many more may go; None for no bound.
    """

    reason: str | None
    until: int | None = None
    left: int | None = None


#: Nothing is in the way.
FREE: Final = Standing(None)


def in_windows(
    opened: Iterable[Mark], sent: Sequence[Mark], failed: Iterable[Mark], now: int
) -> Standing:
    """Return how a channel stands that windows limit (互动窗口).

    Parameters
    ----------
    opened, sent, failed
        The windows, messages and refusals of the channel, in any order.
    now
        The instant.

    Returns
    -------
    Standing
        Each window starts at its full number, and a message counts against every
        window that is open when it goes; so the number left is the most of any.
    """
    closed = used = LONG_AGO
    for mark in failed:
        effect = answer_to(mark.count).effect
        if mark.at <= now and effect == "close":
            closed = max(closed, mark.at)
        elif mark.at <= now and effect == "use_up":
            used = max(used, mark.at)
    most, until, some = 0, 0, False
    for window in opened:
        if not window.at <= now < window.until or window.at <= closed:
            continue
        some = True
        if window.at <= used:
            continue
        left = window.count - sum(window.at <= mark.at <= now for mark in sent)
        if left > 0:
            most, until = max(most, left), max(until, window.until)
    if most:
        return Standing(None, until, most)
    return Standing("used_up" if some else "no_window", left=0)


def balance(
    granted: Iterable[Mark], sent: Iterable[Mark], voids: Iterable[int], now: int
) -> int:
    """Return how many grants are left (授权余额).

    Parameters
    ----------
    granted, sent
        Grants and messages of one template, in any order.
    voids
        Instants at which every grant given until then was lost.
    now
        The instant.

    Returns
    -------
    int
        Grants less messages since the last loss, followed in order of time. A
        message without a grant that is known leaves 0 and no debt. A grant comes
        before a message of the same instant.
    """
    since = max((at for at in voids if at <= now), default=LONG_AGO)
    steps = [(mark.at, 0, mark.count) for mark in granted if since < mark.at <= now]
    steps += [(mark.at, 1, -1) for mark in sent if since < mark.at <= now]
    left = 0
    for _, _, step in sorted(steps):
        left = max(left + step, 0)
    return left


def period_left(sent: Iterable[Mark], limit: Limit, now: int, clock: DayClock) -> int:
    """Return how many messages of a calendar limit are left at ``now``."""
    times = [mark.at for mark in sent if mark.at <= now]
    at = np.array([now, *times], dtype=np.int64)
    period, *taken = map(int, periods(limit.per, at, clock))
    allowed = limit.count
    if allowed is None:
        allowed = int(days_in(np.array([period], dtype=np.int64))[0])
    return max(allowed - taken.count(period), 0)
