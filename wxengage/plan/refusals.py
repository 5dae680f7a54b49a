"""Why the gate does not let an option go (闸门拒绝原因), as the planner tells it."""

from __future__ import annotations

import attrs

from wxengage.plan.gating.says import sentence
from wxengage.words import Words  # noqa: TC001  the codec reads the annotations

__all__ = ["Refused"]


@attrs.frozen
class Refused:
    """What the gate has against an option (闸门拒绝).

    Attributes
    ----------
    reason
        The machine's word, as in ``Decision.reason``.
    constraint
        What binds, as in ``Decision.constraint``.

    Examples
    --------
    >>> Refused("no_window", "quota: customer_message").words.en
    'customer_message: no window is open: it is not sent'
    """

    reason: str
    constraint: str = ""

    @property
    def words(self) -> Words:
        """The sentence."""
        return sentence("drop", self.reason, self.constraint, None)
