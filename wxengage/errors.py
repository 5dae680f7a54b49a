"""Every error that the library raises on purpose.

    WxEngageError
    ├── InvalidInputError       (also a ValueError)
    │   └── InvalidLogError     with the counts and the first rows of each fault
    ├── IllegalTransitionError
    ├── OverdrawnError
    ├── StaleStateError
    ├── StoreError              and its kin, in ``wxengage.stores.errors``
    ├── CallbackRejected
    └── MissingExtraError       (also an ImportError)

Catch ``WxEngageError`` to catch them all. Each error keeps what it complains
about as attributes, so that a program need not parse the message, and each one
survives pickling, so that a worker can hand it to its parent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

__all__ = [
    "INVISIBLE",
    "BadRow",
    "CallbackRejected",
    "IllegalTransitionError",
    "InvalidInputError",
    "InvalidLogError",
    "MissingExtraError",
    "OverdrawnError",
    "StaleStateError",
    "WxEngageError",
    "nearest",
    "require_id",
    "require_several",
    "require_whole",
    "shorten",
]

# A message is read by people: a longer value is cut in the middle.
_SHOWN = 60
# WeChat's own ids have 28 characters; a longer key is a mistake or an attack.
LONGEST_ID = 128
#: What no id may hold, as the inside of a regular expression's class: controls,
#: zero-width and direction marks, line separators, tags. The joiner of emoji
#: (U+200D) is let through.
INVISIBLE = (
    "\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_AN_INVISIBLE = re.compile(f"[{INVISIBLE}]")
INT64_MAX = 2**63 - 1


def shorten(got: object) -> str:
    """Return ``repr(got)``, cut in the middle where it is long.

    Parameters
    ----------
    got
        Any value.

    Returns
    -------
    str
        At most 60 characters.

    Examples
    --------
    >>> shorten("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxx'"
    """
    if isinstance(got, str) and len(got) > 2 * _SHOWN:
        # The repr of a very long string is longer still: cut before.
        got = got[:_SHOWN] + got[-_SHOWN:]
    text = repr(got)
    if len(text) <= _SHOWN:
        return text
    half = (_SHOWN - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


class WxEngageError(Exception):
    """Base class of every error raised on purpose."""


@attrs.define
class InvalidInputError(WxEngageError, ValueError):
    """A value breaks a rule that its documentation states.

    Attributes
    ----------
    name
        What was looked at: a parameter, a field or ``name[row]``.
    got
        The value as it came in.
    rule
        What it must be; completes the sentence "*name* must be ...".
    hint
        How to mend it, where we know.
    """

    name: str
    got: object
    rule: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.name} must be {self.rule}, got {shorten(self.got)}{hint}"


@attrs.frozen
class BadRow:
    """One row of a log that cannot be used, and why.

    Attributes
    ----------
    row
        Position in the source as given, from 0.
    fault
        The fault's code, such as ``"unknown_kind"``; a key of ``counts``.
    field
        The column at fault.
    got
        The value, cut where it is long.
    mend
        What to do about it.
    """

    row: int
    fault: str
    field: str
    got: str
    mend: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.fault}: {self.field} is {self.got}; {self.mend}"


@attrs.define
class InvalidLogError(InvalidInputError):
    """A log has rows, or columns, that cannot be used.

    Attributes
    ----------
    counts
        How many rows have each fault. A row with two faults is counted under
        the first, so the counts sum to the number of bad rows.
    rows
        The first bad rows.
    """

    counts: Mapping[str, int] = attrs.field(factory=dict)
    rows: tuple[BadRow, ...] = ()

    @classmethod
    def of(
        cls, given: int, counts: Mapping[str, int], rows: Iterable[BadRow]
    ) -> InvalidLogError:
        """Build the error from what a reader set aside.

        Parameters
        ----------
        given
            Rows in the source.
        counts
            Bad rows by fault.
        rows
            The first of them.

        Returns
        -------
        InvalidLogError
            Not raised yet.
        """
        return cls(
            name="log",
            got=f"{sum(counts.values())} bad rows of {given}",
            rule="readable row by row",
            hint="on_bad='set_aside' keeps the good rows and returns the bad ones",
            counts=dict(counts),
            rows=tuple(rows),
        )

    def __str__(self) -> str:
        if not self.counts:
            return InvalidInputError.__str__(self)
        counts = ", ".join(f"{n} {fault}" for fault, n in self.counts.items())
        lines = "".join(f"\n  {row}" for row in self.rows)
        return f"{self.name}: {self.got} ({counts}); {self.hint}{lines}"


@attrs.define
class IllegalTransitionError(WxEngageError):
    """An event reached a state machine in a state that does not take it."""

    machine: str
    state: str
    event: str
    takes: tuple[str, ...]

    def __str__(self) -> str:
        takes = ", ".join(self.takes) or "nothing: it is over"
        return (
            f"{self.machine} in state {self.state} does not take "
            f"{self.event}; it takes {takes}"
        )


@attrs.define
class CallbackRejected(WxEngageError):  # noqa: N818  the name DESIGN fixes
    """A callback is not from WeChat, is too old, or cannot be read."""

    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"callback rejected: {self.reason}" + (self.hint and f"; {self.hint}")


@attrs.define
class MissingExtraError(WxEngageError, ImportError):
    """An optional package is needed for this call and is not installed."""

    package: str
    extra: str

    def __str__(self) -> str:
        return f"{self.package} is not installed: pip install 'wxengage[{self.extra}]'"


@attrs.define
class OverdrawnError(WxEngageError):
    """An account of the ledger does not hold what an entry takes from it.

    Attributes
    ----------
    account
        The account, such as ``"spring/budget"``.
    unit
        Of what, such as ``"fen"``.
    balance
        What it holds.
    amount
        What the entry takes.
    """

    account: str
    unit: str
    balance: int
    amount: int

    def __str__(self) -> str:
        return (
            f"account {self.account} must not go below zero: it holds "
            f"{self.balance} {self.unit}, and the entry takes {self.amount}"
        )


@attrs.define
class StaleStateError(WxEngageError):
    """A state was kept by somebody else since it was read.

    Attributes
    ----------
    name
        Under which name.
    expected
        The version that was read; None: none was there.
    found
        The version that is there; None: none is.
    """

    name: str
    expected: int | None
    found: int | None

    def __str__(self) -> str:
        there, read = (
            "absent" if version is None else f"version {version}"
            for version in (self.found, self.expected)
        )
        return (
            f"what is kept as {shorten(self.name)} must be {read}, as it was read, "
            f"got {there}; read it again and decide anew"
        )


def nearest(word: object, known: Iterable[str]) -> str:
    """Return a hint with the known word that ``word`` most likely means.

    Parameters
    ----------
    word
        What came in; anything but a string means nothing known.
    known
        The words there are.

    Returns
    -------
    str
        ``"did you mean 'x'?"``, or the known words where none is near.

    Examples
    --------
    >>> nearest("servce", ("service", "wecom"))
    "did you mean 'service'?"
    """
    known = tuple(known)
    near = difflib.get_close_matches(str(word)[:LONGEST_ID], known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"


def require_id(name: str, got: object) -> str:
    """Return ``got`` if it can be the id of something.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        The value as it came in.

    Returns
    -------
    str
        The same object. Ids are compared character by character: nothing is
        trimmed, folded or normalised.

    Raises
    ------
    InvalidInputError
        If it is no string, is blank, has more than 128 characters, or has a
        control or an invisible character: two ids that look the same must be
        the same.
    """
    if not isinstance(got, str):
        raise InvalidInputError(name, got, "a string", "ids are text, as str(...)")
    if not got.strip():
        raise InvalidInputError(name, got, "not blank")
    if len(got) > LONGEST_ID:
        hint = f"it has {len(got)}"
        raise InvalidInputError(name, got, f"at most {LONGEST_ID} characters", hint)
    if found := _AN_INVISIBLE.search(got):
        rule = "free of control and invisible characters"
        raise InvalidInputError(name, got, rule, f"take out U+{ord(found[0]):04X}")
    return got


def require_several(name: str, got: object, rule: str) -> tuple[Any, ...]:
    """Return what several things came in as, if it is several things.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        The value as it came in.
    rule
        What it should have been, such as ``"several users"``.

    Returns
    -------
    tuple
        The things, in their order.

    Raises
    ------
    InvalidInputError
        If it is one text, a mapping, or nothing that can be gone through.
    """
    if not isinstance(got, Iterable) or isinstance(got, str | bytes | Mapping):
        raise InvalidInputError(name, got, rule, "[one] for one")
    return tuple(got)


def require_whole(
    name: str,
    got: object,
    *,
    least: int = 0,
    most: int = INT64_MAX,
    hint: str = "",
) -> int:
    """Return ``got`` if it is a whole number within bounds.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        The value as it came in.
    least, most
        The bounds, both allowed.
    hint
        The mend.

    Returns
    -------
    int
        The same object.

    Raises
    ------
    InvalidInputError
        If it is no ``int`` (``True``, ``3.0``, ``"3"`` and numpy's scalars are
        none), or out of bounds.
    """
    if not isinstance(got, int) or isinstance(got, bool):
        raise InvalidInputError(name, got, "a whole number", hint)
    if not least <= got <= most:
        rule = f"at least {least}" if got < least else f"at most {most}"
        raise InvalidInputError(name, got, rule, hint)
    return got
