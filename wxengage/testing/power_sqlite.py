"""Standing between SQLite and its files (SQLite 文件层): every change is told first.

SQLite reaches its files through a table of functions, a VFS. Ours is a copy of the
one that this Python's own SQLite uses, with a few functions replaced: opening,
writing, cutting, closing and deleting are told to whoever watches the folder and then
done by the original, and a sync is told. Reading, locking and shared memory are not
touched. So it is the SQLite of the ``sqlite3`` module that is tried, and its own code
for files.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from wxengage.stores.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    _Function: TypeAlias = Callable[..., int]

__all__ = ["Watcher", "reach_sqlite"]

_OK: Final = 0
_VFS_VERSION: Final = 3
_IOERR_WRITE: Final = 10 | 3 << 8
_IOERR_FSYNC: Final = 10 | 4 << 8
_IOERR_TRUNCATE: Final = 10 | 6 << 8
_IOERR_DELETE: Final = 10 | 10 << 8
_CANTOPEN: Final = 14
_CREATE: Final = 0x4
# Main journal, journal of several files, write-ahead log.
_JOURNALS: Final = 0x800 | 0x4000 | 0x80000

_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_CLOSE = CFUNCTYPE(c_int, c_void_p)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class Watcher(Protocol):
    """Whoever is told of changes to the files of a folder; False refuses one."""

    def watches(self, path: str) -> bool:
        """Whether a file is one of the folder."""

    def opening(self, path: str, *, new_journal: bool) -> int | None:
        """Name an opened file; None where nothing may be opened any more."""

    def closing(self, handle: int) -> None:
        """Forget an opened file."""

    def writing(self, handle: int, offset: int, data: bytes) -> bool:
        """Write bytes."""

    def cutting(self, handle: int, size: int) -> bool:
        """Move the end."""

    def syncing(self, handle: int) -> bool:
        """Bring all of a file to the disk."""

    def deleting(self, path: str, *, sync_names: bool) -> bool:
        """Take a name away."""


class _Vfs(Structure):
    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("app_data", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
        ("rest", c_void_p * 14),
    )


class _Methods(Structure):
    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("rest", c_void_p * 13),
    )


class _File(Structure):
    _fields_ = (("methods", c_void_p),)


class _Original:
    """The functions that were there before, of one kind of file."""

    def __init__(self, methods: _Methods) -> None:
        self.close: _Function = _CLOSE(methods.close)
        self.write: _Function = _WRITE(methods.write)
        self.truncate: _Function = _TRUNCATE(methods.truncate)


class _Opened:
    """A file that SQLite has open in a folder that is watched."""

    def __init__(self, watcher: Watcher, handle: int, original: _Original) -> None:
        self.watcher = watcher
        self.handle = handle
        self.original = original


class Between:
    """What stands between SQLite and its files in this process; there is one.

    Parameters
    ----------
    library
        The SQLite of the ``sqlite3`` module.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._watchers: list[Watcher] = []
        self._files: dict[int, _Opened] = {}
        self._tables: dict[int, tuple[_Methods, _Original]] = {}
        self._failure: BaseException | None = None
        self._lock = threading.RLock()
        self._base = library.sqlite3_vfs_find(None)
        base = _Vfs.from_address(self._base)
        self._base_open: _Function = _OPEN(base.open)
        self._base_delete: _Function = _DELETE(base.delete)
        # SQLite keeps the addresses of these: they must live as long as it does.
        self._open = _OPEN(self._guarded(self._opened, _CANTOPEN))
        self._delete = _DELETE(self._guarded(self._deleted, _IOERR_DELETE))
        self._close = _CLOSE(self._guarded(self._closed, _IOERR_WRITE))
        self._write = _WRITE(self._guarded(self._written, _IOERR_WRITE))
        self._truncate = _TRUNCATE(self._guarded(self._truncated, _IOERR_TRUNCATE))
        self._sync = _SYNC(self._guarded(self._synced, _IOERR_FSYNC))
        self._vfs = _Vfs.from_buffer_copy(base)
        self._vfs.name = b"wxengage-power"
        self._vfs.open = _address(self._open)
        self._vfs.delete = _address(self._delete)

    def add(self, watcher: Watcher) -> None:
        """Tell somebody from now on what is done to the files of a folder."""
        with self._lock:
            if not self._watchers:
                self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)
            self._watchers.append(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Tell somebody nothing any more, and raise what went wrong while telling."""
        with self._lock:
            self._watchers.remove(watcher)
            if not self._watchers:
                self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _guarded(self, act: _Function, otherwise: int) -> _Function:
        """Return what raises nothing: SQLite could not catch it."""

        def guarded(*given: Any) -> int:  # noqa: ANN401  as SQLite calls it
            try:
                with self._lock:
                    return act(*given)
            except BaseException as error:  # noqa: BLE001  kept for ``remove``
                self._failure = self._failure or error
                return otherwise

        return guarded

    def _opened(
        self,
        _: int,
        name: int | None,
        file: int,
        flags: int,
        out: Any,  # noqa: ANN401
    ) -> int:
        path = "" if name is None else ctypes.string_at(name).decode()
        watcher = self._watcher(path)
        if watcher is None:  # a temporary file, or another folder
            return self._base_open(self._base, name, file, flags, out)
        new_journal = bool(flags & _CREATE and flags & _JOURNALS)
        handle = watcher.opening(path, new_journal=new_journal)
        if handle is None:
            return _CANTOPEN
        done = self._base_open(self._base, name, file, flags, out)
        if done != _OK:
            watcher.closing(handle)
            return done
        head = _File.from_address(file)
        methods, original = self._replaced(head.methods)
        head.methods = ctypes.addressof(methods)
        self._files[file] = _Opened(watcher, handle, original)
        return _OK

    def _deleted(self, _: int, name: int, sync_names: int) -> int:
        path = ctypes.string_at(name).decode()
        watcher = self._watcher(path)
        if watcher and not watcher.deleting(path, sync_names=bool(sync_names)):
            return _IOERR_DELETE
        return self._base_delete(self._base, name, sync_names)

    def _closed(self, file: int) -> int:
        opened = self._files.pop(file)
        opened.watcher.closing(opened.handle)
        return opened.original.close(file)

    def _written(self, file: int, data: int, count: int, offset: int) -> int:
        opened = self._files[file]
        content = ctypes.string_at(data, count)
        if not opened.watcher.writing(opened.handle, offset, content):
            return _IOERR_WRITE
        return opened.original.write(file, data, count, offset)

    def _truncated(self, file: int, size: int) -> int:
        opened = self._files[file]
        if not opened.watcher.cutting(opened.handle, size):
            return _IOERR_TRUNCATE
        return opened.original.truncate(file, size)

    def _synced(self, file: int, _: int) -> int:
        # Not done by the original: only the watcher says what is on the disk.
        opened = self._files[file]
        return _OK if opened.watcher.syncing(opened.handle) else _IOERR_FSYNC

    def _watcher(self, path: str) -> Watcher | None:
        return next((one for one in self._watchers if one.watches(path)), None)

    def _replaced(self, address: int) -> tuple[_Methods, _Original]:
        """Return a kind of file's functions with ours among them, made once."""
        if address not in self._tables:
            methods = _Methods.from_buffer_copy(_Methods.from_address(address))
            original = _Original(methods)
            methods.close = _address(self._close)
            methods.write = _address(self._write)
            methods.truncate = _address(self._truncate)
            methods.sync = _address(self._sync)
            self._tables[address] = methods, original
        return self._tables[address]


def _address(function: Any) -> int:  # noqa: ANN401  a callback of any shape
    return ctypes.cast(function, c_void_p).value or 0


@functools.cache
def reach_sqlite() -> Between:
    """Return what stands between SQLite and its files, made once in a process.

    Returns
    -------
    Between
        For the SQLite that the ``sqlite3`` module uses.

    Raises
    ------
    StoreError
        If that cannot be reached from here.
    """
    import _sqlite3  # noqa: PLC0415  it may not be there

    # The module itself, for a symbol is looked for in what it was linked with.
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    try:
        find, version = library.sqlite3_vfs_find, library.sqlite3_libversion
    except AttributeError as error:
        raise StoreError(
            "its functions are hidden in this Python",
            f"SQLite {_sqlite3.sqlite_version}",
            "use a Python that loads SQLite as a shared library",
        ) from error
    find.restype, version.restype = c_void_p, c_char_p
    find.argtypes = (c_char_p,)
    base = _Vfs.from_address(find(None) or 0)
    if base.version < _VFS_VERSION:
        raise StoreError(
            f"its file layer is of version {base.version}",
            f"SQLite {_sqlite3.sqlite_version}",
            f"use one whose layer is of version {_VFS_VERSION}",
        )
    return Between(library)
