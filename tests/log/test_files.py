"""Logs in files: the forms that exports come in."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.frames.engines import arrow_table, instant, need, rows_of
from tests.frames.random_logs import answer, draw_case, expected
from wxengage.errors import InvalidLogError
from wxengage.log import KINDS, read_log
from wxengage.segments import classify_users

ROOT = Path(__file__).parents[2]
NINE = instant("2026-03-02T09:00")
DAY = dt.timedelta(days=1)
TEXT = """user,kind,at,value
0042,like,2026-03-02T09:00:00Z,
NA,purchase,2026-03-02T17:00:00+08:00,8.50
张三,read,2026-03-02 09:00:00+00:00,0
"""
EXPECTED = [
    ("0042", "like", NINE, 0),
    ("NA", "purchase", NINE, 8.5),
    ("张三", "read", NINE, 0),
]


@pytest.fixture(autouse=True)
def _pyarrow() -> None:
    need("pyarrow")


def found_in(source: Any, **read: Any) -> list[tuple[Any, ...]]:
    """Return the events of a source as tuples, by user."""
    log = read_log(source, **({"value": "value"} | read))
    return sorted(tuple(row.values()) for row in rows_of(log.to_frame()))


@pytest.mark.parametrize(
    ("name", "encoding", "mark"),
    [
        ("log.csv", "utf-8", ""),
        ("log.csv", "utf-8", "\ufeff"),
        ("log.CSV", "gb18030", ""),
        ("log.txt", "utf-8", ""),
        ("log.csv.gz", "utf-8", ""),
        ("log.csv.gz", "gb18030", ""),
        ("log.tsv", "utf-8", ""),
        ("log.tsv.gz", "utf-8", "\ufeff"),
    ],
)
def test_text_files_are_read_in_every_form_they_come_in(
    tmp_path: Path, name: str, encoding: str, mark: str
) -> None:
    """Commas and tabs, packed or not, Excel's mark, the encoding of Chinese Windows."""
    text = mark + (TEXT.replace(",", "\t") if ".tsv" in name else TEXT)
    content = text.encode(encoding)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    assert EXPECTED == found_in(path, encoding=encoding)
    assert EXPECTED == found_in(str(path), encoding=encoding)


def test_a_path_is_answered_with_an_arrow_table(tmp_path: Path) -> None:
    """A file has no kind of table: the neutral one is given."""
    path = tmp_path / "log.csv"
    path.write_text(TEXT, encoding="utf-8")
    log = read_log(path, value="value")

    for answered in (log.to_frame(), classify_users(log, NINE), log.streaks(NINE)):
        assert "pyarrow.lib.Table" == f"{type(answered).__module__}.Table"
    assert "pandas" == type(log.to_frame("pandas")).__module__


def test_ids_in_text_stay_text(tmp_path: Path) -> None:
    """Leading zeros, NA, null, 1e5 and nan are names like any other; blanks too."""
    ids = ["0042", "42", "NA", "null", "None", "nan", "NaN", "1e5", "true", " ann"]
    lines = "".join(f"{one},like,2026-03-02T09:00Z\n" for one in ids)
    path = tmp_path / "log.csv"
    path.write_text("user,kind,at\n" + lines, encoding="utf-8")

    log = read_log(path)

    assert sorted(ids) == log.summarise(NINE).user.tolist()


def test_quoted_cells_may_hold_anything(tmp_path: Path) -> None:
    """Line breaks, commas and quotes inside an item's name."""
    path = tmp_path / "log.csv"
    path.write_bytes(
        b'user,item,kind,at\r\n"an,n","tea\r\n""green"", 1",like,2026-03-02T09:00Z\r\n'
    )

    log = read_log(path, item="item")

    (row,) = rows_of(log.to_frame())
    assert ("an,n", 'tea\r\n"green", 1') == (row["user"], row["item"])


def test_an_empty_cell_is_none_and_an_empty_text_too(tmp_path: Path) -> None:
    """A row without a user is bad; a row without a value has none."""
    path = tmp_path / "log.csv"
    path.write_text(
        "user,kind,at,value\n"
        ',like,2026-03-02T09:00Z,1\n"",like,2026-03-02T09:00Z,1\n'
        "ann,,2026-03-02T09:00Z,1\nann,like,,1\nann,like,2026-03-02T09:00Z,\n",
        encoding="utf-8",
    )

    log = read_log(path, value="value", on_bad="set_aside")

    assert 1 == len(log)
    counts = log.rejected.counts
    assert 2 == counts.get("missing_user", 0) + counts.get("bad_user", 0)
    assert (1, 1) == (counts["missing_kind"], counts["missing_time"])


