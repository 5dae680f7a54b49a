"""What each engine does in each comparison, ready to be timed.

A job is made ready once (data loaded, connections opened), then asked again and
again: ``fresh`` gives what one run starts from and is not timed, ``run`` is.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from answers import CODES, COLUMNS, NAMES, SEGMENTS, SILENCE
from eventlog import AS_OF, KINDS, EventLog
from jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["build_tally", "make_job"]

_AS_OF = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=AS_OF)
_THREADS = 2
# How the library is told about the columns of the files.
_FILE: dict[str, Any] = {"user": "user_id", "value": "value"}
_OURS = COLUMNS[:-1]


def make_job(work: str, engine: str, log: EventLog, scratch: Path) -> Job:
    """Make an engine ready for a comparison.

    Parameters
    ----------
    work
        ``"A1"`` to ``"A5"``.
    engine
        Its name in that comparison.
    log
        The events.
    scratch
        A folder for what the job must keep, for as long as it is used.

    Returns
    -------
    Job
        Ready.
    """
    if work == "A4":
        return _narwhals_job(engine, log)
    if engine.startswith("wxengage"):
        return _our_job(work, engine, log, scratch)
    peer, _, tuned = engine.partition(" ")
    in_memory = work == "A1"
    maker = {"pandas": _pandas_job, "Polars": _polars_job, "DuckDB": _duckdb_job}[peer]
    return maker(log, in_memory, bool(tuned))


# --- wxengage --------------------------------------------------------------


def _our_job(work: str, engine: str, log: EventLog, scratch: Path) -> Job:
    from wxengage.log import read_log
    from wxengage.segments import classify_users

    def ask(events: Any) -> tuple[Any, Any]:
        return events.summarise(_AS_OF), classify_users(events, _AS_OF)

    if work == "A3" and engine != "wxengage recompute":
        return _tally_job(log, scratch, adding_only=engine != "wxengage")
    if work != "A1":
        files = log.files
        return Job(lambda: None, lambda _: ask(read_log(files, **_FILE)), _our_answer)
    columns = _columns_of_codes(log)

    def fresh() -> Any:
        events = read_log(columns, value="value")
        if engine == "wxengage, asked again":
            ask(events)
        return events

    return Job(fresh, ask, _our_answer)


def _columns_of_codes(log: EventLog) -> dict[str, Any]:
    """Return the codes as plain arrays; words only where the library wants words."""
    import pyarrow as pa

    codes = log.codes()
    kinds = pa.array(codes["kind"].astype(np.int8))
    return {
        "user": codes["user"],
        "kind": pa.DictionaryArray.from_arrays(kinds, pa.array(KINDS)),
        "at": codes["at"].view("datetime64[us]"),
        "value": codes["value"],
    }


def _our_answer(result: tuple[Any, Any]) -> dict[str, Any]:
    summary, segments = result
    columns = {name: getattr(summary, name) for name in _OURS}
    named = {name: np.asarray(segments[name]) for name in ("user", "segment")}
    if not np.array_equal(named["user"], summary.user):
        raise ValueError("summarise and classify_users list different users")
    return columns | {"segment": named["segment"]}


def build_tally(log: EventLog, folder: Path) -> None:
    """Keep a tally of all but the last events in a folder."""
    from wxengage.log import Tally

    tally = Tally()
    tally.add(log.history, **_FILE)
    tally.save(folder)


def _tally_job(log: EventLog, scratch: Path, *, adding_only: bool) -> Job:
    from wxengage.log import Tally

    folder = scratch / "tally"
    # In a process of its own: the memory of the first day is not the nightly job's.
    worker = Path(__file__).with_name("worker.py")
    arguments = [str(log.folder), str(log.events), str(log.users), str(folder)]
    subprocess.run([sys.executable, worker, "tally", *arguments], check=True)

    def add(tally: Any) -> Any:
        tally.add(log.new, **_FILE)
        return tally

    def summarise(tally: Any) -> tuple[Any, Any]:
        summary = tally.summary(_AS_OF)
        last = summary.last_interaction_at
        # The default policy's rule; NaT stands for never.
        never = np.isnat(last)
        dormant = ~never & (AS_OF - last.view(np.int64) >= SILENCE)
        words = np.array(SEGMENTS, dtype=object)
        return summary, words[np.where(never, 0, np.where(dormant, 2, 1))]

    def answer(result: Any) -> dict[str, Any]:
        summary, segment = summarise(result) if adding_only else result
        return {name: getattr(summary, name) for name in _OURS} | {"segment": segment}

    if adding_only:
        return Job(lambda: Tally.open(folder), add, answer)
    return Job(lambda: Tally.open(folder), lambda tally: summarise(add(tally)), answer)


# --- the peers -------------------------------------------------------------


def _pandas_job(log: EventLog, in_memory: bool, _: bool) -> Job:
    import pandas as pd
    from peers import pandas_answer

    def read() -> pd.DataFrame:
        # A plain read has no quicker way to compare ids than to number them.
        frame = pd.read_parquet(log.folder / "events-00.parquet")
        codes, ids = pd.factorize(frame["user_id"])
        us = frame["at"].astype("datetime64[us, UTC]").astype("int64")
        frame = frame.assign(user=codes, us=us)[["user", "us", "kind", "value"]]
        found = pandas_answer(frame, NAMES)
        return found.assign(user=ids.take(found["user"].to_numpy()))

    def answer(result: pd.DataFrame) -> dict[str, Any]:
        return {name: result[name].to_numpy() for name in COLUMNS}

    if not in_memory:
        return Job(lambda: None, lambda _: read(), answer)
    codes = log.codes()
    frame = pd.DataFrame({"us": codes.pop("at"), **codes})
    return Job(lambda: frame, lambda frame: pandas_answer(frame, CODES), answer)


def _polars_job(log: EventLog, in_memory: bool, tuned: bool) -> Job:
    import polars as pl
    from peers import polars_plan

    if in_memory:
        codes = log.codes()
        frame = pl.DataFrame({"us": codes.pop("at"), **codes})
        source, words = frame.lazy, CODES
    else:
        words = NAMES

        def source() -> pl.LazyFrame:
            user = pl.col("user_id")
            return pl.scan_parquet(log.files).select(
                "kind",
                "value",
                user=user.cast(pl.Categorical) if tuned else user,
                us=pl.col("at").dt.timestamp("us"),
            )

    engine: Any = "streaming" if tuned else "in-memory"
    return Job(
        lambda: None,
        lambda _: polars_plan(source(), words).collect(engine=engine),
        _polars_answer,
    )


def _polars_answer(result: Any) -> dict[str, Any]:
    return {
        name: result[name].to_numpy()
        if name in {"user", "segment", "value"}
        else result[name].fill_null(-1).to_numpy()
        for name in result.columns
    }


def _duckdb_job(log: EventLog, in_memory: bool, tuned: bool) -> Job:
    import duckdb
    import pyarrow as pa
    from peers import duckdb_query

    connection = duckdb.connect(config={"threads": _THREADS})
    if in_memory:
        codes = log.codes()
        given = pa.table({"us": codes.pop("at"), **codes})
        connection.register("given", given)
        connection.execute("CREATE TABLE events AS SELECT * FROM given")
        connection.unregister("given")
        del given, codes
        plan, source, words = "branches" if tuned else "window", "events", CODES
    else:
        source = f"""(SELECT user_id AS "user", kind, value, epoch_us("at") AS us
                      FROM {_duckdb_files(log)})"""
        plan, words = "lists" if tuned else "window", NAMES
    query = duckdb_query(plan, source, words)
    return Job(
        lambda: None, lambda _: connection.sql(query).to_arrow_table(), _arrow_answer
    )


def _duckdb_files(log: EventLog) -> str:
    return f"read_parquet({[str(file) for file in log.files]!r})"


def _arrow_answer(result: Any) -> dict[str, Any]:
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name in result.column_names:
        column = result.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        if pa.types.is_integer(column.type) and column.null_count:
            column = column.fill_null(-1)
        columns[name] = column.to_numpy()
    return columns


# --- inside engines --------------------------------------------------------


def _narwhals_job(engine: str, log: EventLog) -> Job:
    """Make one of the three ways of one engine: ours, native, native unchecked."""
    where, _, way = engine.partition(", ")
    maker = {
        "Polars": _polars_ways,
        "DuckDB": _duckdb_ways,
        "Ibis": _ibis_ways,
        "Spark": _spark_ways,
    }[where]
    source, native, collect = maker(log)

    def run(_: object) -> Any:
        if way == "wxengage":
            from wxengage.log import read_log

            lazy: Any = read_log(source(), **_FILE)
            return collect(lazy.summarise(_AS_OF).native)
        return collect(native(source(), way == "native"))

    return Job(lambda: None, run, _arrow_answer)


_Ways = tuple["Callable[[], Any]", "Callable[[Any, bool], Any]", "Callable[[Any], Any]"]


def _polars_ways(log: EventLog) -> _Ways:
    import polars as pl
    from native import polars_summary

    return (
        lambda: pl.scan_parquet(log.files),
        lambda frame, checked: polars_summary(frame, checked=checked),
        lambda frame: frame.collect().to_arrow(),
    )


def _duckdb_ways(log: EventLog) -> _Ways:
    import duckdb
    from native import summary_query

    connection = duckdb.connect(config={"threads": _THREADS})
    files = _duckdb_files(log)
    return (
        lambda: connection.sql(f"SELECT * FROM {files}"),
        lambda _, checked: connection.sql(
            summary_query("duckdb", files, checked=checked)
        ),
        lambda relation: relation.to_arrow_table(),
    )


def _ibis_ways(log: EventLog) -> _Ways:
    import ibis
    from native import ibis_summary

    connection = ibis.duckdb.connect(threads=_THREADS)
    files = [str(file) for file in log.files]
    return (
        lambda: connection.read_parquet(files, table_name="events"),
        lambda table, checked: ibis_summary(table, checked=checked),
        lambda table: table.to_pyarrow(),
    )


def _spark_ways(log: EventLog) -> _Ways:
    from native import summary_query
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{_THREADS}]").appName("benchmarks")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "4g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    frame = session.read.parquet(*map(str, log.files))
    frame.createOrReplaceTempView("events")
    return (
        lambda: frame,
        lambda _, checked: session.sql(
            summary_query("spark", "events", checked=checked)
        ),
        lambda found: found.toArrow(),
    )
