"""A backup of yesterday is restored after payouts were made, and nobody is paid twice.

What the books have forgotten the numbers know: they are a pure function of the reward,
and the provider pays a number once. The bill names what the books do not have.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.torture.workers.places import a_folder
from tests.torture.workers.shops import HOUR, POLICY, START, Shop, campaign, payouts
from wxengage.desk.opening import open_desk
from wxengage.ledger.bills import read_bill
from wxengage.log.events import Event
from wxengage.testing.checkers import check_safety
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.desk.desk import Desk
    from wxengage.ledger.bills import Bill

pytest.importorskip("wechatpy", reason="wechatpy is not installed")

CHINA = dt.timezone(8 * HOUR)
MERCHANT = "1900000109"
HEAD = "记账时间,资金流水单号,业务名称,收支类型,收支金额(元),业务凭证号"
SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


class Business:
    """A desk, whoever pays, and a WeChat that forgets nothing."""

    def __init__(self, fake: FakeWeChat, folder: Path) -> None:
        merchant = fake.pay.merchant
        cert, key = Path(str(merchant.cert_file)), Path(str(merchant.key_file))
        api_key = fake.pay.api_key
        self.fake, self.folder = fake, folder
        self.till = Shop("", fake.url, folder, 0.0, cert, key, api_key).till()

    def open(self, name: str) -> Desk:
        """Open a store of the business."""
        return open_desk(
            f"sqlite:///{self.folder / name}",
            merchant=MERCHANT,
            clock=lambda: self.fake.now,
            processes="one",
            outbox=POLICY,
        )

    def dispatch(self, desk: Desk) -> None:
        """Dispatch until nothing is due any more; people open what they get."""
        for _ in range(100):
            if desk.next_due() is None:
                return
            desk.dispatch({"payout:cash": self.till}, rng=np.random.default_rng(1))
            for payment in self.fake.pay.payments:
                if self.fake.pay.state(payment.number) == "SENT":
                    self.fake.pay.receive(payment.number)
            self.fake.advance(dt.timedelta(minutes=31))
        pytest.fail("it never ends")

    def bills(self) -> list[Bill]:
        """Return the provider's bills of the day and the next."""
        day = START.astimezone(CHINA).date()
        return [self._bill(day), self._bill(day + dt.timedelta(days=1))]

    def _bill(self, day: dt.date) -> Bill:
        lines, total = [], 0
        for payment in self.fake.pay.payments:
            at = payment.at.astimezone(CHINA)
            if at.date() == day:
                told = (payment.receipt, "现金红包", "支出", _yuan(payment.fen))
                stamp = f"{at:%Y-%m-%d %H:%M:%S}"
                lines.append("`" + ",`".join([stamp, *told, payment.number]))
                total += payment.fen
        sums = f"`{len(lines)},`0,`0.00,`{len(lines)},`{_yuan(total)}"
        return read_bill("\n".join([HEAD, *lines, SUMMARY, sums, ""]), day)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


@pytest.fixture
def business() -> Iterator[Business]:
    """Give a business that begins."""
    with FakeWeChat(now=START) as fake, a_folder() as folder:
        yield Business(fake, folder)


def invite(inviter: str, friend: str) -> tuple[Event, Event]:
    """Return that somebody brings a friend, in good time for the hold to be over."""
    at = START - 3 * HOUR
    said: dict[str, Any] = {"campaign": "spring", "inviter": inviter}
    return (
        Event("scan", user=friend, at=at, id=f"s-{friend}", **said),
        Event("follow", user=friend, at=at + HOUR / 60, id=f"f-{friend}"),
    )


YESTERDAY = (*invite("ada", "bob"), *invite("ada", "cy"), *invite("dan", "eve"))
TODAY = invite("dan", "fay")


def live_a_day(business: Business) -> None:
    """Be told of yesterday, back up, be told of today, and pay all of it."""
    with business.open("desk.db") as desk:
        desk.backfill([])
        desk.publish(campaign(), budget=10_000)
        desk.record_many(YESTERDAY)
        desk.tick()
        assert 3 == len(payouts(desk, "reserved"))
        desk.store.backup(business.folder / "backup.db")
        desk.record_many(TODAY)
        business.dispatch(desk)
        assert 4 == len(payouts(desk, "paid"))
        assert () == desk.reconcile(business.bills()).differences
    assert 4 == len(business.fake.pay.payments)


def test_the_bill_names_what_a_restored_backup_has_forgotten(
    business: Business,
) -> None:
    """Three payouts that the books do not call paid, and one that they do not know."""
    live_a_day(business)

    with business.open("backup.db") as desk:
        found = desk.reconcile(business.bills()).differences
        known = {one.payout.number for one in payouts(desk)}

    paid = {payment.number: payment.fen for payment in business.fake.pay.payments}
    assert {"bill_only"} == {one.kind for one in found}
    assert paid == {one.number: one.bill_out for one in found}
    assert known == {one.number for one in found if one.state == "reserved"}
    assert [""] == [one.state for one in found if one.number not in known]


def test_a_restored_backup_asks_again_under_the_same_numbers(
    business: Business,
) -> None:
    """Nobody is paid twice, also for what is told anew, and the books are whole."""
    live_a_day(business)
    paid, calls = business.fake.pay.payments, len(business.fake.calls)

    with business.open("backup.db") as desk:
        # Whoever tells has the events of today still; others are known.
        assert 2 == sum(
            not one.duplicate for one in desk.record_many([*YESTERDAY, *TODAY])
        )
        business.dispatch(desk)
        books = {one.payout.number for one in payouts(desk, "paid")}
        assert () == desk.reconcile(business.bills()).differences
        assert () == desk.audit()
        assert () == check_safety(desk.store)

    assert paid == business.fake.pay.payments
    assert books == {payment.number for payment in paid}
    assert calls + 4 <= len(business.fake.calls)


def test_with_hints_from_the_bill_a_restored_backup_asks_before_it_pays(
    business: Business,
) -> None:
    """What the bill names is asked about, and no request to pay leaves for it."""
    live_a_day(business)
    before = len(business.fake.calls)

    with business.open("backup.db") as desk:
        found = desk.reconcile(business.bills()).differences
        assert [True, True, True, False] == sorted(
            (desk.hint(one.number) for one in found), reverse=True
        )
        business.dispatch(desk)
        assert 3 == len(payouts(desk, "paid"))

        # And what is known to be paid is not paid anew to who earns it anew.
        leave_and_come_back(business, desk, "cy")
        assert 3 == len(payouts(desk))

    asked = [call.path for call in business.fake.calls[before:]]
    assert ["/mmpaymkttransfers/gethbinfo"] * 3 == asked


def leave_and_come_back(business: Business, desk: Desk, friend: str) -> None:
    """Let a friend unfollow, and follow again, and pay what is due then."""
    minute = HOUR / 60
    left = business.fake.now - 2 * HOUR
    desk.record(Event("unfollow", user=friend, at=left, id=f"u-{friend}"))
    desk.record(Event("follow", user=friend, at=left + minute, id=f"a-{friend}"))
    desk.tick()
    business.dispatch(desk)
