"""One user's points as lots (积分批次): what is spent, expires, comes back.

Whole numbers only: instants are microseconds, an earning is known by its number.
Rules that are not obvious, and why:

- Spending takes the lot that expires first, so that the user loses least.
- A spending that is reversed in part gives back the latest-expiring of the lots
  it took first: of two lots the user gets back the one that lives longer.
- What was taken from a lot returns to that very lot, with its old end. A lot that
  has ended by then gives nothing back, unless it ended within the reinstatement
  window: then the points live for another window, as a part of their own.
- An earning that is reversed loses what is left of it, the part that expires
  first, or has expired, before the others; what was spent already is owed. What
  is owed is paid at once from what can be spent, later from what becomes so, in
  the order of spending: nobody owes points and has some to spend. What returns
  to a lot first pays what that lot itself still owes.
"""

from __future__ import annotations

import heapq
from bisect import insort
from typing import TYPE_CHECKING

from wxengage.segments.points.facts import too_few, too_much

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "EARNED",
    "REINSTATED",
    "REVERSED",
    "SPENT",
    "Part",
    "Purse",
    "replay",
    "too_few",
]

#: Codes of the kinds of facts, in their order at one and the same instant.
EARNED, SPENT, REVERSED, REINSTATED = range(4)


class Part:
    """Points of one earning that have the same end."""

    __slots__ = ("available", "earning", "expires", "held", "left")

    def __init__(self, earning: int, left: int, available: int, expires: int) -> None:
        self.earning = earning
        self.left = left
        self.available = available
        self.expires = expires
        # Whether it is in one of the purse's lists.
        self.held = False

    @property
    def key(self) -> tuple[int, int, int]:
        """The order of spending."""
        return self.expires, self.available, self.earning


