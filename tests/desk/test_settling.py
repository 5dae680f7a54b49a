"""Money after it is promised: decided on by people, compared, and proved from rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.desks import (
    DAY,
    MERCHANT,
    OPENS,
    Clock,
    follow,
    invited,
    opened,
    referral,
    unfollow,
)
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Paid, Refunded, Refused, bill_number
from wxengage.desk.terms import Terms
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.ledger.bills import read_bill
from wxengage.ledger.states import State
from wxengage.money import yuan
from wxengage.stores.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.delivery.payouts import Fulfilment, Payout
    from wxengage.desk.desk import Desk
    from wxengage.stores.schema import Row

ADA = bill_number(MERCHANT, "spring", "ada", "rung:3")


class Till:
    """A provider that answers every request and question as it is told to."""

    def __init__(self, answer: Callable[[Payout, dt.datetime], Fulfilment]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def pay(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Answer a request."""
        self.asked.append(f"pay {payout.number}")
        return self.answer(payout, now)

    def query(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        """Answer a question."""
        self.asked.append(f"query {payout.number}")
        return self.answer(payout, now)


def paid(payout: Payout, now: dt.datetime) -> Paid:
    """Return that a payout has arrived, whole."""
    return Paid(payout.number, now, "42001", payout.reward.fen)  # type: ignore[union-attr]


def nothing(payout: Payout, now: dt.datetime) -> Unknown:
    """Return that nobody knows."""
    return Unknown(f"no answer about {payout.number[:4]} at {now:%H}")


def drained(desk: Desk, clock: Clock, till: Till, *, hours: int = 200) -> None:
    """Dispatch until nothing is due any more."""
    for _ in range(hours):
        clock.at += dt.timedelta(hours=1)
        desk.dispatch({"payout:cash": till})


@pytest.fixture
def owing(desk: Desk) -> Desk:
    """Return a desk that owes ada eight yuan."""
    desk.publish(referral(), terms=Terms(claw_back=True))
    desk.record_many(invited("ada", 3, OPENS))
    return desk


def test_a_payout_in_doubt_for_ever_is_parked_and_left_on_evidence(
    owing: Desk, clock: Clock
) -> None:
    """Nobody answers: one number is asked for and about, then a person has to look."""
    till = Till(nothing)
    drained(owing, clock, till)
    assert {f"pay {ADA}", f"query {ADA}"} >= set(till.asked)
    (line,) = owing.statement("spring").lines
    assert (yuan("8"), 0) == (line.payable, line.paid)
    assert () == owing.audit()
    proof = Paid(ADA, clock.at, "42001", yuan("8"))
    other = Paid(ADA, clock.at, "42001", yuan("7"))
    with pytest.raises(InvalidInputError, match="whole amount"):
        owing.resolve(ADA, other, by="lin", evidence="bill")
    record = owing.resolve(ADA, proof, by="lin", evidence="the bill of 9 March, row 3")
    assert (State.PAID, "lin") == (record.state, record.by)
    (line,) = owing.statement("spring").lines
    assert (0, yuan("8")) == (line.payable, line.paid)
    assert () == owing.audit()


def test_what_is_not_parked_is_not_resolved_by_hand(owing: Desk, clock: Clock) -> None:
    """A payout that nobody asked for yet cannot have been paid."""
    with pytest.raises(IllegalTransitionError):
        owing.resolve(
            ADA, Refunded(ADA, clock.at), by="lin", evidence="a hunch of mine"
        )


def test_a_payout_is_voided_before_it_is_asked_for_and_not_after(
    owing: Desk,
) -> None:
    """Voided, its money is back in the budget and its letter never leaves."""
    with pytest.raises(InvalidInputError, match="by"):
        owing.void(ADA, by=" ", reason="a cheat")
    assert State.CANCELLED is owing.void(ADA, by="lin", reason="a cheat").state
    till = Till(paid)
    owing.dispatch({"payout:cash": till})
    assert [] == till.asked
    (line,) = owing.statement("spring").lines
    assert line.funded == line.budget
    # Owed, and paid under no number: whoever voided it has answered for that.
    assert () == owing.audit()
    again = owing.renew(ADA, by="lin", reason="no cheat after all")
    assert (1, State.RESERVED) == (again.payout.generation, again.state)
    owing.dispatch({"payout:cash": till})
    assert [f"pay {again.payout.number}"] == till.asked
    with pytest.raises(IllegalTransitionError):
        owing.void(again.payout.number, by="lin", reason="too late")
    assert () == owing.audit()


def test_a_number_that_may_still_pay_is_not_renewed(owing: Desk, clock: Clock) -> None:
    """A refused request is not enough: a query has to confirm it."""

    def refused(payout: Payout, now: dt.datetime) -> Refused:
        assert now == clock.at
        return Refused(payout.number, "V2_ACCOUNT_SIMPLE_BAN", True, "suppress")

    owing.dispatch({"payout:cash": Till(refused)})
    with pytest.raises(InvalidInputError, match="confirmed"):
        owing.renew(ADA, by="lin", reason="he has a new account")


def test_a_paid_reward_that_is_withdrawn_becomes_a_debt_where_terms_say_so(
    owing: Desk,
) -> None:
    """And is none any more once the reward is owed again: it was paid already."""
    owing.dispatch({"payout:cash": Till(paid)})
    owing.record(unfollow("ada-friend-0", OPENS + 3 * DAY))
    (line,) = owing.statement("spring").lines
    assert (0, yuan("8")) == (line.paid, line.debt)
    assert () == owing.audit()
    owing.record(follow("ada-friend-0", OPENS + 4 * DAY))
    (line,) = owing.statement("spring").lines
    assert (yuan("8"), 0) == (line.paid, line.debt)
    assert () == owing.audit()


def test_the_bill_names_what_the_books_do_not_know(owing: Desk, clock: Clock) -> None:
    """Money that left without a record is an alarm; what agrees is a match."""
    owing.dispatch({"payout:cash": Till(paid)})
    at = clock.at.astimezone(dt.timezone(dt.timedelta(hours=8)))
    head = "记账时间,资金流水单号,业务名称,收支类型,收支金额(元),业务凭证号\n"
    row = "`{:%Y-%m-%d %H:%M:%S},`{},`商家转账,`支出,`8.00,`{}\n"
    total = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n"
    total += "`{0},`0,`0.00,`{0},`{1}.00\n"
    ours = row.format(at, "42001", ADA)
    strange = row.format(at, "42002", "1900000109zzzzzzzzzzzzzzzzzz")
    good = read_bill(head + ours + total.format(1, 8), at.date())
    bad = read_bill(head + ours + strange + total.format(2, 16), at.date())
    assert {"match": 1} == owing.reconcile(good).counts
    assert {"match": 1, "bill_only": 1} == owing.reconcile(bad).counts


@pytest.mark.parametrize(
    ("table", "change", "invariant"),
    [
        ("balance", {"amount": 1}, "I5"),
        ("letter", None, "I6"),
        ("payout", None, "I4"),
        ("fact", None, "I7"),
        ("posting", {"amount": 7}, "I1"),
    ],
)
def test_an_audit_sees_every_row_that_was_tampered_with(
    owing: Desk, table: str, change: dict[str, Any] | None, invariant: str
) -> None:
    """A row that is changed or taken out behind the desk's back is found."""
    shape = TABLES[table]
    places = shape.places(shape.key)

    def tampered(tx: Any) -> None:
        rows: tuple[Row, ...] = tx.walk(table)
        for row in rows:
            if change is None:
                tx.remove(table, [tuple(row[place] for place in places)])
                continue
            values = dict(zip(shape.names, row, strict=True)) | change
            tx.put(table, [tuple(values.values())])
            break

    owing.store.run(tampered)
    assert invariant in {finding.invariant for finding in owing.audit()}


def test_a_payout_nobody_has_is_named(desk: Desk) -> None:
    """A number that is no payout's is refused with where to look."""
    for act in (desk.void, desk.release, desk.renew):
        with pytest.raises(InvalidInputError, match="payout"):
            act("1900000109nope", by="lin", reason="a slip")


def test_an_open_desk_says_what_it_stands_on(where: str, clock: Clock) -> None:
    """The desk shows its store, engine and version, for whoever looks at a log."""
    with opened(where, clock) as desk:
        assert desk.store.name in repr(desk)
