"""Whether a rung that is near pulls (目标梯度): the article's sunk cost, tested.

The article holds that who has earned the first reward will go for the second. If
so, people bring one more the more readily the nearer the next rung is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.ladder import Ladder
from wxengage.errors import InvalidInputError
from wxengage.stats.checks import repetitions, upper_tail, whole_column
from wxengage.stats.estimates import Estimate
from wxengage.tables import aligned

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["GoalGradient", "fit_goal_gradient"]

_METHOD: Final = "continuation-ratio logit, maximum likelihood"
_UNITS: Final = "users are independent of each other"
_ONE_LADDER: Final = (
    "it describes this ladder: what another would do cannot be told from one ladder"
)
_NAMES: Final = ("base", "experience", "pull", "past_last")
_STEPS: Final = 100
_CLOSE: Final = 1e-10
_MOST_COUNT: Final = 100_000


@attrs.frozen(repr=False)
class GoalGradient:
    """How the odds of bringing one more depend on the next rung.

    Attributes
    ----------
    names
        ``"base"``, ``"experience"`` of ``ln(1 + n)``, ``"pull"`` of one over the
        invites that are missing, ``"past_last"`` from the last rung on. Those
        that the counts tell nothing of are left out.
    values, errors
        Coefficients and their standard errors; empty where there is no fit.
    loglik
        Log-likelihood at its maximum; None where there is none.
    n
        Users.
    diagnosis
        What the fit found, in words.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...]
    loglik: float | None
    n: int
    diagnosis: str

    @property
    def converged(self) -> bool:
        """Whether there is a maximum."""
        return self.loglik is not None

    def estimate(self, name: str = "pull", *, level: float = 0.95) -> Estimate:
        """Return one coefficient with its interval.

        Parameters
        ----------
        name
            One of the four; ``"pull"`` above 0 is a goal gradient.
        level
            Confidence level.

        Returns
        -------
        Estimate
            In logits. Undefined where the counts tell nothing of it. Its
            assumptions say that another ladder is another matter.

        Raises
        ------
        InvalidInputError
            If there is no coefficient of that name.
        """
        from scipy.special import ndtri  # noqa: PLC0415  slow to import

        tail = upper_tail(level)
        if name not in _NAMES:
            raise InvalidInputError("name", name, f"one of {', '.join(_NAMES)}")
        if not self.converged or name not in self.names:
            why = "the counts tell nothing of it" if self.converged else self.diagnosis
            return Estimate.undefined(why, n=self.n, level=level, method=_METHOD)
        place = self.names.index(name)
        value, reach = self.values[place], -float(ndtri(tail)) * self.errors[place]
        ends = value - reach, value + reach
        return Estimate(value, *ends, self.n, level, _METHOD, (_UNITS, _ONE_LADDER))

    def __repr__(self) -> str:
        return f"<GoalGradient n={self.n:,}: {self.diagnosis}>"

    def __str__(self) -> str:
        rows = [["coefficient", "value", "standard error"]]
        rows += [
            [name, f"{value:.4f}", f"{error:.4f}"]
            for name, value, error in zip(
                self.names, self.values, self.errors, strict=True
            )
        ]
        return f"{aligned(rows)}\n{self.diagnosis}; {_ONE_LADDER}"


