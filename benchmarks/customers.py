"""Made-up customers who buy by the day until they leave, the same on every run.

They are as BG/NBD and Gamma-Gamma believe, with the parameters of CDNOW, its weeks
made days: paces differ by a gamma law, probabilities of leaving after a purchase by
a beta law, values by two gamma laws. Ages are whole days; what is bought on one day
is one purchase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import attrs
import numpy as np
from cache import kept

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["COLUMNS", "PACES", "SPENDING", "Customers", "make_customers"]

#: Parameters of how often they buy, alpha in days.
PACES: Final = {"r": 0.243, "alpha": 30.9, "a": 0.793, "b": 2.426}
#: Parameters of what they spend, v in yuan.
SPENDING: Final = {"p": 6.25, "q": 3.74, "v": 15.44}
#: Purchases after the first, age at the last of them, age, mean value in yuan.
COLUMNS: Final = ("x", "t_x", "T", "mean_value")
_YOUNGEST: Final = 90
_OLDEST: Final = 730
_SEED: Final = 20_260_101
# Part of the cache's name: raise it when the same arguments give other customers.
_EDITION: Final = 1


@attrs.frozen
class Customers:
    """Where made-up customers lie.

    Attributes
    ----------
    folder
        Their folder in the cache.
    size
        How many.
    """

    folder: Path
    size: int
    jobs: ClassVar[str] = "fitters"
    unit: ClassVar[str] = "customer"

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column, one of ``COLUMNS``. Shape ``(size,)``."""
        values: NDArray[np.float64] = np.load(self.folder / f"{name}.npy")
        return values

    @property
    def about(self) -> str:
        """How many came back."""
        return f"{np.count_nonzero(self.column('x')):,} of whom came back"


def make_customers(size: int) -> Customers:
    """Return so many customers, made on the first call.

    Parameters
    ----------
    size
        How many.

    Returns
    -------
    Customers
        In the cache.
    """

    def write(folder: Path) -> None:
        rng = np.random.default_rng([_SEED, size])
        histories = _histories(rng, size)
        columns = (*histories, _values(rng, histories[0]))
        for name, column in zip(COLUMNS, columns, strict=True):
            np.save(folder / f"{name}.npy", column)

    return Customers(kept(f"customers-{_EDITION}-{size}", write), size)


def _histories(
    rng: np.random.Generator, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return x, t_x and T, a round for each purchase of those still there."""
    age = rng.integers(_YOUNGEST, _OLDEST, size, endpoint=True).astype(np.float64)
    gap = PACES["alpha"] / rng.gamma(PACES["r"], 1, size).clip(1e-12)
    leaves = rng.beta(PACES["a"], PACES["b"], size)
    bought, last = np.zeros(size), np.zeros(size)
    there, at = np.arange(size), np.zeros(size)
    while there.size:
        at += rng.exponential(gap[there])
        day = np.ceil(at)
        seen = day <= age[there]
        there, at, day = there[seen], at[seen], day[seen]
        bought[there] += day > last[there]
        last[there] = day
        stays = rng.random(there.size) >= leaves[there]
        there, at = there[stays], at[stays]
    return bought, last, age


def _values(
    rng: np.random.Generator, bought: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean value of the purchases, 0 of none; their sum is whole fen."""
    rate = rng.gamma(SPENDING["q"], 1 / SPENDING["v"], bought.size)
    n = np.maximum(bought, 1)
    fen = np.rint(100 * rng.gamma(SPENDING["p"] * n) / rate).clip(1)
    values: NDArray[np.float64] = np.where(bought > 0, fen / n / 100, 0.0)
    return values
