"""The real servers that the stores are tested on do what the tests rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stores.servers import crash, stopped

if TYPE_CHECKING:
    from tests.stores.servers import Server

ROOT = Path(__file__).parents[2]
KINDS = ["postgres", "mysql"]
RECOVERS = ("automatic recovery in progress", "Starting crash recovery")
# Starts a server, says what it is, and waits to be killed.
LIVES = """
from tests.stores import servers
server = servers.{kind}_server()
print(server.process.pid, server.process.folder, flush=True)
input()
"""


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    """Give a server of each kind."""
    found: Server = request.getfixturevalue(request.param)
    return found


def rows(server: Server, url: str, statement: str) -> list[tuple[Any, ...]]:
    """Return what a new connection answers."""
    with closing(server.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()]


def write(server: Server, url: str, *statements: str) -> None:
    """Commit some statements on a new connection."""
    with closing(server.connect(url)) as connection:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.commit()


def lives(pid: int) -> bool:
    """Return whether a process runs; one that nobody has buried does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_postgres_answers_at_its_address(postgres: Server, postgres_url: str) -> None:
    """The address alone is enough for psycopg, and the server is one we support."""
    ((told,),) = rows(postgres, postgres_url, "SELECT version()")

    assert "PostgreSQL" == told.split()[0]
    assert 15 <= float(told.split()[1])


def test_mysql_answers_at_its_address(mysql: Server, mysql_url: str) -> None:
    """The parts of the address are enough for PyMySQL, and the server is not old."""
    ((told,),) = rows(mysql, mysql_url, "SELECT version()")

    numbers = told.split("-")[0].split(".")
    assert (8, 0) <= (int(numbers[0]), int(numbers[1]))


def test_two_databases_do_not_see_each_other(server: Server) -> None:
    """What one test writes is not there for another, and is gone afterwards."""
    with server.database() as one, server.database() as other:
        write(server, one, "CREATE TABLE seen (n int)", "INSERT INTO seen VALUES (1)")
        write(server, other, "CREATE TABLE seen (n int)")

        assert [(1,)] == rows(server, one, "SELECT n FROM seen")
        assert [] == rows(server, other, "SELECT n FROM seen")

    with pytest.raises(server.refusals, match=r"does not exist|Unknown database"):
        server.connect(one)


def test_a_forgotten_transaction_does_not_hold_a_database(server: Server) -> None:
    """A test that ends with a connection in a transaction leaves nothing behind."""
    with server.database() as url:
        write(server, url, "CREATE TABLE seen (n int)")
        forgotten = server.connect(url)
        forgotten.cursor().execute("INSERT INTO seen VALUES (1)")

    with pytest.raises(server.refusals):
        server.connect(url)
    with pytest.raises(server.refusals):
        forgotten.cursor().execute("SELECT n FROM seen")
    forgotten.close()


def test_a_crash_keeps_what_was_committed_and_nothing_else(server: Server) -> None:
    """The server comes back with what it has acknowledged, by reading its log."""
    with server.database() as url:
        if server.process is None:
            pytest.skip("does not apply: somebody's own server is not ours to crash")
        write(server, url, "CREATE TABLE seen (n int)", "INSERT INTO seen VALUES (1)")
        open_ = server.connect(url)
        open_.cursor().execute("INSERT INTO seen VALUES (2)")
        before = server.process.pid

        crash(server)

        assert before != server.process.pid
        assert [(1,)] == rows(server, url, "SELECT n FROM seen")
        with pytest.raises(server.refusals):
            open_.cursor().execute("SELECT n FROM seen")
        open_.close()
        assert any(told in server.process.said(200) for told in RECOVERS)


def test_a_stopped_server_refuses_until_it_is_back(server: Server) -> None:
    """Tests may look at what happens while there is no server."""
    with server.database() as url:
        with stopped(server), pytest.raises(server.refusals):
            server.connect(url)

        assert [(1,)] == rows(server, url, "SELECT 1")


def test_postgres_syncs_and_has_a_foreign_order_and_zone(
    postgres: Server, postgres_url: str
) -> None:
    """No speed is bought with durability, and bytes are not the order of text."""
    if postgres.process is None:
        pytest.skip("does not apply: somebody's own server has its own settings")
    wanted = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

    got = {name: rows(postgres, postgres_url, f"SHOW {name}")[0][0] for name in wanted}
    order = "SELECT string_agg(c, '' ORDER BY c) FROM (VALUES ('a'), ('B'), ('c')) t(c)"

    assert wanted == got
    assert [("aBc",)] == rows(postgres, postgres_url, order)
    assert [("America/New_York",)] == rows(postgres, postgres_url, "SHOW timezone")


def test_mysql_syncs_and_has_a_foreign_order_and_zone(
    mysql: Server, mysql_url: str
) -> None:
    """No speed is bought with durability, and text that differs by case is equal."""
    if mysql.process is None:
        pytest.skip("does not apply: somebody's own server has its own settings")
    names = "@@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, @@time_zone"

    assert [(1, 1, "-05:00")] == rows(mysql, mysql_url, f"SELECT {names}")
    assert [(1,)] == rows(mysql, mysql_url, "SELECT 'oA' = 'oa'")


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_does_not_outlive_tests_that_are_killed(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """After kill -9 of the tests the server ends and its folder is removed."""
    if request.getfixturevalue(kind).process is None:
        pytest.skip("does not apply: the server is somebody's own")
    tests = subprocess.Popen(
        [sys.executable, "-c", LIVES.format(kind=kind)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tests.stdout is not None
    pid, folder = tests.stdout.readline().split()
    assert lives(int(pid))
    assert Path(folder).is_dir()

    os.kill(tests.pid, signal.SIGKILL)
    tests.communicate()

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (lives(int(pid)) or Path(folder).exists()):
        time.sleep(0.05)
    assert not lives(int(pid))
    assert not Path(folder).exists()
