"""What all that pay do (打款执行): look first, ask once, and say what became of it."""

from __future__ import annotations

import abc
import logging
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from wxengage.adapters.calls import Unsent
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Payout, Refused
from wxengage.errors import InvalidInputError
from wxengage.money import Cash
from wxengage.rules.book import rulebook
from wxengage.times.zones import SHANGHAI, micros, zone

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.adapters.calls import Lost
    from wxengage.adapters.pay.merchants import Merchant
    from wxengage.delivery.payouts import Fulfilment
    from wxengage.rules.book import Rulebook

__all__ = ["PaySender", "refused", "unasked", "unsaid"]

_LOG: Final = logging.getLogger("wxengage.adapters")
# The merchant's number says nothing: what follows it tells one payout from another.
_SHOWN: Final = 8

Content = TypeVar("Content")


def refused(payout: Payout, code: str) -> Refused:
    """Return that a payout was not asked for: somebody has to mend something."""
    return Refused(payout.number, code, final=False, action="mend")


def unsaid(came: Unsent | Lost, payout: Payout) -> Refused | Unknown:
    """Return what a request to pay means that no answer came to."""
    if isinstance(came, Unsent):
        return Refused(payout.number, "not_reached", final=False, action="retry")
    return Unknown(came.because)


def unasked(came: Unsent | Lost) -> Unknown:
    """Return what a question means that no answer came to."""
    # A question that never left says nothing about what was paid before.
    return Unknown(came.because)


class PaySender(abc.ABC, Generic[Content]):
    """What all that pay do; the parameters are told by each of them."""

    wanted: type[Content]

    def __init__(
        self,
        merchant: Merchant,
        compose: Callable[[Payout], Content],
        rules: Callable[[dt.date], Rulebook] = rulebook,
    ) -> None:
        self.merchant = merchant
        self._compose = compose
        self._rules = rules

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.merchant.mch_id!r})"

    def pay(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Ask for a payment, once for each number.

        Parameters
        ----------
        payout
            What is to be paid.
        now
            When, aware.

        Returns
        -------
        Fulfilment
            Never ``Paid`` and never final: what became of a number is told by
            ``query`` alone. ``Refused`` with WeChat Pay's code; or, before anything
            is asked, with ``wrong_merchant``, ``not_cash``, ``not_composed``, or
            what is wrong with the amount; or with ``not_reached``, where no byte of
            the request left. ``Unknown`` for everything that is not understood.
        """
        _require_payout(payout)
        micros("now", now)
        outcome = self._looked_at(payout, now)
        _log("asked to pay", payout, outcome)
        return outcome

    def query(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Say what became of a number without paying it.

        Parameters
        ----------
        payout
            What was to be paid.
        now
            When, aware.

        Returns
        -------
        Fulfilment
            ``Unknown`` also where the number is not found: it may be paid yet.
        """
        _require_payout(payout)
        micros("now", now)
        fault = self._fault_of(payout)
        outcome = self._ask(payout, now) if fault is None else Unknown(fault)
        _log("asked about", payout, outcome)
        return outcome

    def _looked_at(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        fault = self._fault_of(payout)
        if fault is not None:
            return refused(payout, fault)
        try:
            content = self._compose(payout)
        except InvalidInputError:
            # A text that cannot be said; other errors are the application's own.
            _LOG.exception("payout %s is not composed", payout.number[-_SHOWN:])
            return refused(payout, "not_composed")
        if not isinstance(content, self.wanted):
            named = self.wanted.__name__
            _LOG.error("payout %s needs a %s", payout.number[-_SHOWN:], named)
            return refused(payout, "not_composed")
        today = now.astimezone(zone(SHANGHAI)).date()
        fault = self._fault(fen_of(payout), content, self._rules(today))
        if fault is not None:
            return refused(payout, fault)
        return self._pay(payout, content, now)

    def _fault_of(self, payout: Payout) -> str | None:
        if not payout.number.startswith(self.merchant.mch_id):
            return "wrong_merchant"
        return None if isinstance(payout.reward, Cash) else "not_cash"

    @abc.abstractmethod
    def _fault(self, fen: int, content: Content, book: Rulebook) -> str | None: ...

    @abc.abstractmethod
    def _pay(
        self, payout: Payout, content: Content, now: dt.datetime
    ) -> Fulfilment: ...

    @abc.abstractmethod
    def _ask(self, payout: Payout, now: dt.datetime) -> Fulfilment: ...


def fen_of(payout: Payout) -> int:
    """Return the amount of a payout in fen; 0 where it is no money."""
    return payout.reward.fen if isinstance(payout.reward, Cash) else 0


def _require_payout(payout: object) -> None:
    if not isinstance(payout, Payout):
        raise InvalidInputError("payout", payout, "a Payout")


def _log(did: str, payout: Payout, outcome: Fulfilment) -> None:
    told = type(outcome).__name__
    if isinstance(outcome, Refused):
        told = outcome.code
    elif isinstance(outcome, Unknown):
        told = f"unknown: {outcome.because}"
    level = logging.WARNING if isinstance(outcome, Unknown) else logging.DEBUG
    _LOG.log(level, "%s %s: %s", did, payout.number[-_SHOWN:], told)
