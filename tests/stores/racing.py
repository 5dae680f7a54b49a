"""What processes of the tests do to a store at the same time."""

from __future__ import annotations

import multiprocessing
import sys
import time
from typing import TYPE_CHECKING, Any

from wxengage.stores.errors import (
    CommitUnknownError,
    FloorError,
    StoreBusyError,
    StoreUnreachableError,
)
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wxengage.stores.ports import Transaction

__all__ = ["BUDGET", "claim_all", "claim_through_crashes", "race"]

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


def claim_through_crashes(url: str, who: int, seconds: float) -> tuple[int, int]:
    """Claim for some seconds, each claim as often as it takes to be told.

    Return how many claims were told to be kept, and how many commits were unknown.
    """
    store = open_store(url)
    until = time.monotonic() + seconds
    told = unknown = 0

    def claim(tx: Transaction) -> None:
        tx.lock(["spring/budget"])
        if tx.insert("freeze", [(f"{who}-{told}", "{}")]) == (True,):
            row = tx.get("balance", [BUDGET])[BUDGET]
            assert isinstance(row[4], int)
            tx.put("balance", [(*BUDGET, row[4] - 1, row[5])])

    while time.monotonic() < until:
        try:
            store.run(claim)
        except CommitUnknownError:
            unknown += 1
        except (StoreUnreachableError, StoreBusyError):
            continue
        else:
            told += 1
    # The last one may be kept and not told: it is asked for until it is told.
    store.run(claim)
    store.close()
    return told + 1, unknown


def race(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Do some work in as many processes as there are arguments, all at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__, *_drivers()])
    with context.Pool(len(arguments)) as pool:
        return pool.starmap(work, arguments, chunksize=1)


def _drivers() -> list[str]:
    return [name for name in ("psycopg", "pymysql") if name in sys.modules]
