"""The three-tier board (三级数据看板): each metric with what it is and how sure.

A number is compared with the period before, of the same length, user by user.
What the log cannot tell is null, with the reason; it is never 0.
"""

from __future__ import annotations

import datetime as dt
import difflib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.frames import ARRAYS, give
from wxengage.metrics.registry import METRICS, TIERS, Metric, Tier
from wxengage.metrics.sides import EMPTY, TICK, Period, Side, rows_of, side_of
from wxengage.segments.lifecycle import segment_users
from wxengage.segments.policy import SEGMENTS
from wxengage.stats.estimates import Estimate
from wxengage.stats.verdicts import Verdict
from wxengage.times.days import DayClock
from wxengage.times.zones import span_micros
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.log.frames import Origin
    from wxengage.log.table import Log

__all__ = ["Direction", "Reading", "Scoreboard", "scoreboard"]

Direction = Literal["up", "down", "undecided"]
PERIOD: Final = dt.timedelta(days=30)
EVERYONE: Final = ""
NEWCOMER: Final = "new"
# A log that begins within the first day of a period is taken to cover it.
_SLACK: Final = dt.timedelta(days=1)

_BEGINS: Final = Words(
    "日志在上一期中途才开始,无法对比",
    "the log begins within the period before: no comparison",
)
_NOBODY: Final = Words("其中一期的分母为 0", "a denominator is 0")
_NO_WHOLE: Final = Words("期内分母为 0", "its denominator is 0 in this period")
_GROUPS: Final = ("segment",)


@attrs.frozen
class Reading:
    """One metric in one period, beside the period before.

    Attributes
    ----------
    metric
        What it is.
    now, before
        Its value in each period; undefined where it cannot be known.
    change
        Now less before, with its own interval.
    direction
        ``"up"`` or ``"down"`` where the change's interval lies on one side of
        0, ``"undecided"`` where it does not, None where nothing is known.
    unknown
        Why ``now`` is undefined; None if it is not.
    no_change
        Why ``change`` is undefined; None if it is not.
    verdict
        Held against the caller's target; None without one.
    group
        Whose: a segment, or ``""`` for everyone.
    """

    metric: Metric
    now: Estimate
    before: Estimate
    change: Estimate
    direction: Direction | None
    unknown: Words | None = None
    no_change: Words | None = None
    verdict: Verdict | None = None
    group: str = EVERYONE

    @property
    def relative(self) -> float | None:
        """The change as a share of what was before; None from nothing."""
        if self.change.value is None or not self.before.value or self.before.value < 0:
            return None
        return self.change.value / self.before.value


@attrs.frozen(eq=False)
class Scoreboard:
    """Every reading of one instant, tier by tier.

    Attributes
    ----------
    readings
        In the order of ``METRICS``, group by group.
    period, before
        The two periods compared.
    level
        Of every interval.
    by
        What the groups are; None for everyone together.
    notes
        What a reader must know of the log, such as that it ends early.
    """

    readings: tuple[Reading, ...]
    period: Period
    before: Period
    level: float
    by: str | None = None
    notes: tuple[Words, ...] = ()
    _origin: Origin = attrs.field(default=ARRAYS, repr=False)

    @property
    def tiers(self) -> Mapping[Tier, tuple[Reading, ...]]:
        """The readings of each of the three tiers."""
        return MappingProxyType(
            {
                tier: tuple(r for r in self.readings if r.metric.tier == tier)
                for tier in TIERS
            }
        )

    @property
    def groups(self) -> tuple[str, ...]:
        """Whose readings there are, in order."""
        return tuple(dict.fromkeys(reading.group for reading in self.readings))

    def of(self, metric: str, *, group: str = EVERYONE) -> Reading:
        """Return one reading.

        Parameters
        ----------
        metric
            A key of ``METRICS``.
        group
            One of ``groups``.

        Returns
        -------
        Reading
            Of that metric and group.

        Raises
        ------
        InvalidInputError
            If there is none.
        """
        for reading in self.readings:
            if (reading.metric.id, reading.group) == (metric, group):
                return reading
        _check_metric("metric", metric)
        hint = f"the groups are {', '.join(map(repr, self.groups)) or 'none'}"
        raise InvalidInputError("group", group, "a group of this board", hint)

    def to_frame(self, like: object = None) -> Any:  # noqa: ANN401  the caller's kind
        """Return one row a reading as the kind of table the log came from.

        Parameters
        ----------
        like
            Another kind of table: a frame, or its name.

        Returns
        -------
        object
            ``tier``, ``metric``, ``group``, ``value``, ``low``, ``high``,
            ``n``, ``unit``, ``before``, ``change``, ``change_low``,
            ``change_high``, ``direction``, ``target``, ``verdict``,
            ``reason``. Unknown numbers are NaN.
        """
        rows = [_row(reading) for reading in self.readings]
        columns = {
            name: np.array([row[place] for row in rows], dtype=kind)
            for place, (name, kind) in enumerate(_COLUMNS.items())
        }
        return give(columns, self._origin, like)

    def __str__(self) -> str:
        from wxengage.metrics.text import board_text  # noqa: PLC0415  prints only

        return board_text(self)

    def __repr__(self) -> str:
        known = sum(reading.now.defined for reading in self.readings)
        return f"<Scoreboard {self.period}: {known} of {len(self.readings)} known>"

    def _repr_html_(self) -> str:
        from wxengage.metrics.text import board_html  # noqa: PLC0415  notebooks only

        return board_html(self)


