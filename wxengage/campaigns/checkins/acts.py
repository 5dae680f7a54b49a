"""What an event says to a check-in challenge (打卡, 补签, 撤销)."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from wxengage.times.zones import EPOCH, micros

if TYPE_CHECKING:
    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.log.events import Event

__all__ = ["CHECK_IN", "NO_DAY", "UNDO", "Act", "act_of", "day_named", "fault_of"]

#: The kinds of events that a challenge reads.
CHECK_IN: Final = "check_in"
UNDO: Final = "void"
#: What looks like a date and is none, such as 30 February: later than any day.
NO_DAY: Final = 2**31

_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Act(NamedTuple):
    """What somebody did about a day.

    Attributes
    ----------
    what
        Checked in, made a day up, or had it undone.
    day
        The local day that it is about.
    on
        The local day on which it was done.
    at
        When: microseconds since 1970.
    """

    what: Literal["check_in", "make_up", "undo"]
    day: int
    on: int
    at: int


def day_named(item: object) -> int | None:
    """Return the day that an item names.

    Parameters
    ----------
    item
        Of an event.

    Returns
    -------
    int or None
        Days since 1970-01-01; ``NO_DAY`` for a date that does not exist; None for
        what does not look like an ISO date.
    """
    if not isinstance(item, str) or not _ISO.fullmatch(item):
        return None
    try:
        return dt.date.fromisoformat(item).toordinal() - EPOCH.toordinal()
    except ValueError:
        return NO_DAY


def act_of(event: Event, campaign: CheckIn) -> Act | None:
    """Return what an event says.

    Parameters
    ----------
    event
        Any event.
    campaign
        The challenge.

    Returns
    -------
    Act or None
        None for an event of something else.
    """
    if event.campaign != campaign.id or event.kind not in {CHECK_IN, UNDO}:
        return None
    on, at = campaign.clock.day(event.at), micros("at", event.at)
    named = day_named(event.item)
    if event.kind == UNDO:
        return None if named is None else Act("undo", named, on, at)
    if named is None or named == on:
        return Act("check_in", on, on, at)
    return Act("make_up", named, on, at)


def fault_of(act: Act, campaign: CheckIn) -> str:
    """Return why something does not count, whatever else happens.

    Parameters
    ----------
    act
        What was done.
    campaign
        The challenge.

    Returns
    -------
    str
        For programs; empty where it may count.
    """
    if act.what == "undo":
        return _fault_of_day(act.day, campaign)
    if act.what == "check_in":
        return _fault_of_instant(act.at, campaign, campaign.closes)
    if not campaign.make_ups:
        return "not_allowed"
    until = campaign.make_ups_until or campaign.closes
    late = "too_old" if act.on - act.day > campaign.look_back else ""
    early = "not_over" if act.on < act.day < NO_DAY else ""
    return (
        _fault_of_instant(act.at, campaign, until)
        or early
        or _fault_of_day(act.day, campaign)
        or late
    )


def _fault_of_instant(at: int, campaign: CheckIn, until: dt.datetime) -> str:
    if at < micros("opens", campaign.opens):
        return "not_open"
    return "closed" if at >= micros("until", until) else ""


def _fault_of_day(day: int, campaign: CheckIn) -> str:
    if day == NO_DAY:
        return "no_such_day"
    if day < campaign.first_day:
        return "before_open"
    return "after_close" if day > campaign.last_day else ""
