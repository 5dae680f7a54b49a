"""Database servers for the benchmark: somebody's own, or started for it."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

__all__ = ["NAMES", "databases", "served"]

#: How the page calls a server, and what asks for it.
NAMES: Final[Mapping[str, str]] = {"PostgreSQL": "postgres", "MariaDB": "mysql"}
_ROOT: Final = Path(__file__).parent.parent


@contextmanager
def served(addresses: Mapping[str, str | None]) -> Generator[dict[str, Any]]:
    """Give servers by name, and stop at the end those that were started.

    Parameters
    ----------
    addresses
        Name -> the address of somebody's own server; None: one is started, as the
        tests do it, with fsync on and small buffers. Where that cannot be, it says
        why, and there is none.

    Yields
    ------
    dict
        Name -> server.
    """
    if str(_ROOT) not in sys.path:
        sys.path.append(str(_ROOT))
    makers: Any = importlib.import_module("tests.stores.servers")
    found = {}
    try:
        for name, address in addresses.items():
            own = {"PostgreSQL": makers.PostgreSQL, "MariaDB": makers.MySQL}[name]
            start = getattr(makers, f"{NAMES[name]}_server")
            try:
                found[name] = own(address) if address else start()
            except BaseException as why:
                if type(why).__name__ != "Skipped":  # as pytest calls it
                    raise
                print(f"{name} is left out: {why}")
        yield found
    finally:
        makers.close_servers()


@contextmanager
def databases(server: Any, count: int) -> Iterator[list[str]]:
    """Give the addresses of so many empty databases, which are removed at the end.

    Parameters
    ----------
    server
        One of ``served``.
    count
        How many.

    Yields
    ------
    list of str
        Addresses.
    """
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield [stack.enter_context(server.database()) for _ in range(count)]
