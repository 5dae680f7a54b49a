"""What is known of each user after some events, mergeable with what comes later.

Every figure here is a count, a sum, a first or a last, or (sessions, days)
needs only the edges of the stretch it covers. That is why yesterday's state and
today's events give the same answer as a recompute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.log.kinds import KINDS
from wxengage.log.part import KIND_CODES, kind_mask
from wxengage.log.runs import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.part import Part
    from wxengage.log.runs import Runs
    from wxengage.times.days import DayClock

__all__ = ["ACTIVE", "OWN", "UserState", "fold", "state_of"]

#: Kinds that count as an interaction unless a policy says otherwise.
ACTIVE: Final = kind_mask(name for name, kind in KINDS.items() if kind.active)
#: Kinds the user caused. A delivery is ours: it opens no session.
OWN: Final = ~kind_mask(["deliver"])
# Rows added up at a time.
_SUMMED: Final = 1 << 20
# A refund takes back: its value is subtracted.
_SIGN: Final = np.where(kind_mask(["refund"]), -1.0, 1.0)


@attrs.frozen(eq=False)
class UserState:
    """One row a user; every column has shape ``(users,)``.

    Instants are microseconds since 1970, days are local days, and ``NEVER``
    stands for none.
    """

    events: NDArray[np.int64]
    interactions: NDArray[np.int64]
    menu_clicks: NDArray[np.int64]
    value: NDArray[np.float64]
    first_at: NDArray[np.int64]
    last_at: NDArray[np.int64]
    first_own: NDArray[np.int64]
    last_own: NDArray[np.int64]
    last_interaction_at: NDArray[np.int64]
    sessions: NDArray[np.int64]
    first_day: NDArray[np.int64]
    last_day: NDArray[np.int64]
    active_days: NDArray[np.int64]
    follow_since: NDArray[np.int64]
    follow_again: NDArray[np.int64]
    last_unfollow: NDArray[np.int64]

    @classmethod
    def empty(cls, users: int) -> Self:
        """Return the state of users of whom nothing is known yet."""
        zero = np.zeros(users, dtype=np.int64)
        never = np.full(users, NEVER)
        counts = {"events", "interactions", "menu_clicks", "sessions", "active_days"}
        columns: dict[str, Any] = {
            field.name: zero.copy() if field.name in counts else never.copy()
            for field in attrs.fields(cls)
        }
        return cls(**(columns | {"value": np.zeros(users)}))

    def take(self, users: NDArray[np.int64]) -> Self:
        """Return the state of some users, in that order."""
        return type(self)(
            **{
                field.name: getattr(self, field.name)[users]
                for field in attrs.fields(type(self))
            }
        )

    def put(self, users: NDArray[np.int64], other: Self) -> None:
        """Write another state over some users' rows."""
        for field in attrs.fields(type(self)):
            getattr(self, field.name)[users] = getattr(other, field.name)

    def then(self, later: Self, gap: int) -> Self:
        """Return the state after this one's events and ``later``'s.

        Parameters
        ----------
        later
            The same users; none of them has an event of their own there that
            is earlier than their last one here.
        gap
            Microseconds of silence that separate two sessions.

        Returns
        -------
        UserState
            As if all events had been given at once.
        """
        both = (self.last_own != NEVER) & (later.first_own != NEVER)
        silence = np.where(both, later.first_own - np.where(both, self.last_own, 0), 0)
        one_session = both & (silence <= gap)
        one_day = (self.last_day == later.first_day) & (self.last_day != NEVER)
        return type(self)(
            events=self.events + later.events,
            interactions=self.interactions + later.interactions,
            menu_clicks=self.menu_clicks + later.menu_clicks,
            value=self.value + later.value,
            first_at=earlier(self.first_at, later.first_at),
            last_at=np.maximum(self.last_at, later.last_at),
            first_own=earlier(self.first_own, later.first_own),
            last_own=np.maximum(self.last_own, later.last_own),
            last_interaction_at=np.maximum(
                self.last_interaction_at, later.last_interaction_at
            ),
            sessions=self.sessions + later.sessions - one_session,
            first_day=earlier(self.first_day, later.first_day),
            last_day=np.maximum(self.last_day, later.last_day),
            active_days=self.active_days + later.active_days - one_day,
            **self._follow_then(later),
        )

    def _follow_then(self, later: Self) -> dict[str, NDArray[np.int64]]:
        """Return the columns about following after both stretches."""
        # A follow in the instant of an unfollow does not stay. Where the two fall
        # on the seam, the second follow of the later stretch is needed: that is
        # what follow_again is for.
        left = later.last_unfollow != NEVER
        seam = ~left & (later.follow_since != NEVER)
        seam &= later.follow_since == self.last_unfollow
        since = np.where(seam, later.follow_again, later.follow_since)
        again = np.where(seam, NEVER, later.follow_again)
        follows = ~left & (self.follow_since != NEVER)
        same = since == self.follow_since
        second = earlier(self.follow_again, np.where(same, again, since))
        return {
            "follow_since": np.where(follows, self.follow_since, since),
            "follow_again": np.where(follows, second, again),
            "last_unfollow": np.maximum(self.last_unfollow, later.last_unfollow),
        }


