"""Events sorted by user and time, a user a run: what every per-user figure needs.

User code and time are packed into one ``uint64`` and sorted once. A plain sort
of integers is the fastest thing numpy does, and afterwards firsts, lasts, gaps
and windows are ends of runs, differences and binary searches.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NEVER", "Runs", "bits_needed"]

#: Stands for "no such instant" among microseconds.
NEVER: Final = np.iinfo(np.int64).min
KEY_BITS: Final = 64


def bits_needed(span: int, users: int) -> int:
    """Return how many bits a key of this many users over that span takes."""
    return span.bit_length() + 1 + max(users - 1, 1).bit_length()


@attrs.frozen(eq=False, slots=False)
class Runs:
    """Times of some events, ascending within each user.

    Attributes
    ----------
    keys
        ``user << bits | (at - origin)``, ascending. Shape ``(n,)``.
    bits
        Bits that hold the time: enough that the last event of one user and the
        first of the next always lie further apart than the whole span.
    origin
        Microseconds since 1970 that count as zero.
    bounds
        Where each user's run begins, and the end. Shape ``(users + 1,)``.
    latest
        Microseconds since 1970 of the last event.
    """

    keys: NDArray[np.uint64]
    bits: int
    origin: int
    bounds: NDArray[np.int64]
    latest: int

    @classmethod
    def of(cls, user: NDArray[np.uint32], at: NDArray[np.int64], users: int) -> Runs:
        """Sort events into runs.

        Parameters
        ----------
        user
            Codes from 0 to ``users - 1``. Shape ``(n,)``.
        at
            Microseconds since 1970. Shape ``(n,)``.
        users
            How many codes there are.

        Returns
        -------
        Runs
            One run a user, empty for a user without events.

        Notes
        -----
        One sort of ``n`` integers and a count: ``O(n log n)``.
        """
        origin = int(at.min()) if at.size else 0
        span = int(at.max()) - origin if at.size else 0
        bits = span.bit_length() + 1
        keys = user.astype(np.uint64)
        keys <<= np.uint64(bits)
        keys += at.view(np.uint64)
        keys -= np.uint64(origin % (1 << KEY_BITS))
        keys.sort()
        bounds = np.zeros(users + 1, dtype=np.int64)
        np.cumsum(np.bincount(user, minlength=users), out=bounds[1:])
        return cls(keys, bits, origin, bounds, origin + span)

    @functools.cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each run begins."""
        return self.bounds[:-1]

    @functools.cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each run ends."""
        return self.bounds[1:]

    def times(
        self, places: NDArray[np.int64] | slice = slice(None)
    ) -> NDArray[np.int64]:
        """Return the instants at some places, microseconds since 1970."""
        offsets = self.keys[places] & np.uint64((1 << self.bits) - 1)
        return offsets.view(np.int64) + self.origin

    def upto(self, at: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Return where each user's events up to an instant end.

        Parameters
        ----------
        at
            Microseconds since 1970, included: one for all, or one a user.

        Returns
        -------
        numpy.ndarray
            A place in ``keys`` a user; its run's begin where there are none.
        """
        largest = (1 << (self.bits - 1)) - 1 if self.bits > 1 else 0
        users = np.arange(len(self.bounds) - 1, dtype=np.uint64)
        offset = np.clip(np.asarray(at, dtype=np.int64), self.origin - 1, None)
        offset = np.minimum(offset - self.origin, 2 * largest + 1)
        edge = (users << np.uint64(self.bits)) + np.maximum(offset, 0).astype(np.uint64)
        found = np.searchsorted(self.keys, edge, side="right")
        return np.where(offset < 0, self.starts, found)

    def first(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return each user's first instant before ``ends``, or ``NEVER``."""
        return self._pick(self.starts, ends)

    def last(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return each user's last instant before ``ends``, or ``NEVER``."""
        return self._pick(ends - 1, ends)

    def _pick(
        self, places: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        some = ends > self.starts
        if not self.keys.size:
            return np.full(len(ends), NEVER)
        return np.where(some, self.times(np.where(some, places, 0)), NEVER)

    def breaks(self, gap: int) -> NDArray[np.int64]:
        """Return the places that follow a silence of more than ``gap``.

        Parameters
        ----------
        gap
            Microseconds.

        Returns
        -------
        numpy.ndarray
            Places, ascending; the first event of a user is always one.
        """
        if not self.keys.size:
            return np.zeros(0, dtype=np.int64)
        # Two events of one user lie less than this apart, two of different ones more.
        edge = min(gap, (1 << (self.bits - 1)) - 1)
        far = (self.keys[1:] - self.keys[:-1]) > np.uint64(edge)
        return np.concatenate(([0], np.flatnonzero(far) + 1))

    def users(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return whose events stand at some places."""
        return (self.keys[places] >> np.uint64(self.bits)).view(np.int64)

    def count(
        self, places: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return how many of the ascending ``places`` lie before each user's end."""
        if ends is self.ends:
            return np.diff(np.searchsorted(places, self.bounds))
        low = np.searchsorted(places, self.starts)
        return np.searchsorted(places, ends) - low
