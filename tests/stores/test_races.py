"""Many at once: the last of a budget, and every read that a write follows."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.stores.emptying import empty
from tests.stores.racing import BUDGET, claim_all, race
from wxengage.stores.errors import FloorError
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.stores.servers import Server
    from wxengage.stores.ports import Store, Transaction

ENGINES = ("sqlite", "postgres", "mysql")
PATIENCE = 30.0
# Long enough for a thread on a busy machine to come to where it waits for a lock.
MOMENT = 0.3


@pytest.fixture(scope="module", params=ENGINES)
def url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Give the address of a store of each engine for many processes."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('races')}/engage.db"
        return
    server: Server = request.getfixturevalue(request.param)
    with server.database() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an empty store of each engine."""
    made = open_store(url)
    empty(made)
    yield made
    made.close()


@pytest.fixture
def server_store(store: Store) -> Store:
    """Give a store in which two may write at the same time."""
    if store.name.startswith("SQLite"):
        pytest.skip("does not apply: SQLite has one writer at a time")
    return store


def fund(store: Store, amount: int) -> None:
    """Set the budget of all claims."""
    store.run(lambda tx: tx.put("balance", [(*BUDGET, amount, 0)]))


def left(store: Store) -> int:
    """Return what is left of the budget."""
    row = store.run(lambda tx: tx.get("balance", [BUDGET])[BUDGET], write=False)
    assert isinstance(row[4], int)
    return row[4]


def grants(store: Store) -> int:
    """Return how many grants are written down."""
    return store.run(lambda tx: tx.count("freeze"), write=False)


def check_race(url: str, times: int) -> None:
    """Let 16 processes race for a budget of 100 prices of 7, with 5 over.

    Half of them look before they take, the others leave it to the floor.
    """
    store = open_store(url)
    empty(store)
    fund(store, 705)

    jobs = [(url, who, times, 7, bool(who % 2)) for who in range(16)]
    granted = race(claim_all, jobs)

    assert 100 == sum(granted)
    assert 100 == grants(store)
    assert 5 == left(store)
    assert () == store.verify()
    store.close()


def test_sixteen_processes_never_take_more_than_a_budget(url: str) -> None:
    """Claims of 16 processes are granted for exactly what there is, not one more."""
    check_race(url, 10)


@pytest.mark.torture
@pytest.mark.parametrize("repeat", range(20))
def test_the_last_of_a_budget_is_raced_for_again_and_again(
    url: str, repeat: int
) -> None:
    """The same, twenty times, with more and more claims than there is budget for."""
    check_race(url, 20 + repeat)


class Steps:
    """Two transactions, each in a thread, that go on when they are told to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(2)
        self._gates: dict[str, threading.Event] = {}

    def start(self, work: Callable[[Transaction, Steps], Any]) -> Future[Any]:
        """Begin a transaction of its own."""
        return self._pool.submit(self._store.run, lambda tx: work(tx, self))

    def open(self, gate: str) -> None:
        """Let whoever waits at a gate go on."""
        self._gate(gate).set()

    def wait(self, gate: str) -> None:
        """Wait at a gate."""
        assert self._gate(gate).wait(PATIENCE), gate

    def _gate(self, name: str) -> threading.Event:
        return self._gates.setdefault(name, threading.Event())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for gate in self._gates.values():
            gate.set()
        self._pool.shutdown()


def _invite(number: str, *, locks: bool) -> Callable[[Transaction, Steps], bool]:
    """Write down an invite of ada's, and tell whether it is her third."""

    def work(tx: Transaction, steps: Steps) -> bool:
        if locks:
            tx.lock(["spring/ada"])
        tx.insert("alias", [("spring", number, "ada")])
        steps.open(f"{number} written")
        if not locks:
            steps.wait("both written")
        invites = tx.count("alias", "by_user", ("ada",))
        steps.open(f"{number} counted")
        if not locks:
            steps.wait("both counted")
        return invites >= 3

    return work


def test_without_a_lock_two_invites_at_once_are_not_seen_as_the_third(
    server_store: Store,
) -> None:
    """The skew is real: of three invites, none of the last two sees three."""
    server_store.run(lambda tx: tx.insert("alias", [("spring", "i1", "ada")]))

    with Steps(server_store) as steps:
        second = steps.start(_invite("i2", locks=False))
        third = steps.start(_invite("i3", locks=False))
        steps.wait("i2 written")
        steps.wait("i3 written")
        steps.open("both written")
        steps.wait("i2 counted")
        steps.wait("i3 counted")
        steps.open("both counted")

        assert [False, False] == [second.result(PATIENCE), third.result(PATIENCE)]


def test_with_a_lock_exactly_one_of_two_invites_at_once_is_the_third(
    store: Store,
) -> None:
    """Who gets the lock second counts what the first one wrote."""
    store.run(lambda tx: tx.insert("alias", [("spring", "i1", "ada")]))

    def lingering(tx: Transaction, steps: Steps) -> bool:
        third = _invite("i2", locks=True)(tx, steps)
        steps.wait("the other has come")
        return third

    with Steps(store) as steps:
        first = steps.start(lingering)
        steps.wait("i2 counted")
        second = steps.start(_invite("i3", locks=True))
        # It counts at once, and too few, unless it waits for the lock.
        time.sleep(MOMENT)
        steps.open("the other has come")

        assert [False, True] == [first.result(PATIENCE), second.result(PATIENCE)]


