"""Values made of values, to JSON and back (结构): by their annotated types.

attrs class      {"field": ...}, every field, no other key
tuple, set       [...]
mapping          {"key": ...}, or [[key, value], ...] where keys are no text
enum             its member's name
A | B            {"A": ...}: one key that says which; None is null
"""

from __future__ import annotations

import collections.abc
import enum
import functools
import json
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import attrs
import cattrs
from cattrs.errors import IterableValidationNote
from cattrs.gen import make_dict_structure_fn

from wxengage.codec.homes import named
from wxengage.codec.scalars import SCALARS, Form, refuse
from wxengage.errors import InvalidInputError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized

__all__ = ["fields_of", "form"]

_SETS: Final = (frozenset, collections.abc.Set)
_ROWS: Final = (tuple, collections.abc.Sequence)
_MAPPINGS: Final = (dict, collections.abc.Mapping, types.MappingProxyType)
_PAIR: Final = 2
# From an annotation and a value to what it becomes.
_Shape: TypeAlias = Callable[[Any, Any], Any]


def fields_of(cls: type) -> dict[str, object]:
    """Return the type of each field of a class of attrs.

    Parameters
    ----------
    cls
        The class. What its file imports for the type checker alone is looked
        up by name.

    Returns
    -------
    dict
        Field -> annotated type. Fields that ``__init__`` does not take are
        left out.
    """
    known: dict[str, object] = {}
    while True:
        try:
            attrs.resolve_types(cls, localns=known)
            break
        except NameError as error:
            name = str(error.name)
            known[name] = named(name)
    return {field.name: field.type for field in attrs.fields(cls) if field.init}


def _plain(tp: Any) -> Any:  # noqa: ANN401  any annotation
    """Return a type without the names and notes around it."""
    while True:
        if typing.get_origin(tp) is typing.Annotated:
            tp = typing.get_args(tp)[0]
        elif isinstance(tp, typing.NewType):
            tp = tp.__supertype__
        else:
            return type(None) if tp is None else tp


def _origin(tp: Any) -> Any:  # noqa: ANN401  any annotation
    origin = typing.get_origin(tp) or tp
    return typing.Union if origin is types.UnionType else origin


def _unknown(tp: object) -> NoReturn:
    hint = "annotate the field with a type that JSON can carry"
    raise InvalidInputError("annotation", tp, "a type known to the codec", hint)


# Members of a union.


def _members(tp: object) -> dict[str, Any]:
    """Return the members of a union but None, by the word that tells them apart."""
    found: dict[str, Any] = {}
    members = [one for one in map(_plain, typing.get_args(tp)) if one is not type(None)]
    words = [
        str(_origin(one).__name__ if _class_of(one) else "Literal") for one in members
    ]
    for member, word in zip(members, words, strict=True):
        # Two kinds of rows are told apart by what is in them.
        several = _origin(member) is tuple and words.count(word) > 1
        name = f"{word}[{typing.get_args(member)[0].__name__}]" if several else word
        if name in found:
            _unknown(tp)
        found[name] = member
    return found


def _class_of(tp: Any) -> type | None:  # noqa: ANN401  any annotation
    origin = _origin(tp)
    return origin if isinstance(origin, type) else None


def _is_of(value: object, tp: Any) -> bool:  # noqa: ANN401  any annotation
    cls = _class_of(tp)
    if _origin(tp) is typing.Union:
        return any(_is_of(value, _plain(one)) for one in typing.get_args(tp))
    if cls is None:
        return any(type(value) is type(x) and value == x for x in typing.get_args(tp))
    if cls in SCALARS or attrs.has(cls):
        return type(value) is cls
    if cls is type(None):
        return value is None
    if cls is tuple and isinstance(value, tuple):
        part, *rest = typing.get_args(tp)
        return rest != [Ellipsis] or all(_is_of(one, _plain(part)) for one in value)
    return isinstance(value, cls)


# Writing.


def _write_at(place: str, tp: object, value: object) -> Any:  # noqa: ANN401  JSON
    try:
        return form(tp).write(value)
    except InvalidInputError as error:
        name = f"{place}{error.name.removeprefix('value')}"
        raise InvalidInputError(name, error.got, error.rule, error.hint) from None


