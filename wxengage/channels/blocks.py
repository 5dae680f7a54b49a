"""Quotas of everybody, a channel at a time (批量配额): the arithmetic in arrays.

The functions are those of ``standing``, for all users at once. They know no
refusals: users with one are folded one by one.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003
from typing import TYPE_CHECKING, Final, Self

import attrs
import numpy as np

from wxengage.channels.accounts import kind_of, resolved
from wxengage.channels.catalog import CATALOG
from wxengage.channels.folding import ACTED_AT, GRANTED
from wxengage.channels.happenings import COUNTED
from wxengage.channels.marks import KEPT
from wxengage.channels.quota_table import limited_channels
from wxengage.channels.quotas import REASONS
from wxengage.channels.terms import ACTS, limits_of, openings, sends_a_grant
from wxengage.log.part import KIND_CODES
from wxengage.log.runs import NEVER
from wxengage.times.periods import days_in, next_start, periods
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from wxengage.channels.catalog import Channel
    from wxengage.channels.happenings import Happenings
    from wxengage.channels.quota_table import Row
    from wxengage.channels.terms import Limit
    from wxengage.rules.book import Rulebook
    from wxengage.times.days import DayClock
    from wxengage.users import Account

__all__ = ["Block", "Known", "blocks_of"]

_CHANNELS: Final = {code: place for place, code in enumerate(CATALOG)}
_REASONS: Final = {reason: code for code, reason in enumerate(("", *REASONS))}


@attrs.frozen
class Known:
    """What holds for everybody: rules, accounts, whose days count, the instant."""

    rulebook: Rulebook
    accounts: tuple[Account, ...]
    clock: DayClock
    as_of: dt.datetime


@attrs.frozen(eq=False)
class Block:
    """Some rows of ``Quotas`` as numbers: places of words, microseconds."""

    user: NDArray[np.int64]
    channel: NDArray[np.int64]
    item: NDArray[np.int64]
    left: NDArray[np.int64]
    opens: NDArray[np.int64]
    until: NDArray[np.int64]
    reason: NDArray[np.int64]

    @classmethod
    def one(cls, user: int, channel: int, item: int, row: Row) -> Self:
        """Return the block of one row."""
        numbers = (row.left, row.opens, row.until, _REASONS[row.reason])
        columns = (
            np.array([n], dtype=np.int64) for n in (user, channel, item, *numbers)
        )
        return cls(*columns)

    @classmethod
    def joined(cls, blocks: Sequence[Block]) -> Self:
        """Return several blocks as one."""
        names = [field.name for field in attrs.fields(cls)]
        nothing = np.empty(0, dtype=np.int64)
        return cls(
            *(
                np.concatenate([nothing, *(getattr(b, n) for b in blocks)])
                for n in names
            )
        )

    def without(self, users: NDArray[np.bool_]) -> Block:
        """Return the rows of other users than those."""
        rows = ~users[self.user]
        return Block(*(column[rows] for column in attrs.astuple(self, recurse=False)))


def blocks_of(found: Happenings, known: Known) -> Iterator[Block]:
    """Yield the rows of each channel that limits each user.

    Parameters
    ----------
    found
        What happened by the instant.
    known
        What holds for everybody.

    Yields
    ------
    Block
        A channel's.
    """
    limits = limits_of(known.rulebook)
    kind = ""
    if len(found.of(*(set(COUNTED) - {"deliver"})).at):
        account = resolved(known.accounts, None, ACTED_AT, "account of the log")
        kind = kind_of(known.accounts, account)
    gone = _unfollowed(found)
    for channel, account in limited_channels(known.accounts, limits, "user"):
        if channel.quota == "grant":
            yield _grants(channel, found, known, kind)
            continue
        if channel.quota == "window":
            left, until, reason = _windows(channel, found, known, kind)
            opens = np.where(left > 0, micros("as_of", known.as_of), NEVER)
        else:
            kinds = {"", kind_of(known.accounts, account)}
            mine = [
                limit
                for limit in limits
                if (limit.channel, limit.whose) == (channel.code, "user")
                and limit.kind in kinds
            ]
            left, opens, reason = _periods(channel, found, known, mine)
            until = np.full(len(left), NEVER)
        if channel.needs_follow:
            left, reason = (
                np.where(gone, 0, left),
                np.where(gone, _REASONS["unfollowed"], reason),
            )
            opens, until = np.where(gone, NEVER, opens), np.where(gone, NEVER, until)
        user = np.arange(len(found.users))
        place = np.full(len(user), _CHANNELS[channel.code])
        yield Block(user, place, np.zeros_like(user), left, opens, until, reason)


def _last(found: Happenings) -> NDArray[np.int64]:
    """Return each user's last instant, ``NEVER`` for none. Shape ``(users,)``."""
    last = np.full(len(found.users), NEVER)
    np.maximum.at(last, found.user, found.at)
    return last


def _unfollowed(found: Happenings) -> NDArray[np.bool_]:
    left, came = _last(found.of("unfollow")), _last(found.of("follow"))
    gone: NDArray[np.bool_] = (left != NEVER) & (left >= came)
    return gone


