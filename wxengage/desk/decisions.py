"""What people decided (人工决定), who and why: kept for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

from wxengage.codec.envelope import dump
from wxengage.desk.terms import require_by
from wxengage.sends import fingerprint
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.desk.unit import Unit

__all__ = ["decide"]


def decide(  # noqa: PLR0917  as the sentence goes: who did what to what and why
    unit: Unit,
    about: str,
    what: str,
    by: str,
    reason: str,
    now: dt.datetime,
    detail: Any = None,
) -> str:
    """Write down that somebody decided something.

    Parameters
    ----------
    unit
        The transaction's rows.
    about
        A campaign, a letter, a payout, a user.
    what
        Such as ``"pause"``.
    by, reason
        Who, and why.
    now
        When.
    detail
        More of it: a value of the library, or what JSON can tell.

    Returns
    -------
    str
        The decision's id. The same decision at the same instant is one.
    """
    require_by(by, reason)
    at = micros("now", now)
    if detail is not None and attrs.has(type(detail)):
        text = dump(detail)
    else:
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True)
    name = fingerprint("decision", about, what, by, reason, str(at), text)
    unit.put("decision", (name, about, what, by, at, reason, text))
    return name
