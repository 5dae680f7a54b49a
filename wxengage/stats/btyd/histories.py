"""Purchase histories (购买历史), and how few different ones there are.

A customer is three numbers: ``x`` purchases after the first, the last of them at
age ``t_x``, looked at when ``T`` old. Customers with the same three numbers are the
same to every model here, so a likelihood is computed once for each distinct history
and counted as often as it occurs: a million customers who buy by the day have some
hundred thousand different histories.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import numbers, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Histories",
    "Vector",
    "ahead_of",
    "checked",
    "distinct_rows",
    "finder",
    "in_blocks",
    "looked_up",
    "weight_column",
]

Vector = np.ndarray[Any, np.dtype[np.float64]]
# A packed key is an unsigned integer of 64 bits.
_KEY_BITS: Final = 64
# Whole numbers up to here look themselves up in a table.
_TABLE: Final = 1 << 22
# ... where there are rows enough for a table so large.
_SPARSE: Final = 64
# Rows at a time: what is made of them stays in the processor's cache.
_BLOCK: Final = 1 << 14


def checked(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, last: str = "T"
) -> tuple[Vector, Vector, Vector]:
    """Return histories as floats, checked.

    Parameters
    ----------
    x
        Purchases after the first: whole, from 0.
    t_x
        Age at the last of them, above 0 and at most ``T``; 0 where ``x`` is 0.
    T
        Age when looked at, from 0, in the unit of ``t_x``.
    last
        What ``T`` is called in messages.

    Returns
    -------
    x, t_x, T
        Of any shapes that broadcast.

    Raises
    ------
    InvalidInputError
        If a value breaks a rule; the message names its row.
    """
    count, recency, age = numbers("x", x), numbers("t_x", t_x), numbers(last, T)
    try:
        np.broadcast_shapes(count.shape, recency.shape, age.shape)
    except ValueError:
        shapes = f"{count.shape}, {recency.shape}, {age.shape}"
        rule = "of one length, one row a customer"
        raise InvalidInputError(f"x, t_x, {last}", shapes, rule) from None
    refuse(
        "x", count, (count < 0) | (count != np.floor(count)), "a whole number from 0"
    )
    refuse(last, age, age < 0, "at least 0", "ages do not run backwards")
    both = np.broadcast_arrays(count, recency, age)
    n, at, upto = both if both[0].ndim else (count, recency, age)
    late = (at < 0) | (at > upto)
    hint = f"t_x and {last} count from the same first purchase, in the same unit"
    refuse("t_x", at, late, f"from 0 to the row's {last}", hint)
    hint = "x counts purchases after the first, t_x is the age at the last of them"
    refuse("t_x", at, (n > 0) & (at == 0), "above 0 where x is above 0", hint)
    refuse("t_x", at, (n == 0) & (at != 0), "0 where x is 0", hint)
    return count, recency, age


def ahead_of(horizon: ArrayLike) -> Vector:
    """Return how far to look ahead, checked: from 0."""
    ahead = numbers("horizon", horizon)
    refuse("horizon", ahead, ahead < 0, "at least 0", "in the unit of t_x and T")
    return ahead


def in_blocks(
    kernel: Callable[..., Vector], *columns: Vector, rows: int = 8192
) -> Vector:
    """Return a kernel's answer for each row, computed some rows at a time.

    Parameters
    ----------
    kernel
        Takes columns of one length and returns one of that length.
    columns
        Of shapes that broadcast.
    rows
        How many at a time: what is made of them stays in the processor's cache.

    Returns
    -------
    numpy.ndarray
        Of the common shape.
    """
    both = np.broadcast_arrays(*columns)
    flat = [column.reshape(-1) for column in both]
    found = np.empty(flat[0].shape)
    for low in range(0, len(found), rows):
        part = slice(low, low + rows)
        found[part] = kernel(*(column[part] for column in flat))
    return found.reshape(both[0].shape)


def weight_column(weights: ArrayLike | None, rows: int) -> Vector | None:
    """Return how many customers each row stands for, checked; None: one each."""
    if weights is None:
        return None
    column = numbers("weights", weights)
    if column.shape != (rows,):
        raise InvalidInputError(
            "weights.shape", column.shape, f"({rows},), as the rows"
        )
    refuse(
        "weights", column, column < 0, "at least 0", "a weight is a count of customers"
    )
    return column


def _blocks(column: NDArray[Any]) -> Iterator[slice]:
    """Yield stretches of a column that stay in the processor's cache."""
    for low in range(0, len(column), _BLOCK):
        yield slice(low, low + _BLOCK)


