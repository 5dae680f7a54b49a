"""A store is made, and brought forward, as a whole or not at all."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.stores.samples import Undone, balance, event
from wxengage.stores.errors import StoreError, StoreVersionError
from wxengage.stores.migrations import STEPS
from wxengage.stores.opening import ddl_for
from wxengage.stores.schema import SCHEMA_VERSION
from wxengage.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.stores.migrations import Execute
    from wxengage.stores.ports import Transaction
    from wxengage.stores.sql import Dialect

#: What version 0 had otherwise: freezes without their text, and nothing kept.
OLD = (
    "DROP TABLE wxengage_kept",
    "DROP TABLE wxengage_freeze",
    "CREATE TABLE wxengage_freeze (id TEXT NOT NULL PRIMARY KEY) STRICT",
    *(f"INSERT INTO wxengage_freeze VALUES ('f{n}')" for n in range(20)),  # noqa: S608
    "UPDATE wxengage_meta SET value = '0' WHERE name = 'schema'",
)
KEPT = """CREATE TABLE wxengage_kept (name TEXT NOT NULL, version INTEGER NOT NULL,
at INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (name)) STRICT"""
FREEZES = tuple(sorted((f"f{n}", "{}") for n in range(20)))


def step(execute: Execute, dialect: Dialect) -> None:
    """Bring version 0 forward: a table made anew, and another one added."""
    assert "sqlite" == dialect.name
    execute("CREATE TABLE made (id TEXT NOT NULL, freeze TEXT NOT NULL, "
            "PRIMARY KEY (id)) STRICT")  # fmt: skip
    for (name,) in execute("SELECT id FROM wxengage_freeze"):
        execute("INSERT INTO made VALUES (?, ?)", (name, "{}"))
    execute("DROP TABLE wxengage_freeze")
    execute("ALTER TABLE made RENAME TO wxengage_freeze")
    execute(KEPT)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give a store of version 0."""
    path = tmp_path / "engage.db"
    store = SqliteStore(path)
    store.run(lambda tx: tx.insert("event", [event("e1"), event("e2")]))
    store.run(lambda tx: tx.insert("balance", [balance("a", 5)]))
    store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in OLD:
            connection.execute(statement)
    return path


@pytest.fixture
def stepped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the step that leads on from version 0."""
    monkeypatch.setitem(STEPS, 0, step)


def version_in(path: Path) -> str:
    """Return the version that a file says, and that its tables have."""
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT value FROM wxengage_meta WHERE name = 'schema'"
        version: str = connection.execute(sql).fetchone()[0]
        columns = len(
            connection.execute("PRAGMA table_info(wxengage_freeze)").fetchall()
        )
        assert {"0": 1, "1": 2}[version] == columns
        assert (
            20
            == connection.execute("SELECT count(*) FROM wxengage_freeze").fetchone()[0]
        )
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
        return version


def check_present(path: Path) -> None:
    """Look whether a store is of the present version and has lost nothing."""
    store = SqliteStore(path)
    assert FREEZES == store.run(lambda tx: tx.walk("freeze"), write=False)
    assert (event("e1"), event("e2")) == store.run(lambda tx: tx.walk("event"))
    assert (balance("a", 5),) == store.run(lambda tx: tx.walk("balance"))
    assert (True,) == store.run(lambda tx: tx.insert("kept", [("k", 1, 1, "{}")]))
    assert () == store.verify()
    store.close()


@pytest.mark.usefixtures("stepped")
def test_an_older_store_is_brought_forward(old: Path) -> None:
    """Nothing is lost, and a copy of what it was lies beside it."""
    check_present(old)

    assert ("1", "0") == (
        version_in(old),
        version_in(old.with_name("engage.db.version-0")),
    )


def test_an_older_store_is_left_alone_where_that_is_asked(old: Path) -> None:
    """The error names both versions; nothing has changed."""
    before = old.read_bytes()

    with pytest.raises(
        StoreVersionError, match="have version 0, and this library needs 1"
    ):
        SqliteStore(old, create=False)
    with pytest.raises(StoreVersionError, match="nothing leads on from version 0"):
        SqliteStore(old)

    assert before == old.read_bytes()


def test_a_newer_store_is_refused_by_an_older_library(old: Path) -> None:
    """Whatever it holds, this library does not know how to write it."""
    with closing(sqlite3.connect(old)) as connection, connection:
        sql = "UPDATE wxengage_meta SET value = ? WHERE name = 'schema'"
        connection.execute(sql, (str(SCHEMA_VERSION + 1),))
    before = old.read_bytes()

    for create in (True, False):
        with pytest.raises(
            StoreVersionError, match="version 2, and this library knows"
        ):
            SqliteStore(old, create=create)

    assert before == old.read_bytes()


@pytest.mark.parametrize("says", ["", "one", "-1", "1.0", "²"])
def test_a_version_that_is_none_is_refused(old: Path, says: str) -> None:
    """A table of that name may be somebody else's."""
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute(
            "UPDATE wxengage_meta SET value = ? WHERE name = 'schema'", (says,)
        )

    with pytest.raises(StoreVersionError, match="does not say that this is a store"):
        SqliteStore(old)