def _write_union(tp: Any, value: object) -> Any:  # noqa: ANN401  any annotation, JSON
    if value is None and type(None) in map(_plain, typing.get_args(tp)):
        return None
    members = _members(tp)
    if len(members) == 1:
        return form(*members.values()).write(value)
    for word, member in members.items():
        if _is_of(value, member):
            return {word: form(member).write(value)}
    return refuse(value, "one of " + ", ".join(members))


def _one_of(tp: object, got: object) -> object:
    values = typing.get_args(tp)
    # 1 == True == 1.0, and no two of them are the same word.
    for value in values:
        if type(value) is type(got) and value == got:
            return got
    return refuse(got, "one of " + ", ".join(map(repr, values)))


def _write_member(cls: type[enum.Enum], value: object) -> str:
    if not isinstance(value, cls) or value.name not in cls.__members__:
        refuse(value, f"a member of {cls.__name__}")
    return value.name


def _write_fields(cls: type, value: object) -> dict[str, Any]:
    if type(value) is not cls:
        refuse(value, f"a {cls.__name__}")
    return {
        name: _write_at(f"value.{name}", tp, getattr(value, name))
        for name, tp in fields_of(cls).items()
    }


def _write_rows(tp: Any, value: object) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, tuple):
        refuse(value, "a tuple")
    rows = enumerate(zip(_row_types(tp, value), value, strict=True))
    return [_write_at(f"value[{row}]", each, part) for row, (each, part) in rows]


def _row_types(tp: Any, rows: Sized) -> list[Any]:  # noqa: ANN401  any annotation
    arguments = typing.get_args(tp)
    if _origin(tp) is not tuple or arguments[-1] is Ellipsis:
        return [arguments[0]] * len(rows)
    if len(rows) != len(arguments):
        refuse(rows, f"of length {len(arguments)}")
    return list(arguments)


def _write_set(tp: object, value: object) -> list[Any]:
    (part_tp,) = typing.get_args(tp)
    if not isinstance(value, frozenset):
        refuse(value, "a frozenset")
    return sorted(
        (_write_at("value[]", part_tp, part) for part in value), key=json.dumps
    )


def _write_mapping(tp: object, value: object) -> Any:  # noqa: ANN401  JSON
    key_tp, part_tp = typing.get_args(tp)
    if not isinstance(value, collections.abc.Mapping):
        refuse(value, "a mapping")
    pairs = [
        (
            _write_at("value's key", key_tp, key),
            _write_at(f"value[{key!r}]", part_tp, part),
        )
        for key, part in value.items()
    ]
    pairs.sort(key=lambda pair: json.dumps(pair[0]))
    return dict(pairs) if _plain(key_tp) is str else [list(pair) for pair in pairs]


# Reading. cattrs builds the values and gathers every fault with its place.


def _read_union(tp: Any, got: object) -> object:  # noqa: ANN401  any annotation
    if got is None and type(None) in map(_plain, typing.get_args(tp)):
        return None
    members = _members(tp)
    if len(members) == 1:
        return form(*members.values()).read(got)
    if not isinstance(got, dict) or len(got) != 1 or not members.keys() >= got.keys():
        refuse(got, "an object with one key of " + ", ".join(members))
    ((word, part),) = got.items()
    return form(members[word]).read(part)


def _read_member(cls: type[enum.Enum], got: object) -> enum.Enum:
    if not isinstance(got, str) or got not in cls.__members__:
        refuse(got, "one of " + ", ".join(cls.__members__))
    return cls[got]


def _read_fields(cls: type, got: object) -> object:
    names = fields_of(cls)
    if not isinstance(got, dict):
        refuse(got, f"an object with the keys {', '.join(names)}")
    for key in got:
        if key not in names:
            rule = f"a field of {cls.__name__}"
            raise InvalidInputError("key", key, rule, nearest(key, names))
    if missing := [name for name in names if name not in got]:
        raise InvalidInputError("keys", tuple(got), f"with {', '.join(missing)} too")
    return _builder(cls)(got, cls)


@functools.cache
def _builder(cls: type) -> Any:  # noqa: ANN401  made by cattrs
    return make_dict_structure_fn(cls, _CONVERTER, _cattrs_forbid_extra_keys=True)


