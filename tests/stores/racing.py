"""What processes of the tests do to a store at the same time."""

from __future__ import annotations

import multiprocessing
import sys
from typing import TYPE_CHECKING, Any

from wxengage.errors import FloorError
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wxengage.stores.ports import Transaction

__all__ = ["BUDGET", "claim_all", "race"]

#: The account of which all take.
BUDGET = ("spring", "budget", "", "fen")


def _claim(transaction: Transaction, number: str, price: int, *, looks: bool) -> bool:
    """Take a price out of the budget, and write down that it was taken."""
    transaction.lock(["spring/budget"])
    row = transaction.get("balance", [BUDGET])[BUDGET]
    amount, least = row[4], row[5]
    assert isinstance(amount, int)
    if looks and amount < price:
        return False
    transaction.put("balance", [(*BUDGET, amount - price, least)])
    return transaction.insert("freeze", [(number, "{}")]) == (True,)


def claim_all(url: str, who: int, times: int, price: int, looks: bool) -> int:
    """Claim again and again, and return how often it was granted.

    Where it does not look whether there is enough, the floor of the account stops it.
    """
    store = open_store(url)
    granted = 0
    for turn in range(times):
        number = f"{who}-{turn}"
        try:
            granted += store.run(
                lambda tx, number=number: _claim(tx, number, price, looks=looks)  # type: ignore[misc]
            )
        except FloorError:
            continue
    store.close()
    return granted


def race(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Do some work in as many processes as there are arguments, all at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__, *_drivers()])
    with context.Pool(len(arguments)) as pool:
        return pool.starmap(work, arguments, chunksize=1)


def _drivers() -> list[str]:
    return [name for name in ("psycopg", "pymysql") if name in sys.modules]
