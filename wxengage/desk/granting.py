"""From what is owed to what is paid (从应得到打款), in the transaction that found it.

A reward has one payout at a time. It is opened when the reward is granted, and its
money is set aside at once or it says why not; only then there is a letter that
asks for it. A reward that is withdrawn before that letter has left is called off.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
import logging
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.delivery.outbox.states import Signal
from wxengage.delivery.outbox.states import State as LetterState
from wxengage.delivery.payouts import bill_number
from wxengage.delivery.ports import Letter
from wxengage.desk.books import book, journal_of, payout
from wxengage.desk.letters import put_in
from wxengage.desk.people import user
from wxengage.desk.rows import letter_of, letter_row, payout_row
from wxengage.desk.running import anew, running
from wxengage.errors import InvalidInputError, OverdrawnError
from wxengage.ledger.accounts import FEN, measure
from wxengage.ledger.debts import claw_back, claw_back_id, net_debt
from wxengage.ledger.entries import fund, reversal_id, reverse
from wxengage.ledger.events import Voided
from wxengage.ledger.funding import SpendLimit, reserve
from wxengage.ledger.records import PayoutRecord, open_payout, renew
from wxengage.ledger.states import OVER, State
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.campaigns.facts import Fact
    from wxengage.desk.running import Running
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit

__all__ = [
    "PAUSED",
    "UNCLAIMED",
    "grant",
    "latest",
    "payable",
    "set_aside",
    "withdraw",
]

_LOG: Final = logging.getLogger("wxengage.desk")

#: Why a payout is held, where it is no person's decision.
PAUSED: Final = "paused"
UNCLAIMED: Final = "unclaimed"
#: The merchant where there is none, and so no cash.
NOBODY: Final = "0000000000"
_WAITING: Final = (State.HELD, State.UNFUNDED, State.RESERVED)


def latest(
    unit: Unit, settings: Settings, campaign: str, user_name: str, reward_key: str
) -> PayoutRecord | None:
    """Return the latest generation of a reward's payout, None where there is none."""
    found, generation = None, 0
    while True:
        number = bill_number(
            _merchant(settings), campaign, user_name, reward_key, generation
        )
        record = payout(unit, number)
        if record is None:
            return found
        found, generation = record, generation + 1


def _merchant(settings: Settings) -> str:
    # Points and perks have numbers too, though no merchant of WeChat Pay has them.
    return NOBODY if settings.merchant is None else settings.merchant


def grant(
    unit: Unit, settings: Settings, one: Running, fact: Fact, now: dt.datetime
) -> PayoutRecord | None:
    """Open the payout of a reward that somebody is owed from now on.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    one
        The campaign.
    fact
        A granted one.
    now
        When it was found.

    Returns
    -------
    PayoutRecord or None
        As it stands now: held, unfunded or reserved; further where it was granted
        before and is on its way already. Called off where its user was erased. None
        where a debt took all of it.
    """
    journal_of(unit, fact.campaign)
    one = anew(unit, one)
    known = latest(unit, settings, fact.campaign, fact.user, str(fact.reward_key))
    if known is None:
        record = _opened(unit, settings, one, fact, now)
    elif known.state in OVER and known.renewable:
        record = renew(known, now)
    else:
        _forgive(unit, known, now)
        return known
    if record is None:
        return None
    if record.erased:
        # Nobody knows any more where it would go.
        unit.put("payout", payout_row(record))
        return book(unit, record, Voided(now, "erased"))
    because = _held_because(settings, one, fact)
    if because:
        record = attrs.evolve(record, because=because)
        unit.put("payout", payout_row(record))
        return record
    return set_aside(unit, settings, one, record, now)


def _forgive(unit: Unit, record: PayoutRecord, now: dt.datetime) -> None:
    """Undo the debt of a reward that is owed again, as far as it still stands."""
    journal = journal_of(unit, record.payout.campaign)
    number = record.payout.number
    name = claw_back_id(number)
    if name not in journal or reversal_id(name) in journal:
        return
    try:
        journal.post(reverse(journal.entry(name), now, note="it is owed again"))
    except OverdrawnError:
        # Other rewards have paid some of it off; what they lack is for a person.
        _LOG.warning("payout %s is owed again, and its debt was set off", number[-4:])


def _opened(
    unit: Unit, settings: Settings, one: Running, fact: Fact, now: dt.datetime
) -> PayoutRecord | None:
    reward, key = fact.reward, str(fact.reward_key)
    if reward is None:
        raise InvalidInputError("fact.reward", None, "a reward that is granted")
    if one.terms.claw_back:
        journal = journal_of(unit, fact.campaign)
        left = net_debt(journal, fact.campaign, fact.user, reward, now, key=key)
        if left is None:
            return None
        reward = left
    return open_payout(
        _merchant(settings),
        fact.campaign,
        fact.user,
        key,
        recipient=recipient(unit, settings, one, fact.user),
        reward=reward,
        at=now,
        reason=fact.reason,
    )


