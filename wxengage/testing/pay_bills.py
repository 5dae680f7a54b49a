"""What the fake WeChat Pay has paid (模拟账单): every number once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.errors import InvalidInputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Bill", "Bills", "Payment"]

_DAY: Final = dt.timedelta(hours=24)
_REFUND_TAKES: Final = dt.timedelta(minutes=10)
_WAITS: Final = frozenset({"SENT", "WAIT_USER_CONFIRM"})
_BACK: Final = frozenset({"FAILED", "REFUND", "FAIL", "CANCELLED"})

Api = Literal["red_packet", "transfer"]


@attrs.frozen
class Payment:
    """A payment that the fake WeChat made (已发起的打款).

    Attributes
    ----------
    number
        The merchant's number for it.
    api
        ``"red_packet"`` or ``"transfer"``.
    openid
        To whom.
    fen
        How much.
    at
        When, by the fake's clock.
    receipt
        WeChat's own number.
    said
        The other fields of the request.
    """

    number: str
    api: Api
    openid: str
    fen: int
    at: dt.datetime
    receipt: str
    said: Mapping[str, object] = attrs.field(repr=False)


@attrs.define
class Bill:
    """A payment and how it stands."""

    payment: Payment
    word: str | None = None
    received_at: dt.datetime | None = None

    def state(self, now: dt.datetime) -> str:
        """Return WeChat's word for how it stands."""
        if self.word is not None:
            return self.word
        packet = self.payment.api == "red_packet"
        age = now - self.payment.at
        if self.received_at is not None:
            return "RECEIVED" if packet else "SUCCESS"
        if age < _DAY:
            return "SENT" if packet else "WAIT_USER_CONFIRM"
        if not packet:
            return "FAIL"
        return "RFUND_ING" if age < _DAY + _REFUND_TAKES else "REFUND"


class Bills:
    """All of them; whoever calls it holds the lock."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        #: What the merchant has, in fen; None for any amount.
        self.funds: int | None = None
        self._found: dict[str, Bill] = {}

    def get(self, number: str, api: Api) -> Bill | None:
        """Return what is under a number in one of the interfaces."""
        return self._found.get(f"{api} {number}")

    def the(self, number: str) -> Bill:
        """Return what is under a number, or refuse."""
        for api in ("red_packet", "transfer"):
            bill = self._found.get(f"{api} {number}")
            if bill is not None:
                return bill
        known = [payment.number for payment in self.payments]
        raise InvalidInputError(
            "number", number, "that of a payment", nearest(number, known)
        )

    def add(self, payment: Payment) -> Bill:
        """Make a payment."""
        bill = self._found[f"{payment.api} {payment.number}"] = Bill(payment)
        self.payments.append(payment)
        return bill

    def affords(self, fen: int, now: dt.datetime) -> bool:
        """Return whether the merchant has so much left."""
        if self.funds is None:
            return True
        out = sum(
            bill.payment.fen
            for bill in self._found.values()
            if bill.state(now) not in _BACK
        )
        return out + fen <= self.funds

    def receive(self, number: str, now: dt.datetime) -> None:
        """Let the user take it."""
        bill = self.the(number)
        if bill.state(now) not in _WAITS:
            rule = f"one that waits for the user, not {bill.state(now)}"
            raise InvalidInputError("number", number, rule)
        bill.word, bill.received_at = None, now
