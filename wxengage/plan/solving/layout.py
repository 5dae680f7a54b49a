"""Users in blocks (分块布局): values in the order in which the planner reads them.

Users with equal room stand together, in order of their ids; options stand slot by
slot. A block of users fits the processor's cache, and blocks are worked on by
several threads; what they return is added up in the order of the blocks, so the
number of threads changes nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.log.parallel import each
from wxengage.plan.bounds import NEVER, Group, own_groups
from wxengage.plan.candidates import HELD_OUT
from wxengage.plan.solving.nested import Nest, nest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.plan.bounds import Limits, Total
    from wxengage.plan.candidates import Candidates

__all__ = ["Block", "Kind", "Layout", "lay_out"]

# 8,192 users of 40 options are 1.3 MB of floats.
_BLOCK: Final = 8_192


@attrs.frozen(eq=False)
class Kind:
    """What users of one kind may have.

    Attributes
    ----------
    within
        The sets in a form that greed can solve, perhaps with less in them.
    groups
        All sets that bind, over the rows of the layout.
    usable
        Rows that such a user may get. Shape ``(j,)``.
    """

    within: Nest
    groups: tuple[Group, ...]
    usable: NDArray[np.bool_]


@attrs.frozen
class Block:
    """Users ``start`` to ``stop`` of a layout, all of one kind."""

    kind: int
    start: int
    stop: int


@attrs.frozen(eq=False)
class Layout:
    """A problem in blocks.

    Attributes
    ----------
    columns
        Which option each row is; slot by slot. Shape ``(j,)``.
    users, rank
        Which user each column is, and where in the order of all ids. Shape
        ``(b,)``.
    values
        What options are worth, times ``scale``; -inf where not allowed.
        Shape ``(j, b)``, 32 bits.
    scale
        A power of two: the largest value times it is about 1.
    kinds, blocks
        What users may have, and where those of a kind stand.
    weights
        What each row takes of each budget. Shape ``(t, j)``.
    limits
        The budgets. Shape ``(t,)``.
    source, source_of
        The values as they came, and the row of each column there.
    """

    columns: NDArray[np.int64]
    users: NDArray[np.int64]
    rank: NDArray[np.int64]
    values: NDArray[np.float32]
    scale: float
    kinds: tuple[Kind, ...]
    blocks: tuple[Block, ...]
    weights: NDArray[np.int64]
    limits: NDArray[np.int64]
    source: NDArray[np.floating]
    source_of: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)

    def costs(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each row costs at some prices. Shape ``(j,)``."""
        return prices @ self.weights

    def exact(self, block: Block) -> NDArray[np.float64]:
        """Return a block's values in 64 bits, as they came but for the scale."""
        if self.source.dtype == np.float32:
            return self.values[:, block.start : block.stop].astype(np.float64)
        rows = self.source[self.source_of[block.start : block.stop]]
        found = np.ascontiguousarray(rows.T[self.columns], dtype=np.float64)
        found *= self.scale
        return np.fmax(found, -np.inf, out=found)

    def sample(self, step: int) -> Layout:
        """Return every ``step``-th user of each kind, with as much less to share.

        Parameters
        ----------
        step
            At least 1.

        Returns
        -------
        Layout
            With budgets rounded to the nearest whole number.
        """
        places = np.arange(0, len(self.users), step)
        kinds = np.empty(len(self.users), dtype=np.int64)
        for block in self.blocks:
            kinds[block.start : block.stop] = block.kind
        return attrs.evolve(
            self,
            users=self.users[places],
            rank=self.rank[places],
            values=np.ascontiguousarray(self.values[:, places]),
            blocks=_blocks(kinds[places]),
            limits=np.rint(self.limits * (len(places) / len(self))).astype(np.int64),
            source_of=self.source_of[places],
        )


