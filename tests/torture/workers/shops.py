"""What the processes of a shop do until they are killed: tell, pay, keep.

A shop's clock is the machine's, running much faster, so that all its processes and
all their lives have one time, and an hour's hold ends while somebody waits.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

# Forked processes have what the nursery has imported.
import wxengage.adapters.pay.packet_wire  # noqa: F401
from wxengage.adapters.pay import Merchant, Packet, PayEndpoint, RedPacketSender
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.policy import WECHAT_KEYS, OutboxPolicy
from wxengage.delivery.payouts import Accepted, Paid, Payout, Refunded
from wxengage.desk.opening import open_desk
from wxengage.desk.rows import payout_of
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.log.events import Event
from wxengage.stores.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from wxengage.desk.desk import Desk
    from wxengage.ledger.records import PayoutRecord
    from wxengage.ledger.states import State

__all__ = ["START", "Shop", "keep", "pay", "tell", "tell_too_early"]

MERCHANT: Final = "1900000109"
PACKET: Final = Packet("小店", "春季活动", "恭喜发财", "邀请奖励")
#: What the shop's clock shows when it begins: as the fake WeChat's does.
START: Final = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)
#: Seconds of the shop in a second.
SPEED: Final = 3_600
#: Who has nothing to do leaves the machine to the others, in seconds.
PAUSE: Final = 0.03
HOUR: Final = dt.timedelta(hours=1)
MINUTE: Final = dt.timedelta(minutes=1)
POLICY: Final = OutboxPolicy(
    keyed=WECHAT_KEYS,
    backoff=Backoff(MINUTE, most=30 * MINUTE),
    cooling=Backoff(MINUTE, most=20 * MINUTE),
    lease_for=30 * MINUTE,
    attempts=40,
)
OPENS: Final = START - 24 * HOUR
CLOSES: Final = START + 14 * 24 * HOUR
HOLD: Final = HOUR
REVOKE: Final = 2 * HOUR
#: Friends -> fen that are paid for reaching them.
RUNGS: Final = {1: 100, 2: 150, 4: 500}
BY: Final[dict[str, Any]] = {"by": "lin", "reason": "somebody has looked"}


def campaign() -> Referral:
    """Return the campaign: one, two and four friends who stay for an hour."""
    ladder = Ladder(RUNGS, pays="each")
    return Referral(
        "spring",
        ladder=ladder,
        opens=OPENS,
        closes=CLOSES,
        hold=HOLD,
        revoke_until=REVOKE,
        placement="own_app",
    )


@attrs.frozen
class Shop:
    """Where a shop has its things; processes are told it.

    Attributes
    ----------
    store
        The address of its store.
    wechat
        The address of the fake WeChat.
    answered
        A file with the ids of events that were acknowledged, a line each.
    began
        When its clock began, by the machine's monotonic clock.
    cert, key, api_key
        The merchant's.
    restless
        Whether the database itself comes and goes, so that its errors are no news.
    """

    store: str
    wechat: str
    answered: Path
    began: float
    cert: Path
    key: Path
    api_key: str = attrs.field(repr=False)
    restless: bool = False

    def clock(self) -> dt.datetime:
        """Return the instant in the shop."""
        return START + dt.timedelta(seconds=(time.monotonic() - self.began) * SPEED)

    def open(self, **more: Any) -> Desk:
        """Open the desk, as each of its processes does."""
        return open_desk(
            self.store, merchant=MERCHANT, clock=self.clock, outbox=POLICY, **more
        )

    def till(self) -> RedPacketSender:
        """Return who pays."""
        return RedPacketSender(
            Merchant(
                MERCHANT, "wx1234567890abcdef", cert_file=self.cert, key_file=self.key
            ),
            lambda _: PACKET,
            api_key=self.api_key,
            client_ip="203.0.113.7",
            endpoint=PayEndpoint(self.wechat, total=0.5, read=0.3),
        )

    def told(self) -> set[str]:
        """Return the ids of events that were acknowledged."""
        return set(self.answered.read_text(encoding="utf-8").split())


def again(shop: Shop, work: Callable[[Desk], object]) -> None:
    """Do some work on a desk of its own, over and over.

    Where the database comes and goes, an error of the store ends one round, and the
    next begins with a desk that is opened anew.
    """
    while True:
        try:
            with shop.open() as desk:
                while True:
                    work(desk)
        except StoreError:
            if not shop.restless:
                raise
            time.sleep(0.02)


def tell_too_early(shop: Shop, events: Sequence[Event]) -> None:
    """Acknowledge events before they are kept, as nobody should."""
    tell(shop, events, early=True)


def tell(shop: Shop, events: Sequence[Event], *, early: bool = False) -> None:
    """Tell events until all are acknowledged, and those that are, again."""
    rng = np.random.default_rng()
    by_id = {str(event.id): event for event in events}

    def work(desk: Desk) -> None:
        done = shop.told()
        now = shop.clock()
        left = [
            one for name, one in by_id.items() if name not in done and one.at <= now
        ]
        if rng.random() < 0.5:
            rng.shuffle(left)
        if done and not early:
            repeated = [by_id[name] for name in rng.choice(sorted(done), 8)]
            receipts = desk.record_many(repeated)
            # What was acknowledged is known, in whatever life it was told.
            assert len(receipts) == receipts.duplicates
        while left:
            size = int(rng.choice([1, 1, 1, 2, 5]))
            batch, left = left[:size], left[size:]
            if early:
                _acknowledge(shop.answered, batch)
            if len(batch) == 1:
                desk.record(batch[0])
            else:
                desk.record_many(batch)
            _acknowledge(shop.answered, batch)
        time.sleep(PAUSE)

    again(shop, work)


def _acknowledge(answered: Path, events: Sequence[Event]) -> None:
    file = os.open(answered, os.O_WRONLY | os.O_APPEND)
    os.write(file, "".join(f"{event.id}\n" for event in events).encode())
    os.close(file)


def prepare(shop: Shop) -> tuple[Shop, RedPacketSender]:
    """Make who pays, and read all that is read once: then lives begin at full speed."""
    rehearse()
    return shop, shop.till()


def rehearse() -> None:
    """Let a small campaign pass in memory."""
    at = START
    with open_desk("memory://", merchant=MERCHANT, clock=lambda: at) as desk:
        desk.backfill([])
        desk.publish(campaign(), budget=10_000)
        said: dict[str, Any] = {"campaign": "spring", "inviter": "ada"}
        desk.record(Event("scan", user="bob", at=at - 3 * HOUR, id="1", **said))
        desk.record(Event("follow", user="bob", at=at - 2 * HOUR, id="2"))
        report = desk.dispatch({"payout:cash": _Nobody()})
        assert 1 == report["accepted"], report
        desk.audit()
        desk.health()


class _Nobody:
    """Takes every payout, and pays none."""

    def pay(self, payout: Payout, now: dt.datetime) -> Accepted:
        """Take it."""
        return Accepted(payout.number, now)

    query = pay


def pay(shop: Shop, till: RedPacketSender) -> None:
    """Dispatch what is due."""

    def work(desk: Desk) -> None:
        if not desk.dispatch({"payout:cash": till}, limit=5).letters:
            time.sleep(PAUSE / 2)

    again(shop, work)


def keep(shop: Shop, till: RedPacketSender) -> None:
    """Let time pass, look whether the books are right, and see to what is stuck."""
    rng = np.random.default_rng()

    def work(desk: Desk) -> None:
        desk.tick()
        act = rng.integers(4)
        if act == 0:
            found = desk.audit()
            assert not found, found
        elif act == 1:
            _revive(desk)
        elif act == 2:
            _resolve(desk, till, shop.clock())
        else:
            desk.health()
            desk.statement("spring")
        time.sleep(PAUSE)

    again(shop, work)


def payouts(desk: Desk, state: State | str = "") -> list[PayoutRecord]:
    """Return the payouts of a desk, or those that stand somewhere."""
    word = state if isinstance(state, str) else state.value
    rows = desk.store.run(
        lambda tx: tx.find("payout", "by_state", (word,) if word else ()), write=False
    )
    return [payout_of(row) for row in rows]


def _revive(desk: Desk) -> None:
    rows = desk.store.run(
        lambda tx: tx.find("letter", "by_state", ("dead",)), write=False
    )
    for row in rows:
        # Another may have looked meanwhile; a parked payout is to be resolved.
        with contextlib.suppress(IllegalTransitionError, InvalidInputError):
            desk.revive(str(row[0]), **BY)


def _resolve(desk: Desk, till: RedPacketSender, now: dt.datetime) -> None:
    for record in payouts(desk, "parked"):
        told = till.query(record.payout, now)
        if isinstance(told, Paid | Refunded):
            with contextlib.suppress(IllegalTransitionError):
                desk.resolve(record.payout.number, told, by="lin", evidence="a query")
