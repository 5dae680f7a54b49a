"""What happens to one user's points (积分流水): earned, spent, reversed, reinstated.

Facts are dated and have ids; they may come in any order, and twice. What is
computed from them is a function of the set of facts up to an instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from wxengage.errors import InvalidInputError, require_whole
from wxengage.log.events import bad_id
from wxengage.segments.points.validity import instant
from wxengage.times.zones import from_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

__all__ = [
    "FACT_KINDS",
    "MOST_POINTS",
    "Earned",
    "Fact",
    "Reinstated",
    "Reversed",
    "Spent",
    "in_order",
    "order_of_id",
    "targets_of",
    "too_few",
    "too_much",
]

#: Points of one fact: enough for fen of the largest order, and a table of nine
#: million such facts still sums within 64 bits.
MOST_POINTS: Final = 10**12


def _require_id(_: object, field: attrs.Attribute[Any], got: Any) -> None:
    if rule := bad_id(got):
        raise InvalidInputError(field.name, got, rule)


def _require_instant(_: object, field: attrs.Attribute[Any], got: Any) -> None:
    instant(field.name, got)


def _require_points(_: object, field: attrs.Attribute[Any], got: Any) -> None:
    require_whole(field.name, got, least=1, most=MOST_POINTS, hint="points are whole")


@attrs.frozen
class Earned:
    """Points that came in (获得).

    Attributes
    ----------
    id
        The fact's own id, by which a repeat is known and a reversal points to it.
    at
        When: aware.
    points
        Whole, from 1.
    """

    id: str | int = attrs.field(validator=_require_id)
    at: dt.datetime = attrs.field(validator=_require_instant)
    points: int = attrs.field(validator=_require_points)


@attrs.frozen
class Spent:
    """Points that were redeemed (消耗).

    Attributes
    ----------
    id, at, points
        As for ``Earned``.
    """

    id: str | int = attrs.field(validator=_require_id)
    at: dt.datetime = attrs.field(validator=_require_instant)
    points: int = attrs.field(validator=_require_points)


@attrs.frozen
class Reversed:
    """An earning or a spending that is taken back (冲正), wholly or in part.

    Attributes
    ----------
    id, at
        As for ``Earned``.
    of
        Id of the earning or spending.
    points
        How many of its points; None for all that are left of it.
    """

    id: str | int = attrs.field(validator=_require_id)
    at: dt.datetime = attrs.field(validator=_require_instant)
    of: str | int = attrs.field(validator=_require_id)
    points: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(_require_points)
    )


@attrs.frozen
class Reinstated:
    """An operator gives back what expired of late (恢复过期积分).

    Attributes
    ----------
    id, at
        As for ``Earned``.
    """

    id: str | int = attrs.field(validator=_require_id)
    at: dt.datetime = attrs.field(validator=_require_instant)


#: One fact about a user's points.
Fact: TypeAlias = Earned | Spent | Reversed | Reinstated
#: Words for kinds of facts in tables, in the order of their codes. At one and the
#: same instant facts happen in this order: nothing is spent before it is earned,
#: and nothing is undone before it was done.
FACT_KINDS: Final = ("earned", "spent", "reversed", "reinstated")
_CLASSES: Final = (Earned, Spent, Reversed, Reinstated)


def order_of_id(value: str | int) -> tuple[bool, str | int]:
    """Return what ids are ordered by: numbers first, text by its characters."""
    return isinstance(value, str), value


def in_order(facts: Iterable[Fact], as_of: int) -> list[Fact]:
    """Return the facts up to an instant, each once, in the order they happen.

    Parameters
    ----------
    facts
        Of one user, in any order.
    as_of
        The last instant that counts, microseconds since 1970.

    Returns
    -------
    list
        By instant; at the same instant earned, spent, reversed, reinstated; then
        by id.

    Raises
    ------
    InvalidInputError
        If one is no fact, or two different facts share an id.
    """
    known: dict[tuple[bool, str | int], Fact] = {}
    for row, fact in enumerate(facts):
        if type(fact) not in _CLASSES:
            rule = "an Earned, Spent, Reversed or Reinstated"
            raise InvalidInputError(f"facts[{row}]", fact, rule)
        if instant("at", fact.at) > as_of:
            continue
        first = known.setdefault(order_of_id(fact.id), fact)
        if first is not fact and not (type(first) is type(fact) and first == fact):
            rule = f"the fact that has its id already, {first}"
            hint = "every fact needs an id of its own"
            raise InvalidInputError(f"facts[{row}]", fact, rule, hint)
    return sorted(
        known.values(),
        key=lambda fact: (
            instant("at", fact.at),
            _CLASSES.index(type(fact)),
            order_of_id(fact.id),
        ),
    )


def targets_of(facts: list[Fact]) -> list[int]:
    """Return which fact each reversal takes back.

    Parameters
    ----------
    facts
        As ``in_order`` returns them.

    Returns
    -------
    list of int
        A position among the facts; -1 for what is no reversal.

    Raises
    ------
    InvalidInputError
        If there is no such earning or spending before the reversal.
    """
    places: dict[tuple[bool, str | int], int] = {}
    targets = []
    for place, fact in enumerate(facts):
        target = -1
        if isinstance(fact, Earned | Spent):
            places[order_of_id(fact.id)] = place
        elif isinstance(fact, Reversed):
            target = places.get(order_of_id(fact.of), -1)
            if target < 0:
                rule = "the id of an earning or a spending not after the reversal"
                raise InvalidInputError(f"reversed {fact.id!r}.of", fact.of, rule)
        targets.append(target)
    return targets


def too_few(name: str, points: int, there: int, at: int) -> InvalidInputError:
    """Return the error of spending points without a lot."""
    rule = f"at most the {there} points there are at {from_micros(at).isoformat()}"
    hint = "points are spent from lots that are available and have not expired"
    return InvalidInputError(name, points, rule, hint)


def too_much(name: str, points: int | None, left: int) -> InvalidInputError:
    """Return the error of reversing more than there was."""
    rule = f"at most the {left} of it that are not reversed yet"
    return InvalidInputError(name, points, rule)
