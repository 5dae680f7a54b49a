"""The points of many users as levels see them (批量成长值): windows and their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wxengage.segments.points.facts import too_much
from wxengage.segments.points.fold import EARNED, REVERSED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.segments.points.columns import FactColumns

__all__ = ["TierPoints"]


class TierPoints:
    """Earned points of all users, and refunds, by their instants.

    An *instant* is a user and a time with facts; instants are numbered user by
    user in the order of time, and where a window begins or what is known by then
    is told as such a number.

    Attributes
    ----------
    user, at
        Of each instant; microseconds since 1970. Shape ``(instants,)``.
    first
        The first instant of each user, then the end. Shape ``(users + 1,)``.
    refunded
        Instants with a refund, ascending.
    """

    def __init__(self, read: FactColumns) -> None:
        """Take what matters to levels out of all facts.

        Parameters
        ----------
        read
            The facts.
        """
        target = np.maximum(read.target, 0)
        refund = (read.kind == REVERSED) & (read.kind[target] == EARNED)
        rows = np.flatnonzero((read.kind == EARNED) | refund)
        user, at = read.user[rows], read.at[rows]
        new = np.ones(len(rows), dtype=np.bool_)
        new[1:] = (user[1:] != user[:-1]) | (at[1:] != at[:-1])
        place = np.full(len(read.kind), -1)
        place[rows] = np.cumsum(new) - 1
        self.user, self.at = user[new], at[new]
        self.first = np.searchsorted(self.user, np.arange(len(read.ids) + 1))
        earned = np.flatnonzero(read.kind == EARNED)
        amounts = np.zeros(len(self.at), dtype=np.int64)
        np.add.at(amounts, place[earned], read.points[earned])
        self.sums = np.append(0, np.cumsum(amounts))
        undone = np.flatnonzero(refund)
        self._known = place[undone]
        self._counted = place[read.target[undone]]
        self._points = _amounts(read, undone)
        self._refunds_of = np.searchsorted(
            read.user[undone], np.arange(len(read.ids) + 1)
        )
        self.refunded = np.unique(self._known)
        # Ranks of times leave room for the user in the same 64 bits.
        self._times = np.unique(self.at)
        self._keys = self._key(self.user, np.searchsorted(self._times, self.at))

    def _key(
        self, user: NDArray[np.int64], rank: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        return user * (len(self._times) + 1) + rank

    def ranks(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many times of instants are before each. Shape ``(n,)``."""
        return np.searchsorted(self._times, at)

    def place(
        self, user: NDArray[np.int64], rank: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the first instant of a user at a time or later.

        Parameters
        ----------
        user
            Codes. Shape ``(n,)``.
        rank
            The time, as ``ranks`` tells it. Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            The first instant of the next user where there is none. Shape ``(n,)``.
        """
        return np.searchsorted(self._keys, self._key(user, rank))

    def has_refunds(self, user: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users ever had one. Shape ``(n,)``."""
        some: NDArray[np.bool_] = self._refunds_of[user + 1] > self._refunds_of[user]
        return some

    def value(
        self,
        user: NDArray[np.int64],
        start: NDArray[np.int64],
        end: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return the points earned from ``start`` on, as known before ``end``.

        Parameters
        ----------
        user
            Codes. Shape ``(n,)``.
        start, end
            Instants of that user, or the first one of the next. Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            Shape ``(n,)``.
        """
        found: NDArray[np.int64] = self.sums[np.maximum(end, start)] - self.sums[start]
        return found - self.refunds(user, start, np.zeros_like(end), end)

    def refunds(
        self,
        user: NDArray[np.int64],
        start: NDArray[np.int64],
        since: NDArray[np.int64],
        end: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return what was refunded of a window, by refunds of some instants.

        Parameters
        ----------
        user
            Codes. Shape ``(n,)``.
        start
            Where the window of earnings begins. Shape ``(n,)``.
        since, end
            Between which instants the refunds were, the second one excluded. Shape
            ``(n,)``.

        Returns
        -------
        numpy.ndarray
            Points. Shape ``(n,)``.

        Notes
        -----
        One look at each refund of each user asked about.
        """
        found = np.zeros(len(user), dtype=np.int64)
        counts = self._refunds_of[user + 1] - self._refunds_of[user]
        if not counts.any():
            return found
        asked = np.repeat(np.arange(len(user)), counts)
        within = np.arange(len(asked)) - np.repeat(np.cumsum(counts) - counts, counts)
        one = self._refunds_of[user[asked]] + within
        counted = (self._counted[one] >= start[asked]) & (self._known[one] < end[asked])
        counted &= self._known[one] >= since[asked]
        np.add.at(found, asked[counted], self._points[one[counted]])
        return found

    def values(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``value`` at each instant, itself included.

        Parameters
        ----------
        starts
            Where its window begins; never falls. Shape ``(instants,)``.

        Returns
        -------
        numpy.ndarray
            Shape ``(instants,)``.
        """
        # A refund counts from its own instant on, until the window has left the
        # earning behind: a run of instants.
        last = np.searchsorted(starts, self._counted, side="right")
        change = np.zeros(len(self.at) + 1, dtype=np.int64)
        np.subtract.at(change, self._known, self._points)
        np.add.at(change, np.maximum(last, self._known), self._points)
        earned: NDArray[np.int64] = self.sums[1:] - self.sums[starts]
        return earned + np.cumsum(change)[:-1]


def _amounts(read: FactColumns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many points each refund takes back, checked."""
    order = np.argsort(read.target[rows], kind="stable")
    target, points = read.target[rows][order], read.points[rows][order]
    first = np.searchsorted(target, target)

    def taken_before(points: NDArray[np.int64]) -> NDArray[np.int64]:
        before = np.cumsum(points) - points
        return before - before[first]

    whole = read.points[target]
    points = np.where(points > 0, points, whole - taken_before(points))
    left = whole - taken_before(points)
    wrong = (points <= 0) | (points > left)
    if wrong.any():
        bad = int(wrong.argmax())
        row = rows[order[bad]]
        got = int(read.points[row]) or None
        raise too_much(f"row {read.row[row]}.points", got, max(int(left[bad]), 0))
    found = np.empty_like(points)
    found[order] = points
    return found
