"""SQLite keeps the promises of every store, and some of its own."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from wxengage.errors import InvalidInputError
from wxengage.stores.errors import StoreBusyError, StoreError, StoreVersionError
from wxengage.stores.layouts import layout_of
from wxengage.stores.opening import open_store
from wxengage.stores.schema import TABLES
from wxengage.stores.sql import ddl_statements
from wxengage.stores.sqlite import SqliteStore
from wxengage.stores.sqlite_files import has_reset_bug, network_mount
from wxengage.stores.sqlite_rows import DIALECT
from wxengage.stores.statements import statements_of

if TYPE_CHECKING:
    from wxengage.stores.ports import Store, Transaction

# A release without the WAL-reset bug.
MENDED = (3, 51, 3)


def pragma(store: SqliteStore, name: str) -> object:
    """Return a setting of the connection that writes."""
    return store.connection.execute(f"PRAGMA {name}").fetchone()[0]


def add(store: Store, *names: str) -> tuple[bool, ...]:
    """Add rows."""
    return store.run(lambda tx: tx.insert("freeze", [(name, "{}") for name in names]))


def names_in(store: Store) -> list[object]:
    """Return which rows are there."""
    rows = store.run(lambda tx: tx.walk("freeze", limit=10**6), write=False)
    return [row[0] for row in rows]


# Settings.


@pytest.mark.parametrize(
    ("how", "version", "journal", "locking"),
    [
        ("many", MENDED, "wal", "normal"),
        ("many", (3, 40, 1), "persist", "normal"),
        ("one", (3, 40, 1), "wal", "exclusive"),
        ("one", MENDED, "wal", "exclusive"),
    ],
)
def test_what_is_committed_is_on_the_disk(
    tmp_path: Path,
    how: Literal["many", "one"],
    version: tuple[int, ...],
    journal: str,
    locking: str,
) -> None:
    """Each mode syncs in full; only the journal differs, by what is safe."""
    store = SqliteStore(tmp_path / "engage.db", processes=how, version=version)

    assert (journal, locking) == (
        pragma(store, "journal_mode"),
        pragma(store, "locking_mode"),
    )
    full, yes = 2, 1
    assert (full, yes, yes) == tuple(
        pragma(store, name) for name in ("synchronous", "foreign_keys", "secure_delete")
    )
    assert (True, 30_000) == (store.durable, pragma(store, "busy_timeout"))
    store.close()


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 44, 5), True),
        ((3, 44, 6), False), ((3, 45, 0), True), ((3, 50, 6), True),
        ((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False),
    ],
)  # fmt: skip
def test_versions_that_can_damage_a_log_are_known(
    version: tuple[int, ...], bug: bool
) -> None:
    """From 3.7.0 to 3.51.2, but for two releases that were mended."""
    assert bug == has_reset_bug(version)


def test_a_sqlite_without_strict_tables_is_refused(tmp_path: Path) -> None:
    """Before a file is made."""
    with pytest.raises(StoreError, match=r"SQLite 3\.36\.0 is too old"):
        SqliteStore(tmp_path / "engage.db", version=(3, 36, 0))

    assert [] == list(tmp_path.iterdir())


def test_a_slower_journal_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with what would mend it, and without the folder's name."""
    SqliteStore(tmp_path / "engage.db", version=(3, 40, 1)).close()

    assert ["wxengage.stores"] == [record.name for record in caplog.records]
    assert "engage.db keeps a rollback journal" in caplog.text
    assert str(tmp_path) not in caplog.text
    caplog.clear()
    SqliteStore(tmp_path / "other.db", version=MENDED).close()
    SqliteStore(tmp_path / "third.db", processes="one").close()
    assert "" == caplog.text


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """The store, and whatever lies beside it."""
    store = SqliteStore(tmp_path / "engage.db", processes="one")
    add(store, "f1")
    store.backup(tmp_path / "copy.db")

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()
    }
    assert {"engage.db": 0o600, "engage.db-wal": 0o600, "copy.db": 0o600} == modes
    store.close()


