"""What a send is worth (触达价值): the difference it makes, in the unit of its cost.

The target is the *difference* that a message makes, ``P(visit | sent)`` less
``P(visit | not sent)``, as a holdout measures it. The chance that a user opens it, or
visits, is the wrong target: it is highest for those who come anyway, and a plan for
it spends the messages where they change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import numbers, refuse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["expected_value", "hour_factors"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_HOURS: Final = 24
_TABLE: Final = 2  # dimensions


def expected_value(
    effect: ArrayLike,
    *,
    odds: ArrayLike | None = None,
    hours: ArrayLike | None = None,
    base: ArrayLike | None = None,
    value: ArrayLike = 1.0,
    cost: ArrayLike = 0.0,
    unsubscribe: ArrayLike = 0.0,
    loss: ArrayLike = 0.0,
) -> Floats:
    """Return what each option is worth for each user.

    Parameters
    ----------
    effect
        By how much the message raises the chance of a visit, sent at an hour like any
        other: ``P(visit | sent) - P(visit | not sent)``, from -1 to 1. A segment's
        effect is a column, a message's a row, their product or a model's prediction a
        table. Shape ``(n_users, n_options)``, ``(n_users, 1)`` or ``(n_options,)``.
    odds
        Each user's odds at each local hour, as ``send_time(...).matrix()`` gives
        them. Only their proportions count. Shape ``(n_users, 24)``.
    hours
        The local hour at which each option's slot begins, from 0 to 23; with ``odds``
        and not without. Shape ``(n_options,)``.
    base
        ``P(visit | not sent)``, from 0 to 1. With it the effect is kept within what is
        left of the chance: from ``-base`` to ``1 - base``. Shapes as of ``effect``.
    value
        What a visit is worth, from 0. Shapes as of ``effect``, or one number.
    cost
        What one message costs, from 0, in the unit of ``value``.
    unsubscribe
        By how much the message raises the chance that the user unsubscribes, from 0
        to 1.
    loss
        What is lost with a user who unsubscribes, from 0, in the unit of ``value``.

    Returns
    -------
    numpy.ndarray
        ``effect * factor * value - cost - unsubscribe * loss``, where the factor is
        the odds of the option's hour over the mean of the user's 24. Below 0: better
        not sent. Shape ``(n_users, n_options)``.

    Raises
    ------
    InvalidInputError
        If a number is not finite or out of its range, shapes do not fit, or only one
        of ``odds`` and ``hours`` is given. Mark options that a user may not get as NaN
        in the result, not here.

    Notes
    -----
    That a better hour multiplies the *effect* is an assumption: a message that is not
    seen has none. A holdout by hour tests it. ``O(n_users * n_options)``.

    Do not give ``P(visit | sent)`` or an open rate as ``effect``: then users who come
    anyway are ranked first.

    Examples
    --------
    >>> segment = [[0.06], [0.02]]  # two users: 6 % and 2 % more visits
    >>> message = [1.0, 0.5]  # the second message does half as much
    >>> effect = np.multiply(segment, message)
    >>> worth = expected_value(effect, value=800, cost=10, unsubscribe=0.001, loss=3000)
    >>> worth.round(6).tolist()
    [[35.0, 11.0], [3.0, -5.0]]
    """
    change = _ranged("effect", effect, -1, 1)
    factor = np.ones((1, 1))
    if (odds is None) != (hours is None):
        missing = "hours" if hours is None else "odds"
        raise InvalidInputError(missing, None, "given where the other one is")
    if odds is not None and hours is not None:
        factor = hour_factors(odds, hours)
    low, high = np.full((1, 1), -1.0), np.full((1, 1), 1.0)
    if base is not None:
        usual = _ranged("base", base, 0, 1)
        low, high = -usual, 1 - usual
    parts = {
        "effect": change,
        "odds": factor,
        "base": low,
        "value": _ranged("value", value, 0, np.inf),
        "cost": _ranged("cost", cost, 0, np.inf),
        "unsubscribe": _ranged("unsubscribe", unsubscribe, 0, 1),
        "loss": _ranged("loss", loss, 0, np.inf),
    }
    worth = np.empty(_shape(parts))
    np.multiply(change, factor, out=worth)
    # One table throughout: of a million users it is large.
    np.clip(worth, low, high, out=worth)
    worth *= parts["value"]
    worth -= parts["cost"]
    worth -= parts["unsubscribe"] * parts["loss"]
    return worth


def hour_factors(odds: ArrayLike, hours: ArrayLike) -> Floats:
    """Return how good each option's hour is beside the mean of each user's hours.

    Parameters
    ----------
    odds
        From 0. Shape ``(n_users, 24)``.
    hours
        From 0 to 23. Shape ``(n_options,)``.

    Returns
    -------
    numpy.ndarray
        1 is an hour like any other; a user whose odds are all 0 has 1 throughout.
        Shape ``(n_users, n_options)``.

    Raises
    ------
    InvalidInputError
        If odds are negative or no 24 a user, or an hour is none of the day.

    Examples
    --------
    >>> evening = [1.0] * 20 + [3.0, 3.0] + [1.0] * 2
    >>> hour_factors([evening], [8, 20]).round(3).tolist()
    [[0.857, 2.571]]
    """
    table = _ranged("odds", odds, 0, np.inf)
    if table.shape[1] != _HOURS or np.ndim(odds) != _TABLE:
        raise InvalidInputError("odds.shape", np.shape(odds), "24 in each row")
    columns = numbers("hours", hours)
    if columns.ndim != 1:
        raise InvalidInputError("hours.shape", columns.shape, "one-dimensional")
    odd = (columns < 0) | (columns >= _HOURS) | (columns != np.floor(columns))
    refuse("hours", columns, odd, "a whole number from 0 to 23")
    mean = table.mean(axis=1)
    found = table[:, columns.astype(np.int64)]
    found /= np.where(mean > 0, mean, 1)[:, None]
    found[mean == 0] = 1
    return found


def _ranged(name: str, given: ArrayLike, low: float, high: float) -> Floats:
    """Return numbers within a range as a table of users by options."""
    column = numbers(name, given)
    rule = f"from {low}" if high == np.inf else f"from {low} to {high}"
    refuse(name, column, (column < low) | (column > high), rule)
    if column.ndim > _TABLE:
        rule = "a table of users by options, or one row or column of it"
        raise InvalidInputError(f"{name}.shape", column.shape, rule)
    return np.atleast_2d(column)


def _shape(parts: dict[str, Floats]) -> tuple[int, int]:
    """Return users and options, or say which part does not fit."""
    shape = [1, 1]
    for name, part in parts.items():
        for axis, of in enumerate(("users", "options")):
            size = part.shape[axis]
            if size not in {1, shape[axis]} and shape[axis] != 1:
                rule = f"of {shape[axis]} {of}, or 1"
                raise InvalidInputError(f"{name}.shape", part.shape, rule)
            shape[axis] = size if shape[axis] == 1 else shape[axis]
    return shape[0], shape[1]
