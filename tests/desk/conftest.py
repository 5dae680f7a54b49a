"""A desk in memory and one on a SQLite file, for every test that asks.

``WXENGAGE_TEST_STORES=postgres,mysql`` runs them on these engines instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.desk.desks import OPENS, Clock, opened, place
from tests.stores.servers import close_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wxengage.desk.desk import Desk

STORES = os.environ.get("WXENGAGE_TEST_STORES", "memory,sqlite").split(",")


@pytest.fixture(scope="session", autouse=True)
def servers_end() -> Iterator[None]:
    """Stop the servers that a test has started, after the last one."""
    yield
    close_servers()


@pytest.fixture
def clock() -> Clock:
    """Return a clock, a week after the campaign's opening."""
    return Clock(OPENS.replace(day=8))


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    """Return a kind of store."""
    return str(request.param)


@pytest.fixture
def where(kind: str, tmp_path: Path) -> Iterator[str]:
    """Yield the address of an empty store."""
    with place(kind, tmp_path) as found:
        yield found


@pytest.fixture
def desk(where: str, clock: Clock) -> Iterator[Desk]:
    """Yield an empty desk whose followers were brought in: there are none."""
    with opened(where, clock) as found:
        found.backfill([])
        yield found
