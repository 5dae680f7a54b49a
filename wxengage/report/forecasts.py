"""Would it have been right (预测准不准): a backtest on the page."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from wxengage.report.blocks import Block, Cell, Drawing, Fold, Grid, Section
from wxengage.report.calibrations import calibration_chart
from wxengage.report.charts import for_both

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.report.reader import Reader
    from wxengage.segments.backtests import Backtest, Forecast
    from wxengage.stats.btyd.beta_geometric import MbgNbd
    from wxengage.stats.estimates import Estimate
    from wxengage.stats.scoring import CalibrationBin

__all__ = ["backtest_section"]

_Word = Literal["better", "worse", "unclear", "unknown"]
# What people call a forecast; in English it has its own words.
_FORECASTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rule": "分层规则：沉默用户不来",
        "recency": "只看最近：最近来过的先来",
        "frequency": "只看频次：来得多的先来",
        "p_alive": "模型：还没流失的概率",
        "expected": "模型：预期互动天数",
        "p_active": "模型：期内会来的概率",
    }
)
# Below this, a model is short of users who came back; as its own diagnosis has it.
_FEW_REPEATERS: Final = 10


def backtest_section(part: Backtest, reader: Reader) -> Section:
    """Return whether forecasts of who comes were right.

    Parameters
    ----------
    part
        Forecasts made at one instant, and what came.
    reader
        For whom.

    Returns
    -------
    Section
        The question and the verdict, a calibration plot, what each way to tell was
        worth, and the numbers of the plot.
    """
    say = reader.say
    blocks: list[Block] = []
    if part.calibration.bins:
        blocks.append(_plot(part, reader))
    blocks.append(_ways(part, reader))
    blocks.append(_totals(part, reader))
    if part.calibration.bins:
        blocks.append(_numbers(part, reader))
    title = say("预测准不准", "Would it have been right?")
    lead = _verdict(part, reader) + _doubt(part.model, reader)
    return Section(title, lead, tuple(blocks))


def _better(gain: Estimate) -> _Word:
    """Return whether a gain is above 0, below it, or may be either."""
    if gain.low is None or gain.high is None:
        return "unknown"
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "unclear"


def _verdict(part: Backtest, reader: Reader) -> str:
    """Return what was asked, and whether the model beats what is simpler."""
    model, recency = part["p_active"], part["recency"]
    span, date = reader.span(part.until - part.at), reader.date(part.at.date())
    if not model.auc.defined:
        nobody = part.came.value == 0
        return reader.say(
            f"站在{date}，预测此后 {span}里谁会来：后来"
            f"{'没有人来' if nobody else '人人都来了'}，各种预测无从比较。",
            f"Asked on {date} who would come within {span}: "
            f"{'nobody' if nobody else 'everybody'} came, so that forecasts cannot be "
            "compared.",
        )
    order, share = _better(part.better_order), _better(part.smaller_error)
    zh = {
        "better": "{0}胜过{1}",
        "worse": "{0}不如{1}",
        "unclear": "{0}与{1}分不出高下",
        "unknown": "{0}与{1}无从比较",
    }
    en = {
        "better": "better than",
        "worse": "worse than",
        "unclear": "neither clearly better nor clearly worse than",
        "unknown": "not comparable with",
    }
    areas = tuple(map(_area, (model.auc, recency.auc)))
    errors = tuple(map(_error, (model.brier, part.base)))
    return reader.say(
        f"站在{date}，预测此后 {span}里谁会来："
        f"{zh[order].format('模型的排序', '只看最近一次互动')}"
        f"（AUC {areas[0]} 对 {areas[1]}），"
        f"{zh[share].format('它的概率', '人人相同的预测')}"
        f"（Brier 分 {errors[0]} 对 {errors[1]}）。",
        f"Had the model been asked on {date} who would come within {span}, its order "
        f"of users would have been {en[order]} plain recency (AUC {areas[0]} against "
        f"{areas[1]}), and its probabilities {en[share]} the same one for everybody "
        f"(Brier score {errors[0]} against {errors[1]}).",
    )


def _doubt(model: MbgNbd, reader: Reader) -> str:
    """Return why there is no best model; empty for one that has converged."""
    if model.fit is None or model.converged:
        return ""
    back, users = round(model.fit.repeaters), round(model.fit.customers)
    if back == 0:
        why = reader.say(
            f"{users:,} 位用户没有一位再来过", f"none of {users:,} users came back"
        )
    elif back < _FEW_REPEATERS:
        why = reader.say(
            f"{users:,} 位用户只有 {back:,} 位再来过",
            f"only {back:,} of {users:,} users came back",
        )
    else:
        why = reader.say(
            "日志不足以确定它的参数", "the log does not determine its parameters"
        )
    return reader.say(
        f"模型没有收敛：{why}；它的概率借了弱先验，值多少以这里的回测为准。",
        f" The model has not converged: {why}; its probabilities lean on a weak prior, "
        "and are worth what this test says.",
    )


def _area(one: Estimate) -> str:
    return "-" if one.value is None else f"{one.value:.3f}"


def _error(one: Estimate) -> str:
    return "-" if one.value is None else f"{one.value:.4f}"


def _ends(one: Estimate, digits: int, reader: Reader) -> str:
    """Return an interval as text; empty where there is none."""
    if one.low is None or one.high is None:
        return ""
    low, high = f"{one.low:.{digits}f}", f"{one.high:.{digits}f}"
    return reader.say(f"{low} 至 {high}", f"{low} to {high}")


def _level(one: Estimate) -> str:
    return f"{100 * one.level:g}%"


def _agrees(one: CalibrationBin) -> bool:
    """Return whether a bin's forecast lies within the interval of what came."""
    low, high = one.observed.low, one.observed.high
    return low is None or high is None or low <= one.forecast <= high


