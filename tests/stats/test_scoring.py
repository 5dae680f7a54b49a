"""How good a forecast was: peers, brute force, laws, real data."""

from __future__ import annotations

import datetime as dt
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.intervals import wilson
from wxengage.stats.ranks import rank_groups
from wxengage.stats.scoring import auc, base_rate_brier, brier, calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORACLES = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)
# Few values, so that ties are common.
SCORES = st.lists(
    st.tuples(st.integers(-4, 4), st.booleans()), min_size=1, max_size=40
).map(lambda rows: (np.array([a for a, _ in rows]), np.array([b for _, b in rows])))
FORECASTS = st.lists(
    st.tuples(st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.booleans()),
    min_size=1,
    max_size=60,
).map(lambda rows: (np.array([a for a, _ in rows]), np.array([b for _, b in rows])))


def delong(
    scores: NDArray[np.int64], outcomes: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return area and standard error by the definition: every pair, one by one."""
    yes, no = scores[outcomes], scores[~outcomes]
    beats = [[1.0 if a > b else 0.5 if a == b else 0.0 for b in no] for a in yes]
    wins = np.array(beats)
    spread = wins.mean(axis=1).var(ddof=1) / len(yes)
    return float(wins.mean()), math.sqrt(
        spread + wins.mean(axis=0).var(ddof=1) / len(no)
    )


@given(SCORES)
def test_the_area_is_the_share_of_pairs_in_the_right_order(
    rows: tuple[NDArray[np.int64], NDArray[np.bool_]],
) -> None:
    """Value and interval are those of the definition, which looks at every pair."""
    scores, outcomes = rows
    found = auc(scores, outcomes)
    if outcomes.all() or not outcomes.any():
        assert not found.defined
        assert len(scores) == found.n
        return
    pair = np.subtract.outer(scores[outcomes], scores[~outcomes])
    assert found.value == pytest.approx(float((np.sign(pair) + 1).mean() / 2))
    if min(outcomes.sum(), (~outcomes).sum()) < 2:
        assert found.low is None
        return
    value, error = delong(scores, outcomes)
    if error == 0:
        assert found.low is None
        return
    assert max(value - 1.959963985 * error, 0) == pytest.approx(found.low, abs=1e-9)
    assert min(value + 1.959963985 * error, 1) == pytest.approx(found.high, abs=1e-9)


def test_the_area_is_scipys_statistic() -> None:
    """An independent peer, with and without ties; the textbook's 0.75."""
    rng = np.random.default_rng(3)
    outcomes = rng.random(500) < 0.2
    for scores in (rng.normal(size=500) + outcomes, rng.integers(0, 9, 500)):
        peer = scipy.stats.mannwhitneyu(scores[outcomes], scores[~outcomes]).statistic
        share = peer / (outcomes.sum() * (~outcomes).sum())
        assert share == pytest.approx(auc(scores, outcomes).value, abs=1e-14)

    assert 0.75 == auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]).value


@given(SCORES)
def test_only_the_order_of_scores_matters(
    rows: tuple[NDArray[np.int64], NDArray[np.bool_]],
) -> None:
    """A map that keeps the order keeps the estimate; one that turns it, mirrors it."""
    scores, outcomes = rows
    found = auc(scores, outcomes)

    assert found == auc(np.exp(scores), outcomes) == auc(scores**3 - 7, outcomes)
    turned, other = auc(-scores, outcomes), auc(scores, ~outcomes)
    if found.value is not None:
        assert turned.value is not None
        assert 1 == pytest.approx(found.value + turned.value, abs=1e-15)
        assert turned.value == pytest.approx(other.value, abs=1e-15)


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_of_users_does_not_matter(
    rows: tuple[NDArray[np.int64], NDArray[np.bool_]], rng: Any
) -> None:
    """A forecast is scored on a set of users."""
    scores, outcomes = rows
    order = list(range(len(scores)))
    rng.shuffle(order)

    assert auc(scores, outcomes) == auc(scores[order], outcomes[order])
    assert calibration(0.5 + scores / 8, outcomes, bins=3) == calibration(
        0.5 + scores[order] / 8, outcomes[order], bins=3
    )


