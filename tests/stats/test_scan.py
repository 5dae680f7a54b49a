"""What the scan for bursts promises."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from wxengage.errors import InvalidInputError
from wxengage.stats.scan import burst_probability


def test_bursts_of_invites_are_as_rare_as_is_published(oracles: dict[str, Any]) -> None:
    """Ten minutes of a day."""
    expected = oracles["referral"]["scan_burst_pvalue"]
    rows = zip(expected["inputs"]["n"], expected["inputs"]["k"], strict=True)

    found = [burst_probability(n, k, 10 / 1440) for n, k in rows]

    assert pytest.approx(expected["outputs"], rel=expected["rtol"]) == found


@pytest.mark.parametrize(("n", "k", "window"), [(12, 4, 0.02), (20, 5, 0.03)])
def test_a_simulation_sees_as_many_bursts(n: int, k: int, window: float) -> None:
    """Events drawn evenly, the fullest window found by sliding."""
    times = np.sort(np.random.default_rng(4).random((200_000, n)), axis=1)
    bursts = (times[:, k - 1 :] - times[:, : n - k + 1] <= window).any(axis=1).mean()

    found = burst_probability(n, k, window)

    error = 5 * math.sqrt(bursts / len(times))
    assert pytest.approx(found, abs=error + 0.05 * found) == bursts


def test_what_is_certain_and_what_cannot_be() -> None:
    """One event is in some window; more than there are, in none."""
    assert 1.0 == burst_probability(5, 1, 0.1)
    assert 1.0 == burst_probability(0, 0, 0.1)
    assert 0.0 == burst_probability(5, 6, 0.1)
    assert 1.0 == burst_probability(1_000, 50, 0.1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: burst_probability(-1, 1, 0.1), "events must be at least 0"),
        (lambda: burst_probability(5, 1.5, 0.1), "largest must be a whole"),  # type: ignore[arg-type]
        (lambda: burst_probability(5, 2, 0.0), "window must be a share"),
        (lambda: burst_probability(5, 2, math.nan), "window must be a share"),
        (lambda: burst_probability(5, 2, True), "window must be a share"),
    ],
)
def test_what_is_no_burst_is_refused(call: Any, said: str) -> None:
    """With the argument and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