_COLUMNS: Final = MappingProxyType(
    {
        "tier": object,
        "metric": object,
        "group": object,
        "value": np.float64,
        "low": np.float64,
        "high": np.float64,
        "n": np.int64,
        "unit": object,
        "before": np.float64,
        "change": np.float64,
        "change_low": np.float64,
        "change_high": np.float64,
        "direction": object,
        "target": np.float64,
        "verdict": object,
        "reason": object,
    }
)


def _row(reading: Reading) -> tuple[Any, ...]:
    """Return a reading's cells in the order of ``_COLUMNS``."""
    metric, now, change = reading.metric, reading.now, reading.change
    verdict = reading.verdict
    return (
        metric.tier,
        metric.id,
        reading.group,
        now.value,
        now.low,
        now.high,
        now.n,
        metric.unit,
        reading.before.value,
        change.value,
        change.low,
        change.high,
        reading.direction or "",
        verdict.target if verdict else None,
        verdict.word if verdict else "",
        reading.unknown.en if reading.unknown else "",
    )


def scoreboard(
    log: Log,
    as_of: dt.datetime,
    *,
    by: str | None = None,
    period: dt.timedelta | None = None,
    targets: Mapping[str, float] | None = None,
    level: float = 0.95,
    clock: DayClock = DayClock(),
) -> Scoreboard:
    """Measure a period and the one before it, metric by metric.

    Parameters
    ----------
    log
        What users did, from ``read_log``.
    as_of
        The instant to judge at, aware; later events are left out.
    by
        ``"segment"``: each metric by the segment that a user was in when the
        period began, ``"new"`` for who came later. Sorting users by what they
        did *in* the period would only show that active users are active. The
        period before is split the same way, at its own beginning. None:
        everyone together.
    period
        How long, 30 days unless told. Whole days are local days that end with
        as_of's. The period before has the same length and ends exactly one
        period earlier.
    targets
        Metric id to the number it should be above.
    level
        Of every interval.
    clock
        Whose days count.

    Returns
    -------
    Scoreboard
        One reading a metric, or a metric and group.

    Raises
    ------
    InvalidInputError
        If ``as_of`` is naive, ``period`` is not positive, ``by`` or a target's
        metric is unknown, or a target is not finite (for a share: not strictly
        between 0 and 1).

    Notes
    -----
    ``O(n + u log u)`` for ``n`` events and ``u`` users. Intervals are of the
    rate behind each number, from one number per user; see ``stats.totals``.
    """
    length = PERIOD if period is None else period
    span_micros("period", length)
    if by is not None and by not in _GROUPS:
        hint = "or leave it out"
        raise InvalidInputError("by", by, f"one of {', '.join(_GROUPS)}", hint)
    for name in targets or {}:
        _check_metric("targets", name)
    if log.engine is not None:
        log = log.collect()
    period_now = Period.upto(as_of, length, clock)
    period_before = Period.upto(as_of - length, length, clock)
    now = side_of(log, period_now)
    before = side_of(log, period_before, now.users)
    no_change = _no_change(log.first_at, period_before)
    readings: list[Reading] = []
    groups_now = _groups(log, now.users, period_now, by)
    groups_before = _groups(log, now.users, period_before, by)
    for group, rows in groups_now.items():
        if by is not None and not (rows.any() or groups_before[group].any()):
            continue
        pair = (now.of(rows), before.of(groups_before[group]))
        for metric in METRICS.values():
            reading = _reading(metric, *pair, no_change=no_change, level=level)
            target = (targets or {}).get(metric.id)
            verdict = None if target is None else _verdict(reading, pair[0], target)
            readings.append(attrs.evolve(reading, group=group, verdict=verdict))
    return Scoreboard(
        tuple(readings),
        period_now,
        period_before,
        level,
        by,
        _notes(log, period_now),
        log.origin,
    )


