"""How many purchases to expect (预期购买次数) while a customer is alive.

With paces gamma and probabilities of leaving beta, a customer alive at age ``T``
after ``x`` purchases is expected to make

    E[(1 - (1 + theta h / (alpha + T))**-(r + x)) / theta],  theta ~ Beta(a, b + m)

purchases within ``h``. For each ``x`` that is a smooth function of ``ln(alpha + T)``:
where there are many ages, it is computed at a few of Chebyshev's points and
interpolated, to nine digits or more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from wxengage.stats.btyd.histories import finder
from wxengage.stats.btyd.quadrature import beta_nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from wxengage.stats.btyd.histories import Vector

__all__ = ["purchase_law"]

_DIGITS: Final = 37.0  # natural logarithm of 1e16
# Counts at a time: what is made of them stays in the processor's cache.
_LAWS: Final = 32
#: From counts and ages to expected purchases.
Law: TypeAlias = "Callable[[Vector, Vector], Vector]"


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


def purchase_law(
    model: Paces, chances: int, horizon: float, x: Vector, T: Vector
) -> Law:
    """Return what gives the expected purchases of customers who are alive.

    Parameters
    ----------
    model
        The parameters.
    chances
        Chances to leave that the first purchase brings.
    horizon
        How far to look ahead, from 0.
    x, T
        All that the law will be asked for, checked; of shapes that broadcast.

    Returns
    -------
    callable
        From some of the ``x`` and ``T``, of one length, to expectations.
    """
    rows = math.prod(np.broadcast_shapes(x.shape, T.shape))
    if horizon == 0 or not rows:
        return lambda count, _: np.zeros(count.shape)
    counts, at_count = finder(x.ravel())
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

    ages, at_age = finder(T.ravel())
    if len(ages) * len(counts) <= rows:
        powers = np.cos(np.outer(np.arange(size), np.arccos(place(ages))))
        table: Vector = terms.T @ powers
        return lambda count, age: table[at_count(count), at_age(age)]
    return lambda count, age: _clenshaw(terms, at_count(count), place(age))


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
