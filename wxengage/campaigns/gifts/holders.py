"""What is kept about one user of a gift (礼包领取人), and how they stand."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import attrs

from wxengage.campaigns.states import Tick
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from wxengage.campaigns.gifts.campaign import Gift
    from wxengage.campaigns.states import State
    from wxengage.log.events import Event

__all__ = [
    "NOBODY",
    "GiftHolder",
    "GiftStock",
    "Standing",
    "due_ticks",
    "seen",
    "standing",
]

Word = Literal["", "offered", "redeemed", "expired"]
_MICROSECOND: Final = dt.timedelta(microseconds=1)


@attrs.frozen
class GiftStock:
    """How much of a gift is gone (已领数量).

    Attributes
    ----------
    taken
        How many users have it.
    clock
        Not used: nothing about it is a matter of time.
    """

    taken: int = 0
    clock: dt.datetime | None = None


@attrs.frozen
class GiftHolder:
    """One user as a gift knows them.

    Attributes
    ----------
    clock
        Up to when the user is judged.
    offered_at
        The first offer, in UTC; None: none so far.
    claims
        When the user tried to redeem it, by time.
    has
        Whether the reward is theirs.
    missed
        Whether the stock was gone when they redeemed it; they do not get what
        others give back.
    times
        How often it was withdrawn: the next grant is another generation.
    """

    clock: dt.datetime | None = None
    offered_at: dt.datetime | None = None
    claims: tuple[dt.datetime, ...] = ()
    has: bool = False
    missed: bool = False
    times: int = 0


NOBODY: Final = GiftHolder()


class Standing(NamedTuple):
    """How a user stands, and since when in microseconds; "" for not at all."""

    word: Word
    since: int


def standing(holder: GiftHolder, gift: Gift) -> Standing:
    """Return how a user stands, whatever the stock.

    Parameters
    ----------
    holder
        The user.
    gift
        The definition.

    Returns
    -------
    Standing
        A pure function of what the user did until ``holder.clock``.
    """
    if holder.offered_at is None or holder.clock is None:
        return Standing("", 0)
    offered = micros("offered_at", holder.offered_at)
    if not micros("opens", gift.opens) <= offered < micros("closes", gift.closes):
        return Standing("", 0)
    until = offered + gift.claim_within // _MICROSECOND
    claims = [micros("claims", one) for one in holder.claims]
    timely = [claim for claim in claims if offered <= claim < until]
    if timely:
        return Standing("redeemed", timely[0])
    if until <= micros("clock", holder.clock):
        return Standing("expired", until)
    return Standing("offered", offered)


def seen(holder: GiftHolder, event: Event | Tick, gift: Gift) -> GiftHolder:
    """Fold an event into the user whose event it is.

    Parameters
    ----------
    holder
        Who it was.
    event
        What happened, or a tick.
    gift
        The definition.

    Returns
    -------
    GiftHolder
        Equal where the event is not new or is none that the gift reads.
    """
    at = from_micros(micros("event.at", event.at))
    clock = max(holder.clock or at, at, key=lambda one: micros("at", one))
    if isinstance(event, Tick):
        return attrs.evolve(holder, clock=clock)
    if _offers(event, gift):
        first = min(holder.offered_at or at, at, key=lambda one: micros("at", one))
        return attrs.evolve(holder, clock=clock, offered_at=first)
    if event.kind == "redeem" and event.campaign == gift.id:
        claims = sorted({*holder.claims, at}, key=lambda one: micros("at", one))
        return attrs.evolve(holder, clock=clock, claims=tuple(claims))
    return holder


def _offers(event: Event, gift: Gift) -> bool:
    if event.kind != gift.offered_on:
        return False
    if gift.offered_on != "deliver":
        return gift.account is None or event.account == gift.account
    return event.campaign == gift.id and (
        not gift.audience or event.group in gift.audience
    )


def due_ticks(state: State, now: dt.datetime, gift: Gift) -> tuple[Tick, ...]:
    """Return the offers that run out by an instant and are not settled yet.

    Parameters
    ----------
    state
        Users, and the stock.
    now
        The instant, included.
    gift
        The definition.

    Returns
    -------
    tuple of Tick
        Earliest first.
    """
    found = []
    for key, holder in state.subjects.items():
        if isinstance(holder, GiftHolder) and standing(holder, gift).word == "offered":
            later = attrs.evolve(holder, clock=now)
            word, since = standing(later, gift)
            if word == "expired":
                found.append((since, key))
    return tuple(Tick(from_micros(at), key) for at, key in sorted(found))