def test_a_step_that_fails_changes_nothing(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error comes out, and the next try begins from version 0."""

    def fails(execute: Execute, dialect: Dialect) -> None:
        step(execute, dialect)
        raise Undone

    monkeypatch.setitem(STEPS, 0, fails)
    with pytest.raises(Undone):
        SqliteStore(old)

    assert "0" == version_in(old)
    monkeypatch.setitem(STEPS, 0, lambda execute, _: execute("SELECT nonsense"))
    with pytest.raises(StoreError, match="no such column"):
        SqliteStore(old)
    assert "0" == version_in(old)


class Killed(SqliteStore):
    """A store whose process is killed as it comes to a statement."""

    def __init__(self, path: Path, number: int) -> None:
        self._left = number
        super().__init__(path)

    def _connect_writer(self) -> sqlite3.Connection:
        connection = super()._connect_writer()
        connection.set_trace_callback(self._count)
        return connection

    def _count(self, _: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def is_killed(path: Path, number: int) -> bool:
    """Open a store in a child that is killed at a statement; say whether it was."""
    child = os.fork()
    if child == 0:
        try:
            Killed(path, number)
        except BaseException:  # noqa: BLE001  it must not go on as a test
            os._exit(1)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {0, -signal.SIGKILL}
    return ended != 0


@pytest.mark.usefixtures("stepped")
def test_a_kill_at_any_statement_leaves_one_version_or_the_other(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """T10: and whoever opens it next brings it forward without a loss."""
    whole = old.read_bytes()
    left = {"0": 0, "1": 0}
    number = 0
    while True:
        number += 1
        for path in old.parent.iterdir():
            path.unlink()
        old.write_bytes(whole)
        if not is_killed(old, number):
            break
        left[version_in(old)] += 1
        check_present(old)
        copy = old.with_name("engage.db.version-0")
        assert not copy.exists() or "0" == version_in(copy)

    assert left["0"] > 30
    with capsys.disabled():
        print(f"\nT10: {number - 1} kills in a migration, left {left}")  # noqa: T201


def test_a_kill_at_any_statement_of_making_leaves_nothing_or_all(
    tmp_path: Path,
) -> None:
    """The next who opens it has a whole store."""
    path = tmp_path / "engage.db"
    made = SqliteStore()
    count = "SELECT count(*) FROM sqlite_master"
    whole = made.connection.execute(count).fetchone()[0]
    made.close()
    number = 0
    while True:
        number += 7  # every seventh: all are alike
        for other in tmp_path.iterdir():
            other.unlink()
        if not is_killed(path, number):
            break
        with closing(sqlite3.connect(path)) as connection:
            tables = connection.execute(count).fetchone()[0]
        assert tables in {0, whole}
        store = SqliteStore(path)
        assert () == store.verify()
        store.close()

    assert number > 50


def test_statements_for_a_dba_make_a_whole_store(tmp_path: Path) -> None:
    """What is printed is what is made; without it the error says where it is."""
    path = tmp_path / "engage.db"
    with pytest.raises(StoreVersionError, match=r"ddl_for\('sqlite'\)"):
        SqliteStore(path, create=False)
    assert not path.exists()
    path.touch()
    with pytest.raises(StoreVersionError, match="there are no tables"):
        SqliteStore(path, create=False)

    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(ddl_for("sqlite"))

    store = SqliteStore(path, create=False)
    made = SqliteStore()
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    assert (
        made.connection.execute(schema).fetchall()
        == store.connection.execute(schema).fetchall()
    )
    assert ddl_for("sqlite") == store.ddl()

    def use(tx: Transaction) -> int:
        tx.insert("event", [event("e1")])
        return tx.count("event")

    assert 1 == store.run(use)
    store.close()
    made.close()
