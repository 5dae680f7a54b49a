"""Half of the contract: transactions, threads, and any sequence of work."""

from __future__ import annotations

import functools
import random
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stores.samples import MOST, TWINS, Undone, balance, letter, payout
from wxengage.errors import InvalidInputError, WxEngageError
from wxengage.stores.errors import FloorError, StoreError
from wxengage.stores.memory import MemoryStore
from wxengage.stores.schema import LEAST, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.stores.ports import Store, Transaction
    from wxengage.stores.schema import Key, Row


class WorkContract:
    """What a store does with pieces of work, and what they leave."""

    #: Engines on a server take longer for each example.
    examples: ClassVar[int] = 30
    #: Whether several threads may ask it at once: a lent connection is one thread's.
    threads: ClassVar[bool] = True

    # Transactions.

    def test_what_raises_is_undone(self, opened: Store) -> None:
        """Whatever was inserted, put and removed, and also on interruption."""
        before = [("a", "1"), ("b", "1")]
        opened.run(lambda tx: tx.insert("freeze", before))

        for error in (Undone, KeyboardInterrupt):

            def work(tx: Transaction, error: type[BaseException] = error) -> None:
                tx.insert("freeze", [("c", "1")])
                tx.put("freeze", [("a", "2"), ("c", "2")])
                tx.remove("freeze", [("b",)])
                assert (("a", "2"), ("c", "2")) == tx.walk("freeze")
                raise error

            with pytest.raises(error):
                opened.run(work)
            assert tuple(before) == opened.run(
                lambda tx: tx.walk("freeze"), write=False
            )

    def test_a_failure_cannot_be_passed_over(self, opened: Store) -> None:
        """Who catches the error of a floor keeps nothing, on every engine."""

        def work(tx: Transaction) -> str:
            tx.put("freeze", [("a", "1")])
            with pytest.raises(FloorError):
                tx.put("balance", [balance("a", -1)])
            with pytest.raises(FloorError):
                tx.count("freeze")
            return "all is well"

        with pytest.raises(FloorError):
            opened.run(work)
        assert 0 == opened.run(lambda tx: tx.count("freeze"), write=False)

    def test_who_reads_does_not_write(self, opened: Store) -> None:
        """A transaction that was asked to read refuses the rest."""
        for act in (
            lambda tx: tx.insert("freeze", [("a", "1")]),
            lambda tx: tx.put("freeze", [("a", "1")]),
            lambda tx: tx.remove("freeze", [("a",)]),
        ):
            with pytest.raises(StoreError, match="only reads"):
                opened.run(act, write=False)

    def test_a_transaction_ends_with_its_work(self, opened: Store) -> None:
        """Who keeps it for later is told."""
        kept = opened.run(lambda tx: tx)

        with pytest.raises(StoreError, match="is over"):
            kept.count("freeze")

    def test_names_are_held_in_any_order(self, opened: Store) -> None:
        """Twice the same, many, odd ones."""

        def work(tx: Transaction) -> int:
            tx.lock(["b", "a", "b", *TWINS])
            tx.lock(f"user {n}" for n in range(100))
            return tx.count("freeze")

        assert 0 == opened.run(work)

    # Laws.

    def test_any_sequence_of_work_gives_the_rows_of_memory(self, opened: Store) -> None:
        """One at a time and undone at times: the same rows, answers and errors."""

        @settings(max_examples=self.examples)
        @given(st.lists(_WORKS, max_size=5))
        def check(works: list[_Work]) -> None:
            opened.run(_clear)
            memory = MemoryStore()
            for work in works:
                assert _answer(memory, work) == _answer(opened, work)
            for name in _FEW:
                there = memory.run(functools.partial(_walk, name))
                assert there == opened.run(functools.partial(_walk, name), write=False)

        check()

    # Threads.

    def test_threads_that_race_add_each_row_once(self, opened: Store) -> None:
        """Of all that were told "new", there is one for each id."""
        told: Counter[str] = Counter()

        def race(number: int) -> None:
            names = [f"e{n}" for n in range(60)]
            random.Random(number).shuffle(names)  # noqa: S311
            for start in range(0, 60, 4):
                rows = [(name, str(number)) for name in names[start : start + 4]]
                new = opened.run(lambda tx, rows=rows: tx.insert("freeze", rows))  # type: ignore[misc]
                told.update(
                    str(row[0]) for row, yes in zip(rows, new, strict=True) if yes
                )

        self._together(race, 6)
        assert dict.fromkeys((f"e{n}" for n in range(60)), 1) == dict(told)

    def test_threads_that_race_leave_a_balance_at_its_floor(
        self, opened: Store
    ) -> None:
        """Of a budget for ten, ten get one, and each of the others an error."""
        opened.run(lambda tx: tx.put("balance", [balance("", 10)]))
        granted: list[int] = []

        def take(tx: Transaction) -> None:
            tx.lock(["spring"])
            key: Key = ("spring", "budget", "", "fen")
            amount = tx.get("balance", [key])[key][4]
            assert isinstance(amount, int)
            tx.put("balance", [balance("", amount - 1)])

        def race(number: int) -> None:
            for _ in range(5):
                try:
                    opened.run(take)
                except FloorError:
                    continue
                granted.append(number)

        self._together(race, 6)
        assert 10 == len(granted)
        assert (balance("", 0),) == opened.run(lambda tx: tx.walk("balance"))

    def _together(self, race: Callable[[int], None], count: int) -> None:
        if not self.threads:
            for number in range(count):
                race(number)
            return
        failures: list[BaseException] = []

        def guarded(number: int) -> None:
            try:
                race(number)
            except BaseException as error:  # noqa: BLE001  shown below
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [] == failures


