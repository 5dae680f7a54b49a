"""Outboxes for tests: letters at hand, and one request with its answer."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from wxengage.delivery.outbox.box import Outbox, enqueue
from wxengage.delivery.outbox.leasing import Request, begin, lease
from wxengage.delivery.outbox.policy import WECHAT_KEYS, OutboxPolicy
from wxengage.delivery.outbox.recording import Answered, record
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import (
    Payout,
)
from wxengage.delivery.ports import Letter, letters
from wxengage.money import Cash
from wxengage.sends import Send, Sent

if TYPE_CHECKING:
    from wxengage.delivery.outbox.rows import OutboxRow

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
SECOND, MINUTE, HOUR = (dt.timedelta(seconds=n) for n in (1, 60, 3600))
POLICY = OutboxPolicy(keyed=WECHAT_KEYS)
NUMBER = "1900000109abc"
PAYOUT = Payout(NUMBER, "spring", "ada", "o1", Cash(800))
MONEY = Letter(PAYOUT, NUMBER)
TIMEOUT = Unknown("read timeout")


def chance() -> np.random.Generator:
    """Return chance that is the same each time."""
    return np.random.default_rng(1)


def letter(channel: str = "customer_message", name: str = "s1", **how: Any) -> Letter:
    """Return a letter with a message."""
    user = how.pop("user", "ada")
    return letters([Send(name, user, channel, how.pop("message", "m"), **how)])[0]


def filled(*of: Letter, policy: OutboxPolicy = POLICY) -> Outbox:
    """Return an outbox with letters."""
    return enqueue(Outbox(policy), of, NOON)


def begun(
    box: Outbox, now: dt.datetime = NOON, **how: Any
) -> tuple[Outbox, Request | None, int]:
    """Return an outbox whose first due letter is on its way, and its fence."""
    box, ((key, fence), *_) = lease(box, now, limit=1)
    box, request = begin(box, key, fence, now, **how)
    return box, request, fence


def answered(
    box: Outbox, answer: Answered, now: dt.datetime = NOON
) -> tuple[Outbox, OutboxRow]:
    """Return an outbox after one request with this answer, and the letter's row."""
    box, request, fence = begun(box, now)
    assert request is not None
    key = request.letter.key
    box = record(box, key, fence, answer, now, rng=chance())
    return box, box.row(key)


def sent(of: Letter, now: dt.datetime = NOON) -> Sent:
    """Return the good answer."""
    return Sent.of(of.send, now, key=of.key, receipt="r1")


def told(box: Outbox) -> tuple[str, str]:
    """Return the state and the reason of the only letter."""
    (row,) = box.rows.values()
    return row.state.value, row.code
