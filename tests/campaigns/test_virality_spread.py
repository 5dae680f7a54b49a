"""What estimates of virality promise."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wxengage.campaigns.virality import (
    Fakes,
    GenerationTime,
    extinction,
    growth,
    k_factor,
    progeny,
)
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.stats.branching import TotalProgeny, extinction_probability
from wxengage.stats.counts import NegativeBinomial, fit_negative_binomial

DAY = dt.timedelta(days=1)
QUICK = GenerationTime(2 * DAY, 1 * DAY)
EXPONENTIAL = GenerationTime(3 * DAY, 3 * DAY)


def test_k_has_the_published_robust_interval(oracles: dict[str, Any]) -> None:
    """A Poisson interval of the same users would be 40 % narrower."""
    expected = oracles["referral"]["k_factor_ci"]
    out, rel = expected["outputs"], expected["rtol"]

    found = k_factor(expected["inputs"]["count"], weights=expected["inputs"]["freq"])

    assert pytest.approx(out["K"], rel=rel) == found.value
    assert pytest.approx(out["lo"], rel=rel) == found.low
    assert pytest.approx(out["hi"], rel=rel) == found.high
    assert 1000 == found.n
    z = expected["inputs"]["z"]
    assert found.high is not None
    error = math.log(found.high / out["K"]) / z * out["K"]
    assert pytest.approx(out["se_robust"], rel=rel) == error
    poisson = math.sqrt(out["K"] / found.n)
    assert pytest.approx(out["se_poisson_naive"], rel=rel) == poisson
    assert pytest.approx(out["dispersion"], rel=rel) == (error / poisson) ** 2


def test_counts_of_invites_fit_the_published_law(oracles: dict[str, Any]) -> None:
    """The law that budgets and cascades are computed from."""
    expected = oracles["referral"]["nb_fit_counts"]
    out, rel = expected["outputs"], expected["rtol"]

    fit = fit_negative_binomial(
        expected["inputs"]["count"], weights=expected["inputs"]["freq"]
    )

    assert pytest.approx([out["mean"], out["k"], out["loglik"]], rel=rel) == [
        fit.mean,
        fit.k,
        fit.loglik,
    ]


def test_young_users_are_not_held_to_be_lazy(oracles: dict[str, Any]) -> None:
    """Invites are divided by what is due by now."""
    expected = oracles["referral"]["k_factor_immature_cohort"]
    invited = expected["inputs"]["invited"]
    ages = [age * DAY for age in expected["inputs"]["age_days"]]

    naive = k_factor(invited)
    found = k_factor(invited, ages=ages, generation=EXPONENTIAL)

    assert pytest.approx(expected["outputs"]["naive"]) == naive.value
    rel = expected["rtol"]
    assert pytest.approx(expected["outputs"]["corrected"], rel=rel) == found.value


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1))
def test_a_histogram_counts_like_its_users(rows: list[tuple[int, int]]) -> None:
    """Weights are users, none other."""
    counts, weights = zip(*rows, strict=True)
    users = np.repeat(counts, weights)

    one, other = k_factor(users), k_factor(counts, weights=weights)

    assert (one.n, one.value, one.assumptions) == (
        other.n,
        other.value,
        other.assumptions,
    )
    if one.low is not None:
        assert pytest.approx(one.low, rel=1e-9) == other.low
        assert pytest.approx(one.high, rel=1e-9) == other.high


@given(st.lists(st.integers(0, 9), min_size=2), st.floats(0.5, 0.999))
def test_old_users_need_no_correction(counts: list[int], level: float) -> None:
    """After a thousand times the generation time everything is due."""
    ages = [3000 * DAY] * len(counts)

    assert k_factor(counts, level=level).value == (
        k_factor(counts, ages=ages, generation=EXPONENTIAL, level=level).value
    )


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Uneven inviters, 400 campaigns."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        found = k_factor(rng.negative_binomial(0.5, 0.5 / 1.3, size=2_000))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.8 <= found.high

    assert stats.binom.sf(400 - hits - 1, 400, 0.05) > 1e-4
    assert stats.binom.sf(hits - 1, 400, 0.95) > 1e-4


def test_k_without_invites_or_users_says_so() -> None:
    """A number where there is one, an interval where there can be one."""
    assert "undefined n=0 (no users)" == str(k_factor([]))
    assert (0.0, None) == (k_factor([0, 0]).value, k_factor([0, 0]).low)
    assert (3.0, None) == (k_factor([3]).value, k_factor([3]).low)
    assert (2.0, None) == (k_factor([2, 2]).value, k_factor([2, 2]).low)
    now = k_factor([1, 0], ages=[0 * DAY, 0 * DAY], generation=QUICK)
    assert "undefined n=2 (all users joined just now)" == str(now)


def test_generation_times_are_gamma() -> None:
    """Against scipy's distribution; without spread, a step."""
    ages = [0 * DAY, DAY / 2, 2 * DAY, 9 * DAY]
    days = np.array([0.0, 0.5, 2.0, 9.0])

    assert pytest.approx(stats.gamma.cdf(days, 4, scale=0.5)) == QUICK.cdf(ages)
    assert [0, 0, 1, 1] == GenerationTime(2 * DAY, 0 * DAY).cdf(ages).tolist()
    as_array = np.array(days * 86_400_000, dtype="timedelta64[ms]")
    assert QUICK.cdf(ages).tolist() == QUICK.cdf(as_array).tolist()
    assert 0 == len(QUICK.cdf([]))


