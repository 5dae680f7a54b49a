"""Users who are worth the same, planned as one (同质用户合并).

Users with equal values and equal room form a crowd, and the planner only asks
how many of a crowd get an option. That loses nothing as long as the options can
be put in a line where every set of which a user may have only so many is one
stretch: the copies are dealt along the line, user after user and round again,
so that of any ``most * n`` copies in a row each of ``n`` users gets ``most`` at
most. Where no such line is found, the users of the crowd are told apart again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.plan.bounds import NEVER, Group, own_groups
from wxengage.plan.candidates import HELD_OUT
from wxengage.plan.result import REASONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.plan.bounds import Limits
    from wxengage.plan.candidates import Candidates

__all__ = ["LARGEST", "Crowd", "Room", "deal", "gather", "usable_by"]

#: Most variables (crowds times options that are worth something) of a problem
#: that is solved exactly; beyond, branch and bound takes minutes.
LARGEST: Final = 50_000
# With so many times as many rows times options nobody counts any further.
_FAR_BEYOND: Final = 8
_CAPACITY: Final = REASONS.index("capacity")


@attrs.frozen(eq=False)
class Crowd:
    """Interchangeable users.

    Attributes
    ----------
    members
        Positions of the users, in order of their ids. Shape ``(n,)``.
    options
        Positions of what is worth something to them, in the order in which
        copies are dealt. Shape ``(j,)``.
    worth
        What each of these is worth, above zero. Shape ``(j,)``.
    groups
        The sets that bind one of these users, over ``options``.
    """

    members: NDArray[np.int64]
    options: NDArray[np.int64]
    worth: NDArray[np.float64]
    groups: tuple[Group, ...]


@attrs.frozen(eq=False)
class Room:
    """How much one user of each crowd may still get; -1 is no bound."""

    rows: NDArray[np.int64]
    ads: NDArray[np.int64]
    sends: NDArray[np.int64]


def gather(
    candidates: Candidates,
    limits: Limits,
    groups: tuple[Group, ...],
    instants: NDArray[np.int64],
    by_id: NDArray[np.int64],
) -> tuple[tuple[Crowd, ...], NDArray[np.int8]] | None:
    """Return the crowds, and why users who are in none get nothing.

    Parameters
    ----------
    candidates
        Whom and what to plan.
    limits
        For the share of ads.
    groups
        What one user may have of the options.
    instants
        When each option goes. Shape ``(k,)``.
    by_id
        Positions of the users in order of their ids. Shape ``(n,)``.

    Returns
    -------
    crowds
        In an order that does not depend on the order of the users.
    reasons
        The reason of each user who can get nothing, a position in ``REASONS``;
        that of ``"capacity"`` for the others. Shape ``(n,)``.

    None instead of both where the problem is too large to be solved exactly.
    """
    if candidates.rows.size > _FAR_BEYOND * LARGEST:
        return None
    crowd_of, room = _rooms(candidates, limits)
    usable, reason = usable_by(candidates, room, instants)
    if int(usable.sum()) > LARGEST:
        return None
    members = _members(by_id, crowd_of, len(room.rows))
    found: list[Crowd] = []
    lines: dict[tuple[bytes, int, int], _Line] = {}
    variables = 0
    for crowd in np.flatnonzero(usable.any(axis=1)).tolist():
        worth = candidates.rows[room.rows[crowd]]
        best_first = np.argsort(-worth, kind="stable")
        best_first = best_first[usable[crowd][best_first]]
        key = best_first.tobytes(), int(room.ads[crowd]), int(room.sends[crowd])
        if key not in lines:
            own = groups + own_groups(
                candidates.options, int(room.ads[crowd]), int(room.sends[crowd])
            )
            lines[key] = _line_up(best_first, own, instants)
        line, who = lines[key], members[crowd]
        parts = (who,) if line.is_whole else tuple(np.split(who, len(who)))
        variables += len(parts) * len(line.options)
        if variables > LARGEST:
            return None
        own_worth = worth[line.options].astype(np.float64)
        found += [Crowd(part, line.options, own_worth, line.groups) for part in parts]
    reasons = np.full(len(candidates), REASONS.index("holdout"), dtype=np.int8)
    inside = crowd_of != HELD_OUT
    reasons[inside] = reason[crowd_of[inside]]
    return tuple(found), reasons


def _rooms(candidates: Candidates, limits: Limits) -> tuple[NDArray[np.int64], Room]:
    """Return each user's crowd, and what a user of each crowd may still get."""
    k, n = len(candidates.options), len(candidates)
    ads, sends = limits.left(candidates)
    held = candidates.row_of == HELD_OUT
    packed = (candidates.row_of * (k + 1) + ads) * (k + 1) + sends
    keys, crowds = np.unique(packed[~held], return_inverse=True)
    crowd_of = np.full(n, HELD_OUT, dtype=np.int64)
    crowd_of[~held] = crowds
    rest, most_sends = np.divmod(keys, k + 1)
    rows, most_ads = np.divmod(rest, k + 1)
    return crowd_of, Room(rows, most_ads, most_sends)


