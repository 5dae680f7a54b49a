"""Rows by key (记录表), as a value: a changed row costs a chunk and no whole copy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.delivery.outbox.rows import OutboxRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Rows"]

_CHUNK: Final = 128
_NOWHERE: Final[Mapping[str, int]] = MappingProxyType({})


@attrs.frozen(eq=False, repr=False)
class Rows(Mapping[str, OutboxRow]):
    """Rows by key, in the order of arrival; none is ever taken out.

    Attributes
    ----------
    places
        Key -> its place in the order.
    chunks
        The rows in that order, 128 together.
    """

    places: Mapping[str, int] = _NOWHERE
    chunks: tuple[tuple[OutboxRow, ...], ...] = ()

    def changed(self, rows: Iterable[OutboxRow]) -> Rows:
        """Return these rows with some changed, and new ones at the end."""
        chunks = list(self.chunks)
        added: dict[str, int] = {}
        copied: dict[int, list[OutboxRow]] = {}
        for row in rows:
            place = self.places.get(row.key)
            if place is None:
                place = added.setdefault(row.key, len(self) + len(added))
            which, where = divmod(place, _CHUNK)
            if which not in copied:
                copied[which] = list(chunks[which]) if which < len(chunks) else []
            copied[which][where : where + 1] = [row]
        for which, chunk in sorted(copied.items()):
            chunks[which : which + 1] = [tuple(chunk)]
        places = {**self.places, **added} if added else self.places
        return Rows(places, tuple(chunks))

    def __getitem__(self, key: str) -> OutboxRow:
        which, where = divmod(self.places[key], _CHUNK)
        return self.chunks[which][where]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)
