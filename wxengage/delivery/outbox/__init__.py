"""The outbox (发件箱): what is to go, what may have gone, and what has."""

from __future__ import annotations

from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.box import Outbox, enqueue, lift
from wxengage.delivery.outbox.breakers import Place
from wxengage.delivery.outbox.checkup import health
from wxengage.delivery.outbox.dispatching import dispatch
from wxengage.delivery.outbox.leasing import begin, lease, next_due
from wxengage.delivery.outbox.policy import WECHAT_KEYS, OutboxPolicy
from wxengage.delivery.outbox.recording import record, revive, settle

__all__ = [
    "WECHAT_KEYS",
    "Backoff",
    "Outbox",
    "OutboxPolicy",
    "Place",
    "begin",
    "dispatch",
    "enqueue",
    "health",
    "lease",
    "lift",
    "next_due",
    "record",
    "revive",
    "settle",
]
