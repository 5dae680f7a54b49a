"""Numbers that the documentation says were measured are measured again."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from wxengage.datasets import cdnow
from wxengage.log import read_log
from wxengage.segments.backtests import Backtest, backtest
from wxengage.segments.policy import LifecyclePolicy
from wxengage.stats.btyd import fit_bgnbd, fit_mbgnbd
from wxengage.stats.scoring import auc

if TYPE_CHECKING:
    from wxengage.log import Log

ROOT = Path(__file__).parents[2]
AT = dt.datetime.fromisoformat("1997-09-30T23:59+08:00")
HORIZONS = (dt.timedelta(weeks=39), dt.timedelta(days=30))
#: The rows of the page's table, in its order.
ROWS = (
    "rule",
    "90-day rule",
    "frequency",
    "recency",
    "BG/NBD P(alive)",
    "BG/NBD P(active)",
    "p_alive",
    "expected",
    "p_active",
)


@pytest.fixture(scope="module")
def shop() -> Log:
    """Give every purchase of 2,357 customers, which comes with the source."""
    path = ROOT / "examples" / "data" / "CDNOW_sample.txt"
    return read_log(cdnow(path), value="value", tz="Asia/Shanghai")


@pytest.fixture(scope="module")
def measured(shop: Log) -> tuple[Backtest, Backtest]:
    """Give both backtests of the page."""
    long, short = (backtest(shop, AT, horizon=ahead) for ahead in HORIZONS)
    return long, short


def page(language: str) -> str:
    """Return the text of the page on MBG/NBD."""
    path = ROOT / "docs" / language / "explanation" / "models" / "mbg-nbd.md"
    return path.read_text(encoding="utf-8")


def areas(shop: Log, found: Backtest, horizon: dt.timedelta) -> list[float | None]:
    """Return the areas under the curve in the order of the table."""
    quarter = dt.timedelta(days=90)
    patient = LifecyclePolicy(dormant_after=quarter, active_within=quarter)
    rule = backtest(shop, AT, horizon=horizon, policy=patient, model=found.model)
    known = shop.summarise(AT)
    history = known.repeat_days, known.repeat_age_days, known.age_days
    tick = dt.timedelta(microseconds=1)
    after = shop.between(AT + tick, AT + horizon + tick).summarise(AT + horizon)
    came = np.isin(known.user, after.user)
    model = fit_bgnbd(*history)
    others = {
        "90-day rule": rule["rule"].auc,
        "BG/NBD P(alive)": auc(model.p_alive(*history), came),
        "BG/NBD P(active)": auc(model.p_active(horizon.days, *history), came),
    }
    return [(others.get(name) or found[name].auc).value for name in ROWS]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_of_cdnow_is_as_measured(
    language: str, shop: Log, measured: tuple[Backtest, Backtest]
) -> None:
    """No number of the table is older than the code."""
    table = re.findall(r"\| (\.\d{3}) \| (\.\d{3}) \|$", page(language), re.MULTILINE)

    for column, found, horizon in zip(
        zip(*table, strict=True), measured, HORIZONS, strict=True
    ):
        told = [f"{area:.3f}".lstrip("0") for area in areas(shop, found, horizon)]
        assert told == list(column)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_said_of_cdnow_is_as_measured(
    language: str, shop: Log, measured: tuple[Backtest, Backtest]
) -> None:
    """Shares, Brier scores and likelihoods in the text."""
    long, short = measured
    known = shop.summarise(AT)
    weeks = known.repeat_days, known.repeat_age_days / 7, known.age_days / 7
    likelihoods = [fit(*weeks).loglik for fit in (fit_bgnbd, fit_mbgnbd)]
    assert short.came.value is not None
    assert long.came.value is not None
    told = [
        *(f"{share:.2%}" for share in (short.foreseen, short.came.value)),
        *(f"{share:.1%}" for share in (long.foreseen, long.came.value)),
        *(f"{one.value:.4f}" for one in (short["p_active"].brier, short.base)),
        *(f"{value:,.1f}" for value in likelihoods),
    ]
    # As the pages write them: 7.02 %, .0560.
    shown = [re.sub(r"^0(?=\.)", "", one.replace("%", " %")) for one in told]

    assert [] == [number for number in shown if number not in page(language)]
