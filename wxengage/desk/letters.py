"""New letters of a store (新待发件): in the outbox with what they follow from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from wxengage.delivery.outbox.box import Outbox
from wxengage.delivery.outbox.box import enqueue as put_letters
from wxengage.desk.rows import letter_of, letter_row
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from wxengage.delivery.ports import Letter
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit

__all__ = ["put_in"]


def put_in(
    unit: Unit, settings: Settings, letters: Iterable[Letter], now: dt.datetime
) -> tuple[str, ...]:
    """Put letters in the outbox; those of a known key are in already.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    letters
        What is to go.
    now
        When.

    Returns
    -------
    tuple of str
        The keys that are new.

    Raises
    ------
    InvalidInputError
        If another letter has the key of one.

    Notes
    -----
    The order of arrival is the order of the clock: of letters that are put in at one
    instant by two processes, either may be the first.
    """
    given = tuple(letters)
    if not given:
        return ()
    unit.load("letter", [(letter.key,) for letter in given])
    kept = [unit.get("letter", letter.key) for letter in given]
    known = [letter_of(row) for row in kept if row is not None]
    before = Outbox(settings.outbox).with_rows(known)
    after = put_letters(before, given, now)
    at = micros("now", now)
    new = [row for row in after.rows.values() if row.key not in before.rows]
    for place, row in enumerate(new):
        moved = attrs.evolve(row, seq=at + place)
        unit.put("letter", letter_row(moved, settings.outbox, at))
    return tuple(row.key for row in new)
