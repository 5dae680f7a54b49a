"""A user's level (会员等级): reached, kept and lost, by facts and reviews alone.

The fold steps from fact to fact and from review to review, never from day to day,
and where nothing can change any more it goes straight to the end.
"""

from __future__ import annotations

import datetime as dt
import itertools
from bisect import bisect_left
from typing import TYPE_CHECKING

import attrs

from wxengage.errors import InvalidInputError
from wxengage.segments.points.facts import (
    Earned,
    Fact,
    Reversed,
    in_order,
    targets_of,
    too_much,
)
from wxengage.segments.points.validity import Months, instant
from wxengage.segments.tiers.policy import (
    SinceTierStart,
    TierPolicy,
)
from wxengage.times.calendars import add_months
from wxengage.times.zones import from_micros

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TierState", "tier_state"]

_MICRO = dt.timedelta(microseconds=1)


@attrs.frozen
class TierState:
    """Where a user stands (等级状态).

    Attributes
    ----------
    level
        0 is below the first threshold.
    since
        When the level was reached; for level 0 from the start, the first earning.
        None where nothing was ever earned.
    expires
        The next review: of the level, or within grace of what is to become of it.
        None where none will come.
    needed_to_keep
        Points still to be earned before ``expires`` to keep the level, counting
        only what will still count then. 0 where it is safe.
    needed_to_rise
        Points to be earned now to reach the next level at once; with periodic
        upgrades those still to be earned before ``expires`` to reach it then. None
        at the top.
    """

    level: int
    since: dt.datetime | None
    expires: dt.datetime | None
    needed_to_keep: int
    needed_to_rise: int | None


def tier_state(
    points: Iterable[Fact], policy: TierPolicy, as_of: dt.datetime
) -> TierState:
    """Work out one user's level.

    Parameters
    ----------
    points
        What the user earned and what of it was taken back: ``Earned`` and
        ``Reversed``, in any order; the same fact twice counts once. Spendings,
        what reverses them, and reinstatements say nothing about levels and may be
        among them.
    policy
        The rules.
    as_of
        The instant, aware; later facts are ignored.

    Returns
    -------
    TierState
        After the facts and reviews up to and at ``as_of``.

    Raises
    ------
    InvalidInputError
        If more of an earning is reversed than there was, a reversal comes before
        what it reverses, or two facts share an id.

    Notes
    -----
    A reversal takes its points out of the earning that it reverses, from its own
    instant on: what was decided before stands (unless ``refund_recheck``), and a
    window that no longer holds the earning does not feel the refund either. At the
    same instant a review comes before facts, and facts are taken together.
    ``O(log n)`` a fact and a review. ``tier_states`` is the same for many users.

    Examples
    --------
    >>> from wxengage.segments.tiers import Earned, TierPolicy, Validity
    >>> at = dt.datetime.fromisoformat("2026-03-01T12:00+08:00")
    >>> policy = TierPolicy((100, 500), valid_for=Validity(years=1))
    >>> found = tier_state([Earned("a", at, 120)], policy, at)
    >>> found.level, found.needed_to_keep, found.needed_to_rise
    (1, 100, 380)
    """
    now = instant("as_of", as_of)
    if not isinstance(policy, TierPolicy):
        raise InvalidInputError("policy", policy, "a TierPolicy")
    earnings, changes = _changes(in_order(points, now))
    course = _Course(policy, earnings)
    for at, together in itertools.groupby(changes, key=lambda change: change[0]):
        course.review_until(at)
        course.take(at, [(earning, n) for _, earning, n in together])
    course.review_until(now)
    return course.state(now)


