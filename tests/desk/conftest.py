"""A desk in memory and one on a SQLite file, for every test that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.desk.desks import OPENS, Clock, address, opened
from tests.stores.servers import close_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wxengage.desk.desk import Desk


@pytest.fixture(scope="session", autouse=True)
def servers_end() -> Iterator[None]:
    """Stop the servers that a test has started, after the last one."""
    yield
    close_servers()


@pytest.fixture
def clock() -> Clock:
    """Return a clock, a week after the campaign's opening."""
    return Clock(OPENS.replace(day=8))


@pytest.fixture(params=["memory", "sqlite"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty store."""
    return address(str(request.param), tmp_path)


@pytest.fixture
def desk(where: str, clock: Clock) -> Iterator[Desk]:
    """Yield an empty desk whose followers were brought in: there are none."""
    with opened(where, clock) as found:
        found.backfill([])
        yield found
