"""A made-up audience with its past messages, the same on every run.

Everybody got the same number of messages, most of them by day, and lives in
Shanghai. A few have said no, a few have no grant left.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar, Final

import attrs
import numpy as np
from cache import kept

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["NOW", "SENDS", "ZONE", "Audience", "make_audience"]

#: Thursday noon in Shanghai, late in a month of five weeks.
NOW: Final = dt.datetime(2026, 3, 26, 4, tzinfo=dt.UTC)
ZONE: Final = "Asia/Shanghai"
#: Past messages of each user.
SENDS: Final = 50
_DAYS: Final = 45
_SECONDS_A_DAY: Final = 86_400
_SAID_YES: Final = 0.97
_HAS_GRANT: Final = 0.95
_SEED: Final = 20_260_326
# Part of the cache's name: raise it when the same arguments give other users.
_EDITION: Final = 1


@attrs.frozen
class Audience:
    """Where a made-up audience lies.

    Attributes
    ----------
    folder
        Its folder in the cache.
    size
        How many users.
    """

    folder: Path
    size: int
    jobs: ClassVar[str] = "gates"
    unit: ClassVar[str] = "decision"
    about: ClassVar[str] = f"{SENDS} past messages a user"

    def column(self, name: str) -> NDArray[np.int64]:
        """Return a column: ``at`` (users x messages, seconds), ``yes``, ``grants``."""
        values: NDArray[np.int64] = np.load(self.folder / f"{name}.npy")
        return values


def make_audience(size: int) -> Audience:
    """Return so many users, made on the first call.

    Parameters
    ----------
    size
        How many.

    Returns
    -------
    Audience
        In the cache.
    """

    def write(folder: Path) -> None:
        rng = np.random.default_rng([_SEED, size])
        now = int(NOW.timestamp())
        at = now - rng.integers(60, _DAYS * _SECONDS_A_DAY, (size, SENDS))
        np.save(folder / "at.npy", np.sort(at, axis=1))
        np.save(folder / "yes.npy", (rng.random(size) < _SAID_YES).astype(np.int64))
        np.save(folder / "grants.npy", (rng.random(size) < _HAS_GRANT).astype(np.int64))

    return Audience(kept(f"audience-{_EDITION}-{size}", write), size)
