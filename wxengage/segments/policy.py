"""The rules by which a user is potential, active or dormant (分层规则)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.claims.figures import DORMANT_AFTER
from wxengage.errors import InvalidInputError
from wxengage.log.kinds import KINDS, nearest_kind
from wxengage.log.part import KIND_CODES, KIND_NAMES
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

__all__ = [
    "INTERACTION_WEIGHTS",
    "REASONS",
    "SEGMENTS",
    "LifecyclePolicy",
]

#: Codes of the segments, and the origin of a user who was not there before.
NOBODY, POTENTIAL, ACTIVE, DORMANT = -1, 0, 1, 2
#: The article's three segments, in order of their codes.
SEGMENTS: Final = ("potential", "active", "dormant")
#: Why a user is in a segment: code -> Chinese and English sentence.
REASONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "never_interacted": ("只浏览, 从未互动", "has looked on and never interacted"),
        "interacts": ("近期有足够的互动", "interacts enough of late"),
        "interacts_too_little": ("近期互动不足", "has interacted, too little of late"),
        "silent": ("长期没有互动", "has not interacted for long"),
    }
)
#: Every active kind counts once, every passive one not at all.
INTERACTION_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {name: 1.0 for name, kind in KINDS.items() if kind.active}
)
# Weights are kept in thousandths, so that sums of them are exact everywhere.
_SCALE: Final = 1000


def _whole(name: str, weight: float) -> int:
    """Return a weight in thousandths."""
    fine = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not fine or not math.isfinite(weight) or weight < 0:
        raise InvalidInputError(name, weight, "a finite number, 0 or more")
    whole = round(weight * _SCALE)
    if abs(whole - weight * _SCALE) > 1e-6:  # noqa: PLR2004  rounding of floats
        raise InvalidInputError(name, weight, "a multiple of 0.001")
    return whole


def _no_shorter_than_nothing(
    _: object, field: attrs.Attribute[Any], value: Any
) -> None:
    span_micros(field.name, value)


def _enough(_: object, field: attrs.Attribute[Any], value: Any) -> None:
    if not _whole(field.name, value):
        raise InvalidInputError(field.name, value, "above zero")


def _known_weights(_: object, field: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        raise InvalidInputError(field.name, value, "a mapping from kinds to weights")
    for kind, weight in value.items():
        if kind not in KINDS:
            near = nearest_kind(str(kind))
            hint = f"did you mean {near!r}?" if near else "see wxengage.log.KINDS"
            raise InvalidInputError(
                f"{field.name}[{kind!r}]", kind, "a known kind", hint
            )
        _whole(f"{field.name}[{kind!r}]", weight)


@attrs.frozen
class LifecyclePolicy:
    """When a user is potential, active or dormant.

    Attributes
    ----------
    dormant_after
        Silence of exactly this long, or longer, makes dormant. Elapsed time.
        The default is the article's 30 days, its unverified claim.
    active_at_least
        Weighted interactions needed to be active. Above zero, in thousandths.
    active_within
        They must lie within this much elapsed time.
    weights
        What each kind of event counts for; a kind that is not named counts
        nothing. Multiples of 0.001. To add a kind to the default, write
        ``{**INTERACTION_WEIGHTS, "read": 0.2}``.

    Examples
    --------
    >>> import datetime as dt
    >>> LifecyclePolicy(dormant_after=dt.timedelta(days=14)).active_at_least
    1
    """

    dormant_after: dt.timedelta = attrs.field(
        default=DORMANT_AFTER, validator=_no_shorter_than_nothing
    )
    active_at_least: float = attrs.field(default=1, validator=_enough)
    active_within: dt.timedelta = attrs.field(
        default=DORMANT_AFTER, validator=_no_shorter_than_nothing
    )
    weights: Mapping[str, float] = attrs.field(
        default=INTERACTION_WEIGHTS, validator=_known_weights
    )

    @property
    def thousandths(self) -> NDArray[np.int64]:
        """Weight of each kind code, in thousandths. Shape ``(kinds,)``."""
        found = np.zeros(len(KIND_NAMES), dtype=np.int64)
        for kind, weight in self.weights.items():
            found[KIND_CODES[kind]] = _whole(kind, weight)
        return found

    @property
    def needed(self) -> int:
        """``active_at_least`` in thousandths."""
        return _whole("active_at_least", self.active_at_least)

    @property
    def one_suffices(self) -> bool:
        """Whether a single interaction makes active until dormancy begins.

        Then nobody is ever active "too little", and gaps alone decide.
        """
        weights = self.thousandths
        return bool(
            (weights[weights > 0] >= self.needed).all()
            and self.active_within >= self.dormant_after
        )
