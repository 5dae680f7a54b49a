"""Held against a target (是否达标): met, not met, or undecided.

A point estimate above a target shows little: 33 opens of 100 are above 30 % and
may well come from a rate below it. The verdict asks how probable "above" is.
"""

from __future__ import annotations

import math
from typing import Final, Literal, SupportsIndex

import attrs

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import check_level, whole_trials
from wxengage.stats.estimates import Estimate, shown

__all__ = ["Verdict", "VerdictWord", "against", "interval_verdict"]

VerdictWord = Literal["met", "not met", "undecided"]
#: How probable "above the target" must be to be called met; "not met" from the
#: other end.
SURE: Final = 0.95
# Jeffreys' prior: half a success and half a failure.
_HALF: Final = 0.5


@attrs.frozen
class Verdict:
    """Whether a rate is above a target, as far as the data tells (是否达标).

    Attributes
    ----------
    word
        ``"met"``, ``"not met"`` or ``"undecided"``.
    target
        What it was held against.
    probability
        That the rate is above the target, or None where only an interval was
        looked at or nothing is known.
    """

    word: VerdictWord
    target: float
    probability: float | None = None

    def __str__(self) -> str:
        if self.probability is None:
            return f"{self.word} (target {shown(self.target)})"
        return f"{self.word} (P(> {shown(self.target)}) = {self.probability:.3f})"


def against(
    successes: SupportsIndex,
    trials: SupportsIndex,
    target: float,
    *,
    sure: float = SURE,
) -> Verdict:
    """Say whether a share is above a target: met, not met or undecided.

    Parameters
    ----------
    successes, trials
        As for ``wilson``.
    target
        Strictly between 0 and 1.
    sure
        How probable it must be to be said, above 1/2.

    Returns
    -------
    Verdict
        With the posterior probability that the share is above the target.
        Undecided, at what the prior says, without trials.

    Raises
    ------
    InvalidInputError
        If a count, the target or ``sure`` is out of range.

    Notes
    -----
    Posterior under Jeffreys' prior. 33 of 100 does not show that a rate is
    above 30 %; 330 of 1,000 does.

    Examples
    --------
    >>> print(against(33, 100, 0.30))
    undecided (P(> 0.30) = 0.746)
    >>> print(against(330, 1000, 0.30))
    met (P(> 0.30) = 0.980)
    """
    from scipy.special import betainc  # noqa: PLC0415  slow to import

    k, n = whole_trials(successes, trials)
    if not 0 < target < 1:
        raise InvalidInputError("target", target, "between 0 and 1", "30 % is 0.30")
    if not check_level(sure) > _HALF:
        raise InvalidInputError("sure", sure, "above 1/2", "0.95 is usual")
    # The upper tail by the mirrored function: no digits lost near 0.
    above = float(betainc(n - k + _HALF, k + _HALF, 1 - target))
    if above >= sure:
        return Verdict("met", float(target), above)
    return Verdict("not met" if above <= 1 - sure else "undecided", target, above)


def interval_verdict(estimate: Estimate, target: float) -> Verdict:
    """Say whether a number is above a target, from its interval alone.

    Parameters
    ----------
    estimate
        Best at level 0.90, whose ends each leave out 5 %.
    target
        What to hold it against; finite.

    Returns
    -------
    Verdict
        Met if the whole interval is above the target, not met if it is below,
        else undecided; undecided too where there is no interval.

    Raises
    ------
    InvalidInputError
        If the target is not finite.
    """
    if not math.isfinite(target):
        raise InvalidInputError("target", target, "finite")
    if estimate.low is not None and estimate.low > target:
        return Verdict("met", target)
    if estimate.high is not None and estimate.high < target:
        return Verdict("not met", target)
    return Verdict("undecided", target)
