"""Questions that have no answer: refused at once, with the way to ask them."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.frames.engines import EAGER, LAZY, QUICK, instant, need, rows_of, table
from wxengage.errors import InvalidInputError, InvalidLogError, WxEngageError
from wxengage.log import Log, read_log
from wxengage.segments import (
    LifecyclePolicy,
    classify_users,
    transition_matrix,
    transitions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NINE = instant("2026-03-02T09:00")
DAY = dt.timedelta(days=1)
ROWS = [
    {"user": "ann", "kind": "like", "at": NINE, "value": 1.0},
    {"user": "bo", "kind": "read", "at": NINE + DAY, "value": 0.0},
]
LAZILY = [engine for engine in QUICK if engine in LAZY]


def counted(at: list[Any], engine: str) -> Any:
    """Return a table whose times are numbers."""
    return table([row | {"at": n} for row, n in zip(ROWS, at, strict=True)], engine)


@pytest.mark.parametrize("engine", QUICK)
def test_a_missing_column_is_named_with_those_that_are_there(engine: str) -> None:
    """And with the one that was meant, ready to be put into the call."""
    with pytest.raises(InvalidLogError) as caught:
        read_log(table(ROWS, engine), user="usr", value="values")

    told = str(caught.value)
    assert "usr" in told
    assert "values" in told
    assert "at" in told
    assert "read_log(user='user')" in told


@pytest.mark.parametrize("engine", QUICK)
def test_a_missing_column_unlike_any_other_is_named_too(engine: str) -> None:
    """Then there is nothing to suggest."""
    with pytest.raises(InvalidLogError, match="its name"):
        read_log(table(ROWS, engine), item="商品编号")


@pytest.mark.parametrize("engine", [e for e in QUICK if e not in {"records", "arrays"}])
def test_a_column_of_naive_times_is_refused(engine: str) -> None:
    """Nobody can know whose clock it was; the message says how to tell."""
    naive = [row | {"at": row["at"].replace(tzinfo=None)} for row in ROWS]  # type: ignore[attr-defined]

    with pytest.raises(InvalidLogError, match="tz='Asia/Shanghai'") as caught:
        read_log(table(naive, engine, tz=None))

    assert "'at'" in caught.value.name


@pytest.mark.parametrize("engine", QUICK)
def test_a_column_of_numbers_is_refused_until_somebody_says_what_they_count(
    engine: str,
) -> None:
    """Seconds and milliseconds look the same to a program."""
    seconds = int(NINE.timestamp())

    with pytest.raises(InvalidLogError, match="unit='s', 'ms' or 'us'"):
        read_log(counted([seconds, seconds], engine))


@pytest.mark.parametrize("engine", EAGER)
@pytest.mark.parametrize(
    ("factor", "unit", "right"),
    [
        (1000, "s", "ms"),
        (10**6, "s", "us"),
        (1, "ms", "s"),
        (10**6, "ms", "us"),
        (1, "us", "s"),
        (1000, "us", "ms"),
    ],
)
def test_a_wrong_unit_is_noticed(
    engine: str, factor: int, unit: str, right: str
) -> None:
    """Where all times would lie far off, and right with another unit."""
    at = int(NINE.timestamp()) * factor

    with pytest.raises(InvalidLogError, match=f"unit='{right}'"):
        read_log(counted([at, at + factor], engine), unit=unit)


@pytest.mark.parametrize("engine", LAZILY)
@pytest.mark.parametrize(("factor", "unit"), [(1000, "s"), (10**6, "s"), (10**6, "ms")])
def test_an_engine_notices_numbers_too_large_for_their_unit(
    engine: str, factor: int, unit: str
) -> None:
    """When it is asked: every row is out of range."""
    at = int(NINE.timestamp()) * factor
    summary: Any = read_log(counted([at, at], engine), unit=unit).summarise(NINE)

    with pytest.raises(InvalidLogError, match="is unit= right"):
        summary.collect()


@pytest.mark.parametrize("engine", LAZILY)
def test_an_engine_refuses_columns_of_the_wrong_type(engine: str) -> None:
    """Before anything runs: ids that are no ids, times and values that are text."""
    with pytest.raises(InvalidLogError, match="times"):
        read_log(table(ROWS, engine), at="value")
    with pytest.raises(InvalidLogError, match="numbers"):
        read_log(table(ROWS, engine), value="kind")
    with pytest.raises(InvalidLogError, match="text or whole numbers"):
        read_log(table(ROWS, engine), user="value")
    with pytest.raises(InvalidLogError, match="text"):
        read_log(table(ROWS, engine), kind="value")


@pytest.mark.parametrize("engine", EAGER)
def test_a_value_column_without_numbers_is_refused(engine: str) -> None:
    """Text in a frame is not turned into numbers behind anybody's back."""
    rows = [row | {"value": "eight"} for row in ROWS]

    if engine == "pyarrow":
        log = read_log(words(rows, engine), value="value", on_bad="set_aside")
        assert {"bad_number": 2} == log.rejected.counts
        return
    with pytest.raises(InvalidLogError, match="'value'"):
        read_log(words(rows, engine), value="value")


