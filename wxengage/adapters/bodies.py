"""Bodies of callbacks (消息体): read within limits, and written so that they hold.

XML is read by the parser of the standard library, event by event: a document
type or an entity ends it before anything is expanded, and so does the tag that
is one too many. Mini programs may send JSON, which is read as strictly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias
from xml.parsers import expat

from wxengage.errors import CallbackRejected, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MOST_BYTES",
    "MOST_TAGS",
    "Fields",
    "fields_of",
    "leaves",
    "parts",
    "text",
    "text_reply",
    "xml_of",
]

#: A callback has a few hundred bytes; WeChat's longest are far below.
MOST_BYTES: Final = 65_536
MOST_TAGS: Final = 400
_DEEPEST: Final = 16
# What XML 1.0 cannot tell.
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: A body by the names of its fields: a text, fields within, or several of either
#: where a name comes more than once.
Fields: TypeAlias = Mapping[str, "str | Fields | tuple[str | Fields, ...]"]
_Value: TypeAlias = "str | Fields | tuple[str | Fields, ...]"


def fields_of(body: bytes, *, may_be_json: bool = False) -> Fields:
    """Return the fields of a body.

    Parameters
    ----------
    body
        As it came.
    may_be_json
        Whether a body that begins with a brace is JSON.

    Returns
    -------
    Fields
        What is within the outermost tag.

    Raises
    ------
    CallbackRejected
        With the reason ``too_large``, ``too_many_tags``, ``document_type`` or
        ``malformed``.
    """
    if len(body) > MOST_BYTES:
        raise CallbackRejected("too_large", f"at most {MOST_BYTES} bytes are read")
    try:
        told = body.decode("utf-8")
    except UnicodeDecodeError:
        raise CallbackRejected("malformed", "the body is not UTF-8") from None
    if may_be_json and told.lstrip().startswith("{"):
        return _from_json(told)
    return _from_xml(told)


def text(fields: Fields, name: str, default: str | None = None) -> str:
    """Return one field that must be a text.

    Parameters
    ----------
    fields
        Where it is.
    name
        Its name.
    default
        What to take where it is absent; None where it must be there.

    Returns
    -------
    str
        The text, as it came.

    Raises
    ------
    CallbackRejected
        With the reason ``malformed``, if it is absent, there twice, or has
        fields of its own.
    """
    found = fields.get(name, default)
    if not isinstance(found, str):
        raise CallbackRejected("malformed", f"{name} must be there once, as a text")
    return found


def parts(fields: Fields, *names: str) -> tuple[Fields, ...]:
    """Return the fields below some names, one after the other.

    Parameters
    ----------
    fields
        Where to begin.
    *names
        The way down; the last one may be there several times.

    Returns
    -------
    tuple of Fields
        Empty where there are none.
    """
    here: tuple[_Value, ...] = (fields,)
    for name in names:
        below: list[_Value] = []
        for one in here:
            found = one.get(name, ()) if isinstance(one, Mapping) else ()
            below += found if isinstance(found, tuple) else (found,)
        here = tuple(below)
    return tuple(one for one in here if isinstance(one, Mapping))


def leaves(fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every field that has a text, at any depth."""
    for name, value in fields.items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str):
                yield name, one
            else:
                yield from leaves(one)


class _Reading:
    """What an XML parser has met so far."""

    def __init__(self) -> None:
        self.tags = 0
        self.open: list[tuple[str, dict[str, list[_Value]], list[str]]] = []
        self.found: _Value = ""

    def start(self, tag: str, _: object) -> None:
        self.tags += 1
        if self.tags > MOST_TAGS or len(self.open) > _DEEPEST:
            raise CallbackRejected("too_many_tags", f"at most {MOST_TAGS} are read")
        self.open.append((tag, {}, []))

    def data(self, told: str) -> None:
        self.open[-1][2].append(told)

    def end(self, _: str) -> None:
        tag, below, told = self.open.pop()
        value: _Value = "".join(told)
        if below:
            # Between fields there is only space that lays them out.
            value = {
                name: many[0] if len(many) == 1 else _flat(many)
                for name, many in below.items()
            }
        if self.open:
            self.open[-1][1].setdefault(tag, []).append(value)
        self.found = value

    def refuse(self, *_: object) -> NoReturn:
        raise CallbackRejected("document_type", "WeChat sends none")


