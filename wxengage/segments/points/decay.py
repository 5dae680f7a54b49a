"""Points that fade (积分衰减): half of them are gone after each half-life.

Nothing runs at night to make them fade: the value at an instant is worked out
when it is asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.errors import InvalidInputError
from wxengage.times.zones import require_aware, span_micros

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["DecayingPoints"]

#: Beyond this a float no longer tells whole points apart.
MOST: Final = 2.0**53


def _amount(name: str, got: float) -> float:
    number = isinstance(got, int | float) and not isinstance(got, bool)
    if not number or not 0 <= got <= MOST:
        raise InvalidInputError(name, got, f"a number from 0 to {MOST:g}")
    return float(got)


@attrs.frozen
class DecayingPoints:
    """Points as they were worth at one instant, and how fast they fade.

    Attributes
    ----------
    value
        Points at ``since``.
    since
        The instant, aware.
    half_life
        After this much elapsed time half of the value is left.

    Examples
    --------
    >>> import datetime as dt
    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
    >>> month = dt.timedelta(days=30)
    >>> points = DecayingPoints(100, noon, month).add(60, noon + month)
    >>> points.at(noon + month), points.at(noon + 2 * month)
    (110.0, 55.0)
    """

    value: float
    since: dt.datetime
    half_life: dt.timedelta

    def __attrs_post_init__(self) -> None:
        _amount("value", self.value)
        require_aware("since", self.since)
        span_micros("half_life", self.half_life)

    def at(self, now: dt.datetime) -> float:
        """Return what the points are worth at an instant.

        Parameters
        ----------
        now
            Not before ``since``: aware.

        Returns
        -------
        float
            ``value * 2 ** -(elapsed / half_life)``.

        Raises
        ------
        InvalidInputError
            If it is naive, or earlier.
        """
        if require_aware("now", now) < self.since:
            hint = "what was known then is not kept"
            raise InvalidInputError("now", now, f"not before {self.since}", hint)
        return _faded(self.value, now - self.since, self.half_life)

    def add(self, points: float, at: dt.datetime) -> DecayingPoints:
        """Return the value with points that came in at an instant.

        Parameters
        ----------
        points
            How many, from 0.
        at
            When, aware; it may lie before ``since``, so that facts can be added in
            any order.

        Returns
        -------
        DecayingPoints
            As of the later of the two instants.
        """
        points = _amount("points", points)
        since = max(require_aware("at", at), self.since)
        old = _faded(self.value, since - self.since, self.half_life)
        new = _faded(points, since - at, self.half_life)
        return attrs.evolve(self, value=old + new, since=since)


def _faded(value: float, elapsed: dt.timedelta, half_life: dt.timedelta) -> float:
    return value * math.exp2(-(elapsed / half_life))
