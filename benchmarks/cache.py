"""Made-up data that wait for the next run: made once, the same every time."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CACHE", "kept"]

#: Where data and results wait for the next run.
CACHE: Final = Path(tempfile.gettempdir()) / "wxengage-bench"


def kept(name: str, write: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, filled on the first call.

    Parameters
    ----------
    name
        Of the folder; another one for other data.
    write
        Writes the files into a folder. One that fails leaves nothing behind.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    folder = CACHE / name
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=CACHE, prefix="making-"))
    try:
        write(made)
        _to_disk(made)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return folder


def _to_disk(folder: Path) -> None:
    """Wait until the files are on disk: nothing is written while we time."""
    for file in folder.iterdir():
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
