"""Logs in files: Parquet, CSV and NDJSON, read in batches (日志文件)."""

from __future__ import annotations

import glob
import gzip
import io
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wxengage.errors import InvalidInputError, InvalidLogError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wxengage.log.spec import Spec

__all__ = ["PARQUET", "batches", "count_rows", "find"]

#: Rows handed on at a time.
BATCH_ROWS: Final = 2_000_000
_BLOCK_BYTES: Final = 32 << 20
_PEEK_LINES: Final = 1000
PARQUET: Final = (".parquet", ".pq")
_JSON: Final = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_TEXT: Final = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t", ".txt": ","}

# Not what its name says, of another encoding, ending too early, bits that changed.
_DAMAGES: Final = (ValueError, EOFError, OSError, zlib.error)

Batch = tuple[dict[str, Any], int]


def find(sources: Sequence[Any]) -> list[Path]:
    """Return the files that paths, folders and globs name.

    Parameters
    ----------
    sources
        Paths.

    Returns
    -------
    list of pathlib.Path
        Each once, in the order given, a folder's and a glob's by name.

    Raises
    ------
    InvalidInputError
        If one names nothing.
    """
    found: list[Path] = []
    for source in sources:
        path = Path(source)
        text = os.fspath(source)
        if path.is_dir():
            files = sorted(one for one in path.iterdir() if _kind(one))
        elif path.exists():
            files = [path]
        else:
            files = [Path(one) for one in sorted(glob.glob(text))]  # noqa: PTH207  a whole pattern
        if not files:
            raise InvalidInputError(
                "source", text, "a file, a folder or a glob that exists"
            )
        found += files
    return list(dict.fromkeys(found))


def count_rows(paths: Sequence[Path]) -> int:
    """Return how many rows the files have; 0 where they do not say so themselves."""
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        return 0
    if any(_kind(path) != "parquet" for path in paths):
        return 0
    try:
        return sum(pq.read_metadata(path).num_rows for path in paths)
    except (pa.ArrowInvalid, OSError):
        return 0  # read in a moment, with a message of its own


def _kind(path: Path) -> str:
    name = path.name.lower()
    for kind, endings in (
        ("parquet", PARQUET),
        ("json", _JSON),
        ("text", tuple(_TEXT)),
    ):
        if name.endswith(endings):
            return kind
    return ""


