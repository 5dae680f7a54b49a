"""The campaign (裂变活动): three friends who stay are worth 8 yuan, six are worth 15.

Everything here is a value. What it pays is decided by the library from the events;
this file says the rules and the words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxengage.adapters.pay.contents import Transfer
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.findings import Override
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.desk.notices import Notice
from wxengage.money import yuan
from wxengage.users import Account

if TYPE_CHECKING:
    from wxengage.delivery.payouts import Payout
    from wxengage.desk.desk import Desk

    from .settings import Settings

__all__ = ["ACCOUNT", "CAMPAIGN", "account_of", "launch", "notices_for", "transfer_of"]

ACCOUNT: Final = "shop"
CAMPAIGN: Final = "friends"
#: By which rule WeChat forbids what this campaign does inside WeChat.
_INDUCEMENT: Final = "WX-IND-001"


def account_of(settings: Settings) -> Account:
    """Return the service account."""
    return Account(ACCOUNT, "service", settings.appid)


def campaign_of(settings: Settings) -> Referral:
    """Return the campaign's rules."""
    return Referral(
        CAMPAIGN,
        ladder=Ladder({3: yuan("8"), 6: yuan("15")}, pays="total"),
        opens=settings.opens,
        closes=settings.closes,
        hold=settings.hold,
        account=ACCOUNT,
        budget=yuan("800"),
    )


def notices_for(settings: Settings) -> tuple[Notice, ...]:
    """Return what people are told of which facts.

    Parameters
    ----------
    settings
        What the application was told.

    Returns
    -------
    tuple of Notice
        A customer message, which goes within 48 hours of what the user did last, and
        a subscribe message, which goes once for each time the user has agreed.
    """
    return (
        Notice(
            "qualified",
            "customer_message",
            "friend-counts",
            {"content": "{why}"},
            account=ACCOUNT,
        ),
        Notice(
            "granted",
            "subscribe_message",
            settings.template,
            {"thing1": "邀请好友奖励", "amount2": "{reward}", "time3": "{at}"},
            account=ACCOUNT,
        ),
    )


def transfer_of(settings: Settings, payout: Payout) -> Transfer:
    """Return what a payout says to the one who gets it."""
    address = f"{settings.public_url}/pay/notify"
    return Transfer(
        "1000",
        f"邀请好友奖励 {payout.reward}",
        reports=(("活动名称", "邀请好友"), ("奖励说明", "好友关注并留下来")),
        notify_url=address if address.startswith("https://") else None,
    )


def launch(desk: Desk, settings: Settings) -> None:
    """Put the campaign in force; doing that again at each start changes nothing.

    Who follows already must be known before anybody can be new.
    """
    if settings.followers is None:
        desk.backfill(())
    else:
        desk.backfill(str(settings.followers), tz="Asia/Shanghai")
    reason = "approved for this campaign; see the minutes"
    override = Override(_INDUCEMENT, settings.approved_by, reason)
    desk.publish(campaign_of(settings), overrides=(override,))
