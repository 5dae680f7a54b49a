"""Ids and tables of values as a plan takes them (候选读取): checked, hardly copied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.errors import INVISIBLE, LONGEST_ID, InvalidInputError, require_id
from wxengage.log.parallel import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["LARGEST_VALUE", "counts_of", "distinct", "ids_of", "table_of"]

#: Sums of a million such values are still exact to a hundredth.
LARGEST_VALUE: Final = 1e12
_ID: Final = re.compile(rf"(?=.*\S)[^{INVISIBLE}]{{1,{LONGEST_ID}}}", re.DOTALL)
# A smaller table is merged by comparing rows, a larger one by hashes of rows.
_SMALL: Final = 1 << 20
# Rows that differ in the first few columns differ.
_GLANCE: Final = 4
_BLOCK: Final = 8_192
_ODD: Final = 0x9E3779B97F4A7C15


def ids_of(users: ArrayLike | Sequence[str]) -> NDArray[Any]:
    """Return checked ids: integers, or ``object`` holding ``str``.

    Parameters
    ----------
    users
        One id a user.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If an id can be none, or is there twice.
    """
    found = np.asarray(users)
    if found.ndim != 1:
        raise InvalidInputError("users", users, "a list of ids, one a user")
    if found.dtype.kind in "iu":
        ordered = found if (found[1:] > found[:-1]).all() else np.sort(found)
        if (ordered[1:] == ordered[:-1]).any():
            _refuse_repeats(found.tolist())
        return found
    # numpy makes text of a mixed list, which would hide what is no text.
    listed = users if isinstance(users, list | tuple) else found.tolist()
    if set(map(type, listed)) != {str} or not all(map(_ID.fullmatch, listed)):
        for row, one in enumerate(listed):
            require_id(f"users[{row}]", one)
    if len(set(listed)) < len(listed):
        _refuse_repeats(listed)
    ids = np.empty(len(listed), dtype=object)
    ids[:] = listed
    return ids


def _refuse_repeats(listed: Sequence[object]) -> None:
    seen: set[object] = set()
    for row, one in enumerate(listed):
        if one in seen:
            raise InvalidInputError(f"users[{row}]", one, "named once")
        seen.add(one)


def table_of(name: str, got: ArrayLike, shape: tuple[int, int]) -> NDArray[np.floating]:
    """Return checked values; NaN stays.

    Parameters
    ----------
    name
        What the caller calls them.
    got
        Numbers.
    shape
        What their shape must be.

    Returns
    -------
    numpy.ndarray
        Floats of 32 or 64 bits, row by row in memory. What came like that is not
        copied.

    Raises
    ------
    InvalidInputError
        If they are no numbers, of another shape, infinite or too large.
    """
    values = np.asarray(got)
    if values.size == 0 and 0 in shape:
        return np.empty(shape, dtype=np.float64)
    if values.dtype.kind not in "fiu":
        raise InvalidInputError(name, values.dtype, "numbers, NaN where not allowed")
    if values.shape != shape:
        hint = "a row for each user, a column for each option"
        raise InvalidInputError(name, values.shape, f"of shape {shape}", hint)
    if values.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
        values = values.astype(np.float64)
    values = np.ascontiguousarray(values)
    high = np.fmax.reduce(values, axis=None)
    low = np.fmin.reduce(values, axis=None)
    if high > LARGEST_VALUE or low < -LARGEST_VALUE:
        bad = np.abs(values) > LARGEST_VALUE
        row, column = np.argwhere(bad)[0].tolist()
        rule = f"finite and within {LARGEST_VALUE:g}; NaN where not allowed"
        raise InvalidInputError(
            f"{name}[{row}, {column}]", float(values[row, column]), rule
        )
    return values


def counts_of(name: str, got: ArrayLike | None, n: int) -> NDArray[np.int64] | None:
    """Return checked counts, one a user.

    Parameters
    ----------
    name
        What the caller calls them.
    got
        Whole numbers; None stays None.
    n
        How many there must be.

    Returns
    -------
    numpy.ndarray or None
        Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If they are not ``n`` whole numbers from 0.
    """
    if got is None:
        return None
    counts = np.asarray(got)
    if counts.size == 0 and n == 0:
        return np.empty(0, dtype=np.int64)
    if counts.shape != (n,) or counts.dtype.kind not in "iu":
        shape = (counts.shape, counts.dtype)
        raise InvalidInputError(name, shape, f"{n} whole numbers, one a user")
    if (counts < 0).any():
        row = int((counts < 0).argmax())
        raise InvalidInputError(f"{name}[{row}]", int(counts[row]), "not negative")
    return counts.astype(np.int64)


def distinct(
    values: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Return the distinct rows in an order of their own, and each user's row.

    Parameters
    ----------
    values
        Shape ``(n, k)``.

    Returns
    -------
    rows
        Shape ``(m, k)``. Of a large table of which less than half would go, the
        table itself, as a view that cannot be written to.
    row_of
        Shape ``(n,)``.
    """
    n, options = values.shape
    if n == 0 or options == 0:
        return values[: min(n, 1)], np.zeros(n, dtype=np.int64)
    if values.size <= _SMALL:
        plain = _plain(values)
        whole = plain.view(np.dtype((np.void, plain.itemsize * options))).ravel()
        _, first, row_of = np.unique(whole, return_index=True, return_inverse=True)
        return plain[first], row_of.astype(np.int64)
    kept = values.view()
    kept.flags.writeable = False
    for columns in (min(_GLANCE, options), options):
        hashes = _hashes(values, columns)
        ordered = np.sort(hashes)
        if 2 * (int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1) > n:
            return kept, np.arange(n)
    _, first, row_of = np.unique(hashes, return_index=True, return_inverse=True)
    rows = _plain(values[first])
    if not all(each(lambda low: _same(values, rows, row_of, low), range(0, n, _BLOCK))):
        return kept, np.arange(n)  # two rows share a hash
    return rows, row_of.astype(np.int64)


def _plain(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return values with one spelling for NaN and one for zero."""
    plain = np.ascontiguousarray(values + values.dtype.type(0))
    plain[np.isnan(plain)] = np.nan
    return plain


def _hashes(values: NDArray[np.floating], columns: int) -> NDArray[np.uint64]:
    """Return a hash of the first columns of each row."""
    bits = np.dtype(f"u{values.itemsize}")
    with np.errstate(over="ignore"):
        odd = np.arange(1, 2 * columns, 2, dtype=np.uint64) * np.uint64(_ODD)
    found = np.empty(len(values), dtype=np.uint64)

    def work(low: int) -> None:
        mine = _plain(values[low : low + _BLOCK, :columns]).view(bits)
        mixed = mine.astype(np.uint64) * np.uint64(_ODD)
        mixed ^= mixed >> np.uint64(32)
        mixed *= odd | np.uint64(1)
        found[low : low + _BLOCK] = mixed.sum(axis=1)

    each(work, range(0, len(values), _BLOCK))
    return found


def _same(
    values: NDArray[np.floating],
    rows: NDArray[np.floating],
    row_of: NDArray[np.intp],
    low: int,
) -> bool:
    mine = values[low : low + _BLOCK]
    return bool(np.array_equal(mine, rows[row_of[low : low + _BLOCK]], equal_nan=True))
