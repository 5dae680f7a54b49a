"""When everybody came and left, as sorted columns (在场记录)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ENDLESS", "Packer", "Presence"]

#: After every instant.
ENDLESS: Final = np.iinfo(np.int64).max
_BITS: Final = 62
# Times that are whole seconds, or milliseconds, need fewer bits.
_UNITS: Final = (1_000_000, 1_000, 1)


class Packer:
    """Person and instant as one whole number that sorts by both."""

    def __init__(self, at: NDArray[np.int64], people: int) -> None:
        """Choose the number of bits.

        Parameters
        ----------
        at
            All instants that will be packed, microseconds. Shape ``(n,)``.
        people
            How many codes of people there are.
        """
        self._origin = int(at.min()) if at.size else 0
        span = (int(at.max()) if at.size else 0) - self._origin
        self._times: NDArray[np.int64] | None = None
        room = _BITS - people.bit_length()
        for unit in _UNITS:
            self._unit = unit
            self._last = span // unit + 1
            fits = self._last.bit_length() < room
            if fits and not ((at - self._origin) % unit).any():
                break
        else:
            # So many people over so long a time: ranks of instants need less.
            self._times = np.unique(at)
            self._last = len(self._times)
        self.bits = self._last.bit_length()

    def pack(
        self, person: NDArray[np.int64], at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return numbers that ascend by person, then instant."""
        packed: NDArray[np.int64] = person << self.bits
        if self._times is None:
            packed |= (at - self._origin) // self._unit
        else:
            packed |= np.searchsorted(self._times, at)
        return packed

    def person(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the people of some numbers."""
        found: NDArray[np.int64] = keys >> self.bits
        return found

    def at(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the instants of some numbers that were packed from known ones."""
        ticks: NDArray[np.int64] = keys & ((1 << self.bits) - 1)
        if self._times is None:
            ticks *= self._unit
            ticks += self._origin
            return ticks
        return self._times[ticks]


class Presence:
    """Marks by person and time, each once; at one instant coming goes first.

    Attributes
    ----------
    person, at, came
        Shape ``(n + 1,)``: the last one is a sentinel and nobody's.
    """

    def __init__(
        self,
        person: NDArray[np.int64],
        at: NDArray[np.int64],
        came: NDArray[np.bool_],
        people: int,
    ) -> None:
        """Sort marks.

        Parameters
        ----------
        person, at, came
            Codes of people, microseconds, and whether they came. Shape ``(n,)``.
        people
            How many codes of people there are.
        """
        packer = Packer(at, people)
        keys = packer.pack(person, at)
        keys <<= 1
        keys |= ~came
        if (person[1:] >= person[:-1]).all():
            # Those of one person lie together: most have one, already in place.
            again = person[1:] == person[:-1]
            several = (np.append(again, False) | np.append(False, again))[: len(keys)]
            keys[several] = np.sort(keys[several])
        else:
            keys.sort()
        if (keys[1:] == keys[:-1]).any():
            keys = keys[np.append(True, keys[1:] != keys[:-1])]
        size = len(keys)
        self.came = np.zeros(size + 1, dtype=np.bool_)
        np.equal(keys & 1, 0, out=self.came[:size])
        keys >>= 1
        self.person = np.full(size + 1, -1)
        self.person[:size] = packer.person(keys)
        self.at = np.full(size + 1, ENDLESS)
        self.at[:size] = packer.at(keys)
        self._starts = np.zeros(people + 1, dtype=np.int64)
        counts = np.bincount(self.person[:size], minlength=people)
        np.cumsum(counts, out=self._starts[1:])

    def place(
        self, person: NDArray[np.int64], at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return where the marks at an instant or later begin, for each person.

        Parameters
        ----------
        person, at
            Codes of people, and instants. Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            Places; behind the person's marks where all are earlier.

        Notes
        -----
        Bisection within each person's marks, of all people at a time: most have
        one mark or two.
        """
        low, high = self._starts[person], self._starts[person + 1]
        rows = np.flatnonzero(low < high)
        while rows.size:
            middle = (low[rows] + high[rows]) >> 1
            earlier = self.at[middle] < at[rows]
            low[rows[earlier]] = middle[earlier] + 1
            later = ~earlier
            high[rows[later]] = middle[later]
            rows = rows[low[rows] < high[rows]]
        return low

    def first(self, person: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where each person's marks begin."""
        found: NDArray[np.int64] = self._starts[person]
        return found

    def present(
        self, place: NDArray[np.int64], person: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return whether each person is there just before a place."""
        before = place - 1  # -1 is the sentinel: nobody's
        found: NDArray[np.bool_] = (self.person[before] == person) & self.came[before]
        return found

    def here(
        self, place: NDArray[np.int64], person: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return whether a place is one of that person's marks."""
        there: NDArray[np.bool_] = self.person[place] == person
        return there

    @functools.cached_property
    def next_came(self) -> NDArray[np.int64]:
        """From each place on, the first mark of coming, whoever's it is."""
        return self._next(self.came)

    @functools.cached_property
    def next_left(self) -> NDArray[np.int64]:
        """From each place on, the first mark of leaving, whoever's it is."""
        return self._next(~self.came)

    @functools.cached_property
    def last_came(self) -> NDArray[np.int64]:
        """Up to each place, the last mark of coming; -1 for none."""
        places = np.where(self.came, np.arange(len(self.came)), -1)
        found: NDArray[np.int64] = np.maximum.accumulate(places)
        return found

    @functools.cached_property
    def begins(self) -> NDArray[np.bool_]:
        """Which marks begin a stay: coming while not there."""
        again = np.append(False, self.came[:-1] & (self.person[1:] == self.person[:-1]))
        found: NDArray[np.bool_] = self.came & ~again
        return found

    @functools.cached_property
    def last_begun(self) -> NDArray[np.int64]:
        """Up to each place, the last mark that begins a stay; -1 for none."""
        places = np.where(self.begins, np.arange(len(self.came)), -1)
        found: NDArray[np.int64] = np.maximum.accumulate(places)
        return found

    def _next(self, of: NDArray[np.bool_]) -> NDArray[np.int64]:
        size = len(of) - 1
        places = np.where(of, np.arange(len(of)), size)
        places[-1] = size
        found: NDArray[np.int64] = np.minimum.accumulate(places[::-1])[::-1]
        return found

    def left_after(
        self, place: NDArray[np.int64], person: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return when each person first leaves from a place on; ``ENDLESS``: never."""
        left = self.next_left[place]
        return np.where(self.here(left, person), self.at[left], ENDLESS)

    def held_from(self, closes: int, hold: int) -> NDArray[np.int64]:
        """Return from each place on the first stay that lasts, whoever's it is.

        Parameters
        ----------
        closes
            Stays begin before it.
        hold
            They last longer than that.

        Returns
        -------
        numpy.ndarray
            Places where such a stay begins. Shape ``(n + 1,)``.
        """
        begins = np.flatnonzero(self.begins)
        end = self.left_after(begins, self.person[begins])
        lasts = (self.at[begins] < closes) & (end > self.at[begins] + hold)
        good = np.zeros(len(self.came), dtype=np.bool_)
        good[begins[lasts]] = True
        return self._next(good)
