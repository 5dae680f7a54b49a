"""A provider on another machine (服务方): what it knows is the truth of a torture."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import Paid, Refused
from wxengage.money import Cash
from wxengage.sends import Send, Sent

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from wxengage.delivery.payouts import Fulfilment, Payout
    from wxengage.delivery.ports import Letter, Outcome
    from wxengage.testing.power import PowerDisk

__all__ = ["PowerIsOffError", "Provider", "fen_of"]


class PowerIsOffError(Exception):
    """The machine is off: whatever the program goes on to do does not happen."""


class Provider:
    """Whoever pays and delivers, on a machine of its own whose power never fails.

    It pays a number once, forgets nothing, and answers badly while it is moody.
    """

    def __init__(self, rng: np.random.Generator, disk: PowerDisk) -> None:
        self._rng = rng
        self._disk = disk
        self.moody = True
        self.asked: Counter[str] = Counter()
        self.paid: dict[str, Payout] = {}
        self.told: set[str] = set()
        self.faults: list[str] = []
        self.sent: Counter[str] = Counter()

    def pay(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Pay a number, once."""
        mood = self._reached()
        self.asked[payout.number] += 1
        known = self.paid.get(payout.number, payout)
        if _terms(known) != _terms(payout):
            self.faults.append(f"{payout.number} is asked anew with other terms")
        if mood < 0.1:
            return Unknown("cut before it was heard")
        if mood < 0.2 and payout.number not in self.paid:
            return Refused(payout.number, "FREQ_LIMIT", final=False, action="retry")
        self.paid[payout.number] = payout
        if mood < 0.4:
            return Unknown("cut after it was done")
        return self._answer(payout, now)

    def query(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Say what became of a number."""
        mood = self._reached()
        if mood < 0.2:
            return Unknown("no answer")
        if payout.number in self.paid:
            return self._answer(payout, now)
        return Refused(payout.number, "NOT_FOUND", final=False, action="retry")

    def send(self, letter: Letter, now: dt.datetime) -> Outcome:
        """Deliver a message, as often as it is told to."""
        mood = self._reached()
        if mood < 0.1:
            return NotSent("busy", "retry")
        self.sent[letter.key] += 1
        if mood < 0.2:
            return Unknown("cut after it was done")
        assert isinstance(letter.body, Send)
        return Sent.of(letter.body, now, key=letter.key)

    def total(self, campaign: str) -> int:
        """Return what was paid for a campaign, in fen."""
        return sum(
            fen_of(payout)
            for payout in self.paid.values()
            if payout.campaign == campaign
        )

    def _reached(self) -> float:
        """Return a mood: from 0, bad, to 1, good."""
        if self._disk.off:
            raise PowerIsOffError
        return self._rng.random() if self.moody else 1.0

    def _answer(self, payout: Payout, now: dt.datetime) -> Paid:
        self.told.add(payout.number)
        return Paid(payout.number, now, f"R{payout.number[-10:]}", fen_of(payout))


def fen_of(payout: Payout) -> int:
    """Return what a payout pays, in fen."""
    assert isinstance(payout.reward, Cash)
    return payout.reward.fen


def _terms(payout: Payout) -> tuple[object, ...]:
    return payout.user, payout.recipient, payout.reward