def test_what_is_removed_is_overwritten(tmp_path: Path) -> None:
    """No byte of a removed row is left in the file after it is closed."""
    store = SqliteStore(tmp_path / "engage.db", processes="one")
    left = "openid-of-somebody-who-left"
    store.run(lambda tx: tx.insert("freeze", [(left, left * 300), ("f2", "{}")]))
    store.run(lambda tx: tx.remove("freeze", [(left,)]))
    store.close()

    assert [] == [
        path.name for path in tmp_path.iterdir() if left.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/share/engage.db", "nfs4"), ("/srv/share/deep/er.db", "nfs4"),
        ("/srv/local/engage.db", None), ("/srv/shared.db", None),
        ("/srv/share/disk/x.db", None), ("/with blank/x.db", "cifs"),
    ],
)  # fmt: skip
def test_network_file_systems_are_told_by_their_mounts(
    path: str, kind: str | None
) -> None:
    """The deepest mount counts, not a name that begins alike."""
    mounts = (
        "/dev/vda / ext4 rw 0 0\nserver:/x /srv/share nfs4 rw 0 0\n"
        "/dev/vdb /srv/share/disk xfs rw 0 0\n"
        "//host/y /with\\040blank cifs rw 0 0\nodd\n"
    )

    assert kind == network_mount(Path(path), mounts)


# Transactions, threads, processes.


def test_who_reads_is_not_kept_waiting(tmp_path: Path) -> None:
    """While a thread writes, others read what was there before it."""
    store = SqliteStore(tmp_path / "engage.db", version=MENDED)
    add(store, "old")
    seen: list[list[object]] = []

    def work(tx: Transaction) -> None:
        tx.insert("freeze", [("new", "{}")])
        reader = threading.Thread(target=lambda: seen.append(names_in(store)))
        reader.start()
        reader.join()

    store.run(work)

    assert [["old"]] == seen
    assert ["new", "old"] == names_in(store)
    store.close()


def test_a_transaction_within_a_transaction_is_refused(tmp_path: Path) -> None:
    """It would wait for itself, or not see what the outer one did."""
    store = SqliteStore(tmp_path / "engage.db", version=MENDED)

    for write in (True, False):

        def work(_: Transaction, write: bool = write) -> None:
            store.run(lambda tx: tx.count("freeze"), write=write)

        with pytest.raises(StoreError, match="inside another one"):
            store.run(work)
    assert (True,) == add(store, "f1")
    store.close()


def test_a_file_that_another_holds_is_waited_for_and_then_given_up(
    tmp_path: Path,
) -> None:
    """The error says who is in the way; later it works."""
    store = SqliteStore(tmp_path / "engage.db", wait=0.2)
    other = sqlite3.connect(
        tmp_path / "engage.db", isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreBusyError, match=r"engage\.db: another connection"):
        add(store, "f1")

    threading.Timer(0.05, lambda: other.execute("ROLLBACK")).start()
    patient = SqliteStore(tmp_path / "engage.db", wait=20)
    assert (True,) == add(patient, "f1")
    for closing in (store, patient, other):
        closing.close()


def test_two_do_not_keep_one_file_for_themselves(tmp_path: Path) -> None:
    """Who comes second is told, and has not touched it."""
    first = SqliteStore(tmp_path / "engage.db", processes="one")

    for how in ("one", "many"):
        with pytest.raises(StoreBusyError):
            SqliteStore(
                tmp_path / "engage.db",
                processes=how,
                wait=0.1,
            )
    assert (True,) == add(first, "f1")
    first.close()


def test_a_long_turn_of_a_thread_is_given_up(tmp_path: Path) -> None:
    """Who waits in the same process is told as well."""
    store = SqliteStore(tmp_path / "engage.db", wait=0.1)
    caught: list[BaseException] = []

    def late() -> None:
        try:
            add(store, "late")
        except StoreBusyError as error:
            caught.append(error)

    def work(tx: Transaction) -> int:
        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
        return tx.count("freeze")

    assert 0 == store.run(work)
    assert ["another thread has worked for 0.1 seconds"] == [
        error.what for error in caught if isinstance(error, StoreBusyError)
    ]
    store.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """To readers and writers; closing twice harms nothing."""
    store = SqliteStore(tmp_path / "engage.db", version=MENDED)
    store.close()
    store.close()

    for write in (True, False):
        with pytest.raises(StoreError, match="it is closed"):
            store.run(lambda tx: tx.count("freeze"), write=write)


