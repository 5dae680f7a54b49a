"""Servers go away, wires are cut, others are in the way: what a store makes of it."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.stores.cutting import wire
from tests.stores.emptying import empty
from tests.stores.racing import BUDGET, claim_through_crashes, race
from tests.stores.servers import crash, stopped
from wxengage.errors import InvalidInputError
from wxengage.stores import served
from wxengage.stores.errors import (
    CommitUnknownError,
    StoreBusyError,
    StoreError,
    StoreUnreachableError,
    StoreVersionError,
)
from wxengage.stores.opening import ddl_for, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stores.cutting import Wire
    from tests.stores.servers import Server
    from wxengage.stores.ports import Store, Transaction

KINDS = ("postgres", "mysql")
ROW = ("f1", "{}")
COMMIT = rb"COMMIT\0?$"


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    """Give a server of each kind."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """Give the address of a database on it."""
    with server.database() as found:
        yield found


@pytest.fixture
def empty_url(server: Server) -> Iterator[str]:
    """Give the address of an empty database on it."""
    with server.database() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an empty store in it."""
    made = open_store(url)
    empty(made)
    yield made
    made.close()


@pytest.fixture
def wired(url: str, tmp_path: Path) -> Iterator[tuple[Store, Wire]]:
    """Give a store whose wire to the server can be cut."""
    parts = urlsplit(url)
    name, _, place = parts.query.partition("=")
    if name == "host":
        path, target = tmp_path / ".s.PGSQL.5432", f"{place}/.s.PGSQL.5432"
        query = f"host={tmp_path}"
    else:
        path, target = tmp_path / "cut.sock", place
        query = f"unix_socket={path}"
    if not os.path.exists(target):  # noqa: PTH110  a socket's name
        pytest.skip("does not apply: somebody's own server is not behind a socket")
    with wire(path, target) as cutter:
        made = open_store(parts._replace(query=query).geturl())
        empty(made)
        yield made, cutter
        made.close()


def there(store: Store) -> dict[Any, Any]:
    """Return the row, if it is there."""
    return store.run(lambda tx: tx.get("freeze", [("f1",)]), write=False)


class Counted:
    """Inserts the row, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, tx: Transaction) -> tuple[bool, ...]:
        """Insert it."""
        self.times += 1
        return tx.insert("freeze", [ROW])


def test_a_wire_cut_before_the_commit_is_not_noticed(
    wired: tuple[Store, Wire],
) -> None:
    """Nothing was committed, so the work is done again on a new connection."""
    store, cutter = wired
    words = (b"INSERT INTO", b"READ COMMITTED READ WRITE|START TR")
    cases = list(itertools.product(words, (True, False)))

    for number, (word, arrives) in enumerate(cases):
        name, tries = f"f{number}", list[int]()

        def work(tx: Transaction, name: str = name, tries: list[int] = tries) -> Any:
            tries.append(1)
            return tx.insert("freeze", [(name, "{}")])

        cutter.cut_at(word, arrives=arrives)
        assert (True,) == store.run(work)
        assert 1 + (word == words[0]) == len(tries)

    assert len(cases) == cutter.cuts
    assert len(cases) == store.run(lambda tx: tx.count("freeze"), write=False)


def test_a_commit_that_arrives_and_whose_answer_is_lost_is_unknown(
    wired: tuple[Store, Wire],
) -> None:
    """It is committed, and the store neither says so nor does it again."""
    store, cutter = wired
    work = Counted()

    cutter.cut_at(COMMIT, arrives=True)
    with pytest.raises(CommitUnknownError, match="may be committed, or not") as caught:
        store.run(work)

    assert caught.value.kept is None
    assert (1, 1) == (work.times, cutter.cuts)
    assert {("f1",): ROW} == there(store)
    assert (False,) == store.run(work)


def test_a_commit_that_never_arrives_is_unknown(wired: tuple[Store, Wire]) -> None:
    """Nobody can tell it from one that did; here it did not."""
    store, cutter = wired
    work = Counted()

    cutter.cut_at(COMMIT, arrives=False)
    with pytest.raises(CommitUnknownError):
        store.run(work)

    assert (1, 1) == (work.times, cutter.cuts)
    assert {} == there(store)
    assert (True,) == store.run(work)


def test_an_error_of_a_statement_cannot_be_passed_over(store: Store) -> None:
    """Work that catches an error and goes on does not commit the rest of it."""

    def work(tx: Any) -> None:
        tx.insert("freeze", [ROW])
        with pytest.raises(StoreError):
            tx.execute("SELECT * FROM nowhere")
        with pytest.raises(StoreError):
            tx.insert("freeze", [("f2", "{}")])

    with pytest.raises(StoreVersionError, match="nowhere"):
        store.run(work)

    assert {} == there(store)


def test_what_the_work_raises_undoes_it_and_the_connection_goes_on(
    store: Store,
) -> None:
    """An error of the caller's own comes out as it is."""

    def work(tx: Transaction) -> None:
        tx.insert("freeze", [ROW])
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        store.run(work)

    assert {} == there(store)


