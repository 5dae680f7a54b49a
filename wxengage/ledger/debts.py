"""Taking back what was paid and turned out not to be earned (追回, 抵扣).

WeChat gives no payment back. What a user has and should not have is a debt, and the
next reward of the campaign pays it off first. Nothing of this happens by itself:
whoever wants it calls it, for each payout by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.ledger.accounts import FEN, POINTS, LedgerAccount, Role, measure
from wxengage.ledger.entries import Entry, transfer
from wxengage.ledger.states import State
from wxengage.money import Cash, Points, Reward
from wxengage.sends import fingerprint

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.ledger.book import Journal
    from wxengage.ledger.records import PayoutRecord

__all__ = ["CLAW_BACK", "NET", "claw_back", "claw_back_id", "net_debt", "net_id"]

#: Why an entry was made that turns a payment into a debt, or pays a debt off.
CLAW_BACK: Final = "claw_back"
NET: Final = "net"


def claw_back(record: PayoutRecord, at: dt.datetime, *, note: str) -> Entry:
    """Return the entry that makes a payment a debt of its user (追回).

    Parameters
    ----------
    record
        A payout of cash or points that has arrived.
    at
        When, aware.
    note
        Who decided it and why; not blank.

    Returns
    -------
    Entry
        From paid to the user's debt. Its id follows from the payout, so that a
        payout is clawed back once.

    Raises
    ------
    InvalidInputError
        If it has not arrived, is a coupon or a perk, or nothing is noted.
    """
    if record.state is not State.PAID:
        hint = "before it is paid, void it or let it fail"
        raise InvalidInputError("record.state", record.state.value, "paid", hint)
    unit, amount = measure(record.payout.reward)
    if unit not in {FEN, POINTS}:
        raise InvalidInputError("record.payout.reward", unit, "cash or points")
    if not isinstance(note, str) or not note.strip():
        raise InvalidInputError("note", note, "a sentence that says who and why")
    campaign, number = record.payout.campaign, record.payout.number
    paid = LedgerAccount(campaign, Role.PAID)
    debt = LedgerAccount(campaign, Role.DEBT, record.payout.user)
    postings = transfer(paid, debt, unit, amount)
    return Entry(claw_back_id(number), at, postings, CLAW_BACK, number, note)


def claw_back_id(number: str) -> str:
    """Return the id of the entry by which a payout became a debt."""
    return f"{number}:{CLAW_BACK}"


def net_id(campaign: str, user: str, key: str) -> str:
    """Return the id of the entry by which a debt took from a reward."""
    return fingerprint(NET, campaign, user, key)


def net_debt(
    book: Journal,
    campaign: str,
    user: str,
    reward: Reward,
    at: dt.datetime,
    *,
    key: str,
    least: int = 1,
) -> Reward | None:
    """Pay off a user's debt with a new reward, and return what is left of it (抵扣).

    Parameters
    ----------
    book
        Where it is posted.
    campaign, user
        Whose debt.
    reward
        What the user is to get now.
    at
        When, aware.
    key
        The reward's key. The same key is netted once: asked again, the answer is
        the same.
    least
        The least that can be paid at once. A rest below it could not be paid, so
        less of the debt is taken.

    Returns
    -------
    Reward or None
        What is left to pay: the reward itself where there is no debt in its unit,
        None where the debt took all of it.
    """
    require_id("key", key)
    require_whole("least", least, least=1)
    unit, amount = measure(reward)
    debt = LedgerAccount(campaign, Role.DEBT, user)
    entry_id = net_id(campaign, user, key)
    if entry_id in book:
        taken = _taken(book, entry_id, unit, amount)
    else:
        taken = _to_take(book.balance(debt, unit), amount, least)
        if taken:
            postings = transfer(debt, LedgerAccount(campaign, Role.PAID), unit, taken)
            book.post(Entry(entry_id, at, postings, NET, campaign))
    if taken == 0:
        return reward
    if taken == amount:
        return None
    return Cash(amount - taken) if unit == FEN else Points(amount - taken)


def _taken(book: Journal, entry_id: str, unit: str, amount: int) -> int:
    """Return what was taken the first time, if it was for the same reward."""
    posting = max(book.entry(entry_id).postings, key=lambda one: one.amount)
    if posting.unit != unit or posting.amount > amount:
        rule = f"at least the {posting.amount} {posting.unit} that were netted for it"
        raise InvalidInputError("reward", f"{amount} {unit}", rule)
    return posting.amount


def _to_take(owed: int, amount: int, least: int) -> int:
    rest = amount - owed
    if 0 < rest < least:
        return max(amount - least, 0)
    return min(owed, amount)
