"""Openings and deliveries of each user by local hour (打开与送达的时段分布)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.log.part import kind_mask
from wxengage.log.runs import Sorted
from wxengage.times.zones import MICROS_PER_SECOND, micros, regimes, span_micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.log.part import Part
    from wxengage.log.table import Log
    from wxengage.times.days import DayClock

__all__ = ["HOURS", "OPENINGS", "Opens", "opens_of"]

HOURS: Final = 24
#: Kinds of events by which one sees that a user looked at something.
OPENINGS: Final = ("open", "read", "click")
_MICROS_PER_HOUR: Final = 3_600 * MICROS_PER_SECOND
_OPENING: Final = kind_mask(OPENINGS)
_DELIVERY: Final = kind_mask(["deliver"])

Counts: TypeAlias = "np.ndarray[Any, np.dtype[np.int32]]"


@attrs.frozen(eq=False)
class Opens:
    """How often users opened something, by local hour.

    Attributes
    ----------
    codes
        Codes of the users with any event, ascending by id. Shape ``(n,)``.
    openings
        Days on which each user opened something at that hour. Shape ``(n, 24)``.
    answered, deliveries
        Deliveries at that hour that were opened, and all. Shape ``(n, 24)``.
    """

    codes: NDArray[np.int64]
    openings: Counts
    answered: Counts
    deliveries: Counts


def opens_of(
    log: Log,
    as_of: dt.datetime,
    window: dt.timedelta,
    answer_within: dt.timedelta,
    clock: DayClock,
) -> Opens:
    """Count openings and deliveries by hour.

    Parameters
    ----------
    log
        In memory.
    as_of
        Later events are left out.
    window
        How far to look back.
    answer_within
        An opening answers the last delivery less than this before it; deliveries
        whose time is not over by ``as_of`` are left out.
    clock
        Whose hours.

    Returns
    -------
    Opens
        Of all users with an event by ``as_of``.
    """
    upto, start = micros("as_of", as_of), clock.window_start(as_of, window)
    within = span_micros("answer_within", answer_within)
    seen = np.zeros(len(log.ids), dtype=np.bool_)
    counts = [np.zeros((len(log.ids), HOURS), dtype=np.int32) for _ in range(3)]
    for part in log.parts:
        seen[part.members[part.user[part.at <= upto]]] = True
        inside = (part.at >= start) & (part.at <= upto)
        inside &= (_OPENING | _DELIVERY)[part.kind]
        found = _counted(
            part.take(np.flatnonzero(inside)), upto - within, within, clock
        )
        for table, rows in zip(counts, found, strict=True):
            table[part.members] = rows
    codes = log.ids.order
    codes = codes[seen[codes]]
    return Opens(codes, *(table[codes] for table in counts))


def _counted(
    part: Part, last: int, within: int, clock: DayClock
) -> tuple[Counts, Counts, Counts]:
    """Return openings, answered deliveries and deliveries of a part's users."""
    chosen = (_OPENING | _DELIVERY) & part.present
    opening = _OPENING & chosen
    events = Sorted.of((part.user, part.at, part.kind), part.users, chosen, opening)
    bits = np.uint64(events.bits)
    opened = (events.keys & np.uint64(1)).astype(np.bool_)
    keys = events.keys >> np.uint64(1)
    user = (keys >> bits).view(np.int64)
    at = (keys & ((np.uint64(1) << bits) - np.uint64(1))).view(np.int64)
    at += events.origin
    hour = _wall_hours(at, clock)
    # Of one instant, deliveries are sorted before openings.
    place = np.where(opened, -1, np.arange(len(keys)))
    before = np.maximum.accumulate(place)
    answers = np.flatnonzero(opened & (before >= 0))
    answers = answers[user[before[answers]] == user[answers]]
    answers = answers[at[answers] - at[before[answers]] < within]
    answered = np.zeros(len(keys), dtype=np.bool_)
    answered[before[answers]] = True
    due = ~opened & (at <= last)
    first = opened.copy()
    same = _same_as_last(user[opened], hour[opened])
    first[np.flatnonzero(opened)[same]] = False
    return (
        _by_hour(user[first], hour[first], part.users),
        _by_hour(user[due & answered], hour[due & answered], part.users),
        _by_hour(user[due], hour[due], part.users),
    )


def _same_as_last(
    user: NDArray[np.int64], hour: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which rows, in order of user and time, repeat an hour of a day."""
    same = np.zeros(len(user), dtype=np.bool_)
    same[1:] = (user[1:] == user[:-1]) & (hour[1:] == hour[:-1])
    return same


def _wall_hours(at: NDArray[np.int64], clock: DayClock) -> NDArray[np.int64]:
    """Return the hours since 1970-01-01T00:00 that a wall clock shows."""
    if not at.size:
        return at
    starts, east = regimes(clock.zone, int(at.min()), int(at.max()))
    regime = np.searchsorted(starts[1:], at, side="right")
    return (at + east[regime]) // _MICROS_PER_HOUR


def _by_hour(user: NDArray[np.int64], hour: NDArray[np.int64], users: int) -> Counts:
    """Return how many rows each user has at each hour of the day."""
    cell = user * HOURS + hour % HOURS
    table = np.bincount(cell, minlength=users * HOURS).astype(np.int32)
    return table.reshape(users, HOURS)
