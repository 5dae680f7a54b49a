"""Which days count, and what they reach (打卡判定): a pure function of what is kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import attrs

from wxengage.campaigns.checkins.terms import KofN
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.campaigns.checkins.people import Challenger, MakeUp

__all__ = ["Course", "Judged", "Stand", "course_of", "judged"]


@attrs.frozen
class Judged:
    """What counts of one participant.

    Attributes
    ----------
    days
        Day -> instant by which it counts, microseconds since 1970; ascending.
    made_up
        Those of the days that are made up.
    refused
        Day and instant of the other make-ups -> why they do not count.
    """

    days: Mapping[int, int]
    made_up: Mapping[int, MakeUp]
    refused: Mapping[tuple[int, int], str]


class Stand(NamedTuple):
    """Where somebody stands on a day that counts.

    Attributes
    ----------
    day
        The local day.
    cycle
        Which cycle it belongs to, from 1.
    reaches
        Which count of it is reached: the milestone of that number.
    length
        Days of the streak, over all its cycles; the same as ``reaches`` with ``KofN``.
    left
        Freezes left.
    """

    day: int
    cycle: int
    reaches: int
    length: int
    left: int


class Course(NamedTuple):
    """What somebody's days reach.

    Attributes
    ----------
    last
        Where they stand on their last day; None without days.
    longest
        The longest streak.
    cycles
        How many cycles are complete.
    best
        The highest count in the cycle that is not.
    reached
        Cycle and count of the milestones reached -> when, microseconds.
    """

    last: Stand | None
    longest: int
    cycles: int
    best: int
    reached: Mapping[tuple[int, int], int]


def judged(challenger: Challenger, campaign: CheckIn) -> Judged:
    """Return which days of a participant count.

    Parameters
    ----------
    challenger
        What is kept.
    campaign
        The challenge.

    Returns
    -------
    Judged
        With why the other make-ups do not.
    """
    days = {
        one.day: micros("at", one.counted)
        for one in challenger.days
        if one.counted is not None
    }
    if not challenger.make_ups:
        return Judged(days, {}, {})
    undone = {
        one.day: micros("undone", one.undone)
        for one in challenger.days
        if one.undone is not None
    }
    made_up: dict[int, MakeUp] = {}
    refused: dict[tuple[int, int], str] = {}
    used: Counter[tuple[int, int]] = Counter()
    for one in challenger.make_ups:
        at = micros("at", one.at)
        date = campaign.clock.date(one.on)
        month = date.year, date.month
        if not days or one.day < min(days):
            reason = "not_joined"
        elif at <= undone.get(one.day, at - 1):
            reason = "undone"
        elif one.day in days or one.day in made_up:
            reason = "already"
        elif used[month] >= campaign.make_ups:
            reason = "used_up"
        else:
            made_up[one.day] = one
            used[month] += 1
            continue
        refused[one.day, at] = reason
    days |= {day: micros("at", one.at) for day, one in made_up.items()}
    return Judged(dict(sorted(days.items())), made_up, refused)


def _stands(days: Mapping[int, int], campaign: CheckIn) -> Iterator[Stand]:
    """Yield where somebody stands on each day that counts."""
    if isinstance(campaign.streak, KofN):
        window: list[int] = []
        for day in days:
            window = [one for one in window if one > day - campaign.streak.n]
            window.append(day)
            yield Stand(day, 1, len(window), len(window), 0)
        return
    turns = campaign.days if campaign.streak == "cycle" else None
    left, before, done, length = campaign.freezes, None, 0, 0
    for day in days:
        missed = 0 if before is None else day - before - 1
        if missed > left:
            # Those there were went for the first days that were missed.
            done, length, left = done + (length // turns if turns else 0), 0, 0
        else:
            left -= missed
        length, before = length + 1, day
        cycle, count = divmod(length - 1, turns) if turns else (0, length - 1)
        yield Stand(day, done + cycle + 1, count + 1, length, left)


def course_of(found: Judged, campaign: CheckIn) -> Course:
    """Return what days reach.

    Parameters
    ----------
    found
        The days that count.
    campaign
        The challenge.

    Returns
    -------
    Course
        A milestone is reached at the latest instant among its day and all days
        before it that count.

    Notes
    -----
    ``O(days)``; with ``KofN`` times at most n.
    """
    last, longest, top, latest = None, 0, (1, 0), 0
    reached: dict[tuple[int, int], int] = {}
    for last in _stands(found.days, campaign):
        latest = max(latest, found.days[last.day])
        longest = max(longest, last.length)
        top = max(top, (last.cycle, last.reaches))
        if last.reaches in campaign.pays:
            reached.setdefault((last.cycle, last.reaches), latest)
    cycle, best = top
    if campaign.streak == "cycle" and best == campaign.days:
        cycle, best = cycle + 1, 0
    return Course(last, longest, cycle - 1, best, reached)
