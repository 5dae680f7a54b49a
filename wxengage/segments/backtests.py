"""Would it have been right? Forecasts of activity held against what came (回测).

Go back to a day in the log, forget what came after, and forecast; then look. A model
that does not beat plain recency on your own log is not worth its name there, and
this page of numbers says whether it does.
"""

from __future__ import annotations

import datetime as dt
import html
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.segments.lifecycle import segment_users
from wxengage.segments.policy import LifecyclePolicy
from wxengage.stats.btyd.beta_geometric import MbgNbd, fit_mbgnbd
from wxengage.stats.estimates import Estimate
from wxengage.stats.gains import auc_gain, brier_gain
from wxengage.stats.intervals import wilson
from wxengage.stats.scoring import (
    Calibration,
    auc,
    base_rate_brier,
    brier,
    calibration,
)
from wxengage.tables import aligned
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, span_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.table import Log

__all__ = ["Backtest", "Forecast", "backtest"]

_NOT_A_PROBABILITY: Final = "an order, no probability"


@attrs.frozen
class Forecast:
    """One way to tell who will be active, and how it did.

    Attributes
    ----------
    name
        ``"rule"``, ``"recency"``, ``"frequency"``, ``"p_alive"``, ``"p_active"`` or
        ``"expected"``.
    what
        In words.
    auc
        How often it puts who came before who did not.
    brier
        Mean squared error; undefined for what is no probability.
    """

    name: str
    what: str
    auc: Estimate
    brier: Estimate


@attrs.frozen
class Backtest:
    """How forecasts made at one instant did against what came (回测结果).

    Prints as a table; ``result["recency"]`` is one of the forecasts.

    Attributes
    ----------
    at, until
        When it was forecast, and until when was looked.
    users
        Users who had interacted by then.
    came
        Share of them who interacted in between.
    foreseen
        Mean of the probabilities of the model.
    expected, observed
        Local days with an interaction, over all users: forecast, and as they came.
    base
        Brier score of who knows nothing but ``came``.
    better_order
        By how much the AUC of P(active) is above that of recency, user by user.
    smaller_error
        By how much the Brier score of P(active) is below ``base``, user by user.
    forecasts
        Each way to tell, by name.
    calibration
        The model's probabilities and the observed shares side by side.
    model
        Fitted on what was known at ``at``.
    """

    at: dt.datetime
    until: dt.datetime
    users: int
    came: Estimate
    foreseen: float
    expected: float
    observed: int
    base: Estimate
    better_order: Estimate
    smaller_error: Estimate
    forecasts: tuple[Forecast, ...]
    calibration: Calibration
    model: MbgNbd

    def __getitem__(self, name: str) -> Forecast:
        for one in self.forecasts:
            if one.name == name:
                return one
        rule = "one of " + ", ".join(one.name for one in self.forecasts)
        raise InvalidInputError("name", name, rule)

    def __str__(self) -> str:
        rows = [["forecast", "AUC", "Brier score"]]
        for one in self.forecasts:
            said = "-" if one.brier.value is None else f"{one.brier.value:.4f}"
            rows.append([one.what, _spanned(one.auc), said])
        rows.append(["the same for everybody", "0.500", _plain(self.base)])
        order, error = map(_gain, (self.better_order, self.smaller_error))
        head = (
            f"{self.users:,} users, {self.at:%Y-%m-%d} to {self.until:%Y-%m-%d}: "
            f"{_plain(self.came)} came, {self.foreseen:.4f} foreseen; "
            f"{self.observed:,} days with an interaction, {self.expected:,.1f} foreseen"
        )
        tail = (
            f"P(active) orders better than recency by {order} (AUC)\n"
            f"and errs less than the same for everybody by {error} (Brier score)"
        )
        return f"{head}\n{aligned(rows)}\n{tail}"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _plain(one: Estimate) -> str:
    return "-" if one.value is None else f"{one.value:.4f}"


def _gain(one: Estimate) -> str:
    if one.value is None or one.low is None or one.high is None:
        return "-"
    return f"{one.value:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"


