"""The points of many users at once (批量积分余额).

Most users only earn and spend. Their lots are a queue: what is earned later is
available later and expires no earlier, so spending goes from the front, and the
front at each instant is a running maximum of sums. Users with a reversal or a
reinstatement go through the same purse as a single one does, in whole numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.answer import PerUser
from wxengage.log.frames import ARRAYS, Ids, Origin
from wxengage.log.runs import NEVER
from wxengage.log.summary import instants
from wxengage.segments.points.columns import FactColumns, read_facts
from wxengage.segments.points.facts import too_few
from wxengage.segments.points.fold import (
    EARNED,
    REINSTATED,
    REVERSED,
    SPENT,
    Purse,
    replay,
)
from wxengage.segments.points.policy import PointsPolicy, lot_ends, require_window
from wxengage.segments.points.validity import FOREVER, instant

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

__all__ = ["Balances", "balances", "user_balances"]


@attrs.frozen(eq=False)
class Balances(PerUser):
    """One row a user, ascending by id; every column has shape ``(users,)``.

    Attributes
    ----------
    user
        Ids: every user in the table.
    earned, available, pending, spent, expired, reversed, owed
        As in ``Balance``.
    next_expiry_at
        When the next points expire; ``NaT`` where none do.
    next_expiry_points
        How many; 0 where none do.
    """

    user: NDArray[Any]
    earned: NDArray[np.int64]
    available: NDArray[np.int64]
    pending: NDArray[np.int64]
    spent: NDArray[np.int64]
    expired: NDArray[np.int64]
    reversed: NDArray[np.int64]
    owed: NDArray[np.int64]
    next_expiry_at: NDArray[np.datetime64]
    next_expiry_points: NDArray[np.int64]
    _ids: Ids = attrs.field(repr=False)
    _origin: Origin = attrs.field(default=ARRAYS, repr=False)


_SUMS = ("earned", "available", "pending", "spent", "expired", "reversed", "owed")


def balances(
    facts: Any,
    policy: PointsPolicy,
    as_of: dt.datetime,
    *,
    tz: str | None = None,
    unit: str | None = None,
) -> Any:
    """Work out what became of many users' points.

    Parameters
    ----------
    facts
        A pandas, Polars or PyArrow frame, a dict of arrays or a list of dicts,
        with the columns ``user``, ``at`` and ``points``, and where they are
        needed ``kind`` (``"earned"``, ``"spent"``, ``"reversed"``,
        ``"reinstated"``; all rows are earned without it), ``id`` and ``of``. Ids
        are unique within a user.
    policy, as_of
        As for ``balance``.
    tz, unit
        Of times without a zone, and of times that are numbers, as for
        ``read_log``.

    Returns
    -------
    frame
        As the facts came: one row a user, the columns of ``Balances``.

    Raises
    ------
    InvalidInputError
        As ``balance`` does, and if a column is missing or a cell cannot be read.

    Notes
    -----
    ``O(n log n)`` for ``n`` facts. Users without reversals and reinstatements are
    computed all at once, the others one by one.

    Examples
    --------
    >>> import datetime as dt
    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
    >>> facts = [
    ...     {"user": "ann", "kind": "earned", "at": noon, "points": 100},
    ...     {"user": "ann", "kind": "spent", "at": noon, "points": 30},
    ...     {"user": "bo", "kind": "earned", "at": noon, "points": 5},
    ... ]
    >>> [row["available"] for row in balances(facts, PointsPolicy(), noon)]
    [70, 5]
    """
    return user_balances(facts, policy, as_of, tz=tz, unit=unit).to_frame()


def user_balances(
    facts: Any,
    policy: PointsPolicy,
    as_of: dt.datetime,
    *,
    tz: str | None = None,
    unit: str | None = None,
) -> Balances:
    """Return what ``balances`` says, as arrays.

    Parameters
    ----------
    facts, policy, as_of, tz, unit
        As for ``balances``.

    Returns
    -------
    Balances
        Users ascending by id.

    Raises
    ------
    InvalidInputError
        As ``balances`` does.
    """
    now = instant("as_of", as_of)
    if not isinstance(policy, PointsPolicy):
        raise InvalidInputError("policy", policy, "a PointsPolicy")
    read = read_facts(facts, now, tz=tz, unit=unit)
    ends = np.full(len(read.at), FOREVER)
    earned = read.kind == EARNED
    ends[earned] = lot_ends(read.at[earned], policy)
    undoing = np.flatnonzero(read.kind >= REVERSED)
    if undoing.size and (read.kind[undoing] == REINSTATED).any():
        row = int(read.row[undoing[read.kind[undoing] == REINSTATED]].min())
        require_window(policy, f"kind[{row}]")
    simple = np.ones(len(read.ids), dtype=np.bool_)
    simple[read.user[undoing]] = False
    found = _queues(read, simple[read.user], ends, policy, now)
    _fold(read, np.flatnonzero(~simple), ends, policy, now, found=found)
    return Balances(
        user=read.ids.numpy(),
        **{name: found[name] for name in _SUMS},
        next_expiry_at=instants(found["next_at"]),
        next_expiry_points=found["next_points"],
        ids=read.ids,
        origin=read.origin,
    )


class _Lots:
    """Lots of all users in one queue, user after user, each from old to new.

    A place in the queue is a number of points: those before it. Whatever the
    user, what was spent or has expired is the queue up to some place.
    """

    def __init__(self, read: FactColumns, rows: NDArray[np.int64]) -> None:
        self.user = read.user[rows]
        self.ends = np.append(0, np.cumsum(read.points[rows]))
        self.first = np.searchsorted(self.user, np.arange(len(read.ids) + 1))

    def until(self, times: NDArray[np.int64]) -> _Until:
        """Return the question how far the queue has come by an instant.

        Parameters
        ----------
        times
            One a lot; those of a user never run backwards.

        Returns
        -------
        callable
            From users and instants to places in the queue.
        """
        # Ranks of instants leave room for the user in the same 64 bits.
        known = np.unique(times)
        keys = self.user * (len(known) + 1) + np.searchsorted(known, times)

        def place(user: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
            rank = np.searchsorted(known, at, side="right")
            return self.ends[np.searchsorted(keys, user * (len(known) + 1) + rank)]

        return place


_Until = Callable[["NDArray[np.int64]", "NDArray[np.int64]"], "NDArray[np.int64]"]


def _queues(
    read: FactColumns,
    rows: NDArray[np.bool_],
    ends: NDArray[np.int64],
    policy: PointsPolicy,
    now: int,
) -> dict[str, NDArray[np.int64]]:
    """Return the sums of users who only earn and spend."""
    mine = np.flatnonzero(rows & (read.kind == EARNED))
    uses = np.flatnonzero(rows & (read.kind == SPENT))
    lots = _Lots(read, mine)
    available = lots.until(read.at[mine] + policy.pending_micros)
    expired = lots.until(ends[mine])
    everyone = np.arange(len(read.ids))
    moment = np.full(len(everyone), now)
    begin, end = lots.ends[lots.first[:-1]], lots.ends[lots.first[1:]]
    front = begin.copy()
    # Ascending by user and time: the last write is the last front.
    front[read.user[uses]] = _fronts(read, uses, available, expired)
    front = np.maximum(front, expired(everyone, moment))
    can = available(everyone, moment)
    total = np.append(0, np.cumsum(read.points[uses]))
    spent = np.diff(
        total[np.searchsorted(read.user[uses], np.arange(len(everyone) + 1))]
    )
    found = {
        "earned": end - begin,
        "available": np.maximum(can - front, 0),
        "pending": end - np.maximum(can, front),
        "spent": spent,
        "reversed": np.zeros_like(begin),
        "owed": np.zeros_like(begin),
    }
    kept = found["available"] + found["pending"] + spent
    found["expired"] = found["earned"] - kept
    # The lot at the front is the next to expire.
    next_at = np.full(len(everyone), FOREVER)
    left = front < end
    next_at[left] = ends[mine][np.searchsorted(lots.ends, front[left], "right") - 1]
    left &= next_at != FOREVER
    found["next_at"] = np.where(left, next_at, NEVER)
    found["next_points"] = np.where(left, expired(everyone, next_at) - front, 0)
    return found


def _fronts(
    read: FactColumns, uses: NDArray[np.int64], available: _Until, expired: _Until
) -> NDArray[np.int64]:
    """Return how far each spending brings the queue of its user."""
    # That is what was gone before, spent or expired, plus what it takes. Unrolled,
    # it is a running maximum. A user's queue begins where the one before ends, at
    # or behind the last front there: so one running maximum serves all users, up to
    # the first spending that is too large.
    user, at, spent = read.user[uses], read.at[uses], read.points[uses]
    sums = np.cumsum(spent)
    fronts: NDArray[np.int64] = sums + np.maximum.accumulate(
        expired(user, at) - (sums - spent)
    )
    there = available(user, at) - (fronts - spent)
    short = spent > there
    if short.any():
        first = int(short.argmax())
        name = f"row {read.row[uses[first]]}.points"
        raise too_few(
            name, int(spent[first]), max(int(there[first]), 0), int(at[first])
        )
    return fronts


def _row_name(rows: NDArray[np.int64], fact: int) -> str:
    return f"row {rows[fact]}"


def _fold(
    read: FactColumns,
    users: NDArray[np.int64],
    ends: NDArray[np.int64],
    policy: PointsPolicy,
    now: int,
    *,
    found: dict[str, NDArray[np.int64]],
) -> None:
    """Fill in the sums of users with reversals or reinstatements."""
    starts = read.starts
    for user in users.tolist():
        first, last = int(starts[user]), int(starts[user + 1])
        part = slice(first, last)
        target = read.target[part] - first
        columns = (
            read.at[part],
            read.kind[part],
            read.points[part],
            target,
            ends[part],
        )
        purse = Purse(policy.window_micros)
        replay(
            purse,
            zip(*(column.tolist() for column in columns), strict=True),
            policy.pending_micros,
            functools.partial(_row_name, read.row[part]),
        )
        purse.advance(now)
        for name in _SUMS:
            found[name][user] = getattr(purse, name)
        left = [part for part in purse.parts() if part.expires != FOREVER]
        next_at = min((part.expires for part in left), default=NEVER)
        found["next_at"][user] = next_at
        found["next_points"][user] = sum(
            part.left for part in left if part.expires == next_at
        )