def words(rows: list[dict[str, Any]], engine: str) -> Any:
    """Return rows whose value is text as one kind of table."""
    need(engine)
    if engine == "records":
        return rows
    if engine == "arrays":
        return {name: [row[name] for row in rows] for name in rows[0]}
    import pyarrow as pa  # noqa: PLC0415  an extra

    arrow = pa.Table.from_pylist(rows)
    if engine == "pandas":
        return arrow.to_pandas()
    if engine == "polars":
        import polars as pl  # noqa: PLC0415  an extra

        return pl.DataFrame(arrow)
    return arrow


@pytest.mark.parametrize("value", [True, "1", 1 + 1j, [1], b"1"])
def test_a_value_that_is_no_number_is_refused(value: Any) -> None:
    """A boolean is no amount of money."""
    with pytest.raises(InvalidLogError, match="'value' must be numbers"):
        read_log([ROWS[0] | {"value": value}], value="value")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"tz": "Mars/Olympus"}, "zone"),
        ({"tz": ""}, "zone"),
        ({"tz": 8}, "zone"),
        ({"unit": "minutes"}, "unit"),
        ({"unit": 1000}, "unit"),
        ({"unit": "S"}, "unit"),
        ({"on_bad": "ignore"}, "on_bad"),
        ({"on_bad": None}, "on_bad"),
        ({"kinds": {"buy": "purchse"}}, "kinds['buy']"),
        ({"kinds": {"buy": None}}, "kinds['buy']"),
        ({"kinds": ["like"]}, "kinds"),
        ({"now": NINE.replace(tzinfo=None)}, "now"),
        ({"now": "2026-03-02"}, "now"),
        ({"now": dt.date(2026, 3, 2)}, "now"),
        ({"user": None}, "user"),
        ({"at": 3}, "at"),
        ({"kind": None}, "kind"),
        ({"kind": ["like"]}, "kind"),
        ({"value": 4}, "value"),
        ({"item": ["item"]}, "item"),
    ],
)
@pytest.mark.parametrize("engine", ["records", "polars_lazy"])
def test_a_parameter_that_means_nothing_is_refused(
    engine: str, changes: dict[str, Any], name: str
) -> None:
    """By name, before the rows are looked at."""
    with pytest.raises(InvalidInputError) as caught:
        read_log(table(ROWS, engine), **changes)

    assert name == caught.value.name


def test_a_misspelt_kind_in_the_mapping_is_answered_with_the_nearest() -> None:
    """The mend is in the message."""
    with pytest.raises(InvalidInputError, match="did you mean 'purchase'"):
        read_log(ROWS, kinds={"buy": "purchse"})


