"""Whose invites somebody is, and how these stand (邀请判定), one person at a time.

First each invitee by themselves: are they new, and which inviters do they belong
to. Then the circles: of two people who invite each other, and of a longer circle
along everybody's first inviter, the latest invite is refused. Nobody takes the
place of an invite that was refused for a circle, so that no refusal depends on
another one, and the ancestors of the invitee are all there is to look at.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

from wxengage.campaigns.referrals.invites import (
    Invite,
    Moment,
    Status,
    Terms,
    course,
)
from wxengage.campaigns.referrals.people import NOBODY
from wxengage.campaigns.states import Tick
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.campaigns.referrals.people import Participant, Touch
    from wxengage.campaigns.states import State

__all__ = ["Book", "Claim", "due_ticks", "terms_of"]

_MICROSECOND: Final = dt.timedelta(microseconds=1)
# A circle of two is reciprocal; the rule on circles is about longer ones.
_A_CIRCLE: Final = 3


class Claim(NamedTuple):
    """What one inviter can say about one invitee.

    Attributes
    ----------
    touched
        The touch that decides, microseconds.
    inviter
        Who.
    refused
        Why it is no invite; empty where it may be one.
    wins
        Whether the invitee has become the inviter's.
    """

    touched: int
    inviter: str
    refused: str = ""
    wins: bool = False


def terms_of(referral: Referral) -> Terms:
    """Return the terms of a campaign in microseconds."""
    return Terms(
        closes=micros("closes", referral.closes),
        hold=referral.hold // _MICROSECOND,
        revoke=referral.revoke_until // _MICROSECOND,
    )


class Book:
    """People as a campaign judges them; each is looked at once."""

    def __init__(self, referral: Referral, *layers: Mapping[str, Participant]) -> None:
        """Take people.

        Parameters
        ----------
        referral
            The campaign.
        layers
            Key -> person; an earlier layer hides a later one. Somebody in none of
            them is nobody.
        """
        self._referral, self._layers = referral, layers
        self._terms = terms_of(referral)
        self._claims: dict[str, tuple[Claim, ...]] = {}

    def person(self, key: str) -> Participant:
        """Return somebody."""
        return next((layer[key] for layer in self._layers if key in layer), NOBODY)

    def claims(self, key: str) -> tuple[Claim, ...]:
        """Return what inviters can say about an invitee, winners first."""
        if key not in self._claims:
            found = _claims(self.person(key), self._referral, self._terms.closes)
            self._claims[key] = tuple(found)
        return self._claims[key]

    def chosen(self, key: str) -> tuple[Claim, ...]:
        """Return the claims that win, in the order of the attribution."""
        return tuple(claim for claim in self.claims(key) if claim.wins)

    def ring(self, key: str) -> tuple[str, ...]:
        """Return the circle of first inviters through somebody, or them alone."""
        path = [key]
        while (chosen := self.chosen(path[-1])) and chosen[0].inviter not in path:
            path.append(chosen[0].inviter)
        closed = bool(chosen) and chosen[0].inviter == key
        return tuple(path) if closed else (key,)

    def related(self, key: str) -> set[str]:
        """Return whose invites can stand otherwise when somebody's claims do."""
        chosen = {claim.inviter for claim in self.chosen(key)}
        return {key, *self.ring(key), *chosen}

    def invites(self, key: str) -> dict[str, Invite]:
        """Return the invites of an invitee, by inviter."""
        person = self.person(key)
        if person.clock is None:
            return {}
        clock = micros("clock", person.clock)
        return {
            claim.inviter: self._invite(key, claim, clock) for claim in self.claims(key)
        }

    def _invite(self, key: str, claim: Claim, clock: int) -> Invite:
        touched_at = from_micros(claim.touched)
        refused = claim.refused or self._closes_a_circle(key, claim)
        status, since, reason = Status.REFUSED, touched_at, refused
        if not refused:
            last = self.moments(key, claim, clock)[-1]
            status, reason = last.status, last.reason
            if status is not Status.PENDING:
                since = from_micros(last.at)
        return Invite(claim.inviter, key, touched_at, status, since, reason)

    def moments(self, key: str, claim: Claim, clock: int) -> list[Moment]:
        """Return what becomes of an invite that is not refused."""
        marks = [(micros("at", one.at), one.came) for one in self.person(key).marks]
        return course(marks, claim.touched, self._terms, clock)

    def _closes_a_circle(self, key: str, claim: Claim) -> str:
        if not claim.wins:
            return ""
        if self._referral.reciprocal == "refuse":
            for back in self.chosen(claim.inviter):
                both = (claim.touched, key), (back.touched, claim.inviter)
                if back.inviter == key and both[0] > both[1]:
                    return "reciprocal"
        ring = self.ring(key)
        if len(ring) >= _A_CIRCLE and claim == self.chosen(key)[0]:
            latest = max((self.chosen(one)[0].touched, one) for one in ring)
            if latest == (claim.touched, key):
                return "circle"
        return ""


