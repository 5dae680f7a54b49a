"""Candidates in long form: a row for each user and option."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wxengage.errors import InvalidInputError
from wxengage.plan import candidates as module
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.solver import plan_sends

EIGHT = dt.datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
HOUR = dt.timedelta(hours=1)


def pairs(**more: Any) -> dict[str, Any]:
    """Return three candidates of two users."""
    return {
        "user": ["bob", "ada", "ada"],
        "message": ["gift", "gift", "news"],
        "channel": ["wecom", "wecom", "mini"],
        "start": [EIGHT, EIGHT, EIGHT + HOUR],
        "value": [1.0, 2.0, 3.0],
    } | more


@pytest.mark.parametrize("kind", ["arrays", "records", "pandas", "polars", "pyarrow"])
def test_any_kind_of_table_is_read(kind: str) -> None:
    """Users and options are sorted; what has no row is not allowed."""
    columns = pairs(is_ad=[False, False, True], cost=[5, 5, 0], topic=["x", "x", "y"])
    columns["end"] = [one + HOUR for one in columns["start"]]
    frame: Any = columns
    if kind == "records":
        frame = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values())]  # noqa: B905
    elif kind == "pyarrow":
        frame = pytest.importorskip("pyarrow").table(columns)
    elif kind != "arrays":
        frame = pytest.importorskip(kind).DataFrame(columns)

    who = Candidates.from_pairs(frame)

    assert ["ada", "bob"] == who.users.tolist()
    gift = Option("gift", "wecom", EIGHT, EIGHT + HOUR, topic="x", cost=5)
    news = Option("news", "mini", EIGHT + HOUR, EIGHT + 2 * HOUR, topic="y", is_ad=True)
    assert [news.key, gift.key] == [one.key for one in who.options]
    assert [(True, 0), (False, 5)] == [(one.is_ad, one.cost) for one in who.options]
    table = who.rows[who.row_of]
    np.testing.assert_array_equal([[3, 2], [math.nan, 1]], table)


def test_pairs_and_a_matrix_give_the_same_plan() -> None:
    """The long form and the wide form are one problem."""
    long = Candidates.from_pairs(pairs())
    wide = Candidates.from_matrix(
        long.rows[long.row_of], long.options, long.users.tolist()
    )

    assert plan_sends(long).sends == plan_sends(wide).sends
    assert 6.0 == plan_sends(long).value


def test_a_slot_is_the_instant_at_which_it_begins() -> None:
    """The column may be called slot, and whole numbers have a unit."""
    columns = pairs()
    seconds = [int(one.timestamp()) for one in columns.pop("start")]

    who = Candidates.from_pairs(columns | {"slot": seconds}, unit="s")

    assert [one.key for one in Candidates.from_pairs(pairs()).options] == [
        one.key for one in who.options
    ]


def test_numbered_users_and_no_rows_at_all() -> None:
    """Ids may be whole numbers; an empty table is an empty audience."""
    who = Candidates.from_pairs(pairs(user=[7, 3, 3]))
    none = Candidates.from_pairs({name: [] for name in pairs()})

    assert [3, 7] == who.users.tolist()
    assert (0, ()) == (len(none), none.options)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"value": [1.0, math.nan, 3.0]}, r"value\[1\] must be a number within"),
        ({"value": [1.0, 2.0, math.inf]}, r"value\[2\] must be a number within"),
        ({"value": [1.0, None, 3.0]}, r"value\[1\] must be a number within"),
        ({"value": [1.0, 2.0, -1e13]}, r"value\[2\] must be a number within"),
        ({"value": ["1", "2", "3"]}, "value must be a column of numbers"),
        ({"value": [True, False, True]}, "value must be a column of numbers"),
        ({"cost": [1, -1, 0]}, r"cost\[1\] must be at least 0"),
        ({"cost": [1, 0.5, 0]}, r"cost\[1\] must be a whole number"),
        ({"is_ad": [True, False, "no"]}, r"is_ad\[2\] must be True or False"),
        ({"is_ad": [1, 0, 0]}, r"is_ad\[0\] must be True or False"),
        ({"category": ["marketing", "service", "ad"]}, r"category\[2\] must be a cat"),
        ({"content": ["short", "long", ""]}, r"content\[1\] must be a kind"),
        ({"user": ["ada", "", "ada"]}, r"user\[1\] must be"),
        ({"user": ["ada", None, "ada"]}, r"user\[1\] must be an id"),
        ({"message": ["gift", "gift", " "]}, r"message\[2\] must be"),
        ({"start": [dt.datetime(2026, 3, 2)] * 3}, "start"),  # noqa: DTZ001  naive
        ({"end": [EIGHT + HOUR, EIGHT, EIGHT]}, r"end\[1\] must be after start"),
        ({"user": ["ada", "ada", "ada"]}, r"message\[1\] must be proposed once"),
    ],
)
def test_a_bad_row_is_named(columns: dict[str, Any], message: str) -> None:
    """By its column and its position."""
    with pytest.raises(InvalidInputError, match=message):
        Candidates.from_pairs(pairs(**columns))


@pytest.mark.parametrize("name", ["user", "message", "channel", "value", "start"])
def test_a_missing_column_is_named(name: str) -> None:
    """With the columns that are there."""
    columns = pairs()
    del columns[name]

    with pytest.raises(InvalidInputError, match=f"with a column '{name}'"):
        Candidates.from_pairs(columns)


def test_pairs_that_are_all_different_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the table is made, with what to do."""
    monkeypatch.setattr(module, "_MOST_CELLS", 3)

    with pytest.raises(InvalidInputError, match="2 users x 2 different options"):
        Candidates.from_pairs(pairs())