def test_a_row_read_under_a_lock_is_as_the_former_holder_left_it(
    server_store: Store,
) -> None:
    """Even what the transaction has read before it waited is read anew."""
    fund(server_store, 10)

    def first(tx: Transaction, steps: Steps) -> None:
        tx.lock(["budget"])
        steps.open("held")
        steps.wait("other waits")
        tx.put("balance", [(*BUDGET, 3, 0)])

    def other(tx: Transaction, steps: Steps) -> list[Any]:
        seen = [tx.get("balance", [BUDGET])[BUDGET][4]]
        steps.open("about to wait")
        tx.lock(["budget"])
        return [*seen, tx.get("balance", [BUDGET])[BUDGET][4]]

    with Steps(server_store) as steps:
        holder = steps.start(first)
        steps.wait("held")
        waiter = steps.start(other)
        steps.wait("about to wait")
        assert not threading.Event().wait(MOMENT)
        assert not waiter.done()
        steps.open("other waits")
        holder.result(PATIENCE)

        assert [10, 3] == waiter.result(PATIENCE)


def test_of_two_that_insert_one_id_the_second_waits_and_is_told(
    server_store: Store,
) -> None:
    """An event that two workers record at once is new for one of them."""

    def first(tx: Transaction, steps: Steps) -> Any:
        new = tx.insert("freeze", [("f1", "first")])
        steps.open("inserted")
        steps.wait("go")
        return new

    def other(tx: Transaction, steps: Steps) -> Any:
        steps.open("about to insert")
        new = tx.insert("freeze", [("f0", "other"), ("f1", "other"), ("f2", "other")])
        return new, tx.get("freeze", [("f1",)])

    with Steps(server_store) as steps:
        one = steps.start(first)
        steps.wait("inserted")
        two = steps.start(other)
        steps.wait("about to insert")
        assert not threading.Event().wait(MOMENT)
        assert not two.done()
        steps.open("go")

        assert (True,) == one.result(PATIENCE)
        new, seen = two.result(PATIENCE)
        assert (True, False, True) == new
        assert {("f1",): ("f1", "first")} == seen


def test_an_id_whose_insert_was_undone_is_new_for_the_next(
    server_store: Store,
) -> None:
    """Who waited for a transaction that came to nothing gets the id."""

    def first(tx: Transaction, steps: Steps) -> None:
        tx.insert("freeze", [("f1", "first")])
        steps.open("inserted")
        steps.wait("go")
        raise KeyError("undone")

    def other(tx: Transaction, steps: Steps) -> Any:
        steps.open("about to insert")
        return tx.insert("freeze", [("f1", "other")])

    with Steps(server_store) as steps:
        one = steps.start(first)
        steps.wait("inserted")
        two = steps.start(other)
        steps.wait("about to insert")
        steps.open("go")

        with pytest.raises(KeyError, match="undone"):
            one.result(PATIENCE)
        assert (True,) == two.result(PATIENCE)


def test_two_that_cross_are_done_again_and_both_come_through(
    server_store: Store,
) -> None:
    """A deadlock ends one transaction, which is done again from the start."""
    tries: list[str] = []

    def crossing(mine: str, its: str) -> Callable[[Transaction, Steps], None]:
        def work(tx: Transaction, steps: Steps) -> None:
            tries.append(mine)
            tx.lock([mine])
            tx.insert("touch", [(f"{mine}-{len(tries)}", mine, 0, "")])
            steps.open(f"{mine} held")
            steps.wait(f"{its} held")
            tx.lock([its])

        return work

    with Steps(server_store) as steps:
        both = [steps.start(crossing("a", "b")), steps.start(crossing("b", "a"))]
        for one in both:
            one.result(PATIENCE)

    assert 3 <= len(tries)
    assert 2 == server_store.run(lambda tx: tx.count("touch"), write=False)


def test_a_reader_sees_one_instant(store: Store) -> None:
    """What is committed while somebody only reads is not seen half."""
    fund(store, 10)

    with Steps(store) as steps:

        def read(tx: Transaction) -> list[Any]:
            seen = [tx.get("balance", [BUDGET])[BUDGET][4]]
            steps.open("read once")
            threading.Event().wait(MOMENT)
            return [*seen, tx.get("balance", [BUDGET])[BUDGET][4]]

        reader = steps._pool.submit(store.run, read, write=False)
        steps.wait("read once")
        fund(store, 3)

        assert [10, 10] == reader.result(PATIENCE)
    assert 3 == left(store)


def test_a_floor_is_held_below_the_library_too(server_store: Store) -> None:
    """The engine itself refuses a balance below its floor, whoever writes it."""
    fund(server_store, 10)

    def work(tx: Any) -> None:
        tx.execute("UPDATE wxengage_balance SET amount = -1")

    with pytest.raises(Exception, match=r"floor|below"):
        server_store.run(work)
    with pytest.raises(FloorError):
        server_store.run(lambda tx: tx.put("balance", [(*BUDGET, -1, 0)]))

    assert 10 == left(server_store)
