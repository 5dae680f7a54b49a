"""What every store promises, said once; each engine's tests inherit it.

A subclass gives ``opened``: a fresh and empty store for each test.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import random
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.errors import (
    FloorError,
    InvalidInputError,
    StoreError,
    TakenError,
    WxEngageError,
)
from wxengage.stores.memory import MemoryStore
from wxengage.stores.schema import LEAST, SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.stores.ports import Store, Transaction
    from wxengage.stores.schema import Key, Row, Value

MOST = 2**63 - 1
# Names that some comparison somewhere takes for each other.
TWINS = (
    "abc", "ABC", "abc ", " abc", "\u00e4bc", "a\u0308bc", "\uff41bc", "\xdf", "ss",
    "SS", "\u0130", "i", "\u0131", "\xe6", "ae", "", " ", "\u540d",
    "\u540d\u3099", "\U0001f600", "\U0001f601",
    "%", "_", "'; DROP TABLE wxengage_meta; --", "\\", '"', "`", "\t", "\u200b",
    "\uffff", "\U00010000",
)  # fmt: skip


def event(name: str = "e1", user: str = "ada", at: int = 5, **others: Any) -> Row:
    """Return a row of the table event."""
    values: dict[str, Value] = dict.fromkeys(TABLES["event"].names)
    values |= {"id": name, "user": user, "kind": "read", "at": at}
    values |= {"received_at": at, "backfilled": 0} | others
    return tuple(values.values())


def balance(owner: str, amount: int, least: int = 0) -> Row:
    """Return a row of the table balance, which has a floor."""
    return ("spring", "budget", owner, "fen", amount, least)


def payout(number: str, generation: int = 0, state: str = "held", at: int = 5) -> Row:
    """Return a row of the table payout, which has a unique index."""
    return (number, "spring", "ada", "rung-3", generation, state, at, "{}")


def letter(name: str, seq: int, *, ready: int | None = None, line: str = "") -> Row:
    """Return a row of the table letter, some of whose indexes leave rows out."""
    return (name, "due", "sms", "ada", line, seq, ready, None, None, None, "{}")


class Undone(Exception):  # noqa: N818  it is no fault
    """What a piece of work raises to be undone."""


class StoreContract:
    """Every promise of ``wxengage.stores.ports``, once."""

    #: Engines on a server take longer for each example.
    examples: ClassVar[int] = 30
    #: Whether several threads may ask it at once: a lent connection is one thread's.
    threads: ClassVar[bool] = True

    @pytest.fixture
    def opened(self) -> Store:
        """Give a fresh store of this engine."""
        raise NotImplementedError

    # Rows and keys.

    def test_a_row_comes_back_as_it_was_written(self, opened: Store) -> None:
        """Values are the same to the last bit, and of the same types."""
        rows = [
            event("e1", value=0.1, item_number=MOST, account="名\U0001f600", item=""),
            event("e2", value=5e-324, item_number=LEAST, at=-1),
            event("e3", value=1.7976931348623157e308, at=0),
            event("e4", value=-1 / 3),
            event("e5", value=2.0**53 + 2),
        ]

        opened.run(lambda tx: tx.insert("event", rows))

        keys: list[Key] = [("e5",), ("e1",), ("e2",), ("e3",), ("e4",), ("absent",)]
        found = opened.run(lambda tx: tx.get("event", keys), write=False)
        assert {(row[0],): row for row in rows} == found
        for row in rows:
            assert list(map(type, row)) == list(map(type, found[str(row[0]),]))

    def test_names_that_look_alike_are_different(self, opened: Store) -> None:
        """Case, accents, blanks at the end, combining marks: other people."""
        rows: list[Row] = [(name, f"state of {name!r}") for name in TWINS]

        new = opened.run(lambda tx: tx.insert("freeze", rows))

        assert (True,) * len(TWINS) == new
        for name, state in rows:
            key: Key = (str(name),)
            got = opened.run(functools.partial(_get, key), write=False)
            assert {key: (name, state)} == got
        walked = opened.run(lambda tx: tx.walk("freeze"), write=False)
        assert sorted(rows, key=lambda row: str(row[0]).encode()) == list(walked)

    def test_every_table_keeps_rows(self, opened: Store) -> None:
        """No table's statements are wrong, and meta says the version."""
        for table in TABLES.values():
            values: dict[str, Value] = {
                "id": "x", "text": "y" * 100_000, "whole": 7, "real": 0.5
            }  # fmt: skip
            row = tuple(values[column.kind] for column in table.columns)
            key = tuple(row[place] for place in table.places(table.key))

            def work(
                tx: Transaction, name: str = table.name, row: Row = row
            ) -> list[tuple[Row, ...]]:
                assert (True,) == tx.insert(name, [row])
                assert (False,) == tx.insert(name, [row])
                tx.put(name, [row])
                found = [tx.walk(name)]
                for index in TABLES[name].indexes:
                    equals = tuple(row[n] for n in TABLES[name].places(index.columns))
                    found.append(tx.find(name, index.name, equals))
                return found

            if table.name == "meta":
                there = opened.run(lambda tx: tx.walk("meta"), write=False)
                if there:  # memory has no version
                    assert ("schema", str(SCHEMA_VERSION)) in there
                continue
            assert {(row,)} == set(opened.run(work))
            assert 1 == opened.run(
                lambda tx, name=table.name, key=key: tx.remove(name, [key, key])  # type: ignore[misc]
            )
        assert () == opened.verify()

    def test_many_keys_are_read_and_removed_at_once(self, opened: Store) -> None:
        """More than an engine takes in one statement; twice the same is once."""
        rows = [("c", "r", f"o{n}", "fen", n, 0) for n in range(700)]
        keys = [row[:4] for row in rows]

        def work(tx: Transaction) -> tuple[int, int, int]:
            tx.insert("balance", rows)
            read = tx.get("balance", [*keys, *keys])
            assert dict(zip(keys, rows, strict=True)) == read
            gone = tx.remove("balance", [*keys[:600], *keys[:600], ("c", "r", "", "")])
            return len(read), gone, tx.count("balance")

        assert (700, 600, 100) == opened.run(work)

    def test_nothing_is_asked_and_nothing_is_done(self, opened: Store) -> None:
        """Empty batches are answered without a look at the engine."""

        def work(tx: Transaction) -> tuple[Any, ...]:
            tx.put("freeze", [])
            tx.lock([])
            found = tx.walk("freeze", limit=0)
            return tx.insert("freeze", []), tx.get("freeze", []), found

        assert ((), {}, ()) == opened.run(work)
        assert 0 == opened.run(lambda tx: tx.remove("freeze", []))

    # Insert and put.

    def test_insert_says_which_rows_are_new(self, opened: Store) -> None:
        """The first of a key stays, whether it was there or came in the batch."""
        opened.run(lambda tx: tx.insert("freeze", [("old", "first")]))
        rows = [("a", "1"), ("old", "2"), ("a", "3"), ("b", "4"), ("b", "4")]

        new = opened.run(lambda tx: tx.insert("freeze", rows))

        assert (True, False, False, True, False) == new
        there = opened.run(lambda tx: tx.walk("freeze"), write=False)
        assert (("a", "1"), ("b", "4"), ("old", "first")) == there

    def test_put_writes_in_the_place_of_another(self, opened: Store) -> None:
        """The last of a key stays, and others are left alone."""

        def work(tx: Transaction) -> tuple[Row, ...]:
            tx.put("freeze", [("a", "1"), ("b", "1")])
            tx.put("freeze", [("a", "2"), ("c", "1"), ("a", "3")])
            return tx.walk("freeze")

        assert (("a", "3"), ("b", "1"), ("c", "1")) == opened.run(work)

    def test_the_place_of_another_row_is_not_taken(self, opened: Store) -> None:
        """Two rows with the values of a unique index: the error undoes it all."""
        opened.run(lambda tx: tx.insert("payout", [payout("n1")]))

        for act in ("insert", "put"):

            def work(tx: Transaction, act: str = act) -> None:
                tx.put("freeze", [("f", "{}")])
                getattr(tx, act)("payout", [payout("n2", 1), payout("n3")])

            with pytest.raises(TakenError, match="payout"):
                opened.run(work)
        assert (1, 0) == opened.run(
            lambda tx: (tx.count("payout"), tx.count("freeze")), write=False
        )
        # Its own place is not another's.
        changed = payout("n1", state="sent")
        opened.run(lambda tx: tx.put("payout", [changed, changed]))
        assert (False,) == opened.run(lambda tx: tx.insert("payout", [payout("n1")]))

    @pytest.mark.parametrize("act", ["insert", "put"])
    def test_no_balance_goes_below_its_floor(self, opened: Store, act: str) -> None:
        """The error names the row, and the transaction leaves no trace."""
        opened.run(
            lambda tx: tx.insert("balance", [balance("a", 0), balance("d", -5, LEAST)])
        )

        def work(tx: Transaction) -> None:
            tx.put("freeze", [("f", "{}")])
            getattr(tx, act)("balance", [balance("b", 3), balance("c", -1)])

        with pytest.raises(FloorError, match="'c'") as caught:
            opened.run(work)
        assert ("spring", "budget", "c", "fen") == caught.value.key
        assert (2, 0) == opened.run(
            lambda tx: (tx.count("balance"), tx.count("freeze")), write=False
        )

    # Values that are refused.

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("id", None), ("id", 5), ("id", b"e1"), ("id", "x" * 129), ("id", "a\0b"),
            ("id", "\ud800"), ("at", None), ("at", True), ("at", 1.0), ("at", "5"),
            ("at", MOST + 1), ("at", LEAST - 1), ("value", math.nan), ("value", 1),
            ("value", math.inf), ("value", -math.inf), ("value", True),
            ("account", "x" * 129), ("account", 1.5), ("item_number", False),
            ("channel", "caf\udce9"), ("channel", "\0"),
        ],
    )  # fmt: skip
    def test_a_value_of_a_wrong_type_is_refused(
        self, opened: Store, column: str, value: Any
    ) -> None:
        """It is not coerced; the error names table, row and column."""
        bad = list(event("bad"))
        bad[TABLES["event"].names.index(column)] = value

        def work(tx: Transaction) -> int:
            for act in (tx.insert, tx.put):
                with pytest.raises(InvalidInputError) as caught:
                    act("event", [event("good"), tuple(bad)])
                assert f"event[1].{column}" == caught.value.name
            return tx.count("event")

        assert 0 == opened.run(work)

    @pytest.mark.parametrize(
        "row", [(), ("f",), ("f", "{}", "more"), ["f", "{}"], "f{"]
    )
    def test_a_row_of_a_wrong_shape_is_refused(self, opened: Store, row: Any) -> None:
        """Too few values, too many, or no tuple."""

        def work(tx: Transaction) -> None:
            tx.insert("freeze", [("g", "{}"), row])

        with pytest.raises(InvalidInputError, match=r"freeze\[1\]"):
            opened.run(work)

    @pytest.mark.parametrize(
        "ask",
        [
            lambda tx: tx.get("event", ["e1"]),
            lambda tx: tx.get("event", [("e1", "e2")]),
            lambda tx: tx.get("event", [(5,)]),
            lambda tx: tx.get("posting", [("entry", True)]),
            lambda tx: tx.get("posting", [("entry", "1")]),
            lambda tx: tx.remove("event", [(None,)]),
            lambda tx: tx.remove("event", [("\ud800",)]),
            lambda tx: tx.walk("event", after=(5,)),
            lambda tx: tx.walk("event", limit=-1),
            lambda tx: tx.walk("event", limit=True),
            lambda tx: tx.find("event", "by_usr"),
            lambda tx: tx.find("freeze", "by_user"),
            lambda tx: tx.find("event", "by_user", ("ada", 5, 6)),
            lambda tx: tx.find("event", "by_user", (None,)),
            lambda tx: tx.find("event", "by_user", (5,)),
            lambda tx: tx.find("event", "by_user", ["ada"]),
            lambda tx: tx.find("event", "by_user", least=5),
            lambda tx: tx.find("event", "by_user", ("ada", 5), below=6),
            lambda tx: tx.find("event", "by_user", ("ada",), least=1.5),
            lambda tx: tx.find("event", "by_user", ("ada",), limit=-1),
            lambda tx: tx.count("event", None, ("ada",)),
            lambda tx: tx.count("event", "by_user", ("ada", "5")),
            lambda tx: tx.insert("evnt", [("e",)]),
            lambda tx: tx.walk("meta; --"),
        ],
    )
    def test_a_question_that_makes_no_sense_is_refused(
        self, opened: Store, ask: Callable[[Transaction], object]
    ) -> None:
        """Unknown names, keys of another shape, bounds of what has no order."""

        def work(tx: Transaction) -> int:
            with pytest.raises(InvalidInputError):
                ask(tx)
            return tx.count("event")

        assert 0 == opened.run(work)

    # Find, walk, count.

    def test_rows_are_found_in_the_order_of_an_index(self, opened: Store) -> None:
        """By the first columns, within bounds, then by key; or the other way."""
        rows = [
            event("e3", "ada", 20), event("e1", "ada", 20), event("e2", "ada", 10),
            event("e5", "ada", 30), event("e4", "bob", 20),
        ]  # fmt: skip

        def names(tx: Transaction, *equals: Value, **how: Any) -> list[Value]:
            return [row[0] for row in tx.find("event", "by_user", equals, **how)]

        def work(tx: Transaction) -> None:
            tx.insert("event", rows)
            assert ["e2", "e1", "e3", "e5"] == names(tx, "ada")
            assert ["e5", "e3", "e1", "e2"] == names(tx, "ada", newest=True)
            assert ["e1", "e3"] == names(tx, "ada", least=20, below=30)
            assert ["e1", "e3", "e5"] == names(tx, "ada", least=20)
            assert ["e2"] == names(tx, "ada", below=20)
            assert ["e5", "e3"] == names(tx, "ada", newest=True, limit=2)
            assert ["e1"] == names(tx, "ada", least=11, limit=1)
            assert ["e1", "e3"] == names(tx, "ada", 20)
            assert [] == names(tx, "ada", limit=0)
            assert [] == names(tx, "Ada")
            assert [] == names(tx, "ada", least=31)
            assert [] == names(tx, "ada", least=30, below=20)
            assert ["e2", "e1", "e3", "e5", "e4"] == names(tx)
            assert (5, 5, 4, 2, 0) == (
                tx.count("event"), tx.count("event", "by_user"),
                tx.count("event", "by_user", ("ada",)),
                tx.count("event", "by_user", ("ada", 20)),
                tx.count("event", "by_user", ("eve",)),
            )  # fmt: skip

        opened.run(work)

    def test_a_row_with_nothing_to_sort_by_is_not_in_an_index(
        self, opened: Store
    ) -> None:
        """What is final is not looked at by whoever looks for what is due."""

        def work(tx: Transaction) -> None:
            tx.insert(
                "letter",
                [letter("a", 1, ready=9), letter("b", 2), letter("c", 3, ready=-9)],
            )
            assert ["c", "a"] == [row[0] for row in tx.find("letter", "by_ready")]
            assert 2 == tx.count("letter", "by_ready")
            assert 3 == tx.count("letter")
            tx.put("letter", [letter("a", 1), letter("b", 2, ready=MOST)])
            assert ["c", "b"] == [row[0] for row in tx.find("letter", "by_ready")]
            tx.put("letter", [letter("c", 3, ready=None)])
            assert ["b"] == [
                row[0] for row in tx.find("letter", "by_ready", least=LEAST)
            ]

        opened.run(work)

    def test_a_walk_comes_past_every_row_once(self, opened: Store) -> None:
        """In the order of keys, from after a key, whether or not it is there."""
        rows = [
            (f"e{n % 7}", n, "", "", 0, "c", "r", "o", "fen", n, "", n)
            for n in range(40)
        ]
        opened.run(lambda tx: tx.insert("posting", random.Random(7).sample(rows, 40)))  # noqa: S311
        seen: list[Row] = []
        after: Key | None = None

        while part := opened.run(
            lambda tx, after=after: tx.walk("posting", after=after, limit=6),  # type: ignore[misc]
            write=False,
        ):
            seen += part
            after = (str(part[-1][0]), int(part[-1][1] or 0))

        assert sorted(rows) == seen
        rest = opened.run(lambda tx: tx.walk("posting", after=("e5", 12)), write=False)
        assert [row for row in sorted(rows) if row[:2] > ("e5", 12)] == list(rest)

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


def _get(key: Key, tx: Transaction) -> dict[Key, Row]:
    return tx.get("freeze", [key])


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
