"""Seals (行校验和): a checksum in a row of what somebody is owed.

Nothing on a disk is sure to come back as it was written, and a database checks its
own structure, not the amounts in it. A seal stands for the table's name and for every
value, so that a row that is damaged, or that is another table's, is not believed. It
is no signature: whoever may write to the store may also seal.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from wxengage.stores.errors import CorruptRowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.stores.layouts import Layout
    from wxengage.stores.schema import Row

__all__ = ["SEAL", "checked", "seal", "sealed"]

#: The column after all others in which it stands.
SEAL: Final = "seal"
_BYTES: Final = 8
# One text for each row of values: what JSON writes is settled, down to the digits of
# a float, and every value of ours can be told from every other by it.
_text_of: Final = json.JSONEncoder(
    ensure_ascii=True, allow_nan=False, separators=(",", ":")
).encode


def seal(table: str, row: Sequence[object]) -> int:
    """Return the checksum of a row: 64 bits, as a whole number with a sign.

    Parameters
    ----------
    table
        The table's name.
    row
        Its values.

    Returns
    -------
    int
        The first 8 bytes of BLAKE2b over the JSON of both.

    Examples
    --------
    >>> seal("balance", ("spring", "budget", "", "fen", 1000, 0))
    7735226908576303485
    """
    text = _text_of((table, *row))
    digest = hashlib.blake2b(text.encode(), digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big", signed=True)


def sealed(layout: Layout, rows: Sequence[Row]) -> list[Row]:
    """Return rows with their seals."""
    name = layout.table.name
    return [(*row, seal(name, row)) for row in rows]


def checked(layout: Layout, rows: Sequence[Row]) -> list[Row]:
    """Return rows without their seals, after a look at them.

    Parameters
    ----------
    layout
        Of their table.
    rows
        Rows as read, the seal last.

    Returns
    -------
    list of Row
        As they were written.

    Raises
    ------
    CorruptRowError
        If one is not as it was written.
    """
    name = layout.table.name
    found = []
    for row in rows:
        values = row[:-1]
        if not is_whole(name, values, row[-1]):
            error = CorruptRowError.of(name, layout.key_of(values))
            raise error
        found.append(values)
    return found


def is_whole(table: str, values: Row, found: object) -> bool:
    """Tell whether a row is as it was written; bytes are not what we write."""
    try:
        return seal(table, values) == found
    except (TypeError, ValueError):
        return False
