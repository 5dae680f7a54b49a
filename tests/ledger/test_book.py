"""What entries, the book, limits, debts and statements promise."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.codec import dump, load
from wxengage.delivery.payouts import Paid
from wxengage.errors import InvalidInputError, OverdrawnError
from wxengage.ledger.accounts import LedgerAccount, Role, measure
from wxengage.ledger.auditing import audit
from wxengage.ledger.book import Book
from wxengage.ledger.debts import claw_back, net_debt
from wxengage.ledger.entries import (
    Entry,
    Posting,
    fund,
    move_funds,
    reverse,
    transfer,
)
from wxengage.ledger.events import Answered, Leased, Voided
from wxengage.ledger.funding import SpendLimit, book_event, reserve
from wxengage.ledger.records import PayoutRecord, open_payout
from wxengage.ledger.statements import Line, statement
from wxengage.ledger.states import State
from wxengage.money import Cash, Coupon, Perk, Points, Reward

AT = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
WORLD = LedgerAccount("spring", Role.WORLD)
BUDGET = LedgerAccount("spring", Role.BUDGET)
PAID = LedgerAccount("spring", Role.PAID)
GIFT = fund("spring", 2000, AT, id="f1", note="Lin")


def payout(
    reward: Reward, user: str = "ada", key: str = "rung:3", campaign: str = "spring"
) -> PayoutRecord:
    """Return a payout of a reward."""
    return open_payout(
        "1900000109",
        campaign,
        user,
        key,
        recipient=f"openid-{user}",
        reward=reward,
        at=AT,
    )


def paid(book: Book, record: PayoutRecord) -> PayoutRecord:
    """Return a payout that has gone through everything."""
    record = book_event(book, reserve(book, record, AT), Leased(AT))
    fen = measure(record.payout.reward)[1]
    told = Paid(record.payout.number, AT, "", fen)
    return book_event(book, record, Answered(AT, told, 1))


# --- entries and the book -------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Entry("e", AT, (), "x", "y"), "at least two"),
        (
            lambda: Entry("e", AT, (Posting(BUDGET, "fen", 1),), "x", "y"),
            "at least two",
        ),
        (
            lambda: Entry(
                "e",
                AT,
                (Posting(WORLD, "fen", -1), Posting(BUDGET, "fen", 2)),
                "x",
                "y",
            ),
            "zero in sum of fen",
        ),
        (
            lambda: Entry(
                "e",
                AT,
                (Posting(WORLD, "fen", -1), Posting(BUDGET, "points", 1)),
                "x",
                "y",
            ),
            "zero in sum",
        ),
        (
            lambda: Entry(
                "e",
                AT,
                (Posting(BUDGET, "fen", -1), Posting(BUDGET, "fen", 1)),
                "x",
                "y",
            ),
            "only posting",
        ),
        (lambda: Entry("e", AT, ("fen", 1), "x", "y"), "a Posting"),  # type: ignore[arg-type]
        (lambda: Entry("", AT, GIFT.postings, "x", "y"), "not blank"),
        (lambda: Entry("e", AT.replace(tzinfo=None), GIFT.postings, "x", "y"), "aware"),
        (lambda: Entry("e", AT, GIFT.postings, "x", "y", 7), "a text"),  # type: ignore[arg-type]
        (lambda: Posting(BUDGET, "fen", 0), "other than zero"),
        (lambda: Posting(BUDGET, "fen", True), "a whole number"),
        (lambda: Posting(BUDGET, "fen", 2**63), "at most"),
        (lambda: Posting(BUDGET, "yuan", 1), "a unit"),
        (lambda: Posting(BUDGET, "coupon:", 1), "not blank"),
        (lambda: Posting("spring/budget", "fen", 1), "a LedgerAccount"),  # type: ignore[arg-type]
        (lambda: LedgerAccount("spring", "budget"), "a Role"),  # type: ignore[arg-type]
        (lambda: LedgerAccount("spring", Role.BUDGET, "ada"), "whole campaign shares"),
        (lambda: LedgerAccount("spring", Role.DEBT), "owner"),
        (lambda: LedgerAccount("spring", Role.ROOM, "today"), "owner"),
        (lambda: LedgerAccount("spring", Role.ROOM, b"day:1"), "a text"),  # type: ignore[arg-type]
        (lambda: Book().balance(BUDGET, "yuan"), "a unit"),
        (lambda: Book().balance("spring/budget", "fen"), "a LedgerAccount"),  # type: ignore[arg-type]
        (lambda: fund("spring", 0, AT, id="f"), "at least 1"),
        (
            lambda: move_funds(
                "spring", Role.PAID, Role.BUDGET, 1, AT, id="m", note="Lin"
            ),
            "REFUNDED to BUDGET",
        ),
        (
            lambda: move_funds(
                "spring", Role.BUDGET, Role.WORLD, 1, AT, id="m", note=" "
            ),
            "who and why",
        ),
        (lambda: reverse(GIFT, AT, note=""), "who and why"),
        (lambda: measure(800), "a reward"),  # type: ignore[arg-type]
        (lambda: SpendLimit("week", 1), "a scope"),  # type: ignore[arg-type]
        (lambda: SpendLimit("campaign", 1, only="spring"), "None for a campaign"),
    ],
)
def test_what_breaks_a_rule_is_refused(make: Any, rule: str) -> None:
    """The message names field and rule."""
    with pytest.raises(InvalidInputError, match=rule):
        make()


@pytest.mark.parametrize(
    "value",
    [GIFT, GIFT.postings[0], BUDGET, SpendLimit("day", 500, only="2026-03-02")],
    ids=lambda value: type(value).__name__,
)
def test_entries_can_be_kept(value: object) -> None:
    """What is written is read."""
    assert value == load(dump(value))


def test_an_entry_is_posted_once() -> None:
    """The same id and content is the same entry; other content is refused."""
    book = Book([GIFT])

    assert book.post(GIFT) is False
    assert 2000 == book.balance(BUDGET, "fen")
    with pytest.raises(InvalidInputError, match="same content"):
        book.post(fund("spring", 2001, AT, id="f1", note="Lin"))
    assert (1, True, GIFT) == (len(book), "f1" in book, book.entry("f1"))
    with pytest.raises(InvalidInputError, match="the id of an entry"):
        book.entry("f2")
    with pytest.raises(InvalidInputError, match="an Entry"):
        book.post("f1")  # type: ignore[arg-type]


def test_an_account_that_holds_too_little_refuses_and_nothing_is_posted() -> None:
    """The message names account, balance and amount; half an entry never counts."""
    book = Book([GIFT])
    back = move_funds("spring", Role.BUDGET, Role.WORLD, 1500, AT, id="m1", note="Lin")
    more = move_funds("spring", Role.BUDGET, Role.WORLD, 501, AT, id="m2", note="Lin")

    with pytest.raises(OverdrawnError) as refused:
        book.post_all([back, more])

    told = "spring/budget must not go below zero: it holds 500 fen"
    assert told in str(refused.value)
    assert ("spring/budget", "fen", 500, 501) == (
        refused.value.account,
        refused.value.unit,
        refused.value.balance,
        refused.value.amount,
    )
    assert {(WORLD, "fen"): -2000, (BUDGET, "fen"): 2000} == book.balances()
    assert 1 == len(book)


def test_a_balance_has_64_bits() -> None:
    """More is refused before it is posted."""
    book = Book([fund("spring", 2**63 - 1, AT, id="f1")])

    with pytest.raises(InvalidInputError, match="64 bits"):
        book.post(fund("spring", 1, AT, id="f2"))


def test_a_reversal_undoes_its_entry_once() -> None:
    """It is a new entry; the old one stays."""
    book = Book([GIFT])
    undone = reverse(GIFT, AT + HOUR, note="Lin: wrong campaign")

    assert book.post(undone)
    assert {} == book.balances()
    assert [GIFT, undone] == list(book)
    assert (undone,) == book.about("f1")
    with pytest.raises(InvalidInputError, match="same content"):
        book.post(reverse(GIFT, AT, note="Lin: again"))
    with pytest.raises(InvalidInputError, match="no reversal itself"):
        reverse(undone, AT, note="Lin")


def test_a_reversal_is_of_an_entry_in_the_book_and_of_all_of_it() -> None:
    """Nobody makes one up."""
    undone = reverse(GIFT, AT, note="Lin")
    half = Entry(undone.id, AT, transfer(BUDGET, WORLD, "fen", 1), "reversal", "f1")
    book = Book([GIFT])

    with pytest.raises(InvalidInputError, match="exactly the opposite"):
        book.post(half)
    with pytest.raises(InvalidInputError, match="the id of an entry"):
        Book().post(undone)


def test_what_a_payout_has_posted_is_not_reversed_by_hand() -> None:
    """Its own events undo it, or the books and its state would part."""
    book = Book([GIFT])
    reserve(book, payout(Cash(800)), AT)
    held = list(book)[-1]

    with pytest.raises(InvalidInputError, match="the entry of no payout"):
        reverse(held, AT, note="Lin")


@given(
    st.lists(
        st.tuples(st.sampled_from(["fund", "back"]), st.integers(1, 50)), max_size=30
    )
)
def test_all_accounts_together_are_always_zero(moves: list[tuple[str, int]]) -> None:
    """Whatever is posted, and whatever is refused."""
    book = Book()
    budget = 0
    for place, (kind, amount) in enumerate(moves):
        if kind == "fund":
            book.post(fund("spring", amount, AT, id=f"e{place}"))
            budget += amount
        elif amount > budget:
            with pytest.raises(OverdrawnError):
                book.post(back(amount, place))
        else:
            book.post(back(amount, place))
            budget -= amount

        assert budget == book.balance(BUDGET, "fen")
        assert 0 == sum(book.balances().values())
    assert () == audit(book, ())


def back(amount: int, place: int) -> Entry:
    """Return the entry that takes some of the budget back."""
    return move_funds(
        "spring", Role.BUDGET, Role.WORLD, amount, AT, id=f"e{place}", note="Lin"
    )


# --- setting money aside --------------------------------------------------------------


def test_the_last_money_is_promised_once() -> None:
    """Of three who ask for 8 yuan each, a budget of 20 yuan serves two."""
    book = Book([GIFT])
    records = [payout(Cash(800), user) for user in ("ada", "bo", "cy")]

    found = [reserve(book, record, AT) for record in records]

    states = [State.RESERVED, State.RESERVED, State.UNFUNDED]
    assert states == [record.state for record in found]
    assert "spring/budget" == found[2].because
    book.post(fund("spring", 400, AT, id="f2"))
    assert State.RESERVED is reserve(book, found[2], AT).state
    assert 0 == book.balance(BUDGET, "fen")


@pytest.mark.parametrize(
    ("limit", "account"),
    [
        (SpendLimit("campaign", 1500), "spring/room/campaign:spring"),
        (SpendLimit("user", 1500), "spring/room/user:ada"),
        (SpendLimit("rung", 799), "spring/room/rung:rung:3"),
        (SpendLimit("day", 1500), "spring/room/day:2026-03-02"),
        (SpendLimit("user", 0), "spring/room/user:ada"),
        (SpendLimit("user", 1500, only="ada"), "spring/room/user:ada"),
    ],
)
def test_every_limit_is_an_account_that_runs_out(
    limit: SpendLimit, account: str
) -> None:
    """The second reward does not fit, and the budget is as it was."""
    book = Book([GIFT])
    first = payout(Cash(800), key="rung:6" if limit.per == "rung" else "rung:1")
    if limit.most > 800 and limit.per != "rung":
        assert State.RESERVED is reserve(book, first, AT, limits=[limit]).state
    before = book.balances()

    found = reserve(book, payout(Cash(800)), AT, limits=[limit])

    assert (State.UNFUNDED, account) == (found.state, found.because)
    assert before == book.balances()


def test_a_limit_for_one_stands_in_the_place_of_the_limit_for_all() -> None:
    """And a limit in another unit limits nothing."""
    book = Book([GIFT])
    limits = [
        SpendLimit("user", 100),
        SpendLimit("user", 900, only="ada"),
        SpendLimit("campaign", 1, unit="points"),
    ]

    states = [
        reserve(book, payout(Cash(800), user), AT, limits=limits).state
        for user in ("ada", "bo")
    ]

    assert [State.RESERVED, State.UNFUNDED] == states
    with pytest.raises(InvalidInputError, match="there once"):
        reserve(book, payout(Cash(1)), AT, limits=[limits[0], limits[0]])
    with pytest.raises(InvalidInputError, match="a SpendLimit"):
        reserve(book, payout(Cash(1)), AT, limits=[900])  # type: ignore[list-item]


def test_the_day_of_a_limit_is_the_local_day() -> None:
    """16:00 in UTC is midnight in Shanghai: another day's money."""
    book = Book([GIFT])
    limits = [SpendLimit("day", 800)]
    midnight = dt.datetime(2026, 3, 2, 16, tzinfo=dt.UTC)

    states = [
        reserve(book, payout(Cash(800), user), at, limits=limits).state
        for user, at in (("ada", midnight - HOUR), ("bo", midnight))
    ]

    assert [State.RESERVED, State.RESERVED] == states


