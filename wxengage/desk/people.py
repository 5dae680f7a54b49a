"""What the store knows of people (用户档案): who they are, and what they may get.

Few kinds of events say anything about that, and only these cost a profile.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from wxengage.channels.folding import COUNTED
from wxengage.channels.folding import advance as advance_quota
from wxengage.channels.quotas import Quota
from wxengage.codec.envelope import dump, load
from wxengage.rules.book import rulebook
from wxengage.sends import Sent
from wxengage.times.zones import micros
from wxengage.users import User
from wxengage.users import advance as advance_user

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from wxengage.channels.marks import Failure
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.log.events import Event
    from wxengage.rules.book import Rulebook

__all__ = [
    "ACCOUNT",
    "account_quota",
    "keep_account_quota",
    "keep_quota",
    "keep_user",
    "matters",
    "quota",
    "told",
    "user",
]

#: Whose profile is the account's own.
ACCOUNT: Final = "#account"
_ABOUT_USERS: Final = frozenset({"follow", "unfollow", "consent", "opt_out"})
_ABOUT_QUOTAS: Final = frozenset({*COUNTED, "deliver"})


@functools.lru_cache(maxsize=64)
def _book_of(day: dt.date) -> Rulebook:
    return rulebook(day)


def rules_on(settings: Settings, at: dt.datetime) -> Rulebook:
    """Return the rules of the day of an instant."""
    days = settings.days
    return _book_of(days.date(days.day(at)))


def matters(event: Event) -> bool:
    """Return whether an event says who a user is, or what the user may get."""
    return event.kind in _ABOUT_USERS or event.kind in _ABOUT_QUOTAS


def user(unit: Unit, name: str) -> User:
    """Return who somebody is; somebody unknown is a user of that name."""
    row = unit.get("profile", name, "user")
    found: User = User(name) if row is None else _load(row[2])
    return found


def quota(unit: Unit, name: str, settings: Settings) -> Quota:
    """Return what the platform lets a user get, as far as is known."""
    row = unit.get("profile", name, "quota")
    if row is None:
        return Quota(name, settings.accounts, clock=settings.days)
    found: Quota = _load(row[2])
    return found


def account_quota(unit: Unit, settings: Settings) -> Quota:
    """Return what is known of the account's own limits and troubles."""
    row = unit.get("profile", ACCOUNT, "quota")
    if row is None:
        return Quota(None, settings.accounts, clock=settings.days)
    found: Quota = _load(row[2])
    return found


def keep_user(unit: Unit, person: User) -> None:
    """Write down who somebody is."""
    unit.put("profile", (person.id, "user", dump(person)))


def keep_quota(unit: Unit, name: str, found: Quota) -> None:
    """Write down what the platform lets a user get."""
    unit.put("profile", (name, "quota", dump(found)))


def keep_account_quota(unit: Unit, found: Quota) -> None:
    """Write down what is known of the account."""
    unit.put("profile", (ACCOUNT, "quota", dump(found)))


def told(unit: Unit, events: Iterable[Event], settings: Settings) -> None:
    """Let events change the profiles of their users, whom this transaction holds.

    Parameters
    ----------
    unit
        The transaction's rows; the users must be held.
    events
        New ones, in any order.
    settings
        The desk's.
    """
    by_user: dict[str, list[Event]] = {}
    for event in events:
        if matters(event):
            by_user.setdefault(str(event.user), []).append(event)
    parts = ("user", "quota")
    unit.load("profile", [(name, part) for name in by_user for part in parts])
    for name, theirs in by_user.items():
        _told(unit, name, theirs, settings)


def _told(unit: Unit, name: str, events: list[Event], settings: Settings) -> None:
    if any(event.kind in _ABOUT_USERS for event in events):
        person = before = user(unit, name)
        for event in events:
            person = advance_user(person, event)
        if person != before:
            keep_user(unit, person)
    counted = [event for event in events if event.kind in _ABOUT_QUOTAS]
    if counted:
        found = quota(unit, name, settings)
        after = advanced(found, counted, settings)
        if after is not found:
            keep_quota(unit, name, after)
    for event in events:
        if event.kind == "deliver" and event.channel is not None:
            sent = _sent(event)
            at = micros("at", event.at)
            unit.put("touch", (str(event.id), name, at, dump(sent)))


def advanced(
    found: Quota, events: Iterable[Event | Sent | Failure], settings: Settings
) -> Quota:
    """Return a quota after what happened, each by the rules of its own day."""
    for event in events:
        found = advance_quota(found, event, rules_on(settings, event.at))
    return found


def _sent(event: Event) -> Sent:
    """Return the message of ours that an event tells of."""
    return Sent(
        str(event.user),
        event.at,
        str(event.channel),
        account=event.account,
        message="" if event.item is None else str(event.item),
    )


def _load(text: Any) -> Any:
    return load(text)
