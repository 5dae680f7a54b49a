"""Bringing in the past (历史导入): who followed before, granting nothing."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
import functools
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.desk.base import Base
from wxengage.desk.recording import record_in
from wxengage.desk.running import running, telling
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.desk.unit import Unit

__all__ = ["BACKFILLED", "Backfilled", "Backfilling"]

#: Under which name the store notes that the past was brought in.
BACKFILLED: Final = "backfilled"
_PAGE: Final = 2_000


@attrs.frozen
class Backfilled:
    """What was brought in from before (历史导入).

    Attributes
    ----------
    events
        How many were given.
    new
        How many of them were not known.
    """

    events: int
    new: int


class Backfilling(Base):
    """The counter where the past is brought in."""

    def backfill(
        self,
        source: Any,
        *,
        now: dt.datetime | None = None,
        **columns: Any,
    ) -> Backfilled:
        """Bring in the past: existing followers, and what they did, granting nothing.

        Parameters
        ----------
        source
            Events, or whatever ``read_log`` takes. An empty one says that there is
            no past: nobody followed before.
        now
            When, aware; None: by the store's clock.
        columns
            As ``read_log`` takes them.

        Returns
        -------
        Backfilled
            How many events there were.

        Raises
        ------
        InvalidInputError
            If an event breaks a rule, or lies within a campaign that runs: what
            happens there is to be recorded, and counts.
        """
        instant = self._instant(now)
        total = new = 0
        events = iter(_events(source, columns))
        while page := tuple(islice(events, _PAGE)):
            new += self._do(functools.partial(self._past, events=page, now=instant))
            total += len(page)
        self._do(
            lambda unit: unit.put("meta", (BACKFILLED, str(micros("now", instant))))
        )
        return Backfilled(total, new)

    def _past(self, unit: Unit, events: tuple[Event, ...], now: dt.datetime) -> int:
        telling(unit, str(events[0].id))
        opens = min(
            (
                micros("opens", one.campaign.opens)
                for one in running(unit)
                if one.state != "closed"
            ),
            default=None,
        )
        for row, event in enumerate(events):
            if opens is not None and micros("at", event.at) >= opens:
                rule = f"before {from_micros(opens)}, when a running campaign opened"
                hint = "record it: what happens in a campaign counts"
                raise InvalidInputError(f"source[{row}].at", event.at, rule, hint)
        told = record_in(
            unit, self._settings, events, now, durable=False, backfilled=True
        )
        return sum(not one.duplicate for one in told)


def _events(source: Any, columns: dict[str, Any]) -> Iterator[Event]:
    """Yield the events of a source, whatever it is."""
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | Mapping):
        iterator = iter(source)
        first = next(iterator, None)
        if first is None:
            return
        if isinstance(first, Event):
            yield from chain([first], iterator)
            return
        if isinstance(first, Mapping):
            source = [first, *iterator]
    yield from _of_log(read_log(source, **columns).to_frame({}))


def _of_log(table: Mapping[str, Any]) -> Iterator[Event]:
    names = [name for name in table if name in attrs.fields_dict(Event)]
    for row in range(len(table["user"])):
        told = {name: _plain(table[name][row]) for name in names}
        told["at"] = from_micros(int(np.datetime64(told["at"], "us").astype("int64")))
        for name in ("user", "inviter", "item", "group", "id"):
            if isinstance(told.get(name), int):
                told[name] = str(told[name])
        yield Event(
            **{name: value for name, value in told.items() if value is not None}
        )


def _plain(value: Any) -> Any:
    """Return a value of numpy as Python's own; a NaN is nothing."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value
