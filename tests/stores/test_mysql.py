"""MySQL and MariaDB keep the promises of every store, and some of their own."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.stores.applications import Application
from tests.stores.contract import StoreContract, event, payout
from tests.stores.emptying import empty
from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.stores import served
from wxengage.stores.errors import (
    StoreError,
    StoreUnreachableError,
    StoreVersionError,
    TakenError,
)
from wxengage.stores.mysql import MysqlStore
from wxengage.stores.opening import ddl_for, open_store

pymysql = pytest.importorskip("pymysql", reason="the extra 'mysql' is not installed")

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.stores.servers import Server
    from wxengage.stores.ports import Store

READ_COMMITTED = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


@pytest.fixture(scope="module")
def url(mysql: Server) -> Iterator[str]:
    """Give the address of a database."""
    with mysql.database() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an empty store in it."""
    made = open_store(url)
    empty(made)
    yield made
    made.close()


def connect(server: Server, url: str, *, level: str = READ_COMMITTED) -> Any:
    """Return an application's connection, of this isolation."""
    connection = server.connect(url)
    with connection.cursor() as cursor:
        cursor.execute(level)
    connection.commit()
    return connection


class TestMysql(StoreContract):
    """The contract, on a server."""

    examples = 10

    @pytest.fixture
    def opened(self, store: Store) -> Store:
        """Give an empty store."""
        return store


class TestLentMysql(StoreContract):
    """The contract, on a connection that an application lends."""

    examples = 10
    threads = False

    @pytest.fixture
    def opened(self, mysql: Server, url: str, store: Store) -> Iterator[Store]:
        """Give an empty store on the application's connection."""
        assert store.name.startswith(("MariaDB", "MySQL"))
        with closing(connect(mysql, url)) as connection:

            @contextmanager
            def transaction() -> Generator[None]:
                connection.begin()
                try:
                    yield
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()

            yield Application(transaction, lambda: open_store(connection))


def test_it_tells_what_it_is_and_that_it_lasts(store: Store) -> None:
    """The server's version is in the name; what is committed is on its disk."""
    assert store.name.split()[0] in {"MariaDB", "MySQL"}
    assert store.name.split()[1][0].isdigit()
    assert store.durable


def test_a_server_that_flushes_later_is_not_called_durable(
    mysql: Server, url: str
) -> None:
    """A second of payouts that a power cut takes away is not on the disk."""
    name = "innodb_flush_log_at_trx_commit"
    mysql.run(f"SET GLOBAL {name} = 2")
    try:
        with closing(open_store(url)) as store:
            assert not store.durable
    finally:
        mysql.run(f"SET GLOBAL {name} = 1")
    with closing(open_store(url)) as store:
        assert store.durable


def test_a_backend_that_is_killed_before_the_commit_is_not_noticed(
    mysql: Server, store: Store
) -> None:
    """An administrator may end any session; the work is done again."""
    ended: list[object] = []

    def work(tx: Any) -> Any:
        new = tx.insert("freeze", [("f1", "{}")])
        if not ended:
            ended.append(tx.execute("SELECT CONNECTION_ID()")[0][0])
            mysql.run(f"KILL {ended[0]}")
        return new, tx.count("freeze")

    assert ((True,), 1) == store.run(work)
    assert 1 == store.run(lambda tx: tx.count("freeze"), write=False)


def test_a_row_in_another_s_place_is_refused_and_never_written_over(
    store: Store,
) -> None:
    """ON DUPLICATE KEY UPDATE would have taken the other row for this one."""
    store.run(lambda tx: tx.insert("payout", [payout("n1"), payout("n2", 1)]))

    with pytest.raises(TakenError, match=r"payout\.by_reward"):
        store.run(lambda tx: tx.insert("payout", [payout("n3")]))
    for taken in (payout("n3"), payout("n2", 0)):
        with pytest.raises(TakenError, match=r"payout\.by_reward"):
            store.run(lambda tx, row=taken: tx.put("payout", [row]))  # type: ignore[misc]
    store.run(lambda tx: tx.put("payout", [payout("n2", 2), payout("n4", 1)]))

    found = store.run(lambda tx: tx.walk("payout"), write=False)
    assert (payout("n1"), payout("n2", 2), payout("n4", 1)) == found


