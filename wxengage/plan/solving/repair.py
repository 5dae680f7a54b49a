"""From prices to a plan (修复可行性): cut what is too much, fill what is left.

What users choose at the best prices uses the budgets up but for a hair, above or
below. Above, the choices go that are worth least after prices, for each unit of
the budget. Below, every user is asked for the one change that costs least after
prices: one more message, or another in the place of one that it drives out of a
full set; and these are made in order as long as the budgets last. Every change
makes the plan worth more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.log.parallel import each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.plan.bounds import Group
    from wxengage.plan.solving.layout import Block, Layout

__all__ = ["cut", "fill", "serve", "trim"]

# For every unit of room so many changes are looked at, and a few in every block.
_AHEAD: Final = 2.0
_SOME: Final = 4
# Changes are made in so many goes before users are asked again.
_GOES: Final = 60
_PLENTY: Final = 2**62


def trim(layout: Layout, chosen: NDArray[np.bool_], costs: NDArray[np.float64]) -> None:
    """Take from users what their sets do not allow, the least worth first.

    Parameters
    ----------
    layout
        The problem. Only kinds of users whose sets cross are looked at.
    chosen
        What each user gets; changed in place. Shape ``(j, b)``.
    costs
        What each row costs at the prices. Shape ``(j,)``.
    """
    blocks = [
        one for one in layout.blocks if not layout.kinds[one.kind].within.is_whole
    ]

    def work(block: Block) -> None:
        mine = chosen[:, block.start : block.stop]
        for group in layout.kinds[block.kind].groups:
            rows = np.flatnonzero(group.members)
            count = mine[rows].sum(axis=0)
            users = np.flatnonzero(count > group.most)
            if len(users):
                held = mine[np.ix_(rows, users)]
                values = layout.values[np.ix_(rows, block.start + users)]
                worth = np.where(held, values - costs[rows, None], -np.inf)
                order = np.argsort(-worth, axis=0, kind="stable")
                np.put_along_axis(held, order[group.most :], values=False, axis=0)
                mine[np.ix_(rows, users)] = held

    each(work, blocks)


def cut(layout: Layout, chosen: NDArray[np.bool_], costs: NDArray[np.float64]) -> None:
    """Take away sends until every budget is kept.

    Parameters
    ----------
    layout
        The problem.
    chosen
        What each user gets; changed in place. Shape ``(j, b)``.
    costs
        What each row costs at the prices. Shape ``(j,)``.

    Notes
    -----
    Of each budget in turn, what is worth least after prices for each unit.
    ``O(s)`` for the sends of the budget.
    """
    for weights, limit in zip(layout.weights, layout.limits.tolist(), strict=True):
        rows = np.flatnonzero(weights)
        counts = np.count_nonzero(chosen[rows], axis=1)
        over = int(weights[rows] @ counts) - limit
        if over <= 0:
            continue
        places = [np.flatnonzero(chosen[row]) for row in rows.tolist()]
        worth = [
            (layout.values[row, found] - costs[row]) / weights[row]
            for row, found in zip(rows.tolist(), places, strict=True)
        ]
        which, users = np.repeat(rows, counts), np.concatenate(places)
        loss = np.concatenate(worth)
        # As many as it takes if all are the lightest, in order.
        need = min(-(-over // int(weights[rows].min())), len(loss))
        least = np.flatnonzero(loss <= np.partition(loss, need - 1)[need - 1])
        least = least[np.lexsort([-layout.rank[users[least]], loss[least]])]
        freed = np.cumsum(weights[which[least]])
        gone = least[: int(np.searchsorted(freed, over)) + 1]
        chosen[which[gone], users[gone]] = False


@attrs.frozen(eq=False)
class _Offers:
    """Changes that users would make: row ``into`` for row ``out``, or for none."""

    users: NDArray[np.int64]
    into: NDArray[np.int64]
    out: NDArray[np.int64]
    gain: NDArray[np.float32]


def fill(layout: Layout, chosen: NDArray[np.bool_], costs: NDArray[np.float64]) -> int:
    """Make the changes that cost least after prices while budgets last.

    Parameters
    ----------
    layout
        The problem.
    chosen
        What each user gets, within all limits; changed in place. Shape ``(j, b)``.
    costs
        What each row costs at the prices. Shape ``(j,)``.

    Returns
    -------
    int
        How many changes were made; each one makes the plan worth more.
    """
    left = layout.limits - layout.weights @ np.count_nonzero(chosen, axis=1)
    room = np.full(len(layout.columns), _PLENTY)
    for weights, rest in zip(layout.weights, left.tolist(), strict=True):
        takes = weights > 0
        room[takes] = np.minimum(room[takes], rest // weights[takes])
    if not (room > 0).any():
        return 0
    narrow = costs.astype(np.float32)[:, None]
    each_ = each(lambda one: _offers(layout, chosen, narrow, room, one), layout.blocks)
    users = np.concatenate([one.users for one in each_])
    into = np.concatenate([one.into for one in each_])
    out = np.concatenate([one.out for one in each_])
    gain = np.concatenate([one.gain for one in each_])
    # One change a user: the best. Ties go to the smaller id.
    order = np.lexsort([into, layout.rank[users], -gain])
    first = order[np.sort(np.unique(users[order], return_index=True)[1])]
    made = _affordable(layout, into[first], out[first], left)
    done = first[made]
    swapped = done[out[done] >= 0]
    chosen[out[swapped], users[swapped]] = False
    chosen[into[done], users[done]] = True
    return len(done)


def _offers(
    layout: Layout,
    chosen: NDArray[np.bool_],
    costs: NDArray[np.float32],
    room: NDArray[np.int64],
    block: Block,
) -> _Offers:
    """Return the changes that users of a block would make."""
    kind = layout.kinds[block.kind]
    values = layout.values[:, block.start : block.stop]
    reduced = values - costs
    mine = chosen[:, block.start : block.stop]
    sets = [_Held.of(group, reduced, mine) for group in kind.groups]
    sets.sort(key=lambda one: int(one.group.members.sum()))
    share = (block.stop - block.start) / len(layout)
    found: list[tuple[NDArray[np.int64], ...]] = []
    for row in np.flatnonzero(kind.usable & (room > 0)).tolist():
        out, able = _drives_out(row, sets, mine)
        loses = np.where(out >= 0, np.take_along_axis(reduced, out[None], 0)[0], 0)
        worth = np.where(out >= 0, np.take_along_axis(values, out[None], 0)[0], 0)
        able &= values[row] > worth
        users = np.flatnonzero(able)
        gain = reduced[row, users] - loses[users]
        most = int(min(_AHEAD * room[row] * share + _SOME, len(users)))
        if most < len(users):
            bar = np.partition(gain, len(gain) - most)[len(gain) - most]
            keep = gain >= bar
            users, gain = users[keep], gain[keep]
        found.append((users + block.start, np.full(len(users), row), out[users], gain))
    if not found:
        none = np.empty(0, dtype=np.int64)
        return _Offers(none, none, none, none.astype(np.float32))
    return _Offers(*(np.concatenate(column) for column in zip(*found, strict=True)))


@attrs.frozen(eq=False)
class _Held:
    """Which users have a set full, and the least that they have of it."""

    group: Group
    full: NDArray[np.bool_]
    least: NDArray[np.int64]

    @classmethod
    def of(
        cls, group: Group, reduced: NDArray[np.float32], chosen: NDArray[np.bool_]
    ) -> _Held:
        rows = np.flatnonzero(group.members)
        mine = chosen[rows]
        full = np.count_nonzero(mine, axis=0) >= group.most
        least = np.full(reduced.shape[1], -1)
        users = np.flatnonzero(full)
        worth = np.where(mine[:, users], reduced[rows][:, users], np.inf)
        least[users] = rows[worth.argmin(axis=0)] if len(users) else -1
        return cls(group, full, least)


def _drives_out(
    row: int, sets: list[_Held], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return what each user would have to give up for a row, and who can have it."""
    able = ~chosen[row]
    out = np.full(len(able), -1)
    for held in sets:
        if not held.group.members[row]:
            continue
        # One thing at most is given up, and it must make room in every full set.
        again = held.full & (out >= 0)
        able &= ~again | held.group.members[out]
        np.copyto(out, held.least, where=held.full & (out < 0))
    return out, able


