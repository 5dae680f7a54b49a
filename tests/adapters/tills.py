"""The two ways to pay, for tests: a sender of each against the fake WeChat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wxengage.adapters.pay import (
    Packet,
    PayEndpoint,
    RedPacketSender,
    Transfer,
    TransferSender,
)
from wxengage.delivery.payouts import Payout, bill_number
from wxengage.money import Cash

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.testing.server import FakeWeChat

MERCHANT = "1900000109"
PACKET = Packet("小店", "春季活动", "恭喜发财", "邀请奖励")
REPORTS = (("活动名称", "春季活动"), ("奖励说明", "邀请奖励"))
TRANSFER = Transfer("1000", "邀请奖励", reports=REPORTS)
CREATE = "/v3/fund-app/mch-transfer/transfer-bills"


def payout(user: str = "ada", fen: int = 800, **more: Any) -> Payout:
    """Return a payout of the spring campaign."""
    number = bill_number(MERCHANT, "spring", user, "rung:3")
    fields = {"recipient": f"o_{user}", "reward": Cash(fen), **more}
    return Payout(fields.pop("number", number), "spring", user, **fields)


def packets(fake: FakeWeChat, **more: Any) -> RedPacketSender:
    """Return a sender of red packets."""
    compose = more.pop("compose", lambda _: PACKET)
    options = {"api_key": fake.pay.api_key, "client_ip": "203.0.113.7", **more}
    return RedPacketSender(fake.pay.merchant, compose, **options)


def transfers(fake: FakeWeChat, **more: Any) -> TransferSender:
    """Return a sender of transfers."""
    compose = more.pop("compose", lambda _: TRANSFER)
    options = {"platform_keys": fake.pay.platform_keys, **more}
    return TransferSender(fake.pay.merchant, compose, **options)


class Till(NamedTuple):
    """One of the two ways to pay."""

    name: str
    build: Callable[..., RedPacketSender | TransferSender]
    pay: str
    query: str
    #: Codes that WeChat Pay refuses with.
    short: str
    fast: str
    bad: str
    broken: str
    #: What a payment waits in, and what it ends in once the user has it.
    waits: str
    done: str

    def __repr__(self) -> str:
        # The same in every process: two workers must find the same tests.
        return self.name

    def sender(
        self, fake: FakeWeChat, *, total: float = 5.0, read: float = 2.0, **more: Any
    ) -> Any:
        """Return a sender against a fake."""
        endpoint = PayEndpoint(fake.url, total=total, read=read)
        return self.build(fake, endpoint=endpoint, **more)


RED_PACKETS: Final = Till(
    "red_packet",
    packets,
    "/mmpaymkttransfers/sendredpack",
    "/mmpaymkttransfers/gethbinfo",
    "NOTENOUGH",
    "FREQ_LIMIT",
    "PARAM_ERROR",
    "SYSTEMERROR",
    "SENT",
    "RECEIVED",
)
TRANSFERS: Final = Till(
    "transfer",
    transfers,
    CREATE,
    f"{CREATE}/out-bill-no/{{number}}",
    "NOT_ENOUGH",
    "FREQUENCY_LIMITED",
    "PARAM_ERROR",
    "SYSTEM_ERROR",
    "WAIT_USER_CONFIRM",
    "SUCCESS",
)
TILLS: Final = (RED_PACKETS, TRANSFERS)
