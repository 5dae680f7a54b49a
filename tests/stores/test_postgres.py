"""PostgreSQL keeps the promises of every store, and some of its own."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.stores.applications import Application
from tests.stores.contract import StoreContract, event
from tests.stores.emptying import empty
from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.stores import served
from wxengage.stores.errors import CommitUnknownError, StoreError, StoreUnreachableError
from wxengage.stores.opening import open_store
from wxengage.stores.postgres import PostgresStore

psycopg = pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.stores.servers import Server
    from wxengage.stores.ports import Store, Transaction


@pytest.fixture(scope="module")
def url(postgres: Server) -> Iterator[str]:
    """Give the address of a database."""
    with postgres.database() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an empty store in it."""
    made = open_store(url)
    empty(made)
    yield made
    made.close()


class TestPostgres(StoreContract):
    """The contract, on a server."""

    examples = 10

    @pytest.fixture
    def opened(self, store: Store) -> Store:
        """Give an empty store."""
        return store


class TestLentPostgres(StoreContract):
    """The contract, on a connection that an application lends."""

    examples = 10
    threads = False

    @pytest.fixture
    def opened(self, url: str, store: Store) -> Iterator[Store]:
        """Give an empty store on the application's connection."""
        assert store.durable
        with closing(psycopg.connect(url, autocommit=True)) as connection:

            @contextmanager
            def transaction() -> Generator[None]:
                with connection.transaction():
                    yield

            yield Application(transaction, lambda: open_store(connection))


def _kill(url: str, pid: object) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_it_tells_what_it_is_and_that_it_lasts(store: Store) -> None:
    """The server's version is in the name; what is committed is on its disk."""
    assert store.name.startswith("PostgreSQL 1")
    assert store.durable


def test_a_backend_that_is_ended_before_the_commit_is_not_noticed(
    url: str, store: Store
) -> None:
    """An administrator may end any session; the work is done again."""
    ended: list[object] = []

    def work(tx: Any) -> Any:
        new = tx.insert("freeze", [("f1", "{}")])
        if not ended:
            ended.append(tx.execute("SELECT pg_backend_pid()")[0][0])
            _kill(url, ended[0])
        return new, tx.count("freeze")

    assert ((True,), 1) == store.run(work)
    assert 1 == store.run(lambda tx: tx.count("freeze"), write=False)


def test_a_backend_that_is_ended_within_the_commit_leaves_it_unknown(
    url: str, postgres: Server
) -> None:
    """From when the commit is asked for, only its own answer counts."""
    del url
    with postgres.database() as fresh, closing(open_store(fresh)) as store:
        with closing(psycopg.connect(fresh, autocommit=True)) as owner:
            owner.execute(
                "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); "
                "RETURN NULL; END $$"
            )
            owner.execute(
                "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON wxengage_freeze "
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
            )
        tries: list[int] = []

        def work(tx: Transaction) -> None:
            tries.append(1)
            tx.insert("freeze", [("f1", "{}")])

        with pytest.raises(CommitUnknownError) as caught:
            store.run(work)

        assert [1] == tries
        assert caught.value.kept is None
        assert 0 == store.run(lambda tx: tx.count("freeze"), write=False)


def test_a_commit_that_the_server_refuses_is_no_mystery(postgres: Server) -> None:
    """A constraint that is looked at in the end undoes all, and says so."""
    with postgres.database() as fresh, closing(open_store(fresh)) as store:
        with closing(psycopg.connect(fresh, autocommit=True)) as owner:
            owner.execute(
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "RAISE EXCEPTION 'not today'; END $$"
            )
            owner.execute(
                "CREATE CONSTRAINT TRIGGER no AFTER INSERT ON wxengage_freeze "
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()"
            )

        with pytest.raises(StoreError, match="not today") as caught:
            store.run(lambda tx: tx.insert("freeze", [("f1", "{}")]))

        assert caught.value.kept is False
        assert 0 == store.run(lambda tx: tx.count("freeze"), write=False)


def test_a_commit_is_answered_when_it_is_on_the_disk(postgres: Server) -> None:
    """Where an administrator has traded this for speed, the store takes it back."""
    with postgres.database() as fresh:
        name = fresh.partition("?")[0].rpartition("/")[2]
        postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
        postgres.run(f"ALTER DATABASE {name} SET extra_float_digits = 0")
        with closing(psycopg.connect(fresh)) as plain:
            said = plain.execute("SHOW synchronous_commit").fetchone()
        with closing(open_store(fresh)) as store:

            def work(tx: Any) -> Any:
                tx.insert("event", [event("e1", value=0.1 + 0.2)])
                return tx.execute("SHOW synchronous_commit")[0][0]

            assert ("off",) == said
            assert "on" == store.run(work)
            (row,) = store.run(lambda tx: tx.walk("event"), write=False)
            assert 0.1 + 0.2 == row[11]


def test_a_database_of_another_encoding_is_refused(postgres: Server) -> None:
    """Where text is kept as anybody's bytes, an id has no meaning."""
    postgres.run(
        "CREATE DATABASE wxengage_ascii ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc "
        "LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    try:
        with pytest.raises(StoreError, match=r"SQL_ASCII.*ENCODING 'UTF8'"):
            open_store(postgres.address("wxengage_ascii"))
    finally:
        postgres.drop("wxengage_ascii")


def test_a_server_that_is_not_there_is_named_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message says where, and keeps what is secret."""
    monkeypatch.setattr(served, "_PAUSES", (0.01,))
    with pytest.raises(StoreUnreachableError, match="postgresql://") as caught:
        open_store("postgresql://ada:tiger@/shop?host=/nowhere")

    assert "tiger" not in str(caught.value)
    assert caught.value.kept is False


@pytest.mark.parametrize(
    "rest", ["ada:tiger@/shop?colour=red", "ada:tiger%zz@/shop", "ada:tiger@[::1/shop"]
)
def test_an_address_that_libpq_cannot_read_is_refused(rest: str) -> None:
    """The message shows what one looks like, and nothing of the password."""
    with pytest.raises(InvalidInputError, match="libpq can read") as caught:
        PostgresStore(f"postgresql://{rest}")

    assert "tiger" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_the_driver_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(MissingExtraError, match=r"wxengage\[postgres\]"):
        PostgresStore("postgresql://ada@/shop")


def test_the_clock_is_the_server_s(store: Store) -> None:
    """Two processes of different machines agree; it goes on within a transaction."""
    first, second = store.now(), store.now()

    assert first < second
    assert "UTC" == first.tzname()
    zones = store.run(lambda tx: tx.execute("SELECT now()")[0][0])  # type: ignore[attr-defined]
    assert abs((zones - first).total_seconds()) < 60


def test_a_batch_tells_each_new_row_whatever_its_order(store: Store) -> None:
    """Rows are written in the order of keys and told in the order of the batch."""
    names = [f"e{n * 7919 % 1009:04d}" for n in range(1009)]
    store.run(lambda tx: tx.insert("event", [event(name) for name in names[::3]]))

    new = store.run(lambda tx: tx.insert("event", [event(n) for n in names + names]))

    assert [n % 3 != 0 for n in range(1009)] + [False] * 1009 == list(new)


def test_a_transaction_may_hold_more_names_than_the_server_has_room_for(
    store: Store,
) -> None:
    """A batch of 20,000 people is as good as one of ten: its names share numbers."""
    store.run(lambda tx: tx.lock(f"user:u{row}" for row in range(20_000)))
