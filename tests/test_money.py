"""Amounts of money, splits and rewards."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.money import Cash, Coupon, Perk, Points, format_yuan, split, yuan

INT64_MAX = 2**63 - 1
FEN = st.integers(0, INT64_MAX)


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (800, "8.00"),
        (800, "8"),
        (820, "8.2"),
        (829, "8.29"),
        (0, "0.00"),
        (1, "0.01"),
        (1500, 15),
        (829, Decimal("8.29")),
        (800, Decimal(8)),
        (INT64_MAX, "92233720368547758.07"),
    ],
)
def test_yuan_are_read_to_the_fen(fen: int, text: str | int | Decimal) -> None:
    """Text, whole numbers and decimals give exact fen."""
    assert fen == yuan(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 8",
        "8 ",
        "8.",
        ".5",
        "8.001",
        "-8",
        "+8",
        "8,000",
        "8元",
        "1_0",
        "8e2",
        "1e999",
        "nan",
        "inf",
        "0x8",
        "８.00",  # noqa: RUF001  full-width digits are the point
        "²",
        "٨",
        "8.00\n",
        "8" * 5000,
        "92233720368547758.08",
        Decimal("8.001"),
        Decimal("8.000"),
        Decimal("8E+2"),
        Decimal("1E+999999"),
        Decimal(-8),
        Decimal("-0"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        -1,
        10**30,
        True,
        8.0,
        float("nan"),
        np.float64(8.0),
        np.float32(8.0),
        np.int64(8),
        None,
        b"8.00",
        Fraction(8),
    ],
)
def test_anything_but_a_plain_amount_is_refused(text: Any) -> None:
    """Nothing is guessed: no float, sign, exponent, blank or foreign digit."""
    with pytest.raises(InvalidInputError, match=r"^yuan must be"):
        yuan(text)


def test_a_float_is_told_how_to_write_it_as_text() -> None:
    """The message carries the mend."""
    with pytest.raises(InvalidInputError, match=r"yuan\('8.29'\)"):
        yuan(8.29)  # type: ignore[arg-type]  # the mistake under test


@given(FEN)
def test_an_amount_survives_being_written_and_read(fen: int) -> None:
    """Formatting and reading are inverse for every amount of 64 bits."""
    assert fen == yuan(format_yuan(fen).removesuffix("元"))


@pytest.mark.parametrize(
    ("text", "fen"),
    [("8.00元", 800), ("0.05元", 5), ("-0.05元", -5), ("-12.30元", -1230)],
)
def test_an_amount_is_shown_in_yuan(text: str, fen: int) -> None:
    """Two decimals and the unit; a debt keeps its sign."""
    assert text == format_yuan(fen)


@pytest.mark.parametrize("fen", [True, 8.0, "8", None, 2**63, np.int64(8)])
def test_only_fen_are_shown(fen: Any) -> None:
    """What is no amount is not made to look like one."""
    with pytest.raises(InvalidInputError, match="fen must be"):
        format_yuan(fen)


@pytest.mark.parametrize(
    ("shares", "fen", "weights"),
    [
        ((34, 33, 33), 100, [1, 1, 1]),
        ((50, 50), 100, [0.5, 0.5]),
        ((0, 100), 100, [0, 1]),
        ((0, 0), 0, [1, 2]),
        ((1, 0, 0), 1, [1, 1, 1]),
        ((33, 67), 100, [Fraction(1, 3), Fraction(2, 3)]),
        ((10, 90), 100, [Decimal("0.1"), Decimal("0.9")]),
        ((25, 75), 100, np.array([1, 3])),
    ],
)
def test_a_split_is_proportional(
    shares: tuple[int, ...], fen: int, weights: Any
) -> None:
    """Remainders go to the largest, ties to the first."""
    assert shares == split(fen, weights)


WEIGHTS = st.lists(
    st.integers(0, 10**6)
    | st.fractions(0, 10**6)
    | st.floats(0, 1e300, allow_nan=False),
    min_size=1,
    max_size=20,
).filter(any)


@given(FEN, WEIGHTS)
def test_shares_sum_exactly_and_stay_within_a_fen(fen: int, weights: list[Any]) -> None:
    """Not a fen is lost or made, and no share is off by a whole one."""
    shares = split(fen, weights)
    total = sum(map(Fraction, weights))

    assert fen == sum(shares)
    assert all(
        abs(share - fen * Fraction(weight) / total) < 1
        for share, weight in zip(shares, weights, strict=True)
    )


@pytest.mark.parametrize(
    ("fen", "weights", "name"),
    [
        (100, [], "weights"),
        (100, [0, 0], "weights"),
        (100, [1, -1], r"weights\[1\]"),
        (100, [1, float("nan")], r"weights\[1\]"),
        (100, [float("inf")], r"weights\[0\]"),
        (100, [True], r"weights\[0\]"),
        (100, ["1"], r"weights\[0\]"),
        (100, [None], r"weights\[0\]"),
        (-1, [1], "fen"),
        (1.0, [1], "fen"),
    ],
)
def test_a_split_names_the_weight_at_fault(fen: Any, weights: Any, name: str) -> None:
    """A bad weight is named by its place."""
    with pytest.raises(InvalidInputError, match=f"^{name} must be"):
        split(fen, weights)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cash(0),
        lambda: Cash(8.0),  # type: ignore[arg-type]  # the mistake under test
        lambda: Cash(True),
        lambda: Cash(2**63),
        lambda: Points(-1),
        lambda: Coupon(""),
        lambda: Coupon("a\x00b"),
        lambda: Perk("x" * 129),
        lambda: Perk(7),  # type: ignore[arg-type]  # the mistake under test
    ],
)
def test_a_reward_must_be_worth_something_and_have_a_name(make: Any) -> None:
    """Empty, fractional and unnamed rewards are refused."""
    with pytest.raises(InvalidInputError):
        make()


@pytest.mark.parametrize(
    "reward", [Cash(800), Points(5), Coupon("9800064"), Perk("badge")]
)
def test_a_reward_is_a_value(reward: Any) -> None:
    """Rewards compare, hash and pickle by what they are."""
    assert reward == pickle.loads(pickle.dumps(reward))
    assert 1 == len({reward, pickle.loads(pickle.dumps(reward))})


def test_cash_reads_as_yuan() -> None:
    """A person reads yuan, not fen."""
    assert "8.00元" == str(Cash(800))
