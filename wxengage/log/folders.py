"""Arrays kept as a folder (紧凑缓存).

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

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["read_folder", "write_folder"]

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
    if path.exists() and not (_says(path) or _is_empty(path)):
        raise InvalidInputError(
            "path", str(path), "free, empty, or a folder saved before"
        )
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


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _says(path: Path) -> dict[str, Any]:
    """Return what a folder says of itself; nothing where it is none of ours."""
    try:
        about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    ours = isinstance(about, dict) and isinstance(about.get("wxengage"), int)
    return about if ours else {}


def _write_texts(folder: Path, name: str, column: NDArray[Any]) -> None:
    texts = [b"" if one is None else str(one).encode() for one in column.tolist()]
    ends = np.cumsum([len(one) for one in texts], dtype=np.int64)
    np.save(folder / f"{name}.ends.npy", ends, allow_pickle=False)
    (folder / f"{name}.utf8").write_bytes(b"".join(texts))


def read_folder(
    path: str | os.PathLike[str], what: str
) -> tuple[dict[str, Any], dict[str, Any]]:
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
    about = _says(path)
    if not about:
        raise InvalidInputError("path", str(path), f"a folder with a saved {what}")
    if about.get("what") != what:
        raise InvalidInputError(
            "path", f"a saved {about.get('what')}", f"a saved {what}"
        )
    if about["wxengage"] > _FORMAT:
        hint = "pip install --upgrade wxengage"
        got = f"format {about['wxengage']}"
        raise InvalidInputError("path", got, f"of format {_FORMAT} or older", hint)
    try:
        return about, _read_arrays(path)
    except (OSError, ValueError, EOFError) as error:
        rule = f"a whole saved {what}"
        raise InvalidInputError("path", str(path), rule, str(error)) from None


def _read_arrays(path: Path) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for file in sorted(path.glob("*.npy")):
        name = file.name.removesuffix(".npy")
        column = np.load(file, mmap_mode="c", allow_pickle=False)
        if name.endswith(".ends"):
            name = name.removesuffix(".ends")
            arrays[name] = _read_texts((path / f"{name}.utf8").read_bytes(), column)
        else:
            arrays[name] = column
    return arrays


def _read_texts(block: bytes, ends: NDArray[np.int64]) -> NDArray[Any]:
    if len(block) != (ends[-1] if len(ends) else 0):
        raise ValueError("text is cut off")
    column = np.empty(len(ends), dtype=object)
    start = 0
    for row, end in enumerate(ends.tolist()):
        column[row] = block[start:end].decode()
        start = end
    return column
