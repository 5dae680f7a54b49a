"""Letters, senders and what they answer (触达执行)."""

from __future__ import annotations

from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import Fulfil, Payout, bill_number
from wxengage.delivery.ports import Letter, Outcome, Sender, letter_key, letters
from wxengage.sends import Sent

__all__ = [
    "Fulfil",
    "Letter",
    "NotSent",
    "Outcome",
    "Payout",
    "Sender",
    "Sent",
    "Unknown",
    "bill_number",
    "letter_key",
    "letters",
]
