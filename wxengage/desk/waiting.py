"""Rewards that wait (等待中的奖励): for budget, or for whoever is to claim them.

Time goes by and many wait, so each look costs the same, however many there are.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from wxengage.desk.books import book, journal_of, payout
from wxengage.desk.granting import UNCLAIMED, set_aside
from wxengage.desk.names import shown
from wxengage.desk.running import anew, require_running, running
from wxengage.ledger.accounts import FEN, LedgerAccount, Role, measure
from wxengage.ledger.events import Voided
from wxengage.ledger.states import State
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from wxengage.desk.running import Running
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.stores.schema import Row

__all__ = ["NOT_CLAIMED", "fund_again", "fund_waiting", "next_end", "run_out"]

_LOG: Final = logging.getLogger("wxengage.desk")

#: Why a payout was called off that nobody claimed in time.
NOT_CLAIMED: Final = "not_claimed"
# Under which names ``meta`` keeps how far the last look came.
_FUNDED: Final = "unfunded_seen"
_CLAIMED: Final = "unclaimed_seen"
# Rows of one look, and columns of ``payout``.
_PAGE: Final = 200
_CAMPAIGN, _AT = 1, 6
# A clock that was turned back by less than this leaves nobody waiting for ever.
_MARGIN: Final = 3_600 * 10**6


# For budget.


def fund_waiting(
    unit: Unit, settings: Settings, campaign: str, now: dt.datetime
) -> int:
    """Set money aside for the payouts of a campaign that wait for it, oldest first.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    campaign
        Of which campaign.
    now
        When.

    Returns
    -------
    int
        How many have theirs now.
    """
    one = require_running(unit, campaign)
    rows = unit.find("payout", "by_state", (State.UNFUNDED.value,))
    mine = [row for row in rows if row[_CAMPAIGN] == campaign]
    return sum(_funded(unit, settings, one, row, now) for row in mine)


def fund_again(unit: Unit, settings: Settings, now: dt.datetime) -> int:
    """Look whether payouts that wait for budget fit into what has come back.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    now
        When.

    Returns
    -------
    int
        How many have theirs now.

    Notes
    -----
    Looks at some 200 payouts, the oldest first, and the next time at the following
    ones; at none where no campaign has anything left.
    """
    waits = State.UNFUNDED.value
    if not unit.find("payout", "by_state", (waits,), limit=1):
        return 0
    able = {one.campaign.id: one for one in running(unit) if _has_money(unit, one)}
    if not able:
        return 0
    since, skip = _place(unit)
    size = skip + _PAGE
    rows = unit.find("payout", "by_state", (waits,), least=since, limit=size)
    funded = [
        row
        for row in rows[skip:]
        if row[_CAMPAIGN] in able
        and _funded(unit, settings, able[str(row[_CAMPAIGN])], row, now)
    ]
    if since or len(rows) == size:
        _note_place(unit, rows if len(rows) == size else (), funded)
    return len(funded)


def _place(unit: Unit) -> tuple[int, int]:
    """Return from which instant on to look, and how many of it were looked at."""
    row = unit.get("meta", _FUNDED)
    since, _, skip = ("0" if row is None else str(row[1])).partition(":")
    return int(since), int(skip or 0)


def _note_place(unit: Unit, seen: Sequence[Row], gone: Sequence[Row]) -> None:
    """Note how far a look came; nothing seen begins anew."""
    last = seen[-1][_AT] if seen else 0
    skip = sum(row[_AT] == last for row in seen) - sum(row[_AT] == last for row in gone)
    unit.put("meta", (_FUNDED, f"{last}:{skip}"))


def _has_money(unit: Unit, one: Running) -> bool:
    """Return whether anything is left in the budget, before the books are held."""
    units = {FEN, *one.terms.budget, *(limit.unit for limit in one.terms.limits)}
    if units != {FEN}:
        return True
    row = unit.get("balance", one.campaign.id, Role.BUDGET.value, "", FEN)
    return row is not None and int(row[4] or 0) > 0


def _funded(
    unit: Unit, settings: Settings, one: Running, row: Row, now: dt.datetime
) -> bool:
    """Return whether a payout that waited has its money now."""
    journal = journal_of(unit, one.campaign.id)
    record = payout(unit, str(row[0]))
    if record is None or record.state is not State.UNFUNDED:
        return False
    measured, amount = measure(record.payout.reward)
    bounded = measured == FEN or measured in one.terms.budget
    budget = LedgerAccount(one.campaign.id, Role.BUDGET)
    if bounded and journal.balance(budget, measured) < amount:
        return False
    return set_aside(unit, settings, one, record, now).state is State.RESERVED


# For whoever is to claim them.


def run_out(unit: Unit, now: dt.datetime) -> int:
    """Call off the rewards that nobody has claimed in time.

    Parameters
    ----------
    unit
        The transaction's rows.
    now
        When.

    Returns
    -------
    int
        How many were called off.

    Notes
    -----
    Looks at what was granted so long ago that it has ended since the last look. While
    a campaign is paused nobody can claim, and nothing ends.
    """
    ending = _ending(unit)
    if not ending:
        return 0
    at, seen = micros("now", now), unit.get("meta", _CLAIMED)
    since = None if seen is None else min(at, int(str(seen[1]))) - _MARGIN
    gone = looked = 0
    for one, wait in ending:
        least = None if since is None else since - wait
        below, held = at - wait + 1, (State.HELD.value,)
        rows = unit.find("payout", "by_state", held, least=least, below=below)
        looked += len(rows)
        for row in rows:
            if row[_CAMPAIGN] == one.campaign.id:
                gone += _ended(unit, one, row, at - wait, now)
    if looked:
        unit.put("meta", (_CLAIMED, str(at)))
    return gone


def _ending(unit: Unit) -> list[tuple[Running, int]]:
    """Return the campaigns whose rewards have to be claimed in time, and in what."""
    return [
        (one, span_micros("claim_within", one.terms.claim_within))
        for one in running(unit)
        if one.terms.claim_within is not None and one.state != "paused"
    ]


def _ended(unit: Unit, one: Running, row: Row, until: int, now: dt.datetime) -> bool:
    """Return whether a reward has just been called off."""
    journal_of(unit, one.campaign.id)
    record = payout(unit, str(row[0]))
    waits = record is not None and record.state is State.HELD
    if record is None or not waits or record.because != UNCLAIMED:
        return False
    if micros("at", record.at) > until or anew(unit, one).state == "paused":
        return False
    book(unit, record, Voided(now, NOT_CLAIMED))
    _LOG.info("payout %s was not claimed in time", shown(record.payout.number))
    return True


def next_end(unit: Unit, at: int) -> int | None:
    """Return when the next reward ends that nobody has claimed, None for never.

    Parameters
    ----------
    unit
        The transaction's rows.
    at
        When it is asked, in microseconds.

    Returns
    -------
    int or None
        In microseconds. Never too late; it may be that of a reward that waits for
        something else.
    """
    seen = unit.get("meta", _CLAIMED)
    found = []
    for _, wait in _ending(unit):
        least = None if seen is None else min(at, int(str(seen[1]))) - wait + 1
        held = (State.HELD.value,)
        rows = unit.find("payout", "by_state", held, least=least, limit=1)
        found += [int(row[_AT] or 0) + wait for row in rows]
    return min(found, default=None)
