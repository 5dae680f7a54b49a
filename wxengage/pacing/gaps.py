"""Minimum gaps (最小间隔): time to breathe between two messages to one user."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.pacing.caps import Cap, next_allowed
from wxengage.pacing.columns import codes_of, paired
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from wxengage.sends import Send, Sent

__all__ = ["LONGEST_GAP", "MinGap", "require_gap"]

#: A longer gap is a mistake, and its end may lie beyond the calendar.
LONGEST_GAP: Final = dt.timedelta(days=36_525)


def require_gap(name: str, got: dt.timedelta) -> int:
    """Return a gap in microseconds.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        The time between two messages.

    Returns
    -------
    int
        Exact.

    Raises
    ------
    InvalidInputError
        If it is no timedelta, not above zero, or longer than a hundred years.
    """
    span = span_micros(name, got)
    if got > LONGEST_GAP:
        hint = "to send nothing more, plan nothing"
        raise InvalidInputError(name, got, "at most 36525 days", hint)
    return span


@attrs.frozen
class MinGap:
    """At least so much time between two messages to one user (最小间隔).

    Attributes
    ----------
    after
        Elapsed time, above zero. Exactly so long after a message the next may
        go.
    scope
        Between which messages, as in ``Cap``: None for any two, ``"topic"``
        for two of one topic, ``"channel:wecom"`` for two on that channel.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Notes
    -----
    The same as ``Cap(1, per=after, scope=scope)``: a transactional send need not
    keep to it, and a past row that does not count is not seen. A message that is
    planned for later keeps its distance in both directions.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.sends import Send, Sent
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    >>> gap = MinGap(dt.timedelta(hours=6))
    >>> past = [Sent("ada", noon, "wecom")]
    >>> send = Send("s1", "ada", "wecom", "gift")
    >>> f"{gap.next_allowed(send, past, noon + dt.timedelta(hours=1)):%H:%M}"
    '18:00'
    """

    after: dt.timedelta
    scope: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_gap("after", self.after)
        Cap(1, per=self.after, scope=self.scope)

    @property
    def cap(self) -> Cap:
        """The cap that says the same."""
        return Cap(1, per=self.after, scope=self.scope)

    @property
    def name(self) -> str:
        """What sentences and tables call it."""
        where = "" if self.scope is None else f" in {self.scope}"
        return f"{self.after} apart{where}"

    def next_allowed(
        self, send: Send, past: Iterable[Sent], at: dt.datetime
    ) -> dt.datetime:
        """Return the first instant from ``at`` on that is far enough from others.

        Parameters
        ----------
        send
            What is to go.
        past
            What went out, and what is already planned to; rows of other users
            and rows out of scope are ignored. In any order.
        at
            The instant asked about, aware.

        Returns
        -------
        datetime.datetime
            ``at`` itself where the send may go at once, else the exact instant,
            in the zone of ``at``. There always is one.

        Notes
        -----
        ``O(n log n)`` in the past rows of the user.
        """
        found = next_allowed(self.cap, send, past, at)
        return at if found is at else found.astimezone(at.tzinfo)

    def next_allowed_many(
        self,
        users: ArrayLike,
        at: ArrayLike,
        past_users: ArrayLike,
        past_at: ArrayLike,
    ) -> NDArray[np.int64]:
        """Return ``next_allowed`` of many sends, each against the past alone.

        Parameters
        ----------
        users
            Whom each send is for. Shape ``(n,)``.
        at
            When it would go: ``datetime64`` in UTC, or microseconds since 1970.
            Shape ``(n,)``.
        past_users, past_at
            Whom past sends went to, and when: of one ``scope``, and only those
            that count. Shape ``(m,)``, in any order.

        Returns
        -------
        numpy.ndarray
            Microseconds since 1970 in UTC. Shape ``(n,)``.

        Raises
        ------
        InvalidInputError
            If shapes or types do not fit.

        Notes
        -----
        A message at ``t`` forbids ``(t - after, t + after)``; where such
        stretches of one user overlap, they are one. Two sorts:
        ``O((n + m) log (n + m))``.
        """
        who, now = paired(("users", "at"), users, at)
        others, then = paired(("past_users", "past_at"), past_users, past_at)
        if not now.size or not then.size:
            return now.copy()
        span = require_gap("after", self.after)
        asked, taken = codes_of(who, others)
        order = np.lexsort((then, taken))
        taken, then = taken[order], then[order]
        # Ranks instead of times keep user and time within one 64-bit key.
        ranks = np.unique(np.concatenate([then, now - span]), return_inverse=True)[1]
        width = int(ranks.max()) + 1
        place = np.searchsorted(
            taken * width + ranks[: then.size],
            asked * width + ranks[then.size :],
            side="right",
        )
        row = np.minimum(place, then.size - 1)
        blocked = (place < then.size) & (taken[row] == asked) & (then[row] - now < span)
        return np.where(blocked, _ends(taken, then, span)[row], now)


def _ends(
    users: NDArray[np.int64], then: NDArray[np.int64], span: int
) -> NDArray[np.int64]:
    """Return when the stretch ends that each row, sorted, is part of."""
    free_after = np.ones(then.size, dtype=np.bool_)
    free_after[:-1] = (np.diff(users) != 0) | (np.diff(then) >= 2 * span)
    last = np.flatnonzero(free_after)
    ends: NDArray[np.int64] = then[last[np.searchsorted(last, np.arange(then.size))]]
    return ends + span
