"""The content matrix (内容矩阵): short, deep and interactive, in proportion.

Proportions are whole parts and every comparison is one of whole numbers, so
that the tenth message is the tenth on every machine.
"""

from __future__ import annotations

import datetime as dt
import itertools
import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

import attrs
import numpy as np

from wxengage.claims.figures import AD_SHARE, CONTENT_KINDS
from wxengage.errors import InvalidInputError, require_whole
from wxengage.pacing.budgets import AdShare
from wxengage.pacing.gaps import require_gap
from wxengage.stats.checks import count_table
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from wxengage.sends import Send, Sent

__all__ = ["ContentMix"]

# Products of a part and a count stay within 64 bits.
_MOST_PARTS: Final = 1_000_000
_MOST_MESSAGES: Final = 2**40
_MONTH: Final = dt.timedelta(days=30)
_PLACES: Final = {kind: place for place, kind in enumerate(CONTENT_KINDS)}


@attrs.define
class _Tally:
    """What one user got within the window: by kind, in all, and ads."""

    kinds: list[int] = attrs.field(factory=lambda: [0] * len(CONTENT_KINDS))
    messages: int = 0
    ads: int = 0

    def add(self, row: Sent, times: int) -> None:
        if row.content:
            self.kinds[_PLACES[row.content]] += times
        self.messages += times
        self.ads += times * row.is_ad


