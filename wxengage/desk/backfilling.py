"""Bringing in the past (历史导入): who followed before, granting nothing."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
import functools
import math
from collections.abc import Iterable, Mapping
from itertools import chain, count, islice
from types import MappingProxyType
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

    from wxengage.desk.running import Running
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit

__all__ = ["BACKFILLED", "Backfilled", "Backfilling"]

#: Under which name the store notes that the past was brought in.
BACKFILLED: Final = "backfilled"
_PAGE: Final = 2_000
_NOTHING: Final = object()
#: State of a campaign -> what it is called.
_SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "open": "running campaign",
        "paused": "running campaign",
        "closed": "campaign that was closed",
    }
)


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
            If an event breaks a rule, or lies within a campaign: what happens there
            is to be recorded, and counts. Pages before it are kept, and bringing
            them in again changes nothing.
        """
        instant = self._instant(now)
        total = new = 0
        events = iter(_events(source, columns))
        while page := tuple(islice(events, _PAGE)):
            work = functools.partial(_past, self._settings, events=page, now=instant)
            new += self._do(functools.partial(work, start=total))
            total += len(page)
        self._do(
            lambda unit: unit.put("meta", (BACKFILLED, str(micros("now", instant))))
        )
        return Backfilled(total, new)


def _past(
    settings: Settings,
    unit: Unit,
    *,
    events: tuple[Event, ...],
    now: dt.datetime,
    start: int,
) -> int:
    """Keep a page of the past, whose first event is the so-many-th of all."""
    telling(unit, str(events[0].id))
    counting = [(_begins(one), _ends(one), one.state) for one in running(unit)]
    for row, event in enumerate(events, start=start):
        at = micros("at", event.at)
        for begins, ends, state in counting:
            if begins <= at < ends:
                rule = f"before {from_micros(begins)}, when a {_SAID[state]} opened"
                hint = "record it: what happens in a campaign counts"
                raise InvalidInputError(f"source[{row}].at", event.at, rule, hint)
    told = record_in(unit, settings, events, now, durable=False, backfilled=True)
    return sum(not one.duplicate for one in told)


def _begins(one: Running) -> int:
    return micros("opens", one.campaign.opens)


def _ends(one: Running) -> float:
    """Return from when on what happens is nothing to a campaign."""
    closed = one.terms.closed_at
    return math.inf if closed is None else micros("closed_at", closed)


def _events(source: Any, columns: dict[str, Any]) -> Iterator[Event]:
    """Yield the events of a source, whatever it is."""
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | Mapping):
        iterator = iter(source)
        first = next(iterator, _NOTHING)
        if first is _NOTHING:
            return
        if isinstance(first, Event):
            yield from map(_an_event, chain([first], iterator), count())
            return
        if isinstance(first, Mapping) or iterator is source:
            source = [first, *iterator]
    yield from _of_log(read_log(source, **columns).to_frame({}))


def _an_event(got: object, row: int) -> Event:
    if not isinstance(got, Event):
        raise InvalidInputError(f"source[{row}]", got, "an Event, as the first one is")
    return got


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
