"""The rules that hold on a day (规则手册), and what a user knows better."""

from __future__ import annotations

import datetime as dt
import functools
import html
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.errors import InvalidInputError, nearest
from wxengage.rules.rule import (
    Rule,
    by_id,
    require_date,
    require_one_a_day,
    require_same_params,
)
from wxengage.rules.shelf import shipped
from wxengage.tables import aligned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Rulebook", "rulebook"]

# A table is looked over, a rule is read: statements are cut there, and whole here.
_SHOWN: Final = 56


def _rules(name: str, got: object) -> tuple[Rule, ...]:
    """Return a tuple of rules, or name what is none."""
    if isinstance(got, Rule | str) or not hasattr(got, "__iter__"):
        raise InvalidInputError(name, got, "several rules", "write [rule] for one")
    rules = tuple(got)
    for place, rule in enumerate(rules):
        if not isinstance(rule, Rule):
            hint = "read_rules(text) makes rules of a TOML text"
            raise InvalidInputError(f"{name}[{place}]", rule, "a Rule", hint)
    return rules


def _one_line(statement: str) -> str:
    """Return a statement as the cell of a table, cut where it is long."""
    line = " ".join(statement.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3].rstrip() + "..."


@attrs.frozen(repr=False, str=False)
class Rulebook:
    """The rules in force on one day; at most one for each id.

    A book iterates over its rules, ``book[id]`` gives one, and ``id in book`` says
    whether there is one that day.

    Attributes
    ----------
    as_of
        The day.
    versions
        Every version of every rule that the book was made from, also those that
        do not hold on the day.
    """

    as_of: dt.date
    versions: tuple[Rule, ...]

    def __attrs_post_init__(self) -> None:
        require_date("as_of", self.as_of)
        if not isinstance(self.versions, tuple):
            raise InvalidInputError("versions", self.versions, "a tuple of rules")
        require_one_a_day(_rules("versions", self.versions))

    @functools.cached_property
    def _held(self) -> Mapping[str, Rule]:
        return {rule.id: rule for rule in self.versions if rule.holds_on(self.as_of)}

    def __getitem__(self, rule_id: str) -> Rule:
        if isinstance(rule_id, str) and rule_id in self._held:
            return self._held[rule_id]
        rule = f"the id of a rule in force on {self.as_of}"
        raise InvalidInputError("rule_id", rule_id, rule, self._why_not(rule_id))

    def _why_not(self, rule_id: object) -> str:
        """Return when a rule does hold, or which id was meant."""
        spans = [
            f"{version.in_force_from or '...'} to {version.in_force_until or '...'}"
            for version in self.versions
            if version.id == rule_id
        ]
        if spans:
            return f"it holds from {' and '.join(spans)}"
        return nearest(rule_id, self._held) if self._held else "no rule holds that day"

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, rule: object) -> bool:
        if isinstance(rule, Rule):
            return self._held.get(rule.id) == rule
        return isinstance(rule, str) and rule in self._held

    def __repr__(self) -> str:
        return f"Rulebook(as_of={self.as_of}, {len(self)} rules)"

    def __str__(self) -> str:
        head = ["id", "from", "until", "checked", "confidence", "statement"]
        rows = [
            [
                rule.id,
                str(rule.in_force_from or "-"),
                str(rule.in_force_until or "-"),
                str(rule.checked_on),
                rule.confidence,
                _one_line(rule.statement_en),
            ]
            for rule in self
        ]
        return f"{len(self)} rules in force on {self.as_of}\n{aligned([head, *rows])}"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def overlay(self, corrections: Iterable[Rule]) -> Rulebook:
        """Return the book with a user's rules in place of its own.

        Parameters
        ----------
        corrections
            Corrected or added rules. One takes over from its first day on, or
            from ever where that is unknown; after its last day its id holds
            nothing, unless another correction follows.

        Returns
        -------
        Rulebook
            Of the same day. This one stays as it is.

        Raises
        ------
        InvalidInputError
            If two corrections of one id hold on the same day, or one has other
            parameters than the rule that it corrects, or the same source: the
            source of a correction says who corrected it.

        Examples
        --------
        >>> import attrs
        >>> book = rulebook(dt.date(2026, 3, 1))
        >>> mine = attrs.evolve(
        ...     book["WX-TRF-002"],
        ...     params={**book["WX-TRF-002"].params, "merchant_day_fen": 20_000_000},
        ...     statement_zh="本商户每天最多 200,000 元。",
        ...     statement_en="This merchant: 200,000 yuan a day.",
        ...     source="corrected by Lin after a call with the platform, 2026-02-11",
        ...     checked_on=dt.date(2026, 2, 11),
        ... )
        >>> book.overlay([mine])["WX-TRF-002"].param("merchant_day_fen", int)
        20000000
        """
        ours = by_id(self.versions)
        theirs = by_id(_rules("corrections", corrections))
        kept: list[Rule] = []
        for name, versions in ours.items():
            new = theirs.get(name, ())
            for rule in new:
                _require_correction(rule, versions)
            kept.extend(_until(versions, new[0]) if new else versions)
        added = [rule for versions in theirs.values() for rule in versions]
        order = {name: place for place, name in enumerate(self._order(theirs))}
        timeline = sorted([*kept, *added], key=lambda rule: order[rule.id])
        return Rulebook(self.as_of, tuple(timeline))

    def _order(self, theirs: Iterable[str]) -> dict[str, None]:
        """Return the ids, each once: the book's own first, as they stand."""
        return dict.fromkeys([*(rule.id for rule in self.versions), *theirs])

    def stale(self, age: dt.timedelta) -> tuple[Rule, ...]:
        """Return the rules that nobody has checked for longer than an age.

        Parameters
        ----------
        age
            How old a check may be on the day of the book. A check as old as that
            still counts, and so does one made after that day.

        Returns
        -------
        tuple of Rule
            The longest unchecked first.

        Raises
        ------
        InvalidInputError
            If ``age`` is no timedelta, or negative.

        Examples
        --------
        >>> len(rulebook(dt.date(2026, 12, 1)).stale(dt.timedelta(days=30)))
        0
        """
        if not isinstance(age, dt.timedelta) or age < dt.timedelta(0):
            hint = "such as datetime.timedelta(days=180)"
            raise InvalidInputError("age", age, "a timedelta of 0 or more", hint)
        old = [rule for rule in self if self.as_of - rule.checked_on > age]
        return tuple(sorted(old, key=lambda rule: rule.checked_on))


