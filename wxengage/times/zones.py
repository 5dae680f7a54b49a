"""Zones and instants (时区, 时刻): what a clock on a wall means in UTC.

Instants are aware ``datetime`` values; arrays of them are microseconds since
1970 in UTC (``int64``).
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EPOCH",
    "MICROS_PER_DAY",
    "MICROS_PER_SECOND",
    "SHANGHAI",
    "from_micros",
    "micros",
    "offsets",
    "regimes",
    "require_aware",
    "span_micros",
    "to_utc",
    "zone",
]

SHANGHAI: Final = "Asia/Shanghai"
MICROS_PER_SECOND: Final = 1_000_000
MICROS_PER_DAY: Final = 86_400 * MICROS_PER_SECOND
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Between two looks at a zone's offset its clock is taken to change at most once.
_STEP: Final = 86_400


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Parameters
    ----------
    name
        Such as ``"Asia/Shanghai"``.

    Returns
    -------
    zoneinfo.ZoneInfo
        The zone.

    Raises
    ------
    InvalidInputError
        If there is no such zone. An unknown zone is never taken for another
        one: that is how a whole audience gets lost.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidInputError(
            "zone", name, "an IANA time zone", "for example 'Asia/Shanghai'"
        ) from None


def require_aware(name: str, at: dt.datetime) -> dt.datetime:
    """Return ``at`` if it is an aware datetime.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    at
        The instant.

    Returns
    -------
    datetime.datetime
        The same object.

    Raises
    ------
    InvalidInputError
        If it is naive, or no datetime at all.
    """
    if not isinstance(at, dt.datetime) or at.tzinfo is None or at.utcoffset() is None:
        hint = "add a zone, as in datetime(..., tzinfo=ZoneInfo('Asia/Shanghai'))"
        raise InvalidInputError(name, at, "an aware datetime", hint)
    return at


def micros(name: str, at: dt.datetime) -> int:
    """Return an aware datetime as microseconds since 1970 in UTC.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    at
        The instant.

    Returns
    -------
    int
        Exact; no float is involved.

    Raises
    ------
    InvalidInputError
        If it is naive, no datetime at all, or so close to the ends of the
        calendar that another zone may not be able to tell it.

    Examples
    --------
    >>> micros("as_of", dt.datetime(1970, 1, 2, tzinfo=dt.timezone.utc))
    86400000000
    """
    if not dt.MINYEAR < require_aware(name, at).year < dt.MAXYEAR:
        raise InvalidInputError(name, at, "within the years 2 to 9998")
    # In parts: dividing by a timedelta takes as long as all the rest.
    since = at - EPOCH
    seconds = since.days * 86_400 + since.seconds
    return seconds * MICROS_PER_SECOND + since.microseconds


def from_micros(at: int, tz: dt.tzinfo = dt.UTC) -> dt.datetime:
    """Return microseconds since 1970 as an aware datetime in ``tz``."""
    return (EPOCH + dt.timedelta(microseconds=int(at))).astimezone(tz)


def span_micros(name: str, span: dt.timedelta) -> int:
    """Return a positive timedelta in microseconds.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    span
        The duration.

    Returns
    -------
    int
        Exact.

    Raises
    ------
    InvalidInputError
        If it is no timedelta, or not positive.
    """
    if not isinstance(span, dt.timedelta) or span <= dt.timedelta(0):
        raise InvalidInputError(
            name, span, "a timedelta above zero", "for example timedelta(days=30)"
        )
    return span // dt.timedelta(microseconds=1)


def _offset_at(tz: ZoneInfo, second: int) -> int:
    at = EPOCH + dt.timedelta(seconds=second)
    offset = at.astimezone(tz).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


@functools.lru_cache(maxsize=256)
def offsets(tz: ZoneInfo, low: int, high: int) -> tuple[tuple[int, int], ...]:
    """Return when the zone's distance from UTC changes between two instants.

    Parameters
    ----------
    tz
        The zone.
    low, high
        First and last instant of interest, seconds since 1970.

    Returns
    -------
    tuple of (second, offset) pairs
        The offset, in seconds east of UTC, that holds from each second on. The
        first pair holds at ``low`` already, and before it as far as asked.
    """
    found = [(low, _offset_at(tz, low))]
    at = low
    while at < high:
        step = min(at + _STEP, high)
        if _offset_at(tz, step) != found[-1][1]:
            before, after = at, step
            while after - before > 1:
                middle = (before + after) // 2
                if _offset_at(tz, middle) == found[-1][1]:
                    before = middle
                else:
                    after = middle
            found.append((after, _offset_at(tz, after)))
        at = step
    return tuple(found)


def regimes(tz: ZoneInfo, low: int, high: int) -> tuple[NDArray[np.int64], ...]:
    """Return change instants and offsets, both in microseconds, as arrays."""
    table = offsets(tz, low // MICROS_PER_SECOND - _STEP, high // MICROS_PER_SECOND + 1)
    both = np.array(table, dtype=np.int64) * MICROS_PER_SECOND
    return both[:, 0], both[:, 1]


def to_utc(
    local: NDArray[np.int64], tz: ZoneInfo
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read wall-clock times of one zone as instants.

    Parameters
    ----------
    local
        Wall-clock microseconds since 1970-01-01T00:00 on that zone's clocks.
        Shape ``(n,)``.
    tz
        The zone.

    Returns
    -------
    at
        Microseconds since 1970 in UTC. Where the clock was turned back and the
        same wall time came twice, the first of the two. Shape ``(n,)``.
    exists
        False where the clock was turned forward over that time, so that it
        never was. Shape ``(n,)``.
    """
    if local.size == 0:
        return local.astype(np.int64), np.ones(0, dtype=np.bool_)
    margin = 2 * MICROS_PER_DAY
    starts, east = regimes(tz, int(local.min()) - margin, int(local.max()) + margin)
    if len(east) == 1:
        return local - east[0], np.ones(local.shape, dtype=np.bool_)
    ends = starts[1:] + east[:-1]  # each regime's end, on its own wall clock
    regime = np.searchsorted(ends, local, side="right")
    at = local - east[regime]
    return at, (regime == 0) | (at >= starts[regime])
