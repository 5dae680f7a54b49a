"""What a limit is about (限额范围): everything, each channel, one topic.

A scope is written as text so that it can stand in a table or a stored policy:
None for everything together, ``"channel:wecom"`` for one channel, ``"channel"``
for each channel by itself; the same for account, category, message and topic.
"""

from __future__ import annotations

from typing import Final, Protocol

from wxengage.errors import InvalidInputError, nearest, require_id
from wxengage.sends import CATEGORIES, Category

__all__ = ["Sendable", "bucket_of", "require_scope"]

FIELDS: Final = ("account", "category", "channel", "message", "topic")


class Sendable(Protocol):
    """What a limit reads of a message: ``Send``, ``Sent`` and options have it."""

    @property
    def account(self) -> str | None:
        """The account it counts on."""

    @property
    def category(self) -> Category:
        """Marketing or service."""

    @property
    def channel(self) -> str:
        """How it goes."""

    @property
    def message(self) -> str:
        """Which message."""

    @property
    def topic(self) -> str:
        """What it is about."""


def require_scope(name: str, got: object) -> None:
    """Refuse what is no scope.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        None, ``"field"`` or ``"field:name"``.

    Raises
    ------
    InvalidInputError
        If it is neither, or names an unknown field or category.
    """
    if got is None:
        return
    rule = "None, 'field' or 'field:name'"
    if not isinstance(got, str):
        raise InvalidInputError(name, got, rule, "for example 'channel:wecom'")
    field, colon, value = got.partition(":")
    if field not in FIELDS:
        raise InvalidInputError(name, got, rule, f"field: {nearest(field, FIELDS)}")
    if colon:
        require_id(name, value)
    if colon and field == "category" and value not in CATEGORIES:
        hint = nearest(value, CATEGORIES)
        raise InvalidInputError(name, got, "a category of messages", hint)


def bucket_of(scope: str | None, item: Sendable) -> str | None:
    """Return what an item is counted under, or None where it is not counted.

    Parameters
    ----------
    scope
        A scope that ``require_scope`` takes.
    item
        A message, before or after it was sent.

    Returns
    -------
    str or None
        Two messages compete for the same limit where this is the same text.

    Examples
    --------
    >>> from wxengage.sends import Send
    >>> send = Send("s1", "ada", "wecom", "gift")
    >>> bucket_of("channel", send), bucket_of("channel:live", send)
    ('wecom', None)
    """
    if scope is None:
        return ""
    field, colon, value = scope.partition(":")
    own = getattr(item, field) or ""
    return None if colon and own != value else str(own)
