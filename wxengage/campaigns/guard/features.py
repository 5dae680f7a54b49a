"""What is counted about each inviter (风控特征): in one pass over the log."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from wxengage.campaigns.referrals.acts import TOUCHING
from wxengage.stats.scan import most_in_window
from wxengage.times.zones import MICROS_PER_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.campaigns.guard.policy import RiskPolicy
    from wxengage.campaigns.sources import EventColumns
    from wxengage.times.days import DayClock

__all__ = ["Features", "Invites", "even_time", "features_of", "invites_of"]

# What somebody does who is there, and not only was brought.
_ALIVE: Final = (
    *("like", "share", "comment", "favorite", "click", "menu_click", "message"),
    *("purchase", "check_in", "vote", "answer", "submit", "redeem", "open", "read"),
    "watch",
)
_HOURS: Final = 24
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_MICROS_PER_HOUR: Final = MICROS_PER_DAY // _HOURS


class Invites(NamedTuple):
    """The first invite of each invitee; shape ``(invites,)`` each.

    Attributes
    ----------
    invitee, inviter
        Codes of people.
    at
        Microseconds.
    row
        Of the event that tells it.
    """

    invitee: NDArray[np.int64]
    inviter: NDArray[np.int64]
    at: NDArray[np.int64]
    row: NDArray[np.int64]


class Features(NamedTuple):
    """Counts of each inviter; shape ``(inviters,)`` each.

    Attributes
    ----------
    inviter
        Codes of people, ascending.
    invites
        How many invitees whose first invite this was.
    in_window
        The most of them within one window of even time.
    watched
        How many of them were invited long enough ago.
    left, inert, returned
        How many of those left within the horizon, did nothing at all within it, or
        had followed, left and followed again.
    placed, shared
        Of how many invites the device is known; how many of these come after another
        invite of the same inviter with the same device, or have the inviter's own.
    in_circle
        Whether invites of new people lead from them back to them.
    window
        The window's share of the whole even time.
    """

    inviter: NDArray[np.int64]
    invites: NDArray[np.int64]
    in_window: NDArray[np.int64]
    watched: NDArray[np.int64]
    left: NDArray[np.int64]
    inert: NDArray[np.int64]
    returned: NDArray[np.int64]
    placed: NDArray[np.int64]
    shared: NDArray[np.int64]
    in_circle: NDArray[np.bool_]
    window: float


def invites_of(
    events: EventColumns, campaign: str | None, span: tuple[int, int]
) -> Invites:
    """Return the first invite of each invitee.

    Parameters
    ----------
    events
        Of all kinds.
    campaign
        Id of the campaign; None: of any.
    span
        First instant, and the one after the last, microseconds.

    Returns
    -------
    Invites
        Ascending by invitee. Nobody invites themselves.
    """
    touches = (events.inviter >= 0) & events.of_kinds(*TOUCHING)
    touches &= events.inviter != events.user
    touches &= (events.at >= span[0]) & (events.at < span[1])
    if campaign is not None:
        touches &= events.says("campaign", campaign)
    rows = np.flatnonzero(touches)
    order = np.lexsort((events.inviter[rows], events.at[rows], events.user[rows]))
    rows = rows[order]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = events.user[rows][1:] != events.user[rows][:-1]
    rows = rows[first]
    return Invites(events.user[rows], events.inviter[rows], events.at[rows], rows)


def features_of(
    events: EventColumns,
    invites: Invites,
    policy: RiskPolicy,
    span: tuple[int, int],
    device: str | None,
) -> Features:
    """Count what the tests look at.

    Parameters
    ----------
    events
        Of all kinds, until the instant of asking.
    invites
        As ``invites_of`` returns them.
    policy
        Window and horizon.
    span
        From when to when invites were possible, and the instant of asking is its
        end; microseconds.
    device
        The column of the events that names a device or a subnet; None: none does.

    Returns
    -------
    Features
        Of everybody who invited somebody.
    """
    inviter, place = np.unique(invites.inviter, return_inverse=True)
    place, size = place.reshape(-1), len(inviter)
    even, length = even_time(invites.at, place, span, policy.clock)
    window = policy.window // _MICROSECOND
    horizon = policy.horizon // _MICROSECOND
    watched = invites.at + horizon < span[1]
    happened = _Course(events, invites, horizon)

    def tally(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(place[rows], minlength=size)

    placed, shared = _devices(events, invites, device)
    return Features(
        inviter=inviter,
        invites=np.bincount(place, minlength=size),
        in_window=most_in_window(place, even, window, size=size),
        watched=tally(watched),
        left=tally(watched & happened.within("unfollow")),
        inert=tally(watched & ~happened.within(*_ALIVE)),
        returned=tally(watched & happened.returned()),
        placed=tally(placed),
        shared=tally(shared),
        in_circle=_in_circle(events, invites, inviter),
        window=min(window / max(length, 1), 0.999),
    )


def even_time(
    at: NDArray[np.int64],
    group: NDArray[np.int64],
    span: tuple[int, int],
    clock: DayClock,
) -> tuple[NDArray[np.int64], int]:
    """Return instants in a time in which everybody's come evenly, and its length.

    Hours of the day count by how much comes then; in that, each group weighs the
    same, so that no burst makes the hour in which it hides.

    Parameters
    ----------
    at
        Microseconds. Shape ``(n,)``.
    group
        By whom, or for what: codes. Shape ``(n,)``.
    span
        From when to when they were possible, microseconds.
    clock
        Whose time of day is meant.

    Returns
    -------
    even
        In microseconds of even time. Shape ``(n,)``.
    length
        Of the whole time.
    """
    if not len(at):
        return at, 0
    days = clock.days(at)
    known, place = np.unique(days, return_inverse=True)
    starts = np.array([clock.start_of(day) for day in known.tolist()], dtype=np.int64)
    into = at - starts[place.reshape(-1)]
    hour = np.minimum(into // _MICROS_PER_HOUR, _HOURS - 1)
    weight = 1 / np.bincount(group)[group].astype(np.float64)
    shares = np.bincount(hour, weights=weight, minlength=_HOURS) + 1.0
    profile = shares / shares.sum()
    before = np.cumsum(profile) - profile
    part = np.minimum((into - hour * _MICROS_PER_HOUR) / _MICROS_PER_HOUR, 1.0)
    of_day = before[hour] + profile[hour] * part
    low = int(known[0])
    even = (days - low) * MICROS_PER_DAY + (of_day * MICROS_PER_DAY).astype(np.int64)
    length = max(span[1] - span[0], int(even.max() - even.min()) + 1)
    return even, length


class _Course:
    """What happened to invitees after their invites."""

    def __init__(self, events: EventColumns, invites: Invites, horizon: int) -> None:
        self._events, self._invites, self._horizon = events, invites, horizon
        self._invite = np.full(len(events.ids), -1)
        self._invite[invites.invitee] = np.arange(len(invites.invitee))

    def within(self, *kinds: str) -> NDArray[np.bool_]:
        """Return whether an event of some kinds came after, within the horizon."""
        rows = np.flatnonzero(self._events.of_kinds(*kinds))
        invite = self._invite[self._events.user[rows]]
        rows, invite = rows[invite >= 0], invite[invite >= 0]
        after = self._events.at[rows] - self._invites.at[invite]
        found = np.zeros(len(self._invites.at), dtype=np.bool_)
        found[invite[(after > 0) & (after <= self._horizon)]] = True
        return found

    def returned(self) -> NDArray[np.bool_]:
        """Return whether the invitee ever followed again after having left."""
        found = np.zeros(len(self._invites.at), dtype=np.bool_)
        both = self._events.of_kinds("follow", "unfollow")
        rows = np.flatnonzero(both)
        invite = self._invite[self._events.user[rows]]
        rows, invite = rows[invite >= 0], invite[invite >= 0]
        came = self._events.of_kinds("follow")[rows]
        order = np.lexsort((came, self._events.at[rows], invite))
        invite, came = invite[order], came[order]
        again = (invite[1:] == invite[:-1]) & came[1:] & ~came[:-1]
        found[invite[1:][again]] = True
        return found


def _devices(
    events: EventColumns, invites: Invites, device: str | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which invites have a device, and which share it in their star."""
    none = np.zeros(len(invites.at), dtype=np.bool_)
    if device is None or device not in events.words:
        return none, none
    every = events.words[device]
    codes = every[invites.row]
    known = codes >= 0
    rows = np.flatnonzero(known)
    size = int(every.max(initial=0)) + 1
    star = invites.inviter[rows] * size + codes[rows]
    # Of several on one device each but the first is one more.
    again = np.ones(len(star), dtype=np.bool_)
    again[np.unique(star, return_index=True)[1]] = False
    told = every >= 0
    own = np.isin(star, events.user[told] * size + every[told])
    shared = none.copy()
    shared[rows[again | own]] = True
    return known, shared


def _in_circle(
    events: EventColumns, invites: Invites, inviter: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which inviters are in a circle of invites.

    Only of people of whom the invite is the first that is known: who was there
    before and later comes by a friend's link has closed a circle, too, and is honest.

    Returns
    -------
    numpy.ndarray
        Shape ``(inviters,)``.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    if not len(inviter):
        return np.zeros(0, dtype=np.bool_)
    people = len(events.ids)
    since = np.full(people, np.iinfo(np.int64).max)
    np.minimum.at(since, events.user, events.at)
    new = np.flatnonzero(since[invites.invitee] >= invites.at)
    ends = invites.invitee[new], invites.inviter[new]
    ones = np.ones(len(new), dtype=np.int8)
    graph = coo_array((ones, ends), shape=(people, people))
    _, component = connected_components(graph, directed=True, connection="strong")
    return np.asarray(np.bincount(component)[component[inviter]] > 1)