def fit_goal_gradient(
    invites: ArrayLike, ladder: Ladder, *, weights: ArrayLike | None = None
) -> GoalGradient:
    """Fit how readily users bring one more, given how near the next rung is.

    Parameters
    ----------
    invites
        Valid invites of each user: whole, from 0. Shape ``(n,)``.
    ladder
        The ladder that these users saw.
    weights
        How many users each row stands for. None: one each.

    Returns
    -------
    GoalGradient
        Not ``converged`` where a coefficient would be infinite: nobody, or
        everybody, went on from where it decides.

    Raises
    ------
    InvalidInputError
        If a count is no whole number up to 100,000, lengths differ, there are no
        users, or ``ladder`` is no ladder.

    Notes
    -----
    ``logit P(N > n | N >= n) = base + experience ln(1 + n) + pull / (next - n) +
    past_last [n >= last]``, after Kivetz, Urminsky and Zheng (2006), by Newton's
    method on the counts of users at each number of invites. A repetition always
    has a next rung.

    The form is reduced: it tests the sunk cost, and does not say what people
    would do under another ladder. ``design_ladder`` needs their costs, and an
    experiment with two ladders tells them.

    Examples
    --------
    >>> from wxengage.money import yuan
    >>> ladder = Ladder({3: yuan("8"), 6: yuan("15")}, pays="total")
    >>> counts = [612, 141, 74, 88, 31, 17, 29, 4, 2, 1, 0, 0, 1]
    >>> found = fit_goal_gradient(range(13), ladder, weights=counts)
    >>> print(found.estimate("pull"))
    1.29 [0.77, 1.81] n=1000
    """
    if not isinstance(ladder, Ladder):
        raise InvalidInputError("ladder", ladder, "a Ladder")
    counts = whole_column("invites", invites)
    if counts.size and counts.max() > _MOST_COUNT:
        raise InvalidInputError(
            "invites", int(counts.max()), f"at most {_MOST_COUNT:,}"
        )
    units = repetitions(weights, len(counts))
    n = int(units.sum())
    if not n:
        raise InvalidInputError("invites", counts.tolist(), "of at least one user")
    held = np.bincount(counts[units > 0], units[units > 0]).astype(np.float64)
    there = np.cumsum(held[::-1])[::-1]
    went = there - held
    names, rows = _columns(ladder, len(held), there)
    fitted = _newton(rows, there, went)
    if fitted is None:
        said = "no maximum: nobody, or everybody, went on where it decides"
        return GoalGradient((), (), (), None, n, said)
    beta, information, loglik = fitted
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    return GoalGradient(
        names, tuple(beta.tolist()), tuple(errors.tolist()), loglik, n, "maximum found"
    )


def _columns(
    ladder: Ladder, size: int, there: Floats
) -> tuple[tuple[str, ...], Floats]:
    """Return what the odds depend on, as far as the counts can tell."""
    last = ladder.rungs[-1].invites
    rows = np.zeros((size, len(_NAMES)))
    rows[:, 0] = 1.0
    for n in range(size):
        following = ladder.next_rung(n)
        rows[n, 1] = math.log1p(n)
        rows[n, 2] = 1 / (following.invites - n) if following else 0.0
        rows[n, 3] = float(ladder.repeats is None and n >= last)
    kept: list[int] = []
    for place in range(len(_NAMES)):
        some = rows[there > 0][:, [*kept, place]]
        if np.linalg.matrix_rank(some) == len(kept) + 1:
            kept.append(place)
    return tuple(_NAMES[place] for place in kept), rows[:, kept]


def _newton(
    rows: Floats, there: Floats, went: Floats
) -> tuple[Floats, Floats, float] | None:
    """Return coefficients, information and log-likelihood; None without a maximum."""
    beta = np.zeros(rows.shape[1])
    best = _loglik(rows @ beta, there, went)
    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-np.clip(rows @ beta, -500.0, 500.0)))
        slope = rows.T @ (went - there * share)
        information = (rows.T * (there * share * (1 - share))) @ rows
        if np.linalg.cond(information) > 1 / _CLOSE:
            return None
        step = np.linalg.solve(information, slope)
        while (found := _loglik(rows @ (beta + step), there, went)) < best - _CLOSE:
            step /= 2
        beta, best = beta + step, found
        if float(np.abs(step).max()) < _CLOSE:
            return beta, information, best
    return None


def _loglik(logits: Floats, there: Floats, went: Floats) -> float:
    return float(went @ logits - there @ np.logaddexp(0.0, logits))
