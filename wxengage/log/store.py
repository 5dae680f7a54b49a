"""A log or a tally kept as a folder of plain arrays (紧凑缓存).

Each column is a ``.npy`` file that is mapped into memory, ids are one block of
UTF-8 with its offsets, and a small JSON file says what is there. Nothing in it
is ever executed: no pickle.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.frames import Ids, Origin
from wxengage.log.part import KIND_CODES, KIND_NAMES, Part
from wxengage.log.spec import UNKNOWN
from wxengage.log.table import Log

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["open_log", "read_folder", "save_log", "write_folder"]

_FORMAT: Final = 1
_ABOUT: Final = "about.json"


def write_folder(
    path: str | os.PathLike[str], about: Mapping[str, Any], arrays: Mapping[str, Any]
) -> Path:
    """Write arrays and a description as a folder, all or nothing.

    Parameters
    ----------
    path
        The folder; one in its place is replaced once the new one is complete.
    about
        What they are; JSON.
    arrays
        By name; object arrays hold strings.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InvalidInputError
        If there is something else at that path.
    """
    path = Path(path)
    if path.exists() and not (path / _ABOUT).is_file() and any(path.iterdir() if path.is_dir() else [path]):
        raise InvalidInputError("path", str(path), "free, empty, or a folder saved before")
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for name, column in arrays.items():
            if column.dtype == object:
                _write_texts(made, name, column)
            else:
                np.save(made / f"{name}.npy", column, allow_pickle=False)
        text = json.dumps({"wxengage": _FORMAT, **about}, ensure_ascii=False, indent=1)
        (made / _ABOUT).write_text(text, encoding="utf-8")
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
            path.rename(old / path.name)
            made.rename(path)
            shutil.rmtree(old)
        else:
            made.rename(path)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return path


def _write_texts(folder: Path, name: str, column: NDArray[Any]) -> None:
    texts = [b"" if one is None else str(one).encode() for one in column.tolist()]
    ends = np.cumsum([len(one) for one in texts], dtype=np.int64)
    np.save(folder / f"{name}.ends.npy", ends, allow_pickle=False)
    (folder / f"{name}.utf8").write_bytes(b"".join(texts))


def read_folder(path: str | os.PathLike[str], what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what ``write_folder`` wrote.

    Parameters
    ----------
    path
        The folder.
    what
        What it must be.

    Returns
    -------
    about, arrays
        Numbers are mapped, not read.

    Raises
    ------
    InvalidInputError
        If it is no such folder, or a newer version wrote it.
    """
    path = Path(path)
    try:
        about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidInputError("path", str(path), f"a folder with a saved {what}") from None
    if about.get("what") != what:
        raise InvalidInputError("path", f"a saved {about.get('what')}", f"a saved {what}")
    if about.get("wxengage", 0) > _FORMAT:
        hint = "pip install --upgrade wxengage"
        got = f"format {about['wxengage']}"
        raise InvalidInputError("path", got, f"of format {_FORMAT} or older", hint)
    arrays: dict[str, Any] = {}
    for file in sorted(path.glob("*.npy")):
        name = file.name.removesuffix(".npy")
        column = np.load(file, mmap_mode="c", allow_pickle=False)
        if name.endswith(".ends"):
            name = name.removesuffix(".ends")
            arrays[name] = _read_texts((path / f"{name}.utf8").read_bytes(), column)
        else:
            arrays[name] = column
    return about, arrays


def _read_texts(block: bytes, ends: NDArray[np.int64]) -> NDArray[Any]:
    column = np.empty(len(ends), dtype=object)
    start = 0
    for row, end in enumerate(ends.tolist()):
        column[row] = block[start:end].decode()
        start = end
    return column


def save_log(log: Log, path: str | os.PathLike[str]) -> Path:
    """Keep a log as a folder; see ``Log.save``."""
    if log.engine is not None:
        log = log.collect()
    parts = tuple(log.parts)
    arrays: dict[str, Any] = {"ids": log.ids.numpy()}
    columns = {"user", "at", "kind"} | {name for part in parts for name in part.more}
    for name in sorted(columns):
        if name == "user":
            pieces = [part.members[part.user].astype(np.uint32) for part in parts]
        else:
            pieces = [part.more[name] if name in part.more else getattr(part, name) for part in parts]
        arrays[f"event.{name}"] = np.concatenate(pieces)
    for name, words in log.words.items():
        arrays[f"words.{name}"] = words
    about = {"what": "log", "kinds": list(KIND_NAMES), "events": len(log)}
    about |= {"unit": log.origin.unit, "tz": log.origin.tz, "form": log.origin.form}
    return write_folder(path, about, arrays)


def open_log(path: str | os.PathLike[str]) -> Log:
    """Open a log that was saved, mapped into memory.

    Parameters
    ----------
    path
        The folder ``Log.save`` wrote.

    Returns
    -------
    Log
        The same events; answers come as the kind of table it was made from.

    Notes
    -----
    Takes as long as reading the ids; events are read as they are needed.

    Raises
    ------
    InvalidInputError
        If it is no saved log, or a newer version wrote it.
    """
    about, arrays = read_folder(path, "log")
    unknown = [name for name in about["kinds"] if name not in KIND_CODES]
    if unknown:
        rule = "of kinds this version knows"
        raise InvalidInputError("path", f"kinds {unknown}", rule, "pip install --upgrade wxengage")
    event = {n.removeprefix("event."): a for n, a in arrays.items() if n.startswith("event.")}
    if about["kinds"] != list(KIND_NAMES):
        table = np.full(UNKNOWN + 1, UNKNOWN, dtype=np.uint8)
        table[: len(about["kinds"])] = [KIND_CODES[name] for name in about["kinds"]]
        event["kind"] = table[event["kind"]]
    ids = Ids(arrays["ids"])
    user, at, kind = (event.pop(name) for name in ("user", "at", "kind"))
    part = Part(user, at, kind, np.arange(len(ids)), event)
    words = {n.removeprefix("words."): a for n, a in arrays.items() if n.startswith("words.")}
    origin = Origin(about["form"], about["unit"], about["tz"])
    return Log(ids=ids, parts=tuple(part.split()), words=words, origin=origin)
