"""The occasions of everybody (触发时机): the same scenes as columns."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.log.part import kind_mask
from wxengage.log.runs import NEVER
from wxengage.plan.scenes.columns import UNKNOWN
from wxengage.plan.scenes.occasions import breaks_at, celebrated, named
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
    span_of,
)
from wxengage.plan.scenes.trigger import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from wxengage.log.table import Log
    from wxengage.plan.scenes.columns import Crowd
    from wxengage.plan.scenes.scene import Scene
    from wxengage.plan.scenes.trigger import Trigger
    from wxengage.times.days import DayClock

__all__ = ["Occasions", "last_of", "open_occasions"]


@attrs.frozen(eq=False)
class Occasions:
    """Occasions that have been entered; every column has shape ``(n,)``.

    Attributes
    ----------
    user
        Codes of the crowd.
    name
        As in ``Occasion``: text, or the number that it is written from.
    since, entered, ends
        Microseconds since 1970; ``ends`` is ``FOREVER`` for none.
    over
        Whether something the user did has ended it by now.
    """

    user: NDArray[np.int64]
    name: NDArray[Any]
    since: NDArray[np.int64]
    entered: NDArray[np.int64]
    ends: NDArray[np.int64]
    over: NDArray[np.bool_]

    def take(self, rows: NDArray[Any]) -> Self:
        """Return some rows, by place or by mask."""
        columns = (getattr(self, f.name)[rows] for f in attrs.fields(type(self)))
        return type(self)(*columns)

    @classmethod
    def joined(cls, pieces: Iterable[Self]) -> Self:
        """Return several tables as one."""
        parts = list(pieces)
        names = [field.name for field in attrs.fields(cls)]
        return cls(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in names)
        )


def _endless(
    user: NDArray[np.int64],
    since: NDArray[np.int64],
    entered: NDArray[np.int64],
    over: NDArray[np.bool_],
) -> Occasions:
    """Return occasions that are named by their instant and have no end."""
    ends = np.full(len(user), FOREVER)
    return Occasions(user, since, since, entered, ends, over)


def open_occasions(
    trigger: Trigger, crowd: Crowd, now: int, clock: DayClock
) -> Occasions:
    """Return the occasions that a trigger has not finished with.

    Parameters
    ----------
    trigger
        The trigger.
    crowd
        What is known of all users. What is later than now is not read.
    now
        Microseconds since 1970.
    clock
        Whose days count, and whose zone is taken for an unknown one.

    Returns
    -------
    Occasions
        Entered, let in by the rule of re-entry, neither over nor stopped.

    Notes
    -----
    One sort of the events of the scene's kinds, ``O(n log n)``; only a maximum
    a user, ``O(n)``, where silence may come again at each occasion.
    """
    # Where re-entry does not look back, silences that were broken are not needed.
    whole = trigger.again_micros > 0
    scene: Scene = trigger.scene
    found = (
        _last_silence(scene, crowd, now)
        if isinstance(scene, Silent) and not whole
        else _OF[type(scene)](scene, crowd, now, clock)
    )
    if whole:
        found = found.take(_admitted(trigger, found))
    found = found.take(~found.over)
    if trigger.unless:
        last = np.full(len(crowd.ids), NEVER)
        of_log = last_of(crowd.log, trigger.unless, now)
        last[: len(of_log)] = of_log
        found = found.take(last[found.user] < found.since)
    return found


def _admitted(trigger: Trigger, found: Occasions) -> NDArray[np.int64]:
    """Return the places of the occasions that the rule of re-entry lets in."""
    ties = np.unique(found.name, return_inverse=True)[1]
    order = np.lexsort((ties, found.entered, found.user))
    user, entered = found.user[order], found.entered[order]
    first = np.flatnonzero(np.append(True, user[1:] != user[:-1])[: len(user)])
    again = trigger.again_micros
    if again == FOREVER or not len(user):
        return order[first]
    # From each entry to the next one that is late enough: ranks instead of times
    # keep user and time within one 64-bit key.
    ranks = np.unique(np.append(entered, entered + again), return_inverse=True)[1]
    size = int(ranks.max()) + 1
    following = np.searchsorted(
        user * size + ranks[: len(user)], user * size + ranks[len(user) :]
    )
    kept = np.zeros(len(user), dtype=np.bool_)
    places = first
    while places.size:
        kept[places] = True
        ahead = following[places]
        inside = ahead < len(user)
        places, ahead = places[inside], ahead[inside]
        places = ahead[user[ahead] == user[places]]
    return order[kept]


def last_of(log: Log, kinds: tuple[str, ...], now: int) -> NDArray[np.int64]:
    """Return each user's last instant of some kinds by now.

    Parameters
    ----------
    log
        What users did.
    kinds
        Which kinds.
    now
        Microseconds since 1970, included.

    Returns
    -------
    numpy.ndarray
        By code of the log; ``NEVER`` for none. Shape ``(users,)``.
    """
    found, wanted = np.full(len(log.ids), NEVER), kind_mask(kinds)
    for part in log.parts:
        rows = np.flatnonzero(wanted[part.kind] & (part.at <= now))
        last = np.full(part.users, NEVER)
        np.maximum.at(last, part.user[rows], part.at[rows])
        found[part.members] = last
    return found


def _moments(
    log: Log, kinds: tuple[str, ...], now: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield user and instant by now, ascending, each once; a user in one block."""
    wanted = kind_mask(kinds)
    for part in log.parts:
        for users, runs, _ in part.blocks(wanted, wanted):
            codes = part.members[users]
            user, at = np.repeat(codes, np.diff(runs.bounds)), runs.times()
            new = np.ones(len(at), dtype=np.bool_)
            new[1:] = (at[1:] != at[:-1]) | (user[1:] != user[:-1])
            new &= at <= now
            yield user[new], at[new]


