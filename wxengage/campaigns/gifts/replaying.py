"""All events of a gift at once (礼包批量重算)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from wxengage.campaigns.facts import GRANTED, Fact
from wxengage.campaigns.gifts.folding import gift_fact
from wxengage.campaigns.sources import read_events
from wxengage.campaigns.standings import Standings
from wxengage.campaigns.tables import entitled, fact_columns
from wxengage.log.summary import instants
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.campaigns.gifts.campaign import Gift
    from wxengage.campaigns.sources import EventColumns
    from wxengage.campaigns.standings import Columns
    from wxengage.log.frames import Ids

__all__ = ["gift_standings"]

_NEVER: Final = np.iinfo(np.int64).max
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_WORDS: Final = np.array(["offered", "redeemed", "expired", "sold_out"], dtype=object)
_OFFERED, _REDEEMED, _EXPIRED, _SOLD_OUT = range(len(_WORDS))


class _Holders(NamedTuple):
    """Users with an offer, ascending by id; shape ``(n,)`` each."""

    ids: Ids
    status: NDArray[np.int64]
    offered: NDArray[np.int64]
    since: NDArray[np.int64]


def gift_standings(
    gift: Gift, source: Any, as_of: dt.datetime, tz: str | None, unit: str | None
) -> Standings:
    """Return where everybody stands to whom a gift was offered.

    Parameters
    ----------
    gift, source, as_of, tz, unit
        As for ``replay``.

    Returns
    -------
    Standings
        With the tables users, entitlements, rewards (the facts that move rewards)
        and facts. The stock goes by the time of redeeming, then by id.
    """
    events = read_events(source, invites=False, tz=tz, unit=unit)
    now = micros("as_of", as_of)
    events = events.take(np.flatnonzero(events.at <= now))
    found = _holders(events, gift, now)
    tables = {
        "users": lambda: _users(found),
        "entitlements": lambda: entitled(
            found.ids.take(np.flatnonzero(found.status == _REDEEMED)), gift.reward
        ),
        "rewards": lambda: fact_columns(_facts(found, gift, rewards=True)),
        "facts": lambda: fact_columns(_facts(found, gift, rewards=False)),
    }
    return Standings(gift, as_of, tables, events.origin)


def _offers(events: EventColumns, gift: Gift) -> NDArray[np.bool_]:
    offers = events.of_kinds(gift.offered_on)
    if gift.offered_on != "deliver":
        if gift.account is not None:
            offers &= events.says("account", gift.account)
        return offers
    offers &= events.says("campaign", gift.id)
    if gift.audience:
        named = np.zeros(len(events), dtype=np.bool_)
        for segment in gift.audience if "group" in events.words else ():
            named |= events.says("group", segment)
        offers &= named
    return offers


def _first(
    events: EventColumns, rows: NDArray[np.bool_], people: int
) -> NDArray[np.int64]:
    """Return the first instant of some events of each user."""
    first = np.full(people, _NEVER)
    np.minimum.at(first, events.user[rows], events.at[rows])
    return first


def _holders(events: EventColumns, gift: Gift, now: int) -> _Holders:
    people = len(events.ids)
    offered = _first(events, _offers(events, gift), people)
    opens, closes = micros("opens", gift.opens), micros("closes", gift.closes)
    valid = (offered >= opens) & (offered < closes)
    length = gift.claim_within // _MICROSECOND
    begins = np.where(valid, offered, _NEVER)
    ends = np.where(valid, offered, -length) + length
    claims = events.of_kinds("redeem") & events.says("campaign", gift.id)
    timely = claims & (events.at >= begins[events.user])
    timely &= events.at < ends[events.user]
    redeemed = _first(events, timely, people)
    has = redeemed != _NEVER
    status = np.where(has, _REDEEMED, np.where(ends <= now, _EXPIRED, _OFFERED))
    if gift.stock is not None:
        takers = np.flatnonzero(has)
        order = np.argsort(redeemed[takers], kind="stable")
        status[takers[order[gift.stock :]]] = _SOLD_OUT
    since = np.where(has, redeemed, np.where(ends <= now, ends, offered))
    who = np.flatnonzero(valid)
    return _Holders(events.ids.take(who), status[who], offered[who], since[who])


def _users(found: _Holders) -> Columns:
    return {
        "user": found.ids,
        "status": _WORDS[found.status],
        "offered_at": instants(found.offered),
        "since": instants(found.since),
        "has": found.status == _REDEEMED,
    }


def _facts(found: _Holders, gift: Gift, *, rewards: bool) -> list[Fact]:
    facts = []
    rows = zip(
        found.ids.numpy().tolist(),
        found.status.tolist(),
        found.offered.tolist(),
        found.since.tolist(),
        strict=True,
    )
    for user, status, offered, since in rows:
        key = str(user)
        if status == _REDEEMED:
            facts.append(gift_fact(gift, GRANTED, key, "redeemed", since, generation=1))
        if rewards:
            continue
        if status in {_OFFERED, _EXPIRED} or since > offered:
            facts.append(gift_fact(gift, "offered", key, "offered", offered))
        if status == _EXPIRED:
            facts.append(gift_fact(gift, "expired", key, "expired", since))
        if status == _SOLD_OUT:
            facts.append(gift_fact(gift, "refused", key, "sold_out", since))
    return sorted(facts, key=lambda fact: (micros("at", fact.at), fact.key))