def _require_correction(rule: Rule, versions: tuple[Rule, ...]) -> None:
    """Refuse a correction that changes the form of a rule or hides its author."""
    require_same_params((versions[0], rule))
    others = (version for version in versions if version != rule)
    if any(rule.source == version.source for version in others):
        hint = "say who corrected it, when and from what"
        name = f"{rule.id} source"
        raise InvalidInputError(name, rule.source, "the correction's own", hint)


def _until(versions: tuple[Rule, ...], correction: Rule) -> Iterator[Rule]:
    """Yield what is left of the versions before a correction takes over."""
    first = correction.in_force_from
    for rule in versions:
        start, end = rule.in_force_from, rule.in_force_until
        if first is None or (start is not None and start >= first):
            continue
        cut = end is None or end > first
        yield attrs.evolve(rule, in_force_until=first) if cut else rule


def rulebook(as_of: dt.date) -> Rulebook:
    """Return the platforms' rules that held on a day.

    Parameters
    ----------
    as_of
        The day, on the calendar of Asia/Shanghai.

    Returns
    -------
    Rulebook
        A rule whose dates are unknown holds on every day.

    Raises
    ------
    InvalidInputError
        If ``as_of`` is a datetime or no date.

    Notes
    -----
    The files are read once, ``O(rules)`` after that.

    Source: each rule names its own.

    Examples
    --------
    >>> before, after = dt.date(2023, 6, 11), dt.date(2023, 6, 12)
    >>> [rulebook(day)["WX-CS-001"].param("count", int) for day in (before, after)]
    [20, 5]
    """
    return Rulebook(as_of, shipped())