def recipient(unit: Unit, settings: Settings, one: Running, name: str) -> str:
    """Return where a user's rewards go: the openid at the campaign's account.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    one
        The campaign.
    name
        The user.

    Returns
    -------
    str
        The user's own name where the desk knows no openid: applications whose users
        are openids need not tell anything twice.
    """
    openids = user(unit, name).openids
    named = getattr(one.campaign, "account", None)
    accounts = [named] if named else [account.id for account in settings.accounts]
    return next((openids[account] for account in accounts if account in openids), name)


def _held_because(settings: Settings, one: Running, fact: Fact) -> str:
    if reason := _guarded(settings, fact):
        return reason
    if one.terms.pays == "on_claim":
        return UNCLAIMED
    return PAUSED if one.state == "paused" else ""


def _guarded(settings: Settings, fact: Fact) -> str:
    """Return why the application's guard holds a payout; empty where it does not."""
    try:
        said: object = None if settings.hold is None else settings.hold(fact)
    except Exception as error:  # noqa: BLE001  nobody has said that it may go
        kind = type(error).__name__
        _LOG.error("the guard raised %s: the payout is held", kind)
        return f"guard_failed: {kind}"
    if said is None or said is False or said == "":
        return ""
    if not isinstance(said, str):
        return f"guard_failed: it answered with a {type(said).__name__}"
    # By these names others know what to let go without asking anybody.
    return f"guard: {said}" if said in {PAUSED, UNCLAIMED} else said


def set_aside(
    unit: Unit, settings: Settings, one: Running, record: PayoutRecord, now: dt.datetime
) -> PayoutRecord:
    """Set a payout's money aside and write the letter that asks for it, if there is.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    one
        The campaign.
    record
        A payout that is held or unfunded.
    now
        When.

    Returns
    -------
    PayoutRecord
        Reserved, or unfunded.
    """
    journal = journal_of(unit, record.payout.campaign)
    measured, amount = measure(record.payout.reward)
    if measured != FEN and measured not in one.terms.budget:
        # Nobody has bounded it: it is made as it is promised, once.
        made = f"{record.payout.number}:made"
        if made not in journal:
            campaign = record.payout.campaign
            journal.post(fund(campaign, amount, now, id=made, unit=measured))
    limits = _limits(one)
    record = reserve(journal, record, now, limits=limits, clock=settings.days)
    unit.put("payout", payout_row(record))
    if record.state is State.RESERVED:
        _ask_for(unit, settings, record, now)
    return record


def _limits(one: Running) -> tuple[SpendLimit, ...]:
    cap = getattr(one.campaign, "cap", None)
    own = () if cap is None else (SpendLimit("user", cap),)
    told = {(limit.per, limit.unit, limit.only) for limit in one.terms.limits}
    return (
        *one.terms.limits,
        *(one for one in own if (one.per, one.unit, one.only) not in told),
    )


def _ask_for(
    unit: Unit, settings: Settings, record: PayoutRecord, now: dt.datetime
) -> None:
    """Put the letter of a payout in the outbox."""
    put_in(unit, settings, [Letter(record.payout, key=record.payout.number)], now)


def withdraw(
    unit: Unit, settings: Settings, one: Running, fact: Fact, now: dt.datetime
) -> PayoutRecord | None:
    """Call off the payout of a reward that is owed no more, if that can be.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    one
        The campaign.
    fact
        A withdrawn one.
    now
        When it was found.

    Returns
    -------
    PayoutRecord or None
        Cancelled where it had not been asked for. Otherwise as it was: what is on
        its way arrives, and what has arrived stays, unless the terms make it a debt.
    """
    journal = journal_of(unit, fact.campaign)
    known = latest(unit, settings, fact.campaign, fact.user, str(fact.reward_key))
    if known is None:
        return None
    if known.state in _WAITING:
        return call_off(unit, settings, known, fact.reason, now)
    if known.state is State.PAID and one.terms.claw_back:
        unit_name, _ = measure(known.payout.reward)
        if unit_name in {FEN, "points"}:
            journal.post(claw_back(known, now, note=f"withdrawn: {fact.reason}"))
    return known


def call_off(
    unit: Unit, settings: Settings, record: PayoutRecord, because: str, now: dt.datetime
) -> PayoutRecord:
    """Void a payout that was not asked for, and take its letter out of the outbox."""
    number = record.payout.number
    if record.state is State.RESERVED:
        unit.lock([f"letter:{number}"])
        row = unit.get("letter", number)
        letter = None if row is None else letter_of(row)
        if letter is not None and letter.state is LetterState.DUE:
            at = micros("now", now)
            dropped = letter.moved(Signal.DROP, at, code="withdrawn")
            unit.put("letter", letter_row(dropped, settings.outbox, at))
    return book(unit, record, Voided(now, because))


def payable(unit: Unit, record: PayoutRecord) -> bool:
    """Return whether a payout may be asked of its provider now.

    Parameters
    ----------
    unit
        The transaction's rows.
    record
        A payout with a letter.

    Returns
    -------
    bool
        False for one that was called off, and while its campaign is paused.
    """
    if record.state not in {State.RESERVED, State.UNKNOWN}:
        return False
    if record.state is State.UNKNOWN:
        return True
    campaign = record.payout.campaign
    return all(
        one.state != "paused" for one in running(unit) if one.campaign.id == campaign
    )
