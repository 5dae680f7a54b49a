"""Reminders (场景提醒): what triggers propose, from what the store knows of people.

Nobody is asked of whom no event lies where one of a trigger's steps could be due, so
a run costs what has happened of late, and not what has ever happened.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from wxengage.channels.standing import balance, in_windows
from wxengage.desk.granting import UNCLAIMED
from wxengage.desk.people import quota, user
from wxengage.desk.rows import event_of, payout_of
from wxengage.desk.running import running
from wxengage.errors import LONGEST_ID
from wxengage.ledger.states import State
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.facts import Facts, Holding
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
    span_of,
)
from wxengage.sends import fingerprint
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wxengage.channels.marks import Mark
    from wxengage.channels.quotas import Quota
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.plan.scenes.scene import Scene
    from wxengage.plan.scenes.trigger import Step, Trigger
    from wxengage.sends import Send
    from wxengage.stores.schema import Row

__all__ = [
    "Look",
    "due_to",
    "facts_of",
    "holders",
    "is_reminder",
    "looks_of",
    "still_due",
    "users_in",
]

#: What the id of a reminder begins with: it is asked once more before it goes.
_PREFIX: Final = "remind:"
_PAGE: Final = 1_000
_FOREVER: Final = -(2**63)
_DAY: Final = dt.timedelta(days=1)
# A local time of day comes again within this, whatever the clocks do.
_A_DAY: Final = dt.timedelta(hours=27)
# From the last check-in of a streak to the end of the day on which it breaks.
_STREAK: Final = dt.timedelta(days=3)
# No window that a user opens stays open for longer.
_WINDOW: Final = dt.timedelta(days=8)
# Columns of ``event``.
_USER, _KIND, _AT = 1, 2, 3
_HELD: Final = (Expiring, RunningLow)
# The answer to a callback itself: its window lasts seconds.
_AT_ONCE: Final = "passive_reply"
#: Kinds of holdings that the store knows of.
_REWARD, _REPLY_WINDOW, _GRANT = "reward", "reply_window", "grant"


class Look(NamedTuple):
    """Where users stand for whom something may be due.

    Attributes
    ----------
    kinds
        Of events; None for every kind.
    low, high
        Microseconds since 1970, both included.
    """

    kinds: frozenset[str] | None
    low: int
    high: int


def is_reminder(send: Send) -> bool:
    """Return whether a message was proposed by a trigger, from the store."""
    return send.id.startswith(_PREFIX)


def still_due(unit: Unit, settings: Settings, send: Send, now: dt.datetime) -> bool:
    """Return whether a trigger still asks for a message.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    send
        What was proposed.
    now
        The instant, aware.

    Returns
    -------
    bool
        False where the user has done what ends the scene, or the trigger is gone.
    """
    found = due_to(unit, settings, send.user, now)
    return send.id in {one.id for one in found}


def due_to(
    unit: Unit,
    settings: Settings,
    name: str,
    now: dt.datetime,
    *,
    birthday: str | None = None,
) -> tuple[Send, ...]:
    """Return what the triggers would send to one user now.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    name
        Of the user.
    now
        The instant, aware.
    birthday
        ``"MM-DD"``, or None where it is not told.

    Returns
    -------
    tuple of Send
        Each with an id that is the same for the same occasion, for ever.
    """
    facts = facts_of(unit, settings, name, now, birthday=birthday)
    clock = settings.days
    again = [one for one in settings.triggers if not isinstance(one.scene, Birthday)]
    found = [
        attrs.evolve(send, id=f"{_PREFIX}{send.id}")
        for send in due_triggers(again, facts, now, clock=clock)
    ]
    if birthday is not None:
        # The store does not know the day, so these cannot be asked once more.
        once = [one for one in settings.triggers if isinstance(one.scene, Birthday)]
        found += due_triggers(once, facts, now, clock=clock)
    return tuple(found)


# What is known of one user.


def facts_of(
    unit: Unit,
    settings: Settings,
    name: str,
    now: dt.datetime,
    *,
    birthday: str | None = None,
) -> Facts:
    """Return what triggers have to know of a user.

    Parameters
    ----------
    unit, settings, name, now, birthday
        As for ``due_to``.

    Returns
    -------
    Facts
        With every event by now, and with what the user holds.
    """
    rows = unit.find("event", "by_user", (name,), below=micros("now", now) + 1)
    kinds = {scene.kind for scene in _scenes(settings) if isinstance(scene, _HELD)}
    holdings: list[Holding] = []
    if _REWARD in kinds:
        holdings += _rewards(unit, name)
    if kinds & {_REPLY_WINDOW, _GRANT}:
        known = quota(unit, name, settings)
        holdings += (*_windows(known, now), *_grants(known, now))
    return Facts(
        name,
        events=tuple(event_of(row) for row in rows),
        birthday=birthday,
        zone=user(unit, name).zone,
        holdings=tuple({one.key: one for one in holdings}.values()),
    )


def _scenes(settings: Settings) -> Iterator[Scene]:
    return (trigger.scene for trigger in settings.triggers)


def _rewards(unit: Unit, name: str) -> Iterator[Holding]:
    """Yield the rewards that a user has not claimed yet."""
    terms = {one.campaign.id: one.terms for one in running(unit)}
    for row in unit.find("payout", "by_user", (name,)):
        record = payout_of(row)
        if record.state is State.HELD and record.because == UNCLAIMED:
            within = terms[record.payout.campaign].claim_within
            until = None if within is None else record.at + within
            yield Holding(_REWARD, record.payout.number, record.at, until=until)


def _windows(known: Quota, now: dt.datetime) -> Iterator[Holding]:
    """Yield the reply windows that are open."""
    at = micros("now", now)
    for (channel, account), marks in _by_place(known).items():
        if channel == _AT_ONCE:
            continue
        opened = [one for one in marks if one.what == "opened" and one.at <= at]
        standing = in_windows(marks, at)
        latest = max(opened, default=None)
        if latest is not None and standing.left and at < latest.until:
            yield Holding(
                _REPLY_WINDOW,
                _named(channel, account),
                from_micros(latest.at),
                until=from_micros(latest.until),
                left=standing.left,
            )


def _grants(known: Quota, now: dt.datetime) -> Iterator[Holding]:
    """Yield the grants of each template, since when there have been so many."""
    at = micros("now", now)
    for marks in _by_place(known).values():
        moved = [
            one
            for one in marks
            if one.at <= at and one.what in {"granted", "sent", "withdrawn"}
        ]
        granted = {one.message for one in moved if one.what == "granted"}
        for message in sorted(granted):
            left = balance(marks, message, at)
            since = max(one.at for one in moved if one.message == message)
            if left:
                yield Holding(_GRANT, message, from_micros(since), left=left)


def _by_place(known: Quota) -> dict[tuple[str, str], list[Mark]]:
    found: dict[tuple[str, str], list[Mark]] = {}
    for mark in known.marks:
        found.setdefault((mark.channel, mark.account), []).append(mark)
    return found


def _named(channel: str, account: str) -> str:
    name = f"{channel}@{account}" if account else channel
    return name if len(name) <= LONGEST_ID else fingerprint(channel, account)


# Whom to ask.


def looks_of(triggers: Iterable[Trigger], now: dt.datetime) -> tuple[Look, ...]:
    """Return in which stretches of time events lie that may make something due.

    Parameters
    ----------
    triggers
        The desk's.
    now
        The instant, aware.

    Returns
    -------
    tuple of Look
        None for scenes that no event makes.
    """
    found = {
        look
        for trigger in triggers
        for step in trigger.steps
        if (look := _look(trigger, step, micros("now", now))) is not None
    }
    return tuple(sorted(found, key=lambda look: (look.low, look.high)))


def _look(trigger: Trigger, step: Step, now: int) -> Look | None:
    scene = trigger.scene
    if isinstance(scene, StreakBreaking):
        return Look(frozenset({scene.kind}), now - span_of(_STREAK), now)
    if isinstance(scene, Expiring | RunningLow) and scene.kind == _REPLY_WINDOW:
        return Look(None, now - span_of(_WINDOW), now)
    if not isinstance(scene, Followed | Happened | Silent):
        return None
    after = span_of(step.after)
    if isinstance(scene, Silent):
        after += span_of(scene.after)
    wall = dt.timedelta(0) if step.at is None else _A_DAY
    wall += 7 * _DAY if step.weekday is not None else dt.timedelta(0)
    low = _FOREVER
    if step.grace is not None:
        low = now - after - span_of(wall) - span_of(step.grace)
    return Look(frozenset(trigger.entered_by), low, now - after)


def users_in(unit: Unit, look: Look) -> set[str]:
    """Return whose events lie in a stretch of time."""
    found = set[str]()
    least, size = look.low, _PAGE
    while True:
        rows: tuple[Row, ...] = unit.find(
            "event", "by_time", least=least, below=look.high + 1, limit=size
        )
        for row in rows:
            if look.kinds is None or row[_KIND] in look.kinds:
                found.add(str(row[_USER]))
        if len(rows) < size:
            return found
        last = int(rows[-1][_AT] or 0)
        # Of one instant there may be more than a page.
        size = 2 * size if last == least else _PAGE
        least = last


def holders(unit: Unit, settings: Settings) -> set[str]:
    """Return who may hold what a trigger is about, and no event tells when."""
    kinds = {scene.kind for scene in _scenes(settings) if isinstance(scene, _HELD)}
    found = set[str]()
    if _REWARD in kinds:
        held = unit.find("payout", "by_state", (State.HELD.value,))
        found |= {str(row[2]) for row in held}
    if _GRANT in kinds:
        rows: tuple[Row, ...] = ()
        while True:
            after = (str(rows[-1][0]), str(rows[-1][1])) if rows else None
            rows = unit.tx.walk("profile", after=after, limit=_PAGE)
            found |= {
                str(row[0])
                for row in rows
                if row[1] == "quota" and not str(row[0]).startswith("#")
            }
            if not rows:
                break
    return found
