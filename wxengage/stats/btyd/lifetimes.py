"""What a lifetime model can tell of a customer (生命周期模型), whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from wxengage.stats.btyd.fitting import Fitted
from wxengage.stats.btyd.histories import Vector, ahead_of, checked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Lifetimes"]


class Lifetimes(Fitted, ABC):
    """A base for models of purchases in continuous time.

    Ages and horizons are in the unit of time that the model was fitted in. A model
    answers for checked histories of shapes that broadcast.
    """

    __slots__ = ()

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Any:
        """Return how probable it is that a customer is still there.

        Parameters
        ----------
        x, t_x, T
            Purchases after the first, age at the last of them, age now; of shapes
            that broadcast, ages in the unit of the fit.

        Returns
        -------
        numpy.ndarray
            Of the common shape.

        Raises
        ------
        InvalidInputError
            If a value breaks a rule.
        """
        return self._alive(*checked(x, t_x, T))[()]

    def p_active(
        self, horizon: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> Any:
        """Return how probable a purchase within ``horizon`` from now is.

        Parameters
        ----------
        horizon
            How far to look ahead, in the unit of the fit, from 0.
        x, t_x, T
            As for ``p_alive``.

        Returns
        -------
        numpy.ndarray
            Of the common shape.
        """
        return self._active(ahead_of(horizon), *checked(x, t_x, T))[()]

    def expected_purchases(
        self, horizon: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> Any:
        """Return how many purchases to expect within ``horizon`` from now.

        Parameters
        ----------
        horizon
            How far to look ahead, in the unit of the fit, from 0.
        x, t_x, T
            As for ``p_alive``. A new customer is 0, 0, 0: the first purchase is
            behind them and does not count.

        Returns
        -------
        numpy.ndarray
            Of the common shape.

        Notes
        -----
        In forms without the poles (``a = 1``, ``s = 1``) and overflows of the closed
        ones.
        """
        return self._expected(ahead_of(horizon), *checked(x, t_x, T))[()]

    @abstractmethod
    def _alive(self, count: Vector, recency: Vector, age: Vector) -> Vector:
        """Return the probability to be alive."""

    @abstractmethod
    def _active(
        self, ahead: Vector, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        """Return the probability of a purchase."""

    @abstractmethod
    def _expected(
        self, ahead: Vector, count: Vector, recency: Vector, age: Vector
    ) -> Vector:
        """Return the expected number of purchases."""