def _windows(
    channel: Channel, found: Happenings, known: Known, kind: str
) -> tuple[NDArray[np.int64], ...]:
    """Return how many are left, until when, and why none: one each user."""
    now, sent = micros("as_of", known.as_of), found.on(channel.code)
    most = np.zeros(len(found.users), dtype=np.int64)
    until, some = np.full(len(most), NEVER), np.zeros(len(most), dtype=np.bool_)
    for act in ACTS:
        for opening in openings(known.rulebook, kind, act):
            if opening.channel != channel.code:
                continue
            # Of one act the last window is the widest and the least used.
            last = _last(found.of(act))
            is_open = (last != NEVER) & (now - opening.span < last)
            after = sent.at >= last[sent.user]
            used = np.bincount(sent.user[after], minlength=len(most))
            left = np.where(is_open, opening.count - used, 0)
            ends = np.where(left > 0, last + opening.span, NEVER)
            most, until = np.maximum(most, left), np.maximum(until, ends)
            some |= is_open
    why = np.where(some, _REASONS["used_up"], _REASONS["no_window"])
    return most, until, np.where(most > 0, 0, why)


def _periods(
    channel: Channel, found: Happenings, known: Known, limits: Sequence[Limit]
) -> tuple[NDArray[np.int64], ...]:
    """Return how many are left, when the next may go, and why none: one each user."""
    now, sent = micros("as_of", known.as_of), found.on(channel.code)
    left = np.full(len(found.users), np.iinfo(np.int64).max)
    opens = np.full(len(left), now)
    for limit in limits:
        at = np.concatenate([np.array([now], dtype=np.int64), sent.at])
        period = periods(limit.per, at, known.clock)
        same = sent.user[period[1:] == period[0]]
        used = np.bincount(same, minlength=len(left))
        allowed = days_in(period[:1])[0] if limit.count is None else limit.count
        rest = np.maximum(allowed - used, 0)
        start = next_start(limit.per, now, known.clock)
        opens = np.where(rest > 0, opens, np.maximum(opens, start))
        left = np.minimum(left, rest)
    return left, opens, np.where(left > 0, 0, _REASONS["period_used_up"])


def _grants(channel: Channel, found: Happenings, known: Known, kind: str) -> Block:
    """Return the rows of the templates that are known, user by user."""
    rows = found.on(channel.code)
    if GRANTED.get(kind) == channel.code:
        place = _CHANNELS[channel.code]
        every = found.of("subscribe", "decline", "deliver")
        rows = every.take(
            (every.kind != KIND_CODES["deliver"]) | (every.channel == place)
        )
    rows = rows.take(rows.item > 0)
    good_for = sends_a_grant(known.rulebook)
    rows = _latest(rows, "subscribe", KEPT)
    rows = _latest(rows, "deliver", KEPT * max(good_for, 1))
    step = np.zeros(len(rows.at), dtype=np.int64)
    step[rows.kind == KIND_CODES["subscribe"]] = good_for
    step[rows.kind == KIND_CODES["deliver"]] = -1
    # At one instant grants come first, then messages, then what takes grants away.
    rank = np.sign(-step) + np.where(rows.kind == KIND_CODES["decline"], 2, 0)
    order = np.lexsort((rank, rows.at, rows.item, rows.user))
    rows, step = rows.take(order), step[order]
    first = np.ones(len(step), dtype=np.bool_)
    first[1:] = (rows.user[1:] != rows.user[:-1]) | (rows.item[1:] != rows.item[:-1])
    left = _balances(first, step, rows.kind == KIND_CODES["decline"])
    user, item = rows.user[first], rows.item[first]
    opens = np.where(left > 0, micros("as_of", known.as_of), NEVER)
    reason = np.where(left > 0, 0, _REASONS["no_grant"])
    where = np.full(len(user), _CHANNELS[channel.code])
    return Block(user, where, item, left, opens, np.full(len(user), NEVER), reason)


def _latest(rows: Happenings, kind: str, kept: int) -> Happenings:
    """Return the rows, of one kind only so many as a quota keeps a template."""
    which = np.flatnonzero(rows.kind == KIND_CODES[kind])
    order = which[np.lexsort((rows.at[which], rows.item[which], rows.user[which]))]
    pair = np.stack([rows.user[order], rows.item[order]])
    place = np.arange(len(order))
    ends = np.ones(len(order), dtype=np.bool_)
    ends[:-1] = (pair[:, 1:] != pair[:, :-1]).any(axis=0)
    end_of = np.flatnonzero(ends)[np.cumsum(ends) - ends]
    old = np.zeros(len(rows.at), dtype=np.bool_)
    old[order[end_of - place >= kept]] = True
    return rows.take(~old) if old.any() else rows


def _balances(
    first: NDArray[np.bool_], step: NDArray[np.int64], voids: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return what is left at the end of each run of steps that never goes below 0.

    Parameters
    ----------
    first
        Where a run begins. Shape ``(n,)``.
    step
        What each step adds. Shape ``(n,)``.
    voids
        Which steps take everything away. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        One a run. A walk that is held at 0 from below ends as far above 0 as the
        free walk ends above its lowest point.
    """
    starts = np.flatnonzero(first)
    if not starts.size:
        return np.empty(0, dtype=np.int64)
    place = np.arange(len(step))
    # A run counts from its last loss on; the loss itself adds nothing.
    begins = np.maximum.reduceat(np.where(first | voids, place, 0), starts)
    ends = np.append(starts[1:], len(step)) - 1
    run = np.cumsum(first) - 1
    walk = np.cumsum(np.where(place >= begins[run], step, 0))
    base = walk[begins] - step[begins]
    lowest = np.minimum.reduceat(
        np.where(place >= begins[run], walk, np.iinfo(np.int64).max), starts
    )
    above: NDArray[np.int64] = walk[ends] - np.minimum(lowest, base)
    return above
