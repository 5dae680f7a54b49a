"""One rule of a platform or of the law (规则), with its dates and its source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import groupby, pairwise
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import attrs

from wxengage.errors import InvalidInputError, nearest, require_id, require_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CONFIDENCES",
    "Param",
    "Rule",
    "by_id",
    "require_date",
    "require_one_a_day",
    "require_same_params",
]

#: A whole number, a text, yes or no, or several numbers or texts. Money is in fen;
#: a duration is whole, in the unit that its name ends with (``window_s``: seconds).
Param: TypeAlias = bool | int | str | tuple[int, ...] | tuple[str, ...]
ParamT = TypeVar("ParamT", bound=Param)

#: How sure a rule is, weakest first: a single weak source; two independent ones or
#: one old official text; official text with its date.
CONFIDENCES: Final = ("low", "medium", "high")


def require_date(name: str, got: object) -> dt.date:
    """Return ``got`` if it is a calendar date.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        The value as it came in.

    Returns
    -------
    datetime.date
        The same object.

    Raises
    ------
    InvalidInputError
        If it is a datetime or no date: an instant has a date only in a zone.
    """
    if isinstance(got, dt.datetime):
        hint = (
            "an instant has a date only in a zone: DayClock().date(DayClock().day(t))"
        )
        raise InvalidInputError(name, got, "a date without a time", hint)
    if not isinstance(got, dt.date):
        raise InvalidInputError(
            name, got, "a date", "such as datetime.date(2026, 3, 1)"
        )
    return got


def _an_id(_: object, field: attrs.Attribute[Any], value: object) -> None:
    require_id(field.name, value)


def _a_sentence(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(field.name, value, "a text that says something")


def _a_date(_: object, field: attrs.Attribute[Any], value: object) -> None:
    require_date(field.name, value)


def _a_confidence(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or value not in CONFIDENCES:
        rule = f"one of {', '.join(CONFIDENCES)}"
        raise InvalidInputError(field.name, value, rule, nearest(value, CONFIDENCES))


def _one_param(name: str, value: object) -> None:
    """Refuse what is no yes or no, no whole number of 0 or more, and no text."""
    if isinstance(value, str):
        if not value:
            raise InvalidInputError(name, value, "not empty")
    elif not isinstance(value, bool):
        hint = "shares and prices are whole too: percent, fen"
        require_whole(name, value, hint=hint)


def _params(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping):
        raise InvalidInputError(field.name, value, "a mapping from names to values")
    for key, param in value.items():
        if not isinstance(key, str) or not key.isidentifier():
            raise InvalidInputError(f"{field.name} key", key, "a plain name")
        name = f"{field.name}[{key!r}]"
        if not isinstance(param, tuple):
            if isinstance(param, list):
                raise InvalidInputError(name, param, "a tuple", "write tuple(...)")
            _one_param(name, param)
            continue
        if len({type(item) for item in param}) != 1 or isinstance(param[0], bool):
            raise InvalidInputError(name, param, "numbers alone or texts alone")
        for place, item in enumerate(param):
            _one_param(f"{name}[{place}]", item)


@attrs.frozen
class Rule:
    """What a platform or the law allows, since when, and who says so.

    Attributes
    ----------
    id
        Its key, such as ``"WX-CS-001"``. Versions of one rule share an id.
    statement_zh, statement_en
        The rule as a sentence, in Chinese and in English.
    params
        Its numbers and words by name, see ``Param``. Read only; a copy is kept.
    source
        Where that is from; for a correction, who corrected it.
    in_force_from
        First day on which it holds, None where that is unknown: then it holds on
        every date until its end, and confidence is at most ``"medium"``.
    in_force_until
        First day on which it no longer holds, None where no end is known.
    checked_on
        When it was last compared with its source.
    confidence
        One of ``CONFIDENCES``.

    Raises
    ------
    InvalidInputError
        If a field is not of its kind, the dates leave no day, or the confidence
        is high and the first day unknown.
    """

    id: str = attrs.field(validator=_an_id)
    statement_zh: str = attrs.field(validator=_a_sentence)
    statement_en: str = attrs.field(validator=_a_sentence)
    params: Mapping[str, Param] = attrs.field(validator=_params, hash=False)
    source: str = attrs.field(validator=_a_sentence)
    in_force_from: dt.date | None = attrs.field(
        validator=attrs.validators.optional(_a_date)
    )
    in_force_until: dt.date | None = attrs.field(
        validator=attrs.validators.optional(_a_date)
    )
    checked_on: dt.date = attrs.field(validator=_a_date)
    confidence: str = attrs.field(validator=_a_confidence)

    def __attrs_post_init__(self) -> None:
        start, end = self.in_force_from, self.in_force_until
        if start is not None and end is not None and end <= start:
            raise InvalidInputError(
                "in_force_until", end, f"after in_force_from, which is {start}"
            )
        if start is None and self.confidence == "high":
            raise InvalidInputError(
                "confidence",
                self.confidence,
                "at most 'medium' where in_force_from is unknown",
                "state the first day, or lower it",
            )
        # Rules are shared by every book of the process: nobody may write on them.
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __reduce__(self) -> tuple[type[Rule], tuple[object, ...]]:
        # A read-only view does not pickle; what it shows does.
        fields = attrs.asdict(self, recurse=False) | {"params": dict(self.params)}
        return Rule, tuple(fields.values())

    def __str__(self) -> str:
        params = ", ".join(f"{name} = {value}" for name, value in self.params.items())
        start = self.in_force_from or "unknown"
        end = f", until {self.in_force_until}" if self.in_force_until else ""
        return (
            f"{self.id}: {self.statement_en}\n{self.statement_zh}\n{params}\n"
            f"in force from {start}{end}; checked on {self.checked_on}, "
            f"confidence {self.confidence}\nsource: {self.source}"
        )

    def holds_on(self, date: dt.date) -> bool:
        """Return whether the rule is in force on a day."""
        start, end = self.in_force_from, self.in_force_until
        return (start is None or start <= date) and (end is None or date < end)

    def param(self, name: str, kind: type[ParamT]) -> ParamT:
        """Return one parameter, of the kind that the caller relies on.

        Parameters
        ----------
        name
            A key of ``params``.
        kind
            ``int``, ``str``, ``bool`` or ``tuple``.

        Returns
        -------
        bool, int, str or tuple
            The value.

        Raises
        ------
        InvalidInputError
            If there is no such parameter, or it is of another kind.

        Examples
        --------
        >>> import datetime as dt
        >>> from wxengage.rules import rulebook
        >>> rulebook(dt.date(2026, 3, 1))["WX-CS-001"].param("count", int)
        5
        """
        if name not in self.params:
            hint = nearest(name, self.params) if self.params else "it has none"
            raise InvalidInputError("name", name, f"a parameter of {self.id}", hint)
        value = self.params[name]
        # A bool is an int to Python, and no number here.
        if type(value) is not kind:
            raise InvalidInputError(
                f"{self.id} {name}", value, f"of type {kind.__name__}"
            )
        return value


def _first_day(rule: Rule) -> dt.date:
    return rule.in_force_from or dt.date.min


def by_id(rules: Iterable[Rule]) -> dict[str, tuple[Rule, ...]]:
    """Return the versions of each rule, earliest first."""
    key = attrgetter("id")
    return {
        name: tuple(sorted(versions, key=_first_day))
        for name, versions in groupby(sorted(rules, key=key), key)
    }


def require_one_a_day(rules: Iterable[Rule]) -> None:
    """Refuse rules of which two hold on one day under the same id.

    Parameters
    ----------
    rules
        In any order.

    Raises
    ------
    InvalidInputError
        If two versions overlap, or differ in their parameters' names or kinds.
    """
    for name, versions in by_id(rules).items():
        require_same_params(versions)
        for before, after in pairwise(versions):
            end = before.in_force_until
            if end is None or end > _first_day(after):
                raise InvalidInputError(
                    f"{name} in_force_from",
                    after.in_force_from,
                    f"on or after the day on which its predecessor ends, {end}",
                    "one id holds at most one rule a day",
                )


def _shape(value: Param) -> str:
    if isinstance(value, tuple):
        return f"several {type(value[0]).__name__}"
    return type(value).__name__


def require_same_params(versions: Iterable[Rule]) -> None:
    """Refuse versions of one rule that do not have the same parameters.

    Parameters
    ----------
    versions
        All of one id.

    Raises
    ------
    InvalidInputError
        If a name is missing or new, or a value is of another kind: whoever reads
        the rule relies on both.
    """
    first, *others = versions
    wanted = {name: _shape(value) for name, value in first.params.items()}
    for rule in others:
        shapes = {name: _shape(value) for name, value in rule.params.items()}
        for name in sorted(wanted.keys() ^ shapes.keys()):
            known = "present" if name in wanted else "absent"
            hint = f"the rule has {', '.join(wanted) or 'no parameters'}"
            got = tuple(shapes)
            raise InvalidInputError(
                f"{rule.id} params", got, f"with {name!r} {known}", hint
            )
        for name, shape in shapes.items():
            if shape != wanted[name]:
                field = f"{rule.id} params[{name!r}]"
                raise InvalidInputError(
                    field, rule.params[name], f"of type {wanted[name]}"
                )
