"""Who invited whom (邀请树): size, depth, width and shape of every tree.

A campaign in which each user has one inviter is a forest. A broadcast is wide and
flat; what spreads by itself is deep: structural virality, the mean distance of two
users of a tree, tells them apart where sizes are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.tables import html_table, text_table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Ids: TypeAlias = NDArray[Any]
    Whole: TypeAlias = NDArray[np.int64]
    Places: TypeAlias = NDArray[np.int32]
    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["Forest", "forest"]

_PAIR: Final = 2
# Ids this dense are looked up in a table instead of being sorted.
_SPARSE: Final = 4
_MOST_USERS: Final = 2**31 - 1
# Users of a cycle that a message names.
_NAMED: Final = 5


@attrs.frozen(eq=False, repr=False)
class Forest:
    """Every tree, and every user's place in it, as columns.

    Attributes
    ----------
    root
        Whose tree: the users whom nobody invited, in order of id. Shape ``(r,)``.
    size
        Users of the tree, the root among them.
    depth
        Invites from the root to the farthest user.
    width
        Users at the distance at which there are most.
    structural_virality
        Mean distance of two users; 0 for a root alone.
    user
        Every user, in order of id. Shape ``(n,)``.
    inviter
        Place in ``user`` of whoever invited each; -1 for roots. Shape ``(n,)``.
    invites
        How many each invited, for a ladder's entitlement. Shape ``(n,)``.
    level
        Invites from the root to each. Shape ``(n,)``.
    """

    root: Ids
    size: Whole
    depth: Whole
    width: Whole
    structural_virality: Floats
    user: Ids
    inviter: Places
    invites: Whole
    level: Places

    def __len__(self) -> int:
        return len(self.root)

    def _columns(self) -> dict[str, Any]:
        return {
            "root": self.root,
            "size": self.size,
            "depth": self.depth,
            "width": self.width,
            "structural_virality": self.structural_virality,
        }

    def to_frame(self, like: object = None) -> Any:
        """Return the trees as a table of the caller's kind.

        Parameters
        ----------
        like
            A frame to imitate, or a name such as ``"pandas"``; None for arrays.

        Returns
        -------
        object
            One row a tree.
        """
        from wxengage.log.frames import ARRAYS, give  # noqa: PLC0415  loads narwhals

        columns = self._columns()
        if columns["root"].dtype.kind == "U":
            columns["root"] = columns["root"].astype(object)
        return give(columns, ARRAYS, like)

    def __repr__(self) -> str:
        return f"<Forest of {len(self.user):,} users in {len(self):,} trees>"

    def __str__(self) -> str:
        return text_table(self._columns())

    def _repr_html_(self) -> str:
        return html_table(self._columns())


def forest(edges: object, *, roots: ArrayLike = ()) -> Forest:
    """Return the trees of who invited whom.

    Parameters
    ----------
    edges
        One row an invite: pairs of inviter and invitee, an array of two columns,
        or a frame or mapping with columns ``inviter`` and ``invitee``. Ids are
        all whole numbers or all texts. In any order.
    roots
        Users to count who may have invited nobody and been invited by nobody.

    Returns
    -------
    Forest
        Prints as a table of trees.

    Raises
    ------
    InvalidInputError
        If an id is no whole number or text, a user has two inviters, or users
        invited each other in a circle. The message names them.

    Notes
    -----
    Levels, roots and subtree sizes by doubling the distance looked at:
    ``O(n log depth)`` vector operations, so a chain of all users costs little
    more than a star. Structural virality is the Wiener index over the number of
    pairs (Goel, Anderson, Hofman and Watts 2016): an edge above ``s`` of ``n``
    users lies on ``s (n - s)`` paths.

    Examples
    --------
    >>> print(forest([("ann", "bob"), ("ann", "cid"), ("bob", "dan")]))
    root  size  depth  width  structural_virality
    ann      4      2      2                1.667
    """
    inviters, invitees = _pairs(edges)
    user, codes = _coded(inviters, invitees, _ids("roots", roots))
    above, below = codes[: len(inviters)], codes[len(inviters) :][: len(invitees)]
    inviter = np.full(len(user), -1, dtype=np.int32)
    inviter[below] = above
    _refuse_two_inviters(user, above, below)
    top, level, under = _climbed(user, inviter)
    is_root = inviter < 0
    tree = (np.cumsum(is_root) - 1)[top]
    size = under[is_root]
    depth, width = _shape_of(tree, level, len(size))
    invited = ~is_root
    part = under[invited].astype(np.float64)
    whole = size[tree[invited]].astype(np.float64)
    paths = np.bincount(tree[invited], part * (whole - part), len(size))
    pairs = np.maximum(size * (size - 1.0) / 2, 1.0)
    return Forest(
        root=user[is_root],
        size=size,
        depth=depth,
        width=width,
        structural_virality=paths / pairs,
        user=user,
        inviter=inviter,
        invites=np.bincount(above, minlength=len(user)),
        level=level,
    )


def _pairs(edges: object) -> tuple[Ids, Ids]:
    """Return inviters and invitees, checked. Shape ``(n,)`` each."""
    hint = "pairs, an array of two columns, or columns 'inviter' and 'invitee'"
    if isinstance(edges, Mapping):
        columns: Any = edges
    elif isinstance(edges, np.ndarray):
        if edges.ndim != _PAIR or edges.shape[1] != _PAIR:
            raise InvalidInputError("edges.shape", edges.shape, "(n, 2)", hint)
        columns = {"inviter": edges[:, 0], "invitee": edges[:, 1]}
    elif isinstance(edges, list | tuple):
        for row, pair in enumerate(edges):
            if not isinstance(pair, list | tuple) or len(pair) != _PAIR:
                raise InvalidInputError(f"edges[{row}]", pair, "a pair of ids", hint)
        columns = dict(
            zip(("inviter", "invitee"), zip(*edges, strict=True), strict=True)
            if edges
            else {"inviter": (), "invitee": ()}
        )
    else:
        columns = _frame(edges, hint)
    missing = [name for name in ("inviter", "invitee") if name not in columns]
    if missing:
        raise InvalidInputError("edges", list(columns), f"with {missing[0]!r}", hint)
    pair = _ids("inviter", columns["inviter"]), _ids("invitee", columns["invitee"])
    if len(pair[0]) != len(pair[1]):
        rule = f"as many as inviters, {len(pair[0])}"
        raise InvalidInputError("invitee", len(pair[1]), rule)
    return pair


def _frame(edges: object, hint: str) -> Any:
    from wxengage.log.frames import columns_of  # noqa: PLC0415  loads narwhals

    try:
        columns = columns_of(edges)
    except TypeError:
        columns = None
    if columns is None:
        raise InvalidInputError("edges", edges, "rows of inviter and invitee", hint)
    return columns


def _ids(name: str, given: Any) -> Ids:
    """Return ids as whole numbers or texts, checked. Shape ``(n,)``."""
    if not isinstance(given, np.ndarray):
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise InvalidInputError(name, given, "a column of ids")
        given = np.array(list(given), dtype=object)
    if given.ndim != 1:
        raise InvalidInputError(f"{name}.shape", given.shape, "one-dimensional")
    if given.dtype.kind in "iuU":
        return np.asarray(given)
    if given.dtype.kind != "O":
        rule = "whole numbers or texts"
        raise InvalidInputError(name, given.dtype.name, rule, "ids are never rounded")
    kinds = {type(one) for one in given.tolist()}
    if len(kinds) > 1 or not kinds <= {int, str}:
        kind = int if given[0].__class__ is int else str
        odd = next(i for i, one in enumerate(given) if type(one) is not kind)
        raise InvalidInputError(
            f"{name}[{odd}]", given[odd], "all whole numbers, or all texts"
        )
    try:
        found: Ids = given.astype(np.int64 if kinds <= {int} else np.str_)
    except OverflowError:
        raise InvalidInputError(name, "a number", "below 2**63 in size") from None
    return found


def _coded(inviters: Ids, invitees: Ids, roots: Ids) -> tuple[Ids, Whole]:
    """Return the users in order, and the place of each id given."""
    filled = [one for one in (inviters, invitees, roots) if len(one)]
    if not filled:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if len({one.dtype.kind == "U" for one in filled}) > 1:
        rule = "all whole numbers, or all texts"
        raise InvalidInputError("edges", "both", rule, "1 is not '1'")
    ids = np.concatenate(filled)
    if ids.dtype.kind not in "iuU":  # of uint64 and int64 numpy makes floats
        raise InvalidInputError("edges", ids.dtype.name, "of one integer type")
    if ids.dtype.kind != "U":
        low = int(ids.min())
        span = int(ids.max()) - low + 1
        if span <= _SPARSE * len(ids):
            place = ids - ids.dtype.type(low)
            there = np.zeros(span, dtype=np.bool_)
            there[place] = True
            codes = (np.cumsum(there, dtype=np.int64) - 1)[place]
            return np.flatnonzero(there).astype(ids.dtype) + ids.dtype.type(low), codes
    user, found = np.unique(ids, return_inverse=True)
    return user, found


def _refuse_two_inviters(user: Ids, above: Whole, below: Whole) -> None:
    if len(user) > _MOST_USERS:
        raise InvalidInputError("edges", len(user), f"of at most {_MOST_USERS:,} users")
    often = np.bincount(below, minlength=len(user)) > 1
    if often.any():
        who = int(np.flatnonzero(often)[0])
        rows = np.flatnonzero(below == who)
        names = [user[above[row]].item() for row in rows[:_NAMED]]
        hint = "keep the first invite of each user (rows " + (
            ", ".join(str(row) for row in rows[:_NAMED].tolist()) + ")"
        )
        raise InvalidInputError(
            f"inviter of {user[who].item()!r}", names, "one user", hint
        )


def _climbed(user: Ids, inviter: Places) -> tuple[Places, Places, Whole]:
    """Return each user's root, level, and how many there are under and with it."""
    # `top` is the ancestor min(reach, level) invites up, `level` how far up that is;
    # `under` counts the users less than `reach` below, itself too.
    n, reach = len(user), 1
    top = np.where(inviter < 0, np.arange(n, dtype=np.int32), inviter)
    level = (inviter >= 0).astype(np.int32)
    under = np.ones(n, dtype=np.int64)
    moving = np.flatnonzero(level)
    while len(moving):
        if reach > n:
            _refuse_circle(user, inviter, int(moving[0]))
        via = top[moving]
        # Of whole numbers below 2^53: exact as floats.
        under += np.bincount(via, under[moving], n).astype(np.int64)
        level[moving] += level[via]
        top[moving] = top[via]
        reach *= 2
        moving = moving[level[moving] == reach]
    return top, level, under


def _refuse_circle(user: Ids, inviter: Places, start: int) -> NoReturn:
    """Raise the error that names the users of a circle above one user."""
    seen: dict[int, None] = {}
    while start not in seen:
        seen[start] = None
        start = int(inviter[start])
    circle = list(seen)[list(seen).index(start) :]
    names = [user[place].item() for place in circle[:_NAMED]]
    hint = f"a circle of {len(circle)}: somebody joined twice, or rows are wrong"
    raise InvalidInputError("edges", names, "free of circles", hint)


def _shape_of(tree: Whole, level: Places, trees: int) -> tuple[Whole, Whole]:
    """Return the depth and the width of every tree."""
    if not trees:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    deepest = int(level.max()) + 1
    keys = np.sort(tree * deepest + level)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    alike = np.diff(first, append=len(keys))
    owner, at = np.divmod(keys[first], deepest)
    start = np.flatnonzero(np.diff(owner, prepend=-1))
    last = np.append(start[1:], len(owner)) - 1
    return at[last], np.maximum.reduceat(alike, start)
