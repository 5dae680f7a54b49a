"""Log-likelihoods that are sums over what may have happened (混合似然).

Nobody saw when a customer left: the likelihood of a history adds up the moments at
which it may have been, and the case that it was not yet. Value and derivatives of
the logarithm of such a sum follow from those of its terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.stats.btyd.histories import Vector

__all__ = ["log_sum"]


def log_sum(
    logs: Vector,
    firsts: Vector,
    seconds: Mapping[tuple[int, int], Vector],
    weight: Vector,
) -> tuple[float, Vector, Vector]:
    """Return the weighted sum over rows of the logarithm of each row's sum.

    Parameters
    ----------
    logs
        Logarithms of the terms; minus infinity for none. Shape ``(rows, terms)``.
    firsts
        Their derivatives in k parameters. Shape ``(k, rows, terms)``.
    seconds
        Their second derivatives, by pair of parameters; others are 0. Each
        broadcasts to ``(rows, terms)``.
    weight
        Shape ``(rows,)``.

    Returns
    -------
    value, gradient, Hessian
        Shapes ``()``, ``(k,)``, ``(k, k)``.
    """
    size = len(firsts)
    top = logs.max(axis=1)
    share = np.exp(logs - top[:, None])
    total = share.sum(axis=1)
    value = float(weight @ (top + np.log(total)))
    share /= total[:, None]
    mean = np.einsum("krt,rt->rk", firsts, share)
    share *= weight[:, None]
    flat = firsts.reshape(size, -1)
    curve = (flat * share.ravel()) @ flat.T - (mean * weight[:, None]).T @ mean
    for (i, j), second in seconds.items():
        found = float((share * second).sum())
        curve[i, j] += found
        if i != j:
            curve[j, i] += found
    return value, weight @ mean, curve
