"""How far somebody has come, and what they are about to lose (断签预警)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import attrs

from wxengage.campaigns.checkins.judging import Course, Judged, course_of, judged
from wxengage.campaigns.checkins.terms import KofN
from wxengage.errors import InvalidInputError
from wxengage.times.zones import MICROS_PER_DAY, from_micros, micros

if TYPE_CHECKING:
    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.campaigns.checkins.people import Challenger

__all__ = ["AtRisk", "Progress", "at_risk_of", "next_milestone", "progress_of"]


@attrs.frozen
class Progress:
    """How far one participant has come (打卡进度).

    Attributes
    ----------
    days
        Days that count, made-up ones included.
    streak
        Length of the streak that goes on; 0 where it has ended. With ``KofN``,
        days that count among the last n, today included.
    longest
        The longest streak.
    cycles
        How many cycles are complete; 0 but with ``"cycle"``.
    best
        The highest count in the cycle that is not complete.
    completed
        Whether the challenge is complete; never with ``"cycle"``.
    next
        The count of the next milestone; None where none is left.
    needs
        Days to go to it from today's streak; None where none is left.
    spare
        How many days can still be missed without ending the streak: freezes left;
        with ``KofN``, without putting the next milestone out of reach of what
        there is.
    checked_in
        Whether today counts already.
    make_ups_left
        How many days can still be made up this month.
    """

    days: int
    streak: int
    longest: int
    cycles: int
    best: int
    completed: bool
    next: int | None
    needs: int | None
    spare: int
    checked_in: bool
    make_ups_left: int


@attrs.frozen
class AtRisk:
    """A streak that ends unless its user checks in today (断签预警).

    Attributes
    ----------
    user
        Whose.
    streak, next, needs, spare
        As in ``Progress``.
    deadline
        The end of today, or of the campaign, in UTC: not included.
    remind_at
        When a reminder is due, in UTC.
    """

    user: str
    streak: int
    next: int
    needs: int
    spare: int
    deadline: dt.datetime
    remind_at: dt.datetime


class _Run(NamedTuple):
    """A streak that goes on: its length, days to go, and days that may be missed."""

    length: int
    needs: int
    spare: int


def next_milestone(course: Course, campaign: CheckIn) -> int | None:
    """Return the count of the next milestone of the cycle that is not complete."""
    return min((count for count in campaign.pays if count > course.best), default=None)


def _window(
    found: Judged, campaign: CheckIn, rule: KofN, today: int, goal: int | None
) -> _Run:
    """Return what the days among the last n can still become."""
    recent = [day for day in found.days if today - rule.n < day <= today]
    if goal is None:
        return _Run(len(recent), 0, 0)
    start = today + (today in found.days)
    best = _Run(len(recent), goal, -1)
    for place, day in enumerate(recent):
        have = len(recent) - place
        ahead = min(day + rule.n - 1, campaign.last_day) - start + 1
        spare = have + max(ahead, 0) - goal
        if spare >= best.spare:
            # Of equals the later: it has as much to spare for longer.
            best = _Run(len(recent), max(goal - have, 0), spare)
    return best


def _streak(course: Course, campaign: CheckIn, today: int, goal: int | None) -> _Run:
    """Return the streak that goes on; of length 0 where none does."""
    if course.last is None:
        return _Run(0, goal or 0, campaign.freezes)
    missed = min(today, campaign.last_day + 1) - course.last.day - 1
    spare = course.last.left - max(missed, 0)
    if spare < 0:
        return _Run(0, goal or 0, 0)
    here = course.last.reaches if course.last.cycle == course.cycles + 1 else 0
    return _Run(course.last.length, max((goal or 0) - here, 0), spare)


def _run(found: Judged, course: Course, campaign: CheckIn, today: int) -> _Run:
    goal = next_milestone(course, campaign)
    if isinstance(campaign.streak, KofN):
        return _window(found, campaign, campaign.streak, today, goal)
    return _streak(course, campaign, today, goal)


def progress_of(
    challenger: Challenger, campaign: CheckIn, now: dt.datetime
) -> Progress:
    """Return how far a participant has come.

    Parameters
    ----------
    challenger
        What is kept.
    campaign
        The challenge.
    now
        The instant.

    Returns
    -------
    Progress
        As of that instant.
    """
    found = judged(challenger, campaign)
    course = course_of(found, campaign)
    today = campaign.clock.day(now)
    goal = next_milestone(course, campaign)
    run = _run(found, course, campaign, today)
    date = campaign.clock.date(today)
    used = sum(
        (when.year, when.month) == (date.year, date.month)
        for when in (campaign.clock.date(one.on) for one in found.made_up.values())
    )
    return Progress(
        days=len(found.days),
        streak=run.length,
        longest=course.longest,
        cycles=course.cycles,
        best=course.best,
        completed=campaign.streak != "cycle" and course.best >= campaign.days,
        next=goal,
        needs=None if goal is None else run.needs,
        spare=max(run.spare, 0),
        checked_in=today in found.days,
        make_ups_left=campaign.make_ups - used,
    )


def _usual(found: Judged, campaign: CheckIn) -> int:
    """Return the lower median time of day of check-ins, from the day's start."""
    clock = campaign.clock
    offsets = sorted(
        at - clock.start_of(day)
        for day, at in found.days.items()
        if day not in found.made_up
    )
    return offsets[(len(offsets) - 1) // 2]


def at_risk_of(
    user: str,
    challenger: Challenger,
    campaign: CheckIn,
    now: dt.datetime,
    *,
    lead: dt.timedelta,
    usual: dt.timedelta | None,
) -> AtRisk | None:
    """Return what a participant loses by missing today.

    Parameters
    ----------
    user
        Who.
    challenger
        What is kept.
    campaign
        The challenge.
    now
        The instant.
    lead
        How long before the deadline a reminder goes out at the latest.
    usual
        How long after the day begins they check in; None: their own median.

    Returns
    -------
    AtRisk or None
        None where nothing is lost, or nothing within reach is.
    """
    at = micros("now", now)
    closes = micros("closes", campaign.closes)
    if not micros("opens", campaign.opens) <= at < closes:
        return None
    found = judged(challenger, campaign)
    today = campaign.clock.day(now)
    course = course_of(found, campaign)
    goal = next_milestone(course, campaign)
    if goal is None or today in found.days:
        return None
    run = _run(found, course, campaign, today)
    left = campaign.last_day - today + 1
    if not run.length or run.spare < 0 or run.needs > left:
        return None
    start = campaign.clock.start_of(today)
    deadline = min(campaign.clock.start_of(today + 1), closes)
    wanted = _usual(found, campaign) if usual is None else _offset(usual)
    latest = deadline - lead // dt.timedelta(microseconds=1)
    remind = max(at, min(start + wanted, latest))
    return AtRisk(
        user,
        run.length,
        goal,
        run.needs,
        run.spare,
        from_micros(deadline),
        from_micros(remind),
    )


def _offset(usual: object) -> int:
    if not isinstance(usual, dt.timedelta) or not (
        dt.timedelta(0) <= usual < dt.timedelta(microseconds=MICROS_PER_DAY)
    ):
        raise InvalidInputError("usual", usual, "timedeltas from 0 to below a day")
    return usual // dt.timedelta(microseconds=1)
