"""A number and how sure it is (估计值).

An estimate that the data cannot give is undefined: value and interval are
``None`` and the assumptions say why. It is never 0.
"""

from __future__ import annotations

import html
import math
from typing import Final

import attrs

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import check_level, count

__all__ = ["Estimate", "shown"]

# Thousands get separators from here on.
_THOUSAND: Final = 1_000


def _finite(
    _: object, attribute: attrs.Attribute[float | None], value: float | None
) -> None:
    if value is not None and not (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and not math.isnan(value)
    ):
        raise InvalidInputError(attribute.name, value, "a number, or None if undefined")


@attrs.frozen(repr=False)
class Estimate:
    """A number, how sure it is, and from how many units (估计值与区间).

    Prints as ``0.32 [0.25, 0.40] n=120``.

    Attributes
    ----------
    value
        The estimate, or None if it is undefined.
    low, high
        The interval's ends, or None if there is no interval. An end may be
        infinite.
    n
        Number of independent units behind it.
    level
        How often such an interval holds the truth.
    method
        How it was computed, in a few words.
    assumptions
        What must hold for the interval to mean what it says; for an undefined
        estimate, why it is undefined.
    """

    value: float | None = attrs.field(validator=_finite)
    low: float | None = attrs.field(validator=_finite)
    high: float | None = attrs.field(validator=_finite)
    n: int = attrs.field()
    level: float = 0.95
    method: str = ""
    assumptions: tuple[str, ...] = ()

    @n.validator
    def _whole(self, _: object, value: int) -> None:
        count("n", value)

    def __attrs_post_init__(self) -> None:
        check_level(self.level)
        if (self.low is None) != (self.high is None):
            raise InvalidInputError("interval", (self.low, self.high), "both ends")
        if self.value is None or self.low is None or self.high is None:
            if self.value is None and self.low is not None:
                raise InvalidInputError("interval", (self.low, self.high), "None")
            return
        if not self.low <= self.value <= self.high:
            raise InvalidInputError(
                "interval", (self.low, self.high), f"around the value {self.value}"
            )

    @classmethod
    def undefined(
        cls, reason: str, *, n: int = 0, level: float = 0.95, method: str = ""
    ) -> Estimate:
        """Return the estimate of what cannot be known, with the reason."""
        return cls(None, None, None, n, level, method, (reason,))

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def __str__(self) -> str:
        if self.value is None:
            why = f" ({self.assumptions[0]})" if self.assumptions else ""
            return f"undefined n={self.n}{why}"
        if self.low is None or self.high is None:
            return f"{shown(self.value)} n={self.n}"
        low, high = shown(self.low), shown(self.high)
        return f"{shown(self.value)} [{low}, {high}] n={self.n}"

    def __repr__(self) -> str:
        return f"<Estimate {self}>"

    def _repr_html_(self) -> str:
        note = html.escape("; ".join(filter(None, (self.method, *self.assumptions))))
        return f'<span title="{note}">{html.escape(str(self))}</span>'


def shown(value: float) -> str:
    """Return a number as people read it: two decimals, or whole if large."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= _THOUSAND or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"  # noqa: PLR2004
