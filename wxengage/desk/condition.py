"""How a desk is doing (运营台状况): what waits, what is stopped, what needs people."""

from __future__ import annotations

import datetime as dt
import functools
import html
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.delivery.outbox.states import WAITING
from wxengage.delivery.outbox.states import State as LetterState
from wxengage.desk.outboxes import breakers
from wxengage.desk.people import rules_on
from wxengage.ledger.states import State
from wxengage.tables import aligned
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import enum
    from collections.abc import Iterable, Mapping

    from wxengage.delivery.outbox.breakers import Breaker
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit

__all__ = ["DeskHealth", "health_of"]

#: A letter that is due for so long is not being sent.
LATE: Final = dt.timedelta(hours=1)
#: A payout of which nobody has known for so long will not be cleared up by itself.
DOUBTED: Final = dt.timedelta(days=1)
#: Platform facts that nobody has looked at for so long may have changed.
STALE: Final = dt.timedelta(days=365)
# Columns of ``letter`` and of ``payout``.
_READY, _AT = 6, 6


@attrs.frozen(repr=False, str=False)
class DeskHealth:
    """How a desk is doing (运营台状况).

    Attributes
    ----------
    at
        When it was asked.
    letters
        How many there are by state, in the words of the outbox; every state is
        there.
    oldest_due
        For how long the letter that may go for longest has waited; zero for none.
    payouts
        How many there are by state, in the words of the books.
    oldest
        State of payouts that wait for somebody, held, unfunded, unknown or parked ->
        for how long the oldest has stood there. States without one are left out.
    troubles
        The breakers that are not closed.
    suppressed
        How many recipients get nothing more on a channel.
    rules_checked
        When the platform's rules of the day were last looked at.
    """

    at: dt.datetime
    letters: Mapping[str, int]
    oldest_due: dt.timedelta
    payouts: Mapping[str, int]
    oldest: Mapping[str, dt.timedelta]
    troubles: tuple[Breaker, ...]
    suppressed: int
    rules_checked: dt.date

    @property
    def backlog(self) -> int:
        """How many letters are still on their way."""
        return sum(self.letters[state.value] for state in WAITING)

    @property
    def dead(self) -> int:
        """How many letters wait for a person; see ``revive``."""
        return self.letters[LetterState.DEAD.value]

    @functools.cached_property
    def worries(self) -> tuple[str, ...]:
        """What somebody should see to, in words."""
        found = []
        if self.dead:
            found.append(f"{self.dead} dead letters: mend, then revive them")
        if self.oldest_due > LATE:
            found.append(f"a letter is due since {_span(self.oldest_due)}: dispatch")
        if count := self.payouts[State.PARKED.value]:
            found.append(f"{count} payouts are parked: resolve them with evidence")
        doubted = self.oldest.get(State.UNKNOWN.value, dt.timedelta(0))
        if doubted > DOUBTED:
            found.append(f"a payout is in doubt since {_span(doubted)}")
        if count := self.payouts[State.UNFUNDED.value]:
            found.append(f"{count} payouts have no budget: amend(add_budget=...)")
        stopped = sum(one.until is None for one in self.troubles if one.is_open)
        if stopped:
            found.append(f"{stopped} places are stopped: see to them, then lift them")
        if self.at.date() - self.rules_checked > STALE:
            found.append(f"the platform's rules were checked on {self.rules_checked}")
        return tuple(found)

    @property
    def fine(self) -> bool:
        """Whether there is nothing that somebody should see to."""
        return not self.worries

    def _rows(self) -> list[list[str]]:
        rows = [["what", "how many", "oldest"]]
        for name, count in self.letters.items():
            if count:
                late = name == "due" and self.oldest_due
                told = _span(self.oldest_due) if late else ""
                rows.append([f"letters {name}", f"{count:,}", told])
        for name, count in self.payouts.items():
            if count:
                told = _span(self.oldest[name]) if name in self.oldest else ""
                rows.append([f"payouts {name}", f"{count:,}", told])
        rows.append(["breakers open", f"{len(self.troubles):,}", ""])
        rows.append(["suppressed", f"{self.suppressed:,}", ""])
        return rows

    def __repr__(self) -> str:
        return f"DeskHealth(fine={self.fine}, backlog={self.backlog}, dead={self.dead})"

    def __str__(self) -> str:
        said = self.worries or ("nothing to see to",)
        return "\n".join([aligned(self._rows()), "", *said])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _span(span: dt.timedelta) -> str:
    """Return a duration in the unit that fits."""
    for name, unit in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if (count := int(span.total_seconds()) // unit) > 0:
            return f"{count} {name}"
    return f"{int(span.total_seconds())} s"


def health_of(unit: Unit, settings: Settings, now: dt.datetime) -> DeskHealth:
    """Return how a desk is doing, from indexes alone.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    now
        When, aware.

    Returns
    -------
    DeskHealth
        As of this transaction.
    """
    at = micros("now", now)
    letters = {
        s.value: unit.tx.count("letter", "by_state", (s.value,)) for s in LetterState
    }
    payouts = {s.value: unit.tx.count("payout", "by_state", (s.value,)) for s in State}
    first = unit.find("letter", "by_ready", below=at + 1, limit=1)
    due = at - int(first[0][_READY] or 0) if first else 0
    oldest = {}
    for state in (State.HELD, State.UNFUNDED, State.UNKNOWN, State.PARKED):
        rows = unit.find("payout", "by_state", (state.value,), limit=1)
        if rows:
            age = max(0, at - int(rows[0][_AT] or 0))
            oldest[state.value] = dt.timedelta(microseconds=age)
    book = rules_on(settings, now)
    return DeskHealth(
        now,
        MappingProxyType(letters),
        dt.timedelta(microseconds=due),
        MappingProxyType(payouts),
        MappingProxyType(oldest),
        tuple(b for b in breakers(unit).values() if b.stands(at) != "closed"),
        unit.tx.count("suppression"),
        max((rule.checked_on for rule in book), default=book.as_of),
    )


def _counts(unit: Unit, table: str, states: Iterable[enum.Enum]) -> dict[str, int]:
    return {
        state.value: unit.tx.count(table, "by_state", (state.value,))
        for state in states
    }
