"""Where scores change (评分模型): the cuts that score one log like another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.stats.checks import number_column, refuse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["MOST_BINS", "PLACES", "RfmModel", "compared"]

#: Decimal places in which sums of values are compared. An engine adds floats in an
#: order of its own, another one each time: the last digits of equal sums differ.
PLACES: Final = 6
#: Beyond percentiles, scores are ranks.
MOST_BINS: Final = 100
_Cuts = tuple[tuple[float, int], ...]


def _climbing(cuts: object, name: str, *, least: int | None, falls: bool) -> None:
    """Refuse cuts that are no pairs, are no numbers, or run backwards."""
    pairs = isinstance(cuts, tuple) and all(
        isinstance(one, tuple) and len(one) == 2  # noqa: PLR2004  a pair
        for one in cuts
    )
    if not pairs:
        raise InvalidInputError(name, cuts, "a tuple of pairs (value, score)")
    before, lower = -math.inf, 1
    for place, (value, score) in enumerate(cuts):  # type: ignore[arg-type, var-annotated]  # looked at
        at = f"{name}[{place}]"
        if least is not None:
            require_whole(at, value, least=least)
        elif not isinstance(value, float) or not math.isfinite(value):
            raise InvalidInputError(at, value, "a finite float")
        require_whole(at, score)
        number = -value if falls else value
        if number <= before or score <= lower:
            way = "fewer days" if falls else "a higher value"
            raise InvalidInputError(at, (value, score), f"{way} for a higher score")
        before, lower = number, score


@attrs.frozen
class RfmModel:
    """Where the scores of recency, frequency and value change (评分模型).

    A cut ``(value, score)`` says from which value on a score holds, until the
    next cut; below all cuts the score is 1. For recency, where fewer days are
    better, it says up to how many days. A score that no user had has no cut.

    Attributes
    ----------
    bins
        The highest score, from 2 to 100.
    n
        Users that were ranked. A model of nobody scores nobody.
    recency_cuts
        Days and score: days fall as scores climb.
    frequency_cuts
        Days with an interaction, and score.
    value_cuts
        Sum of values, to the millionth, and score.

    Examples
    --------
    >>> model = RfmModel(3, 6, ((30, 2), (7, 3)), ((2, 2), (5, 3)), ((80.0, 3),))
    >>> [scores.tolist() for scores in model.score([3, 30, 90], [9, 1, 2], [80, 79, 0])]
    [[3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [3.0, 1.0, 1.0]]
    """

    bins: int
    n: int
    recency_cuts: tuple[tuple[int, int], ...]
    frequency_cuts: tuple[tuple[int, int], ...]
    value_cuts: tuple[tuple[float, int], ...]

    def __attrs_post_init__(self) -> None:
        require_whole("bins", self.bins, least=2, most=MOST_BINS)
        require_whole("n", self.n)
        _climbing(self.recency_cuts, "recency_cuts", least=0, falls=True)
        _climbing(self.frequency_cuts, "frequency_cuts", least=1, falls=False)
        _climbing(self.value_cuts, "value_cuts", least=None, falls=False)
        for name in ("recency_cuts", "frequency_cuts", "value_cuts"):
            cuts = getattr(self, name)
            if cuts and not (self.n and cuts[-1][1] <= self.bins):
                rule = (
                    f"of scores up to {self.bins}" if self.n else "empty where n is 0"
                )
                raise InvalidInputError(name, cuts, rule)

    @property
    def steps(self) -> tuple[_Cuts, _Cuts, _Cuts]:
        """The cuts as steps of what climbs with the score: minus the days, and so on.

        Each begins with a step to score 1, which holds below the others.
        """
        recency = tuple((-days, score) for days, score in self.recency_cuts)
        below: _Cuts = ((-math.inf, 1),)
        return below + recency, below + self.frequency_cuts, below + self.value_cuts

    def score(
        self, recency_days: ArrayLike, frequency: ArrayLike, monetary: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the scores of users, whoever they are.

        Parameters
        ----------
        recency_days
            Local days since the last interaction: whole, from 0; NaN for who
            never interacted. Shape ``(n,)``.
        frequency
            Local days with an interaction: whole; 0 for who never interacted.
            Shape ``(n,)``.
        monetary
            Sum of values, in the unit of the log. Shape ``(n,)``.

        Returns
        -------
        recency_score, frequency_score, value_score
            Whole numbers from 1 to ``bins``; NaN for who never interacted, and
            for everybody where the model knows nobody. Shape ``(n,)`` each.

        Raises
        ------
        InvalidInputError
            If a number is not as told, or the columns differ in length.

        Notes
        -----
        A binary search a user and column.
        """
        given = np.asarray(recency_days)
        never = np.zeros(given.shape, dtype=np.bool_)
        if given.dtype.kind == "f":
            never = np.isnan(given)
            given = np.where(never, 0, given)
        days = number_column("recency_days", given)
        times = number_column("frequency", frequency)
        money = number_column("monetary", monetary)
        lengths = {"recency_days": len(days), "frequency": len(times)}
        lengths["monetary"] = len(money)
        if len(set(lengths.values())) > 1:
            raise InvalidInputError("columns", lengths, "of one length, one row a user")
        for name, column in (("recency_days", days), ("frequency", times)):
            odd = (column < 0) | (column != np.floor(column))
            refuse(name, column, odd, "a whole number from 0")
        rule = "0 for who never interacted (recency_days is NaN), and for nobody else"
        refuse("frequency", times, (times == 0) != never, rule)
        none = never if self.n else np.ones_like(never)
        recency, often, value = (
            np.where(none, np.nan, _stepped(steps, column))
            for steps, column in zip(
                self.steps, (-days, times, compared(money)), strict=True
            )
        )
        return recency, often, value


def _stepped(steps: _Cuts, column: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the score of the last step that each number has reached."""
    starts = np.array([start for start, _ in steps[1:]], dtype=np.float64)
    scores = np.array([score for _, score in steps], dtype=np.int64)
    found: NDArray[np.int64] = scores[np.searchsorted(starts, column, side="right")]
    return found


def compared(money: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums as they are compared: 0.1 + 0.2 is 0.3."""
    return np.round(money, PLACES)
