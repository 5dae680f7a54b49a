"""What limits mean for the options of a plan (约束).

Each limit becomes one of three things: an instant at which an option would go
(quiet hours), a set of options of which one user gets at most so many (caps and
slots), or a sum over all users (budgets).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.pacing.budgets import AdShare, Budget
from wxengage.pacing.caps import Cap
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.scopes import bucket_of
from wxengage.times.periods import period_of
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from wxengage.plan.candidates import Candidates
    from wxengage.plan.options import Option
    from wxengage.times.days import DayClock

__all__ = ["NEVER", "Group", "Limit", "Limits", "Total", "Usage", "own_groups"]

Limit = Cap | Budget | AdShare | QuietHours
_LIMITS: Final = "a Cap, Budget, AdShare or QuietHours"
#: The instant of an option that quiet hours swallow.
NEVER: Final = -(2**63)
# Two quiet hours together may leave no hour of the day.
_LONGEST_WAIT: Final = dt.timedelta(days=2)


@attrs.frozen(eq=False)
class Group:
    """Options of which one user gets at most ``most``.

    Attributes
    ----------
    most
        How many.
    members
        Shape ``(k,)``.
    name
        What people call the limit; "" for the options of one instant.
    """

    most: int
    members: NDArray[np.bool_]
    name: str = ""


@attrs.frozen(eq=False)
class Total:
    """A budget: the sum of ``weights`` over all sends is at most ``limit``."""

    name: str
    unit: str
    limit: int
    weights: NDArray[np.int64]


@attrs.frozen
class Usage:
    """How much of a budget a plan uses.

    Attributes
    ----------
    used, limit
        In the budget's unit.
    unit
        ``"sends"`` or ``"fen"``.
    price
        What one more unit would be worth, about. 0 where some is left over, but
        for what is too little for anybody in a plan by prices.
    """

    used: int
    limit: int
    unit: str
    price: float

    @property
    def left(self) -> int:
        """How much is left."""
        return self.limit - self.used


@attrs.frozen
class Limits:
    """The limits of one plan, sorted by kind."""

    caps: tuple[Cap, ...] = ()
    budgets: tuple[Budget, ...] = ()
    shares: tuple[AdShare, ...] = ()
    quiet: tuple[QuietHours, ...] = ()

    @classmethod
    def of(cls, limits: Limit | Iterable[Limit]) -> Limits:
        """Return limits sorted by kind.

        Parameters
        ----------
        limits
            One limit, or several in any order.

        Returns
        -------
        Limits
            With the order kept within each kind.

        Raises
        ------
        InvalidInputError
            If something is no limit.
        """
        found = (limits,) if isinstance(limits, Limit) else tuple(limits)
        for row, limit in enumerate(found):
            if not isinstance(limit, Limit):
                raise InvalidInputError(f"limits[{row}]", limit, _LIMITS)
        return cls(
            caps=tuple(one for one in found if isinstance(one, Cap)),
            budgets=tuple(one for one in found if isinstance(one, Budget)),
            shares=tuple(one for one in found if isinstance(one, AdShare)),
            quiet=tuple(one for one in found if isinstance(one, QuietHours)),
        )

    def left(
        self, candidates: Candidates
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many ads, and messages in all, each user may still get.

        Parameters
        ----------
        candidates
            Who; ``n`` users and ``k`` options.

        Returns
        -------
        ads, sends
            At most ``k``. Shape ``(n,)``.
        """
        n, k = len(candidates), len(candidates.options)
        ads = candidates.ads_left
        if ads is None and self.shares:
            # Nobody's past is known, so the share is that of a first message.
            first = min(share.left(0, 0) for share in self.shares)
            ads = np.full(n, first, dtype=np.int64)
        free = np.full(n, k, dtype=np.int64)
        sends = candidates.sends_left
        return (
            free if ads is None else np.minimum(ads, k),
            free if sends is None else np.minimum(sends, k),
        )

    def instants(
        self, options: tuple[Option, ...], clock: DayClock
    ) -> NDArray[np.int64]:
        """Return when each option would go: as soon as its window and quiet allow.

        Parameters
        ----------
        options
            The options. Length ``k``.
        clock
            Whose night it is.

        Returns
        -------
        numpy.ndarray
            Microseconds since 1970, ``NEVER`` where quiet hours cover the whole
            window. Shape ``(k,)``.
        """
        found = [self._instant(option, clock) for option in options]
        return np.array(found, dtype=np.int64)

    def _instant(self, option: Option, clock: DayClock) -> int:
        at = option.start
        latest = at + _LONGEST_WAIT if option.end is None else option.end
        while not option.transactional:
            later = at
            for quiet in self.quiet:
                later = quiet.ends_after(later, clock=clock)
            if micros("end", latest) <= micros("at", later):
                return NEVER
            if later is at:
                break
            at = later
        return micros("at", at)

    def groups(
        self,
        options: tuple[Option, ...],
        instants: NDArray[np.int64],
        clock: DayClock,
    ) -> tuple[Group, ...]:
        """Return what one user may have of the options.

        Parameters
        ----------
        options
            The options. Length ``k``.
        instants
            When each goes. Shape ``(k,)``.
        clock
            Whose days, weeks and months count.

        Returns
        -------
        tuple of Group
            One for each slot (options that go at the same instant: at most one
            of them), and one for each period of each cap. A send that counts
            takes room in a plan whether or not it must keep to the cap, so that
            what is planned never breaks it.
        """
        bound = np.array([not o.transactional for o in options], dtype=np.bool_)
        bound &= instants != NEVER
        found = [
            Group(1, bound & (instants == at)) for at in np.unique(instants[bound])
        ]
        for cap in self.caps:
            touched = (*cap.obeys, *cap.counts)
            buckets = [bucket_of(cap.scope, option) for option in options]
            for bucket in sorted({one for one in buckets if one is not None}):
                mine = [
                    here == bucket and option.category in touched
                    for here, option in zip(buckets, options, strict=True)
                ]
                inside = bound & np.array(mine, dtype=np.bool_)
                found += _periods(cap, inside, instants, clock)
        return tuple(found)

    def totals(self, options: tuple[Option, ...]) -> tuple[Total, ...]:
        """Return what all users together may have of the options.

        Parameters
        ----------
        options
            The options. Length ``k``.

        Returns
        -------
        tuple of Total
            One for each budget; a budget for each channel is one for each.
        """
        found: dict[str, Total] = {}
        costs = np.array([option.cost for option in options], dtype=np.int64)
        for budget in self.budgets:
            buckets = [bucket_of(budget.scope, option) for option in options]
            whole = budget.scope is None or ":" in budget.scope
            for bucket in [None] if whole else sorted({b for b in buckets if b}):
                mine = np.array(
                    [b is not None and bucket in {None, b} for b in buckets], dtype=bool
                )
                spent = costs if budget.unit == "fen" else np.ones_like(costs)
                name = budget.name
                if bucket is not None:
                    name = f"{budget.scope}:{bucket} ({budget.unit})"
                total = Total(name, budget.unit, budget.limit, spent * mine)
                # Two budgets of one name sum up the same: the tighter one holds.
                known = found.setdefault(name, total)
                if total.limit < known.limit:
                    found[name] = total
        return tuple(found.values())


