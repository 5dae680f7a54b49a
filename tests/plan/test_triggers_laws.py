"""What holds for every trigger: one answer, fixed stretches, ids that stay."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.facts import Facts, Holding
from wxengage.plan.scenes.many import due_many
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
)
from wxengage.plan.scenes.trigger import Step, Trigger
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros
from wxengage.users import User, advance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.log.table import Log
    from wxengage.sends import Send

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
# Berlin turns its clock forward on 29 March and back on 25 October 2026; 2028 has
# a 29 February.
STARTS = [
    dt.datetime(2026, 3, 24, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 20, tzinfo=dt.UTC),
    dt.datetime(2028, 2, 24, tzinfo=dt.UTC),
]
HOURS = 12 * 24
KINDS = ["follow", "unfollow", "like", "purchase", "check_in", "read"]
ZONES = [None, "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland"]
CLOCKS = [DayClock(), DayClock("Europe/Berlin", dt.time(4))]
BIRTHDAYS = [None, "02-28", "02-29", "03-01", "03-29", "10-25", "03-28"]

# --- what is drawn ------------------------------------------------------------------

SPANS = st.integers(1, 72).map(lambda n: n * HOUR)
TIMES = st.sampled_from(["00:00", "02:30", "08:00", "20:00", "23:00"])
STEPS = st.lists(
    st.tuples(
        st.integers(0, 60).map(lambda n: n * HOUR),
        st.none() | TIMES,
        st.none() | st.integers(1, 7),
        st.none() | SPANS,
    ),
    min_size=1,
    max_size=2,
).map(
    lambda rows: tuple(
        Step(f"m{n}", "wecom", after=after, at=at, weekday=at and day, grace=grace)
        for n, (after, at, day, grace) in enumerate(rows)
    )
)
SOME = st.lists(
    st.sampled_from(["like", "purchase", "check_in"]),
    min_size=1,
    max_size=2,
    unique=True,
).map(tuple)
SCENES: st.SearchStrategy[Any] = st.one_of(
    st.just(Followed()),
    st.builds(Happened, SOME),
    st.builds(Silent, SPANS, SOME),
    st.builds(Birthday, TIMES, st.integers(0, 2), st.sampled_from(["02-28", "03-01"])),
    st.builds(StreakBreaking, st.integers(1, 3), TIMES),
    st.builds(Expiring, st.sampled_from(["reward", "grant"]), SPANS),
    st.builds(RunningLow, st.sampled_from(["reward", "grant"]), st.integers(1, 2)),
)


@st.composite
def triggers(draw: st.DrawFn, name: str = "t") -> Trigger:
    """Return a trigger of any scene, with any rule."""
    scene = draw(SCENES)
    plain = Trigger(name, scene, draw(STEPS))
    kinds = [kind for kind in KINDS if kind not in plain.entered_by]
    unless = draw(st.lists(st.sampled_from(kinds), max_size=1))
    once = isinstance(scene, Birthday)
    again: Any = draw(
        st.just("each_occasion")
        if once
        else st.one_of(st.sampled_from(["never", "each_occasion"]), SPANS)
    )
    return attrs.evolve(plain, unless=tuple(unless), again=again)


@st.composite
def everybody(draw: st.DrawFn, start: dt.datetime) -> list[Facts]:
    """Return what is known of a few users, some of whom did nothing."""
    found = []
    hours = st.integers(0, HOURS)
    for user in draw(st.lists(st.sampled_from("abcd"), max_size=3, unique=True)):
        deeds = draw(st.lists(st.tuples(st.sampled_from(KINDS), hours), max_size=12))
        held = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["reward", "grant"]),
                    st.sampled_from("xy"),
                    hours,
                    st.none() | st.integers(1, 96),
                    st.none() | st.integers(0, 2),
                    st.none() | st.integers(0, 96),
                ),
                max_size=4,
                unique_by=lambda row: row[:3],
            )
        )
        found.append(
            Facts(
                user,
                events=tuple(
                    Event(kind, user=user, at=start + hour * HOUR)
                    for kind, hour in deeds
                ),
                birthday=draw(st.sampled_from(BIRTHDAYS)),
                zone=draw(st.sampled_from(ZONES)),
                holdings=tuple(
                    Holding(
                        kind,
                        name,
                        start + at * HOUR,
                        until=None if life is None else start + (at + life) * HOUR,
                        left=left,
                        closed=None if used is None else start + (at + used) * HOUR,
                    )
                    for kind, name, at, life, left, used in held
                ),
            )
        )
    return found


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Trigger], list[Facts], dt.datetime, DayClock]:
    """Return triggers, users, an instant and a clock."""
    start = draw(st.sampled_from(STARTS))
    asked = [draw(triggers(f"t{n}")) for n in range(draw(st.integers(1, 3)))]
    now = start + draw(st.integers(0, HOURS)) * HOUR
    return asked, draw(everybody(start)), now, draw(st.sampled_from(CLOCKS))


def tables(users: Sequence[Facts]) -> tuple[Log, dict[str, Any], dict[str, Any]]:
    """Return the same facts as a log and two tables."""
    events = [event for facts in users for event in facts.events]
    empty = {"user": [], "kind": [], "at": np.zeros(0, "M8[us]")}
    held = [(facts.user, one) for facts in users for one in facts.holdings]
    holdings = {
        "user": [user for user, _ in held],
        **{
            name: [getattr(one, name) for _, one in held]
            for name in ("kind", "id", "at", "until", "left", "closed")
        },
    }
    people = {
        name: [getattr(facts, name) for facts in users]
        for name in ("user", "birthday", "zone")
    }
    return read_log(events or empty), people, holdings


# --- one answer -----------------------------------------------------------------------


@given(cases())
@settings(max_examples=300)
def test_everybody_at_once_is_one_user_at_a_time(
    case: tuple[list[Trigger], list[Facts], dt.datetime, DayClock],
) -> None:
    """The same sends, ids and bounds, in the same order."""
    asked, users, now, clock = case
    log, people, holdings = tables(users)
    one_by_one = [
        send
        for facts in sorted(users, key=lambda facts: str(facts.user))
        for send in due_triggers(asked, facts, now, clock=clock)
    ]

    at_once = due_many(asked, log, now, people=people, holdings=holdings, clock=clock)

    assert one_by_one == list(at_once.sends)
    assert len(one_by_one) == len({send.id for send in one_by_one})
