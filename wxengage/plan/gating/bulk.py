"""Many messages at once (批量判定): the rounds of ``rounds``, a column at a time.

Each constraint moves the instants of all messages that it blocks; whoever was not
moved in a round is done. Nearly everybody is done after the first.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import numpy as np

from wxengage.plan.gating.past import LONG_AGO, first_from
from wxengage.plan.gating.periods import edges_between
from wxengage.plan.gating.rounds import NEVER
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from wxengage.pacing.caps import Cap
    from wxengage.pacing.quiet import QuietHours
    from wxengage.plan.gating.allowances import Asked
    from wxengage.plan.gating.past import Stretch
    from wxengage.times.days import DayClock

__all__ = [
    "Bound",
    "Capped",
    "Column",
    "Course",
    "Frozen",
    "Hushed",
    "Limited",
    "Tired",
    "run",
]

ALL: Final = slice(None)
# Longer than all instants are apart; a sum with it stays within 64 bits.
_LONGEST: Final = 2**62


#: Reason and constraint: of all messages asked about, or one for each.
Labels = tuple["str | NDArray[Any]", "str | NDArray[Any]"]


class Column(Protocol):
    """One constraint on many messages."""

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """Return from each instant the first one allowed; rows are messages."""

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """Return reason and constraint of messages it has moved from ``at``."""


@attrs.frozen(eq=False)
class Course:
    """Where the rounds ended.

    Attributes
    ----------
    at
        The instant; ``NEVER`` or at least ``expires`` where there is none.
    step
        The constraint that moved it last, -1 for none.
    before
        From where.
    """

    at: NDArray[np.int64]
    step: NDArray[np.int16]
    before: NDArray[np.int64]


def run(
    columns: Sequence[Column], at: NDArray[np.int64], expires: NDArray[np.int64]
) -> Course:
    """Return the first instant that all constraints allow, of every message.

    Parameters
    ----------
    columns
        The constraints, in the order in which they are asked.
    at, expires
        The first instant asked about, and the one at which to give up. Shape
        ``(n,)``.

    Returns
    -------
    Course
        What ``first_free`` finds for each message by itself.
    """
    at = at.copy()
    before = at.copy()
    step = np.full(at.size, -1, dtype=np.int16)
    live: Any = ALL
    while True:
        moved_now = np.zeros(at.size, dtype=np.bool_)
        for number, column in enumerate(columns):
            here = at[live]
            then = column.next(live, here)
            moved = np.flatnonzero(then > here)
            if not moved.size:
                continue
            rows = moved if isinstance(live, slice) else live[moved]
            step[rows], before[rows], at[rows] = number, here[moved], then[moved]
            moved_now[rows] = True
            over = at[rows] >= expires[rows]
            if over.any():
                gone = np.zeros(at.size, dtype=np.bool_)
                gone[rows[over]] = True
                moved_now[rows[over]] = False
                live = (
                    np.flatnonzero(~gone)
                    if isinstance(live, slice)
                    else live[~gone[live]]
                )
        live = np.flatnonzero(moved_now)
        if not live.size:
            return Course(at, step, before)


@attrs.frozen(eq=False)
class Bound:
    """Not before an instant. ``since``: shape ``(n,)``."""

    name: str
    since: NDArray[np.int64]

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        then: NDArray[np.int64] = np.maximum(at, self.since[rows])
        return then

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """As in ``Column``."""
        del rows, at
        return "not_before", f"not_before: {self.name}"


@attrs.frozen(eq=False)
class Frozen:
    """A freeze. ``stopped``: whether it is about the message, shape ``(n,)``."""

    because: str
    start: int
    end: int
    stopped: NDArray[np.bool_]

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        held = self.stopped[rows] & (at >= self.start) & (at < self.end)
        return np.where(held, self.end, at)

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """As in ``Column``."""
        del rows, at
        return "freeze", f"freeze: {self.because}"


@attrs.frozen(eq=False)
class Tired:
    """A sunset. ``ready``: when the next attempt may be made, shape ``(n,)``."""

    ready: NDArray[np.int64]
    segment: NDArray[Any]

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        then: NDArray[np.int64] = np.maximum(at, self.ready[rows])
        return then

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """As in ``Column``."""
        del at
        return "sunset", "sunset: " + self.segment[rows]


@attrs.frozen(eq=False)
class Limited:
    """The platform's quota, of the user or of the account."""

    kind: str
    asked: Asked
    channel: NDArray[Any]
    now: int

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        then = np.maximum(at, self.asked.opens[rows])
        return np.where(then >= self.asked.until[rows], NEVER, then)

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """As in ``Column``."""
        del at
        names = np.array(self.asked.reason.names, dtype=object)
        reason = names[self.asked.reason.codes[rows]]
        reason[reason == ""] = self.kind
        # What is open now and not by then was a window.
        reason[self.asked.opens[rows] <= self.now] = "no_window"
        return reason, f"{self.kind}: " + self.channel[rows]


@attrs.frozen(eq=False)
class Hushed:
    """Quiet hours. ``zone_of``: the user's zone, -1 for none, shape ``(n,)``."""

    quiet: QuietHours
    name: str
    zone_of: NDArray[np.int64]
    clocks: tuple[DayClock, ...]

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        then = at.copy()
        for zone, mine in _by_zone(self.zone_of[rows]):
            if zone >= 0:
                clock = self.clocks[zone]
                then[mine] = self.quiet.ends_after_many(at[mine], clock=clock)
        return then

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """As in ``Column``."""
        del rows, at
        return "quiet_hours", f"quiet_hours: {self.name}"


