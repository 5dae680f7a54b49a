"""What a payment's answer tells (应答字段): read exactly, or not at all."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from wxengage.errors import InvalidInputError, require_id

__all__ = ["amount_of", "an_id_or_none", "plausible"]

_AMOUNT: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
# A bill can be asked about for thirty days.
_FARTHEST: Final = dt.timedelta(days=60)


def amount_of(told: object) -> int | None:
    r"""Return an amount in fen as v2 writes it; None for what is none.

    Parameters
    ----------
    told
        A field.

    Returns
    -------
    int or None
        Never below zero.

    Examples
    --------
    >>> [amount_of(told) for told in ("800", "8.00", "\uff18", "-8", "", None)]
    [800, None, None, None, None, None]
    """
    if not isinstance(told, str) or _AMOUNT.fullmatch(told) is None:
        return None
    return int(told)


def an_id_or_none(told: object) -> str:
    """Return a field that can be an id, "" for one that can be none.

    Parameters
    ----------
    told
        A field.

    Returns
    -------
    str
        The same, or "".
    """
    try:
        return require_id("told", told)
    except InvalidInputError:
        return ""


def plausible(at: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """Return when something happened, now where that cannot be.

    Parameters
    ----------
    at
        What the answer tells, aware; None where it tells nothing.
    now
        When it was read, aware.

    Returns
    -------
    datetime
        Within 60 days around now.
    """
    if at is None or abs(at - now) > _FARTHEST:
        return now
    return at
