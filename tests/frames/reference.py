"""The definitions of the log's figures, written out slowly and without numpy.

Nothing here is shared with the package, and nothing is clever: every figure is
read off the rows of one user, and a segment at an instant is decided from all
interactions up to that instant.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

ACTIVE = frozenset(
    [
        "like",
        "share",
        "comment",
        "favorite",
        "click",
        "menu_click",
        "message",
        "scan",
        "purchase",
        "register",
        "check_in",
        "vote",
        "answer",
        "submit",
        "redeem",
        "invite",
        "subscribe",
    ]
)
DAY = dt.timedelta(days=1)
MONTH = dt.timedelta(days=30)
HALF_HOUR = dt.timedelta(minutes=30)
EPOCH_DATE = dt.date(1970, 1, 1)


class Clock:
    """A zone and the local time at which its days begin."""

    def __init__(
        self, tz: str = "Asia/Shanghai", day_start: dt.time = dt.time(0)
    ) -> None:
        self.zone = ZoneInfo(tz)
        self.late = dt.timedelta(
            hours=day_start.hour, minutes=day_start.minute, seconds=day_start.second
        )

    def day(self, at: dt.datetime) -> int:
        """Return the local day, counted from 1970-01-01."""
        wall = at.astimezone(self.zone).replace(tzinfo=None)
        return ((wall - self.late).date() - EPOCH_DATE).days


SHANGHAI = Clock()


class Policy:
    """The rules of the segments, weights and threshold as exact fractions."""

    def __init__(
        self,
        *,
        dormant_after: dt.timedelta = MONTH,
        active_at_least: float = 1,
        active_within: dt.timedelta = MONTH,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.dormant_after = dormant_after
        self.active_within = active_within
        self.needed = Fraction(str(active_at_least))
        given = dict.fromkeys(ACTIVE, 1.0) if weights is None else weights
        self.weights = {kind: Fraction(str(weight)) for kind, weight in given.items()}

    def weight(self, row: Row) -> Fraction:
        """Return what one event counts for."""
        return self.weights.get(row["kind"], Fraction(0))


def by_user(
    rows: Sequence[Row], as_of: dt.datetime | None = None
) -> dict[Any, list[Row]]:
    """Return each user's rows up to an instant in order of time, users ascending."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        if as_of is None or row["at"] <= as_of:
            found.setdefault(row["user"], []).append(row)
    return {
        user: sorted(found[user], key=lambda row: row["at"]) for user in sorted(found)
    }


def summary(
    rows: Sequence[Row],
    as_of: dt.datetime,
    *,
    window: dt.timedelta = MONTH,
    session_gap: dt.timedelta = HALF_HOUR,
    clock: Clock = SHANGHAI,
) -> list[Row]:
    """Return the rows of ``Log.summarise``."""
    today = clock.day(as_of)
    found = []
    for user, own in by_user(rows, as_of).items():
        acts = [row["at"] for row in own if row["kind"] in ACTIVE]
        recent = [at for at in acts if _in_window(at, as_of, window, clock)]
        days = sorted({clock.day(at) for at in acts})
        caused = [row["at"] for row in own if row["kind"] != "deliver"]
        found.append(
            {
                "user": user,
                "events": len(own),
                "interactions": len(acts),
                "interactions_in_window": len(recent),
                "active_days_in_window": len({clock.day(at) for at in recent}),
                "sessions": _sessions(caused, session_gap),
                "value": sum(_signed(row) for row in own),
                "first_at": own[0]["at"],
                "last_at": own[-1]["at"],
                "last_interaction_at": acts[-1] if acts else None,
                "follow_age_days": follow_age(own, as_of, clock),
                "menu_clicks": sum(row["kind"] == "menu_click" for row in own),
                "repeat_days": max(len(days) - 1, 0),
                "repeat_age_days": days[-1] - days[0] if days else 0,
                "age_days": today - days[0] if days else 0,
            }
        )
    return found


def _in_window(
    at: dt.datetime, as_of: dt.datetime, window: dt.timedelta, clock: Clock
) -> bool:
    if window % DAY:
        return as_of - at < window
    return clock.day(as_of) - clock.day(at) < window // DAY


def _sessions(times: list[dt.datetime], gap: dt.timedelta) -> int:
    breaks = sum(b - a > gap for a, b in pairwise(times))
    return breaks + 1 if times else 0


def _signed(row: Row) -> float:
    value = float(row.get("value") or 0)
    return -value if row["kind"] == "refund" else value


