"""Columns of words, ids and numbers, whatever they are made of, as numpy arrays."""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from wxengage.errors import INT64_MAX, InvalidLogError
from wxengage.log.faults import mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Codes",
    "codes_of",
    "filled",
    "is_arrow",
    "is_series",
    "numbers_of",
    "text_numbers",
]

_NUMBER: Final = r"^[+-]?\d+([.]\d*)?([eE][+-]?\d{1,3})?$"


class Codes(NamedTuple):
    """A column as codes: -1 for none, and the value of each code."""

    codes: NDArray[np.int64]
    values: Any  # a pyarrow.Array, or a numpy array of int64 or objects


def is_arrow(column: object) -> bool:
    """Return whether a column is a ``pyarrow`` array, without importing pyarrow."""
    return type(column).__module__.partition(".")[0] == "pyarrow"


def is_series(column: object) -> bool:
    """Return whether a column is a pandas Series, or behaves like one."""
    return hasattr(column, "factorize")


def filled(column: Any, value: int) -> Any:
    """Return an Arrow column with a value in the place of nulls."""
    # Filling copies, whether there is a null or not.
    return column.fill_null(value) if column.null_count else column


def codes_of(column: Any) -> Codes:
    """Return the distinct values of a column of words or ids, numbered.

    Parameters
    ----------
    column
        A ``pyarrow`` array, a pandas Series, a numpy array or a list.

    Returns
    -------
    Codes
        ``int64`` codes; values keep their type. Dense whole numbers are numbered
        in their own order, anything else by first appearance.

    Notes
    -----
    A hash table over the values, except for dense whole numbers, which index a
    table directly: ``O(n)``.
    """
    if is_arrow(column):
        return _arrow_codes(column)
    if is_series(column):
        return _series_codes(column)
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        return _integer_codes(column)
    return _list_codes(column.tolist() if isinstance(column, np.ndarray) else column)


def _series_codes(column: Any) -> Codes:
    try:
        codes, values = column.factorize()
    except TypeError:  # a list, say, has no hash
        return _list_codes(column.tolist())
    if values.dtype == object and any(type(value) is not str for value in values):
        # pandas takes 1 and True for the same value.
        return _list_codes(column.tolist())
    return Codes(np.asarray(codes, dtype=np.int64), _objects(values.to_numpy()))


def _list_codes(column: list[Any]) -> Codes:
    known: dict[Any, int] = {}
    if set(map(type, column)) <= {str}:
        codes = [known.setdefault(value, len(known)) for value in column]
        return Codes(np.array(codes, dtype=np.int64), _objects(list(known)))
    # 1, 1.0 and True are one key of a dict, and three different ids here.
    keyed = [
        None if is_none(value) else (type(value), _hashable(value)) for value in column
    ]
    codes = [-1 if key is None else known.setdefault(key, len(known)) for key in keyed]
    return Codes(
        np.array(codes, dtype=np.int64), _objects([value for _, value in known])
    )


