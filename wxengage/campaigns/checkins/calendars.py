"""Who checked in on which days (打卡日历), from the columns of a log.

A user and a day are one whole number, ``user * width + day``: a challenge has a
first and a last day, so that these lie close together, and sorting them is a matter
of marking places. Days count from the first day of the challenge, never by month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import attrs
import numpy as np

from wxengage.campaigns.checkins.acts import CHECK_IN, UNDO, Act, day_named
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.campaigns.sources import EventColumns

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["Acts", "Calendar", "calendar_of"]

# Rows taken at a time: what is made of them stays in the cache.
_BLOCK: Final = 1 << 18
# Places that may be marked instead of sorted: so many, or so many a row.
_PLACES: Final = 1 << 26
_PLACES_A_ROW: Final = 8
_NONE: Final = -(2**40)


class Acts(NamedTuple):
    """Acts of one sort, in the order of the source; shape ``(n,)`` each.

    Attributes
    ----------
    user
        Code of the user.
    key
        User and the day that it is about.
    on
        The local day on which it was done.
    at
        When: microseconds since 1970.
    """

    user: Ints
    key: Ints
    on: Ints
    at: Ints

    def take(self, rows: NDArray[np.generic]) -> Acts:
        """Return some of them."""
        return Acts(*(column[rows] for column in self))


@attrs.frozen(eq=False)
class Calendar:
    """What counts of a log.

    Attributes
    ----------
    width
        Days of the challenge, from its first to its last.
    first
        The first of them.
    keys
        ``user * width + day - first`` of the days that count, ascending.
    made_up
        Those of them that are made up, ascending.
    checks
        The check-ins.
    make_ups, undos
        Make-ups that can count, and undoings.
    """

    width: int
    first: int
    keys: Ints
    made_up: Ints
    checks: _Checks
    make_ups: Acts
    undos: Acts

    def instants(self, keys: Ints) -> Ints:
        """Return the check-ins by which days count.

        Parameters
        ----------
        keys
            Some of ``keys`` that are not made up, ascending. Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            Microseconds since 1970; see ``CheckedDay.counted``. Shape ``(n,)``.
        """
        undone, places = _Undone.of(self.undos), _Places(keys, self.width)
        first = np.full(len(keys), np.iinfo(np.int64).max)
        last = np.full(len(keys), np.iinfo(np.int64).min)
        for block in self.checks.blocks():
            place, there = places.of(block.user, block.key)
            at = block.at[there]
            np.minimum.at(first, place, at)
            if len(self.undos.key):
                np.maximum.at(last, place, at)
        again = undone.covers(keys, first)
        return np.where(again, last, first)

    def stories(self, users: Ints) -> Iterator[tuple[int, list[Act]]]:
        """Yield all acts of some users by time.

        Parameters
        ----------
        users
            Codes, ascending.

        Yields
        ------
        user, acts
            Acts at one instant come as check-ins, make-ups, undoings.
        """
        wanted = np.zeros(len(self.checks.codes), dtype=np.bool_)
        wanted[users] = True
        told: dict[int, list[Act]] = {user: [] for user in users.tolist()}
        names: tuple[Literal["check_in", "make_up", "undo"], ...] = (
            "check_in",
            "make_up",
            "undo",
        )
        checks = [block.take(wanted[block.user]) for block in self.checks.blocks()]
        for what, parts in zip(
            names, (checks, [self.make_ups], [self.undos]), strict=True
        ):
            for part in parts:
                some = part.take(wanted[part.user])
                days = some.key - some.user * self.width + self.first
                columns = (some.user, days, some.on, some.at)
                for user, *act in zip(*(c.tolist() for c in columns), strict=True):
                    told[user].append(Act(what, *act))
        for user, acts in told.items():
            yield user, sorted(acts, key=lambda act: act.at)


class _Checks(NamedTuple):
    """The check-ins of a log, read in blocks."""

    campaign: CheckIn
    codes: range
    user: Ints
    at: Ints

    def blocks(self) -> Iterator[Acts]:
        """Yield them in the order of the source."""
        width = self.campaign.width
        for low in range(0, len(self.at), _BLOCK):
            rows = slice(low, low + _BLOCK)
            user, at = self.user[rows], self.at[rows]
            on = self.campaign.clock.days(at)
            yield Acts(user, user * width + (on - self.campaign.first_day), on, at)


class _Places:
    """Where keys stand among some that ascend."""

    def __init__(self, keys: Ints, width: int) -> None:
        self._keys = keys
        users = int(keys[-1]) // width + 1 if len(keys) else 0
        # Where each user's keys begin: few lie between two of these.
        self._bounds = np.searchsorted(keys, np.arange(users + 1) * width)
        self._most = int(np.diff(self._bounds).max(initial=0))

    def of(self, user: Ints, key: Ints) -> tuple[Ints, Ints]:
        """Return the places of those keys that are there, and the rows of these."""
        rows = np.flatnonzero(user < len(self._bounds) - 1)
        rows = rows[self._bounds[user[rows]] < self._bounds[user[rows] + 1]]
        low, high = self._bounds[user[rows]], self._bounds[user[rows] + 1]
        wanted = key[rows]
        for _ in range(self._most.bit_length()):
            middle = (low + high) // 2
            below = self._keys[np.minimum(middle, len(self._keys) - 1)] < wanted
            below &= middle < high
            low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
        found = low < self._bounds[user[rows] + 1]
        found &= self._keys[np.minimum(low, len(self._keys) - 1)] == wanted
        return low[found], rows[found]


class _Undone(NamedTuple):
    """The last undoing of each day that has one; keys ascend."""

    keys: Ints
    at: Ints

    @classmethod
    def of(cls, undos: Acts) -> _Undone:
        order = np.lexsort((undos.at, undos.key))
        keys, at = undos.key[order], undos.at[order]
        last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True)[: len(keys)])
        return cls(keys[last], at[last])

    def covers(self, key: Ints, at: Ints) -> Flags:
        """Return which acts were undone later, or at that instant."""
        if not len(self.keys):
            return np.zeros(len(key), dtype=np.bool_)
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        covered: Flags = (self.keys[place] == key) & (at <= self.at[place])
        return covered


def calendar_of(events: EventColumns, campaign: CheckIn, now: int) -> Calendar:
    """Return which days of whom count.

    Parameters
    ----------
    events
        Of any campaigns.
    campaign
        The challenge.
    now
        Later events are left out: microseconds since 1970.

    Returns
    -------
    Calendar
        Of the users in ``events``.

    Notes
    -----
    ``O(events + users * days)`` time and a byte a user and day while these are
    few enough, a sort beyond; and a sort of make-ups and undoings.
    """
    first, people = campaign.first_day, len(events.ids)
    width = campaign.width
    ours = events.says("campaign", campaign.id) & (events.at <= now)
    opens, closes = micros("opens", campaign.opens), micros("closes", campaign.closes)
    checked = events.of_kinds(CHECK_IN) & ours
    undoing = events.of_kinds(UNDO) & ours
    plain, dated = checked, np.zeros(0, dtype=np.int64)
    named = _named(events)
    if named is not None:
        dated = np.flatnonzero(checked & (named != _NONE))
        dated = dated[named[dated] != campaign.clock.days(events.at[dated])]
        plain = checked.copy()
        plain[dated] = False
    plain = plain & (events.at >= opens) & (events.at < closes)
    rows = slice(None) if plain.all() else np.flatnonzero(plain)
    checks = _Checks(campaign, range(people), events.user[rows], events.at[rows])
    undos = _acts(events, campaign, named, np.flatnonzero(undoing))
    undone = _Undone.of(undos)
    keys = _keys(checks, undone, people * width)
    make_ups = _possible(_acts(events, campaign, named, dated), campaign)
    made_up = _made_up(make_ups, undone, keys, campaign)
    if len(made_up):
        # Two ascending runs without a key in common: a stable sort merges them.
        keys = np.sort(np.append(keys, made_up), kind="stable")
    return Calendar(width, first, keys, made_up, checks, make_ups, undos)


def _named(events: EventColumns) -> Ints | None:
    """Return the day that each event's item names; None where none does."""
    if "item" not in events.words:
        return None
    days = [day_named(item) for item in events.values["item"].tolist()]
    if all(day is None for day in days):
        return None
    table = np.array([_NONE if day is None else day for day in [*days, None]])
    named: Ints = table[events.words["item"]]
    return named


