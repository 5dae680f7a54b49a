"""One event of a challenge (打卡逐条计算): a participant before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wxengage.campaigns.checkins.acts import act_of, fault_of
from wxengage.campaigns.checkins.judging import Course, Judged, course_of, judged
from wxengage.campaigns.checkins.people import NOBODY, Challenger, seen
from wxengage.campaigns.checkins.sentences import make_up_words, milestone_words
from wxengage.campaigns.facts import GRANTED, WITHDRAWN, Fact, fact_key
from wxengage.campaigns.states import Tick
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from wxengage.campaigns.checkins.acts import Act
    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.campaigns.states import State
    from wxengage.log.events import Event

__all__ = ["MADE_UP", "UNMADE", "fold", "fold_act", "reward_fact"]

#: A day is made up and its cost is due, or it is so no longer.
MADE_UP: Final = "made_up"
UNMADE: Final = "unmade"


def fold(
    state: State, event: Event | Tick, campaign: CheckIn
) -> tuple[State, tuple[Fact, ...]]:
    """Fold an event into the participant whom it touches.

    Parameters
    ----------
    state
        With that participant, where there is one.
    event
        An event; a tick changes nothing.
    campaign
        The challenge.

    Returns
    -------
    state
        The same object where nothing has changed.
    facts
        First of make-ups, then rewards withdrawn, then rewards granted.
    """
    act = None if isinstance(event, Tick) else act_of(event, campaign)
    if act is None or isinstance(event, Tick) or fault_of(act, campaign):
        return state, ()
    return fold_act(state, str(event.user), act, campaign)


def fold_act(
    state: State, user: str, act: Act, campaign: CheckIn
) -> tuple[State, tuple[Fact, ...]]:
    """Fold an act into the participant whose act it is.

    Parameters
    ----------
    state
        With that participant, where there is one.
    user
        Who.
    act
        What was done; not at fault.
    campaign
        The challenge.

    Returns
    -------
    state, facts
        As of ``fold``.
    """
    before = state.subjects.get(user, NOBODY)
    after = seen(before, act)
    if after is before:
        return state, ()
    return _Difference(campaign, user, act.at, before, after).told(state)


class _Difference:
    """What an event has changed about one participant."""

    def __init__(
        self,
        campaign: CheckIn,
        user: str,
        at: int,
        before: Challenger,
        after: Challenger,
    ) -> None:
        self._campaign, self._user, self._at = campaign, user, at
        self._challenger = after
        self._days = judged(before, campaign), judged(after, campaign)
        self._courses = tuple(course_of(days, campaign) for days in self._days)

    def told(self, state: State) -> tuple[State, tuple[Fact, ...]]:
        """Return the state and the facts."""
        facts = [*self._make_ups(*self._days), *self._rewards(*self._courses)]
        return state.changed({self._user: self._challenger}), tuple(facts)

    def _make_ups(self, before: Judged, after: Judged) -> list[Fact]:
        often = dict(self._challenger.unmade)
        facts = []
        for day in sorted(before.made_up.keys() - after.made_up.keys()):
            often[day] = often.get(day, 0) + 1
            at = micros("at", before.made_up[day].at)
            facts.append(self._make_up(day, at, often[day], made=False))
        for day in sorted(after.made_up.keys() - before.made_up.keys()):
            at = micros("at", after.made_up[day].at)
            facts.append(self._make_up(day, at, often.get(day, 0) + 1, made=True))
        unmade = tuple(sorted(often.items()))
        self._challenger = attrs.evolve(self._challenger, unmade=unmade)
        return facts

    def _make_up(self, day: int, at: int, generation: int, *, made: bool) -> Fact:
        kind = MADE_UP if made else UNMADE
        date = self._campaign.clock.date(day)
        reason, words = make_up_words(self._campaign, date, made=made)
        occasion = date.isoformat(), str(generation)
        return Fact(
            kind,
            self._campaign.id,
            self._user,
            from_micros(max(self._at, at)),
            fact_key(self._campaign.id, kind, self._user, *occasion),
            other=date.isoformat(),
            reason=reason,
            zh=words.zh,
            en=words.en,
        )

    def _rewards(self, before: Course, after: Course) -> list[Fact]:
        often = {(cycle, k): times for cycle, k, times in self._challenger.withdrawn}
        facts = []
        for place in sorted(before.reached.keys() - after.reached.keys(), reverse=True):
            often[place] = often.get(place, 0) + 1
            at = max(self._at, before.reached[place])
            facts.append(self._reward(place, at, often[place], granted=False))
        for place in sorted(after.reached.keys() - before.reached.keys()):
            at, generation = max(self._at, after.reached[place]), often.get(place, 0)
            facts.append(self._reward(place, at, generation + 1, granted=True))
        withdrawn = tuple((*place, times) for place, times in sorted(often.items()))
        self._challenger = attrs.evolve(self._challenger, withdrawn=withdrawn)
        return facts

    def _reward(
        self, place: tuple[int, int], at: int, generation: int, *, granted: bool
    ) -> Fact:
        return reward_fact(
            self._campaign, self._user, at, (*place, generation), granted=granted
        )


def reward_fact(
    campaign: CheckIn,
    user: str,
    at: int,
    occasion: tuple[int, int, int],
    *,
    granted: bool,
) -> Fact:
    """Return the fact that a milestone's reward is granted, or withdrawn.

    Parameters
    ----------
    campaign
        The challenge.
    user
        Who.
    at
        From when on: microseconds since 1970.
    occasion
        The cycle, the count, and which time it is that it is reached.
    granted
        Whether it is granted.

    Returns
    -------
    Fact
        Its key tells cycle, count and generation.
    """
    kind = GRANTED if granted else WITHDRAWN
    cycle, count, _ = occasion
    reward = campaign.pays[count]
    reason, words = milestone_words(campaign, count, reward, granted=granted)
    return Fact(
        kind,
        campaign.id,
        user,
        from_micros(at),
        fact_key(campaign.id, kind, user, *map(str, occasion)),
        reward=reward,
        reward_key=f"milestone:{cycle}:{count}",
        reason=reason,
        zh=words.zh,
        en=words.en,
    )
