"""Everybody's hours, and how much a user's own ones weigh (时段模型)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.pacing.opens import HOURS
from wxengage.pacing.windows import Window, minute_of_day
from wxengage.stats.checks import numbers, refuse
from wxengage.stats.shrinkage import (
    fit_beta_binomial,
    fit_concentration,
    fit_dirichlet_multinomial,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from wxengage.pacing.opens import Counts

__all__ = [
    "MEASURES",
    "HourModel",
    "Measure",
    "belief",
    "rates_learned",
    "require_weight",
    "shares_learned",
]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Measure: TypeAlias = Literal["open_rate", "open_share"]

#: What the odds of an hour can be.
MEASURES: Final = ("open_rate", "open_share")
# Before any data, so much of all openings is in the windows and the rest is spread
# over the day. A guess: the article names the windows and no share.
_IN_WINDOWS: Final = 0.5
# What everybody does is told by so many users as well as by millions.
_SAMPLE: Final = 20_000
# Hours that are equally good shall be so in the last digit, too.
_DIGITS: Final = 12
# How near to 0 or 1 a rate may come.
_NEAR: Final = 1e-12
_ROUNDING: Final = 1e-9
_MINUTES: Final = 60
_HINT: Final = "for example windows=GOLDEN_WINDOWS['weibo']"


def require_weight(name: str, value: float) -> float:
    """Return a number of observations above 0, checked."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0 < value < math.inf):
        raise InvalidInputError(name, value, "a finite number above 0")
    return value