def test_the_columns_of_an_export_are_named(tmp_path: Path) -> None:
    """Whatever they are called, and whatever else is in the file."""
    path = tmp_path / "export.csv"
    path.write_text(
        "流水号,昵称,openid,行为,时间,停留秒数\n"
        "e1,<b>,o1,阅读,1772442000,12.5\n"
        "e1,<b>,o1,阅读,1772442000,12.5\n"
        "e2,,o2,点赞,1772442060,\n",
        encoding="utf-8",
    )

    log = read_log(
        path,
        user="openid",
        kind="行为",
        at="时间",
        unit="s",
        id="流水号",
        duration="停留秒数",
        kinds={"阅读": "read", "点赞": "like"},
    )

    assert [12.5, 0] == [row["duration"] for row in rows_of(log.to_frame())]
    assert {"duplicate": 1} == log.rejected.counts
    assert NINE == log.first_at
    assert [1] == [row.row for row in log.rejected.rows]


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1000), ("us", 10**6)])
@pytest.mark.parametrize("name", ["log.csv", "log.ndjson", "log.parquet"])
def test_times_may_be_numbers_since_1970(
    tmp_path: Path, name: str, unit: str, factor: int
) -> None:
    """Seconds, milliseconds, microseconds: the caller says which."""
    at = int(NINE.timestamp()) * factor
    path = tmp_path / name
    write(path, [{"user": "ann", "kind": "like", "at": at}])

    assert NINE == read_log(path, unit=unit).first_at


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as a file of the kind its name tells."""
    import pyarrow as pa  # noqa: PLC0415  an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return
    plain = [
        {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in row.items()}
        for row in rows
    ]
    if path.suffix == ".csv":
        lines = [",".join(plain[0])]
        lines += [",".join(map(str, row.values())) for row in plain]
    else:
        lines = [json.dumps(row, ensure_ascii=False) for row in plain]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("name", ["log.ndjson", "log.jsonl", "log.ndjson.gz"])
def test_lines_of_json_are_read(tmp_path: Path, name: str) -> None:
    """Keys in any order, some missing, others beside them."""
    lines = [
        {"user": "0042", "kind": "like", "at": "2026-03-02T09:00:00Z"},
        {"value": 8.5, "at": NINE.isoformat(), "kind": "purchase", "user": "NA"},
        {
            "user": "张三",
            "kind": "read",
            "at": "2026-03-02T17:00:00+08:00",
            "value": 0,
            "device": {"os": ["a", 1]},
            "note": None,
        },
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    content = text.encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    assert EXPECTED == found_in(path)


def test_whole_number_ids_in_json_stay_numbers(tmp_path: Path) -> None:
    """JSON tells numbers from text, and so do we."""
    path = tmp_path / "log.ndjson"
    write(path, [{"user": n, "kind": "like", "at": NINE} for n in (10, 7)])

    assert [7, 10] == read_log(path).summarise(NINE).user.tolist()


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Dictionary words, timestamps with a zone, several row groups."""
    import pyarrow as pa  # noqa: PLC0415  an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    case = draw_case(random.Random(5), users=30)  # noqa: S311  a fixed log, no secret
    plain = arrow_table(case.rows, tz="Asia/Shanghai")
    words = plain.set_column(1, "kind", plain["kind"].dictionary_encode())
    path = tmp_path / "log.parquet"
    for arrow in (plain, words):
        pq.write_table(arrow, path, row_group_size=7)
        log = read_log(path, value="value")
        for question in ("summary", "classify"):
            assert expected(case, question) == answer(log, case, question)
        since = classify_users(log, case.as_of).schema.field("since").type
        assert pa.timestamp("us", "Asia/Shanghai") == since


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
def test_several_files_are_one_log(tmp_path: Path, ending: str) -> None:
    """Named one by one, by a pattern, or by their folder; each file once."""
    case = draw_case(random.Random(6), users=30)  # noqa: S311  a fixed log, no secret
    (tmp_path / "notes.md").write_text("not a log", encoding="utf-8")
    paths = [tmp_path / f"day-{n}.{ending}" for n in range(3)]
    for n, path in enumerate(paths):
        write(path, list(case.rows[n::3]))

    right = expected(case, "summary")

    for source in (paths, tmp_path, str(tmp_path / "day-*"), [tmp_path, *paths]):
        assert right == answer(read_log(source, value="value"), case, "summary")


def test_words_and_ids_of_several_files_are_numbered_together(tmp_path: Path) -> None:
    """A user of two files is one user; repeats are found across files."""
    rows = [
        {"user": "ann", "kind": "like", "at": NINE, "item": "tea", "id": "e1"},
        {"user": "bo", "kind": "like", "at": NINE, "item": "rice", "id": "e2"},
        {"user": "ann", "kind": "like", "at": NINE + DAY, "item": "rice", "id": "e3"},
        {"user": "ann", "kind": "like", "at": NINE, "item": "tea", "id": "e1"},
        {"user": "cy", "kind": "read", "at": NINE, "item": "tea", "id": "e2"},
    ]
    for n, part in enumerate((rows[:2], rows[2:4], rows[4:])):
        write(tmp_path / f"{n}.parquet", part)

    log = read_log(tmp_path, item="item", id="id", on_bad="set_aside")

    assert [("ann", "tea"), ("ann", "rice")] == [
        (row["user"], row["item"]) for row in rows_of(log.to_frame())
    ]
    assert {"conflicting_id": 2, "duplicate": 1} == log.rejected.counts
    assert [1, 3, 4] == [row.row for row in log.rejected.rows]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("held", [0, 1, 20, 100])
