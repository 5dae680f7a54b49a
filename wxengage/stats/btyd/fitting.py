"""Maximum likelihood with a diagnosis in words (极大似然估计).

Every model is fitted in the logarithms of its parameters, ages in units of the mean
age: no bound can be crossed, and days or weeks make no difference.

Some data have no answer: if nobody ever came back, nothing is known of how people
drop out, and the likelihood climbs towards a parameter of 0 or infinity. Then the
fit says so, in words, and falls back to the same likelihood times a weak prior, by
which each parameter is within a factor of about 50 of its centre. Such a model can
be used, and says of itself that it has not converged.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, cast

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.btyd.newton import Objective, Peak, climb
from wxengage.stats.checks import upper_tail
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxengage.stats.btyd.histories import Histories, Vector

__all__ = ["Fit", "Fitted", "Likelihood", "OfHistories", "maximise", "positive"]

# Parameters beyond exp(+-_BOUND) of their unit are at the boundary.
_BOUND: Final = 12.0
# Standard deviation of the fallback's prior, in logarithms: exp(2 * 2) is 55.
_PRIOR: Final = 2.0
# Parameters of which the logarithm is less sure than this are as good as unknown.
_UNSURE: Final = 2.0
_FEW: Final = 10
# A difference of log-likelihoods that is told.
_HIGHER: Final = 0.01
# Where to start is found on so many histories.
_SAMPLE: Final = 2_000


class Likelihood(Protocol):
    """A log-likelihood in the logarithms of its parameters."""

    @property
    def subjects(self) -> Mapping[str, tuple[int, ...]]:
        """What each group of parameters stands for: words -> places."""
        ...

    @property
    def floors(self) -> tuple[float, ...]:
        """Lower bound of each parameter."""
        ...

    @property
    def units(self) -> tuple[float, ...]:
        """The unit in which each is fitted."""
        ...

    @property
    def constant(self) -> float:
        """What is added to the log-likelihood in the caller's units."""
        ...

    @property
    def customers(self) -> float:
        """How many customers there are."""
        ...

    @property
    def repeaters(self) -> float:
        """How many of them tell something."""
        ...

    @property
    def telling(self) -> str:
        """What those did."""
        ...

    def __call__(self, phi: Vector) -> tuple[float, Vector, Vector]:
        """Return value, gradient and Hessian at logarithms of parameters."""
        ...

    def sample(self, rows: int) -> Self:
        """Return the likelihood of about so many of the rows."""
        ...

    def starts(self) -> Sequence[Vector]:
        """Return points to start from."""
        ...


class OfHistories:
    """A base for likelihoods of purchase histories, attrs classes with ``rows``."""

    __slots__ = ()

    if TYPE_CHECKING:
        rows: Histories

    @property
    def customers(self) -> float:
        """How many customers there are."""
        return self.rows.customers

    @property
    def repeaters(self) -> float:
        """How many of them came back."""
        return self.rows.repeaters

    def sample(self, rows: int) -> Self:
        """Return the likelihood of about so many of the histories."""
        part = self.rows.sample(rows)
        if part is self.rows:
            return self
        likelihood: Any = self  # every subclass is one of attrs
        return cast("Self", attrs.evolve(likelihood, rows=part))


@attrs.frozen
class Fit:
    """How a model's parameters were found (拟合结果).

    Attributes
    ----------
    loglik
        Log-likelihood at the parameters.
    errors
        Standard error of each parameter, in the order of ``params``, from the
        observed information.
    converged
        Whether it is a maximum of the likelihood.
    diagnosis
        In words: what was learned, or why there is no maximum and what was done
        instead.
    customers, repeaters
        How many customers there were, and how many came back.
    """

    loglik: float
    errors: tuple[float, ...]
    converged: bool
    diagnosis: str
    customers: float
    repeaters: float


def positive(_: object, field: attrs.Attribute[float], value: float) -> None:
    """Refuse a parameter that is no finite number above 0."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and 0 < value < math.inf):
        raise InvalidInputError(field.name, value, "a finite number above 0")


class Fitted:
    """A base for models: attrs classes whose first fields are the parameters."""

    __slots__ = ()

    if TYPE_CHECKING:
        fit: Fit | None

    @property
    def params(self) -> Mapping[str, float]:
        """The parameters by the paper's names."""
        model: Any = type(self)  # every subclass is one of attrs
        names = [one.name for one in attrs.fields(model) if one.name != "fit"]
        return MappingProxyType({name: getattr(self, name) for name in names})

    @property
    def loglik(self) -> float | None:
        """The log-likelihood; None where the parameters were given."""
        return None if self.fit is None else self.fit.loglik

    @property
    def standard_errors(self) -> Mapping[str, float]:
        """The parameters' standard errors; empty where these were given."""
        errors = () if self.fit is None else self.fit.errors
        return MappingProxyType(dict(zip(self.params, errors, strict=False)))

    @property
    def converged(self) -> bool:
        """Whether the parameters maximise the likelihood, or were given."""
        return self.fit is None or self.fit.converged

    @property
    def diagnosis(self) -> str:
        """What the fit learned, or why it could not, in words."""
        return "parameters as given" if self.fit is None else self.fit.diagnosis

    def estimates(self, *, level: float = 0.95) -> Mapping[str, Estimate]:
        """Return each parameter with an interval.

        Parameters
        ----------
        level
            Confidence level.

        Returns
        -------
        mapping from name to Estimate
            Normal in the logarithm of the parameter (of its distance to the lower
            bound); without an interval where parameters were given.
        """
        from scipy.special import ndtri  # noqa: PLC0415  slow to import

        z = -float(ndtri(upper_tail(level)))
        found = {}
        for name, value in self.params.items():
            if self.fit is None:
                found[name] = Estimate(value, None, None, 0, level, "given")
                continue
            floor = self._floor(name)
            factor = math.exp(
                min(z * self.standard_errors[name] / (value - floor), 700)
            )
            low, high = (floor + (value - floor) * f for f in (1 / factor, factor))
            method = "maximum likelihood" if self.converged else "weak prior"
            n = round(self.fit.customers)
            why = ("customers are independent of each other", self.diagnosis)
            found[name] = Estimate(value, low, high, n, level, method, why)
        return MappingProxyType(found)

    def _floor(self, name: str) -> float:
        """Return the lower bound of a parameter."""
        del name
        return 0.0

    def __str__(self) -> str:
        said = []
        for name, value in self.params.items():
            error = self.standard_errors.get(name)
            said.append(f"{name} = {value:.5g}" + (f" ({error:.2g})" if error else ""))
        loglik = "" if self.loglik is None else f"; log-likelihood {self.loglik:,.3f}"
        return f"{type(self).__name__}: {', '.join(said)}{loglik}; {self.diagnosis}"


