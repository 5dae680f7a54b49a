"""Columns of a table in memory, for questions that need no log (读取数据列).

A log knows kinds of interactions; points and payments have tables of their own.
What those may be made of, and how a bad cell is named, is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import narwhals.stable.v2 as nw
import numpy as np

from wxengage.errors import InvalidInputError, nearest
from wxengage.log.building import Index, _bad_ids, _cell
from wxengage.log.columns import (
    Codes,
    _floats,
    _integer_codes,
    codes_of,
    is_arrow,
    is_series,
)
from wxengage.log.faults import FAULTS
from wxengage.log.frames import ARRAYS, Ids, Origin, _form
from wxengage.log.instants import instants_of
from wxengage.log.part import KIND_CODES
from wxengage.log.reading import _column, _one_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Table", "read_table"]


@attrs.frozen(eq=False)
class Table:
    """Columns of equal length, as they came.

    Attributes
    ----------
    columns
        By name: numpy or Arrow arrays, pandas Series or lists.
    rows
        Their length.
    origin
        What kind of table they are from.
    """

    columns: Mapping[str, Any]
    rows: int
    origin: Origin

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def refuse(self, name: str, bad: NDArray[np.bool_], rule: str) -> None:
        """Raise for the first row of a column that breaks a rule.

        Parameters
        ----------
        name
            The column.
        bad
            Which rows do. Shape ``(rows,)``.
        rule
            What they must be.

        Raises
        ------
        InvalidInputError
            If there is such a row.
        """
        if bad.any():
            row = int(bad.argmax())
            got = _cell(self.columns[name], row)
            raise InvalidInputError(f"{name}[{row}]", got, rule)

    def ids(self, name: str, *, missing: bool = False) -> Codes:
        """Return a column of ids, numbered as they come.

        Parameters
        ----------
        name
            The column.
        missing
            Whether a row may be without one.

        Returns
        -------
        Codes
            None that can be no id, and no row without one unless that may be.
        """
        found = codes_of(self.columns[name])
        if not missing:
            self.refuse(name, found.codes < 0, "an id")
        rule = "text of 1 to 128 visible characters, or a whole number from 0"
        self.refuse(name, np.append(_bad_ids(found.values), False)[found.codes], rule)
        return found

    def users(self, name: str) -> tuple[NDArray[np.int64], Ids]:
        """Return a column of ids as codes, and the ids in ascending order.

        Parameters
        ----------
        name
            The column.

        Returns
        -------
        codes
            Shape ``(rows,)``.
        ids
            By code.

        Raises
        ------
        InvalidInputError
            If an id is missing or can be none, or numbers and text are mixed.
        """
        (codes,), ids = self.people(name)
        return codes, ids

    def people(self, *names: str) -> tuple[list[NDArray[np.int64]], Ids]:
        """Return columns of ids as codes into one list of ids, which ascends.

        Parameters
        ----------
        names
            The columns. An id may be missing in any but the first.

        Returns
        -------
        codes
            Shape ``(rows,)`` for each column, -1 where there is no id.
        ids
            By code.

        Raises
        ------
        InvalidInputError
            If an id is missing in the first or can be none, or numbers and text
            are mixed.
        """
        numbers = [_whole_ids(self.columns[name]) for name in names]
        if all(one is not None for one in numbers):
            return self._numbered(names, numbers)
        known = Index()
        columns = []
        for name in names:
            found = self.ids(name, missing=name != names[0])
            values = found.values
            if not is_arrow(values) and values.dtype == object:
                # The number 7 and the text "7" may be one user, or two.
                whole = [not isinstance(value, str) for value in values.tolist()]
                bad = np.array([*whole, False])[found.codes]
                self.refuse(name, bad, "text, as others")
            columns.append(known.add(found)[found.codes])
        ids = Ids(known.values)
        place = np.empty(len(ids) + 1, dtype=np.int64)
        place[ids.order] = np.arange(len(ids))
        place[-1] = -1
        return [place[codes] for codes in columns], ids.take(ids.order)

    def _numbered(
        self, names: Sequence[str], columns: Sequence[Any]
    ) -> tuple[list[NDArray[np.int64]], Ids]:
        """Return columns of whole numbers as codes into one list of ids."""
        for name, (values, missing) in zip(names, columns, strict=True):
            if name == names[0]:
                self.refuse(name, missing, "an id")
            rule = "text of 1 to 128 visible characters, or a whole number from 0"
            self.refuse(name, (values < 0) & ~missing, rule)
        given = [values[~missing] for values, missing in columns]
        found = _integer_codes(np.concatenate(given))
        ends = np.cumsum([len(values) for values in given])
        codes = []
        for part, (values, missing) in zip(
            np.split(found.codes, ends[:-1]), columns, strict=True
        ):
            code = np.full(len(values), -1)
            code[~missing] = part
            codes.append(code)
        return codes, Ids(found.values)

    def kinds(self, name: str) -> NDArray[np.uint8]:
        """Return a column of kinds of events as codes.

        Parameters
        ----------
        name
            The column.

        Returns
        -------
        numpy.ndarray
            Places in ``KIND_NAMES``. Shape ``(rows,)``.

        Raises
        ------
        InvalidInputError
            If a word is no kind.
        """
        found = codes_of(self.columns[name])
        values: Any = found.values
        words = values.tolist() if not is_arrow(values) else values.to_pylist()
        codes = [KIND_CODES.get(word, -1) for word in map(str, words)]
        kind = np.array([*codes, -1])[found.codes]
        self.refuse(name, kind < 0, "a kind in KINDS")
        return kind.astype(np.uint8)

    def times(self, name: str, *, tz: str | None, unit: str | None) -> _Times:
        """Return a column of instants, and the origin with its resolution and zone.

        Parameters
        ----------
        name
            The column.
        tz, unit
            As for ``read_log``.

        Returns
        -------
        at
            Microseconds since 1970. Shape ``(rows,)``.
        origin
            Answers come back with times like these.
        """
        found = instants_of(name, self.columns[name], tz=tz, unit=unit)
        for fault in np.unique(found.faults[found.faults > 0]).tolist():
            mend = tuple(FAULTS.values())[fault - 1]
            self.refuse(name, found.faults == fault, f"an instant ({mend})")
        return found.at, attrs.evolve(self.origin, unit=found.unit, tz=found.tz)

    def whole(self, name: str, least: int, most: int) -> _Whole:
        """Return a column of whole numbers.

        Parameters
        ----------
        name
            The column.
        least, most
            Bounds, both allowed; within what floats count exactly.

        Returns
        -------
        values
            0 where there is none. Shape ``(rows,)``.
        missing
            Where there is none. Shape ``(rows,)``.
        """
        column = self.columns[name]
        values, missing = _floats(name, column)
        missing = missing | np.isnan(values)
        values = np.where(missing, least, values)
        self.refuse(name, values != np.rint(values), "a whole number")
        self.refuse(name, values < least, f"at least {least}")
        self.refuse(name, values > most, f"at most {most}")
        return np.where(missing, 0, values).astype(np.int64), missing


def _whole_ids(column: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Return a column of whole numbers and where it is empty; None: it is text."""
    if is_arrow(column):
        import pyarrow as pa  # noqa: PLC0415  the column came from it

        if not pa.types.is_integer(column.type):
            return None
        missing = np.asarray(column.is_null())
        values = np.asarray(column.fill_null(0) if column.null_count else column)
    elif isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        values, missing = column, np.zeros(len(column), dtype=np.bool_)
    elif is_series(column) and column.dtype.kind in "iuf":
        # In a column with empty cells pandas keeps whole numbers as floats.
        missing = column.isna().to_numpy(dtype=bool)
        if column.dtype.kind == "f" and (column[~missing] % 1 != 0).any():
            return None
        values = column.fillna(0).to_numpy()
    else:
        return None
    return values.astype(np.int64, copy=False), missing