def own_groups(
    options: tuple[Option, ...], ads: int, sends: int
) -> tuple[Group, Group]:
    """Return the sets that come from what some users may still get.

    Parameters
    ----------
    options
        The options. Length ``k``.
    ads, sends
        How many ads and how many messages in all.

    Returns
    -------
    sends, ads
        All messages but transactional ones, and the ads among them.
    """
    bound = np.array([not one.transactional for one in options], dtype=np.bool_)
    is_ad = np.array([one.is_ad for one in options], dtype=np.bool_) & bound
    return Group(sends, bound, "sends_left"), Group(ads, is_ad, "ads_left")


def _periods(
    cap: Cap,
    inside: NDArray[np.bool_],
    instants: NDArray[np.int64],
    clock: DayClock,
) -> list[Group]:
    """Return a cap's sets: one a calendar period, or one a stretch that begins."""
    if isinstance(cap.per, dt.timedelta):
        span = span_micros("per", cap.per)
        return [
            Group(
                cap.limit, inside & (at <= instants) & (instants - at < span), cap.name
            )
            for at in np.unique(instants[inside])
        ]
    period = period_of(cap.per, clock.days(np.where(inside, instants, 0)))
    return [
        Group(cap.limit, inside & (period == one), cap.name)
        for one in np.unique(period[inside])
    ]
