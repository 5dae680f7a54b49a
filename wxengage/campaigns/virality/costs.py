"""What one inviter costs under a ladder (人均奖励成本), before anything spreads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.ladder import Ladder
from wxengage.errors import InvalidInputError
from wxengage.money import Cash
from wxengage.stats.branching import require_law
from wxengage.stats.counts import NegativeBinomial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]

__all__ = ["InviterCost", "cash_steps", "inviter_cost"]

# A repetition that fewer reach than this is left out.
_NOBODY: Final = 1e-20
_MOST_STEPS: Final = 100_000


@attrs.frozen
class InviterCost:
    """Mean and spread of what one inviter is paid, and what for.

    Attributes
    ----------
    invites
        Invites on average.
    mean, variance
        Cash in fen, and fen squared.
    per_invite
        ``mean / invites``: what one new user costs. None without invites.
    unpaid
        Share of the invites that lie above an inviter's last rung and below the
        next: brought, and not paid for. None without invites.
    """

    invites: float
    mean: float
    variance: float
    per_invite: float | None
    unpaid: float | None


def require_ladder(name: str, got: object) -> Ladder:
    """Return a ladder that pays cash, checked."""
    if not isinstance(got, Ladder):
        hint = "for example Ladder({3: yuan('8')}, pays='total')"
        raise InvalidInputError(name, got, "a Ladder", hint)
    if not any(isinstance(step.adds, Cash) for step in got.steps):
        hint = "points, coupons and perks have no budget in fen"
        raise InvalidInputError(name, got, "a ladder that pays cash", hint)
    return got


def cash_steps(ladder: Ladder, law: NegativeBinomial) -> tuple[Whole, Whole]:
    """Return at how many invites cash is added, and how much.

    Parameters
    ----------
    ladder
        A ladder that pays cash.
    law
        How many invites inviters bring. Repetitions that fewer than one in 1e20
        reach are left out.

    Returns
    -------
    bounds, adds
        Invites and fen. Shape ``(steps,)`` each.

    Raises
    ------
    InvalidInputError
        If more than 100,000 repetitions are within reach.
    """
    steps = [(s.invites, s.adds.fen) for s in ladder.steps if isinstance(s.adds, Cash)]
    every = ladder.repeats
    if every is not None and isinstance(every.reward, Cash):
        at, most = ladder.rungs[-1].invites, _reach(law)
        if (most - at) // every.invites > _MOST_STEPS:
            hint = "a longer repetition, or a law with a smaller mean"
            raise InvalidInputError("ladder", ladder, "of at most 100,000 steps", hint)
        steps += [
            (n, every.reward.fen)
            for n in range(at + every.invites, most, every.invites)
        ]
    bounds, adds = np.array(steps, dtype=np.int64).T
    return bounds, adds


def _reach(law: NegativeBinomial) -> int:
    """Return a count of invites that practically nobody brings."""
    most = 1
    while law.tail(most) > _NOBODY:
        most *= 2
    low = most // 2
    while most - low > 1:
        middle = (most + low) // 2
        low, most = (middle, most) if law.tail(middle) > _NOBODY else (low, middle)
    return most


@attrs.frozen(eq=False)
class Moments:
    """Moments of invites and cash of one inviter, together."""

    mean: float
    variance: float
    covariance: float


def moments_of(law: NegativeBinomial, bounds: Whole, adds: Whole) -> Moments:
    """Return mean and variance of the cash, and its covariance with invites.

    Parameters
    ----------
    law
        How many invites an inviter brings.
    bounds, adds
        Steps of cash. Shape ``(steps,)`` each.

    Returns
    -------
    Moments
        Exact sums over the steps; no sum over counts.
    """
    tails = law.tail(bounds)
    owed = np.cumsum(adds, dtype=np.float64)
    mean = math.fsum(adds * tails)
    squares = math.fsum((owed**2 - (owed - adds) ** 2) * tails)
    # E[N; N >= b] = mean P(N' >= b - 1), N' the law with each count weighed by it.
    weighed = (
        law
        if law.k is None
        else NegativeBinomial(law.mean * (law.k + 1) / law.k, law.k + 1)
    )
    mixed = law.mean * math.fsum(adds * weighed.tail(bounds - 1))
    return Moments(mean, max(squares - mean**2, 0.0), mixed - law.mean * mean)


def inviter_cost(ladder: Ladder, law: NegativeBinomial) -> InviterCost:
    """Return what one inviter is paid on average, and what for.

    Parameters
    ----------
    ladder
        A ladder that pays cash.
    law
        How many valid invites an inviter brings.

    Returns
    -------
    InviterCost
        Fen.

    Raises
    ------
    InvalidInputError
        If the ladder pays no cash, or ``law`` is no law.

    Notes
    -----
    The law is taken as it is. Another ladder would move people to bring more or
    fewer: what was fitted under one ladder says nothing of that.

    Examples
    --------
    >>> from wxengage.money import yuan
    >>> ladder = Ladder({3: yuan("8"), 6: yuan("15")}, pays="each")
    >>> cost = inviter_cost(ladder, NegativeBinomial(1.2, 0.4))
    >>> f"{cost.mean:.1f} {cost.per_invite:.1f} {cost.unpaid:.3f}"
    '207.1 172.6 0.465'
    """
    require_ladder("ladder", ladder)
    require_law("law", law)
    bounds, adds = cash_steps(ladder, law)
    found = moments_of(law, bounds, adds)
    paid = math.fsum(np.diff(bounds, prepend=0) * law.tail(bounds))
    some = law.mean > 0
    return InviterCost(
        invites=law.mean,
        mean=found.mean,
        variance=found.variance,
        per_invite=found.mean / law.mean if some else None,
        unpaid=1 - paid / law.mean if some else None,
    )
