"""All faults of a policy at once (配置错误): nobody mends them one by one.

Each check returns the faults that it finds, as errors that are not raised yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.errors import InvalidInputError, nearest, require_id
from wxengage.pacing.quiet import QuietHours
from wxengage.times.zones import MICROS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["faults_of", "fully_quiet", "known_words", "named", "one_of", "tuple_of"]

Faults = list[InvalidInputError]
_MINUTE: Final = 60_000_000
_DAYS_OF_A_WEEK: Final = 7


def faults_of(name: str, *found: Faults) -> None:
    """Raise for all faults together, where there are any.

    Parameters
    ----------
    name
        What the policy is called.
    found
        What each check found.

    Raises
    ------
    InvalidInputError
        The fault itself where there is one, else one error that tells them all.
    """
    faults = [fault for each in found for fault in each]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        hint = "; ".join(map(str, faults))
        raise InvalidInputError(name, f"{len(faults)} faults", "without a fault", hint)


def one_of(name: str, got: object, kind: type, *, or_none: bool = False) -> Faults:
    """Return the fault of a field that must be of a type."""
    if isinstance(got, kind) or (or_none and got is None):
        return []
    rule = f"a {kind.__name__}" + (" or None" if or_none else "")
    return [InvalidInputError(name, got, rule)]


def tuple_of(name: str, got: object, kind: type) -> Faults:
    """Return the faults of a field that must be a tuple of a type."""
    if not isinstance(got, tuple):
        hint = f"write ({name[0]},) for one"
        return [InvalidInputError(name, got, f"a tuple of {kind.__name__}", hint)]
    return [
        fault
        for row, each in enumerate(got)
        for fault in one_of(f"{name}[{row}]", each, kind)
    ]


def known_words(name: str, got: object, known: Sequence[str]) -> Faults:
    """Return the faults of words that must be among the known ones, each once."""
    if not isinstance(got, tuple):
        return [InvalidInputError(name, got, "a tuple of words", ", ".join(known))]
    faults = [
        InvalidInputError(name, word, "one of " + ", ".join(known), _near(word, known))
        for word in got
        if not isinstance(word, str) or word not in known
    ]
    if not faults and len(set(got)) < len(got):
        faults.append(InvalidInputError(name, got, "words named once each"))
    return faults


def _near(word: object, known: Iterable[str]) -> str:
    return nearest(word, known) if isinstance(word, str) else ""


def named(name: str, got: object) -> Faults:
    """Return the faults of a field that must be a tuple of names, each once."""
    if not isinstance(got, tuple):
        return [InvalidInputError(name, got, "a tuple of names")]
    faults: Faults = []
    for row, each in enumerate(got):
        try:
            require_id(f"{name}[{row}]", each)
        except InvalidInputError as fault:
            faults.append(fault)
    if not faults and len(set(got)) < len(got):
        faults.append(InvalidInputError(name, got, "names given once each"))
    return faults


def fully_quiet(name: str, got: object) -> Faults:
    """Return the fault of quiet hours that together leave no minute of the week."""
    if not isinstance(got, tuple) or not all(isinstance(q, QuietHours) for q in got):
        return []
    week = np.arange(0, _DAYS_OF_A_WEEK * MICROS_PER_DAY, _MINUTE)
    free = np.ones(week.size, dtype=np.bool_)
    for quiet in got:
        free &= ~quiet.covers_many(week)
    if not got or free.any():
        return []
    hint = "to send nothing at all, plan nothing"
    return [InvalidInputError(name, got, "such that a minute is left to send", hint)]
