"""When everybody came and left, as sorted columns (在场记录)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    starts
        Where the marks of each person begin, and the end. Shape ``(people + 1,)``.
    """

    def __init__(
        self,
        marks: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]],
        starts: NDArray[np.int64],
        first: int,
    ) -> None:
        """Keep sorted marks.

        Parameters
        ----------
        marks
            Person, at and came, without the sentinel. Shape ``(n,)``.
        starts
            Where the marks of each person begin, and the end. Shape
            ``(people + 1,)``.
        first
            The code of the first of these people.
        """
        person, at, came = marks
        self.person = np.append(person, -1)
        self.at = np.append(at, ENDLESS)
        self.came = np.append(came, False)
        self.starts = starts
        self._first = first

    @classmethod
    def of(
        cls,
        person: NDArray[np.int64],
        at: NDArray[np.int64],
        came: NDArray[np.bool_],
        people: range,
    ) -> Presence:
        """Sort marks.

        Parameters
        ----------
        person, at, came
            Codes of people, ascending; microseconds, and whether they came. Shape
            ``(n,)``.
        people
            The codes that there are.

        Returns
        -------
        Presence
            Of these people alone.
        """
        packer = Packer(at, len(people))
        keys = packer.pack(person - people.start, at)
        keys <<= 1
        keys |= ~came
        # Those of one person lie together: most have one, already in place.
        again = person[1:] == person[:-1]
        several = (np.append(again, False) | np.append(False, again))[: len(keys)]
        keys[several] = np.sort(keys[several])
        if (keys[1:] == keys[:-1]).any():
            keys = keys[np.append(True, keys[1:] != keys[:-1])]
        came = (keys & 1) == 0
        keys >>= 1
        place = packer.person(keys)
        starts = np.zeros(len(people) + 1, dtype=np.int64)
        np.cumsum(np.bincount(place, minlength=len(people)), out=starts[1:])
        marks = place + people.start, packer.at(keys), came
        return cls(marks, starts, people.start)

    @classmethod
    def joined(cls, parts: Sequence[Presence]) -> Presence:
        """Return the presence of several groups of people as one.

        Parameters
        ----------
        parts
            At least one, of people whose codes follow each other.

        Returns
        -------
        Presence
            Of all of them.
        """
        if len(parts) == 1:
            return parts[0]
        sizes = [len(part.at) - 1 for part in parts]
        offsets = np.cumsum([0, *sizes])
        starts = [
            part.starts[:-1] + offset
            for part, offset in zip(parts, offsets, strict=False)
        ]
        marks = (
            np.concatenate([part.person[:-1] for part in parts]),
            np.concatenate([part.at[:-1] for part in parts]),
            np.concatenate([part.came[:-1] for part in parts]),
        )
        return cls(marks, np.append(np.concatenate(starts), offsets[-1]), 0)

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
        code = person - self._first
        low, high = self.starts[code], self.starts[code + 1]
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
        found: NDArray[np.int64] = self.starts[person - self._first]
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
