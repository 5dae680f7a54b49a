"""Applications lend their connections; what they commit or undo takes ours along."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.stores.emptying import empty
from wxengage.errors import InvalidInputError
from wxengage.stores.joined import join
from wxengage.stores.opening import open_store

sqlalchemy = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
django = pytest.importorskip("django", reason="Django is not installed")

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from tests.stores.servers import Server
    from wxengage.stores.ports import Store

ENGINES = ("sqlite", "postgres", "mysql")


class Undo(Exception):  # noqa: N818  it is no fault
    """What an application raises to roll back."""


@pytest.fixture(scope="module", params=ENGINES)
def url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Give the address of a database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('joined')}/engage.db"
        return
    server: Server = request.getfixturevalue(request.param)
    with server.database() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an empty store in it, which has connections of its own."""
    made = open_store(url)
    empty(made)
    yield made
    made.close()


def raw(url: str) -> Any:
    """Return an application's connection of the plain driver."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite3.connect(parts.path[1:])
    if parts.scheme == "postgresql":
        import psycopg  # noqa: PLC0415  an extra

        return psycopg.connect(url)
    import pymysql  # noqa: PLC0415  an extra

    connection: Any = pymysql.connect(
        user=parts.username or "",
        database=parts.path[1:],
        unix_socket=parts.query.partition("=")[2] or None,
        charset="utf8mb4",
    )
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    connection.commit()
    return connection


def sqlalchemy_engine(url: str) -> Any:
    """Return SQLAlchemy's engine for it."""
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
    scheme = urlsplit(url).scheme
    level = {} if scheme == "sqlite" else {"isolation_level": "READ COMMITTED"}
    address = url.replace(scheme, driver.get(scheme, scheme), 1)
    return sqlalchemy.create_engine(address, **level)


@contextmanager
def plain(url: str) -> Generator[Callable[[], AbstractContextManager[Any]]]:
    """Lend a plain connection."""
    with closing(raw(url)) as connection:

        @contextmanager
        def transaction() -> Generator[Any]:
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

        yield transaction


@contextmanager
def core(url: str) -> Generator[Callable[[], AbstractContextManager[Any]]]:
    """Lend a Connection of SQLAlchemy."""
    engine = sqlalchemy_engine(url)
    yield engine.begin
    engine.dispose()


@contextmanager
def session(url: str) -> Generator[Callable[[], AbstractContextManager[Any]]]:
    """Lend a Session of SQLAlchemy's ORM."""
    from sqlalchemy.orm import Session  # noqa: PLC0415  loaded by who uses it

    engine = sqlalchemy_engine(url)

    @contextmanager
    def transaction() -> Generator[Any]:
        with Session(engine) as made, made.begin():
            yield made

    yield transaction
    engine.dispose()


@contextmanager
def scoped(url: str) -> Generator[Callable[[], AbstractContextManager[Any]]]:
    """Lend a scoped session, as web applications have it."""
    from sqlalchemy.orm import scoped_session, sessionmaker  # noqa: PLC0415

    engine = sqlalchemy_engine(url)
    made = scoped_session(sessionmaker(engine))

    @contextmanager
    def transaction() -> Generator[Any]:
        try:
            yield made
        except BaseException:
            made.rollback()
            raise
        else:
            made.commit()
        finally:
            made.remove()

    yield transaction
    engine.dispose()


@contextmanager
def of_django(url: str) -> Generator[Callable[[], AbstractContextManager[Any]]]:
    """Lend Django's connection, within ``atomic``."""
    import pymysql  # noqa: PLC0415  an extra
    from django.conf import settings  # noqa: PLC0415
    from django.db import connections, transaction  # noqa: PLC0415
    from django.utils.connection import ConnectionProxy  # noqa: PLC0415

    # As its documentation says of whoever has no mysqlclient.
    pymysql.version_info = (2, 2, 8, "final", 0)
    pymysql.install_as_MySQLdb()
    # Django asks for parts of it, which would be loaded anew under the other name,
    # and take the place of those whose errors everybody else knows.
    for name in [one for one in sys.modules if one.startswith("pymysql.")]:
        sys.modules["MySQLdb" + name.removeprefix("pymysql")] = sys.modules[name]
    parts = urlsplit(url)
    where: dict[str, Any] = {"NAME": parts.path[1:], "USER": parts.username or ""}
    if parts.scheme == "mysql":
        where["OPTIONS"] = {"unix_socket": parts.query.partition("=")[2]}
    elif parts.scheme == "postgresql":
        where["HOST"] = parts.query.partition("=")[2]
    where["ENGINE"] = f"django.db.backends.{parts.scheme.replace('sqlite', 'sqlite3')}"
    if not settings.configured:
        settings.configure(DATABASES={}, USE_TZ=True)
        django.setup()
    connections.databases["shop"] = connections.configure_settings(
        {"default": {}, "shop": where}
    )["shop"]
    proxy = ConnectionProxy(connections, "shop")

    @contextmanager
    def atomic() -> Generator[Any]:
        with transaction.atomic(using="shop"):
            yield proxy

    yield atomic
    connections["shop"].close()
    del connections["shop"]
    del connections.databases["shop"]


WAYS = {"plain": plain, "core": core, "session": session, "scoped": scoped}
WAYS |= {"django": of_django}


@pytest.fixture(params=WAYS)
def transaction(
    request: pytest.FixtureRequest, url: str, store: Store
) -> Iterator[Callable[[], AbstractContextManager[Any]]]:
    """Begin transactions as applications do, and end them."""
    assert store.run(lambda tx: tx.count("freeze"), write=False) == 0
    with WAYS[request.param](url) as found:
        yield found


