"""Made-up events that a desk is told, the same on every run, and the rows of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "BATCH",
    "CALLERS",
    "CAMPAIGN",
    "MERCHANT",
    "NOW",
    "PROCESSES",
    "Stream",
    "Way",
    "referral",
]

#: How they are told, or what else is done.
Way: TypeAlias = Literal[
    "singly", "together", "callers", "processes", "audit", "dispatch"
]

NOW: Final = dt.datetime(2026, 3, 9, tzinfo=dt.UTC)
MERCHANT: Final = "1900000109"
CAMPAIGN: Final = "spring"
#: Events of one transaction where several are told together.
BATCH: Final = 1_000
#: Threads that tell at once, and processes that do.
CALLERS: Final = 64
PROCESSES: Final = 8
_OPENS: Final = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
_STEP: Final = dt.timedelta(milliseconds=50)
# Events of a user on the average, and how they are scattered over the users.
_OF_A_USER: Final = 20
_SCATTER: Final = 2_654_435_761
# Ids rise, as those of WeChat's messages do.
_FIRST_ID: Final = 24_000_000_000_000_000
# Of so many events of a mix one is an invite, and so many friends earn a reward.
_ONE_OF: Final = 10
_FRIENDS: Final = 3
_YUAN: Final = 8


@attrs.frozen
class Stream:
    """Events, and how a desk is told of them.

    Attributes
    ----------
    size
        How many.
    way
        How: one by one, a thousand in a transaction, by many threads or processes at
        once; or what is done with a store that was told already.
    kind
        ``"plain"``: nothing follows from them. ``"mixed"``: one of ten is an invite,
        and every third of these earns a reward. ``"invites"``: each earns one.
    before
        Events that are in the store already.
    at_once
        How many threads or processes tell them.
    address
        Of the server's empty database; empty for a SQLite file.
    """

    size: int
    way: Way
    kind: Literal["plain", "mixed", "invites"] = "plain"
    before: int = 0
    at_once: int = 1
    address: str = ""
    jobs: str = attrs.field(default="desk_jobs", init=False)

    @property
    def unit(self) -> str:
        """What it consists of."""
        return "letter" if self.way == "dispatch" else "event"

    @property
    def about(self) -> str:
        """What else the page says of it."""
        users = f"{self.users:,} users"
        return f"{users}, {self.before:,} events before" if self.before else users

    @property
    def users(self) -> int:
        """How many users the plain events are of."""
        return max(1, (self.size + self.before) // _OF_A_USER)

    def events(self, start: int = 0) -> list[Any]:
        """Return the events, from a place in the order on."""
        return [self._event(self.before + start + row) for row in range(self.size)]

    def first_id(self, start: int = 0) -> str:
        """Return the id of the event in a place of the order."""
        return str(_FIRST_ID + self.before + start)

    def batches(self, events: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Yield what is told in one transaction."""
        step = BATCH if self.way in {"together", "audit"} else 1
        for start in range(0, len(events), step):
            yield events[start : start + step]

    def _event(self, row: int) -> Any:
        from wxengage.log.events import Event

        name, at = (
            str(_FIRST_ID + row),
            NOW - dt.timedelta(days=1) + row % 1_000 * _STEP,
        )
        every = {"plain": 0, "mixed": _ONE_OF, "invites": 1}[self.kind]
        if not every or row % every != every - 1:
            user = f"oWx{row * _SCATTER % 2**32 % self.users:025d}"
            return Event("like", user=user, at=at, id=name, item="article-1")
        friends = 1 if self.kind == "invites" else _FRIENDS
        return Event(
            "follow",
            user=f"oFr{row:025d}",
            at=at,
            id=name,
            campaign=CAMPAIGN,
            inviter=f"oIn{row // every // friends:025d}",
        )


def referral(stream: Stream) -> Any:
    """Return the campaign that runs meanwhile: its budget is enough."""
    from wxengage.campaigns.ladder import Ladder
    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.money import yuan

    friends = 1 if stream.kind == "invites" else _FRIENDS
    return Referral(
        CAMPAIGN,
        ladder=Ladder({friends: yuan(_YUAN), 6: yuan(15)}, pays="total"),
        opens=_OPENS,
        closes=_OPENS + dt.timedelta(days=14),
        budget=yuan(max(10_000, _YUAN * (stream.size + stream.before))),
        placement="own_app",
        hold=dt.timedelta(0),
    )
