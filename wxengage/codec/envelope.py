"""Versioned JSON of the library's values (信封).

    {"wxengage": 1, "type": "Cash", "version": 1, "data": {"fen": 800}}

Reading is strict, because JSON is not: ``1.5``, ``"12"`` and ``true`` are no
whole number, ``NaN``, ``1e999`` and a key written twice are nothing at all, and
neither an unknown key nor a missing one is passed over. A text names its type by
a word of a table, never by a module: reading it runs no code that it chooses.
"""

from __future__ import annotations

import collections
import importlib
import json
import math
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import attrs
import cattrs

from wxengage.codec.homes import HOMES
from wxengage.codec.shapes import form
from wxengage.errors import InvalidInputError, nearest, require_whole

__all__ = ["Upgrade", "dump", "load", "register"]

_ENVELOPE: Final = 1
_KEYS: Final = ("wxengage", "type", "version", "data")
_LONGEST_TEXT: Final = 64 * 2**20
# The longest duration has 20 digits of microseconds; Python refuses thousands.
_LONGEST_INT: Final = 21

_Class = TypeVar("_Class", bound=type)
#: From the data of an older version, and that version, to the data of this one.
Upgrade: TypeAlias = Callable[[dict[str, Any], int], dict[str, Any]]


@attrs.frozen
class _Entry:
    """A type that can be written and read."""

    cls: type
    version: int
    upgrade: Upgrade | None


_REGISTRY: Final[dict[str, _Entry]] = {}


def register(
    cls: _Class, *, version: int = 1, upgrade: Upgrade | None = None
) -> _Class:
    """Let the values of a class be written and read.

    The library's own types at version 1 need no call. A room calls this below
    a class whose fields have changed, and an application below a policy of its
    own.

    Parameters
    ----------
    cls
        A class made by attrs. Its fields must be annotated with types that JSON
        can carry: whole numbers, floats, texts, instants, days, times of day,
        durations, decimals, fractions, enums, literals, tuples, frozen sets,
        mappings, other attrs classes, and unions of these.
    version
        The version of its fields, from 1.
    upgrade
        ``upgrade(data, version)`` returns the data of this version for the
        data of an older one. Needed above version 1.

    Returns
    -------
    type
        The class, so that this can decorate one.

    Raises
    ------
    InvalidInputError
        If it is no class of attrs, another class has that name already, or the
        version is above 1 and there is no upgrade.
    """
    made_by_attrs = isinstance(cls, type) and attrs.has(cls)
    if not made_by_attrs:
        raise InvalidInputError("cls", cls, "a class made by attrs")
    require_whole("version", version, least=1)
    name = cls.__name__
    home = _REGISTRY[name].cls.__module__ if name in _REGISTRY else HOMES.get(name)
    if home is not None and home != cls.__module__:
        rule = f"named unlike {home}.{name}"
        raise InvalidInputError("cls", cls, rule, "give it another name")
    if version > 1 and upgrade is None:
        rule = f"a function that reads versions below {version}"
        raise InvalidInputError("upgrade", upgrade, rule)
    _REGISTRY[name] = _Entry(cls, version, upgrade)
    return cls


