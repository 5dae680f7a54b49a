"""What one call to WeChat comes to (调用结果): three certainties, not two.

It was answered; or it surely did not go, since no byte left; or nobody can say,
since it left and no answer came back that can be trusted. Only a JSON object with
status 200 and a whole number as ``errcode`` is an answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_BYTES", "STAND_IN", "Answered", "Came", "Lost", "Unsent", "answer_of"]

#: What stands for a secret until the connection writes to its socket.
STAND_IN: Final = "WXENGAGE-SECRET"
#: The longest answer that is read.
MOST_BYTES: Final = 1_048_576


@attrs.frozen
class Answered:
    """WeChat answered.

    Attributes
    ----------
    code
        Its ``errcode``, 0 for a success; None where the answer has none.
    fields
        All of the answer. May hold a token: not shown.
    """

    code: int | None
    fields: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen
class Unsent:
    """No byte left: it surely was not received."""

    because: str


@attrs.frozen
class Lost:
    """It left, and nobody can say what became of it."""

    because: str


#: What a call comes to.
Came: TypeAlias = Answered | Unsent | Lost


def answer_of(status: int, body: bytes) -> Answered | Lost:
    """Return what an HTTP answer says.

    Parameters
    ----------
    status
        The HTTP status.
    body
        All of the body.

    Returns
    -------
    Answered or Lost
        Anything that is not an answer of WeChat, such as a proxy's page, says
        nothing about what WeChat did.

    Examples
    --------
    >>> answer_of(200, b'{"errcode": 45015, "errmsg": "..."}').code
    45015
    >>> answer_of(200, b"<html>").because
    'the answer is not JSON'
    """
    if status != 200:  # noqa: PLR2004  OK
        return Lost(f"HTTP {status}")
    if len(body) > MOST_BYTES:
        return Lost("the answer is too long")
    try:
        fields = json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        return Lost("the answer is not JSON")
    if not isinstance(fields, dict):
        return Lost("the answer is not a JSON object")
    code = fields.get("errcode")
    if code is not None and type(code) is not int:
        return Lost("the answer's errcode is no whole number")
    return Answered(code, fields)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError("no number")
