"""Files that are not what they should be."""

from __future__ import annotations

import gzip
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.frames.engines import instant, need
from wxengage.errors import InvalidInputError, InvalidLogError
from wxengage.log import read_log

ROOT = Path(__file__).parents[2]
NINE = instant("2026-03-02T09:00")
TEXT = "user,kind,at\nann,like,2026-03-02T09:00Z\n"


@pytest.fixture(autouse=True)
def _pyarrow() -> None:
    need("pyarrow")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("log.csv", b"", "user"),
        ("log.csv", b"user,kind\nann,like\n", "at"),
        ("log.csv", b"user,kind,at\nann,like\n", "log.csv"),
        ("log.csv", "user,kind,at\n张,like,x\n".encode("gb18030"), "gb18030"),
        ("log.csv.gz", b"not packed", "log.csv.gz"),
        ("log.csv.gz", gzip.compress(TEXT.encode(), mtime=0)[:-20], "log.csv.gz"),
        ("log.ndjson.gz", b"not packed", "log.ndjson.gz"),
        ("log.ndjson.gz", gzip.compress(b"{}\n" * 99, mtime=0)[:-20], "log.ndjson.gz"),
        ("log.parquet", b"not parquet at all", "log.parquet"),
        ("log.parquet", b"", "log.parquet"),
        ("log.ndjson", b"{not json}\n", "log.ndjson"),
        ("log.ndjson", b"[1, 2]\n", "log.ndjson"),
        ("log.ndjson", b'"text"\n', "log.ndjson"),
        ("log.ndjson", b'{"user": "a"}\n', "at"),
        (
            "log.ndjson",
            b'{"user": 1, "kind": "like", "at": "x"}\n' * 2
            + b'{"user": {"a": 1}, "kind": "like", "at": "x"}\n',
            "log",
        ),
        ("log.ndjson", '{"user": "张"}\n'.encode("gb18030"), "log.ndjson"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    """With the name of the file or of the missing columns, never Arrow's error."""
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(InvalidLogError, match=told):
        read_log(path)


@pytest.mark.parametrize("source", ["nowhere.csv", "nothing-*.parquet", ""])
def test_a_path_that_names_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """A typing error is no empty log; nor is an empty folder."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InvalidInputError, match="source must be a file, a folder"):
        read_log(source)
    with pytest.raises(InvalidInputError, match="source must be a file, a folder"):
        read_log(tmp_path)


def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    """With the kinds that can be read."""
    path = tmp_path / "log.xlsx"
    path.write_bytes(b"PK")

    with pytest.raises(InvalidInputError, match=r"\.parquet, \.csv"):
        read_log(path)


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    """Rather than guessed."""
    path = tmp_path / "log.csv"
    path.write_text(TEXT, encoding="utf-8")

    with pytest.raises(InvalidLogError, match="klingon"):
        read_log(path, encoding="klingon")


def test_ids_of_two_types_in_two_files_are_refused(tmp_path: Path) -> None:
    """The number 7 and the text 7 may be one user, or two."""
    import pyarrow as pa  # noqa: PLC0415  an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    for user in (7, "7"):
        rows = pa.table({"user": [user], "kind": ["like"], "at": [NINE]})
        pq.write_table(rows, tmp_path / f"{user!r}.parquet")

    with pytest.raises(InvalidLogError):
        read_log(tmp_path)


def test_without_pyarrow_a_file_is_refused_with_the_way_to_get_it(
    tmp_path: Path,
) -> None:
    """Tables in memory need no extra; files say which one they need."""
    (tmp_path / "log.csv").write_text(TEXT, encoding="utf-8")
    code = """
        import sys

        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "pyarrow":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Blocked())
        from wxengage.errors import MissingExtraError
        from wxengage.log import read_log

        rows = [{"user": "ann", "kind": "like", "at": 0}]
        log = read_log(rows, unit="s")
        print(len(log.summarise(log.last_at).to_frame()))
        try:
            read_log("log.csv")
        except MissingExtraError as error:
            print(error)
        try:
            log.to_frame("pyarrow")
        except MissingExtraError as error:
            print(error)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )

    told = "pyarrow is not installed: pip install 'wxengage[files]'"
    assert ["1", told, told] == ran.stdout.splitlines(), ran.stderr