@attrs.frozen(eq=False)
class Capped:
    """A cap or a gap, and the past rows that each message competes with.

    Attributes
    ----------
    kind, name
        Of the constraint.
    cap
        What it says; the scope is in the stretches.
    stretch
        What each message competes with; nothing for one that need not keep to it.
    zone_of, clocks
        Whose days count. Shape ``(n,)``.
    """

    kind: str
    name: str
    cap: Cap
    stretch: Stretch
    zone_of: NDArray[np.int64]
    clocks: tuple[DayClock, ...]

    @functools.cached_property
    def _full_since(self) -> NDArray[np.int64]:
        """The first of each user's last ``limit`` rows, ``LONG_AGO`` for fewer."""
        first = self.stretch.ends - self.cap.limit
        there = first >= self.stretch.starts
        if not there.any():
            return np.full(first.size, LONG_AGO)
        return np.where(there, self.stretch.times[np.maximum(first, 0)], LONG_AGO)

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        since, latest = self._full_since[rows], self.stretch.latest[rows]
        if isinstance(self.cap.per, dt.timedelta):
            # Where all rows are before, the last `limit` of them say everything.
            span = min(span_micros("per", self.cap.per), _LONGEST)
            then: NDArray[np.int64] = np.maximum(at, since + span)
            ahead = np.flatnonzero(latest >= at)
            if ahead.size:
                then[ahead] = self._rolling(*self._part(rows, ahead), at[ahead], span)
            return then
        then = at.copy()
        for zone, mine in _by_zone(self.zone_of[rows]):
            here, clock = at[mine], self.clocks[zone]
            opens, closes = _period(clock, self.cap.per, here)
            then[mine] = np.where(since[mine] >= opens, closes, here)
            ahead = np.flatnonzero(latest[mine] >= closes)
            if ahead.size:
                ahead = ahead if isinstance(mine, slice) else mine[ahead]
                part = self._part(rows, ahead)
                then[ahead] = self._calendar(*part, at[ahead], clock)
        return then

    def _part(
        self, rows: slice | NDArray[np.int64], some: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the stretches of some of the rows that are asked about."""
        chosen = some if isinstance(rows, slice) else rows[some]
        return self.stretch.starts[chosen], self.stretch.ends[chosen]

    def _calendar(
        self,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        at: NDArray[np.int64],
        clock: DayClock,
    ) -> NDArray[np.int64]:
        at, times = at.copy(), self.stretch.times
        rows: Any = ALL
        while True:
            here, first = at[rows], starts[rows]
            opens, closes = _period(clock, self.cap.per, here)
            last = first_from(times, first, ends[rows], closes) - self.cap.limit
            full = (last >= first) & (times[np.maximum(last, 0)] >= opens)
            rows = np.flatnonzero(full) if isinstance(rows, slice) else rows[full]
            if not rows.size:
                return at
            at[rows] = closes[full]

    def _rolling(
        self,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        at: NDArray[np.int64],
        span: int,
    ) -> NDArray[np.int64]:
        limit, times = self.cap.limit, self.stretch.times
        at = at.copy()
        rows: Any = ALL
        while True:
            here, low, high = at[rows], starts[rows], ends[rows]
            place = first_from(times, low, high, here)
            then = here.copy()
            # Runs of `limit` sends at or around the place; nearest to its end first.
            ahead = np.flatnonzero(place < high)
            for run in range(limit + 1):
                some = ALL if run == limit else ahead
                first = place[some] - run
                last = first + limit - 1
                there = (first >= low[some]) & (last < high[some])
                begin = times[np.where(there, first, 0)]
                end = times[np.where(there, last, 0)]
                now = here[some]
                tight = np.maximum(end, now) - np.minimum(begin, now) < span
                freed = np.where(there & tight, begin + span, now)
                then[some] = np.maximum(then[some], freed)
            moved = then > here
            if not moved.any():
                return at
            rows = np.flatnonzero(moved) if isinstance(rows, slice) else rows[moved]
            at[rows] = then[moved]

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """As in ``Column``."""
        del rows, at
        return self.kind, f"{self.kind}: {self.name}"


def _period(
    clock: DayClock, per: object, at: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when the calendar period of each instant begins and ends."""
    calendar: Any = per
    edges = edges_between(clock, calendar, int(at.min()), int(at.max()))
    if edges.size == 2:  # noqa: PLR2004  all are within one period
        return np.broadcast_to(edges[0], at.size), np.broadcast_to(edges[1], at.size)
    period = np.searchsorted(edges, at, side="right")
    return edges[period - 1], edges[period]


def _by_zone(zone_of: NDArray[np.int64]) -> Iterator[tuple[int, Any]]:
    """Give each zone and the places where it is; all of them where it is one."""
    if not zone_of.size:
        return
    zones = np.flatnonzero(np.bincount(zone_of + 1)) - 1
    for zone in zones.tolist():
        yield zone, ALL if len(zones) == 1 else np.flatnonzero(zone_of == zone)
