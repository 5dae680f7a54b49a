"""What comes back for a letter that did not surely go (发送结果)."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations

import attrs

from wxengage.delivery.actions import ACTIONS, Action
from wxengage.errors import InvalidInputError, nearest, require_id
from wxengage.times.zones import micros

__all__ = ["NotSent", "Unknown", "require_action"]


def require_action(got: object) -> None:
    """Raise unless a value is an action."""
    if not isinstance(got, str) or got not in ACTIONS:
        raise InvalidInputError("action", got, "an action", nearest(got, ACTIONS))


@attrs.frozen
class NotSent:
    """It surely did not go (未发送).

    Attributes
    ----------
    code
        Why, in the sender's words, such as WeChat's error code.
    action
        What to do: ``"retry"``, ``"wait"``, ``"drop"``, ``"suppress"``,
        ``"mend"`` or ``"stop"``.
    until
        With ``"wait"``: until when, aware, where the provider says so; else None.

    Raises
    ------
    InvalidInputError
        If the code is no id, the action is none of these, or there is an instant
        for which the action does not wait.
    """

    code: str
    action: Action
    until: dt.datetime | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_id("code", self.code)
        require_action(self.action)
        if self.until is not None:
            micros("until", self.until)
            if self.action != "wait":
                rule = f"None where the action is {self.action!r}"
                raise InvalidInputError("until", self.until, rule)


@attrs.frozen
class Unknown:
    """It may have gone, or not (结果未知): ask with the same key.

    Attributes
    ----------
    because
        What happened, such as a read timeout.

    Raises
    ------
    InvalidInputError
        If nothing is said.
    """

    because: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.because, str) or not self.because.strip():
            raise InvalidInputError("because", self.because, "what happened, in words")