def test_what_is_called_off_gives_its_room_back() -> None:
    """Budget and limits are as before."""
    book = Book([GIFT])
    limits = [SpendLimit("user", 800), SpendLimit("day", 800)]
    record = reserve(book, payout(Cash(800)), AT, limits=limits)

    record = book_event(book, record, Voided(AT, "withdrawn"))

    assert ((), State.CANCELLED) == (record.rooms, record.state)
    again = reserve(book, payout(Cash(800), key="rung:6"), AT, limits=limits)
    assert State.RESERVED is again.state
    assert () == audit(book, [record, again])


# --- debts ----------------------------------------------------------------------------


def test_a_debt_is_paid_off_by_the_next_reward() -> None:
    """8 yuan that were not earned: of the next 15 yuan, 7 are paid."""
    book = Book([fund("spring", 5000, AT, id="f1")])
    record = paid(book, payout(Cash(800)))
    entry = claw_back(record, AT, note="Lin: three invites of one person")
    assert [True, False] == [book.post(entry), book.post(entry)]

    rest = net_debt(book, "spring", "ada", Cash(1500), AT, key="rung:6")

    assert Cash(700) == rest
    assert rest == net_debt(book, "spring", "ada", Cash(1500), AT + HOUR, key="rung:6")
    assert 0 == book.balance(LedgerAccount("spring", Role.DEBT, "ada"), "fen")
    assert 800 == book.balance(PAID, "fen")
    assert () == audit(book, [record])
    with pytest.raises(InvalidInputError, match="netted for it"):
        net_debt(book, "spring", "ada", Cash(300), AT, key="rung:6")


