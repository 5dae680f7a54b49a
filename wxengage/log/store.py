"""A log that was saved, opened again (打开缓存的日志)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.folders import read_folder
from wxengage.log.frames import Ids, saved_origin
from wxengage.log.part import KIND_CODES, KIND_NAMES, Part
from wxengage.log.spec import UNKNOWN
from wxengage.log.table import Log

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["open_log"]


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
    unknown = [name for name in about.get("kinds") or [None] if name not in KIND_CODES]
    if unknown:
        rule = "of kinds this version knows"
        raise InvalidInputError(
            "path", f"kinds {unknown}", rule, "pip install --upgrade wxengage"
        )
    try:
        return _log(about, arrays)
    except (KeyError, TypeError) as error:
        hint = f"it has no {error.args[0]}"
        raise InvalidInputError("path", str(path), "a whole saved log", hint) from None


def _log(about: Mapping[str, Any], arrays: Mapping[str, Any]) -> Log:
    event = {
        n.removeprefix("event."): a for n, a in arrays.items() if n.startswith("event.")
    }
    lengths = {name: len(column) for name, column in event.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInputError("path", lengths, "a log with columns of one length")
    if about["kinds"] != list(KIND_NAMES):
        table = np.full(UNKNOWN + 1, UNKNOWN, dtype=np.uint8)
        table[: len(about["kinds"])] = [KIND_CODES[name] for name in about["kinds"]]
        event["kind"] = table[event["kind"]]
    ids = Ids(arrays["ids"])
    user, at, kind = (event.pop(name) for name in ("user", "at", "kind"))
    part = Part(user, at, kind, np.arange(len(ids)), event)
    words = {
        n.removeprefix("words."): a for n, a in arrays.items() if n.startswith("words.")
    }
    origin = saved_origin(about["form"], about["unit"], about["tz"])
    return Log(ids=ids, parts=tuple(part.split()), words=words, origin=origin)
