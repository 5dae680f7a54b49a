"""A throttle (限速): so many messages a minute, whoever they are for.

A token bucket as a pure state: what is used of it flows off with time. All in
whole numbers, so that a day of many small grants loses nothing to rounding.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from wxengage.errors import INT64_MAX, InvalidInputError, require_whole
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Throttle", "advance"]


@attrs.frozen
class Throttle:
    """At most ``rate`` messages a ``per`` in the long run, ``burst`` at once.

    Attributes
    ----------
    rate
        Messages that become free in each ``per``, at least 1.
    per
        Elapsed time, above zero.
    burst
        How many may go at one instant after a long rest, at least 1. With 1
        they go evenly.
    used
        What is used of the burst as of ``at``, in messages times the
        microseconds of ``per``. A new throttle has all of it.
    at
        When ``used`` was true, aware; None where nothing was granted yet.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule, or burst times ``per`` is beyond 64 bits.

    Examples
    --------
    >>> import datetime as dt
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    >>> throttle, granted = advance(Throttle(60, dt.timedelta(minutes=1), 5), noon, 9)
    >>> granted, f"{throttle.next_allowed(noon, 4):%H:%M:%S}"
    (5, '12:00:04')
    """

    rate: int
    per: dt.timedelta
    burst: int = 1
    used: int = attrs.field(default=0, kw_only=True)
    at: dt.datetime | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_whole("rate", self.rate, least=1)
        span = span_micros("per", self.per)
        require_whole("burst", self.burst, least=1, most=INT64_MAX // span)
        require_whole("used", self.used, most=self.burst * span)
        if self.at is not None:
            micros("at", self.at)
        elif self.used:
            raise InvalidInputError("at", None, "a time", "used is true as of one")

    def left(self, at: dt.datetime) -> int:
        """Return how many messages may go at an instant.

        Parameters
        ----------
        at
            The instant, aware. One before the last grant is taken for it:
            nothing flows back.

        Returns
        -------
        int
            From 0 to ``burst``.
        """
        span = span_micros("per", self.per)
        return self.burst - -(-self._used_at(micros("at", at)) // span)

    def next_allowed(self, at: dt.datetime, messages: int = 1) -> dt.datetime:
        """Return the first instant from ``at`` on at which messages may go at once.

        Parameters
        ----------
        at
            The instant asked about, aware.
        messages
            How many, from 1 to ``burst``.

        Returns
        -------
        datetime.datetime
            ``at`` itself where they may go at once, else the exact instant
            rounded up to a microsecond, in the zone of ``at``.

        Raises
        ------
        InvalidInputError
            If there are more than ever go at once.
        """
        now = micros("at", at)
        require_whole("messages", messages, least=1, most=self.burst)
        room = (self.burst - messages) * span_micros("per", self.per)
        over = self._used_at(now) - room
        if over <= 0:
            return at
        last = now if self.at is None else max(now, micros("at", self.at))
        return from_micros(last - -over // self.rate, at.tzinfo or dt.UTC)

    def _used_at(self, now: int) -> int:
        """Return what is still used at an instant, in the unit of ``used``."""
        if self.at is None:
            return 0
        passed = max(now - micros("at", self.at), 0)
        return max(self.used - passed * self.rate, 0)

    def _granting(self, at: dt.datetime, messages: int) -> Self:
        now = micros("at", at)
        used = self._used_at(now) + messages * span_micros("per", self.per)
        late = self.at is None or now >= micros("at", self.at)
        return attrs.evolve(self, used=used, at=at if late else self.at)


def advance(
    throttle: Throttle, at: dt.datetime, messages: int = 1
) -> tuple[Throttle, int]:
    """Let as many messages go as may.

    Parameters
    ----------
    throttle
        What it was.
    at
        When they would go, aware.
    messages
        How many are waiting. Whole.

    Returns
    -------
    throttle, granted
        What it is, and how many may go now; the others wait. The same object
        where none may.

    Raises
    ------
    InvalidInputError
        If the number is not whole, or the time is naive.

    Notes
    -----
    In every stretch of time of length ``t`` at most ``burst + rate t / per``
    messages are granted.
    """
    require_whole("messages", messages)
    granted = min(messages, throttle.left(at))
    return (throttle._granting(at, granted) if granted else throttle), granted  # noqa: SLF001  the machine's own