@pytest.mark.parametrize(
    ("reward", "least", "left"),
    [
        (Cash(300), 1, None),
        (Cash(800), 1, None),
        (Cash(805), 10, Cash(10)),
        (Cash(805), 1, Cash(5)),
        (Cash(805), 900, Cash(805)),
        (Points(900), 1, Points(900)),
        (Coupon("9"), 1, Coupon("9")),
    ],
)
def test_what_is_left_can_be_paid(
    reward: Reward, least: int, left: Reward | None
) -> None:
    """A rest below the least that can be paid is not left over."""
    book = Book([fund("spring", 5000, AT, id="f1")])
    book.post(claw_back(paid(book, payout(Cash(800))), AT, note="Lin"))

    assert left == net_debt(
        book, "spring", "ada", reward, AT, key="rung:6", least=least
    )


def test_a_debt_of_points_is_paid_off_in_points() -> None:
    """Each unit by itself."""
    book = Book([fund("spring", 50, AT, id="f1", unit="points")])
    book.post(claw_back(paid(book, payout(Points(20))), AT, note="Lin"))

    assert Points(10) == net_debt(book, "spring", "ada", Points(30), AT, key="rung:6")


def test_only_money_and_points_that_arrived_are_clawed_back() -> None:
    """Before that, nobody owes anything."""
    book = Book([fund("spring", 1, AT, id="f1", unit="perk:badge")])
    with pytest.raises(InvalidInputError, match="paid"):
        claw_back(payout(Cash(800)), AT, note="Lin")
    badge = paid(book, payout(Perk("badge")))
    with pytest.raises(InvalidInputError, match="cash or points"):
        claw_back(badge, AT, note="Lin")
    book.post(fund("spring", 800, AT, id="f2"))
    with pytest.raises(InvalidInputError, match="who and why"):
        claw_back(paid(book, payout(Cash(800), key="rung:6")), AT, note="")


