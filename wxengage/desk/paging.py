"""Calling people to an alert (值班告警): letters that wait for nothing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.delivery.ports import Letter, letter_key
from wxengage.desk.letters import put_in
from wxengage.errors import InvalidInputError
from wxengage.sends import Send, fingerprint
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit

__all__ = ["NEWS_FOR", "paged"]

#: How long an alert is worth being told.
NEWS_FOR: Final = dt.timedelta(hours=1)


def paged(
    unit: Unit,
    settings: Settings,
    alert: str,
    on_call: tuple[Send, ...],
    now: dt.datetime,
) -> tuple[str, ...]:
    """Put one letter for each of those on call in the outbox.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    alert
        Its name.
    on_call
        A message for each of them.
    now
        When.

    Returns
    -------
    tuple of str
        The letters' keys, in the order of the messages.

    Raises
    ------
    InvalidInputError
        If nobody is called, or a message would wait for caps and quiet hours.
    """
    if not on_call:
        hint = "an alert that reaches nobody is none"
        raise InvalidInputError("on_call", on_call, "at least one send", hint)
    for row, send in enumerate(on_call):
        if not isinstance(send, Send) or not send.transactional:
            rule = "a Send with transactional=True"
            hint = "an alert does not wait for caps and quiet hours"
            raise InvalidInputError(f"on_call[{row}]", send, rule, hint)
    given = [_letter(alert, send, now) for send in on_call]
    unit.load("letter", [(letter.key,) for letter in given])
    new = [one for one in given if unit.get("letter", one.key) is None]
    put_in(unit, settings, new, now)
    return tuple(letter.key for letter in given)


def _letter(alert: str, send: Send, now: dt.datetime) -> Letter:
    key = fingerprint("page", alert, letter_key(send))
    if send.expires is None:
        starts = send.not_before
        begins = now if starts is None else max(now, starts, key=_micros)
        send = attrs.evolve(send, expires=begins + NEWS_FOR)
    return Letter(send, key)


def _micros(at: dt.datetime) -> int:
    return micros("not_before", at)
