"""Who is who and who moved (谁是谁, 流转): segments, matrix and weekly moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.report.blocks import (
    Block,
    Card,
    Cards,
    Cell,
    Drawing,
    Grid,
    Section,
    Slice,
    Split,
)
from wxengage.report.charts import (
    bin_days,
    for_both,
    moves_chart,
    silence_chart,
)
from wxengage.report.flows import flow_chart
from wxengage.segments.policy import SEGMENTS
from wxengage.stats.intervals import wilson

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.report.parts import Moves
    from wxengage.report.reader import Reader
    from wxengage.segments.lifecycle import Segments
    from wxengage.segments.moves import TransitionMatrix
    from wxengage.stats.estimates import Estimate

__all__ = ["matrix_section", "moves_section", "segments_section"]

# 1969-12-29, a Monday, as a local day: weeks are counted from there.
_FIRST_MONDAY: Final = -3
# The longest silences are drawn as one last bar: one user in a hundred.
_SHOWN_SHARE: Final = 0.99


def segments_section(part: Segments, reader: Reader) -> Section:
    """Return who is who: how many of each segment, and what to do with them.

    Parameters
    ----------
    part
        Every user's segment.
    reader
        For whom.

    Returns
    -------
    Section
        One bar, a card a segment with the article's strategy, and how long
        users have been silent.
    """
    n = len(part)
    say = reader.say
    lead = say(
        f"{n:,} 位用户，每人只属于一类，看的是互动历史。策略出自文章第一章。",
        f"{n:,} users, each in exactly one segment by what they did. "
        "The strategies are those of the article's chapter 1.",
    )
    if n == 0:
        return Section(
            say("谁是谁", "Who is who"), say("日志里没有用户。", "No users."), ()
        )
    counts = part.counts()
    shares = {name: wilson(users, n) for name, users in counts.items()}
    slices = tuple(
        Slice(
            name,
            reader.segment(name),
            f"{users:,}",
            users / n,
            reader.percent(users / n),
        )
        for name, users in counts.items()
    )
    cards = tuple(
        _card(part, name, f"{reader.percent(shares[name].value)}", reader)
        for name in SEGMENTS
    )
    blocks: list[Block] = [
        Split(slices, say("各类用户占比", "Share of each segment")),
        Cards(cards),
    ]
    silence = _silence(part, reader)
    if silence is not None:
        blocks.append(silence)
    return Section(say("谁是谁", "Who is who"), lead, tuple(blocks))


def _median(values: NDArray[Any]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan


def _card(part: Segments, name: str, share: str, reader: Reader) -> Card:
    """Return a segment's numbers and the article's row for it."""
    mine = part.segment == name
    users = int(mine.sum())
    say, strategy = reader.say, reader.strategy(name)
    traits = (
        (say("表现", "Traits"), say(strategy.traits_zh, strategy.traits_en)),
        (say("目标", "Goal"), say(strategy.goal_zh, strategy.goal_en)),
    )
    facts = []
    silent, follow = (
        _median(part.silent_days[mine]),
        _median(part.follow_age_days[mine]),
    )
    if users and not np.isnan(silent):
        facts.append((say("静默中位数", "Median silence"), reader.days(silent)))
    if users and not np.isnan(follow):
        facts.append((say("关注时长中位数", "Median follow age"), reader.days(follow)))
    if users and part.interactions[mine].any():
        mean = f"{part.interactions[mine].mean():.1f}"
        facts.append((say("人均互动", "Interactions each"), mean))
    if users and part.menu_clicks[mine].any():
        mean = f"{part.menu_clicks[mine].mean():.1f}"
        facts.append((say("人均菜单点击", "Menu clicks each"), mean))
    moves = tuple(say(move.zh, move.en) for move in strategy.moves)
    return Card(
        name, reader.segment(name), f"{users:,}", share, traits, moves, tuple(facts)
    )


def _silence(part: Segments, reader: Reader) -> Drawing | None:
    """Return how long users have been silent, as a histogram."""
    known = ~np.isnan(part.silent_days)
    if not known.any():
        return None
    days, segment = part.silent_days[known], part.segment[known]
    say = reader.say
    never = int((~known).sum())
    title = say("距上次互动多久了", "How long since the last interaction")
    note = say(
        "每根柱子是用户数，颜色是所属类别。", "Bars count users; colours are segments."
    )
    if days.max() > np.quantile(days, _SHOWN_SHARE, method="higher"):
        note += say("最后一根也含更久的。", " The last bar holds longer ones too.")
    if never:
        note += say(
            f"另有 {never:,} 位从未互动，不在图中。",
            f" {never:,} more have never interacted and are not drawn.",
        )
    axis = say("静默天数", "days of silence")
    drawn = for_both(
        lambda width: silence_chart(_bars(days, segment, width), width, x=axis)
    )
    return Drawing(*drawn, label=title, title=title, note=note)


def _bars(
    days: NDArray[np.float64], segment: NDArray[Any], width: int
) -> list[tuple[str, int, int, int]]:
    """Return bars of swatch, first day, day after the last, users."""
    longest = float(np.quantile(days, _SHOWN_SHARE, method="higher"))
    step = bin_days(longest, width)
    place = np.minimum(days // step, longest // step).astype(np.int64)
    bars = []
    for name in SEGMENTS:
        counts = np.bincount(place[segment == name], minlength=1)
        bars += [
            (name, int(k) * step, (int(k) + 1) * step, int(counts[k]))
            for k in np.flatnonzero(counts)
        ]
    return bars


def matrix_section(part: TransitionMatrix, reader: Reader) -> Section:
    """Return how users moved between two instants.

    Parameters
    ----------
    part
        The matrix.
    reader
        For whom.

    Returns
    -------
    Section
        Ribbons, and the odds of each move with their intervals.
    """
    say = reader.say
    title = say("他们怎么变", "How they moved")
    dates = (reader.short_date(part.start.date()), reader.short_date(part.end.date()))
    length = part.end - part.start
    nodes = [(name, reader.segment(name)) for name in part.states]
    if not any(map(sum, part.counts)):
        return Section(
            title, say("期初没有用户。", "Nobody was there at the start."), ()
        )
    drawn = for_both(lambda w: flow_chart(nodes, part.counts, w, titles=dates))
    flow = Drawing(*drawn, label=title)
    columns = (
        f"{dates[0]} → {dates[1]}",
        *(name for _, name in nodes),
    )
    rows = tuple(
        (
            Cell(
                name,
                sub=say(f"{sum(counts):,} 人", f"{sum(counts):,} users"),
                swatch=key,
            ),
            *(
                Cell(
                    reader.percent(cell.value),
                    sub=_move_note(reader, cell, users),
                    share=cell.value,
                )
                for cell, users in zip(cells, counts, strict=True)
            ),
        )
        for (key, name), counts, cells in zip(
            nodes, part.counts, part.estimates, strict=True
        )
    )
    numeric = frozenset(range(1, len(columns)))
    note = say(
        "概率为后验均值，小字为 95% 区间与人数。",
        "Posterior means; below them the 95% interval and the number of users.",
    )
    grid = Grid(columns, rows, numeric, say("流转概率", "Odds of each move"), note)
    return Section(title, _matrix_lead(part, reader, length), (flow, grid))


def _move_note(reader: Reader, cell: Estimate, users: int) -> str:
    people = reader.say(f"{users:,} 人", f"{users:,} users")
    return " · ".join(filter(None, (reader.interval(cell), people)))


def _matrix_lead(part: TransitionMatrix, reader: Reader, length: dt.timedelta) -> str:
    """Return the two moves that matter most, in words."""
    say, span = reader.say, reader.span(length)
    parts = []
    if {"active", "dormant"} <= set(part.states):
        fell, back = part["active", "dormant"], part["dormant", "active"]
        if fell.value is not None:
            of_100 = f"{100 * fell.value:.0f}"
            parts.append(
                say(
                    f"{span}里，每 100 位活跃用户约有 {of_100} 位沉默",
                    f"Within {span}, about {of_100} of 100 active users fell silent",
                )
            )
        if back.value is not None:
            of_100 = f"{100 * back.value:.0f}"
            parts.append(
                say(
                    f"每 100 位沉默用户约有 {of_100} 位回来",
                    f"about {of_100} of 100 dormant ones came back",
                )
            )
    newcomers = sum(part.newcomers)
    if newcomers:
        parts.append(
            say(f"另有 {newcomers:,} 位新来", f"{newcomers:,} more are newcomers")
        )
    return say("；".join(parts) + "。", "; ".join(parts) + ".") if parts else ""


def moves_section(part: Moves, reader: Reader) -> Section:
    """Return the changes of segment week by week.

    Parameters
    ----------
    part
        Every change.
    reader
        For whom.

    Returns
    -------
    Section
        Who came in and came back, and who fell silent.
    """
    say = reader.say
    title = say("每周的进与出", "Week by week")
    if not len(part.at):
        return Section(title, say("期内没有变化。", "Nobody moved."), ())
    weeks = (part.clock.days(part.at.astype(np.int64)) - _FIRST_MONDAY) // 7
    first, last = int(weeks.min()), int(weeks.max())
    kinds = {
        "newcomer": (part.target == "active") & (part.origin != "dormant"),
        "active": (part.target == "active") & (part.origin == "dormant"),
        "dormant": part.target == "dormant",
    }
    names = {
        "newcomer": say("新转为活跃", "became active"),
        "active": say("沉默后回来", "came back"),
        "dormant": say("变为沉默（向下）", "fell silent (downwards)"),
    }
    mondays = [
        part.clock.date(7 * week + _FIRST_MONDAY) for week in range(first, last + 1)
    ]
    # Labels tell the bars apart, so that they need the year where there are two.
    form = (
        "{0:%y}/{0.month}/{0.day}"
        if mondays[0].year < mondays[-1].year
        else "{0.month}/{0.day}"
    )
    bars = []
    for swatch, rows in kinds.items():
        users = np.bincount(weeks[rows] - first, minlength=len(mondays))
        sign = -1 if swatch == "dormant" else 1
        bars += [
            (swatch, form.format(monday), sign * int(count))
            for monday, count in zip(mondays, users, strict=True)
        ]
    drawn = for_both(lambda width: moves_chart(bars, width))
    won, lost = int(kinds["active"].sum()), int(kinds["dormant"].sum())
    lead = say(
        f"{last - first + 1} 周里，{lost:,} 次变为沉默，{won:,} 次沉默后又回来。",
        f"In {last - first + 1} weeks users fell silent {lost:,} times and came back "
        f"{won:,} times.",
    )
    note = say(
        "横轴为每周周一；首尾两周可能不满七天。",
        "The axis shows each week's Monday; the first and the last week may be short.",
    )
    legend = tuple((key, names[key]) for key, rows in kinds.items() if rows.any())
    return Section(title, lead, (Drawing(*drawn, title, note=note, legend=legend),))
