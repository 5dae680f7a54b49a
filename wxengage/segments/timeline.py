"""Every change of segment in a log, at the exact instant it happens.

Nobody's segment changes but at a few instants that the events themselves fix:
an interaction enters the window, leaves it ``active_within`` later, and silence
turns into dormancy ``dormant_after`` later. Each is a signed step; sorted by
user and time, running sums of the steps are the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from wxengage.log.state import OWN
from wxengage.segments.policy import ACTIVE, DORMANT, NOBODY, POTENTIAL
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.part import Part
    from wxengage.segments.policy import LifecyclePolicy

__all__ = ["Changes", "changes"]

FOREVER: Final = np.iinfo(np.int64).max


class Changes(NamedTuple):
    """Changes of segment, a row each: codes, and microseconds since 1970."""

    user: NDArray[np.int64]
    origin: NDArray[np.int64]
    target: NDArray[np.int64]
    at: NDArray[np.int64]


def changes(part: Part, policy: LifecyclePolicy) -> Changes:
    """Return every change of segment of a part's users.

    Parameters
    ----------
    part
        The events.
    policy
        The rules.

    Returns
    -------
    Changes
        Ascending by user and time. A user's first row has origin ``NOBODY``:
        their first event. Changes that time alone brings after the last event
        are included.

    Notes
    -----
    ``O(n log n)`` for ``n`` events. Where one interaction suffices the gaps
    between interactions tell everything; else there are up to ``4 n`` steps.
    """
    return by_gaps(part, policy) if policy.one_suffices else by_steps(part, policy)


def by_gaps(part: Part, policy: LifecyclePolicy) -> Changes:
    """Return the changes when every interaction makes active until dormancy."""
    silence = span_micros("dormant_after", policy.dormant_after)
    weights = policy.thousandths > 0
    pieces = []
    for users, _, held in part.blocks(OWN | weights, weights):
        begins = held.breaks(silence)
        final = np.append(begins[1:], len(held.keys))[: len(begins)] - 1
        user = held.users(begins) + users.start
        pieces.append((user, held.times(begins), held.times(final) + silence))
    who, awake, asleep = (
        np.concatenate(column) for column in zip(*pieces, strict=True)
    )
    newly = np.append(True, who[1:] != who[:-1])[: len(who)]
    first = _first(part)
    born = np.flatnonzero(first != FOREVER)
    met = np.full(part.users, FOREVER)
    met[who[newly]] = awake[newly]
    looked_on = born[first[born] < met[born]]
    origin = np.where(newly, np.where(first[who] < awake, POTENTIAL, NOBODY), DORMANT)
    user = np.concatenate((looked_on, who, who))
    at = np.concatenate((first[looked_on], awake, asleep))
    order = np.lexsort((at, user))
    return Changes(
        user[order],
        _joined(NOBODY, looked_on, origin, ACTIVE, who)[order],
        _joined(POTENTIAL, looked_on, np.full_like(who, ACTIVE), DORMANT, who)[order],
        at[order],
    )


def _joined(
    looked: int,
    on: NDArray[np.int64],
    awake: NDArray[np.int64],
    asleep: int,
    who: NDArray[np.int64],
) -> NDArray[np.int64]:
    return np.concatenate((np.full_like(on, looked), awake, np.full_like(who, asleep)))


def by_steps(part: Part, policy: LifecyclePolicy) -> Changes:
    """Return the changes under any policy."""
    user, at, weight, dormant = _steps(part, policy)
    order = np.lexsort((at, user))
    user, at = user[order], at[order]
    # A user's weights all leave again and every dormancy ends (at the end of
    # time), so one running sum over all users starts at zero for each.
    held = np.cumsum(weight[order])
    asleep = np.cumsum(dormant[order])
    last = np.append((user[1:] != user[:-1]) | (at[1:] != at[:-1]), True)[: len(user)]
    user, at = user[last], at[last]
    enough = held[last] >= policy.needed
    state = np.select([asleep[last] > 0, enough], [DORMANT, ACTIVE], POTENTIAL)
    newly = np.append(True, user[1:] != user[:-1])[: len(user)]
    origin = np.where(newly, NOBODY, np.append(NOBODY, state[:-1])[: len(user)])
    changed = (origin != state) & (at < FOREVER)
    return Changes(user[changed], origin[changed], state[changed], at[changed])


def _steps(part: Part, policy: LifecyclePolicy) -> tuple[NDArray[np.int64], ...]:
    """Return user, instant, change of weight and change of dormancy."""
    within = span_micros("active_within", policy.active_within)
    silence = span_micros("dormant_after", policy.dormant_after)
    weights = policy.thousandths
    rows = np.flatnonzero(weights[part.kind] > 0)
    rows = rows[np.lexsort((part.at[rows], part.user[rows]))]
    user, at = part.user[rows].astype(np.int64), part.at[rows]
    weight = weights[part.kind[rows]]
    final = np.append(user[1:] != user[:-1], True)[: len(user)]
    following = np.where(final, FOREVER, np.append(at[1:], 0)[: len(at)])
    sleeps = (
        at < following - silence
    )  # not `following - at`: before 1970 that overflows
    first = _first(part)
    born = np.flatnonzero(first != FOREVER)
    nothing = np.zeros(len(user), dtype=np.int64)
    one, none = np.ones(int(sleeps.sum()), dtype=np.int64), np.zeros_like(born)
    return (
        np.concatenate((user, user, user[sleeps], user[sleeps], born)),
        np.concatenate(
            (at, at + within, at[sleeps] + silence, following[sleeps], first[born])
        ),
        np.concatenate((weight, -weight, 0 * one, 0 * one, none)),
        np.concatenate((nothing, nothing, one, -one, none)),
    )


def _first(part: Part) -> NDArray[np.int64]:
    """Return each user's first event of any kind, or ``FOREVER``."""
    first = np.full(part.users, FOREVER)
    np.minimum.at(first, part.user, part.at)
    return first
