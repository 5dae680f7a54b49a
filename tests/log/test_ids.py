"""Who a row is about: ids as they come, and what is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.frames.engines import EAGER, LAZY, QUICK, instant, need, table
from wxengage.errors import InvalidLogError
from wxengage.log import read_log

NINE = instant("2026-03-02T09:00")
LAZILY = [engine for engine in QUICK if engine in LAZY]


def test_names_may_hold_quotes_markup_and_emoji() -> None:
    """Odd is not bad: ids are compared byte by byte and never run or rendered."""
    ids = sorted(
        [
            "o'; DROP TABLE users; --",
            '"quoted"',
            "<script>alert(1)</script>",
            "{{7*7}}",
            "=1+1",
            "\U0001f469\u200d\U0001f4bb",
            "\U0001f600",
            "张三",
            "e\u0301",
            "\u00e9",
            "a b",
            " a",
            "%s",
            "\\x00",
            "x" * 128,
        ]
    )
    for engine in (*EAGER, *LAZILY):
        rows = [{"user": one, "kind": "like", "at": NINE} for one in ids]
        log = read_log(table(rows, engine))
        found = log.kind_counts(None, NINE).users.tolist()
        assert ids == sorted(found), engine
        assert 1 == len(log.for_users([ids[0]])), engine


@pytest.mark.parametrize(
    "ids",
    [
        [True, False],
        [1.0, 2.0],
        [b"ann", b"bo"],
        [("ann",), ("bo",)],
        [["ann"], ["bo"]],
        [{"a": 1}, {"b": 2}],
        [2**63, 2**70],
        [-1, -2],
        [NINE, NINE],
        ["\ud800", "\udfff"],
        [1 + 2j, 3j],
    ],
)
def test_what_is_no_id_is_bad(ids: list[Any]) -> None:
    """Booleans, floats, bytes, lists, numbers beyond 64 bits."""
    rows = [{"user": one, "kind": "like", "at": NINE} for one in ids]

    for source in (rows, {name: [row[name] for row in rows] for name in rows[0]}):
        log = read_log(source, on_bad="set_aside")
        assert {"bad_user": 2} == log.rejected.counts
        assert 0 == len(log) == len(log.summarise(NINE))


@pytest.mark.parametrize(
    "bad", [True, 1.5, b"ann", ("ann",), ["ann"], 2**70, -1, NINE, None, math.nan]
)
@pytest.mark.parametrize("good", ["ann", 7])
def test_one_odd_id_does_not_spoil_the_others(bad: Any, good: Any) -> None:
    """The good rows can still be sorted, grouped and answered."""
    for engine in ("records", "pandas", "polars"):
        need(engine)
        ids = [good, bad, good]
        at = [int(NINE.timestamp())] * 3
        rows = [
            {"user": u, "kind": "like", "at": t} for u, t in zip(ids, at, strict=True)
        ]
        source: Any = rows
        if engine == "pandas":
            import pandas as pd  # noqa: PLC0415  an extra

            source = pd.DataFrame({"kind": ["like"] * 3, "at": at})
            source["user"] = pd.Series(ids, dtype=object)
        if engine == "polars":
            import polars as pl  # noqa: PLC0415  an extra

            source = pl.DataFrame(
                {
                    "kind": ["like"] * 3,
                    "at": at,
                    "user": pl.Series(ids, dtype=pl.Object),
                }
            )
        log = read_log(source, unit="s", on_bad="set_aside")

        assert (2, 1) == (len(log), len(log.rejected)), engine
        assert [good] == log.summarise(NINE).user.tolist(), engine


@pytest.mark.parametrize("ids", [[7, "7"], ["ann", 7], [7, "ann", None]])
def test_text_and_numbers_do_not_mix(ids: list[Any]) -> None:
    """7 and "7" may be one user, or two: the caller must say."""
    rows = [{"user": one, "kind": "like", "at": NINE} for one in ids]

    for on_bad in ("raise", "set_aside"):
        with pytest.raises(InvalidLogError, match="user"):
            read_log([row for row in rows if row["user"]], on_bad=on_bad)


@pytest.mark.parametrize("kind", ["categorical", "enum"])
def test_polars_categories_are_words(kind: str) -> None:
    """Codes of an engine are its own affair."""
    need("polars")
    import polars as pl  # noqa: PLC0415  an extra

    words = pl.Categorical() if kind == "categorical" else pl.Enum(["read", "like"])
    frame = pl.DataFrame(
        {
            "user": pl.Series(["bo", "ann", "bo"], dtype=pl.Categorical()),
            "kind": pl.Series(["like", "read", "like"], dtype=words),
            "at": [NINE] * 3,
        }
    )

    log = read_log(frame)

    assert ["ann", "bo"] == log.summarise(NINE).user.tolist()
    assert [0, 2] == log.summarise(NINE).interactions.tolist()


def test_pandas_categories_and_nullable_columns_are_read() -> None:
    """With their own word for none, a value may be missing: it is 0."""
    need("pandas")
    import pandas as pd  # noqa: PLC0415  an extra

    frame = pd.DataFrame(
        {
            "user": pd.Series([2, 1, None], dtype="Int64"),
            "kind": pd.Series(["like", "read", "like"], dtype="category"),
            "at": [NINE] * 3,
            "value": pd.Series([8.5, None, 1], dtype="Float64"),
        }
    )

    log = read_log(frame, value="value", on_bad="set_aside")

    assert {"missing_user": 1} == log.rejected.counts
    assert [0.0, 8.5] == log.summarise(NINE).value.tolist()
    assert [1, 2] == log.summarise(NINE).user.tolist()


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    """In a list of records as in an array."""
    rows = [{"user": np.int64(7), "kind": "like", "at": NINE}]

    assert [7] == read_log(rows).summarise(NINE).user.tolist()
