"""Desks for tests: a referral that pays cash, on any store, by a clock on a leash."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from tests.stores.servers import mysql_server, postgres_server
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.desk.opening import open_desk
from wxengage.log.events import Event
from wxengage.money import yuan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wxengage.desk.desk import Desk

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
MERCHANT = "1900000109"
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


class Clock:
    """A clock that goes where it is put."""

    def __init__(self, at: dt.datetime) -> None:
        self.at = at

    def __call__(self) -> dt.datetime:
        """Return the instant."""
        return self.at


def address(kind: str, folder: Path) -> str:
    """Return the address of an empty store of a kind."""
    return "memory://" if kind == "memory" else f"sqlite:///{folder / 'desk.db'}"


def place(kind: str, folder: Path) -> AbstractContextManager[str]:
    """Give the address of an empty store of a kind while a block lasts."""
    if kind == "postgres":
        return postgres_server().database()
    if kind == "mysql":
        return mysql_server().database()
    return nullcontext(address(kind, folder))


def referral(**changes: Any) -> Referral:
    """Return a referral: 3 invites 8 yuan, 6 invites 15 yuan in all, no hold."""
    terms: dict[str, Any] = {
        "ladder": Ladder({3: yuan("8"), 6: yuan("15")}, pays="total"),
        "opens": OPENS,
        "closes": OPENS + 14 * DAY,
        "placement": "own_app",
        "hold": dt.timedelta(0),
        "budget": yuan("100"),
    }
    return Referral("spring", **(terms | changes))


def opened(where: str, clock: Callable[[], dt.datetime], **settings: Any) -> Desk:
    """Return a desk of the merchant, which has its file for itself."""
    settings.setdefault("processes", "one")
    return open_desk(where, merchant=MERCHANT, clock=clock, **settings)


def scan(friend: str, inviter: str, at: dt.datetime) -> Event:
    """Return that a friend scans an inviter's code."""
    name = f"scan-{friend}-{inviter}-{at:%d%H%M%S}"
    return Event(
        "scan", user=friend, at=at, id=name, campaign="spring", inviter=inviter
    )


def follow(friend: str, at: dt.datetime) -> Event:
    """Return that somebody follows the account."""
    return Event("follow", user=friend, at=at, id=f"follow-{friend}-{at:%d%H%M%S}")


def unfollow(friend: str, at: dt.datetime) -> Event:
    """Return that somebody unfollows the account."""
    return Event("unfollow", user=friend, at=at, id=f"leave-{friend}-{at:%d%H%M%S}")


def invited(inviter: str, friends: int, at: dt.datetime) -> Iterator[Event]:
    """Yield that so many friends scan an inviter's code and follow."""
    for row in range(friends):
        friend = f"{inviter}-friend-{row}"
        yield scan(friend, inviter, at + row * HOUR)
        yield follow(friend, at + row * HOUR + HOUR / 2)
