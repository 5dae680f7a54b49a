"""Columns as the libraries write them: types that mean the same are read the same."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.frames.engines import QUICK, duck, instant, need, rows_of, table
from wxengage.errors import InvalidLogError
from wxengage.log import read_log
from wxengage.segments import classify_users

if TYPE_CHECKING:
    from pathlib import Path

NINE = instant("2026-03-02T09:00")
MIDNIGHT = instant("2026-03-01T16:00")
SECONDS = int(NINE.timestamp())


def one(**columns: Any) -> dict[str, Any]:
    """Return columns of a log with one row."""
    return {"user": ["ann"], "kind": ["like"], "at": [NINE]} | columns


def arrow(**columns: Any) -> Any:
    """Return the same as an Arrow table."""
    need("pyarrow")
    import pyarrow as pa  # noqa: PLC0415  an extra

    return pa.table(one(**columns))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_numpy_times_are_in_utc_in_any_resolution(unit: str) -> None:
    """NumPy has no zones: its documentation says UTC."""
    at = np.array(["2026-03-02T09:00"], dtype=f"M8[{unit}]")

    assert NINE == read_log(one(at=at)).first_at
    assert NINE == read_log(one(at=list(at))).first_at if unit != "ns" else True


def test_days_and_nanoseconds_of_numpy_are_read() -> None:
    """A date is its first instant; below a microsecond is cut off."""
    day = np.array(["2026-03-02"], dtype="M8[D]")
    nano = np.array(["2026-03-02T09:00:00.000000999"], dtype="M8[ns]")

    assert instant("2026-03-02T00:00") == read_log(one(at=day)).first_at
    assert NINE == read_log(one(at=nano)).first_at


def test_not_a_time_is_a_missing_time() -> None:
    """In an array as anywhere."""
    at = np.array(["NaT"], dtype="M8[us]")

    log = read_log(one(at=at), on_bad="set_aside")

    assert {"missing_time": 1} == log.rejected.counts


def test_a_date_is_a_naive_time() -> None:
    """The day of 2 March in Shanghai begins at four in the afternoon in UTC."""
    date = dt.date(2026, 3, 2)

    for source in (one(at=[date]), one(at=["2026-03-02"]), arrow(at=[date])):
        assert MIDNIGHT == read_log(source, tz="Asia/Shanghai").first_at
        with pytest.raises(InvalidLogError, match="tz="):
            read_log(source)


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb", "ibis"])
def test_a_date_in_an_engine_is_a_naive_time_too(engine: str) -> None:
    """The same instant as in memory."""
    need(engine)
    source = arrow(at=[dt.date(2026, 3, 2)])
    if engine == "duckdb":
        source = duck().from_arrow(source)
    elif engine == "ibis":
        import ibis  # noqa: PLC0415  an extra

        source = ibis.memtable(source)
    else:
        import polars as pl  # noqa: PLC0415  an extra

        source = pl.LazyFrame(pl.DataFrame(source))

    assert MIDNIGHT == read_log(source, tz="Asia/Shanghai").first_at


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float64", "int32", "uint32"])
def test_epochs_are_read_from_every_type_of_number(dtype: str) -> None:
    """Whole or not, with or without sign."""
    at = np.array([SECONDS], dtype=dtype)

    for source in (one(at=at), arrow(at=at)):
        assert NINE == read_log(source, unit="s").first_at


def test_pandas_epochs_with_holes_are_read() -> None:
    """A hole in whole numbers makes pandas turn them into floats."""
    need("pandas")
    import pandas as pd  # noqa: PLC0415  an extra

    frame = pd.DataFrame(
        {"user": ["ann", "bo"], "kind": ["like"] * 2, "at": [SECONDS, None]}
    )

    whole: Any = frame["at"].astype("Int64")
    for at in (frame["at"], whole):
        log = read_log(frame.assign(at=at), unit="s", on_bad="set_aside")
        assert (NINE, {"missing_time": 1}) == (log.first_at, log.rejected.counts)


def test_pandas_times_are_read_in_every_form() -> None:
    """Aware, of an offset, as objects, as text, backed by Arrow."""
    need("pandas")
    import pandas as pd  # noqa: PLC0415  an extra

    shanghai = NINE.astimezone(instant("2026-03-02T09:00", "Asia/Shanghai").tzinfo)
    columns: list[Any] = [
        pd.Series([NINE]),
        pd.Series([shanghai]),
        pd.Series([NINE], dtype=object),
        pd.Series([NINE, None]).iloc[:1],
        pd.to_datetime(pd.Series(["2026-03-02T17:00:00+08:00"])),
        pd.Series(["2026-03-02T17:00:00+08:00"]),
        pd.Series([NINE], dtype="timestamp[us, tz=UTC][pyarrow]"),
    ]

    for at in columns:
        log = read_log(pd.DataFrame(one() | {"at": at}))
        assert NINE == log.first_at, at.dtype
        (row,) = rows_of(classify_users(log, NINE))
        assert NINE == row["since"], at.dtype


@pytest.mark.parametrize("like", ["records", "pandas", "polars", "pyarrow"])
def test_a_zone_that_is_only_an_offset_is_a_zone(like: str) -> None:
    """Arrow and pandas keep ``+08:00``; who cannot is given the instants in UTC."""
    need(like)
    pa = pytest.importorskip("pyarrow")

    log = read_log(arrow(at=pa.array([NINE], pa.timestamp("us", "+08:00"))))

    (row,) = rows_of(log.summarise(NINE).to_frame(like))
    assert NINE == row["first_at"]


@pytest.mark.parametrize(
    "value",
    [8, 8.0, decimal.Decimal("8.00"), np.int16(8), np.float32(8)],
)
def test_values_are_read_from_every_type_of_number(value: Any) -> None:
    """Decimals of a database too."""
    for source in ([{"user": "ann", "kind": "purchase", "at": NINE, "value": value}],):
        assert [8.0] == read_log(source, value="value").summarise(NINE).value.tolist()


@pytest.mark.parametrize("kind", ["null", "int8", "float", "decimal"])
def test_arrow_values_are_read_from_every_type_of_number(kind: str) -> None:
    """A column of nulls only is a column without values."""
    need("pyarrow")
    import pyarrow as pa  # noqa: PLC0415  an extra

    value = {
        "null": pa.nulls(1),
        "int8": pa.array([8], pa.int8()),
        "float": pa.array([8], pa.float32()),
        "decimal": pa.array([decimal.Decimal("8.00")]),
    }[kind]

    found = read_log(arrow(value=value), value="value").summarise(NINE)

    assert [0.0 if kind == "null" else 8.0] == found.value.tolist()


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
def test_arrow_texts_of_every_width_are_text(kind: str) -> None:
    """Ids, kinds, words and times."""
    need("pyarrow")
    import pyarrow as pa  # noqa: PLC0415  an extra

    text = getattr(pa, kind)()
    names = {"user": "ann", "kind": "like", "at": NINE.isoformat(), "item": "tea"}
    source = pa.table({name: pa.array([v], text) for name, v in names.items()})
    dictionary = source.set_column(
        0,
        "user",
        pa.array(["ann"]).dictionary_encode().cast(pa.dictionary("int8", text)),
    )

    for one_source in (source, dictionary):
        log = read_log(one_source, item="item")
        (row,) = rows_of(log.to_frame())
        assert ("ann", "like", NINE, "tea") == tuple(row.values())


def test_chunks_of_a_table_are_read_together() -> None:
    """Each with a dictionary of its own, some empty."""
    need("pyarrow")
    import pyarrow as pa  # noqa: PLC0415  an extra

    parts = []
    for users in (["ann", "bo"], [], ["bo", "cy"], ["ann"]):
        users_ = pa.array(users, pa.string()).dictionary_encode()
        kinds = pa.array(["like"] * len(users), pa.string())
        at = pa.array([NINE] * len(users), pa.timestamp("us", "UTC"))
        parts.append(pa.table({"user": users_, "kind": kinds, "at": at}))

    found = read_log(pa.concat_tables(parts)).summarise(NINE)

    assert ["ann", "bo", "cy"] == found.user.tolist()
    assert [2, 2, 1] == found.events.tolist()


@pytest.mark.parametrize("engine", QUICK)
@pytest.mark.parametrize("ids", [[0, 1], [5, 3], [10**18, 7], [2**63 - 1, 0]])
def test_whole_number_ids_may_be_dense_or_far_apart(
    engine: str, ids: list[int]
) -> None:
    """Two ways of numbering them, one answer."""
    rows = [{"user": user, "kind": "like", "at": NINE} for user in ids]

    log = read_log(table(rows, engine))

    assert sorted(ids) == log.kind_counts(None, NINE).users.tolist()


def parquet(folder: Path, *tables: Any) -> Path:
    """Write tables as the files of a folder."""
    import pyarrow.parquet as pq  # noqa: PLC0415  an extra

    for n, one_table in enumerate(tables):
        pq.write_table(one_table, folder / f"{n}.parquet")
    return folder


def test_whole_number_ids_of_several_files_are_numbered_together(
    tmp_path: Path,
) -> None:
    """Known ones are recognised, new ones are added."""
    tables = [arrow(user=[user]) for user in (10, 7, 10, 3, 10**15)]

    found = read_log(parquet(tmp_path, *tables)).summarise(NINE)

    assert [3, 7, 10, 10**15] == found.user.tolist()
    assert [1, 1, 2, 1] == found.events.tolist()


@pytest.mark.parametrize("ids", [("ann", "bo", "cy"), (1, 2, 3)], ids=["text", "whole"])
def test_a_user_is_the_same_in_every_file_whatever_the_order(
    tmp_path: Path, ids: tuple[Any, ...]
) -> None:
    """The second file has the same users, the first two of them swapped."""
    one_, two, three = ids
    tables = [
        arrow(user=users, kind=["like"] * len(users), at=[NINE] * len(users))
        for users in ([one_, one_, two, three], [two, two, two, one_, three])
    ]

    found = read_log(parquet(tmp_path, *tables)).summarise(NINE)

    assert [3, 4, 2] == found.events.tolist()


def test_ids_that_became_floats_in_one_file_are_refused(tmp_path: Path) -> None:
    """A hole in whole numbers makes pandas write floats: 7.0 is no id."""
    tables = [arrow(user=[7]), arrow(user=[7.0])]

    for order in (tables, tables[::-1]):
        with pytest.raises(InvalidLogError, match="ids must be of one type"):
            read_log(parquet(tmp_path, *order), on_bad="set_aside")


@pytest.mark.parametrize("first", [True, False])
def test_a_column_may_be_empty_in_one_of_several_files(
    tmp_path: Path, first: bool
) -> None:
    """Whoever wrote that file could not know the column's type."""
    need("pyarrow")
    import pyarrow as pa  # noqa: PLC0415  an extra

    empty = arrow(item=pa.nulls(1), user=["bo"])
    full = arrow(item=["tea"])
    tables = [empty, full] if first else [full, empty, full]

    log = read_log(parquet(tmp_path, *tables), item="item")

    items = {row["user"]: row["item"] for row in rows_of(log.to_frame())}
    assert {"ann": "tea", "bo": None} == items


def test_a_log_in_an_engine_tells_where_it_is() -> None:
    """And can be cut into periods there."""
    need("polars_lazy")
    rows = [{"user": "ann", "kind": "like", "at": NINE}]
    log = read_log(table(rows, "polars_lazy"))

    assert "polars" in repr(log)
    hour = dt.timedelta(hours=1)
    assert 1 == len(log.between(NINE, NINE + hour))
    assert 0 == len(log.between(NINE - hour, NINE))
    assert log.collect().collect().engine is None
