"""What reading a bill, and comparing it with the books, promise."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.ledger.bills import Bill, BillRow, read_bill
from wxengage.ledger.reconciling import reconcile
from wxengage.ledger.records import PayoutRecord, open_payout
from wxengage.ledger.states import State
from wxengage.money import Cash, Points, format_yuan
from wxengage.times.zones import SHANGHAI, zone

DAY = dt.date(2026, 3, 2)
HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),"
    "账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


def line(
    number: str,
    yuan: str = "8.00",
    *,
    flow: str = "42001",
    at: str = "2026-03-02 10:00:00",
    way: str = "支出",
) -> str:
    """Return one row of a bill, with a comma in its remark."""
    fields = [at, "50300", flow, "商家转账", "转账", way, yuan, "92.00", "API"]
    return "`" + ",`".join([*fields, "活动奖励,三月", number])


def bill_of(*lines: str, summary: str = "1,`0,`0.00,`1,`8.00") -> str:
    """Return the text of a bill."""
    return "\n".join([HEAD, *lines, SUMMARY, f"`{summary}", ""])


def test_a_bill_is_read_to_the_fen() -> None:
    """Back-ticks, a comma in a remark, a byte order mark and Windows' lines."""
    text = bill_of(
        line("n1", "0.29"),
        line("n2", "1145.07", flow="42002", way="收入"),
        summary="2,`1,`1145.07,`1,`0.29",
    )

    bill = read_bill("\ufeff" + text.replace("\n", "\r\n"), DAY)

    at = dt.datetime(2026, 3, 2, 10, tzinfo=zone(SHANGHAI))
    assert (
        BillRow(2, at, "n1", "42001", "商家转账", "out", 29, "50300"),
        BillRow(3, at, "n2", "42002", "商家转账", "in", 114507, "50300"),
    ) == bill.rows
    assert bill == read_bill(text, DAY)


def test_a_movement_without_a_number_of_ours_is_compared_by_the_providers() -> None:
    """Money that left under no number of ours is an alarm all the same."""
    bill = read_bill(bill_of(line("")), DAY)

    (found,) = reconcile(bill, []).comparisons

    assert ("bill_only", "42001", 800) == (found.kind, found.number, found.bill_out)


def test_a_day_without_movements_is_a_bill() -> None:
    """Its summary says so."""
    assert () == read_bill(bill_of(summary="0,`0,`0.00,`0,`0.00"), DAY).rows


GOOD = line("n1")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "a head, rows and a summary"),
        (f"{HEAD}\n{GOOD}\n{line('n2', flow='42002')}", "ended by a summary"),
        (bill_of(GOOD).replace("业务凭证号", "凭证", 1), "业务凭证号 once"),
        (bill_of(GOOD, GOOD), "there once; line 2"),
        (bill_of(GOOD, summary="2,`0,`0.00,`2,`8.00"), "资金流水总笔数 must be 1"),
        (bill_of(GOOD, summary="1,`0,`0.00,`1,`8.01"), "支出金额 must be 800"),
        (bill_of(GOOD, summary="1,`0,`0.01,`1,`8.00"), "收入金额 must be 0"),
        (bill_of(GOOD, summary="1,`0,`0.00,`1"), "5 numbers"),
        (bill_of(GOOD, summary="one,`0,`0.00,`1,`8.00"), "a count"),
        (bill_of(GOOD.replace("8.00", "8.001")), "two decimals"),
        (bill_of(GOOD.replace("8.00", "-8.00")), "an amount of yuan"),
        (bill_of(GOOD.replace("8.00", "8e0")), "an amount of yuan"),
        (bill_of(GOOD.replace("支出", "转出")), "支出 or 收入"),
        (bill_of(GOOD.replace("03-02 10", "03-03 10")), "on 2026-03-02"),
        (bill_of(GOOD.replace("03-02 10", "02-30 10")), "a time such as"),
        (bill_of(GOOD.replace(" 10:00:00", "T10:00:00")), "a time such as"),
        (bill_of(GOOD.replace(",`n1", "")), "11 fields"),
        (bill_of(GOOD[1:]), "after a back-tick"),
        (bill_of(GOOD.replace("42001", "")), "not blank"),
        (bill_of(GOOD.replace("n1", "n\x001")), "control"),
        (b"bytes", "a text"),
    ],
)
def test_a_bill_that_proves_nothing_is_refused(text: Any, rule: str) -> None:
    """Cut short, mended by hand, of another day: the message says where and what."""
    with pytest.raises(InvalidInputError, match=rule):
        read_bill(text, DAY)