def test_what_separates_without_error_has_no_interval() -> None:
    """No spread was seen; that is not the same as certainty."""
    found = auc([1, 2, 3, 4], [0, 0, 1, 1])

    assert (1.0, None, ("no spread to learn from",)) == (
        found.value,
        found.low,
        found.assumptions,
    )
    assert "undefined n=2 (nobody did)" == str(auc([1, 2], [0, 0]))
    assert "undefined n=1 (nobody did not)" == str(auc([1], [True]))
    assert "undefined n=0 (no users)" == str(auc([], []))


def test_the_intervals_cover_what_they_say() -> None:
    """Scores one standard deviation apart: the area is Phi(1 / sqrt 2), .7602."""
    rng = np.random.default_rng(11)
    truth = float(scipy.stats.norm.cdf(1 / math.sqrt(2)))
    areas = briers = 0
    for _ in range(400):
        outcomes = rng.random(150) < 0.4
        area = auc(rng.normal(size=150) + outcomes, outcomes)
        forecast = rng.random(150)
        score = brier(forecast, rng.random(150) < forecast)
        assert area.low is not None
        assert area.high is not None
        assert score.low is not None
        assert score.high is not None
        areas += area.low <= truth <= area.high
        briers += score.low <= 1 / 6 <= score.high

    assert 0.92 <= areas / 400 <= 0.98
    assert 0.92 <= briers / 400 <= 0.98


