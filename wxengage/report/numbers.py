"""The board on the page (看板): numbers, changes, definitions, the article's claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxengage.claims.book import CLAIMS
from wxengage.metrics.registry import METRICS, TIERS
from wxengage.metrics.text import number_text
from wxengage.report.blocks import (
    Block,
    Cell,
    Drawing,
    Fold,
    Grid,
    Section,
    Tag,
    Tags,
)
from wxengage.report.charts import for_both, forest_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.metrics.board import Reading, Scoreboard
    from wxengage.metrics.sides import Period
    from wxengage.report.blocks import Tone
    from wxengage.report.reader import Reader

__all__ = ["board_section", "change_of", "claims_section", "tone_of"]

_NUMERIC = frozenset({1, 2, 3, 4})


def board_section(part: Scoreboard, reader: Reader) -> Section:
    """Return the board: what was measured, how sure, and what changed.

    Parameters
    ----------
    part
        The board.
    reader
        For whom.

    Returns
    -------
    Section
        A picture of the changes, a table a tier and group, what cannot be
        known, and every definition.
    """
    say = reader.say
    now, before = (_dates(period, reader) for period in (part.period, part.before))
    lead = say(
        f"{now}，与上一期（{before}）逐人对比。区间的单位是用户，不是事件。",
        f"{now}, compared user by user with {before}. "
        "Intervals count users, not events.",
    )
    blocks: list[Block] = []
    for group in part.groups:
        blocks += _group_blocks(part, group, reader)
    unknown = _unknown(part, reader)
    if unknown:
        blocks.append(unknown)
    blocks.append(_definitions(part, reader))
    notes = "".join(reader.pick(note) + say("。", ". ") for note in part.notes)
    return Section(say("数字看板", "The numbers"), lead + notes, tuple(blocks))


def _dates(period: Period, reader: Reader) -> str:
    first, last = period.dates
    return reader.say(
        f"{reader.short_date(first)}至{reader.short_date(last)}",
        f"{reader.short_date(first)} to {reader.short_date(last)}",
    )


def _group_blocks(part: Scoreboard, group: str, reader: Reader) -> list[Block]:
    """Return the pictures and tables of everyone, or of one segment."""
    say = reader.say
    blocks: list[Block] = []
    named = f"{reader.segment(group)} · " if group else ""
    known = [r for r in part.readings if r.group == group and r.now.defined]
    drawn = _forest(known, named, reader)
    if drawn:
        blocks.append(drawn)
    for tier, readings in part.tiers.items():
        mine = [r for r in readings if r.group == group and r.now.defined]
        if not mine:
            continue
        info = TIERS[tier]
        title = say(
            f"{named}{info.name.zh}：服务于{info.decision.zh}",
            f"{named}{info.name.en} tier: {info.decision.en}",
        )
        level = f"{100 * part.level:g}%"
        columns = (
            say("指标", "Metric"),
            say("本期", "Now"),
            say("上期", "Before"),
            say("变化", "Change"),
            say("用户数", "Users"),
            say("用来决定", "Tells"),
        )
        note = say(
            f"本期下方是 {level} 区间。", f"Below each value its {level} interval."
        )
        rows = tuple(_row(reading, reader) for reading in mine)
        blocks.append(Grid(columns, rows, _NUMERIC, title, note))
    return blocks


def _row(reading: Reading, reader: Reader) -> tuple[Cell, ...]:
    metric, now = reading.metric, reading.now
    low, high = (
        "" if edge is None else number_text(edge, metric.unit)
        for edge in (now.low, now.high)
    )
    ends = reader.say(f"{low} 至 {high}", f"{low} to {high}") if low else ""
    return (
        Cell(reader.pick(metric.name), sub=_verdict(reading, reader)),
        Cell(number_text(now.value, metric.unit), sub=ends),
        Cell(number_text(reading.before.value, metric.unit)),
        Cell(
            change_of(reading, reader),
            sub=_direction(reading, reader),
            tone=tone_of(reading),
        ),
        Cell(f"{now.n:,}"),
        Cell(reader.pick(metric.question), tone="quiet"),
    )


def _verdict(reading: Reading, reader: Reader) -> str:
    """Return whether a target was met, in words."""
    if reading.verdict is None:
        return ""
    words = {
        "met": reader.say("达标", "met"),
        "not met": reader.say("未达标", "not met"),
        "undecided": reader.say("尚不能判定", "undecided"),
    }
    target = number_text(reading.verdict.target, reading.metric.unit)
    return reader.say(
        f"目标 {target}：{words[reading.verdict.word]}",
        f"target {target}: {words[reading.verdict.word]}",
    )


def change_of(reading: Reading, reader: Reader) -> str:
    """Return a change as text: points for a share, else per cent where it can be."""
    change = reading.change.value
    if change is None:
        return "-"
    if reading.metric.unit == "share":
        return reader.say(
            f"{100 * change:+.1f} 个百分点", f"{100 * change:+.1f} points"
        )
    if reading.relative is not None:
        return f"{100 * reading.relative:+.0f}%"
    return number_text(change, reading.metric.unit, sign=True)


def _direction(reading: Reading, reader: Reader) -> str:
    if reading.direction is None:
        return reader.pick(reading.no_change) if reading.no_change else ""
    words = {
        "up": reader.say("上升", "up"),
        "down": reader.say("下降", "down"),
        "undecided": reader.say("看不出变化", "no clear change"),
    }
    return words[reading.direction]


def tone_of(reading: Reading) -> Tone:
    """Return whether a change is good news, bad news or neither."""
    if reading.direction not in {"up", "down"}:
        return ""
    return "good" if reading.direction == reading.metric.better else "bad"


def _forest(readings: Sequence[Reading], named: str, reader: Reader) -> Drawing | None:
    """Return the changes with their intervals, as far as they are shares."""
    rows = []
    for one in readings:
        base, change = one.before.value, one.change
        if (
            one.relative is None
            or change.low is None
            or change.high is None
            or not base
        ):
            continue
        swatch = tone_of(one) or "muted"
        name = reader.pick(one.metric.name)
        rows.append((name, one.relative, change.low / base, change.high / base, swatch))
    if not rows:
        return None
    say = reader.say
    title = say(f"{named}与上期相比", f"{named}Against the period before")
    note = say(
        "点是变化，横线是区间；横线跨过 0 就是看不出变化。",
        "Dots are changes, lines their intervals; a line across 0 is no clear change.",
    )
    drawn = for_both(lambda width: forest_chart(rows, width))
    return Drawing(*drawn, label=title, title=title, note=note)


def _unknown(part: Scoreboard, reader: Reader) -> Tags | None:
    """Return the metrics that the log cannot tell, with the reasons."""
    reasons: dict[str, list[str]] = {}
    for one in part.readings:
        if one.unknown is not None and one.group == part.groups[0]:
            names = reasons.setdefault(reader.pick(one.unknown), [])
            names.append(reader.pick(one.metric.name))
    if not reasons:
        return None
    comma = reader.say("、", ", ")
    tags = tuple(Tag(comma.join(names), why) for why, names in reasons.items())
    title = reader.say(
        "这份日志测不出的（未知，不是 0）", "What this log cannot tell (unknown, not 0)"
    )
    return Tags(title, tags)


def _definitions(part: Scoreboard, reader: Reader) -> Fold:
    """Return the exact definition of every metric on the board."""
    say = reader.say
    columns = (
        say("指标", "Metric"),
        say("口径", "Definition"),
        say("何时未知", "When unknown"),
    )
    rows = []
    for name in dict.fromkeys(reading.metric.id for reading in part.readings):
        metric = METRICS[name]
        whole = ""
        if metric.denominator is not None:
            whole = say("分母：", "of: ") + reader.pick(metric.denominator)
        rows.append(
            (
                Cell(reader.pick(metric.name), sub=metric.id),
                Cell(reader.pick(metric.formula), sub=whole),
                Cell(reader.pick(metric.null), tone="quiet"),
            )
        )
    return Fold(
        say("每个指标的确切口径", "Exact definitions"), (Grid(columns, tuple(rows)),)
    )


def claims_section(facts: Sequence[tuple[str, str, str]], reader: Reader) -> Section:
    """Return what the article says beside what was measured here.

    Parameters
    ----------
    facts
        A key of ``CLAIMS``, what was measured, and a remark.
    reader
        For whom.

    Returns
    -------
    Section
        One table.
    """
    say = reader.say
    columns = (say("文章的说法", "The article says"), say("这里测到", "Measured here"))
    rows = tuple(
        (
            Cell(
                say(CLAIMS[key].sentence_zh, CLAIMS[key].sentence_en).replace(
                    " | ", " · "
                ),
                sub=say(
                    f"第 {CLAIMS[key].chapter} 章", f"chapter {CLAIMS[key].chapter}"
                ),
            ),
            Cell(measured, sub=remark),
        )
        for key, measured, remark in facts
    )
    lead = say(
        "文章的数字都没有出处，这里当作待检验的说法，不当作事实。",
        "None of the article's figures names a source: they are claims to be tested.",
    )
    title = say("文章怎么说，这里怎么样", "The article and this log")
    return Section(title, lead, (Grid(columns, rows),))
