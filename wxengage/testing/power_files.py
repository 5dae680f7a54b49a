"""What is on a disk, and what is only on its way to it (落盘模型), without any disk.

A file has bytes that a sync has made durable, and changes since then. When the power
goes, each of these is kept, dropped or torn; so are the names in a folder, whose
changes are made durable by other syncs than those of what is in the files.
"""

from __future__ import annotations

import itertools
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["SECTOR", "Cut", "Fate", "Names", "StoredFile", "Write", "fates"]

#: Bytes that a disk writes whole or not at all.
SECTOR: Final = 512


@attrs.frozen
class Write:
    """Bytes that were written somewhere in a file."""

    offset: int
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class Cut:
    """A file's end, moved to another place."""

    size: int


Change: TypeAlias = Write | Cut


class Fate(Enum):
    """What a loss of power makes of a change that no sync has waited for."""

    KEPT = "kept"
    DROPPED = "dropped"
    TORN = "torn"


_FATES: Final = tuple(Fate)


def fates(rng: Generator, count: int) -> tuple[Fate, ...]:
    """Draw what becomes of the changes that were on their way to one file.

    Parameters
    ----------
    rng
        Where chance comes from.
    count
        How many changes there are.

    Returns
    -------
    tuple of Fate
        Half the time each change has a fate of its own. Otherwise the disk wrote in
        order up to somewhere: before it all is kept, there it is torn, and after it
        nothing is kept; this includes that everything is kept, or nothing.
    """
    if rng.random() < 1 / 2:
        return tuple(_FATES[k] for k in rng.integers(len(_FATES), size=count))
    at = int(rng.integers(count + 1))
    torn = (Fate.TORN,) if at < count else ()
    return (Fate.KEPT,) * at + torn + (Fate.DROPPED,) * (count - at - len(torn))


class StoredFile:
    """A file: what is on the disk of it, and what is on its way.

    Parameters
    ----------
    durable
        What is on the disk.
    """

    def __init__(self, durable: bytes = b"") -> None:
        self._durable = bytearray(durable)
        self._pending: list[Change] = []

    def change(self, change: Change) -> None:
        """Take a change, which is lost with the power until a sync."""
        self._pending.append(change)

    def sync(self) -> None:
        """Bring everything to the disk."""
        for change in self._pending:
            _apply(self._durable, change)
        self._pending.clear()

    def survive(self, rng: Generator) -> tuple[Fate, ...]:
        """Lose the power: what is left is on the disk, and nothing is on its way.

        Parameters
        ----------
        rng
            Where chance comes from.

        Returns
        -------
        tuple of Fate
            What became of each change that was on its way.
        """
        drawn = fates(rng, len(self._pending))
        for change, fate in zip(self._pending, drawn, strict=True):
            if fate is Fate.KEPT:
                _apply(self._durable, change)
            elif fate is Fate.TORN and isinstance(change, Write):
                # A size is one number: it is there or it is not.
                for part in _sectors(change):
                    if rng.random() < 1 / 2:
                        _apply(self._durable, part)
        self._pending.clear()
        return drawn

    def content(self) -> bytes:
        """Return what is on the disk."""
        return bytes(self._durable)


def _apply(content: bytearray, change: Change) -> None:
    if isinstance(change, Cut):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
        return
    # What was never written reads as zeros.
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.data)] = change.data


def _sectors(write: Write) -> list[Write]:
    """Cut a write where sectors of the disk begin."""
    start, end = write.offset, write.offset + len(write.data)
    edges = [start, *range(start - start % SECTOR + SECTOR, end, SECTOR), end]
    return [
        Write(low, write.data[low - start : high - start])
        for low, high in itertools.pairwise(edges)
    ]


class Names:
    """The names in a folder: those on the disk, and what was done to them since."""

    def __init__(self) -> None:
        self._durable: dict[str, StoredFile] = {}
        self._pending: list[tuple[str, StoredFile | None]] = []
        self._now: dict[str, StoredFile] = {}
        self._known: set[str] = set()

    def get(self, name: str) -> StoredFile | None:
        """Return the file of a name, None where there is none now."""
        return self._now.get(name)

    def found(self, name: str, file: StoredFile) -> None:
        """Take a file that was on the disk before anybody looked."""
        self._known.add(name)
        self._durable[name] = self._now[name] = file

    def link(self, name: str, file: StoredFile) -> None:
        """Give a file a name."""
        self._known.add(name)
        self._now[name] = file
        self._pending.append((name, file))

    def unlink(self, name: str) -> None:
        """Take a name away."""
        if self._now.pop(name, None) is not None:
            self._pending.append((name, None))

    def sync(self) -> None:
        """Bring all names to the disk."""
        self._pending.clear()
        self._durable = dict(self._now)

    def survive(self, rng: Generator, *, ordered: bool) -> tuple[int, int]:
        """Lose the power: what is left is on the disk, and nothing is on its way.

        Parameters
        ----------
        rng
            Where chance comes from.
        ordered
            Whether a journal of the file system keeps the order: what was done last
            is lost first. Otherwise each has a fate of its own.

        Returns
        -------
        kept, dropped
            How many changes of names.
        """
        count = len(self._pending)
        if ordered:
            last = int(rng.integers(count + 1))
            keep = [row < last for row in range(count)]
        else:
            keep = [bool(drawn) for drawn in rng.random(count) < 1 / 2]
        for (name, file), kept in zip(self._pending, keep, strict=True):
            if not kept:
                continue
            if file is None:
                self._durable.pop(name, None)
            else:
                self._durable[name] = file
        self._pending.clear()
        self._now = dict(self._durable)
        return sum(keep), count - sum(keep)

    def files(self) -> dict[str, StoredFile | None]:
        """Return every name that there ever was, with its file if there is one now."""
        return {name: self._now.get(name) for name in sorted(self._known)}
