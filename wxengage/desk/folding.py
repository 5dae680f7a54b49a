"""Events and time, folded into campaigns (活动折叠), with what follows from it.

Of each campaign the subjects that an event touches are held, read once, folded, and
written once, however many events of a batch touch them.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from wxengage.campaigns.facts import GRANTED, WITHDRAWN
from wxengage.campaigns.folding import advance
from wxengage.campaigns.reading import reads
from wxengage.campaigns.states import State, Tick
from wxengage.codec.envelope import dump, load
from wxengage.desk.granting import grant, withdraw
from wxengage.desk.letters import put_in
from wxengage.desk.notices import notices_of
from wxengage.desk.rows import event_of, fact_row
from wxengage.desk.running import running, takes
from wxengage.ledger.records import ERASED
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxengage.campaigns.facts import Fact
    from wxengage.desk.running import Running
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.log.events import Event

__all__ = ["TICK", "Folder", "folder_of"]

#: What a fact names for its event that time alone has led to.
TICK: Final = "#tick"
# Later than any campaign.
_FAR: Final = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)


class Folder:
    """One campaign within one transaction.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    one
        The campaign.
    """

    def __init__(self, unit: Unit, settings: Settings, one: Running) -> None:
        self.one = one
        self._unit, self._settings = unit, settings
        self._subjects: dict[str, Any] = {}
        self._held: set[str] = set()
        self._changed: dict[str, None] = {}
        self._alone = False

    def stay_alone(self) -> None:
        """Hold no subject from now on: nobody else knows the campaign yet."""
        self._alone = True

    def names(self, event: Event | Tick) -> set[str]:
        """Return what has to be held before an event is folded, as far as known."""
        return {self._lock(key) for key in self.one.campaign.touches(event)}

    def hold(self, keys: Iterable[str]) -> None:
        """Note that subjects are held already, and read them."""
        keys = list(keys)
        self._held.update(keys)
        self._read(keys)

    def concerns(self, event: Event) -> bool:
        """Return whether the campaign can be changed by an event."""
        return reads(self.one.campaign, event) and takes(self.one, event)

    def fold(
        self, event: Event | Tick, now: dt.datetime, *, settle: bool = True
    ) -> tuple[Fact, ...]:
        """Fold an event, or that time has passed, into the campaign.

        Parameters
        ----------
        event
            What happened.
        now
            When it was told.
        settle
            Whether what is found moves rewards, and is told to users.

        Returns
        -------
        tuple of Fact
            Those that were not known.
        """
        campaign = self.one.campaign
        before = self._touched(event)
        after, facts = advance(before, event, campaign)
        for key, subject in after.subjects.items():
            if before.subjects.get(key) is not subject:
                self._subjects[key] = subject
                self._changed[key] = None
        name = TICK if isinstance(event, Tick) else str(event.id)
        return tuple(
            fact for fact in facts if settle and self._settled(fact, name, now)
        )

    def _touched(self, event: Event | Tick) -> State:
        """Return the state with every subject that an event can lead to."""
        campaign = self.one.campaign
        keys = set(campaign.touches(event))
        while True:
            self._take(keys)
            known = self._subjects
            state = State(
                campaign.id, {key: known[key] for key in keys if key in known}
            )
            more = campaign.touches(event, state) - keys
            if not more:
                return state
            keys |= more

    def due(self, key: str, now: dt.datetime) -> tuple[Tick, ...]:
        """Return what time alone has decided about a subject by an instant."""
        self._take([key])
        if key not in self._subjects:
            # Somebody has taken it out since it was found.
            return ()
        campaign = self.one.campaign
        state = State(campaign.id, {key: self._subjects[key]})
        found: tuple[Tick, ...] = campaign.due(state, now)
        return found

    def touch(self, key: str) -> None:
        """Write a subject anew, so that its next due instant is seen to."""
        if key in self._subjects:
            self._changed[key] = None

    def write(self) -> None:
        """Write down the subjects that have changed."""
        campaign = self.one.campaign
        for key in self._changed:
            subject = self._subjects[key]
            ticks = campaign.due(State(campaign.id, {key: subject}), _FAR)
            due = min((micros("at", tick.at) for tick in ticks), default=None)
            self._unit.put("subject", (campaign.id, key, dump(subject), due))
        self._changed.clear()

    def _lock(self, key: str) -> str:
        return f"subject:{self.one.campaign.id}/{key}"

    def _take(self, keys: Iterable[str]) -> None:
        """Hold subjects that are not held yet, and read them."""
        new = [key for key in keys if key not in self._held]
        if new:
            if not self._alone:
                self._unit.lock(self._lock(key) for key in new)
                self._unit.forget("subject")
            self.hold(new)

    def _read(self, keys: list[str]) -> None:
        name = self.one.campaign.id
        self._unit.load("subject", [(name, key) for key in keys])
        for key in keys:
            row = self._unit.get("subject", name, key)
            if row is not None:
                self._subjects[key] = load(str(row[2]))
            elif not key.startswith("#"):
                self._first_seen(key)

    def _first_seen(self, key: str) -> None:
        """Fold what somebody did before the campaign opened: it makes nobody new."""
        campaign = self.one.campaign
        opens = micros("opens", campaign.opens)
        state = State(campaign.id)
        for row in self._unit.find("event", "by_user", (key,), below=opens):
            event = event_of(row)
            if reads(campaign, event):
                state, _ = advance(state, event, campaign)
        if key in state.subjects:
            self._subjects[key] = state.subjects[key]

    def _settled(self, fact: Fact, event: str, now: dt.datetime) -> bool:
        """Write a fact down, with the payout and the letters that follow from it."""
        unit, settings = self._unit, self._settings
        if unit.get("fact", fact.key) is not None:
            return False
        unit.put("fact", fact_row(fact, event, self.one.version))
        if fact.kind == GRANTED:
            grant(unit, settings, self.one, fact, now)
        elif fact.kind == WITHDRAWN:
            withdraw(unit, settings, self.one, fact, now)
        if not fact.user.startswith(ERASED):
            put_in(unit, settings, notices_of(settings.notices, fact), now)
        return True


def folder_of(unit: Unit, settings: Settings, one: Running) -> Folder:
    """Return the folder of a campaign, the same one each time in a transaction."""
    name = f"folder:{one.campaign.id}"
    return unit.once(name, lambda: Folder(unit, settings, one))


def readers(unit: Unit, events: Iterable[Event]) -> list[tuple[Event, list[Running]]]:
    """Return events with the campaigns that each can change, if it can change any."""
    campaigns = running(unit)
    found = []
    for event in events:
        theirs = [
            one for one in campaigns if reads(one.campaign, event) and takes(one, event)
        ]
        if theirs:
            found.append((event, theirs))
    return found
