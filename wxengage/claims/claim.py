"""One claim of the article (论断)."""

from __future__ import annotations

import attrs

__all__ = ["Claim"]


@attrs.frozen
class Claim:
    """One figure or table row of the article, and what the library makes of it.

    Attributes
    ----------
    id
        Its key in ``CLAIMS``.
    chapter
        From 1 to 8; 0 is the article's introduction.
    sentence_zh
        The article's own words; the cells of a table row stand apart by `` | ``.
    sentence_en
        The same in English.
    value
        The figure, or the codes of what the row names. Where a constant holds
        it, that very constant.
    unit
        What the value counts.
    feeds
        Dotted public name of the default or the data that takes the value.
    metric
        Id of the metric that tests the claim on one's own log, or "" where
        there is none yet.
    verified
        Whether a source backs it. The article names none.
    """

    id: str
    chapter: int
    sentence_zh: str
    sentence_en: str
    value: object
    unit: str
    feeds: str
    metric: str = ""
    verified: bool = False