def names(store: Store) -> list[Any]:
    """Return what is there, as others see it."""
    return [row[0] for row in store.run(lambda tx: tx.walk("freeze"), write=False)]


def test_what_an_application_commits_is_kept(
    store: Store, transaction: Callable[[], AbstractContextManager[Any]]
) -> None:
    """Ours is seen by others when the application has committed, not before."""
    with transaction() as lent:
        tx = store.within(lent)
        tx.lock(["spring", "autumn"])
        assert (True, False) == tx.insert("freeze", [("f1", "{}"), ("f1", "{}")])
        tx.put("freeze", [("f2", "名\U0001f600 ")])
        assert {("f2",): ("f2", "名\U0001f600 ")} == tx.get("freeze", [("f2",)])

    assert ["f1", "f2"] == names(store)


def test_what_an_application_undoes_is_gone(
    store: Store, transaction: Callable[[], AbstractContextManager[Any]]
) -> None:
    """A later error of the application takes ours along."""

    def undone() -> None:
        with transaction() as lent:
            store.within(lent).insert("freeze", [("f1", "{}")])
            raise Undo

    with pytest.raises(Undo):
        undone()
    assert [] == names(store)
    with transaction() as lent:
        assert (True,) == store.within(lent).insert("freeze", [("f1", "{}")])
    assert ["f1"] == names(store)


def test_a_store_is_opened_on_a_lent_connection(
    store: Store, transaction: Callable[[], AbstractContextManager[Any]]
) -> None:
    """Whole pieces of work are done in it, and nothing is called durable."""
    with transaction() as lent:
        on_it = open_store(lent)
        assert not on_it.durable
        assert on_it.name == store.name
        assert abs((on_it.now() - store.now()).total_seconds()) < 60
        on_it.run(lambda tx: tx.insert("freeze", [("f1", "{}")]))
        on_it.close()

    assert ["f1"] == names(store)


def test_rows_of_the_application_and_ours_go_together(url: str, store: Store) -> None:
    """An order and its reward are both there, or neither is."""
    engine = sqlalchemy_engine(url)
    orders = sqlalchemy.Table(
        "orders",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("number", sqlalchemy.String(32), primary_key=True),
    )
    orders.create(engine)

    def order(number: str, *, fails: bool) -> None:
        with engine.begin() as connection:
            connection.execute(orders.insert(), {"number": number})
            store.within(connection).insert("freeze", [(number, "{}")])
            if fails:
                raise Undo

    order("n1", fails=False)
    with pytest.raises(Undo):
        order("n2", fails=True)
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.select(orders)).all()
    orders.drop(engine)
    engine.dispose()

    assert [("n1",)] == [tuple(row) for row in found]
    assert ["n1"] == names(store)


def test_a_connection_that_commits_by_itself_is_refused(url: str) -> None:
    """Rows that each commit by themselves would be left half written."""
    open_store(url).close()
    engine = sqlalchemy_engine(url)
    outside = engine.connect()
    with closing(outside), pytest.raises(InvalidInputError, match="begin it first"):
        open_store(outside)
    engine.dispose()

    with closing(raw(url)) as connection:
        if isinstance(connection, sqlite3.Connection):
            connection.isolation_level = None
        elif hasattr(connection, "autocommit_mode"):
            connection.autocommit(True)
        else:
            connection.autocommit = True
        with pytest.raises(InvalidInputError, match="in a transaction"):
            open_store(connection)


def test_a_connection_of_django_outside_of_atomic_is_refused(url: str) -> None:
    """Outside of ``atomic``, Django commits every statement."""
    with of_django(url):
        from django.db import connections  # noqa: PLC0415  loaded by who uses it

        with pytest.raises(InvalidInputError, match=r"transaction\.atomic"):
            open_store(connections["shop"])


def test_a_connection_of_another_engine_is_refused(url: str, store: Store) -> None:
    """Statements of one engine are not run on another."""
    with closing(sqlite3.connect(":memory:")) as other:
        other.execute("BEGIN")
        if url.startswith("sqlite"):
            pytest.skip("does not apply: it is a connection of this engine")
        with pytest.raises(InvalidInputError, match="connection to"):
            store.within(other)


@pytest.mark.parametrize("what", [None, 5, object(), [], dict])
def test_what_is_no_connection_is_refused(what: object) -> None:
    """The message says what may be lent, and what came."""
    with pytest.raises(InvalidInputError, match="sqlite3, psycopg 3 or PyMySQL"):
        join(what)


def test_a_closed_connection_is_refused(url: str) -> None:
    """The error comes before the first statement."""
    connection = raw(url)
    connection.close()

    with pytest.raises((InvalidInputError, sqlite3.ProgrammingError)):
        join(connection)


def test_a_failed_transaction_is_refused(postgres: Server) -> None:
    """PostgreSQL takes nothing more after an error until it is undone."""
    import psycopg  # noqa: PLC0415  an extra

    with closing(psycopg.connect(postgres.url)) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM nowhere")
        with pytest.raises(InvalidInputError, match="roll back first"):
            join(connection)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_that_sees_one_instant_is_refused(
    postgres: Server, level: str
) -> None:
    """What it reads under a lock may be older than the lock."""
    import psycopg  # noqa: PLC0415  an extra

    with (
        postgres.database() as url,
        closing(open_store(url)) as store,
        closing(psycopg.connect(url)) as connection,
    ):
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
        with pytest.raises(InvalidInputError, match="latest rows"):
            store.within(connection)
