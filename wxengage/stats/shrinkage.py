"""How much one unit's counts tell beside everybody's (收缩估计): empirical Bayes.

Three opens at 23:00 are a habit where people differ, and chance where they are
alike. How unlike they are is learned from all of them: ``kappa`` is how many
observations everybody's mean weighs in the estimate of one unit,

    (own count + kappa * everybody's share) / (own total + kappa).

It is the concentration of a Dirichlet distribution from which each unit draws its
own shares (of a beta distribution, where there are two). Infinite, written as
``None``: units are alike. Towards 0: each unit has its own way.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.btyd.newton import Peak, climb
from wxengage.stats.checks import (
    count_table,
    numbers,
    refuse,
    repetitions,
    whole_column,
)
from wxengage.stats.dirichlet import CountTable, RateRows, most_probable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

__all__ = [
    "DirichletMultinomial",
    "fit_beta_binomial",
    "fit_concentration",
    "fit_dirichlet_multinomial",
    "shrunk",
]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

# Parameters beyond exp(+-_BOUND) of their unit are at the boundary.
_BOUND: Final = 16.0
_TWO: Final = 2
# A difference of log-likelihoods that is told.
_HIGHER: Final = 0.01
# Whole numbers up to here are told apart as floats.
_WHOLE: Final = 2**53
_GIVEN: Final = "parameters as given"


def _shares(_: object, field: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    bad = isinstance(value, tuple) and any(
        isinstance(one, bool) or not isinstance(one, (int, float)) or not 0 <= one <= 1
        for one in value
    )
    if not isinstance(value, tuple) or bad or len(value) < _TWO:
        raise InvalidInputError(field.name, value, "two or more shares from 0 to 1")
    if abs(math.fsum(value) - 1) > 1e-9:  # noqa: PLR2004  rounding
        raise InvalidInputError(field.name, value, "shares that sum to 1")


def _kappa(_: object, field: attrs.Attribute[Any], value: float | None) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value < math.inf):
        hint = "None is an infinite kappa: units are alike"
        raise InvalidInputError(field.name, value, "a finite number above 0", hint)


@attrs.frozen
class DirichletMultinomial:
    """How the shares of a whole differ from unit to unit (狄利克雷-多项分布).

    Attributes
    ----------
    shares
        Everybody's: the mean of the units' shares, sum 1. Of a beta-binomial the
        share of successes, then that of failures.
    kappa
        How many observations everybody's shares weigh, above 0. None is infinite.
    loglik
        Log-likelihood of the counts fitted, with the number of orders in which
        they may come; None where parameters were given.
    n
        Units fitted; those without an observation tell nothing and count, too.
    converged
        Whether the parameters are the most likely ones (with a prior: the most
        probable ones), or were given.
    diagnosis
        What the fit found, in words.

    Examples
    --------
    >>> hours = DirichletMultinomial((0.5, 0.25, 0.25), kappa=4.0)
    >>> hours.shrunk([0, 3, 1]).tolist()
    [0.25, 0.5, 0.25]
    """

    shares: tuple[float, ...] = attrs.field(validator=_shares)
    kappa: float | None = attrs.field(validator=_kappa)
    loglik: float | None = None
    n: int = attrs.field(
        default=0, validator=lambda _, f, value: require_whole(f.name, value)
    )
    converged: bool = True
    diagnosis: str = _GIVEN

    @property
    def params(self) -> Mapping[str, float | tuple[float, ...] | None]:
        """The parameters by name."""
        return MappingProxyType({"shares": self.shares, "kappa": self.kappa})

    @property
    def mean(self) -> float:
        """Everybody's first share: of a beta-binomial, the rate of success."""
        return self.shares[0]

    def shrunk(self, counts: ArrayLike) -> Floats:
        """Estimate the shares of units from their counts and everybody's.

        Parameters
        ----------
        counts
            What was counted, one unit a row. Shape ``(..., len(shares))``.

        Returns
        -------
        numpy.ndarray
            Posterior means; each row sums to 1. Of the same shape.

        Raises
        ------
        InvalidInputError
            If a count is negative or no number, or a row has another length.
        """
        table = numbers("counts", counts)
        if table.shape[-1:] != (len(self.shares),):
            rule = f"rows of {len(self.shares)}"
            raise InvalidInputError("counts.shape", table.shape, rule)
        total = table.sum(axis=-1, keepdims=True)
        return shrunk(table, total, np.array(self.shares), self.kappa)