def _weight(_: object, field: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None:
        require_weight(field.name, value)


def _count(_: object, field: attrs.Attribute[Any], value: int) -> None:
    require_whole(field.name, value)


def _rates(_: object, field: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    if not isinstance(value, tuple) or len(value) != HOURS:
        raise InvalidInputError(field.name, value, "24 numbers, one an hour")
    column = numbers(field.name, value)
    refuse(field.name, column, (column <= 0) | (column >= 1), "between 0 and 1")


@attrs.frozen
class HourModel:
    """What is known of everybody's hours (全体用户的时段规律).

    Attributes
    ----------
    measure
        ``"open_rate"``: openings over deliveries. ``"open_share"``: an hour's share
        of all openings.
    hours
        Everybody's odds at each local hour, between 0 and 1; shares sum to 1.
    kappa
        How many of a user's own deliveries at an hour (openings, for shares)
        everybody's odds weigh.
    level
        How many of a user's own deliveries everybody's open rate weighs, the hour
        aside; None for shares.
    users, deliveries, openings
        What it was learned from; answered deliveries, for an open rate.
    """

    measure: Measure = attrs.field(validator=attrs.validators.in_(MEASURES))
    hours: tuple[float, ...] = attrs.field(validator=_rates)
    kappa: float = attrs.field(validator=_weight)
    level: float | None = attrs.field(default=None, validator=_weight)
    users: int = attrs.field(default=0, validator=_count)
    deliveries: int = attrs.field(default=0, validator=_count)
    openings: int = attrs.field(default=0, validator=_count)

    def __attrs_post_init__(self) -> None:
        if self.measure == "open_share" and abs(sum(self.hours) - 1) > _ROUNDING:
            raise InvalidInputError("hours", self.hours, "shares that sum to 1")
        if (self.level is None) != (self.measure == "open_share"):
            rule = "a number for an open rate, and None for shares"
            raise InvalidInputError("level", self.level, rule)

    def odds(self, openings: ArrayLike, deliveries: ArrayLike | None = None) -> Floats:
        """Return the odds of users at each hour.

        Parameters
        ----------
        openings
            Openings at each local hour; for an open rate the deliveries at that
            hour that were opened. Shape ``(24,)`` or ``(n, 24)``.
        deliveries
            Deliveries at each hour, of the same shape; not needed for shares.

        Returns
        -------
        numpy.ndarray
            Open rate of each hour, or its share of the openings. Of the same shape.

        Raises
        ------
        InvalidInputError
            If a count is negative, there are more openings than deliveries, or
            deliveries are needed and missing.

        Notes
        -----
        Shares are ``(c + kappa pi) / (sum c + kappa)``. For a rate, everybody's
        odds at each hour are first raised or lowered by one factor for all hours,
        until they give the user's own open rate, which is itself mixed with
        everybody's. Otherwise an hour would look good because an eager reader was
        written to at that hour and at no other. Then each hour is
        ``(c + kappa mu) / (n + kappa)``.
        """
        own: Floats = numbers("openings", openings)
        if own.shape[-1:] != (HOURS,):
            raise InvalidInputError("openings.shape", own.shape, "24 in each row")
        refuse("openings", own, own < 0, "at least 0")
        everybody = np.array(self.hours)
        if self.level is None:
            total: Floats = own.sum(axis=-1, keepdims=True)
            return np.asarray((own + self.kappa * everybody) / (total + self.kappa))
        if deliveries is None:
            raise InvalidInputError("deliveries", None, "given for an open rate")
        sent = numbers("deliveries", deliveries)
        if sent.shape != own.shape:
            raise InvalidInputError("deliveries.shape", sent.shape, f"{own.shape}")
        refuse("deliveries", sent, sent < own, "at least the openings")
        mean = _expected(own, sent, everybody, self.level)
        return np.asarray((own + self.kappa * mean) / (sent + self.kappa))

    def __str__(self) -> str:
        best = int(np.argmax(self.hours))
        return (
            f"HourModel {self.measure} of {self.users:,} users, "
            f"{self.openings:,} openings, {self.deliveries:,} deliveries: "
            f"best hour {best:02d} at {self.hours[best]:.3g}, kappa={self.kappa:.3g}"
        )


def _expected(
    own: NDArray[Any], sent: NDArray[Any], everybody: Floats, level: float
) -> Floats:
    """Return each user's open rate by hour, as far as it is everybody's."""
    total = sent.sum(axis=-1, keepdims=True)
    # Not a matrix product: one user's sum is the same alone and among others.
    due = (sent * everybody).sum(axis=-1, keepdims=True)
    usual = np.where(total > 0, due / np.maximum(total, 1), 0.5)
    rate = (own.sum(axis=-1, keepdims=True) + level * usual) / (total + level)
    rate = _inside(rate)  # of millions of deliveries, all opened, it rounds to 1
    factor = rate / (1 - rate) / (usual / (1 - usual))
    odds: Floats = factor * (everybody / (1 - everybody))
    return odds / (1 + odds)


def belief(windows: tuple[Window, ...]) -> tuple[Floats, NDArray[np.int64]]:
    """Return shares of the hours before any data, and how ties are decided."""
    inside = np.zeros(HOURS * _MINUTES)
    for row, window in enumerate(windows):
        if not isinstance(window, Window):
            raise InvalidInputError(f"windows[{row}]", window, "a Window", _HINT)
        start = minute_of_day("start", window.start)
        inside[start : minute_of_day("end", window.end)] = 1
    minutes = inside.reshape(HOURS, _MINUTES).sum(axis=1)
    if not minutes.any():
        raise InvalidInputError("windows", windows, "at least one window", _HINT)
    shares = _IN_WINDOWS * minutes / minutes.sum() + (1 - _IN_WINDOWS) / HOURS
    hours = np.arange(HOURS)
    apart = np.abs(hours[:, None] - np.flatnonzero(minutes))
    away = np.minimum(apart, HOURS - apart).min(axis=1)
    return shares, np.lexsort((hours, away))


def shares_learned(own: Counts, guess: Floats, prior: float) -> HourModel:
    """Learn everybody's shares of openings from users who opened something."""
    rows = own[_sample(own.sum(axis=1))]
    fit = fit_dirichlet_multinomial(rows, prior=prior * guess)
    shares = _inside(np.round(fit.shares, _DIGITS))
    return HourModel(
        "open_share",
        tuple(shares.tolist()),
        cast("float", fit.kappa),  # finite, with a prior
        users=len(rows),
        openings=int(rows.sum()),
    )


def rates_learned(own: Counts, sent: Counts, guess: Floats, prior: float) -> HourModel:
    """Learn everybody's open rates from users who were written to."""
    rows = _sample(sent.sum(axis=1))
    own, sent = own[rows], sent[rows]
    opened, total = own.sum(axis=1), sent.sum(axis=1)
    rate = (opened.sum() + 0.5) / (total.sum() + 1)
    # At the hours at which messages went, so that a window without a delivery is not
    # taken to be better than a window with many.
    usual_guess = (sent.sum(axis=0) @ guess + guess.mean()) / (total.sum() + 1)
    odds = rate / (1 - rate) * guess / usual_guess
    weights = prior / HOURS * np.column_stack((odds, np.ones(HOURS)))
    weights /= 1 + odds[:, None]
    fits = (
        fit_beta_binomial(opens, sends, prior=weight)
        for opens, sends, weight in zip(own.T, sent.T, weights, strict=True)
    )
    hours = _inside(np.round([fit.mean for fit in fits], _DIGITS))
    usual = _inside(sent @ hours / np.maximum(total, 1))
    level = fit_concentration(opened, total, usual)
    some = sent > 0
    mean = _inside(_expected(own, sent, hours, level))
    kappa = fit_concentration(own[some], sent[some], mean[some])
    return HourModel(
        "open_rate",
        tuple(hours.tolist()),
        kappa,
        level,
        users=len(rows),
        deliveries=int(total.sum()),
        openings=int(opened.sum()),
    )


def _sample(events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return users with an event; evenly spaced where these are very many."""
    rows = np.flatnonzero(events)
    size = min(len(rows), _SAMPLE)
    return rows[np.arange(size) * len(rows) // max(size, 1)]


def _inside(rates: Floats) -> Floats:
    """Return rates that are neither 0 nor 1."""
    return np.clip(rates, _NEAR, 1 - _NEAR)
