"""The question all engines are asked, and how their answers are compared.

One row a user: counts, sessions, sums, firsts and lasts, days with an
interaction, and the segment. Instants are microseconds since 1970, days are days
in Shanghai, and -1 stands for none.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
from eventlog import AS_OF, KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "CODES",
    "COLUMNS",
    "DAY",
    "EAST",
    "GAP",
    "NAMES",
    "SEGMENTS",
    "SILENCE",
    "TODAY",
    "WINDOW_DAY",
    "WINDOW_START",
    "Words",
    "differences",
    "digest",
]

DAY: Final = 86_400_000_000
#: Shanghai's clock is this far ahead of UTC, and has been since 1991.
EAST: Final = 8 * 3_600_000_000
#: A longer silence ends a session; this much makes dormant.
GAP: Final = 30 * 60_000_000
SILENCE: Final = 30 * DAY
#: The local day of the question, and the first of the 30 days that end with it.
TODAY: Final = (AS_OF + EAST) // DAY
WINDOW_DAY: Final = TODAY - 29
WINDOW_START: Final = WINDOW_DAY * DAY - EAST
SEGMENTS: Final = ("potential", "active", "dormant")
COLUMNS: Final = (
    "user",
    "events",
    "interactions",
    "interactions_in_window",
    "active_days_in_window",
    "sessions",
    "value",
    "first_at",
    "last_at",
    "last_interaction_at",
    "menu_clicks",
    "repeat_days",
    "repeat_age_days",
    "age_days",
    "segment",
)
_ACTIVE: Final = (
    "like",
    "share",
    "comment",
    "click",
    "menu_click",
    "message",
    "purchase",
    "check_in",
)


@attrs.frozen
class Words:
    """How a source writes the kinds that the question tells apart.

    Attributes
    ----------
    active
        Kinds that are interactions.
    deliver
        The kind that is not the user's own act and opens no session.
    menu_click, follow
        Kinds with a column of their own.
    """

    active: tuple[str, ...] | tuple[int, ...]
    deliver: str | int
    menu_click: str | int
    follow: str | int


NAMES: Final = Words(_ACTIVE, "deliver", "menu_click", "follow")
CODES: Final = Words(
    tuple(KINDS.index(name) for name in _ACTIVE),
    *(KINDS.index(name) for name in ("deliver", "menu_click", "follow")),
)


def digest(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return a checksum of each column, the same for the same answer.

    Parameters
    ----------
    answer
        Columns by name, one row a user in any order, as numpy can read them.

    Returns
    -------
    dict of str to str
        ``rows`` and one entry a column. Amounts are compared in whole fen:
        sums of floats depend on the order of adding.
    """
    user = np.asarray(answer["user"])
    if user.dtype.kind == "O":
        user = user.astype("S")
    elif user.dtype.kind in "iu":
        user = user.astype(np.int64)
    order = np.argsort(user, kind="stable")
    found = {"rows": str(len(user))}
    for name, column in answer.items():
        values = user if name == "user" else _whole(name, np.asarray(column))
        data = np.ascontiguousarray(values[order])
        found[name] = hashlib.blake2b(data.tobytes(), digest_size=8).hexdigest()
    return found


def _whole(name: str, column: NDArray[Any]) -> NDArray[np.int64]:
    if name == "segment":
        hits = column.astype("U")[:, None] == np.array(SEGMENTS)
        codes: NDArray[np.int64] = np.where(hits.any(axis=1), hits.argmax(axis=1), -1)
        return codes.astype(np.int64)
    if column.dtype.kind == "M":
        at = column.astype("datetime64[us]")
        whole: NDArray[np.int64] = np.where(np.isnat(at), -1, at.view(np.int64))
        return whole
    if column.dtype.kind == "O":
        column = np.array([np.nan if v is None else v for v in column.tolist()])
    if name == "value":
        fen: NDArray[np.int64] = np.rint(column * 100).astype(np.int64)
        return fen
    if column.dtype.kind == "f":
        return np.where(np.isnan(column), -1, column).astype(np.int64)
    return column.astype(np.int64)


def differences(digests: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return in which columns engines do not agree with the first one.

    Parameters
    ----------
    digests
        What ``digest`` says of each engine's answer.

    Returns
    -------
    list of str
        ``"engine: column"`` each; empty when all answers are equal.
    """
    (first, right), *others = digests.items()
    return [
        f"{engine}: {name} is not what {first} says"
        for engine, found in others
        for name in sorted({*right, *found})
        if found.get(name) != right.get(name)
    ]