@attrs.frozen
class ContentMix:
    """How much of what one user gets is short, deep, interactive, and an ad.

    A message may go while its kind, with it, is at most ``slack`` messages above
    its share of the messages of a known kind. An ad must keep to the share of
    ads besides.

    Attributes
    ----------
    short, deep, interactive
        Parts, whole: 5, 2 and 3 are half, a fifth and three tenths. A kind
        with the part 0 never goes. At least one part is above 0.
    slack
        By how many messages a kind may run ahead of its share, at least 1:
        with less, the first message could be of no kind.
    ads
        The share of ads among all messages; None for no such bound. By default
        the article's, chapter 7: at most one message in ten.
    window
        How far back it looks: a message counts for exactly so long. Elapsed
        time; None for all that is given.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Notes
    -----
    Messages of an unknown kind (``content`` is ``""``) take no part in the
    proportions; they are messages all the same where the share of ads is asked.
    A transactional send always may go, and rows that do not count are not seen.

    Source: the article, chapter 2 (the three kinds; the parts are yours), and
    chapter 7 (ads).

    Examples
    --------
    >>> mix = ContentMix(5, 2, 3)
    >>> mix.calendar(10).count("short")
    5
    >>> mix.allowed_many([[1, 0, 0]]).tolist()
    [[True, True, True]]
    >>> mix.allowed_many([[0, 2, 0]]).tolist()
    [[True, False, True]]
    """

    short: int
    deep: int
    interactive: int
    slack: int = attrs.field(default=1, kw_only=True)
    ads: AdShare | None = attrs.field(
        default=AdShare(AD_SHARE.numerator, AD_SHARE.denominator), kw_only=True
    )
    window: dt.timedelta | None = attrs.field(default=_MONTH, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for kind in CONTENT_KINDS:
            require_whole(kind, getattr(self, kind), most=_MOST_PARTS)
        if not any(self.parts):
            hint = "leave the mix out where every kind may go"
            raise InvalidInputError("parts", self.parts, "above 0 for one kind", hint)
        require_whole("slack", self.slack, least=1, most=_MOST_PARTS)
        if self.ads is not None and not isinstance(self.ads, AdShare):
            raise InvalidInputError("ads", self.ads, "an AdShare or None")
        if self.window is not None:
            require_gap("window", self.window)

    @property
    def parts(self) -> tuple[int, int, int]:
        """The parts in the order of ``CONTENT_KINDS``."""
        return self.short, self.deep, self.interactive

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """What each kind should be of all, in the order of ``CONTENT_KINDS``."""
        return tuple(Fraction(part, sum(self.parts)) for part in self.parts)

    @property
    def name(self) -> str:
        """What sentences and tables call it."""
        return ":".join(map(str, self.parts))

    def binds(self, send: Send) -> bool:
        """Return whether a send must keep to the mix.

        Parameters
        ----------
        send
            The message.

        Returns
        -------
        bool
            False for transactional sends, and for those of no known kind that
            are no ads.
        """
        ad = send.is_ad and self.ads is not None
        return not send.transactional and (send.content != "" or ad)

    def next_allowed(
        self, send: Send, past: Iterable[Sent], at: dt.datetime
    ) -> dt.datetime | None:
        """Return the first instant from ``at`` on at which a send fits the mix.

        Parameters
        ----------
        send
            What is to go.
        past
            What went out, and what is already planned to; each row counts from
            its own instant on. Rows of other users are ignored. In any order.
        at
            The instant asked about, aware.

        Returns
        -------
        datetime.datetime or None
            ``at`` itself where the send may go at once, else the exact instant,
            in the zone of ``at``, at which enough rows have left the window or
            come into it. None where that never happens with this past: the next
            move is to send something else.

        Notes
        -----
        ``O(n log n)`` in the past rows of the user.
        """
        now = micros("at", at)
        if not self.binds(send):
            return at
        for when, had in self._course(send.user, past, now):
            if self._reason(send, had) is None:
                return at if when == now else from_micros(when, at.tzinfo or dt.UTC)
        return None

    def refusal(
        self, send: Send, past: Iterable[Sent], at: dt.datetime
    ) -> Literal["mix", "ad_share"] | None:
        """Return why a send may not go at an instant.

        Parameters
        ----------
        send
            What is to go.
        past
            As in ``next_allowed``.
        at
            The instant asked about, aware.

        Returns
        -------
        str or None
            ``"ad_share"``, ``"mix"`` for the kinds, or None where it may go.
            Where both refuse, the kind that never goes comes first, then the ads.
        """
        now = micros("at", at)
        if not self.binds(send):
            return None
        _, had = next(self._course(send.user, past, now))
        return self._reason(send, had)

    def _course(
        self, user: str, past: Iterable[Sent], now: int
    ) -> Iterator[tuple[int, _Tally]]:
        """Give what the user has got at ``now`` and after every later change."""
        # The same tally each time, carried on: look at it before asking for more.
        span = None if self.window is None else span_micros("window", self.window)
        had = _Tally()
        changes: list[tuple[int, int, Sent]] = []
        for row in past:
            if row.user != user or not row.counts:
                continue
            comes = micros("past", row.at)
            if span is not None:
                if comes + span <= now:
                    continue
                changes.append((comes + span, -1, row))
            if comes <= now:
                had.add(row, 1)
            else:
                changes.append((comes, 1, row))
        yield now, had
        changes.sort(key=operator.itemgetter(0))
        for when, rows in itertools.groupby(changes, key=operator.itemgetter(0)):
            for _, times, row in rows:
                had.add(row, times)
            yield when, had

    def _reason(self, send: Send, had: _Tally) -> Literal["mix", "ad_share"] | None:
        place = _PLACES.get(send.content)
        if place is not None and not self.parts[place]:
            return "mix"
        ads = self.ads if send.is_ad else None
        if ads is not None and not ads.allows(had.ads, had.messages):
            return "ad_share"
        if place is None:
            return None
        whole, count = sum(self.parts), had.kinds[place]
        # With the message itself: count + 1 of sum + 1, all times the parts.
        room = self.parts[place] * (sum(had.kinds) + 1) + whole * self.slack
        return None if whole * (count + 1) <= room else "mix"

    def allowed_many(self, counts: ArrayLike) -> NDArray[np.bool_]:
        """Return which kinds each of many users may get next.

        Parameters
        ----------
        counts
            What each user got within the window: short, deep, interactive.
            Whole, at most 2**40. Shape ``(n, 3)``.

        Returns
        -------
        numpy.ndarray
            True where a message of the kind would fit; every user may get one
            kind at least. ``AdShare.left_many`` says who may get an ad.
            Shape ``(n, 3)``.

        Raises
        ------
        InvalidInputError
            If a count is negative or not whole, or there are not three a row.
        """
        had, whole = _kinds_of(counts), sum(self.parts)
        parts = np.array(self.parts, dtype=np.int64)
        room = parts * (had.sum(axis=1, keepdims=True) + 1) + whole * self.slack
        fits: NDArray[np.bool_] = (whole * (had + 1) <= room) & (parts > 0)
        return fits

    def deviation(self, counts: ArrayLike) -> NDArray[np.float64]:
        """Return how far what users got is from the mix.

        Parameters
        ----------
        counts
            Short, deep, interactive of each user. Shape ``(n, 3)``.

        Returns
        -------
        numpy.ndarray
            Messages above the kind's share of the row; below zero where there
            are too few. Each row adds up to 0. Shape ``(n, 3)``.

        Raises
        ------
        InvalidInputError
            As ``allowed_many``.

        Examples
        --------
        >>> ContentMix(5, 2, 3).deviation([[6, 2, 2]]).tolist()
        [[1.0, 0.0, -1.0]]
        """
        had, whole = _kinds_of(counts), sum(self.parts)
        parts = np.array(self.parts, dtype=np.int64)
        above = whole * had - parts * had.sum(axis=1, keepdims=True)
        found: NDArray[np.float64] = above / whole
        return found

    def calendar(
        self, slots: int, *, had: tuple[int, int, int] = (0, 0, 0)
    ) -> tuple[str, ...]:
        """Return which kind to put into each of the next slots.

        Parameters
        ----------
        slots
            How many messages to plan. Whole, at most 1,000,000.
        had
            Short, deep, interactive that went out before them.

        Returns
        -------
        tuple of str
            Kinds in the order in which they go. Each one fits the mix when its
            turn comes. From nothing, every beginning of the calendar has of
            each kind its share, rounded up or down.

        Raises
        ------
        InvalidInputError
            If a number is negative or not whole.

        Notes
        -----
        The quota method (Balinski and Young 1975): of the kinds below their
        share of the messages with the next one, the one with the most parts for
        each message it would then have; the first in order of two alike.
        ``O(slots)``.

        Examples
        --------
        >>> ContentMix(2, 1, 1).calendar(4)
        ('short', 'deep', 'short', 'interactive')
        """
        require_whole("slots", slots, most=_MOST_PARTS)
        if not isinstance(had, tuple) or len(had) != len(CONTENT_KINDS):
            raise InvalidInputError("had", had, "three counts, one for each kind")
        for kind, count in zip(CONTENT_KINDS, had, strict=True):
            require_whole(f"had, {kind}", count, most=_MOST_MESSAGES)
        counts, whole, plan = list(had), sum(self.parts), []
        for number in range(sum(had) + 1, sum(had) + slots + 1):
            open_ = [
                place
                for place, part in enumerate(self.parts)
                if whole * counts[place] < part * number
            ]
            place = max(
                open_, key=lambda each: Fraction(self.parts[each], counts[each] + 1)
            )
            counts[place] += 1
            plan.append(CONTENT_KINDS[place])
        return tuple(plan)


def _kinds_of(counts: ArrayLike) -> NDArray[np.int64]:
    had = count_table(counts)
    if had.shape[1] != len(CONTENT_KINDS):
        rule = "three columns: " + ", ".join(CONTENT_KINDS)
        raise InvalidInputError("counts.shape", had.shape, rule)
    if (had > _MOST_MESSAGES).any():
        raise InvalidInputError("counts", int(had.max()), "at most 2**40 each")
    return had