_Times = tuple["NDArray[np.int64]", Origin]
_Whole = tuple["NDArray[np.int64]", "NDArray[np.bool_]"]


def read_table(
    source: Any, needed: Sequence[str], optional: Sequence[str] = ()
) -> Table:
    """Take columns out of a table in memory.

    Parameters
    ----------
    source
        A pandas, Polars or PyArrow frame, a dict of arrays, or a list of dicts.
    needed, optional
        Names of columns.

    Returns
    -------
    Table
        With the columns that were asked for and are there.

    Raises
    ------
    InvalidInputError
        If it is no such table, a needed column is missing, or columns differ in
        length.
    """
    if isinstance(source, dict):
        present, take, origin = list(source), source.__getitem__, ARRAYS
    elif isinstance(source, list | tuple):
        for row, one in enumerate(source):
            if not isinstance(one, dict):
                raise InvalidInputError(f"source[{row}]", one, "a dict")
        present = list({name: None for one in source for name in one} or needed)
        origin = Origin("records")

        def take(name: str) -> Any:
            return [one.get(name) for one in source]

    else:
        frame = _eager(source)
        present, origin = frame.columns, Origin(_form(frame))

        def take(name: str) -> Any:
            return _column(frame, name)

    for name in needed:
        if name not in present:
            hint = nearest(name, map(str, present))
            raise InvalidInputError("source", present, f"with a column {name!r}", hint)
    wanted = [name for name in (*needed, *optional) if name in present]
    columns = {name: _one_column(name, take(name)) for name in wanted}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInputError("source", lengths, "columns of one length")
    return Table(columns, lengths[needed[0]], origin)


def _eager(source: Any) -> nw.DataFrame[Any]:
    try:
        frame: Any = nw.from_native(source)
    except TypeError:
        rule = "a frame, a dict of arrays or a list of dicts"
        raise InvalidInputError("source", type(source), rule) from None
    if not isinstance(frame, nw.DataFrame):
        hint = "collect it first: a user's facts are taken in order, in memory"
        raise InvalidInputError("source", type(source), "a table in memory", hint)
    return frame