@pytest.mark.parametrize("date", [None, "2026-03-02", dt.datetime(2026, 3, 2)])  # noqa: DTZ001
def test_a_bill_has_a_day(date: Any) -> None:
    """A date, and no instant."""
    with pytest.raises(InvalidInputError, match="date"):
        read_bill(bill_of(GOOD), date)


AMOUNTS = st.lists(
    st.tuples(st.integers(0, 10**12), st.sampled_from(["支出", "收入"])), max_size=8
)


@given(AMOUNTS, st.data())
def test_every_bill_is_read_and_no_shorter_one(
    amounts: list[tuple[int, str]], data: st.DataObject
) -> None:
    """What adds up is read exactly; a line less never is."""
    lines = [
        line(f"n{row}", format_yuan(fen)[:-1], flow=f"f{row}", way=way)
        for row, (fen, way) in enumerate(amounts)
    ]
    ins, outs = (
        [fen for fen, way in amounts if way == one] for one in ("收入", "支出")
    )
    counts = (len(amounts), len(ins), sum(ins), len(outs), sum(outs))
    shown = [
        format_yuan(n)[:-1] if row in {2, 4} else n for row, n in enumerate(counts)
    ]
    text = bill_of(*lines, summary=",`".join(map(str, shown)))

    assert [fen for fen, _ in amounts] == [row.fen for row in read_bill(text, DAY).rows]
    whole = text.split("\n")
    lost = data.draw(st.integers(0, len(whole) - 2))
    with pytest.raises(InvalidInputError):
        read_bill("\n".join(whole[:lost] + whole[lost + 1 :]), DAY)


# --- comparing ------------------------------------------------------------------------

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=zone(SHANGHAI))


def payout(
    user: str, state: State, *, at: dt.datetime = NOON, since: dt.datetime | None = None
) -> PayoutRecord:
    """Return a payout of 8 yuan in a state."""
    record = open_payout(
        "1900000109",
        "spring",
        user,
        "rung:3",
        recipient=f"openid-{user}",
        reward=Cash(800),
        at=at,
    )
    return attrs.evolve(record, state=state, submitted=since or at)


def row(
    record: PayoutRecord | str,
    fen: int = 800,
    *,
    at: dt.datetime = NOON,
    way: Any = "out",
    flow: str = "f",
    business: str = "商家转账",
) -> BillRow:
    """Return a movement under a payout's number."""
    number = record if isinstance(record, str) else record.payout.number
    return BillRow(2, at, number, f"{flow}-{number}-{way}", business, way, fen)


@pytest.mark.parametrize(
    ("state", "moves", "kind", "agrees"),
    [
        (State.PAID, [(800, "out")], "match", True),
        (State.AWAITING_USER, [(800, "out")], "match", True),
        (State.ACCEPTED, [(800, "out")], "match", True),
        (State.PAID, [(799, "out")], "amount_differs", False),
        (State.PAID, [(1600, "out")], "amount_differs", False),
        (State.PAID, [(800, "out"), (300, "in")], "amount_differs", False),
        (State.PAID, [(300, "in")], "amount_differs", False),
        (State.EXPIRED_REFUNDED, [(800, "in")], "refunded", True),
        (State.EXPIRED_REFUNDED, [(800, "out"), (800, "in")], "refunded", True),
        (State.FAILED, [(800, "out"), (800, "in")], "refunded", True),
        (State.PAID, [(800, "in")], "refunded", False),
        (State.UNKNOWN, [(800, "out")], "bill_only", False),
        (State.PARKED, [(800, "out")], "bill_only", False),
        (State.FAILED, [(800, "out")], "bill_only", False),
        (State.RESERVED, [(800, "out")], "bill_only", False),
        (State.PAID, [], "books_only", False),
    ],
)
def test_each_difference_has_its_class(
    state: State, moves: list[tuple[int, str]], kind: str, agrees: bool
) -> None:
    """What the books say, against what has moved."""
    record = payout("ada", state)
    rows = tuple(row(record, fen, way=way, flow=str(fen)) for fen, way in moves)

    (found,) = reconcile(Bill(DAY, rows), [record]).comparisons

    assert (kind, agrees, state.value, 800) == (
        found.kind,
        found.agrees,
        found.state,
        found.books_fen,
    )