_Work: TypeAlias = tuple[list[tuple[str, str, Any]], bool]
_FEW = ("freeze", "balance", "payout", "letter")
_NAMES = st.sampled_from(["", "a", "A", "a ", "b", "名"])
_WHOLES = st.sampled_from([LEAST, -1, 0, 1, 2, MOST])
_STATES = st.sampled_from(["held", "sent"])
_TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=3)
_ROWS: dict[str, st.SearchStrategy[Row]] = {
    "freeze": st.tuples(_NAMES, _TEXTS),
    "balance": st.builds(balance, _NAMES, _WHOLES, st.sampled_from([0, LEAST])),
    "payout": st.builds(payout, _NAMES, st.integers(0, 2), _STATES, _WHOLES),
    "letter": st.builds(
        letter, _NAMES, _WHOLES, ready=st.none() | _WHOLES, line=_NAMES
    ),
}  # fmt: skip


def _of_table(name: str) -> st.SearchStrategy[tuple[str, str, Any]]:
    places = TABLES[name].places(TABLES[name].key)
    keys = _ROWS[name].map(lambda row: tuple(row[place] for place in places))
    rows = st.lists(_ROWS[name], min_size=1, max_size=4)
    acts = [
        st.tuples(st.just("insert"), rows),
        st.tuples(st.just("put"), rows),
        st.tuples(st.just("get"), st.lists(keys, max_size=4)),
        st.tuples(st.just("remove"), st.lists(keys, min_size=1, max_size=3)),
        st.tuples(st.just("walk"), st.none() | keys),
        st.tuples(st.just("find"), _searches(name)),
    ]
    return st.one_of(acts).map(lambda act: (name, *act))


def _searches(name: str) -> st.SearchStrategy[Any]:
    indexes = [index.name for index in TABLES[name].indexes]
    if not indexes:
        return st.none()
    how = st.fixed_dictionaries(
        {"newest": st.booleans()},
        optional={"least": _WHOLES, "below": _WHOLES, "limit": st.integers(0, 3)},
    )
    equals = st.lists(_NAMES | _STATES | st.just("ada") | _WHOLES, max_size=2)
    return st.tuples(st.sampled_from(indexes), equals.map(tuple), how)


#: Acts of one transaction, and whether it is undone in the end.
_WORKS = st.tuples(
    st.lists(st.sampled_from(_FEW).flatmap(_of_table), max_size=6), st.booleans()
)


def _walk(name: str, tx: Transaction) -> tuple[Row, ...]:
    return tx.walk(name)


def _clear(tx: Transaction) -> None:
    for name in _FEW:
        places = TABLES[name].places(TABLES[name].key)
        rows = tx.walk(name)
        if rows:
            tx.remove(name, [tuple(row[p] for p in places) for row in rows])  # type: ignore[misc]


def _act(tx: Transaction, name: str, act: str, what: Any) -> object:
    if act == "walk":
        return tx.walk(name, after=what, limit=3)
    if act == "find":
        if what is None:
            return tx.count(name)
        index, equals, how = what
        return tx.find(name, index, equals, **how), tx.count(name, index, equals)
    return getattr(tx, act)(name, what)


def _answer(store: Store, work: _Work) -> object:
    """Return what came of it: answers, or the error's kind."""
    acts, undone = work
    answers: list[object] = []

    def run(tx: Transaction) -> None:
        for name, act, what in acts:
            try:
                answers.append(_act(tx, name, act, what))
            except InvalidInputError as error:  # which harms nothing
                answers.append(error.name)
        if undone:
            raise Undone

    try:
        store.run(run)
    except (WxEngageError, Undone) as error:
        answers.append(type(error).__name__)
    return answers
