"""Being told what happened (事件入库): once, whole, and on disk before the answer.

In one transaction an event is kept, folded into every campaign that reads it, and
what follows from it is granted, set aside, posted and put in the outbox. Told
again, it changes nothing: WeChat tells up to three times.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.desk.base import Base
from wxengage.desk.codes import inviter_of, load_codes
from wxengage.desk.folding import Folder, folder_of, readers
from wxengage.desk.grouping import Group
from wxengage.desk.people import matters, told
from wxengage.desk.receipts import Receipt, Receipts
from wxengage.desk.rows import content_of, event_id, event_row
from wxengage.desk.running import running, telling
from wxengage.desk.waiting import fund_again, run_out
from wxengage.errors import InvalidInputError, require_id, require_several
from wxengage.ledger.records import ERASED
from wxengage.log.events import Event
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wxengage.campaigns.facts import Fact
    from wxengage.desk.running import Running
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.stores.ports import Store
    from wxengage.stores.schema import Row

__all__ = ["Recording", "record_in"]

#: How far the clocks of the platform and the store may be apart.
SKEW: Final = dt.timedelta(minutes=5)
_SKEW: Final = span_micros("skew", SKEW)
# How many subjects are looked at in one transaction when time has passed.
_PAGE: Final = 200
# Where an event's row has its instant.
_AT: Final = 3


class Recording(Base):
    """The counter where events are told."""

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._group: Group[tuple[Event, dt.datetime], Receipt] = Group(self._batch)

    def record(
        self,
        event: Event,
        *,
        within: Any = None,
        now: dt.datetime | None = None,
    ) -> Receipt:
        """Keep an event, and do all that follows from it, in one transaction.

        Parameters
        ----------
        event
            What happened. Users are known by text. An event without an id is known
            by its content.
        within
            The application's own open connection: everything is done in its
            transaction and stands or falls with it.
        now
            When it was told, aware; None: by the store's clock.

        Returns
        -------
        Receipt
            What became of it. When this returns it is on disk, unless ``durable``
            says otherwise: acknowledge the callback only then.

        Raises
        ------
        InvalidInputError
            If the event breaks a rule, comes from the future, or was told before
            under the same id with other content. Nothing is kept of it.
        """
        return self._told([event], within, now)[0]

    def record_many(
        self,
        events: Iterable[Event],
        *,
        within: Any = None,
        now: dt.datetime | None = None,
    ) -> Receipts:
        """Keep several events in one transaction: all of them, or none.

        Parameters
        ----------
        events
            In the order in which they are to be folded.
        within, now
            As in ``record``.

        Returns
        -------
        Receipts
            One for each event.

        Raises
        ------
        InvalidInputError
            If one of them breaks a rule; it is named, and none is kept.
        """
        several = require_several("events", events, "several events")
        return self._told(several, within, now)

    def tick(self, now: dt.datetime | None = None) -> tuple[Fact, ...]:
        """Let campaigns find what time alone has decided (到点结算).

        Parameters
        ----------
        now
            Up to when, aware; None: by the store's clock. ``dispatch`` calls this.

        Returns
        -------
        tuple of Fact
            What was found: holds that ended, offers that ran out, results that are
            due.
        """
        instant = self._instant(now)
        found: list[Fact] = []
        before: tuple[tuple[str, str], ...] | None = None
        while True:
            facts, page = self._do(lambda unit: ticked(unit, self._settings, instant))
            self._announce(facts)
            found += facts
            if len(page) < _PAGE or page == before:
                return tuple(found)
            before = page

    def _told(
        self, events: Sequence[Event], within: Any, now: dt.datetime | None
    ) -> Receipts:
        instant = self._instant(now)
        if self._settings.group_commit and within is None and len(events) == 1:
            receipts: tuple[Receipt, ...] = (self._group.do((events[0], instant)),)
        else:
            receipts = self._kept(events, instant, within)
        if self._settings.on_fact is not None:
            for one in receipts:
                self._announce(one.facts)
        return Receipts(receipts)

    def _kept(
        self, events: Sequence[Event], now: dt.datetime, within: Any = None
    ) -> tuple[Receipt, ...]:
        """Keep events in one transaction."""
        # In the application's transaction nothing is durable before it commits.
        durable = within is None and self._store.durable
        settings = self._settings
        return self._do(
            lambda unit: record_in(unit, settings, events, now, durable=durable),
            within=within,
        )

    def _batch(self, told: Sequence[tuple[Event, dt.datetime]]) -> tuple[Receipt, ...]:
        """Keep the events of several callers, as of the latest of their instants."""
        latest = max((now for _, now in told), key=lambda now: micros("now", now))
        return self._kept([event for event, _ in told], latest)

    def _announce(self, facts: Iterable[Fact]) -> None:
        if self._settings.on_fact is not None:
            for fact in facts:
                self._settings.on_fact(fact)


def record_in(
    unit: Unit,
    settings: Settings,
    events: Sequence[Event],
    now: dt.datetime,
    *,
    durable: bool,
    backfilled: bool = False,
) -> tuple[Receipt, ...]:
    """Keep events in a transaction, with all that follows from them.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    events
        In order.
    now
        When they were told.
    durable
        What the receipts are to say.
    backfilled
        Whether they are past that is brought in: then nothing is granted.

    Returns
    -------
    tuple of Receipt
        One for each event.
    """
    at = micros("now", now)
    told_of = [_named(row, event) for row, event in enumerate(events)]
    if told_of:
        telling(unit, str(told_of[0].id))
    load_codes(unit, told_of)
    named = [inviter_of(unit, event) for event in told_of]
    rows = [event_row(event, at, backfilled=backfilled) for event in named]
    _require_past(named, rows, at + _SKEW)
    new = unit.tx.insert("event", rows)
    _require_same(unit, rows, new)
    fresh = [event for event, is_new in zip(named, new, strict=True) if is_new]
    plans = readers(unit, fresh)
    _hold(unit, settings, fresh, plans)
    told(unit, fresh, settings)
    facts: dict[str, tuple[Fact, ...]] = {}
    folders: dict[str, Folder] = {}
    for event, campaigns in plans:
        for one in campaigns:
            folder = folders[one.campaign.id] = folder_of(unit, settings, one)
            found = folder.fold(event, now, settle=not backfilled)
            facts[str(event.id)] = facts.get(str(event.id), ()) + found
    for name in sorted(folders):
        folders[name].write()
    return tuple(
        _receipt(str(event.id), facts.get(str(event.id), ()), durable, is_new=is_new)
        for event, is_new in zip(named, new, strict=True)
    )


def _receipt(
    name: str, facts: tuple[Fact, ...], durable: bool, *, is_new: bool
) -> Receipt:
    if not is_new:
        return Receipt(name, True, (), "duplicate", durable)
    return Receipt(name, False, facts, facts[-1].reason if facts else "", durable)


def _named(row: int, event: object) -> Event:
    """Return an event under the name by which it is kept."""
    if not isinstance(event, Event):
        raise InvalidInputError(f"events[{row}]", event, "an Event")
    if (
        isinstance(event.user, int)
        or isinstance(event.id, int)
        or isinstance(event.inviter, int)
        or isinstance(event.group, int)
    ):
        _refuse_numbers(row, event)
    if event.account is not None:
        require_id(f"events[{row}].account", event.account)
    if event.campaign is not None:
        require_id(f"events[{row}].campaign", event.campaign)
    if event.channel is not None:
        require_id(f"events[{row}].channel", event.channel)
    if str(event.user).startswith("#"):
        rule = "a user: '#' begins the names of other things"
        raise InvalidInputError(f"events[{row}].user", event.user, rule)
    if event.id is None:
        event = attrs.evolve(event, id=event_id(event))
    return event


def _refuse_numbers(row: int, event: Event) -> None:
    """Raise where a name is a number."""
    for name in ("user", "id", "inviter", "group"):
        value = getattr(event, name)
        if isinstance(value, int):
            rule = "text: a desk keeps names, and 1 is not '1'"
            raise InvalidInputError(f"events[{row}].{name}", value, rule, "str(...)")


def _require_past(events: list[Event], rows: list[Row], latest: int) -> None:
    """Raise where an event is later than the clocks can be apart."""
    for place, row in enumerate(rows):
        if row[_AT] > latest:  # type: ignore[operator]  # a whole number
            got = events[place].at
            rule = f"not later than {from_micros(latest)}, five minutes from now"
            hint = "is a clock wrong, or a time zone missing?"
            raise InvalidInputError(f"events[{place}].at", got, rule, hint)


def _require_same(unit: Unit, rows: list[Row], new: tuple[bool, ...]) -> None:
    """Raise where an id was told before with other content."""
    if all(new):
        return
    known = [row for row, is_new in zip(rows, new, strict=True) if not is_new]
    kept = unit.tx.get("event", [(str(row[0]),) for row in known])
    for place, (row, is_new) in enumerate(zip(rows, new, strict=True)):
        before = () if is_new else kept[str(row[0]),]
        if before and not _of_erased(before) and content_of(before) != content_of(row):
            rule = "the id of one event: it was told before with other content"
            hint = "give every event an id of its own"
            raise InvalidInputError(f"events[{place}].id", row[0], rule, hint)


def _of_erased(row: Row) -> bool:
    """Return whether an event stands under a pseudonym, so that nobody knows whose."""
    names = (row[1], row[6])
    return any(isinstance(name, str) and name.startswith(ERASED) for name in names)


def _hold(
    unit: Unit,
    settings: Settings,
    events: Iterable[Event],
    plans: list[tuple[Event, list[Running]]],
) -> None:
    """Hold every user and subject of a batch, in one order, and read them."""
    users = {f"user:{event.user}" for event in events if matters(event)}
    keys: dict[Folder, set[str]] = {}
    for event, campaigns in plans:
        for one in campaigns:
            touched = one.campaign.touches(event)
            keys.setdefault(folder_of(unit, settings, one), set()).update(touched)
    if users:
        unit.lock(users)
        unit.forget("profile")
    if keys:
        unit.lock(
            f"subject:{folder.one.campaign.id}/{key}"
            for folder, touched in keys.items()
            for key in touched
        )
        unit.forget("subject")
        for folder, touched in keys.items():
            folder.hold(touched)


def ticked(
    unit: Unit, settings: Settings, now: dt.datetime
) -> tuple[tuple[Fact, ...], tuple[tuple[str, str], ...]]:
    """Settle the next subjects for which time has come.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    now
        Up to when.

    Returns
    -------
    facts
        What was found.
    page
        Campaign and key of the subjects that were looked at; with as many as one
        page has, there may be others.
    """
    rows = unit.find("subject", "by_due", below=micros("now", now) + 1, limit=_PAGE)
    campaigns = {one.campaign.id: one for one in running(unit)}
    facts: list[Fact] = []
    for row in sorted(rows, key=lambda row: (str(row[0]), str(row[1]))):
        folder = folder_of(unit, settings, campaigns[str(row[0])])
        key = str(row[1])
        for tick in folder.due(key, now):
            facts += folder.fold(tick, now)
        folder.touch(key)
    for one in campaigns.values():
        folder_of(unit, settings, one).write()
    if len(rows) < _PAGE:
        run_out(unit, now)
        fund_again(unit, settings, now)
    return tuple(facts), tuple((str(row[0]), str(row[1])) for row in rows)
