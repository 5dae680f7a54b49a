"""How an outbox is doing (发件箱状况): counts, the oldest age, and what is stopped."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from wxengage.delivery.outbox.leasing import next_due
from wxengage.delivery.outbox.states import State
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.delivery.outbox.box import Outbox
    from wxengage.delivery.outbox.breakers import Breaker

__all__ = ["Health", "health"]


@attrs.frozen
class Health:
    """How an outbox is doing (发件箱状况).

    Attributes
    ----------
    counts
        Letters by state, in the words of ``State``; every state is there.
    in_doubt
        Letters that may have gone, and of which nobody knows.
    oldest
        For how long the letter that is due for longest has been; zero for none.
    troubles
        The breakers that are not closed.
    next_due
        As the function of that name tells it.
    """

    counts: Mapping[str, int]
    in_doubt: int
    oldest: dt.timedelta
    troubles: tuple[Breaker, ...]
    next_due: dt.datetime | None


def health(outbox: Outbox, now: dt.datetime) -> Health:
    """Return how an outbox is doing.

    Parameters
    ----------
    outbox
        The outbox.
    now
        When, aware.

    Returns
    -------
    Health
        For alarms: dead letters, doubts, an age that grows, stops that only a
        person can lift.
    """
    at = micros("now", now)
    rows = outbox.rows.values()
    counts = Counter(row.state for row in rows)
    waits = [max(0, at - row.not_before) for row in rows if not row.is_final]
    doubts = [
        row
        for row in rows
        if row.state in {State.SENDING, State.MAYBE_SENT} or row.doubt_since is not None
    ]
    breakers = outbox.breakers.values()
    return Health(
        MappingProxyType({state.value: counts[state] for state in State}),
        len(doubts),
        dt.timedelta(microseconds=max(waits, default=0)),
        tuple(one for one in breakers if one.stands(at) != "closed"),
        next_due(outbox, now),
    )
