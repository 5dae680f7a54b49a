"""Opening a store (打开存储) by its address, or on an application's connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from wxengage.errors import InvalidInputError, nearest
from wxengage.stores.memory import MemoryStore

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.stores.ports import Store

__all__ = ["open_store"]

_SCHEMES = ("memory", "sqlite", "postgresql", "mysql")


def open_store(
    url_or_connection: object,
    *,
    create: bool = True,
    processes: Literal["many", "one"] = "many",
    now: Callable[[], dt.datetime] | None = None,
) -> Store:
    """Open a store."""
    if not isinstance(url_or_connection, str):
        raise NotImplementedError(create, processes)
    scheme = urlsplit(url_or_connection).scheme
    if scheme == "memory":
        return MemoryStore(now=now)
    raise InvalidInputError(
        "url", url_or_connection, "memory://", nearest(scheme, _SCHEMES)
    )
