"""What a page is made of (版块): sections of blocks, text only, no markup.

The template decides how a block looks and escapes every text in it. Only a
``Drawing`` carries markup, which ``charts.render`` has made.
"""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = [
    "Block",
    "Card",
    "Cards",
    "Cell",
    "Drawing",
    "Fold",
    "Grid",
    "Key",
    "Prose",
    "Section",
    "Slice",
    "Split",
    "Tag",
    "Tags",
]

Tone = Literal["", "good", "bad", "quiet"]


@attrs.frozen
class Cell:
    """One cell of a grid.

    Attributes
    ----------
    text
        What it says.
    sub
        A smaller second line.
    tone
        Good news, bad news, or of less weight.
    swatch
        Colour of the dot before it, a segment's; "" for none.
    share
        Length of the bar below it, from 0 to 1; None for none.
    foreign
        Whether the text comes from users, and is kept apart from ours in the
        direction of writing.
    """

    text: str
    sub: str = ""
    tone: Tone = ""
    swatch: str = ""
    share: float | None = None
    foreign: bool = False


@attrs.frozen
class Grid:
    """A table: the first column flush left, ``numeric`` ones flush right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: frozenset[int] = frozenset()
    title: str = ""
    note: str = ""
    tight: frozenset[int] = frozenset()  # columns that do not wrap on a desk
    wide: bool = False  # scrolls in its own box on a phone instead of restacking
    kind: str = "grid"


@attrs.frozen
class Drawing:
    """A chart, drawn for a desk and for a phone."""

    wide: str
    narrow: str
    label: str
    title: str = ""
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()  # swatch and what it means
    kind: str = "drawing"


@attrs.frozen
class Slice:
    """One part of a whole."""

    swatch: str
    label: str
    value: str
    share: float
    sub: str = ""


@attrs.frozen
class Split:
    """A whole as one bar, with a line for each of its parts."""

    slices: tuple[Slice, ...]
    label: str
    title: str = ""
    kind: str = "split"


@attrs.frozen
class Card:
    """One segment: who, how many, what to do."""

    swatch: str
    title: str
    value: str
    sub: str
    traits: tuple[tuple[str, str], ...]
    moves: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@attrs.frozen
class Cards:
    """Segments side by side."""

    cards: tuple[Card, ...]
    kind: str = "cards"


@attrs.frozen
class Tag:
    """A short name with its reason."""

    name: str
    text: str


@attrs.frozen
class Tags:
    """A list of names with reasons."""

    title: str
    tags: tuple[Tag, ...]
    kind: str = "tags"


@attrs.frozen
class Prose:
    """Paragraphs."""

    paragraphs: tuple[str, ...]
    foreign: bool = False
    kind: str = "prose"


@attrs.frozen
class Fold:
    """Blocks that are read on demand, and always printed."""

    title: str
    blocks: tuple[Grid | Prose, ...]
    kind: str = "fold"


Block = Grid | Drawing | Split | Cards | Tags | Prose | Fold


@attrs.frozen
class Section:
    """A subject of the page.

    Attributes
    ----------
    title
        Its heading.
    lead
        What to know of it, in one or two sentences.
    blocks
        Below the lead.
    """

    title: str
    lead: str
    blocks: tuple[Block, ...]


@attrs.frozen
class Key:
    """A number at the top of the page, with what it means in plain words."""

    label: str
    value: str
    meaning: str
    swatch: str = ""
