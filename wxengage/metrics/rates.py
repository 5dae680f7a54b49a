"""How a metric is counted (指标口径): from what each user did in a period.

The unit is the user. A user's ten reads hang together, so every interval is
computed from one number per user and never from pooled events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.kinds import KINDS, nearest_kind
from wxengage.stats.intervals import wilson
from wxengage.stats.totals import ratio_change, total, total_change
from wxengage.stats.verdicts import Verdict, against, interval_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.stats.estimates import Estimate

__all__ = [
    "ACTIVE",
    "EventTotal",
    "Measure",
    "NetTotal",
    "PeriodCounts",
    "UserShare",
    "UserTotal",
    "ValueTotal",
]

#: Kinds that are an interaction by default.
ACTIVE: Final = tuple(kind.name for kind in KINDS.values() if kind.active)
# Each end of such an interval leaves out 5 %, as a verdict asks.
_VERDICT_LEVEL: Final = 0.90


@attrs.frozen(eq=False)
class PeriodCounts:
    """What each user of a log did in one period.

    All columns have one row per user of the log, whether seen in the period or
    not, in one order.

    Attributes
    ----------
    known
        Whether the user had been seen by the period's end. Shape ``(users,)``.
    counts
        Events by kind; a kind that is not here did not occur.
        Shape ``(users,)`` each.
    value
        Net value of the user's events. Shape ``(users,)``.
    """

    known: NDArray[np.bool_]
    counts: Mapping[str, NDArray[np.int64]]
    value: NDArray[np.float64]

    def did(self, kinds: tuple[str, ...]) -> NDArray[np.int64]:
        """Return how often each user did one of these kinds. Shape ``(users,)``."""
        found = np.zeros(len(self.known), dtype=np.int64)
        for kind in kinds:
            if kind in self.counts:
                found += self.counts[kind]
        return found

    def of(self, rows: NDArray[np.bool_]) -> PeriodCounts:
        """Return the same as if the others had not been there.

        Parameters
        ----------
        rows
            Which users. Shape ``(users,)``.

        Returns
        -------
        PeriodCounts
            The others' rows stay, as zeros, so that two periods can still be
            compared user by user.
        """
        counts = {kind: column * rows for kind, column in self.counts.items()}
        return PeriodCounts(self.known & rows, counts, self.value * rows)


class Measure(Protocol):
    """How one metric is counted."""

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """Kinds without which it cannot be known: of each group at least one."""
        ...

    def now(self, period: PeriodCounts, level: float) -> Estimate:
        """Return the metric in a period."""
        ...

    def change(
        self, before: PeriodCounts, period: PeriodCounts, level: float
    ) -> Estimate:
        """Return the metric now less the metric before."""
        ...

    def verdict(self, period: PeriodCounts, target: float) -> Verdict:
        """Hold the metric against a target."""
        ...


def _known_kinds(
    _: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]
) -> None:
    for kind in value:
        if kind not in KINDS:
            hint = f"did you mean {nearest_kind(kind)!r}?" if nearest_kind(kind) else ""
            raise InvalidInputError(attribute.name, kind, "a kind of KINDS", hint)


@attrs.frozen
class EventTotal:
    """How many events of some kinds there were (次数)."""

    kinds: tuple[str, ...] = attrs.field(validator=_known_kinds)

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """One of its kinds."""
        return (self.kinds,)

    def now(self, period: PeriodCounts, level: float) -> Estimate:
        """Return the number of events; ``n`` counts their users."""
        return total(period.did(self.kinds), least=1, level=level)

    def change(
        self, before: PeriodCounts, period: PeriodCounts, level: float
    ) -> Estimate:
        """Return the events now less those before."""
        pair = (before.did(self.kinds), period.did(self.kinds))
        return total_change(*pair, level=level)

    def verdict(self, period: PeriodCounts, target: float) -> Verdict:
        """Hold the number of events against a target."""
        return interval_verdict(self.now(period, _VERDICT_LEVEL), target)


@attrs.frozen
class UserTotal:
    """How many users did one of some kinds at least once (人数)."""

    kinds: tuple[str, ...] = attrs.field(validator=_known_kinds)

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """One of its kinds."""
        return (self.kinds,)

    def _did(self, period: PeriodCounts) -> NDArray[np.int64]:
        return np.minimum(period.did(self.kinds), 1)

    def now(self, period: PeriodCounts, level: float) -> Estimate:
        """Return the number of users."""
        return total(self._did(period), least=1, level=level)

    def change(
        self, before: PeriodCounts, period: PeriodCounts, level: float
    ) -> Estimate:
        """Return the users now less those before."""
        return total_change(self._did(before), self._did(period), level=level)

    def verdict(self, period: PeriodCounts, target: float) -> Verdict:
        """Hold the number of users against a target."""
        return interval_verdict(self.now(period, _VERDICT_LEVEL), target)


@attrs.frozen
class UserShare:
    """Which share of the users who did one thing also did another (比率).

    Attributes
    ----------
    part
        Kinds of the numerator; its users are counted only within the whole.
    whole
        Kinds of the denominator; empty for every user seen so far.
    """

    part: tuple[str, ...] = attrs.field(validator=_known_kinds)
    whole: tuple[str, ...] = attrs.field(default=(), validator=_known_kinds)

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """One kind of the part and, where it is told by kinds, of the whole."""
        return (self.whole, self.part) if self.whole else (self.part,)

    def _sides(self, period: PeriodCounts) -> tuple[NDArray[np.bool_], ...]:
        whole = period.did(self.whole) > 0 if self.whole else period.known
        return whole & (period.did(self.part) > 0), whole

    def now(self, period: PeriodCounts, level: float) -> Estimate:
        """Return the share; ``n`` is its denominator."""
        part, whole = self._sides(period)
        return wilson(part.sum(), whole.sum(), level=level)

    def change(
        self, before: PeriodCounts, period: PeriodCounts, level: float
    ) -> Estimate:
        """Return the share now less the share before."""
        then, now = self._sides(before), self._sides(period)
        return ratio_change(
            (then[0].astype(float), then[1].astype(float)),
            (now[0].astype(float), now[1].astype(float)),
            level=level,
        )

    def verdict(self, period: PeriodCounts, target: float) -> Verdict:
        """Return how probable it is that the share is above a target."""
        part, whole = self._sides(period)
        return against(part.sum(), whole.sum(), target)


@attrs.frozen
class NetTotal:
    """Events of some kinds less events of others (净增)."""

    plus: tuple[str, ...] = attrs.field(validator=_known_kinds)
    minus: tuple[str, ...] = attrs.field(validator=_known_kinds)

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """One kind of each side."""
        return (self.plus, self.minus)

    def _net(self, period: PeriodCounts) -> NDArray[np.int64]:
        return period.did(self.plus) - period.did(self.minus)

    def now(self, period: PeriodCounts, level: float) -> Estimate:
        """Return the balance; ``n`` counts the users who moved it."""
        return _balance(self._net(period), level)

    def change(
        self, before: PeriodCounts, period: PeriodCounts, level: float
    ) -> Estimate:
        """Return the balance now less the balance before."""
        return total_change(self._net(before), self._net(period), level=level)

    def verdict(self, period: PeriodCounts, target: float) -> Verdict:
        """Hold the balance against a target."""
        return interval_verdict(self.now(period, _VERDICT_LEVEL), target)


@attrs.frozen
class ValueTotal:
    """The value of the events, refunds counted against it (金额)."""

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """No kind: that a log has values is looked at by itself."""
        return ()

    def now(self, period: PeriodCounts, level: float) -> Estimate:
        """Return the net value; ``n`` counts the users who brought it."""
        if (period.value < 0).any():
            return _balance(period.value, level)
        return total(period.value, level=level)

    def change(
        self, before: PeriodCounts, period: PeriodCounts, level: float
    ) -> Estimate:
        """Return the value now less the value before."""
        return total_change(before.value, period.value, level=level)

    def verdict(self, period: PeriodCounts, target: float) -> Verdict:
        """Hold the value against a target."""
        return interval_verdict(self.now(period, _VERDICT_LEVEL), target)


def _balance(net: NDArray[np.int64] | NDArray[np.float64], level: float) -> Estimate:
    """Return a sum whose terms have either sign; ``n`` counts those not 0."""
    moved = net[net != 0]
    return total_change(np.zeros(len(moved)), moved, level=level)
