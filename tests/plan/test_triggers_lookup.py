"""What the scenes of triggers promise, by looking at every instant for itself."""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import random
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from tests.plan.random_scenes import (
    CLOCKS,
    DAY,
    HALF,
    HOURS,
    SEEDS,
    STARTS,
    some_facts,
    some_trigger,
)
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.scene import (
    SCENES,
    Birthday,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
)
from wxengage.users import User, advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wxengage.log.events import Event
    from wxengage.plan.scenes.facts import Facts
    from wxengage.plan.scenes.trigger import Step, Trigger
    from wxengage.times.days import DayClock


# --- the definitions, looked up half hour by half hour --------------------------------


class Looked(NamedTuple):
    """An occasion as somebody sees it who looks at a clock: what, since, until."""

    key: object
    since: dt.datetime
    ends: dt.datetime | None


def local(at: dt.datetime, tz: str) -> dt.datetime:
    """Return what the wall shows."""
    return at.astimezone(ZoneInfo(tz)).replace(tzinfo=None)


def first_from(at: dt.datetime, is_it: Callable[[dt.datetime], bool]) -> dt.datetime:
    """Return the first half hour from one on of which something holds."""
    while not is_it(at):
        at += HALF
    return at


def shows(at: dt.datetime, minute: dt.time, tz: str) -> dt.date | None:
    """Return the date on which a wall shows a time just now, or jumps over it."""
    now, before = local(at, tz), local(at - HALF, tz)
    target = dt.datetime.combine(now.date(), minute)
    if before < target <= now and at.astimezone(ZoneInfo(tz)).fold == 0:
        return target.date()
    return None


def held_at(scene: Any, facts: Facts, at: dt.datetime, clock: DayClock) -> list[Looked]:
    """Return the occasions that hold at an instant, by the scenes' definitions."""
    events = [event for event in facts.events if event.at <= at]
    if isinstance(scene, Followed):
        user = functools.reduce(advance, events, User(str(facts.user)))
        since = user.followed_since(None, at)
        return [] if since is None else [Looked(since, since, None)]
    if isinstance(scene, Happened):
        return [Looked(e.at, e.at, None) for e in events if e.kind in scene.kinds]
    if isinstance(scene, Silent):
        last = max((e.at for e in events if e.kind in scene.kinds), default=None)
        silent = last is not None and at - last >= scene.after
        return [Looked(last, last, None)] if last and silent else []
    if isinstance(scene, StreakBreaking):
        return streaks_at(scene, events, at, clock)
    if isinstance(scene, Birthday):
        return birthdays_at(scene, facts, at, clock)
    return [
        Looked((one.id, one.at), one.at, one.until)
        for one in facts.holdings
        if one.kind == scene.kind
        and one.at <= at
        and (one.closed is None or at < one.closed)
        and (one.until is None or at < one.until)
        and (
            one.left == scene.left
            if isinstance(scene, RunningLow)
            else one.until is not None and one.until - at <= scene.before
        )
    ]


def streaks_at(
    scene: StreakBreaking, events: list[Event], at: dt.datetime, clock: DayClock
) -> list[Looked]:
    """Return the streak that is about to break, if there is one."""
    begins = dt.timedelta(hours=clock.day_start.hour)

    def day_of(at: dt.datetime) -> dt.date:
        return (local(at, clock.tz) - begins).date()

    def elapsed(wall: dt.time) -> dt.timedelta:
        return (dt.timedelta(hours=wall.hour, minutes=wall.minute) - begins) % DAY

    today = day_of(at)
    days = {day_of(event.at) for event in events if event.kind == scene.kind}
    run = all(today - n * DAY in days for n in range(1, scene.days + 1))
    late = elapsed(local(at, clock.tz).time()) >= elapsed(
        dt.time.fromisoformat(scene.by)
    )
    if today in days or not run or not late:
        return []
    since = first_from(at - 2 * DAY, lambda one: day_of(one) == today)
    return [Looked(today, since, first_from(at, lambda one: day_of(one) > today))]


def birthdays_at(
    scene: Birthday, facts: Facts, at: dt.datetime, clock: DayClock
) -> list[Looked]:
    """Return the birthday of somebody whose wall says so."""
    tz = facts.zone or clock.tz
    ahead = (local(at, tz).date() + n * DAY for n in range(scene.days_before + 1))
    return [
        one
        for date in ahead
        if facts.birthday in names_of(date, scene.leap)
        for one in announced(date, scene, at, tz)
    ]


