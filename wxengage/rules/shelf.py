"""Where the rules are kept (规则数据): one TOML file an area, read and checked."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any, Final

import attrs

from wxengage.errors import InvalidInputError, nearest
from wxengage.rules.rule import Rule, require_one_a_day

__all__ = ["AREAS", "read_rules", "shipped"]

#: The files of the package, without their suffix.
AREAS: Final = (
    "official_account",
    "mini_program",
    "wecom",
    "payments",
    "activities",
    "statistics",
)
_FIELDS: Final = tuple(field.name for field in attrs.fields(Rule))
# What a row leaves out is unknown.
_MAY_LACK: Final = ("in_force_from", "in_force_until")


def read_rules(text: str, *, file: str = "rules") -> tuple[Rule, ...]:
    """Return the rules written in a text, each of them checked.

    Parameters
    ----------
    text
        TOML with one table ``[[rule]]`` a rule: the fields of ``Rule`` and under
        ``[rule.params]`` its parameters. Dates are TOML dates, lists hold numbers
        alone or texts alone, and a date that is left out is unknown.
    file
        What errors call the text.

    Returns
    -------
    tuple of Rule
        In the order of the text.

    Raises
    ------
    InvalidInputError
        If the text cannot be read, or a row is not a rule; names the file, the
        rule and the field. Also if two rules of one id hold on the same day.

    Examples
    --------
    >>> (rule,) = read_rules('''
    ... [[rule]]
    ... id = "SHOP-001"
    ... statement_zh = "每周最多两条促销"
    ... statement_en = "At most two promotions a week."
    ... source = "our own house rule, by Lin, 2026-02-01"
    ... in_force_from = 2026-02-01
    ... checked_on = 2026-02-01
    ... confidence = "high"
    ... params = { count = 2 }
    ... ''')
    >>> rule.param("count", int)
    2
    """
    if not isinstance(text, str):
        raise InvalidInputError("text", text, "the text of a TOML file")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(file, str(error), "readable as TOML") from None
    if strange := sorted(content.keys() - {"rule"}):
        raise InvalidInputError(file, strange[0], "made of [[rule]] alone")
    rows = content.get("rule", [])
    if not isinstance(rows, list):
        raise InvalidInputError(file, rows, "made of [[rule]]", "double the brackets")
    rules = tuple(_rule(file, place, row) for place, row in enumerate(rows))
    try:
        require_one_a_day(rules)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{file} {error.name}", error.got, error.rule, error.hint
        ) from None
    return rules


def _rule(file: str, place: int, row: object) -> Rule:
    """Return the rule of one row, or say which row and field is at fault."""
    if not isinstance(row, dict):
        raise InvalidInputError(f"{file} rule[{place}]", row, "a table of fields")
    name = f"{file} rule[{place}] {row.get('id', '(no id)')}"
    for field in row:
        if field not in _FIELDS:
            hint = nearest(field, _FIELDS)
            raise InvalidInputError(f"{name} field", field, "a field of a rule", hint)
    for field in _FIELDS:
        if field not in row and field not in _MAY_LACK:
            raise InvalidInputError(f"{name} {field}", None, "there")
    fields: dict[str, Any] = dict.fromkeys(_MAY_LACK) | row
    if isinstance(row["params"], dict):
        fields["params"] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in row["params"].items()
        }
    try:
        return Rule(**fields)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{name} {error.name}", error.got, error.rule, error.hint
        ) from None


@functools.cache
def shipped() -> tuple[Rule, ...]:
    """Return every rule of the package, in force or not, area by area."""
    folder = resources.files("wxengage.rules")
    return tuple(
        rule
        for area in AREAS
        for rule in read_rules(
            folder.joinpath(f"{area}.toml").read_text(encoding="utf-8"),
            file=f"{area}.toml",
        )
    )
