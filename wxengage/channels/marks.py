"""The facts that a quota keeps (配额依据), and how they are gathered.

A quota is a set of dated facts and no counter. A set can be united in any order,
and a fact that comes twice is there once: callbacks arrive late and repeatedly.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from bisect import bisect_left
from typing import Final, Literal

import attrs

from wxengage.channels.answers import answer_to
from wxengage.channels.catalog import CATALOG
from wxengage.errors import InvalidInputError, require_id
from wxengage.times.zones import micros

__all__ = ["KEPT", "Failure", "Lifted", "Mark", "What", "added"]

#: What a fact is about.
What = Literal[
    "opened",
    "granted",
    "withdrawn",
    "followed",
    "unfollowed",
    "sent",
    "failed",
    "lifted",
]
#: Of each kind of fact a quota keeps this many, the latest.
KEPT: Final = 64


def _account(_: object, field: attrs.Attribute[str | None], got: object) -> None:
    if got is not None:
        require_id(field.name, got)


def _an_id(_: object, field: attrs.Attribute[str], got: object) -> None:
    require_id(field.name, got)


def _text(_: object, field: attrs.Attribute[str], got: object) -> None:
    if got != "":
        require_id(field.name, got)


def _instant(_: object, field: attrs.Attribute[dt.datetime], got: dt.datetime) -> None:
    micros(field.name, got)


def _code(_: object, __: object, got: int) -> None:
    answer_to(got)


@attrs.frozen
class Failure:
    """A message that WeChat refused (发送失败).

    Attributes
    ----------
    user
        Whom it was for.
    at
        When, aware.
    channel
        On which channel.
    code
        The error code; any whole number but 0. See ``ANSWERS``.
    account
        From which account; None where there is one.
    message
        Which message: the template's id on a channel that has templates.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    user: str = attrs.field(validator=_an_id)
    at: dt.datetime = attrs.field(validator=_instant)
    channel: str = attrs.field(validator=_an_id)
    code: int = attrs.field(validator=_code)
    account: str | None = attrs.field(default=None, validator=_account)
    message: str = attrs.field(default="", validator=_text)

    def __attrs_post_init__(self) -> None:
        answer = answer_to(self.code)
        if answer.effect and "template" in answer.scope and not self.message:
            rule = f"the template's id where the code is {self.code}"
            raise InvalidInputError("message", self.message, rule)


@attrs.frozen
class Lifted:
    """Somebody knows that a stop is over (解除限制): a ban, a block, a template's.

    Attributes
    ----------
    at
        Since when, aware. It lifts what was stopped until then.
    channel, message
        On which channel and of which message; "" for all of them.
    account
        At which account; None where there is one.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    at: dt.datetime = attrs.field(validator=_instant)
    channel: str = attrs.field(default="", validator=_text)
    account: str | None = attrs.field(default=None, validator=_account)
    message: str = attrs.field(default="", validator=_text)


@attrs.frozen(order=True)
class Mark:
    """One fact that a quota keeps.

    Attributes
    ----------
    at
        When, in microseconds since 1970 in UTC.
    what
        What it is about.
    channel, account, message
        Where; "" for none, or for the merchant's only account.
    act
        What the user did that opened a window.
    count
        Messages that a window or a grant is good for; the code of a failure.
    until
        When a window ends, in microseconds since 1970, itself not included.
    key
        What tells two messages of one instant apart.
    """

    at: int
    what: What
    channel: str = ""
    account: str = ""
    message: str = ""
    act: str = ""
    count: int = 0
    until: int = 0
    key: str = ""

    @property
    def group(self) -> tuple[object, ...]:
        """The facts among which only the latest are kept."""
        code = self.count if self.what == "failed" else 0
        # Grants are spent template by template, everything else all together.
        of_one = self.what != "sent" or _by_grants(self.channel)
        message = self.message if of_one else ""
        return (self.what, self.channel, self.account, message, self.act, code)


def _by_grants(channel: str) -> bool:
    return channel in CATALOG and CATALOG[channel].quota == "grant"


def added(marks: tuple[Mark, ...], mark: Mark, kept: int = KEPT) -> tuple[Mark, ...]:
    """Return facts with one more, and without the oldest of its kind.

    Parameters
    ----------
    marks
        Ascending, each once.
    mark
        The fact.
    kept
        How many of its kind may stay.

    Returns
    -------
    tuple of Mark
        Ascending. The same object where nothing changed. The latest of a union
        are the latest of the latest: the order of adding leaves no trace.
    """
    place = bisect_left(marks, mark)
    if place < len(marks) and marks[place] == mark:
        return marks
    found = [*marks[:place], mark, *marks[place:]]
    if len(found) > kept:
        group = mark.group
        same = [each for each in found if each.group == group]
        dropped = set(same[:-kept])
        if mark in dropped:
            return marks
        found = [each for each in found if each not in dropped] if dropped else found
    return tuple(found)
