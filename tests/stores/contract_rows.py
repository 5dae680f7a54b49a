"""Half of the contract: rows, keys, what is found, and what is refused."""

from __future__ import annotations

import functools
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.stores.samples import MOST, TWINS, balance, event, letter, payout
from wxengage.errors import InvalidInputError
from wxengage.stores.errors import FloorError, TakenError
from wxengage.stores.schema import LEAST, SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.stores.ports import Store, Transaction
    from wxengage.stores.schema import Key, Row, Value


class RowsContract:
    """What a store does with rows and keys, and what it refuses."""

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


def _get(key: Key, tx: Transaction) -> dict[Key, Row]:
    return tx.get("freeze", [key])
