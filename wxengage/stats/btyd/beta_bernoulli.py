"""BG/BB (离散机会模型): k of n opportunities taken, until one leaves.

For panels, issues of a newsletter, yearly appeals: there are opportunities, and at
each one a customer who is still there takes it with a probability of their own
(beta law, ``alpha``, ``beta``), or leaves before it with another (``gamma``,
``delta``). Whoever left does not come back.

References
----------
Fader, Hardie and Shang (2010), "Customer-Base Analysis in a Discrete-Time
Noncontractual Setting", Marketing Science 29(6).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import numpy as np

from wxengage.stats.btyd.fitting import Fit, Fitted, OfHistories, maximise, positive
from wxengage.stats.btyd.histories import Histories, Vector, ahead_of, checked
from wxengage.stats.btyd.mixtures import log_sum
from wxengage.stats.checks import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["BgBb", "fit_bgbb"]

_BLOCK: Final = 1 << 16


def _opportunities(
    x: ArrayLike, t_x: ArrayLike, n: ArrayLike
) -> tuple[Vector, Vector, Vector]:
    """Return histories of opportunities, checked: whole, and x at most t_x."""
    columns = np.broadcast_arrays(*checked(x, t_x, n, last="n"))
    taken, last, given = columns
    hint = "opportunities are counted: 1 is the first, n the last"
    refuse("t_x", last, last != np.floor(last), "a whole number", hint)
    refuse("n", given, given != np.floor(given), "a whole number", hint)
    hint = "x opportunities taken by the one numbered t_x"
    refuse("x", taken, taken > last, "at most t_x", hint)
    return taken, last, given


class _Terms:
    """What may have happened to each row: it left before opportunity k + 1.

    Term k, from ``t_x`` to ``n``, has logarithm
    ``ln B(alpha+x, beta+k-x) + ln B(gamma+1, delta+k)``, and the last one, that of
    being there still, ``ln B(alpha+x, beta+n-x) + ln B(gamma, delta+n)``, all less
    ``ln B(alpha, beta) + ln B(gamma, delta)``. All arguments are a parameter and a
    whole number: every special function is looked up in a table.
    """

    def __init__(self, theta: Vector, most: int) -> None:
        from scipy.special import gammaln, psi, zeta  # noqa: PLC0415  slow to import

        alpha, beta, gamma, delta = theta
        steps = np.arange(most + 2)
        bases = (alpha, beta, alpha + beta, gamma, delta, gamma + delta)
        self.log = [gammaln(one + steps) for one in bases]
        self.psi = [psi(one + steps) for one in bases]
        # Hurwitz's zeta of 2 is the trigamma function.
        self.tri = [zeta(2, one + steps) for one in bases]

    @staticmethod
    def places(
        x: Vector, t_x: Vector, n: Vector
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return x, k and whether the row stays, a row a history, a column a term."""
        count, last, given = (
            column.astype(np.int64)[:, None] for column in (x, t_x, n)
        )
        widest = int((given - last).max(initial=0)) + 1
        k = np.minimum(last + np.arange(widest), given)
        return count, k, (k == given).astype(np.int64)

    def logs(
        self, x: NDArray[np.int64], k: NDArray[np.int64], stays: NDArray[np.int64]
    ) -> Vector:
        """Return the logarithms of the terms, minus infinity beyond the last one."""
        a, b, ab, c, d, cd = self.log
        first = a[0] + b[0] - ab[0] + c[0] + d[0] - cd[0]
        found = a[x] + b[k - x] - ab[k] + c[1 - stays] + d[k] - cd[k + 1 - stays]
        beyond = np.cumsum(stays, axis=1) > 1
        return np.where(beyond, -np.inf, found - first)

    def derivatives(
        self, x: NDArray[np.int64], k: NDArray[np.int64], stays: NDArray[np.int64]
    ) -> tuple[Vector, dict[tuple[int, int], Vector]]:
        """Return first and second derivatives of the terms."""
        a, b, ab, c, d, cd = self.psi
        both, ends = ab[0] - ab[k], cd[0] - cd[k + 1 - stays]
        firsts = np.stack(
            np.broadcast_arrays(
                a[x] - a[0] + both,
                b[k - x] - b[0] + both,
                c[1 - stays] - c[0] + ends,
                d[k] - d[0] + ends,
            )
        )
        a, b, ab, c, d, cd = self.tri
        both, ends = ab[0] - ab[k], cd[0] - cd[k + 1 - stays]
        seconds = {
            (0, 0): a[x] - a[0] + both,
            (0, 1): both,
            (1, 1): b[k - x] - b[0] + both,
            (2, 2): c[1 - stays] - c[0] + ends,
            (2, 3): ends,
            (3, 3): d[k] - d[0] + ends,
        }
        return firsts, seconds


