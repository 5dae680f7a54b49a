"""What happened (事件): one row of the log, as a value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.errors import INT64_MAX, InvalidInputError, require_id
from wxengage.log.kinds import KINDS, nearest_kind
from wxengage.times.zones import require_aware

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Event", "bad_id"]

_EITHER: Final = "text, or a whole number from 0"


def bad_id(value: object) -> str | None:
    """Return what is wrong with an id, or None.

    Parameters
    ----------
    value
        The id: text of 1 to 128 visible characters, compared byte by byte, or
        a whole number that is not negative.

    Returns
    -------
    str or None
        The rule it breaks.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return _EITHER
    if isinstance(value, int):
        return None if 0 <= value <= INT64_MAX else _EITHER
    try:
        require_id("id", value)
    except InvalidInputError as error:
        return error.rule
    return None


@attrs.frozen
class Event:
    """One thing that one user did, or that happened to them.

    Attributes
    ----------
    kind
        A key of ``KINDS``.
    user
        Who: text or a whole number.
    at
        When: aware.
    id
        The source's own id of the event, by which a repeat is known.
    account, campaign, item, channel, group
        Where it belongs, where that is known.
    inviter
        Who brought the user.
    value
        Money or another amount, not negative. A refund is a kind of its own.

    Examples
    --------
    >>> import datetime as dt
    >>> nine = dt.datetime(2026, 3, 2, 9, tzinfo=dt.timezone.utc)
    >>> Event("like", user="oAlice", at=nine).kind
    'like'
    """

    kind: str
    user: str | int = attrs.field(kw_only=True)
    at: dt.datetime = attrs.field(kw_only=True)
    id: str | int | None = attrs.field(default=None, kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)
    campaign: str | None = attrs.field(default=None, kw_only=True)
    inviter: str | int | None = attrs.field(default=None, kw_only=True)
    item: str | int | None = attrs.field(default=None, kw_only=True)
    channel: str | None = attrs.field(default=None, kw_only=True)
    group: str | int | None = attrs.field(default=None, kw_only=True)
    value: float | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.kind not in KINDS:
            near = nearest_kind(str(self.kind))
            hint = f"did you mean {near!r}?" if near else "see wxengage.log.KINDS"
            raise InvalidInputError("kind", self.kind, "a known kind", hint)
        require_aware("at", self.at)
        for name in ("user", "id", "inviter", "item", "group"):
            value = getattr(self, name)
            rule = bad_id(value) if value is not None or name == "user" else None
            if rule:
                raise InvalidInputError(name, value, rule)
        if self.value is not None and not (
            isinstance(self.value, int | float)
            and not isinstance(self.value, bool)
            and math.isfinite(self.value)
            and self.value >= 0
        ):
            hint = "a refund is an event of kind 'refund' with a positive value"
            raise InvalidInputError("value", self.value, "0 or more and finite", hint)