def earlier(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the earlier of two instants each, where ``NEVER`` is no instant."""
    low = np.minimum(a, b)
    return np.where(low == NEVER, np.maximum(a, b), low)


def state_of(part: Part, upto: int, gap: int, clock: DayClock) -> UserState:
    """Fold a part's events into one row a user; see ``fold``."""
    return fold(part, NEVER, upto, gap, clock)[0]


def fold(
    part: Part, start: int, upto: int, gap: int, clock: DayClock
) -> tuple[UserState, NDArray[np.int64], NDArray[np.int64]]:
    """Fold a part's events into one row a user.

    Parameters
    ----------
    part
        The events.
    start
        Microseconds since 1970 at which a window opens that ends with ``upto``.
    upto
        Microseconds since 1970; later events are left out.
    gap
        Microseconds of silence that separate two sessions; silence of exactly
        this length does not yet.
    clock
        Whose days count.

    Returns
    -------
    state
        One row for each of the part's users.
    counts, days
        Interactions in the window, and days with one. Shape ``(users,)``.

    Notes
    -----
    One sort of integers, else linear: ``O(n log n)`` for ``n`` events.
    """
    state = UserState.empty(part.users)
    counts, days = (np.zeros(part.users, dtype=np.int64) for _ in range(2))
    if not len(part):
        return state, counts, days
    for users, own, active in part.blocks(OWN, ACTIVE):
        _fold_own(state, users, own, upto, gap)
        counts[users], days[users] = _fold_active(
            state, users, active, (start, upto), clock
        )
    _fold_rest(state, part, upto)
    return state, counts, days


def _fold_own(state: UserState, users: slice, own: Runs, upto: int, gap: int) -> None:
    """Fill in what the user's own events say, deliveries aside."""
    ends = own.until(upto)
    state.first_own[users], state.last_own[users] = own.first(ends), own.last(ends)
    state.events[users] = ends - own.starts
    state.sessions[users] = own.count(own.breaks(gap), ends)


def _fold_active(
    state: UserState,
    users: slice,
    active: Runs,
    window: tuple[int, int],
    clock: DayClock,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fill in what interactions say; return those in the window, and their days."""
    start, upto = window
    ends, at = active.until(upto), active.times()
    day, new_day = days_of(active, clock, at)
    some = ends > active.starts
    state.interactions[users] = ends - active.starts
    state.last_interaction_at[users] = active.last(ends)
    state.first_day[users] = _at(day, active.starts, some)
    state.last_day[users] = _at(day, ends - 1, some)
    state.active_days[users] = active.count(new_day, ends)
    size = len(active.starts)
    if start == NEVER:
        nothing = np.zeros(size, dtype=np.int64)
        return nothing, nothing
    whole = upto >= active.latest
    inside = np.flatnonzero(at >= start if whole else (at >= start) & (at <= upto))
    who, when = active.users(inside), day[inside]
    # A user's events inside are next to each other: a change is a new day.
    new = np.ones(len(inside), dtype=np.bool_)
    new[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
    counts = np.bincount(who, minlength=size)
    return counts, np.bincount(who[new], minlength=size)


def _fold_rest(state: UserState, part: Part, upto: int) -> None:
    """Fill in what needs no order: sums, deliveries, follows."""
    state.menu_clicks[:] = count_of(part, "menu_click", upto)
    state.value[:] = _value(part, upto)
    state.first_at[:], state.last_at[:] = state.first_own, state.last_own
    user, at = part.of_kind("deliver", upto)
    if len(user):
        state.events[:] += np.bincount(user, minlength=part.users)
        state.first_at[:] = earlier(state.first_at, firsts_of(user, at, part.users))
        np.maximum.at(state.last_at, user, at)
    for name, column in follows_of(part, upto).items():
        getattr(state, name)[:] = column


def days_of(
    runs: Runs, clock: DayClock, at: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each event's local day and the places where a user's day begins."""
    day = clock.days(runs.times() if at is None else at)
    if not day.size:
        return day, np.zeros(0, dtype=np.int64)
    new = np.empty(len(day), dtype=np.bool_)
    new[0] = True
    np.not_equal(day[1:], day[:-1], out=new[1:])
    starts = runs.starts[runs.starts < len(day)]
    new[starts] = True
    return day, np.flatnonzero(new)


def _at(
    column: NDArray[np.int64], places: NDArray[np.int64], some: NDArray[np.bool_]
) -> NDArray[np.int64]:
    if not column.size:
        return np.full(len(places), NEVER)
    return np.where(some, column[np.where(some, places, 0)], NEVER)


def count_of(part: Part, name: str, upto: int) -> NDArray[np.int64]:
    """Return how many events of a kind each user has by an instant."""
    return np.bincount(part.of_kind(name, upto)[0], minlength=part.users)


def _value(part: Part, upto: int) -> NDArray[np.float64]:
    """Return the sum of each user's values, a million rows at a time."""
    total = np.zeros(part.users)
    if "value" not in part.more:
        return total
    step = max(_SUMMED, part.users)
    whole = upto >= int(part.at.max())
    for low in range(0, len(part), step):
        rows = slice(low, low + step)
        value: NDArray[Any] = part.more["value"][rows]
        if part.present[KIND_CODES["refund"]]:
            value = value * _SIGN[part.kind[rows]]
        if not whole:
            value = np.where(part.at[rows] <= upto, value, 0.0)
        total += np.bincount(part.user[rows], weights=value, minlength=part.users)
    return total


def follows_of(part: Part, upto: int) -> dict[str, NDArray[np.int64]]:
    """Return since when each user follows, the next follow, the last unfollow."""
    users, last = part.users, np.full(part.users, NEVER)
    np.maximum.at(last, *part.of_kind("unfollow", upto))
    user, at = part.of_kind("follow", upto)
    # A follow in the instant of an unfollow does not stay.
    stays = np.flatnonzero(at > last[user])
    user, at = user[stays].astype(np.int64), at[stays]
    since = firsts_of(user, at, users)
    later = at > since[user]
    again = firsts_of(user[later], at[later], users)
    return {"follow_since": since, "follow_again": again, "last_unfollow": last}


def firsts_of(
    user: NDArray[Any], at: NDArray[np.int64], users: int
) -> NDArray[np.int64]:
    """Return each user's earliest instant, or ``NEVER``."""
    first = np.full(users, np.iinfo(np.int64).max)
    np.minimum.at(first, user, at)
    return np.where(first == np.iinfo(np.int64).max, NEVER, first)
