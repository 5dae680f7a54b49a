"""The tables of a referral campaign's standings (裂变活动结果表)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.campaigns.facts import REWARD_KINDS
from wxengage.campaigns.referrals.courses import REASON_NAMES, STATUSES
from wxengage.campaigns.referrals.invites import Status
from wxengage.campaigns.referrals.presence import ENDLESS
from wxengage.campaigns.referrals.replaying import Replayed, replayed
from wxengage.campaigns.referrals.stories import invite_facts, reward_facts
from wxengage.campaigns.standings import Standings
from wxengage.campaigns.tables import fact_columns, reward_row
from wxengage.log.runs import NEVER
from wxengage.log.summary import instants
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from wxengage.campaigns.facts import Fact
    from wxengage.campaigns.ladder import Ladder
    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.campaigns.standings import Columns
    from wxengage.log.frames import Ids

__all__ = ["referral_standings"]

_STATUS_WORDS: Final = np.array([one.value for one in STATUSES], dtype=object)
_REASON_WORDS: Final = np.array(REASON_NAMES, dtype=object)


def referral_standings(
    referral: Referral,
    source: Any,
    as_of: dt.datetime,
    tz: str | None,
    unit: str | None,
) -> Standings:
    """Return where everybody in a referral campaign stands.

    Parameters
    ----------
    referral, source, as_of, tz, unit
        As for ``replay``.

    Returns
    -------
    Standings
    X
    """
    found = replayed(referral, source, as_of, tz, unit)
    tables = {
        "invites": lambda: _invites(found),
        "users": lambda: _users(found),
        "people": lambda: _people(found),
        "leaderboard": lambda: _leaderboard(found),
        "entitlements": lambda: _entitlements(found),
        "rewards": lambda: fact_columns(reward_facts(found)),
        "facts": lambda: fact_columns(_in_time(found)),
    }
    return Standings(referral, as_of, tables, found.origin)


def _in_time(found: Replayed) -> list[Fact]:
    facts = [*invite_facts(found), *reward_facts(found)]
    return sorted(facts, key=lambda one: (micros("at", one.at), _moves(one), one.key))


def _moves(fact: Fact) -> bool:
    return fact.kind in REWARD_KINDS


def _invites(found: Replayed) -> Columns:
    claims, standing = found.claims, found.courses
    order = np.lexsort((claims.invitee, claims.inviter, claims.touched))
    return {
        "inviter": found.ids.take(claims.inviter[order]),
        "invitee": found.ids.take(claims.invitee[order]),
        "touched_at": instants(claims.touched[order]),
        "status": _STATUS_WORDS[standing.status[order]],
        "since": instants(standing.since[order]),
        "reason": _REASON_WORDS[standing.reason[order]],
        "counts": found.counts[order],
    }


def _reached(found: Replayed) -> NDArray[np.int64]:
    """Return when each person's last invite that counts began to; else ``NEVER``."""
    reached = np.full(len(found.ids), NEVER)
    rows = np.flatnonzero(found.counts)
    np.maximum.at(reached, found.claims.inviter[rows], found.courses.counted[rows])
    return reached


def _users(found: Replayed) -> Columns:
    size = len(found.ids)
    invites = np.bincount(found.claims.inviter, minlength=size)
    who = np.flatnonzero(invites)
    status = found.courses.status
    of = {
        one: found.tally(status == STATUSES.index(one))[who]
        for one in (Status.PENDING, Status.REVOKED, Status.REFUSED)
    }
    columns: dict[str, NDArray[Any] | Ids] = {
        "user": found.ids.take(who),
        "invites": invites[who],
        "counts": found.direct[who],
        "pending": of[Status.PENDING],
        "revoked": of[Status.REVOKED],
        "refused": of[Status.REFUSED],
    }
    fen = found.referral.ladder.entitlement(found.direct[who])
    if found.referral.second is not None:
        columns["indirect"] = found.indirect[who]
        fen = fen + found.referral.second.entitlement(found.indirect[who])
    columns["fen"] = fen
    columns["reached_at"] = instants(_reached(found)[who])
    return columns


def _people(found: Replayed) -> Columns:
    size = len(found.ids)
    claims, ever = found.claims, found.courses.qualified != ENDLESS
    # Whoever scans their own poster has asked nobody.
    apart = claims.invitee != claims.inviter
    asked = np.bincount(claims.invitee[apart], minlength=size)
    joined = np.bincount(claims.invitee[ever], minlength=size)
    brought = np.bincount(claims.inviter[apart], minlength=size)
    who = np.flatnonzero(asked + brought)
    first = found.referral.ladder.rungs[0].invites
    return {
        "user": found.ids.take(who),
        "asked": asked[who] > 0,
        "joined": joined[who] > 0,
        "invites": brought[who],
        "counts": found.direct[who],
        "entitled": found.direct[who] >= first,
    }


def _leaderboard(found: Replayed) -> Columns:
    who = np.flatnonzero(found.direct > 0)
    reached, counts = _reached(found)[who], found.direct[who]
    order = np.lexsort((who, reached, -counts))
    who, reached, counts = who[order], reached[order], counts[order]
    return {
        "rank": np.arange(1, len(who) + 1),
        "user": found.ids.take(who),
        "counts": counts,
        "reached_at": instants(reached),
    }


def _entitlements(found: Replayed) -> Columns:
    levels: list[tuple[int, Ladder, NDArray[np.int64]]] = [
        (1, found.referral.ladder, found.direct)
    ]
    if found.referral.second is not None:
        levels.append((2, found.referral.second, found.indirect))
    people, level, kind, name, amount = [], [], [], [], []
    for number, ladder, counts in levels:
        # Everybody with one count is entitled to the same.
        for count in np.unique(counts[counts > 0]).tolist():
            who = np.flatnonzero(counts == count)
            for reward in ladder.rewards(count):
                word, called, much = reward_row(reward)
                people.append(who)
                level.append(np.full(len(who), number))
                kind.append(np.full(len(who), word, dtype=object))
                name.append(np.full(len(who), called, dtype=object))
                amount.append(np.full(len(who), much))
    codes = _joined(people, np.int64)
    order = np.argsort(codes, kind="stable")
    return {
        "user": found.ids.take(codes[order]),
        "level": _joined(level, np.int64)[order],
        "kind": _joined(kind, object)[order],
        "name": _joined(name, object)[order],
        "amount": _joined(amount, np.int64)[order],
    }


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts])
