"""What a check-in challenge counts (打卡规则): k of n days, and milestones."""

from __future__ import annotations

from typing import Any, Final, get_args

import attrs

from wxengage.campaigns.rungs import require_payable
from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import Reward

__all__ = ["LONGEST", "KofN", "Milestone"]

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
        require_reward("reward", self.reward)


def require_reward(name: str, got: Any) -> None:
    """Raise unless a value is a reward that can be paid.

    Parameters
    ----------
    name
        The field.
    got
        What came in.

    Raises
    ------
    InvalidInputError
        If it is no reward, or cash below what WeChat pays at once.
    """
    if not isinstance(got, get_args(Reward)):
        raise InvalidInputError(name, got, "a reward", "for example Points(10)")
    require_payable(name, got)