def _list(got: object) -> list[Any]:
    return got if isinstance(got, list) else refuse(got, "a list")


def _each(tp: object, parts: Iterable[tuple[int | str, Any, Any]]) -> list[Any]:
    """Read parts one by one; fail with all their faults, each with its place."""
    values, faults = [], []
    for place, part_tp, part in parts:
        try:
            values.append(form(part_tp).read(part))
        except Exception as error:  # noqa: BLE001  kept, and raised in the group
            error.add_note(IterableValidationNote("", place, part_tp))
            faults.append(error)
    if faults:
        raise cattrs.IterableValidationError(f"reading {tp}", faults, list)
    return values


def _read_rows(tp: Any, got: object) -> tuple[Any, ...]:  # noqa: ANN401
    rows = _list(got)
    tps = _row_types(tp, rows)
    return tuple(_each(tp, zip(range(len(rows)), tps, rows, strict=True)))


def _read_set(tp: Any, got: object) -> frozenset[Any]:  # noqa: ANN401
    (part_tp,) = typing.get_args(tp)
    parts = ((row, part_tp, part) for row, part in enumerate(_list(got)))
    values = _each(tp, parts)
    if len(set(values)) != len(values):
        refuse(got, "a list without repeats")
    return frozenset(values)


def _read_mapping(tp: Any, got: object) -> Any:  # noqa: ANN401  a mapping
    key_tp, value_tp = typing.get_args(tp)
    if _plain(key_tp) is str:
        if not isinstance(got, dict):
            refuse(got, "an object")
        parts = ((key, value_tp, part) for key, part in got.items())
        found = dict(zip(got, _each(tp, parts), strict=True))
    else:
        pairs = _list(got)
        if not all(isinstance(pair, list) and len(pair) == _PAIR for pair in pairs):
            refuse(got, "a list of pairs")
        keys = _each(tp, ((row, key_tp, pair[0]) for row, pair in enumerate(pairs)))
        values = _each(tp, ((row, value_tp, pair[1]) for row, pair in enumerate(pairs)))
        found = dict(zip(keys, values, strict=True))
        if len(found) != len(pairs):
            refuse(got, "a list of pairs with each key once")
    proxy = _origin(tp) is types.MappingProxyType
    return types.MappingProxyType(found) if proxy else found


_BOTH_WAYS: Final[dict[Any, tuple[_Shape, _Shape]]] = {
    typing.Union: (_write_union, _read_union),
    typing.Literal: (_one_of, _one_of),
    **dict.fromkeys(_ROWS, (_write_rows, _read_rows)),
    **dict.fromkeys(_SETS, (_write_set, _read_set)),
    **dict.fromkeys(_MAPPINGS, (_write_mapping, _read_mapping)),
}


@functools.cache
def form(tp: Any) -> Form:  # noqa: ANN401  any annotation
    """Return how values of a type are written and read.

    Parameters
    ----------
    tp
        An annotation.

    Returns
    -------
    Form
        Its functions refuse by ``InvalidInputError``, the reading one also by
        cattrs' groups of errors where a value is made of values.
    """
    tp = _plain(tp)
    if tp in SCALARS:
        return SCALARS[tp]
    origin = _origin(tp)
    cls = _class_of(tp)
    write: _Shape
    read: _Shape
    if cls is not None and issubclass(cls, enum.Enum):
        write, read = _write_member, _read_member
    elif cls is not None and attrs.has(cls):
        write, read = _write_fields, _read_fields
    elif origin in _BOTH_WAYS and typing.get_args(tp):
        write, read = _BOTH_WAYS[origin]
    else:
        _unknown(tp)
    return Form(functools.partial(write, tp), functools.partial(read, tp))


def _hook(tp: Any) -> Any:  # noqa: ANN401  any annotation, a hook of cattrs
    read = form(tp).read
    return lambda got, _: read(got)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook_factory(lambda _: True, _hook)
    # cattrs coerces these before it asks any factory.
    for cls in (str, bytes, int, float, enum.Enum):
        converter.register_structure_hook(cls, lambda got, tp: form(tp).read(got))
    return converter


_CONVERTER: Final = _converter()
