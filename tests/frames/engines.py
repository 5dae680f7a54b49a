"""The same log as every kind of table, and every kind of answer as rows."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import importlib.util
import os
import tempfile
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EAGER = ("records", "arrays", "pandas", "polars", "pyarrow")
QUICK = (*EAGER, "polars_lazy", "duckdb", "ibis")
LAZY = ("polars_lazy", "duckdb", "ibis", "pyspark")
ALL = (*EAGER, *LAZY)
NEEDS = {
    "pandas": ("pandas", "pyarrow"),
    "polars": ("polars", "pyarrow"),
    "polars_lazy": ("polars", "pyarrow"),
    "pyarrow": ("pyarrow",),
    "duckdb": ("duckdb", "pyarrow"),
    "ibis": ("ibis", "duckdb", "pyarrow"),
    "pyspark": ("pyspark", "pyarrow"),
}
# A session's zone that is nobody's, so that whoever relies on it is found out.
FOREIGN_ZONE = "America/New_York"

Row = dict[str, Any]
_open = contextlib.ExitStack()


def need(engine: str) -> None:
    """Skip where an engine's library is missing, or fail where it must be there."""
    for module in NEEDS.get(engine, ()):
        if importlib.util.find_spec(module) is None:
            reason = f"{module} is not installed"
            if os.environ.get("WXENGAGE_REQUIRE_PARTS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)


@functools.cache
def spark() -> Any:
    """Start a small local Spark session, once for all tests."""
    need("pyspark")
    from pyspark.sql import SparkSession  # noqa: PLC0415  an extra

    folder = _open.enter_context(tempfile.TemporaryDirectory(prefix="wxengage-spark-"))
    builder = SparkSession.builder.master("local[1]").appName("wxengage-tests")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": FOREIGN_ZONE,
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.warehouse.dir": folder,
        "spark.local.dir": folder,
        # A few hundred rows: compiling the plan would take longer than running it.
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": (
            f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dderby.system.home={folder}"
        ),
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    _open.callback(session.stop)
    session.sparkContext.setLogLevel("ERROR")
    return session


@functools.cache
def duck() -> Any:
    """Open a DuckDB connection, once for all tests."""
    need("duckdb")
    import duckdb  # noqa: PLC0415  an extra

    connection = duckdb.connect()
    _open.callback(connection.close)
    connection.execute(f"SET TimeZone = '{FOREIGN_ZONE}'")
    return connection


def close_sessions() -> None:
    """Stop what ``spark`` and ``duck`` have started."""
    spark.cache_clear()
    duck.cache_clear()
    _open.close()


def arrow_table(
    rows: Sequence[Row], *, unit: str = "us", tz: str | None = "UTC"
) -> Any:
    """Return rows as an Arrow table; every row has the keys of the first."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    names = list(rows[0]) if rows else ["user", "kind", "at", "value"]
    whole = rows and all(isinstance(row["user"], int) for row in rows)
    counted = rows and all(isinstance(row["at"], int) for row in rows)
    types = {
        "user": pa.int64() if whole else pa.string(),
        "at": pa.int64() if counted else pa.timestamp(unit, tz),
        "value": pa.float64(),
        "duration": pa.float64(),
    }
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], types.get(name, pa.string()))
            for name in names
        }
    )


def table(
    rows: Sequence[Row],
    engine: str,
    *,
    unit: str = "us",
    tz: str | None = "UTC",
) -> Any:
    """Return rows as one kind of table, times in ``unit`` and ``tz``."""
    need(engine)
    if engine == "records":
        return list(rows)
    if engine == "arrays":
        return _arrays(rows)
    return _from_arrow(arrow_table(rows, unit=unit, tz=tz), engine)


def _from_arrow(arrow: Any, engine: str) -> Any:
    if engine == "pandas":
        return arrow.to_pandas()
    if engine == "duckdb":
        return duck().from_arrow(arrow)
    if engine == "pyspark":
        return spark().createDataFrame(arrow)
    if engine == "ibis":
        import ibis  # noqa: PLC0415  an extra

        return ibis.memtable(arrow)
    if engine in {"polars", "polars_lazy"}:
        import polars as pl  # noqa: PLC0415  an extra

        frame = pl.DataFrame(arrow)
        return frame if engine == "polars" else frame.lazy()
    return arrow


def _arrays(rows: Sequence[Row]) -> dict[str, np.ndarray[Any, Any]]:
    names = list(rows[0]) if rows else ["user", "kind", "at", "value"]
    columns = {name: [row[name] for row in rows] for name in names}
    found: dict[str, np.ndarray[Any, Any]] = {}
    for name, column in columns.items():
        if column and all(type(one) is int for one in column):
            found[name] = np.array(column, dtype=np.int64)
        elif name == "at":
            walls = [None if at is None else naive_utc(at) for at in column]
            found[name] = np.array(walls, dtype="M8[us]")
        elif name in {"value", "duration"}:
            found[name] = np.array(column, dtype=float)
        else:
            found[name] = np.array(column, dtype=object)
    return found


def naive_utc(at: dt.datetime) -> dt.datetime:
    """Return an instant as UTC's wall clock shows it, without a zone."""
    return at if at.tzinfo is None else at.astimezone(dt.UTC).replace(tzinfo=None)


def rows_of(answer: Any) -> list[Row]:
    """Return any kind of table as rows; an engine's, which have no order, sorted.

    Instants come back in UTC, whole numbers as integers, and what is none (NaN,
    NaT, null) as None, so that rows of all engines can be compared.
    """
    if isinstance(answer, dict):
        columns = [column.tolist() for column in answer.values()]
        rows = [
            dict(zip(answer, row, strict=True)) for row in zip(*columns, strict=True)
        ]
        return [_plain_row(row) for row in rows]
    if isinstance(answer, list):
        return [_plain_row(row) for row in answer]
    frame = nw.from_native(answer)
    if not isinstance(frame, nw.LazyFrame):
        return [_plain_row(row) for row in frame.rows(named=True)]
    return in_order(
        _plain_row(row) for row in frame.collect("pyarrow").rows(named=True)
    )


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return rows ascending by user, then time."""
    return sorted(
        rows, key=lambda row: (row["user"], *([row["at"]] if "at" in row else []))
    )


def _plain_row(row: Row) -> Row:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if value is None or value != value:  # noqa: PLR0124  NaN and NaT
        return None
    if isinstance(value, dt.datetime):
        at = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        # Not through `astimezone`: a subclass such as pandas' stays one.
        since = (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(
            microseconds=1
        )
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=since)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def instant(text: str, tz: str = "UTC") -> dt.datetime:
    """Return an instant by one zone's wall clock."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz))
