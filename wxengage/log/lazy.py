"""The same log inside an engine: DuckDB, Polars lazy, Ibis, Spark (引擎内日志).

Every figure is written once in narwhals and runs where the data is. Times are
turned into whole microseconds first, with the engine's own function: from there
on all arithmetic is on integers, and no session's time zone can change a day.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import narwhals.stable.v2 as nw
import numpy as np

from wxengage.errors import BadRow, InvalidLogError, shorten
from wxengage.log.building import Builder
from wxengage.log.engines import as_instants, with_micros
from wxengage.log.expressions import EARLIEST, flag, from_wall, local_day, whole
from wxengage.log.faults import FAULTS, SHOWN, Rejected, told
from wxengage.log.frames import ARROW, Ids, Origin
from wxengage.log.kinds import KINDS
from wxengage.log.screening import fault_of, with_conflicts, with_kinds
from wxengage.log.summary import COLUMNS, Summary
from wxengage.log.table import SESSION_GAP, WINDOW, KindCounts, Log, check_kinds, period
from wxengage.times.days import DayClock
from wxengage.times.zones import (
    from_micros,
    micros,
    span_micros,
)

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from wxengage.log.spec import Spec

__all__ = ["LazyLog", "LazySummary"]

ACTIVE_KINDS: Final = [name for name, kind in KINDS.items() if kind.active]


@attrs.frozen(eq=False)
class LazySummary:
    """A summary that its engine has not computed yet.

    Attributes
    ----------
    native
        The engine's own lazy frame, with the columns of ``Summary``. Rows that
        cannot be used are left out of it: ``collect`` reports them.
    """

    native: Any
    _log: LazyLog = attrs.field(repr=False)

    def collect(self) -> Summary:
        """Run it.

        Returns
        -------
        Summary
            Ascending by id.
        """
        self._log.check()
        frame = nw.from_native(self.native).collect("pyarrow")
        return _summary(frame)


@attrs.frozen(eq=False, slots=False)
class LazyLog(Log):
    """A log that stays in its engine; answers are lazy frames of that engine."""

    _rows: nw.LazyFrame[Any] = attrs.field(kw_only=True)
    _bad: nw.LazyFrame[Any] = attrs.field(kw_only=True)
    _spec: Spec = attrs.field(kw_only=True)
    _time: Any = attrs.field(kw_only=True)

    @classmethod
    def of(cls, frame: nw.LazyFrame[Any], spec: Spec) -> Self:
        """Take over an engine's frame; nothing runs.

        Parameters
        ----------
        frame
            The events.
        spec
            How to read it.

        Returns
        -------
        LazyLog
            Of the rows that can be used.
        """
        names = spec.names
        schema = frame.collect_schema()
        spec.wanted(list(schema))
        columns = {role: nw.col(name) for role, name in names.items()}
        time = schema[names["at"]]
        frame = frame.select(**columns)
        frame, wall = with_micros(frame, time, names["at"], spec)
        if wall is not None:
            frame = frame.with_columns(_us=from_wall(nw.col("_us"), wall))
        frame = with_kinds(frame, spec)
        frame = frame.with_columns(_fault=fault_of(frame, spec))
        if "id" in names:
            frame = with_conflicts(frame, list(names))
        good = frame.filter(nw.col("_fault").is_null()).drop("_fault")
        bad = frame.filter(~nw.col("_fault").is_null())
        none = Ids(np.zeros(0, dtype=object))
        return cls(
            ids=none,
            parts=(),
            origin=Origin("lazy"),
            rows=good.drop("at"),
            bad=bad,
            spec=spec,
            time=time,
        )

    @property
    def engine(self) -> Any:
        """The engine's own lazy frame of the rows that can be used."""
        roles = [role for role in self._spec.names if role != "at"]
        return self.native(self._rows.select(*roles, at=nw.col("_us")), "at")

    def native(self, frame: nw.LazyFrame[Any], *instants: str) -> Any:
        """Return an answer as the engine's own frame, microseconds as instants."""
        return nw.to_native(as_instants(frame, instants, self._time))

    @property
    def lazy(self) -> nw.LazyFrame[Any]:
        """The rows that can be used: ``user``, ``kind``, ``_us`` and more."""
        return self._rows

    def __repr__(self) -> str:
        return f"<LazyLog in {self._rows.implementation}>"

    def __len__(self) -> int:
        return int(self._one(nw.len())[0] or 0)

    def _one(self, *aggregates: nw.Expr) -> tuple[Any, ...]:
        frame = self._rows.select(*aggregates).collect("pyarrow")
        return frame.row(0)

    @property
    def first_at(self) -> dt.datetime | None:
        """Instant of the first event; None for an empty log. Runs a query."""
        found = self._one(nw.col("_us").min())[0]
        return None if found is None else from_micros(found)

    @property
    def last_at(self) -> dt.datetime | None:
        """Instant of the last event; None for an empty log. Runs a query."""
        found = self._one(nw.col("_us").max())[0]
        return None if found is None else from_micros(found)

    def check(self) -> None:
        """Raise if a row cannot be used and ``on_bad`` is ``"raise"``.

        Runs one query. ``collect`` calls it; who goes on with ``native`` may
        want to call it once.

        Raises
        ------
        InvalidLogError
            With the counts of every fault and the first rows.
        """  # noqa: DOC501  made by a constructor of its own
        if self._spec.on_bad != "raise":
            return
        bad = self._bad.filter(nw.col("_fault") != "duplicate")
        frame = bad.group_by("_fault").agg(rows=nw.len()).collect("pyarrow")
        counts = dict(
            zip(frame["_fault"].to_list(), frame["rows"].to_list(), strict=True)
        )
        if counts:
            given = len(self) + sum(counts.values())
            ordered = {fault: counts[fault] for fault in FAULTS if fault in counts}
            raise InvalidLogError.of(given, ordered, self._described(bad.head(SHOWN)))

    @property
    def rejected(self) -> Rejected:
        """The rows that cannot be used; an engine's rows have no position (-1).

        Runs queries.
        """
        rows = self._described(self._bad)
        return Rejected(rows, len(self) + len(rows))

    def _described(self, bad: nw.LazyFrame[Any]) -> tuple[BadRow, ...]:
        roles = [role for role in self._spec.names if role != "kind"]
        roles += ["_word"] if "kind" in self._spec.names else []
        rows = bad.select(*roles, "_fault").collect("pyarrow").rows(named=True)
        found = []
        for row in rows:
            fault = row["_fault"]
            role = fault.rpartition("_")[2]
            if role == "number":
                amounts = [one for one in ("value", "duration") if one in row]
                role = next(one for one in amounts if not _is_amount(row[one]))
            cell = row["_word"] if role == "kind" else row.get(role, row["at"])
            role = role if role in self._spec.names else "at"
            got, mend = told(role, fault, cell)
            name = self._spec.names[role]
            found.append(BadRow(-1, fault, name, shorten(got), mend))
        return tuple(found)

    def _where(self, condition: Any) -> LazyLog:
        return attrs.evolve(self, rows=self._rows.filter(condition))

    def between(self, start: dt.datetime, end: dt.datetime) -> LazyLog:
        """Return the events at ``start <= at < end``."""
        low, high = period(start, end)
        return self._where((nw.col("_us") >= low) & (nw.col("_us") < high))

    def only(self, kinds: Iterable[str]) -> LazyLog:
        """Return the events of some kinds."""
        return self._where(nw.col("kind").is_in(check_kinds(kinds)))

    def for_users(self, ids: Iterable[str | int]) -> LazyLog:
        """Return the events of some users."""
        wanted = [ids] if isinstance(ids, str | int) else list(ids)
        return self._where(nw.col("user").is_in(wanted))

    def to_frame(self, like: object = None) -> Any:
        """Return the events: the engine's frame, or ``like`` another kind."""
        return self.engine if like is None else self.collect().to_frame(like)

    def collect(self) -> Log:
        """Bring the events here, as a log in memory."""
        self.check()
        roles = [role for role in self._spec.names if role not in {"at", "id"}]
        frame = self._rows.select(*roles, "_us").collect("pyarrow").to_native()
        names = {role: role for role in roles} | {"at": "_us"}
        builder = Builder(
            attrs.evolve(self._spec, names=names, kinds={}, unit="us", latest=None)
        )
        columns = {name: frame.column(name) for name in frame.column_names}
        builder.add(columns, frame.num_rows)
        return attrs.evolve(builder.finish(ARROW), origin=ARROW)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Collect the log and keep it as a folder; see ``Log.save``."""
        return self.collect().save(path)

    def kind_counts(self, start: dt.datetime | None, end: dt.datetime) -> KindCounts:
        """Return how often each user did each kind; see ``Log.kind_counts``."""
        us = nw.col("_us")
        inside = us <= micros("end", end)
        if start is not None:
            inside = inside & (us > period(start, end)[0])
        rows = self._rows.filter(inside).group_by("user", "kind").agg(n=nw.len())
        frame = rows.sort("user", "kind").collect("pyarrow")
        users, user = np.unique(
            np.asarray(frame["user"].to_numpy()), return_inverse=True
        )
        words, kind = np.unique(
            np.asarray(frame["kind"].to_numpy()), return_inverse=True
        )
        counts = np.zeros((len(users), len(words)), dtype=np.int64)
        counts[user, kind] = frame["n"].to_numpy()
        place = [words.tolist().index(name) for name in KINDS if name in words]
        kinds = tuple(name for name in KINDS if name in words)
        return KindCounts(kinds, users, counts[:, place])

    def summarise(  # type: ignore[override]
        self,
        as_of: dt.datetime,
        *,
        window: dt.timedelta = WINDOW,
        session_gap: dt.timedelta = SESSION_GAP,
        clock: DayClock = DayClock(),
    ) -> LazySummary:
        """Return one row of statistics a user, lazily; see ``Log.summarise``."""
        upto = micros("as_of", as_of)
        start = clock.window_start(as_of, window)
        gap = span_micros("session_gap", session_gap)
        rows = _columns(self._rows.filter(nw.col("_us") <= upto), start, upto, clock)
        before = nw.col("_us").shift(1).over("user", "_own", order_by="_us")
        rows = rows.with_columns(_before=before)
        opens = nw.col("_before").is_null() | (nw.col("_us") - nw.col("_before") > gap)
        rows = rows.with_columns(_session=flag((nw.col("_own") == 1) & opens))
        frame = rows.group_by("user").agg(
            events=nw.len(),
            interactions=nw.col("_active").sum(),
            interactions_in_window=nw.col("_inside").sum(),
            _window_days=nw.col("_window_day").n_unique(),
            sessions=nw.col("_session").sum(),
            value=nw.col("_value").sum(),
            first_at=nw.col("_us").min(),
            last_at=nw.col("_us").max(),
            last_interaction_at=nw.col("_active_us").max(),
            menu_clicks=nw.col("_menu").sum(),
            _days=nw.col("_active_day").n_unique(),
            _first_day=nw.col("_active_day").min(),
            _last_day=nw.col("_active_day").max(),
        )
        frame = frame.join(self.follows(upto), on="user", how="left")
        today = clock.day(as_of)
        frame = _final(
            frame, today, local_day(nw.col("follow_us"), clock, EARLIEST, upto)
        )
        instants = [name for name in COLUMNS if name.endswith("_at")]
        counts = [name for name in COLUMNS if name not in {"user", "value"}]
        frame = frame.with_columns(nw.col(name).cast(nw.Int64()) for name in counts)
        return LazySummary(self.native(frame.select(*COLUMNS), *instants), self)

    def follows(self, upto: int) -> nw.LazyFrame[Any]:
        """Return since when each user follows: ``user``, ``follow_us``."""
        rows = self._rows.filter(
            nw.col("kind").is_in(["follow", "unfollow"]) & (nw.col("_us") <= upto)
        )
        unfollows = rows.filter(nw.col("kind") == "unfollow")
        left = unfollows.group_by("user").agg(_left=nw.col("_us").max())
        stayed = rows.filter(nw.col("kind") == "follow").join(
            left, on="user", how="left"
        )
        stayed = stayed.filter(
            nw.col("_left").is_null() | (nw.col("_us") > nw.col("_left"))
        )
        return stayed.group_by("user").agg(follow_us=nw.col("_us").min())

    def streaks(
        self,
        as_of: dt.datetime,
        *,
        clock: DayClock = DayClock(),
    ) -> Any:
        """Return each user's days in a row, lazily; see ``Log.streaks``."""
        upto, today = micros("as_of", as_of), clock.day(as_of)
        rows = self._rows.filter(
            nw.col("kind").is_in(ACTIVE_KINDS) & (nw.col("_us") <= upto)
        )
        days = rows.select("user", day=local_day(nw.col("_us"), clock, EARLIEST, upto))
        days = days.unique(subset=["user", "day"])
        days = days.with_columns(
            before=nw.col("day").shift(1).over("user", order_by="day")
        )
        new = nw.col("before").is_null() | (nw.col("day") - nw.col("before") != 1)
        days = days.with_columns(new=flag(new))
        days = days.with_columns(
            run=nw.col("new").cum_sum().over("user", order_by="day")
        )
        runs = days.group_by("user", "run").agg(
            length=nw.len(), last=nw.col("day").max()
        )
        alive = nw.when(nw.col("last") >= today - 1).then(nw.col("length"))
        runs = runs.with_columns(alive=alive.otherwise(whole(0)))
        frame = runs.group_by("user").agg(
            current=nw.col("alive").max(),
            longest=nw.col("length").max(),
            last_day=nw.col("last").max(),
        )
        columns = [
            nw.col(n).cast(nw.Int64()) for n in ("current", "longest", "last_day")
        ]
        return nw.to_native(frame.select("user", *columns))


