"""The tables of a challenge's standings (打卡结果表)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from wxengage.campaigns.checkins.replaying import NO_GOAL, replayed
from wxengage.campaigns.checkins.stories import facts_of
from wxengage.campaigns.checkins.terms import KofN
from wxengage.campaigns.facts import REWARD_KINDS
from wxengage.campaigns.standings import Standings
from wxengage.campaigns.tables import fact_columns, reward_row
from wxengage.log.summary import instants
from wxengage.times.zones import MICROS_PER_SECOND, micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.campaigns.checkins.replaying import Replayed
    from wxengage.campaigns.standings import Columns

__all__ = ["check_in_standings"]

# How long before the deadline a reminder is due at the latest.
_LEAD: Final = 2 * 3_600 * MICROS_PER_SECOND


def check_in_standings(
    campaign: CheckIn,
    source: Any,
    as_of: dt.datetime,
    tz: str | None,
    unit: str | None,
) -> Standings:
    """Return where everybody in a challenge stands.

    Parameters
    ----------
    campaign, source, as_of, tz, unit
        As for ``replay``.

    Returns
    -------
    Standings
        With the tables users, entitlements, at_risk, rewards (the facts that move
        rewards) and facts; and, but for ``KofN``, survivors.
    """
    found = replayed(campaign, source, as_of, tz, unit)
    tables = {
        "users": lambda: _users(found),
        "entitlements": lambda: _entitlements(found),
        "at_risk": lambda: _at_risk(found),
        "rewards": lambda: fact_columns(
            [fact for fact in facts_of(found) if fact.kind in REWARD_KINDS]
        ),
        "facts": lambda: fact_columns(facts_of(found)),
    }
    if not isinstance(campaign.streak, KofN):
        tables["survivors"] = lambda: _survivors(found)
    return Standings(campaign, as_of, tables, found.origin)


def _owed(found: Replayed, unit: Literal["cash", "points"]) -> NDArray[np.int64]:
    """Return the cash or the points that each participant is entitled to."""
    campaign, runs = found.campaign, found.runs
    adds = np.zeros(campaign.days + 1, dtype=np.int64)
    for count, amount in campaign.amounts(unit).items():
        adds[count] = amount
    owed = np.cumsum(adds)
    best = np.minimum(runs.best, campaign.days)
    total: NDArray[np.int64] = runs.cycles * owed[-1] + owed[best]
    return total


def _users(found: Replayed) -> Columns:
    runs, calendar = found.runs, found.calendar
    made_up = np.bincount(calendar.made_up // calendar.width, minlength=len(found.ids))[
        found.who
    ]
    never = found.campaign.streak == "cycle"
    return {
        "user": found.ids.take(found.who),
        "days": found.sizes,
        "made_up": made_up,
        "streak": runs.streak,
        "longest": runs.longest,
        "cycles": runs.cycles,
        "best": runs.best,
        "completed": (runs.best >= found.campaign.days) & (not never),
        "spare": np.maximum(runs.spare, 0),
        "last_day": found.last + calendar.first,
        "fen": _owed(found, "cash"),
        "points": _owed(found, "points"),
    }


def _entitlements(found: Replayed) -> Columns:
    runs, columns = found.runs, []
    for row, count in enumerate(sorted(found.campaign.pays)):
        times = runs.cycles + (runs.best >= count)
        who = np.repeat(found.who, times)
        begins = np.cumsum(times) - times
        cycle = np.arange(len(who)) - np.repeat(begins, times) + 1
        columns.append((who, cycle, np.full(len(who), row)))
    none = np.zeros((3, 0), dtype=np.int64)
    who, cycle, row = np.concatenate([none, *map(np.stack, columns)], axis=1)
    order = np.lexsort((row, cycle, who))
    row = row[order]
    counts = sorted(found.campaign.pays)
    told = [reward_row(found.campaign.pays[count]) for count in counts]
    return {
        "user": found.ids.take(who[order]),
        "cycle": cycle[order],
        "day": np.array(counts, dtype=np.int64)[row],
        "kind": np.array([kind for kind, _, _ in told], dtype=object)[row],
        "name": np.array([name for _, name, _ in told], dtype=object)[row],
        "amount": np.array([much for _, _, much in told], dtype=np.int64)[row],
    }


def _at_risk(found: Replayed) -> Columns:
    campaign, runs, calendar = found.campaign, found.runs, found.calendar
    opens, closes = micros("opens", campaign.opens), micros("closes", campaign.closes)
    risk = (runs.streak > 0) & ~found.checked_in & (runs.goal != NO_GOAL)
    risk &= (runs.spare >= 0) & (runs.needs <= calendar.width - found.today)
    risk &= opens <= found.now < closes
    rows = np.flatnonzero(risk)
    clock, today = campaign.clock, found.today + calendar.first
    deadline = min(clock.start_of(today + 1), closes)
    wanted = clock.start_of(today) + _usual(found, rows)
    remind = np.maximum(np.minimum(wanted, deadline - _LEAD), found.now)
    return {
        "user": found.ids.take(found.who[rows]),
        "streak": runs.streak[rows],
        "next": runs.goal[rows],
        "needs": runs.needs[rows],
        "spare": runs.spare[rows],
        "deadline": instants(np.full(len(rows), deadline)),
        "remind_at": instants(remind),
    }


def _usual(found: Replayed, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some participants' usual time of day; see ``risks``."""
    chosen = np.zeros(len(found.who), dtype=np.bool_)
    chosen[rows] = True
    calendar = found.calendar
    keys = calendar.keys[np.repeat(chosen, found.sizes)]
    keys = keys[~np.isin(keys, calendar.made_up)]
    if not len(keys):
        return np.zeros(len(rows), dtype=np.int64)
    owner, day = np.divmod(keys, calendar.width)
    starts = np.array(
        [
            found.campaign.clock.start_of(calendar.first + one)
            for one in range(int(day.max()) + 1)
        ]
    )
    offsets = calendar.instants(keys) - starts[day]
    order = np.lexsort((offsets, owner))
    heads = np.flatnonzero(np.append(True, np.diff(owner) != 0))
    sizes = np.diff(np.append(heads, len(owner)))
    usual: NDArray[np.int64] = offsets[order][heads + (sizes - 1) // 2]
    return usual


def _survivors(found: Replayed) -> Columns:
    campaign = found.campaign
    days = np.arange(1, campaign.days + 1)
    if not len(found.who):
        return {"day": days, "reached": np.zeros(len(days), dtype=np.int64)}
    began = found.calendar.keys[found.heads] - found.who * found.calendar.width
    over = min(found.today, found.calendar.width)
    length = found.lengths[found.streaks]
    seen = began + campaign.days + campaign.freezes <= over
    reached = np.bincount(
        np.minimum(length[seen], campaign.days), minlength=campaign.days + 1
    )
    return {"day": days, "reached": np.cumsum(reached[:0:-1])[::-1]}
