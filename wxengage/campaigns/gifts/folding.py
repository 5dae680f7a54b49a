"""One event of a gift (礼包逐条计算): a user before and after, and the stock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from wxengage.campaigns.facts import GRANTED, WITHDRAWN, Fact, fact_key
from wxengage.campaigns.gifts.campaign import STOCK
from wxengage.campaigns.gifts.holders import (
    NOBODY,
    GiftHolder,
    GiftStock,
    seen,
    standing,
)
from wxengage.campaigns.gifts.sentences import REASONS
from wxengage.campaigns.states import Tick
from wxengage.errors import InvalidInputError
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from wxengage.campaigns.gifts.campaign import Gift
    from wxengage.campaigns.states import State
    from wxengage.log.events import Event

__all__ = ["fold", "gift_fact"]


def fold(
    state: State, event: Event | Tick, gift: Gift
) -> tuple[State, tuple[Fact, ...]]:
    """Fold an event into the user it touches, and the stock.

    Parameters
    ----------
    state
        With the user, and the stock where it is bounded.
    event
        An event or a tick.
    gift
        The definition.

    Returns
    -------
    state
        The same object where nothing has changed.
    facts
        What differs for the user.

    Raises
    ------
    InvalidInputError
        If a user has the name of the stock.

    Notes
    -----
    Any order of the same events gives the same users while the stock lasts. When
    it does not, who comes first is who is folded first.
    """
    key = event.subject if isinstance(event, Tick) else str(event.user)
    if key == STOCK:
        raise InvalidInputError("event.user", key, "a user", "the stock has this name")
    known: GiftHolder = state.subjects.get(key, NOBODY)
    holder = seen(known, event, gift)
    if holder == known:
        return state, ()
    was, now = standing(known, gift), standing(holder, gift)
    stock: GiftStock = state.subjects.get(STOCK, GiftStock())
    facts: list[Fact] = []
    if known.has and now.word != "redeemed":
        times = holder.times + 1
        at = micros("event.at", event.at)
        facts.append(gift_fact(gift, WITHDRAWN, key, "no_offer", at, generation=times))
        holder = attrs.evolve(holder, has=False, times=times)
        stock = attrs.evolve(stock, taken=stock.taken - 1)
    elif now.word == "redeemed" and not known.has and not known.missed:
        if gift.stock is not None and stock.taken >= gift.stock:
            facts.append(gift_fact(gift, "refused", key, "sold_out", now.since))
            holder = attrs.evolve(holder, missed=True)
        else:
            times = holder.times + 1
            facts.append(
                gift_fact(gift, GRANTED, key, "redeemed", now.since, generation=times)
            )
            holder = attrs.evolve(holder, has=True)
            stock = attrs.evolve(stock, taken=stock.taken + 1)
    if now != was and now.word in {"offered", "expired"}:
        facts.append(gift_fact(gift, now.word, key, now.word, now.since))
    changed = {key: holder} | ({STOCK: stock} if gift.stock is not None else {})
    return state.changed(changed), tuple(facts)


def gift_fact(
    gift: Gift, kind: str, user: str, reason: str, since: int, *, generation: int = 0
) -> Fact:
    """Return a fact about a user and a gift.

    Parameters
    ----------
    gift
        The definition.
    kind
        offered, expired, refused, granted or withdrawn.
    user
        Who.
    reason
        A key of the sentences.
    since
        From when on, microseconds.
    generation
        Which time it is that the reward moves; 0 where none does.

    Returns
    -------
    Fact
        Its key tells the generation, or the instant where there is none.
    """
    words = REASONS[reason]
    moves = kind in {GRANTED, WITHDRAWN}
    occasion = str(generation if moves else since)
    return Fact(
        kind,
        gift.id,
        user,
        from_micros(since),
        fact_key(gift.id, kind, user, occasion),
        reward=gift.reward if moves else None,
        reward_key="gift" if moves else None,
        reason=reason,
        zh=words.zh,
        en=words.en,
    )