@given(FORECASTS)
def test_the_brier_score_is_the_mean_squared_error(
    rows: tuple[NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    """From 0 to 1; swapping yes and no changes nothing; the base rate is p (1 - p)."""
    forecast, outcomes = rows
    found, share = brier(forecast, outcomes), float(outcomes.mean())
    assert found.value is not None

    assert 0 <= found.value <= 1
    assert np.mean((forecast - outcomes) ** 2) == pytest.approx(found.value)
    assert found.value == pytest.approx(brier(1 - forecast, ~outcomes).value)
    assert share * (1 - share) == pytest.approx(base_rate_brier(outcomes).value)
    if found.low is not None:
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_score_of_nobody_is_undefined() -> None:
    """Not 0, which would be a perfect forecast."""
    assert not brier([], []).defined
    assert not base_rate_brier([]).defined
    assert ((), False) == (calibration([], []).bins, calibration([], []).error.defined)


@given(FORECASTS, st.integers(1, 12))
def test_every_user_is_in_one_bin_and_equal_forecasts_share_it(
    rows: tuple[NDArray[np.float64], NDArray[np.bool_]], bins: int
) -> None:
    """Bins are disjoint, ordered, complete, and hold what they say."""
    forecast, outcomes = rows
    found = calibration(forecast, outcomes, bins=bins)

    assert 1 <= len(found.bins) <= bins
    assert all(one.high < other.low for one, other in pairwise(found.bins))
    error, users = 0.0, 0
    for one in found.bins:
        inside = (one.low <= forecast) & (forecast <= one.high)
        assert wilson(int(outcomes[inside].sum()), int(inside.sum())) == one.observed
        assert forecast[inside].mean() == pytest.approx(one.forecast)
        assert one.low <= one.forecast <= one.high
        error += abs(float((outcomes[inside] - forecast[inside]).sum()))
        users += one.observed.n
    assert len(forecast) == users == found.error.n
    assert error / users == pytest.approx(found.error.value, abs=1e-12)


def test_bins_of_different_forecasts_are_equal_in_size() -> None:
    """A thousand users in ten bins, whatever the forecasts are."""
    rng = np.random.default_rng(5)
    forecast = rng.random(1_000) ** 4
    found = calibration(forecast, rng.random(1_000) < forecast)

    assert [100] * 10 == [one.observed.n for one in found.bins]
    assert found.error.value is not None
    assert 0 < found.error.value < 0.05


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30), st.integers(1, 12))
def test_groups_are_those_of_the_mean_rank(counts: list[int], groups: int) -> None:
    """By exact fractions, from scipy's ranks of every single unit."""
    units = np.repeat(np.arange(len(counts)), counts)
    twice = (2 * scipy.stats.rankdata(units)).astype(int)
    expected = [groups * (int(t) - 1) // (2 * len(units)) for t in twice]

    found = rank_groups(np.array(counts), groups)

    assert expected == np.repeat(found, counts).tolist()


def test_a_calibration_prints_as_a_table() -> None:
    """On a terminal and in a notebook."""
    found = calibration([0.1] * 10 + [0.6] * 5, [1] + [0] * 12 + [1, 1], bins=5)

    assert ["forecast", "observed", "low", "high", "users"] == list(found.columns)
    assert "calibration error: 0.067 n=15" == str(found).splitlines()[-1]
    assert ["0.100", "0.100", "0.018", "0.404", "10"] == str(found).split()[5:10]
    assert f"<pre>{found}</pre>" == found._repr_html_()
    assert "no users" in str(calibration([], []))


def test_simple_rules_on_real_purchases_score_as_measured(data_folder: Path) -> None:
    """CDNOW, 39 weeks on: recency and frequency order well, fixed silences badly."""
    oracle = ORACLES["segmentation"]["cdnow_holdout_auc"]["outputs"]
    text = (data_folder / "cdnow" / "CDNOW_sample.txt").read_text(encoding="ascii")
    end = dt.date(1997, 9, 30)
    days: dict[str, set[int]] = {}
    again = set()
    for line in text.splitlines():
        _, user, stamp, *_ = line.split()
        day = dt.datetime.strptime(stamp, "%Y%m%d").replace(tzinfo=dt.UTC).date()
        if day <= end:
            days.setdefault(user, set()).add((end - day).days)
        else:
            again.add(user)
    silence = np.array([min(ago) for ago in days.values()])
    age = np.array([max(ago) for ago in days.values()])
    counts = np.array([len(ago) for ago in days.values()])
    outcomes = np.array([user in again for user in days])
    # The measurement took the difference of two ages in weeks: rounding puts some
    # of those who were silent for exactly 30 days on either side of the rule.
    weeks = age / 7 - (age - silence) / 7

    assert 2357 == len(days)
    for name, score in (
        ("recency days", -silence),
        ("30-day rule", (weeks < 30 / 7).astype(int)),
        ("90-day rule", (weeks < 90 / 7).astype(int)),
        ("frequency", counts),
    ):
        found = auc(score, outcomes)
        assert oracle[name] == pytest.approx(found.value, rel=1e-4), name
        assert found.low is not None


@pytest.mark.parametrize(
    ("said", "forecast", "outcomes"),
    [
        (r"probabilities\[1\] must be from 0 to 1, got 1.5", [0.5, 1.5], [0, 1]),
        (r"probabilities\[0\] must be from 0 to 1, got -0.1", [-0.1, 0.5], [0, 1]),
        (r"probabilities\[1\] must be finite, got nan", [0.5, math.nan], [0, 1]),
        (r"outcomes\[1\] must be 0 or 1, got 2", [0.5, 0.5], [0, 2]),
        (r"outcomes\[0\] must be finite, got nan", [0.5, 0.5], [math.nan, 1]),
        (r"outcomes\[1\] must be finite", [0.5, 0.5], [True, None]),
        ("outcomes must be numbers", [0.5], ["yes"]),
        ("outcomes must be as many as probabilities, 2, got 1", [0.5, 0.5], [1]),
        ("outcomes.shape must be one-dimensional", [0.5], [[True]]),
        ("probabilities must be numbers", [True, False], [1, 0]),
    ],
)
def test_bad_forecasts_are_named(said: str, forecast: Any, outcomes: Any) -> None:
    """Row, value and rule, from every function that takes probabilities."""
    for score in (brier, calibration):
        with pytest.raises(InvalidInputError, match=said):
            score(forecast, outcomes)


def test_bad_scores_and_settings_are_named() -> None:
    """Infinite scores, levels outside 0 to 1, no bins at all."""
    with pytest.raises(InvalidInputError, match=r"scores\[1\] must be finite"):
        auc([0.0, math.inf], [0, 1])
    with pytest.raises(InvalidInputError, match="as many as scores"):
        auc([0.0], [0, 1])
    with pytest.raises(InvalidInputError, match="level must be"):
        auc([0.0, 1.0], [0, 0], level=95)
    for bins in (0, True, 2.0, 1_001):
        with pytest.raises(InvalidInputError, match="bins must be"):
            calibration([0.5], [1], bins=bins)  # type: ignore[arg-type]  # the mistake under test
