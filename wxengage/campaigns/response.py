"""How inviters answer a ladder (理性响应), and what that brings, costs and risks.

Needed is how much an invite costs an inviter, in effort and in face, and how that
differs between people. Then everybody climbs as far as it pays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.ladder import Ladder  # noqa: TC001  the codec reads annotations
from wxengage.campaigns.virality.costs import require_ladder
from wxengage.errors import InvalidInputError, require_whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from wxengage.money import Fen

    Floats: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]

__all__ = ["InviteCost", "LadderOption", "ladder_option"]

# Different sums of payments that are told apart.
_MOST_POINTS: Final = 2**24
# Counts of inviters further from their mean than so many deviations do not occur.
_DEVIATIONS: Final = 40.0


@attrs.frozen
class InviteCost:
    """What one invite costs an inviter, in money (邀请成本): lognormal.

    Attributes
    ----------
    median
        Fen that half of the inviters would do it for, at least 1.
    sigma
        Standard deviation of its logarithm between inviters, above 0.
    """

    median: Fen = attrs.field()
    sigma: float = attrs.field()

    def __attrs_post_init__(self) -> None:
        require_whole("median", self.median, least=1)
        number = isinstance(self.sigma, (int, float)) and self.sigma is not True
        if not (number and 0 < self.sigma < math.inf):
            raise InvalidInputError("sigma", self.sigma, "a finite number above 0")

    def share_below(self, fen: ArrayLike) -> Floats:
        """Return the share of inviters to whom an invite costs less.

        Parameters
        ----------
        fen
            Above 0. Any shape.

        Returns
        -------
        numpy.ndarray
            From 0 to 1, of the same shape.
        """
        from scipy.special import ndtr  # noqa: PLC0415  slow to import

        cost = np.asarray(fen, dtype=np.float64)
        return np.asarray(ndtr(np.log(cost / self.median) / self.sigma), np.float64)


@attrs.frozen
class LadderOption:
    """A ladder, and what it is expected to bring and to cost.

    Attributes
    ----------
    ladder
        With ``pays="total"``.
    invites
        New users expected.
    payout, sd
        Expected payout and its standard deviation, in fen.
    risk
        Probability that the payout exceeds the budget.
    """

    ladder: Ladder
    invites: float
    payout: float
    sd: float
    risk: float

    @property
    def per_invite(self) -> float:
        """Fen a new user; infinite where nobody comes."""
        return self.payout / self.invites if self.invites else math.inf


def ladder_option(
    ladder: Ladder, cost: InviteCost, *, inviters: int, budget: Fen
) -> LadderOption:
    """Return what a ladder brings, costs and risks among rational inviters.

    Parameters
    ----------
    ladder
        A ladder that pays cash, with a last rung.
    cost
        What an invite costs inviters.
    inviters
        People who know of the campaign, at least 1.
    budget
        Fen.

    Returns
    -------
    LadderOption
        With the ladder as given.

    Raises
    ------
    InvalidInputError
        If the ladder repeats without end: whoever finds an invite worth it would
        never stop.

    Notes
    -----
    Everybody climbs to the rung at which reward less cost is greatest, a vertex
    of the ladder's concave hull; between two of them lie the costs of those who
    stop at the first. The risk is exact: for one and two rungs a sum over
    binomials, for more the inverse transform of the payout's distribution.

    Examples
    --------
    >>> from wxengage.money import yuan
    >>> ladder = Ladder({3: yuan("8"), 6: yuan("15")}, pays="total")
    >>> found = ladder_option(
    ...     ladder, InviteCost(yuan("4"), 0.9), inviters=1_000, budget=yuan("2000")
    ... )
    >>> f"{found.invites:.1f} {found.payout / 100:.1f} {found.risk:.2f}"
    '1802.4 4531.7 1.00'
    """
    require_ladder("ladder", ladder)
    require_whole("inviters", inviters, least=1)
    require_whole("budget", budget)
    if ladder.repeats is not None:
        hint = "whoever finds an invite worth it would never stop"
        raise InvalidInputError("ladder", ladder, "with a last rung", hint)
    stops = [r for r in ladder.diagnose().rungs if r.worth_up_to is not None]
    at = np.array([stop.invites for stop in stops], dtype=np.int64)
    pay = np.array([stop.total for stop in stops], dtype=np.int64)
    edge = cost.share_below([float(stop.worth_up_to or 0) for stop in stops])
    share = edge - np.append(edge[1:], 0.0)
    mean = float(share @ pay)
    spread = inviters * max(
        float(share @ (pay - mean) ** 2 + (1 - edge[0]) * mean**2), 0
    )
    return LadderOption(
        ladder=ladder,
        invites=inviters * float(share @ at),
        payout=inviters * mean,
        sd=math.sqrt(spread),
        risk=_exceeding(inviters, share, pay, budget),
    )


def _exceeding(people: int, share: Floats, pay: Whole, budget: int) -> float:
    """Return how likely payments to people exceed what there is."""
    if len(pay) > len(("one", "two")):
        return _exceeding_many(people, share, pay, budget)
    from scipy.special import bdtrc, gammaln, xlog1py, xlogy  # noqa: PLC0415  slow

    p, last = min(float(share[-1]), 1.0), int(pay[-1])
    if len(pay) == 1:
        whole = budget // last
        return float(bdtrc(whole, people, p)) if whole < people else 0.0
    # So many get the last payment; the first one goes to some of the others.
    reach = _DEVIATIONS * math.sqrt(people * p * (1 - p)) + 1
    low, high = max(people * p - reach, 0), min(people * p + reach, people)
    some = np.arange(math.floor(low), math.ceil(high) + 1)
    log = -gammaln(some + 1) - gammaln(people - some + 1)
    log += xlogy(some, p) + xlog1py(people - some, -p)
    weight = np.exp(log - log.max())
    others, most = people - some, (budget - some * last) // int(pay[0])
    over = np.where(most < 0, 1.0, 0.0)
    told = (most >= 0) & (most < others)
    rest = min(float(share[0]) / (1 - p), 1.0) if p < 1 else 0.0
    over[told] = bdtrc(most[told], others[told], rest)
    return min(float(weight @ over / weight.sum()), 1.0)


def _exceeding_many(people: int, share: Floats, pay: Whole, budget: int) -> float:
    """Return the same for three rungs and more, from the whole distribution."""
    from scipy.fft import irfft, next_fast_len, rfft  # noqa: PLC0415  slow to import

    unit = math.gcd(*pay.tolist())
    top = people * int(pay[-1]) // unit + 1
    if top > _MOST_POINTS:
        hint = "fewer inviters, or amounts with a larger common divisor"
        rule = f"paid in at most {_MOST_POINTS:,} different sums"
        raise InvalidInputError("ladder", f"{top:,} sums", rule, hint)
    size = next_fast_len(top, real=True)
    one = np.zeros(size)
    one[pay // unit] = share
    one[0] = max(1 - float(share.sum()), 0.0)
    pmf = np.maximum(irfft(rfft(one) ** people, n=size), 0.0)
    return min(float(pmf[budget // unit + 1 :][::-1].sum()), 1.0)
