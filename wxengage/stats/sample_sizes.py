"""How many users a test needs (样本量), before it begins."""

from __future__ import annotations

import math
from typing import Final

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import check_level

__all__ = ["users_to_beat", "users_to_tell_apart"]

_POWER: Final = 0.8


def _share(name: str, share: float) -> float:
    """Return a share strictly between 0 and 1, checked."""
    number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if not (number and 0 < share < 1):
        raise InvalidInputError(name, share, "between 0 and 1", "12 % is 0.12")
    return float(share)


def _normal(probability: float) -> float:
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    return float(ndtri(probability))


def users_to_tell_apart(
    first: float, second: float, *, power: float = _POWER, level: float = 0.95
) -> float:
    """Return how many users each arm of a test of two shares needs.

    Parameters
    ----------
    first, second
        The shares that are to be told apart, between 0 and 1.
    power
        How probably such a difference is to be found.
    level
        Of the two-sided test: 0.95 finds a difference where there is none in 5 of
        100 tests.

    Returns
    -------
    float
        Users in each arm; round it up.

    Raises
    ------
    InvalidInputError
        If a share, the power or the level is not between 0 and 1, or the shares
        are equal.

    Notes
    -----
    The normal approximation of R's ``power.prop.test``. It holds for one look at
    the end: who looks every day needs ``sequential``.

    Examples
    --------
    >>> f"{users_to_tell_apart(0.10, 0.12):.2f}"
    '3840.85'
    """
    p, q = _share("first", first), _share("second", second)
    if p == q:
        raise InvalidInputError("second", second, f"other than first, {first}")
    sure = _normal(1 - (1 - check_level(level)) / 2)
    middle = (p + q) / 2
    reach = sure * math.sqrt(2 * middle * (1 - middle))
    reach += _normal(_share("power", power)) * math.sqrt(p * (1 - p) + q * (1 - q))
    return (reach / (p - q)) ** 2


def users_to_beat(
    true: float, target: float, *, power: float = _POWER, level: float = 0.95
) -> float:
    """Return how many users it takes to show that a share is above a target.

    Parameters
    ----------
    true
        The share that is expected, above the target.
    target
        What it is held against.
    power
        How probably it is to be shown.
    level
        Of the one-sided test: 0.95 is wrong in 5 of 100 tests.

    Returns
    -------
    float
        Users; round it up.

    Raises
    ------
    InvalidInputError
        If a number is not between 0 and 1, or ``true`` is not above ``target``.

    Notes
    -----
    The normal approximation for one share.

    Examples
    --------
    >>> f"{users_to_beat(0.33, 0.30):.2f}"
    '1468.19'
    """
    p, q = _share("true", true), _share("target", target)
    if p <= q:
        raise InvalidInputError("true", true, f"above the target, {target}")
    reach = _normal(check_level(level)) * math.sqrt(q * (1 - q))
    reach += _normal(_share("power", power)) * math.sqrt(p * (1 - p))
    return (reach / (p - q)) ** 2
