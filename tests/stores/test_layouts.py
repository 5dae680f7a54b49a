"""What is looked at all together is what would be refused one by one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stores.layouts import Layout
from wxengage.stores.schema import LEAST, Column, Index, Table
from wxengage.stores.seals import seal

if TYPE_CHECKING:
    from wxengage.stores.schema import Key

MOST = 2**63 - 1
ODD = Table(
    "odd",
    (
        Column("note", "text", null=True),
        Column("number", "whole"),
        Column("name", "id"),
        Column("share", "real", null=True),
        Column("other", "id", null=True),
        Column("due", "whole", null=True),
    ),
    ("name", "number"),  # neither the first columns nor in their order
    (Index("by_due", ("other", "due")),),
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, LEAST, MOST, MOST + 1, LEAST - 1]),
    st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf, -math.inf]),
    st.sampled_from(["", "a", "\0", "\ud800", "\U0001f600", "x" * 128, "x" * 129]),
    st.sampled_from([b"", (), 1j]),
)


def is_right(column: Column, value: Any) -> bool:
    """Say by the plainest rules whether a column can keep a value."""
    if value is None:
        return column.null
    if column.kind == "whole":
        return type(value) is int and LEAST <= value <= MOST
    if column.kind == "real":
        return type(value) is float and math.isfinite(value)
    if type(value) is not str or "\0" in value or "\ud800" in value:
        return False
    return column.kind == "text" or len(value) <= 128


@given(st.lists(st.tuples(*[VALUES] * len(ODD.columns)), max_size=4), st.integers(0, 5))
def test_the_first_wrong_value_is_named(rows: list[Any], warm: int) -> None:
    """Whatever rows have been found right before."""
    layout = Layout(ODD)
    good = ("note", 1, "name", 0.5, None, 5)
    for _ in range(warm):
        layout.check_rows([good, (None, 0, "", None, "", None)])
    wrong = [
        f"odd[{number}].{column.name}"
        for number, row in enumerate(rows)
        for column, value in zip(ODD.columns, row, strict=True)
        if not is_right(column, value)
    ]

    if wrong:
        with pytest.raises(InvalidInputError) as caught:
            layout.check_rows(rows)
        assert wrong[0] == caught.value.name
    else:
        assert rows == layout.check_rows(rows)


@given(VALUES, VALUES)
def test_a_key_is_as_right_as_its_values(name: Any, number: Any) -> None:
    """The short way for plain names leaves nothing out."""
    layout = Layout(ODD)
    columns = (ODD.columns[2], ODD.columns[1])
    key: Key = (name, number)

    if all(map(is_right, columns, key)):
        assert [key] == layout.check_keys([key])
    else:
        with pytest.raises(InvalidInputError, match=r"key\[0\] of odd"):
            layout.check_keys([key])


def test_a_key_is_found_wherever_its_columns_stand() -> None:
    """Also where they are not the first, and not in order."""
    layout = Layout(ODD)

    assert ("name", 7) == layout.key_of(("note", 7, "name", None, None, None))
    assert ("other", "due", "name", "number") == layout.order_of(layout.index("by_due"))
    assert layout.is_partial(layout.index("by_due"))


SEALED = st.tuples(
    st.sampled_from(["a", "b"]), st.lists(st.text() | st.integers() | st.none())
)


@given(st.lists(SEALED, min_size=2, max_size=2, unique_by=repr))
def test_rows_that_differ_have_seals_that_differ(rows: list[tuple[str, Any]]) -> None:
    """Also where they would read alike next to each other."""
    (table, values), (other, others) = rows

    assert seal(table, values) != seal(other, others)


def test_a_seal_is_the_same_for_ever() -> None:
    """Stores of last year are read by it: this number must not change."""
    row = ("spring", "budget", "名\U0001f600\n", "fen", MOST, LEAST, None, 0.1)

    assert -1876524729930212306 == seal("balance", row)
