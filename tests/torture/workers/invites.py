"""What users of a shop do, and what they are owed for it by the model."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs

from tests.torture.model import LadderRules, owed_by_ladder
from tests.torture.workers.shops import CLOSES, HOLD, HOUR, OPENS, REVOKE, RUNGS, START
from wxengage.log.events import Event
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import numpy as np

__all__ = ["as_row", "owed", "story"]


def story(rng: np.random.Generator, inviters: int) -> list[Event]:
    """Return what users do: they scan, follow, leave, and come back."""
    found: list[Event] = []

    def happen(kind: str, user: str, at: dt.datetime, **more: Any) -> None:
        at = min(at, START + HOUR).replace(microsecond=0)
        found.append(Event(kind, user=user, at=at, id=f"e{len(found)}", **more))

    for row in range(inviters):
        for place in range(int(rng.integers(1, 6))):
            friend = f"u{row}-{place}"
            at = START + dt.timedelta(hours=float(rng.uniform(-3, 1)))
            said = {"campaign": "spring", "inviter": f"u{row}"}
            happen("scan", friend, at, **said)
            happen("follow", friend, at + 30 * dt.timedelta(seconds=1))
            if rng.random() < 0.2:
                # A second inviter comes too late for a friend.
                said["inviter"] = f"u{int(rng.integers(inviters))}"
                happen("scan", friend, at + HOUR / 4, **said)
            if rng.random() < 0.3:
                leaves = at + dt.timedelta(hours=float(rng.uniform(0.1, 3)))
                happen("unfollow", friend, leaves)
                if rng.random() < 0.5:
                    happen("follow", friend, leaves + HOUR / 3)
    return sorted(found, key=lambda event: event.at)


def as_row(event: Event) -> dict[str, Any]:
    """Return an event as the model reads it."""
    row = attrs.asdict(event, recurse=False)
    return row | {"at": micros("at", event.at)}


def owed(rows: Any, now: dt.datetime) -> dict[tuple[str, str, str], int]:
    """Return what is owed, by the model."""
    unit = dt.timedelta(microseconds=1)
    rules = LadderRules(
        "spring",
        micros("opens", OPENS),
        micros("closes", CLOSES),
        HOLD // unit,
        REVOKE // unit,
        RUNGS,
    )
    return owed_by_ladder(rules, list(rows), micros("now", now))
