"""Sets within sets (嵌套约束): what one user may have, in a form greed can solve.

Where of any two sets one lies within the other, or they have nothing in common,
the family is laminar, and the best choice within it is greedy: the best option of
every slot, then the best slots of every set, from the inside out. Sets that cross
others are cut along them: the pieces still hold, together they ask for less, and
so a bound that is computed with them is a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Group

__all__ = ["Leaf", "Nest", "Node", "nest"]


@attrs.frozen(eq=False)
class Leaf:
    """Options of which a user gets one at most.

    Attributes
    ----------
    plain
        Rows of options that anybody may get.
    ads
        Rows of ads of which a user gets one in all; empty where ads are plain.
    nodes
        The sets around it, from the inside out.
    """

    plain: slice | NDArray[np.int64]
    ads: slice | NDArray[np.int64]
    nodes: tuple[int, ...]

    @property
    def rows(self) -> tuple[list[int], list[int]]:
        """The rows of ``plain`` and of ``ads``, one by one."""
        return _listed(self.plain), _listed(self.ads)


@attrs.frozen(eq=False)
class Node:
    """A set of leaves of which a user gets at most ``most``.

    Attributes
    ----------
    most
        At least 2.
    leaves
        All leaves within it.
    own
        The leaves that are in no smaller set.
    nodes
        The largest sets within it.
    """

    most: int
    leaves: tuple[int, ...]
    own: tuple[int, ...]
    nodes: tuple[int, ...]


@attrs.frozen(eq=False)
class Nest:
    """A laminar family.

    Attributes
    ----------
    leaves
        Every row is in one leaf.
    nodes
        The inner ones first.
    roots
        The nodes that are in no other.
    loose
        The leaves that are in no node.
    is_whole
        Whether it says all that the sets say; False where some were cut.
    """

    leaves: tuple[Leaf, ...]
    nodes: tuple[Node, ...]
    roots: tuple[int, ...]
    loose: tuple[int, ...]
    is_whole: bool

    @property
    def has_ads(self) -> bool:
        """Whether some ads are held to one a user."""
        return any(leaf.rows[1] for leaf in self.leaves)


def nest(
    groups: Iterable[Group], usable: NDArray[np.bool_], ads: NDArray[np.bool_]
) -> Nest:
    """Return sets as a laminar family.

    Parameters
    ----------
    groups
        What one user may have of the options.
    usable
        Which options count at all. Shape ``(j,)``.
    ads
        The options of which a user gets one in all. Shape ``(j,)``.

    Returns
    -------
    Nest
        The same sets where they are laminar, and less where they cross. Sets of
        which a user gets one are kept whole before wider ones.

    Notes
    -----
    ``O(g^2 j)`` for ``g`` sets; done once for each kind of user, not for each
    user.
    """
    found, is_whole = _laminar(groups, usable)
    slots = [inside for most, inside in found if most == 1]
    taken = np.any([np.zeros_like(usable), *slots], axis=0)
    singles = np.flatnonzero(usable & ~taken)
    parts = [*slots, *(np.arange(len(usable)) == one for one in singles.tolist())]
    parts.sort(key=lambda part: int(part.argmax()))
    wider = [(most, inside) for most, inside in found if most > 1]
    wider.sort(key=lambda pair: (int(pair[1].sum()), int(pair[1].argmax())))
    around = [
        tuple(n for n, (_, inside) in enumerate(wider) if inside[part.argmax()])
        for part in parts
    ]
    leaves = tuple(
        Leaf(_rows(part & ~ads), _rows(part & ads), above)
        for part, above in zip(parts, around, strict=True)
    )
    nodes = tuple(_node(n, wider, around) for n in range(len(wider)))
    nested = {inner for node in nodes for inner in node.nodes}
    roots = tuple(n for n in range(len(nodes)) if n not in nested)
    loose = tuple(leaf for leaf, above in enumerate(around) if not above)
    return Nest(leaves, nodes, roots, loose, is_whole)


def _laminar(
    groups: Iterable[Group], usable: NDArray[np.bool_]
) -> tuple[list[tuple[int, NDArray[np.bool_]]], bool]:
    """Return sets none of which cross, and whether they are all there was."""
    is_whole = True
    kept: list[tuple[int, NDArray[np.bool_]]] = []
    inside = [(group.most, group.members & usable) for group in groups]
    # Slots first, since nearly every plan has them; then wide before narrow.
    inside.sort(key=lambda pair: (pair[0] > 1, -int(pair[1].sum())))
    for most, members in inside:
        if not _binds(most, members, kept):
            continue
        pieces = [members]
        for _, other in kept:
            pieces = [cut for piece in pieces for cut in _cut(piece, other)]
        is_whole &= len(pieces) == 1
        kept += [(most, piece) for piece in pieces if _binds(most, piece, kept)]
    return kept, is_whole


def _binds(
    most: int, members: NDArray[np.bool_], kept: list[tuple[int, NDArray[np.bool_]]]
) -> bool:
    """Return whether more than ``most`` of a set's members could be had without it."""
    room, left = 0, members.copy()
    for limit, other in kept:
        if not (members & ~other).any() and limit <= most:
            return False
        if limit == 1:
            room += bool((left & other).any())
            left &= ~other
    return room + int(left.sum()) > most


def _cut(
    piece: NDArray[np.bool_], other: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], ...]:
    within, beyond = piece & other, piece & ~other
    crosses = within.any() and beyond.any() and (other & ~piece).any()
    return (within, beyond) if crosses else (piece,)


def _node(
    number: int,
    wider: list[tuple[int, NDArray[np.bool_]]],
    around: list[tuple[int, ...]],
) -> Node:
    leaves = tuple(leaf for leaf, above in enumerate(around) if number in above)
    inner = [n for n in range(number) if (wider[n][1] & ~wider[number][1]).sum() == 0]
    own = tuple(leaf for leaf in leaves if around[leaf][0] == number)
    nodes = tuple(
        n
        for n in inner
        if not any((wider[n][1] & ~wider[m][1]).sum() == 0 for m in inner if m > n)
    )
    return Node(wider[number][0], leaves, own, nodes)


def _rows(members: NDArray[np.bool_]) -> slice | NDArray[np.int64]:
    """Return the members' rows, as a slice where they are next to each other."""
    rows = np.flatnonzero(members)
    if not len(rows):
        return slice(0, 0)
    low, high = int(rows[0]), int(rows[-1]) + 1
    return slice(low, high) if high - low == len(rows) else rows


def _listed(rows: slice | NDArray[np.int64]) -> list[int]:
    if isinstance(rows, slice):
        return list(range(rows.start, rows.stop))
    listed: list[int] = rows.tolist()
    return listed