@pytest.mark.parametrize("made", [1, 5, -3, -1])
def test_tables_that_were_made_in_part_are_made_in_full(
    mysql: Server, made: int
) -> None:
    """Every statement that makes something commits; a crash leaves some of them."""
    text = ddl_for("mysql").replace("wxengage_meta", "wxengage_making")
    statements = text.split(";\n")[:-1]
    with mysql.database() as fresh:
        with closing(mysql.connect(fresh)) as owner, owner.cursor() as cursor:
            for line in statements[: made % len(statements)]:
                cursor.execute(line)
            owner.commit()

        with pytest.raises(StoreVersionError):
            open_store(fresh, create=False)
        with closing(open_store(fresh)) as store:
            assert (True,) == store.run(lambda tx: tx.insert("freeze", [("f1", "{}")]))
            assert () == store.verify()


def test_tables_are_never_made_in_a_transaction_of_an_application(
    mysql: Server,
) -> None:
    """It would be committed by that, with whatever the application did before."""
    with mysql.database() as fresh, closing(connect(mysql, fresh)) as connection:
        connection.begin()
        with pytest.raises(StoreVersionError, match="no tables"):
            open_store(connection)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "latest rows"),
        ("SET SESSION sql_mode = ''", "strict"),
        ("SET NAMES latin1", "utf8mb4"),
    ],
)
def test_a_session_that_reads_or_keeps_something_else_is_refused(
    mysql: Server, url: str, store: Store, setting: str, complaint: str
) -> None:
    """Rows as of long ago, text cut to size, characters lost: not with money."""
    with closing(connect(mysql, url)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(setting)
        connection.commit()
        connection.begin()

        with pytest.raises(InvalidInputError, match=complaint):
            store.within(connection)


def test_it_does_not_matter_how_an_application_counts_rows(
    url: str, store: Store
) -> None:
    """SQLAlchemy and Django ask for rows that were found, and not changed."""
    parts = urlsplit(url)
    flags = pymysql.constants.CLIENT.FOUND_ROWS
    host = dict([parts.query.split("=", 1)])
    with closing(
        pymysql.connect(
            **host,
            user=parts.username,
            database=parts.path[1:],
            client_flag=flags,
            charset="utf8mb4",
            cursorclass=pymysql.cursors.DictCursor,
        )
    ) as connection:
        connection.query(READ_COMMITTED)
        connection.begin()
        tx = store.within(connection)

        rows = [event("e1"), event("e2"), event("e1")]
        assert (True, True, False) == tx.insert("event", rows)
        assert (False, False, True) == tx.insert("event", [*rows[:2], event("e3")])
        assert {("e3",): event("e3")} == tx.get("event", [("e3",)])
        connection.commit()
    assert 3 == store.run(lambda tx: tx.count("event"), write=False)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("mysql://ada:tiger@host/", "with a database"),
        ("mysql://ada:tiger@host/shop?unix_sock=/x", "did you mean 'unix_socket'"),
        ("mysql://ada:tiger@host/shop?read_timeout=soon", "a whole number"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused(
    address: str, complaint: str
) -> None:
    """The message says what is wrong with it, and keeps the password."""
    with pytest.raises(InvalidInputError, match=complaint) as caught:
        open_store(address)

    assert "tiger" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message says where, and keeps what is secret."""
    monkeypatch.setattr(served, "_PAUSES", (0.01,))
    for place in ("localhost/shop?unix_socket=/nowhere", "127.0.0.1:1/shop"):
        with pytest.raises(StoreUnreachableError, match="mysql://") as caught:
            open_store(f"mysql://ada:tiger@{place}")

        assert "tiger" not in str(caught.value)


def test_without_the_driver_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "pymysql", None)

    with pytest.raises(MissingExtraError, match=r"wxengage\[mysql\]"):
        MysqlStore("mysql://ada@host/shop")


def test_a_wrong_password_is_told_at_once(mysql: Server, url: str) -> None:
    """What no second try can mend is not tried again."""
    mysql.run("CREATE USER IF NOT EXISTS eve@localhost IDENTIFIED BY 'secret'")
    wrong = urlsplit(url)._replace(netloc="eve:tiger@localhost").geturl()
    try:
        with pytest.raises(StoreError, match="Access denied") as caught:
            open_store(wrong)
    finally:
        mysql.run("DROP USER eve@localhost")

    assert not isinstance(caught.value, StoreUnreachableError)
    assert "tiger" not in str(caught.value)


def test_a_batch_tells_each_new_row_whatever_its_order(store: Store) -> None:
    """Rows are written in the order of keys and told in the order of the batch."""
    names = [f"e{n * 7919 % 1009:04d}" for n in range(1009)]
    store.run(lambda tx: tx.insert("event", [event(name) for name in names[::3]]))

    new = store.run(lambda tx: tx.insert("event", [event(n) for n in names + names]))

    assert [n % 3 != 0 for n in range(1009)] + [False] * 1009 == list(new)
