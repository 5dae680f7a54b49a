"""How fast and how far a campaign spreads (裂变系数, 裂变周期).

K is how many new users each user brings. Above one a campaign grows by itself,
until it has reached everybody; how fast depends on how soon invites are followed.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.branching import (
    TotalProgeny,
    extinction_probability,
    growth_rate,
    require_law,
)
from wxengage.stats.checks import repetitions, upper_tail, whole_column
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from wxengage.stats.counts import NegativeBinomial

    Floats: TypeAlias = NDArray[np.float64]
    Spans: TypeAlias = Sequence[dt.timedelta] | NDArray[np.timedelta64]

__all__ = ["GenerationTime", "Growth", "extinction", "growth", "k_factor", "progeny"]

_DAY: Final = dt.timedelta(days=1)
_METHOD: Final = "mean invites, robust, normal in the logarithm"
_YOUNG: Final = "invites over the share of them that is due by now, robust"
_UNITS: Final = ("users are independent of each other",)


def _above_nothing(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, dt.timedelta) or got <= dt.timedelta(0):
        raise InvalidInputError(field.name, got, "a timedelta above 0")


def _not_negative(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, dt.timedelta) or got < dt.timedelta(0):
        raise InvalidInputError(field.name, got, "a timedelta from 0")


@attrs.frozen
class GenerationTime:
    """How long after joining the invited ones join (裂变周期): a gamma law.

    Attributes
    ----------
    mean
        On average, above 0.
    sd
        Standard deviation, from 0; 0 is always the same time. ``sd=mean`` is
        exponential.
    """

    mean: dt.timedelta = attrs.field(validator=_above_nothing)
    sd: dt.timedelta = attrs.field(validator=_not_negative)

    def cdf(self, ages: Spans) -> Floats:
        """Return the share of invites that are followed within an age.

        Parameters
        ----------
        ages
            Time since joining, from 0: timedeltas, or ``timedelta64``.
            Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            From 0 to 1. Shape ``(n,)``.

        Raises
        ------
        InvalidInputError
            If an age is negative, missing, or no span of time.
        """
        from scipy.special import gammainc  # noqa: PLC0415  slow to import

        days = _days("ages", ages)
        average, sd = self.mean / _DAY, self.sd / _DAY
        if sd == 0:
            return np.where(days >= average, 1.0, 0.0)
        shape, scale = (average / sd) ** 2, sd**2 / average
        return np.asarray(gammainc(shape, days / scale), dtype=np.float64)


def _days(name: str, spans: Spans) -> Floats:
    try:
        given = np.asarray(spans, dtype="timedelta64[us]" if len(spans) == 0 else None)
        if given.dtype.kind == "O":
            given = given.astype("timedelta64[us]")
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(name, spans, "timedeltas") from None
    if given.dtype.kind != "m" or given.ndim != 1:
        hint = "for example now - joined"
        raise InvalidInputError(name, given.dtype.name, "timedeltas, one a user", hint)
    bad = np.isnat(given) | (given < np.timedelta64(0))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InvalidInputError(f"{name}[{first}]", str(given[first]), "from 0")
    return given / np.timedelta64(1, "D")


def k_factor(
    invites: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    ages: Spans | None = None,
    generation: GenerationTime | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate how many new users each user brings.

    Parameters
    ----------
    invites
        Valid invites of each user so far, 0 for those without: whole.
        Shape ``(n,)``.
    weights
        How many users each row stands for: whole, from 0. None: one each.
    ages
        How long ago each user joined. None: long enough.
    generation
        How long invites take. Needed with ``ages``.
    level
        Confidence level.

    Returns
    -------
    Estimate
        Without an interval where nobody was invited, or all brought as many.
        Undefined where all users joined just now.

    Raises
    ------
    InvalidInputError
        If a count is no whole number, lengths differ, or one of ``ages`` and
        ``generation`` is missing.

    Notes
    -----
    Users who joined yesterday have not brought yet whom they will bring: their
    mean is too small. The invites are divided by the share of them that is due,
    the sum of the generation time's CDF over the users, which is the most likely
    K where invites come as a thinned Poisson.

    The interval is normal in the logarithm and takes the spread of invites as it
    is. That of a Poisson would be far too narrow: a few users bring most.

    Examples
    --------
    >>> print(k_factor([0, 1, 2, 7], weights=[60, 20, 15, 5]))
    0.85 [0.59, 1.23] n=100
    """
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    counts = whole_column("invites", invites)
    units = repetitions(weights, len(counts))
    if (ages is None) != (generation is None):
        hint = "ages say how old a user is, generation how long invites take"
        got = "ages alone" if generation is None else "generation alone"
        raise InvalidInputError("ages and generation", got, "given together", hint)
    due, method = np.ones(len(counts)), _METHOD
    if ages is not None and generation is not None:
        due, method = generation.cdf(ages), _YOUNG
        if len(due) != len(counts):
            raise InvalidInputError(
                "ages", len(due), f"as many as invites, {len(counts)}"
            )
    tail, n = upper_tail(level), int(units.sum())
    share, total = float(units @ due), float(units @ counts)
    if share == 0:
        reason = "no users" if n == 0 else "all users joined just now"
        return Estimate.undefined(reason, n=n, level=level, method=method)
    value = total / share
    squares = float(units @ (counts - value * due) ** 2)
    if total == 0 or squares == 0:
        reason = "no spread to learn from" if total else "nobody was invited yet"
        return Estimate(value, None, None, n, level, method, (reason,))
    error = math.sqrt(squares * n / (n - 1)) / total
    factor = math.exp(min(-float(ndtri(tail)) * error, 700.0))
    return Estimate(value, value / factor, value * factor, n, level, method, _UNITS)


