"""Random logs that sit on every edge: ties, exact gaps, ends of days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs

from tests.frames import reference
from tests.frames.engines import instant, rows_of, table
from wxengage.log import read_log
from wxengage.segments import LifecyclePolicy, classify_users, transitions
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    import random

    from tests.frames.engines import Row
    from wxengage.log import KindCounts, Log

MICRO = dt.timedelta(microseconds=1)
HALF_HOUR = dt.timedelta(minutes=30)
DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)
MONTH = dt.timedelta(days=30)

# Where the days of a clock are odd: a change of the clock is near.
SCENES = (
    ("Asia/Shanghai", dt.time(0), instant("2026-02-27T23:00", "Asia/Shanghai")),
    ("Asia/Shanghai", dt.time(4), instant("2023-12-31T02:00", "Asia/Shanghai")),
    ("America/New_York", dt.time(4), instant("2026-03-07T01:30", "America/New_York")),
    ("America/New_York", dt.time(0), instant("2026-10-31T22:00", "America/New_York")),
    ("Asia/Shanghai", dt.time(0), instant("1986-05-03T20:00", "Asia/Shanghai")),
    ("Asia/Shanghai", dt.time(4), instant("1991-09-14T02:00", "Asia/Shanghai")),
    ("America/Sao_Paulo", dt.time(0), instant("2018-11-03T22:00", "America/Sao_Paulo")),
    ("UTC", dt.time(0), instant("1970-01-01T00:00")),
)
STEPS = (
    *(dt.timedelta(0), dt.timedelta(0), MICRO, dt.timedelta(minutes=7)),
    *(HALF_HOUR - MICRO, HALF_HOUR, HALF_HOUR + MICRO, dt.timedelta(hours=1)),
    *(dt.timedelta(hours=5), dt.timedelta(hours=12), DAY - MICRO, DAY, DAY),
    *(dt.timedelta(hours=25), WEEK - MICRO, WEEK, WEEK + MICRO),
    *(MONTH - DAY, MONTH - MICRO, MONTH, MONTH + MICRO, dt.timedelta(days=47)),
)
KINDS = (
    *("like", "like", "share", "menu_click", "purchase", "comment", "read", "watch"),
    *("deliver", "deliver", "follow", "unfollow", "refund", "open"),
)
LEAN = {"read": 0.2, "like": 1.0, "share": 2.5, "refund": 0}
# Keyword arguments of a policy: of ours, and of the reference's.
POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"active_at_least": 2, "active_within": WEEK},
    {"active_at_least": 1.2, "active_within": dt.timedelta(days=40), "weights": LEAN},
    {"active_at_least": 3, "active_within": MONTH, "dormant_after": WEEK},
    {"active_at_least": 2.5, "active_within": DAY, "weights": LEAN},
    {"active_at_least": 0.2, "active_within": 2 * MONTH, "weights": LEAN},
    {"dormant_after": DAY, "active_within": HALF_HOUR},
    {"weights": {}},
)


@attrs.frozen
class Case:
    """A log and what is asked of it."""

    rows: tuple[Row, ...]
    as_of: dt.datetime
    start: dt.datetime
    tz: str
    day_start: dt.time
    window: dt.timedelta
    session_gap: dt.timedelta
    policy: dict[str, Any]

    @property
    def clock(self) -> DayClock:
        """The package's clock."""
        return DayClock(self.tz, self.day_start)


def draw_case(
    rng: random.Random,
    users: int,
    *,
    scene: int | None = None,
    policy: dict[str, Any] | None = None,
) -> Case:
    """Draw a log of up to ``users`` users, and questions on its edges."""
    tz, day_start, begin = rng.choice(SCENES) if scene is None else SCENES[scene]
    rows = draw_rows(rng, begin.astimezone(dt.UTC), users)
    someone = rng.choice(rows)["at"]
    as_of = someone + rng.choice((*STEPS, -HALF_HOUR, -DAY))
    return Case(
        rows=tuple(rows),
        as_of=as_of,
        start=as_of - rng.choice([one for one in STEPS if one]),
        tz=tz,
        day_start=day_start,
        window=rng.choice((DAY, WEEK, MONTH, dt.timedelta(hours=36), HALF_HOUR)),
        session_gap=rng.choice((HALF_HOUR, HALF_HOUR, dt.timedelta(hours=25), MICRO)),
        policy=rng.choice(POLICIES) if policy is None else policy,
    )


def draw_rows(
    rng: random.Random, begin: dt.datetime, users: int, most: int = 8
) -> list[Row]:
    """Draw the events of up to ``users`` users, at least one, in any order."""
    rows: list[Row] = []
    for number in range(rng.randint(1, users)):
        at = begin + rng.choice(STEPS)
        for _ in range(rng.randint(1, most)):
            at += rng.choice(STEPS)
            value = rng.choice((0.0, 0.25, 8.0, 15.5))
            kind = rng.choice(KINDS)
            rows.append({"user": f"u{number}", "kind": kind, "at": at, "value": value})
    rng.shuffle(rows)
    return rows


QUESTIONS = ("summary", "streaks", "classify", "transitions", "kind_counts")


def answer(log: Log, case: Case, question: str) -> Any:
    """Ask a log one of the questions, and return the rows of its answer."""
    policy = LifecyclePolicy(**case.policy)
    clock, as_of = case.clock, case.as_of
    if question == "summary":
        # An engine's log gives a lazy summary: it has no rows, but a native frame.
        summary: Any = log.summarise(
            as_of, window=case.window, session_gap=case.session_gap, clock=clock
        )
        return rows_of(summary.to_frame() if log.engine is None else summary.native)
    if question == "streaks":
        return rows_of(log.streaks(as_of, clock=clock))
    if question == "classify":
        return rows_of(classify_users(log, as_of, policy, clock=clock))
    if question == "transitions":
        return rows_of(transitions(log, case.start, as_of, policy))
    return plain_counts(log.kind_counts(case.start, as_of))


def plain_counts(counts: KindCounts) -> dict[Any, dict[str, int]]:
    """Return what is not zero, by user and kind."""
    return {
        user: {k: int(n) for k, n in zip(counts.kinds, row, strict=True) if n}
        for user, row in zip(counts.users.tolist(), counts.counts, strict=True)
    }


def expected(case: Case, question: str) -> Any:
    """Return what ``answer`` must be, by the slow reference."""
    policy = reference.Policy(**case.policy)
    clock = reference.Clock(case.tz, case.day_start)
    rows, as_of = case.rows, case.as_of
    if question == "summary":
        return reference.summary(
            rows, as_of, window=case.window, session_gap=case.session_gap, clock=clock
        )
    if question == "streaks":
        return reference.streaks(rows, as_of, clock=clock)
    if question == "classify":
        return reference.classify_users(rows, as_of, policy, clock=clock)
    if question == "transitions":
        return reference.transitions(rows, case.start, as_of, policy)
    return reference.kind_counts(rows, case.start, as_of)


def assert_answered(
    case: Case, engine: str, questions: tuple[str, ...] = QUESTIONS
) -> None:
    """Assert that one kind of table is answered as the reference says."""
    log = read_log(table(case.rows, engine), value="value")
    for question in questions:
        assert expected(case, question) == answer(log, case, question), question
