"""Three-way verdicts against the oracle."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from wxengage.errors import InvalidInputError
from wxengage.stats.estimates import Estimate
from wxengage.stats.verdicts import against, interval_verdict

ORACLE = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)["metrics"]["benchmark_open_rate_gt_30"]


@pytest.mark.parametrize(
    ("k", "n", "probability"),
    list(
        zip(
            ORACLE["inputs"]["k"],
            ORACLE["inputs"]["n"],
            ORACLE["outputs"]["post_prob_jeffreys"],
            strict=True,
        )
    ),
)
def test_the_probability_equals_the_oracle(k: int, n: int, probability: float) -> None:
    """P(rate > 30 %) under Jeffreys' prior."""
    found = against(k, n, 0.30)

    assert probability == pytest.approx(found.probability, rel=1e-6)


def test_the_same_rate_is_decided_by_how_many_there_are() -> None:
    """33 % of 100 is undecided, of 1,000 met; 10 % of 100 is not met."""
    assert "undecided" == against(33, 100, 0.30).word
    assert "met" == against(330, 1000, 0.30).word
    assert "not met" == against(10, 100, 0.30).word
    assert "undecided" == against(0, 0, 0.30).word
    assert "undecided (P(> 0.30) = 0.746)" == str(against(33, 100, 0.30))


@pytest.mark.parametrize("target", [0.0, 1.0, 30, math.nan])
def test_a_target_is_a_share(target: float) -> None:
    """30 is no share; 0 and 1 decide nothing."""
    with pytest.raises(InvalidInputError, match="target must be between 0 and 1"):
        against(1, 2, target)


def test_how_sure_is_above_a_half() -> None:
    """Below a half, met and not met would overlap."""
    with pytest.raises(InvalidInputError, match="sure must be above 1/2"):
        against(1, 2, 0.3, sure=0.5)


def test_an_interval_decides_only_when_it_lies_on_one_side() -> None:
    """Met above, not met below, undecided across and without an interval."""
    found = Estimate(20.0, 10.0, 30.0, 5, 0.90)

    assert "met" == interval_verdict(found, 5).word
    assert "not met" == interval_verdict(found, 50).word
    assert "undecided (target 15)" == str(interval_verdict(found, 15))
    assert "undecided" == interval_verdict(Estimate.undefined("no reads"), 5).word
    with pytest.raises(InvalidInputError, match="target must be finite"):
        interval_verdict(found, math.inf)
