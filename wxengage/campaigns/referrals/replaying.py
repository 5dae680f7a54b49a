"""All events of a referral campaign at once (裂变活动批量重算)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs
import numpy as np

from wxengage.campaigns.referrals.acts import QUALIFYING
from wxengage.campaigns.referrals.circles import refuse_circles
from wxengage.campaigns.referrals.claims import ADMITTED, Claims, claims_of
from wxengage.campaigns.referrals.courses import COUNTS, Courses, courses
from wxengage.campaigns.referrals.judging import terms_of
from wxengage.campaigns.referrals.presence import Presence
from wxengage.campaigns.sources import read_events
from wxengage.log.parallel import each
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.campaigns.referrals.invites import Terms
    from wxengage.campaigns.sources import EventColumns
    from wxengage.log.frames import Ids, Origin

__all__ = ["Replayed", "replayed"]

#: Events of people who are judged together.
_BLOCK: Final = 1 << 17
_TWO_BYTES: Final = 16


@attrs.frozen(eq=False, slots=False)
class Replayed:
    """Everything that a referral's tables are made of.

    Attributes
    ----------
    referral
        The campaign.
    as_of
        Microseconds.
    ids
        People, ascending.
    claims, courses
        One row an invite; a refused one has a course that says so.
    parts
        When people came and left, block by block.
    origin
        What kind of table the events came as.
    """

    referral: Referral
    as_of: int
    ids: Ids
    claims: Claims
    courses: Courses
    parts: Sequence[Presence]
    origin: Origin

    @functools.cached_property
    def presence(self) -> Presence:
        """When people came and left."""
        return Presence.joined(self.parts)

    @functools.cached_property
    def terms(self) -> Terms:
        """The terms of the campaign."""
        return terms_of(self.referral)

    @functools.cached_property
    def counts(self) -> NDArray[np.bool_]:
        """Which invites count. Shape ``(invites,)``."""
        return COUNTS[self.courses.status]

    @functools.cached_property
    def direct(self) -> NDArray[np.int64]:
        """How many invites count for each person. Shape ``(people,)``."""
        return self.tally(self.counts)

    @functools.cached_property
    def indirect(self) -> NDArray[np.int64]:
        """How many invites count on the second level. Shape ``(people,)``."""
        rows = np.flatnonzero(self.counts)
        found = np.zeros(len(self.ids), dtype=np.int64)
        brought = self.direct[self.claims.invitee[rows]]
        np.add.at(found, self.claims.inviter[rows], brought)
        return found

    def tally(self, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many of some invites each person has. Shape ``(people,)``."""
        inviters = self.claims.inviter[rows]
        return np.bincount(inviters, minlength=len(self.ids))


def replayed(
    referral: Referral,
    source: Any,
    as_of: dt.datetime,
    tz: str | None,
    unit: str | None,
) -> Replayed:
    """Work out how every invite of a campaign stands.

    Parameters
    ----------
    referral, source, as_of, tz, unit
        As for ``replay``.

    Returns
    -------
    Replayed
        Invites in no particular order.

    Notes
    -----
    What becomes of an invite, but for circles, is up to the events of its invitee
    alone: people are judged block by block, by several threads. ``O(n)`` but for the
    sorts of those who have several events.
    """
    events = read_events(source, tz=tz, unit=unit)
    now = micros("as_of", as_of)

    def judged(block: _Block) -> _Judged:
        return _judged(events.take(block.rows), block.people, referral, now)

    parts = each(judged, _blocks(events, now))
    claims = Claims(*_joined([part.claims for part in parts]))
    standing = Courses(*_joined([part.courses for part in parts]))
    mutual = referral.reciprocal == "allow"
    # A circle goes through people of any block.
    refused = refuse_circles(claims, len(events.ids), reciprocal=mutual)
    standing.refuse(refused, claims.refused[refused], claims.touched[refused])
    presence = tuple(part.presence for part in parts)
    return Replayed(
        referral, now, events.ids, claims, standing, presence, events.origin
    )


class _Block(NamedTuple):
    """The events of some people, as they came, and the codes of these people."""

    rows: NDArray[np.int64]
    people: range


class _Judged(NamedTuple):
    """What becomes of the people of one block."""

    presence: Presence
    claims: Claims
    courses: Courses


def _blocks(events: EventColumns, now: int) -> list[_Block]:
    """Return the events that have happened by now in blocks that caches can hold."""
    rows = np.flatnonzero(events.at <= now)
    people = len(events.ids)
    # Numbers of two bytes are sorted without comparisons: blocks, then people.
    width = _BLOCK * people // (len(rows) + 1) + 1
    bits = min(width.bit_length(), _TWO_BYTES)
    block = (events.user[rows] >> bits).astype(np.uint16)
    sizes = np.bincount(block, minlength=((people - 1) >> bits) + 1)
    rows = rows[np.argsort(block, kind="stable")]
    firsts = range(0, people, 1 << bits) or range(1)
    return [
        _Block(part, range(first, min(first + firsts.step, people)))
        for first, part in zip(
            firsts, np.split(rows, np.cumsum(sizes[:-1])), strict=True
        )
    ]


def _judged(
    events: EventColumns, people: range, referral: Referral, now: int
) -> _Judged:
    """Judge everybody in a block, but for circles."""
    code = (events.user - people.start).astype(np.uint16)
    events = events.take(np.argsort(code, kind="stable"))
    presence = _presence(events, people, referral)
    claims = claims_of(events, presence, referral)
    return _Judged(presence, claims, _courses(claims, presence, referral, now))


def _presence(events: EventColumns, people: range, referral: Referral) -> Presence:
    came = events.of_kinds(referral.qualifies_on)
    undoes = QUALIFYING[referral.qualifies_on]
    wanted = came | events.of_kinds(undoes) if undoes else came
    if referral.account is not None:
        wanted = wanted & events.says("account", referral.account)
    rows = slice(None) if wanted.all() else np.flatnonzero(wanted)
    return Presence.of(events.user[rows], events.at[rows], came[rows], people)


def _courses(
    claims: Claims, presence: Presence, referral: Referral, now: int
) -> Courses:
    terms = terms_of(referral)
    admitted = claims.refused == ADMITTED
    if admitted.all():
        return courses(claims.invitee, claims.touched, presence, terms, now)
    rows = np.flatnonzero(admitted)
    some = courses(claims.invitee[rows], claims.touched[rows], presence, terms, now)
    found = Courses.empty(len(admitted))
    columns: tuple[NDArray[Any], ...] = found
    for column, values in zip(columns, some, strict=True):
        column[rows] = values
    rows = np.flatnonzero(~admitted)
    found.refuse(rows, claims.refused[rows], claims.touched[rows])
    return found


def _joined(parts: Sequence[tuple[NDArray[Any], ...]]) -> Iterable[NDArray[Any]]:
    """Return the columns of all parts."""
    if len(parts) == 1:
        return parts[0]
    return map(np.concatenate, zip(*parts, strict=True))