def _spanned(one: Estimate) -> str:
    if one.value is None:
        return "-"
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def backtest(
    log: Log,
    at: dt.datetime,
    *,
    horizon: dt.timedelta,
    policy: LifecyclePolicy = LifecyclePolicy(),
    model: MbgNbd | None = None,
    clock: DayClock = DayClock(),
) -> Backtest:
    """Forecast at ``at`` who will interact within ``horizon``, and look who did.

    Parameters
    ----------
    log
        What users did, before and after ``at``. An engine's log is collected.
    at
        The instant to forecast at, aware. What came later is not seen by any
        forecast.
    horizon
        How far to look ahead. The log must reach that far.
    policy
        The rule to compare with; dormant means that nobody is expected.
    model
        A model of days, of another log or time; without one it is fitted on what
        was known at ``at``.
    clock
        Whose days count.

    Returns
    -------
    Backtest
        Of the users who had interacted by ``at``.

    Raises
    ------
    InvalidInputError
        If nobody had interacted by then, or the log ends before the horizon: who
        has not come yet is not known to stay away.

    Notes
    -----
    Read it in this order: does the model order users better than recency alone
    (``better_order``)? Are its probabilities better than one number for everybody
    (``smaller_error``)? Do its bins lie within their intervals (``calibration``)?
    Two forecasts of the same users go wrong together: where intervals of theirs
    overlap, the interval of the difference may still tell them apart.

    A user counts as come with an interaction at ``at < t <= at + horizon``. The rule
    is scored as the probability 0 for dormant and 1 for the others; recency and
    frequency are orders and have no Brier score.
    """
    ahead = span_micros("horizon", horizon) / MICROS_PER_DAY
    until = at + horizon
    log = log.collect()
    last = log.last_at
    if last is None or clock.day(until) > clock.day(last):
        hint = "who has not come yet is not known to stay away: look back further"
        rule = f"at least {horizon} before the day of the last event, {last}"
        raise InvalidInputError("at", at, rule, hint)
    summary = log.summarise(at, clock=clock)
    seen = summary.interactions > 0
    if not seen.any():
        raise InvalidInputError("at", at, "after the first interaction of the log")
    x, t_x, age = (
        column[seen]
        for column in (summary.repeat_days, summary.repeat_age_days, summary.age_days)
    )
    own = fit_mbgnbd(x, t_x, age) if model is None else model
    days = _days_until(log, at, until, summary.user[seen], clock)
    came = (days > 0).astype(np.int64)
    awake = segment_users(log, at, policy, clock=clock).segment[seen] != "dormant"
    recent = summary.last_interaction_at[seen].view(np.int64)
    alive, odds = own.p_alive(x, t_x, age), own.p_active(ahead, x, t_x, age)
    expected = own.expected_purchases(ahead, x, t_x, age)
    after = f"{policy.dormant_after.days}-day rule: dormant stay away"
    forecasts = (
        _probability("rule", after, awake.astype(np.float64), came),
        _order("recency", "recency: the last to come first", recent, came),
        _order("frequency", "frequency: days with an interaction", x, came),
        _probability("p_alive", "P(alive) of the model", alive, came),
        _order("expected", "expected days of the model", expected, came),
        _probability("p_active", "P(active) of the model", odds, came),
    )
    return Backtest(
        at=at,
        until=until,
        users=len(came),
        came=wilson(int(came.sum()), len(came)),
        foreseen=float(odds.mean()),
        expected=float(expected.sum()),
        observed=int(days.sum()),
        base=base_rate_brier(came),
        better_order=auc_gain(odds, recent, came),
        smaller_error=brier_gain(odds, np.full(len(came), came.mean()), came),
        forecasts=forecasts,
        calibration=calibration(odds, came),
        model=own,
    )


def _days_until(
    log: Log,
    at: dt.datetime,
    until: dt.datetime,
    users: NDArray[Any],
    clock: DayClock,
) -> NDArray[np.int64]:
    """Return on how many days each user interacted at ``at < t <= until``."""
    tick = dt.timedelta(microseconds=1)
    after = log.between(at + tick, until + tick).summarise(until, clock=clock)
    days = np.where(after.interactions > 0, after.repeat_days + 1, 0)
    found = dict(zip(after.user.tolist(), days.tolist(), strict=True))
    return np.array([found.get(one, 0) for one in users.tolist()], dtype=np.int64)


def _order(
    name: str, what: str, scores: NDArray[Any], came: NDArray[np.int64]
) -> Forecast:
    """Return how something did that puts users in order."""
    none = Estimate.undefined(_NOT_A_PROBABILITY, n=len(came))
    return Forecast(name, what, auc(scores, came), none)


def _probability(
    name: str, what: str, odds: NDArray[np.float64], came: NDArray[np.int64]
) -> Forecast:
    """Return how something did that claims to be a probability."""
    return Forecast(name, what, auc(odds, came), brier(odds, came))