@pytest.mark.parametrize("value", [QUICK, Fakes(0.1, 6, caught=0.5)])
def test_assumptions_come_back_from_their_text(value: object) -> None:
    """So that a forecast can be made again."""
    assert value == load(dump(value))


def test_growth_is_that_of_the_paper() -> None:
    """K 1.3, two days with a deviation of one."""
    found = growth(1.3, QUICK)

    assert pytest.approx(0.135580, abs=5e-7) == found.per_day
    assert found.doubling is not None
    assert pytest.approx(5.112, abs=5e-4) == found.doubling / DAY
    assert pytest.approx(2.0) == found.over(found.doubling)
    assert growth(0.8, QUICK).doubling is None
    assert 0.0 == growth(1.0, QUICK).per_day
    assert 1 > growth(0.8, QUICK).over(DAY)


def test_the_names_of_the_room_are_those_of_the_mathematics() -> None:
    """One answer, two names."""
    law = NegativeBinomial(1.5, 0.4)

    assert extinction_probability(law, seeds=3) == extinction(law, seeds=3)
    assert TotalProgeny(law, seeds=3) == progeny(law, seeds=3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: k_factor([0.5]), "invites[0] must be a whole number"),
        (lambda: k_factor([-1]), "invites[0] must be a whole number"),
        (lambda: k_factor([math.nan]), "invites[0] must be finite"),
        (lambda: k_factor([1, 2], weights=[1]), "weights must be as many"),
        (lambda: k_factor([1], ages=[DAY]), "given together, got 'ages alone'"),
        (lambda: k_factor([1], generation=QUICK), "got 'generation alone'"),
        (
            lambda: k_factor([1, 2], ages=[DAY], generation=QUICK),
            "ages must be as many as invites",
        ),
        (lambda: k_factor([1], level=95), "level must be between 0 and 1"),
        (lambda: QUICK.cdf([-DAY]), "ages[0] must be from 0"),
        (lambda: QUICK.cdf(np.array(["NaT"], dtype="m8[s]")), "ages[0] must be"),
        (lambda: QUICK.cdf([DAY, "x"]), "ages must be timedeltas"),  # type: ignore[list-item]
        (lambda: QUICK.cdf([1.0]), "ages must be timedeltas"),  # type: ignore[list-item]
        (lambda: QUICK.cdf(["1"]), "ages must be timedeltas"),  # type: ignore[list-item]
        (lambda: GenerationTime(0 * DAY, DAY), "mean must be a timedelta above 0"),
        (lambda: GenerationTime(DAY, -DAY), "sd must be a timedelta from 0"),
        (lambda: GenerationTime(2.0, DAY), "mean must be a timedelta"),  # type: ignore[arg-type]
        (lambda: growth(0.0, QUICK), "mean must be a finite number above 0"),
        (lambda: progeny(None), "law must be a NegativeBinomial"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_estimated_from_is_refused(call: Any, said: str) -> None:
    """With the argument, the row and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
