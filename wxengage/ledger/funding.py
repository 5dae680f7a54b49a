"""Setting money aside (预算占用), within limits, before anything is promised.

A limit is kept as an account: the room that is left in its scope. A payout is
funded by one entry that takes its amount from the budget and from the room of every
limit at once. If one of them does not hold it, nothing is posted, and the payout is
unfunded. No sum over payouts is ever compared with a limit, so two that ask at the
same moment cannot both be told that there is room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from wxengage.errors import (
    InvalidInputError,
    OverdrawnError,
    nearest,
    require_id,
    require_whole,
)
from wxengage.ledger.accounts import LedgerAccount, Role, measure, require_unit
from wxengage.ledger.entries import Entry, transfer
from wxengage.ledger.events import Funded, Short
from wxengage.ledger.records import advance
from wxengage.sends import fingerprint
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from wxengage.ledger.book import Journal
    from wxengage.ledger.events import PayoutEvent
    from wxengage.ledger.records import PayoutRecord

__all__ = ["ROOM", "SpendLimit", "book_event", "reserve"]

Per = Literal["campaign", "user", "rung", "day"]
_PER: Final[tuple[str, ...]] = get_args(Per)
#: Why an entry was made that opens the room of a limit.
ROOM: Final = "room"


@attrs.frozen
class SpendLimit:
    """No more than so much within a scope (限额).

    Attributes
    ----------
    per
        The scope: the whole ``"campaign"``, each ``"user"``, each ``"rung"`` (the
        reward's key), or each local ``"day"`` on which money is set aside.
    most
        Whole, not negative.
    unit
        Of what; a reward counted in another unit is not limited.
    only
        For this user, rung or day (``"2026-03-02"``) alone, in the place of what
        holds for all of them; None for all.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    per: Per
    most: int
    unit: str = attrs.field(default="fen", kw_only=True)
    only: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.per, str) or self.per not in _PER:
            raise InvalidInputError("per", self.per, "a scope", nearest(self.per, _PER))
        require_whole("most", self.most)
        require_unit(self.unit)
        if self.only is not None:
            require_id("only", self.only)
            if self.per == "campaign":
                raise InvalidInputError("only", self.only, "None for a campaign")


def reserve(
    book: Journal,
    record: PayoutRecord,
    at: dt.datetime,
    *,
    limits: Iterable[SpendLimit] = (),
    clock: DayClock = DayClock(),
) -> PayoutRecord:
    """Set a payout's money aside, or say that there is none.

    Parameters
    ----------
    book
        Where it is posted.
    record
        A payout that is held or unfunded.
    at
        When, aware.
    limits
        What else it has to fit in. The room of a scope is opened with its first
        payout; later changes of a limit leave rooms as they are.
    clock
        Whose days count.

    Returns
    -------
    PayoutRecord
        Reserved; or unfunded, and ``because`` names the account that has too little.

    Raises
    ------
    IllegalTransitionError
        If the payout is further than that.
    InvalidInputError
        If a limit is there twice.
    """
    rooms = _rooms(record, tuple(limits), clock.date(clock.day(at)))
    funded, entry = advance(record, Funded(at, tuple(rooms)))
    campaign, unit = record.payout.campaign, measure(record.payout.reward)[0]
    opened = [_opened(campaign, scope, unit, rooms[scope], at) for scope in rooms]
    new = [one for one in opened if one is not None and one.id not in book]
    try:
        book.post_all([*new, entry] if entry is not None else new)
    except OverdrawnError as error:
        return advance(record, Short(at, error.account))[0]
    return funded


def _rooms(
    record: PayoutRecord, limits: tuple[SpendLimit, ...], day: dt.date
) -> dict[str, int]:
    """Return the limits that a payout has to fit in, by their scopes."""
    payout = record.payout
    names = {
        "campaign": payout.campaign,
        "user": payout.user,
        "rung": record.reward_key,
        "day": day.isoformat(),
    }
    unit = measure(payout.reward)[0]
    known: dict[tuple[str, str, str | None], SpendLimit] = {}
    for row, limit in enumerate(limits):
        if not isinstance(limit, SpendLimit):
            raise InvalidInputError(f"limits[{row}]", limit, "a SpendLimit")
        key = (limit.per, limit.unit, limit.only)
        if key in known:
            raise InvalidInputError(f"limits[{row}]", limit, "there once")
        known[key] = limit
    rooms = {}
    for per, name in names.items():
        limit_here = known.get((per, unit, name)) or known.get((per, unit, None))
        if limit_here is not None:
            rooms[f"{per}:{name}"] = limit_here.most
    return rooms


def _opened(
    campaign: str, scope: str, unit: str, most: int, at: dt.datetime
) -> Entry | None:
    """Return the entry that opens a room; None where the room is empty for ever."""
    if most == 0:
        return None
    limits = LedgerAccount(campaign, Role.LIMITS)
    room = LedgerAccount(campaign, Role.ROOM, scope)
    return Entry(
        fingerprint(ROOM, campaign, scope, unit),
        at,
        transfer(limits, room, unit, most),
        ROOM,
        campaign,
    )


def book_event(book: Journal, record: PayoutRecord, event: PayoutEvent) -> PayoutRecord:
    """Let an event happen to a payout, and post what goes with it.

    Parameters
    ----------
    book
        Where it is posted.
    record
        The payout before the event.
    event
        What happened; for setting money aside, see ``reserve``.

    Returns
    -------
    PayoutRecord
        The payout after it.
    """
    changed, entry = advance(record, event)
    if entry is not None:
        book.post(entry)
    return changed