CHILD = """
import os, sys
from wxengage.stores.sqlite import SqliteStore
path, how = sys.argv[1:]
store = SqliteStore(path, processes=how, wait=0.2)
store.run(lambda tx: tx.insert("freeze", [(f"a{n}", "x" * 500) for n in range(100)]))
child = os.fork()
if child == 0:
    # A process like any other: what it has inherited is collected as it ends.
    if how == "many":
        store.run(lambda tx: tx.insert("freeze", [("child", "{}")]))
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
store.run(lambda tx: tx.insert("freeze", [(f"b{n}", "x" * 500) for n in range(100)]))
print(store.run(lambda tx: tx.count("freeze"), write=False), flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(("how", "count"), [("many", 201), ("one", 200)])
def test_a_fork_does_no_harm_to_its_parent(
    tmp_path: Path, how: str, count: int
) -> None:
    """The child has its own connection, and what it inherited stays as it is.

    A child that closed it would take the parent's log away, and with it what the
    parent commits from then on.
    """
    path = tmp_path / "engage.db"

    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), how],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert (-9, f"{count}\n") == (ended.returncode, ended.stdout), ended.stderr
    store = SqliteStore(path)
    assert count == store.run(lambda tx: tx.count("freeze"), write=False)
    assert () == store.verify()
    store.close()


def test_a_store_in_sqlites_memory_is_not_shared_by_a_fork() -> None:
    """The child's copy would be one that nobody else sees."""
    store = SqliteStore()

    child = os.fork()
    if child == 0:
        try:
            add(store, "f1")
        except StoreError:
            os._exit(7)
        os._exit(0)

    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    store.close()


def test_every_statement_can_be_seen(tmp_path: Path) -> None:
    """A test that stops at each of them hangs itself onto the connection."""
    store = SqliteStore(tmp_path / "engage.db", processes="one")
    seen: list[str] = []
    store.connection.set_trace_callback(seen.append)

    add(store, "f1", "f2")

    assert "BEGIN IMMEDIATE" == seen[0]
    assert "COMMIT" == seen[-1]
    assert 2 == sum(said.startswith("INSERT INTO") for said in seen)
    store.close()


# Backup.


@pytest.mark.parametrize("version", [MENDED, (3, 40, 1)])
@pytest.mark.parametrize("copies", [4, pytest.param(40, marks=pytest.mark.torture)])
def test_a_copy_is_of_one_instant_while_others_write(
    tmp_path: Path, version: tuple[int, ...], copies: int
) -> None:
    """T10: pairs that are always written together are together in each copy."""
    store = SqliteStore(tmp_path / "engage.db", version=version)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            rows = [(f"{side}{number}", "x" * 300) for side in "ab"]
            store.run(lambda tx, rows=rows: tx.insert("freeze", rows))  # type: ignore[misc]

    writer = threading.Thread(target=write)
    writer.start()
    counts = []
    for number in range(copies):
        store.backup(tmp_path / f"copy-{number}.db")
        copy = SqliteStore(tmp_path / f"copy-{number}.db", create=False)
        names = names_in(copy)
        assert () == copy.verify()
        assert {str(n)[1:] for n in names if str(n)[0] == "a"} == {
            str(n)[1:] for n in names if str(n)[0] == "b"
        }
        counts.append(len(names))
        copy.close()
    stop.set()
    writer.join()
    store.close()

    assert sorted(counts) == counts
    assert counts[0] < counts[-1]


