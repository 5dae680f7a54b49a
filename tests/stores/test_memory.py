"""The store in memory keeps every promise but that of lasting."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from tests.stores.contract import StoreContract
from tests.stores.samples import balance, event, payout
from wxengage.errors import InvalidInputError
from wxengage.stores.errors import StoreError
from wxengage.stores.memory import MemoryStore
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.stores.ports import Store


class TestMemory(StoreContract):
    """The contract, in dictionaries."""

    examples = 10  # it is compared with itself

    @pytest.fixture
    def opened(self) -> Store:
        """Give a fresh store in memory."""
        return open_store("memory://")


def test_memory_says_that_it_does_not_last() -> None:
    """Nobody takes it for a disk."""
    store = MemoryStore()

    assert (False, "", ()) == (store.durable, store.ddl(), store.verify())
    with pytest.raises(InvalidInputError, match="connection"):
        store.within(object())
    store.close()


def test_what_is_in_memory_can_be_kept_as_a_file(tmp_path: Path) -> None:
    """The copy is a store of its own, for its owner alone; no file is lost to it."""
    store = MemoryStore()
    rows = [event(f"e{n}") for n in range(50)]
    store.run(lambda tx: tx.insert("event", rows))
    store.run(lambda tx: tx.put("balance", [balance("a", 5)]))
    store.run(lambda tx: tx.put("payout", [payout("n1")]))

    store.backup(tmp_path / "kept.db")

    assert [tmp_path / "kept.db"] == list(tmp_path.iterdir())
    assert 0o600 == stat.S_IMODE((tmp_path / "kept.db").stat().st_mode)
    copy = open_store(f"sqlite:///{tmp_path}/kept.db", create=False)
    assert sorted(rows) == sorted(copy.run(lambda tx: tx.walk("event"), write=False))
    assert (payout("n1"),) == copy.run(lambda tx: tx.walk("payout"), write=False)
    assert () == copy.verify()
    copy.close()
    with pytest.raises(StoreError, match="there is a file already"):
        store.backup(tmp_path / "kept.db")


def test_one_thread_works_after_the_other() -> None:
    """The second waits until all that the first does is done."""
    store = MemoryStore()
    order: list[str] = []
    late = threading.Thread(
        target=lambda: store.run(lambda _: order.append("second")), daemon=True
    )

    def first(_: object) -> None:
        late.start()
        late.join(0.2)
        order.append("first")

    store.run(first)
    late.join()

    assert ["first", "second"] == order


def test_memory_is_not_shared_by_a_fork() -> None:
    """A child would go on with a copy that nobody ever sees."""
    store = MemoryStore()

    child = os.fork()
    if child == 0:
        try:
            store.run(lambda tx: tx.count("freeze"))
        except StoreError:
            os._exit(7)
        os._exit(0)

    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