# --- statements -----------------------------------------------------------------------


def test_a_statement_says_where_everything_is() -> None:
    """What was given is the sum of all the others, in each unit, at each instant."""
    book = Book([fund("spring", 3000, AT, id="f1"), fund("autumn", 9, AT, id="f2")])
    book.post(fund("spring", 40, AT + HOUR, id="f3", unit="points"))
    reserve(book, payout(Cash(800)), AT)
    book.post(claw_back(paid(book, payout(Cash(500), "bo")), AT, note="Lin"))
    paid(book, payout(Cash(300), "cy"))

    found = statement(book, "spring", AT + HOUR)

    fen, points = found.lines
    assert ("fen", 3000, 1400, 800, 0, 300, 0, 500, 0) == tuple(
        getattr(fen, field.name) for field in attrs.fields(Line)
    )
    assert ("points", 40, 40) == (points.unit, points.funded, points.budget)
    assert (fen,) == statement(book, "spring", AT).lines
    assert () == statement(book, "winter", AT).lines
    assert () == statement(book, "spring", AT - HOUR).lines
    assert "14.00元" in str(found)
    assert "<td>14.00元</td>" in found._repr_html_()


def test_a_book_says_how_long_it_is() -> None:
    """And no more: its entries are somebody's payments."""
    assert "Book(1 entries)" == repr(Book([GIFT]))


@pytest.mark.parametrize("unit", [None, 5, "coupon", "fen:9"])
def test_a_unit_is_one_that_a_reward_has(unit: Any) -> None:
    """Nothing is counted in anything else."""
    with pytest.raises(InvalidInputError, match="a unit"):
        Posting(BUDGET, unit, 1)
