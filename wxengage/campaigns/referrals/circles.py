"""Invites that close a circle (循环邀请), among all of a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.campaigns.referrals.courses import REASON_CODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.campaigns.referrals.claims import Claims

__all__ = ["refuse_circles"]

_A_CIRCLE: Final = 3


def refuse_circles(
    claims: Claims, people: int, *, reciprocal: bool
) -> NDArray[np.int64]:
    """Refuse the latest invite of each circle, in place.

    Parameters
    ----------
    claims
        Of everybody.
    people
        How many codes of people there are.
    reciprocal
        Whether two people may invite each other.

    Returns
    -------
    numpy.ndarray
        The rows that are refused.

    Notes
    -----
    Only people who were both invited and inviters can be in a circle. Along
    everybody's first inviter the circles are the strongly connected components
    of more than one person: ``O(n)``.
    """
    rows = np.flatnonzero(claims.rank >= 0)
    invited, invites = (np.zeros(people, dtype=np.bool_) for _ in range(2))
    invited[claims.invitee[rows]] = True
    invites[claims.inviter[rows]] = True
    rows = rows[invited[claims.inviter[rows]] & invites[claims.invitee[rows]]]
    if not rows.size:
        return rows
    mutual = _mutual(claims, rows, people)
    circles = _circles(claims, rows[claims.rank[rows] == 0])
    if not reciprocal:
        claims.refused[mutual] = REASON_CODES["reciprocal"]
    fresh = circles[claims.refused[circles] != REASON_CODES["reciprocal"]]
    claims.refused[fresh] = REASON_CODES["circle"]
    return fresh if reciprocal else np.append(mutual, fresh)


def _mutual(claims: Claims, rows: NDArray[np.int64], people: int) -> NDArray[np.int64]:
    """Return the later invite of each two people who invite each other."""
    pair = claims.invitee[rows] * people + claims.inviter[rows]
    back = claims.inviter[rows] * people + claims.invitee[rows]
    order = np.argsort(pair)
    place = np.searchsorted(pair[order], back)
    place[place == len(pair)] = 0
    other = order[place]
    both = pair[other] == back
    here, there = rows[both], rows[other[both]]
    later = claims.touched[here] > claims.touched[there]
    tied = claims.touched[here] == claims.touched[there]
    later |= tied & (claims.invitee[here] > claims.invitee[there])
    found: NDArray[np.int64] = here[later]
    return found


def _circles(claims: Claims, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the latest invite of each circle of three people or more."""
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    ends = np.concatenate((claims.invitee[rows], claims.inviter[rows]))
    members, codes = np.unique(ends, return_inverse=True)
    size = len(rows)
    ones = np.ones(size, dtype=np.int8)
    shape = len(members), len(members)
    graph = coo_array((ones, (codes[:size], codes[size:])), shape=shape)
    _, component = connected_components(graph, directed=True, connection="strong")
    mine = component[codes[:size]]
    inside = np.bincount(component)[mine] >= _A_CIRCLE
    rows, mine = rows[inside], mine[inside]
    order = np.lexsort((claims.invitee[rows], claims.touched[rows], mine))
    ends_here = np.append(mine[order][1:] != mine[order][:-1], True)[: len(order)]
    latest: NDArray[np.int64] = rows[order[ends_here]]
    return latest
