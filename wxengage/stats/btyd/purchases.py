"""How many purchases to expect (预期购买次数) while a customer is alive.

With paces gamma and probabilities of leaving beta, a customer alive at age ``T``
after ``x`` purchases is expected to make

    E[(1 - (1 + theta h / (alpha + T))**-(r + x)) / theta],  theta ~ Beta(a, b + m)

purchases within ``h``. For each ``x`` that is a smooth function of ``ln(alpha + T)``:
where there are many ages, it is computed at a few of Chebyshev's points and
interpolated, which loses nothing that a float could hold.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from wxengage.stats.btyd.histories import looked_up
from wxengage.stats.btyd.quadrature import beta_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.stats.btyd.histories import Vector

__all__ = ["expected_purchases"]

_DIGITS: Final = 37.0  # natural logarithm of 1e16
# Counts, and rows, at a time: what is made of them stays in the processor's cache.
_LAWS: Final = 32
_BLOCK: Final = 1 << 13


class Paces(Protocol):
    """The parameters of BG/NBD and MBG/NBD."""

    @property
    def r(self) -> float: ...
    @property
    def alpha(self) -> float: ...
    @property
    def a(self) -> float: ...
    @property
    def b(self) -> float: ...


def expected_purchases(
    model: Paces, chances: int, horizon: Vector, x: Vector, T: Vector
) -> Vector:
    """Return expected purchases of customers who are alive.

    Parameters
    ----------
    model
        The parameters.
    chances
        Chances to leave that the first purchase brings.
    horizon, x, T
        Checked; of shapes that broadcast.

    Returns
    -------
    numpy.ndarray
        Of the common shape.
    """
    if horizon.ndim:
        # A horizon each: few of them are different, as a rule.
        ahead, count, age = np.broadcast_arrays(horizon, x, T)
        found = np.empty(ahead.shape)
        for one in np.unique(ahead):
            rows = ahead == one
            found[rows] = _within(model, chances, float(one), count[rows], age[rows])
        return found
    count, age = np.broadcast_arrays(x, T)
    flat = _within(model, chances, float(horizon), count.ravel(), age.ravel())
    return flat.reshape(count.shape)


def _within(model: Paces, chances: int, horizon: float, x: Vector, T: Vector) -> Vector:
    """Return expectations for one horizon. Shape ``(n,)``."""
    if horizon == 0 or not x.size:
        return np.zeros(x.shape)
    counts, at_count = looked_up(x)
    low, high = (math.log(model.alpha + float(end)) for end in (T.min(), T.max()))
    middle, width = (low + high) / 2, max((high - low) / 2, 1e-9)
    # In the strip of half-width pi / 2 around the ages the function is bounded.
    size = math.ceil(_DIGITS / math.asinh(math.pi / 2 / width)) + 1
    nodes = np.cos(np.pi * (np.arange(size) + 0.5) / size)
    scale = horizon * np.exp(-middle - width * nodes)
    values = np.empty((len(counts), size))
    for start in range(0, len(counts), _LAWS):
        part = slice(start, start + _LAWS)
        values[part] = _means(model, chances, counts[part], scale)
    # Coefficients of Chebyshev's polynomials. Shape (size, counts).
    terms = 2 / size * np.cos(np.outer(np.arange(size), np.arccos(nodes))) @ values.T
    terms[0] /= 2

    def place(age: Vector) -> Vector:
        return np.clip((np.log(model.alpha + age) - middle) / width, -1.0, 1.0)

    ages, at_age = looked_up(T)
    if len(ages) * len(counts) <= len(x):
        powers = np.cos(np.outer(np.arange(size), np.arccos(place(ages))))
        table: Vector = terms.T @ powers
        return table[at_count, at_age]
    found = np.empty(len(x))
    for start in range(0, len(x), _BLOCK):
        part = slice(start, start + _BLOCK)
        found[part] = _clenshaw(terms, at_count[part], place(T[part]))
    return found


def _means(model: Paces, chances: int, counts: Vector, scale: Vector) -> Vector:
    """Return the means by quadrature, for each count and ``h / (alpha + T)``."""
    shape = (model.r + counts)[:, None, None]
    rest = model.b + counts + chances
    # A power above that of the law makes the function change the faster.
    steep = float(scale.max()) * max(1.0, float(((model.r + counts) / rest).max()))
    theta, weight = beta_nodes(model.a, rest, steep=steep)
    theta = np.maximum(theta, 1e-300)[:, :, None]
    found: Vector = np.einsum(
        "cn,cnp->cp", weight, -np.expm1(-shape * np.log1p(theta * scale)) / theta
    )
    return found


def _clenshaw(terms: Vector, column: NDArray[np.int64], at: Vector) -> Vector:
    """Return the value of each row's own series of Chebyshev polynomials."""
    last, before = np.zeros(len(at)), np.zeros(len(at))
    for row in terms[:0:-1]:
        last, before = row[column] + 2 * at * last - before, last
    found: Vector = terms[0][column] + at * last - before
    return found
