"""Triggers, users and instants at random, for the tests of triggers."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import attrs
from hypothesis import strategies as st

from wxengage.log.events import Event
from wxengage.plan.scenes.facts import Facts, Holding
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

HALF = dt.timedelta(minutes=30)
HOUR = 2 * HALF
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
# A seed is drawn, and the case made of it: hypothesis' own lists are short, and
# most short pasts have nothing due.

SEEDS = st.integers(0, 2**63 - 1)
ASKED = 3


def span(rng: random.Random, most: int) -> dt.timedelta:
    """Return some half hours, at least one."""
    return rng.randint(1, 2 * most) * HALF


def some_steps(rng: random.Random) -> tuple[Step, ...]:
    """Return one or two steps with any rule of time."""
    found = []
    for number in range(rng.randint(1, 2)):
        at = rng.choice([None, None, "00:00", "02:30", "08:00", "20:00"])
        found.append(
            Step(
                f"m{number}",
                "wecom",
                after=rng.choice([0, 0, 1, 5, 24, 60]) * HOUR,
                at=at,
                weekday=rng.choice([None, rng.randint(1, 7)]) if at else None,
                grace=rng.choice([None, span(rng, 24), span(rng, 96)]),
            )
        )
    return tuple(found)


def some_scene(rng: random.Random) -> Any:
    """Return a scene of any kind."""
    kinds = tuple(rng.sample(["like", "purchase", "check_in"], rng.randint(1, 2)))
    at = rng.choice(["00:00", "02:30", "08:00", "20:00", "23:30"])
    leap: Any = rng.choice(["02-28", "03-01"])
    return rng.choice(
        [
            Followed(),
            Happened(kinds),
            Silent(span(rng, 48), kinds),
            Birthday(at, rng.choice([0, 0, 2]), leap),
            StreakBreaking(rng.randint(1, 3), at),
            Expiring("reward", span(rng, 72)),
            RunningLow("grant", rng.randint(1, 2)),
        ]
    )


def some_trigger(rng: random.Random, name: str = "t") -> Trigger:
    """Return a trigger of any scene, with any rule."""
    plain = Trigger(name, some_scene(rng), some_steps(rng))
    if isinstance(plain.scene, Birthday):
        return plain
    kinds = [kind for kind in KINDS if kind not in plain.entered_by]
    again: Any = rng.choice(["never", "each_occasion", "each_occasion", span(rng, 72)])
    unless = tuple(rng.sample(kinds, rng.choice([0, 0, 1])))
    return attrs.evolve(plain, unless=unless, again=again)


def some_facts(rng: random.Random, user: str | int, start: dt.datetime) -> Facts:
    """Return a user with a past of half hours."""
    deeds = [
        (rng.choice(KINDS), rng.randrange(2 * HOURS)) for _ in range(rng.randrange(14))
    ]
    first = rng.randrange(10)
    deeds += [
        ("check_in", 48 * day + rng.randrange(16, 30))
        for day in range(first, first + rng.randrange(5))
    ]
    held = {
        (
            rng.choice(["reward", "grant"]),
            rng.choice("xy"),
            start + rng.randrange(2 * HOURS) * HALF,
        )
        for _ in range(rng.randrange(5))
    }
    return Facts(
        user,
        events=tuple(
            Event(kind, user=user, at=start + half * HALF) for kind, half in deeds
        ),
        birthday=rng.choice(BIRTHDAYS),
        zone=rng.choice(ZONES),
        holdings=tuple(
            Holding(
                *key,
                until=rng.choice([None, key[2] + span(rng, 120)]),
                left=rng.choice([None, 0, 1, 2]),
                closed=rng.choice([None, None, key[2], key[2] + span(rng, 96)]),
            )
            for key in sorted(held)
        ),
    )


def some_case(
    seed: int,
) -> tuple[list[Trigger], list[Facts], dt.datetime, DayClock]:
    """Return triggers, users, an instant and a clock."""
    rng = random.Random(seed)  # noqa: S311  no secret
    start = rng.choice(STARTS)
    asked = [some_trigger(rng, f"t{n}") for n in range(ASKED)]
    names: list[Any] = rng.choice([["d", "é", "a", "用户"], [40, 3, 2**62 + 1, 7]])
    users = [some_facts(rng, user, start) for user in rng.sample(names, 3)]
    now = start + rng.randrange(2 * HOURS) * HALF
    return asked, users, now, rng.choice(CLOCKS)
