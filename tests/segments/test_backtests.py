"""Forecasts held against what came: CDNOW, laws, questions without an answer."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.frames.engines import instant, table
from tests.segments.test_odds import MODEL, simulated
from wxengage.datasets import cdnow
from wxengage.errors import InvalidInputError
from wxengage.log import read_log
from wxengage.segments import activity_odds
from wxengage.segments.backtests import backtest

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.log import Log

WEEKS_39 = dt.timedelta(weeks=39)
MONTH = dt.timedelta(days=30)
AT = instant("1997-09-30T23:59", "Asia/Shanghai")
MIDDLE = instant("2026-03-01T04:00")


@pytest.fixture(scope="module")
def shop(data_folder: Path) -> Log:
    """Give every purchase of 2,357 customers over 18 months."""
    path = data_folder / "cdnow" / "CDNOW_sample.txt"
    return read_log(cdnow(path), value="value", tz="Asia/Shanghai")


@pytest.fixture(scope="module")
def half_a_year() -> Log:
    """Give a simulated log of 200 days that ends with 2026-06-01."""
    return read_log(table(simulated(), "arrays"))


def test_cdnow_over_39_weeks_is_as_measured(shop: Log, oracles: dict[str, Any]) -> None:
    """The measured areas under the curve; real purchases beside the predicted."""
    expected = oracles["segmentation"]["cdnow_holdout_auc"]["outputs"]
    found = backtest(shop, AT, horizon=WEEKS_39)

    for name, told in {
        "recency": "recency days",
        "frequency": "frequency",
        "p_alive": "P(alive) MBG",
        "expected": "E[Y39] MBG",
    }.items():
        assert expected[told] == pytest.approx(found[name].auc.value, abs=2e-3)
    # A purchase of exactly 30 days ago is dormant here, by rounding not in theirs.
    assert expected["30-day rule"] == pytest.approx(found["rule"].auc.value, abs=2e-3)
    assert 1882 == found.observed
    assert 1577 == pytest.approx(found.expected, abs=1)
    assert 684 / 2357 == pytest.approx(found.came.value)
    assert found["p_active"].brier.value is not None
    assert found.base.value is not None
    assert found["p_active"].brier.value < found.base.value


def test_cdnow_over_30_days_is_as_measured(shop: Log) -> None:
    """P(active): AUC .804, mean 7.02 % against 7.30 %, Brier .0560 against .0676."""
    found = backtest(shop, AT, horizon=MONTH)

    measured = {"rule": 0.624, "recency": 0.794, "frequency": 0.791}
    measured |= {"p_alive": 0.741, "expected": 0.804, "p_active": 0.804}
    for name, value in measured.items():
        assert value == pytest.approx(found[name].auc.value, abs=2e-3)
    assert 0.0702 == pytest.approx(found.foreseen, abs=5e-5)
    assert 0.0730 == pytest.approx(found.came.value, abs=5e-5)
    assert 0.0560 == pytest.approx(found["p_active"].brier.value, abs=5e-5)
    assert 0.0676 == pytest.approx(found.base.value, abs=5e-5)
    # The model and recency order alike; its probabilities tell more than one number.
    assert found.better_order.low is not None
    assert found.better_order.low < 0.0107 < (found.better_order.high or 0)
    assert found.smaller_error.low is not None
    assert found.smaller_error.low > 0
    inside = [
        one.observed.low <= one.forecast <= one.observed.high
        for one in found.calibration.bins
        if one.observed.low is not None and one.observed.high is not None
    ]
    assert 10 == len(inside)
    assert sum(inside) >= 8


def test_recency_is_an_order_and_no_probability(half_a_year: Log) -> None:
    """What is no probability has no Brier score, and says why."""
    found = backtest(half_a_year, MIDDLE, horizon=MONTH)

    assert found["recency"].brier.value is None
    assert ("an order, no probability",) == found["recency"].brier.assumptions
    with pytest.raises(InvalidInputError, match="name must be one of rule, recency"):
        _ = found["luck"]


def test_a_forecast_sees_nothing_of_what_it_is_held_against(half_a_year: Log) -> None:
    """The odds are those of the log cut off at that instant."""
    before = half_a_year.between(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), MIDDLE)
    odds = activity_odds(before, MIDDLE, horizon=MONTH)

    found = backtest(half_a_year, MIDDLE, horizon=MONTH)

    assert odds.model == found.model
    assert np.nanmean(odds.frame["p_active"]) == pytest.approx(found.foreseen)
    assert np.isfinite(odds.frame["p_active"]).sum() == found.users


def test_what_came_is_counted_by_hand(half_a_year: Log) -> None:
    """Days with an interaction after ``at``, up to and with the end."""
    until = MIDDLE + MONTH
    seen, days = set(), set()
    for row in simulated():
        day = (row["at"] + dt.timedelta(hours=8)).date()
        if row["kind"] == "like" and row["at"] <= MIDDLE:
            seen.add(row["user"])
        if row["kind"] == "like" and MIDDLE < row["at"] <= until:
            days.add((row["user"], day))

    found = backtest(half_a_year, MIDDLE, horizon=MONTH)

    came = {user for user, _ in days} & seen
    assert len(seen) == found.users
    assert len(came) / len(seen) == pytest.approx(found.came.value)
    assert len([one for one in days if one[0] in seen]) == found.observed


def test_the_order_of_rows_and_the_kind_of_table_are_nothing() -> None:
    """An engine's log is collected and gives the same numbers."""
    rows = simulated(80)
    mixed = rows[:]
    random.Random(3).shuffle(mixed)  # noqa: S311  no secret

    plain = backtest(read_log(table(rows, "arrays")), MIDDLE, horizon=MONTH)
    lazy = backtest(read_log(table(mixed, "polars_lazy")), MIDDLE, horizon=MONTH)

    assert str(plain) == str(lazy)


def test_a_backtest_prints_and_shows(half_a_year: Log) -> None:
    """The table names each forecast; a notebook gets the same."""
    found = backtest(half_a_year, MIDDLE, horizon=MONTH, model=MODEL)

    assert found.model is MODEL
    lines = str(found).splitlines()
    assert lines[0].startswith(f"{found.users} users, 2026-03-01 to 2026-03-31: ")
    assert 11 == len(lines)
    order, error = found.better_order, found.smaller_error
    assert f"than recency by {order.value:+.4f} [{order.low:+.4f}, " in lines[9]
    assert f"for everybody by {error.value:+.4f} [{error.low:+.4f}, " in lines[10]
    assert "30-day rule: dormant stay away" in lines[2]
    assert "P(active) of the model" in found._repr_html_()


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-05-20T04:00", "who has not come yet is not known to stay away"),
        ("2025-10-01T04:00", "at must be after the first interaction of the log"),
    ],
)
def test_questions_without_an_answer_are_refused(
    half_a_year: Log, at: str, said: str
) -> None:
    """Too near the end of the log, or before its beginning."""
    with pytest.raises(InvalidInputError, match=said):
        backtest(half_a_year, instant(at), horizon=MONTH)
