"""The plan on the page (明日触达): what goes to whom, when, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.channels.quotas import REASONS as QUOTA_REASONS
from wxengage.pacing.windows import GOLDEN_WINDOWS, minute_of_day
from wxengage.plan.result import OUTCOMES
from wxengage.report.blocks import (
    Block,
    Cell,
    Drawing,
    Grid,
    Section,
    Slice,
    Split,
)
from wxengage.report.charts import day_chart, for_both
from wxengage.segments.policy import SEGMENTS
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.plan.result import Plan
    from wxengage.report.reader import Reader
    from wxengage.segments.lifecycle import Segments

__all__ = ["Reach", "plan_section"]

# Rows of the sample, and how many of them are of users who get nothing.
_ROWS: Final = 20
_OTHER_ROWS: Final = 6
_HOUR: Final = 3_600_000_000
# Below this, what the solver leaves open is rounding.
_NO_GAP: Final = 1e-9
# A message without an end of its own is drawn as one hour.
_UNBOUNDED: Final = 1.0
_REASONS: Final = {
    "chosen": ("已安排", "planned"),
    "capacity": ("名额已满，顺延", "no room, deferred"),
    "no_value": ("不值得发", "not worth sending"),
    "not_allowed": ("没有可发的消息", "nothing allowed"),
    "quiet_hours": ("落在免打扰时段", "quiet hours"),
    "ad_share": ("广告占比已满", "ad share used up"),
    "cap": ("触达次数已满", "frequency cap reached"),
    "holdout": ("对照组", "held out"),
}
#: What the gate says, in few words; what the platform says stands in its quota.
_REFUSALS: Final = dict(QUOTA_REASONS) | {
    "not_carried": ("该渠道不能发这类消息", "not carried by the channel"),
    "unfollowed": ("没有关注", "no follower"),
    "under_14": ("不满 14 周岁", "under 14"),
    "opted_out": ("已退订", "opted out"),
    "no_consent": ("没有同意", "no consent"),
    "zone_unknown": ("时区未知", "zone unknown"),
    "freeze": ("推送已冻结", "frozen"),
    "sunset": ("已停止召回", "no more attempts"),
    "quiet_hours": ("落在免打扰时段", "quiet hours"),
    "gap": ("间隔不足", "too soon after another"),
    "cap": ("触达次数已满", "frequency cap reached"),
    "mix": ("会打破内容配比", "content mix"),
    "ad_share": ("广告占比已满", "ad share used up"),
}
_ACTIONS: Final = {
    "chosen": ("发送", "to send"),
    "deferred": ("顺延", "deferred"),
    "dropped": ("放弃", "dropped"),
    "refused": ("不发", "refused"),
}


class Reach:
    """A plan's sends as columns, with the segment of each user."""

    def __init__(self, plan: Plan, segments: Segments | None) -> None:
        self.plan = plan
        users = plan.candidates.users.tolist()
        known: Mapping[Any, str] = {}
        if segments is not None:
            known = dict(zip(segments.user.tolist(), segments.segment, strict=True))
        #: Segment of each candidate, "" where nobody said. Shape ``(n,)``.
        self.segment = np.array([known.get(user, "") for user in users], dtype=object)
        #: When each send goes, microseconds since 1970. Shape ``(sends,)``.
        self.at = plan.instants[plan.chosen_option]

    @property
    def days(self) -> NDArray[np.int64]:
        """The local day of each send. Shape ``(sends,)``."""
        return self.plan.clock.days(self.at)

    @property
    def dates(self) -> tuple[dt.date, dt.date]:
        """The first and the last local day with a send."""
        clock = self.plan.clock
        return clock.date(int(self.days.min())), clock.date(int(self.days.max()))

    @property
    def most_a_day(self) -> int:
        """The most sends that one user gets on one local day."""
        pairs = np.stack([self.plan.chosen_user, self.days])
        _, counts = np.unique(pairs, axis=1, return_counts=True)
        return int(counts.max(initial=0))

    @property
    def in_windows(self) -> int:
        """How many sends go within a golden window of WeChat."""
        zone = self.plan.clock.zone
        inside = 0
        instants, counts = np.unique(self.at, return_counts=True)
        for instant, sends in zip(instants.tolist(), counts.tolist(), strict=True):
            local = from_micros(instant, zone)
            hour = local.hour + local.minute / 60
            inside += sends * any(low <= hour < high for low, high in golden_hours())
        return inside

    def of(self, option: int) -> dict[str, int]:
        """Return how many users of each segment get an option."""
        mine = self.segment[self.plan.chosen_user[self.plan.chosen_option == option]]
        names, counts = np.unique(mine.astype(str), return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))