def test_no_file_is_lost_to_a_copy(tmp_path: Path) -> None:
    """Nor is the store itself, nor is anything left where a copy fails."""
    store = SqliteStore(tmp_path / "engage.db")
    add(store, "f1")

    with pytest.raises(StoreError, match="there is a file already"):
        store.backup(tmp_path / "engage.db")
    with pytest.raises(StoreError, match="the file cannot be made"):
        store.backup(tmp_path / "absent" / "copy.db")

    assert ["f1"] == names_in(store)
    store.close()


# What an application lends.


def test_what_was_lent_is_committed_by_the_application(tmp_path: Path) -> None:
    """Its rows and ours, together or not at all."""
    store = SqliteStore(tmp_path / "engage.db")
    mine = sqlite3.connect(tmp_path / "engage.db")
    mine.execute("CREATE TABLE orders (id TEXT)")

    for end in (mine.rollback, mine.commit):
        mine.execute("INSERT INTO orders VALUES ('o1')")
        assert (True,) == store.within(mine).insert("freeze", [("f1", "{}")])
        end()

    assert [("o1",)] == mine.execute("SELECT id FROM orders").fetchall()
    assert ["f1"] == names_in(store)
    mine.close()
    store.close()


def test_a_lent_connection_must_be_one_of_a_store(tmp_path: Path) -> None:
    """Another database, a connection that gives bytes, a cursor: told apart."""
    store = SqliteStore(tmp_path / "engage.db")
    other = sqlite3.connect(":memory:")
    with pytest.raises(StoreVersionError, match="there are no tables"):
        store.within(other)
    odd = sqlite3.connect(tmp_path / "engage.db")
    odd.text_factory = bytes
    with pytest.raises(InvalidInputError, match="text_factory"):
        store.within(odd)
    with pytest.raises(InvalidInputError, match="connection"):
        store.within(odd.cursor())
    for connection in (other, odd):
        connection.close()
    lent = sqlite3.connect(tmp_path / "engage.db")
    with pytest.raises(StoreError, match="makes no backup"):
        open_store(lent).backup(tmp_path / "copy.db")
    lent.close()
    store.close()


@pytest.mark.parametrize("processes", ["one", "many"])
def test_a_file_that_is_compacted_holds_nothing_of_what_was_removed(
    tmp_path: Path, processes: Literal["one", "many"]
) -> None:
    """It is written anew, smaller, and without the bytes of rows that are gone."""
    path = tmp_path / "engage.db"
    store = SqliteStore(path, processes=processes)
    rows = [(f"secret-name-{row:04}", str(row) * 50) for row in range(2_000)]
    store.run(lambda tx: tx.insert("meta", rows))
    store.run(lambda tx: tx.remove("meta", [(name,) for name, _ in rows]))
    before = sum(one.stat().st_size for one in tmp_path.iterdir())
    store.compact()
    left = [one.read_bytes() for one in tmp_path.iterdir()]
    store.close()
    assert path.stat().st_size < before / 2
    assert not any(b"secret-name" in one for one in left)


@pytest.mark.parametrize("table", TABLES)
def test_no_statement_reads_a_whole_table_for_a_few_rows(table: str) -> None:
    """Rows by their keys and by every index: searched for, and sorted by no detour."""
    connection = sqlite3.connect(":memory:")
    for line in ddl_statements(DIALECT):
        connection.execute(line)

    def plan(sql: str) -> str:
        marks = (1,) * sql.count("?")
        found = connection.execute(f"EXPLAIN QUERY PLAN {sql}", marks).fetchall()
        return " / ".join(str(row[-1]) for row in found)

    statements = statements_of(DIALECT, table)
    by_key = [statements.one, statements.walk(after=True)]
    for count in (2, 16, 256):
        by_key += [statements.some(count), statements.remove(count)]
    for sql in by_key:
        assert "SCAN" not in plan(sql), plan(sql)
    for index in layout_of(table).table.indexes:
        for newest in (False, True):
            for bounds in ((0, 1), (None, None)):
                sql = statements.find(
                    index, len(index.columns) - 1, bounds, limited=True, newest=newest
                )
                assert "INDEX" in plan(sql), plan(sql)
                assert "TEMP B-TREE" not in plan(sql), plan(sql)
    connection.close()