def _groups(
    log: Log, users: NDArray[Any], period: Period, by: str | None
) -> dict[str, NDArray[np.bool_]]:
    """Return who is in which group when a period begins. Shape ``(users,)`` each."""
    if by is None:
        return {EVERYONE: np.ones(len(users), dtype=np.bool_)}
    then = segment_users(log, period.start - TICK, clock=period.clock)
    label = np.full(len(users), NEWCOMER, dtype=object)
    label[rows_of(users, then.user)] = then.segment
    return {name: label == name for name in (*SEGMENTS, NEWCOMER)}


def _reading(
    metric: Metric, now: Side, before: Side, *, no_change: Words | None, level: float
) -> Reading:
    """Measure one metric on both sides."""
    value, unknown = _measured(metric, now, level)
    then, unknown_before = _measured(metric, before, level)
    why = unknown or no_change or unknown_before
    if why is None:
        change = metric.measure.change(before.counts, now.counts, level)
        why = None if change.defined else _NOBODY
    else:
        change = Estimate.undefined(why.en, level=level)
    return Reading(metric, value, then, change, _direction(change), unknown, why)


def _measured(
    metric: Metric, side: Side, level: float
) -> tuple[Estimate, Words | None]:
    """Return a metric on one side, and why it is unknown, if so."""
    why = side.unknown(metric)
    if why is not None:
        return Estimate.undefined(why.en, level=level), why
    value = metric.measure.now(side.counts, level)
    return value, None if value.defined else _NO_WHOLE


def _verdict(reading: Reading, now: Side, target: float) -> Verdict:
    """Hold a reading against a target; what is unknown is undecided."""
    verdict = reading.metric.measure.verdict(now.counts, target)
    return verdict if reading.unknown is None else Verdict("undecided", target)


def _direction(change: Estimate) -> Direction | None:
    """Return where a change points, as far as its interval tells."""
    if change.value is None:
        return None
    if change.low is not None and change.low > 0:
        return "up"
    if change.high is not None and change.high < 0:
        return "down"
    return "undecided"


def _no_change(first: dt.datetime | None, before: Period) -> Words | None:
    """Return why the periods cannot be compared, if so."""
    if first is not None and first > before.start + _SLACK:
        return _BEGINS
    return None


def _notes(log: Log, period: Period) -> tuple[Words, ...]:
    """Return what a reader must know of the log's ends."""
    first, last = log.first_at, log.last_at
    if first is None or last is None:
        return (EMPTY,)
    notes = []
    zone = period.clock.zone
    if period.start + _SLACK < first <= period.end:
        day = first.astimezone(zone).date()
        notes.append(
            Words(
                f"日志从 {day} 才开始: 本期只覆盖其后的日子",
                f"the log begins on {day}: the period is covered from there",
            )
        )
    if last < period.end - _SLACK:
        day = last.astimezone(zone).date()
        notes.append(
            Words(
                f"日志到 {day} 为止: 其后没有任何记录",
                f"the log ends on {day}: it has no row after that",
            )
        )
    return tuple(notes)


def _check_metric(name: str, got: str) -> None:
    """Refuse a metric that is not in ``METRICS``."""
    if got in METRICS:
        return
    near = difflib.get_close_matches(str(got), METRICS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(METRICS)}"
    raise InvalidInputError(name, got, "a metric of METRICS", hint)
