"""How an outbox behaves (发件策略)."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.delivery.outbox.backoff import Backoff
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.times.days import DayClock
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WECHAT_KEYS", "OutboxPolicy"]

#: Channel -> how long WeChat remembers an idempotency key there, provided that
#: the sender hands it over: ``clientmsgid`` of a mass send, ``client_msg_id`` of a
#: template message. No other message has one.
WECHAT_KEYS: Final[Mapping[str, dt.timedelta]] = MappingProxyType(
    {
        "mass_send": dt.timedelta(hours=24),
        "template_message": dt.timedelta(minutes=10),
    }
)
_NO_KEYS: Final[Mapping[str, dt.timedelta]] = MappingProxyType({})


@attrs.frozen
class OutboxPolicy:
    """How an outbox behaves (发件策略).

    Attributes
    ----------
    keyed
        Channels whose provider takes a key twice as one message, and how long it
        remembers it; see ``WECHAT_KEYS``. On any other channel a message that may
        have gone is never repeated. Payouts always have a key, for ever.
    backoff
        The pauses between attempts.
    lease_for
        For how long a worker has a letter. Longer than any sender takes.
    attempts
        After so many failures in a row a letter is dead.
    ordered
        Channels on which the letters of one recipient go one after another.
    trips_after
        After so many failures in a row a channel pauses.
    cooling
        The pauses of a channel, template or account that is in trouble.
    clock
        Whose minutes and days the provider's quotas end with.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    keyed: Mapping[str, dt.timedelta] = attrs.field(default=_NO_KEYS)
    backoff: Backoff = attrs.field(default=Backoff())
    lease_for: dt.timedelta = dt.timedelta(minutes=5)
    attempts: int = 8
    ordered: tuple[str, ...] = ()
    trips_after: int = 5
    cooling: Backoff = attrs.field(default=Backoff(dt.timedelta(minutes=1)))
    clock: DayClock = attrs.field(default=DayClock())

    def __attrs_post_init__(self) -> None:
        for channel, span in self.keyed.items():
            require_id("keyed", channel)
            span_micros(f"keyed[{channel!r}]", span)
        for name in ("backoff", "cooling"):
            if not isinstance(getattr(self, name), Backoff):
                raise InvalidInputError(name, getattr(self, name), "a Backoff")
        span_micros("lease_for", self.lease_for)
        require_whole("attempts", self.attempts, least=1)
        if not isinstance(self.ordered, tuple):
            raise InvalidInputError("ordered", self.ordered, "a tuple of channels")
        for channel in self.ordered:
            require_id("ordered", channel)
        require_whole("trips_after", self.trips_after, least=1)
        if not isinstance(self.clock, DayClock):
            raise InvalidInputError("clock", self.clock, "a DayClock")
