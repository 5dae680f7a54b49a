"""Who will complete a challenge, and what that costs (打卡预测): before it is over.

People who check in rarely leave first, so those who are left are better than those
who began. A constant rate of leaving, taken from the first days, therefore promises
too few who finish; sBG lets people differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.btyd.geometric import Sbg, fit_sbg
from wxengage.stats.checks import (
    number_column,
    numbers,
    refuse,
    upper_tail,
    whole_column,
)
from wxengage.stats.estimates import Estimate
from wxengage.stats.reaching import reach

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "CompletionForecast",
    "Reminders",
    "ScheduleCost",
    "allocate_reminders",
    "completion_chance",
    "forecast_completion",
    "schedule_cost",
]

# The parameters are looked at on a grid of so many points a side, so many standard
# errors wide, under the weak prior of fits that find no maximum.
_SIDE: Final = 61
_WIDE: Final = 4.5
_PRIOR: Final = 2.0
_METHOD: Final = "sBG, predictive"
_ASSUMED: Final = (
    "participants are independent of each other",
    "each one's chance to check in stays what it is",
    "those to come are like those who were seen",
)


@attrs.frozen(eq=False)
class CompletionForecast:
    """Who will complete a challenge (完成预测).

    Attributes
    ----------
    model
        The fitted law of leaving.
    reached
        Share of those who joined that reaches each day, from 0 to ``days``.
        Shape ``(days + 1,)``.
    given
        How probable it is to complete for who has done so many days, from 0 to
        ``days``. Shape ``(days + 1,)``.
    finishers
        How many of the cohort will complete it: of those still there, with an
        interval for the number itself, not for its mean.
    """

    model: Sbg
    reached: Floats
    given: Floats
    finishers: Estimate


@attrs.frozen
class Reminders:
    """On which days to remind (提醒分配).

    Attributes
    ----------
    days
        From 1, ascending.
    chance
        How probable it is to check in on all days, with these reminders.
    """

    days: tuple[int, ...]
    chance: float


@attrs.frozen
class ScheduleCost:
    """What a schedule of rewards costs (奖励成本), in the unit of its amounts.

    Attributes
    ----------
    per_starter
        Expected for each who joins.
    per_completer
        That, divided by the share that completes: what a completion costs.
    by_day
        Day -> its part of ``per_starter``.
    """

    per_starter: float
    per_completer: float
    by_day: Mapping[int, float]


def forecast_completion(
    survivors: ArrayLike, *, days: int = 7, level: float = 0.95
) -> CompletionForecast:
    """Forecast how many of a cohort will complete a strict challenge.

    Parameters
    ----------
    survivors
        How many joined, how many of them did the first day, the first two days in
        a row, ...: not rising. At least two numbers, at most ``days + 1``.
    days
        How many days in a row complete it.
    level
        Of the interval.

    Returns
    -------
    CompletionForecast
        With ``model.diagnosis`` in words.

    Raises
    ------
    InvalidInputError
        If a number rises or is negative, nobody joined, or there are more days
        than the challenge has.

    Notes
    -----
    The interval is that of a binomial count whose chance is uncertain: the
    likelihood times a weak prior, on a grid around its maximum. Two or three days
    hardly tell how people differ, and the interval shows it.

    Examples
    --------
    >>> found = forecast_completion([1000, 640, 505, 430])
    >>> f"{found.finishers.value:.1f}", f"{found.given[3]:.3f}"
    ('295.8', '0.688')
    """
    require_whole("days", days, least=1)
    column = whole_column("survivors", survivors).astype(np.float64)
    if len(column) > days + 1:
        raise InvalidInputError("survivors", len(column), f"at most {days + 1} numbers")
    model = fit_sbg(column)
    reached = np.asarray(model.survival(np.arange(days + 1)), dtype=np.float64)
    seen = len(column) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        given = np.where(reached > 0, reached[-1] / reached, 0.0)
    return CompletionForecast(
        model, reached, given, _finishers(model, column, days - seen, level)
    )


def _finishers(model: Sbg, column: Floats, ahead: int, level: float) -> Estimate:
    """Return how many of those still there will be there so many days later."""
    from scipy.special import bdtr, gammaln  # noqa: PLC0415  slow to import

    there, seen = float(column[-1]), len(column) - 1
    value = there * float(model.survival(seen + ahead) / model.survival(seen))
    n, tail = round(float(column[0])), upper_tail(level)
    alpha, beta, weight = _plausible(model, column)
    stays = np.exp(
        gammaln(beta + seen + ahead)
        - gammaln(alpha + beta + seen + ahead)
        + gammaln(alpha + beta + seen)
        - gammaln(beta + seen)
    )

    def quantile(share: float) -> float:
        low, high = 0, int(there)
        while low < high:
            middle = (low + high) // 2
            if float(weight @ bdtr(middle, int(there), stays)) >= share:
                high = middle
            else:
                low = middle + 1
        return float(low)

    low, high = min(quantile(tail), value), max(quantile(1 - tail), value)
    about = (*_ASSUMED, model.diagnosis)
    return Estimate(value, low, high, n, level, _METHOD, about)


def _plausible(model: Sbg, column: Floats) -> tuple[Floats, Floats, Floats]:
    """Return parameters on a grid, and how plausible each pair is; sums to 1."""
    from scipy.special import gammaln  # noqa: PLC0415  slow to import

    errors = model.standard_errors.values()
    centres = (model.alpha, model.beta)
    axes = [
        np.log(centre) + min(error / centre, _PRIOR) * np.linspace(-_WIDE, _WIDE, _SIDE)
        for centre, error in zip(centres, errors, strict=True)
    ]
    in_a, in_b = (axis.ravel() for axis in np.meshgrid(*axes))
    alpha, beta = np.exp(in_a), np.exp(in_b)
    left, stayed = -np.diff(column), column[-1]
    log = -((in_a / _PRIOR) ** 2 + (in_b / _PRIOR) ** 2) / 2
    log -= column[0] * (gammaln(alpha) + gammaln(beta) - gammaln(alpha + beta))
    for t, gone in enumerate(left):
        ends = gammaln(alpha + 1) + gammaln(beta + t) - gammaln(alpha + beta + t + 1)
        log += gone * ends
    t = len(left)
    log += stayed * (gammaln(alpha) + gammaln(beta + t) - gammaln(alpha + beta + t))
    weight = np.exp(log - log.max())
    return alpha, beta, weight / weight.sum()


def completion_chance(chances: ArrayLike, *, misses: int = 0) -> Any:
    """Return how probable it is to complete a challenge, with misses forgiven.

    Parameters
    ----------
    chances
        To check in on each day, independent of the other days. Shape ``(..., n)``.
    misses
        How many missed days are forgiven: freezes, or days made up.

    Returns
    -------
    numpy.ndarray or float
        Shape ``(...)``.

    Raises
    ------
    InvalidInputError
        If a chance is not from 0 to 1, or ``misses`` is no whole number from 0.

    Examples
    --------
    >>> week = [0.9, 0.85, 0.8, 0.75, 0.8, 0.85, 0.9]
    >>> [f"{completion_chance(week, misses=m):.3f}" for m in range(3)]
    ['0.281', '0.677', '0.910']
    """
    require_whole("misses", misses)
    p = numbers("chances", chances)
    days = p.shape[-1] if p.ndim else 0
    return reach(p, max(days - misses, 0))


def allocate_reminders(
    chances: ArrayLike, *, lift: ArrayLike, reminders: int
) -> Reminders:
    """Choose the days on which a reminder helps most to check in on all of them.

    Parameters
    ----------
    chances
        To check in on each day without a reminder. Shape ``(n,)``.
    lift
        What a reminder adds to the logit of the chance; one number, or one a day.
        Measure it by withholding reminders at random, not from who was reminded.
    reminders
        How many at most.

    Returns
    -------
    Reminders
        Fewer days where a further reminder would not help.

    Raises
    ------
    InvalidInputError
        If a chance is not from 0 to 1, or a number breaks its rule.

    Notes
    -----
    The chance of all days is a product, and so separable in logarithms: taking the
    days with the largest gains is exact. Of equal gains the earlier day is taken.

    Examples
    --------
    >>> week = [0.9, 0.85, 0.8, 0.75, 0.8, 0.85, 0.9]
    >>> allocate_reminders(week, lift=0.6, reminders=2).days
    (3, 4)
    """
    from scipy.special import expit, log_expit, logit  # noqa: PLC0415  slow to import

    require_whole("reminders", reminders)
    p = number_column("chances", chances)
    refuse("chances", p, (p < 0) | (p > 1), "from 0 to 1")
    lifts = numbers("lift", lift)
    if lifts.ndim and lifts.shape != p.shape:
        raise InvalidInputError("lift.shape", lifts.shape, "one number, or one a day")
    raised = np.broadcast_to(lifts, p.shape)
    # A chance of 0 or 1 cannot be moved.
    moves = (p > 0) & (p < 1)
    before = logit(np.where(moves, p, 0.5))
    gain = np.where(moves, log_expit(before + raised) - log_expit(before), 0.0)
    best = np.argsort(-gain, kind="stable")[:reminders]
    chosen = np.sort(best[gain[best] > 0])
    after = p.copy()
    after[chosen] = expit(before + raised)[chosen]
    return Reminders(tuple((chosen + 1).tolist()), float(after.prod()))


def schedule_cost(
    amounts: Mapping[int, float], reached: Sbg | ArrayLike, *, days: int | None = None
) -> ScheduleCost:
    """Return what rewards by day cost, when so many reach each day.

    Parameters
    ----------
    amounts
        Day -> what is paid on it, besides what was paid before; ``CheckIn.amounts``
        gives those of a challenge.
    reached
        A model of leaving, or the share of those who joined that reaches each day,
        from day 0: 1, not rising. Shape ``(days + 1,)``.
    days
        The day that completes it; None: the last with an amount.

    Returns
    -------
    ScheduleCost
        In the unit of the amounts.

    Raises
    ------
    InvalidInputError
        If a day or an amount breaks its rule, or shares rise, do not begin at 1, or
        end before the last day.

    Examples
    --------
    >>> cost = schedule_cost({3: 1, 7: 5}, Sbg(0.45747794, 0.8038683))
    >>> f"{cost.per_starter:.3f} {cost.per_completer:.3f}"
    '1.984 6.413'
    """
    if not isinstance(amounts, Mapping) or not amounts:
        raise InvalidInputError("amounts", amounts, "a mapping from day to amount")
    for day, amount in amounts.items():
        require_whole("amounts", day, least=1)
        paid = numbers(f"amounts[{day}]", amount)
        refuse(f"amounts[{day}]", paid, paid < 0, "at least 0")
    last = max(amounts) if days is None else require_whole("days", days, least=1)
    if max(amounts) > last:
        raise InvalidInputError("days", days, f"at least {max(amounts)}")
    if isinstance(reached, Sbg):
        shares = np.asarray(reached.survival(np.arange(last + 1)), dtype=np.float64)
    else:
        shares = _shares(reached, last)
    by_day = {day: float(amounts[day] * shares[day]) for day in sorted(amounts)}
    total = sum(by_day.values())
    per = total / float(shares[last]) if shares[last] > 0 else float("inf")
    return ScheduleCost(total, per, by_day)


def _shares(reached: ArrayLike, last: int) -> Floats:
    shares = number_column("reached", reached)
    if len(shares) <= last:
        raise InvalidInputError("reached", len(shares), f"at least {last + 1} shares")
    rises = np.append(False, np.diff(shares) > 0)
    refuse("reached", shares, rises | (shares < 0), "from 0, at most the one before")
    if shares[0] != 1:
        raise InvalidInputError("reached[0]", float(shares[0]), "1: those who joined")
    return shares
