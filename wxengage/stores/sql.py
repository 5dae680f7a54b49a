"""Rows in tables of a database (SQL 方言与事务): what all engines have in common.

A ``Dialect`` says how an engine writes things, and ``SqlTransaction`` runs what is
written so on a connection of DB-API. No name in a statement comes from anywhere but
the schema, and no value is ever part of its text.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from wxengage.stores.checked import CheckedTransaction
from wxengage.stores.layouts import Layout, layout_of
from wxengage.stores.schema import SCHEMA_VERSION, TABLES
from wxengage.stores.seals import SEAL, checked, is_whole, sealed
from wxengage.stores.statements import Statements, statements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wxengage.stores.errors import StoreError
    from wxengage.stores.schema import Column, Index, Key, Row, Table, Value

__all__ = [
    "APPLICATION",
    "PREFIX",
    "Dialect",
    "SqlTransaction",
    "ddl_statements",
    "ddl_text",
]

#: Before the name of every table and index: an application has tables of its own.
PREFIX: Final = "wxengage_"
#: What the table ``meta`` says under "application".
APPLICATION: Final = "wxengage"
# Rows that are read at a time where all are looked at.
_AT_ONCE: Final = 1000


@attrs.frozen(eq=False)
class Dialect:
    """How an engine writes things (方言).

    Attributes
    ----------
    name
        As in an address: ``"sqlite"``, ``"postgresql"``, ``"mysql"``.
    placeholder
        What stands for a value.
    quote
        What stands before and after a name.
    types
        Kind of a column -> its type, with the collation that compares bytes.
    has_table
        Finds a row where there is a table of a name, its only value.
    table_end
        What follows the closing parenthesis of CREATE TABLE.
    keep_old
        The end of an INSERT that leaves a row of the same key as it is; ``{key}``
        are the key's columns, and ``{first}`` is the first of them.
    take_new
        The end of one that writes over it; ``{key}`` as before, and ``{values}`` are
        as many of ``new_value`` as there are other columns.
    new_value
        One column of it, ``{column}``.
    partial
        Whether an index can leave rows out. Where it cannot, the same rows are found
        by a condition.
    compares_rows
        Whether an index serves ``(a, b) > (x, y)``.
    most_keys
        How many keys fit into one statement: a power of two.
    also
        Statements that make what this engine alone needs.
    """

    name: str
    placeholder: str
    quote: str
    types: Mapping[str, str]
    has_table: str
    table_end: str = ""
    keep_old: str = " ON CONFLICT ({key}) DO NOTHING"
    take_new: str = " ON CONFLICT ({key}) DO UPDATE SET {values}"
    new_value: str = "{column} = excluded.{column}"
    partial: bool = True
    compares_rows: bool = True
    most_keys: int = 256
    also: tuple[str, ...] = ()

    def quoted(self, name: str) -> str:
        """Return a name as a statement has it."""
        return f"{self.quote}{name}{self.quote}"

    def listed(self, names: Iterable[str]) -> str:
        """Return names, quoted and with commas between them."""
        return ", ".join(map(self.quoted, names))

    def table(self, name: str) -> str:
        """Return the name that a table of the schema has in the database."""
        return self.quoted(PREFIX + name)


def _column(dialect: Dialect, column: Column) -> str:
    null = "" if column.null else " NOT NULL"
    return f"{dialect.quoted(column.name)} {dialect.types[column.kind]}{null}"


def _table(dialect: Dialect, table: Table) -> str:
    lines = [_column(dialect, column) for column in table.columns]
    if table.sealed:
        lines.append(f"{dialect.quoted(SEAL)} {dialect.types['whole']} NOT NULL")
    lines.append(f"PRIMARY KEY ({dialect.listed(table.key)})")
    if table.floor:
        value, least = map(dialect.quoted, table.floor)
        name = dialect.quoted(f"{PREFIX}{table.name}_floor")
        lines.append(f"CONSTRAINT {name} CHECK ({value} >= {least})")
    body = ",\n  ".join(lines)
    name = dialect.table(table.name)
    return f"CREATE TABLE {name} (\n  {body}\n){dialect.table_end}"


def _index(dialect: Dialect, layout: Layout, index: Index) -> str:
    table = layout.table.name
    # The key after the columns: what is found is in order without sorting.
    columns = index.columns if index.unique else layout.order_of(index)
    some = dialect.partial and layout.is_partial(index)
    where = f" WHERE {dialect.quoted(index.columns[-1])} IS NOT NULL" if some else ""
    unique = "UNIQUE " if index.unique else ""
    name = dialect.quoted(f"{PREFIX}{table}_{index.name}")
    return (
        f"CREATE {unique}INDEX {name} ON {dialect.table(table)} "
        f"({dialect.listed(columns)}){where}"
    )


def ddl_statements(dialect: Dialect) -> tuple[str, ...]:
    """Return the statements that make an empty store of the present schema.

    Parameters
    ----------
    dialect
        For which engine.

    Returns
    -------
    tuple of str
        Tables, indexes, and the rows of ``meta`` that tell what this is.
    """
    made = []
    for table in TABLES.values():
        made.append(_table(dialect, table))
        layout = layout_of(table.name)
        made.extend(_index(dialect, layout, index) for index in table.indexes)
    made.extend(dialect.also)
    meta = dialect.table("meta")
    made.append(f"INSERT INTO {meta} VALUES ('application', '{APPLICATION}')")
    made.append(f"INSERT INTO {meta} VALUES ('schema', '{SCHEMA_VERSION}')")
    return tuple(made)


def ddl_text(dialect: Dialect) -> str:
    """Return them as a text that somebody can run."""
    return "".join(f"{statement};\n" for statement in ddl_statements(dialect))


def _powers(keys: Sequence[Key], most: int) -> Iterator[Sequence[Key]]:
    """Cut keys into parts of a power of two, the last one filled with its last key.

    There are few statements then, and an engine has them all prepared.
    """
    for start in range(0, len(keys), most):
        part = keys[start : start + most]
        short = (1 << (len(part) - 1).bit_length()) - len(part)
        yield (*part, *[part[-1]] * short)


def _flat(keys: Sequence[Key]) -> tuple[Value, ...]:
    return tuple(value for key in keys for value in key)


class SqlTransaction(CheckedTransaction):
    """A transaction on a connection of DB-API; begun and ended by whoever made it.

    An engine says in ``_lock`` how names are held and in ``_meaning`` what its errors
    mean. Where a row at a time is slow it also has its own ``_insert_new`` and
    ``_put_all``.

    Parameters
    ----------
    connection
        In a transaction.
    dialect
        How its engine writes things.
    where
        The store, for messages.
    write
        Whether it may change rows.
    """

    #: What the engine's driver raises.
    errors: type[Exception] | tuple[type[Exception], ...] = Exception

    def __init__(
        self,
        connection: Any,
        dialect: Dialect,
        where: str,
        *,
        write: bool,
    ) -> None:
        super().__init__(where, write=write)
        self._dialect = dialect
        self._cursor = self._new_cursor(connection)

    def _new_cursor(self, connection: Any) -> Any:
        """Return a cursor that gives rows as tuples."""
        return connection.cursor()

    @abstractmethod
    def _meaning(self, error: Exception, layout: Layout | None) -> StoreError:
        """Return what a driver's error means, of a statement on this table."""

    def _insert_new(
        self, layout: Layout, sql: str, rows: Sequence[Row]
    ) -> Iterable[bool]:
        """Run the INSERT of each row, and say of each whether it was new."""
        del layout  # which engines that send all at once look at
        new = []
        for row in rows:
            self._cursor.execute(sql, row)
            new.append(self._cursor.rowcount == 1)
        return new

    def _put_all(self, layout: Layout, sql: str, rows: Sequence[Row]) -> None:
        """Run the statement that writes a row, for each of them in order."""
        del layout
        self._cursor.executemany(sql, rows)

    def execute(self, sql: str, values: tuple[Value, ...] = ()) -> list[Row]:
        """Run a statement of one's own, as migrations do, and return its rows."""
        self._usable()
        try:
            self._cursor.execute(sql, values)
            return list(self._cursor.fetchall()) if self._cursor.description else []
        except self.errors as error:
            self._refuse(error, None)

    def broken_seals(self) -> Iterator[str]:
        """Return which rows are not as they were written, in words."""
        self._usable()
        for name, table in TABLES.items():
            if not table.sealed:
                continue
            layout = layout_of(name)
            statements = self._of(layout)
            after: tuple[Value, ...] = ()
            while True:
                sql = statements.walk(after=bool(after))
                rows = self._fetched(layout, sql, (*after, _AT_ONCE))
                for row in rows:
                    if not is_whole(name, row[:-1], row[-1]):
                        yield f"{name} {layout.key_of(row)} is not as it was written"
                if len(rows) < _AT_ONCE:
                    break
                after = statements.after(layout.key_of(rows[-1]))

    def _insert(self, layout: Layout, rows: Sequence[Row]) -> Iterable[bool]:
        sql = self._of(layout).insert
        if layout.table.sealed:
            rows = sealed(layout, rows)
        try:
            return self._insert_new(layout, sql, rows)
        except self.errors as error:
            self._refuse(error, layout)

    def _put(self, layout: Layout, rows: Sequence[Row]) -> None:
        sql = self._of(layout).put
        if layout.table.sealed:
            rows = sealed(layout, rows)
        try:
            self._put_all(layout, sql, rows)
        except self.errors as error:
            self._refuse(error, layout)

    def _get(self, layout: Layout, keys: Sequence[Key]) -> dict[Key, Row]:
        statements = self._of(layout)
        key_of = layout.key_of
        if len(keys) == 1:
            rows = self._read(layout, statements.one, keys[0])
            return {key_of(row): row for row in rows}
        found: dict[Key, Row] = {}
        for part in _powers(keys, self._dialect.most_keys):
            rows = self._read(layout, statements.some(len(part)), _flat(part))
            found.update((key_of(row), row) for row in rows)
        return {key: found[key] for key in keys if key in found}

    def _find(
        self,
        layout: Layout,
        index: Index,
        equals: tuple[Value, ...],
        bounds: tuple[int | None, int | None],
        *,
        limit: int | None,
        newest: bool,
    ) -> tuple[Row, ...]:
        limited = limit is not None
        sql = self._of(layout).find(
            index, len(equals), bounds, limited=limited, newest=newest
        )
        given = (value for value in (*bounds, limit) if value is not None)
        return tuple(self._read(layout, sql, (*equals, *given)))

    def _walk(self, layout: Layout, after: Key | None, limit: int) -> tuple[Row, ...]:
        statements = self._of(layout)
        sql = statements.walk(after=after is not None)
        values = () if after is None else statements.after(after)
        return tuple(self._read(layout, sql, (*values, limit)))

    def _count(
        self, layout: Layout, index: Index | None, equals: tuple[Value, ...]
    ) -> int:
        sql = self._of(layout).count(index, len(equals))
        return int(self._fetched(layout, sql, equals)[0][0])

    def _remove(self, layout: Layout, keys: Sequence[Key]) -> int:
        statements = self._of(layout)
        gone = 0
        for part in _powers(keys, self._dialect.most_keys):
            try:
                self._cursor.execute(statements.remove(len(part)), _flat(part))
            except self.errors as error:
                self._refuse(error, layout)
            gone += self._cursor.rowcount
        return gone

    def _read(
        self, layout: Layout, sql: str, values: tuple[Value, ...]
    ) -> Sequence[Row]:
        rows = self._fetched(layout, sql, values)
        return checked(layout, rows) if layout.table.sealed else rows

    def _fetched(
        self, layout: Layout, sql: str, values: tuple[Value, ...]
    ) -> Sequence[Any]:
        try:
            self._cursor.execute(sql, values)
            rows: Sequence[Any] = self._cursor.fetchall()
        except self.errors as error:
            self._refuse(error, layout)
        return rows

    def _refuse(self, error: Exception, layout: Layout | None) -> NoReturn:
        self._fail(self._meaning(error, layout), error)

    def _of(self, layout: Layout) -> Statements:
        return statements_of(self._dialect, layout.table.name)
