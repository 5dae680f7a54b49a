"""All events of a challenge at once (打卡批量重算): where everybody stands."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import attrs
import numpy as np

from wxengage.campaigns.checkins.calendars import calendar_of
from wxengage.campaigns.checkins.terms import KofN
from wxengage.campaigns.sources import read_events
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from typing import Any

    from numpy.typing import NDArray

    from wxengage.campaigns.checkins.calendars import Calendar
    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.log.frames import Ids, Origin

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["NO_GOAL", "Replayed", "Runs", "replayed"]

#: Stands for "no milestone is left".
NO_GOAL = 0


class Runs(NamedTuple):
    """What everybody's streaks come to; shape ``(participants,)`` each.

    Attributes
    ----------
    streak, longest, cycles, best, spare
        As in ``Progress``.
    goal
        The next milestone, or ``NO_GOAL``.
    needs
        Days to go to it.
    """

    streak: Ints
    longest: Ints
    cycles: Ints
    best: Ints
    spare: Ints
    goal: Ints
    needs: Ints


@attrs.frozen(eq=False, slots=False)
class Replayed:
    """Where everybody in a challenge stands, as arrays.

    Attributes
    ----------
    campaign
        The challenge.
    now
        The instant, in microseconds since 1970.
    ids
        All users of the log, by code.
    calendar
        The days that count.
    origin
        What kind of table the events came as.
    """

    campaign: CheckIn
    now: int
    ids: Ids
    calendar: Calendar
    origin: Origin

    @functools.cached_property
    def today(self) -> int:
        """The local day of the instant, counted from the first of the challenge."""
        days = self.campaign.clock.days(np.array([self.now], dtype=np.int64))
        return int(days[0]) - self.calendar.first

    @functools.cached_property
    def owner(self) -> Ints:
        """Whose each key is: codes. Shape ``(keys,)``."""
        owner: Ints = self.calendar.keys // self.calendar.width
        return owner

    @functools.cached_property
    def heads(self) -> Ints:
        """Where each participant's keys begin. Shape ``(participants,)``."""
        return _heads(self.owner)

    @functools.cached_property
    def sizes(self) -> Ints:
        """How many days of each participant count. Shape ``(participants,)``."""
        return np.diff(np.append(self.heads, len(self.owner)))

    @functools.cached_property
    def who(self) -> Ints:
        """Codes of the participants: those with a day that counts, ascending."""
        return self.owner[self.heads]

    @functools.cached_property
    def last(self) -> Ints:
        """The last day of each participant, from the first of the challenge."""
        ends = self.heads + self.sizes - 1
        last: Ints = self.calendar.keys[ends] - self.who * self.calendar.width
        return last

    @functools.cached_property
    def missed(self) -> Ints:
        """Missed days of a participant up to each key. Shape ``(keys,)``."""
        gaps = np.zeros(len(self.owner), dtype=np.int64)
        gaps[1:] = np.diff(self.calendar.keys) - 1
        gaps[self.heads] = 0
        total = np.cumsum(gaps)
        return total - np.repeat(total[self.heads], self.sizes)

    @functools.cached_property
    def firsts(self) -> Ints:
        """Where streaks begin, among the keys. Not with ``KofN``."""
        begins = np.ones(len(self.owner), dtype=np.bool_)
        begins[1:] = np.diff(self.calendar.keys) > 1
        if self.campaign.freezes:
            begins &= self.missed > self.campaign.freezes
        begins[self.heads] = True
        return np.flatnonzero(begins)

    @functools.cached_property
    def lengths(self) -> Ints:
        """How long the streaks are."""
        return np.diff(np.append(self.firsts, len(self.owner)))

    @functools.cached_property
    def streaks(self) -> Ints:
        """Where each participant's streaks begin among the streaks."""
        return np.searchsorted(self.firsts, self.heads)

    @functools.cached_property
    def counts(self) -> tuple[Ints, Ints]:
        """Cycle and count that each key reaches. Shape ``(keys,)`` each."""
        places = np.arange(len(self.owner))
        one = np.ones(len(self.owner), dtype=np.int64)
        rule = self.campaign.streak
        if isinstance(rule, KofN):
            keys = self.calendar.keys
            low = np.searchsorted(keys, keys - rule.n + 1)
            low = np.maximum(low, np.repeat(self.heads, self.sizes))
            return one, places - low + 1
        length = places - np.repeat(self.firsts, self.lengths) + 1
        if rule == "reset" or not len(length):
            return one, length
        done, _, _ = self._turns
        before = np.repeat(done - self.lengths // self.campaign.days, self.lengths)
        cycle, count = np.divmod(length - 1, self.campaign.days)
        return before + cycle + 1, count + 1

    @functools.cached_property
    def _turns(self) -> tuple[Ints, Ints, Ints]:
        """Cycles complete after each streak; of each participant in all; the best."""
        full, rest = np.divmod(self.lengths, self.campaign.days)
        total = np.cumsum(full)
        base = total[self.streaks] - full[self.streaks]
        sizes = np.diff(np.append(self.streaks, len(full)))
        done = total - np.repeat(base, sizes)
        cycles = np.add.reduceat(full, self.streaks)
        rest[done < np.repeat(cycles, sizes)] = 0
        return done, cycles, np.maximum.reduceat(rest, self.streaks)

    @functools.cached_property
    def runs(self) -> Runs:
        """What everybody's streaks come to."""
        none = np.zeros(len(self.who), dtype=np.int64)
        if not len(self.who):
            return Runs(*(none,) * len(Runs._fields))
        rule = self.campaign.streak
        if isinstance(rule, KofN):
            _, counts = self.counts
            best = np.maximum.reduceat(counts, self.heads)
            streak, needs, spare, goal = self._windows(rule, best)
            return Runs(streak, best, none, best, spare, goal, needs)
        longest = np.maximum.reduceat(self.lengths, self.streaks)
        cycles, best = none, longest
        if rule == "cycle":
            _, cycles, best = self._turns
        ends = np.append(self.streaks[1:], len(self.lengths)) - 1
        length = self.lengths[ends]
        left = none
        if self.campaign.freezes:
            used = self.missed[self.heads + self.sizes - 1]
            left = np.maximum(self.campaign.freezes - used, 0)
        over = min(self.today, self.calendar.width)
        spare = left - np.maximum(over - self.last - 1, 0)
        length = np.where(spare >= 0, length, 0)
        goal = self._goals(best)
        here = length % self.campaign.days if rule == "cycle" else length
        needs = np.maximum(goal - here, 0)
        return Runs(length, longest, cycles, best, np.maximum(spare, 0), goal, needs)

    def _goals(self, best: Ints) -> Ints:
        counts = np.array([*sorted(self.campaign.pays), NO_GOAL])
        goals: Ints = counts[np.searchsorted(counts[:-1], best, side="right")]
        return goals

    def _windows(self, rule: KofN, best: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Return streak, needs, spare and goal; see ``risks``."""
        goal = self._goals(best)
        owner = np.repeat(np.arange(len(self.who)), self.sizes)
        day = self.calendar.keys - self.owner * self.calendar.width
        recent = np.flatnonzero(day > self.today - rule.n)
        whose = owner[recent]
        streak = np.bincount(whose, minlength=len(self.who))
        have = (self.heads + self.sizes)[whose] - recent
        start = self.today + self.checked_in[whose]
        ahead = np.minimum(day[recent] + rule.n, self.calendar.width) - start
        spare = have + np.maximum(ahead, 0) - goal[whose]
        # Of equals the later.
        order = np.lexsort((recent, spare, whose))
        top = order[
            np.append(whose[order][1:] != whose[order][:-1], True)[: len(order)]
        ]
        best_spare, needs = np.full(len(self.who), -1), goal.copy()
        good = top[spare[top] >= -1]
        best_spare[whose[good]] = spare[good]
        needs[whose[good]] = np.maximum(goal[whose[good]] - have[good], 0)
        none = goal == NO_GOAL
        return streak, np.where(none, 0, needs), np.where(none, 0, best_spare), goal

    @functools.cached_property
    def checked_in(self) -> Flags:
        """Whether today counts already. Shape ``(participants,)``."""
        there: Flags = self.last == self.today
        return there


def _heads(owner: Ints) -> Ints:
    heads = np.ones(len(owner), dtype=np.bool_)
    heads[1:] = owner[1:] != owner[:-1]
    return np.flatnonzero(heads)


def replayed(
    campaign: CheckIn,
    source: Any,
    as_of: dt.datetime,
    tz: str | None,
    unit: str | None,
) -> Replayed:
    """Work out which days count, of everybody.

    Parameters
    ----------
    campaign, source, as_of, tz, unit
        As for ``replay``.

    Returns
    -------
    Replayed
        What follows from them is computed when it is asked for.
    """
    events = read_events(source, invites=False, tz=tz, unit=unit)
    now = micros("as_of", as_of)
    calendar = calendar_of(events, campaign, now)
    return Replayed(campaign, now, events.ids, calendar, events.origin)
