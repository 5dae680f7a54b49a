"""A column of times, however it is written, as microseconds since 1970 in UTC."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from wxengage.errors import InvalidInputError, InvalidLogError
from wxengage.log.columns import filled, is_arrow, is_none, is_series, text_numbers
from wxengage.log.faults import CODE, mark
from wxengage.times.zones import EPOCH, MICROS_PER_DAY, to_utc, zone

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["UNITS", "Instants", "instants_of"]

UNITS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_EARLIEST: Final = -MICROS_PER_DAY  # whose 1970 began before that of UTC
_LATEST: Final = (dt.datetime(2200, 1, 1, tzinfo=dt.UTC) - EPOCH) // _MICROSECOND
# Where nearly every log of an online service lies: 1990 to 2100. Only used to
# tell milliseconds from seconds.
_LIKELY: Final = (631_152_000, 4_102_444_800)
_ISO: Final = (
    r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?$"
)
_ZONED: Final = r":\d\d([.]\d{1,6})?(Z|[+-]\d\d:?\d\d)$"


class Instants(NamedTuple):
    """A column of instants, microseconds since 1970, and what is wrong with each."""

    at: NDArray[np.int64]
    faults: NDArray[np.uint8]
    unit: str
    tz: str


def instants_of(
    name: str,
    column: Any,
    *,
    tz: str | None,
    unit: str | None,
) -> Instants:
    """Read a column of instants.

    Parameters
    ----------
    name
        The column's name, for messages.
    column
        A ``pyarrow`` array, a pandas Series, a numpy array or a list: aware or
        naive datetimes, dates, ISO 8601 text, or numbers since 1970.
    tz
        Zone of what carries none. None: such times are refused, except numpy's
        ``datetime64``, which is UTC.
    unit
        ``"s"``, ``"ms"`` or ``"us"`` of numbers. None: numbers are refused.

    Returns
    -------
    Instants
        Microseconds since 1970, and a fault code each.

    Raises
    ------
    InvalidLogError
        If nothing says how to read the column.
    InvalidInputError
        If the unit is unknown.
    """
    if unit is not None and unit not in UNITS:
        raise InvalidInputError("unit", unit, "one of 's', 'ms', 'us'")
    if is_arrow(column):
        return _arrow_instants(name, column, tz, unit)
    if is_series(column):
        return _pandas_instants(name, column, tz, unit)
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "M":
            out = "s" if column.dtype == "M8[s]" else np.datetime_data(column.dtype)[0]
            wall = column.astype("datetime64[us]").view(np.int64)
            missing = np.isnat(column)
            return _walls(
                wall, missing, tz or "UTC", out if out in {*UNITS, "ns"} else "us"
            )
        if column.dtype.kind in "iuf":
            return _epochs(name, column, np.zeros(len(column), np.bool_), unit)
        column = column.tolist()
    return _list_instants(name, column, tz, unit)


def _arrow_instants(
    name: str, column: Any, tz: str | None, unit: str | None
) -> Instants:
    import pyarrow as pa  # noqa: PLC0415  the column came from it

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    missing = np.zeros(len(column), dtype=np.bool_)
    if column.null_count:
        missing = np.asarray(column.is_null())
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"))
        kind = column.type
    if pa.types.is_timestamp(kind):
        # Nanoseconds are cut to the microsecond, the resolution of everything here.
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
        at = np.asarray(filled(column.cast(pa.int64()), 0))
        if kind.tz is not None:
            return _ranged(at, missing, kind.unit, kind.tz)
        return _walls(at, missing, _need_zone(name, kind, tz), kind.unit)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _epochs(name, np.asarray(filled(column, 0)), missing, unit)
    if "string" not in str(kind):
        raise InvalidLogError(f"column {name!r}", kind, "times")
    column = column.cast(pa.large_string())
    if unit is None:
        return _texts(name, column, missing, tz)
    numbers, missing = text_numbers(column)
    found = _epochs(name, np.where(missing, 0, numbers), missing, unit)
    found.faults[np.isnan(numbers) & ~missing] = CODE["unreadable_time"]
    return found


def _pandas_instants(
    name: str, column: Any, tz: str | None, unit: str | None
) -> Instants:
    dtype = column.dtype
    if hasattr(dtype, "pyarrow_dtype"):
        import pyarrow as pa  # noqa: PLC0415  the column is made of it

        return _arrow_instants(name, pa.array(column.array), tz, unit)
    missing = column.isna().to_numpy(dtype=bool)
    if dtype.kind == "M":
        zoned = getattr(dtype, "tz", None)
        out = getattr(dtype, "unit", None) or str(
            np.datetime_data(np.dtype(dtype.str))[0]
        )
        if zoned is None:
            wall = column.to_numpy(dtype="datetime64[us]").view(np.int64)
            return _walls(wall, missing, _need_zone(name, dtype, tz), out)
        at = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return _ranged(
            at.to_numpy(dtype="datetime64[us]").view(np.int64), missing, out, str(zoned)
        )
    if dtype.kind in "iuf":
        filled = column.fillna(0) if missing.any() else column
        return _epochs(name, filled.to_numpy(), missing, unit)
    return _list_instants(name, column.tolist(), tz, unit)


def _need_zone(name: str, got: object, tz: str | None) -> str:
    if tz is None:
        hint = "say how to read times without a zone, for example tz='Asia/Shanghai'"
        raise InvalidLogError(f"column {name!r}", got, "times with a zone", hint)
    zone(tz)
    return tz


def _walls(
    wall: NDArray[np.int64], missing: NDArray[np.bool_], tz: str, unit: str
) -> Instants:
    """Read wall-clock times of one zone."""
    wall = np.where(missing, 0, wall)
    if tz == "UTC":
        return _ranged(wall, missing, unit, tz)
    inside = (wall >= _EARLIEST) & (wall < _LATEST)
    at, exists = to_utc(np.where(inside, wall, 0), zone(tz))
    found = _ranged(np.where(inside, at, wall), missing, unit, tz)
    mark(found.faults, ~exists & ~missing, "no_such_time")
    return found


def _ranged(
    at: NDArray[np.int64], missing: NDArray[np.bool_], unit: str, tz: str
) -> Instants:
    faults = np.zeros(len(at), dtype=np.uint8)
    if missing.any():
        at = np.where(missing, 0, at)
        mark(faults, missing, "missing_time")
    if at.size and (int(at.min()) < _EARLIEST or int(at.max()) >= _LATEST):
        mark(faults, (at < _EARLIEST) | (at >= _LATEST), "time_out_of_range")
    return Instants(at, faults, unit, tz)


def _epochs(
    name: str, numbers: NDArray[Any], missing: NDArray[np.bool_], unit: str | None
) -> Instants:
    """Read numbers since 1970."""
    if unit is None:
        got = f"numbers such as {numbers[0]}" if len(numbers) else "numbers"
        hint = "say what they count since 1970: unit='s', 'ms' or 'us'"
        raise InvalidLogError(f"column {name!r}", got, "times", hint)
    factor = UNITS[unit]
    fine = (
        np.isfinite(numbers)
        if numbers.dtype.kind == "f"
        else np.ones(len(numbers), np.bool_)
    )
    limit = _LATEST // factor + 1
    inside = fine & (numbers >= -limit) & (numbers <= limit)
    safe = np.where(inside, numbers, 0)
    whole = (
        np.rint(safe * factor)
        if numbers.dtype.kind == "f"
        else safe.astype(np.int64) * factor
    )
    found = _ranged(whole.astype(np.int64), missing, "us", "UTC")
    nan = ~fine & (numbers != numbers)  # noqa: PLR0124  NaN, pandas' missing
    mark(found.faults, nan, "missing_time")
    mark(found.faults, ~inside, "time_out_of_range")
    _check_unit(name, numbers[fine & ~missing], unit)
    return found


def _check_unit(name: str, numbers: NDArray[Any], unit: str) -> None:
    """Refuse a unit under which no row is likely and another under which all are."""
    if not numbers.size:
        return
    low, high = float(numbers.min()), float(numbers.max())

    def likely(other: str) -> bool:
        per_second = 1_000_000 / UNITS[other]
        return _LIKELY[0] <= low / per_second and high / per_second < _LIKELY[1]

    better = [other for other in UNITS if other != unit and likely(other)]
    if better and not likely(unit):
        hint = f"as unit={better[0]!r} they lie between 1990 and 2100"
        raise InvalidLogError(
            f"column {name!r}", numbers[0], f"times in unit={unit!r}", hint
        )


def _texts(
    name: str, column: Any, missing: NDArray[np.bool_], tz: str | None
) -> Instants:
    """Read ISO 8601 text in an Arrow column."""
    import pyarrow as pa  # noqa: PLC0415  the column came from it
    import pyarrow.compute as pc  # noqa: PLC0415

    shaped = np.asarray(pc.match_substring_regex(column, _ISO).fill_null(False))
    zoned = (
        np.asarray(pc.match_substring_regex(column, _ZONED).fill_null(False)) & shaped
    )
    plain = shaped & ~zoned & ~missing
    try:
        at = np.zeros(len(column), dtype=np.int64)
        for mask, kind in (
            (zoned, pa.timestamp("us", "UTC")),
            (plain, pa.timestamp("us")),
        ):
            if mask.any():
                some = column.filter(pa.array(mask)).cast(kind).cast(pa.int64())
                at[mask] = np.asarray(some)
    except pa.ArrowInvalid:  # shaped like a date and none, such as 2026-02-30
        return _list_instants(name, column.to_pylist(), tz, None)
    return _join(at, plain, ~shaped & ~missing, missing, tz)


def _join(
    at: NDArray[np.int64],
    naive: NDArray[np.bool_],
    unreadable: NDArray[np.bool_],
    missing: NDArray[np.bool_],
    tz: str | None,
) -> Instants:
    """Join instants, wall-clock times and what could not be read."""
    found = _ranged(at, missing, "us", tz or "UTC")
    mark(found.faults, unreadable, "unreadable_time")
    if naive.any() and tz is None:
        mark(found.faults, naive, "naive_time")
    elif naive.any() and tz is not None:
        walls = _walls(at[naive], np.zeros(int(naive.sum()), np.bool_), tz, "us")
        found.at[naive] = walls.at
        found.faults[naive] = walls.faults
    return found


def _list_instants(
    name: str, values: list[Any], tz: str | None, unit: str | None
) -> Instants:
    """Read a list, each value by its own type."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds and all(
        issubclass(k, int | float | np.number) and k is not bool for k in kinds
    ):
        missing = np.array([v is None for v in values], dtype=np.bool_)
        numbers = np.array([0 if v is None else v for v in values])
        return _epochs(name, numbers, missing, unit)
    n = len(values)
    at = np.zeros(n, dtype=np.int64)
    naive, unreadable, missing = (np.zeros(n, dtype=np.bool_) for _ in range(3))
    for row, value in enumerate(values):
        if is_none(value):
            missing[row] = True
            continue
        stamp = _stamp(value)
        if stamp is None:
            unreadable[row] = True
        elif stamp.tzinfo is None:
            naive[row] = True
            at[row] = (stamp.replace(tzinfo=dt.UTC) - EPOCH) // _MICROSECOND
        else:
            at[row] = (stamp - EPOCH) // _MICROSECOND
    return _join(at, naive, unreadable, missing, tz)


def _stamp(value: object) -> dt.datetime | None:
    """Return a value as a datetime, or None if it is none."""
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001  naive on purpose
    if isinstance(value, np.datetime64):
        return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(
            microseconds=int(value.astype("datetime64[us]").view(np.int64))
        )
    if not isinstance(value, str) or re.fullmatch(_ISO, value) is None:
        return None
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None