def _followed(_: Followed, crowd: Crowd, now: int, __: DayClock) -> Occasions:
    return Occasions.joined(
        _stretches(
            part.members, *part.of_kind("follow", now), *part.of_kind("unfollow", now)
        )
        for part in crowd.log.parts
    )


def _stretches(
    members: NDArray[np.int64],
    follower: NDArray[np.uint32],
    followed: NDArray[np.int64],
    leaver: NDArray[np.uint32],
    left: NDArray[np.int64],
) -> Occasions:
    """Return the stretches of following of a part's users."""
    user, at = np.append(follower, leaver), np.append(followed, left)
    ends = np.repeat([False, True], [len(followed), len(left)])
    # In one instant the unfollow counts last.
    order = np.lexsort((ends, at, user))
    user, at, ends = user[order], at[order], ends[order]
    opens = np.ones(len(at), dtype=np.bool_)
    opens[1:] = (user[1:] != user[:-1]) | ends[:-1]
    starts, stops = np.flatnonzero(opens & ~ends), np.flatnonzero(ends)
    # The first unfollow from there on, if it is the same user's.
    place = np.searchsorted(stops, starts)
    inside = place < len(stops)
    stop = stops[place[inside]]
    over = np.zeros(len(starts), dtype=np.bool_)
    over[inside] = user[stop] == user[starts[inside]]
    stays = np.ones(len(starts), dtype=np.bool_)
    stays[inside] = ~over[inside] | (at[stop] > at[starts[inside]])
    starts, over = starts[stays], over[stays]
    return _endless(members[user[starts]], at[starts], at[starts], over)


def _happened(scene: Happened, crowd: Crowd, now: int, _: DayClock) -> Occasions:
    return Occasions.joined(
        _endless(user, at, at, np.zeros(len(at), dtype=np.bool_))
        for user, at in _moments(crowd.log, scene.kinds, now)
    )


def _silent(scene: Silent, crowd: Crowd, now: int, _: DayClock) -> Occasions:
    after = span_of(scene.after)

    def of(user: NDArray[np.int64], at: NDArray[np.int64]) -> Occasions:
        following = np.full(len(at), FOREVER)
        same = user[1:] == user[:-1]
        following[:-1][same] = at[1:][same]
        rows = np.flatnonzero((at + after <= now) & (at + after < following))
        at, following = at[rows], following[rows]
        return _endless(user[rows], at, at + after, following < FOREVER)

    return Occasions.joined(of(*some) for some in _moments(crowd.log, scene.kinds, now))


def _last_silence(scene: Silent, crowd: Crowd, now: int) -> Occasions:
    """Return the silences that last; those that were broken are left out."""
    after, last = span_of(scene.after), last_of(crowd.log, scene.kinds, now)
    user = np.flatnonzero((last != NEVER) & (last <= now - after))
    at = last[user]
    return _endless(user, at, at + after, np.zeros(len(at), dtype=np.bool_))


