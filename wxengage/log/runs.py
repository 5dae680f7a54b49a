"""Events sorted by user and time, a user a run: what every per-user figure needs.

User code and time are packed into one ``uint64`` and sorted once. A plain sort
of integers is the fastest thing numpy does, and afterwards firsts, lasts, gaps
and windows are ends of runs, differences and binary searches.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["NEVER", "Runs", "Sorted", "bits_needed"]

#: Stands for "no such instant" among microseconds.
NEVER: Final = np.iinfo(np.int64).min
KEY_BITS: Final = 64
# Events packed at a time: what is made of them stays in the cache.
_PACKED: Final = 1 << 16


def bits_needed(span: int, users: int) -> int:
    """Return how many bits a key of this many users over that span takes."""
    return max(users - 1, 1).bit_length() + span.bit_length() + 1  # the mark


@attrs.frozen(eq=False, slots=False)
class Sorted:
    """Events ascending by user and time, some of them marked.

    Attributes
    ----------
    keys
        ``(user << bits | (at - origin)) << 1 | mark``, ascending. Shape ``(n,)``.
    bits
        Bits that hold the time.
    origin, latest
        Microseconds since 1970 that count as zero, and of the last event.
    bounds
        Where each user's run begins, and the end. Shape ``(users + 1,)``.
    """

    keys: NDArray[np.uint64]
    bits: int
    origin: int
    latest: int
    bounds: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        columns: tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint8]],
        users: int,
        chosen: NDArray[np.bool_],
        marked: NDArray[np.bool_],
    ) -> Sorted:
        """Sort events.

        Parameters
        ----------
        columns
            User codes from 0 to ``users - 1``, microseconds since 1970, and kind
            codes. Shape ``(n,)`` each.
        users
            How many user codes there are.
        chosen, marked
            Which kinds are taken, and which of them are marked.

        Returns
        -------
        Sorted
            One run a user, empty for a user without events.

        Notes
        -----
        One pass that packs, in blocks that stay in the processor's cache, and
        one sort of ``n`` integers: ``O(n log n)``.
        """
        user, at, kind = columns
        origin = int(at.min()) if at.size else 0
        latest = int(at.max()) if at.size else 0
        bits = (latest - origin).bit_length()
        keys = np.empty(len(at), dtype=np.uint64)
        size = 0
        for low in range(0, len(at), _PACKED):
            rows = slice(low, low + _PACKED)
            kinds = kind[rows]
            block = user[rows].astype(np.uint64)
            block <<= np.uint64(bits)
            block |= (at[rows] - origin).view(np.uint64)
            block <<= np.uint64(1)
            block |= marked[kinds]
            if not chosen.all():
                block = block[chosen[kinds]]
            keys[size : size + len(block)] = block
            size += len(block)
        keys = keys[:size]
        keys.sort()
        bounds = np.full(users + 1, size)
        firsts = np.arange(users, dtype=np.uint64) << np.uint64(bits + 1)
        bounds[:-1] = np.searchsorted(keys, firsts)
        return cls(keys, bits, origin, latest, bounds)

    def blocks(self, rows: int) -> Iterator[slice]:
        """Yield ranges of users who have about so many events together."""
        users = len(self.bounds) - 1
        edges = np.searchsorted(self.bounds, np.arange(rows, len(self.keys), rows))
        cuts = [0, *np.unique(edges[(edges > 0) & (edges < users)]).tolist(), users]
        for low, high in itertools.pairwise(cuts):
            yield slice(low, high)

    def runs(self, users: slice) -> tuple[Runs, Runs]:
        """Return the runs of a range of users: of all events, and of the marked."""
        bounds = self.bounds[users.start : users.stop + 1]
        keys = self.keys[int(bounds[0]) : int(bounds[-1])]
        bounds = bounds - bounds[0]
        about = (self.bits, self.origin, self.latest)
        every = Runs(keys >> np.uint64(1), *about, bounds, users.start)
        marked = np.flatnonzero(keys & np.uint64(1))
        if len(marked) == len(keys):
            return every, every
        inside = np.searchsorted(marked, bounds)
        return every, Runs(every.keys[marked], *about, inside, users.start)


@attrs.frozen(eq=False, slots=False)
class Runs:
    """Times of some users' events, ascending within each user.

    Attributes
    ----------
    keys
        ``user << bits | (at - origin)``, ascending. Shape ``(n,)``.
    bits, origin, latest
        As in ``Sorted``.
    bounds
        Where each user's run begins, and the end. Shape ``(users + 1,)``.
    base
        The first user's code; the other users' follow.
    """

    keys: NDArray[np.uint64]
    bits: int
    origin: int
    latest: int
    bounds: NDArray[np.int64]
    base: int = 0

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
        at = offsets.view(np.int64)
        at += self.origin
        return at

    def users(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return whose events stand at some places, counted from ``base``."""
        return (self.keys[places] >> np.uint64(self.bits)).view(np.int64) - self.base

    def until(self, at: int) -> NDArray[np.int64]:
        """Return where each user's events up to an instant end.

        Parameters
        ----------
        at
            Microseconds since 1970, included.

        Returns
        -------
        numpy.ndarray
            A place in ``keys`` a user; its run's begin where there are none.
        """
        if at >= self.latest:
            return self.ends
        if at < self.origin:
            return self.starts
        codes = np.arange(self.base, self.base + len(self.starts), dtype=np.uint64)
        edge = (codes << np.uint64(self.bits)) + np.uint64(at - self.origin)
        return np.searchsorted(self.keys, edge, side="right")

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
        far = np.ones(len(self.keys), dtype=np.bool_)
        np.greater(self.keys[1:] - self.keys[:-1], np.uint64(gap), out=far[1:])
        far[self.starts[self.starts < len(far)]] = True
        return np.flatnonzero(far)

    def count(
        self, places: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return how many of the ascending ``places`` lie before each user's end."""
        if ends is self.ends:
            return np.diff(np.searchsorted(places, self.bounds))
        low = np.searchsorted(places, self.starts)
        return np.searchsorted(places, ends) - low
