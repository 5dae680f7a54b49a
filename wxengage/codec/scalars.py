"""Single values to JSON and back (标量): numbers, texts, times.

Each is written in one way and read in that way only.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import types
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import attrs

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCALARS", "Convert", "Form", "refuse"]

Convert: TypeAlias = Callable[[Any], Any]

_INT64: Final = range(-(2**63), 2**63)
# Reading "1e999999999" as a fraction would take for ever.
_FRACTION: Final = re.compile(r"-?[0-9]{1,4000}/[0-9]{1,4000}")
_MICROSECOND: Final = dt.timedelta(microseconds=1)


def refuse(got: object, rule: str) -> NoReturn:
    """Refuse a value; its place is added on the way up.

    Parameters
    ----------
    got
        The value.
    rule
        What it must be.

    Raises
    ------
    InvalidInputError
        Always.
    """
    raise InvalidInputError("value", got, rule)


@attrs.frozen
class Form:
    """How one type is written and read.

    Attributes
    ----------
    write
        From a value to what JSON holds.
    read
        Back.
    """

    write: Convert
    read: Convert


def _exactly(cls: type, rule: str) -> Form:
    def check(got: object) -> object:
        if type(got) is not cls:
            refuse(got, rule)
        return got

    return Form(check, check)


def _whole(got: object) -> int:
    # A bool is an int to isinstance, and a numpy scalar is none to JSON.
    if type(got) is not int:
        refuse(got, "a whole number")
    if got not in _INT64:
        refuse(got, "a whole number of 64 bits")
    return got


def _number(got: object) -> float:
    # A whole number in a field of floats stays one: nothing is lost.
    if isinstance(got, float):
        if not math.isfinite(got):
            refuse(got, "a finite number")
        return float(got)
    if type(got) is not int:
        refuse(got, "a number")
    return _whole(got)


def _of_text(read: Convert, write: Convert, rule: str) -> Convert:
    """Return a reader that takes the one text that ``write`` writes."""

    def checked(got: object) -> object:
        if not isinstance(got, str):
            refuse(got, rule)
        try:
            value = read(got)
            exact = write(value) == got
        except (ValueError, ArithmeticError):
            exact = False
        return value if exact else refuse(got, rule)

    return checked


def _write_instant(at: object) -> str:
    if not isinstance(at, dt.datetime) or at.utcoffset() is None:
        refuse(at, "an aware datetime")
    try:
        return at.astimezone(dt.UTC).isoformat()
    except OverflowError:
        refuse(at, "an instant of the years 1 to 9999 in UTC")


def _read_instant(got: object) -> dt.datetime:
    rule = "an ISO instant with its distance from UTC"
    if not isinstance(got, str):
        refuse(got, rule)
    try:
        at = dt.datetime.fromisoformat(got)
        if at.utcoffset() is not None:
            return at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    refuse(got, rule)


def _write_date(date: object) -> str:
    # Every datetime is a date to isinstance.
    if type(date) is not dt.date:
        refuse(date, "a date")
    return date.isoformat()


def _write_clock(time: object) -> str:
    if not isinstance(time, dt.time) or time.tzinfo is not None:
        refuse(time, "a local time of day")
    return time.isoformat()


def _write_span(span: object) -> int:
    if not isinstance(span, dt.timedelta):
        refuse(span, "a timedelta")
    return span // _MICROSECOND


def _read_span(got: object) -> dt.timedelta:
    if type(got) is not int:
        refuse(got, "a whole number of microseconds")
    try:
        return dt.timedelta(microseconds=got)
    except OverflowError:
        refuse(got, "a duration of less than a thousand million days")


def _write_decimal(number: object) -> str:
    if not isinstance(number, Decimal) or not number.is_finite():
        refuse(number, "a finite Decimal")
    return str(number)


def _write_fraction(number: object) -> str:
    if not isinstance(number, Fraction):
        refuse(number, "a Fraction")
    text = f"{number.numerator}/{number.denominator}"
    return text if _FRACTION.fullmatch(text) else refuse(number, "of 4000 digits")


def _read_fraction(text: str) -> Fraction:
    if _FRACTION.fullmatch(text) is None:
        raise ValueError
    return Fraction(text)


#: How each single value is written and read.
SCALARS: Final[Mapping[object, Form]] = types.MappingProxyType(
    {
        bool: _exactly(bool, "true or false"),
        str: _exactly(str, "text"),
        type(None): _exactly(type(None), "null"),
        int: Form(_whole, _whole),
        float: Form(_number, _number),
        dt.datetime: Form(_write_instant, _read_instant),
        dt.date: Form(
            _write_date, _of_text(dt.date.fromisoformat, _write_date, "an ISO date")
        ),
        dt.time: Form(
            _write_clock,
            _of_text(dt.time.fromisoformat, _write_clock, "an ISO time of day"),
        ),
        dt.timedelta: Form(_write_span, _read_span),
        Decimal: Form(
            _write_decimal, _of_text(Decimal, _write_decimal, "a decimal as text")
        ),
        Fraction: Form(
            _write_fraction,
            _of_text(_read_fraction, _write_fraction, "a fraction such as '1/10'"),
        ),
    }
)
