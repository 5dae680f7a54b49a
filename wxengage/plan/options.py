"""A message in a window on a channel (时段位上的一条消息): what can be chosen."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import functools

import attrs

from wxengage.errors import InvalidInputError
from wxengage.sends import Category, Send, fingerprint
from wxengage.times.zones import micros
from wxengage.words import Words

__all__ = ["Option"]


@attrs.frozen
class Option:
    """A message in a window on a channel (时段位上的一条消息).

    Attributes
    ----------
    message, channel
        Which message, and how it goes.
    start, end
        It may go at ``start <= t < end``, both aware; ``end`` None is no bound.
    account, topic, category, content, is_ad, transactional, cost
        As in ``Send``; ``cost`` in fen for each user.
    words
        What people call the message; None for its code.

    Raises
    ------
    InvalidInputError
        If a field breaks the rule that ``Send`` has for it.
    """

    message: str
    channel: str
    start: dt.datetime
    end: dt.datetime | None
    account: str | None = attrs.field(default=None, kw_only=True)
    topic: str = attrs.field(default="", kw_only=True)
    category: Category = attrs.field(default="marketing", kw_only=True)
    content: str = attrs.field(default="", kw_only=True)
    is_ad: bool = attrs.field(default=False, kw_only=True)
    transactional: bool = attrs.field(default=False, kw_only=True)
    cost: int = attrs.field(default=0, kw_only=True)
    words: Words | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        micros("start", self.start)
        if self.end is not None and micros("end", self.end) <= micros(
            "start", self.start
        ):
            raise InvalidInputError("end", self.end, "after start")
        self.as_send("-", "-", self.start, 0.0)

    @property
    def said(self) -> Words:
        """What people call the message."""
        return self.words or Words(self.message, self.message)

    @functools.cached_property
    def key(self) -> tuple[str, ...]:
        """What tells this option from every other one."""
        end = "" if self.end is None else str(micros("end", self.end))
        start = str(micros("start", self.start))
        return (self.account or "", self.channel, self.message, start, end)

    def as_send(self, send: str, user: str, at: dt.datetime, value: float) -> Send:
        """Return the option as one user's send.

        Parameters
        ----------
        send
            The send's id; "" makes one from account, user, channel, message and
            window, so that planning again gives the same one.
        user
            Whom it is for.
        at
            When it goes.
        value
            What it is worth.

        Returns
        -------
        Send
            With the window as its bounds.
        """
        return Send(
            send or fingerprint(user, *self.key),
            user,
            self.channel,
            self.message,
            account=self.account,
            topic=self.topic,
            category=self.category,
            content=self.content,
            at=at,
            not_before=self.start,
            expires=self.end,
            is_ad=self.is_ad,
            transactional=self.transactional,
            value=value,
            cost=self.cost,
        )
