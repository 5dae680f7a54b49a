"""What numbers must be before anything is computed from them (输入检查)."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final, SupportsIndex

import numpy as np

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "check_level",
    "count",
    "count_table",
    "not_negative",
    "number_column",
    "numbers",
    "refuse",
    "upper_tail",
    "whole_trials",
]

_TABLE: Final = 2  # dimensions


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
        column = given.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(name, values, "numbers, one per unit") from None
    if given.dtype == np.bool_ or np.iscomplexobj(given):
        raise InvalidInputError(name, given.dtype.name, "numbers, one per unit")
    refuse(name, column, ~np.isfinite(column), "finite", "leave such units out")
    return column


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


def whole_trials(successes: SupportsIndex, trials: SupportsIndex) -> tuple[int, int]:
    """Return a pair of counts, checked."""
    k, n = count("successes", successes), count("trials", trials)
    if k > n:
        raise InvalidInputError("successes", successes, f"at most the trials, {n}")
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