def shrunk(
    successes: ArrayLike, trials: ArrayLike, mean: ArrayLike, kappa: float | None
) -> Floats:
    """Mix own rates with a mean that weighs as much as ``kappa`` trials.

    Parameters
    ----------
    successes, trials
        How often it went well, of how many. Shapes that broadcast.
    mean
        The rate that is expected of who has no trial, from 0 to 1.
    kappa
        How many trials it weighs; None: infinitely many.

    Returns
    -------
    numpy.ndarray
        ``(successes + kappa * mean) / (trials + kappa)``, the posterior mean under
        a beta prior.

    Raises
    ------
    InvalidInputError
        If there are more successes than trials, fewer than 0, or ``kappa`` is no
        number above 0.

    Examples
    --------
    >>> shrunk([0, 3], [0, 8], 0.5, 8.0).tolist()
    [0.5, 0.4375]
    """
    wins, tries, middle = np.broadcast_arrays(
        numbers("successes", successes),
        numbers("trials", trials),
        numbers("mean", mean),
    )
    refuse("successes", wins, wins < 0, "at least 0")
    refuse("successes", wins, wins > tries, "at most the trials")
    refuse("mean", middle, (middle < 0) | (middle > 1), "from 0 to 1")
    if kappa is None:
        return middle.copy()
    if isinstance(kappa, bool) or not 0 < kappa < math.inf:
        hint = "None is an infinite kappa"
        raise InvalidInputError("kappa", kappa, "a finite number above 0", hint)
    return np.asarray((wins + kappa * middle) / (tries + kappa))


def fit_dirichlet_multinomial(
    counts: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    prior: ArrayLike | None = None,
) -> DirichletMultinomial:
    """Find everybody's shares, and how unlike units are.

    Parameters
    ----------
    counts
        How often each unit did each of several things: whole, from 0.
        Shape ``(n, things)``, two things or more.
    weights
        How many units each row stands for: whole, from 0. None: one each.
        Shape ``(n,)``.
    prior
        How many observations of each thing are believed to have been seen before,
        above 0. With it the parameters are the most probable ones: ``ln kappa`` has
        a weak normal prior, too, around that of ``things`` within a factor of 55
        (two standard deviations). Such a fit has an answer always, if need be the
        prior itself. Shape ``(things,)``.

    Returns
    -------
    DirichletMultinomial
        ``kappa`` is None where units differ no more than chance makes them, or by so
        little that the log-likelihood does not tell it by a hundredth. Not
        ``converged``, and ``kappa`` by the weak prior, where the counts tell nothing
        of it (no unit with two observations, or all of one thing), or say that each
        unit does one thing only: the likelihood then grows as ``kappa`` falls to 0.

    Raises
    ------
    InvalidInputError
        If a count or a weight is no whole number from 0, there is no unit with an
        observation and no prior, or ``prior`` is not above 0.

    Notes
    -----
    Newton's method in the logarithms of ``kappa * shares``, to the Newton decrement.
    Computed on the distinct counts of each thing, ``O(things * distinct)`` a step.
    At an infinite ``kappa`` the slope of the likelihood is known in closed form and
    its sign is found in whole numbers. Of a maximum there and one inside the higher is
    taken: small tables may have both.

    Examples
    --------
    >>> fit = fit_dirichlet_multinomial([[9, 1, 0], [0, 2, 8], [5, 5, 2], [1, 0, 0]])
    >>> print(f"{fit.kappa:.3f}", fit.diagnosis)
    2.065 maximum found
    """
    table = count_table(counts)
    units = repetitions(weights, len(table))
    observations = float(table.sum(axis=1, dtype=np.float64) @ units)
    if observations > _WHOLE:
        raise InvalidInputError("counts", observations, "at most 2**53 together")
    if table.shape[1] < _TWO:
        raise InvalidInputError("counts.shape", table.shape, "of two columns or more")
    seen = CountTable.of(table, units)
    if prior is not None:
        belief = numbers("prior", prior)
        if belief.shape != (table.shape[1],):
            rule = f"one number for each column, {table.shape[1]}"
            raise InvalidInputError("prior.shape", belief.shape, rule)
        refuse("prior", belief, belief <= 0, "above 0")
        return _told(seen, most_probable(seen, belief), "maximum found, with a prior")
    if not seen.total:
        rule = "of at least one unit with an observation"
        raise InvalidInputError("counts", table.tolist(), rule, "or give prior=")
    return _most_likely(seen)


def fit_beta_binomial(
    successes: ArrayLike,
    trials: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    prior: ArrayLike | None = None,
) -> DirichletMultinomial:
    """Find everybody's rate of success, and how unlike units are.

    Parameters
    ----------
    successes, trials
        Of each unit: whole, from 0. Shape ``(n,)``.
    weights
        How many units each row stands for. None: one each. Shape ``(n,)``.
    prior
        How many successes and failures are believed to have been seen before, as in
        ``fit_dirichlet_multinomial``. Shape ``(2,)``.

    Returns
    -------
    DirichletMultinomial
        Of two shares, success and failure; ``mean`` is the rate of success.

    Raises
    ------
    InvalidInputError
        If a number is no whole number from 0, there are more successes than trials,
        or no trial and no prior.

    Examples
    --------
    >>> fit = fit_beta_binomial([0, 1, 3, 9, 2, 0], [5, 5, 10, 10, 4, 6])
    >>> print(f"{fit.mean:.3f} {fit.kappa:.2f}")
    0.330 1.78
    """
    wins, tries = whole_column("successes", successes), whole_column("trials", trials)
    if len(wins) != len(tries):
        raise InvalidInputError("trials", len(tries), f"as many as rows, {len(wins)}")
    column = wins.astype(np.float64)
    refuse("successes", column, wins > tries, "at most the trials")
    return fit_dirichlet_multinomial(
        np.column_stack((wins, tries - wins)), weights=weights, prior=prior
    )