@attrs.frozen(eq=False, slots=False)
class _Likelihood(OfHistories):
    """The log-likelihood in ln alpha, ln beta, ln gamma, ln delta."""

    rows: Histories
    constant: ClassVar[float] = 0.0
    telling: ClassVar[str] = "took an opportunity"
    floors: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)
    units: ClassVar[tuple[float, ...]] = (1.0, 1.0, 1.0, 1.0)
    subjects: ClassVar[Mapping[str, tuple[int, ...]]] = MappingProxyType(
        {
            "how often customers take an opportunity (alpha, beta)": (0, 1),
            "how customers drop out (gamma, delta)": (2, 3),
        }
    )

    def starts(self) -> Sequence[Vector]:
        return [np.log([1.0, 1.0, 0.7, 3.0]), np.log([0.5, 2.0, 1.0, 1.0])]

    def __call__(self, phi: Vector) -> tuple[float, Vector, Vector]:
        theta = np.exp(np.clip(phi, -700, 700))
        rows, most = self.rows, int(self.rows.T.max())
        terms = _Terms(theta, most)
        value, slope, curve = 0.0, np.zeros(4), np.zeros((4, 4))
        step = max(_BLOCK // (most + 1), 1)
        for low in range(0, len(rows.x), step):
            part = slice(low, low + step)
            at = terms.places(rows.x[part], rows.t_x[part], rows.T[part])
            firsts, seconds = terms.derivatives(*at)
            found = log_sum(terms.logs(*at), firsts, seconds, rows.weight[part])
            value, slope, curve = value + found[0], slope + found[1], curve + found[2]
        slope = slope * theta
        return value, slope, curve * np.outer(theta, theta) + np.diag(slope)


@attrs.frozen
class BgBb(Fitted):
    """A fitted BG/BB model.

    Attributes
    ----------
    alpha, beta
        Parameters of the beta law of taking an opportunity while there.
    gamma, delta
        Parameters of the beta law of leaving before an opportunity.
    fit
        How they were found; None where they were given.

    Examples
    --------
    >>> model = BgBb(1.204, 0.750, 0.657, 2.783)
    >>> [f"{p:.2f}" for p in model.p_alive([0, 2, 6], [0, 4, 6], 6)]
    ['0.11', '0.59', '0.93']
    """

    alpha: float = attrs.field(validator=positive)
    beta: float = attrs.field(validator=positive)
    gamma: float = attrs.field(validator=positive)
    delta: float = attrs.field(validator=positive)
    fit: Fit | None = attrs.field(default=None, kw_only=True)

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> Any:
        """Return how probable it is that a customer is there for the next one.

        Parameters
        ----------
        x, t_x, n
            Opportunities taken, the number of the last one taken (0 for none), and
            how many there were. Whole; of shapes that broadcast.

        Returns
        -------
        numpy.ndarray
            Of the common shape: alive at opportunity ``n + 1``, as in table 6 of
            the paper.

        Raises
        ------
        InvalidInputError
            If a value breaks a rule.
        """
        taken, last, given = _opportunities(x, t_x, n)
        stays = (self.delta + given) / (self.gamma + self.delta + given)
        return (self._there(taken, last, given) * stays)[()]

    def p_active(
        self, horizon: ArrayLike, x: ArrayLike, t_x: ArrayLike, n: ArrayLike
    ) -> Any:
        """Return how probable it is that one of the next opportunities is taken.

        Parameters
        ----------
        horizon
            How many opportunities to look ahead: whole.
        x, t_x, n
            As for ``p_alive``.

        Returns
        -------
        numpy.ndarray
            Of the common shape.
        """
        return self._ahead(horizon, x, t_x, n, first=True)

    def expected_purchases(
        self, horizon: ArrayLike, x: ArrayLike, t_x: ArrayLike, n: ArrayLike
    ) -> Any:
        """Return how many of the next opportunities a customer is expected to take.

        Parameters
        ----------
        horizon, x, t_x, n
            As for ``p_active``.

        Returns
        -------
        numpy.ndarray
            Of the common shape.

        Notes
        -----
        The sum over opportunities: the closed form divides by ``gamma - 1``.
        """
        return self._ahead(horizon, x, t_x, n, first=False)

    def _there(self, taken: Vector, last: Vector, given: Vector) -> Vector:
        """Return the probability to have been there for the last opportunity."""
        theta = np.array([self.alpha, self.beta, self.gamma, self.delta])
        x, t_x, n = (column.ravel() for column in (taken, last, given))
        most = int(n.max(initial=0))
        terms, found = _Terms(theta, most), np.empty(len(x))
        step = max(_BLOCK // (most + 1), 1)
        for low in range(0, len(x), step):
            part = slice(low, low + step)
            at = terms.places(x[part], t_x[part], n[part])
            logs = terms.logs(*at)
            stays = at[2] * np.isfinite(logs)
            share = np.exp(logs - logs.max(axis=1, keepdims=True))
            found[part] = (share * stays).sum(axis=1) / share.sum(axis=1)
        return found.reshape(taken.shape)

    def _ahead(
        self,
        horizon: ArrayLike,
        x: ArrayLike,
        t_x: ArrayLike,
        n: ArrayLike,
        *,
        first: bool,
    ) -> Any:
        """Return the probability of a first purchase, or the number of all."""
        ahead = ahead_of(horizon)
        refuse("horizon", ahead, ahead != np.floor(ahead), "a whole number")
        ahead, taken, last, given = np.broadcast_arrays(
            ahead, *_opportunities(x, t_x, n)
        )
        found = np.zeros(ahead.shape)
        # Who is there takes each of the next ones with what is known of both laws;
        # as the first purchase, only with all before it missed.
        stays, takes = (
            np.ones(ahead.shape),
            (self.alpha + taken) / (self.alpha + self.beta + given),
        )
        for i in range(int(ahead.max(initial=0))):
            stays = (
                stays * (self.delta + given + i) / (self.gamma + self.delta + given + i)
            )
            found += np.where(i < ahead, stays * takes, 0.0)
            if first:
                missed = self.beta + given - taken + i
                takes = takes * missed / (self.alpha + self.beta + given + i + 1)
        return (self._there(taken, last, given) * found)[()]


def fit_bgbb(
    x: ArrayLike, t_x: ArrayLike, n: ArrayLike, *, weights: ArrayLike | None = None
) -> BgBb:
    """Fit BG/BB by maximum likelihood.

    Parameters
    ----------
    x
        Opportunities taken: whole. Shape ``(customers,)``.
    t_x
        Number of the last one taken, from 1; 0 for none. Same shape.
    n
        How many opportunities there were. Same shape.
    weights
        How many customers each row stands for; one each if not given.

    Returns
    -------
    BgBb
        With ``loglik``, ``standard_errors``, ``converged`` and ``diagnosis``.

    Raises
    ------
    InvalidInputError
        If a value breaks a rule, or there are no customers.

    Notes
    -----
    Work grows with distinct histories times opportunities. Published for 11,104
    donors over six years: 1.204, 0.750, 0.657, 2.783, log-likelihood -33,225.6.
    """
    _opportunities(x, t_x, n)
    rows = Histories.of(x, t_x, n, weights)
    params, fit = maximise(_Likelihood(rows))
    return BgBb(*params, fit=fit)
