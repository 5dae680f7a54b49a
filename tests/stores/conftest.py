"""An empty database for each test, on servers that the first test to ask starts.

Each worker of pytest-xdist has servers of its own, so that one may crash its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stores.servers import close_servers, mysql_server, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stores.servers import Server


@pytest.fixture(scope="session", autouse=True)
def servers_end() -> Iterator[None]:
    """Stop the servers, and remove their folders, after the last test."""
    yield
    close_servers()


@pytest.fixture(scope="session")
def postgres() -> Server:
    """Give the PostgreSQL server, or skip where there is none."""
    return postgres_server()


@pytest.fixture(scope="session")
def mysql() -> Server:
    """Give the MySQL or MariaDB server, or skip where there is none."""
    return mysql_server()


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """Give the address of an empty PostgreSQL database."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def mysql_url(mysql: Server) -> Iterator[str]:
    """Give the address of an empty MySQL or MariaDB database."""
    with mysql.database() as url:
        yield url
