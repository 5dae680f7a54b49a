"""What may be sent, what was sent, and what is frozen (推送, 触达, 冻结).

``Send`` is the one noun for a message on its way: a trigger proposes it, the
planner chooses it, a letter makes it durable. When it has gone out it becomes a
``Sent``, the row that caps and cooldowns count. Both name user, channel and
message by strings of the caller's choice; this file knows no channel by name.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import hashlib
import sys
from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from wxengage.claims.figures import CONTENT_KINDS
from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CATEGORIES", "Category", "Freeze", "Send", "Sent", "fingerprint"]

Category = Literal["marketing", "service"]
CATEGORIES: Final[tuple[str, ...]] = get_args(Category)
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
# 36**28 is 2**144: no two of 10**15 fingerprints are expected to be the same,
# and the shortest field that WeChat gives for such a number takes 28.
_FINGERPRINT_LENGTH: Final = 28
_PAIRS: Final = tuple(high + low for high in _DIGITS for low in _DIGITS)


def fingerprint(*parts: str) -> str:
    """Return a short text that is the same for the same parts, for ever.

    Parameters
    ----------
    parts
        Texts, in an order that has a meaning.

    Returns
    -------
    str
        28 characters of ``0-9a-z``: the SHA-256 of the parts, each led by its
        length in bytes, as a number modulo 36**28.

    Examples
    --------
    >>> fingerprint("ada", "gift") == fingerprint("ada", "gift")
    True
    >>> fingerprint("ab", "c") == fingerprint("a", "bc")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    number = int.from_bytes(digest.digest(), "big")
    found = []
    for _ in range(_FINGERPRINT_LENGTH // 2):
        number, pair = divmod(number, len(_PAIRS))
        found.append(_PAIRS[pair])
    return "".join(reversed(found))


def _require_finite(name: str, got: object) -> None:
    # Beyond the largest float, math.isfinite itself overflows.
    if (
        isinstance(got, bool)
        or not isinstance(got, int | float)
        or not -sys.float_info.max <= got <= sys.float_info.max
    ):
        raise InvalidInputError(name, got, "a finite number")


def _require_flag(name: str, got: object) -> None:
    if not isinstance(got, bool):
        raise InvalidInputError(name, got, "True or False")


def _require_category(got: object) -> None:
    if not isinstance(got, str) or got not in CATEGORIES:
        hint = nearest(got, CATEGORIES)
        raise InvalidInputError("category", got, "a category of messages", hint)


def _require_topic(got: object) -> None:
    if got != "":
        require_id("topic", got)


def _require_content(got: object) -> None:
    if got != "" and (not isinstance(got, str) or got not in CONTENT_KINDS):
        hint = nearest(got, CONTENT_KINDS) + "; '' where it is not known"
        raise InvalidInputError("content", got, "a kind of content", hint)


def _require_account(got: object) -> None:
    if got is not None:
        require_id("account", got)


@attrs.frozen
class Send:
    """One message that somebody might get (待推送的消息).

    Attributes
    ----------
    id
        The send's own name, unique among the sends of one account.
    user
        Whom it is for.
    channel
        How it would go, such as ``"template"`` or ``"wecom"``.
    message
        Which message, as the caller's content system names it.
    account
        The account it would be billed and counted on; None where there is one.
    topic
        What it is about; a freeze, a cooldown or a cap may name it. May be "".
    category
        ``"marketing"`` or ``"service"``.
    content
        ``"short"``, ``"deep"`` or ``"interactive"``, the article's content
        matrix; "" where it is not known, which no content mix counts.
    at
        When it is meant to go, aware; None where that is not decided.
    not_before, expires
        It may go at ``not_before <= t < expires``, both aware; None is no bound.
    is_ad
        Whether it counts against the share of advertisements.
    transactional
        Whether it answers something the user is waiting for, such as a receipt.
        Quiet hours, caps and freezes let it pass.
    value
        What sending it is expected to be worth, in the caller's unit. Finite;
        below zero is a send that does harm.
    cost
        What sending it costs, in fen. Whole, not negative.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> Send("s1", "ada", "wecom", "recall_gift", topic="recall", value=0.2).category
    'marketing'
    """

    id: str
    user: str
    channel: str
    message: str
    account: str | None = attrs.field(default=None, kw_only=True)
    topic: str = attrs.field(default="", kw_only=True)
    category: Category = attrs.field(default="marketing", kw_only=True)
    content: str = attrs.field(default="", kw_only=True)
    at: dt.datetime | None = attrs.field(default=None, kw_only=True)
    not_before: dt.datetime | None = attrs.field(default=None, kw_only=True)
    expires: dt.datetime | None = attrs.field(default=None, kw_only=True)
    is_ad: bool = attrs.field(default=False, kw_only=True)
    transactional: bool = attrs.field(default=False, kw_only=True)
    value: float = attrs.field(default=0.0, kw_only=True)
    cost: int = attrs.field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name in ("id", "user", "channel", "message"):
            require_id(name, getattr(self, name))
        _require_account(self.account)
        _require_topic(self.topic)
        _require_category(self.category)
        _require_content(self.content)
        _require_flag("is_ad", self.is_ad)
        _require_flag("transactional", self.transactional)
        _require_finite("value", self.value)
        require_whole("cost", self.cost)
        self._check_times()

    def _check_times(self) -> None:
        # Two aware times of one zone compare by wall clock, so compare instants.
        opens = (
            None if self.not_before is None else micros("not_before", self.not_before)
        )
        closes = None if self.expires is None else micros("expires", self.expires)
        if opens is not None and closes is not None and opens >= closes:
            raise InvalidInputError("expires", self.expires, "after not_before")
        if self.at is None:
            return
        at = micros("at", self.at)
        if opens is not None and at < opens:
            raise InvalidInputError("at", self.at, "not before not_before")
        if closes is not None and at >= closes:
            raise InvalidInputError("at", self.at, "before expires")


@attrs.frozen
class Sent:
    """One message that went out (触达): the row that caps count.

    A sender returns it as the good outcome, and the same value is the user's
    history from then on. Topic and category are frozen as they were when it
    went, so that yesterday's count does not change with today's labels.

    Attributes
    ----------
    user, channel, account, topic, category, content, message, is_ad
        As in ``Send``; ``message`` may be "" where the past is known only in
        numbers.
    at
        When it went, aware.
    counts
        Whether it counts against caps.
    key
        The letter's idempotency key; "" where there was none.
    receipt
        The provider's own number for it; "" where there is none.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    user: str
    at: dt.datetime
    channel: str
    account: str | None = attrs.field(default=None, kw_only=True)
    topic: str = attrs.field(default="", kw_only=True)
    category: Category = attrs.field(default="marketing", kw_only=True)
    content: str = attrs.field(default="", kw_only=True)
    message: str = attrs.field(default="", kw_only=True)
    is_ad: bool = attrs.field(default=False, kw_only=True)
    counts: bool = attrs.field(default=True, kw_only=True)
    key: str = attrs.field(default="", kw_only=True)
    receipt: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_id("user", self.user)
        micros("at", self.at)
        require_id("channel", self.channel)
        _require_account(self.account)
        _require_topic(self.topic)
        _require_category(self.category)
        _require_content(self.content)
        for name in ("message", "key", "receipt"):
            if getattr(self, name) != "":
                require_id(name, getattr(self, name))
        _require_flag("is_ad", self.is_ad)
        _require_flag("counts", self.counts)

    @classmethod
    def of(
        cls,
        send: Send,
        at: dt.datetime,
        *,
        counts: bool = True,
        key: str = "",
        receipt: str = "",
    ) -> Sent:
        """Return what a send becomes once it has gone out.

        Parameters
        ----------
        send
            What was to be sent.
        at
            When it went, aware.
        counts
            Whether it counts against caps.
        key
            The letter's idempotency key.
        receipt
            The provider's number for it.

        Returns
        -------
        Sent
            The row for the user's history.
        """
        return cls(
            send.user,
            at,
            send.channel,
            account=send.account,
            topic=send.topic,
            category=send.category,
            content=send.content,
            message=send.message,
            is_ad=send.is_ad,
            counts=counts,
            key=key,
            receipt=receipt,
        )


def _require_names(name: str, got: Sequence[str] | None) -> None:
    if got is None:
        return
    if not isinstance(got, tuple) or not got:
        raise InvalidInputError(
            name, got, "a tuple of at least one name", "None freezes them all"
        )
    for row, value in enumerate(got):
        require_id(f"{name}[{row}]", value)


@attrs.frozen
class Freeze:
    """A stop on marketing, for as long as a crisis lasts (冻结推送).

    Attributes
    ----------
    topics
        The topics that stop, or None for every topic.
    segments
        The segments that get nothing, or None for everybody.
    start, end
        It holds at ``start <= t < end``, both aware; with ``end`` None until
        it is lifted.
    because
        Why, for the people who ask.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    topics: tuple[str, ...] | None = attrs.field()
    segments: tuple[str, ...] | None = attrs.field()
    start: dt.datetime
    end: dt.datetime | None
    because: str

    def __attrs_post_init__(self) -> None:
        _require_names("topics", self.topics)
        _require_names("segments", self.segments)
        start = micros("start", self.start)
        if self.end is not None and micros("end", self.end) <= start:
            raise InvalidInputError("end", self.end, "after start")
        if not isinstance(self.because, str) or not self.because.strip():
            raise InvalidInputError(
                "because", self.because, "a sentence", "say why it was frozen"
            )

    def stops(self, send: Send, at: dt.datetime, *, segment: str | None = None) -> bool:
        """Return whether ``send`` must not go at ``at``.

        Parameters
        ----------
        send
            The message. Service messages and transactional ones go through.
        at
            When it would go, aware.
        segment
            The user's segment. Where it is not known, a freeze of any segment
            holds: in a crisis the doubtful message stays at home.

        Returns
        -------
        bool
            True where the freeze holds for this message at that instant.
        """
        now = micros("at", at)
        if send.category != "marketing" or send.transactional:
            return False
        if now < micros("start", self.start):
            return False
        if self.end is not None and now >= micros("end", self.end):
            return False
        topical = self.topics is None or send.topic in self.topics
        concerned = self.segments is None or segment is None or segment in self.segments
        return topical and concerned