@attrs.frozen
class Growth:
    """How fast a campaign grows by itself, as long as there are people left.

    Attributes
    ----------
    per_day
        The rate of ``exp(rate * days)``; negative where it dies out.
    doubling
        Time in which new users double; None where they do not, or not within a
        million days.
    """

    per_day: float
    doubling: dt.timedelta | None

    def over(self, span: dt.timedelta) -> float:
        """Return by what factor new users grow in a span of time.

        Parameters
        ----------
        span
            The time.

        Returns
        -------
        float
            Above 1 where it grows.
        """
        return math.exp(self.per_day * (span / _DAY))


def growth(k: float, generation: GenerationTime) -> Growth:
    """Return how fast a campaign grows.

    Parameters
    ----------
    k
        New users that each one brings, above 0.
    generation
        How long invites take.

    Returns
    -------
    Growth
        While nearly everybody is still to be reached: ``simulate`` knows of an
        end.

    Raises
    ------
    InvalidInputError
        If ``k`` is no number above 0.

    Notes
    -----
    Euler and Lotka's equation for gamma times. ``ln k`` over the mean time is
    wrong wherever times differ: quick invites come first and invite in turn.

    Examples
    --------
    >>> days = GenerationTime(dt.timedelta(days=2), dt.timedelta(days=1))
    >>> found = growth(1.3, days)
    >>> f"{found.per_day:.5f}", f"{found.doubling / dt.timedelta(days=1):.3f}"
    ('0.13558', '5.112')
    """
    mean, sd = generation.mean / _DAY, generation.sd / _DAY
    rate = growth_rate(k, generation_mean=mean, generation_sd=sd)
    days = math.log(2) / rate if rate > 0 else math.inf
    return Growth(rate, dt.timedelta(days=days) if days < 1e6 else None)  # noqa: PLR2004


def extinction(law: NegativeBinomial, *, seeds: int = 1) -> float:
    """Return how likely a campaign is to end by itself before it reaches everybody.

    Parameters
    ----------
    law
        How many valid invites each user brings.
    seeds
        Users at the beginning, at least 1.

    Returns
    -------
    float
        1 where K is one or less.

    Raises
    ------
    InvalidInputError
        If ``law`` is no law, or ``seeds`` no whole number from 1.

    Examples
    --------
    >>> from wxengage.stats.counts import NegativeBinomial
    >>> even, uneven = NegativeBinomial(1.5, None), NegativeBinomial(1.5, 0.4)
    >>> f"{extinction(even):.2f} {extinction(uneven):.2f}"
    '0.42 0.80'
    """
    return extinction_probability(law, seeds=seeds)


def progeny(law: NegativeBinomial, *, seeds: int = 1) -> TotalProgeny:
    """Return the distribution of how many users there are in the end.

    Parameters
    ----------
    law
        How many valid invites each user brings.
    seeds
        Users at the beginning, at least 1; they are counted.

    Returns
    -------
    TotalProgeny
        ``pmf``, ``cdf``, ``quantile``, ``mean`` and ``variance``.

    Raises
    ------
    InvalidInputError
        If ``law`` is no law, or ``seeds`` no whole number from 1.

    Examples
    --------
    >>> from wxengage.stats.counts import NegativeBinomial
    >>> progeny(NegativeBinomial(0.6, 0.4), seeds=10).quantile(0.95)
    55
    """
    return TotalProgeny(require_law("law", law), seeds=seeds)