def _plot(part: Backtest, reader: Reader) -> Drawing:
    """Return forecast and outcome, a dot a bin."""
    say, bins = reader.say, part.calibration.bins
    rows = []
    for one in bins:
        share, swatch = one.observed, "accent" if _agrees(one) else "bad"
        value, low, high = (float(x or 0) for x in (share.value, share.low, share.high))
        rows.append((swatch, one.forecast, value, low, high, share.n))
    x = say("模型预测会来的概率", "forecast by the model")
    y = say("实际来的比例", "share that came")
    drawn = for_both(lambda width: calibration_chart(rows, width, x=x, y=y))
    title = say("说的概率，兑现了吗", "Did the probabilities come true?")
    sizes = [one.observed.n for one in bins]
    people = f"{min(sizes):,}"
    if min(sizes) < max(sizes):
        people = say(
            f"{min(sizes):,} 至 {max(sizes):,}", f"{min(sizes):,} to {max(sizes):,}"
        )
    level = _level(bins[0].observed)
    note = say(
        f"每个点是概率相近的一组用户（{people} 位，点大人多），竖线是实际比例的 "
        f"{level} 区间；完全准时，点落在虚线上。",
        f"Each dot is a bin of users with similar odds ({people}; larger dots, more "
        f"users), each line the {level} interval of the share that came. A perfect "
        "forecast lies on the dashed line.",
    )
    inside = sum(map(_agrees, bins))
    first, last = (reader.percent(bins[k].forecast) for k in (0, -1))
    label = say(
        f"{title}：{len(bins)} 组用户，预测 {first} 至 {last}，"
        f"其中 {inside} 组的预测在实际比例的区间之内",
        f"{title} {len(bins)} bins of users, forecast {first} to {last}; {inside} of "
        "the forecasts lie within the interval of the share that came",
    )
    outside = len(bins) - inside
    names = {
        "accent": say(
            f"预测在区间之内：{inside} 组", f"forecast within the interval: {inside}"
        ),
        "bad": say(f"在区间之外：{outside} 组", f"outside: {outside}"),
    }
    seen = {swatch for swatch, *_ in rows}
    legend = tuple((key, text) for key, text in names.items() if key in seen)
    return Drawing(*drawn, label=label, title=title, note=note, legend=legend)


