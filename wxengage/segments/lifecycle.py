"""Potential, active, dormant (潜在, 活跃, 沉默): who is who at one instant.

A user who never interacted is potential. One who has been silent for
``dormant_after`` or longer is dormant. Any other is active while enough
interactions lie within ``active_within``, and potential otherwise. These rules
are exhaustive and disjoint, and nothing but the log and the instant enters them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.log.answer import PerUser
from wxengage.log.frames import ARRAYS, Ids, Origin
from wxengage.log.runs import NEVER
from wxengage.log.state import (
    OWN,
    count_of,
    earlier,
    firsts_of,
    follows_of,
)
from wxengage.log.summary import instants
from wxengage.segments.lazy import classify_lazily
from wxengage.segments.policy import (
    ACTIVE,
    DORMANT,
    POTENTIAL,
    REASONS,
    SEGMENTS,
    LifecyclePolicy,
)
from wxengage.segments.timeline import changes
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, micros, span_micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.log.part import Part
    from wxengage.log.table import Log

__all__ = ["Segments", "classify_users", "segment_users"]


@attrs.frozen(eq=False)
class Segments(PerUser):
    """One row a user, ascending by id; every column has shape ``(users,)``.

    Attributes
    ----------
    user
        Ids.
    segment, reason
        Names in ``SEGMENTS`` and keys of ``REASONS``.
    since
        Exact instant at which the user came into the segment.
    last_interaction_at
        ``NaT`` for who never interacted.
    silent_days
        Whole days of 24 hours since; NaN for who never interacted.
    follow_age_days
        Local days since the current follow; NaN where the log shows none.
    menu_clicks, interactions
        Over the whole log.
    """

    user: NDArray[Any]
    segment: NDArray[Any]
    reason: NDArray[Any]
    since: NDArray[np.datetime64]
    last_interaction_at: NDArray[np.datetime64]
    silent_days: NDArray[np.float64]
    follow_age_days: NDArray[np.float64]
    menu_clicks: NDArray[np.int64]
    interactions: NDArray[np.int64]
    _ids: Ids = attrs.field(repr=False)
    _origin: Origin = attrs.field(default=ARRAYS, repr=False)

    def counts(self) -> dict[str, int]:
        """Return how many users are in each segment."""
        return {name: int((self.segment == name).sum()) for name in SEGMENTS}


def classify_users(
    log: Log,
    as_of: dt.datetime,
    policy: LifecyclePolicy = LifecyclePolicy(),
    *,
    clock: DayClock = DayClock(),
) -> Any:
    """Say of every user in the log who is potential, active or dormant.

    Parameters
    ----------
    log
        What users did.
    as_of
        The instant to judge at, aware; later events are left out.
    policy
        The rules.
    clock
        Whose days ``follow_age_days`` counts.

    Returns
    -------
    frame
        As the log came: ``user``, ``segment``, ``reason``, ``since``,
        ``last_interaction_at``, ``silent_days``, ``follow_age_days``,
        ``menu_clicks``, ``interactions``. One row for each user with an event
        by ``as_of``; an engine's log gives an engine's lazy frame.

    Notes
    -----
    ``O(n log n)`` for ``n`` events.

    Source: the article, chapter 1.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.log import read_log
    >>> log = read_log(
    ...     {"user": ["ann", "bo"], "kind": ["like", "read"], "at": [0, 60]}, unit="s"
    ... )
    >>> as_of = dt.datetime(1970, 1, 31, tzinfo=dt.timezone.utc)
    >>> answer = classify_users(log, as_of)
    >>> [str(word) for word in answer["segment"]]
    ['dormant', 'potential']
    """
    if log.engine is not None:
        return classify_lazily(log, as_of, policy, clock)
    return segment_users(log, as_of, policy, clock=clock).to_frame()


def segment_users(
    log: Log,
    as_of: dt.datetime,
    policy: LifecyclePolicy = LifecyclePolicy(),
    *,
    clock: DayClock = DayClock(),
) -> Segments:
    """Return what ``classify_users`` says, as arrays.

    Parameters
    ----------
    log, as_of, policy, clock
        As for ``classify_users``. An engine's log is collected.

    Returns
    -------
    Segments
        Users with an event by ``as_of``, ascending by id.
    """
    if log.engine is not None:
        log = log.collect()
    upto = micros("as_of", as_of)
    n = len(log.ids)
    code, reason, menu, count = (np.zeros(n, dtype=np.int64) for _ in range(4))
    since, last, follow, first = (np.full(n, NEVER) for _ in range(4))
    for part in log.parts:
        to = part.members
        found = _segment(part, upto, policy)
        first[to], code[to], reason[to], since[to], last[to], count[to] = found
        follow[to] = follows_of(part, upto)["follow_since"]
        menu[to] = count_of(part, "menu_click", upto)
    order = log.ids.order
    order = order[first[order] != NEVER]
    today = clock.days(np.array([upto]))[0]
    known, seen = follow[order] != NEVER, last[order] != NEVER
    followed = clock.days(np.where(known, follow[order], upto))
    silence = (upto - np.where(seen, last[order], upto)) // MICROS_PER_DAY
    ids = log.ids.take(order)
    return Segments(
        user=ids.numpy(),
        segment=np.array(SEGMENTS, dtype=object)[code[order]],
        reason=np.array(tuple(REASONS), dtype=object)[reason[order]],
        since=instants(since[order]),
        last_interaction_at=instants(last[order]),
        silent_days=np.where(seen, silence, np.nan),
        follow_age_days=np.where(known, today - followed, np.nan),
        menu_clicks=menu[order],
        interactions=count[order],
        ids=ids,
        origin=log.origin,
    )


def _segment(
    part: Part, upto: int, policy: LifecyclePolicy
) -> tuple[NDArray[np.int64], ...]:
    """Return first event, segment, reason, since, last interaction and their count."""
    silence = span_micros("dormant_after", policy.dormant_after)
    weights = policy.thousandths > 0
    first, last = np.full(part.users, NEVER), np.full(part.users, NEVER)
    since, count = (np.zeros(part.users, dtype=np.int64) for _ in range(2))
    for users, every, held in part.blocks(OWN | weights, weights):
        first[users] = every.first(every.until(upto))
        ends = held.until(upto)
        last[users], count[users] = held.last(ends), ends - held.starts
        begins = held.breaks(silence)
        if len(begins):
            run = np.maximum(np.searchsorted(begins, ends) - 1, 0)
            since[users] = held.times(begins[run])
    first = earlier(first, firsts_of(*part.of_kind("deliver", upto), part.users))
    seen = count > 0
    silent = seen & (upto - np.where(seen, last, upto) >= silence)
    enough = seen & ~silent
    if not policy.one_suffices:
        enough, since = _weighed(part, upto, policy, enough)
    code = np.select([silent, enough], [DORMANT, ACTIVE], POTENTIAL)
    reason = np.select([~seen, silent, enough], [0, 3, 1], 2)
    silence_began = np.where(seen, last, 0) + silence
    since = np.select([silent, seen], [silence_began, since], first)
    return first, code, reason, since, last, count


def _weighed(
    part: Part, upto: int, policy: LifecyclePolicy, alive: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return who has enough weight in the window, and since when it has been so."""
    since = np.zeros(part.users, dtype=np.int64)
    enough = np.zeros(part.users, dtype=np.bool_)
    found = changes(part, policy)
    kept = found.at <= upto
    # Ascending by user and time: the last write is the latest change.
    since[found.user[kept]] = found.at[kept]
    enough[found.user[kept]] = found.target[kept] == ACTIVE
    return enough & alive, since