def usable_by(
    candidates: Candidates, room: Room, instants: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int8]]:
    """Return which options each crowd can get, and why it can get none.

    Parameters
    ----------
    candidates
        For the options and their values.
    room
        What a user of each crowd may still get. ``c`` crowds.
    instants
        When each option goes. Shape ``(k,)``.

    Returns
    -------
    usable
        Shape ``(c, k)``.
    reason
        Positions in ``REASONS``, that of ``"capacity"`` for who can get
        something. Shape ``(c,)``.
    """
    options = candidates.options
    bound = np.array([not one.transactional for one in options], dtype=np.bool_)
    ads = np.array([one.is_ad for one in options], dtype=np.bool_) & bound
    values = candidates.rows[room.rows]
    reason = np.full(len(room.rows), _CAPACITY, dtype=np.int8)
    left = np.ones(values.shape, dtype=np.bool_)
    for name, kept in (
        ("not_allowed", ~np.isnan(values)),
        ("cap", ~(bound & (room.sends == 0)[:, None])),
        ("quiet_hours", np.broadcast_to(instants != NEVER, values.shape)),
        ("ad_share", ~(ads & (room.ads == 0)[:, None])),
        ("no_value", values > 0),
    ):
        left &= kept
        barred = ~left.any(axis=1) & (reason == _CAPACITY)
        reason[barred] = REASONS.index(name)
    return left, reason


def _members(
    by_id: NDArray[np.int64], crowd_of: NDArray[np.int64], crowds: int
) -> list[NDArray[np.int64]]:
    """Return the users of each crowd in order of their ids."""
    by_id = by_id[crowd_of[by_id] != HELD_OUT]
    by_crowd = by_id[np.argsort(crowd_of[by_id], kind="stable")]
    ends = np.cumsum(np.bincount(crowd_of[by_id], minlength=crowds))
    return np.split(by_crowd, ends[:-1])


@attrs.frozen(eq=False)
class _Line:
    """Options in the order in which copies are dealt, and the sets over them."""

    options: NDArray[np.int64]
    groups: tuple[Group, ...]
    is_whole: bool


def _line_up(
    best_first: NDArray[np.int64],
    groups: tuple[Group, ...],
    instants: NDArray[np.int64],
) -> _Line:
    """Return a line in which each binding set is one stretch, if there is one."""
    binding = _binding(best_first, groups)
    by_time = best_first[np.argsort(instants[best_first], kind="stable")]
    # Sorted by membership, the widest set first, sets within sets stay together.
    keys = [~group.members[best_first] for group in reversed(binding)]
    nested = best_first[np.lexsort(keys)] if keys else best_first
    # The best first, where that will do: the smaller ids then get the better.
    for line in (best_first, nested, by_time):
        if all(_is_stretch(group.members[line]) for group in binding):
            return _along(line, binding, is_whole=True)
    return _along(best_first, binding, is_whole=False)


def _binding(options: NDArray[np.int64], groups: tuple[Group, ...]) -> list[Group]:
    """Return the sets that matter for these options, the widest first."""
    found: list[Group] = []
    inside = [(group.members[options], group) for group in groups]
    inside.sort(key=lambda pair: (-int(pair[0].sum()), pair[1].most))
    for members, group in inside:
        implied = any(
            wider.most <= group.most and not (members & ~wider.members[options]).any()
            for wider in found
        )
        if not implied and int(members.sum()) > group.most:
            found.append(group)
    return found


def _along(line: NDArray[np.int64], groups: list[Group], *, is_whole: bool) -> _Line:
    own = tuple(Group(group.most, group.members[line]) for group in groups)
    return _Line(line, own, is_whole)


def _is_stretch(inside: NDArray[np.bool_]) -> bool:
    places = np.flatnonzero(inside)
    return int(places[-1] - places[0]) + 1 == len(places)


def deal(
    crowd: Crowd, counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return who of a crowd gets what.

    Parameters
    ----------
    crowd
        The users and their options.
    counts
        How many copies of each option the crowd gets. Shape ``(j,)``.

    Returns
    -------
    users, options
        Positions, one entry a copy. Users are served in order of their ids.
    """
    copies = np.repeat(crowd.options, counts)
    who = crowd.members[np.arange(len(copies)) % len(crowd.members)]
    return who, copies