class Purse:
    """The lots of one user; every call is at an instant not before the last one.

    Attributes
    ----------
    earned, spent, reversed
        Points so far; ``spent`` is net of what was reversed.
    """

    def __init__(self, window: int | None) -> None:
        """Begin without points.

        Parameters
        ----------
        window
            For how long after its end a lot can be revived, microseconds.
        """
        self.earned = self.spent = self.reversed = 0
        self._window = window
        self._ready: list[tuple[int, int, int, int, Part]] = []
        self._waiting: list[tuple[int, int, int, int, Part]] = []
        self._lapsed: list[Part] = []
        self._parts: dict[int, list[Part]] = {}
        self._standing: dict[int, int] = {}
        self._taken: dict[int, list[tuple[Part, int]]] = {}
        self._debts: dict[int, int] = {}
        self._count = 0

    # What there is.

    @property
    def available(self) -> int:
        """Points that can be spent."""
        return sum(entry[-1].left for entry in self._ready)

    @property
    def pending(self) -> int:
        """Points that cannot be spent yet."""
        return sum(entry[-1].left for entry in self._waiting)

    @property
    def expired(self) -> int:
        """Points that ended unspent."""
        return sum(part.left for part in self._lapsed)

    @property
    def owed(self) -> int:
        """Points that were spent and then taken back, and not paid yet."""
        return sum(self._debts.values())

    def parts(self) -> Iterator[Part]:
        """Return the parts that can be spent, now or later, with points left."""
        for entry in (*self._ready, *self._waiting):
            if entry[-1].left:
                yield entry[-1]

    def left_of(self, fact: int) -> int:
        """Return how many points of an earning or a spending are not reversed yet."""
        if fact in self._taken:
            return sum(points for _, points in self._taken[fact])
        return self._standing[fact]

    # What happens.

    def advance(self, now: int) -> None:
        """Let time pass: lots become available, and end."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            part = heapq.heappop(waiting)[-1]
            part.held = False
            if part.expires <= part.available:
                self._lapse(part)
            else:
                # It pays what is owed before it may end.
                self._hold(part)
                self._settle(part.available)
        self._drop(now)

    def earn(self, fact: int, points: int, available: int, expires: int) -> None:
        """Add a lot, which the next ``advance`` looks at."""
        part = Part(fact, points, available, expires)
        self._parts[fact] = [part]
        self._standing[fact] = points
        self.earned += points
        self._wait(part)

    def spend(self, fact: int, points: int) -> bool:
        """Take points, or nothing and return False where there are too few."""
        taken = list(self._take(points))
        if sum(part for _, part in taken) < points:
            for part, back in taken:
                part.left += back
            return False
        self._taken[fact] = taken
        self.spent += points
        return True

    def reverse(self, fact: int, points: int, now: int) -> None:
        """Take back points of an earning or a spending, at most ``left_of`` it."""
        if fact in self._taken:
            self._reverse_spending(fact, points, now)
        else:
            self._reverse_earning(fact, points, now)

    def reinstate(self, now: int) -> None:
        """Revive what ended within the window."""
        lapsed, self._lapsed = self._lapsed, []
        for part in lapsed:
            part.held = False
            if part.left and self._revivable(part, now):
                points, part.left = part.left, 0
                self._revive(part, points, now)
            elif part.left:
                self._lapse(part)
        self._settle(now)

    # How.

    def _reverse_earning(self, fact: int, points: int, now: int) -> None:
        self._standing[fact] -= points
        self.reversed += points
        for part in sorted(self._parts[fact], key=lambda part: part.key):
            taken = min(part.left, points)
            part.left -= taken
            points -= taken
        if points:
            self._debts[fact] = self._debts.get(fact, 0) + points
            self._settle(now)

    def _reverse_spending(self, fact: int, points: int, now: int) -> None:
        self.spent -= points
        taken = self._taken[fact]
        while points:
            part, had = taken.pop()
            back = min(had, points)
            points -= back
            if had > back:
                taken.append((part, had - back))
            self._give_back(part, back, now)
        self._settle(now)

    def _wait(self, part: Part) -> None:
        part.held = True
        self._count += 1
        wake = min(part.available, part.expires)
        entry = (wake, part.expires, part.earning, self._count, part)
        heapq.heappush(self._waiting, entry)

    def _hold(self, part: Part) -> None:
        part.held = True
        self._count += 1
        insort(self._ready, (*part.key, self._count, part))

    def _lapse(self, part: Part) -> None:
        part.held = True
        self._lapsed.append(part)

    def _drop(self, now: int) -> None:
        """Take the ended, and the empty at the front, from what can be spent."""
        ready, gone = self._ready, 0
        for entry in ready:
            part = entry[-1]
            if part.left and part.expires > now:
                break
            gone += 1
            part.held = False
            if part.left:
                self._lapse(part)
        if gone:
            del ready[:gone]

    def _take(self, points: int) -> Iterator[tuple[Part, int]]:
        """Take points that are there, in the order of spending."""
        for entry in self._ready:
            if not points:
                return
            part = entry[-1]
            if part.left:
                taken = min(part.left, points)
                part.left -= taken
                points -= taken
                yield part, taken

    def _settle(self, now: int) -> None:
        """Pay what is owed from what can be spent, the oldest debt first."""
        if not self._debts:
            return
        self._drop(now)
        paid = min(self.owed, self.available)
        for _ in self._take(paid):
            pass
        for earning in list(self._debts):
            part = min(self._debts[earning], paid)
            paid -= part
            self._debts[earning] -= part
            if not self._debts[earning]:
                del self._debts[earning]

    def _give_back(self, part: Part, points: int, now: int) -> None:
        owed = min(points, self._debts.get(part.earning, 0))
        if owed:
            self._debts[part.earning] -= owed
            if not self._debts[part.earning]:
                del self._debts[part.earning]
        points -= owed
        if not points:
            return
        if part.expires <= now and self._revivable(part, now):
            self._revive(part, points, now)
            return
        part.left += points
        if not part.held:
            if part.expires <= now:
                self._lapse(part)
            else:
                self._hold(part)

    def _revivable(self, part: Part, now: int) -> bool:
        return self._window is not None and now - part.expires <= self._window

    def _revive(self, old: Part, points: int, now: int) -> None:
        part = Part(old.earning, points, old.available, now + (self._window or 0))
        self._parts[old.earning].append(part)
        if part.available > now:
            self._wait(part)
        else:
            self._hold(part)


def replay(
    purse: Purse,
    facts: Iterable[tuple[int, int, int, int, int]],
    pending: int,
    name: Callable[[int], str],
) -> None:
    """Let facts happen to a purse.

    Parameters
    ----------
    purse
        Changed in place.
    facts
        In the order in which they happen: instant, kind, points (0: all that are
        left), number of the fact that is reversed, end of the lot.
    pending
        How long after it was earned a lot becomes available, microseconds.
    name
        What messages call a fact of that number.

    Raises
    ------
    InvalidInputError
        If more is spent than there is, or more reversed than there was.

    Notes
    -----
    ``O(log lots)`` a fact, and a step for each lot that a fact touches.
    """  # noqa: DOC501  the errors are made by functions of their own
    for fact, (at, kind, points, target, end) in enumerate(facts):
        purse.advance(at)
        if kind == EARNED:
            purse.earn(fact, points, at + pending, end)
        elif kind == REINSTATED:
            purse.reinstate(at)
        elif kind == REVERSED:
            left = purse.left_of(target)
            if not 0 < (points or left) <= left:
                raise too_much(f"{name(fact)}.points", points or None, left)
            purse.reverse(target, points or left, at)
        elif not purse.spend(fact, points):
            raise too_few(f"{name(fact)}.points", points, purse.available, at)