def _is_amount(cell: float | None) -> bool:
    return cell is None or 0 <= cell < math.inf


def _columns(
    rows: nw.LazyFrame[Any], start: int, upto: int, clock: DayClock
) -> nw.LazyFrame[Any]:
    """Add the columns that a summary adds up: 0 and 1, days, instants or null."""
    active, kind = nw.col("kind").is_in(ACTIVE_KINDS), nw.col("kind")
    named = rows.collect_schema().names()
    value = nw.lit(0.0)
    if "value" in named:
        amount = nw.col("value").cast(nw.Float64()).fill_null(0.0)
        value = nw.when(kind == "refund").then(0.0 - amount).otherwise(amount)
    rows = rows.with_columns(
        _active=flag(active),
        _own=flag(kind != "deliver"),
        _menu=flag(kind == "menu_click"),
        _inside=flag(active & (nw.col("_us") >= start)),
        _day=local_day(nw.col("_us"), clock, EARLIEST, upto),
        _value=value,
    )
    return rows.with_columns(
        _active_day=nw.when(nw.col("_active") == 1).then(nw.col("_day")),
        _window_day=nw.when(nw.col("_inside") == 1).then(nw.col("_day")),
        _active_us=nw.when(nw.col("_active") == 1).then(nw.col("_us")),
    )