def _acts(
    events: EventColumns, campaign: CheckIn, named: Ints | None, rows: Ints
) -> Acts:
    """Return the acts of some rows that name a day of the challenge."""
    if named is None:
        rows = rows[:0]
        days = np.zeros(0, dtype=np.int64)
    else:
        days = named[rows]
        within = (days >= campaign.first_day) & (days <= campaign.last_day)
        rows, days = rows[within], days[within]
    user, at = events.user[rows], events.at[rows]
    key = user * campaign.width + days - campaign.first_day
    return Acts(user, key, campaign.clock.days(at), at)


def _keys(checks: _Checks, undone: _Undone, places: int) -> Ints:
    """Return users and days with a check-in that was not undone, ascending."""

    def blocks() -> Iterator[Ints]:
        for block in checks.blocks():
            if len(undone.keys):
                yield block.key[~undone.covers(block.key, block.at)]
            else:
                yield block.key

    if places > max(_PLACES, _PLACES_A_ROW * len(checks.at)):
        keys = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *blocks()]))
        first: Flags = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
        return keys[first]
    marked = np.zeros(places, dtype=np.bool_)
    for key in blocks():
        marked[key] = True
    return np.flatnonzero(marked)


def _possible(make_ups: Acts, campaign: CheckIn) -> Acts:
    """Return the make-ups that may count, whatever else happens."""
    if not campaign.make_ups:
        return make_ups.take(np.zeros(0, dtype=np.int64))
    day = make_ups.key - make_ups.user * campaign.width + campaign.first_day
    opens = micros("opens", campaign.opens)
    until = micros("until", campaign.make_ups_until or campaign.closes)
    fits = (make_ups.at >= opens) & (make_ups.at < until)
    fits &= (day < make_ups.on) & (make_ups.on - day <= campaign.look_back)
    return make_ups.take(np.flatnonzero(fits))