def test_money_that_left_without_a_record_is_an_alarm() -> None:
    """Nobody knows the number."""
    found = reconcile(Bill(DAY, (row("stranger"),)), [])

    assert [("bill_only", "stranger", "")] == [
        (one.kind, one.number, one.state) for one in found.differences
    ]
    assert {"bill_only": 1} == found.counts
    assert "stranger" in str(found)


def test_a_row_is_found_by_the_providers_receipt_too() -> None:
    """Where the bill has no number of ours, the answer had one of theirs."""
    record = attrs.evolve(payout("ada", State.PAID), receipt="wx-4200")
    found = reconcile(
        Bill(DAY, (attrs.evolve(row("voucher"), receipt="wx-4200"),)), [record]
    )

    assert [("match", record.payout.number)] == [
        (one.kind, one.number) for one in found.comparisons
    ]
    assert "match" in found._repr_html_()


def test_a_day_boundary_explains_what_one_bill_does_not_have() -> None:
    """Within ten minutes of midnight, or while a user takes his time."""
    midnight = dt.datetime(2026, 3, 3, 0, 5, tzinfo=zone(SHANGHAI))
    records = [
        payout("ada", State.PAID, at=midnight),
        payout("bo", State.PAID, at=midnight + dt.timedelta(hours=9), since=NOON),
        payout("cy", State.PAID, at=midnight + dt.timedelta(hours=9)),
    ]

    one_day = reconcile(Bill(DAY, ()), records)
    both_days = reconcile(
        [Bill(DAY, ()), Bill(DAY + dt.timedelta(days=1), ())], records
    )

    assert {"cross_midnight": 2} == one_day.counts
    assert () == one_day.differences
    assert {"books_only": 3} == both_days.counts


def test_a_row_of_another_day_than_the_books_have_is_named() -> None:
    """It matches, and the class says that the days differ."""
    record = payout("ada", State.PAID)
    later = row(record, at=NOON + dt.timedelta(days=1))

    found = reconcile(Bill(DAY + dt.timedelta(days=1), (later,)), [record])

    assert {"cross_midnight": 1} == found.counts
    assert () == found.differences


def test_other_businesses_and_other_rewards_are_left_out() -> None:
    """And the rows are counted."""
    record = payout("ada", State.PAID)
    points = open_payout(
        "1900000109",
        "spring",
        "bo",
        "rung:3",
        recipient="openid-bo",
        reward=Points(5),
        at=NOON,
    )
    rows = (row(record), row("order-7", business="交易"))

    found = reconcile(
        Bill(DAY, rows),
        [record, attrs.evolve(points, state=State.PAID)],
        businesses=["商家转账"],
    )

    assert ({"match": 1}, 1) == (found.counts, found.elsewhere)


@pytest.mark.parametrize(
    ("bills", "payouts", "rule"),
    [
        ([], [], "at least one bill"),
        ([Bill(DAY, ()), Bill(DAY, ())], [], "a day of its own"),
        (
            [Bill(DAY, (row("n"),)), Bill(dt.date(2026, 3, 3), (row("n"),))],
            [],
            "no other bill",
        ),
        (["bill"], [], "a Bill"),
        ([Bill(DAY, ())], [payout("ada", State.PAID)] * 2, "there once"),
        ([Bill(DAY, ())], ["ada"], "a PayoutRecord"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    bills: Any, payouts: Any, rule: str
) -> None:
    """Twice the same would be a difference that is none."""
    with pytest.raises(InvalidInputError, match=rule):
        reconcile(bills, payouts)


STATES = st.sampled_from([State.PAID, State.UNKNOWN, State.FAILED, State.RESERVED])


@given(
    st.dictionaries(st.sampled_from("abcdef"), STATES),
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([799, 800])),
)
def test_no_number_is_lost(states: dict[str, State], moved: dict[str, int]) -> None:
    """Each row of the bill is compared once, and so is each payout of the day."""
    records = {user: payout(user, state) for user, state in states.items()}
    numbers = {user: payout(user, State.PAID).payout.number for user in moved}
    rows = tuple(row(numbers[user], fen) for user, fen in moved.items())

    found = reconcile(Bill(DAY, rows), records.values())

    paid = {
        record.payout.number
        for record in records.values()
        if record.state is State.PAID
    }
    told = [one.number for one in found.comparisons]
    assert sorted(paid | set(numbers.values())) == sorted(told)
    agreed = {
        user
        for user, fen in moved.items()
        if fen == 800 and states.get(user) is State.PAID
    }
    assert {numbers[user] for user in agreed} == {
        one.number for one in found.comparisons if one.agrees
    }
