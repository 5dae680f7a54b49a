"""One event of a referral campaign (裂变活动逐条计算): people before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from wxengage.campaigns.facts import GRANTED, WITHDRAWN, Fact, fact_key
from wxengage.campaigns.referrals.invites import Invite, Status
from wxengage.campaigns.referrals.judging import Book
from wxengage.campaigns.referrals.people import seen
from wxengage.campaigns.referrals.sentences import REASONS, rung_words
from wxengage.campaigns.states import Tick
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.campaigns.ladder import Ladder
    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.campaigns.referrals.people import Participant
    from wxengage.campaigns.rungs import Step
    from wxengage.campaigns.states import State
    from wxengage.log.events import Event

__all__ = ["fold", "invite_fact", "reward_fact"]

_DIRECT: Final = 1
_INDIRECT: Final = 2
# Level -> what keys of its rewards begin with.
_RUNGS: Final = {_DIRECT: "rung", _INDIRECT: "second"}


class _Change(NamedTuple):
    """An invite that stands otherwise."""

    before: Invite | None
    after: Invite

    @property
    def moved(self) -> int:
        """By how much the count of the inviter has moved."""
        return int(self.after.counts) - int(
            self.before is not None and self.before.counts
        )


def fold(
    state: State, event: Event | Tick, referral: Referral
) -> tuple[State, tuple[Fact, ...]]:
    """Fold an event into the people it touches.

    Parameters
    ----------
    state
        With the people whom the event touches.
    event
        An event or a tick.
    referral
        The campaign.

    Returns
    -------
    state
        The same object where nothing has changed.
    facts
        First of invites, then of rewards; each by time.
    """
    key = event.subject if isinstance(event, Tick) else str(event.user)
    before = Book(referral, state.subjects)
    known = before.person(key)
    person = seen(known, event, referral)
    if person == known:
        return state, ()
    after = Book(referral, {key: person}, state.subjects)
    changes = _changes(before, after, key)
    people, rewards = _Counts(referral, before, after, changes).moved({key: person})
    status = (invite_fact(referral, one.after) for one in changes if _is_news(one))
    ordered = sorted(status, key=lambda fact: (micros("at", fact.at), fact.key))
    return state.changed(people), (*ordered, *rewards)


def _changes(before: Book, after: Book, key: str) -> list[_Change]:
    """Return the invites that stand otherwise."""
    found = []
    for invitee in sorted(before.related(key) | after.related(key)):
        was = before.invites(invitee)
        now = after.invites(invitee)
        for inviter, invite in now.items():
            if was.get(inviter) != invite:
                found.append(_Change(was.get(inviter), invite))
    return found


def _is_news(change: _Change) -> bool:
    """Return whether the inviter is to hear of it: not of each turn of a wait."""
    before, after = change
    if before is None:
        return True
    pending = before.status is after.status is Status.PENDING
    return not pending and (
        (before.status, before.since, before.reason)
        != (after.status, after.since, after.reason)
    )


class _Counts:
    """What changes of invites do to the counts of inviters."""

    def __init__(
        self, referral: Referral, before: Book, after: Book, changes: list[_Change]
    ) -> None:
        self._referral, self._changes = referral, changes
        self._books = (before, after)
        self._direct: dict[str, int] = {}
        for change in changes:
            inviter = change.after.inviter
            self._direct[inviter] = self._direct.get(inviter, 0) + change.moved

    def moved(
        self, people: dict[str, Participant]
    ) -> tuple[dict[str, Participant], tuple[Fact, ...]]:
        """Return the people whose counts have moved, and the rewards that move.

        Parameters
        ----------
        people
            Those who have changed otherwise.

        Returns
        -------
        people
            With counts as they are now.
        facts
            By inviter.
        """
        facts: list[Fact] = []
        levels = [(_DIRECT, self._referral.ladder, self._direct)]
        if self._referral.second is not None:
            levels.append((_INDIRECT, self._referral.second, self._indirect()))
        for level, ladder, moves in levels:
            for key, by in sorted(moves.items()):
                if by:
                    person = people.get(key) or self._books[0].person(key)
                    people[key], found = self._climbed(key, person, by, level, ladder)
                    facts += found
        return people, tuple(facts)

    def _indirect(self) -> dict[str, int]:
        """Return by how much the second level of each inviter has moved."""
        found: dict[str, int] = {}
        between = {*self._direct, *(change.after.invitee for change in self._changes)}
        for key in between:
            counts = self._books[0].person(key).counts
            was, now = (book.invites(key) for book in self._books)
            for inviter, invite in now.items():
                then = was.get(inviter)
                by = invite.counts * (counts + self._direct.get(key, 0))
                by -= counts if then is not None and then.counts else 0
                found[inviter] = found.get(inviter, 0) + by
        return found

    def _climbed(
        self, key: str, person: Participant, by: int, level: int, ladder: Ladder
    ) -> tuple[Participant, list[Fact]]:
        count = person.counts if level == _DIRECT else person.indirect
        steps = ladder.crossings(min(count, count + by), max(count, count + by))
        times = {(where, rung): often for where, rung, often in person.withdrawn}
        at = self._instant(key if level == _DIRECT else None)
        facts = []
        for step in steps if by > 0 else reversed(steps):
            place = level, step.invites
            generation = times.get(place, 0) + 1
            facts.append(
                reward_fact(
                    self._referral, key, at, step, (level, generation), granted=by > 0
                )
            )
            if by < 0:
                times[place] = generation
        withdrawn = tuple(
            (where, rung, often) for (where, rung), often in sorted(times.items())
        )
        if level == _DIRECT:
            person = attrs.evolve(person, counts=count + by)
        else:
            person = attrs.evolve(person, indirect=count + by)
        return attrs.evolve(person, withdrawn=withdrawn), facts

    def _instant(self, inviter: str | None) -> dt.datetime:
        """Return since when counts are what they are now."""
        return max(
            (
                change.after.since
                for change in self._changes
                if inviter is None or change.after.inviter == inviter
            ),
            key=lambda at: micros("since", at),
        )


def invite_fact(referral: Referral, invite: Invite) -> Fact:
    """Return the fact that an invite stands as it does."""
    words = REASONS[invite.reason]
    kind = invite.status.value
    since = str(micros("since", invite.since))
    return Fact(
        kind,
        referral.id,
        invite.inviter,
        invite.since,
        fact_key(
            referral.id, kind, invite.inviter, invite.invitee, since, invite.reason
        ),
        other=invite.invitee,
        reason=invite.reason,
        zh=words.zh,
        en=words.en,
    )


def reward_fact(
    referral: Referral,
    user: str,
    at: dt.datetime,
    step: Step,
    occasion: tuple[int, int],
    *,
    granted: bool,
) -> Fact:
    """Return the fact that a rung's reward is granted, or withdrawn.

    Parameters
    ----------
    referral
        The campaign.
    user
        The inviter.
    at
        From when on.
    step
        The rung, and what it adds.
    occasion
        The level, and which time it is that the rung is reached.
    granted
        Whether it is granted.

    Returns
    -------
    Fact
        Its key tells rung, level and generation.
    """
    level, generation = occasion
    kind = GRANTED if granted else WITHDRAWN
    reason, words = rung_words(step.adds, step.invites, level, granted=granted)
    place = (str(level), str(step.invites), str(generation))
    return Fact(
        kind,
        referral.id,
        user,
        at,
        fact_key(referral.id, kind, user, *place),
        reward=step.adds,
        reward_key=f"{_RUNGS[level]}:{step.invites}",
        reason=reason,
        zh=words.zh,
        en=words.en,
    )
