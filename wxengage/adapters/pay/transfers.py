"""Transfers (商家转账), v3: what a new merchant can have, over wechatpayv3."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from wxengage.adapters.calls import Lost, Unsent
from wxengage.adapters.pay.bills import (
    Reply,
    answer_to_bill,
    answer_to_cancel,
    answer_to_question,
)
from wxengage.adapters.pay.contents import Transfer
from wxengage.adapters.pay.hosts import PayEndpoint
from wxengage.adapters.pay.keys import PlatformKeys
from wxengage.adapters.pay.limits import transfer_fault
from wxengage.adapters.pay.merchants import Merchant, Papers
from wxengage.adapters.pay.paying import PaySender, fen_of, unasked, unsaid
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import AwaitingUser
from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.rules.book import Rulebook, rulebook
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.delivery.payouts import Fulfilment, Payout

__all__ = ["TransferSender"]

_LOG: Final = logging.getLogger("wxengage.adapters")


class _Wire(Protocol):
    def create(self, **fields: Any) -> Reply | Unsent | Lost: ...  # noqa: ANN401

    def query(self, number: str) -> Reply | Unsent | Lost: ...

    def cancel(self, number: str) -> Reply | Unsent | Lost: ...


class TransferSender(PaySender[Transfer]):
    """Pays with transfers (商家转账) that the user confirms, of v3, over wechatpayv3.

    A transfer waits until the user confirms it in WeChat, and goes back after 24
    hours. The page on which that is done opens with the package that WeChat answers
    with; ``on_package`` is where the application gets it.

    Parameters
    ----------
    merchant
        Who pays.
    compose
        What a payout says: a ``Transfer``.
    platform_keys
        Whose signatures are trusted.
    on_package
        Called with the payout and ``package_info`` for ``wx.requestMerchantTransfer``
        each time WeChat tells it: also when the same number is asked for again. An
        error in it is logged and changes nothing. None for nobody.
    endpoint
        Where WeChat Pay is, and how long a call may take.
    rules
        The rules of a day, from which the limits of amounts are taken.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, or certificate and key cannot be read or do
        not belong together.
    MissingExtraError
        If wechatpayv3 is not installed.
    """

    wanted = Transfer

    def __init__(
        self,
        merchant: Merchant,
        compose: Callable[[Payout], Transfer],
        *,
        platform_keys: PlatformKeys,
        on_package: Callable[[Payout, str], object] | None = None,
        endpoint: PayEndpoint | None = None,
        rules: Callable[[dt.date], Rulebook] = rulebook,
    ) -> None:
        if not isinstance(merchant, Merchant):
            raise InvalidInputError("merchant", merchant, "a Merchant")
        if not isinstance(platform_keys, PlatformKeys):
            raise InvalidInputError("platform_keys", platform_keys, "PlatformKeys")
        super().__init__(merchant, compose, rules)
        self._on_package = on_package
        endpoint = PayEndpoint() if endpoint is None else endpoint
        self._wire: _Wire = _wire(merchant, platform_keys, endpoint)

    def cancel(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Ask that a payout be called off before the user confirms it.

        Parameters
        ----------
        payout
            What was to be paid.
        now
            When, aware.

        Returns
        -------
        Fulfilment
            ``Accepted`` while WeChat is at it, ``Cancelled`` once it is done,
            ``Refused`` where it came too fast; else ``Unknown``: ask.
        """
        micros("now", now)
        fault = self._fault_of(payout)
        if fault is not None:
            return Unknown(fault)
        came = self._wire.cancel(payout.number)
        if isinstance(came, Unsent | Lost):
            return unasked(came)
        return answer_to_cancel(came, payout, now)

    def _fault(self, fen: int, content: Transfer, book: Rulebook) -> str | None:
        return transfer_fault(fen, content, book)

    def _pay(self, payout: Payout, content: Transfer, now: dt.datetime) -> Fulfilment:
        came = self._wire.create(
            out_bill_no=payout.number,
            transfer_scene_id=content.scene,
            openid=payout.recipient,
            transfer_amount=fen_of(payout),
            transfer_remark=content.remark,
            user_name=content.real_name,
            user_recv_perception=content.perception,
            transfer_scene_report_infos=[
                {"info_type": kind, "info_content": told}
                for kind, told in content.reports
            ],
            notify_url=content.notify_url,
        )
        if isinstance(came, Unsent | Lost):
            return unsaid(came, payout)
        outcome = answer_to_bill(came, payout, now)
        package = came.fields.get("package_info")
        if isinstance(outcome, AwaitingUser) and isinstance(package, str) and package:
            self._hand_over(payout, package)
        return outcome

    def _ask(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        came = self._wire.query(payout.number)
        if isinstance(came, Unsent | Lost):
            return unasked(came)
        return answer_to_question(came, payout, fen_of(payout), self.merchant, now)

    def _hand_over(self, payout: Payout, package: str) -> None:
        if self._on_package is None:
            return
        try:
            self._on_package(payout, package)
        except Exception:  # noqa: BLE001  whatever the application does
            # The money is on its way: that must be known whatever else fails.
            _LOG.exception("on_package failed for %s", payout.number[-8:])


def _wire(merchant: Merchant, keys: PlatformKeys, endpoint: PayEndpoint) -> _Wire:
    papers = Papers.of(merchant)
    try:
        module = import_module("wxengage.adapters.pay.bill_wire")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("wxengage"):
            raise
        raise MissingExtraError("wechatpayv3", "pay") from None
    wire: _Wire = module.BillWire(merchant, papers, keys, endpoint)
    return wire
