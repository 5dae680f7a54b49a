"""Sessions of the engines: started by the first test that asks, stopped at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.frames.engines import close_sessions

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def engine_sessions() -> Iterator[None]:
    """Stop Spark and DuckDB, and remove their folders, after the last test."""
    yield
    close_sessions()