def _ways(part: Backtest, reader: Reader) -> Grid:
    """Return each way to tell who comes, and what it was worth."""
    say = reader.say
    columns = (say("预测方法", "Forecast"), "AUC", say("Brier 分", "Brier score"))
    rows = [_way(one, reader) for one in part.forecasts]
    everybody = Cell(
        say("人人相同", "The same for everybody"),
        sub=say("事后才知道的比例", "the share that came, known afterwards"),
    )
    coin = Cell("0.500", tone="quiet")
    base = Cell(_error(part.base), sub=_ends(part.base, 4, reader))
    title = say("哪种办法分得清谁会来", "Which forecast tells who comes")
    note = say(
        f"AUC：把来的人排在没来的人前面的概率，抛硬币是 0.5，越大越好。Brier 分："
        f"概率的均方误差，越小越好；排序不是概率，没有这一项。下方是 "
        f"{_level(part.base)} 区间；谁更好，看每个用户之差的区间是否含 0。",
        "AUC: how often who came stands before who did not; 0.5 is a coin, more is "
        "better. Brier score: mean squared error of a probability, less is better; an "
        f"order has none. Below each its {_level(part.base)} interval. Which is "
        "better is judged by the differences, user by user: their interval must leave "
        "out 0.",
    )
    return Grid(
        columns, (*rows, (everybody, coin, base)), frozenset({1, 2}), title, note
    )


def _way(one: Forecast, reader: Reader) -> tuple[Cell, ...]:
    named = reader.say(
        _FORECASTS.get(one.name, one.what), one.what[:1].upper() + one.what[1:]
    )
    # The one that is drawn is marked with the colour of the plot.
    swatch = "accent" if one.name == "p_active" else ""
    return (
        Cell(named, swatch=swatch, foreign=one.name not in _FORECASTS),
        Cell(_area(one.auc), sub=_ends(one.auc, 3, reader)),
        Cell(_error(one.brier), sub=_ends(one.brier, 4, reader)),
    )


def _totals(part: Backtest, reader: Reader) -> Grid:
    """Return how many were foreseen, and how many came."""
    say, n = reader.say, part.users
    columns = (say("合计", "In all"), say("预测", "Foreseen"), say("实际", "Came"))
    came = round(n * (part.came.value or 0))
    share = " · ".join(
        filter(None, (reader.percent(part.came.value), reader.interval(part.came)))
    )
    rows = (
        (
            Cell(
                say("会来的用户", "Users who came"),
                sub=say(f"{n:,} 位曾有互动", f"of {n:,} who had interacted"),
            ),
            Cell(f"{n * part.foreseen:,.1f}", sub=reader.percent(part.foreseen)),
            Cell(f"{came:,}", sub=share),
        ),
        (
            Cell(
                say("有互动的天数", "Days with an interaction"),
                sub=say("逐人相加", "summed over users"),
            ),
            Cell(f"{part.expected:,.1f}"),
            Cell(f"{part.observed:,}"),
        ),
    )
    title = say("总数对不对", "Were the totals right?")
    return Grid(columns, rows, frozenset({1, 2}), title)


def _numbers(part: Backtest, reader: Reader) -> Fold:
    """Return the numbers of the plot."""
    say = reader.say
    columns = (
        say("预测", "Forecast"),
        say("实际", "Came"),
        say("用户数", "Users"),
        say("吻合", "Agrees"),
    )
    rows = []
    for one in part.calibration.bins:
        low, high = reader.percent(one.low), reader.percent(one.high)
        agrees = _agrees(one)
        rows.append(
            (
                Cell(
                    reader.percent(one.forecast),
                    sub=say(f"{low} 至 {high}", f"{low} to {high}"),
                ),
                Cell(
                    reader.percent(one.observed.value),
                    sub=reader.interval(one.observed),
                ),
                Cell(f"{one.observed.n:,}"),
                Cell(
                    say("是", "yes") if agrees else say("否", "no"),
                    tone="" if agrees else "bad",
                ),
            )
        )
    error = part.calibration.error.value
    note = say(
        f"平均偏差（ECE）{reader.percent(error)}；预测再准，它也大于 0，"
        "也会有少数几组因偶然落在区间之外。",
        f"Mean distance (ECE) {reader.percent(error)}: above 0 even for a perfect "
        "forecast, of which some bins lie outside by chance, too.",
    )
    grid = Grid(columns, tuple(rows), frozenset({1, 2}), note=note, wide=True)
    return Fold(say("图中的数字", "The numbers of the plot"), (grid,))