def _made_up(make_ups: Acts, undone: _Undone, keys: Ints, campaign: CheckIn) -> Ints:
    """Return the days that are made up, ascending; see ``judging.judged``."""
    if not len(make_ups.key) or not len(keys):
        return np.zeros(0, dtype=np.int64)
    width = campaign.width
    place = np.searchsorted(keys, make_ups.user * width)
    joined = keys[np.minimum(place, len(keys) - 1)]
    counts = (joined // width == make_ups.user) & (joined < make_ups.key)
    counts &= ~undone.covers(make_ups.key, make_ups.at)
    counts &= ~np.isin(make_ups.key, keys)
    order = np.lexsort((make_ups.key, make_ups.at, make_ups.user))
    some = make_ups.take(order[counts[order]])
    month = some.on.astype("datetime64[D]").astype("datetime64[M]")
    found = np.zeros(0, dtype=np.int64)
    for one in np.unique(month):
        now = some.take(np.flatnonzero((month == one) & ~np.isin(some.key, found)))
        _, firsts = np.unique(now.key, return_index=True)
        now = now.take(np.sort(firsts))
        heads = np.flatnonzero(np.append(True, np.diff(now.user) != 0)[: len(now.user)])
        sizes = np.diff(np.append(heads, len(now.user)))
        rank = np.arange(len(now.user)) - np.repeat(heads, sizes)
        found = np.append(found, now.key[rank < campaign.make_ups])
    return np.sort(found)
