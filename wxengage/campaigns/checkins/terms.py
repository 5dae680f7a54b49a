"""What a check-in challenge counts (打卡规则): k of n days, and milestones."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, get_args

import attrs

from wxengage.campaigns.rungs import require_payable
from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import Cash, Points, Reward
from wxengage.times.days import DayClock

__all__ = [
    "LONGEST",
    "KofN",
    "Milestone",
    "are_milestones",
    "require_clock",
    "require_cost",
    "require_date",
    "require_milestones",
    "require_reward",
]

#: The longest challenge, in days: ten years.
LONGEST: Final = 3_660


@attrs.frozen
class KofN:
    """So many days out of so many (n 天内打卡 k 天).

    Attributes
    ----------
    k
        Days with a check-in, at least 1.
    n
        Consecutive local days within which they must lie, at least ``k``. The
        window moves: any ``n`` days will do.

    Raises
    ------
    InvalidInputError
        If one is no whole number, or ``k`` is more than ``n``.
    """

    k: int
    n: int

    def __attrs_post_init__(self) -> None:
        require_whole("k", self.k, least=1)
        require_whole("n", self.n, least=1, most=LONGEST)
        if self.k > self.n:
            hint = f"{self.k} days do not fit into {self.n}"
            raise InvalidInputError("k", self.k, f"at most n, {self.n}", hint)


@attrs.frozen
class Milestone:
    """What a day of a challenge is worth (打卡里程碑).

    Attributes
    ----------
    day
        The count at which it is reached, at least 1.
    reward
        What it adds: rewards of milestones below are owed besides.

    Raises
    ------
    InvalidInputError
        If the day is no whole number, or the reward is none that can be paid.
    """

    day: int
    reward: Reward

    def __attrs_post_init__(self) -> None:
        require_whole("day", self.day, least=1, most=LONGEST)
        if self.reward is None:
            raise InvalidInputError("reward", None, "a reward")
        require_reward("reward", self.reward)


def require_reward(name: str, got: Any) -> None:
    """Raise unless a value is a reward that can be paid, or None."""
    if got is None:
        return
    if not isinstance(got, get_args(Reward)):
        raise InvalidInputError(name, got, "a reward", "for example Points(10)")
    require_payable(name, got)


def are_milestones(got: object) -> bool:
    """Return whether a value is a tuple of milestones."""
    return isinstance(got, tuple) and all(isinstance(one, Milestone) for one in got)


def require_milestones(got: Any) -> None:
    """Raise unless a value is a tuple of milestones of days that climb."""
    if not are_milestones(got):
        hint = "for example (Milestone(3, Points(50)),)"
        raise InvalidInputError("milestones", got, "a tuple of Milestone", hint)
    for row, one in enumerate(got[1:], start=1):
        if one.day <= got[row - 1].day:
            rule = f"after day {got[row - 1].day} of the one before"
            raise InvalidInputError(f"milestones[{row}].day", one.day, rule)


def require_cost(got: object) -> None:
    """Raise unless a value is a price, or None."""
    if got is not None and not isinstance(got, Cash | Points):
        hint = "a price that somebody pays is not a coupon"
        raise InvalidInputError("make_up_cost", got, "Cash, Points or None", hint)


def require_clock(got: object) -> None:
    """Raise unless a value is a clock of days."""
    if not isinstance(got, DayClock):
        hint = "for example DayClock('Asia/Shanghai')"
        raise InvalidInputError("clock", got, "a DayClock", hint)


def require_date(name: str, got: object) -> dt.date:
    """Return a value if it is a date without a time."""
    if not isinstance(got, dt.date) or isinstance(got, dt.datetime):
        hint = "a day has no time and no zone, as in date(2026, 3, 1)"
        raise InvalidInputError(name, got, "a date", hint)
    return got
