"""One campaign before the rules (检查对象), and what a check says of it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  a default has the type
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.campaigns.policy.findings import Severity
    from wxengage.campaigns.policy.launch import Launch
    from wxengage.campaigns.policy.terms import Terms
    from wxengage.rules.book import Rulebook

__all__ = ["Case", "Fault", "excerpt"]

# How much of a text is shown on either side of what was found.
_AROUND: Final = 8
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Fault(NamedTuple):
    """What a check has found, before the rule's own words are added.

    Attributes
    ----------
    severity
        Where the rule is sure; see ``lint_campaign``.
    reason
        A key of the sentences.
    field
        What to change.
    evidence
        What shows it.
    values
        What the sentences are filled with: text, or words in both languages.
    """

    severity: Severity
    reason: str
    field: str
    evidence: tuple[str, ...] = ()
    values: Mapping[str, Any] = _NOTHING


@attrs.frozen
class Case:
    """A campaign, how it is launched, what is said of it, and the rules of a day.

    Attributes
    ----------
    terms
        What it gives for what.
    launch
        How it is put before people.
    copy
        The texts that praise it.
    book
        The rules.
    """

    terms: Terms
    launch: Launch
    copy: tuple[str, ...]
    book: Rulebook

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield everything that people read, each with its field."""
        yield from ((f"copy[{row}]", text) for row, text in enumerate(self.copy))
        if self.launch.rules:
            yield "launch.rules", self.launch.rules
        for row, notice in enumerate(self.launch.notices):
            if notice.text:
                yield f"launch.notices[{row}].text", notice.text


def excerpt(text: str, start: int, end: int) -> str:
    """Return what was found in a text, with a little of what stands around it."""
    return text[max(start - _AROUND, 0) : end + _AROUND].replace("\n", " ")
