"""What can go wrong with a call (故障注入), as values that a test asks for."""

from __future__ import annotations

import math
from typing import Final, Literal

import attrs

from wxengage.errors import InvalidInputError, require_whole

__all__ = ["Fault"]

_Kind = Literal["code", "status", "body", "cut", "slow", "drip"]
_LEAST_STATUS: Final = 300
_MOST_STATUS: Final = 599


@attrs.frozen
class Fault:
    """One thing that goes wrong with a call (故障); made by its class methods.

    Attributes
    ----------
    kind
        What goes wrong.
    number
        The error code, or the HTTP status.
    text
        What is answered instead of JSON.
    seconds
        How long an answer, or each of its bytes, takes in real time.
    after
        Whether the call is processed all the same, so that the message goes and
        only the answer is lost.
    """

    kind: _Kind
    number: int = 0
    text: str = ""
    seconds: float = 0.0
    after: bool = False

    @classmethod
    def code(cls, code: int) -> Fault:
        """Let WeChat refuse with an error code."""
        return cls("code", number=require_whole("code", code, least=-(2**31)))

    @classmethod
    def status(cls, status: int, *, after: bool = False) -> Fault:
        """Answer with another HTTP status, such as 502."""
        least, most = _LEAST_STATUS, _MOST_STATUS
        number = require_whole("status", status, least=least, most=most)
        return cls("status", number=number, after=after)

    @classmethod
    def body(cls, text: str, *, after: bool = True) -> Fault:
        """Answer with this text and status 200, such as a proxy's page."""
        return cls("body", text=text, after=after)

    @classmethod
    def cut(cls, *, after: bool = True) -> Fault:
        """End the connection without an answer."""
        return cls("cut", after=after)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """Process the call, and answer only after a while."""
        return cls("slow", seconds=_require_seconds(seconds), after=True)

    @classmethod
    def drip(cls, seconds: float) -> Fault:
        """Process the call, and answer byte by byte."""
        return cls("drip", seconds=_require_seconds(seconds), after=True)


def _require_seconds(got: float) -> float:
    if isinstance(got, bool) or not math.isfinite(got) or got <= 0:
        raise InvalidInputError("seconds", got, "seconds above zero")
    return got
