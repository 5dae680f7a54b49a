"""The rows of a log that a quota counts (配额相关事件), as plain columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.channels.accounts import resolved
from wxengage.channels.catalog import CATALOG
from wxengage.channels.terms import ACTS
from wxengage.errors import InvalidInputError
from wxengage.log.part import KIND_CODES, kind_mask
from wxengage.sends import Sent
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from wxengage.channels.marks import Failure
    from wxengage.log.table import Log
    from wxengage.users import Account

__all__ = ["COUNTED", "Happenings", "happenings_of", "same_account"]

#: The kinds of event that change a quota.
COUNTED: Final = (*ACTS, "unfollow", "subscribe", "decline", "deliver")
_DELIVER: Final = KIND_CODES["deliver"]
_CHANNELS: Final = {code: place for place, code in enumerate(CATALOG)}


@attrs.frozen(eq=False)
class Happenings:
    """Events and messages by an instant, each once, by user, then time.

    Attributes
    ----------
    users
        The ids, ascending for those of the log, then those of messages alone.
    user
        Places in ``users``. Shape ``(n,)``.
    at
        Microseconds since 1970. Shape ``(n,)``.
    kind
        Codes of kinds; messages are ``deliver``. Shape ``(n,)``.
    channel
        Places in ``CATALOG``, -1 for none. Shape ``(n,)``.
    item
        Places in ``items``; the first of these is "", for none. Shape ``(n,)``.
    items
        Templates and messages.
    """

    users: list[str | int]
    user: NDArray[np.int64]
    at: NDArray[np.int64]
    kind: NDArray[np.int64]
    channel: NDArray[np.int64]
    item: NDArray[np.int64]
    items: list[str]

    def of(self, *kinds: str) -> Happenings:
        """Return the rows of some kinds."""
        return self.take(kind_mask(kinds)[self.kind])

    def on(self, channel: str) -> Happenings:
        """Return the messages of a channel."""
        place = _CHANNELS[channel]
        return self.take((self.kind == _DELIVER) & (self.channel == place))

    def take(self, rows: NDArray[np.generic]) -> Happenings:
        """Return some of the rows, and the same users and items."""
        columns = ("user", "at", "kind", "channel", "item")
        return attrs.evolve(self, **{c: getattr(self, c)[rows] for c in columns})


def happenings_of(
    log: Log, sends: Iterable[Sent], upto: int, accounts: tuple[Account, ...]
) -> Happenings:
    """Return what a quota counts of a log and of further messages.

    Parameters
    ----------
    log
        In memory.
    sends
        Messages that are not in the log; one that is there too, with the same
        user, instant, channel and message and without a key, counts once.
    upto
        Microseconds since 1970, included.
    accounts
        The merchant's accounts.

    Returns
    -------
    Happenings
        Messages on channels outside ``CATALOG`` are left out.

    Raises
    ------
    InvalidInputError
        If a message is no ``Sent``, or names an account that is not listed.
    """
    ids = log.ids
    users: list[str | int] = ids.take(ids.order).numpy().tolist()
    rank = np.empty(len(ids), dtype=np.int64)
    rank[ids.order] = np.arange(len(ids))
    items = {"": 0}
    wanted, pieces = kind_mask(COUNTED), []
    channel_of = _table(log, "channel", lambda word: _CHANNELS.get(word, -1))
    item_of = _table(log, "item", lambda word: items.setdefault(word, len(items)))
    for part in log.parts:
        rows = np.flatnonzero(wanted[part.kind] & (part.at <= upto))
        kind = part.kind[rows].astype(np.int64)
        channel = _words(part.more.get("channel"), rows, channel_of)
        item = _words(part.more.get("item"), rows, item_of)
        columns = (
            rank[part.members[part.user[rows]]],
            part.at[rows],
            kind,
            np.where(kind == _DELIVER, channel, -1),
            np.maximum(item, 0),
            np.zeros(len(rows), dtype=np.int64),
        )
        pieces.append(np.stack(columns))
    pieces.append(_messages(sends, (users, items), upto, accounts))
    table = np.concatenate(pieces, axis=1)
    outside = (table[2] == _DELIVER) & (table[3] < 0)
    user, at, kind, channel, item = _once(table[:, ~outside])
    return Happenings(users, user, at, kind, channel, item, list(items))


def _table(log: Log, column: str, place: Callable[[str], int]) -> NDArray[np.int64]:
    """Return the place of each word of a column; the last one is for none."""
    words = log.words.get(column)
    found = [] if words is None else [place(str(word)) for word in words.tolist()]
    return np.array([*found, -1], dtype=np.int64)


def _words(
    codes: NDArray[np.generic] | None, rows: NDArray[np.int64], table: NDArray[np.int64]
) -> NDArray[np.int64]:
    if codes is None:
        return np.full(len(rows), -1)
    return table[codes[rows].astype(np.int64)]


def _messages(
    sends: Iterable[Sent],
    known: tuple[list[str | int], dict[str, int]],
    upto: int,
    accounts: tuple[Account, ...],
) -> NDArray[np.int64]:
    """Return messages as rows: user, instant, kind, channel, item, key."""
    users, items = known
    place = {str(user): row for row, user in enumerate(users)}
    keys = {"": 0}
    rows = []
    for row, sent in enumerate(sends):
        if not isinstance(sent, Sent):
            raise InvalidInputError(f"sends[{row}]", sent, "a Sent")
        at = micros(f"sends[{row}].at", sent.at)
        if at > upto or sent.channel not in _CHANNELS:
            continue
        if not same_account(accounts, sent, f"sends[{row}].account"):
            continue
        if sent.user not in place:
            place[sent.user] = len(users)
            users.append(sent.user)
        where = _CHANNELS[sent.channel], items.setdefault(sent.message, len(items))
        key = keys.setdefault(sent.key, len(keys))
        rows.append((place[sent.user], at, _DELIVER, *where, key))
    return np.array(rows, dtype=np.int64).reshape(-1, 6).T


def _once(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the columns of distinct rows by user and time, without the key."""
    order = np.lexsort((*table[2:], table[1], table[0]))
    table = table[:, order]
    new = np.ones(table.shape[1], dtype=np.bool_)
    new[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0)
    return table[:5, new]


def same_account(
    accounts: tuple[Account, ...], item: Sent | Failure, name: str
) -> bool:
    """Return whether a message is one that the rows without an account count.

    Parameters
    ----------
    accounts
        The merchant's accounts.
    item
        A message that went, or was refused, on a channel of ``CATALOG``.
    name
        What was looked at, for the error.

    Returns
    -------
    bool
        False where it went from an account that does not have the channel.

    Raises
    ------
    InvalidInputError
        If it names an account that is not listed.
    """
    if not accounts and item.account is not None:
        hint = "list it in accounts="
        raise InvalidInputError(name, item.account, "None where none are told", hint)
    on = CATALOG[item.channel].on
    given = resolved(accounts, item.account, on, name)
    return given == resolved(accounts, None, on, name)
