"""What a desk says when it was told something (回执)."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.campaigns.facts import Fact

__all__ = ["Receipt", "Receipts"]


@attrs.frozen
class Receipt:
    """What became of one event (回执).

    Attributes
    ----------
    event_id
        Under which name it is kept.
    duplicate
        Whether it was known already: then nothing has changed.
    facts
        What campaigns found because of it.
    reason
        ``"duplicate"``; else the reason of the last fact; "" where there is none.
    durable
        Whether it survives a loss of power. False in the application's own
        transaction, which may still be rolled back, and in memory.
    """

    event_id: str
    duplicate: bool
    facts: tuple[Fact, ...]
    reason: str
    durable: bool


@attrs.frozen(repr=False)
class Receipts:
    """The receipts of several events, in their order.

    Attributes
    ----------
    each
        One for each event.
    """

    each: tuple[Receipt, ...]

    @property
    def new(self) -> int:
        """How many events were not known."""
        return sum(not one.duplicate for one in self.each)

    @property
    def duplicates(self) -> int:
        """How many were known already."""
        return len(self.each) - self.new

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What campaigns found, in the order of the events."""
        return tuple(fact for one in self.each for fact in one.facts)

    def __len__(self) -> int:
        return len(self.each)

    def __iter__(self) -> Iterator[Receipt]:
        return iter(self.each)

    @overload
    def __getitem__(self, place: int) -> Receipt: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Receipt, ...]: ...

    def __getitem__(self, place: int | slice) -> Receipt | tuple[Receipt, ...]:
        return self.each[place]

    def __repr__(self) -> str:
        facts = len(self.facts)
        return f"Receipts({self.new} new, {self.duplicates} known, {facts} facts)"
