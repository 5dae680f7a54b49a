"""Where the stores of processes that are killed are kept."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.stores.servers import mysql_server, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["a_folder", "an_empty_store"]

_MEMORY = Path("/dev/shm")  # noqa: S108  where there is one


@contextlib.contextmanager
def a_folder() -> Iterator[Path]:
    """Give an empty folder, in memory where that can be.

    A kill takes nothing from the system's own cache: to a process that dies, files in
    memory are as good as files on a disk, and it can die more often a second.
    """
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="wxengage-", dir=where) as folder:
        yield Path(folder)


@contextlib.contextmanager
def an_empty_store(engine: str) -> Iterator[tuple[str, Path]]:
    """Give the address of an empty store, and a folder for other files."""
    with a_folder() as folder:
        if engine == "sqlite":
            yield f"sqlite:///{folder / 'desk.db'}", folder
            return
        server = postgres_server() if engine == "postgresql" else mysql_server()
        with server.database() as url:
            yield url, folder