def _whole_size(column: Vector) -> int | None:
    """Return how many values there may be of whole numbers from 0; None for others."""
    size = float(column.max(initial=0.0)) + 1
    if size >= 2**53:
        return None
    for part in _blocks(column):
        if not (column[part] == np.floor(column[part])).all():
            return None
    return int(size)


def _codes(column: Vector) -> tuple[NDArray[Any], int, Vector | None]:
    """Return a code for each value, how many there may be, and their values."""
    size = _whole_size(column)
    if size is not None:
        return column, size, None
    return _numbered(column)


def _numbered(column: Vector) -> tuple[NDArray[Any], int, Vector]:
    """Return each value's number among the distinct ones, how many, and these."""
    values, codes = np.unique(column, return_inverse=True)
    return codes, len(values), values


def distinct_rows(
    columns: tuple[Vector, ...], weights: Vector | None
) -> tuple[tuple[Vector, ...], Vector]:
    """Return the distinct rows of non-negative columns, ascending, and their weights.

    Parameters
    ----------
    columns
        The first sorts first. Shape ``(n,)`` each.
    weights
        Shape ``(n,)``; None: one each.

    Returns
    -------
    columns, weights
        Rows of weight 0 are left out. Shape ``(rows,)`` each.

    Notes
    -----
    The columns are packed into one integer, of 32 bits if they fit. Small ones, as
    are those of customers who bought once or twice, are counted, the others sorted:
    ``O(n log n)``.
    """
    coded = [_codes(column) for column in columns]
    bits = [max(size - 1, 1).bit_length() for _, size, _ in coded]
    if sum(bits) > _KEY_BITS:
        # Large whole numbers far apart: number the values that there are.
        coded = [_numbered(column) for column in columns]
        bits = [max(size - 1, 1).bit_length() for _, size, _ in coded]
    word: Any = np.uint32 if sum(bits) <= _KEY_BITS // 2 else np.uint64
    key = np.zeros(len(columns[0]), dtype=word)
    for part in _blocks(key):
        packed = key[part]
        for (codes, _, _), width in zip(coded, bits, strict=True):
            packed <<= word(width)
            packed |= codes[part].astype(word)
    key, weight = _grouped(key, weights)
    unpacked: list[Vector] = []
    for (_, _, values), width in zip(reversed(coded), reversed(bits), strict=True):
        codes = (key & word((1 << width) - 1)).astype(np.int64)
        unpacked.insert(
            0, codes.astype(np.float64) if values is None else values[codes]
        )
        key = key >> word(width)
    return tuple(unpacked), weight


def _grouped(key: NDArray[Any], weights: Vector | None) -> tuple[NDArray[Any], Vector]:
    """Return distinct keys, ascending, and the weight of each, above 0."""
    small = key < min(_TABLE, 4 * len(key))
    few = None if weights is None else weights[small]
    counted = np.bincount(key[small].astype(np.int64), few)
    low = np.flatnonzero(counted)
    rest = ~small
    many = None if weights is None else weights[rest]
    high, sums = _sorted_sums(key[rest], many)
    weight = np.concatenate((counted[low], sums)).astype(np.float64)
    return np.concatenate((low.astype(key.dtype), high)), weight


