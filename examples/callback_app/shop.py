"""The shop (店铺): a desk, the campaign on it, and whoever delivers for it."""

from __future__ import annotations

import datetime as dt
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.adapters.endpoints import OFFICIAL, Endpoint
from wxengage.adapters.pay.hosts import PAY, PayEndpoint
from wxengage.adapters.pay.keys import PlatformKeys
from wxengage.adapters.pay.merchants import Merchant
from wxengage.adapters.pay.notices import PayInbound
from wxengage.adapters.pay.transfers import TransferSender
from wxengage.adapters.wechat import OfficialAccountSender
from wxengage.codec.envelope import register
from wxengage.delivery.outbox.policy import WECHAT_KEYS, OutboxPolicy
from wxengage.desk.opening import open_desk
from wxengage.errors import StaleStateError

from .background import LIMIT
from .campaign import account_of, launch, notices_for, transfer_of
from .posters import Posters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.delivery.payouts import Fulfil, Payout
    from wxengage.delivery.ports import Sender
    from wxengage.desk.desk import Desk

    from .settings import Settings

__all__ = ["Package", "Shop", "open_shop"]

_LOG: Final = logging.getLogger("callback_app")


@register
@attrs.frozen
class Package:
    """What the user's WeChat needs to confirm a transfer (领取凭据).

    Attributes
    ----------
    info
        ``package`` of ``wx.requestMerchantTransfer``.
    """

    info: str


@attrs.frozen
class Shop:
    """What the pages stand on.

    Attributes
    ----------
    desk
        The desk.
    senders
        Channel -> who delivers it.
    posters
        Who makes QR codes.
    pay_inbound
        Who reads the notices of WeChat Pay.
    """

    desk: Desk
    senders: Mapping[str, Sender | Fulfil]
    posters: Posters
    pay_inbound: PayInbound

    def package(self, number: str) -> str | None:
        """Return what confirms a payout, None where WeChat has not said it."""
        kept = self.desk.kept(_name(number))
        return None if kept is None else kept.state.info


def _name(number: str) -> str:
    return f"package:{number}"


def open_shop(settings: Settings) -> Shop:
    """Open the desk, put the campaign in force, and call the senders.

    Parameters
    ----------
    settings
        What the application was told.

    Returns
    -------
    Shop
        Close its desk in the end.
    """
    account = account_of(settings)
    # A worker that was killed has its letters for so long: longer than asking takes.
    lease = dt.timedelta(seconds=(LIMIT + 1) * settings.patience)
    desk = open_desk(
        settings.store,
        accounts=(account,),
        merchant=settings.mch_id,
        notices=notices_for(settings),
        outbox=OutboxPolicy(keyed=WECHAT_KEYS, lease_for=lease),
        # One process has the file for itself. For several use a server's store.
        processes="one",
    )
    try:
        launch(desk, settings)
        return _staffed(desk, settings)
    except BaseException:
        desk.store.close()
        raise


def _staffed(desk: Desk, settings: Settings) -> Shop:
    account, total = account_of(settings), settings.patience
    endpoint = Endpoint(settings.api_url or OFFICIAL, read=total, total=total)
    keys = PlatformKeys(
        {settings.platform_key_id: settings.platform_key_file.read_text("ascii")}
    )
    messages = OfficialAccountSender(
        account, desk.compose, secret=settings.secret, endpoint=endpoint
    )
    transfers = TransferSender(
        Merchant(
            settings.mch_id,
            settings.appid,
            cert_file=settings.cert_file,
            key_file=settings.key_file,
        ),
        partial(transfer_of, settings),
        platform_keys=keys,
        on_package=partial(_keep_package, desk),
        endpoint=PayEndpoint(settings.pay_url or PAY, read=total, total=total),
    )
    return Shop(
        desk,
        {
            "customer_message": messages,
            "subscribe_message": messages,
            "payout:cash": transfers,
        },
        Posters(desk, account, settings.secret, endpoint),
        PayInbound(settings.mch_id, apiv3_key=settings.apiv3_key, platform_keys=keys),
    )


def _keep_package(desk: Desk, payout: Payout, info: str) -> None:
    kept = desk.kept(_name(payout.number))
    version = None if kept is None else kept.version
    try:
        desk.keep(_name(payout.number), Package(info), expect=version)
    except StaleStateError:
        _LOG.info("another worker has kept the package of ...%s", payout.number[-4:])
