"""What is none in an answer: null, None or NaN, as each kind of table has it."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.frames.engines import EAGER, need
from wxengage.log.frames import WHOLE_OR_NONE, Origin, give

NAN = float("nan")
FRACTIONS: dict[str, Any] = {
    "adaptive_gap_days": np.array([12.5, NAN, 3.0]),
    "p_active": np.array([0.25, 0.5, NAN], dtype=np.float32),
}
WHOLE: dict[str, Any] = {
    name: np.array([7.0, NAN, 0.0]) for name in sorted(WHOLE_OR_NONE)
}


def given_back(columns: dict[str, Any], form: Any) -> Any:
    """Return columns as one kind of table."""
    need(form)
    return give(columns, Origin(form))


@pytest.mark.parametrize("form", ["polars", "pyarrow"])
def test_frames_with_nulls_have_null_and_no_nan(form: str) -> None:
    """A mean over the column then leaves out who has none."""
    frame = nw.from_native(given_back(FRACTIONS | WHOLE, form), eager_only=True)

    assert [12.5, None, 3.0] == frame["adaptive_gap_days"].to_list()
    assert [0.25, 0.5, None] == frame["p_active"].to_list()
    for name in WHOLE:
        assert nw.Int64 == frame[name].dtype, name
        assert [7, None, 0] == frame[name].to_list()


def test_records_have_none_and_whole_numbers_are_integers() -> None:
    """JSON has no NaN."""
    rows = given_back(FRACTIONS | WHOLE, "records")

    assert [12.5, None, 3.0] == [row["adaptive_gap_days"] for row in rows]
    assert [0.25, 0.5, None] == [row["p_active"] for row in rows]
    for name in WHOLE:
        assert ["int", "NoneType", "int"] == [type(row[name]).__name__ for row in rows]


def test_numpy_and_pandas_keep_nan() -> None:
    """Their columns of numbers have nothing else for it."""
    columns = FRACTIONS | WHOLE
    arrays, frame = given_back(columns, "arrays"), given_back(columns, "pandas")

    for name, column in columns.items():
        assert column is arrays[name]
        np.testing.assert_array_equal(column, frame[name].to_numpy())
        assert column.dtype == frame[name].dtype


@pytest.mark.parametrize("form", EAGER)
def test_the_type_of_a_column_does_not_depend_on_who_is_in_it(form: str) -> None:
    """With some none, without, and with no row at all."""
    some, every, nobody = (
        given_back({name: column[rows] for name, column in WHOLE.items()}, form)
        for rows in (slice(None), slice(0, 1), slice(0))
    )

    if form == "records":
        assert ([], [7] * len(WHOLE)) == (nobody, list(every[0].values()))
    elif form == "arrays":
        for name in WHOLE:
            assert some[name].dtype == every[name].dtype == nobody[name].dtype
    else:
        schemas = [
            nw.from_native(one, eager_only=True).schema for one in (some, every, nobody)
        ]
        assert schemas[0] == schemas[1] == schemas[2]


@given(st.lists(st.none() | st.floats(allow_nan=False), min_size=1, max_size=20))
def test_numbers_come_through_unchanged(values: list[float | None]) -> None:
    """Infinities, fractions and minus zero are no none."""
    column = np.array([NAN if one is None else one for one in values])

    rows = give({"x": column}, Origin("records"))

    assert values == [row["x"] for row in rows]
