"""Pauses between attempts (指数退避): longer each time, and never all at once."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING

import attrs

from wxengage.errors import InvalidInputError, require_whole
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Backoff"]


@attrs.frozen
class Backoff:
    """How long to wait before the next attempt (退避).

    Attributes
    ----------
    first
        The pause after the first attempt, at its longest.
    most
        No pause is longer. A pause that ends later than twice this from now was
        written by a clock that has been turned back since, and is over.
    growth
        Each pause is so many times the one before. Whole, at least 1.
    jitter
        The share of a pause that is left to chance, from 0 to 1: letters that
        failed together do not come back together.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> import numpy as np
    >>> backoff = Backoff(dt.timedelta(seconds=2), jitter=Fraction(0))
    >>> rng = np.random.default_rng(1)
    >>> [backoff.pause(attempt, rng) // 10**6 for attempt in (1, 2, 3, 20)]
    [2, 4, 8, 3600]
    """

    first: dt.timedelta = dt.timedelta(seconds=10)
    most: dt.timedelta = attrs.field(default=dt.timedelta(hours=1), kw_only=True)
    growth: int = attrs.field(default=2, kw_only=True)
    jitter: Fraction = attrs.field(default=Fraction(1, 2), kw_only=True)

    def __attrs_post_init__(self) -> None:
        first = span_micros("first", self.first)
        if span_micros("most", self.most) < first:
            raise InvalidInputError("most", self.most, "at least the first pause")
        require_whole("growth", self.growth, least=1)
        if not isinstance(self.jitter, Fraction) or not 0 <= self.jitter <= 1:
            hint = "for example Fraction(1, 2)"
            raise InvalidInputError("jitter", self.jitter, "a Fraction, 0 to 1", hint)

    def longest(self, attempt: int) -> int:
        """Return the longest pause after an attempt, in microseconds.

        Parameters
        ----------
        attempt
            Which attempt it was, from 1.

        Returns
        -------
        int
            ``first * growth ** (attempt - 1)``, at most ``most``.

        Raises
        ------
        InvalidInputError
            If it is no attempt.
        """
        require_whole("attempt", attempt, least=1)
        most = span_micros("most", self.most)
        pause = span_micros("first", self.first)
        # 63 doublings outgrow any span; a growth of 1 stays where it is.
        for _ in range(min(attempt - 1, 63) if self.growth > 1 else 0):
            if pause >= most:
                break
            pause *= self.growth
        return min(pause, most)

    def pause(self, attempt: int, rng: np.random.Generator) -> int:
        """Return the pause after an attempt, in microseconds.

        Parameters
        ----------
        attempt
            Which attempt it was, from 1.
        rng
            Chance. One number is drawn.

        Returns
        -------
        int
            Uniform from ``(1 - jitter)`` of the longest pause to all of it.
        """
        longest = self.longest(attempt)
        least = longest - int(longest * self.jitter)
        return int(rng.integers(least, longest, endpoint=True))
