"""A backtest on the page: the verdict, the numbers, the plot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.report.blocks import Drawing, Fold, Grid
from wxengage.report.calibrations import _ticks, calibration_chart
from wxengage.report.charts import NARROW, WIDE
from wxengage.report.forecasts import backtest_section
from wxengage.report.page import write_report
from wxengage.report.reader import Reader
from wxengage.stats.btyd.beta_geometric import MbgNbd, fit_mbgnbd
from wxengage.stats.estimates import Estimate
from wxengage.stats.intervals import wilson

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.report.reader import Lang

ZH, EN = Reader("zh"), Reader("en")
# A number without an interval: no spread to learn from.
SURE = Estimate(1.0, None, None, 100)


def near(value: float, reach: float = 0.02) -> Estimate:
    """Return an estimate with an interval around it."""
    return Estimate(value, value - reach, value + reach, 100)


@pytest.mark.parametrize(
    ("gain", "zh", "en"),
    [
        (
            near(0.1),
            ("模型的排序胜过只看最近一次互动", "它的概率胜过人人相同的预测"),
            ("would have been better than plain recency", "probabilities better than"),
        ),
        (
            near(-0.1),
            ("模型的排序不如只看最近一次互动", "它的概率不如人人相同的预测"),
            ("would have been worse than plain recency", "probabilities worse than"),
        ),
        (
            near(0.01),
            ("模型的排序与只看最近一次互动分不出高下", "人人相同的预测分不出高下"),
            (
                "neither clearly better nor clearly worse than plain recency",
                "probabilities neither clearly better nor clearly worse than",
            ),
        ),
        (
            SURE,
            ("模型的排序与只看最近一次互动无从比较", "人人相同的预测无从比较"),
            ("not comparable with plain recency", "probabilities not comparable with"),
        ),
    ],
    ids=["better", "worse", "unclear", "unknown"],
)
def test_the_verdict_says_no_more_than_the_intervals_do(
    make: Any, gain: Estimate, zh: tuple[str, str], en: tuple[str, str]
) -> None:
    """Better or worse only where the whole interval of the difference is."""
    part = attrs.evolve(make.backtest(), better_order=gain, smaller_error=gain)
    value = part["p_active"].auc.value

    for reader, said in ((ZH, zh), (EN, en)):
        lead = backtest_section(part, reader).lead
        assert all(words in lead for words in said)
        assert f"AUC {value:.3f}" in lead


@pytest.mark.parametrize(
    ("came", "zh", "en"),
    [(0, "后来没有人来", "nobody came"), (1, "后来人人都来了", "everybody came")],
)
def test_where_all_or_none_came_nothing_is_compared(
    make: Any, came: int, zh: str, en: str
) -> None:
    """The sentence says so in place of a verdict."""
    none = Estimate.undefined("nobody did", n=10)
    part = make.backtest()
    forecasts = tuple(attrs.evolve(one, auc=none) for one in part.forecasts)
    part = attrs.evolve(part, forecasts=forecasts, better_order=none)
    part = attrs.evolve(part, came=wilson(10 * came, 10))

    assert zh in backtest_section(part, ZH).lead
    assert en in backtest_section(part, EN).lead
    assert "AUC" not in backtest_section(part, EN).lead


@pytest.mark.parametrize(
    ("history", "zh", "en"),
    [
        (([0] * 9, [0] * 9, [40] * 9), "9 位用户没有一位再来过", "none of 9 users"),
        (
            ([0] * 300 + [1], [0] * 300 + [1], [300] * 301),
            "301 位用户只有 1 位再来过",
            "only 1 of 301 users came back",
        ),
    ],
)
def test_a_model_that_has_not_converged_is_called_one(
    make: Any, history: tuple[list[int], ...], zh: str, en: str
) -> None:
    """With the reason, and what its numbers lean on."""
    model = fit_mbgnbd(*history)
    part = attrs.evolve(make.backtest(), model=model)

    assert not model.converged
    assert zh in backtest_section(part, ZH).lead
    assert "弱先验" in backtest_section(part, ZH).lead
    assert en in backtest_section(part, EN).lead
    assert "lean on a weak prior" in backtest_section(part, EN).lead


def test_a_model_without_a_maximum_is_called_one(make: Any) -> None:
    """Enough users came back, and still the log does not tell the parameters."""
    fitted = fit_mbgnbd([2, 0, 0, 7, 1, 0], [30, 0, 0, 38, 4, 0], [39] * 6)
    assert fitted.fit is not None
    telling = attrs.evolve(fitted.fit, repeaters=300.0)
    lost = attrs.evolve(fitted, fit=attrs.evolve(telling, converged=False))
    given_ = MbgNbd(*fitted.params.values())

    for model, said in ((lost, True), (given_, False), (fitted, False)):
        lead = backtest_section(attrs.evolve(make.backtest(), model=model), EN).lead
        assert said == ("does not determine its parameters" in lead)


def test_the_grids_hold_the_numbers_of_the_backtest(make: Any) -> None:
    """Each score with its interval, the totals, each bin of the plot."""
    part = make.backtest()
    ways, totals, fold = (
        block
        for block in backtest_section(part, EN).blocks
        if isinstance(block, Grid | Fold)
    )
    assert isinstance(ways, Grid)
    assert isinstance(totals, Grid)
    assert isinstance(fold, Fold)

    assert len(part.forecasts) + 1 == len(ways.rows)
    for one, (_, auc, brier) in zip(part.forecasts, ways.rows, strict=False):
        assert f"{one.auc.value:.3f}" == auc.text
        assert f"{one.auc.low:.3f} to {one.auc.high:.3f}" == auc.sub
        if one.brier.value is None:
            assert ("-", "") == (brier.text, brier.sub)
        else:
            assert f"{one.brier.value:.4f}" == brier.text
            assert f"{one.brier.low:.4f} to {one.brier.high:.4f}" == brier.sub
    assert f"{part.base.value:.4f}" == ways.rows[-1][2].text
    assert f"{part.users * part.foreseen:,.1f}" == totals.rows[0][1].text
    assert part.came.value == int(totals.rows[0][2].text) / part.users
    assert f"{part.expected:,.1f}" == totals.rows[1][1].text
    assert f"{part.observed:,}" == totals.rows[1][2].text
    (grid,) = fold.blocks
    assert isinstance(grid, Grid)
    columns = part.calibration.columns
    assert [f"{n:,}" for n in columns["users"]] == [row[2].text for row in grid.rows]
    expected = [EN.percent(share) for share in columns["forecast"].tolist()]
    assert expected == [row[0].text for row in grid.rows]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_has_the_section_and_the_plot(
    make: Any, lang: Lang, tmp_path: Path
) -> None:
    """A picture for a desk and one for a phone, each with its words for the blind."""
    part = make.backtest()
    title = {"zh": "预测准不准", "en": "Would it have been right?"}[lang]
    plot = backtest_section(part, Reader(lang)).blocks[0]
    assert isinstance(plot, Drawing)

    page = write_report(tmp_path / "page.html", part, lang=lang)

    text = page.read_text(encoding="utf-8")
    assert f"<h2><bdi>{title}</bdi></h2>" in text
    assert 2 == text.count(f'role="img" aria-label="{plot.label}"')
    assert 2 == text.count("<svg")
    assert "MBG/NBD" in text[text.index("<footer>") :]
    inside = sum(
        low <= forecast <= high
        for forecast, low, high in zip(
            *(part.calibration.columns[name] for name in ("forecast", "low", "high")),
            strict=True,
        )
    )
    said = {"zh": (f"其中 {inside} 组", "10 组"), "en": (f"; {inside} of", "10 bins")}
    assert all(words in plot.label for words in said[lang])


def test_a_bin_off_the_interval_is_drawn_in_another_colour(make: Any) -> None:
    """Counted in the legend, marked in the table."""
    part = make.backtest()
    odd, *rest = part.calibration.bins
    odd = attrs.evolve(odd, observed=wilson(odd.observed.n, odd.observed.n))
    moved = attrs.evolve(part.calibration, bins=(odd, *rest))

    drawn, *_ = backtest_section(attrs.evolve(part, calibration=moved), EN).blocks
    assert isinstance(drawn, Drawing)

    assert "var(--bad)" in drawn.wide
    assert "bad" in dict(drawn.legend)


def dots(svg: str) -> list[tuple[float, float]]:
    """Return where the dots of a plot are, in pixels."""
    found = re.findall(
        r'<path transform="translate\(([\d.]+),([\d.]+)\)"[^>]*var\(--paper\)', svg
    )
    return [(float(x), float(y)) for x, y in found]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_dot_is_where_forecast_and_share_are(width: int) -> None:
    """Both axes from 0 to the same edge: equal shares lie on the diagonal."""
    bins = [
        ("accent", 0.1, 0.1, 0.05, 0.2, 40),
        ("accent", 0.4, 0.4, 0.3, 0.6, 40),
        ("bad", 0.2, 0.5, 0.4, 0.6, 40),
    ]
    svg = calibration_chart(bins, width, x="forecast", y="came")
    across, up = width - 64, 264

    found = dots(svg)

    assert 3 == len(found)
    for (_, forecast, observed, *_), (x, y) in zip(bins, found, strict=True):
        assert forecast / 0.6 == pytest.approx(x / across, abs=1e-3)
        assert 1 - observed / 0.6 == pytest.approx(y / up, abs=1e-3)


def test_words_of_the_plot_are_text_and_escaped() -> None:
    """Chinese stays text, and no title is markup."""
    bins = [("accent", 0.5, 0.5, 0.1, 0.9, 1)]

    svg = calibration_chart(bins, WIDE, x="预测<b>", y="实际&")

    assert "预测&lt;b&gt;" in svg
    assert "实际&amp;" in svg
    assert "<b>" not in svg


@given(st.floats(1e-6, 1))
def test_the_axis_reaches_just_far_enough(top: float) -> None:
    """A few round shares, the last one the first that holds everything."""
    ticks = _ticks(top)

    assert 0 == ticks[0]
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] >= top * (1 - 1e-9)
    assert ticks[-2] < top
