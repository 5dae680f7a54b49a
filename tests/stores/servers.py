"""Real database servers for tests: started by the first that asks, gone at the end.

A server has a fresh folder and a unix socket in it, and no port. It keeps fsync on,
as a shop's does. Its collation and its time zone are nobody's, so that whoever
relies on the order of bytes or on the zone of the server is found out. The guard
that holds it stops it and removes its folder when the tests end, also when they
are killed.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import importlib.util
import os
import secrets
import shutil
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest

from tests.stores.processes import (
    PATIENCE,
    Process,
    account_for,
    new_folder,
    prepare,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    import pymysql

__all__ = [
    "Server",
    "close_servers",
    "crash",
    "mysql_server",
    "postgres_server",
    "stopped",
]

_open = contextlib.ExitStack()


class Server(abc.ABC):
    """One server: somebody's own, or ours in a folder of its own."""

    def __init__(self, url: str, process: Process | None = None) -> None:
        self.url = url
        self.process = process

    def address(self, database: str) -> str:
        """Return the address of one database of this server."""
        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Give the address of an empty database that lasts as long as the block."""
        name = f"wxengage_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}")
        try:
            yield self.address(name)
        finally:
            self.drop(name)

    @abc.abstractmethod
    def connect(self, url: str) -> Any:
        """Return a new connection to one of this server's databases."""

    @abc.abstractmethod
    def run(self, statement: str) -> None:
        """Run one statement as the server's owner, outside every transaction."""

    @abc.abstractmethod
    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""

    def answers(self) -> bool:
        """Return whether a connection can be made."""
        try:
            self.connect(self.url).close()
        except self.refusals:
            return False
        return True

    @property
    @abc.abstractmethod
    def refusals(self) -> tuple[type[Exception], ...]:
        """What the driver raises where nobody answers yet."""


class PostgreSQL(Server):
    """A PostgreSQL server, spoken to by psycopg."""

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """What the driver raises where nobody answers yet."""
        import psycopg  # noqa: PLC0415  an extra

        return (psycopg.OperationalError,)

    def connect(self, url: str) -> psycopg.Connection[Any]:
        """Return a new connection to one of this server's databases."""
        import psycopg  # noqa: PLC0415  an extra

        return psycopg.connect(url, connect_timeout=10)

    def run(self, statement: str) -> None:
        """Run one statement as the server's owner, outside every transaction."""
        import psycopg  # noqa: PLC0415  an extra

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


class MySQL(Server):
    """A MySQL or MariaDB server, spoken to by PyMySQL."""

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """What the driver raises where nobody answers yet."""
        import pymysql  # noqa: PLC0415  an extra

        return (pymysql.err.OperationalError,)

    def connect(self, url: str) -> pymysql.Connection[Any]:
        """Return a new connection to one of this server's databases."""
        import pymysql  # noqa: PLC0415  an extra

        parts = urlsplit(url)
        options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        # PyMySQL 1.2 leaves the socket open where nobody listens, which is a warning.
        if (path := options.get("unix_socket")) is not None:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(path)
                except OSError as error:
                    raise pymysql.err.OperationalError(2002, str(error)) from error
        return pymysql.connect(
            host=parts.hostname or "localhost",
            port=parts.port or 3306,
            user=unquote(parts.username or "root"),
            password=unquote(parts.password or ""),
            database=parts.path.removeprefix("/"),
            unix_socket=path,
            charset="utf8mb4",
            connect_timeout=10,
        )

    def run(self, statement: str) -> None:
        """Run one statement as the server's owner, outside every transaction."""
        with self.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with self.connect(self.url) as connection, connection.cursor() as cursor:
            # An open transaction of a forgotten connection would hold it for ever.
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE db = %s",
                (database,),
            )
            for (number,) in cursor.fetchall():
                with contextlib.suppress(*self.refusals):
                    cursor.execute("KILL %s", (number,))
            cursor.execute(f"DROP DATABASE IF EXISTS {database}")


def wait_for(server: Server) -> None:
    """Wait until a server takes connections; where it does not, say what it said."""
    assert server.process is not None
    deadline = time.monotonic() + PATIENCE
    while not server.answers():
        if time.monotonic() > deadline:
            server.process.end("KILL")
            pytest.fail(f"the server does not answer:\n{server.process.said()}")
        time.sleep(0.02)


