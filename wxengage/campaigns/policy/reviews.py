"""Who answers for which finding (合规评审): an override hides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from wxengage.campaigns.policy.findings import SEVERITIES, Finding, Override
from wxengage.errors import InvalidInputError
from wxengage.tables import aligned

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Review", "apply_overrides"]


@attrs.frozen(str=False)
class Review:
    """Findings, and who goes ahead all the same (评审结果).

    Attributes
    ----------
    findings
        All that were given, in their order, each with the overrides about it.
    unused
        Overrides about none of them: the fault is gone, or the id is wrong. They
        are kept, for somebody has signed them.
    """

    findings: tuple[Finding, ...]
    unused: tuple[Override, ...] = ()

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The errors that nobody answers for: with any, do not launch."""
        return tuple(
            finding
            for finding in self.findings
            if finding.severity == "error" and not finding.overrides
        )

    def __str__(self) -> str:
        rows = [
            [
                finding.severity,
                finding.rule_id,
                finding.field,
                ", ".join(who.by for who in finding.overrides) or "-",
                finding.found.en,
            ]
            for finding in self.findings
        ]
        counts = [
            sum(finding.severity == severity for finding in self.findings)
            for severity in SEVERITIES
        ]
        errors, warnings, notes = counts
        head = (
            f"{errors} errors ({len(self.blocking)} blocking), {warnings} warnings, "
            f"{notes} notes"
        )
        table = [["severity", "rule", "field", "overridden by", "found"], *rows]
        unused = [f"unused override: {who.rule_id}, {who.by}" for who in self.unused]
        return "\n".join([head, *([aligned(table)] if rows else []), *unused])


def apply_overrides(
    findings: Iterable[Finding], overrides: Iterable[Override]
) -> Review:
    """Write down who answers for which finding.

    Parameters
    ----------
    findings
        Of ``lint_campaign``.
    overrides
        Each is added to every finding that it covers. Applying one a second time
        changes nothing.

    Returns
    -------
    Review
        With as many findings as were given: an override takes none away and
        changes no severity.

    Raises
    ------
    InvalidInputError
        If something is no finding, or no override.

    Examples
    --------
    >>> review = apply_overrides((), (Override("WX-IND-001", "Lin", "own app"),))
    >>> print(review)
    0 errors (0 blocking), 0 warnings, 0 notes
    unused override: WX-IND-001, Lin
    """
    told = _several("findings", findings, Finding)
    signed = tuple(dict.fromkeys(_several("overrides", overrides, Override)))
    reviewed = tuple(
        attrs.evolve(
            finding,
            overrides=tuple(
                dict.fromkeys(
                    [
                        *finding.overrides,
                        *(who for who in signed if who.covers(finding)),
                    ]
                )
            ),
        )
        for finding in told
    )
    unused = tuple(
        who for who in signed if not any(who.covers(finding) for finding in told)
    )
    return Review(reviewed, unused)


def _several(name: str, given: Any, kind: type) -> tuple[Any, ...]:
    if isinstance(given, str | kind) or not hasattr(given, "__iter__"):
        raise InvalidInputError(name, given, f"several {kind.__name__}s")
    found = tuple(given)
    for row, one in enumerate(found):
        if not isinstance(one, kind):
            raise InvalidInputError(f"{name}[{row}]", one, f"a {kind.__name__}")
    return found
