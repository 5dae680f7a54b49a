"""From any source to a log, row by row accounted for (读取日志)."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import narwhals.stable.v2 as nw
import numpy as np

from wxengage.errors import InvalidInputError, InvalidLogError
from wxengage.log.building import Builder
from wxengage.log.columns import is_arrow, is_series
from wxengage.log.events import Event
from wxengage.log.frames import ARRAYS, ARROW, Origin, _form
from wxengage.log.instants import UNITS
from wxengage.log.kinds import KINDS, Kind, nearest_kind
from wxengage.log.lazy import LazyLog
from wxengage.log.spec import Spec
from wxengage.times.zones import micros, zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.log.table import Log

__all__ = ["read_log"]

#: A clock may be this far ahead before a row counts as coming from the future.
CLOCK_SKEW: Final = dt.timedelta(minutes=5)
_SKEW_MICROS: Final = CLOCK_SKEW // dt.timedelta(microseconds=1)


def read_log(
    source: Any,
    *,
    user: str = "user",
    kind: str | Kind = "kind",
    at: str = "at",
    id: str | None = None,  # noqa: A002  the field's name
    value: str | None = None,
    duration: str | None = None,
    item: str | None = None,
    channel: str | None = None,
    group: str | None = None,
    tz: str | None = None,
    unit: str | None = None,
    now: dt.datetime | None = None,
    encoding: str = "utf-8",
    kinds: Mapping[Any, str] | None = None,
    on_bad: str = "raise",
) -> Log:
    """Read what users did.

    Parameters
    ----------
    source
        A pandas, Polars, PyArrow, DuckDB, Ibis or PySpark frame; a dict of
        arrays; a list of dicts or of ``Event``; a path, several paths or a glob
        of Parquet, CSV or NDJSON files; or anything with ``to_log_source()``.
        A lazy source (Polars lazy, DuckDB, Ibis, PySpark) stays in its engine.
    user, kind, at
        Names of the columns that say who, what and when. ``kind`` may also be a
        ``Kind``, such as ``KINDS["purchase"]``, when every row is of that kind.
    id
        Column with the source's own id of an event. The same id with the same
        content counts once; with other content neither row is used.
    value, duration
        Columns with amounts, not negative; empty is 0.
    item, channel, group
        Columns that say what it was done to, through what and where.
    tz
        Zone of times that carry none. None: such times are refused.
    unit
        ``"s"``, ``"ms"`` or ``"us"`` when times are numbers since 1970. None:
        numbers are refused.
    now
        When given, rows later than five minutes after it are bad.
    encoding
        Of CSV files, for example ``"gb18030"``.
    kinds
        From the source's words, or in memory its numbers, to names in
        ``KINDS``. Words that are not in it must be names in ``KINDS`` themselves.
    on_bad
        ``"raise"``: a bad row raises. ``"set_aside"``: bad rows are left out
        and listed in ``log.rejected``, each with its reason.

    Returns
    -------
    Log
        Rows used and rows rejected together are the rows given.

    Raises
    ------
    InvalidLogError
        If a column is missing or cannot be read, or (``on_bad="raise"``) a row
        is bad: with the counts of every fault and the first rows.
    InvalidInputError
        If a parameter breaks its rule.

    Notes
    -----
    ``O(n)`` and one hash table of the distinct ids. Files are read in batches.
    Above 10 million rows the events of a file source wait on disk, so that
    memory grows with users, not with events (not with ``id``: telling repeats
    apart needs all ids at hand).

    Examples
    --------
    >>> log = read_log(
    ...     {"user": ["ann", "bo"], "kind": ["like", "read"], "at": [0, 60]}, unit="s"
    ... )
    >>> len(log), log.last_at.isoformat()
    (2, '1970-01-01T00:01:00+00:00')
    """
    if on_bad not in {"raise", "set_aside"}:
        raise InvalidInputError("on_bad", on_bad, "'raise' or 'set_aside'")
    if unit is not None and unit not in UNITS:
        raise InvalidInputError("unit", unit, "one of 's', 'ms', 'us'")
    if tz is not None:
        zone(tz)
    names = {"user": user, "kind": kind, "at": at, "id": id, "value": value}
    names |= {"duration": duration, "item": item, "channel": channel, "group": group}
    _check_names(names)
    constant = kind.name if isinstance(kind, Kind) else None
    if constant is not None and constant not in KINDS:
        raise InvalidInputError("kind", constant, "a kind in KINDS")
    if constant is not None:
        del names["kind"]
    spec = Spec(
        names={role: name for role, name in names.items() if isinstance(name, str)},
        constant=constant,
        kinds=_checked(kinds or {}),
        tz=tz,
        unit=unit,
        latest=None if now is None else micros("now", now) + _SKEW_MICROS,
        on_bad=on_bad,
    )
    return _read(source, spec, encoding)


def _check_names(names: Mapping[str, object]) -> None:
    for role, name in names.items():
        needless = name is None and role not in {"user", "kind", "at"}
        constant = isinstance(name, Kind) and role == "kind"
        if not (isinstance(name, str) or needless or constant):
            raise InvalidInputError(role, name, "the name of a column")


def _checked(kinds: Mapping[Any, str]) -> Mapping[Any, str]:
    if not isinstance(kinds, Mapping):
        raise InvalidInputError("kinds", kinds, "a mapping from words to kinds")
    for word, name in kinds.items():
        if name not in KINDS:
            near = nearest_kind(str(name))
            hint = f"did you mean {near!r}?" if near else "see wxengage.log.KINDS"
            raise InvalidInputError(f"kinds[{word!r}]", name, "a known kind", hint)
    return kinds


def _read(source: Any, spec: Spec, encoding: str) -> Log:
    if hasattr(source, "to_log_source"):
        return _read(source.to_log_source(), spec, encoding)
    if isinstance(source, str | os.PathLike):
        return _read_files([source], spec, encoding)
    if isinstance(source, dict):
        return _read_columns(source, spec, ARRAYS)
    if isinstance(source, list | tuple):
        return _read_list(source, spec, encoding)
    try:
        frame = nw.from_native(source)
    except TypeError:
        rule = "a frame, a dict of arrays, a list of dicts or events, or paths"
        raise InvalidInputError("source", type(source), rule) from None
    if isinstance(frame, nw.LazyFrame):
        return LazyLog.of(frame, spec)
    columns = {name: _column(frame, name) for name in spec.wanted(frame.columns)}
    return _read_columns(columns, spec, Origin(_form(frame)))


def _read_list(source: Sequence[Any], spec: Spec, encoding: str) -> Log:
    if source and all(isinstance(one, str | os.PathLike) for one in source):
        return _read_files(source, spec, encoding)
    if source and all(isinstance(one, Event) for one in source):
        fields = [field.name for field in attrs.fields(Event)]
        columns = {name: [getattr(event, name) for event in source] for name in fields}
        extra = {n: n for n in ("id", "value", "item", "channel", "group")}
        used = {n: n for n in extra if any(v is not None for v in columns[n])}
        spec = attrs.evolve(spec, names=used | dict(spec.names))
        return _read_columns(columns, spec, Origin("records"))
    for row, one in enumerate(source):
        if not isinstance(one, dict):
            rule = (
                "a dict, as the rows before it" if row else "a dict, an Event or a path"
            )
            raise InvalidInputError(f"source[{row}]", type(one), rule)
    present = (
        {name: None for one in source for name in one}
        if source
        else spec.names.values()
    )
    wanted = spec.wanted(list(present))
    columns = {name: [one.get(name) for one in source] for name in wanted}
    return _read_columns(columns, spec, Origin("records"))


def _column(frame: nw.DataFrame[Any], name: str) -> Any:
    """Return a frame's column as pandas, Arrow or numpy has it."""
    series = frame.get_column(name)
    if frame.implementation.is_pandas_like() or frame.implementation.is_pyarrow():
        return series.to_native()
    if series.dtype == nw.Object:
        return series.to_list()  # in Arrow these would be addresses
    try:
        import pyarrow  # noqa: F401, ICN001, PLC0415  an extra
    except ImportError:
        return series.to_list()
    return series.to_arrow()