def test_a_server_that_comes_back_in_time_is_waited_for(
    server: Server, store: Store
) -> None:
    """After a crash, idle connections are dead; the work comes through all the same."""
    if server.process is None:
        pytest.skip("does not apply: somebody's own server is not ours to crash")
    store.run(lambda tx: tx.insert("freeze", [ROW]))

    crash(server)

    assert (False, True) == store.run(
        lambda tx: tx.insert("freeze", [ROW, ("f2", "{}")])
    )


def test_a_server_that_stays_away_is_named(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which server, after a bounded number of tries."""
    if server.process is None:
        pytest.skip("does not apply: somebody's own server is not ours to stop")
    monkeypatch.setattr(served, "_PAUSES", (0.01, 0.01))

    with stopped(server):
        with pytest.raises(StoreUnreachableError, match=r"(postgresql|mysql)://"):
            store.run(Counted())
        with pytest.raises(StoreUnreachableError):
            store.now()

    assert (True,) == store.run(Counted())


def test_whoever_waits_for_a_lock_too_long_is_told(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that somebody holds and does not give back is no reason to hang."""
    monkeypatch.setattr(served, "_PAUSES", (0.01,))
    tries = []

    def wait(tx: Any) -> None:
        tries.append(1)
        if store.name.startswith("PostgreSQL"):
            tx.execute("SET LOCAL lock_timeout = '200ms'")
        else:
            tx.execute("SET SESSION innodb_lock_wait_timeout = 1")
        tx.lock(["held"])

    def hold(tx: Transaction) -> None:
        tx.lock(["held"])
        with pytest.raises(StoreBusyError, match="keep transactions shorter"):
            other.run(wait)

    with closing(open_store(url)) as other:
        store.run(hold)

    assert [1, 1] == tries


def test_no_transaction_is_begun_within_another_one(store: Store) -> None:
    """It would wait for a lock of its own thread, or miss what is not committed."""
    with pytest.raises(StoreError, match="inside another one"):
        store.run(lambda _: store.run(Counted()))

    assert {} == there(store)
    assert (True,) == store.run(Counted())


def _insert_in_child(store: Store, name: str) -> None:
    store.run(lambda tx: tx.insert("freeze", [(name, "{}")]))
    os._exit(0)


def test_a_store_goes_on_in_a_fork_and_in_its_parent(store: Store) -> None:
    """A child uses connections of its own and leaves its parent's alone."""
    store.run(lambda tx: tx.insert("freeze", [ROW]))
    child = os.fork()
    if not child:
        _insert_in_child(store, "child")

    assert 0 == os.waitpid(child, 0)[1]
    assert (True,) == store.run(lambda tx: tx.insert("freeze", [("parent", "{}")]))
    assert 3 == store.run(lambda tx: tx.count("freeze"), write=False)


def _open(url: str) -> str:
    store = open_store(url)
    store.close()
    return store.name


def test_processes_may_make_the_tables_at_the_same_time(empty_url: str) -> None:
    """Eight processes that start on an empty database all find it ready."""
    assert 1 == len(set(race(_open, [(empty_url,)] * 8)))

    store = open_store(empty_url, create=False)
    assert () == store.verify()
    store.close()


def test_an_empty_database_is_made_only_when_asked(empty_url: str) -> None:
    """The error says how to make it, by the library or by hand."""
    with pytest.raises(StoreVersionError, match=r"create=True.*ddl_for"):
        open_store(empty_url, create=False)


def test_printed_statements_make_a_store(server: Server, empty_url: str) -> None:
    """Whoever runs the database may make the tables instead of the library."""
    engine = urlsplit(empty_url).scheme

    with (
        closing(server.connect(empty_url)) as connection,
        connection.cursor() as cursor,
    ):
        for statement in ddl_for(engine).split(";\n")[:-1]:
            cursor.execute(statement)
        connection.commit()

    with closing(open_store(empty_url, create=False)) as store:
        assert (True,) == store.run(Counted())
        assert ddl_for(engine) == store.ddl()


def test_a_backup_is_a_sqlite_store_as_of_one_instant(
    store: Store, tmp_path: Path
) -> None:
    """Rows of every kind come along, and sealed ones are sealed again."""
    account = ("spring", "budget", "", "fen")
    names = [(f"f{n:05d}", "{}") for n in range(6000)]
    store.run(lambda tx: tx.put("balance", [(*account, 5, 0)]))
    store.run(lambda tx: tx.insert("freeze", names))

    store.backup(tmp_path / "copy.db")

    with closing(open_store(f"sqlite:///{tmp_path}/copy.db")) as copy:
        walked = copy.run(lambda tx: tx.walk("freeze", limit=10_000), write=False)
        assert names == list(walked)
        assert () == copy.verify()
        assert {account: (*account, 5, 0)} == copy.run(
            lambda tx: tx.get("balance", [account])
        )
    with pytest.raises((InvalidInputError, StoreError)):
        store.backup(tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as plain:
        assert [("ok",)] == plain.execute("PRAGMA integrity_check").fetchall()


def test_a_sealed_row_that_was_changed_behind_our_back_is_named(store: Store) -> None:
    """Who changes an amount by hand is found by ``verify``."""
    account = ("spring", "budget", "", "fen")
    store.run(lambda tx: tx.put("balance", [(*account, 5, 0)]))

    def change(tx: Any) -> None:
        tx.execute("UPDATE wxengage_balance SET amount = 11 - amount")

    store.run(change)
    (found,) = store.verify()
    assert "spring" in found

    store.run(change)
    assert () == store.verify()


def test_a_closed_store_says_so(store: Store) -> None:
    """Nothing is opened again behind the back of who closed it."""
    store.close()

    with pytest.raises(StoreError, match="closed"):
        store.run(Counted())


def test_ids_are_ordered_by_their_bytes(store: Store) -> None:
    """No collation of a server has a say in what comes after what."""
    names = ["B", "a", "a ", "b", "é", "e\u0301", "字", "😀", "\uff21"]
    store.run(lambda tx: tx.insert("freeze", [(name, "{}") for name in names]))

    walked = store.run(lambda tx: tx.walk("freeze"), write=False)

    assert sorted(names) == [row[0] for row in walked]
    assert len(names) == len(walked)


def test_a_batch_may_be_larger_than_a_statement(store: Store) -> None:
    """Rows of a megabyte each are written and told one by one."""
    rows = [(f"f{n}", "字" * 400_000) for n in range(8)]

    assert (True,) * 8 == store.run(lambda tx: tx.insert("freeze", rows))
    assert (False,) * 8 == store.run(lambda tx: tx.insert("freeze", rows))
    store.run(lambda tx: tx.put("freeze", rows))

    assert {row[:1]: row for row in rows} == store.run(
        lambda tx: tx.get("freeze", [row[:1] for row in rows]), write=False
    )


def check_crashes(server: Server, url: str, crashes: int) -> None:
    """Let four processes claim while their server crashes again and again."""
    if server.process is None:
        pytest.skip("does not apply: somebody's own server is not ours to crash")
    with closing(open_store(url)) as store:
        store.run(lambda tx: tx.put("balance", [(*BUDGET, 10**9, 0)]))
        jobs = [(url, who, 2.0 * crashes + 1.0) for who in range(4)]

        with ThreadPoolExecutor(1) as pool:
            claims = pool.submit(race, claim_through_crashes, jobs)
            for _ in range(crashes):
                time.sleep(0.7)
                crash(server)
            outcomes = claims.result()

        told = sum(told for told, _ in outcomes)
        unknown = sum(unknown for _, unknown in outcomes)
        left: Any = store.run(lambda tx: tx.get("balance", [BUDGET])[BUDGET][4])
        print(  # noqa: T201  numbers are the point
            f"{store.name}: {crashes} crashes, {told} claims, {unknown} commits unknown"
        )
        assert told == 10**9 - left == store.run(lambda tx: tx.count("freeze"))
        assert () == store.verify()


def test_no_claim_is_lost_or_taken_twice_by_a_crash(
    server: Server, empty_url: str
) -> None:
    """What was told is kept, and what was unknown is done once when it is repeated."""
    check_crashes(server, empty_url, 1)


@pytest.mark.torture
def test_no_claim_is_lost_or_taken_twice_by_many_crashes(
    server: Server, empty_url: str
) -> None:
    """The same, forty times."""
    check_crashes(server, empty_url, 40)