def dump(state: object) -> str:
    """Write a value as versioned JSON.

    Parameters
    ----------
    state
        A value of the library, or of a class given to ``register``: an account,
        a user, a send, a reward, a policy, the state of a machine.

    Returns
    -------
    str
        One line. The same value always gives the same text; instants are
        written in UTC, durations in microseconds.

    Raises
    ------
    InvalidInputError
        If the type is not known, or a field holds what its type does not
        allow, such as a NaN.

    Examples
    --------
    >>> from wxengage.money import Cash
    >>> dump(Cash(800))
    '{"wxengage": 1, "type": "Cash", "version": 1, "data": {"fen": 800}}'
    """
    entry = _entry_of(type(state))
    name = entry.cls.__name__
    try:
        data = form(entry.cls).write(state)
    except InvalidInputError as error:
        place = error.name.replace("value", name, 1)
        raise InvalidInputError(place, error.got, error.rule, error.hint) from None
    envelope = dict(zip(_KEYS, (_ENVELOPE, name, entry.version, data), strict=True))
    text = json.dumps(envelope, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        rule, got = "made of text that UTF-8 can carry", text[error.start]
        raise InvalidInputError(name, got, rule) from None
    return text


def load(text: str) -> Any:  # noqa: ANN401  the text says what it is
    """Read a value that ``dump`` wrote.

    Parameters
    ----------
    text
        Versioned JSON, of this version of the library or an older one.

    Returns
    -------
    object
        Equal to the value that was written. Instants come back in UTC.

    Raises
    ------
    InvalidInputError
        If it is no such text, is of a newer version, or a value in it breaks a
        rule of its type; every fault is named with its place.

    Examples
    --------
    >>> load('{"wxengage": 1, "type": "Cash", "version": 1, "data": {"fen": 800}}')
    Cash(fen=800)
    """
    envelope = _parse(text)
    if not isinstance(envelope, dict) or set(envelope) != set(_KEYS):
        rule = "an object with the keys " + ", ".join(_KEYS)
        raise InvalidInputError("text", text, rule, "as dump(...) writes it")
    _require_version("the envelope", envelope["wxengage"], _ENVELOPE)
    entry = _entry_named(envelope["type"])
    version = _require_version(entry.cls.__name__, envelope["version"], entry.version)
    data = envelope["data"]
    if version < entry.version:
        data = _upgraded(entry, data, version)
    return _read(entry.cls, data)


def _read(cls: type, data: object) -> object:
    name = cls.__name__
    try:
        return form(cls).read(data)
    except InvalidInputError as error:
        faults = [f"{error} @ {name}"]
    except cattrs.BaseValidationError as error:
        faults = cattrs.transform_error(error, path=name, format_exception=_said)
    said = "; ".join(map(_placed, faults))
    raise InvalidInputError(name, data, "as its fields are annotated", said) from None


def _said(error: BaseException, _: type | None) -> str:
    return str(error)


def _placed(fault: str) -> str:
    """Put the place of a fault, which cattrs appends, where it is read first."""
    said, _, place = fault.rpartition(" @ ")
    known = said.startswith("value must be ")
    return place + said.removeprefix("value") if known else f"{place}: {said}"


def _upgraded(entry: _Entry, data: object, version: int) -> object:
    name = entry.cls.__name__
    if entry.upgrade is None or not isinstance(data, dict):
        raise InvalidInputError(name, data, "an object")
    try:
        return entry.upgrade(data, version)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        rule, said = f"data of version {version}", repr(error)
        raise InvalidInputError(name, data, rule, said) from error


def _require_version(name: str, got: object, current: int) -> int:
    version = require_whole(f"version of {name}", got, least=1)
    if version > current:
        rule = f"at most {current}, the newest that this wxengage reads"
        hint = "it was written by a newer one: pip install -U wxengage"
        raise InvalidInputError(f"version of {name}", got, rule, hint)
    return version


def _entry_of(cls: type) -> _Entry:
    name = cls.__name__
    if name in _REGISTRY or HOMES.get(name) == cls.__module__:
        entry = _entry_named(name)
        if entry.cls is cls:
            return entry
    hint = "give its class to wxengage.codec.register first"
    raise InvalidInputError("state", cls, "of a known type", hint)


def _entry_named(name: object) -> _Entry:
    if not isinstance(name, str) or not (name in _REGISTRY or name in HOMES):
        known = sorted({*_REGISTRY, *HOMES})
        raise InvalidInputError("type", name, "a known type", nearest(name, known))
    if name not in _REGISTRY:
        # Importing the room may register the class, at a later version.
        cls = getattr(importlib.import_module(HOMES[name]), name)
        if name not in _REGISTRY:
            register(cls)
    return _REGISTRY[name]


def _parse(text: object) -> object:
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise InvalidInputError("text", text, "JSON text of at most 64 MiB")
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_number,
            parse_float=_float,
            parse_int=_int,
        )
    except RecursionError:
        rule = "JSON that is not nested so deeply"
        raise InvalidInputError("text", text, rule) from None
    except json.JSONDecodeError as error:
        raise InvalidInputError("text", text, "JSON", str(error)) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((key, _),) = collections.Counter(key for key, _ in pairs).most_common(1)
        raise InvalidInputError("text", key, "JSON with each key once")
    return found


def _refuse_number(word: str) -> NoReturn:
    raise InvalidInputError("text", word, "JSON with finite numbers of 64 bits")


def _float(word: str) -> float:
    number = float(word)
    return number if math.isfinite(number) else _refuse_number(word)


def _int(word: str) -> int:
    return int(word) if len(word) <= _LONGEST_INT else _refuse_number(word)