def _birthday(scene: Birthday, crowd: Crowd, now: int, clock: DayClock) -> Occasions:
    user = np.flatnonzero(crowd.birthday != UNKNOWN)
    # As many questions as there are days of the year, times zones.
    zones = len(crowd.zones) + 1
    pair = crowd.birthday[user] * zones + crowd.zone[user] + 1
    pairs, place = np.unique(pair, return_inverse=True)
    tz = (clock.tz, *crowd.zones)
    answers = [
        celebrated(scene, crowd.birthdays[code // zones], tz[code % zones], now)
        for code in pairs.tolist()
    ]
    found = [one for answer in answers for one in answer]
    row = np.cumsum([0, *map(len, answers)])
    today = np.diff(row)[place] > 0
    user, chosen = user[today], row[place[today]]
    entered, name, ends = (
        np.array(column, dtype=np.int64)[chosen]
        for column in (
            [one.entered for one in found],
            [int(one.name) for one in found],
            [one.ends for one in found],
        )
    )
    over = np.zeros(len(user), dtype=np.bool_)
    return Occasions(user, name, entered, entered, ends, over)


def _streak_breaking(
    scene: StreakBreaking, crowd: Crowd, now: int, clock: DayClock
) -> Occasions:
    blocks = _moments(crowd.log, (scene.kind,), now)
    return Occasions.joined(_breaking(scene, *some, now, clock) for some in blocks)


def _breaking(
    scene: StreakBreaking,
    user: NDArray[np.int64],
    at: NDArray[np.int64],
    now: int,
    clock: DayClock,
) -> Occasions:
    day = clock.days(at)
    new = np.ones(len(day), dtype=np.bool_)
    new[1:] = (day[1:] != day[:-1]) | (user[1:] != user[:-1])
    user, at, day = user[new], at[new], day[new]
    broken = np.ones(len(day), dtype=np.bool_)
    broken[1:] = (np.diff(day) != 1) | (np.diff(user) != 0)
    firsts = np.flatnonzero(broken)
    length = np.arange(len(day)) - firsts[np.cumsum(broken) - 1] + 1
    # The next day's first check-in, where there is one.
    checked_in = np.full(len(day), FOREVER)
    checked_in[:-1][~broken[1:]] = at[1:][~broken[1:]]
    rows = np.flatnonzero(length >= scene.days)
    days, place = np.unique(day[rows] + 1, return_inverse=True)
    known = [breaks_at(scene.by, one, clock) for one in days.tolist()]
    start, late, end = np.array(known, dtype=np.int64).reshape(-1, 3)[place].T
    open_ = np.flatnonzero((late <= now) & (late < checked_in[rows]))
    rows, start, late, end = rows[open_], start[open_], late[open_], end[open_]
    over = checked_in[rows] < FOREVER
    return Occasions(user[rows], day[rows] + 1, start, late, end, over)


def _held(
    crowd: Crowd, rows: NDArray[np.int64], entered: NDArray[np.int64], now: int
) -> Occasions:
    """Return the occasions of some holdings; not what is used in its entry."""
    held = crowd.held
    some = (held.at[rows] <= now) & (entered <= now) & (entered < held.closed[rows])
    rows, entered = rows[some], entered[some]
    pairs = zip(held.id[rows].tolist(), held.at[rows].tolist(), strict=True)
    names = np.array([*(named(name, at) for name, at in pairs), None], dtype=object)
    return Occasions(
        held.user[rows],
        names[:-1],
        held.at[rows],
        entered,
        held.until[rows],
        held.closed[rows] <= now,
    )


def _expiring(scene: Expiring, crowd: Crowd, now: int, _: DayClock) -> Occasions:
    held = crowd.held
    rows = np.flatnonzero((held.kind == scene.kind) & (held.until != FOREVER))
    near = held.until[rows] - span_of(scene.before)
    return _held(crowd, rows, np.maximum(held.at[rows], near), now)


def _running_low(scene: RunningLow, crowd: Crowd, now: int, _: DayClock) -> Occasions:
    held = crowd.held
    rows = np.flatnonzero((held.kind == scene.kind) & (held.left == scene.left))
    return _held(crowd, rows, held.at[rows], now)


_OF: Final[Mapping[type, Callable[[Any, Crowd, int, DayClock], Occasions]]] = (
    MappingProxyType(
        {
            Followed: _followed,
            Happened: _happened,
            Silent: _silent,
            Birthday: _birthday,
            StreakBreaking: _streak_breaking,
            Expiring: _expiring,
            RunningLow: _running_low,
        }
    )
)
