"""What folding a campaign's events in the order of time emits (裂变活动事实流)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from wxengage.campaigns.referrals.courses import REASON_NAMES, STATUSES
from wxengage.campaigns.referrals.folding import invite_fact, reward_fact
from wxengage.campaigns.referrals.invites import Invite, Status
from wxengage.campaigns.referrals.presence import ENDLESS
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from wxengage.campaigns.facts import Fact
    from wxengage.campaigns.ladder import Ladder
    from wxengage.campaigns.referrals.replaying import Replayed

__all__ = ["invite_facts", "reward_facts"]

_CODE: Final = {status: code for code, status in enumerate(STATUSES)}


class _Turns(NamedTuple):
    """When invites turned: row of the invite, instant, and whether it counts then."""

    row: NDArray[np.int64]
    at: NDArray[np.int64]
    counts: NDArray[np.bool_]


def _turns(found: Replayed) -> _Turns:
    """Return when invites were revoked and restored."""
    qualified = found.courses.qualified
    revoke = found.terms.revoke
    rows = np.flatnonzero(qualified != ENDLESS)
    invitee = found.claims.invitee[rows]
    until = np.minimum(qualified[rows] + revoke, found.as_of + 1)
    # Whoever was there at the end of a hold has not left at that instant.
    first = found.presence.place(invitee, qualified[rows] + 1)
    size = np.maximum(found.presence.place(invitee, until) - first, 0)
    row = np.repeat(rows, size)
    begins = np.repeat(np.cumsum(size) - size, size)
    mark = np.repeat(first, size) + np.arange(len(row)) - begins
    came = found.presence.came[mark]
    changes = came != found.presence.came[mark - 1]
    return _Turns(row[changes], found.presence.at[mark[changes]], came[changes])


def _there(found: Replayed) -> NDArray[np.bool_]:
    """Return which invitees are there when they are touched. Shape ``(invites,)``."""
    invitee, touched, presence = (
        found.claims.invitee,
        found.claims.touched,
        found.presence,
    )
    place = presence.place(invitee, touched)
    comes = presence.here(place, invitee) & (presence.at[place] == touched)
    there: NDArray[np.bool_] = comes & presence.came[place]
    return there | presence.present(place, invitee)


def _moments(found: Replayed) -> Iterator[tuple[int, int, Status, str]]:
    """Yield instant, row, status and reason of each change that is news."""
    status, since = found.courses.status, found.courses.since
    touched, qualified = found.claims.touched, found.courses.qualified
    revoke = found.terms.revoke

    def told(
        rows: NDArray[np.int64], at: NDArray[np.int64], what: Status, reason: str
    ) -> Iterator[tuple[int, int, Status, str]]:
        for row, when in zip(rows.tolist(), at[rows].tolist(), strict=True):
            yield when, row, what, reason

    for row in np.flatnonzero(status == _CODE[Status.REFUSED]).tolist():
        reason = REASON_NAMES[int(found.courses.reason[row])]
        yield int(touched[row]), row, Status.REFUSED, reason
    open_ = status != _CODE[Status.REFUSED]
    waits = open_ & (qualified > touched)
    there = _there(found)
    yield from told(np.flatnonzero(waits & there), touched, Status.PENDING, "on_hold")
    yield from told(np.flatnonzero(waits & ~there), touched, Status.PENDING, "waiting")
    rows = np.flatnonzero((qualified != ENDLESS) & (revoke > 0))
    yield from told(rows, qualified, Status.QUALIFIED, "stayed")
    turns = _turns(found)
    for row, when, counts in zip(*(column.tolist() for column in turns), strict=True):
        back = (Status.RESTORED, "came_back") if counts else (Status.REVOKED, "left")
        yield when, row, *back
    for last, reason in (
        (Status.FINAL, "kept"),
        (Status.LOST, "gone"),
        (Status.LAPSED, "too_late"),
    ):
        yield from told(np.flatnonzero(status == _CODE[last]), since, last, reason)


def invite_facts(found: Replayed) -> list[Fact]:
    """Return the facts about invites.

    Parameters
    ----------
    found
        A replay.

    Returns
    -------
    list of Fact
        By time.
    """
    names = [str(one) for one in found.ids.numpy().tolist()]
    facts = []
    for at, row, status, reason in _moments(found):
        invite = Invite(
            names[int(found.claims.inviter[row])],
            names[int(found.claims.invitee[row])],
            from_micros(int(found.claims.touched[row])),
            status,
            from_micros(at),
            reason,
        )
        facts.append(invite_fact(found.referral, invite))
    return sorted(facts, key=_by_time)


def _by_time(fact: Fact) -> tuple[int, str]:
    return micros("at", fact.at), fact.key


def reward_facts(found: Replayed) -> list[Fact]:
    """Return the rewards that were granted and withdrawn.

    Parameters
    ----------
    found
        A replay.

    Returns
    -------
    list of Fact
        By time. What an inviter's invites do at one instant is taken together.
    """
    turns = _turns(found)
    began = np.flatnonzero(found.courses.qualified != ENDLESS)
    row = np.append(began, turns.row)
    at = np.append(found.courses.qualified[began], turns.at)
    by = np.append(np.ones(len(began), dtype=np.int64), 2 * turns.counts - 1)
    steps = found.claims.inviter[row], at, by
    facts = list(_climbs(found, steps, found.referral.ladder, level=1))
    if found.referral.second is not None:
        indirect = _second(found, row, at, by)
        facts += _climbs(found, indirect, found.referral.second, level=2)
    return sorted(facts, key=_by_time)


def _climbs(
    found: Replayed,
    steps: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    ladder: Ladder,
    *,
    level: int,
) -> Iterator[Fact]:
    user, at, by = steps
    order = np.lexsort((at, user))
    user, at, by = user[order], at[order], by[order]
    total = np.cumsum(by)
    last = np.append((user[1:] != user[:-1]) | (at[1:] != at[:-1]), True)[: len(user)]
    user, at, total = user[last], at[last], total[last]
    heads = np.append(True, user[1:] != user[:-1])[: len(user)]
    # Counts of one inviter begin at nothing.
    before = np.append(0, total[:-1])
    base = before[heads][np.cumsum(heads) - 1]
    before, after = before - base, total - base
    moved = _rung(ladder, before) != _rung(ladder, after)
    columns = (column[moved].tolist() for column in (user, at, before, after))
    names = found.ids.numpy()
    times: dict[tuple[int, int], int] = {}
    for who, when, low, high in zip(*columns, strict=True):
        climbs = high > low
        crossed = ladder.crossings(min(low, high), max(low, high))
        for step in crossed if climbs else reversed(crossed):
            generation = times.get((who, step.invites), 0) + 1
            if not climbs:
                times[who, step.invites] = generation
            yield reward_fact(
                found.referral,
                str(names[who]),
                from_micros(when),
                step,
                (level, generation),
                granted=climbs,
            )


def _rung(ladder: Ladder, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many steps each count has climbed."""
    bounds = np.array([rung.invites for rung in ladder.rungs])
    climbed: NDArray[np.int64] = np.searchsorted(bounds, counts, side="right")
    if ladder.repeats is not None:
        beyond = np.maximum(counts - bounds[-1], 0)
        climbed = climbed + beyond // ladder.repeats.invites
    return climbed


def _second(
    found: Replayed,
    row: NDArray[np.int64],
    at: NDArray[np.int64],
    by: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the steps of the second level: who, when, by how much."""
    order = np.argsort(at, kind="stable")
    inviter, invitee = found.claims.inviter[row], found.claims.invitee[row]
    columns = (column[order].tolist() for column in (at, inviter, invitee, by))
    counts: dict[int, int] = {}
    above: dict[int, set[int]] = {}
    steps: list[tuple[int, int, int]] = []
    for when, who, whom, change in zip(*columns, strict=True):
        counts[who] = counts.get(who, 0) + change
        steps += [(up, when, change) for up in above.get(who, ())]
        steps.append((who, when, change * counts.get(whom, 0)))
        (set.add if change > 0 else set.discard)(above.setdefault(whom, set()), who)
    table: Any = np.array(steps, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]
