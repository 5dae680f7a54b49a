"""Levels of many users, a step of all of them at a time (批量会员等级).

Each step takes every user who is not done to the next instant at which the level
may change: a review, the first earning that reaches the next threshold, or a
refund where these are looked at. All else is passed over, so that the number of
steps is that of the liveliest user's reviews and changes, not of facts.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.log.runs import NEVER
from wxengage.segments.points.validity import FOREVER, DayTable, Months, later_months
from wxengage.segments.tiers.policy import SinceTierStart, TierPolicy, period_starts
from wxengage.times.zones import MICROS_PER_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.segments.tiers.sums import TierPoints

__all__ = ["Crowd"]

_MICRO: Final = dt.timedelta(microseconds=1)
# A month or year of review begins within so many days.
_A_YEAR: Final = 367


class Crowd:
    """All users on their way; columns have shape ``(users,)``.

    Attributes
    ----------
    level
        Of each user.
    since, expires
        Microseconds since 1970; ``NEVER`` and ``FOREVER`` for none.
    """

    def __init__(self, points: TierPoints, policy: TierPolicy, now: int) -> None:
        """Put every user at the start.

        Parameters
        ----------
        points
            What all of them earned.
        policy
            The rules.
        now
            Where the way ends, microseconds since 1970.
        """
        users = len(points.first) - 1
        self._points, self._policy, self._now = points, policy, now
        low = int(points.at.min()) if points.at.size else now
        ahead = policy.valid_for.at_most_days if policy.valid_for else 0
        high = now + max(ahead, _A_YEAR) * MICROS_PER_DAY + policy.grace // _MICRO
        self._days = DayTable(policy.clock, low, high)
        self._thresholds = np.array(policy.thresholds, dtype=np.int64)
        self._end = points.first[1:]
        self._next = points.first[:-1].copy()
        self.level = np.zeros(users, dtype=np.int64)
        self.since, self._lowered = np.full(users, NEVER), np.full(users, NEVER)
        self.expires = np.full(users, FOREVER)
        # Instants: where the present period began, where the window began in which
        # the level was gained or last kept, and the one that grace has left open.
        self._begin, self._base = self._next.copy(), self._next.copy()
        self._open = np.full(users, -1)
        self._look_up_days()
        there = np.flatnonzero(self._next < self._end)
        self.since[there] = points.at[self._next[there]]
        self.expires[there] = self._next_review(there, self.since[there])
        self._look_ahead()

    def _look_up_days(self) -> None:
        """Ask the calendar once for each day, however many reviews there are."""
        policy, days = self._policy, self._days
        if not isinstance(policy.qualify, SinceTierStart):
            first = policy.qualify.first_days(days.every)
            self._window_ranks = self._points.ranks(days.starts(first))
        if policy.review != "expiry":
            length = 1 if policy.review == "month" else 12
            begin = later_months(period_starts(policy, days.every), length)
            # The last ones lie beyond the table, and beyond what is asked.
            self._next_periods = days.starts(np.minimum(begin, days.every[-1]))

    def _look_ahead(self) -> None:
        """Find the instants that may matter, as far as that needs no state."""
        points, policy = self._points, self._policy
        levels = range(1, len(policy.thresholds) + 1)
        self._rises: list[NDArray[np.int64]] = []
        if policy.upgrade == "immediate" and not isinstance(
            policy.qualify, SinceTierStart
        ):
            self._starts = self._window(points.user, points.at)
            self._values = points.values(self._starts)
            reached = np.searchsorted(self._thresholds, self._values, side="right")
            self._rises = [np.flatnonzero(reached >= level) for level in levels]

    def run(self) -> None:
        """Take everybody to the end."""
        active = np.flatnonzero(self._next < self._end)
        while active.size:
            stop = self._next_stop(active)
            at = np.full(len(active), FOREVER)
            ahead = stop < self._end[active]
            at[ahead] = self._points.at[stop[ahead]]
            due = self.expires[active]
            review = (due <= at) & (due <= self._now)
            fact = ahead & ~review
            if fact.any():
                self._take(active[fact], stop[fact])
            if review.any():
                self._judge(active[review])
            active = active[review | fact]

    # Which instant is next.

    def _next_stop(self, users: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the next instant at which facts may change the level, or the end."""
        policy, points = self._policy, self._points
        after, end = self._next[users], self._end[users]
        stop = end.copy()
        if policy.upgrade == "immediate" and self._rises:
            for level, rises in enumerate(self._rises):
                here = self.level[users] == level
                stop[here] = _first_from(rises, after[here], end[here])
        elif policy.upgrade == "immediate":
            stop = self._next_rise(users, after, end)
        if policy.refund_recheck:
            refund = _first_from(points.refunded, after, end)
            stop = np.where(self.level[users] > 0, np.minimum(stop, refund), stop)
        return stop

    def _next_rise(
        self,
        users: NDArray[np.int64],
        after: NDArray[np.int64],
        end: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return where points since the period began reach the next level."""
        points, level = self._points, self.level[users]
        stop = end.copy()
        below = level < len(self._thresholds)
        needed = self._thresholds[level[below]]
        target = points.sums[self._begin[users[below]]] + needed
        place = np.searchsorted(points.sums, target) - 1
        stop[below] = np.minimum(np.maximum(place, after[below]), end[below])
        # With refunds sums may fall: such users are looked at fact by fact.
        return np.where(below & points.has_refunds(users), after, stop)

    # What happens.

    def _take(self, users: NDArray[np.int64], stop: NDArray[np.int64]) -> None:
        """Let the facts of one instant of each user happen."""
        points, policy = self._points, self._policy
        self._next[users] = stop + 1
        level = self.level[users]
        falls = np.zeros(len(users), dtype=np.bool_)
        rises = falls.copy()
        reached, base = level.copy(), self._base[users]
        if policy.upgrade == "immediate":
            start = self._starts[stop] if self._rises else self._begin[users]
            value = points.value(users, start, stop + 1)
            reached = np.searchsorted(self._thresholds, value, side="right")
            rises = reached > level
        if policy.refund_recheck and policy.downgrade != "never":
            after = points.value(users, base, stop + 1)
            before = after + points.refunds(users, base, stop, stop + 1)
            threshold = self._threshold(level)
            falls = (level > 0) & ~rises & (after < threshold) & (threshold <= before)
            reached = np.where(rises, reached, self._lower(level, after))
        moves = rises | falls
        user, at = users[moves], points.at[stop[moves]]
        self._lowered[users[falls]] = points.at[stop[falls]]
        if policy.upgrade == "immediate":
            self._base[users[rises]] = start[rises]
        self.level[user], self.since[user] = reached[moves], at
        self._begin[user], self._open[user] = stop[moves] + 1, -1
        self.expires[user] = self._next_review(user, at)

    def _judge(self, users: NDArray[np.int64]) -> None:
        """Hold one review of each user, of what was earned before it."""
        points, policy = self._points, self._policy
        at, level = self.expires[users], self.level[users]
        end = points.place(users, points.ranks(at))
        self._next[users] = np.maximum(self._next[users], end)
        start = self._review_start(users, at)
        value = points.value(users, start, end)
        reached = np.searchsorted(self._thresholds, value, side="right")
        rises = (reached > level) & (policy.upgrade == "periodic")
        fails = ~rises & ~self._is_safe(users, at) & (value < self._threshold(level))
        waits = fails & (self._open[users] < 0) & (policy.grace > dt.timedelta(0))
        falls = fails & ~waits
        self._open[users[waits]] = start[waits]
        self.expires[users[waits]] = at[waits] + policy.grace // _MICRO
        self.level[users[rises]] = reached[rises]
        self.level[users[falls]] = self._lower(level, value)[falls]
        self._lowered[users[falls]] = at[falls]
        moves = rises | falls
        self.since[users[moves]] = at[moves]
        new = users[~waits]
        self._begin[new], self._base[new] = end[~waits], start[~waits]
        self._open[new] = -1
        self.expires[new] = self._next_review(new, at[~waits], reviewed=True)
        self._skip(users[~waits & ~moves])

    def _skip(self, users: NDArray[np.int64]) -> None:
        """Pass over reviews at which nothing can change."""
        if self._policy.downgrade != "never":
            users = users[self.level[users] == 0]
        # Without new facts no later review can find more points.
        ahead = self._next[users] < self._end[users]
        until = np.full(len(users), self._now)
        until[ahead] = self._points.at[self._next[users[ahead]]]
        again = self.expires[users] <= until
        if again.any():
            users, until = users[again], until[again]
            self.expires[users] = self._last_review(self.expires[users], until)

    def _lower(
        self, level: NDArray[np.int64], value: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the level to which one falls."""
        if self._policy.downgrade == "one_down":
            return level - 1
        return np.searchsorted(self._thresholds, value, side="right")

    def _threshold(self, level: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.append(0, self._thresholds)[level]

    def _is_safe(
        self, users: NDArray[np.int64], at: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return whether a review cannot lower the level."""
        policy = self._policy
        safe = np.full(len(users), policy.downgrade == "never")
        safe |= self.level[users] == 0
        fell = np.flatnonzero(self._lowered[users] != NEVER)
        lowered, now = self._lowered[users[fell]], at[fell]
        if isinstance(policy.min_gap, Months):
            free = later_months(self._days.days(lowered), policy.min_gap.n)
            safe[fell] |= self._days.days(now) < free
        elif policy.min_gap is not None:
            safe[fell] |= now - lowered < policy.min_gap // _MICRO
        return safe

    # When.

    def _window(
        self, users: NDArray[np.int64], at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return where the window begins that ends with the day of an instant."""
        if isinstance(self._policy.qualify, SinceTierStart):
            return self._begin[users]
        return self._points.place(users, self._window_ranks[self._days.places(at)])

    def _review_start(
        self, users: NDArray[np.int64], at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        still_open = self._open[users]
        return np.where(still_open < 0, self._window(users, at - 1), still_open)

    def _next_review(
        self, users: NDArray[np.int64], at: NDArray[np.int64], *, reviewed: bool = False
    ) -> NDArray[np.int64]:
        """Return the first review after a period began, by a review or by facts."""
        policy, days = self._policy, self._days
        if policy.review == "expiry" and policy.valid_for is None:
            return np.full(len(users), FOREVER)
        if policy.review == "expiry" and policy.valid_for is not None:
            found = policy.valid_for.ends(at - 1 if reviewed else at, days)
        else:
            found = self._next_periods[days.places(at)]
        if policy.upgrade == "immediate":
            found = np.where(self.level[users] == 0, FOREVER, found)
        return found

    def _last_review(
        self, at: NDArray[np.int64], until: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the last review by an instant, if the one ``at`` and all renew."""
        policy, days = self._policy, self._days
        today, valid_for = days.days(until), policy.valid_for
        if policy.review != "expiry" or valid_for is None:
            return days.starts(period_starts(policy, today))
        last = days.days(at - 1)
        unit, n = valid_for.length
        if unit == "days" and valid_for.until == "day":
            return days.starts(last + (today - 1 - last) // n * n + 1)
        while True:
            later = valid_for.last_days(last)
            fits = later < today
            if not fits.any():
                return days.starts(last + 1)
            last = np.where(fits, later, last)

    # What to tell.

    def needed(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the points needed to keep and to rise, NaN at the top."""
        policy, points, end = self._policy, self._points, self._end
        users = np.arange(len(self.level))
        keep = np.zeros(len(users), dtype=np.int64)
        rise = np.full(len(users), np.nan)
        due = self.expires != FOREVER
        judged = np.zeros(len(users), dtype=np.int64)
        judged[due] = self._review_start(users[due], self.expires[due])
        held = users[due][~self._is_safe(users[due], self.expires[due])]
        lack = self._threshold(self.level[held])
        lack -= points.value(held, judged[held], end[held])
        keep[held] = np.maximum(lack, 0)
        below = users[self.level < len(self._thresholds)]
        start = self._window(below, np.full(len(below), self._now))
        if policy.upgrade == "periodic":
            start = np.where(due[below], judged[below], start)
        lack = self._thresholds[self.level[below]]
        rise[below] = np.maximum(lack - points.value(below, start, end[below]), 0)
        return keep, rise


def _first_from(
    instants: NDArray[np.int64], after: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the first of some instants at or behind each place, at most the end."""
    found: NDArray[np.int64] = np.append(instants, FOREVER)
    return np.minimum(found[np.searchsorted(instants, after)], end)
