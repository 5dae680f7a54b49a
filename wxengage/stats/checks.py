"""What numbers must be before anything is computed from them (输入检查)."""

from __future__ import annotations

import operator
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Final, SupportsIndex

import numpy as np

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "check_level",
    "count",
    "count_table",
    "flags",
    "not_negative",
    "number_column",
    "numbers",
    "refuse",
    "repetitions",
    "upper_tail",
    "whole_column",
    "whole_trials",
]

_TABLE: Final = 2  # dimensions
# Whole numbers up to here are told apart as floats.
_WHOLE: Final = 2**53


def check_level(level: float) -> float:
    """Return a confidence level, checked."""
    number = isinstance(level, (int, float)) and not isinstance(level, bool)
    if not (number and 0 < level < 1):
        raise InvalidInputError("level", level, "between 0 and 1", "0.95 is usual")
    return float(level)


def count(name: str, value: SupportsIndex) -> int:
    """Return a whole number from 0, checked; ``True`` is no number."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, (bool, np.bool_)) or number < 0:
        raise InvalidInputError(name, value, "a whole number from 0")
    return number


def numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return finite numbers of any shape, checked; ``True`` is no number."""
    try:
        given = np.asarray(values)
        # Floats are taken as they are: nobody writes to what is returned.
        column = given.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(name, values, "numbers, one per unit") from None
    # Texts, bools and spans of time can be cast to floats, and are not meant.
    if given.dtype.kind not in "iufO":
        raise InvalidInputError(name, given.dtype.name, "numbers, one per unit")
    refuse(name, column, ~np.isfinite(column), "finite", "leave such units out")
    if given.dtype.kind == "O":
        odd = np.array([not _is_number(one) for one in given.flat]).reshape(given.shape)
        if odd.any():
            first = int(np.flatnonzero(odd)[0])
            where = f"{name}[{first}]" if given.ndim else name
            raise InvalidInputError(where, given.flat[first], "a number")
    return column


def _is_number(one: object) -> bool:
    """Return whether something is a number by itself, and not by a cast."""
    return isinstance(one, (Real, Decimal)) and not isinstance(one, (bool, np.bool_))


def refuse(
    name: str,
    column: NDArray[np.float64],
    bad: NDArray[np.bool_],
    rule: str,
    hint: str = "",
) -> None:
    """Raise for the first value that breaks a rule, if there is one."""
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        place = f"{name}[{first}]" if column.ndim else name
        raise InvalidInputError(place, float(column.flat[first]), rule, hint)


def number_column(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return one finite number per unit, checked. Shape ``(n,)``."""
    column = numbers(name, values)
    if column.ndim != 1:
        raise InvalidInputError(f"{name}.shape", column.shape, "one-dimensional")
    return column


def upper_tail(level: float) -> float:
    """Return the probability left above a two-sided interval."""
    return (1 - check_level(level)) / 2


def whole_trials(
    successes: SupportsIndex, trials: SupportsIndex, *, arm: str = ""
) -> tuple[int, int]:
    """Return a pair of counts, checked; ``arm`` ends their names in messages."""
    k, n = count(f"successes{arm}", successes), count(f"trials{arm}", trials)
    if k > n:
        rule = f"at most the trials, {n}"
        raise InvalidInputError(f"successes{arm}", successes, rule)
    return k, n


def count_table(counts: ArrayLike) -> NDArray[np.int64]:
    """Return a table of counts, checked. Shape ``(rows, columns)``."""
    try:
        given = np.asarray(counts)
        with np.errstate(invalid="ignore"):  # what is no number differs from itself
            table = given.astype(np.int64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError("counts", counts, "a table of whole numbers") from None
    if table.ndim != _TABLE or given.dtype == np.bool_ or (table != given).any():
        raise InvalidInputError("counts", counts, "a table of whole numbers")
    if (table < 0).any():
        i, j = (int(x) for x in np.argwhere(table < 0)[0])
        raise InvalidInputError(f"counts[{i}][{j}]", int(table[i, j]), "at least 0")
    return table


def not_negative(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return one number from 0 per user, checked. Shape ``(n,)``."""
    column = number_column(name, values)
    if (column < 0).any():
        first = int(np.flatnonzero(column < 0)[0])
        raise InvalidInputError(f"{name}[{first}]", float(column[first]), "at least 0")
    return column


def whole_column(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Return one whole number from 0 per unit, checked. Shape ``(n,)``."""
    column = number_column(name, values)
    bad = (column < 0) | (column > _WHOLE) | (column != np.floor(column))
    refuse(name, column, bad, "a whole number from 0 to 2**53")
    return column.astype(np.int64)


def repetitions(weights: ArrayLike | None, rows: int) -> NDArray[np.int64]:
    """Return how many units each row stands for, checked. Shape ``(rows,)``."""
    if weights is None:
        return np.ones(rows, dtype=np.int64)
    column = whole_column("weights", weights)
    if len(column) != rows:
        raise InvalidInputError("weights", len(column), f"as many as the rows, {rows}")
    if float(column.sum(dtype=np.float64)) > _WHOLE:
        raise InvalidInputError("weights", column.tolist(), "at most 2**53 together")
    return column


def flags(name: str, values: ArrayLike, hint: str = "") -> NDArray[np.bool_]:
    """Return yes or no per unit, from bools or from 0 and 1. Shape ``(n,)``."""
    given = np.asarray(values, dtype=None if hasattr(values, "dtype") else object)
    if given.ndim != 1:
        raise InvalidInputError(f"{name}.shape", given.shape, "one-dimensional")
    if given.dtype.kind not in "biuf":
        bad = np.array([not _is_flag(value) for value in given.tolist()], dtype=bool)
    else:
        bad = (given != 0) & (given != 1)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        got = given[first : first + 1].tolist()[0]
        raise InvalidInputError(f"{name}[{first}]", got, "True or False", hint)
    return given.astype(np.bool_)


def _is_flag(value: object) -> bool:
    numbers_too = (bool, int, float, np.bool_, np.integer, np.floating)
    return isinstance(value, numbers_too) and bool(value in (0, 1))
