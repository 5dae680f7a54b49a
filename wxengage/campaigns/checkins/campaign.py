"""The definition of a check-in challenge (打卡活动): which days count, and for what."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping  # noqa: TC003  the codec reads the annotations
from typing import Any, Final, Literal, get_args

import attrs

from wxengage.campaigns.checkins.acts import act_of, fault_of
from wxengage.campaigns.checkins.judging import judged
from wxengage.campaigns.checkins.people import NOBODY, Challenger, seen
from wxengage.campaigns.checkins.risks import AtRisk, Progress, at_risk_of, progress_of
from wxengage.campaigns.checkins.terms import (
    LONGEST,
    KofN,
    Milestone,
    are_milestones,
    require_clock,
    require_cost,
    require_date,
    require_milestones,
    require_reward,
)
from wxengage.campaigns.definitions import require_all, require_word
from wxengage.campaigns.rungs import amount_of
from wxengage.campaigns.states import State, Tick, require_event, require_period
from wxengage.errors import INT64_MAX, InvalidInputError, require_id, require_whole
from wxengage.log.events import Event
from wxengage.money import Cash, Points, Reward
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

__all__ = ["CheckIn"]

Mode = Literal["reset", "cycle"]
Unit = Literal["cash", "points"]

_WEEK: Final = 7
_LEAD: Final = dt.timedelta(hours=2)


@attrs.frozen
class CheckIn:
    """Whoever checks in day after day is rewarded (打卡挑战).

    Days are local days of ``clock``, counted through month ends, leap days and
    changes of the clock. A day has a check-in or not: the second one of a day
    changes nothing. What events say:

    - a ``check_in`` of this campaign counts for the local day of its ``at``;
    - a ``check_in`` whose ``item`` is the ISO date of another day makes that day
      up (补签); see ``make_up``. Any other ``item`` is the application's own;
    - a ``void`` whose ``item`` is an ISO date takes back what was checked in
      or made up for that day until then (撤销); see ``undo``.

    Attributes
    ----------
    id
        The name by which events tell it.
    reward
        For completing it; None where the milestones are all there is.
    opens, closes
        Check-ins count at ``opens <= at < closes``, to the microsecond.
    streak
        ``"reset"``: ``days`` days in a row complete it, once; whoever misses a day
        begins anew, and keeps the milestones reached. ``"cycle"``: the same again
        and again; the day after the last one is day 1 of the next cycle. A miss
        begins the same cycle anew, whose milestones are not paid a second time.
        ``KofN(k, n)``: ``k`` days within any ``n`` days in a row complete it.
    days
        How many days complete it. With ``KofN`` that is ``k``.
    milestones
        What the days before the last one add, by day.
    freezes
        How many missed days are forgiven (保护卡), for the whole campaign. They
        are used by themselves, in the order of the days: a missed day takes one
        and does not end the streak, nor does it add to it. Without another one
        the streak ends; freezes that were used for it in vain are gone.
    make_ups
        How many days may be made up in one calendar month (补签), the month in
        which that is done; the earliest are taken. A made-up day counts as if it
        had been checked in.
    look_back
        How many days after the day it can still be made up, at least 1.
    make_ups_until
        Until when, not included; None: until ``closes``. May be later.
    make_up_cost
        What one make-up costs the user, for the application to charge. Facts say
        when, and when it is returned.
    clock
        Whose days count, and when they begin.

    Raises
    ------
    InvalidInputError
        If fields break their rules: all faults at once.

    Notes
    -----
    Nobody can make up a day before their own first check-in, nor the first check-in
    itself. Whether a day counts does not depend on the order in which events come.

    Examples
    --------
    >>> import datetime as dt
    >>> spring = CheckIn(
    ...     "spring",
    ...     reward=Points(500),
    ...     milestones=(Milestone(3, Points(50)),),
    ...     opens=dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc),
    ...     closes=dt.datetime(2026, 4, 1, tzinfo=dt.timezone.utc),
    ... )
    >>> spring.days, spring.streak, sorted(spring.pays)
    (7, 'reset', [3, 7])
    """

    id: str
    reward: Reward | None = attrs.field(default=None, kw_only=True)
    opens: dt.datetime = attrs.field(kw_only=True)
    closes: dt.datetime = attrs.field(kw_only=True)
    streak: Literal["reset", "cycle"] | KofN = attrs.field(
        default="reset", kw_only=True
    )
    days: int = attrs.field(kw_only=True)
    milestones: tuple[Milestone, ...] = attrs.field(default=(), kw_only=True)
    freezes: int = attrs.field(default=0, kw_only=True)
    make_ups: int = attrs.field(default=0, kw_only=True)
    look_back: int = attrs.field(default=_WEEK, kw_only=True)
    make_ups_until: dt.datetime | None = attrs.field(default=None, kw_only=True)
    make_up_cost: Cash | Points | None = attrs.field(default=None, kw_only=True)
    clock: DayClock = attrs.field(default=DayClock(), kw_only=True)

    @days.default
    def _default_days(self) -> int:
        return self.streak.k if isinstance(self.streak, KofN) else _WEEK

    def __attrs_post_init__(self) -> None:
        checks = [
            lambda: require_id("id", self.id),
            lambda: require_reward("reward", self.reward),
            lambda: require_period(self.opens, self.closes),
            self._check_streak,
            self._check_days,
            lambda: require_milestones(self.milestones),
            self._check_rewards,
            self._check_freezes,
            lambda: require_whole("make_ups", self.make_ups),
            lambda: require_whole("look_back", self.look_back, least=1, most=LONGEST),
            self._check_make_ups_until,
            lambda: require_cost(self.make_up_cost),
            lambda: require_clock(self.clock),
        ]
        require_all("CheckIn", self.id, checks)
        self._check_totals()

    def _check_streak(self) -> None:
        got: Any = self.streak
        if not isinstance(got, KofN) and (
            not isinstance(got, str) or got not in get_args(Mode)
        ):
            rule = "'reset', 'cycle' or a KofN"
            raise InvalidInputError("streak", got, rule, "for example KofN(5, 7)")

    def _check_days(self) -> None:
        require_whole("days", self.days, least=1, most=LONGEST)
        if isinstance(self.streak, KofN) and self.days != self.streak.k:
            rule = f"{self.streak.k}, as KofN says"
            raise InvalidInputError("days", self.days, rule, "leave it out")

    def _check_rewards(self) -> None:
        # What is no milestone at all is told elsewhere.
        days: object = self.days
        if not are_milestones(self.milestones) or not isinstance(days, int):
            return
        if days < 1:
            return
        most = self.days if self.reward is None else self.days - 1
        for row, one in enumerate(self.milestones):
            if one.day > most:
                hint = "the last day's is `reward`" if one.day == self.days else ""
                name, rule = f"milestones[{row}].day", f"at most {most}"
                raise InvalidInputError(name, one.day, rule, hint)

    def _check_totals(self) -> None:
        cycles = 1
        if self.streak == "cycle":
            cycles += self.width // self.days
        for unit in get_args(Unit):
            total = sum(self.amounts(unit).values()) * cycles
            if total > INT64_MAX:
                raise InvalidInputError("reward", total, "at most 2**63 - 1 in all")

    def _check_freezes(self) -> None:
        require_whole("freezes", self.freezes)
        if self.freezes and isinstance(self.streak, KofN):
            hint = "KofN forgives n - k days already"
            raise InvalidInputError("freezes", self.freezes, "0 with KofN", hint)

    def _check_make_ups_until(self) -> None:
        if self.make_ups_until is None:
            return
        if micros("make_ups_until", self.make_ups_until) <= micros("opens", self.opens):
            rule = f"after opens, {self.opens}"
            raise InvalidInputError("make_ups_until", self.make_ups_until, rule)

    @functools.cached_property
    def pays(self) -> Mapping[int, Reward]:
        """Count -> what it adds, the last day's reward included."""
        found = {one.day: one.reward for one in self.milestones}
        return found if self.reward is None else {**found, self.days: self.reward}

    def amounts(self, unit: Literal["cash", "points"]) -> Mapping[int, int]:
        """Return what each count adds in cash or in points.

        Parameters
        ----------
        unit
            ``"cash"`` in fen, or ``"points"``.

        Returns
        -------
        mapping from int to int
            Without the counts that add none of it.

        Raises
        ------
        InvalidInputError
            If the unit is another.
        """
        require_word("unit", unit, Unit)
        kind = Cash if unit == "cash" else Points
        return {
            count: amount_of(reward, kind)
            for count, reward in self.pays.items()
            if isinstance(reward, kind)
        }

    @functools.cached_property
    def first_day(self) -> int:
        """The local day on which it opens."""
        return self.clock.day(self.opens)

    @functools.cached_property
    def last_day(self) -> int:
        """The last local day on which one can check in."""
        return self.clock.day(from_micros(micros("closes", self.closes) - 1))

    @property
    def width(self) -> int:
        """How many local days there are from the first to the last."""
        return self.last_day - self.first_day + 1

    def start(self) -> State:
        """Return the state in which nothing has happened."""
        return State(self.id)

    def touches(
        self, event: Event | Tick, state: State | None = None
    ) -> frozenset[str]:
        """Return the key of the user: nobody else's check-ins matter.

        Parameters
        ----------
        event
            An event, or a tick.
        state
            Not needed: leads to nobody.

        Returns
        -------
        frozenset of str
            One key.
        """
        del state
        named = event.subject if isinstance(event, Tick) else event.user
        return frozenset({str(named)})

    def due(self, state: State, now: dt.datetime) -> tuple[Tick, ...]:
        """Return nothing: no reward of a challenge is decided by time alone.

        Parameters
        ----------
        state
            Of this campaign.
        now
            The instant, aware.

        Returns
        -------
        tuple of Tick
            Always empty. A streak that ends takes no reward along; ``at_risk``
            tells before it does.
        """
        del state
        micros("now", now)
        return ()

    def make_up(self, user: str, date: dt.date, at: dt.datetime) -> Event:
        """Return the event by which a user makes a day up (补签).

        Parameters
        ----------
        user
            Who.
        date
            The day, as the user sees it on a calendar: no zone can shift it.
        at
            When they do it.

        Returns
        -------
        Event
            A ``check_in`` whose ``item`` is the date.
        """
        item = require_date("date", date).isoformat()
        return Event("check_in", user=user, at=at, campaign=self.id, item=item)

    def undo(self, user: str, date: dt.date, at: dt.datetime) -> Event:
        """Return the event by which a day's check-in is taken back (撤销).

        Parameters
        ----------
        user
            Whose check-in.
        date
            The day.
        at
            When: what the user checks in later on that day, or makes up later,
            counts again.

        Returns
        -------
        Event
            A ``void`` whose ``item`` is the date.
        """
        item = require_date("date", date).isoformat()
        return Event("void", user=user, at=at, campaign=self.id, item=item)

    def refusal(self, event: Event, state: State) -> str:
        """Return why an event would not count, for programs.

        Parameters
        ----------
        event
            What a user is about to do.
        state
            With the user, if they are known.

        Returns
        -------
        str
            Empty where it counts. ``other_campaign``; ``not_open``, ``closed``;
            of make-ups also ``not_allowed``, ``no_such_day``, ``not_over``,
            ``before_open``, ``after_close``, ``too_old``, ``not_joined``,
            ``already``, ``undone`` and ``used_up``.
        """
        require_event(event, self, state)
        act = act_of(event, self)
        if act is None:
            return "other_campaign"
        fault = fault_of(act, self)
        if fault or act.what != "make_up":
            return fault
        before = state.subjects.get(str(event.user), NOBODY)
        return judged(seen(before, act), self).refused.get((act.day, act.at), "")

    def progress(self, state: State, user: str, now: dt.datetime) -> Progress:
        """Return how far a user has come.

        Parameters
        ----------
        state
            With the user, if they are known.
        user
            Who.
        now
            The instant, aware; the state holds nothing later.

        Returns
        -------
        Progress
            All zero for somebody unknown.
        """
        micros("now", now)
        challenger: Challenger = state.subjects.get(user, NOBODY)
        return progress_of(challenger, self, now)

    def at_risk(
        self,
        state: State,
        now: dt.datetime,
        *,
        spare: int = 0,
        lead: dt.timedelta = _LEAD,
        usual: Mapping[str, dt.timedelta] | None = None,
    ) -> tuple[AtRisk, ...]:
        """Return who loses a streak unless they check in today (断签预警).

        Parameters
        ----------
        state
            Of this campaign, with the users to ask about.
        now
            The instant, aware; the state holds nothing later.
        spare
            Also those who can still miss so many days, today included: by freezes,
            or by what ``KofN`` forgives.
        lead
            How long before the deadline a reminder goes out at the latest.
        usual
            User -> how long after the day begins they usually check in; for others
            their own median.

        Returns
        -------
        tuple of AtRisk
            By user. Only those for whom a milestone is still within reach.

        Raises
        ------
        InvalidInputError
            If ``spare`` is negative, ``lead`` is, or ``now`` is naive.

        Notes
        -----
        A reminder is due at the usual time, at the latest ``lead`` before the
        deadline, and never in the past. Whether it may go is for the gate to say.
        """
        micros("now", now)
        require_whole("spare", spare)
        if not isinstance(lead, dt.timedelta) or lead < dt.timedelta(0):
            raise InvalidInputError("lead", lead, "a timedelta from 0")
        found = (
            at_risk_of(
                user, challenger, self, now, lead=lead, usual=(usual or {}).get(user)
            )
            for user, challenger in sorted(state.subjects.items())
        )
        return tuple(one for one in found if one is not None and one.spare <= spare)
