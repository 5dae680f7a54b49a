"""Money and rewards (金额与奖励): whole fen in, whole fen out.

An amount is an ``int`` of fen (分, a hundredth of a yuan); yuan exist only in
text. A float cannot hold most prices, so none is ever taken for an amount.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from wxengage.errors import InvalidInputError, require_id, require_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Cash",
    "Coupon",
    "Fen",
    "Perk",
    "Points",
    "Reward",
    "format_yuan",
    "split",
    "yuan",
]

#: An amount of money in whole fen.
Fen: TypeAlias = int

_FEN_PER_YUAN: Final = 100
_INT64_MAX: Final = 2**63 - 1
# The largest amount has 17 digits before the point: longer text is no amount,
# and Python refuses to read integers of several thousand digits anyway.
_LONGEST_AMOUNT: Final = 24
_AMOUNT: Final = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?")
_RULE: Final = "an amount of yuan with at most two decimals"


def yuan(text: str | int | Decimal) -> Fen:
    """Return an amount of yuan in fen.

    Parameters
    ----------
    text
        Yuan as ASCII digits with at most two decimals, a whole number, or a
        ``Decimal`` with at most two decimals. Not negative.

    Returns
    -------
    int
        Fen, at most 2**63 - 1. Exact.

    Raises
    ------
    InvalidInputError
        If it is a float (also numpy's), a bool, not an amount in plain digits,
        negative, or too large for 64 bits.

    Examples
    --------
    >>> yuan("8.00"), yuan("8.2"), yuan(15)
    (800, 820, 1500)
    """
    if isinstance(text, str):
        fen = _of_text(text)
    elif isinstance(text, Decimal):
        fen = _of_decimal(text)
    elif isinstance(text, int) and not isinstance(text, bool):
        fen = text * _FEN_PER_YUAN
    elif isinstance(text, float):
        hint = f"write it as text, yuan({f'{text:.2f}'!r}): floats lose fen"
        raise InvalidInputError("yuan", text, "a str, int or Decimal", hint)
    else:
        hint = "for example yuan('8.00')"
        raise InvalidInputError("yuan", text, "a str, int or Decimal", hint)
    if fen < 0:
        hint = "a refund is a posting of its own, not a negative amount"
        raise InvalidInputError("yuan", text, "not negative", hint)
    if fen > _INT64_MAX:
        raise InvalidInputError("yuan", text, "at most 92233720368547758.07 yuan")
    return fen


def _of_text(text: str) -> int:
    found = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST_AMOUNT else None
    if found is None:
        hint = "plain digits, for example yuan('8.00'): no sign, comma, unit or blank"
        raise InvalidInputError("yuan", text, _RULE, hint)
    whole, cents = found.groups()
    return int(whole) * _FEN_PER_YUAN + int((cents or "").ljust(2, "0"))


def _of_decimal(amount: Decimal) -> int:
    _, digits, exponent = amount.as_tuple()
    # A positive exponent is refused too: Decimal("1E+999999") is a trap.
    if exponent not in {0, -1, -2} or len(digits) > _LONGEST_AMOUNT:
        hint = "for example amount.quantize(Decimal('0.01')) after rounding it yourself"
        raise InvalidInputError("yuan", amount, _RULE, hint)
    return -1 if amount.is_signed() else int(amount.scaleb(2))


def format_yuan(fen: Fen) -> str:
    """Return an amount of fen as yuan for people to read.

    Parameters
    ----------
    fen
        The amount; a debt is negative.

    Returns
    -------
    str
        Two decimals and the unit.

    Examples
    --------
    >>> format_yuan(800), format_yuan(-5)
    ('8.00元', '-0.05元')
    """
    require_whole("fen", fen, least=-_INT64_MAX)
    whole, cents = divmod(abs(fen), _FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}元"


def split(
    fen: Fen, weights: Iterable[int | float | Fraction | Decimal]
) -> tuple[Fen, ...]:
    """Split an amount by weights, to the fen.

    Parameters
    ----------
    fen
        The amount to split, not negative.
    weights
        One for each share: finite, not negative, not all zero. A float counts
        as exactly the binary number that it is.

    Returns
    -------
    tuple of int
        Fen of each share, in the order of the weights. They sum to ``fen``.

    Raises
    ------
    InvalidInputError
        If the amount or a weight breaks these rules.

    Notes
    -----
    Largest remainder (Hamilton's method) in whole numbers: each share differs
    from its exact value by less than one fen; equal remainders are served in
    the order of the weights. ``O(n log n)``.

    Examples
    --------
    >>> split(100, [1, 1, 1])
    (34, 33, 33)
    """
    require_whole("fen", fen)
    parts = [_weight(row, weight) for row, weight in enumerate(weights)]
    denominator = math.lcm(*(part.denominator for part in parts))
    counts = [part.numerator * (denominator // part.denominator) for part in parts]
    total = sum(counts)
    if total == 0:
        hint = "give at least one share a weight above zero"
        raise InvalidInputError("weights", parts, "not all zero", hint)
    shares = [fen * count // total for count in counts]
    by_remainder = sorted(
        range(len(counts)), key=lambda row: (-(fen * counts[row] % total), row)
    )
    for row in by_remainder[: fen - sum(shares)]:
        shares[row] += 1
    return tuple(shares)


def _weight(row: int, weight: Any) -> Fraction:  # noqa: ANN401  judged here
    try:
        exact = None if isinstance(weight, bool | str) else Fraction(weight)
    except (TypeError, ValueError, OverflowError):
        exact = None
    if exact is None or exact < 0:
        raise InvalidInputError(
            f"weights[{row}]", weight, "a finite number, not negative"
        )
    return exact


def _above_zero(_: object, field: attrs.Attribute[int], got: object) -> None:
    require_whole(field.name, got, least=1)


def _a_name(_: object, field: attrs.Attribute[str], got: object) -> None:
    require_id(field.name, got)


@attrs.frozen
class Cash:
    """Money (红包, 转账).

    Attributes
    ----------
    fen
        The amount, at least 1.
    """

    fen: Fen = attrs.field(validator=_above_zero)

    def __str__(self) -> str:
        return format_yuan(self.fen)


@attrs.frozen
class Points:
    """Points of the merchant's own (积分).

    Attributes
    ----------
    n
        How many, at least 1.
    """

    n: int = attrs.field(validator=_above_zero)


@attrs.frozen
class Coupon:
    """A coupon from a stock (代金券).

    Attributes
    ----------
    stock_id
        WeChat Pay's number of the stock (批次号).
    """

    stock_id: str = attrs.field(validator=_a_name)


@attrs.frozen
class Perk:
    """Anything that has a name and no price (权益), such as a badge.

    Attributes
    ----------
    name
        How the application knows it.
    """

    name: str = attrs.field(validator=_a_name)


#: What somebody may be rewarded with (奖励).
Reward: TypeAlias = Cash | Points | Coupon | Perk
