"""What a user's points are worth today (积分余额): lots that wait, hold and expire.

Earned points are a lot, with an instant from which they can be spent and one at
which they expire. Spending takes from the lot that expires first. The balance at
an instant is a function of the facts up to it, whatever order they come in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.segments.points.facts import (
    Earned,
    Fact,
    Reinstated,
    Reversed,
    Spent,
    in_order,
    targets_of,
)
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
from wxengage.tables import html_table, text_table
from wxengage.times.zones import from_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from wxengage.times.days import DayClock

__all__ = ["Balance", "PointsLot", "balance"]

_CODES: Final = {Earned: EARNED, Spent: SPENT, Reversed: REVERSED}


@attrs.frozen
class PointsLot:
    """Points that have the same end (积分批次).

    Attributes
    ----------
    id
        Of the earning they come from.
    points
        How many are left, from 1.
    earned_at, available_at
        Instants in the policy's zone.
    expires_at
        The first instant at which they are no longer there; None: never.
    """

    id: str | int
    points: int
    earned_at: dt.datetime
    available_at: dt.datetime
    expires_at: dt.datetime | None


@attrs.frozen
class Balance:
    """What became of a user's points by an instant (积分余额).

    ``earned == available + pending + spent + expired + reversed - owed``, always.

    Attributes
    ----------
    as_of
        The instant.
    earned
        All points that came in.
    available
        Can be spent now.
    pending
        Can be spent later, unless taken back.
    spent
        Net of reversed spendings.
    expired
        Ended unspent, and not given back.
    reversed
        Taken out of earnings.
    owed
        The part of ``reversed`` that had been spent already and is not paid yet:
        the next points that can be spent pay it.
    lots
        What is available or pending, in the order in which it would be spent.
    """

    as_of: dt.datetime
    earned: int
    available: int
    pending: int
    spent: int
    expired: int
    reversed: int
    owed: int
    lots: tuple[PointsLot, ...]

    @property
    def next_expiry(self) -> tuple[dt.datetime, int] | None:
        """When the next points expire, and how many; None where none do."""
        ends = [lot.expires_at for lot in self.lots if lot.expires_at is not None]
        if not ends:
            return None
        first = min(ends)
        return first, sum(lot.points for lot in self.lots if lot.expires_at == first)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """One row a sum, then one row a lot, as they are printed."""
        sums = ("available", "pending", "spent", "expired", "reversed", "owed")
        names = [*sums, *(f"lot {lot.id}" for lot in self.lots)]
        points = [getattr(self, name) for name in sums]
        blank: list[Any] = [""] * len(sums)
        return {
            "points": np.array(names, dtype=object),
            "n": np.array([*points, *(lot.points for lot in self.lots)]),
            "from": np.array([*blank, *(x.available_at for x in self.lots)], object),
            "until": np.array(
                [*blank, *(x.expires_at or "-" for x in self.lots)], object
            ),
        }

    def __str__(self) -> str:
        return text_table(self.columns)

    def _repr_html_(self) -> str:
        return html_table(self.columns)


def balance(facts: Iterable[Fact], policy: PointsPolicy, as_of: dt.datetime) -> Balance:
    """Work out what became of one user's points.

    Parameters
    ----------
    facts
        ``Earned``, ``Spent``, ``Reversed`` and ``Reinstated``, in any order. The
        same fact twice counts once.
    policy
        The rules.
    as_of
        The instant, aware; later facts are ignored.

    Returns
    -------
    Balance
        With the lots that are left.

    Raises
    ------
    InvalidInputError
        If more is spent than there is at that instant, more is reversed than
        there was, a reversal comes before what it reverses, two facts share an
        id, or something is reinstated under a policy that does not allow it.

    Notes
    -----
    At the same instant facts happen in the order earned, spent, reversed,
    reinstated; a lot is there at ``available_at`` and gone at ``expires_at``. A
    spending that is reversed re-opens the lots it had taken, with their old ends,
    the latest-expiring first; an earning that is reversed and has been spent
    leaves the user owing. ``O(n log n)`` for ``n`` facts. ``balances`` is the
    same for many users at once.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.segments.points import Earned, PointsPolicy, Spent, Validity
    >>> noon = dt.datetime.fromisoformat("2026-01-31T12:00+08:00")
    >>> facts = [Earned("a", noon, 100), Spent("b", noon, 30)]
    >>> policy = PointsPolicy(validity=Validity(months=1))
    >>> found = balance(facts, policy, noon)
    >>> found.available, found.next_expiry[0].isoformat()
    (70, '2026-03-01T00:00:00+08:00')
    """
    now = instant("as_of", as_of)
    if not isinstance(policy, PointsPolicy):
        raise InvalidInputError("policy", policy, "a PointsPolicy")
    known = in_order(facts, now)
    at = np.array([instant("at", fact.at) for fact in known], dtype=np.int64)
    rows = []
    for fact, t, target, end in zip(
        known,
        at.tolist(),
        targets_of(known),
        lot_ends(at, policy).tolist(),
        strict=True,
    ):
        if isinstance(fact, Reinstated):
            require_window(policy, f"reinstated {fact.id!r}")
            rows.append((t, REINSTATED, 0, -1, 0))
        else:
            rows.append((t, _CODES[type(fact)], fact.points or 0, target, end))
    purse = Purse(policy.window_micros)
    replay(
        purse,
        rows,
        policy.pending_micros,
        lambda row: f"{type(known[row]).__name__.lower()} {known[row].id!r}",
    )
    purse.advance(now)
    return _told(purse, known, policy.clock, as_of)


def _told(
    purse: Purse, known: list[Fact], clock: DayClock, as_of: dt.datetime
) -> Balance:
    tz = clock.zone
    lots = tuple(
        PointsLot(
            id=known[part.earning].id,
            points=part.left,
            earned_at=known[part.earning].at.astimezone(tz),
            available_at=from_micros(part.available, tz),
            expires_at=(
                None if part.expires == FOREVER else from_micros(part.expires, tz)
            ),
        )
        for part in sorted(purse.parts(), key=lambda part: part.key)
    )
    return Balance(
        as_of=as_of,
        earned=purse.earned,
        available=purse.available,
        pending=purse.pending,
        spent=purse.spent,
        expired=purse.expired,
        reversed=purse.reversed,
        owed=purse.owed,
        lots=lots,
    )
