"""The first instant that suits every constraint (最早可发送时刻).

Each constraint answers with the first instant from ``at`` on that it allows.
Asking them in turn until nobody moves the instant any more finds the first one
that all allow: no constraint ever skips an instant that it would have allowed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wxengage.plan.gating.periods import period_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wxengage.pacing.caps import Period
    from wxengage.times.days import DayClock

__all__ = ["FOREVER", "NEVER", "Step", "calendar_end", "first_free", "rolling_end"]

#: After every instant: a constraint that does not let go.
NEVER: Final = 2**63 - 1
#: The start of the year 9999: what would go then is not waited for.
FOREVER: Final = 253_370_764_800_000_000


#: One constraint on one send, ready to be asked: its kind, what names it where it
#: binds, and a function with its first arguments. ``ask(*arguments, at)`` gives the
#: first instant allowed from ``at`` on, or ``NEVER``. A plain tuple: a decision makes
#: several, and most of them are asked once.
Step: TypeAlias = "tuple[str, Any, Callable[..., int], tuple[Any, ...]]"


def first_free(
    steps: Sequence[Step], at: int, expires: int
) -> tuple[int, int, Step | None]:
    """Return the first instant that all steps allow.

    Parameters
    ----------
    steps
        The constraints, in the order in which they are asked.
    at, expires
        The first instant asked about, and the one at which to give up.

    Returns
    -------
    at
        The instant; ``expires`` or later, or ``NEVER``, where there is none.
    before
        Where the last step that moved it found it.
    step
        That step; None where nothing moved it.

    Notes
    -----
    Every step that moves the instant takes it past one end, of a night, a period
    or a past send's time; there are finitely many before all are free.
    """
    binding, before = None, at
    moved = True
    while moved:
        moved = False
        for step in steps:
            _, _, ask, arguments = step
            then = ask(*arguments, at)
            if then > at:
                binding, before, at, moved = step, at, then, True
                if at >= expires:
                    return at, before, binding
    return at, before, binding


def calendar_end(
    limit: int, per: Period, clock: DayClock, times: list[int], at: int
) -> int:
    """Return the first instant from ``at`` on in a period with room.

    Parameters
    ----------
    limit, per, clock
        Of the cap.
    times
        What it counts, microseconds since 1970, ascending.
    at
        Microseconds since 1970.

    Returns
    -------
    int
        ``at`` itself, or the start of a later period.
    """
    if len(times) < limit:
        return at
    while True:
        start, end = period_at(clock, per, at)
        # With the period's last send in place, is the one `limit` before it, too?
        place = bisect_left(times, end) - limit
        if place < 0 or times[place] < start:
            return at
        at = end


def rolling_end(limit: int, span: int, times: list[int], at: int) -> int:
    """Return the first instant from ``at`` on that crowds no stretch.

    Parameters
    ----------
    limit, span
        Of the cap: at most ``limit`` sends in every stretch of ``span``.
    times
        What it counts, microseconds since 1970, ascending.
    at
        Microseconds since 1970.

    Returns
    -------
    int
        ``at`` itself, or the instant at which a send falls out of the stretch.

    Notes
    -----
    ``limit`` sends in a row leave no room for one more until ``span`` after the
    first of them, wherever the one more falls.
    """
    last_run = len(times) - limit
    if last_run < 0:
        return at
    while True:
        place = bisect_left(times, at)
        # Runs further away hold a nearer one that is at least as crowded.
        for run in range(min(place, last_run), max(place - limit, 0) - 1, -1):
            first, last = times[run], times[run + limit - 1]
            if max(last, at) - min(first, at) < span:
                at = first + span
                break
        else:
            return at