def _affordable(
    layout: Layout,
    into: NDArray[np.int64],
    out: NDArray[np.int64],
    left: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return which changes, in their order, the budgets can bear."""
    spent = np.concatenate([layout.weights, np.zeros((len(left), 1), np.int64)], axis=1)
    more = spent[:, into] - spent[:, out]
    waiting = np.arange(len(into))
    made: list[NDArray[np.int64]] = []
    for _ in range(_GOES):
        waiting = waiting[(more[:, waiting] <= left[:, None]).all(axis=0)]
        if not len(waiting):
            break
        asked = np.cumsum(np.maximum(more[:, waiting], 0), axis=1)
        fits = (asked <= left[:, None]).all(axis=0)
        # A change waits where those before it, made or not, ask for its share.
        made.append(waiting[fits])
        left = left - more[:, waiting[fits]].sum(axis=1)
        waiting = waiting[~fits]
    return np.concatenate([*made, np.empty(0, dtype=np.int64)])


def serve(layout: Layout, chosen: NDArray[np.bool_]) -> None:
    """Give users who have nothing what is left, the most valuable first.

    Parameters
    ----------
    layout
        The problem.
    chosen
        What each user gets, within all limits; changed in place. Shape ``(j, b)``.

    Notes
    -----
    Afterwards who has nothing wants nothing but what some budget has no more of.
    """
    left = layout.limits - layout.weights @ np.count_nonzero(chosen, axis=1)
    idle = np.count_nonzero(chosen, axis=0) == 0
    usable = np.zeros((len(layout.columns), len(layout)), dtype=np.bool_)
    for block in layout.blocks:
        here = layout.kinds[block.kind].usable
        usable[:, block.start : block.stop] = here[:, None]
    for row in range(len(layout.columns)):
        takes = layout.weights[:, row]
        room = min([_PLENTY, *(left[takes > 0] // takes[takes > 0]).tolist()])
        users = np.flatnonzero(idle & usable[row] & (layout.values[row] > 0))
        if room > 0 and len(users):
            order = np.lexsort([layout.rank[users], -layout.values[row, users]])
            users = users[order[:room]]
            chosen[row, users] = True
            idle[users] = False
            left = left - takes * len(users)