def _changes(facts: list[Fact]) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Return when each earning was, and (instant, earning, points) of each change."""
    earnings: list[int] = []
    changes: list[tuple[int, int, int]] = []
    number: dict[int, int] = {}
    left: list[int] = []
    for place, (fact, target) in enumerate(zip(facts, targets_of(facts), strict=True)):
        at = instant("at", fact.at)
        if isinstance(fact, Earned):
            number[place] = len(earnings)
            earnings.append(at)
            left.append(fact.points)
            changes.append((at, number[place], fact.points))
        elif isinstance(fact, Reversed) and target in number:
            earning = number[target]
            points = left[earning] if fact.points is None else fact.points
            if not 0 < points <= left[earning]:
                name = f"reversed {fact.id!r}.points"
                raise too_much(name, fact.points, left[earning])
            left[earning] -= points
            changes.append((at, earning, -points))
    return earnings, changes


class _Course:
    """The way of one user through the levels; instants are microseconds."""

    def __init__(self, policy: TierPolicy, earnings: list[int]) -> None:
        self.policy = policy
        self.earnings = earnings
        self.sums = [0] * (len(earnings) + 1)
        self.level = 0
        self.since: int | None = None
        self.expires: int | None = None
        self.lowered: int | None = None
        # Where the present period began, where the window began in which the level
        # was gained or last kept, and where the one that grace has left open.
        self.begin = self.base = 0
        self.open_since: int | None = None

    # What counts.

    def change(self, earning: int, points: int) -> None:
        """Add points to an earning, in a tree of partial sums (Fenwick)."""
        place = len(self.earnings) - earning  # from the last one on
        while place < len(self.sums):
            self.sums[place] += points
            place += place & -place

    def value(self, start: int) -> int:
        """Return the points known so far that were earned at ``start`` or later."""
        place = len(self.earnings) - bisect_left(self.earnings, start)
        total = 0
        while place:
            total += self.sums[place]
            place -= place & -place
        return total

    def window_start(self, at: int) -> int:
        """Return where the window begins that ends at an instant, or with its day."""
        qualify, clock = self.policy.qualify, self.policy.clock
        if isinstance(qualify, SinceTierStart):
            return self.begin
        return clock.start_of(clock.of_date(qualify.first_day(self.date(at))))

    def date(self, at: int) -> dt.date:
        """Return the local date of an instant."""
        clock = self.policy.clock
        return clock.date(clock.day(from_micros(at)))

    # What happens.

    def take(self, at: int, changes: list[tuple[int, int]]) -> None:
        """Let the facts of one instant happen."""
        policy = self.policy
        for earning, points in changes:
            self.change(earning, points)
        if self.since is None:
            self.since = at
            self.expires = self.next_review(at)
        start = self.window_start(at)
        reached = policy.level_of(self.value(start))
        if policy.upgrade == "immediate" and reached > self.level:
            self.move(reached, at, start)
        elif policy.refund_recheck and policy.downgrade != "never":
            after = self.value(self.base)
            refunded = -sum(
                min(points, 0)
                for earning, points in changes
                if self.earnings[earning] >= self.base
            )
            if self.level and after < self.threshold <= after + refunded:
                one_down = policy.downgrade == "one_down"
                lower = self.level - 1 if one_down else policy.level_of(after)
                self.lowered = at
                self.move(lower, at, self.base)

    def move(self, level: int, at: int, base: int) -> None:
        """Change the level because of facts; these count no more since its start."""
        self.level, self.since = level, at
        self.begin, self.base, self.open_since = at + 1, base, None
        self.expires = self.next_review(at)

    def review_until(self, until: int) -> None:
        """Hold the reviews up to an instant."""
        while self.expires is not None and self.expires <= until:
            before = self.level
            self.judge(self.expires)
            steady = self.level == 0 or self.policy.downgrade == "never"
            if steady and self.level == before and self.expires is not None:
                # Without new facts no later review can find more points.
                self.expires = self.last_review(self.expires, until)

    def judge(self, at: int) -> None:
        """Hold one review, of what was earned before it."""
        policy = self.policy
        start = self.review_start(at)
        value = self.value(start)
        reached = policy.level_of(value)
        if policy.upgrade == "periodic" and reached > self.level:
            self.level, self.since = reached, at
        elif not (self.is_safe(at) or value >= self.threshold):
            if policy.grace and self.open_since is None:
                self.open_since = start
                self.expires = at + policy.grace // _MICRO
                return
            self.level = self.level - 1 if policy.downgrade == "one_down" else reached
            self.since = self.lowered = at
        self.begin, self.base, self.open_since = at, start, None
        self.expires = self.next_review(at, reviewed=True)

    # When.

    @property
    def threshold(self) -> int:
        """Points of the present level, which is not level 0."""
        return self.policy.thresholds[self.level - 1]

    def review_start(self, at: int) -> int:
        """Return where the window of a review begins."""
        return self.window_start(at - 1) if self.open_since is None else self.open_since

    def is_safe(self, at: int) -> bool:
        """Return whether a review cannot lower the level."""
        policy = self.policy
        if self.level == 0 or policy.downgrade == "never":
            return True
        if policy.min_gap is None or self.lowered is None:
            return False
        if isinstance(policy.min_gap, Months):
            free = add_months(self.date(self.lowered), policy.min_gap.n)
            return self.date(at) < free
        return at - self.lowered < policy.min_gap // _MICRO

    def next_review(self, at: int, *, reviewed: bool = False) -> int | None:
        """Return the first review after a period began, by a review or by facts."""
        policy, clock = self.policy, self.policy.clock
        if self.level == 0 and policy.upgrade == "immediate":
            return None
        if policy.review == "expiry":
            # After a review the last day of the old period is counted from, or
            # every renewal would move the end by a day.
            first = at - 1 if reviewed else at
            valid_for = policy.valid_for
            return None if valid_for is None else valid_for.end_of(first, clock)
        begin = self.period_start(self.date(at))
        length = 1 if policy.review == "month" else 12
        return clock.start_of(clock.of_date(add_months(begin, length)))

    def period_start(self, date: dt.date) -> dt.date:
        """Return the first day of the month or year of review of a date."""
        if self.policy.review == "month":
            return date.replace(day=1)
        return self.policy.year.first_day(date)

    def last_review(self, at: int, until: int) -> int:
        """Return the last review by an instant, if the one ``at`` and all renew."""
        policy, clock = self.policy, self.policy.clock
        if at > until:
            return at
        today = self.date(until)
        if policy.review != "expiry" or policy.valid_for is None:
            return clock.start_of(clock.of_date(self.period_start(today)))
        last = self.date(at - 1)
        unit, n = policy.valid_for.length
        if unit == "days" and policy.valid_for.until == "day":
            ahead = (today - last).days - 1
            last += dt.timedelta(days=ahead - ahead % n)
        else:
            while (later := policy.valid_for.last_day(last)) < today:
                last = later
        return clock.start_of(clock.of_date(last) + 1)

    # What to tell.

    def state(self, now: int) -> TierState:
        """Return where the user stands."""
        policy, tz = self.policy, self.policy.clock.zone
        keep, rise = 0, None
        if self.expires is not None and not self.is_safe(self.expires):
            counting = self.value(self.review_start(self.expires))
            keep = max(self.threshold - counting, 0)
        if self.level < len(policy.thresholds):
            start = self.window_start(now)
            if policy.upgrade == "periodic" and self.expires is not None:
                start = self.review_start(self.expires)
            rise = max(policy.thresholds[self.level] - self.value(start), 0)
        return TierState(
            level=self.level,
            since=None if self.since is None else from_micros(self.since, tz),
            expires=None if self.expires is None else from_micros(self.expires, tz),
            needed_to_keep=keep,
            needed_to_rise=rise,
        )
