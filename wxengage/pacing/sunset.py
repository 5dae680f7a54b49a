"""Sunset (停止召回): stop writing to those who do not come back.

Each attempt to win somebody back waits longer than the one before, and after so
many of them there is none: whoever did not answer five letters does not answer
the sixth, and may complain about it.
"""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.pacing.columns import instants
from wxengage.pacing.gaps import LONGEST_GAP, require_gap
from wxengage.pacing.scopes import bucket_of, require_scope
from wxengage.stats.checks import whole_column
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from wxengage.sends import Send, Sent

__all__ = ["NEVER", "Sunset"]

#: After every instant that a datetime can tell, in microseconds since 1970.
NEVER: Final = 2**63 - 1
_MOST_ATTEMPTS: Final = 1_000


@attrs.frozen
class Sunset:
    """At most so many attempts to win a user back, further and further apart.

    Attributes
    ----------
    attempts
        How many there are in all, at least 1. After them there is never another.
    first_gap
        How long the second attempt waits after the first. Elapsed time.
    growth
        By what each wait is longer than the one before: whole, or a fraction;
        at least 1.
    segments
        Whose users are meant. A user of another segment, or of none that is
        known, may get what there is.
    scope
        What is an attempt, as in ``Cap``. By default every marketing message.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule, or the last wait is longer than a hundred
        years.

    Notes
    -----
    After ``k`` attempts the next waits ``first_gap * growth**(k - 1)`` after the
    last, rounded up to a microsecond. The first one need not wait. Transactional
    sends need not keep to it.

    Examples
    --------
    >>> import datetime as dt
    >>> sunset = Sunset(4, first_gap=dt.timedelta(days=7))
    >>> [wait.days for wait in sunset.waits]
    [7, 14, 28]
    """

    attempts: int
    first_gap: dt.timedelta = attrs.field(kw_only=True)
    growth: int | Fraction = attrs.field(default=2, kw_only=True)
    segments: tuple[str, ...] = attrs.field(default=("dormant",), kw_only=True)
    scope: str | None = attrs.field(default="category:marketing", kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_whole("attempts", self.attempts, least=1, most=_MOST_ATTEMPTS)
        require_gap("first_gap", self.first_gap)
        self._require_growth()
        if not isinstance(self.segments, tuple) or not self.segments:
            hint = "leave the sunset out where it is for nobody"
            rule = "a tuple of at least one segment"
            raise InvalidInputError("segments", self.segments, rule, hint)
        for row, segment in enumerate(self.segments):
            require_id(f"segments[{row}]", segment)
        require_scope("scope", self.scope)

    def _require_growth(self) -> None:
        whole_or_fraction = isinstance(self.growth, int | Fraction)
        if not whole_or_fraction or isinstance(self.growth, bool) or self.growth < 1:
            rule = "a whole number or a Fraction, from 1 up"
            hint = "for example 2, or Fraction(3, 2)"
            raise InvalidInputError("growth", self.growth, rule, hint)
        wait = Fraction(span_micros("first_gap", self.first_gap))
        for number in range(3, self.attempts + 1):
            wait *= self.growth
            if wait > LONGEST_GAP // dt.timedelta(microseconds=1):
                rule = "such that no wait is longer than 36525 days"
                hint = f"the one before attempt {number} is; take fewer attempts"
                raise InvalidInputError("growth", self.growth, rule, hint)

    @property
    def waits(self) -> tuple[dt.timedelta, ...]:
        """How long the second attempt waits, the third, and so on to the last."""
        return tuple(
            dt.timedelta(microseconds=self._wait(made))
            for made in range(1, self.attempts)
        )

    def _wait(self, made: int) -> int:
        first = span_micros("first_gap", self.first_gap)
        return math.ceil(first * self.growth ** (made - 1))

    def binds(self, send: Send, *, segment: str | None) -> bool:
        """Return whether a send to a user of a segment is such an attempt.

        Parameters
        ----------
        send
            The message.
        segment
            The user's segment, None where it is not known.

        Returns
        -------
        bool
            False for transactional sends, and out of ``segments`` or ``scope``.
        """
        if send.transactional or segment not in self.segments:
            return False
        return bucket_of(self.scope, send) is not None

    def next_allowed(
        self,
        send: Send,
        past: Iterable[Sent],
        at: dt.datetime,
        *,
        segment: str | None,
        since: dt.datetime | None = None,
    ) -> dt.datetime | None:
        """Return the first instant from ``at`` on at which an attempt may be made.

        Parameters
        ----------
        send
            What is to go.
        past
            What went out, and what is already planned to; rows of other users,
            out of scope, or that do not count are ignored. In any order.
        at
            The instant asked about, aware.
        segment
            The user's segment, None where it is not known.
        since
            Since when the user has been in it, aware: earlier messages were no
            attempts to win the user back. None counts every row.

        Returns
        -------
        datetime.datetime or None
            ``at`` itself where the send may go at once, else the exact instant,
            in the zone of ``at``. None: all attempts were made.

        Notes
        -----
        Linear in the past rows of the user.
        """
        now = micros("at", at)
        start = -NEVER if since is None else micros("since", since)
        if not self.binds(send, segment=segment):
            return at
        bucket = bucket_of(self.scope, send)
        made = [
            when
            for row in past
            if row.user == send.user
            and row.counts
            and bucket_of(self.scope, row) == bucket
            and (when := micros("past", row.at)) >= start
        ]
        if len(made) >= self.attempts:
            return None
        found = max(made) + self._wait(len(made)) if made else now
        return at if found <= now else from_micros(found, at.tzinfo or dt.UTC)

    def next_allowed_many(
        self, at: ArrayLike, made: ArrayLike, last: ArrayLike
    ) -> NDArray[np.int64]:
        """Return ``next_allowed`` of many attempts.

        Parameters
        ----------
        at
            The instants asked about: ``datetime64`` in UTC, or microseconds
            since 1970. Shape ``(n,)``.
        made
            How many attempts each user has had. Whole. Shape ``(n,)``.
        last
            When the last of them was; anything where there was none. As ``at``.
            Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            Microseconds since 1970 in UTC, ``NEVER`` where all attempts were
            made. Shape ``(n,)``.

        Raises
        ------
        InvalidInputError
            If shapes or types do not fit.
        """
        now, before, count = (
            instants("at", at),
            instants("last", last),
            whole_column("made", made),
        )
        for name, column in (("made", count), ("last", before)):
            if len(column) != len(now):
                raise InvalidInputError(name, len(column), f"as many as at, {len(now)}")
        waits = [0, *(self._wait(done) for done in range(1, self.attempts))]
        row = np.minimum(count, self.attempts - 1)
        then = np.where(count > 0, before + np.array(waits, dtype=np.int64)[row], now)
        return np.where(count < self.attempts, np.maximum(now, then), NEVER)