def follow_age(rows: list[Row], as_of: dt.datetime, clock: Clock) -> int | None:
    """Return the local days since the follow that still holds, if any does.

    A follow in the same instant as an unfollow does not stay, and a follow of
    somebody who follows already changes nothing.
    """
    left = [row["at"] for row in rows if row["kind"] == "unfollow"]
    follows = [
        row["at"]
        for row in rows
        if row["kind"] == "follow" and all(row["at"] > at for at in left)
    ]
    return clock.day(as_of) - clock.day(min(follows)) if follows else None


def streaks(
    rows: Sequence[Row], as_of: dt.datetime, *, clock: Clock = SHANGHAI
) -> list[Row]:
    """Return the rows of ``Log.streaks``."""
    found = []
    today = clock.day(as_of)
    for user, own in by_user(rows, as_of).items():
        days = {clock.day(row["at"]) for row in own if row["kind"] in ACTIVE}
        if days:
            lengths = {day: _run_up_to(day, days) for day in days}
            last = max(days)
            alive = lengths[last] if last >= today - 1 else 0
            longest = max(lengths.values())
            found.append(
                {"user": user, "current": alive, "longest": longest, "last_day": last}
            )
    return found


def _run_up_to(day: int, days: set[int]) -> int:
    length = 0
    while day - length in days:
        length += 1
    return length


def segment_at(
    rows: list[Row], at: dt.datetime, policy: Policy
) -> tuple[str, str] | None:
    """Return one user's segment and reason; None before the first event."""
    past = [row for row in rows if row["at"] <= at]
    if not past:
        return None
    acts = [row for row in past if policy.weight(row) > 0]
    if not acts:
        return "potential", "never_interacted"
    if at - max(row["at"] for row in acts) >= policy.dormant_after:
        return "dormant", "silent"
    held = sum(
        policy.weight(row) for row in acts if at - row["at"] < policy.active_within
    )
    if held >= policy.needed:
        return "active", "interacts"
    return "potential", "interacts_too_little"


def changes(
    rows: list[Row], policy: Policy
) -> list[tuple[dt.datetime, str | None, str]]:
    """Return when one user's segment changed, from what, and to what.

    Looks at every instant at which anything could change: each event, and the
    ends of silence and window that follow each interaction.
    """
    instants = {row["at"] for row in rows}
    for row in rows:
        if policy.weight(row) > 0:
            instants |= {
                row["at"] + policy.dormant_after,
                row["at"] + policy.active_within,
            }
    found: list[tuple[dt.datetime, str | None, str]] = []
    before: str | None = None
    for at in sorted(instants):
        state = segment_at(rows, at, policy)
        if state is not None and state[0] != before:
            found.append((at, before, state[0]))
            before = state[0]
    return found


def classify_users(
    rows: Sequence[Row], as_of: dt.datetime, policy: Policy, *, clock: Clock = SHANGHAI
) -> list[Row]:
    """Return the rows of ``classify_users``."""
    found = []
    for user, own in by_user(rows, as_of).items():
        acts = [row["at"] for row in own if policy.weight(row) > 0]
        state = segment_at(own, as_of, policy)
        assert state is not None
        past = [at for at, _, _ in changes(own, policy) if at <= as_of]
        found.append(
            {
                "user": user,
                "segment": state[0],
                "reason": state[1],
                "since": past[-1],
                "last_interaction_at": acts[-1] if acts else None,
                "silent_days": (as_of - acts[-1]) // DAY if acts else None,
                "follow_age_days": follow_age(own, as_of, clock),
                "menu_clicks": sum(row["kind"] == "menu_click" for row in own),
                "interactions": len(acts),
            }
        )
    return found


def transitions(
    rows: Sequence[Row], start: dt.datetime, end: dt.datetime, policy: Policy
) -> list[Row]:
    """Return the rows of ``transitions``."""
    return [
        {"user": user, "origin": origin, "target": target, "at": at}
        for user, own in by_user(rows).items()
        for at, origin, target in changes(own, policy)
        if start < at <= end
    ]


def kind_counts(
    rows: Sequence[Row], start: dt.datetime | None, end: dt.datetime
) -> dict[Any, dict[str, int]]:
    """Return how often each user did each kind at ``start < at <= end``."""
    found: dict[Any, dict[str, int]] = {}
    for row in rows:
        if (start is None or start < row["at"]) and row["at"] <= end:
            counts = found.setdefault(row["user"], {})
            counts[row["kind"]] = counts.get(row["kind"], 0) + 1
    return found
