"""Events that wait on disk, sorted into piles of users.

A log read from files may be larger than memory. Its events are then written to
a temporary folder, every user's into one pile, and read back a pile at a time:
each pile is a part of the log. What stays in memory grows with the users.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.log.part import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["SPILL_ROWS", "Piles", "Spill"]

#: Rows of a file source that are held in memory before they go to disk.
SPILL_ROWS: Final = 10_000_000
#: Piles: a log of a billion events has some 16 million in each.
PILES: Final = 64


class Folder:
    """A temporary folder that goes when nothing needs it any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="wxengage-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class Spill:
    """Writes batches of events into piles."""

    def __init__(self) -> None:
        self.rows = 0
        self._folder: Folder | None = None
        self._dtype: np.dtype[np.void] | None = None

    def add(self, batch: Mapping[str, NDArray[Any]]) -> None:
        """Write a batch's rows, each to its user's pile."""
        if self._folder is None:
            self._folder = Folder()
            self._dtype = np.dtype([(name, col.dtype) for name, col in batch.items()])
        pile = (batch["user"] % PILES).astype(np.uint8)
        order = np.argsort(pile, kind="stable")
        edges = np.searchsorted(pile[order], np.arange(PILES + 1))
        records = np.empty(len(order), dtype=self._dtype)
        for name, column in batch.items():
            records[name] = column[order]
        for number in range(PILES):
            with (self._folder.path / f"{number}").open("ab") as file:
                records[edges[number] : edges[number + 1]].tofile(file)
        self.rows += len(order)

    def parts(self, users: int) -> Piles:
        """Return the piles as parts of a log of so many users."""
        if self._folder is None or self._dtype is None:
            return Piles(None, np.dtype([]), users, self.rows)
        return Piles(self._folder, self._dtype, users, self.rows)


@attrs.frozen(eq=False)
class Piles:
    """The parts of a log on disk; each is read when its turn comes."""

    folder: Folder | None
    dtype: np.dtype[np.void]
    users: int
    rows: int

    def __len__(self) -> int:
        return PILES

    def __iter__(self) -> Iterator[Part]:
        if self.folder is None:
            return
        for number in range(PILES):
            with (self.folder.path / f"{number}").open("rb") as file:
                records = np.fromfile(file, dtype=self.dtype)
            columns = {
                name: np.ascontiguousarray(records[name]) for name in self._names
            }
            members = np.arange(number, self.users, PILES)
            user = columns.pop("user") // np.uint32(PILES)
            at, kind = columns.pop("at"), columns.pop("kind")
            yield from Part(user, at, kind, members, columns).split()

    @property
    def _names(self) -> Sequence[str]:
        return self.dtype.names or ()
