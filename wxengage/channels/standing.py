"""How a channel stands at an instant (渠道状态): the arithmetic of a quota.

Every function reads the facts of one channel at one account, in order of time, and
says what they come to at an instant, in microseconds since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from wxengage.channels.answers import answer_to
from wxengage.times.periods import days_in, periods

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def in_windows(marks: Iterable[Mark], now: int) -> Standing:
    """Return how a channel stands that windows limit (互动窗口).

    Parameters
    ----------
    marks
        The facts of the channel, ascending.
    now
        The instant.

    Returns
    -------
    Standing
        Each window starts at its full number, and a message counts against every
        window that is open when it goes; so the number left is the most of any.
    """
    windows, sent = [], []
    closed = used = LONG_AGO
    for mark in marks:
        if mark.at > now:
            break
        if mark.what == "opened" and now < mark.until:
            windows.append(mark)
        elif mark.what == "sent":
            sent.append(mark.at)
        elif mark.what == "failed":
            effect = answer_to(mark.count).effect
            closed = mark.at if effect == "close" else closed
            used = mark.at if effect == "use_up" else used
    windows = [window for window in windows if window.at > closed]
    most = until = 0
    for window in windows:
        left = window.count - sum(at >= window.at for at in sent)
        if window.at > used and left > 0:
            most, until = max(most, left), max(until, window.until)
    if most:
        return Standing(None, until, most)
    return Standing("used_up" if windows else "no_window", left=0)


def balance(marks: Iterable[Mark], message: str, now: int) -> int:
    """Return how many grants of a template are left (授权余额).

    Parameters
    ----------
    marks
        The facts of the channel, ascending.
    message
        The template.
    now
        The instant.

    Returns
    -------
    int
        Grants less messages since grants were last lost, followed in order of
        time. A message without a grant that is known leaves 0 and no debt. At one
        instant a grant comes before a message, and a loss after both, which is
        the order of their names.
    """
    left = 0
    for mark in marks:
        if mark.at > now:
            break
        if mark.message != message:
            continue
        if mark.what == "granted":
            left += mark.count
        elif mark.what == "sent":
            left = max(left - 1, 0)
        elif mark.what == "withdrawn":
            left = 0
    return left


def period_left(marks: Iterable[Mark], limit: Limit, now: int, clock: DayClock) -> int:
    """Return how many messages of a calendar limit are left at ``now``."""
    times = [mark.at for mark in marks if mark.what == "sent" and mark.at <= now]
    at = np.array([now, *times], dtype=np.int64)
    period, *taken = map(int, periods(limit.per, at, clock))
    allowed = limit.count
    if allowed is None:
        allowed = int(days_in(np.array([period], dtype=np.int64))[0])
    return max(allowed - taken.count(period), 0)
