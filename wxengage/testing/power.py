"""A disk whose power fails (断电磁盘): what was not synced is kept, lost or torn.

Whoever keeps money in a file should have seen what is left of it when the lights go
out in the middle of a write. SQLite works as ever, on real files, until the disk goes
off at a step that was chosen; then nothing more gets through. After that the files
are what a real disk might have kept: each change that no sync had waited for is
there, or not, or in part, by sectors of 512 bytes.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, nearest, require_whole
from wxengage.stores.errors import StoreError
from wxengage.testing.power_files import Cut, Fate, Names, StoredFile, Write
from wxengage.testing.power_sqlite import reach_sqlite

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import HasFileno
    from numpy.random import Generator

__all__ = ["FileSystem", "PowerDisk", "PowerLoss"]

#: How a file system keeps names; see ``PowerDisk``.
FileSystem: TypeAlias = Literal["journalled", "posix", "strict"]
_KINDS: Final = ("journalled", "posix", "strict")
# What SQLite shares between processes is in memory, whatever its name.
_SHARED: Final = "-shm"


@attrs.frozen
class PowerLoss:
    """What a loss of power did to changes that were on their way (断电后果).

    Attributes
    ----------
    step
        At which step of the disk the power went, counted from its start.
    kept, dropped, torn
        How many changes of files are there, are not, or are there in part.
    names_kept, names_dropped
        How many new or deleted names are as they were to be, and are not.
    """

    step: int
    kept: int
    dropped: int
    torn: int
    names_kept: int
    names_dropped: int

    @property
    def lost(self) -> int:
        """How many changes are not there as they were made."""
        return self.dropped + self.torn + self.names_dropped


class _Handle:
    """A file that is open."""

    def __init__(self, file: StoredFile, *, new_journal: bool) -> None:
        self.file = file
        self.new_journal = new_journal


class PowerDisk:
    """A folder on a disk whose power fails when it is told (断电磁盘).

    Everything that SQLite does in the folder in this process, by the ``sqlite3``
    module, is on this disk while the ``with`` statement lasts.

    Parameters
    ----------
    folder
        Where the files are. It must exist.
    rng
        Decides what is left of what was on its way.
    names
        What makes a new or deleted name durable. ``"journalled"``: any sync of any
        file, and names are lost in the order in which they came, as on ext4 and XFS.
        ``"posix"``: only a sync of the folder, among them those that SQLite itself
        asks for after it made a journal. ``"strict"``: only a sync of the folder by
        ``os.fsync``, as where SQLite was built without its own
        (``SQLITE_DISABLE_DIRSYNC``).

    Raises
    ------
    InvalidInputError
        If an argument breaks its rule.
    StoreError
        If the SQLite of this Python cannot be reached.

    Notes
    -----
    Bytes beside those that are written are never harmed: SQLite relies on that by
    default (``SQLITE_IOCAP_POWERSAFE_OVERWRITE``). A change of a file's size is never
    torn. Files that Python itself writes are not on this disk, but for ``os.fsync``
    of the folder.

    Examples
    --------
    A commit that was not synced may be gone:

    >>> import sqlite3
    >>> import numpy as np
    >>> def committed(synchronous, seed):
    ...     folder = Path(f"{synchronous}-{seed}")
    ...     folder.mkdir()
    ...     with PowerDisk(folder, np.random.default_rng(seed)) as disk:
    ...         db = sqlite3.connect(folder / "a.db", isolation_level=None)
    ...         _ = db.execute("PRAGMA journal_mode = WAL")
    ...         _ = db.execute(f"PRAGMA synchronous = {synchronous}")
    ...         _ = db.execute("CREATE TABLE a (b)")
    ...         _ = db.execute("INSERT INTO a VALUES (1)")
    ...         disk.cut()
    ...         db.close()
    ...         _ = disk.restart()
    ...         db = sqlite3.connect(folder / "a.db")
    ...         tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    ...         rows = tables and db.execute("SELECT count(*) FROM a").fetchone()[0]
    ...         db.close()
    ...     return rows
    >>> sum(committed("FULL", seed) for seed in range(20))
    20
    >>> sum(committed("NORMAL", seed) for seed in range(20)) < 20
    True
    """

    def __init__(
        self, folder: str | Path, rng: Generator, *, names: FileSystem = "journalled"
    ) -> None:
        self._folder = Path(folder).resolve()
        if not self._folder.is_dir():
            raise InvalidInputError("folder", str(folder), "a folder that is there")
        if not isinstance(rng, np.random.Generator):
            raise InvalidInputError("rng", rng, "a numpy.random.Generator")
        if names not in _KINDS:
            rule = "journalled, posix or strict"
            raise InvalidInputError("names", names, rule, nearest(names, _KINDS))
        self._rng = rng
        self._kind: FileSystem = names
        self._between = reach_sqlite()
        self._names = Names()
        self._handles: dict[int, _Handle] = {}
        self._next = 0
        self._steps = 0
        self._last: int | None = None
        self._off = False
        self._lock = threading.RLock()
        self._fsync = os.fsync

    def __repr__(self) -> str:
        power = "off" if self._off else "on"
        return f"PowerDisk({str(self._folder)!r}, {power}, steps={self._steps})"

    def __enter__(self) -> Self:
        self._between.add(self)
        self._fsync, os.fsync = os.fsync, self._synced_by_python
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.fsync = self._fsync
        self._between.remove(self)

    @property
    def off(self) -> bool:
        """Whether the power is off: nothing that happens now has happened."""
        return self._off

    @property
    def steps(self) -> int:
        """How many changes and syncs there were since the start."""
        return self._steps

    def cut_after(self, steps: int) -> None:
        """Let the power fail in the course of a later step.

        Parameters
        ----------
        steps
            How many steps are still done. The next change after them is made, and is
            on its way when the power goes; the next sync is not.

        Raises
        ------
        InvalidInputError
            If it is no whole number, or below zero.
        """
        self._last = self._steps + require_whole("steps", steps)

    def cut(self) -> None:
        """Let the power fail now."""
        self._off = True

    def restart(self) -> PowerLoss:
        """Switch the power on: the folder's files are what the disk has kept.

        Returns
        -------
        PowerLoss
            What became of the changes that were on their way.

        Raises
        ------
        StoreError
            If something has a file open: a machine that was off has none.
        """
        with self._lock:
            if self._handles:
                raise StoreError(
                    f"{len(self._handles)} of its files are open",
                    str(self._folder),
                    "close every connection before the power comes back",
                )
            self._off, self._last = False, None
            kept, dropped = self._names.survive(
                self._rng, ordered=self._kind == "journalled"
            )
            fates = [
                fate
                for name, file in self._names.files().items()
                for fate in self._written_back(name, file)
            ]
        return PowerLoss(
            step=self._steps,
            kept=fates.count(Fate.KEPT),
            dropped=fates.count(Fate.DROPPED),
            torn=fates.count(Fate.TORN),
            names_kept=kept,
            names_dropped=dropped,
        )

    def _written_back(self, name: str, file: StoredFile | None) -> tuple[Fate, ...]:
        path = self._folder / name
        path.with_name(name + _SHARED).unlink(missing_ok=True)
        if file is None:
            path.unlink(missing_ok=True)
            return ()
        fates = file.survive(self._rng)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as written:  # noqa: PTH123  to keep who may read it
            written.write(file.content())
        return fates

    def watches(self, path: str) -> bool:
        """Whether a file is one of this disk's; SQLite asks."""
        return os.path.dirname(path) == str(self._folder)  # noqa: PTH120  often asked

    def opening(self, path: str, *, new_journal: bool) -> int | None:
        """Open a file; None while the power is off."""
        with self._lock:
            if self._off:
                return None
            name = Path(path).name
            file = self._names.get(name)
            if file is None:
                file = self._found(Path(path))
            self._next += 1
            self._handles[self._next] = _Handle(file, new_journal=new_journal)
            return self._next

    def closing(self, handle: int) -> None:
        """Close a file, which also works without power."""
        with self._lock:
            del self._handles[handle]

    def writing(self, handle: int, offset: int, data: bytes) -> bool:
        """Write into a file; False where the power is off."""
        return self._changed(handle, Write(offset, data))

    def cutting(self, handle: int, size: int) -> bool:
        """Move the end of a file; False where the power is off."""
        return self._changed(handle, Cut(size))

    def syncing(self, handle: int) -> bool:
        """Bring a file to the disk; False where the power goes before it is there."""
        with self._lock:
            if self._off or not self._lasts():
                return False
            opened = self._handles[handle]
            opened.file.sync()
            if self._kind == "journalled" or (
                opened.new_journal and self._kind == "posix"
            ):
                # SQLite syncs the folder with the first sync of a journal.
                self._names.sync()
                opened.new_journal = False
            return True

    def deleting(self, path: str, *, sync_names: bool) -> bool:
        """Take a file's name away; False where the power is off."""
        with self._lock:
            if self._off:
                return False
            self._names.unlink(Path(path).name)
            if not self._lasts():
                return False
            if sync_names and self._kind != "strict":
                self._names.sync()
            return True

    def _changed(self, handle: int, change: Write | Cut) -> bool:
        with self._lock:
            if self._off:
                return False
            self._handles[handle].file.change(change)
            return self._lasts()

    def _found(self, path: Path) -> StoredFile:
        """Return a file that is opened for the first time under its name."""
        file = StoredFile(path.read_bytes() if path.exists() else b"")
        if file.content():
            self._names.found(path.name, file)
        else:
            # It was made just now, by SQLite or before it was asked.
            self._names.link(path.name, file)
        return file

    def _lasts(self) -> bool:
        """Count a step, and tell whether the power lasts until after it."""
        self._steps += 1
        self._off = self._last is not None and self._steps > self._last
        return not self._off

    def _synced_by_python(self, fd: int | HasFileno) -> None:
        """Do ``os.fsync``, unless it is of the folder: that is told, as to SQLite."""
        number = fd if isinstance(fd, int) else fd.fileno()
        if not os.path.samestat(os.fstat(number), self._folder.stat()):
            self._fsync(number)
            return
        with self._lock:
            if self._off or not self._lasts():
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self._names.sync()
