"""All the events of some users, as plain columns.

A log is one part, or several that share no user: whatever is computed per user
is computed part by part, and the memory it takes is that of one part.
"""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.log.kinds import KINDS
from wxengage.log.runs import KEY_BITS, Runs, Sorted, bits_needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["KIND_CODES", "KIND_NAMES", "Part", "kind_mask"]

#: A kind's code in a column of kinds is its place here.
KIND_NAMES: Final = tuple(KINDS)
KIND_CODES: Final = MappingProxyType({name: i for i, name in enumerate(KIND_NAMES)})
# Sorted keys of one part are kept for the next question about the same kinds.
_KEPT: Final = 2
# Events of a block of users.
_BLOCK_ROWS: Final = 1 << 18


def kind_mask(names: Iterable[str]) -> NDArray[np.bool_]:
    """Return which kind codes are among ``names``. Shape ``(kinds,)``."""
    wanted = set(names)
    return np.array([name in wanted for name in KIND_NAMES])


_APART: Final = kind_mask(["deliver", "menu_click", "follow", "unfollow"])


@attrs.frozen(eq=False, slots=False)
class Part:
    """Columns of equal length: the events of some users.

    Attributes
    ----------
    user
        Codes from 0 within this part. Shape ``(n,)``, ``uint32``.
    at
        Microseconds since 1970 in UTC. Shape ``(n,)``.
    kind
        Codes into ``KIND_NAMES``. Shape ``(n,)``, ``uint8``.
    members
        This part's users as codes of the whole log. Shape ``(users,)``.
    more
        Further columns by name: ``value`` and ``duration`` as floats, ``item``,
        ``channel`` and ``group`` as codes, -1 for none. Shape ``(n,)`` each.
    """

    user: NDArray[np.uint32]
    at: NDArray[np.int64]
    kind: NDArray[np.uint8]
    members: NDArray[np.int64]
    more: Mapping[str, NDArray[np.generic]] = attrs.field(factory=dict)
    _sorted: dict[bytes, Sorted] = attrs.field(factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.at)

    @property
    def users(self) -> int:
        """How many users this part may hold."""
        return len(self.members)

    @functools.cached_property
    def present(self) -> NDArray[np.bool_]:
        """Which kinds occur. Shape ``(kinds,)``."""
        seen = np.zeros(len(KIND_NAMES), dtype=np.bool_)
        seen[self.kind] = True
        return seen

    @functools.cached_property
    def apart(self) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint8]]:
        """User, instant and kind of the events that are also looked at one by one."""
        rows = np.flatnonzero(_APART[self.kind])
        return self.user[rows], self.at[rows], self.kind[rows]

    def of_kind(
        self, name: str, upto: int
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Return user and instant of the events of one kind by an instant.

        Parameters
        ----------
        name
            One of the kinds in ``apart``.
        upto
            Microseconds since 1970, included.

        Returns
        -------
        user, at
            In the order of the log.
        """
        if not self.present[KIND_CODES[name]]:
            return self.user[:0], self.at[:0]
        user, at, kind = self.apart
        rows = np.flatnonzero((kind == KIND_CODES[name]) & (at <= upto))
        return user[rows], at[rows]

    def take(self, rows: NDArray[np.generic] | slice) -> Part:
        """Return a part of these rows and the same users."""
        more = {name: column[rows] for name, column in self.more.items()}
        return Part(self.user[rows], self.at[rows], self.kind[rows], self.members, more)

    def blocks(
        self, chosen: NDArray[np.bool_], marked: NDArray[np.bool_]
    ) -> Iterator[tuple[slice, Runs, Runs]]:
        """Yield the runs of a block of users after another.

        A block's events, and all that is made of them, stay in the processor's
        cache and need no fresh memory.

        Parameters
        ----------
        chosen
            Which kind codes. Shape ``(kinds,)``.
        marked
            Which of them to give apart as well.

        Yields
        ------
        users
            Codes of the block.
        every, some
            Runs of the chosen kinds, and of the marked ones.
        """
        chosen, marked = chosen & self.present, marked & self.present
        key = chosen.tobytes() + marked.tobytes()
        if key not in self._sorted:
            while len(self._sorted) >= _KEPT:
                del self._sorted[next(iter(self._sorted))]
            columns = (self.user, self.at, self.kind)
            taken = chosen if (self.present & ~chosen).any() else np.ones_like(chosen)
            self._sorted[key] = Sorted.of(columns, self.users, taken, marked)
        events = self._sorted[key]
        for users in events.blocks(_BLOCK_ROWS):
            yield users, *events.runs(users)

    def fits(self) -> bool:
        """Return whether user and time fit into one integer."""
        if not len(self):
            return True
        span = int(self.at.max()) - int(self.at.min())
        return bits_needed(span, self.users) <= KEY_BITS

    def split(self) -> Iterator[Part]:
        """Yield parts of fewer users, each of which fits.

        Notes
        -----
        A stable radix sort of block numbers; taken only where a log has so many
        users over so long a time that 64 bits do not hold both.
        """
        if self.fits():
            yield self
            return
        span = int(self.at.max()) - int(self.at.min())
        size = 1 << max(KEY_BITS - bits_needed(span, 1), 0)
        few = (self.users - 1) // size <= np.iinfo(np.uint16).max
        # Sixteen bits are sorted by radix.
        block = (self.user // np.uint32(size)).astype(np.uint16 if few else np.uint32)
        order = np.argsort(block, kind="stable")
        edges = np.searchsorted(block[order], np.arange(0, self.users, size) // size)
        for first, low, high in zip(
            range(0, self.users, size), edges, [*edges[1:], len(order)], strict=True
        ):
            rows = order[low:high]
            piece = self.take(rows)
            yield attrs.evolve(
                piece,
                user=piece.user - np.uint32(first),
                members=self.members[first : first + size],
            )
