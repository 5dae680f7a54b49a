"""Answers come as the kind of table that went in, times as they went in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pytest

from tests.frames.engines import (
    EAGER,
    FOREIGN_ZONE,
    LAZY,
    QUICK,
    instant,
    need,
    rows_of,
    table,
)
from wxengage.log import read_log
from wxengage.segments import LifecyclePolicy, classify_users, transitions

AS_OF = instant("2026-05-01T00:00")
START = instant("2026-01-01T00:00")
ROWS: list[dict[str, Any]] = [
    {"user": "ann", "kind": "like", "at": instant("2026-03-01T10:00"), "value": 1.0},
    {"user": "bo", "kind": "read", "at": instant("2026-03-02T10:00"), "value": 0.0},
    {"user": "ann", "kind": "follow", "at": instant("2026-02-01T10:00"), "value": 0.0},
]
CLASSES = {
    "records": "builtins.list",
    "arrays": "builtins.dict",
    "pandas": "pandas.DataFrame",
    "polars": "polars.dataframe.frame.DataFrame",
    "polars_lazy": "polars.lazyframe.frame.LazyFrame",
    "pyarrow": "pyarrow.lib.Table",
    "ibis": "ibis.expr.types.relations.Table",
}


def all_answers(source: Any, **read: Any) -> dict[str, Any]:
    """Ask everything that is answered with a table."""
    log = read_log(source, **read)
    summary: Any = log.summarise(AS_OF)
    return {
        "summary": summary.to_frame() if log.engine is None else summary.native,
        "streaks": log.streaks(AS_OF),
        "classify": classify_users(log, AS_OF),
        "transitions": transitions(log, START, AS_OF),
        "events": log.to_frame(),
    }


def class_of(answer: object) -> str:
    """Return the full name of an answer's class."""
    return f"{type(answer).__module__}.{type(answer).__name__}"


@pytest.mark.parametrize("engine", sorted(CLASSES))
def test_every_answer_is_of_the_class_that_went_in(engine: str) -> None:
    """Nobody has to convert, before or after."""
    answers = all_answers(table(ROWS, engine))

    assert dict.fromkeys(answers, CLASSES[engine]) == {
        name: class_of(answer) for name, answer in answers.items()
    }


def test_duckdb_and_spark_stay_what_they_are() -> None:
    """A relation gives relations of the same connection."""
    need("duckdb")
    import duckdb  # noqa: PLC0415  an extra

    for answer in all_answers(table(ROWS, "duckdb")).values():
        assert isinstance(answer, duckdb.DuckDBPyRelation)


def test_spark_gives_its_own_frames_with_timestamps() -> None:
    """Spark's timestamp is an instant, whatever the session's zone."""
    source = table(ROWS, "pyspark")

    answers = all_answers(source)

    assert {type(source)} == {type(answer) for answer in answers.values()}
    assert "timestamp" == dict(answers["classify"].dtypes)["since"]
    assert rows_of(classify_users(read_log(table(ROWS, "records")), AS_OF)) == rows_of(
        answers["classify"]
    )


def test_spark_reads_wall_clocks_and_numbers_and_sets_bad_rows_aside() -> None:
    """As the other engines do, on a session whose zone is another."""
    wall = "timestamp_ntz'2026-03-01 10:00:00' AS at"
    naive = table(ROWS[:1], "pyspark").selectExpr("user", "kind", wall)
    counted = [ROWS[0] | {"at": int(ROWS[0]["at"].timestamp())}]
    odd = ["o\u200bAnna", "", "  ", "x" * 129, None, "\U0001f469\u200d\U0001f4bb"]
    rows = [ROWS[0] | {"user": user} for user in odd]

    walls = read_log(naive, tz="Asia/Shanghai")
    numbers = read_log(table(counted, "pyspark"), unit="s")
    lenient = read_log(table(rows, "pyspark"), on_bad="set_aside")

    assert instant("2026-03-01T02:00") == walls.first_at
    assert instant("2026-03-01T10:00") == numbers.first_at
    assert {"missing_user": 1, "bad_user": 4} == lenient.rejected.counts
    assert 1 == len(lenient)