def golden_hours() -> tuple[tuple[float, float], ...]:
    """Return the golden windows of WeChat in hours of the day."""
    return tuple(
        (minute_of_day("start", one.start) / 60, minute_of_day("end", one.end) / 60)
        for one in GOLDEN_WINDOWS["wechat"]
    )


def plan_section(reach: Reach, reader: Reader) -> Section:
    """Return what goes out, to whom, when and why.

    Parameters
    ----------
    reach
        The plan, with what is known of its users.
    reader
        For whom.

    Returns
    -------
    Section
        What became of everybody, the hours of the day, each message, what the
        budgets still hold, and a sample of users with the reason.
    """
    plan, say = reach.plan, reader.say
    title = say("接下来发什么", "What goes out next")
    if not len(plan.candidates):
        return Section(title, say("没有候选用户。", "Nobody to plan for."), ())
    blocks: list[Block] = [_balance(plan, reader)]
    lead = say("没有可发的消息。", "Nothing goes out.")
    if len(plan):
        first, last = reach.dates
        when = reader.date(first)
        if last > first:
            when = say(f"{when}至{reader.date(last)}", f"{when} to {reader.date(last)}")
        chosen = plan.counts["chosen"]
        lead = say(
            f"{when}，向 {chosen:,} 位用户发出 {len(plan):,} 条消息。",
            f"{when}: {len(plan):,} messages to {chosen:,} users. ",
        ) + _gap(plan, reader)
        blocks.append(_hours(reach, reader))
        blocks.append(_messages(reach, reader))
    if plan.usage:
        blocks.append(_budgets(plan, reader))
    blocks.append(_sample(reach, reader))
    return Section(title, lead, tuple(blocks))


def _gap(plan: Plan, reader: Reader) -> str:
    """Return how good the plan is at least."""
    if plan.gap < _NO_GAP:
        return reader.say("已证明没有更好的方案。", "No better plan exists.")
    gap = f"{100 * plan.gap:.2g}%"
    return reader.say(
        f"离最好的方案至多差 {gap}。", f"At most {gap} below the best plan there is."
    )


def _budget(name: str, plan: Plan, reader: Reader) -> str:
    """Return what people call a budget: its channel or message, and its unit."""
    scope, _, unit = name.partition(" ")
    sort, _, code = scope.partition(":")
    messages = {one.message: one.said for one in plan.candidates.options}
    if sort == "channel":
        said = reader.channel(code)
    elif sort == "message" and code in messages:
        said = reader.pick(messages[code])
    else:
        return name
    units = {
        "(sends)": reader.say("（条）", " (sends)"),
        "(fen)": reader.say("（分）", " (fen)"),
    }
    return said + units.get(unit, f" {unit}")


def _balance(plan: Plan, reader: Reader) -> Split:
    """Return what became of everybody: the four actions sum to the audience."""
    n = len(plan.candidates)
    swatches = {
        "chosen": "accent",
        "deferred": "potential",
        "dropped": "line-strong",
        "refused": "dormant",
    }
    slices = tuple(
        Slice(
            swatches[action],
            reader.say(*_ACTIONS[action]),
            f"{users:,}",
            users / n,
            reader.say("，", ", ").join(_reasons(plan, action, reader)),
        )
        for action, users in plan.counts.items()
    )
    title = reader.say(
        f"{n:,} 位候选用户，去向加总不差一人",
        f"{n:,} candidates, every one accounted for",
    )
    return Split(slices, title, title)


def _reasons(plan: Plan, action: str, reader: Reader) -> list[str]:
    """Return the reasons behind one action, with their numbers."""
    counts = dict(plan.reasons)
    # What the gate refused is told by what it said.
    for reason, users in plan.refusals.items():
        counts["not_allowed"] -= users
        counts[f"gate {reason}"] = users
    words = _REASONS | {f"gate {one}": said for one, said in _REFUSALS.items()}
    return [
        f"{reader.say(*words[reason])} {users:,}"
        for reason, users in counts.items()
        if OUTCOMES.get(reason, "refused") == action and reason != "chosen" and users
    ]


def _hours(reach: Reach, reader: Reader) -> Drawing:
    """Return the sends over the hours of the day, a colour a segment."""
    plan, say = reach.plan, reader.say
    clock = plan.clock
    first = int(reach.days.min())
    days = int(reach.days.max()) - first + 1
    begin = clock.start_of(first)
    bars: list[tuple[str, float, float, int]] = []
    seen: set[str] = set()
    for option in np.unique(plan.chosen_option).tolist():
        start = (int(plan.instants[option]) - begin) / _HOUR
        closes = plan.candidates.options[option].end
        end = start + _UNBOUNDED
        if closes is not None:
            end = (micros("end", closes) - begin) / _HOUR
        for segment, users in reach.of(option).items():
            bars.append((segment or "accent", start, max(end, start), users))
            seen.add(segment)
    bands = [
        (24 * day + low, 24 * day + high)
        for day in range(days)
        for low, high in golden_hours()
    ]
    title = say("什么时候发", "When it goes")
    note = say(
        "柱高是条数，底色是文章所说的黄金时段。",
        "Heights count messages; the shaded hours are the article's golden windows.",
    )
    drawn = for_both(lambda width: day_chart(bars, width, days=days, bands=bands))
    legend = tuple((one, reader.segment(one)) for one in SEGMENTS if one in seen)
    return Drawing(*drawn, label=title, title=title, note=note, legend=legend)


