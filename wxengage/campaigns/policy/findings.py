"""What is at fault in a campaign, by which rule, and what to change (合规检查结果)."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import Final, Literal, get_args

import attrs

from wxengage.campaigns.definitions import require_word
from wxengage.errors import InvalidInputError, require_id
from wxengage.rules.rule import require_date
from wxengage.words import Words

__all__ = ["SEVERITIES", "Finding", "Override", "Severity"]

Lang = Literal["zh", "en"]
Severity = Literal["error", "warning", "note"]
#: The gravest first. An ``"error"`` is what the text of the rule names and forbids;
#: a ``"warning"`` is what it may be read to forbid, or a limit that is likely to be
#: met; a ``"note"`` is what the campaign does not say, or what must be looked up.
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_LABELS: Final = {
    "error": Words("错误", "error"),
    "warning": Words("警告", "warning"),
    "note": Words("提示", "note"),
}


@attrs.frozen
class Override:
    """Somebody answers for going ahead all the same (人工放行).

    Attributes
    ----------
    rule_id
        The rule whose findings are meant.
    by
        Who answers for it.
    reason
        Why, in a sentence: where it is lawful, who was asked.
    field
        Only the findings about this field; None: every finding by the rule.

    Raises
    ------
    InvalidInputError
        If a field is blank, or not text.

    Examples
    --------
    >>> Override("WX-IND-001", "Lin", "the invite is sent from our own app").field
    """

    rule_id: str
    by: str
    reason: str
    field: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_id("rule_id", self.rule_id)
        require_id("by", self.by)
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise InvalidInputError("reason", self.reason, "a sentence that says why")
        if self.field is not None:
            require_id("field", self.field)

    def covers(self, finding: Finding) -> bool:
        """Return whether the override is about a finding."""
        return self.rule_id == finding.rule_id and self.field in {None, finding.field}


@attrs.frozen
class Finding:
    """One thing about a campaign that a rule speaks of.

    Attributes
    ----------
    rule_id
        The rule, as in ``wxengage.rules``.
    severity
        One of ``SEVERITIES``.
    reason
        What is at fault, for programs.
    field
        What to change: a field of the campaign, such as ``"placement"``; one of
        the launch, such as ``"launch.asks[0]"``; or a text, ``"copy[1]"``.
    found
        What is at fault, for people.
    mend
        What to change and how.
    statement
        What the rule says.
    source
        Where it says so.
    in_force_from
        Since when, a day in Asia/Shanghai; None where that is not known.
    checked_on
        When the rule was last compared with its source.
    evidence
        What in the campaign shows it.
    overrides
        Who answers for it all the same; see ``apply_overrides``.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    rule_id: str
    severity: Severity
    reason: str
    field: str
    found: Words
    mend: Words
    statement: Words
    source: str
    in_force_from: dt.date | None
    checked_on: dt.date
    evidence: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()

    def __attrs_post_init__(self) -> None:
        for name in ("rule_id", "reason", "field"):
            require_id(name, getattr(self, name))
        require_word("severity", self.severity, Severity)
        for name in ("found", "mend", "statement"):
            if not isinstance(got := getattr(self, name), Words):
                raise InvalidInputError(name, got, "Words, in both languages")
        if self.in_force_from is not None:
            require_date("in_force_from", self.in_force_from)
        require_date("checked_on", self.checked_on)
        for name, kind in (("evidence", str), ("overrides", Override)):
            got = getattr(self, name)
            if not isinstance(got, tuple) or any(not isinstance(x, kind) for x in got):
                raise InvalidInputError(name, got, f"a tuple of {kind.__name__}")

    def __str__(self) -> str:
        return f"{self.severity} {self.rule_id} {self.field}: {self.found.en}"

    def explain(self, lang: Lang = "zh") -> str:
        """Return the whole finding, for people.

        Parameters
        ----------
        lang
            ``"zh"`` or ``"en"``.

        Returns
        -------
        str
            Several lines: what is at fault, what shows it, what to change, the rule,
            its source and dates, and each override.

        Raises
        ------
        InvalidInputError
            If the language is another.
        """
        require_word("lang", lang, Lang)
        lines = [
            f"[{_LABELS[self.severity][lang]}] {self.rule_id}: {self.found[lang]}",
            *(f"  - {line}" for line in self.evidence),
            f"  {_MEND[lang]} {self.field}: {self.mend[lang]}",
            f"  {_RULE[lang]}: {self.statement[lang]}",
            f"  {_SOURCE[lang]}: {self.source}",
            f"  {_SINCE[lang]}: {self.in_force_from or _UNKNOWN[lang]}",
            f"  {_CHECKED[lang]}: {self.checked_on}",
            *(f"  {_OVERRIDE[lang]}: {who.by}: {who.reason}" for who in self.overrides),
        ]
        return "\n".join(lines)


_MEND: Final = Words("修改", "change")
_RULE: Final = Words("规则", "rule")
_SOURCE: Final = Words("来源", "source")
_SINCE: Final = Words("生效", "in force from")
_UNKNOWN: Final = Words("日期不详", "an unknown day")
_CHECKED: Final = Words("核对", "checked on")
_OVERRIDE: Final = Words("放行", "overridden by")
