"""What a pot that is split into red packets promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.ledger.pots import split_pot


@st.composite
def pots(draw: st.DrawFn) -> tuple[int, int, int, int | None]:
    """Return a pot that can be split: fen, packets, least and most."""
    n = draw(st.integers(1, 20))
    least = draw(st.integers(1, 50))
    most = draw(st.none() | st.integers(least, 300))
    top = 300 if most is None else most
    return draw(st.integers(least * n, top * n)), n, least, most


@given(pots(), st.none() | st.integers(0, 2**32))
def test_packets_sum_to_the_pot_within_their_bounds(
    pot: tuple[int, int, int, int | None], seed: int | None
) -> None:
    """Whatever the luck."""
    fen, n, least, most = pot
    rng = None if seed is None else np.random.default_rng(seed)

    packets = split_pot(fen, n, rng=rng, least=least, most=most)

    assert (fen, n) == (sum(packets), len(packets))
    assert least <= min(packets)
    assert most is None or max(packets) <= most
    assert {int} == {type(packet) for packet in packets}
    if seed is None:
        assert max(packets) - min(packets) <= 1
    else:
        again = np.random.default_rng(seed)
        assert packets == split_pot(fen, n, rng=again, least=least, most=most)


def test_luck_favours_nobody_by_the_order() -> None:
    """Each place has the same expectation; the last ones vary most."""
    rng = np.random.default_rng(7)
    drawn = np.array([split_pot(10_000, 5, rng=rng) for _ in range(4000)])

    mean, spread = drawn.mean(axis=0), drawn.std(axis=0)

    error = 4 * spread.max() / np.sqrt(len(drawn))
    assert np.abs(mean - 2000).max() < error
    # Uniform from 1 to 3999: the spread of the first packet is known exactly.
    assert np.isclose(3999 / np.sqrt(12), spread[0], rtol=0.05)
    assert spread[0] < spread[-1]


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"fen": 2, "n": 3}, "from 3 to 6 fen for 3 packets"),
        ({"fen": 700, "n": 3, "most": 200}, "from 3 to 600"),
        ({"fen": 100, "n": 3, "least": 40}, "from 120"),
        ({"fen": 100, "n": 0}, "at least 1"),
        ({"fen": 100, "n": 1, "least": 0}, "at least 1"),
        ({"fen": 100, "n": 1, "least": 9, "most": 8}, "at least 9"),
        ({"fen": 1.5, "n": 1}, "a whole number"),
        ({"fen": True, "n": 1}, "a whole number"),
    ],
)
def test_a_pot_that_cannot_be_split_is_refused(
    arguments: dict[str, Any], rule: str
) -> None:
    """The message says what could."""
    with pytest.raises(InvalidInputError, match=rule):
        split_pot(**arguments)
