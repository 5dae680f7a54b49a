"""A referral campaign played through (裂变模拟), person by person and day by day.

What formulas leave out: the audience is finite, invites take time, some leave before
they count, some cheat, and the campaign closes when its budget is spent.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.virality.costs import require_ladder
from wxengage.campaigns.virality.course import (
    MOST_INVITES,
    Course,
    Fakes,
    require_share,
)
from wxengage.campaigns.virality.spread import GenerationTime
from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import format_yuan
from wxengage.stats.branching import require_law
from wxengage.tables import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.campaigns.ladder import Ladder
    from wxengage.campaigns.virality.course import Ended
    from wxengage.money import Fen
    from wxengage.stats.counts import NegativeBinomial

    Whole: TypeAlias = NDArray[np.int64]
    Places: TypeAlias = NDArray[np.int32]
    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["Fakes", "Simulation", "simulate"]

_MOST_DAYS: Final = 32_767  # levels and days are kept in two bytes
_MOST_PEOPLE: Final = 2**31 - 1
# A count of invites that fewer bring is not drawn.
_NOBODY: Final = 1e-17


@attrs.frozen(eq=False, repr=False)
class Simulation:
    """One course that a campaign may take.

    Attributes
    ----------
    inviter
        Place of whoever invited each participant; -1 for seeds. In order of
        joining, random within a day. Shape ``(n,)``.
    level
        Invites from a seed to each. Shape ``(n,)``.
    day
        The day on which each joined, from 0. Shape ``(n,)``.
    invites
        Invites of each that counted, fakes among them. Shape ``(n,)``.
    joined, counted, fake, paid
        Per day: participants, invites that counted, how many of these are fakes,
        fen that became due. Shape ``(days + 1,)``.
    ended
        ``"extinct"``: nobody is left to come; ``"days"``, ``"participants"``,
        ``"budget"``: what ran out first.
    """

    inviter: Places
    level: NDArray[np.int16]
    day: NDArray[np.int16]
    invites: Places
    joined: Whole
    counted: Whole
    fake: Whole
    paid: Whole
    ended: Ended

    def __len__(self) -> int:
        return len(self.inviter)

    @property
    def total_paid(self) -> Fen:
        """Fen that became due in all."""
        return int(self.paid.sum())

    def to_frame(self, like: object = None) -> Any:
        """Return the days as a table of the caller's kind.

        Parameters
        ----------
        like
            A frame to imitate, or a name such as ``"pandas"``; None for arrays.

        Returns
        -------
        object
            One row a day.
        """
        from wxengage.log.frames import ARRAYS, give  # noqa: PLC0415  loads narwhals

        columns: dict[str, Any] = {
            "day": np.arange(len(self.joined)),
            "joined": self.joined,
            "counted": self.counted,
            "fake": self.fake,
            "paid": self.paid,
        }
        return give(columns, ARRAYS, like)

    def __repr__(self) -> str:
        return f"<Simulation of {len(self):,} participants, ended by {self.ended}>"

    def __str__(self) -> str:
        last = int(self.day.max(initial=0))
        return aligned(
            [
                ["course", "value"],
                ["participants", f"{len(self):,}"],
                ["last one joined on day", f"{last:,}"],
                ["longest chain of invites", f"{int(self.level.max(initial=0)):,}"],
                ["invites counted", f"{int(self.counted.sum()):,}"],
                ["fakes among them", f"{int(self.fake.sum()):,}"],
                ["due", format_yuan(self.total_paid)],
                ["ended by", self.ended],
            ]
        )


def simulate(
    law: NegativeBinomial,
    seeds: int,
    generation: GenerationTime,
    rng: np.random.Generator,
    *,
    ladder: Ladder | None = None,
    audience: int | None = None,
    unfollow: float = 0.0,
    fakes: Fakes | None = None,
    budget: Fen | None = None,
    participants: int = 10_000_000,
    days: int = 365,
) -> Simulation:
    """Play a referral campaign through once.

    Parameters
    ----------
    law
        How many people each participant invites who would join, were they still
        to be reached.
    seeds
        Participants on day 0, at least 1.
    generation
        How long invites take; rounded up to whole days.
    rng
        Where chance comes from: the same state gives the same course.
    ladder
        What invites pay. None: nothing.
    audience
        People there are, seeds among them. Each invite goes to one of them at
        random, and is void where that one has joined. None: without end.
    unfollow
        Share of the invited who leave before they count. They bring nobody and
        cannot be invited again.
    fakes
        Participants who cheat. None: nobody does.
    budget
        The campaign closes before the first invite that it can no longer pay.
        None: without end.
    participants
        It also closes when so many have joined.
    days
        And after so many days, at most 32,767.

    Returns
    -------
    Simulation
        Participants and days as columns.

    Raises
    ------
    InvalidInputError
        If an argument breaks its rule.

    Notes
    -----
    Exact draws, day by day, without a loop over people: counts of invites and
    their delays are drawn as multinomial totals and shuffled. Of people not yet
    reached it does not matter which one an invite finds, so no list of them is
    kept: 12 bytes a participant, and 4 for an invite on its way.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.stats.counts import NegativeBinomial
    >>> two_days = GenerationTime(dt.timedelta(days=2), dt.timedelta(days=1))
    >>> found = simulate(
    ...     NegativeBinomial(1.5, 0.4),
    ...     100,
    ...     two_days,
    ...     np.random.default_rng(1),
    ...     audience=50_000,
    ... )
    >>> found.ended, 20_000 < len(found) < 40_000
    ('extinct', True)
    """
    _require_counts(law, seeds, participants, days)
    _require("rng", rng, np.random.Generator, "numpy.random.default_rng(7)")
    _require("generation", generation, GenerationTime, "GenerationTime(mean, sd)")
    require_share("unfollow", unfollow)
    most = participants
    if audience is not None:
        require_whole("audience", audience, least=seeds, most=_MOST_PEOPLE)
        most = min(most, audience)
    if budget is not None:
        require_whole("budget", budget)
        if ladder is None:
            hint = "without a ladder nothing is paid"
            raise InvalidInputError("budget", budget, "with a ladder", hint)
    shares = _shares(law)
    course = Course(
        shares=shares,
        delays=_delays(generation, days),
        owed=_owed(ladder, len(shares) + (fakes.each if fakes else 0)),
        audience=audience,
        unfollow=unfollow,
        fakes=fakes or Fakes(0.0, 1),
        budget=math.inf if budget is None else budget,
        rng=rng,
        most=most,
    )
    ended = course.play(seeds, "extinct" if most == audience else "participants")
    n, (joined, counted, fake, paid) = course.size, course.daily
    return Simulation(
        inviter=course.inviter[:n],
        level=course.level[:n],
        day=course.day[:n],
        invites=course.invites[:n],
        joined=joined,
        counted=counted,
        fake=fake,
        paid=paid,
        ended=ended,
    )


def _require_counts(law: object, seeds: int, participants: int, days: int) -> None:
    require_law("law", law)
    require_whole("seeds", seeds, least=1, most=_MOST_PEOPLE)
    require_whole("participants", participants, least=seeds, most=_MOST_PEOPLE)
    require_whole("days", days, least=1, most=_MOST_DAYS)


def _require(name: str, got: object, kind: type, hint: str) -> None:
    if not isinstance(got, kind):
        raise InvalidInputError(name, got, f"a {kind.__name__}", f"for example {hint}")


def _shares(law: NegativeBinomial) -> Floats:
    """Return the probability of each count of invites, the last one and above."""
    most = 16
    while law.tail(most) > _NOBODY:
        most *= 2
        if most > MOST_INVITES:
            rule = "a law under which nobody brings a million"
            raise InvalidInputError("law", law, rule)
    shares: Floats = law.pmf(np.arange(most))
    shares /= shares.sum()
    return shares


def _delays(generation: GenerationTime, days: int) -> Floats:
    """Return the probability of each delay in days from 1, and of a longer one."""
    within = generation.cdf([dt.timedelta(days=day) for day in range(days + 1)])
    found: Floats = np.maximum(np.diff(within, append=1.0), 0.0)
    found /= found.sum()
    return found


def _owed(ladder: Ladder | None, counts: int) -> Whole:
    """Return what each count of invites is owed."""
    if ladder is None:
        return np.zeros(counts, dtype=np.int64)
    return require_ladder("ladder", ladder).entitlement(np.arange(counts))
