"""Stores (存储): where a desk keeps what it knows.

One port, four engines: ``open_store`` takes an address or an application's own
connection. ``schema`` declares the tables, ``ports`` what a store promises.
"""

from __future__ import annotations

from wxengage.stores.errors import StoreError
from wxengage.stores.opening import ddl_for, open_store
from wxengage.stores.ports import Store, Transaction

__all__ = ["Store", "StoreError", "Transaction", "ddl_for", "open_store"]
