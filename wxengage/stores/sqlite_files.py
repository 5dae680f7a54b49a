"""Files of SQLite (SQLite 文件): where they lie, who may read them, how they sync."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from wxengage.stores.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Journal",
    "connect",
    "copy_to",
    "has_reset_bug",
    "keep_alive_in_forks",
    "make_private",
    "network_mount",
    "refuse_existing",
    "refuse_network",
    "set_journal",
    "sync_folder",
    "vacuum_into",
    "write_whole",
]

Journal: TypeAlias = Literal["wal", "persist"]

# A page cache of 64 MiB: what a busy day reads again stays in memory.
_CACHE_KIB: Final = 65_536
_PRAGMAS: Final = (
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    # What is erased is overwritten.
    "secure_delete = ON",
    "synchronous = FULL",
    f"cache_size = -{_CACHE_KIB}",
)

_MOUNTS: Final = Path("/proc/self/mounts")
# Their locks are advice that not every machine hears.
_NETWORK: Final = frozenset(
    {
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs",
        "gfs2",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
    }
)
# From which release on, and in which not any more.
_BUG_SINCE: Final = (3, 7, 0)
_BUG_UNTIL: Final = (3, 51, 3)
_MENDED_BEFORE: Final = ((3, 44, 6), (3, 50, 7))


def has_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Tell whether two writers can damage a write-ahead log (WAL-reset bug).

    Parameters
    ----------
    version
        Of SQLite.

    Returns
    -------
    bool
        True from 3.7.0 to 3.51.2, but for later releases of 3.44 and 3.50 that
        have the mend.

    Notes
    -----
    Source: the release notes of SQLite 3.51.3, 3.50.7 and 3.44.6.
    """
    if not _BUG_SINCE <= version < _BUG_UNTIL:
        return False
    return not any(
        version[:2] == mended[:2] and version >= mended for mended in _MENDED_BEFORE
    )


def network_mount(path: Path, mounts: str) -> str | None:
    """Return the kind of network file system that a path is on, if it is on one.

    Parameters
    ----------
    path
        Absolute, without links.
    mounts
        What is mounted, as in ``/proc/mounts``: device, place, kind, ...

    Returns
    -------
    str or None
        Such as ``"nfs4"``.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        parts = line.split()
        if len(parts) < 3:  # noqa: PLR2004  device, place, kind
            continue
        # Blanks in names are written as \040.
        place = Path(parts[1].encode().decode("unicode_escape"))
        if len(place.parts) >= best and path.is_relative_to(place):
            best, kind = len(place.parts), parts[2]
    return kind if kind in _NETWORK else None


def refuse_network(path: Path) -> None:
    """Refuse a file on a network file system, where that can be told.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    StoreError
        If it lies on one.
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:  # no Linux: it cannot be told
        return
    if kind := network_mount(path.resolve(), mounts):
        raise StoreError(
            f"it lies on a network file system ({kind}), where locks cannot be trusted",
            str(path),
            "put it on a disk of this machine, or use PostgreSQL or MySQL",
        )


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read and write, if there is none.

    Parameters
    ----------
    path
        The file. Files that SQLite puts beside it take over its permissions.

    Raises
    ------
    StoreError
        If its folder is missing, or cannot be written.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(
            f"the file cannot be made: {error.strerror}",
            str(path),
            "make its folder, and let this process write there",
        ) from error


def sync_folder(path: Path) -> None:
    """Wait until the names of files in a file's folder are on the disk.

    SQLite syncs what is in the write-ahead log, but not that there is one.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError:  # Windows opens no folders, and keeps names
        return
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def connect(path: Path | None, wait: float) -> sqlite3.Connection:
    """Return a new connection that begins nothing by itself.

    Parameters
    ----------
    path
        The file; None for memory.
    wait
        Seconds to wait for others.

    Returns
    -------
    sqlite3.Connection
        Which threads may hand to each other.
    """
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=wait,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def set_journal(
    connection: sqlite3.Connection, journal: Journal, *, alone: bool
) -> None:
    """Choose how commits get to the disk.

    Parameters
    ----------
    connection
        In no transaction.
    journal
        Which journal.
    alone
        Whether to keep the file for this connection.

    Raises
    ------
    StoreError
        If the file keeps another journal.
    """
    if alone:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    (got,) = connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
    if got != journal:
        raise StoreError(
            f"its journal is {got} and cannot be made {journal}",
            str(connection.execute("PRAGMA database_list").fetchone()[2]),
            "close what else has it open, or put it on another file system",
        )
    # The log is there once something was read, and with it the lock.
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let something write a file, which gets its name only when it is on the disk.

    Parameters
    ----------
    path
        The name in the end; a file of that name is replaced.
    write
        Writes a file that is there, empty, for its owner alone.
    """
    part = path.with_name(f"{path.name}.part")
    # What was left of another try, and what SQLite would take for a part of it.
    for end in ("", "-journal", "-wal", "-shm"):
        part.with_name(part.name + end).unlink(missing_ok=True)
    make_private(part)
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path)


def copy_to(source: sqlite3.Connection, path: Path) -> None:
    """Write a copy as of one instant into a new file.

    Parameters
    ----------
    source
        In no transaction.
    path
        Where to.

    Raises
    ------
    StoreError
        If there is a file already.
    """
    refuse_existing(path)

    def write(part: Path) -> None:
        target = sqlite3.connect(part, isolation_level=None)
        try:
            # In one step: where others write between two, it begins again.
            source.backup(target, pages=-1)
            # The copy is one file, with nothing beside it.
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()

    write_whole(path, write)


def refuse_existing(path: Path) -> None:
    """Refuse to write a backup over anything."""
    if path.exists():
        raise StoreError(
            "there is a file already",
            str(path),
            "name a new one for each backup, for example by its date",
        )


def vacuum_into(source: sqlite3.Connection, path: Path, version: int) -> None:
    """Keep a copy of a store before it is brought forward, beside it.

    Parameters
    ----------
    source
        In no transaction.
    path
        Of the store.
    version
        Of its tables, which the copy's name says.
    """
    copy = path.with_name(f"{path.name}.version-{version}")

    def write(part: Path) -> None:
        source.execute("VACUUM INTO ?", (str(part),))

    write_whole(copy, write)


class _Connected(Protocol):
    def connections(self) -> tuple[sqlite3.Connection, ...]: ...


_STORES: Final[weakref.WeakSet[_Connected]] = weakref.WeakSet()


def keep_alive_in_forks(store: _Connected) -> None:
    """See to it that a fork's child never closes what its parent has open.

    Parameters
    ----------
    store
        Whose connections these are.

    Notes
    -----
    A connection that has a file for itself believes so in the child too. When it is
    collected, at the latest as the child ends, it would empty and remove the log that
    the parent goes on writing. So the child holds it for ever.
    """
    _STORES.add(store)


def _hold() -> None:
    for store in list(_STORES):
        for connection in store.connections():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_hold)
