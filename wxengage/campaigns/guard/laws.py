"""What is usual, and who stands out from it (风控检验), with few false findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs
import numpy as np

from wxengage.campaigns.guard.result import VERDICTS
from wxengage.stats.scan import burst_probabilities
from wxengage.stats.shrinkage import fit_beta_binomial
from wxengage.stats.tails import adjusted, beta_binomial_tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.campaigns.guard.policy import RiskPolicy

__all__ = ["Crowds", "Test", "findings", "pool_tails"]

# Before anything is seen: one of two did, by two observations.
_PRIOR: Final = (1.0, 1.0)
# So often everybody's law is found anew.
_ROUNDS: Final = 10


class Test(NamedTuple):
    """One test of everybody: so many of so many, and how probable that is."""

    found: NDArray[np.int64]
    of: NDArray[np.int64]
    tail: NDArray[np.float64]


@attrs.frozen(eq=False)
class Crowds:
    """How close together things came, by whom they came.

    Attributes
    ----------
    things, in_window
        How many there were, and the most in one window. Shape ``(n,)``.
    window
        The window's share of the time.
    """

    things: NDArray[np.int64]
    in_window: NDArray[np.int64]
    window: float

    def test(self, asked: NDArray[np.bool_], policy: RiskPolicy) -> Test:
        """Return how probable bursts are, by chance and for who is like everybody.

        Parameters
        ----------
        asked, policy
            As for ``pool_tails``.

        Returns
        -------
        Test
            With the larger of both tails: friends in a group come together, too.
        """
        crowded = np.maximum(self.in_window - 1, 0)
        tails = pool_tails(crowded, np.maximum(self.things - 1, 0), asked, policy)
        if asked.any():
            chance = burst_probabilities(
                self.things[asked], self.in_window[asked], self.window
            )
            tails[asked] = np.maximum(tails[asked], chance)
        return Test(self.in_window, self.things, tails)


def findings(
    tests: Mapping[str, Test],
    asked: NDArray[np.bool_],
    policy: RiskPolicy,
    *,
    proof: tuple[str, NDArray[np.bool_]] | None = None,
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return who stands out, and in which order to look at them.

    Parameters
    ----------
    tests
        By name.
    asked, policy
        As for ``pool_tails``.
    proof
        A signal that alone is for a person to look at, and who gives it.

    Returns
    -------
    columns
        verdict, signals, and of each test count, of, tail and q. Shape ``(n,)``.
    order
        Rows: those to review, those on hold, the others; the surest first.
    """
    size = len(asked)
    table: dict[str, NDArray[Any]] = {}
    signals = np.full(size, "", dtype=object)
    counted = np.zeros(size, dtype=np.int64)
    surest = np.ones(size)
    for name, (count, of, tail) in tests.items():
        rows = asked & (of > 0)
        q = np.ones(size)
        q[rows] = adjusted(tail[rows])
        flagged = rows & (q <= policy.false_share)
        signals[flagged] += f" {name}"
        counted += flagged
        surest = np.minimum(surest, q)
        table |= {f"{name}_count": count, f"{name}_of": of}
        table |= {f"{name}_tail": tail, f"{name}_q": q}
    grave = counted >= policy.review_at
    if proof is not None:
        signals[proof[1]] += f" {proof[0]}"
        grave = grave | proof[1]
    verdict = np.where(grave, 2, np.minimum(counted, 1))
    words = [told.strip() for told in signals.tolist()]
    columns = {
        "verdict": np.array(VERDICTS, dtype=object)[verdict],
        "signals": np.array([*words, ""], dtype=object)[:-1],
        **table,
    }
    return columns, np.lexsort((np.arange(size), surest, -verdict))


def pool_tails(
    count: NDArray[np.int64],
    of: NDArray[np.int64],
    asked: NDArray[np.bool_],
    policy: RiskPolicy,
) -> NDArray[np.float64]:
    """Return how probable counts are for somebody who is like everybody else.

    Parameters
    ----------
    count, of
        So many of so many, of each. Shape ``(n,)``.
    asked
        Who is judged; the others only say what is usual. Shape ``(n,)``.
    policy
        How sure one wants to be.

    Returns
    -------
    numpy.ndarray
        Upper tails; 1 for who is not judged. Shape ``(n,)``.

    Notes
    -----
    A few who do it always would make everybody's law so wide that nothing stands out.
    So the law begins with those who are near the mean, and takes in who is not far
    from it, round by round.
    """
    tails = np.ones(len(count))
    rows = np.flatnonzero(asked & (of > 0))
    if not len(rows):
        return tails
    some = of > 0
    mean = float((count[some] / of[some]).mean())
    near = beta_binomial_tail(count[some], of[some], mean, None) > policy.false_share
    pool = np.flatnonzero(some)[near]
    for _ in range(_ROUNDS):
        fit = fit_beta_binomial(count[pool], of[pool], prior=_PRIOR)
        tails[rows] = beta_binomial_tail(count[rows], of[rows], fit.mean, fit.kappa)
        out = np.zeros(len(count), dtype=np.bool_)
        out[rows] = adjusted(tails[rows]) <= policy.false_share
        wider = np.flatnonzero(some & ~out)
        if np.array_equal(wider, pool):
            break
        pool = wider
    return tails
