"""What candidates promise."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.plan import candidates as module
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.solver import plan_sends
from wxengage.sends import Send
from wxengage.words import Words

NAN = math.nan
EIGHT = dt.datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
HOUR = dt.timedelta(hours=1)
A = Option("a", "wecom", EIGHT, EIGHT + HOUR)
B = Option("b", "wecom", EIGHT + HOUR, None)


def send(name: str, user: str = "ada", **fields: Any) -> Send:
    """Return a send for eight o'clock."""
    return Send(name, user, "wecom", "gift", **({"not_before": EIGHT} | fields))


@given(
    st.lists(
        st.lists(st.sampled_from([NAN, -0.0, 0.0, 1.0, 2.5]), min_size=2, max_size=2),
        max_size=8,
    )
)
def test_equal_rows_are_kept_once_and_nothing_is_lost(
    values: list[list[float]],
) -> None:
    """The table can be read back from the rows."""
    users = [f"u{row}" for row in range(len(values))]

    who = Candidates.from_matrix(values, [A, B], users)

    table = np.array(values).reshape(len(values), 2)
    np.testing.assert_array_equal(table, who.rows[who.row_of])
    distinct = {tuple("nan" if v != v else v + 0.0 for v in row) for row in values}  # noqa: PLR0124  NaN
    assert len(distinct) == len(who.rows)
    assert len(values) == len(who)


def test_ids_may_be_text_or_numbers() -> None:
    """Lists, arrays and columns of a frame."""
    pd = pytest.importorskip("pandas")
    for users in (["b", "a"], np.array(["b", "a"]), pd.Series(["b", "a"])):
        assert ["b", "a"] == Candidates.from_matrix(
            [[1], [2]], [A], users
        ).users.tolist()
    numbered = Candidates.from_matrix([[1], [2]], [A], [20, 3])

    assert ["3", "20"] == [one.user for one in plan_sends(numbered).sends]
    assert "chosen" == plan_sends(numbered).why(20).reason


@pytest.mark.parametrize(
    ("values", "options", "users", "message"),
    [
        ([[1.0]], [A], ["ada", "bob"], r"values must be of shape \(2, 1\)"),
        ([1.0], [A], ["ada"], "values must be of shape"),
        ([[math.inf]], [A], ["ada"], r"values\[0, 0\] must be finite"),
        ([[1.0, 2.0], [NAN, -1e13]], [A, B], ["ada", "bob"], r"values\[1, 1\] must be"),
        ([["1"]], [A], ["ada"], "values must be numbers"),
        ([[True]], [A], ["ada"], "values must be numbers"),
        ([[1.0], [1.0]], [A], ["ada", "ada"], r"users\[1\] must be named once"),
        ([[1.0], [1.0]], [A], [7, 7], r"users\[1\] must be named once"),
        ([[1.0]], [A], [""], r"users\[0\] must be not blank"),
        ([[1.0], [1.0]], [A], ["1", 1], r"users\[1\] must be a string"),
        ([[1.0]], [A], [None], r"users\[0\] must be a string"),
        ([[1.0]], [A], "ada", "users must be a list of ids"),
        ([[1.0, 1.0]], [A, A], ["ada"], r"options\[1\] must be given once"),
        ([[1.0]], ["gift"], ["ada"], r"options\[0\] must be an Option"),
    ],
)
def test_bad_tables_are_named(
    values: Any, options: Any, users: Any, message: str
) -> None:
    """By row and column, where there is one."""
    with pytest.raises(InvalidInputError, match=message):
        Candidates.from_matrix(values, options, users)


@pytest.mark.parametrize("name", ["ads_left", "sends_left"])
@pytest.mark.parametrize(
    ("left", "message"),
    [
        ([1], "must be 2 whole numbers"),
        ([1.0, 2.0], "must be 2 whole numbers"),
        ([1, -1], r"\[1\] must be not negative"),
    ],
)
def test_bad_counts_are_named(name: str, left: list[Any], message: str) -> None:
    """One whole number a user."""
    with pytest.raises(InvalidInputError, match=f"{name}.*{message}"):
        Candidates.from_matrix([[1], [2]], [A], ["ada", "bob"], **{name: left})


@pytest.mark.parametrize(
    ("rows", "row_of", "words", "message"),
    [
        ([[1.0]], [0, 1], (), "row_of must be below 1"),
        ([[1.0]], [0], (), "row_of must be 2 whole numbers"),
        ([[1.0]], None, (), "row_of must be below 1"),
        ([[1.0, 2.0]], [0, 0], (), "rows must be of shape"),
        ([[1.0]], [0, 0], (Words("a", "b"),) * 2, "words must be 1, one a group"),
    ],
)
def test_bad_groups_are_named(rows: Any, row_of: Any, words: Any, message: str) -> None:
    """Every user is in a group that exists."""
    with pytest.raises(InvalidInputError, match=message):
        Candidates.from_rows(rows, row_of, [A], ["ada", "bob"], words=words)


