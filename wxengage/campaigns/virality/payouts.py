"""What a referral campaign will pay out in all (预算风险), with its virality.

Invitees invite in turn, and their rewards are paid from the same budget: the sum
over the seeds alone is far too small. The distribution of the whole is exact, so a
budget can be chosen for the risk of exceeding it.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Final, TypeAlias, overload

import attrs
import numpy as np

from wxengage.campaigns.virality.costs import cash_steps, moments_of, require_ladder
from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import format_yuan
from wxengage.stats.branching import TotalProgeny, require_law
from wxengage.tables import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from wxengage.campaigns.ladder import Ladder
    from wxengage.money import Fen
    from wxengage.stats.counts import NegativeBinomial

    Floats: TypeAlias = NDArray[np.float64]
    Complex: TypeAlias = NDArray[np.complex128]
    Whole: TypeAlias = NDArray[np.int64]

__all__ = ["Payouts", "payout_distribution"]

# What may lie beyond the grid, and be folded back onto it.
_BEYOND: Final = 1e-15
_MOST_POINTS: Final = 2**24
# Newton's steps on the generating function; the last ones double the digits.
_STEPS: Final = 100
# After a step as small as this, one more has all the digits.
_NEAR: Final = 1e-8
_HALVINGS: Final = 60
# Quantiles are told up to here: further out there is only rounding.
_LAST_QUANTILE: Final = 1 - 1e-9
_SHOWN: Final = (0.5, 0.95, 0.99, 0.999)


@attrs.frozen(eq=False, repr=False)
class Payouts:
    """The distribution of a campaign's total payout.

    Attributes
    ----------
    unit
        Fen of one point of the grid: every payout is a multiple of it.
    pmf
        Probability of each multiple from 0. Shape ``(points,)``.
    seeds
        Inviters at the beginning.
    mean, sd
        Mean and standard deviation in fen, by formula, not from ``pmf``.
    slack
        Every probability of exceeding a budget is right, or too large by at most
        this. 0 without a cap on participants.
    """

    unit: Fen
    pmf: Floats
    seeds: int
    mean: float
    sd: float
    slack: float

    def quantile(self, q: float) -> Fen:
        """Return the least budget that suffices with probability ``q``.

        Parameters
        ----------
        q
            Above 0, at most 1 - 1e-9.

        Returns
        -------
        int
            Fen, a multiple of ``unit``.

        Raises
        ------
        InvalidInputError
            If ``q`` is outside.
        """
        number = isinstance(q, (int, float)) and not isinstance(q, bool)
        if not (number and 0 < q <= _LAST_QUANTILE):
            raise InvalidInputError("q", q, "above 0 and at most 1 - 1e-9")
        # Sums from the far end: they fall, and small ones keep their digits.
        beyond = self._beyond()
        return int((beyond > 1 - q).sum()) * self.unit

    @overload
    def exceedance(self, budget: int) -> float: ...
    @overload
    def exceedance(self, budget: Sequence[int] | Whole) -> Floats: ...
    def exceedance(self, budget: int | Sequence[int] | Whole) -> float | Floats:
        """Return how likely the payout is to exceed a budget.

        Parameters
        ----------
        budget
            Fen, from 0: one or several.

        Returns
        -------
        float or numpy.ndarray
            As ``budget`` came. A payout of exactly the budget does not exceed it.

        Raises
        ------
        InvalidInputError
            If a budget is negative or no whole number.
        """
        given = np.asarray(budget)
        if given.dtype.kind not in "iu" or (given.size and given.min() < 0):
            hint = "whole fen, for example yuan('2000')"
            raise InvalidInputError("budget", budget, "fen from 0", hint)
        place = np.minimum(given // self.unit, len(self.pmf) - 1)
        found = self._beyond()[place]
        return found if found.ndim else float(found)

    def _beyond(self) -> Floats:
        """Return the probability of more than each point of the grid."""
        found: Floats = np.append(np.cumsum(self.pmf[:0:-1])[::-1], 0.0)
        return found

    def __repr__(self) -> str:
        return (
            f"<Payouts of {self.seeds:,} seeds, mean {format_yuan(round(self.mean))}>"
        )

    def __str__(self) -> str:
        rows = [["payout", "yuan"], ["mean", _yuan(self.mean)], ["sd", _yuan(self.sd)]]
        rows += [[f"{q:.1%} suffice", _yuan(self.quantile(q))] for q in _SHOWN]
        return aligned(rows)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _yuan(fen: float) -> str:
    return f"{fen / 100:,.2f}"


def payout_distribution(
    ladder: Ladder,
    law: NegativeBinomial,
    seeds: int,
    *,
    participants: int | None = None,
) -> Payouts:
    """Return the distribution of what a campaign pays in all.

    Parameters
    ----------
    ladder
        A ladder that pays cash.
    law
        How many valid invites each participant brings, seeds and invitees alike.
    seeds
        Inviters at the beginning, at least 1.
    participants
        Rewards are promised to the first so many alone, seeds among them. Needed
        where each brings one or more on average: without it there is no end.
        ``participants=seeds`` is the payout without virality.

    Returns
    -------
    Payouts
        Exact but for rounding where there is no cap: below 1e-10 in every
        probability for up to 100,000 seeds. With a cap, an
        upper bound of every probability of exceeding a budget, off by at most
        ``slack``.

    Raises
    ------
    InvalidInputError
        If an argument breaks its rule, a cap is needed, or the grid would have
        more than 2^24 points.

    Notes
    -----
    The generating function of one seed's payout solves
    ``phi(z) = E[z^reward(N) phi(z)^N]``: by Newton's method at roots of unity,
    whose steps are dominated by those at 1 and so converge, then one inverse
    transform of ``phi^seeds``. The grid reaches so far that, by Chernoff's bound,
    less than 1e-15 lies beyond it. No damping: on a radius below 1 rounding would
    be amplified.

    With a cap of C, a stopped sum of rewards is bounded by the sum of all C, and
    differs from it only where the cascade ends before. Below the critical mean,
    the payout without a cap is the other bound; the closer one is taken.

    Examples
    --------
    >>> from wxengage.campaigns.ladder import Ladder
    >>> from wxengage.money import yuan
    >>> from wxengage.stats.counts import NegativeBinomial
    >>> ladder = Ladder({3: yuan("8"), 6: yuan("15")}, pays="total")
    >>> payouts = payout_distribution(ladder, NegativeBinomial(0.6, 0.4), 1_000)
    >>> payouts.quantile(0.99)
    213500
    >>> f"{payouts.exceedance(yuan('1966')):.3f}"
    '0.050'
    """
    require_ladder("ladder", ladder)
    require_law("law", law)
    require_whole("seeds", seeds, least=1)
    if participants is not None:
        require_whole("participants", participants, least=seeds)
    elif law.mean >= 1:
        hint = "each brings one or more: without a cap there may be no end"
        raise InvalidInputError("participants", None, "given", hint)
    bounds, adds = cash_steps(ladder, law)
    unit = math.gcd(*adds.tolist())
    walk = _Walk(law, bounds, np.cumsum(adds) // unit)
    one = moments_of(law, bounds, adds)
    ends, slack = _closer_bound(law, seeds, participants)
    if ends or participants is None:
        pmf = _distribution(walk, seeds)
        share = 1 / (1 - law.mean)
        each = one.mean * share
        spread = one.variance + each * (2 * one.covariance + each * law.variance)
        moments = seeds * each, seeds * share * spread
    else:
        pmf = _sum_of_rewards(walk, participants)
        moments = participants * one.mean, participants * one.variance
    return Payouts(unit, pmf, seeds, moments[0], math.sqrt(moments[1]), slack)


def _closer_bound(
    law: NegativeBinomial, seeds: int, participants: int | None
) -> tuple[bool, float]:
    """Return whether to let every cascade end, and how much too large that is."""
    if participants is None:
        return True, 0.0
    size = TotalProgeny(law, seeds=seeds)
    before = size.cdf(participants - 1)  # ends before the cap: all C is too much
    if law.mean >= 1:
        return False, before
    after = 1 - size.cdf(participants)
    return (True, after) if after < before else (False, before)


@attrs.frozen(eq=False)
class _Walk:
    """One participant: invites by a law, and reward by steps.

    Attributes
    ----------
    law
        How many invites.
    bounds, owed
        From so many invites on, so many units are owed. Shape ``(steps,)``.
    """

    law: NegativeBinomial
    bounds: Whole
    owed: Whole

    def pgf(self, phi: Complex, powers: Complex, below: Floats) -> tuple[Complex, ...]:
        """Return ``E[z^reward phi^N]`` and its derivative in ``phi``.

        Parameters
        ----------
        phi
            Where to. Shape ``(n,)``.
        powers
            Powers of z of no step and of each step. Shape ``(steps + 1, n)``.
        below
            Probabilities of the counts under the last step.

        Returns
        -------
        value, slope
            Shape ``(n,)`` each.
        """
        law, last = self.law, powers[-1]
        whole: Complex
        slope: Complex
        if law.k is None:
            whole = np.exp(law.mean * (phi - 1))
            slope = law.mean * whole
        else:
            # 1 + x = 1 - mean (phi - 1) / k, and its logarithm for any k.
            x = law.mean * (1 - phi) / law.k
            size = 0.5 * np.log1p(2 * x.real + x.real**2 + x.imag**2)
            whole = np.exp(-law.k * (size + 1j * np.arctan2(x.imag, 1 + x.real)))
            slope = law.mean * whole / (1 + x)
        # Horner's scheme, highest count first.
        value: Complex = np.zeros_like(phi)
        change: Complex = np.zeros_like(phi)
        places = self.bounds.searchsorted(np.arange(len(below)), side="right")
        for place, share in zip(places[::-1], below[::-1], strict=True):
            change = change * phi + value
            value = value * phi + share * (powers[place] - last)
        return value + last * whole, change + last * slope

    def tilted_tails(self, phi: Floats) -> tuple[Floats, Floats]:
        """Return ``E[phi^N]``, and the share of each step in it, for ``phi`` > 1.

        Parameters
        ----------
        phi
            Where to. Shape ``(n,)``.

        Returns
        -------
        whole, shares
            Infinite where there is no mean. Shapes ``(n,)`` and ``(steps, n)``.
        """
        from scipy.special import betainc, gammainc  # noqa: PLC0415  slow to import

        law, bounds = self.law, self.bounds.astype(np.float64)[:, None]
        whole: Floats
        with np.errstate(over="ignore", divide="ignore"):
            if law.k is None:
                whole = np.exp(law.mean * (phi - 1))
                return whole, np.asarray(gammainc(bounds, law.mean * phi), np.float64)
            ratio = np.minimum(law.mean / (law.mean + law.k) * phi, 1.0)
            whole = np.exp(-law.k * np.log1p(-law.mean * (phi - 1) / law.k))
            return whole, np.asarray(betainc(bounds, law.k, ratio), np.float64)


def _distribution(walk: _Walk, seeds: int) -> Floats:
    """Return the distribution of the payout when every cascade has ended."""
    size = _points(_farthest_end(walk, seeds))
    powers, below = _roots(walk, size)
    phi = np.zeros(powers.shape[1], dtype=np.complex128)
    near, done, steps = False, False, 0
    while not done and steps < _STEPS:
        value, slope = walk.pgf(phi, powers, below)
        step = (value - phi) / (1 - slope)
        phi += step
        done, near, steps = near, float(np.abs(step).max()) < _NEAR, steps + 1
    return _inverse(phi, seeds, size)


def _sum_of_rewards(walk: _Walk, copies: int) -> Floats:
    """Return the distribution of the sum of independent rewards."""
    size = _points(_farthest_sum(walk, copies))
    powers, below = _roots(walk, size)
    one = np.ones(powers.shape[1], dtype=np.complex128)
    value, _ = walk.pgf(one, powers, below)
    return _inverse(value, copies, size)


def _roots(walk: _Walk, size: int) -> tuple[Complex, Floats]:
    """Return powers of the roots of unity, and what lies below the last step."""
    turn = np.arange(size // 2 + 1) / size
    owed = np.concatenate(([0], walk.owed))[:, None]
    # Whole turns are taken off first: large multiples would lose digits.
    powers = np.exp(-2j * np.pi * ((owed * turn) % 1.0))
    return powers, walk.law.pmf(np.arange(int(walk.bounds[-1])))


def _inverse(phi: Complex, copies: int, size: int) -> Floats:
    from scipy.fft import irfft  # noqa: PLC0415  slow to import

    phi[0] = 1.0
    pmf = np.maximum(irfft(phi**copies, n=size), 0.0)
    return np.trim_zeros(pmf, "b")


def _points(reach: float) -> int:
    from scipy.fft import next_fast_len  # noqa: PLC0415  slow to import

    if not reach < _MOST_POINTS:
        hint = "fewer seeds, amounts with a larger common divisor, or a cap"
        rule = f"a payout of at most {_MOST_POINTS:,} times the common divisor"
        raise InvalidInputError("seeds", f"a payout up to {reach:.3g}", rule, hint)
    size: int = next_fast_len(2 * max(math.ceil(reach / 2), 1), real=True)
    while size % 2:
        size = next_fast_len(size + 1, real=True)
    return size


def _farthest_end(walk: _Walk, seeds: int) -> float:
    """Return what the payout of all cascades exceeds with less than 1e-15."""
    # Any phi with E[e^(t reward) phi^N] <= phi bounds the transform of one cascade
    # at t; for each of many the largest such t is found by halving.
    phi = 1 + np.geomspace(1e-9, 1e3, 400)
    law = walk.law
    if law.k is not None and law.mean:
        phi = phi[phi < 1 + law.k / law.mean]
    whole, shares = walk.tilted_tails(phi)
    fits = whole < phi
    phi, whole, shares = phi[fits], whole[fits], shares[:, fits]
    room = phi / whole - 1
    low = np.full(len(phi), -60.0)
    high = np.full(len(phi), 5.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = _raised(walk, np.exp(middle), shares) <= room
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    reach = (seeds * np.log(phi) - math.log(_BEYOND)) / np.exp(low)
    return float(reach.min(initial=math.inf))


def _farthest_sum(walk: _Walk, copies: int) -> float:
    """Return what a sum of rewards exceeds with less than 1e-15."""
    t = np.exp(np.linspace(-40.0, 3.0, 800))
    tails = walk.law.tail(walk.bounds)[:, None]
    log = np.log1p(_raised(walk, t, np.repeat(tails, len(t), axis=1)))
    return float(((copies * log - math.log(_BEYOND)) / t).min(initial=math.inf))


def _raised(walk: _Walk, t: Floats, shares: Floats) -> Floats:
    """Return the sum over steps of their share times the rise of ``e^(t owed)``."""
    owed = walk.owed[:, None]
    before = np.concatenate(([0], walk.owed[:-1]))[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        rise = np.exp(t * before) * np.expm1(t * (owed - before))
        total = np.where(shares > 0, rise * shares, 0.0).sum(axis=0)
    found: Floats = np.where(np.isnan(total), np.inf, total)
    return found
