"""What every store promises, said once; each engine's tests inherit it.

A subclass gives ``opened``: a fresh and empty store for each test.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.stores.contract_rows import RowsContract
from tests.stores.contract_work import WorkContract
from tests.stores.samples import TWINS, balance, event, payout

if TYPE_CHECKING:
    from wxengage.stores.ports import Store

__all__ = ["StoreContract", "event", "payout"]


class StoreContract(RowsContract, WorkContract):
    """Every promise of ``wxengage.stores.ports``, once."""

    @pytest.fixture
    def opened(self) -> Store:
        """Give a fresh store of this engine."""
        raise NotImplementedError

    # The store itself.

    def test_a_store_tells_the_time(self, opened: Store) -> None:
        """Aware, and near this machine's clock, which runs the tests."""
        now = opened.now()

        assert now.tzinfo is not None
        assert abs(dt.datetime.now(dt.UTC) - now) < dt.timedelta(seconds=30)

    def test_a_whole_store_has_nothing_wrong(self, opened: Store) -> None:
        """And it says who it is."""
        opened.run(lambda tx: tx.put("balance", [balance(name, 5) for name in TWINS]))

        assert () == opened.verify()
        assert opened.name