def _sorted_sums(
    key: NDArray[Any], weights: Vector | None
) -> tuple[NDArray[Any], Vector]:
    """Return what ``_grouped`` does, by sorting the keys in place."""
    if not len(key):
        return key, np.zeros(0)
    if weights is None:
        key.sort()
    else:
        order = np.argsort(key, kind="stable")
        key, weights = key[order], weights[order]
    new = np.empty(len(key), dtype=np.bool_)
    new[0] = True
    np.not_equal(key[1:], key[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    if weights is None:
        return key[starts], np.diff(np.append(starts, len(key))).astype(np.float64)
    sums = np.add.reduceat(weights, starts)
    kept = sums > 0
    return key[starts[kept]], sums[kept]


@attrs.frozen(eq=False, slots=False)
class Histories:
    """Distinct histories, ascending by ``x``, and how many customers have each.

    Attributes
    ----------
    x, t_x, T
        As in ``checked``. Shape ``(rows,)`` each.
    weight
        Customers with that history. Shape ``(rows,)``.
    unit
        What ages are divided by in ``ages``, ``recency`` and ``age``: models are
        fitted in units of the mean age, so that none matters.
    """

    x: Vector
    t_x: Vector
    T: Vector
    weight: Vector
    unit: float = 1.0

    @classmethod
    def of(
        cls, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None
    ) -> Histories:
        """Group customers by their history.

        Parameters
        ----------
        x, t_x, T
            One row a customer. Shape ``(n,)`` each.
        weights
            How many customers each row stands for; None: one each.

        Returns
        -------
        Histories
            At least one.

        Raises
        ------
        InvalidInputError
            If a value breaks a rule, or nobody is left.
        """
        columns = checked(x, t_x, T)
        if (
            columns[0].ndim != 1
            or len({len(c) for c in columns if c.ndim}) > 1
            or any(not c.ndim for c in columns)
        ):
            shapes = ", ".join(str(c.shape) for c in columns)
            raise InvalidInputError("x, t_x, T", shapes, "three columns of one length")
        weight = weight_column(weights, len(columns[0]))
        rows, weight = distinct_rows(columns, weight)
        if not len(weight):
            raise InvalidInputError("x", "no customers", "at least one row of weight")
        return cls(rows[0], rows[1], rows[2], weight)

    @property
    def customers(self) -> float:
        """How many customers there are."""
        return float(self.weight.sum())

    @property
    def repeaters(self) -> float:
        """How many of them bought again."""
        return float(self.weight[self.x > 0].sum())

    @property
    def purchases(self) -> float:
        """How many purchases there were after the first ones."""
        return float(self.weight @ self.x)

    @property
    def mean_gap(self) -> float:
        """Time between the purchases of an average customer, in mean ages."""
        return self.customers / max(self.purchases, 1.0)

    @property
    def mean_age(self) -> float:
        """Mean ``T``."""
        mean = float(self.weight @ self.T) / self.customers
        return mean if mean > 0 else 1.0

    def scaled(self) -> Histories:
        """Return the same histories with ages in units of their mean."""
        return attrs.evolve(self, unit=self.mean_age)

    def sample(self, rows: int) -> Histories:
        """Return about so many of the histories, evenly spread over all."""
        step = len(self.x) // rows
        if step < 2:  # noqa: PLR2004  nothing to leave out
            return self
        part = slice(None, None, step)
        columns = (self.x[part], self.t_x[part], self.T[part], self.weight[part])
        return Histories(*columns, unit=self.unit)

    @functools.cached_property
    def counts(self) -> tuple[Vector, NDArray[np.int64]]:
        """The distinct ``x``, and each row's place among them."""
        return looked_up(self.x)

    @functools.cached_property
    def customers_by_count(self) -> Vector:
        """How many customers have each of the distinct ``x``."""
        values, places = self.counts
        return np.bincount(places, self.weight, len(values)).astype(np.float64)

    @functools.cached_property
    def by_age(self) -> tuple[Vector, Vector]:
        """How many customers are of each of the distinct ages, and what they bought."""
        values, _, places = self.ages
        customers = np.bincount(places, self.weight, len(values))
        bought = np.bincount(places, self.weight * self.x, len(values))
        return customers.astype(np.float64), bought.astype(np.float64)

    @functools.cached_property
    def ages(self) -> tuple[Vector, NDArray[np.int64], NDArray[np.int64]]:
        """The distinct ages, and the places of each row's ``t_x`` and ``T``."""
        # Looked up as they came: whole days need no sorting.
        values, places = looked_up(np.concatenate((self.t_x, self.T)))
        return values / self.unit, places[: len(self.T)], places[len(self.T) :]


def looked_up(column: Vector) -> tuple[Vector, NDArray[np.int64]]:
    """Return the distinct values, ascending, and each row's place among them."""
    table = _table(column)
    if table is None:
        values, places = np.unique(column, return_inverse=True)
        return values, places.astype(np.int64)
    values, places = table
    return values, places[column.astype(np.int64)]


def finder(column: Vector) -> tuple[Vector, Callable[[Vector], NDArray[np.int64]]]:
    """Return the distinct values, ascending, and what finds the places of some."""
    table = _table(column)
    if table is None:
        values = np.unique(column)
        return values, lambda some: np.searchsorted(values, some)
    values, places = table
    return values, lambda some: places[some.astype(np.int64)]


def _table(column: Vector) -> tuple[Vector, NDArray[np.int64]] | None:
    """Return the distinct values, and of each whole number its place among them."""
    size = _whole_size(column)
    # A few large numbers are sorted sooner than a table is made.
    if size is None or size > min(_TABLE, _SPARSE * len(column)):
        return None
    there = np.zeros(size, dtype=np.bool_)
    for part in _blocks(column):
        there[column[part].astype(np.int64)] = True
    return np.flatnonzero(there).astype(np.float64), np.cumsum(there) - 1