def fit_concentration(
    successes: ArrayLike, trials: ArrayLike, means: ArrayLike
) -> float:
    """Find how far rates stray from what is expected of each.

    Parameters
    ----------
    successes, trials
        Whole, from 0. Shape ``(n,)``.
    means
        The rate expected of each row, between 0 and 1. Shape ``(n,)``.

    Returns
    -------
    float
        The most probable ``kappa`` of beta-binomials with these means, under a weak
        prior: ``ln kappa`` is normal around ``ln 2`` with standard deviation 2. Of
        no row at all, 2.

    Raises
    ------
    InvalidInputError
        If a number is no whole number from 0, there are more successes than trials,
        a mean is not between 0 and 1, or lengths differ.

    Notes
    -----
    Newton's method in ``ln kappa``; ``O(n)`` a step. Rows with one trial or none
    tell nothing of ``kappa`` and are left out.

    Examples
    --------
    >>> print(f"{fit_concentration([0, 5, 1, 4], [5, 5, 5, 5], [0.5] * 4):.2f}")
    0.98
    """
    wins, tries = whole_column("successes", successes), whole_column("trials", trials)
    middle = numbers("means", means)
    if not wins.shape == tries.shape == middle.shape:
        got = (wins.shape, tries.shape, middle.shape)
        raise InvalidInputError("successes, trials, means", got, "of one length")
    column = wins.astype(np.float64)
    refuse("successes", column, wins > tries, "at most the trials")
    refuse("means", middle, (middle <= 0) | (middle >= 1), "between 0 and 1")
    rows = np.flatnonzero(tries >= _TWO)
    some = RateRows(column[rows], tries[rows].astype(np.float64), middle[rows])
    start = np.array([math.log(2.0)])
    return math.exp(float(climb(some, start, bound=math.inf, flat=-math.inf).point[0]))


def _most_likely(seen: CountTable) -> DirichletMultinomial:
    """Return the maximum of the likelihood, or say at which edge it is."""
    some, left = seen.some()
    shares = np.zeros(len(seen.sums))
    shares[left] = some.sums / some.total
    alike = DirichletMultinomial(
        _summing(shares), None, float(some.alike() + seen.constant), seen.units
    )
    said = _of_no_kappa(some)
    if said:
        kappa = float(len(shares))
        return attrs.evolve(alike, kappa=kappa, converged=False, diagnosis=said)
    weak = most_probable(some, np.zeros(len(left)))
    if some.single:
        said = "each unit does one thing only: the likelihood grows as kappa falls to 0"
    else:
        peak = climb(some, weak.point, bound=_BOUND)
        higher = peak.value - some.alike()
        if peak.reached and higher > 0:
            return _told(seen, peak, "maximum found")
        if not some.unlike():
            return attrs.evolve(alike, diagnosis="units are alike: kappa is infinite")
        if higher < _HIGHER and np.exp(peak.point).sum() > np.exp(weak.point).sum():
            said = "units are as good as alike: kappa is infinite"
            return attrs.evolve(alike, diagnosis=said)
        said = "no maximum inside"
    fit = _told(seen, weak, f"{said}; instead, kappa is the one under a weak prior")
    return attrs.evolve(fit, converged=False)


def _of_no_kappa(some: CountTable) -> str:
    """Say why the counts tell nothing of kappa; empty where they do."""
    if len(some.columns) < _TWO:
        return "all observations are of one thing: kappa cannot be told"
    if float(some.totals[0].max()) < _TWO:
        return "no unit has two observations: kappa cannot be told"
    return ""


def _told(seen: CountTable, peak: Peak, said: str) -> DirichletMultinomial:
    """Return the model at a point, where things that nobody did have no share."""
    alpha, shares = np.exp(peak.point), np.zeros(len(seen.sums))
    whole = len(alpha) == len(shares)
    some, left = (seen, np.arange(len(shares))) if whole else seen.some()
    shares[left] = alpha
    return DirichletMultinomial(
        _summing(shares),
        float(alpha.sum()),
        float(some(peak.point)[0] + seen.constant),
        seen.units,
        converged=peak.reached,
        diagnosis=said if peak.reached else f"{said}, but not to the last digits",
    )


def _summing(shares: Floats) -> tuple[float, ...]:
    """Return shares as a tuple that sums to 1."""
    return tuple((shares / shares.sum()).tolist())
