"""What messages are believed to be worth (先验), until somebody has measured it.

The article says which moves suit a segment and when people look; what a message
is worth it does not say. ``PRIORS`` and ``WEIGHTS`` fill that in with guesses
that keep to the article's order: they are priors, not measurements, named so
that they can be replaced by what a holdout has shown.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.claims.figures import CONTENT_KINDS
from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.sends import Category  # noqa: TC001  the codec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AT_MOST", "PRIORS", "WEIGHTS", "Prior"]


@attrs.frozen
class Prior:
    """What a move is believed to do, until somebody has measured it.

    Attributes
    ----------
    effect
        By how much the message raises the chance that the user interacts that
        day: with the message less without. Not the chance that it is opened.
    content
        ``"short"``, ``"deep"`` or ``"interactive"``, the article's content
        matrix; it decides the weight of a window.
    channel
        How it goes.
    instead
        Channels on which it may go as well, for users whom the gate does not let
        have it on the first one.
    category
        ``"marketing"`` or ``"service"``.
    cost
        What one message costs, in fen, for budgets in fen.
    """

    effect: float
    content: str
    channel: str
    instead: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    category: Category = attrs.field(default="marketing", kw_only=True)
    cost: int = attrs.field(default=0, kw_only=True)

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels on which it may go, the best first."""
        return (self.channel, *self.instead)

    def __attrs_post_init__(self) -> None:
        known = isinstance(self.effect, int | float) and not isinstance(
            self.effect, bool
        )
        if not known or not -1 <= self.effect <= 1:
            hint = "a difference of two chances"
            raise InvalidInputError("effect", self.effect, "from -1 to 1", hint)
        if self.content not in CONTENT_KINDS:
            hint = nearest(self.content, CONTENT_KINDS)
            raise InvalidInputError("content", self.content, "a kind of content", hint)
        for name in self.channels:
            require_id("channel", name)
        if len(set(self.channels)) < len(self.channels):
            raise InvalidInputError("instead", self.instead, "each channel once")
        require_whole("cost", self.cost)


_MASS: Final = ("mass_send",)
#: Move -> what it is believed to do. Potential users gave no grant and opened no
#: reply window, so a mass send reaches them; active users get one where their
#: window is closed or no grant is left; the dormant are spoken to one to one,
#: gently, as the article asks.
PRIORS: Final[Mapping[str, Prior]] = MappingProxyType(
    {
        "newcomer_gift": Prior(0.06, "short", "mass_send"),
        "simpler_path": Prior(0.04, "short", "mass_send"),
        "open_ugc": Prior(0.08, "interactive", "customer_message", instead=_MASS),
        "level_system": Prior(0.05, "short", "subscribe_message", instead=_MASS),
        "recall_gift": Prior(0.04, "deep", "wecom_customer_task"),
        "scene_reminder": Prior(0.02, "short", "subscribe_message"),
    }
)
#: Content -> window -> what to multiply the effect by; 1 where nothing is said.
#: The article: deep and interactive content does better in the evening, short
#: content fits the commute and the lunch break.
WEIGHTS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "short": MappingProxyType({"commute": 1.05, "lunch": 1.1, "evening": 1.0}),
        "deep": MappingProxyType({"commute": 0.7, "lunch": 0.9, "evening": 1.2}),
        "interactive": MappingProxyType({"commute": 0.8, "lunch": 0.9, "evening": 1.2}),
    }
)
#: Segment -> messages a day whatever the caps say: a forced push drives the
#: dormant away.
AT_MOST: Final[Mapping[str, int]] = MappingProxyType({"dormant": 1})
