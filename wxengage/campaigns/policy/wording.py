"""Absolute words in advertising copy (绝对化用语), and where they may stand."""

from __future__ import annotations

import bisect
import itertools
import re
from typing import TYPE_CHECKING, Final

from wxengage.campaigns.policy.cases import Case, Fault, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wxengage.rules.rule import Rule

__all__ = ["EXEMPTIONS", "absolute_words"]

#: The rule that says where such words may stand.
EXEMPTIONS: Final = "CN-AD-002"


def absolute_words(case: Case, rule: Rule) -> Iterator[Fault]:
    """Check every text for the words that the rule names.

    Yields
    ------
    Fault
        One a text: a warning where a word stands outside of every exemption in
        force, for whether it speaks of the goods is for people to judge; a note
        where it stands only in exemptions that must be proved. None for a text
        whose words claim nothing of the goods.
    """
    words = [str(word) for word in rule.param("words", tuple)]
    free, proved = _exempt(case)
    for field, text in case.texts():
        claims_nothing, provable = _within(text, free), _within(text, proved)
        bare: list[str] = []
        doubtful: list[str] = []
        for start, end in _places(text, words):
            if not claims_nothing(start, end):
                found = doubtful if provable(start, end) else bare
                found.append(excerpt(text, start, end))
        if bare:
            yield Fault("warning", "absolute_words", field, tuple(bare))
        if doubtful:
            yield Fault("note", "absolute_words_to_prove", field, tuple(doubtful))


def _exempt(case: Case) -> tuple[list[str], list[str]]:
    """Return the phrases that claim nothing, and those that must be proved."""
    if EXEMPTIONS not in case.book:
        return [], []
    rule = case.book[EXEMPTIONS]
    free, proved = rule.param("no_claim", tuple), rule.param("with_proof", tuple)
    return [str(phrase) for phrase in free], [str(phrase) for phrase in proved]


def _within(text: str, phrases: list[str]) -> Callable[[int, int], bool]:
    """Return the question whether a place of a text lies in one of the phrases."""
    spans = _places(text, phrases)
    starts = [start for start, _ in spans]
    furthest = list(itertools.accumulate((end for _, end in spans), max, initial=0))

    def inside(start: int, end: int) -> bool:
        return furthest[bisect.bisect_right(starts, start)] >= end

    return inside


def _places(text: str, phrases: list[str]) -> list[tuple[int, int]]:
    """Return where phrases stand, in the order of the text."""
    return sorted(
        found.span()
        for phrase in phrases
        for found in re.finditer(re.escape(phrase), text)
    )
