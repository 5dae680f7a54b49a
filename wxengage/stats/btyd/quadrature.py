"""Means over a beta law (贝塔分布求期望), by the rule that suits the question.

Dropout probabilities are spread by a beta law, and a prediction is the mean of a
smooth function over it. Closed forms in hypergeometric functions divide by zero at
``a = 1`` and overflow elsewhere; sums with positive weights do neither.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.stats.btyd.histories import Vector

__all__ = ["beta_nodes", "legendre"]

_MOST_NODES: Final = 64
_DIGITS: Final = 37.0  # natural logarithm of 1e16
# Between two nodes of the trapezoid rule, in log odds, and in standard deviations.
_STEP: Final = 0.25
_FINER: Final = 0.6


def legendre(nodes: int, panels: Sequence[float]) -> tuple[Vector, Vector]:
    """Return nodes and weights of Gauss-Legendre in panels side by side.

    Parameters
    ----------
    nodes
        In each panel.
    panels
        Where they begin and end, ascending.

    Returns
    -------
    node, weight
        Shape ``(nodes * (len(panels) - 1),)`` each.
    """
    u, weight = np.polynomial.legendre.leggauss(nodes)
    low, width = np.array(panels[:-1])[:, None], np.diff(panels)[:, None]
    return (low + width * (u + 1) / 2).ravel(), (width * weight / 2).ravel()


def beta_nodes(a: float, b: Vector, *, steep: float) -> tuple[Vector, Vector]:
    """Return points and weights whose weighted sums are means over beta laws.

    Parameters
    ----------
    a
        First parameter, above 0.
    b
        Second parameter of each law, above 0. Shape ``(laws,)``.
    steep
        How fast the function changes near 0: it is taken to be like
        ``((1 + steep * theta)**-b - 1) / theta``, with a finite value at 0.

    Returns
    -------
    theta, weight
        Points between 0 and 1; weights that sum to 1. Shape ``(laws, nodes)``.

    Notes
    -----
    Gauss-Jacobi while few nodes suffice (Golub and Welsch 1969); its error falls
    as ``(steep / (steep + 2))**(2 n)``. Where the function is too steep for that,
    the trapezoid rule in the log odds of theta, whose error does not depend on the
    scale.
    """
    nodes = _DIGITS / 2 / math.log1p(2 / max(steep, 1e-3))
    if nodes <= _MOST_NODES:
        return _jacobi(a, b, max(math.ceil(nodes), 8))
    return _trapezoid(a, b, steep)


def _jacobi(a: float, b: Vector, nodes: int) -> tuple[Vector, Vector]:
    """Return the Gauss rules of beta laws, from their recurrences' eigenvalues."""
    k, b = np.arange(1, nodes, dtype=np.float64), b[:, None]
    s = a + b - 2
    rows = np.zeros((len(b), nodes, nodes))
    places = np.arange(nodes)
    rows[:, 0, 0] = a / (a + b[:, 0])
    middle = (2 * k * (k + s + 1) + s * a) / ((2 * k + s) * (2 * k + s + 2))
    rows[:, places[1:], places[1:]] = middle
    side = k * (k + a - 1) * (k + b - 1) / ((2 * k + s) ** 2 * (2 * k + s + 1))
    # The first one apart: a + b = 1 makes a zero above and below.
    side[:, 1:] *= (k[1:] + s) / (2 * k[1:] + s - 1)
    rows[:, places[1:], places[:-1]] = np.sqrt(side)
    theta, vectors = np.linalg.eigh(rows)
    return np.clip(theta, 0.0, 1.0), vectors[:, 0] ** 2


def _trapezoid(a: float, b: Vector, steep: float) -> tuple[Vector, Vector]:
    """Return equal steps in the log odds, weighted by the laws."""
    from scipy.special import betaln, log_expit  # noqa: PLC0415  slow to import

    most, least = float(b.max()), float(b.min())
    widest, narrowest = (math.sqrt(1 / a + 1 / one) for one in (least, most))
    # The law is as good as nothing beyond these log odds, or the function constant.
    left = math.log(a / most) - 2 * _DIGITS / a - 10 * widest
    right = math.log(a / least) + 2 * _DIGITS / least + 10 * widest
    edge = 2 * _DIGITS
    left = max(left, -edge - math.log1p(steep * (most + 1)))
    step = min(_STEP, _FINER * narrowest)
    z = np.arange(left, min(right, edge) + step, step)
    logs = a * log_expit(z) + b[:, None] * log_expit(-z) - betaln(a, b)[:, None]
    weight = step * np.exp(logs)
    # What the rule would add up beyond, where the law falls like a power: with small
    # parameters that is most of it.
    weight[:, 0] += weight[:, 0] / np.expm1(a * step)
    weight[:, -1] += weight[:, -1] / np.expm1(b * step)
    theta = np.broadcast_to(np.exp(log_expit(z)), weight.shape)
    return theta, weight
