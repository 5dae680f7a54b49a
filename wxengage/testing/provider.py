"""A provider in this process that fails in every way it can (故障服务商).

It pays rewards and delivers messages as the ports of ``wxengage.delivery`` ask for,
without a network. It keeps the truth, whatever it answers: what went, and what was
paid under which number. One source of chance decides which request meets which fault.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from wxengage.delivery.outbox.policy import WECHAT_KEYS
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import (
    Accepted,
    AwaitingUser,
    Paid,
    Payout,
    Refunded,
    Refused,
)
from wxengage.errors import InvalidInputError, nearest
from wxengage.ledger.accounts import measure
from wxengage.money import Cash
from wxengage.sends import Sent
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from wxengage.delivery.ports import Letter

__all__ = ["PROVIDER_FAULTS", "FaultyProvider", "Payment"]

# The provider has not seen the request.
_BEFORE: Final = (
    "closed_before",
    "system_error_before",
    "unavailable_before",
    "too_fast",
    "not_enough",
    "new_code",
    "proxy_page",
)
# It has done what it was asked for, and the answer is no good.
_AFTER: Final = (
    "closed_after",
    "system_error_after",
    "unavailable_after",
    "garbage_after",
    "truncated_after",
    "slow",
    "another_number",
    "processing",
)
# It refuses for good; asked about a number it has, it says that it has none.
_ABOUT: Final = ("banned", "not_found")
#: What can go wrong with a request.
PROVIDER_FAULTS: Final = _BEFORE + _AFTER + _ABOUT
_DAY: Final = dt.timedelta(hours=24)
#: Where a payment stands, as the provider alone knows.
Standing: TypeAlias = Literal["processing", "awaiting", "paid", "refunded", "failed"]
#: These have cost money, or may yet.
_TAKEN: Final = ("processing", "awaiting", "paid")


@attrs.define
class Payment:
    """What a provider knows of one number (服务商侧的一笔).

    Attributes
    ----------
    payout
        The first request under that number.
    standing
        Where it stands.
    at
        Since when.
    turns_at, becomes
        When it will stand otherwise by itself, and how; None: never.
    """

    payout: Payout
    standing: Standing
    at: dt.datetime
    turns_at: dt.datetime | None = None
    becomes: Standing = "paid"

    @property
    def amount(self) -> int:
        """How much it is, in the unit of its reward."""
        return measure(self.payout.reward)[1]

    @property
    def is_taken(self) -> bool:
        """Whether it has cost its amount, or may yet."""
        return self.standing in _TAKEN


def _known(_: object, field: attrs.Attribute[Any], got: tuple[str, ...]) -> None:
    for fault in got:
        if fault not in PROVIDER_FAULTS:
            hint = nearest(fault, PROVIDER_FAULTS)
            raise InvalidInputError(field.name, fault, "a fault of providers", hint)


@attrs.define
class FaultyProvider:
    """Pays and delivers, and answers as providers do on their worst day (故障服务商).

    It is a ``Fulfil`` for payouts and a ``Sender`` for messages at once.

    Attributes
    ----------
    rng
        Chance.
    now
        The provider's own clock.
    rate
        The share of requests that meet a fault, from 0 to 1.
    faults
        Those that there are.
    waits
        The share of payments that wait for the user; of these every second one is
        never taken and comes back after 24 hours.
    wait
        Called where an answer is slow, with how long it takes; such an answer comes
        after its request has timed out.
    slow_for
        That long.
    keyed
        Channel -> how long a message's key is remembered there.
    payments
        Number -> the truth about it.
    delivered
        Key -> how often a message went.
    met
        Fault -> how often it was met.
    reused
        Numbers that came again with another recipient or reward.

    Raises
    ------
    InvalidInputError
        If a fault is none that it knows.
    """

    rng: np.random.Generator
    now: Callable[[], dt.datetime]
    rate: float = attrs.field(default=0.5, kw_only=True)
    faults: tuple[str, ...] = attrs.field(
        default=PROVIDER_FAULTS, kw_only=True, validator=_known
    )
    waits: float = attrs.field(default=0.2, kw_only=True)
    wait: Callable[[dt.timedelta], None] | None = attrs.field(
        default=None, kw_only=True
    )
    slow_for: dt.timedelta = attrs.field(default=dt.timedelta(minutes=6), kw_only=True)
    keyed: Mapping[str, dt.timedelta] = attrs.field(default=WECHAT_KEYS, kw_only=True)
    payments: dict[str, Payment] = attrs.field(factory=dict, init=False)
    delivered: Counter[str] = attrs.field(factory=Counter, init=False)
    met: Counter[str] = attrs.field(factory=Counter, init=False)
    reused: list[str] = attrs.field(factory=list, init=False)
    _first_at: dict[str, dt.datetime] = attrs.field(factory=dict, init=False)

    # Payouts.

    def pay(self, payout: Payout, now: dt.datetime) -> Any:  # noqa: ANN401  or nonsense
        """Pay a number once, and say what became of it, or something else.

        Parameters
        ----------
        payout
            What to pay.
        now
            Not heard: the provider has a clock of its own.

        Returns
        -------
        object
            An answer of the port, or what is none.

        Raises
        ------
        ConnectionError
            If the connection broke, before or after it was paid.
        """
        del now
        fault = self._fault()
        if fault in _BEFORE:
            return self._refused(payout.number, fault)
        if payout.number not in self.payments:
            self.payments[payout.number] = self._paid(payout, fault)
        payment = self._now_of(payout)
        if payment.payout != payout:
            self.reused.append(payout.number)
        return self._spoilt(fault, self._told(payment), payout)

    def query(self, what: Payout | Letter, now: dt.datetime) -> Any:  # noqa: ANN401  or nonsense
        """Say what became of a number or a message, or something else.

        Parameters
        ----------
        what
            A payout, or a letter with a message.
        now
            Not heard.

        Returns
        -------
        object
            An answer of the port, or what is none.

        Raises
        ------
        ConnectionError
            If the connection broke.
        """
        del now
        fault = self._fault()
        if not isinstance(what, Payout):
            return self._asked(what, fault)
        if fault in _BEFORE:
            return self._refused(what.number, fault)
        if fault == "not_found" or what.number not in self.payments:
            # It may yet be paid: WeChat asks to try the same number again.
            return self._spoilt(fault, Unknown("NOT_FOUND"), what)
        return self._spoilt(fault, self._told(self._now_of(what)), what)

    def evidence(self, payout: Payout) -> Paid | Refunded | Refused | None:
        """Return what a person sees in the provider's books, and closes there.

        Parameters
        ----------
        payout
            What was to be paid.

        Returns
        -------
        Paid, Refunded, Refused or None
            None while it is under way. A number that is not there is closed: it will
            never pay, whoever asks for it later.
        """
        if payout.number not in self.payments:
            self.payments[payout.number] = Payment(payout, "failed", self.now())
        told = self._told(self._now_of(payout))
        return told if isinstance(told, Paid | Refunded | Refused) else None

    def _paid(self, payout: Payout, fault: str) -> Payment:
        now = self.now()
        if fault == "banned":
            return Payment(payout, "failed", now)
        hour, day = self.rng.random(2)
        if fault == "processing":
            return Payment(payout, "processing", now, now + _DAY * float(hour) / 24)
        if self.rng.random() < self.waits:
            if self.rng.random() < 0.5:  # noqa: PLR2004  a half
                return Payment(payout, "awaiting", now, now + _DAY, "refunded")
            return Payment(payout, "awaiting", now, now + _DAY * float(day))
        return Payment(payout, "paid", now)

    def _now_of(self, payout: Payout) -> Payment:
        payment, now = self.payments[payout.number], self.now()
        if payment.turns_at is not None and payment.turns_at <= now:
            payment.standing, payment.at = payment.becomes, payment.turns_at
            payment.turns_at = None
        return payment

    @staticmethod
    def _told(payment: Payment) -> Any:  # noqa: ANN401  an answer of the port
        number, at = payment.payout.number, payment.at
        if payment.standing == "paid":
            fen = payment.amount if isinstance(payment.payout.reward, Cash) else 0
            return Paid(number, at, f"r{number}", fen)
        if payment.standing == "processing":
            return Accepted(number, at)
        if payment.standing == "awaiting":
            return AwaitingUser(number, at, at + _DAY)
        if payment.standing == "refunded":
            return Refunded(number, at)
        return Refused(number, "banned", final=True, action="drop")

    # Messages.

    def send(self, letter: Letter, now: dt.datetime) -> Any:  # noqa: ANN401  or nonsense
        """Deliver a message, once for each key that is remembered, and answer.

        Parameters
        ----------
        letter
            What is to go.
        now
            Not heard.

        Returns
        -------
        object
            An answer of the port, or what is none.

        Raises
        ------
        ConnectionError
            If the connection broke, before or after it went.
        """
        del now
        fault = self._fault()
        if fault in _BEFORE:
            return self._not_sent(fault)
        if fault == "banned" and not self.delivered[letter.key]:
            return NotSent("45015", "drop")
        self._deliver(letter)
        sent = Sent.of(letter.send, self._first_at[letter.key], key=letter.key)
        return self._spoilt(fault, sent, letter.send)

    def _asked(self, letter: Letter, fault: str) -> Any:  # noqa: ANN401  or nonsense
        if fault in _BEFORE:
            return self._not_sent(fault)
        if fault == "not_found" or not self.delivered[letter.key]:
            return Unknown("not found")
        sent = Sent.of(letter.send, self._first_at[letter.key], key=letter.key)
        return self._spoilt(fault, sent, letter.send)

    def _deliver(self, letter: Letter) -> None:
        key, now = letter.key, self.now()
        first = self._first_at.setdefault(key, now)
        span = self.keyed.get(letter.channel)
        if self.delivered[key] and span is not None and now - first <= span:
            return
        self.delivered[key] += 1

    @staticmethod
    def _not_sent(fault: str) -> NotSent | Unknown | str:
        if fault == "too_fast":
            return NotSent("45011", "wait")
        if fault == "not_enough":
            return NotSent("48004", "stop")
        return _nothing(fault)

    # Faults.

    def _fault(self) -> str:
        if self.rate <= 0 or self.rng.random() >= self.rate:
            return ""
        fault = self.faults[int(self.rng.integers(len(self.faults)))]
        self.met[fault] += 1
        return fault

    @staticmethod
    def _refused(number: str, fault: str) -> Refused | Unknown | str:
        if fault == "too_fast":
            return Refused(number, "FREQ_LIMIT", final=False, action="wait")
        if fault == "not_enough":
            return Refused(number, "NOTENOUGH", final=False, action="stop")
        return _nothing(fault)

    def _spoilt(self, fault: str, good: Any, body: Any) -> Any:  # noqa: ANN401  or nonsense
        """Return an answer as it arrives."""
        if fault == "closed_after":
            raise ConnectionResetError
        if fault == "slow" and self.wait is not None:
            span_micros("slow_for", self.slow_for)
            self.wait(self.slow_for)
        if fault in {"slow", "system_error_after", "unavailable_after"}:
            return Unknown(fault)
        if fault == "garbage_after":
            return self.rng.bytes(9)
        if fault == "truncated_after":
            return "<xml><return_code>SUCC"
        if fault == "another_number" and isinstance(good, Paid):
            return attrs.evolve(good, number=_another(good.number))
        if fault == "another_number" and isinstance(good, Sent):
            return attrs.evolve(good, user=f"{body.user}2", key="")
        return good


def _nothing(fault: str) -> Unknown | str:
    """Return what comes instead of an answer where nothing was done."""
    if fault == "closed_before":
        raise ConnectionRefusedError
    if fault == "proxy_page":
        return "<html><title>502 Bad Gateway</title></html>"
    return Unknown(fault)


def _another(number: str) -> str:
    return number[:-1] + ("1" if number[-1] == "0" else "0")