@pytest.mark.parametrize(
    "source", [None, 5, 1.5, object(), {"a"}, b"log.csv", iter(ROWS), len]
)
def test_what_is_no_table_is_refused(source: Any) -> None:
    """With the list of what is one."""
    with pytest.raises(InvalidInputError, match="source must be"):
        read_log(source)


@pytest.mark.parametrize("source", [[1, 2], [ROWS[0], 5], [ROWS[0], "x"], [None]])
def test_a_list_of_other_things_is_refused_at_the_row(source: Any) -> None:
    """The first row that is none."""
    with pytest.raises(InvalidInputError, match=r"source\[\d\] must be a dict"):
        read_log(source)


@pytest.mark.parametrize(
    "column", ["ann", 5, None, np.array(5), np.zeros((2, 2)), b"x"]
)
def test_what_is_no_column_is_refused(column: Any) -> None:
    """A text is not a column of letters, nor is a single value a column."""
    with pytest.raises(InvalidInputError, match="user"):
        read_log({"user": column, "kind": ["like"], "at": [NINE]})


def test_columns_may_be_of_any_sequence() -> None:
    """Tuples, ranges, other libraries' series."""
    source: dict[str, Any] = {"user": range(2), "kind": ("like", "read")}
    source |= {"at": (NINE, NINE), "value": (1, 2.5)}

    log = read_log(source, value="value")

    assert [0, 1] == log.summarise(NINE).user.tolist()
    assert [1.0, 2.5] == log.summarise(NINE).value.tolist()


def test_columns_of_unequal_length_are_refused() -> None:
    """With the length of each."""
    source = {"user": ["ann", "bo"], "kind": ["like"], "at": [NINE, NINE]}

    with pytest.raises(InvalidLogError, match="columns of one length") as caught:
        read_log(source)

    assert {"user": 2, "kind": 1, "at": 2} == caught.value.got


def test_rows_with_different_keys_are_read_by_name() -> None:
    """A key that a row does not have is none in it."""
    log = read_log(
        [ROWS[0], {"at": NINE, "kind": "like"}, {"user": "cy", "at": NINE}],
        on_bad="set_aside",
    )

    assert {"missing_user": 1, "missing_kind": 1} == log.rejected.counts


@pytest.mark.parametrize(
    "as_of", [NINE.replace(tzinfo=None), "2026-03-02", 1772442000, None, math.nan]
)
@pytest.mark.parametrize("engine", ["records", "polars_lazy"])
def test_an_instant_that_is_none_is_refused_everywhere(engine: str, as_of: Any) -> None:
    """By every question, in memory and in engines, before anything runs."""
    log = read_log(table(ROWS, engine))
    questions: list[Callable[[], object]] = [
        lambda: log.summarise(as_of),
        lambda: log.streaks(as_of),
        lambda: log.kind_counts(None, as_of),
        lambda: log.between(NINE, as_of),
        lambda: log.between(as_of, NINE) if as_of else log.between(NINE, as_of),
        lambda: classify_users(log, as_of),
        lambda: transitions(log, NINE, as_of),
        lambda: transition_matrix(log, NINE, as_of),
    ]

    for ask in questions:
        with pytest.raises(InvalidInputError, match="must be an aware datetime"):
            ask()


@pytest.mark.parametrize("span", [dt.timedelta(0), -DAY, 30, "30d", None])
@pytest.mark.parametrize("engine", ["records", "polars_lazy"])
def test_a_span_that_is_none_is_refused(engine: str, span: Any) -> None:
    """Windows and gaps are above zero, and say their unit."""
    log = read_log(table(ROWS, engine))

    for name in ("window", "session_gap"):
        with pytest.raises(InvalidInputError, match="timedelta above zero") as caught:
            log.summarise(NINE, **{name: span})
        assert name == caught.value.name


@pytest.mark.parametrize("engine", ["records", "polars_lazy"])
def test_a_period_that_ends_before_it_starts_is_refused(engine: str) -> None:
    """It is a mistake, not a period without events."""
    log = read_log(table(ROWS, engine))

    for ask in (
        log.between,
        log.kind_counts,
        lambda *period: transitions(log, *period),
        lambda *period: transition_matrix(log, *period),
    ):
        with pytest.raises(InvalidInputError, match="end must be"):
            ask(NINE + DAY, NINE)


