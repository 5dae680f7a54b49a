"""A store as it was when it was made: sooner had than a new database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxengage.stores.layouts import layout_of
from wxengage.stores.schema import TABLES

if TYPE_CHECKING:
    from wxengage.stores.ports import Store, Transaction

__all__ = ["empty"]


def empty(store: Store) -> None:
    """Take every row out, but for what the store says of itself."""

    def work(tx: Transaction) -> None:
        for name in TABLES:
            key_of = layout_of(name).key_of
            while name != "meta" and (rows := tx.walk(name)):
                tx.remove(name, [key_of(row) for row in rows])

    store.run(work)