def _at(touch: Touch) -> int:
    return micros("at", touch.at)


def _claims(person: Participant, referral: Referral, closes: int) -> Iterable[Claim]:
    admitted = [touch for touch in person.touches if not touch.fault]
    found: list[Claim] = []
    if admitted:
        marks = [(micros("at", one.at), one.came) for one in person.marks]
        start = _at(admitted[0])
        before = [mark for mark in marks if mark[0] < start]
        present = bool(before) and before[-1][1]
        if _is_new(before, start, referral.newness):
            coming = (at for at, came in marks if came and start <= at < closes)
            act = start if present else next(coming, None)
            found = _ATTRIBUTION[referral.attribution](admitted, act, referral)
        else:
            found = [Claim(*first, "not_new") for first in _firsts(admitted)]
    known = {claim.inviter for claim in found}
    faulty: dict[str, Claim] = {}
    for touch in person.touches:
        if touch.inviter not in known:
            claim = Claim(_at(touch), touch.inviter, touch.fault)
            faulty.setdefault(touch.inviter, claim)
    return (*found, *faulty.values())


def _is_new(
    before: list[tuple[int, bool]], start: int, newness: str | dt.timedelta
) -> bool:
    """Return whether somebody is new, by when they came and left before."""
    if newness == "any" or not before:
        return True
    if not isinstance(newness, dt.timedelta):
        return False
    if before[-1][1]:
        return False
    # Of several departures in a row the first one ended the stay.
    arrivals = [place for place, (_, came) in enumerate(before) if came]
    left = before[max(arrivals, default=-1) + 1][0]
    return left <= start - newness // _MICROSECOND


def _firsts(touches: list[Touch]) -> list[tuple[int, str]]:
    """Return the first touch of each inviter, by time."""
    first: dict[str, int] = {}
    for touch in touches:
        first.setdefault(touch.inviter, _at(touch))
    return [(at, inviter) for inviter, at in first.items()]


def _by_first_touch(
    touches: list[Touch], _: int | None, referral: Referral
) -> list[Claim]:
    return _best(_firsts(touches), referral.max_helps)


def _by_last_touch(
    touches: list[Touch], act: int | None, referral: Referral
) -> list[Claim]:
    last = {
        touch.inviter: _at(touch)
        for touch in touches
        if act is None or _at(touch) <= act
    }
    ordered = sorted((-at, inviter) for inviter, at in last.items())
    late = [first for first in _firsts(touches) if first[1] not in last]
    return [
        *_best([(-at, inviter) for at, inviter in ordered], referral.max_helps),
        *(Claim(*first, "after_the_act") for first in late),
    ]


def _by_registration(
    touches: list[Touch], act: int | None, referral: Referral
) -> list[Claim]:
    if act is None:
        return [Claim(*first) for first in _firsts(touches)]
    named = {
        touch.inviter
        for touch in touches
        if touch.kind == referral.qualifies_on and _at(touch) == act
    }
    others = [first for first in _firsts(touches) if first[1] not in named]
    return [
        *_best([(act, inviter) for inviter in sorted(named)], referral.max_helps),
        *(Claim(*first, "not_named") for first in others),
    ]


def _best(ordered: list[tuple[int, str]], most: int) -> list[Claim]:
    return [
        *(Claim(*one, wins=True) for one in ordered[:most]),
        *(Claim(*one, "other_inviter") for one in ordered[most:]),
    ]


_ATTRIBUTION: Final = {
    "first_touch": _by_first_touch,
    "last_touch": _by_last_touch,
    "registration": _by_registration,
}


def due_ticks(state: State, now: dt.datetime, referral: Referral) -> tuple[Tick, ...]:
    """Return what time alone has decided since each person was last judged.

    Parameters
    ----------
    state
        People.
    now
        The instant, included.
    referral
        The campaign.

    Returns
    -------
    tuple of Tick
        Earliest first; each once.
    """
    book, upto = Book(referral, state.subjects), micros("now", now)
    found = {
        (moment.at, key)
        for key, person in state.subjects.items()
        if person.clock is not None
        for claim in book.claims(key)
        if not claim.refused
        for moment in book.moments(key, claim, upto)
        if moment.by_time and moment.at > micros("clock", person.clock)
    }
    return tuple(Tick(from_micros(at), key) for at, key in sorted(found))