@pytest.mark.parametrize("engine", ["records", "polars_lazy"])
def test_one_name_is_one_name(engine: str) -> None:
    """A text where a list is asked for is not a list of its letters."""
    log = read_log(table(ROWS, engine))

    assert 1 == len(log.only("like")) == len(log.for_users("ann"))
    assert 0 == len(log.for_users([]))
    assert 0 == len(log.for_users(["nobody"]))


@pytest.mark.parametrize("like", ["excel", 5, None.__class__, object()])
def test_a_kind_of_table_that_is_none_is_refused(like: Any) -> None:
    """With the names there are."""
    summary = read_log(ROWS).summarise(NINE)

    with pytest.raises(InvalidInputError, match="like must be"):
        summary.to_frame(like)


@pytest.mark.parametrize("engine", QUICK)
@pytest.mark.parametrize(
    "rows", [[], ROWS[1:], ROWS[:1]], ids=["none", "passive", "one"]
)
def test_small_logs_have_small_answers(engine: str, rows: list[dict[str, Any]]) -> None:
    """No row, one row, nobody who ever did anything: no special case anywhere."""
    log = read_log(table(rows, engine), value="value" if rows else None)
    as_of = NINE + 2 * DAY
    users = [row["user"] for row in rows]
    active = [row["user"] for row in rows if row["kind"] == "like"]

    summary: Any = log.summarise(as_of)
    frame = summary.to_frame() if log.engine is None else summary.native
    assert users == [row["user"] for row in rows_of(frame)]
    assert active == [row["user"] for row in rows_of(log.streaks(as_of))]
    told = [row["segment"] for row in rows_of(classify_users(log, as_of))]
    assert ["active" if user in active else "potential" for user in users] == told
    moves = rows_of(transitions(log, NINE - DAY, as_of))
    assert len(rows) == len(moves)
    policy = LifecyclePolicy(active_at_least=2)
    lazy_moves = rows_of(transitions(log, NINE - DAY, as_of, policy))
    assert ["potential"] * len(rows) == [row["target"] for row in lazy_moves]
    assert users == log.kind_counts(None, as_of).users.tolist()
    assert len(rows) == len(log) == len(rows_of(log.to_frame()))
    if log.engine is not None:
        assert len(rows) == len(log.collect()) == len(summary.collect())


@pytest.mark.parametrize("engine", EAGER)
def test_an_empty_log_keeps_the_columns_of_its_answers(engine: str) -> None:
    """So that a program need not ask whether there was anything."""
    if engine == "records":
        pytest.skip("does not apply: a list without rows has no columns")
    log = read_log(table([], engine))

    answers = {
        "summary": log.summarise(NINE).to_frame(),
        "classify": classify_users(log, NINE),
        "transitions": transitions(log, NINE - DAY, NINE),
        "streaks": log.streaks(NINE),
    }

    full = read_log(table(ROWS, engine))
    expected = {
        "summary": full.summarise(NINE).to_frame(),
        "classify": classify_users(full, NINE),
        "transitions": transitions(full, NINE - DAY, NINE),
        "streaks": full.streaks(NINE),
    }
    for name, answer in answers.items():
        assert columns_of(expected[name]) == columns_of(answer), name


def columns_of(answer: Any) -> list[str]:
    """Return the names of an answer's columns."""
    if isinstance(answer, dict):
        return list(answer)
    return list(getattr(answer, "column_names", None) or answer.columns)


def test_every_refusal_is_of_one_family_and_a_value_error() -> None:
    """One ``except`` catches them all."""
    for error in (InvalidInputError, InvalidLogError):
        assert issubclass(error, WxEngageError)
        assert issubclass(error, ValueError)
    assert isinstance(read_log([]), Log)
