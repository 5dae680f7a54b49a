"""What every engine asks of a table again and again (表的布局), found out once.

Rows and keys are checked here, before any engine sees them: a value of a wrong type
is refused with its table, row and column, and never made into one of the right type,
which each engine would do in a way of its own.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from wxengage.errors import INT64_MAX, LONGEST_ID, InvalidInputError, nearest
from wxengage.stores.errors import FloorError
from wxengage.stores.schema import LEAST, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wxengage.stores.schema import Column, Index, Key, Row, Table, Value

__all__ = ["Layout", "check_limit", "layout_of", "picker"]

_TYPES: Final[Mapping[str, type]] = {
    "id": str,
    "text": str,
    "whole": int,
    "real": float,
}
_NONE: Final = type(None)
# From so many rows on it is quicker to look at columns.
_MANY: Final = 4
_RULES: Final[Mapping[str, str]] = {
    "id": f"text of at most {LONGEST_ID} characters",
    "text": "text",
    "whole": "a whole number of 64 bits",
    "real": "a finite float",
}


def picker(places: tuple[int, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return what takes these places out of a row, always as a tuple."""
    first = places[0] if places else 0
    if places == tuple(range(first, first + len(places))):
        return itemgetter(slice(first, first + len(places)))
    return itemgetter(*places)


def _fault(column: Column, value: object) -> tuple[str, str] | None:
    """Say what is wrong with a value: the rule and the mend; None if nothing."""
    if value is None:
        return None if column.null else (_RULES[column.kind], "it must not be empty")
    if type(value) is not _TYPES[column.kind]:
        also = " or None" if column.null else ""
        return _RULES[column.kind] + also, "nothing is converted here"
    if isinstance(value, str):
        return _fault_of_text(value, LONGEST_ID if column.kind == "id" else None)
    if isinstance(value, int):
        fits = LEAST <= value <= INT64_MAX
    else:
        fits = not isinstance(value, float) or math.isfinite(value)
    return None if fits else (_RULES[column.kind], "")


def _fault_of_text(value: str, longest: int | None) -> tuple[str, str] | None:
    if longest is not None and len(value) > longest:
        return _RULES["id"], f"it has {len(value)}"
    if "\0" in value:
        return "free of NUL characters", "take out U+0000"
    if not _is_unicode(value):
        return "whole Unicode characters", "it has half of a surrogate pair"
    return None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _look_right(column: Column, values: Sequence[Any]) -> bool:
    """Tell whether all values of a column can be kept, in one look."""
    found = set(map(type, values))
    if column.null and _NONE in found:
        found.remove(_NONE)
        # Nothing, 0 and an empty text need no other look.
        values = tuple(filter(None, values))
    if not found <= {_TYPES[column.kind]}:
        return False
    if not values:
        return True
    if column.kind == "whole":
        return bool(min(values) >= LEAST and max(values) <= INT64_MAX)
    if column.kind == "real":
        return all(map(math.isfinite, values))
    joined = "".join(values)
    if "\0" in joined or not _is_unicode(joined):
        return False
    return column.kind == "text" or max(map(len, values)) <= LONGEST_ID


