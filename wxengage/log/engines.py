"""What each engine calls the microseconds of an instant.

The one place where engines are told apart: narwhals has no word for it on SQL
engines, and their date parts follow the session's time zone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from wxengage.errors import InvalidLogError
from wxengage.log.expressions import EARLIEST, LATEST, whole
from wxengage.log.instants import UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.log.spec import Spec

__all__ = ["as_instants", "with_micros"]


def with_micros(
    frame: nw.LazyFrame[Any],
    kind: Any,
    name: str,
    spec: Spec,
) -> tuple[nw.LazyFrame[Any], str | None]:
    """Add ``_us``: the column ``at`` as whole microseconds since 1970.

    Parameters
    ----------
    frame
        With a column ``at``.
    kind
        Its type.
    name
        The source's name for it, for messages.
    spec
        Its ``tz`` and ``unit``.

    Returns
    -------
    frame
        With ``_us``.
    tz
        The zone whose wall clock ``_us`` is on, or None when it is UTC.

    Raises
    ------
    InvalidLogError
        If nothing says how to read the column.
    """
    if kind.is_integer():
        if spec.unit is None:
            hint = "say what they count since 1970: unit='s', 'ms' or 'us'"
            raise InvalidLogError(f"column {name!r}", kind, "times", hint)
        number, factor = nw.col("at").cast(nw.Int64()), UNITS[spec.unit]
        # A number too large for its unit stays so: multiplied, it would overflow.
        near = (number >= EARLIEST // factor) & (number < LATEST // factor + 1)
        us = nw.when(near).then(number * factor).otherwise(whole(LATEST))
        return frame.with_columns(_us=us), None
    if kind == nw.Date:
        frame = frame.with_columns(at=nw.col("at").cast(nw.Datetime("us")))
        kind = nw.Datetime("us")
    if not isinstance(kind, nw.Datetime):
        hint = "cast it to a timestamp in the engine first"
        raise InvalidLogError(f"column {name!r}", kind, "times", hint)
    if kind.time_zone is None and spec.tz is None:
        hint = "say how to read times without a zone, for example tz='Asia/Shanghai'"
        raise InvalidLogError(f"column {name!r}", kind, "times with a zone", hint)
    zoned = kind.time_zone is not None
    return _native_micros(frame, zoned=zoned), None if zoned else spec.tz


def _native_micros(frame: nw.LazyFrame[Any], *, zoned: bool) -> nw.LazyFrame[Any]:
    engine, native = frame.implementation, nw.to_native(frame)
    if engine.is_duckdb():
        return _lazy(native.project('*, epoch_us("at") AS "_us"'))
    if engine.is_ibis():
        at = native["at"]
        us = at.delta(_ibis_epoch(zoned=zoned), unit="microsecond")
        return _lazy(native.mutate(_us=us))
    if engine.is_spark_like():
        wall = "timestampdiff(MICROSECOND, timestamp_ntz'1970-01-01 00:00:00', at)"
        text = "unix_micros(at)" if zoned else wall
        return _lazy(native.selectExpr("*", f"{text} AS _us"))
    return frame.with_columns(_us=nw.col("at").dt.timestamp("us"))


def as_instants(
    frame: nw.LazyFrame[Any],
    names: Sequence[str],
    kind: Any,
) -> nw.LazyFrame[Any]:
    """Turn columns of microseconds since 1970 into the engine's instants.

    Parameters
    ----------
    frame
        The engine's.
    names
        Columns of whole microseconds, null for none.
    kind
        Type of the source's time column: where the engine keeps resolution and
        zone in the type, answers have the same.

    Returns
    -------
    frame
        The same columns in the same order.

    Notes
    -----
    Durations are added before, as microseconds: an engine that adds 30 days to
    an instant adds them on its session's calendar, an hour off across a change
    of the clock.
    """
    engine, native = frame.implementation, nw.to_native(frame)
    order = frame.collect_schema().names()
    if engine.is_duckdb():
        columns = ", ".join(
            f'make_timestamptz("{name}") AS "{name}"' if name in names else f'"{name}"'
            for name in order
        )
        return _lazy(native.project(columns))
    if engine.is_ibis():
        start = _ibis_epoch(zoned=True)
        instants = {name: start + native[name].as_interval("us") for name in names}
        return _lazy(native.mutate(**instants))
    if engine.is_spark_like():
        texts = [
            f"timestamp_micros(`{name}`) AS `{name}`" if name in names else f"`{name}`"
            for name in order
        ]
        return _lazy(native.selectExpr(*texts))
    zoned = isinstance(kind, nw.Datetime) and kind.time_zone is not None
    for name in names:
        instant = nw.col(name).cast(nw.Datetime("us", "UTC"))
        if zoned:
            instant = instant.dt.convert_time_zone(kind.time_zone)
            instant = instant.cast(nw.Datetime(kind.time_unit, kind.time_zone))
        frame = frame.with_columns(instant.alias(name))
    return frame


def _ibis_epoch(*, zoned: bool) -> Any:
    import ibis  # noqa: PLC0415  the frame came from it

    return ibis.timestamp("1970-01-01T00:00:00" + ("+00:00" if zoned else ""))


def _lazy(native: Any) -> nw.LazyFrame[Any]:
    """Return an engine's frame as narwhals sees it."""
    frame: nw.LazyFrame[Any] = nw.from_native(native)
    return frame
