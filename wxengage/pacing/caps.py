"""Frequency caps (互动频次上限): how often a user may be touched.

A cap answers with the first instant at which the next send may go, not with a
bare no. A calendar cap counts in local days, ISO weeks (Monday to Sunday) or
calendar months; a cap over a ``timedelta`` holds in every stretch of that
length, wherever it begins.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs
import numpy as np

from wxengage.claims.figures import INTERACTIONS_A_DAY
from wxengage.errors import InvalidInputError, nearest
from wxengage.pacing.columns import codes_of, paired
from wxengage.pacing.scopes import bucket_of, require_scope
from wxengage.sends import CATEGORIES, Category, Send, Sent
from wxengage.times.days import DayClock
from wxengage.times.periods import first_day, period_of
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from wxengage.pacing.scopes import Sendable

__all__ = ["DAILY_CEILING", "Cap", "may_send_many", "next_allowed"]

Period = Literal["day", "week", "month"]
PERIODS: Final[tuple[str, ...]] = get_args(Period)
EVERY_CATEGORY: Final[tuple[Category, ...]] = ("marketing", "service")


def _require_categories(name: str, got: object) -> None:
    if not isinstance(got, tuple) or not got:
        hint = "leave it out for all, or leave out the cap"
        raise InvalidInputError(name, got, "a tuple of categories", hint)
    for one in got:
        if not isinstance(one, str) or one not in CATEGORIES:
            hint = nearest(one, CATEGORIES)
            raise InvalidInputError(name, one, "a category of messages", hint)


@attrs.frozen
class Cap:
    """At most so many messages to one user in a period (频次上限).

    Attributes
    ----------
    limit
        Messages, at least 1. In other systems 0 means "none" here and "no
        limit" there, so it is refused: leave the cap out, or plan nothing.
    per
        ``"day"``, ``"week"`` (ISO, from Monday), ``"month"``, all on the local
        calendar, or a ``timedelta`` for every stretch of that length.
    scope
        What it counts: None for everything, ``"channel:wecom"`` for one
        channel, ``"channel"`` for each channel by itself; likewise account,
        category, message and topic.
    obeys
        The categories that must keep to it. A transactional send need not.
    counts
        The categories that use it up, whether they keep to it or not.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> Cap(1, per="week", scope="topic:recall").name
    '1 per week in topic:recall'
    """

    limit: int
    per: Period | dt.timedelta = attrs.field(default="day", kw_only=True)
    scope: str | None = attrs.field(default=None, kw_only=True)
    obeys: tuple[Category, ...] = attrs.field(default=EVERY_CATEGORY, kw_only=True)
    counts: tuple[Category, ...] = attrs.field(default=EVERY_CATEGORY, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if (
            not isinstance(self.limit, int)
            or isinstance(self.limit, bool)
            or self.limit < 1
        ):
            hint = "leave the cap out for no limit; to send nothing, plan nothing"
            raise InvalidInputError(
                "limit", self.limit, "a whole number from 1 up", hint
            )
        if isinstance(self.per, dt.timedelta):
            span_micros("per", self.per)
        elif not isinstance(self.per, str) or self.per not in PERIODS:
            hint = nearest(self.per, PERIODS) + ", or a timedelta"
            raise InvalidInputError("per", self.per, "a period", hint)
        require_scope("scope", self.scope)
        _require_categories("obeys", self.obeys)
        _require_categories("counts", self.counts)

    @property
    def name(self) -> str:
        """What sentences and tables call it."""
        where = "" if self.scope is None else f" in {self.scope}"
        return f"{self.limit} per {self.per}{where}"

    def bucket(self, item: Sendable) -> str | None:
        """Return what ``item`` is counted under; None where it is out of scope.

        Parameters
        ----------
        item
            A message, before or after it was sent.

        Returns
        -------
        str or None
            Two messages compete where this is the same text.
        """
        return bucket_of(self.scope, item)

    def binds(self, send: Send) -> bool:
        """Return whether a send must keep to this cap.

        Parameters
        ----------
        send
            The message.

        Returns
        -------
        bool
            False for transactional sends, other categories, other scopes.
        """
        if send.transactional or send.category not in self.obeys:
            return False
        return self.bucket(send) is not None

    def counted(self, sent: Sent) -> bool:
        """Return whether a past send uses this cap up.

        Parameters
        ----------
        sent
            What went out.

        Returns
        -------
        bool
            False where it was marked as not counting, or is out of scope.
        """
        if not sent.counts or sent.category not in self.counts:
            return False
        return self.bucket(sent) is not None


#: The article's ceiling of 3 to 5 interactions a day, chapter 2, at its upper
#: end. A ceiling, not a target, and without a source.
DAILY_CEILING: Final = Cap(INTERACTIONS_A_DAY[1])


def next_allowed(
    cap: Cap,
    send: Send,
    past: Iterable[Sent],
    at: dt.datetime,
    *,
    clock: DayClock = DayClock(),
) -> dt.datetime:
    """Return the first instant from ``at`` on at which a cap lets a send go.

    Parameters
    ----------
    cap
        The cap.
    send
        What is to go.
    past
        What went out, and what is already planned to; rows of other users and
        rows that the cap does not count are ignored. In any order.
    at
        The instant asked about, aware.
    clock
        Whose days, weeks and months count.

    Returns
    -------
    datetime.datetime
        ``at`` itself where the send may go at once, else the exact instant,
        in the clock's zone. There always is one.

    Notes
    -----
    ``O(n log n)`` in the past rows of the user.
    """
    now = micros("at", at)
    if not cap.binds(send):
        return at
    bucket = cap.bucket(send)
    times = sorted(
        micros("past", row.at)
        for row in past
        if row.user == send.user and cap.counted(row) and cap.bucket(row) == bucket
    )
    if isinstance(cap.per, dt.timedelta):
        found = _rolling(cap.limit, span_micros("per", cap.per), times, now)
    else:
        found = _calendar(cap.limit, cap.per, times, now, clock)
    return at if found == now else from_micros(found, clock.zone)


def _calendar(
    limit: int, per: Period, times: list[int], now: int, clock: DayClock
) -> int:
    days = clock.days(np.array([now, *times], dtype=np.int64))
    period, *taken = period_of(per, days).tolist()
    used = Counter(taken)
    if used[period] < limit:
        return now
    while True:
        while used[period] >= limit:
            period += 1
        found = clock.start_of(first_day(per, period))
        # Where the calendar leaves a day out, its start is that of the day after.
        at = np.array([found], dtype=np.int64)
        (period,) = period_of(per, clock.days(at)).tolist()
        if used[period] < limit:
            return found


def _rolling(limit: int, span: int, times: list[int], now: int) -> int:
    # A stretch is freed at the instant when one of its sends falls out of it.
    freed = (t + span for t in times if t + span > now)
    return next(at for at in (now, *freed) if not _crowded(limit, span, times, at))


def _crowded(limit: int, span: int, times: list[int], at: int) -> bool:
    """Return whether ``limit`` sends and one at ``at`` fall into one stretch."""
    return any(
        max(last, at) - min(first, at) < span
        for first, last in zip(times, times[limit - 1 :], strict=False)
    )


def may_send_many(
    cap: Cap,
    users: ArrayLike,
    at: ArrayLike,
    past_users: ArrayLike,
    past_at: ArrayLike,
    *,
    clock: DayClock = DayClock(),
) -> NDArray[np.bool_]:
    """Return which of many sends a cap lets go at once.

    Parameters
    ----------
    cap
        The cap. Its ``scope``, ``obeys`` and ``counts`` are not read: give the
        sends that must keep to it, and the past rows that it counts.
    users
        Whom each send is for. Shape ``(n,)``.
    at
        When it would go: ``datetime64`` in UTC, or microseconds since 1970.
        Shape ``(n,)``.
    past_users, past_at
        Whom past sends went to, and when. Shape ``(m,)``, in any order.
    clock
        Whose days, weeks and months count.

    Returns
    -------
    numpy.ndarray
        True where ``next_allowed`` would answer ``at``: each send is judged
        against the past alone, not against the others. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If shapes or types do not fit.

    Notes
    -----
    ``O((n + m) log (n + m))``; for a rolling cap times ``limit``.
    """
    who, now = paired(("users", "at"), users, at)
    others, then = paired(("past_users", "past_at"), past_users, past_at)
    if not now.size or not then.size:
        return np.ones(now.size, dtype=np.bool_)
    asked, taken = codes_of(who, others)
    codes = np.concatenate([taken, asked])
    if isinstance(cap.per, dt.timedelta):
        span = span_micros("per", cap.per)
        return ~_crowded_many(cap.limit, span, codes, then, now)
    days = clock.days(np.concatenate([then, now]))
    period = period_of(cap.per, days)
    period -= period.min()
    keys = codes * (int(period.max()) + 1) + period
    full, used = np.unique(keys[: then.size], return_counts=True)
    mine = keys[then.size :]
    row = np.minimum(np.searchsorted(full, mine), full.size - 1)
    free: NDArray[np.bool_] = (full[row] != mine) | (used[row] < cap.limit)
    return free


def _crowded_many(
    limit: int,
    span: int,
    codes: NDArray[np.int64],
    then: NDArray[np.int64],
    now: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return ``_crowded`` of each ``now``; ``codes`` are of then and now."""
    if limit > then.size:
        return np.zeros(now.size, dtype=np.bool_)
    # Ranks instead of times keep user and time within one 64-bit key.
    ranks = np.unique(np.concatenate([then, now]), return_inverse=True)[1]
    keys = codes * (int(ranks.max()) + 1) + ranks
    order = np.argsort(keys[: then.size], kind="stable")
    who, when = codes[: then.size][order], then[order]
    asker = codes[then.size :]
    place = np.searchsorted(keys[: then.size][order], keys[then.size :])
    crowded = np.zeros(now.size, dtype=np.bool_)
    # Only the runs of `limit` sends that touch the place of `now` can be short.
    for back in range(limit + 1):
        first, last = place - back, place - back + limit - 1
        inside = (first >= 0) & (last < then.size)
        i, j = first[inside], last[inside]
        mine = (who[i] == asker[inside]) & (who[j] == asker[inside])
        at = now[inside]
        tight = np.maximum(when[j], at) - np.minimum(when[i], at) < span
        crowded[inside] |= mine & tight
    return crowded