class Layout:
    """A table's columns, key and indexes, ready for use (表的布局).

    Parameters
    ----------
    table
        The table.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.width = len(table.columns)
        self.key_places = table.places(table.key)
        #: Row -> its key.
        self.key_of: Callable[[tuple[Any, ...]], Key] = picker(self.key_places)
        self.key_columns = tuple(table.columns[place] for place in self.key_places)
        self.indexes: Mapping[str, Index] = {
            index.name: index for index in table.indexes
        }
        self._key_types = tuple(_TYPES[column.kind] for column in self.key_columns)
        floor = table.floor
        self._floor = table.places(floor) if floor else None

    def check_rows(self, rows: Iterable[Row]) -> Sequence[Row]:
        """Return rows that can be kept.

        Parameters
        ----------
        rows
            Values in the order of the columns.

        Returns
        -------
        sequence of Row
            The same rows.

        Raises
        ------
        InvalidInputError
            If one has too few or too many values, or one of a wrong type, or a text
            that is no Unicode, has a NUL or is too long for a key, or a number that
            is not finite or has more than 64 bits. Nothing was kept then.
        FloorError
            If one is below its own floor.

        Notes
        -----
        Many rows are looked at together, column by column; a few, and where something
        is wrong, one by one.
        """
        rows = rows if isinstance(rows, (tuple, list)) else tuple(rows)
        if len(rows) < _MANY or not self._look_right(rows):
            self._complain(rows)
        if self._floor:
            value, least = self._floor
            for row in rows:
                if row[value] < row[least]:  # type: ignore[operator]  # both whole
                    self._below_floor(row)
        return rows

    def _below_floor(self, row: Row) -> None:
        floor = self.table.floor or ("", "")
        raise FloorError.of(self.table.name, floor, self.key_of(row))

    def _look_right(self, rows: Sequence[Row]) -> bool:
        if set(map(type, rows)) != {tuple} or set(map(len, rows)) != {self.width}:
            return False
        columns = zip(self.table.columns, zip(*rows, strict=True), strict=True)
        return all(_look_right(column, values) for column, values in columns)

    def _complain(self, rows: Sequence[Row]) -> None:
        """Raise what is wrong with the first bad row, if one is."""
        name = self.table.name
        for number, row in enumerate(rows):
            if not isinstance(row, tuple) or len(row) != self.width:
                hint = ", ".join(self.table.names)
                rule = f"a tuple of {self.width} values"
                raise InvalidInputError(f"{name}[{number}]", row, rule, hint)
            for column, value in zip(self.table.columns, row, strict=True):
                if found := _fault(column, value):
                    place = f"{name}[{number}].{column.name}"
                    raise InvalidInputError(place, value, *found)

    def check_keys(self, keys: Iterable[Key]) -> Sequence[Key]:
        """Return keys that rows of this table can have, or refuse them."""
        keys = keys if isinstance(keys, (tuple, list)) else tuple(keys)
        for number, key in enumerate(keys):
            if type(key) is not tuple or tuple(map(type, key)) != self._key_types:
                self._refuse_key(number, key)
            for column, value in zip(self.key_columns, key, strict=True):
                # Short plain text, as nearly all keys are, needs no other look.
                plain = type(value) is str and len(value) <= LONGEST_ID
                if not (plain and value.isascii() and "\0" not in value) and _fault(
                    column, value
                ):
                    self._refuse_key(number, key)
        return keys

    def _refuse_key(self, number: int, key: object) -> None:
        name = f"key[{number}] of {self.table.name}"
        if not isinstance(key, tuple) or len(key) != len(self.key_columns):
            rule = f"a tuple ({', '.join(self.table.key)})"
            raise InvalidInputError(name, key, rule)
        for column, value in zip(self.key_columns, key, strict=True):
            if found := _fault(column, value):
                raise InvalidInputError(f"{name}, {column.name}", value, *found)

    def index(self, name: str) -> Index:
        """Return the index of a name, or refuse the name."""
        if name not in self.indexes:
            known = tuple(self.indexes)
            rule = f"an index of {self.table.name}"
            hint = nearest(name, known) if known else "it has none"
            raise InvalidInputError("index", name, rule, hint)
        return self.indexes[name]

    def order_of(self, index: Index) -> tuple[str, ...]:
        """Return the columns that an index sorts by: its own, then the key's."""
        key = (name for name in self.table.key if name not in index.columns)
        return (*index.columns, *key)

    def is_partial(self, index: Index) -> bool:
        """Return whether rows may be left out of an index: its last may be empty."""
        return self.table.columns[self.table.places(index.columns[-1:])[0]].null

    def check_search(
        self,
        index: Index | None,
        equals: tuple[Value, ...],
        *,
        least: int | None = None,
        below: int | None = None,
    ) -> None:
        """Refuse what ``find`` and ``count`` cannot look for.

        Parameters
        ----------
        index
            Where to look; None for all rows.
        equals
            Values of its first columns.
        least, below
            Bounds of the next column.

        Raises
        ------
        InvalidInputError
            If there are too many values, one of them is empty or of a wrong type, or
            the bounded column is none of whole numbers.
        """
        if index is None:
            if equals:
                rule = "left out where no index is named"
                raise InvalidInputError(f"equals of {self.table.name}", equals, rule)
            return
        name = f"{self.table.name}.{index.name}"
        places = self.table.places(index.columns)
        if not isinstance(equals, tuple) or len(equals) > len(places):
            rule = f"a tuple of at most {', '.join(index.columns)}"
            raise InvalidInputError(f"equals of {name}", equals, rule)
        for place, value in zip(places, equals, strict=False):
            column = self.table.columns[place]
            found = _fault(column, value)
            if found or value is None:
                rule, hint = found or (_RULES[column.kind], "None is never found")
                raise InvalidInputError(f"{column.name} of {name}", value, rule, hint)
        for bound, value in (("least", least), ("below", below)):
            if value is None:
                continue
            if len(equals) == len(places):
                raise InvalidInputError(f"{bound} of {name}", value, "left out")
            column = self.table.columns[places[len(equals)]]
            if column.kind != "whole" or _fault(column, value):
                rule = f"a bound of {column.name}, a {column.kind} column"
                raise InvalidInputError(f"{bound} of {name}", value, rule)


def check_limit(limit: int | None) -> None:
    """Refuse a limit that is no number of rows."""
    if limit is None:
        return
    if type(limit) is not int or not 0 <= limit <= INT64_MAX:
        raise InvalidInputError("limit", limit, "a whole number of rows")


_LAYOUTS: Final[dict[str, Layout]] = {}


def layout_of(table: str) -> Layout:
    """Return the layout of a table of the schema, or refuse its name."""
    found = _LAYOUTS.get(table)
    if found is None:
        if table not in TABLES:
            raise InvalidInputError("table", table, "known", nearest(table, TABLES))
        found = _LAYOUTS[table] = Layout(TABLES[table])
    return found
