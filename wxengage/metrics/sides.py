"""One period of a log, counted user by user (统计周期)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.log.kinds import KINDS
from wxengage.metrics.rates import ACTIVE, PeriodCounts, ValueTotal
from wxengage.times.zones import from_micros
from wxengage.words import Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.table import Log
    from wxengage.metrics.registry import Metric
    from wxengage.times.days import DayClock

__all__ = ["EMPTY", "TICK", "Period", "Side", "rows_of", "side_of"]

#: The least step of time.
TICK: Final = dt.timedelta(microseconds=1)
EMPTY: Final = Words("日志在这一期内没有任何记录", "the log has no row in this period")
_NO_VALUE: Final = Words(
    "截至期末, 日志里没有非零金额", "the log has held no value other than 0"
)


@attrs.frozen
class Period:
    """The time a number is about.

    Attributes
    ----------
    start
        First instant inside.
    end
        Last instant inside.
    clock
        Whose days count.
    """

    start: dt.datetime
    end: dt.datetime
    clock: DayClock

    @classmethod
    def upto(cls, as_of: dt.datetime, length: dt.timedelta, clock: DayClock) -> Period:
        """Return the window that ends at ``as_of``."""
        start = from_micros(clock.window_start(as_of, length), clock.zone)
        return cls(start, as_of.astimezone(clock.zone), clock)

    @property
    def dates(self) -> tuple[dt.date, dt.date]:
        """The first and the last local day."""
        first, last = (
            self.clock.date(self.clock.day(x)) for x in (self.start, self.end)
        )
        return first, last

    def __str__(self) -> str:
        first, last = self.dates
        return f"{first} to {last}"


@attrs.frozen(eq=False)
class Side:
    """What is known of one period.

    Attributes
    ----------
    users
        Ids, ascending. Shape ``(users,)``.
    counts
        What each of them did.
    ever
        Kinds seen by the period's end.
    valued
        Whether a value other than 0 has been seen by then.
    empty
        Whether the log has no row in the period.
    """

    users: NDArray[Any]
    counts: PeriodCounts
    ever: frozenset[str]
    valued: bool
    empty: bool

    def of(self, rows: NDArray[np.bool_]) -> Side:
        """Return the side as if some users were alone; what is known is the log's."""
        return attrs.evolve(self, counts=self.counts.of(rows))

    def unknown(self, metric: Metric) -> Words | None:
        """Return why a metric cannot be known here, if so."""
        if self.empty:
            return EMPTY
        if isinstance(metric.measure, ValueTotal):
            return None if self.valued else _NO_VALUE
        for group in metric.measure.needs:
            if self.ever.isdisjoint(group):
                return _never(group)
        return None


def _never(kinds: tuple[str, ...]) -> Words:
    """Return the reason that none of these kinds has ever occurred."""
    if kinds == ACTIVE:
        return Words("日志里从未出现主动行为", "the log has never held an active kind")
    zh = "、".join(KINDS[kind].zh for kind in kinds)
    en = " or ".join(kinds)
    return Words(f"日志里从未出现{zh}", f"the log has never held {en}")


def side_of(log: Log, period: Period, users: NDArray[Any] | None = None) -> Side:
    """Count one period; one row for each of ``users``, or each seen by its end."""
    known = log.kind_counts(None, period.end)
    if users is None:
        users = known.users
    found = log.kind_counts(period.start - TICK, period.end)
    rows = rows_of(users, found.users)
    counts = {}
    for place, kind in enumerate(found.kinds):
        counts[kind] = np.zeros(len(users), dtype=np.int64)
        counts[kind][rows] = found.counts[:, place]
    inside = log.between(period.start, period.end + TICK).summarise(period.end)
    value = np.zeros(len(users))
    value[rows_of(users, inside.user)] = inside.value
    valued = bool(value.any()) or bool(log.summarise(period.end).value.any())
    seen = np.zeros(len(users), dtype=np.bool_)
    seen[rows_of(users, known.users)] = True
    return Side(
        users,
        PeriodCounts(seen, counts, value),
        frozenset(known.kinds),
        valued,
        not len(found.users),
    )


def rows_of(users: NDArray[Any], some: NDArray[Any]) -> NDArray[np.int64]:
    """Return where ``some`` of ``users`` stand; both ascend."""
    if len(some) == len(users):
        return np.arange(len(users))
    wanted = set(some.tolist())
    inside = (one in wanted for one in users.tolist())
    return np.flatnonzero(np.fromiter(inside, dtype=np.bool_, count=len(users)))
