"""Splitting a pot into red packets (拼手气红包): to the fen, and within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import Fen, split

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["split_pot"]


def split_pot(
    fen: Fen,
    n: int,
    *,
    rng: Generator | None = None,
    least: Fen = 1,
    most: Fen | None = None,
) -> tuple[Fen, ...]:
    """Return the packets that a pot is split into.

    Parameters
    ----------
    fen
        The pot.
    n
        How many packets, at least 1.
    rng
        Chance, for packets by luck; None for packets that are as even as can be.
    least, most
        Bounds of each packet, in fen, both allowed; ``most`` None is no bound.

    Returns
    -------
    tuple of int
        ``n`` packets, in the order in which they are drawn. They sum to ``fen``.

    Raises
    ------
    InvalidInputError
        If the pot is too small or too large for such packets.

    Notes
    -----
    By luck, each packet is uniform from ``least`` to twice the mean of what is left,
    less ``least`` (二倍均值法), cut to where the others still fit in their bounds.
    Without bounds that bind and where the means are whole, each packet has the same
    expectation, whenever it is drawn; the later ones vary more. ``O(n)``.

    Examples
    --------
    >>> split_pot(1000, 3)
    (334, 333, 333)
    """
    require_whole("n", n, least=1)
    require_whole("least", least, least=1)
    require_whole("fen", fen)
    top = fen if most is None else require_whole("most", most, least=least)
    if not least * n <= fen <= top * n:
        rule = f"from {least * n} to {top * n} fen for {n} packets"
        raise InvalidInputError("fen", fen, rule, f"each of {least} to {top} fen")
    if rng is None:
        return split(fen, [1] * n)
    packets = []
    left = fen
    for others in range(n - 1, 0, -1):
        low = max(least, left - top * others)
        high = min(top, left - least * others)
        lucky = 2 * left // (others + 1) - least
        packet = int(rng.integers(low, max(low, min(high, lucky)), endpoint=True))
        packets.append(packet)
        left -= packet
    return (*packets, left)
