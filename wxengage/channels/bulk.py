"""What the platform lets everybody get, from a log at once (批量配额)."""

from __future__ import annotations

import datetime as dt  # noqa: TC003
from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.channels.accounts import require_accounts
from wxengage.channels.blocks import Block, Known, blocks_of
from wxengage.channels.catalog import CATALOG
from wxengage.channels.folding import advance
from wxengage.channels.happenings import happenings_of, same_account
from wxengage.channels.marks import Failure
from wxengage.channels.quota_table import Quotas, rows_of
from wxengage.channels.quotas import REASONS, Quota
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.log.part import KIND_NAMES
from wxengage.log.summary import instants
from wxengage.rules.book import rulebook as rules_of
from wxengage.sends import Sent
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wxengage.channels.happenings import Happenings
    from wxengage.log.frames import Origin
    from wxengage.log.table import Log
    from wxengage.rules.book import Rulebook
    from wxengage.users import Account

__all__ = ["quotas_of"]

_SHANGHAI: Final = DayClock()


def quotas_of(
    log: Log,
    as_of: dt.datetime,
    *,
    rulebook: Rulebook | None = None,
    accounts: tuple[Account, ...] = (),
    clock: DayClock = DayClock(),
    failures: Iterable[Failure] | None = None,
    sends: Iterable[Sent] | None = None,
) -> Quotas:
    """Return what is left to every user of a log on every channel that is limited.

    Parameters
    ----------
    log
        What happened. Of its kinds those count that ``advance`` counts;
        ``deliver`` is a message on the channel, and of the template, that the
        columns ``channel`` and ``item`` name.
    as_of
        The instant to judge at, aware; later rows are left out.
    rulebook
        The rules; None for those of as_of's day in Shanghai.
    accounts
        The merchant's accounts; a log does not say at which of them something
        happened, so at most one may be an official account or a mini program.
    clock
        Whose days, weeks and months count.
    failures
        What WeChat refused.
    sends
        Messages that the log does not have.

    Returns
    -------
    Quotas
        By user, then channel in the order of ``CATALOG``, then template: what
        ``Quota.may_send`` answers once everything is folded in.

    Raises
    ------
    InvalidInputError
        If several accounts fit, or a failure or a message is none.

    Notes
    -----
    ``O(n log n)`` for ``n`` rows that count. Users with a refusal are folded one by
    one.
    """
    now = micros("as_of", as_of)
    require_accounts(accounts)
    if rulebook is None:
        rulebook = rules_of(_SHANGHAI.date(_SHANGHAI.day(as_of)))
    log = log.collect()
    found = happenings_of(log, sends or (), now, accounts)
    refused = _refusals(failures or (), found.users, now, accounts)
    apart = np.zeros(len(found.users), dtype=np.bool_)
    apart[list(refused)] = True
    known = Known(rulebook, accounts, clock, as_of)
    blocks = [block.without(apart) for block in blocks_of(found, known)]
    blocks.extend(_folded(found, refused, known))
    return _table(blocks, found, as_of, log.origin)


def _refusals(
    failures: Iterable[Failure],
    users: list[str | int],
    now: int,
    accounts: tuple[Account, ...],
) -> dict[int, list[Failure]]:
    """Return the failures of each user by the user's place; new users are added."""
    place = {str(user): row for row, user in enumerate(users)}
    found: dict[int, list[Failure]] = {}
    for row, failure in enumerate(failures):
        if not isinstance(failure, Failure):
            raise InvalidInputError(f"failures[{row}]", failure, "a Failure")
        if micros(f"failures[{row}].at", failure.at) > now:
            continue
        if failure.channel not in CATALOG or not same_account(
            accounts, failure, f"failures[{row}].account"
        ):
            continue
        if failure.user not in place:
            place[failure.user] = len(users)
            users.append(failure.user)
        found.setdefault(place[failure.user], []).append(failure)
    return found


def _folded(
    found: Happenings, refused: dict[int, list[Failure]], known: Known
) -> Iterator[Block]:
    """Yield the rows of users that are folded one by one."""
    catalog = list(CATALOG)
    items = {item: place for place, item in enumerate(found.items)}
    for place, failures in refused.items():
        quota = Quota.under(
            known.rulebook, str(found.users[place]), known.accounts, clock=known.clock
        )
        low, high = np.searchsorted(found.user, [place, place + 1])
        for event in (*_events(found, int(low), int(high)), *failures):
            quota = advance(quota, event, known.rulebook)
        for row in rows_of(quota, known.as_of):
            item = items.setdefault(row.message, len(items))
            if item == len(found.items):
                found.items.append(row.message)
            yield Block.one(place, catalog.index(row.channel), item, row)


def _events(found: Happenings, low: int, high: int) -> Iterator[Event | Sent]:
    """Yield what one user's rows say, as it came."""
    catalog = list(CATALOG)
    for row in range(low, high):
        user, at = str(found.users[found.user[row]]), from_micros(int(found.at[row]))
        kind, item = KIND_NAMES[found.kind[row]], found.items[found.item[row]]
        if kind == "deliver":
            channel = catalog[found.channel[row]]
            # Each row is a message of its own, also where the instant is the same.
            yield Sent(user, at, channel, message=item, key=f"row {row}")
        else:
            yield Event(kind, user=user, at=at, item=item or None)


def _table(
    blocks: Sequence[Block], found: Happenings, as_of: dt.datetime, origin: Origin
) -> Quotas:
    """Return all rows in order."""
    block = Block.joined(blocks)
    rank = np.empty(len(found.items), dtype=np.int64)
    rank[np.argsort(np.array(found.items, dtype=object))] = np.arange(len(found.items))
    order = np.lexsort((rank[block.item], block.channel, block.user))
    users = np.array(found.users, dtype=object)
    if all(isinstance(user, int) for user in found.users):
        users = np.array(found.users, dtype=np.int64)
    return Quotas(
        users[block.user[order]],
        np.array(list(CATALOG), dtype=object)[block.channel[order]],
        np.array(found.items, dtype=object)[block.item[order]],
        block.left[order],
        instants(block.opens[order]),
        instants(block.until[order]),
        np.array(["", *REASONS], dtype=object)[block.reason[order]],
        as_of,
        origin,
    )