def names_of(date: dt.date, leap: str) -> set[str]:
    """Return the birthdays that are celebrated on a date."""
    name = f"{date:%m-%d}"
    both = name == leap and not calendar.isleap(date.year)
    return {name, "02-29"} if both else {name}


def announced(
    date: dt.date, scene: Birthday, at: dt.datetime, tz: str
) -> Iterator[Looked]:
    """Yield a birthday if it has been announced."""
    opens = dt.datetime.combine(
        date - scene.days_before * DAY, dt.time.fromisoformat(scene.at)
    )
    # Where the clock is turned back, what has begun has begun.
    if any(local(at - n * HALF, tz) >= opens for n in range(3)):
        since = first_from(at - 4 * DAY, lambda one: local(one, tz) >= opens)
        ends = first_from(at, lambda one: local(one, tz).date() > date)
        yield Looked(date, since, ends)


def expected(
    trigger: Trigger,
    facts: Facts,
    start: dt.datetime,
    now: dt.datetime,
    clock: DayClock,
) -> list[tuple[str, dt.datetime | None, dt.datetime | None]]:
    """Return messages and their stretches, by looking at every half hour till now."""
    entered: dict[object, dt.datetime] = {}
    admitted: list[object] = []
    at = start - 5 * DAY
    while at <= now:
        for one in sorted(held_at(trigger.scene, facts, at, clock), key=str):
            if one.key not in entered:
                last = entered[admitted[-1]] if admitted else None
                entered[one.key] = at
                if (
                    last is None
                    or trigger.again == "each_occasion"
                    or (trigger.again != "never" and at - last >= trigger.again)
                ):
                    admitted.append(one.key)
        at += HALF
    found = []
    for one in {
        one.key: one for one in held_at(trigger.scene, facts, now, clock)
    }.values():
        stopped = any(
            event.kind in trigger.unless and one.since <= event.at <= now
            for event in facts.events
        )
        if stopped or one.key not in admitted:
            continue
        for step in trigger.steps:
            due = entered[one.key] + step.after
            if step.at is not None:
                due = first_from(due, functools.partial(_allowed, step, facts, clock))
            ends = [due + step.grace] if step.grace else []
            expires = min([*ends, *([one.ends] if one.ends else [])], default=None)
            if due <= now and (expires is None or now < expires):
                found.append((step.message, utc(due), utc(expires)))
    return sorted(found, key=str)


def _allowed(step: Step, facts: Facts, clock: DayClock, at: dt.datetime) -> bool:
    date = shows(at, dt.time.fromisoformat(str(step.at)), facts.zone or clock.tz)
    return date is not None and step.weekday in {None, date.isoweekday()}


def look(seed: int) -> str | None:
    """Compare one case with what looking finds; return the scene if it is due."""
    rng = random.Random(seed)  # noqa: S311  no secret
    start, clock = rng.choice(STARTS), rng.choice(CLOCKS)
    trigger, facts = some_trigger(rng), some_facts(rng, "a", start)
    nows = [start + rng.randrange(2 * HOURS) * HALF for _ in range(40)]
    asked = functools.partial(due_triggers, trigger, facts, clock=clock)
    now = next((one for one in nows if asked(one)), nows[0])
    told = [(s.message, utc(s.not_before), utc(s.expires)) for s in asked(now)]

    found = expected(trigger, facts, start, now, clock)

    assert found == sorted(told, key=str)
    return type(trigger.scene).__name__ if found else None


def utc(at: dt.datetime | None) -> dt.datetime | None:
    """Return an instant in UTC: Python holds a repeated hour for none of its own."""
    return None if at is None else at.astimezone(dt.UTC)


@given(SEEDS)
@settings(max_examples=100)
def test_what_is_due_is_what_looking_at_every_half_hour_finds(seed: int) -> None:
    """The definitions, applied to each instant by itself, give the same stretches."""
    look(seed)


@pytest.mark.torture
def test_what_is_due_is_what_looking_finds_for_long() -> None:
    """Each scene has something due in one case of 100."""
    told = Counter(scene for seed in range(3_000) if (scene := look(seed)))

    assert set(told) == {scene.__name__ for scene in SCENES}
    assert min(told.values()) >= 30
