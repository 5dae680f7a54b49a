"""The same log as every kind of table, and every kind of answer as rows."""

from __future__ import annotations

import datetime as dt
import functools
import importlib.util
import os
from typing import Any

import narwhals.stable.v2 as nw
import pytest

EAGER = ("records", "arrays", "pandas", "polars", "pyarrow")
LAZY = ("polars_lazy", "duckdb", "ibis", "pyspark")
ALL = EAGER + LAZY


def need(module: str) -> None:
    """Skip where a library is missing, or fail where it must be there."""
    if importlib.util.find_spec(module) is None:
        if os.environ.get("WXENGAGE_REQUIRE_PARTS"):
            pytest.fail(f"{module} must be installed here")
        pytest.skip(f"{module} is not installed")


@functools.cache
def spark() -> Any:
    """Return a small local Spark session, on another zone than ours on purpose."""
    need("pyspark")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").appName("wxengage-tests")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "America/New_York",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.warehouse.dir": "/tmp/wxengage-spark",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


@functools.cache
def duck() -> Any:
    """Return a DuckDB connection whose session zone is not ours."""
    need("duckdb")
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    return connection


def table(rows: list[dict[str, Any]], engine: str, names: tuple[str, ...] = ("user", "kind", "at", "value")) -> Any:
    """Return rows as one kind of table."""
    if engine == "records":
        return rows
    import numpy as np
    import pyarrow as pa

    types = {"user": pa.string(), "kind": pa.string(), "at": pa.timestamp("us", "UTC"), "value": pa.float64(), "id": pa.string()}
    columns = {name: [row[name] for row in rows] for name in names}
    arrow = pa.table({name: pa.array(column, types[name]) for name, column in columns.items()})
    if engine == "pyarrow":
        return arrow
    if engine == "arrays":
        found: dict[str, Any] = {n: np.array(c, dtype=object) for n, c in columns.items() if n != "value"}
        found["at"] = np.array([at.astimezone(dt.UTC).replace(tzinfo=None) for at in columns["at"]], dtype="M8[us]")
        if "value" in columns:
            found["value"] = np.array(columns["value"], dtype=float)
        return found
    if engine == "pandas":
        need("pandas")
        return arrow.to_pandas()
    if engine in {"polars", "polars_lazy"}:
        need("polars")
        import polars as pl

        frame = pl.from_arrow(arrow)
        return frame if engine == "polars" else frame.lazy()
    if engine == "duckdb":
        return duck().from_arrow(arrow)
    if engine == "ibis":
        need("ibis")
        import ibis

        return ibis.memtable(arrow)
    return spark().createDataFrame(arrow)


def rows_of(answer: Any) -> list[dict[str, Any]]:
    """Return any kind of table as plain rows, ascending by user, then time."""
    if isinstance(answer, dict):
        answer = [dict(zip(answer, row, strict=True)) for row in zip(*(c.tolist() for c in answer.values()), strict=True)]
    elif not isinstance(answer, list):
        frame = nw.from_native(answer)
        eager = frame.collect("pyarrow") if isinstance(frame, nw.LazyFrame) else frame
        answer = eager.rows(named=True)
    rows = [{key: _plain(value) for key, value in row.items()} for row in answer]
    return sorted(rows, key=lambda row: tuple(str(row[k]) for k in ("user", "at") if k in row))


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, dt.datetime):
        at = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return dt.datetime.fromtimestamp(0, dt.UTC) + (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