def _flat(many: list[_Value]) -> tuple[str | Fields, ...]:
    return tuple(one for one in many if not isinstance(one, tuple))


def _from_xml(told: str) -> Fields:
    reading = _Reading()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.data
    parser.StartDoctypeDeclHandler = reading.refuse
    parser.EntityDeclHandler = reading.refuse
    try:
        parser.Parse(told.encode(), True)
    except expat.ExpatError as error:
        hint = f"no XML: {expat.ErrorString(error.code)}"
        raise CallbackRejected("malformed", hint) from None
    if not isinstance(reading.found, Mapping):
        raise CallbackRejected("malformed", "the XML has no fields")
    return reading.found


def _from_json(told: str) -> Fields:
    tags = 0

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal tags
        tags += len(pairs)
        found = dict(pairs)
        if tags > MOST_TAGS:
            raise CallbackRejected("too_many_tags", f"at most {MOST_TAGS} are read")
        if len(found) != len(pairs):
            raise CallbackRejected("malformed", "a field is there twice")
        return found

    def no_number(_: str) -> NoReturn:
        raise CallbackRejected("malformed", "NaN and infinity are no JSON")

    try:
        # Numbers stay the texts that they are.
        found = json.loads(
            told,
            object_pairs_hook=once,
            parse_int=str,
            parse_float=str,
            parse_constant=no_number,
        )
    except (ValueError, RecursionError):
        raise CallbackRejected("malformed", "no JSON") from None
    if not isinstance(found, dict):
        raise CallbackRejected("malformed", "the JSON has no fields")
    return {name: _plain(value, 0) for name, value in found.items()}


def _plain(value: object, depth: int) -> _Value:
    if depth > _DEEPEST:
        raise CallbackRejected("too_many_tags", "too deep")
    if isinstance(value, dict):
        return {name: _plain(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        if len(value) > MOST_TAGS:
            raise CallbackRejected("too_many_tags", f"at most {MOST_TAGS} are read")
        many = [_plain(one, depth + 1) for one in value]
        if any(isinstance(one, tuple) for one in many):
            raise CallbackRejected("malformed", "a list within a list")
        return _flat(many)
    told = value if isinstance(value, str) else ("" if value is None else str(value))
    if _NO_XML.search(told):
        raise CallbackRejected("malformed", "a character that no text has")
    return told


def xml_of(fields: Mapping[str, str | int]) -> str:
    """Return fields as the XML that WeChat reads.

    Parameters
    ----------
    fields
        Texts become CDATA, which no text can end; numbers stay bare.

    Returns
    -------
    str
        One line within a tag ``xml``.

    Raises
    ------
    InvalidInputError
        If a text has a character that XML cannot tell, such as NUL.

    Examples
    --------
    >>> xml_of({"Content": "a]]>b", "CreateTime": 1})
    '<xml><Content><![CDATA[a]]]]><![CDATA[>b]]></Content><CreateTime>1</CreateTime></xml>'
    """
    told = []
    for name, value in fields.items():
        if isinstance(value, int):
            told.append(f"<{name}>{value}</{name}>")
            continue
        if found := _NO_XML.search(value):
            rule = "free of characters that XML cannot tell"
            raise InvalidInputError(
                name, value, rule, f"take out U+{ord(found[0]):04X}"
            )
        safe = value.replace("]]>", "]]]]><![CDATA[>")
        told.append(f"<{name}><![CDATA[{safe}]]></{name}>")
    return f"<xml>{''.join(told)}</xml>"


def text_reply(to: str, sender: str, second: int, content: str) -> str:
    """Return the XML of a passive reply (被动回复).

    Parameters
    ----------
    to
        Whom it is for, as ``FromUserName`` of the callback.
    sender
        Who answers, as its ``ToUserName``.
    second
        When, in seconds since 1970.
    content
        What it says.

    Returns
    -------
    str
        The XML.
    """
    fields: dict[str, str | int] = {
        "ToUserName": to,
        "FromUserName": sender,
        "CreateTime": second,
        "MsgType": "text",
        "Content": content,
    }
    return xml_of(fields)
