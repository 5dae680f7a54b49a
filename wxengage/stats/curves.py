"""Survival curves (生存曲线): the share of cases that last longer than each time."""

from __future__ import annotations

import html
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import numbers, refuse, upper_tail
from wxengage.stats.estimates import Estimate, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Counts: TypeAlias = NDArray[np.int64]
    Several: TypeAlias = Sequence[float] | NDArray[Any]

__all__ = ["SurvivalCurve", "aligned_numbers"]

_METHOD: Final = "Kaplan-Meier, log-log"
_CASES: Final = (
    "cases are independent of each other",
    "a case is left off for reasons that have nothing to do with its end",
)
# A product of fractions that is 1/2 on paper may end one rounding above it.
_ROUNDING: Final = 1e-12
#: Rows shown of a longer table.
_SHOWN: Final = 10


@attrs.frozen(eq=False, repr=False)
class SurvivalCurve:
    """The share of cases that last longer than each time (生存曲线).

    The curve is a step function, 1 before the first of ``times``, and takes its
    new value at each of them. Beyond ``last`` nobody was watched and it is
    unknown, unless it has come down to 0.

    Attributes
    ----------
    times
        Times at which a case ended, ascending, in the unit of the durations.
        Shape ``(m,)``.
    at_risk
        Cases open and watched just before each time. Shape ``(m,)``.
    events
        Cases that ended at each time. Shape ``(m,)``.
    survival
        Share of cases that last longer than each time. Shape ``(m,)``.
    standard_error
        Of ``survival``, by Greenwood's formula; NaN where survival is 0: the
        formula then says nothing. Shape ``(m,)``.
    n
        Cases.
    last
        The longest time that any case was watched; None without cases.
    """

    times: Floats
    at_risk: Counts
    events: Counts
    survival: Floats
    standard_error: Floats
    n: int
    last: float | None

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """The table behind the curve, one row a time: name -> column."""
        names = ("times", "at_risk", "events", "survival", "standard_error")
        return MappingProxyType({name: getattr(self, name) for name in names})

    @overload
    def at(self, t: float) -> float: ...
    @overload
    def at(self, t: Several) -> Floats: ...
    def at(self, t: float | Several) -> float | Floats:
        """Return the share of cases that last longer than ``t``.

        Parameters
        ----------
        t
            Elapsed time or times, from 0.

        Returns
        -------
        float or numpy.ndarray
            As ``t`` came. NaN beyond ``last``, where the curve is unknown;
            ``interval`` says so in words.

        Raises
        ------
        InvalidInputError
            If a time is negative or not finite.
        """
        found = self._survival(_elapsed("t", t))
        return found if found.ndim else float(found)

    def interval(self, t: float, *, level: float = 0.95) -> Estimate:
        """Estimate the share of cases that last longer than ``t``.

        Parameters
        ----------
        t
            Elapsed time, from 0.
        level
            Confidence level.

        Returns
        -------
        Estimate
            Undefined beyond ``last``, unless all cases have ended by then.
            Without an interval where none has ended by ``t``, or all have.

        Raises
        ------
        InvalidInputError
            If the time is negative or not finite.

        Notes
        -----
        Greenwood's variance, normal in ``ln(-ln S)``: no end leaves 0 to 1.
        """
        upper_tail(level)
        moment = _elapsed("t", t)
        if moment.ndim:
            raise InvalidInputError("t.shape", moment.shape, "one time", "at(...)")
        value = float(self._survival(moment))
        if math.isnan(value):
            reason = (
                "no cases" if self.last is None else f"none watched past {self.last:g}"
            )
            return Estimate.undefined(reason, n=self.n, level=level, method=_METHOD)
        if value in {0.0, 1.0}:
            reason = "all cases have ended" if value == 0 else "no case has ended yet"
            return Estimate(value, None, None, self.n, level, _METHOD, (reason,))
        low, high = self._limits(level)
        row = int(np.searchsorted(self.times, moment, side="right")) - 1
        ends = min(float(low[row]), value), max(float(high[row]), value)
        return Estimate(value, *ends, self.n, level, _METHOD, _CASES)

    def quantile(self, q: float) -> float | None:
        """Return the time by which a share ``q`` of the cases has ended.

        Parameters
        ----------
        q
            Between 0 and 1; 0.5 asks for the median.

        Returns
        -------
        float or None
            The first time at which survival is at most ``1 - q``. None if it
            is not reached: too many cases were still open when last seen.

        Raises
        ------
        InvalidInputError
            If ``q`` is not between 0 and 1.
        """
        return self._first(self.survival, q)

    def quantile_interval(self, q: float, *, level: float = 0.95) -> Estimate:
        """Estimate the time by which a share ``q`` of the cases has ended.

        Parameters
        ----------
        q
            Between 0 and 1; 0.5 asks for the median.
        level
            Confidence level.

        Returns
        -------
        Estimate
            Undefined where ``quantile`` is not reached. The upper end is
            infinite where the upper limit of the curve does not come down to
            ``1 - q``.

        Raises
        ------
        InvalidInputError
            If ``q`` is not between 0 and 1.

        Notes
        -----
        Brookmeyer and Crowley (1982): the times at which the limits of the curve
        pass ``1 - q``.
        """
        value = self.quantile(q)
        low, high = self._limits(level)
        if value is None:
            least = float(self.survival[-1]) if len(self.survival) else 1.0
            reason = f"not reached: {least:.0%} were open when last seen"
            reason = reason if self.n else "no cases"
            return Estimate.undefined(reason, n=self.n, level=level, method=_METHOD)
        first, after = self._first(low, q), self._first(high, q)
        ends = value if first is None else first, math.inf if after is None else after
        return Estimate(value, *ends, self.n, level, _METHOD, _CASES)

    @overload
    def breach(self, sla: float, age: float) -> float: ...
    @overload
    def breach(self, sla: float, age: Several) -> Floats: ...
    def breach(self, sla: float, age: float | Several) -> float | Floats:
        """Return how probably a case open at ``age`` is still open at ``sla``.

        Parameters
        ----------
        sla
            The time by which a case should end, from its start.
        age
            For how long the case or cases have been open, from 0.

        Returns
        -------
        float or numpy.ndarray
            As ``age`` came: ``S(sla) / S(age)``. 1 where ``age`` is ``sla`` or
            more. NaN where the curve cannot tell: ``sla`` is beyond ``last``,
            or no case was ever open for so long.

        Raises
        ------
        InvalidInputError
            If a time is negative or not finite.
        """
        limit, ages = _elapsed("sla", sla), _elapsed("age", age)
        if limit.ndim:
            raise InvalidInputError("sla.shape", limit.shape, "one time")
        still = self._survival(ages)
        known = still > 0
        found = np.full(ages.shape, np.nan)
        np.divide(self._survival(limit), still, out=found, where=known)
        found = np.where(ages >= limit, 1.0, found)
        return found if found.ndim else float(found)

    def _survival(self, t: Floats) -> Floats:
        """Return the curve at times of any shape."""
        steps = np.concatenate(([1.0], self.survival))
        found = steps[np.searchsorted(self.times, t, side="right")]
        beyond = t > (-1.0 if self.last is None else self.last)
        return np.where(beyond & (found > 0), np.nan, found)

    def _limits(self, level: float) -> tuple[Floats, Floats]:
        """Return the limits at ``times``; none at survival 0: 0 and 1."""
        from scipy.special import ndtri  # noqa: PLC0415  slow to import

        z = float(ndtri(upper_tail(level)))
        inside = self.survival > 0
        log = np.log(self.survival, out=np.full(len(inside), -np.inf), where=inside)
        with np.errstate(invalid="ignore"):  # the error there is NaN
            spread = np.exp(z * self.standard_error / (self.survival * log))
        return (
            np.where(inside, np.exp(log * spread), 0.0),
            np.where(inside, np.exp(log / spread), 1.0),
        )

    def _first(self, curve: Floats, q: float) -> float | None:
        """Return the first time at which a curve is at most ``1 - q``."""
        number = isinstance(q, (int, float)) and not isinstance(q, bool)
        if not (number and 0 < q < 1):
            raise InvalidInputError("q", q, "between 0 and 1", "0.5 is the median")
        down = np.flatnonzero(curve <= (1 - q) * (1 + _ROUNDING))
        return float(self.times[down[0]]) if down.size else None

    def __repr__(self) -> str:
        median = self.quantile(0.5)
        told = "not reached" if median is None else shown(median)
        ended = int(self.events.sum())
        return f"<SurvivalCurve n={self.n} events={ended} median={told}>"

    def __str__(self) -> str:
        rows = [list(self.columns)]
        rows += [
            [f"{t:g}", f"{r:,}", f"{d:,}", f"{s:.4f}", f"{e:.4f}".replace("nan", "-")]
            for t, r, d, s, e in zip(
                *(column[:_SHOWN].tolist() for column in self.columns.values()),
                strict=True,
            )
        ]
        more = len(self.times) - _SHOWN
        return aligned_numbers(rows) + (f"\n({more:,} more)" if more > 0 else "")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _elapsed(name: str, t: ArrayLike) -> Floats:
    """Return elapsed times of any shape, checked."""
    times = numbers(name, t)
    refuse(name, times, times < 0, "at least 0", "times count from a case's start")
    return times


def aligned_numbers(rows: list[list[str]]) -> str:
    """Return rows of numbers as columns flush right; the first row is the head."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(w) for cell, w in zip(row, wide, strict=True))
        for row in rows
    )
