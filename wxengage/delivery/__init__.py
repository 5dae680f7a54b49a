"""Letters, senders and what they answer (触达执行)."""

from __future__ import annotations

from wxengage.delivery.ports import (
    Letter,
    NotSent,
    Outcome,
    Sender,
    Unknown,
    letter_key,
    letters,
)
from wxengage.sends import Sent

__all__ = [
    "Letter",
    "NotSent",
    "Outcome",
    "Sender",
    "Sent",
    "Unknown",
    "letter_key",
    "letters",
]
