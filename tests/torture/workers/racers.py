"""What processes do that all tell at once of invites that qualify."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

from tests.torture.workers.shops import MERCHANT, rehearse
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.desk.opening import open_desk
from wxengage.log.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wxengage.desk.desk import Desk

__all__ = ["PRICE", "RACERS", "beginning", "campaign", "desk_of", "ready", "run"]

RACERS: Final = 16
PRICE: Final = 800
OPENS: Final = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NOW: Final = OPENS + dt.timedelta(days=1)


def desk_of(store: str) -> Desk:
    """Return a desk whose clock stands still."""
    return open_desk(store, merchant=MERCHANT, clock=lambda: NOW)


def campaign() -> Referral:
    """Return a campaign that pays for the third friend, at once."""
    return Referral(
        "spring",
        ladder=Ladder({3: PRICE}, pays="total"),
        opens=OPENS,
        closes=OPENS + dt.timedelta(days=14),
        placement="own_app",
        hold=dt.timedelta(0),
    )


def beginning(each: int) -> Iterator[Event]:
    """Yield what happens before the race: two friends of three have come.

    Besides so many inviters for each of the racers there is one whose last friend all
    tell of.
    """
    inviters = [f"u{who}-{row}" for who in range(RACERS) for row in range(each)]
    for inviter in (*inviters, "all"):
        for place in range(3):
            friend = f"{inviter}-{place}"
            said: dict[str, Any] = {"campaign": "spring", "inviter": inviter}
            yield Event("scan", user=friend, at=OPENS, id=f"s-{friend}", **said)
            if place < 2:
                yield follow(friend)


def follow(friend: str) -> Event:
    """Return that a friend follows."""
    at = OPENS + dt.timedelta(hours=1)
    return Event("follow", user=friend, at=at, id=f"f-{friend}")


def ready(*told: Any) -> tuple[Any, ...]:
    """Read all that is read once."""
    rehearse()
    return told


def run(store: str, who: int, each: int, folder: Path) -> None:
    """Tell of the last friends as soon as the race is on.

    How many of them were news is left in a file.
    """
    with desk_of(store) as desk:
        (folder / f"ready-{who}").touch()
        while not (folder / "go").exists():
            time.sleep(0.001)
        friends = [f"u{who}-{row}-2" for row in range(each)]
        # Some tell first of whom all tell, and some last.
        friends.insert(who % (each + 1), "all-2")
        news = [not desk.record(follow(friend)).duplicate for friend in friends]
    (folder / f"news-{who}").write_text(str(sum(news)), encoding="utf-8")