def lay_out(
    candidates: Candidates,
    limits: Limits,
    groups: tuple[Group, ...],
    totals: tuple[Total, ...],
    *,
    instants: NDArray[np.int64],
    by_id: NDArray[np.int64],
) -> Layout:
    """Return a problem in blocks.

    Parameters
    ----------
    candidates
        Whom and what to plan.
    limits
        For the share of ads.
    groups
        What one user may have of the options.
    totals
        What all share.
    instants
        When each option goes. Shape ``(k,)``.
    by_id
        Positions of the users in order of their ids. Shape ``(n,)``.

    Returns
    -------
    Layout
        Without the users who are held out and the options that nobody can get.
    """
    columns = _columns(candidates, totals, instants)
    rooms, kind_of = _kinds(candidates, limits, columns, instants)
    rank = np.argsort(kind_of[by_id], kind="stable")
    rank = rank[candidates.row_of[by_id[rank]] != HELD_OUT]
    users = by_id[rank]
    kinds = tuple(_kind(candidates, groups, columns, *room) for room in rooms)
    blocks = _blocks(kind_of[users])
    source_of = candidates.row_of[users]
    weights = np.zeros((len(totals), len(columns)), dtype=np.int64)
    for total, takes in zip(totals, weights, strict=True):
        takes[:] = total.weights[columns]
    scale = _scale(candidates.rows)
    values = np.empty((len(columns), len(users)), dtype=np.float32)

    def fill(block: Block) -> None:
        rows = candidates.rows[source_of[block.start : block.stop]]
        mine = values[:, block.start : block.stop]
        with np.errstate(under="ignore"):
            np.multiply(rows.T[columns], scale, out=mine, casting="same_kind")
        np.fmax(mine, -np.inf, out=mine)

    each(fill, blocks)
    return Layout(
        columns=columns,
        users=users,
        rank=rank,
        values=values,
        scale=scale,
        kinds=kinds,
        blocks=blocks,
        weights=weights,
        limits=np.array([total.limit for total in totals], dtype=np.int64),
        source=candidates.rows,
        source_of=source_of,
    )


def _columns(
    candidates: Candidates, totals: tuple[Total, ...], instants: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the options that anybody can get, slot by slot, ads last in each."""
    options = candidates.options
    able = instants != NEVER
    for total in totals:
        able &= total.weights <= total.limit
    ads = np.array([one.is_ad for one in options], dtype=np.bool_)
    loose = np.array([one.transactional for one in options], dtype=np.bool_)
    order = np.lexsort([ads, instants, loose])
    kept: NDArray[np.int64] = order[able[order]]
    return kept


def _kinds(
    candidates: Candidates,
    limits: Limits,
    columns: NDArray[np.int64],
    instants: NDArray[np.int64],
) -> tuple[list[tuple[int, int]], NDArray[np.int16]]:
    """Return how many ads and messages users of each kind may get, and all kinds."""
    ads, sends = limits.left(candidates)
    bound, is_ad = (
        group.members[columns] for group in own_groups(candidates.options, 0, 0)
    )
    # Nobody gets more than one for each instant, whatever is left.
    most_ads = len(np.unique(instants[columns[is_ad]]))
    most_sends = len(np.unique(instants[columns[bound]]))
    base = most_sends + 1
    packed = np.minimum(ads, most_ads) * base + np.minimum(sends, most_sends)
    seen = np.flatnonzero(np.bincount(packed, minlength=1))
    number = np.zeros(int(seen[-1]) + 1 if len(seen) else 1, dtype=np.int16)
    number[seen] = np.arange(len(seen))
    return [divmod(one, base) for one in seen.tolist()], number[packed]


def _kind(
    candidates: Candidates,
    groups: tuple[Group, ...],
    columns: NDArray[np.int64],
    ads_left: int,
    sends_left: int,
) -> Kind:
    limit_sends, limit_ads = own_groups(candidates.options, ads_left, sends_left)
    bound, ads = limit_sends.members[columns], limit_ads.members[columns]
    usable = np.ones(len(columns), dtype=np.bool_)
    if sends_left == 0:
        usable &= ~bound
    if ads_left == 0:
        usable &= ~ads
    over = [
        Group(group.most, group.members[columns] & usable)
        for group in (*groups, limit_sends, limit_ads)
    ]
    binding = tuple(g for g in over if int(g.members.sum()) > g.most > 0)
    single = over[-1].members if ads_left == 1 else np.zeros_like(usable)
    # Ads beyond one are left out of the family: less in it is still a bound.
    family = nest(over[:-1], usable, single)
    if ads_left > 1 and over[-1] in binding and _rank(family, over[-1]) > ads_left:
        family = attrs.evolve(family, is_whole=False)
    return Kind(family, binding, usable)


def _rank(family: Nest, group: Group) -> int:
    """Return how many leaves a set touches: more of it nobody can have."""
    return sum(bool(group.members[leaf.rows[0]].any()) for leaf in family.leaves)


def _blocks(kinds: NDArray[np.integer]) -> tuple[Block, ...]:
    """Return blocks of users of one kind."""
    ends = np.append(np.flatnonzero(np.diff(kinds)) + 1, len(kinds)).tolist()
    found, start = [], 0
    for end in ends if len(kinds) else []:
        found += [
            Block(int(kinds[start]), low, min(low + _BLOCK, end))
            for low in range(start, end, _BLOCK)
        ]
        start = end
    return tuple(found)


def _scale(rows: NDArray[np.floating]) -> float:
    largest = float(np.fmax.reduce(rows, axis=None, initial=0.0))
    return 2.0 ** -math.frexp(largest)[1]
