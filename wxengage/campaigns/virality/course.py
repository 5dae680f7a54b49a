"""The engine of the simulator (裂变模拟): a campaign on its way, day by day.

Nobody is looped over. Counts of invites and their delays are drawn as totals and
dealt out by shuffling, which is exact: within a day, people differ in nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole: TypeAlias = NDArray[np.int64]
    Places: TypeAlias = NDArray[np.int32]
    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["MOST_INVITES", "Course", "Fakes", "require_share"]

Ended = Literal["extinct", "days", "participants", "budget"]
#: Nobody brings as many.
MOST_INVITES: Final = 1_000_000


def _share(_: object, field: attrs.Attribute[float], got: float) -> None:
    require_share(field.name, got)


def require_share(name: str, got: float) -> None:
    """Refuse what is no share from 0 to 1."""
    number = isinstance(got, (int, float)) and not isinstance(got, bool)
    if not (number and 0 <= got <= 1):
        raise InvalidInputError(name, got, "a share from 0 to 1")


def _above_zero(_: object, field: attrs.Attribute[int], got: object) -> None:
    require_whole(field.name, got, least=1, most=MOST_INVITES)


@attrs.frozen
class Fakes:
    """Participants who invite accounts of their own (刷量).

    Attributes
    ----------
    share
        Of the participants, from 0 to 1.
    each
        Accounts that one of them brings on the day of joining. They invite nobody.
    caught
        Share of these accounts that are not counted, from 0 to 1.
    """

    share: float = attrs.field(validator=_share)
    each: int = attrs.field(validator=_above_zero)
    caught: float = attrs.field(default=0.0, validator=_share, kw_only=True)


@attrs.define(eq=False)
class Course:
    """A campaign on its way: who is there, and which invites are to come.

    Attributes
    ----------
    shares, delays, owed
        Probability of each count of invites, of each delay, and fen due.
    audience, unfollow, fakes, budget, rng
        As given to ``simulate``; no budget is an infinite one.
    most
        Participants there may be.
    """

    shares: Floats
    delays: Floats
    owed: Whole
    audience: int | None
    unfollow: float
    fakes: Fakes
    budget: float
    rng: np.random.Generator
    most: int
    size: int = 0
    inviter: Places = attrs.field(init=False)
    level: NDArray[np.int16] = attrs.field(init=False)
    day: NDArray[np.int16] = attrs.field(init=False)
    invites: Places = attrs.field(init=False)
    waiting: list[list[Places]] = attrs.field(init=False)
    daily: Whole = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Pages that nobody writes to are not taken.
        self.inviter = np.empty(self.most, dtype=np.int32)
        self.level = np.empty(self.most, dtype=np.int16)
        self.day = np.empty(self.most, dtype=np.int16)
        self.invites = np.zeros(self.most, dtype=np.int32)
        self.waiting = [[] for _ in range(len(self.delays))]
        self.daily = np.zeros((4, len(self.delays)), dtype=np.int64)

    def play(self, seeds: int, full: Ended) -> Ended:
        """Let the campaign take its course from day 0 on, and return what ends it."""
        closed = self._join(0, np.full(seeds, -1, dtype=np.int32))
        ended: Ended = "days"
        for day in range(1, len(self.delays)):
            if closed or not any(map(len, self.waiting[day:])):
                ended = "budget" if closed else "extinct"
                break
            if self.size == self.most:
                ended = full
                break
            arrivals, self.waiting[day] = self.waiting[day], []
            if arrivals:
                closed = self._join(day, self._reached(np.concatenate(arrivals)))
        return "budget" if closed else ended

    def _reached(self, inviters: Places) -> Places:
        """Return the inviters of those who are still to be reached."""
        if self.audience is None:
            return inviters
        # Whoever has joined has the first numbers: which ones is all the same.
        target = self.rng.integers(0, self.audience, len(inviters), dtype=np.int32)
        fresh = target >= self.size
        inviters, target = inviters[fresh], target[fresh]
        target.sort()
        twice = int((target[1:] == target[:-1]).sum())
        if not twice:
            return inviters
        # Two invites to one person bring one: either inviter's, by chance.
        void = self.rng.choice(len(inviters), twice, replace=False, shuffle=False)
        return np.delete(inviters, void)

    def _join(self, day: int, inviters: Places) -> bool:
        """Let people join, and return whether the budget is spent."""
        room = self.most - self.size
        if len(inviters) > room:
            self.rng.shuffle(inviters)
            inviters = inviters[:room]
        wave = self._wave(day, inviters)
        left = self.budget - int(self.daily[3].sum())
        closed = wave.due(self) > left
        if closed:
            # The most that can still be paid, by halving; in random order.
            order = self.rng.permutation(len(inviters))
            low, high = 0, len(order)
            while high - low > 1:
                middle = (low + high) // 2
                fits = wave.part(order[:middle]).due(self) <= left
                low, high = (middle, high) if fits else (low, middle)
            wave = wave.part(order[:low])
        who, times, fakes = wave.who, wave.times, wave.fakes
        due, fake = wave.due(self), 0 if fakes is None else int(fakes.sum())
        self.invites[who] += times
        counted = int(times.sum()) + fake
        self.daily[:, day] += (len(wave.inviters), counted, fake, due)
        self._settle(day, wave)
        return closed

    def _wave(self, day: int, inviters: Places) -> Wave:
        """Decide of newcomers who stays, and who cheats."""
        m, stays, fakes = len(inviters), None, None
        if self.unfollow and day:
            stays = self.rng.random(m) >= self.unfollow
        if self.fakes.share:
            cheats = self.rng.random(m) < self.fakes.share
            if stays is not None:
                cheats &= stays
            fakes = np.zeros(m, dtype=np.int32)
            passed, number = 1 - self.fakes.caught, int(cheats.sum())
            fakes[cheats] = self.rng.binomial(self.fakes.each, passed, number)
        return Wave.of(inviters, stays, fakes)

    def _settle(self, day: int, wave: Wave) -> None:
        """Write newcomers down, and send out their invites."""
        first, after = self.size, self.size + len(wave.inviters)
        self.size = after
        self.inviter[first:after] = wave.inviters
        self.day[first:after] = day
        self.level[first:after] = self.level[wave.inviters] + 1 if day else 0
        if wave.fakes is not None:
            self.invites[first:after] = wave.fakes
        active = np.arange(first, after, dtype=np.int32)
        if wave.stays is not None:
            active = active[wave.stays]
        self.rng.shuffle(active)
        counts = self.rng.multinomial(len(active), self.shares)
        parts = np.split(active, np.cumsum(counts[:-1]))
        invites = np.concatenate(
            [np.repeat(part, n) for n, part in enumerate(parts) if len(part)]
            or [active[:0]]
        )
        self.rng.shuffle(invites)
        start = 0
        # The last share is of delays beyond the end; others pass it from here on.
        delays = self.rng.multinomial(len(invites), self.delays).tolist()
        for later, number in enumerate(delays[:-1], start=day + 1):
            if number and later < len(self.waiting):
                self.waiting[later].append(invites[start : start + number])
            start += number


@attrs.frozen(eq=False)
class Wave:
    """People about to join.

    Attributes
    ----------
    inviters
        Who invited each; -1 for seeds. Shape ``(m,)``.
    stays, fakes
        Who stays, and how many fakes of each are counted. None: all, and none.
    who, times
        Each inviter once, and how many of their invites count.
    """

    inviters: Places
    stays: NDArray[np.bool_] | None
    fakes: Places | None
    who: Places
    times: Places

    @classmethod
    def of(
        cls, inviters: Places, stays: NDArray[np.bool_] | None, fakes: Places | None
    ) -> Wave:
        """Return a wave with its inviters counted."""
        ordered = np.sort(inviters if stays is None else inviters[stays])
        ordered = ordered[int(ordered.searchsorted(0)) :]
        new = np.empty(len(ordered), dtype=np.bool_)
        new[:1] = True
        np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
        first = np.flatnonzero(new)
        times = np.diff(first, append=len(ordered)).astype(np.int32)
        return cls(inviters, stays, fakes, ordered[first], times)

    def part(self, places: Whole) -> Wave:
        """Return some of them."""
        return Wave.of(
            self.inviters[places],
            None if self.stays is None else self.stays[places],
            None if self.fakes is None else self.fakes[places],
        )

    def due(self, course: Course) -> int:
        """Return what becomes due when they join."""
        before = course.invites[self.who]
        rise = course.owed[before + self.times] - course.owed[before]
        cheated = 0 if self.fakes is None else int(course.owed[self.fakes].sum())
        return int(rise.sum()) + cheated
