"""What is kept about one participant of a challenge (打卡者): enough to judge anew.

Of each day the first and the last check-in and the last undoing: whatever comes in
between changes nothing. Make-ups are kept one by one, since each is an act that
costs something. Both are sets: the same event twice changes nothing, and any order
gives the same participant.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from wxengage.campaigns.checkins.acts import Act

__all__ = ["NOBODY", "Challenger", "CheckedDay", "MakeUp", "seen"]


@attrs.frozen
class CheckedDay:
    """What is known of one day of one user.

    Attributes
    ----------
    day
        The local day: days since 1970-01-01.
    first, last
        The first and the last check-in, in UTC; None: there was none.
    undone
        The last undoing, in UTC; None: there was none.
    """

    day: int
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    undone: dt.datetime | None = None

    @property
    def counted(self) -> dt.datetime | None:
        """The check-in by which the day counts; None: by none.

        The first one, or where that was undone the last one after it.
        """
        if self.first is None or self.last is None:
            return None
        if self.undone is None or self.first > self.undone:
            return self.first
        return self.last if self.last > self.undone else None

    def joined(self, act: Act) -> CheckedDay:
        """Return the day with one more check-in or undoing."""
        at = from_micros(act.at)
        if act.what == "undo":
            undone = at if self.undone is None else max(self.undone, at)
            return attrs.evolve(self, undone=undone)
        first = at if self.first is None else min(self.first, at)
        last = at if self.last is None else max(self.last, at)
        return attrs.evolve(self, first=first, last=last)


@attrs.frozen
class MakeUp:
    """A day was made up (补签): whether that counts is judged later.

    Attributes
    ----------
    day
        The local day made up.
    on
        The local day on which that was done.
    at
        When, in UTC.
    """

    day: int
    on: int
    at: dt.datetime


@attrs.frozen
class Challenger:
    """One participant of a challenge (打卡者).

    Attributes
    ----------
    clock
        The latest event that changed something.
    days
        By day.
    make_ups
        By instant, then by day.
    withdrawn
        Cycle, count and how often its reward was withdrawn, where that happened:
        the next grant is another generation.
    unmade
        Day and how often its make-up was taken back, where that happened.
    """

    clock: dt.datetime | None = None
    days: tuple[CheckedDay, ...] = ()
    make_ups: tuple[MakeUp, ...] = ()
    withdrawn: tuple[tuple[int, int, int], ...] = ()
    unmade: tuple[tuple[int, int], ...] = ()


NOBODY: Final = Challenger()


def _by_instant(one: MakeUp) -> tuple[int, int]:
    return micros("at", one.at), one.day


def seen(challenger: Challenger, act: Act) -> Challenger:
    """Fold an act into the participant whose act it is.

    Parameters
    ----------
    challenger
        Who it was.
    act
        What was done; not at fault.

    Returns
    -------
    Challenger
        The same object where nothing is new.
    """
    at = from_micros(act.at)
    clock = at if challenger.clock is None else max(challenger.clock, at)
    if act.what == "make_up":
        made = MakeUp(act.day, act.on, at)
        if made in challenger.make_ups:
            return challenger
        make_ups = tuple(sorted([*challenger.make_ups, made], key=_by_instant))
        return attrs.evolve(challenger, clock=clock, make_ups=make_ups)
    days = {one.day: one for one in challenger.days}
    before = days.get(act.day, CheckedDay(act.day))
    after = before.joined(act)
    if after == before:
        return challenger
    days[act.day] = after
    ordered = tuple(days[day] for day in sorted(days))
    return attrs.evolve(challenger, clock=clock, days=ordered)
