"""What the platform lets everybody get (批量配额), as the gate asks it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.channels.catalog import CATALOG
from wxengage.channels.quota_table import Quotas
from wxengage.channels.quotas import Quota
from wxengage.log.columns import codes_of
from wxengage.log.frames import Ids
from wxengage.log.intake import Table, read_table
from wxengage.plan.gating.columns import Words, places, times_or, words
from wxengage.plan.gating.past import LONG_AGO
from wxengage.plan.gating.rounds import NEVER
from wxengage.sends import Send

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Allowances", "Asked"]

_MOST_LEFT: Final = 2**53
_EPOCH: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@attrs.frozen(eq=False)
class Asked:
    """What the quota says to each message: it goes at ``opens <= t < until``.

    Attributes
    ----------
    opens
        ``LONG_AGO`` where it may go now, ``NEVER`` where nothing opens it.
    until
        ``NEVER`` where it does not close.
    reason
        Why not, before ``opens``; words.
    """

    opens: NDArray[np.int64]
    until: NDArray[np.int64]
    reason: Words


@attrs.frozen(eq=False)
class Allowances:
    """What is left to users and to the account (批量配额).

    ``Allowances.of(frame)`` sorts; a server does so once and hands the result to
    ``Gate.check_many`` again and again.

    Attributes
    ----------
    ids
        The users, ascending.
    channels, messages
        The words that rows are told apart by, ``""`` first.
    keys
        User, channel and message of each row in one number, ascending; the
        account's own rows come first. Shape ``(m,)``.
    opens, until, reason
        As in ``Asked``. Shape ``(m,)``.
    """

    ids: Ids
    channels: tuple[str, ...]
    messages: tuple[str, ...]
    keys: NDArray[np.int64]
    opens: NDArray[np.int64]
    until: NDArray[np.int64]
    reason: Words

    @classmethod
    def of(cls, source: Any) -> Self:  # noqa: ANN401  any frame, or Quotas
        """Return a table of quotas, checked.

        Parameters
        ----------
        source
            The ``Quotas`` of the channels, or a table with the columns ``user``
            (empty for the account's own), ``channel`` and, where they are known,
            ``message`` (the template of a grant), ``left`` (empty for no bound),
            ``until``, ``opens`` and ``reason``.

        Returns
        -------
        Allowances
            One row a user, channel and message at most.

        Raises
        ------
        InvalidInputError
            If a cell cannot be read, or a row is there twice.
        """
        if isinstance(source, Quotas):
            source = source.to_frame(like="arrays")
        optional = ("message", "left", "until", "opens", "reason")
        table = read_table(source, ("user", "channel"), optional)
        user, ids = _users(table)
        opens = times_or(table, "opens", LONG_AGO)
        none_left = np.zeros(table.rows, dtype=np.bool_)
        if "left" in table:
            left, unbounded = table.whole("left", 0, _MOST_LEFT)
            none_left = (left == 0) & ~unbounded
        opens = np.where(none_left & (opens == LONG_AGO), NEVER, opens)
        channel, message = words(table, "channel"), words(table, "message")
        key = (user + 1) * len(channel.names) + channel.codes
        key = key * len(message.names) + message.codes
        order = np.argsort(key, kind="stable")
        keys = key[order]
        twice = np.zeros(table.rows, dtype=np.bool_)
        twice[order[1:]] = keys[1:] == keys[:-1]
        table.refuse("user", twice, "named once a channel and message")
        return cls(
            ids,
            channel.names,
            message.names,
            keys,
            opens[order],
            times_or(table, "until", NEVER)[order],
            words(table, "reason").take(order),
        )

    @property
    def limit_the_account(self) -> bool:
        """Whether there is a row of the account's own."""
        width = len(self.channels) * len(self.messages)
        return bool(self.keys.size and self.keys[0] < width)

    def asked(
        self, ids: Ids | None, user: NDArray[np.int64], channel: Words, message: Words
    ) -> Asked:
        """Return what the quota says to each message.

        Parameters
        ----------
        ids, user
            The users ascending, and the one of each message; ``ids`` None asks the
            account's own quota.
        channel, message
            Of each message. Shape ``(n,)``.

        Returns
        -------
        Asked
            Where there is no row, nothing is left on a channel that limits each
            user, and everything may go on others; the account's own quota limits
            what it names.
        """
        rows = self._rows(ids, user, channel, message)
        found, safe = rows >= 0, np.maximum(rows, 0)
        reasons = [None if ids is None else _of_nobody(name) for name in channel.names]
        names = tuple(dict.fromkeys([*self.reason.names, *(r or "" for r in reasons)]))
        place = {name: code for code, name in enumerate(names)}
        missing = np.array([place[reason or ""] for reason in reasons], dtype=np.int32)
        shut = np.array([NEVER if reason else LONG_AGO for reason in reasons])
        opens, code = shut[channel.codes], missing[channel.codes]
        until = np.full(len(user), NEVER)
        if self.keys.size:
            opens = np.where(found, self.opens[safe], opens)
            until = np.where(found, self.until[safe], until)
            code = np.where(found, self.reason.codes[safe], code)
        return Asked(opens, until, Words(code, names))

    def _rows(
        self,
        ids: Ids | None,
        user: NDArray[np.int64],
        channel: Words,
        message: Words,
    ) -> NDArray[np.int64]:
        """Return each message's row, -1 where there is none."""
        rows = np.full(len(user), -1)
        if not self.keys.size:
            return rows
        who, there = np.full(len(user), -1), channel.into(self.channels)
        known = there >= 0
        if ids is not None:
            who = places(ids, self.ids)[user]
            known &= who >= 0
        key = ((who + 1) * len(self.channels) + there) * len(self.messages)
        # A row about the message comes before one about all of the channel.
        for word in (np.int64(0), message.into(self.messages)):
            wanted = key + word
            near = np.minimum(np.searchsorted(self.keys, wanted), self.keys.size - 1)
            mine = known & (word >= 0) & (self.keys[near] == wanted)
            rows = np.where(mine, near, rows)
        return rows


def _users(table: Table) -> tuple[NDArray[np.int64], Ids]:
    """Return the users' codes, -1 where the cell is empty, and the users ascending."""
    found = codes_of(table.columns["user"])
    empty = found.codes < 0
    if isinstance(found.values, np.ndarray) and found.values.dtype == object:
        blank = np.array([*(one == "" for one in found.values.tolist()), False])
        empty = empty | blank[found.codes]
    named = np.flatnonzero(~empty)
    if not named.size:
        return np.full(table.rows, -1), Ids(np.empty(0, dtype=object))
    part = Table(
        {"user": _taken(table.columns["user"], named)}, named.size, table.origin
    )
    codes, ids = part.users("user")
    user = np.full(table.rows, -1)
    user[named] = codes
    return user, ids


def _taken(column: Any, rows: NDArray[np.int64]) -> Any:  # noqa: ANN401  any column
    if isinstance(column, list):
        return [column[row] for row in rows.tolist()]
    if hasattr(column, "iloc"):
        return column.iloc[rows]
    return column[rows] if isinstance(column, np.ndarray) else column.take(rows)


def _of_nobody(channel: str) -> str | None:
    """Return why a user of whom no row tells may get nothing on a channel."""
    known = CATALOG.get(channel)
    if known is None:
        return None
    if known.quota == "period":
        return "period_used_up"
    return Quota("-").refusal(Send("-", "-", channel, "-"), _EPOCH)
