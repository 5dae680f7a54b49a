"""What is kept about one participant (参与者): enough to be judged anew.

Touches and marks are sets: the same event twice changes nothing, and any order
gives the same person. What grows is what somebody did: how often they came and
left, and how many people asked them. The invites of an inviter are not listed,
only counted; each is told by its invitee.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.campaigns.referrals.acts import QUALIFYING, TOUCHING
from wxengage.campaigns.states import Tick
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.log.events import Event

__all__ = ["NOBODY", "Participant", "Passage", "Touch", "seen"]


@attrs.frozen
class Passage:
    """The invitee came, or left.

    Attributes
    ----------
    at
        When, in UTC.
    came
        True: followed, registered or bought. False: undid that.
    """

    at: dt.datetime
    came: bool


@attrs.frozen
class Touch:
    """An inviter is named in something that somebody did (触点).

    Attributes
    ----------
    at
        When, in UTC.
    inviter
        Who.
    kind
        Of the event.
    fault
        Why the campaign does not admit it; empty where it does.
    """

    at: dt.datetime
    inviter: str
    kind: str
    fault: str = ""


@attrs.frozen
class Participant:
    """One participant: as somebody who was invited, and as an inviter (参与者).

    Attributes
    ----------
    clock
        Up to when the invites by which this person came are judged.
    marks
        When the person came and left, by time.
    touches
        Who asked this person, by time. Of each inviter the first touch, where
        the first one decides.
    counts
        How many invites count for this person as an inviter.
    indirect
        How many invites of those whom this person invited count, where the
        campaign has a second level.
    withdrawn
        Level, rung and how often its reward was withdrawn, for the rungs where
        that happened: the next grant is another generation.
    """

    clock: dt.datetime | None = None
    marks: tuple[Passage, ...] = ()
    touches: tuple[Touch, ...] = ()
    counts: int = 0
    indirect: int = 0
    withdrawn: tuple[tuple[int, int, int], ...] = ()


NOBODY: Final = Participant()


def _at(at: dt.datetime) -> int:
    return micros("at", at)


def _by_mark(mark: Passage) -> tuple[int, bool]:
    return _at(mark.at), not mark.came


def _by_touch(touch: Touch) -> tuple[int, str, str, str]:
    return _at(touch.at), touch.inviter, touch.kind, touch.fault


def seen(person: Participant, event: Event | Tick, referral: Referral) -> Participant:
    """Fold an event into the person whose event it is.

    Parameters
    ----------
    person
        Who it was.
    event
        What happened, or a tick.
    referral
        The campaign.

    Returns
    -------
    Participant
        Equal where the event is not new, or is none that the campaign reads:
        only the clock may have moved.
    """
    at = from_micros(micros("event.at", event.at))
    clock = at if person.clock is None else max(person.clock, at, key=_at)
    if isinstance(event, Tick):
        return attrs.evolve(person, clock=clock)
    touches = {*person.touches, *_touches(event, referral)}
    marks = {*person.marks, *_marks(event, referral)}
    if len(touches) + len(marks) == len(person.touches) + len(person.marks):
        return person
    return attrs.evolve(
        person,
        clock=clock,
        marks=tuple(sorted(marks, key=_by_mark)),
        touches=_kept(touches, referral),
    )


def _kept(touches: Iterable[Touch], referral: Referral) -> tuple[Touch, ...]:
    """Return touches by time; of each inviter the first, where that decides."""
    ordered = sorted(touches, key=_by_touch)
    if referral.attribution != "first_touch":
        return tuple(ordered)
    first: dict[tuple[str, str], Touch] = {}
    for touch in ordered:
        first.setdefault((touch.inviter, touch.fault), touch)
    return tuple(first.values())


def _marks(event: Event, referral: Referral) -> tuple[Passage, ...]:
    if referral.account is not None and event.account != referral.account:
        return ()
    undoes = QUALIFYING[referral.qualifies_on]
    if event.kind not in {referral.qualifies_on, undoes}:
        return ()
    at = from_micros(micros("event.at", event.at))
    return (Passage(at, event.kind == referral.qualifies_on),)


def _touches(event: Event, referral: Referral) -> tuple[Touch, ...]:
    at = micros("event.at", event.at)
    if (
        event.inviter is None
        or event.campaign != referral.id
        or event.kind not in TOUCHING
        or not _at(referral.opens) <= at < _at(referral.closes)
    ):
        return ()
    if event.inviter == event.user:
        fault = "self"
    else:
        faults = (one.fault(getattr(event, one.field)) for one in referral.requires)
        fault = next((fault for fault in faults if fault), "")
    return (Touch(from_micros(at), str(event.inviter), event.kind, fault),)