def is_none(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124  NaN and NaT


def _hashable(value: Any) -> Any:
    """Return a value, or something else that is no id either where it has no hash."""
    try:
        hash(value)
    except TypeError:
        return (str(value),)
    return value


def _objects(values: Any) -> NDArray[Any]:
    """Return distinct values as int64 where all are whole numbers, else objects."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        return values.astype(np.int64)
    values = list(values)
    if values and all(
        isinstance(v, int | np.integer)
        and not isinstance(v, bool)
        and abs(int(v)) <= INT64_MAX
        for v in values
    ):
        return np.array(values, dtype=np.int64)
    plain = (str(v) if type(v) is np.str_ else v for v in values)
    return np.fromiter(plain, dtype=object, count=len(values))


def _arrow_codes(column: Any) -> Codes:
    import pyarrow as pa  # noqa: PLC0415  the column came from it

    if isinstance(column, pa.ChunkedArray):
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries()
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(column, pa.ChunkedArray):  # an empty one stays chunked
        column = pa.array([], type=column.type)
    if pa.types.is_integer(column.type) and not column.null_count:
        return _integer_codes(column.to_numpy(zero_copy_only=False))
    if pa.types.is_null(column.type):
        return Codes(np.full(len(column), -1), np.zeros(0, dtype=object))
    if pa.types.is_nested(column.type):
        return _list_codes(column.to_pylist())
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = filled(column.indices.cast(pa.int64()), -1).to_numpy()
    values = column.dictionary
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        if pa.types.is_string_view(values.type):
            values = values.cast(pa.string())
        else:
            values = _objects(values.to_pylist())
    return Codes(codes.astype(np.int64), values)


def _integer_codes(column: NDArray[Any]) -> Codes:
    if not column.size:
        return Codes(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    low, high = int(column.min()), int(column.max())
    if high - low > 4 * column.size + 1_000_000 or high > INT64_MAX:
        # A number beyond 64 bits with sign becomes negative, which no id is.
        values, codes = np.unique(column, return_inverse=True)
        return Codes(codes.astype(np.int64), values.astype(np.int64))
    offsets = column if low == 0 else column.astype(np.int64) - low
    present = np.zeros(high - low + 1, dtype=np.bool_)
    present[offsets] = True
    if present.all():
        return Codes(offsets.astype(np.int64, copy=False), np.arange(low, high + 1))
    return Codes((np.cumsum(present) - 1)[offsets], np.flatnonzero(present) + low)


def numbers_of(name: str, column: Any) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Read a column of amounts that are not negative; none counts as 0.

    Parameters
    ----------
    name
        The column's name, for messages.
    column
        A ``pyarrow`` array, a pandas Series, a numpy array or a list.

    Returns
    -------
    values
        Shape ``(n,)``, 0 where there is none or where it is bad.
    faults
        A fault code each, 0 for none. Shape ``(n,)``.

    Raises
    ------
    InvalidLogError
        If the column does not hold numbers.
    """
    values, missing = _floats(name, column)
    faults = np.zeros(len(values), dtype=np.uint8)
    if missing.any():
        values = np.where(missing, 0.0, values)
    finite = np.isfinite(values)
    if not finite.all():
        mark(faults, ~finite, "bad_number")
    mark(faults, values < 0, "negative_number")
    return (np.where(faults > 0, 0.0, values) if faults.any() else values), faults


def _floats(name: str, column: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a column as floats, and where it is empty."""
    if is_arrow(column):
        return _arrow_floats(name, column)
    if is_series(column):
        return _pandas_floats(name, column)
    if isinstance(column, list) or column.dtype.kind == "O":
        return _list_floats(name, list(column))
    if column.dtype.kind not in "iuf":
        raise _no_numbers(name, column.dtype)
    return column.astype(np.float64), np.zeros(len(column), dtype=np.bool_)


def _arrow_floats(
    name: str, column: Any
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    import pyarrow as pa  # noqa: PLC0415  the column came from it

    kind = column.type
    if pa.types.is_null(kind):
        return np.zeros(len(column)), np.ones(len(column), dtype=np.bool_)
    if pa.types.is_string(kind):
        return text_numbers(column)
    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    if not any(one(kind) for one in known):
        raise _no_numbers(name, kind)
    none = np.zeros(len(column), dtype=np.bool_)
    if column.null_count:
        none = np.asarray(column.is_null())
        column = column.fill_null(0)
    return np.asarray(column.cast(pa.float64())), none


def _pandas_floats(
    name: str, column: Any
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if column.dtype.kind not in "iuf":
        raise _no_numbers(name, column.dtype)
    if isinstance(column.dtype, np.dtype):
        # NaN here may be pandas' word for none or a fault; it does not say which.
        none = np.zeros(len(column), dtype=np.bool_)
        return column.to_numpy(dtype=np.float64), none
    none = column.isna().to_numpy(dtype=bool)
    return column.to_numpy(dtype=np.float64, na_value=0.0), none


def _list_floats(
    name: str, column: list[Any]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    known = (int, float, decimal.Decimal, np.integer, np.floating)
    for value in column:
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, known)
        ):
            raise _no_numbers(name, value)
    none = np.array([value is None for value in column], dtype=np.bool_)
    return np.array([0.0 if v is None else float(v) for v in column]), none


def text_numbers(column: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read the numbers of a text file; what is none comes back as NaN."""
    import pyarrow as pa  # noqa: PLC0415  the column came from it
    import pyarrow.compute as pc  # noqa: PLC0415

    good = np.asarray(pc.match_substring_regex(column, _NUMBER).fill_null(False))
    values = np.full(len(column), np.nan)
    values[good] = np.asarray(column.filter(pa.array(good)).cast(pa.float64()))
    return values, np.asarray(column.is_null())


def _no_numbers(name: str, got: object) -> InvalidLogError:
    return InvalidLogError(
        f"column {name!r}", got, "numbers", "convert the column first"
    )
