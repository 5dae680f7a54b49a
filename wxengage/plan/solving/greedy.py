"""The best choice of many users at once (贪心选择), at given prices.

Values less prices come as a table of options by users. The best option of each
slot is one pass over it; the best slots of a set are found by a network of maxima
and minima, which needs no sorting and no bookkeeping; only then is it looked up
which options these were. Ties go to the earlier option.

Of ads a user may get one in all, or as many as of anything else. With one, the
best choice without ads is made first: an ad then gains what it is worth above
whatever it takes the place of, its slot's best or the least of a full set, and at
most the ad that gains most is put in. (Two matroids; an exchange of one element
is all that a second matroid of rank one can ask for.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from wxengage.plan.solving.nested import Leaf, Nest

__all__ = ["Picked", "pick"]


@attrs.frozen(eq=False)
class Picked:
    """What some users choose.

    Attributes
    ----------
    values
        What each user's choice is worth after prices. Shape ``(b,)``.
    counts
        How many choose each option. Shape ``(j,)``.
    """

    values: NDArray[np.floating]
    counts: NDArray[np.int64]


@attrs.frozen(eq=False)
class _State:
    """The best of each leaf, the least worth of what fits, and what is chosen."""

    best: list[NDArray[np.floating]]
    full: list[NDArray[np.floating] | None]
    floor: list[NDArray[np.floating]]
    chosen: list[NDArray[np.bool_]]


def pick(
    reduced: NDArray[np.floating], within: Nest, chosen: NDArray[np.bool_] | None = None
) -> Picked:
    """Return the best choice of each user within a laminar family.

    Parameters
    ----------
    reduced
        What each option is worth to each user after prices; -inf where it is not
        allowed. Shape ``(j, b)``, floats of 32 or 64 bits.
    within
        What one user may have.
    chosen
        Filled with what each user chooses where given. Shape ``(j, b)``.

    Returns
    -------
    Picked
        Nothing is chosen that is not worth more than 0.

    Notes
    -----
    ``O(j b)`` for the options, and at most ``O(m l b)`` for ``l`` slots in sets
    of at most ``m``.
    """
    if chosen is not None:
        chosen[:] = False
    nothing = np.zeros(reduced.shape[1], dtype=reduced.dtype)
    best = [_best(reduced, leaf.plain, nothing) for leaf in within.leaves]
    values, full = _worth(best, within, nothing)
    floor = [_highest([full[n] for n in leaf.nodes]) for leaf in within.leaves]
    taken = [
        one > 0 if least is None else (one >= least) & (one > 0)
        for one, least in zip(best, floor, strict=True)
    ]
    state = _State(
        best, full, [nothing if one is None else one for one in floor], taken
    )
    _settle(state, within)
    counts = np.zeros(len(reduced), dtype=np.int64)
    if within.has_ads:
        values = values + _put_ads(reduced, within, state, counts, chosen)
    for leaf, one, took in zip(within.leaves, best, state.chosen, strict=True):
        _look_up(reduced, leaf.rows[0], one, took, counts=counts, chosen=chosen)
    return Picked(values, counts)


def _best(
    reduced: NDArray[np.floating],
    rows: slice | NDArray[np.int64],
    nothing: NDArray[np.floating],
) -> NDArray[np.floating]:
    options = reduced[rows]
    return np.maximum(options.max(axis=0), nothing) if len(options) else nothing


def _worth(
    best: list[NDArray[np.floating]], within: Nest, nothing: NDArray[np.floating]
) -> tuple[NDArray[np.floating], list[NDArray[np.floating] | None]]:
    """Return what a choice is worth, and of each node the least that fits."""
    tops: list[list[NDArray[np.floating]]] = []
    for node in within.nodes:
        offers = [best[leaf] for leaf in node.own]
        offers += [one for inner in node.nodes for one in tops[inner]]
        tops.append(_top(offers, node.most))
    kept = [one for root in within.roots for one in tops[root]]
    kept += [best[leaf] for leaf in within.loose]
    values = sum(kept, start=nothing)
    pairs = zip(tops, within.nodes, strict=True)
    return values, [top[-1] if len(top) == node.most else None for top, node in pairs]


def _top(
    offers: Iterable[NDArray[np.floating]], most: int
) -> list[NDArray[np.floating]]:
    """Return the ``most`` largest of some arrays, place by place, in order."""
    top: list[NDArray[np.floating]] = []
    for offer in offers:
        rest = offer
        for place, known in enumerate(top):
            top[place] = np.maximum(known, rest)
            if place + 1 < most:
                rest = np.minimum(known, rest)
        if len(top) < most:
            top.append(rest)
    return top


def _highest(
    floors: list[NDArray[np.floating] | None],
) -> NDArray[np.floating] | None:
    found: NDArray[np.floating] | None = None
    for floor in floors:
        if floor is not None:
            found = floor if found is None else np.maximum(found, floor)
    return found


def _settle(state: _State, within: Nest) -> None:
    """Where ties overfill a set, keep the earlier ones."""
    over = np.zeros(len(state.best[0]) if state.best else 0, dtype=np.bool_)
    for node in within.nodes:
        over |= _count(state.chosen, node.leaves) > node.most
    users = np.flatnonzero(over)
    if not len(users):
        return
    best = [one[users] for one in state.best]
    floor = [one[users] for one in state.floor]
    taken = [one > least for one, least in zip(best, floor, strict=True)]
    full = [None if one is None else one[users] for one in state.full]
    for number, node in enumerate(within.nodes):
        for leaf in node.leaves:
            nodes = within.leaves[leaf].nodes
            tied = (best[leaf] > 0) & (best[leaf] == floor[leaf]) & ~taken[leaf]
            tied &= _widest(full, nodes, floor[leaf]) == number
            for around in nodes:
                wider = within.nodes[around]
                tied &= _count(taken, wider.leaves) < wider.most
            taken[leaf] |= tied
    for one, mended in zip(state.chosen, taken, strict=True):
        one[users] = mended


def _widest(
    full: list[NDArray[np.floating] | None],
    nodes: tuple[int, ...],
    floor: NDArray[np.floating],
) -> NDArray[np.int64]:
    """Return the widest set that a tie concerns."""
    # What ties in a smaller set alone is worth more than what ties in a wider one,
    # and smaller sets are settled first.
    found = np.full(len(floor), -1)
    for number in nodes:
        least = full[number]
        if least is not None:
            found[least == floor] = number
    return found


def _count(chosen: list[NDArray[np.bool_]], leaves: Iterable[int]) -> NDArray[np.int16]:
    first, *rest = leaves
    total = chosen[first].astype(np.int16)
    for leaf in rest:
        total += chosen[leaf]
    return total


def _put_ads(
    reduced: NDArray[np.floating],
    within: Nest,
    state: _State,
    counts: NDArray[np.int64],
    chosen: NDArray[np.bool_] | None,
) -> NDArray[np.floating]:
    """Put in the ad that gains most, and return the gain of each user."""
    offers: list[tuple[int, Leaf, NDArray[np.floating], NDArray[np.floating]]] = []
    gain = np.zeros_like(state.best[0])
    for number, leaf in enumerate(within.leaves):
        if leaf.rows[1]:
            ad = reduced[leaf.ads].max(axis=0)
            more = ad - np.maximum(state.best[number], state.floor[number])
            offers.append((number, leaf, ad, more))
            np.maximum(gain, more, out=gain)
    open_ = gain > 0
    for number, leaf, ad, more in offers:
        here = open_ & (more == gain)
        open_ &= ~here
        _make_room(state, within, number, here)
        _look_up(reduced, leaf.rows[1], ad, here, counts=counts, chosen=chosen)
    return gain


def _make_room(
    state: _State, within: Nest, number: int, here: NDArray[np.bool_]
) -> None:
    """Take out what an ad in a leaf takes the place of."""
    least = state.floor[number]
    need = here & ~state.chosen[number] & (least > 0)
    state.chosen[number] &= ~here
    for around in within.leaves[number].nodes:
        full = state.full[around]
        if full is None:
            continue
        for leaf in within.nodes[around].leaves:
            out = need & (full == least) & state.chosen[leaf]
            out &= state.best[leaf] == least
            state.chosen[leaf] ^= out
            need ^= out


def _look_up(
    reduced: NDArray[np.floating],
    rows: list[int],
    best: NDArray[np.floating],
    took: NDArray[np.bool_],
    *,
    counts: NDArray[np.int64],
    chosen: NDArray[np.bool_] | None,
) -> None:
    """Find which option each user's best was; the earlier where several were."""
    left = took
    for row in rows:
        mine = left if row == rows[-1] else (reduced[row] == best) & left
        counts[row] = np.count_nonzero(mine)
        if chosen is not None:
            chosen[row] = mine
        if row != rows[-1]:
            left = left & ~mine