def _final(
    frame: nw.LazyFrame[Any], today: int, followed: nw.Expr
) -> nw.LazyFrame[Any]:
    """Turn aggregates into the columns of a summary."""
    # A count of distinct values counts null as one.
    some_passive = flag(nw.col("interactions") < nw.col("events"))
    some_outside = flag(nw.col("interactions_in_window") < nw.col("events"))
    days = nw.col("_days") - some_passive
    first = nw.col("_first_day")
    return frame.with_columns(
        active_days_in_window=nw.col("_window_days") - some_outside,
        follow_age_days=today - followed,
        repeat_days=nw.when(days > 0).then(days - 1).otherwise(whole(0)),
        repeat_age_days=(nw.col("_last_day") - first).fill_null(0),
        age_days=(today - first).fill_null(0),
    )


def _summary(frame: nw.DataFrame[Any]) -> Summary:
    """Return a collected frame as a summary."""
    frame = frame.sort("user")
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        series = frame[name]
        if name.endswith("_at"):
            at = np.array(
                [None if v is None else micros("", v) for v in series.to_list()],
                dtype=object,
            )
            none = np.array([v is None for v in at], dtype=np.bool_)
            whole = np.where(none, np.iinfo(np.int64).min, at).astype(np.int64)
            columns[name] = whole.view("datetime64[us]")
        elif name == "follow_age_days":
            columns[name] = np.array(series.to_list(), dtype=np.float64)
        elif name == "user":
            columns[name] = np.array(
                series.to_list(), dtype=None if series.dtype.is_integer() else object
            )
        else:
            columns[name] = series.to_numpy()
    return Summary(**columns, ids=Ids(columns["user"]), origin=ARROW)
