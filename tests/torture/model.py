"""What two campaigns owe, written anew from their rules: a pure function of events.

Nothing here comes from ``wxengage.campaigns``. Events are rows as the store has them,
instants are microseconds. A ladder pays its inviters by how many of their invitees
have stayed; a challenge pays whoever checked in on so many days in a row.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ChallengeRules",
    "LadderRules",
    "owed_by_challenge",
    "owed_by_ladder",
    "valid_invites",
]

Event = dict[str, Any]
Place = tuple[str, str, str]

HOUR: Final = 3_600 * 10**6
DAY: Final = 24 * HOUR
# Shanghai has had no summer time since 1991.
OFFSET: Final = 8 * HOUR
TOUCHES: Final = {
    "scan",
    "open",
    "click",
    "follow",
    "join",
    "register",
    "subscribe",
    "purchase",
}


class LadderRules(NamedTuple):
    """A referral on follows: first touch, nobody who followed before, no circles."""

    id: str
    opens: int
    closes: int
    hold: int
    revoke: int
    #: Invites -> fen that are paid for reaching them.
    rungs: Mapping[int, int]


class ChallengeRules(NamedTuple):
    """Days in a row, once; a check-in can be undone."""

    id: str
    opens: int
    closes: int
    #: Days in a row -> fen that are paid for reaching them.
    days: Mapping[int, int]


def owed_by_ladder(
    rules: LadderRules, events: Iterable[Event], now: int
) -> dict[Place, int]:
    """Return what is owed to each inviter."""
    return {
        (rules.id, inviter, f"rung:{invites}"): fen
        for inviter, count in valid_invites(rules, events, now).items()
        for invites, fen in rules.rungs.items()
        if count >= invites
    }


def valid_invites(
    rules: LadderRules, events: Iterable[Event], now: int
) -> dict[str, int]:
    """Return how many invitees of each inviter count."""
    marks: defaultdict[str, set[tuple[int, bool]]] = defaultdict(set)
    touched: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in events:
        at, user, inviter = event["at"], event["user"], event["inviter"]
        if event["kind"] in {"follow", "unfollow"}:
            marks[user].add((at, event["kind"] == "follow"))
        if inviter is None or inviter == user or event["campaign"] != rules.id:
            continue
        if event["kind"] in TOUCHES and rules.opens <= at < rules.closes:
            touched[user].append((at, inviter))
    first = {user: min(found) for user, found in touched.items()}
    chosen = {
        user: touch
        for user, touch in first.items()
        if not any(at < touch[0] for at, _ in marks[user])
    }
    counts: defaultdict[str, int] = defaultdict(int)
    for user, (at, inviter) in chosen.items():
        if not _is_last_of_circle(chosen, user) and _stayed(
            marks[user], at, rules, now
        ):
            counts[inviter] += 1
    return dict(counts)


def _is_last_of_circle(chosen: Mapping[str, tuple[int, str]], user: str) -> bool:
    """Return whether somebody's invite is the one that closes a circle."""
    ring, here = [user], chosen[user][1]
    while here in chosen and here not in ring:
        ring.append(here)
        here = chosen[here][1]
    if here != user:
        return False
    return max((chosen[one][0], one) for one in ring)[1] == user


def _stayed(
    marks: set[tuple[int, bool]], touch: int, rules: LadderRules, now: int
) -> bool:
    """Return whether an invitee has stayed through the hold, and is there or final."""
    stays = _stays(marks, touch)
    for came, left in stays:
        ends = came + rules.hold
        if came >= rules.closes or ends > now:
            return False
        if left is not None and left <= ends:
            continue
        final = ends + rules.revoke
        return any(
            one <= min(now, final - 1) and (gone is None or gone > min(now, final - 1))
            for one, gone in stays
        )
    return False


def _stays(marks: set[tuple[int, bool]], touch: int) -> list[tuple[int, int | None]]:
    """Return from when to when somebody was there, from the touch on."""
    found: list[tuple[int, int | None]] = []
    since: int | None = None
    # At one instant somebody comes first and leaves then.
    for at, came in sorted(marks, key=lambda mark: (mark[0], not mark[1])):
        if came and since is None:
            since = at
        elif not came and since is not None:
            if at >= touch:
                found.append((max(since, touch), at))
            since = None
    if since is not None:
        found.append((max(since, touch), None))
    return found


def owed_by_challenge(
    rules: ChallengeRules, events: Iterable[Event]
) -> dict[Place, int]:
    """Return what is owed to each challenger."""
    done: defaultdict[str, defaultdict[int, list[int]]]
    done = defaultdict(lambda: defaultdict(list))
    undone: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for event in events:
        if event["campaign"] != rules.id:
            continue
        at, user = event["at"], event["user"]
        if event["kind"] == "check_in" and rules.opens <= at < rules.closes:
            done[user][_day(at)].append(at)
        elif event["kind"] == "void":
            day = _day_named(event["item"])
            undone[user][day] = max(at, undone[user].get(day, at))
    found = {}
    for user, days in done.items():
        counted = sorted(
            day
            for day, times in days.items()
            if max(times) > undone[user].get(day, -(2**62))
        )
        longest = _longest(counted)
        for count, fen in rules.days.items():
            if longest >= count:
                found[rules.id, user, f"milestone:1:{count}"] = fen
    return found


def _day(at: int) -> int:
    return (at + OFFSET) // DAY


def _day_named(item: str) -> int:
    return (dt.date.fromisoformat(item) - dt.date(1970, 1, 1)).days


def _longest(days: list[int]) -> int:
    best = run = 0
    before: int | None = None
    for day in days:
        run = run + 1 if before is not None and day == before + 1 else 1
        best, before = max(best, run), day
    return best