@pytest.mark.parametrize(
    ("start", "end", "fields", "message"),
    [
        (EIGHT, EIGHT, {}, "end must be after start"),
        (dt.datetime(2026, 3, 2), None, {}, "start must be an aware"),  # noqa: DTZ001  naive
        (EIGHT, dt.datetime(2026, 3, 3), {}, "end must be an aware"),  # noqa: DTZ001  naive
        (EIGHT, None, {"cost": -1}, "cost must be at least 0"),
        (EIGHT, None, {"category": "ad"}, "category must be"),
    ],
)
def test_a_bad_option_is_named(
    start: dt.datetime, end: dt.datetime | None, fields: dict[str, Any], message: str
) -> None:
    """By the rules of a send."""
    with pytest.raises(InvalidInputError, match=message):
        Option("a", "wecom", start, end, **fields)


@pytest.mark.parametrize(
    ("sends", "message"),
    [
        ([send("s1"), send("s1", "bob")], r"sends\[1\].id must be there once"),
        ([send("s1"), send("s2")], r"sends\[1\] must be proposed once"),
        ([Send("s1", "ada", "wecom", "gift")], r"sends\[0\].not_before must be"),
        ([send("s1", value=1e300)], r"sends\[0\].value must be within"),
        (["s1"], r"sends\[0\] must be a Send"),
    ],
)
def test_bad_sends_are_named(sends: Any, message: str) -> None:
    """By their position."""
    with pytest.raises(InvalidInputError, match=message):
        Candidates.from_sends(sends)


def test_the_same_instant_in_another_zone_is_the_same_window() -> None:
    """Eight in Shanghai is midnight in Greenwich."""
    sends = [send("s1"), send("s2", "bob", not_before=EIGHT.astimezone(dt.UTC))]

    assert 1 == len(Candidates.from_sends(sends).options)


def test_sends_that_differ_in_their_terms_are_other_options() -> None:
    """The same message as an ad and as none, dear and cheap."""
    sends = [send("s1"), send("s2", "bob", is_ad=True), send("s3", "cyd", cost=5)]

    assert 3 == len(Candidates.from_sends(sends).options)


def test_sends_that_are_all_different_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the table is made, with what to do."""
    monkeypatch.setattr(module, "_MOST_CELLS", 3)
    sends = [send("s1"), send("s2", "bob", not_before=EIGHT + HOUR)]

    with pytest.raises(InvalidInputError, match="2 users x 2 different options"):
        Candidates.from_sends(sends)


def test_a_holdout_stays_in_the_audience() -> None:
    """It is refused with its own reason; strangers in it are ignored."""
    who = Candidates.from_matrix([[1], [2]], [A], ["ada", "bob"])

    plan = plan_sends(who.without({"bob", "zoe"}))

    assert {"chosen": 1, "holdout": 1} == dict(plan.reasons)
    assert 2 == len(who.without(["bob"]))
    with pytest.raises(InvalidInputError, match="holdout must be a collection"):
        who.without("bob")


# --- many users -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_large_table_is_not_copied(kind: type) -> None:
    """Rows that are nearly all different stay where they are."""
    values: Any = np.random.default_rng(1).random((600_000, 2)).astype(kind)

    who = Candidates.from_matrix(values, [A, B], np.arange(600_000))

    assert np.shares_memory(values, who.rows)
    assert not who.rows.flags.writeable
    assert kind == who.rows.dtype
    np.testing.assert_array_equal(np.arange(600_000), who.row_of)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_large_table_of_few_rows_is_merged(kind: type) -> None:
    """By hashes of rows, in whatever order they come; NaN and zero are one each."""
    some: Any = np.array([[1, NAN], [0, 2], [-0.0, 2], [3, 4], [NAN, NAN]], dtype=kind)
    values = some[np.random.default_rng(1).integers(0, 5, 600_000)]

    who = Candidates.from_matrix(values, [A, B], np.arange(600_000))
    again = Candidates.from_matrix(values[::-1], [A, B], np.arange(600_000))

    assert 4 == len(who.rows)
    np.testing.assert_array_equal(values, who.rows[who.row_of])
    np.testing.assert_array_equal(who.rows, again.rows)


def test_numbered_users_are_held_out_by_number() -> None:
    """Numbers that no id can be are ignored, as strangers are."""
    who = Candidates.from_matrix([[1.0], [2.0]], [A], [7, 9])

    held = who.without({9, -1, 2**70, "7"})

    assert {"chosen": 1, "holdout": 1} == dict(plan_sends(held).reasons)
    assert "holdout" == plan_sends(held).why(9).reason


def test_whole_numbers_and_halves_of_floats_are_taken_as_they_are() -> None:
    """Integers and 16-bit floats become 64 bits."""
    for kind in (np.int8, np.float16):
        who = Candidates.from_matrix(np.array([[1], [2]], kind), [A], ["ada", "bob"])

        assert np.float64 == who.rows.dtype
        assert 3.0 == plan_sends(who).value