@pytest.mark.parametrize("engine", ["pandas", "polars", "pyarrow", "polars_lazy"])
@pytest.mark.parametrize(
    ("unit", "tz"),
    [
        ("ns", "Asia/Shanghai"),
        ("us", "Asia/Shanghai"),
        ("ms", "Asia/Shanghai"),
        ("us", "UTC"),
        ("ms", "America/New_York"),
    ],
)
def test_times_come_back_in_the_resolution_and_zone_of_the_column(
    engine: str, unit: str, tz: str
) -> None:
    """A frame can be joined with the answers without a cast."""
    source = table(ROWS, engine, unit=unit, tz=tz)

    answers = all_answers(source)

    given = types_of(source)["at"]
    for name in ("summary", "classify", "transitions", "events"):
        found = types_of(answers[name])
        times = {"at", "since", "first_at", "last_at", "last_interaction_at"}
        assert {given} == {found[column] for column in times & set(found)}, name


def types_of(frame: Any) -> dict[str, object]:
    """Return each column's type, in the words of its own library."""
    if hasattr(frame, "collect_schema"):
        return dict(frame.collect_schema())
    if hasattr(frame, "dtypes"):
        return dict(frame.dtypes)
    return dict(zip(frame.schema.names, frame.schema.types, strict=True))


@pytest.mark.parametrize("engine", ["pandas", "pyarrow"])
def test_whole_seconds_come_back_as_whole_seconds(engine: str) -> None:
    """So does the coarsest resolution, which Polars has not."""
    source = table(ROWS, engine, unit="s", tz="Asia/Shanghai")

    answer = classify_users(read_log(source), AS_OF)

    assert types_of(source)["at"] == types_of(answer)["since"]