def _read_columns(columns: Mapping[str, Any], spec: Spec, origin: Origin) -> Log:
    wanted = spec.wanted(list(columns))
    chosen = {name: _one_column(name, columns[name]) for name in wanted}
    lengths = {name: len(column) for name, column in chosen.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidLogError("log", lengths, "columns of one length")
    builder = Builder(spec)
    builder.add(chosen, next(iter(lengths.values())))
    return builder.finish(origin)


def _one_column(name: str, column: Any) -> Any:
    """Return a column as an array, a Series or a list."""
    if is_arrow(column) or is_series(column) or isinstance(column, list):
        return column
    if isinstance(column, np.ndarray) and column.ndim == 1:
        return column
    if isinstance(column, str | bytes | np.ndarray) or not isinstance(column, Iterable):
        raise InvalidInputError(f"source[{name!r}]", column, "a list or an array")
    return list(column)


def _read_files(paths: Sequence[Any], spec: Spec, encoding: str) -> Log:
    from wxengage.log.files import batches, count_rows, find  # noqa: PLC0415  the extra `files`

    files = find(paths)
    builder = Builder(spec, spill=True, expected=count_rows(files))
    for columns, rows in batches(files, spec, encoding):
        builder.add(columns, rows)
    return builder.finish(ARROW)
