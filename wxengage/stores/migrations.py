"""Making a store and bringing it forward (建表与迁移), one transaction for each step.

A database is of the present version, or of an older one that steps lead on from, or
of a newer one that this library leaves alone. Whatever stops a step, a power cut as
well, leaves the version before or the version after, and nothing between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from wxengage.stores.errors import StoreVersionError
from wxengage.stores.schema import SCHEMA_VERSION
from wxengage.stores.sql import APPLICATION, PREFIX, ddl_statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.stores.schema import Row, Value
    from wxengage.stores.sql import Dialect

__all__ = ["STEPS", "Execute", "Step", "advance", "require_ready", "version_of"]


class Execute(Protocol):
    """Runs one statement in the transaction, and returns its rows."""

    def __call__(self, sql: str, values: tuple[Value, ...] = ()) -> list[Row]:
        """Run it."""


#: Changes tables and rows of one version into those of the next.
Step: TypeAlias = "Callable[[Execute, Dialect], None]"

#: Version -> what leads on from it. A step names its tables in full: those of the
#: schema are the ones of today.
STEPS: Final[dict[int, Step]] = {}


def version_of(execute: Execute, dialect: Dialect, where: str) -> int | None:
    """Return the version of the tables that are there, None if there are none.

    Parameters
    ----------
    execute
        Runs statements.
    dialect
        How the engine writes things.
    where
        The store, for messages.

    Returns
    -------
    int or None
        At most the present version.

    Raises
    ------
    StoreVersionError
        If the tables are those of a newer library, or of something else.
    """
    if not execute(dialect.has_table, (f"{PREFIX}meta",)):
        return None
    meta, name = dialect.table("meta"), dialect.quoted("name")
    value = dialect.quoted("value")
    rows = execute(f"SELECT {name}, {value} FROM {meta}")
    said = {str(row[0]): row[1] for row in rows}
    schema = str(said.get("schema", ""))
    if said.get("application") != APPLICATION or not schema.isdecimal():
        raise StoreVersionError(
            "its table of versions does not say that this is a store of wxengage",
            where,
            "name another database, or restore a backup",
        )
    version = int(schema)
    if version > SCHEMA_VERSION:
        raise StoreVersionError(
            f"its tables have version {version}, and this library knows versions up "
            f"to {SCHEMA_VERSION}",
            where,
            "use the newer wxengage that wrote it: pip install --upgrade wxengage",
        )
    return version


def require_ready(version: int | None, dialect: Dialect, where: str) -> None:
    """Refuse a store that has to be made or brought forward first.

    Parameters
    ----------
    version
        As found.
    dialect
        Of its engine, for the mend.
    where
        The store, for messages.

    Raises
    ------
    StoreVersionError
        If there are no tables, or older ones.
    """
    if version is None:
        raise StoreVersionError(
            "there are no tables of wxengage",
            where,
            "open it once with create=True, or let whoever runs the database run the "
            f"statements of wxengage.stores.ddl_for({dialect.name!r})",
        )
    if version < SCHEMA_VERSION:
        raise StoreVersionError(
            f"its tables have version {version}, and this library needs "
            f"{SCHEMA_VERSION}",
            where,
            "open it once with create=True, which brings it forward",
        )


def advance(execute: Execute, dialect: Dialect, where: str) -> int:
    """Make the tables, or take one step forward.

    Parameters
    ----------
    execute
        Runs statements in a transaction which is then committed, and in which
        nobody else does the same.
    dialect
        How the engine writes things.
    where
        The store, for messages.

    Returns
    -------
    int
        The version that the tables have now.

    Raises
    ------
    StoreVersionError
        If nothing leads on from the version that is there.
    """
    version = version_of(execute, dialect, where)
    if version is None:
        for statement in ddl_statements(dialect):
            execute(statement)
        return SCHEMA_VERSION
    if version == SCHEMA_VERSION:
        return version
    if version not in STEPS:
        raise StoreVersionError(
            f"nothing leads on from version {version} of its tables",
            where,
            "bring it forward with an older wxengage first",
        )
    STEPS[version](execute, dialect)
    meta, name = dialect.table("meta"), dialect.quoted("name")
    value, mark = dialect.quoted("value"), dialect.placeholder
    sql = f"UPDATE {meta} SET {value} = {mark} WHERE {name} = {mark}"
    execute(sql, (str(version + 1), "schema"))
    return version + 1
