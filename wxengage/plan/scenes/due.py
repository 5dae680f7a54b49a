"""What is due for one user (到期触达): the triggers asked at an instant."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.plan.scenes.facts import Facts
from wxengage.plan.scenes.occasions import occasions_of
from wxengage.plan.scenes.scene import span_of
from wxengage.plan.scenes.trigger import require_triggers
from wxengage.plan.scenes.walls import due_at
from wxengage.sends import fingerprint
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wxengage.plan.scenes.occasions import Occasion
    from wxengage.plan.scenes.trigger import Step, Trigger
    from wxengage.sends import Send

__all__ = ["due_triggers", "instant", "send_id"]

# The last year that every zone can tell.
_END: Final = micros("end", dt.datetime(9998, 12, 31, tzinfo=dt.UTC))


def send_id(trigger: str, user: str, occasion: str, message: str) -> str:
    """Return the id of a send: the same for the same occasion, for ever."""
    return fingerprint("trigger", trigger, user, occasion, message)


def due_triggers(
    triggers: Iterable[Trigger] | Trigger,
    state: Facts,
    now: dt.datetime,
    *,
    clock: DayClock = DayClock(),
) -> tuple[Send, ...]:
    """Return what the triggers would send to one user now.

    Parameters
    ----------
    triggers
        Triggers of different ids, or one.
    state
        What is known of the user. What is later than now is not read.
    now
        The instant asked about, aware.
    clock
        Whose days streaks count, and whose zone is taken for an unknown one.

    Returns
    -------
    tuple of Send
        In order of ``not_before``, then of the triggers, then of their steps.
        Each is due at ``not_before <= now < expires``; ``expires`` is None
        where it never ends. ``state.done`` are left out.

    Raises
    ------
    InvalidInputError
        If a trigger is none, two share an id, ``state`` is no ``Facts`` or
        ``now`` is naive.

    Notes
    -----
    Every send is due during one half-open stretch, which the facts alone fix:
    from the step's own instant to the earliest of its grace, the scene's end
    and the first event that stops it. How often this is asked changes nothing:
    asking twice gives the same send with the same id, and a job that did not
    run is made up for by the next one within the grace. The stretch ends
    early where the user acts, so ask again before a send that has waited goes
    out.

    ``O(n log n)`` in the user's events.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.log.events import Event
    >>> from wxengage.plan.scenes.scene import Followed
    >>> from wxengage.plan.scenes.trigger import Step, Trigger
    >>> nine = dt.datetime(2026, 3, 2, 9, tzinfo=dt.timezone.utc)
    >>> hello = Trigger("hello", Followed(), (Step("hi", "customer_message"),))
    >>> ada = Facts("ada", events=(Event("follow", user="ada", at=nine),))
    >>> [send.message for send in due_triggers([hello], ada, nine)]
    ['hi']
    """
    known, at = require_triggers(triggers), micros("now", now)
    _require_facts(state)
    found = [
        (due, row, number, occasion, step, expires)
        for row, trigger in enumerate(known)
        for occasion in _open(trigger, state, at, clock)
        for number, step in enumerate(trigger.steps)
        for due, expires in _stretch(step, occasion, state.zone or clock.tz)
        if due <= at < expires
    ]
    sends = []
    # Two holdings may be as old as each other: their names decide.
    for due, row, _, occasion, step, expires in sorted(
        found, key=lambda one: (*one[:3], one[3].name)
    ):
        name = send_id(known[row].id, str(state.user), occasion.name, step.message)
        if name not in state.done:
            bounds = from_micros(due, clock.zone), instant(expires, clock.zone)
            sends.append(step.as_send(name, str(state.user), *bounds))
    return tuple(sends)


def _require_facts(got: object) -> None:
    if not isinstance(got, Facts):
        hint = "for many users at once take due_many"
        raise InvalidInputError("state", got, "the Facts of one user", hint)


def instant(at: int, tz: dt.tzinfo) -> dt.datetime | None:
    """Return microseconds since 1970 as an instant, None beyond every calendar."""
    return None if at >= _END else from_micros(at, tz)


def _open(
    trigger: Trigger, facts: Facts, now: int, clock: DayClock
) -> Iterator[Occasion]:
    """Yield the occasions that are entered and neither over nor stopped."""
    stops = [
        at
        for event in facts.events
        if event.kind in trigger.unless and (at := micros("events", event.at)) <= now
    ]
    last_stop = max(stops, default=None)
    for occasion in _admitted(trigger, occasions_of(trigger.scene, facts, now, clock)):
        stopped = last_stop is not None and last_stop >= occasion.since
        if not occasion.over and not stopped:
            yield occasion


def _admitted(trigger: Trigger, occasions: Iterable[Occasion]) -> Iterator[Occasion]:
    """Yield the occasions that the rule of re-entry lets in."""
    last: int | None = None
    for occasion in sorted(occasions):
        if last is not None and occasion.entered - last < trigger.again_micros:
            continue
        last = occasion.entered
        yield occasion


def _stretch(step: Step, occasion: Occasion, tz: str) -> Iterator[tuple[int, int]]:
    """Yield from when to when a step is due, if it ever is."""
    earliest = occasion.entered + span_of(step.after)
    due = int(due_at(step, np.array([earliest], dtype=np.int64), tz)[0])
    expires = min(due + step.grace_micros, occasion.ends)
    if due < expires:
        yield due, expires