def need(driver: str) -> None:
    """Skip where the driver of a server is not installed."""
    if importlib.util.find_spec(driver) is None:
        pytest.skip(f"{driver} is not installed")


def postgres_programs() -> Path | None:
    """Return where PostgreSQL's programs are; Debian keeps them out of the path."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    bins = [one.parent for one in versions]
    return max(bins, key=lambda one: float(one.parent.name), default=None)


def make_postgres() -> PostgreSQL:
    """Make a PostgreSQL of our own, or skip where it is not installed."""
    need("psycopg")
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    account = account_for("postgres")
    folder = new_folder("postgres", account)
    data = folder / "data"
    prepare(
        [
            f"{programs}/initdb",
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=icu",
            "--icu-locale=en",
            # Of making the files only: the server itself does sync.
            "--no-sync",
        ],
        account,
        folder,
    )
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "on",
        "synchronous_commit": "on",
        "shared_buffers": "16MB",
        "timezone": "America/New_York",
    }
    command = [f"{programs}/postgres", "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    query = urlencode({"host": folder}, safe="/")
    process = Process(folder, command, account, stop="INT", abort="QUIT")
    return PostgreSQL(f"postgresql://postgres@/postgres?{query}", process)


def make_mariadb() -> MySQL:
    """Make a MariaDB of our own, or skip where it is not installed."""
    need("pymysql")
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    program = shutil.which("mariadbd", path=path)
    install = shutil.which("mariadb-install-db", path=path)
    if program is None or install is None:
        pytest.skip("MariaDB is not installed (apt-get install mariadb-server)")
    account = account_for("mysql")
    folder = new_folder("mariadb", account)
    data, door = folder / "data", folder / "socket"
    # Nothing of the system's own configuration, its folders and ports.
    common = ["--no-defaults", f"--datadir={data}", "--innodb-log-file-size=16M"]
    prepare(
        [
            install,
            *common,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ],
        account,
        folder,
    )
    command = [
        program,
        *common,
        f"--socket={door}",
        f"--pid-file={folder / 'pid'}",
        "--skip-networking",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=1",
        "--innodb-buffer-pool-size=32M",
        # As Debian and most shops have it: A and a are one, unless a column says.
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_general_ci",
        "--default-time-zone=-05:00",
    ]
    query = urlencode({"unix_socket": door}, safe="/")
    process = Process(folder, command, account, stop="TERM", abort="KILL")
    return MySQL(f"mysql://root@localhost/mysql?{query}", process)


@functools.cache
def postgres_server() -> Server:
    """Return the PostgreSQL of this test process: WXENGAGE_TEST_PG, or our own."""
    given = os.environ.get("WXENGAGE_TEST_PG")
    if given:
        need("psycopg")
        return PostgreSQL(given)
    return start(make_postgres())


@functools.cache
def mysql_server() -> Server:
    """Return the MySQL of this test process: WXENGAGE_TEST_MYSQL, or our own."""
    given = os.environ.get("WXENGAGE_TEST_MYSQL")
    if given:
        need("pymysql")
        return MySQL(given)
    return start(make_mariadb())


def start(server: Server) -> Server:
    """Start a server that is to be closed when the tests end."""
    assert server.process is not None
    _open.callback(server.process.close)
    server.process.begin()
    wait_for(server)
    return server


def close_servers() -> None:
    """Stop what has been started, and remove its folders."""
    postgres_server.cache_clear()
    mysql_server.cache_clear()
    _open.close()


@contextlib.contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Crash a server, and start it again after the block, on the same files.

    PostgreSQL is stopped as by ``pg_ctl stop -m immediate``, MariaDB by ``kill -9``:
    both come back by reading their logs. Whoever was connected no longer is.
    """
    if server.process is None:
        pytest.skip("does not apply: the server is somebody's own, not ours to crash")
    server.process.end(server.process.abort)
    try:
        yield
    finally:
        server.process.begin()
        wait_for(server)


def crash(server: Server) -> None:
    """Crash a server and start it again; returns when it answers."""
    with stopped(server):
        pass