def test_a_log_larger_than_memory_waits_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, held: int
) -> None:
    """Every question is answered as if all events were in memory."""
    case = draw_case(random.Random(8), users=150)  # noqa: S311  a fixed log, no secret
    for n in range(5):
        write(tmp_path / f"{n}.{ending}", list(case.rows[n::5]))
    monkeypatch.setattr("wxengage.log.building.SPILL_ROWS", held)

    log = read_log(tmp_path, value="value")

    assert len(case.rows) == len(log)
    for question in ("summary", "streaks", "classify", "transitions", "kind_counts"):
        assert expected(case, question) == answer(log, case, question)
    some = sorted({row["user"] for row in case.rows})[::3]
    mine = [row for row in case.rows if row["user"] in some]
    assert len(mine) == len(log.for_users(some))
    rows = rows_of(log.for_users(some).to_frame())
    assert sorted(map(str, rows_of(mine))) == sorted(map(str, rows))


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "ndjson", "ndjson.gz"])
def test_a_file_is_read_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """Where one block ends and the next begins changes nothing."""
    case = draw_case(random.Random(10), users=60)  # noqa: S311  a fixed log, no secret
    path = tmp_path / f"log.{ending.removesuffix('.gz')}"
    write(path, list(case.rows))
    if ending.endswith(".gz"):
        (tmp_path / f"log.{ending}").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    if ending == "parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415  an extra

        pq.write_table(pq.read_table(path), path, row_group_size=5)
    monkeypatch.setattr("wxengage.log.files._BLOCK_BYTES", 1000)
    monkeypatch.setattr("wxengage.log.files.BATCH_ROWS", 7)

    log = read_log(tmp_path, value="value")

    for question in ("summary", "classify"):
        assert expected(case, question) == answer(log, case, question)


def test_rows_of_a_spilled_log_are_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are numbered over all the files."""
    rows = [{"user": f"u{n}", "kind": "like", "at": NINE} for n in range(10)]
    rows[7] |= {"kind": "liek"}
    for n in range(2):
        write(tmp_path / f"{n}.csv", rows[5 * n : 5 * n + 5])
    monkeypatch.setattr("wxengage.log.building.SPILL_ROWS", 0)

    log = read_log(tmp_path, on_bad="set_aside")

    assert (9, 10) == (len(log), log.rejected.given)
    assert [7] == [row.row for row in log.rejected.rows]


def test_a_saved_copy_of_a_spilled_log_is_the_same_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The piles are put together again."""
    case = draw_case(random.Random(9), users=90)  # noqa: S311  a fixed log, no secret
    write(tmp_path / "log.parquet", list(case.rows))
    monkeypatch.setattr("wxengage.log.building.SPILL_ROWS", 0)
    from wxengage.log import open_log  # noqa: PLC0415  after the patch

    folder = read_log(tmp_path / "log.parquet", value="value").save(tmp_path / "saved")

    assert expected(case, "summary") == answer(open_log(folder), case, "summary")


@pytest.mark.parametrize("name", ["log.csv", "log.ndjson", "log.parquet"])
def test_a_file_without_rows_is_an_empty_log(tmp_path: Path, name: str) -> None:
    """Where the columns are there; a file without columns is no log."""
    path = tmp_path / name
    if name == "log.ndjson":
        path.write_text("", encoding="utf-8")
        with pytest.raises(InvalidLogError, match="user"):
            read_log(path)
        return
    write(path, [{"user": "ann", "kind": "like", "at": NINE}])
    if name == "log.csv":
        path.write_text("user,kind,at\n", encoding="utf-8")
    else:
        import pyarrow.parquet as pq  # noqa: PLC0415  an extra

        pq.write_table(pq.read_table(path).slice(0, 0), path)

    log = read_log(path)

    assert (0, 0) == (len(log), len(classify_users(log, NINE)))


def test_all_rows_of_a_file_may_be_of_one_kind(tmp_path: Path) -> None:
    """A file of purchases needs no column that says so."""
    path = tmp_path / "sales.csv"
    path.write_text("user,at,value\nann,2026-03-02T09:00Z,8\n", encoding="utf-8")

    assert [("ann", "purchase", NINE, 8)] == found_in(path, kind=KINDS["purchase"])
