"""Made-up offers: what forty options are worth to many users, the same on every run.

Twenty messages go twice, in six slots of a day and over four channels. What an
option is worth to a user is the option's worth, the user's liking for messages, and
chance; a tenth of the options is not allowed, and some do harm. Budgets are so that
all of them bind or nearly do.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar, Final
from zoneinfo import ZoneInfo

import attrs
import numpy as np
from cache import kept

from wxengage.pacing.budgets import AdShare, Budget
from wxengage.pacing.caps import Cap
from wxengage.plan.options import Option

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Limit

__all__ = ["CHANNELS", "MESSAGES", "OPTIONS", "Offers", "limits_of", "make_offers"]

OPTIONS: Final = 40
MESSAGES: Final = 20
CHANNELS: Final = ("wecom", "template", "subscribe", "customer")
_HOURS: Final = (8, 12, 13, 17, 20, 21)
_SEED: Final = 20_260_101
_EDITION: Final = 1
#: Messages a user and day.
_MOST: Final = 4
#: The share of users to whom the ad of ten messages may go.
_AD_LEFT: Final = 0.4
#: Fen a user on the average.
_MONEY: Final = 40


@attrs.frozen
class Offers:
    """Where made-up offers lie.

    Attributes
    ----------
    folder
        Their folder in the cache.
    size
        How many users.
    """

    folder: Path
    size: int
    jobs: ClassVar[str] = "planners"
    unit: ClassVar[str] = "user"
    about: ClassVar[str] = "40 options, 25 budgets"

    @property
    def values(self) -> NDArray[np.float32]:
        """What each option is worth to each user. Shape ``(size, 40)``."""
        found: NDArray[np.float32] = np.load(self.folder / "values.npy")
        return found

    @property
    def ads_left(self) -> NDArray[np.int64]:
        """How many ads each user may still get, 0 or 1. Shape ``(size,)``."""
        found: NDArray[np.int64] = np.load(self.folder / "ads_left.npy")
        return found

    @property
    def options(self) -> list[Option]:
        """The forty options."""
        rng = np.random.default_rng(_SEED)
        day = dt.datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
        found = []
        for message in range(MESSAGES):
            for hour in rng.choice(_HOURS, 2, replace=False).tolist():
                start = day + dt.timedelta(hours=hour)
                channel = CHANNELS[int(rng.integers(len(CHANNELS)))]
                cost = int(rng.integers(1, 30))
                end = start + dt.timedelta(hours=1)
                ad = message % 5 == 0
                found.append(
                    Option(f"m{message}", channel, start, end, is_ad=ad, cost=cost)
                )
        return found


def make_offers(size: int) -> Offers:
    """Return offers to so many users, made on the first call.

    Parameters
    ----------
    size
        How many.

    Returns
    -------
    Offers
        In the cache.
    """

    def write(folder: Path) -> None:
        rng = np.random.default_rng([_SEED, size])
        worth = rng.uniform(0.5, 1.5, OPTIONS).astype(np.float32)
        liking = rng.uniform(0.3, 1.0, (size, 1)).astype(np.float32)
        values = rng.random((size, OPTIONS), dtype=np.float32) * worth * liking
        values += 0.05 * rng.standard_normal((size, OPTIONS), dtype=np.float32)
        values[rng.random((size, OPTIONS), dtype=np.float32) < 0.1] = np.nan
        np.save(folder / "values.npy", values)
        left = (rng.random(size) < _AD_LEFT).astype(np.int64)
        np.save(folder / "ads_left.npy", left)

    return Offers(kept(f"offers-{_EDITION}-{size}", write), size)


def limits_of(size: int) -> list[Limit]:
    """Return 20 budgets of messages, 4 of channels, 1 of money, and a user's own.

    Parameters
    ----------
    size
        How many users.

    Returns
    -------
    list
        In the order: caps, messages, channels, money, ads.
    """
    rng = np.random.default_rng(_SEED + 1)
    limits: list[Limit] = [Cap(_MOST)]
    for message in range(MESSAGES):
        limit = int(size * rng.uniform(0.1, 0.25))
        limits.append(Budget(limit, scope=f"message:m{message}"))
    for channel in CHANNELS:
        limit = int(size * rng.uniform(0.6, 1.0))
        limits.append(Budget(limit, scope=f"channel:{channel}"))
    return [*limits, Budget(size * _MONEY, unit="fen"), AdShare(1, 10)]