def _messages(reach: Reach, reader: Reader) -> Grid:
    """Return each message with its time, channel and readers."""
    plan, say = reach.plan, reader.say
    columns = (
        say("时间", "When"),
        say("消息", "Message"),
        say("发给", "To"),
        say("条数", "Sends"),
        say("预期价值", "Value"),
    )
    options = np.unique(plan.chosen_option)
    order = sorted(options.tolist(), key=lambda one: int(plan.instants[one]))
    rows = []
    for option, line in zip(order, plan.preview(), strict=True):
        to = [
            f"{reader.segment(name)} {users:,}"
            for name, users in reach.of(option).items()
            if name
        ]
        rows.append(
            (
                Cell(f"{line.at:%H:%M}", sub=reader.short_date(line.at.date())),
                Cell(reader.pick(line.words), sub=reader.channel(line.channel)),
                Cell(say("、", ", ").join(to) or "-"),
                Cell(f"{line.sends:,}", share=line.sends / len(plan)),
                Cell(f"{line.value:,.1f}"),
            )
        )
    title = say("发给谁、发什么", "What goes to whom")
    return Grid(columns, tuple(rows), frozenset({3, 4}), title)


def _budgets(plan: Plan, reader: Reader) -> Grid:
    """Return each budget: used, left, and what one more would be worth."""
    say = reader.say
    columns = (
        say("额度", "Budget"),
        say("已用", "Used"),
        say("上限", "Limit"),
        say("多一个值多少", "One more is worth"),
    )
    rows = tuple(
        (
            Cell(_budget(name, plan, reader)),
            Cell(
                f"{usage.used:,}",
                share=usage.used / usage.limit if usage.limit else None,
            ),
            Cell(f"{usage.limit:,}"),
            Cell(f"{usage.price:,.3g}"),
        )
        for name, usage in plan.usage.items()
    )
    return Grid(columns, rows, frozenset({1, 2, 3}), say("额度用了多少", "Budgets"))


def _spread(rows: NDArray[np.int64], most: int) -> list[int]:
    """Return at most ``most`` of the rows, evenly spaced."""
    if len(rows) <= most:
        return [int(row) for row in rows]
    places = np.linspace(0, len(rows) - 1, most).round().astype(np.int64)
    return [int(rows[place]) for place in places]


def _some_chosen(plan: Plan, most: int) -> list[int]:
    """Return users who get something: about as many of each option."""
    options = np.unique(plan.chosen_option).tolist()
    options.sort(key=lambda option: int(plan.instants[option]))
    found: dict[int, None] = {}
    for place, option in enumerate(options):
        rest = most - len(found)
        share = -(-rest // (len(options) - place))
        users = plan.chosen_user[plan.chosen_option == option]
        found |= dict.fromkeys(_spread(users, share))
    return list(found)


def _sample(reach: Reach, reader: Reader) -> Grid:
    """Return some users with what they get, or why they get nothing."""
    plan, say = reach.plan, reader.say
    chosen = plan.outcome == list(OUTCOMES).index("chosen")
    others = np.flatnonzero(~chosen)
    by_reason = others[np.argsort(plan.outcome[others], kind="stable")]
    left_out = _spread(by_reason, _OTHER_ROWS)
    some = _some_chosen(plan, _ROWS - len(left_out)) + left_out
    columns = (
        say("用户", "User"),
        say("类别", "Segment"),
        say("去向", "Outcome"),
        say("为什么", "Why"),
    )
    rows = []
    for place in some:
        user, segment = plan.candidates.users[place], reach.segment[place]
        why = plan.why(user.item() if isinstance(user, np.generic) else user)
        rows.append(
            (
                Cell(str(user), foreign=True),
                Cell(reader.segment(segment) if segment else "-", swatch=segment),
                Cell(
                    say(*_ACTIONS[why.action]),
                    tone="good" if why.action == "chosen" else "quiet",
                ),
                Cell(reader.pick(why)),
            )
        )
    title = say(f"抽样 {len(rows)} 位用户", f"A sample of {len(rows)} users")
    note = say(
        "每一位用户的去向都能用 plan.why(用户) 查到原因。",
        "plan.why(user) gives the reason for every single user.",
    )
    tight = frozenset({0, 1, 2})
    return Grid(columns, tuple(rows), title=title, note=note, tight=tight)
