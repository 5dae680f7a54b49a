"""How many users a test needs: oracles, and a test of that size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from wxengage.errors import InvalidInputError
from wxengage.stats.sample_sizes import users_to_beat, users_to_tell_apart


def test_the_sizes_are_those_of_the_oracles(oracles: dict[str, Any]) -> None:
    """R's power.prop.test for two arms; a one-sided test of one share."""
    two = oracles["metrics"]["sample_size_two_proportions"]
    one = oracles["metrics"]["min_n_to_show_open_rate_gt_30"]

    assert 3840.85 == pytest.approx(users_to_tell_apart(0.10, 0.12), abs=5e-3)
    pairs = zip(two["inputs"]["p1"], two["inputs"]["p2"], strict=True)
    sizes = [users_to_tell_apart(p, q) for p, q in pairs]
    assert two["outputs"]["n_per_group"] == pytest.approx(sizes, rel=1e-6)
    told = one["inputs"]
    found = users_to_beat(told["true"], told["null"], power=told["power"])
    assert one["outputs"] == pytest.approx(found, rel=1e-6)


def test_a_test_of_that_size_finds_the_difference_as_often_as_promised() -> None:
    """4,000 simulated tests: 80 of 100 see 10 % against 12 %."""
    rng = np.random.default_rng(2)
    n = math.ceil(users_to_tell_apart(0.10, 0.12))

    a, b = (rng.binomial(n, share, 4_000) / n for share in (0.10, 0.12))

    middle = (a + b) / 2
    z = (b - a) / np.sqrt(2 * middle * (1 - middle) / n)
    assert 0.80 == pytest.approx((z > 1.959964).mean(), abs=0.02)


def test_which_arm_is_named_first_is_nothing() -> None:
    """And a smaller difference needs more users."""
    assert users_to_tell_apart(0.1, 0.12) == users_to_tell_apart(0.12, 0.1)
    assert users_to_tell_apart(0.1, 0.11) > 3 * users_to_tell_apart(0.1, 0.12)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: users_to_tell_apart(0.1, 0.1), "second must be other than first"),
        (lambda: users_to_tell_apart(10, 0.1), "first must be between 0 and 1, got 10"),
        (lambda: users_to_tell_apart(0.1, 0.2, power=1), "power must be between 0"),
        (lambda: users_to_tell_apart(0.1, 0.2, level=95), "level must be between 0"),
        (lambda: users_to_beat(0.3, 0.3), "true must be above the target, 0.3"),
        (lambda: users_to_beat(True, 0.3), "true must be between 0 and 1"),
    ],
)
def test_bad_questions_are_refused(ask: Any, said: str) -> None:
    """Shares are no percentages, and nothing cannot be shown."""
    with pytest.raises(InvalidInputError, match=said):
        ask()
