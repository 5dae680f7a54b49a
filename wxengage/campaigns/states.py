"""The states of campaigns (活动状态): subjects by key, and what an event touches.

A state holds the subjects it was given and no others. An application with many
users loads the subjects that an event touches, folds the event in, and writes
back what has changed:

    keys = campaign.touches(event)
    state = state with the subjects of these keys
    keys = campaign.touches(event, state), and again until no new key comes
    state, facts = advance(state, event, campaign)

A key without a subject is somebody of whom nothing is known yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from wxengage.errors import InvalidInputError, require_id
from wxengage.times.zones import micros, require_aware

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.log.events import Event

__all__ = [
    "Campaign",
    "State",
    "Subject",
    "Tick",
    "require_campaign",
    "require_event",
    "require_period",
]

_NOBODY: Final[Mapping[str, Any]] = MappingProxyType({})


class Subject(Protocol):
    """What a campaign keeps about somebody, under one key: a frozen value.

    Each can be kept with ``dump``. Its standing is a pure function of it and of
    the other subjects that an event touches.
    """

    @property
    def clock(self) -> dt.datetime | None:
        """Up to when it has been judged: the latest event or tick; None: never."""


@attrs.frozen
class Tick:
    """Time has passed for one subject (到点), and nothing else has happened.

    Attributes
    ----------
    at
        What is the case at this instant, this included, is to be settled.
    subject
        Key of the subject.
    """

    at: dt.datetime
    subject: str

    def __attrs_post_init__(self) -> None:
        require_aware("at", self.at)
        require_id("subject", self.subject)


@attrs.frozen
class State:
    """Some subjects of a campaign.

    Attributes
    ----------
    campaign
        Id of the campaign.
    subjects
        Key -> subject. Read-only; ``advance`` returns another state.
    """

    campaign: str
    subjects: Mapping[str, Any] = attrs.field(default=_NOBODY)

    def __attrs_post_init__(self) -> None:
        require_id("campaign", self.campaign)
        if not isinstance(self.subjects, Mapping):
            raise InvalidInputError("subjects", self.subjects, "a mapping")

    def changed(self, subjects: Mapping[str, Any]) -> State:
        """Return the state with some subjects in the place of what they were.

        Parameters
        ----------
        subjects
            Key -> subject.

        Returns
        -------
        State
            The same object where there are none.
        """
        if not subjects:
            return self
        return attrs.evolve(self, subjects={**self.subjects, **subjects})


class Campaign(Protocol):
    """What every type of campaign has."""

    @property
    def id(self) -> str:
        """The name by which events and facts tell it."""

    @property
    def opens(self) -> dt.datetime:
        """From when on events count, this instant included."""

    @property
    def closes(self) -> dt.datetime:
        """Until when, this instant not included."""

    def start(self) -> State:
        """Return the state in which nothing has happened."""

    def touches(
        self, event: Event | Tick, state: State | None = None
    ) -> frozenset[str]:
        """Return the keys of the subjects that an event can read or change.

        With a state, also of those that the subjects in it lead to. Asked again
        with these loaded until no new key comes, the answer is complete.
        """

    def due(self, state: State, now: dt.datetime) -> tuple[Tick, ...]:
        """Return what time alone has decided by an instant, earliest first."""


def require_event(event: Any, campaign: Campaign, state: State) -> None:
    """Raise unless an event or a tick can be folded into a state.

    Parameters
    ----------
    event
        What came in.
    campaign
        Of which campaign.
    state
        Into what.

    Raises
    ------
    InvalidInputError
        If the state is another campaign's, or a user or an inviter is known by
        a number: keys of subjects are text.
    """
    if not isinstance(state, State) or state.campaign != campaign.id:
        got = state.campaign if isinstance(state, State) else state
        raise InvalidInputError("state", got, f"a state of campaign {campaign.id!r}")
    if isinstance(event, Tick):
        return
    for name in ("user", "inviter"):
        value = getattr(event, name)
        if name == "user" or value is not None:
            require_id(f"event.{name}", value)


def require_campaign(name: str, got: object, kind: type) -> None:
    """Raise unless a value is a campaign of a type.

    Parameters
    ----------
    name
        The parameter's name.
    got
        What came in.
    kind
        The type.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if not isinstance(got, kind):
        raise InvalidInputError(name, got, f"a {kind.__name__}")


def require_period(opens: dt.datetime, closes: dt.datetime) -> None:
    """Raise unless a campaign opens before it closes.

    Parameters
    ----------
    opens, closes
        Aware.

    Raises
    ------
    InvalidInputError
        If one is naive, or they are the wrong way round.
    """
    if micros("opens", opens) >= micros("closes", closes):
        raise InvalidInputError("closes", closes, f"after opens, {opens}")