def maximise(likelihood: Likelihood) -> tuple[tuple[float, ...], Fit]:
    """Find the parameters that make the data most likely.

    Parameters
    ----------
    likelihood
        Of one model and one set of data.

    Returns
    -------
    parameters, fit
        With ``converged`` False, those under a weak prior.

    Notes
    -----
    Each start climbs on a sample; the best of them goes on with all rows. Where
    none arrives, the maximum under the prior is one more place to start from.
    """
    sample, starts = likelihood.sample(_SAMPLE), likelihood.starts()
    if sample is not likelihood:
        # Of many customers the likelihood has one maximum; of few it may have several.
        starts = starts[:2]
    tried = [climb(sample, start, bound=_BOUND) for start in starts]
    best = max(tried, key=lambda peak: (peak.reached, peak.value))
    start = best.point if best.reached else starts[0]
    peak = best if sample is likelihood else climb(likelihood, start, bound=_BOUND)
    if not peak.reached:
        weak = climb(_penalised(likelihood), np.zeros(len(peak.point)), bound=math.inf)
        again = climb(likelihood, weak.point, bound=_BOUND)
        if not again.reached:
            lost = _lost(likelihood, peak)
            weak = attrs.evolve(weak, value=likelihood(weak.point)[0])
            return _told(likelihood, weak, lost, converged=False)
        peak = again
    learned = _learned(likelihood, peak)
    strayed = [one.value for one in tried if not one.reached]
    higher = max(strayed, default=-math.inf) - peak.value
    if sample is likelihood and higher > _HIGHER:
        learned += (
            f"; the likelihood is higher by {higher:.2f} at its edge, where a "
            "parameter is 0 or infinite: the maximum inside is kept"
        )
    return _told(likelihood, peak, learned, converged=True)


def _penalised(likelihood: Likelihood) -> Objective:
    """Return the likelihood times a weak prior, which has a maximum always."""
    weight = 1 / _PRIOR**2

    def penalised(phi: Vector) -> tuple[float, Vector, Vector]:
        value, slope, curve = likelihood(phi)
        value -= 0.5 * weight * float(phi @ phi)
        return value, slope - weight * phi, curve - weight * np.eye(len(phi))

    return penalised


def _told(
    likelihood: Likelihood, peak: Peak, diagnosis: str, *, converged: bool
) -> tuple[tuple[float, ...], Fit]:
    """Return parameters in the caller's units, and the fit."""
    units = np.array(likelihood.units)
    above = np.exp(peak.point) * units
    variance = np.diag(np.linalg.pinv(peak.information, hermitian=True))
    errors = above * np.sqrt(np.maximum(variance, 0.0))
    params = above + np.array(likelihood.floors)
    fit = Fit(
        loglik=float(peak.value + likelihood.constant),
        errors=tuple(errors.tolist()),
        converged=converged,
        diagnosis=diagnosis,
        customers=likelihood.customers,
        repeaters=likelihood.repeaters,
    )
    return tuple(params.tolist()), fit


def _learned(likelihood: Likelihood, peak: Peak) -> str:
    """Say how sure a fit is that found a maximum."""
    variance = np.diag(np.linalg.inv(peak.information))
    unsure = [
        what
        for what, places in likelihood.subjects.items()
        if math.sqrt(max(variance[place] for place in places)) > _UNSURE
    ]
    if not unsure:
        return "maximum found"
    return (
        f"maximum found, but the data say little about {' and '.join(unsure)}: "
        "these parameters are known within a factor of 50 at best"
    )


def _lost(likelihood: Likelihood, peak: Peak) -> str:
    """Say why there is no maximum, and what is returned instead."""
    k, n = round(likelihood.repeaters), round(likelihood.customers)
    if k == 0:
        cause = f"none of {n:,} customers {likelihood.telling}"
    elif k < _FEW:
        cause = f"too few customers {likelihood.telling}: {k:,} of {n:,}"
    else:
        off = [
            what
            for what, places in likelihood.subjects.items()
            if max(abs(peak.point[place]) for place in places) > _BOUND / 2
        ]
        subject = " or ".join(off or likelihood.subjects)
        cause = f"no information on {subject}: the likelihood has no maximum inside"
    return (
        f"{cause}; instead, the values under a weak prior, by which each parameter "
        "is within a factor of about 50 of 1 (ages in units of their mean)"
    )
