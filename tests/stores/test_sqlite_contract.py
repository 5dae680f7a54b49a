"""SQLite keeps the promises of every store, in each of its modes."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.stores.applications import Application
from tests.stores.contract import StoreContract
from wxengage.stores.opening import open_store
from wxengage.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from wxengage.stores.ports import Store

# A release without the WAL-reset bug.
MENDED = (3, 51, 3)


class TestFile(StoreContract):
    """The contract, in a file that several processes may use."""

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Store]:
        """Give a fresh store."""
        store = open_store(f"sqlite:///{tmp_path}/engage.db")
        yield store
        store.close()


class TestFileOfOneProcess(StoreContract):
    """The contract, in a file that one process keeps for itself."""

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Store]:
        """Give a fresh store."""
        store = open_store(f"sqlite:///{tmp_path}/engage.db", processes="one")
        yield store
        store.close()


class TestMemoryOfSqlite(StoreContract):
    """The contract, in the memory of SQLite."""

    @pytest.fixture
    def opened(self) -> Iterator[Store]:
        """Give a fresh store."""
        store = open_store("sqlite://")
        yield store
        store.close()


@contextmanager
def begun(connection: sqlite3.Connection) -> Generator[None]:
    """Be an application: begin, and commit or roll back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


class TestLentConnection(StoreContract):
    """The contract, on a connection that an application lends."""

    threads = False
    examples = 15

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Store]:
        """Give a fresh store."""
        connection = sqlite3.connect(tmp_path / "app.db")
        connection.row_factory = sqlite3.Row  # as applications like it
        yield Application(lambda: begun(connection), lambda: open_store(connection))
        connection.close()


class TestFileWithLog(StoreContract):
    """The contract, where threads read beside the one that writes.

    This is what a SQLite without the WAL-reset bug does for many processes.
    """

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Store]:
        """Give a fresh store."""
        store = SqliteStore(tmp_path / "engage.db", version=MENDED)
        yield store
        store.close()
