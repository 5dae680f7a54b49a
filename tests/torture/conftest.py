"""Servers and empty databases, as for the tests of the stores."""

from __future__ import annotations

from tests.stores.conftest import (
    mysql,
    mysql_url,
    postgres,
    postgres_url,
    servers_end,
)

__all__ = ["mysql", "mysql_url", "postgres", "postgres_url", "servers_end"]
