"""Many messages at once (批量判定): the rounds of ``rounds``, a column at a time.

Each constraint moves the instants of all messages that it blocks; whoever was not
moved in a round is done. Nearly everybody is done after the first.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import numpy as np

from wxengage.plan.gating.past import first_from
from wxengage.plan.gating.periods import edges_between
from wxengage.plan.gating.rounds import NEVER
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from wxengage.pacing.caps import Cap
    from wxengage.pacing.quiet import QuietHours
    from wxengage.plan.gating.allowances import Asked
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


class Column(Protocol):
    """One constraint on many messages."""

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """Return from each instant the first one allowed; rows are messages."""

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[Any]:
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


def _same(reason: str, constraint: str, size: int) -> NDArray[Any]:
    found = np.empty((size, 2), dtype=object)
    found[:] = (reason, constraint)
    return found


@attrs.frozen(eq=False)
class Bound:
    """Not before an instant. ``since``: shape ``(n,)``."""

    name: str
    since: NDArray[np.int64]

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        then: NDArray[np.int64] = np.maximum(at, self.since[rows])
        return then

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[Any]:
        """As in ``Column``."""
        del at
        return _same("not_before", f"not_before: {self.name}", rows.size)


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

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[Any]:
        """As in ``Column``."""
        del at
        return _same("freeze", f"freeze: {self.because}", rows.size)


@attrs.frozen(eq=False)
class Tired:
    """A sunset. ``ready``: when the next attempt may be made, shape ``(n,)``."""

    ready: NDArray[np.int64]
    segment: NDArray[Any]

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        then: NDArray[np.int64] = np.maximum(at, self.ready[rows])
        return then

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[Any]:
        """As in ``Column``."""
        found = _same("sunset", "", at.size)
        found[:, 1] = [f"sunset: {one}" for one in self.segment[rows].tolist()]
        return found


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

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[Any]:
        """As in ``Column``."""
        del at
        # What is open now and not by then was a window.
        found = _same("no_window", "", rows.size)
        names = np.array(self.asked.reason.names, dtype=object)
        shut = self.asked.opens[rows] > self.now
        found[shut, 0] = names[self.asked.reason.codes[rows[shut]]]
        found[found[:, 0] == "", 0] = self.kind
        found[:, 1] = [f"{self.kind}: {one}" for one in self.channel[rows].tolist()]
        return found


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

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[Any]:
        """As in ``Column``."""
        del at
        return _same("quiet_hours", f"quiet_hours: {self.name}", rows.size)


@attrs.frozen(eq=False)
class Capped:
    """A cap or a gap, and the stretch of past rows that each message competes with.

    Attributes
    ----------
    kind, name
        Of the constraint.
    cap
        What it says; the scope is in the stretches.
    times
        Of the rows it counts. Shape ``(m,)``.
    starts, ends
        Empty for a message that need not keep to it. Shape ``(n,)``.
    zone_of, clocks
        Whose days count. Shape ``(n,)``.
    """

    kind: str
    name: str
    cap: Cap
    times: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    zone_of: NDArray[np.int64]
    clocks: tuple[DayClock, ...]

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        if not self.times.size:
            return at
        starts, ends = self.starts[rows], self.ends[rows]
        many = np.flatnonzero(ends - starts >= self.cap.limit)
        if not many.size:
            return at
        then = at.copy()
        part = starts[many], ends[many], at[many]
        if isinstance(self.cap.per, dt.timedelta):
            then[many] = self._rolling(*part)
            return then
        for zone, mine in _by_zone(self.zone_of[rows][many]):
            low, high, here = (column[mine] for column in part)
            then[many[mine]] = self._calendar(low, high, here, self.clocks[zone])
        return then

    def _calendar(
        self,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        at: NDArray[np.int64],
        clock: DayClock,
    ) -> NDArray[np.int64]:
        per: Any = self.cap.per
        at = at.copy()
        rows: Any = ALL
        while True:
            here, first = at[rows], starts[rows]
            edges = edges_between(clock, per, int(here.min()), int(here.max()))
            period = np.searchsorted(edges, here, side="right")
            opens, closes = edges[period - 1], edges[period]
            last = first_from(self.times, first, ends[rows], closes) - self.cap.limit
            full = (last >= first) & (self.times[np.maximum(last, 0)] >= opens)
            rows = np.flatnonzero(full) if isinstance(rows, slice) else rows[full]
            if not rows.size:
                return at
            at[rows] = closes[full]

    def _rolling(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64], at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        limit, span = self.cap.limit, span_micros("per", _timedelta(self.cap.per))
        at = at.copy()
        rows: Any = ALL
        while True:
            here, low, high = at[rows], starts[rows], ends[rows]
            place = first_from(self.times, low, high, here)
            then = here.copy()
            # Runs of `limit` sends at or around the place; nearest to its end first.
            ahead = np.flatnonzero(place < high)
            for run in range(limit + 1):
                some = ALL if run == limit else ahead
                first = place[some] - run
                last = first + limit - 1
                there = (first >= low[some]) & (last < high[some])
                begin = self.times[np.where(there, first, 0)]
                end = self.times[np.where(there, last, 0)]
                now = here[some]
                tight = np.maximum(end, now) - np.minimum(begin, now) < span
                freed = np.where(there & tight, begin + span, now)
                then[some] = np.maximum(then[some], freed)
            moved = then > here
            if not moved.any():
                return at
            rows = np.flatnonzero(moved) if isinstance(rows, slice) else rows[moved]
            at[rows] = then[moved]

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[Any]:
        """As in ``Column``."""
        del at
        return _same(self.kind, f"{self.kind}: {self.name}", rows.size)


def _timedelta(per: object) -> dt.timedelta:
    assert isinstance(per, dt.timedelta)  # noqa: S101  the caller has looked
    return per


def _by_zone(zone_of: NDArray[np.int64]) -> Iterator[tuple[int, Any]]:
    """Give each zone and the places where it is; all of them where it is one."""
    if not zone_of.size:
        return
    zones = np.flatnonzero(np.bincount(zone_of + 1)) - 1
    for zone in zones.tolist():
        yield zone, ALL if len(zones) == 1 else np.flatnonzero(zone_of == zone)
