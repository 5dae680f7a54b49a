"""What triggers know of one user (用户事实): a log's events and what is in no log."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import attrs

from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.log.events import Event, bad_id
from wxengage.times.zones import micros, zone

__all__ = ["Facts", "Holding", "require_birthday"]

_BIRTHDAY: Final = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)
# Any leap year: 29 February is a birthday.
_LEAP_YEAR: Final = 2000


def require_birthday(name: str, got: object) -> tuple[int, int]:
    """Return a birthday as month and day.

    Parameters
    ----------
    name
        The field's name, for the message.
    got
        ``"MM-DD"``, with ``"02-29"``.

    Returns
    -------
    tuple of int
        Month and day.

    Raises
    ------
    InvalidInputError
        If it is no day of a year.

    Examples
    --------
    >>> require_birthday("birthday", "02-29")
    (2, 29)
    """
    found = _BIRTHDAY.fullmatch(got) if isinstance(got, str) else None
    try:
        day = (
            None if found is None else dt.date(_LEAP_YEAR, int(found[1]), int(found[2]))
        )
    except ValueError:
        day = None
    if day is None:
        hint = "month and day, two digits each, as in '02-29'"
        raise InvalidInputError(name, got, "a day of the year", hint)
    return day.month, day.day


@attrs.frozen
class Holding:
    """Something a user holds until it is used or ends (持有): a reward, a window.

    Rewards, coupons, reply windows and subscription grants all have this shape;
    whoever keeps them (a ledger, a campaign, a quota) hands them over as such.

    Attributes
    ----------
    kind
        What it is, as the scene names it: ``"reward"``, ``"reply_window"``,
        ``"grant"``.
    id
        Which one: the reward's id, the template of a grant.
    at
        When it was given, last refreshed, or came to have so many left. Aware.
    until
        When it ends, aware; None: never by itself.
    left
        How many are left; None where that cannot be counted.
    closed
        When it was claimed or used up, aware; None: not yet.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    kind: str
    id: str
    at: dt.datetime
    until: dt.datetime | None = attrs.field(default=None, kw_only=True)
    left: int | None = attrs.field(default=None, kw_only=True)
    closed: dt.datetime | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_id("kind", self.kind)
        require_id("id", self.id)
        at = micros("at", self.at)
        if self.until is not None and micros("until", self.until) <= at:
            raise InvalidInputError("until", self.until, f"after at {self.at}")
        if self.closed is not None and micros("closed", self.closed) < at:
            raise InvalidInputError("closed", self.closed, f"not before at {self.at}")
        if self.left is not None:
            require_whole("left", self.left)

    @property
    def key(self) -> tuple[str, str, int]:
        """Kind, id and instant, which tell one holding from another."""
        return self.kind, self.id, micros("at", self.at)


@attrs.frozen
class Facts:
    """What triggers know of one user (用户事实).

    Attributes
    ----------
    user
        Whose facts they are: text or a whole number, as in the events.
    events
        What the user did, in any order. The same event twice changes nothing.
    birthday
        ``"MM-DD"``, or None where unknown.
    zone
        IANA name of the zone whose clock the user lives by; None: the clock's.
    holdings
        What the user holds, or has held; none of them twice.
    done
        Ids of sends that need not be proposed again.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> Facts("ada", birthday="02-29").holdings
    ()
    """

    user: str | int
    events: tuple[Event, ...] = attrs.field(default=(), kw_only=True)
    birthday: str | None = attrs.field(default=None, kw_only=True)
    zone: str | None = attrs.field(default=None, kw_only=True)
    holdings: tuple[Holding, ...] = attrs.field(default=(), kw_only=True)
    done: frozenset[str] = attrs.field(default=frozenset(), kw_only=True)

    def __attrs_post_init__(self) -> None:
        rule = bad_id(self.user)
        if rule is not None:
            raise InvalidInputError("user", self.user, rule)
        self._check_events()
        if self.birthday is not None:
            require_birthday("birthday", self.birthday)
        if self.zone is not None:
            zone(require_id("zone", self.zone))
        self._check_holdings()
        if not isinstance(self.done, frozenset):
            raise InvalidInputError("done", self.done, "a frozenset of ids of sends")

    def _check_events(self) -> None:
        if not isinstance(self.events, tuple):
            raise InvalidInputError("events", self.events, "a tuple of Event")
        for row, event in enumerate(self.events):
            if not isinstance(event, Event):
                raise InvalidInputError(f"events[{row}]", event, "an Event")
            if event.user != self.user:
                name, hint = f"events[{row}].user", f"these facts are {self.user!r}'s"
                raise InvalidInputError(name, event.user, "the user's own id", hint)

    def _check_holdings(self) -> None:
        if not isinstance(self.holdings, tuple):
            raise InvalidInputError("holdings", self.holdings, "a tuple of Holding")
        known: set[tuple[str, str, int]] = set()
        for row, holding in enumerate(self.holdings):
            if not isinstance(holding, Holding):
                raise InvalidInputError(f"holdings[{row}]", holding, "a Holding")
            if holding.key in known:
                raise InvalidInputError(f"holdings[{row}]", holding, "there once")
            known.add(holding.key)
