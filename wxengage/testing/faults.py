"""What can go wrong with a call (故障注入), as values that a test asks for."""

from __future__ import annotations

import math
from typing import Final, Literal

import attrs

from wxengage.errors import InvalidInputError, require_id, require_whole

__all__ = ["Fault"]

_Kind = Literal[
    "code",
    "status",
    "body",
    "cut",
    "slow",
    "drip",
    "short",
    "refusal",
    "other",
    "forged",
    "unsigned",
]
# What only WeChat Pay does.
_OF_PAY: Final = frozenset({"refusal", "other", "forged", "unsigned"})
_REFUSED: Final = 400
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
        What is answered instead of JSON, or the code that WeChat Pay refuses with.
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

    @classmethod
    def truncated(cls) -> Fault:
        """Process the call, and answer with the first half of the answer."""
        return cls("short", after=True)

    @classmethod
    def refusal(
        cls, code: str, *, status: int = _REFUSED, after: bool = False
    ) -> Fault:
        """Let WeChat Pay refuse with a code; only v3 minds the HTTP status."""
        number = require_whole("status", status, least=_LEAST_STATUS, most=_MOST_STATUS)
        return cls("refusal", number=number, text=require_id("code", code), after=after)

    @classmethod
    def other_number(cls) -> Fault:
        """Let WeChat Pay process the call, and name another number."""
        return cls("other", after=True)

    @classmethod
    def forged(cls) -> Fault:
        """Let WeChat Pay process the call, and answer with a wrong signature."""
        return cls("forged", after=True)

    @classmethod
    def unsigned(cls) -> Fault:
        """Let WeChat Pay process the call, and answer without a signature."""
        return cls("unsigned", after=True)

    @property
    def of_pay(self) -> bool:
        """Whether only WeChat Pay can do so."""
        return self.kind in _OF_PAY


def _require_seconds(got: float) -> float:
    if isinstance(got, bool) or not math.isfinite(got) or got <= 0:
        raise InvalidInputError("seconds", got, "seconds above zero")
    return got