def batches(paths: Sequence[Path], spec: Spec, encoding: str) -> Iterator[Batch]:
    """Yield the columns that a log needs, some million rows at a time.

    Parameters
    ----------
    paths
        Files.
    spec
        Which columns.
    encoding
        Of CSV files.

    Yields
    ------
    columns, rows
        Arrow columns by name.

    Raises
    ------
    InvalidInputError
        If a file is of no known kind.
    MissingExtraError
        If pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401, ICN001, PLC0415  an extra
    except ImportError:
        raise MissingExtraError("pyarrow", "files") from None
    for path in paths:
        kind = _kind(path)
        if kind == "parquet":
            yield from _parquet(path, spec)
        elif kind == "text":
            yield from _text(path, spec, encoding)
        elif kind == "json":
            yield from _json(path, spec)
        else:
            rule = "named .parquet, .csv, .tsv, .ndjson or .jsonl (.gz too)"
            raise InvalidInputError("source", path.name, rule)


def _parquet(path: Path, spec: Spec) -> Iterator[Batch]:
    import pyarrow as pa  # noqa: PLC0415  an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(path, memory_map=True)
    except pa.ArrowInvalid as error:
        raise InvalidLogError(
            f"file {path.name}", str(error), "a Parquet file"
        ) from None
    with file:
        names = spec.wanted(file.schema_arrow.names)
        words = [
            name
            for role, name in spec.names.items()
            if role not in {"at", "value", "duration", "id"}
            and pa.types.is_string(file.schema_arrow.field(name).type)
        ]
    with pq.ParquetFile(path, memory_map=True, read_dictionary=words) as file:
        waiting: list[int] = []
        rows = 0
        for group in range(file.num_row_groups):
            waiting.append(group)
            rows += file.metadata.row_group(group).num_rows
            if rows >= BATCH_ROWS:
                yield _table(file.read_row_groups(waiting, columns=names))
                waiting, rows = [], 0
        if waiting:
            yield _table(file.read_row_groups(waiting, columns=names))


def _table(table: Any) -> Batch:
    return {name: table.column(name) for name in table.column_names}, table.num_rows


def _text(path: Path, spec: Spec, encoding: str) -> Iterator[Batch]:
    import pyarrow as pa  # noqa: PLC0415  an extra
    from pyarrow import csv  # noqa: PLC0415

    delimiter = next(
        mark for end, mark in _TEXT.items() if path.name.lower().endswith(end)
    )
    try:
        header = _header(path, delimiter, encoding)
        names = spec.wanted(header)
        reader = csv.open_csv(
            path,
            read_options=csv.ReadOptions(block_size=_BLOCK_BYTES, encoding=encoding),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True
            ),
            convert_options=csv.ConvertOptions(
                # Ids such as 0042 and words such as NA stay what they are.
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in reader:
            yield _table(pa.table(batch) if batch.num_rows else batch)
    except (*_DAMAGES, LookupError) as error:
        if _is_another_matter(error):
            raise
        hint = f"is encoding={encoding!r} right? Chinese exports are often 'gb18030'"
        rule = "readable as text with columns"
        raise InvalidLogError(f"file {path.name}", str(error), rule, hint) from None


def _is_another_matter(error: Exception) -> bool:
    """Return whether an error is not about what the file holds."""
    system = isinstance(error, OSError) and error.errno is not None
    return system or isinstance(error, InvalidLogError)


def _open(path: Path, mode: str, **how: str) -> Any:
    """Open a file, packed or not."""
    opener: Any = gzip.open if path.name.lower().endswith(".gz") else open
    return opener(path, mode, **how)


def _header(path: Path, delimiter: str, encoding: str) -> list[str]:
    """Return a text file's column names."""
    import csv  # noqa: PLC0415  one line is read

    with _open(path, "rt", encoding=encoding, newline="") as file:
        names = next(csv.reader(file, delimiter=delimiter), [])
    if names and names[0].startswith("\ufeff"):
        names[0] = names[0][1:]
    return names


def _json(path: Path, spec: Spec) -> Iterator[Batch]:
    import pyarrow as pa  # noqa: PLC0415  an extra
    from pyarrow import json  # noqa: PLC0415

    read = json.ReadOptions(block_size=_BLOCK_BYTES)
    try:
        types = _json_types(path, spec)
        # What else a line may hold is none of our business: anything goes there.
        parse = json.ParseOptions(
            explicit_schema=pa.schema(types), unexpected_field_behavior="ignore"
        )
        with _open(path, "rb") as file:
            while lines := file.read(_BLOCK_BYTES // 2) + file.readline():
                if lines.strip():
                    block = json.read_json(
                        io.BytesIO(lines), read_options=read, parse_options=parse
                    )
                    yield _table(block)
    except _DAMAGES as error:
        if _is_another_matter(error):
            raise
        hint = "one JSON object a line, the same type in a column throughout"
        raise InvalidLogError(f"file {path.name}", str(error), "NDJSON", hint) from None


def _json_types(path: Path, spec: Spec) -> dict[str, Any]:
    """Return the types of an NDJSON file's columns, from its first lines."""
    # Left to itself Arrow takes text that looks like a time for a naive time and
    # drops its offset.
    import itertools  # noqa: PLC0415  a few lines are read
    import json  # noqa: PLC0415

    import pyarrow as pa  # noqa: PLC0415  an extra

    arrow = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    seen: dict[str, Any] = {}
    found: dict[str, Any] = {}
    with _open(path, "rt", encoding="utf-8") as file:
        for line in itertools.islice(filter(str.strip, file), _PEEK_LINES):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise InvalidLogError(
                    f"file {path.name}", row, "one JSON object a line"
                )
            seen |= row
            for name, value in row.items():
                kind = arrow.get(type(value))
                if kind is not None and found.get(name) in {None, pa.int64()}:
                    found[name] = kind
    return {name: found.get(name, pa.string()) for name in spec.wanted(list(seen))}
