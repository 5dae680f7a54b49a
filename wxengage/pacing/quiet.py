"""Quiet hours (免打扰时段): when nobody wants to hear from a brand.

The rule is about what the wall clock shows, so an hour that comes twice in
autumn is quiet twice, and one that is skipped in spring is quiet not at all.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, nearest
from wxengage.pacing.windows import MICROS_PER_MINUTE, MINUTES_PER_DAY, minute_of_day
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, from_micros, micros, regimes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WEEKDAYS", "QuietHours", "Weekday"]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: From Monday, the first day of an ISO week.
WEEKDAYS: Final[tuple[str, ...]] = get_args(Weekday)
_THURSDAY: Final = WEEKDAYS.index("thu")  # 1970-01-01
# A night is shorter than a day, and no clock is turned by more than one.
_AHEAD: Final = 3 * MICROS_PER_DAY


def _require_days(got: object) -> None:
    if got is None:
        return
    rule, hint = "a tuple of weekdays, each once", "for example ('sat', 'sun')"
    if not isinstance(got, tuple) or not got:
        raise InvalidInputError("days", got, rule, hint)
    for row, day in enumerate(got):
        if not isinstance(day, str) or day not in WEEKDAYS:
            raise InvalidInputError(
                f"days[{row}]", day, "a weekday", nearest(day, WEEKDAYS)
            )
    if len(set(got)) < len(got):
        raise InvalidInputError("days", got, rule)


@attrs.frozen
class QuietHours:
    """Hours of every day at which nothing is sent, half-open.

    Attributes
    ----------
    start, end
        Wall-clock times ``"HH:MM"``. Quiet at ``start <= t < end``; with
        ``end`` before ``start`` the night between, across midnight.
    days
        The weekdays on which it begins, such as ``("sat", "sun")``, None for
        every day. A night belongs to the day on which it begins: that of
        Sunday ends on Monday morning.

    Raises
    ------
    InvalidInputError
        If a time is not readable, both are the same, or a weekday is unknown
        or named twice.

    Examples
    --------
    >>> import datetime as dt
    >>> night = QuietHours("22:30", "08:00")
    >>> at = dt.datetime(2026, 3, 1, 16, 0, tzinfo=dt.timezone.utc)  # midnight
    >>> f"{night.ends_after(at):%d %H:%M}"
    '02 08:00'
    """

    start: str
    end: str
    days: tuple[Weekday, ...] | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        start, end = self._minutes()
        if start == end:
            hint = "to send nothing at all, plan nothing; for no quiet hours, leave out"
            raise InvalidInputError("end", self.end, "another time than start", hint)
        _require_days(self.days)

    def _minutes(self) -> tuple[int, int]:
        """Return both times as minutes; midnight at the end is 0 of the next day."""
        start = minute_of_day("start", self.start) % MINUTES_PER_DAY
        return start, minute_of_day("end", self.end) % MINUTES_PER_DAY

    def covers(self, at: dt.datetime, *, clock: DayClock = DayClock()) -> bool:
        """Return whether an instant is quiet.

        Parameters
        ----------
        at
            The instant, aware.
        clock
            Its zone says whose night it is.

        Returns
        -------
        bool
            True at ``start``, False at ``end``.
        """
        now = micros("at", at)
        return self._left(now + _east(now, clock)) > 0

    def covers_many(
        self,
        at: NDArray[np.int64],
        *,
        clock: DayClock = DayClock(),
    ) -> NDArray[np.bool_]:
        """Return whether each of many instants is quiet.

        Parameters
        ----------
        at
            Microseconds since 1970 in UTC. Shape ``(n,)``.
        clock
            Its zone says whose night it is.

        Returns
        -------
        numpy.ndarray
            The same answers as ``covers``. Shape ``(n,)``.
        """
        if at.size == 0:
            return at.astype(bool)
        since, east = regimes(clock.zone, int(at.min()), int(at.max()))
        wall = at + east[np.searchsorted(since[1:], at, side="right")]
        quiet: NDArray[np.bool_] = self._left_many(wall) > 0
        return quiet

    def ends_after(
        self,
        at: dt.datetime,
        *,
        clock: DayClock = DayClock(),
    ) -> dt.datetime:
        """Return the first instant from ``at`` on that is not quiet.

        Parameters
        ----------
        at
            The instant, aware.
        clock
            Its zone says whose night it is.

        Returns
        -------
        datetime.datetime
            ``at`` itself where it is not quiet, else the end of the quiet
            hours in the clock's zone, exact also where the clock changes in
            the night.
        """
        now = micros("at", at)
        while left := self._left(now + _east(now, clock)):
            change = _next_change(now, now + left, clock)
            now = now + left if change is None else change
        return at if now == micros("at", at) else from_micros(now, clock.zone)

    def ends_after_many(
        self,
        at: NDArray[np.int64],
        *,
        clock: DayClock = DayClock(),
    ) -> NDArray[np.int64]:
        """Return the first instant that is not quiet from each of many on.

        Parameters
        ----------
        at
            Microseconds since 1970 in UTC. Shape ``(n,)``.
        clock
            Its zone says whose night it is.

        Returns
        -------
        numpy.ndarray
            The same answers as ``ends_after``, in microseconds since 1970.
            Shape ``(n,)``.

        Notes
        -----
        A few operations an instant, and as many again where the clock changes
        in its night; plus one look at the zone for each day that they span.
        """
        now = at.astype(np.int64)
        if at.size == 0:
            return now
        since, east = regimes(clock.zone, int(at.min()), int(at.max()) + _AHEAD)
        changes = np.append(since[1:], np.iinfo(np.int64).max)
        rows = np.arange(at.size)
        while rows.size:
            regime = np.searchsorted(since[1:], now[rows], side="right")
            left = self._left_many(now[rows] + east[regime])
            quiet = left > 0
            rows, regime, left = rows[quiet], regime[quiet], left[quiet]
            now[rows] = np.minimum(now[rows] + left, changes[regime])
        return now

    def _left(self, wall: int) -> int:
        """Return how much wall-clock time of quiet is left, 0 outside."""
        start, end = (minute * MICROS_PER_MINUTE for minute in self._minutes())
        day, into = divmod(wall - start, MICROS_PER_DAY)
        if self.days is not None and WEEKDAYS[(day + _THURSDAY) % 7] not in self.days:
            return 0
        return max((end - start) % MICROS_PER_DAY - into, 0)

    def _left_many(self, wall: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``_left`` of each wall-clock time."""
        start, end = (minute * MICROS_PER_MINUTE for minute in self._minutes())
        day, into = np.divmod(wall - start, MICROS_PER_DAY)
        length = (end - start) % MICROS_PER_DAY
        left: NDArray[np.int64] = np.maximum(length - into, 0)
        if self.days is not None:
            opens = np.array([name in self.days for name in WEEKDAYS])
            left *= opens[(day + _THURSDAY) % 7]
        return left


def _east(at: int, clock: DayClock) -> int:
    """Return what the wall clock is ahead of UTC at an instant."""
    offset = from_micros(at, clock.zone).utcoffset() or dt.timedelta(0)
    return offset // dt.timedelta(microseconds=1)


def _next_change(after: int, until: int, clock: DayClock) -> int | None:
    """Return when the clock is changed in ``after < t <= until``, if it is."""
    since, _ = regimes(clock.zone, after, until)
    return next((at for at in since[1:].tolist() if after < at <= until), None)