@pytest.mark.parametrize("engine", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("unit", ["s", "ms"])
def test_an_instant_between_two_ticks_is_not_rounded(engine: str, unit: str) -> None:
    """An answer finer than the column's resolution comes in a finer one."""
    if (engine, unit) == ("polars", "s"):
        pytest.skip("does not apply: Polars has no whole seconds")
    policy = LifecyclePolicy(dormant_after=dt.timedelta(microseconds=1500))

    answer = transitions(
        read_log(table(ROWS[:1], engine, unit=unit)), START, AS_OF, policy
    )

    at = ROWS[0]["at"]
    assert [at, at + dt.timedelta(microseconds=1500)] == [
        row["at"] for row in rows_of(answer)
    ]


@pytest.mark.parametrize("engine", ["duckdb", "ibis"])
def test_sql_engines_give_timestamps_with_a_zone(engine: str) -> None:
    """DuckDB shows them in its session's zone, Ibis in UTC: the same instants."""
    answers = all_answers(table(ROWS, engine, tz="Asia/Shanghai"))

    zone = {"duckdb": FOREIGN_ZONE, "ibis": "UTC"}[engine]
    for name in ("summary", "classify", "transitions", "events"):
        schema: dict[str, Any] = nw.from_native(answers[name]).collect_schema()
        times = {"at", "since", "first_at", "last_interaction_at"} & set(schema)
        assert {zone} == {schema[column].time_zone for column in times}, name


@pytest.mark.parametrize("engine", EAGER)
def test_records_and_arrays_keep_instants_too(engine: str) -> None:
    """Records give aware datetimes; arrays give numpy's, which are UTC."""
    answer = classify_users(read_log(table(ROWS, engine)), AS_OF)

    if engine == "records":
        assert {True} == {row["since"].tzinfo is not None for row in answer}
    if engine == "arrays":
        assert np.dtype("M8[us]") == answer["since"].dtype
    assert [instant("2026-03-31T10:00"), instant("2026-03-02T10:00")] == [
        row["since"] for row in rows_of(answer)
    ]


@pytest.mark.parametrize("engine", QUICK)
def test_whole_number_times_come_back_as_instants_in_utc(engine: str) -> None:
    """An epoch has no zone of its own; UTC says so, and no session's zone creeps in."""
    need(engine)
    rows = [row | {"at": int(row["at"].timestamp())} for row in ROWS]
    answer = classify_users(read_log(table(rows, engine), unit="s"), AS_OF)

    assert [instant("2026-03-31T10:00"), instant("2026-03-02T10:00")] == [
        row["since"] for row in rows_of(answer)
    ]
    if engine in {"pandas", "polars", "polars_lazy", "pyarrow"}:
        schema = nw.from_native(answer).collect_schema()
        assert nw.Datetime("us", "UTC") == schema["since"]


@pytest.mark.parametrize("engine", QUICK)
def test_whole_number_ids_stay_whole_numbers(engine: str) -> None:
    """And they are in the order of numbers: 7 before 10."""
    rows = [row | {"user": 7 if row["user"] == "bo" else 10} for row in ROWS]
    log = read_log(table(rows, engine))

    assert [7, 10] == [row["user"] for row in rows_of(classify_users(log, AS_OF))]
    assert [7, 10] == log.kind_counts(None, AS_OF).users.tolist()
    assert [10] == [row["user"] for row in rows_of(log.streaks(AS_OF))]
    if engine not in {"records", "arrays"}:
        schema = nw.from_native(classify_users(log, AS_OF)).collect_schema()
        assert nw.Int64 == schema["user"]


@pytest.mark.parametrize("engine", EAGER)
@pytest.mark.parametrize("like", EAGER)
def test_an_answer_can_be_asked_for_as_another_kind_of_table(
    engine: str, like: str
) -> None:
    """``like`` takes the name of a kind of table, or a table of that kind."""
    need(like)
    summary = read_log(table(ROWS, engine), value="value").summarise(AS_OF)

    named, shown = summary.to_frame(like), summary.to_frame(table(ROWS, like))

    assert CLASSES[like] == class_of(named) == class_of(shown)
    assert rows_of(summary.to_frame()) == rows_of(named) == rows_of(shown)


@pytest.mark.parametrize("engine", [name for name in LAZY if name != "pyspark"])
def test_a_lazy_answer_runs_nothing_until_it_is_collected(engine: str) -> None:
    """Whoever builds a query pays for it once, when it is asked for."""
    need(engine)
    answers = all_answers(explosive(engine))

    for name, answer in answers.items():
        with pytest.raises(Exception, match="this ran"):
            nw.from_native(answer).collect("pyarrow")
        assert name in answers


def explosive(engine: str) -> Any:
    """Return a lazy frame that raises when it is run."""
    if engine == "polars_lazy":

        def explode(_: object) -> object:
            raise RuntimeError("this ran")

        return table(ROWS, engine).map_batches(explode)
    if engine == "duckdb":
        source = table(ROWS, "duckdb")
        fails = "error('this ran' || kind)::VARCHAR AS kind"
        return source.project(f"* EXCLUDE (kind), {fails}")
    import ibis  # noqa: PLC0415  an extra

    def error(text: str) -> str:
        raise AssertionError(text)

    fail = ibis.udf.scalar.builtin(error)  # DuckDB's own function of that name
    source = table(ROWS, "ibis")
    return source.mutate(kind=fail(ibis.literal("this ran") + source.kind))


def test_the_engine_frame_of_a_lazy_log_holds_the_rows_that_can_be_used() -> None:
    """So that one may go on in the engine: names are the roles."""
    need("polars")
    import polars as pl  # noqa: PLC0415  an extra

    source = table(ROWS, "polars_lazy").rename({"user": "openid", "at": "time"})
    log = read_log(source, user="openid", at="time", value="value")

    engine: Any = log.engine
    assert isinstance(engine, pl.LazyFrame)
    assert ["user", "kind", "value", "at"] == engine.collect_schema().names()
    assert 3 == len(log) == engine.collect().height
    assert instant("2026-02-01T10:00") == log.first_at
    assert instant("2026-03-02T10:00") == log.last_at


@pytest.mark.parametrize("engine", [name for name in QUICK if name in LAZY])
def test_a_lazy_log_can_be_collected_into_memory(engine: str) -> None:
    """Then it answers as the same rows in memory do."""
    lazy = read_log(table(ROWS, engine), value="value")

    log = lazy.collect()

    assert log.engine is None
    expected = read_log(table(ROWS, "records"), value="value").summarise(AS_OF)
    assert rows_of(expected.to_frame("records")) == rows_of(
        log.summarise(AS_OF).to_frame("records")
    )
    summary: Any = lazy.summarise(AS_OF)
    assert rows_of(expected.to_frame("records")) == rows_of(
        summary.collect().to_frame("records")
    )
