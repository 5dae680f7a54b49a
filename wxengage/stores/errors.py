"""What a store raises on purpose (存储的错误).

    StoreError                  the transaction left no trace
    ├── StoreBusyError          somebody else holds it
    ├── StoreUnreachableError   the server is away, or hung up
    ├── CommitUnknownError      nobody knows whether it was committed
    ├── StoreVersionError       no tables, or those of another version
    ├── StoreDamagedError
    │   └── CorruptRowError     a row does not match its seal
    ├── FloorError              a value below its floor
    └── TakenError              two rows where an index allows one

All of them are a ``WxEngageError``. Each says what is the matter, where, and what to do
about it.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from wxengage.errors import WxEngageError, shorten

__all__ = [
    "CommitUnknownError",
    "CorruptRowError",
    "FloorError",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreError",
    "StoreUnreachableError",
    "StoreVersionError",
    "TakenError",
]


@attrs.define
class StoreError(WxEngageError):
    """A store cannot do what it was asked; the transaction left no trace.

    Attributes
    ----------
    kept
        Whether the transaction was committed: False, or None in the one case where
        nobody knows.
    what
        What is the matter.
    where
        The store, or the table and the row.
    mend
        What to do about it.
    """

    kept: ClassVar[bool | None] = False

    what: str
    where: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.mend}"


@attrs.define
class StoreBusyError(StoreError):
    """Another transaction was in the way for longer than is worth waiting."""


@attrs.define
class StoreUnreachableError(StoreError):
    """The server of a store is away, or hung up, for longer than is worth waiting."""


@attrs.define
class CommitUnknownError(StoreError):
    """The connection broke after a commit was asked for, before the answer came.

    The transaction was committed as a whole or not at all. It is not done again
    here; whoever does it again must be sure that twice does no harm.
    """

    kept: ClassVar[bool | None] = None

    @classmethod
    def of(cls, where: str) -> CommitUnknownError:
        """Build the error of a store."""
        return cls(
            what="the answer to a commit got lost: it may be committed, or not",
            where=where,
            mend="do it again if twice does no harm, or look what is there",
        )


@attrs.define
class StoreVersionError(StoreError):
    """A store has no tables, or those of another version of the library."""


@attrs.define
class StoreDamagedError(StoreError):
    """What is on the disk is not what was written."""


@attrs.define
class CorruptRowError(StoreDamagedError):
    """A row does not match the checksum that it was written with.

    Attributes
    ----------
    table
        Its table.
    key
        Its key, as read.
    """

    table: str
    key: tuple[object, ...]

    @classmethod
    def of(cls, table: str, key: tuple[object, ...]) -> CorruptRowError:
        """Build the error of a row."""
        return cls(
            what="the row is not as it was written",
            where=f"{table} {shorten(key)}",
            mend="stop, run verify(), and restore a backup or set it right by hand",
            table=table,
            key=key,
        )


@attrs.define
class FloorError(StoreError):
    """A row has a value below the floor that it states.

    Attributes
    ----------
    table
        Its table.
    key
        Its key; empty where the engine does not tell.
    """

    table: str
    key: tuple[object, ...] = ()

    @classmethod
    def of(
        cls, table: str, floor: tuple[str, str], key: tuple[object, ...] = ()
    ) -> FloorError:
        """Build the error of a row, or of a table where the row is not known."""
        return cls(
            what=f"{floor[0]} would be below {floor[1]}",
            where=f"{table} {shorten(key)}" if key else table,
            mend="nothing of this transaction was kept; take less",
            table=table,
            key=key,
        )


@attrs.define
class TakenError(StoreError):
    """Two rows have the values of which an index allows one.

    Attributes
    ----------
    table
        Their table.
    index
        The index; empty where the engine does not tell.
    """

    table: str
    index: str = ""

    @classmethod
    def of(cls, table: str, index: str = "") -> TakenError:
        """Build the error of an index."""
        return cls(
            what="another row has these values, of which there can be one",
            where=f"{table}.{index}" if index else table,
            mend="nothing of this transaction was kept; read before writing",
            table=table,
            index=index,
        )
