"""The first lines of a page (摘要): what matters, in numbers and in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from wxengage.claims.figures import DORMANT_AFTER, INTERACTIONS_A_DAY
from wxengage.metrics.board import Scoreboard
from wxengage.metrics.text import number_text
from wxengage.plan.result import Plan
from wxengage.report.blocks import Key
from wxengage.report.numbers import change_of
from wxengage.report.tomorrow import Reach
from wxengage.segments.backtests import Backtest
from wxengage.segments.lifecycle import Segments
from wxengage.segments.moves import TransitionMatrix
from wxengage.stats.intervals import wilson

if TYPE_CHECKING:
    from wxengage.metrics.board import Reading
    from wxengage.report.reader import Reader

__all__ = ["Findings"]

_T = TypeVar("_T")
_COUNTED = ("interactions", "reads")


class Findings:
    """The parts of one page, and what they say together."""

    def __init__(self, parts: tuple[Any, ...], reader: Reader) -> None:
        self.reader = reader
        self.board = _first(parts, Scoreboard)
        self.segments = _first(parts, Segments)
        self.matrix = _first(parts, TransitionMatrix)
        self.backtest = _first(parts, Backtest)
        plan = _first(parts, Plan)
        self.reach = None if plan is None else Reach(plan, self.segments)

    def reach_of(self, plan: Plan) -> Reach:
        """Return a plan's sends with the segments that are known."""
        if self.reach is not None and self.reach.plan is plan:
            return self.reach
        return Reach(plan, self.segments)

    def _reading(self, metric: str) -> Reading | None:
        """Return everyone's reading of a metric, if it is known."""
        if self.board is None or self.board.by is not None:
            return None
        reading = self.board.of(metric)
        return reading if reading.now.defined else None

    def subtitle(self) -> str:
        """Return the time that the page is about."""
        say, reader = self.reader.say, self.reader
        if self.board is not None:
            first, last = self.board.period.dates
            tz = self.board.period.clock.tz
            return say(
                f"{reader.date(first)}至{reader.date(last)} · {tz} 时间",
                f"{reader.date(first)} to {reader.date(last)} · {tz} time",
            )
        if self.matrix is not None:
            start, end = self.matrix.start.date(), self.matrix.end.date()
            return say(
                f"{reader.date(start)}至{reader.date(end)}",
                f"{reader.date(start)} to {reader.date(end)}",
            )
        return ""

    def summary(self) -> list[str]:
        """Return the page in a few sentences."""
        say, reader = self.reader.say, self.reader
        lines = []
        if self.segments is not None and len(self.segments):
            counts, n = self.segments.counts(), len(self.segments)
            parts = [
                say(
                    f"{reader.segment(name)} {reader.percent(users / n)}",
                    f"{reader.percent(users / n)} {reader.segment(name).lower()}",
                )
                for name, users in counts.items()
            ]
            lines.append(
                say(
                    f"现有 {n:,} 位用户：{'、'.join(parts)}。",
                    f"{n:,} users: {', '.join(parts)}.",
                )
            )
        main = next(filter(None, map(self._reading, _COUNTED)), None)
        if main is not None:
            lines.append(self._trend(main))
        if self.reach is not None and len(self.reach.plan):
            chosen = self.reach.plan.counts["chosen"]
            rest = len(self.reach.plan.candidates) - chosen
            lines.append(self._outlook(chosen, rest))
        return lines

    def _outlook(self, chosen: int, rest: int) -> str:
        """Return what goes out, and that the others are accounted for."""
        if self.reach is None:
            return ""
        say, sends = self.reader.say, len(self.reach.plan)
        date = self.reader.short_date(self.reach.dates[0])
        sent = say(
            f"{date}要发 {sends:,} 条消息给 {chosen:,} 位用户",
            f"{sends:,} messages go to {chosen:,} users on {date}",
        )
        if not rest:
            return sent + say("，一位不落。", ", nobody is left out.")
        return sent + say(
            f"；其余 {rest:,} 位不发，每一位都有原因。",
            f"; the other {rest:,} get none, each for a reason.",
        )

    def _trend(self, reading: Reading) -> str:
        """Return a metric and where it goes, as a sentence."""
        say, reader = self.reader.say, self.reader
        name = reader.pick(reading.metric.name)
        value = number_text(reading.now.value, reading.metric.unit)
        zh = {
            "up": f"比上期上升（{change_of(reading, reader)}）",
            "down": f"比上期下降（{change_of(reading, reader)}）",
            "undecided": "与上期相比看不出变化",
            None: "无法与上期对比",
        }[reading.direction]
        en = {
            "up": f"up on the period before ({change_of(reading, reader)})",
            "down": f"down on the period before ({change_of(reading, reader)})",
            "undecided": "no clear change on the period before",
            None: "not comparable with the period before",
        }[reading.direction]
        return say(f"本期{name} {value}，{zh}。", f"{name}: {value}, {en}.")

    def keys(self) -> list[Key]:
        """Return the numbers at the top of the page."""
        found = [*self._people_keys(), *self._board_keys(), *self._plan_keys()]
        return [key for key in found if key is not None]

    def _people_keys(self) -> list[Key | None]:
        say, reader = self.reader.say, self.reader
        if self.segments is None or not len(self.segments):
            return []
        n, counts = len(self.segments), self.segments.counts()
        silent = self.segments.silent_days[self.segments.segment == "dormant"]
        days = f"{silent.min():.0f}" if len(silent) else f"{DORMANT_AFTER.days}"
        said = {
            "active": say("近期有互动", "have interacted of late"),
            "dormant": say(
                f"至少 {days} 天没有互动", f"silent for {days} days or longer"
            ),
        }
        keys: list[Key | None] = [
            Key(
                reader.segment(name),
                reader.percent(counts[name] / n),
                say(f"{counts[name]:,} 位，{text}", f"{counts[name]:,} users {text}"),
                name,
            )
            for name, text in said.items()
        ]
        if self.matrix is not None:
            keys.append(self._back())
        return keys

    def _back(self) -> Key | None:
        if self.matrix is None or not self.matrix["dormant", "active"].defined:
            return None
        back = self.matrix["dormant", "active"]
        say, reader = self.reader.say, self.reader
        span = reader.span(self.matrix.end - self.matrix.start)
        return Key(
            say("沉默后回来", "Came back"),
            reader.percent(back.value),
            say(
                f"沉默用户在 {span}里重新互动的比例，区间 {reader.interval(back)}",
                f"of dormant users within {span}; {reader.interval(back)}",
            ),
        )

    def _board_keys(self) -> list[Key | None]:
        return [
            self._key(name)
            for name in ("interactions", "share_rate", "net_growth", "value")
            if self._reading(name)
        ][:2]

    def _key(self, metric: str) -> Key | None:
        reading = self._reading(metric)
        if reading is None:
            return None
        reader = self.reader
        unit = reading.metric.unit
        change = change_of(reading, reader)
        words = {
            "up": reader.say(
                f"比上期上升，{change}", f"up on the period before, {change}"
            ),
            "down": reader.say(
                f"比上期下降，{change}", f"down on the period before, {change}"
            ),
            "undecided": reader.say(
                f"与上期相比看不出变化（{change}）", f"no clear change ({change})"
            ),
            None: reader.pick(reading.no_change) if reading.no_change else "",
        }
        return Key(
            reader.pick(reading.metric.name),
            number_text(reading.now.value, unit),
            words[reading.direction],
        )

    def _plan_keys(self) -> list[Key | None]:
        if self.reach is None or not len(self.reach.plan):
            return []
        say, plan = self.reader.say, self.reach.plan
        date = self.reader.short_date(self.reach.dates[0])
        most = self.reach.most_a_day
        return [
            Key(
                say(f"{date}要发", f"Messages on {date}"),
                f"{len(plan):,}",
                say(
                    f"给 {plan.counts['chosen']:,} 位用户，每人一天至多 {most} 条",
                    f"to {plan.counts['chosen']:,} users, {most} a day each at most",
                ),
                "accent",
            )
        ]

    def claims(self) -> list[tuple[str, str, str]]:
        """Return the article's claims that can be held against these parts."""
        found = [*self._people_claims(), *self._plan_claims()]
        if self.board is not None and self.board.by is None:
            found.append(self._share_rate())
            found.append(
                (
                    "metrics.session_open_rate",
                    self.reader.say("未测", "not measured"),
                    self.reader.say(
                        "需要知道每次阅读来自会话还是朋友圈，本看板没有这一项。",
                        "It takes where each read came from, which this board lacks.",
                    ),
                )
            )
        return found

    def _people_claims(self) -> list[tuple[str, str, str]]:
        say, reader = self.reader.say, self.reader
        found = []
        if self.segments is not None and len(self.segments):
            dormant = self.segments.counts()["dormant"]
            share = wilson(dormant, len(self.segments))
            remark = say(
                f"区间 {reader.interval(share)}。", f"{reader.interval(share)}."
            )
            if self.matrix is not None and self.matrix["dormant", "active"].defined:
                back = reader.percent(self.matrix["dormant", "active"].value)
                span = reader.span(self.matrix.end - self.matrix.start)
                remark += say(
                    f"但其中约 {back} 在 {span}里自己又回来：沉默不等于流失。",
                    f" Yet about {back} of the dormant came back within {span}: "
                    "silent is not gone.",
                )
            found.append(
                (
                    "segments.dormant_after",
                    say(
                        f"{reader.percent(share.value)} 的用户沉默",
                        f"{reader.percent(share.value)} of users are dormant",
                    ),
                    remark,
                )
            )
        return found

    def _plan_claims(self) -> list[tuple[str, str, str]]:
        if self.reach is None or not len(self.reach.plan):
            return []
        say, reader = self.reader.say, self.reader
        most = self.reach.most_a_day
        low, high = INTERACTIONS_A_DAY
        kept = (
            say("在上限之内", "within it")
            if most <= high
            else say("超过上限", "above it")
        )
        inside = self.reach.in_windows / len(self.reach.plan)
        return [
            (
                "pacing.interactions_a_day",
                say(f"每人一天至多 {most} 条", f"{most} a user a day at most"),
                say(
                    f"文章的上限是 {low} 至 {high} 次，计划{kept}。",
                    f"The article's limit is {low} to {high}; the plan is {kept}.",
                ),
            ),
            (
                "windows.evening",
                say(
                    f"{reader.percent(inside)} 的消息在黄金时段发出",
                    f"{reader.percent(inside)} of the messages go in golden windows",
                ),
                say(
                    "时段取自文章；有了自己的打开记录，应当用自己的。",
                    "The windows are the article's; learn your own from your opens.",
                ),
            ),
        ]

    def _share_rate(self) -> tuple[str, str, str]:
        reader = self.reader
        reading = self.board.of("share_rate") if self.board is not None else None
        if reading is None or not reading.now.defined:
            why = reading.unknown if reading is not None else None
            reason = reader.pick(why) if why is not None else ""
            return ("metrics.base", reader.say("未知", "unknown"), reason)
        value = number_text(reading.now.value, "share")
        return (
            "metrics.base",
            reader.say(f"分享率 {value}", f"share rate {value}"),
            reader.say(
                f"区间 {reader.interval(reading.now)}，{reading.now.n:,} 位阅读用户。",
                f"{reader.interval(reading.now)}, {reading.now.n:,} readers.",
            ),
        )

    def methods(self) -> list[str]:
        """Return how the numbers of this page were computed."""
        say = self.reader.say
        notes = []
        if self.board is not None:
            notes.append(
                say(
                    "比率用 Wilson 区间；总量用复合泊松的 Gamma 区间"
                    "（Fay 与 Feuer，1997）；变化按用户配对，用 delta 方法。",
                    "Shares have Wilson intervals, totals gamma intervals for "
                    "compound Poisson sums (Fay and Feuer, 1997); changes pair the "
                    "users and use the delta method.",
                )
            )
        if self.matrix is not None:
            notes.append(
                say(
                    "流转概率：每行 Dirichlet(1/2) 先验的后验均值与 Beta 区间。",
                    "Odds of moves: posterior means and beta intervals under a "
                    "Dirichlet(1/2) prior a row.",
                )
            )
        if self.backtest is not None:
            notes.append(
                say(
                    "预测：MBG/NBD 模型，以有互动的自然日为单位，只看预测之前的事件；"
                    "AUC 用 DeLong 等（1988）的区间，Brier 分用 Student 区间，"
                    "校准图用 Wilson 区间。",
                    "Forecasts: MBG/NBD on days with an interaction, seeing events "
                    "before the forecast alone; AUC with the intervals of DeLong et "
                    "al. (1988), Brier scores with Student's, bins with Wilson's.",
                )
            )
        if self.reach is not None:
            notes.append(
                say(
                    "触达计划：HiGHS 求解的整数规划，界由求解器给出。",
                    "The plan: an integer programme, solved and bounded by HiGHS.",
                )
            )
        notes.append(
            say(
                "日志没有记录的，一律写未知，不写 0。",
                "What the log does not hold is unknown here, never 0.",
            )
        )
        return notes


def _first(parts: tuple[Any, ...], kind: type[_T]) -> _T | None:
    """Return the first part of a kind."""
    return next((part for part in parts if isinstance(part, kind)), None)
