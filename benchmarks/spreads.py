"""Campaigns foreseen: played through, paid out and designed, ready to be timed."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import random
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import numpy as np
from jobs import Job

from wxengage.campaigns.design import GRIDS, design_ladder
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.response import InviteCost, ladder_option
from wxengage.campaigns.virality.payouts import payout_distribution
from wxengage.campaigns.virality.simulation import simulate
from wxengage.campaigns.virality.spread import GenerationTime
from wxengage.money import yuan
from wxengage.stats.counts import NegativeBinomial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from timing import Digests

__all__ = [
    "BY_ONE",
    "OWN",
    "QUEUE",
    "Course",
    "Payout",
    "Search",
    "apart",
    "make_job",
    "searched",
]

OWN: Final = "wxengage"
QUEUE: Final = "a queue in Python"
BY_ONE: Final = "wxengage, ladder by ladder"
_LADDER: Final = Ladder({3: yuan("8"), 6: yuan("15")}, pays="total")
_SEEDS: Final = 1_000
#: Everybody brings 1.5 others on the average; of whom 0.6 where payouts end.
_GROWING: Final = NegativeBinomial(1.5, 0.4)
_ENDING: Final = NegativeBinomial(0.6, 0.4)
_GENERATION: Final = GenerationTime(dt.timedelta(days=2), dt.timedelta(days=1))
_DAYS: Final = 365
_COST: Final = InviteCost(yuan("4"), 0.9)
_INVITERS: Final = 1_000
_BUDGET: Final = yuan("2000")
_RISK: Final = 0.01
_SEED: Final = 20_260_301
#: How far means of two random courses from a thousand seeds may be apart.
_WITHIN: Final = 0.1


@attrs.frozen
class Course:
    """A campaign that grows to so many participants."""

    size: int
    jobs: ClassVar[str] = "spreads"
    unit: ClassVar[str] = "participant"
    about: ClassVar[str] = "from 1,000 seeds"


@attrs.frozen
class Payout:
    """A campaign that begins with so many inviters."""

    size: int
    jobs: ClassVar[str] = "spreads"
    unit: ClassVar[str] = "seed"
    about: ClassVar[str] = "0.6 invites each on the average"


@attrs.frozen
class Search:
    """So many ladders to choose of."""

    size: int
    jobs: ClassVar[str] = "spreads"
    unit: ClassVar[str] = "ladder"
    about: ClassVar[str] = "1,000 inviters, 2,000 yuan, a risk of 1 %"


def searched() -> Search:
    """Return the ladders that ``design_ladder`` looks through by itself."""
    return Search(design_ladder(_COST, _INVITERS, _BUDGET, risk=_RISK).searched)


def make_job(
    work: str, engine: str, data: Course | Payout | Search, scratch: Path
) -> Job:
    """Return one engine's work.

    Parameters
    ----------
    work
        Which comparison; the data tell.
    engine
        Who does it.
    data
        How large.
    scratch
        Not needed.

    Returns
    -------
    Job
        Its answer holds what ``apart`` compares.
    """
    del work, scratch
    if isinstance(data, Course):
        return _queue(data.size) if engine == QUEUE else _simulation(data.size)
    if isinstance(data, Payout):
        return _payout(data.size)
    return _by_one() if engine == BY_ONE else _design()


def _plain(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return found


def _simulation(size: int) -> Job:
    def run(_: Any) -> Any:
        rng = np.random.default_rng(_SEED)
        return simulate(
            _GROWING, _SEEDS, _GENERATION, rng, ladder=_LADDER, participants=size
        )

    def answer(found: Any) -> Mapping[str, Any]:
        return {
            "participants": len(found),
            "level": float(found.level.mean()),
            "day": float(found.day.mean()),
            "fen": found.total_paid,
        }

    return Job(lambda: None, run, answer, _plain)


def _queue(size: int) -> Job:
    most = 64
    spans = [dt.timedelta(days=day) for day in range(_DAYS + 1)]
    counts = np.cumsum(_GROWING.pmf(np.arange(most))).tolist()
    delays = _GENERATION.cdf(spans)[1:].tolist()
    owed = _LADDER.entitlement(np.arange(4 * most)).tolist()

    def run(_: Any) -> Any:
        return _played(size, counts, delays, owed)

    def answer(found: Any) -> Mapping[str, Any]:
        level, day, fen = found
        return {
            "participants": len(level),
            "level": sum(level) / len(level),
            "day": sum(day) / len(day),
            "fen": fen,
        }

    return Job(lambda: None, run, answer, _plain)


def _played(
    size: int, counts: Sequence[float], delays: Sequence[float], owed: Sequence[int]
) -> tuple[list[int], list[int], int]:
    """Play a campaign as one would write it down: one participant at a time."""
    dice = random.Random(_SEED).random  # noqa: S311  no secret
    waiting: list[list[int]] = [[] for _ in range(_DAYS + 1)]
    waiting[0] = [-1] * _SEEDS
    level: list[int] = []
    day: list[int] = []
    invites: list[int] = []
    fen = 0
    for today in range(_DAYS + 1):
        for inviter in waiting[today]:
            if len(level) == size:
                return level, day, fen
            if inviter < 0:
                level.append(0)
            else:
                level.append(level[inviter] + 1)
                count = invites[inviter] = invites[inviter] + 1
                fen += owed[count] - owed[count - 1]
            day.append(today)
            invites.append(0)
            for _ in range(bisect.bisect(counts, dice())):
                due = today + 1 + bisect.bisect(delays, dice())
                if due <= _DAYS:
                    waiting[due].append(len(level) - 1)
        waiting[today] = []
    return level, day, fen


def _payout(seeds: int) -> Job:
    def run(_: Any) -> Any:
        return payout_distribution(_LADDER, _ENDING, seeds)

    def answer(found: Any) -> Mapping[str, Any]:
        return {"mean": found.mean, "fen": found.quantile(0.99)}

    return Job(lambda: None, run, answer, _plain)


def _design() -> Job:
    def run(_: Any) -> Any:
        return design_ladder(_COST, _INVITERS, _BUDGET, risk=_RISK).best

    return Job(lambda: None, run, _option, _plain)


def _option(found: Any) -> Mapping[str, Any]:
    return {"invites": found.invites, "fen": found.payout, "risk": found.risk}


def _by_one() -> Job:
    """Return the search as a loop over ladders, each judged by itself."""
    ladders = _ladders()

    def run(_: Any) -> Any:
        options = (
            ladder_option(one, _COST, inviters=_INVITERS, budget=_BUDGET)
            for one in ladders
        )
        safe = (option for option in options if option.risk <= _RISK)
        return max(safe, key=lambda option: (option.invites, -option.payout))

    return Job(lambda: None, run, _option, _plain)


def _ladders() -> list[Ladder]:
    """Return the ladders of which every rung is worth a stop."""
    steps = [list(itertools.product(grid.invites, grid.totals)) for grid in GRIDS]
    found = [Ladder([step], pays="total") for step in {*steps[0], *steps[1]}]
    for (few, small), (many, large) in itertools.product(*steps):
        falls = small * (many - few) > (large - small) * few
        if few < many and small < large and falls:
            found.append(Ladder([(few, small), (many, large)], pays="total"))
    return found


def apart(digests: Digests) -> list[str]:
    """Return in what answers differ by more than they may.

    Parameters
    ----------
    digests
        Each engine's numbers.

    Returns
    -------
    list of str
        Numbers of participants that differ at all; means and sums that are apart
        by more than a tenth where courses are random, or a millionth.
    """
    (first, right), *others = digests.items()
    within = _WITHIN if "participants" in right else 1e-6
    found = []
    for engine, told in others:
        for name, value in told.items():
            far = abs(value - right[name]) > within * abs(right[name])
            if far or (name == "participants" and value != right[name]):
                found.append(f"{engine}: {name} {value}, of {first} {right[name]}")
    return found
