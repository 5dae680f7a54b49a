"""All events of a referral campaign at once (裂变活动批量重算)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.campaigns.referrals.acts import QUALIFYING
from wxengage.campaigns.referrals.circles import refuse_circles
from wxengage.campaigns.referrals.claims import ADMITTED, Claims, claims_of
from wxengage.campaigns.referrals.courses import (
    COUNTS,
    STATUSES,
    Courses,
    courses,
)
from wxengage.campaigns.referrals.invites import Status
from wxengage.campaigns.referrals.judging import terms_of
from wxengage.campaigns.referrals.presence import ENDLESS, Presence
from wxengage.campaigns.sources import read_events
from wxengage.log.runs import NEVER
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.campaigns.referrals.invites import Terms
    from wxengage.campaigns.sources import EventColumns
    from wxengage.log.frames import Ids, Origin

__all__ = ["Replayed", "replayed"]


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
    presence
        When people came and left.
    origin
        What kind of table the events came as.
    """

    referral: Referral
    as_of: int
    ids: Ids
    claims: Claims
    courses: Courses
    presence: Presence
    origin: Origin

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
    """
    events = read_events(source, tz=tz, unit=unit)
    now = micros("as_of", as_of)
    events = events.take(_by_user(events, now))
    presence = _presence(events, referral)
    claims = claims_of(events, presence, referral)
    mutual = referral.reciprocal == "allow"
    refuse_circles(claims, len(events.ids), reciprocal=mutual)
    standing = _courses(claims, presence, referral, now)
    return Replayed(
        referral, now, events.ids, claims, standing, presence, events.origin
    )


def _by_user(events: EventColumns, now: int) -> NDArray[np.int64]:
    """Return the events that have happened by now, those of one user together."""
    # What lies together is read together: a sort that the caches pay back.
    rows = np.flatnonzero(events.at <= now)
    bits = len(events).bit_length()
    keys = (events.user[rows] << bits) | rows
    keys.sort()
    keys &= (1 << bits) - 1
    return keys


def _presence(events: EventColumns, referral: Referral) -> Presence:
    came = events.of_kinds(referral.qualifies_on)
    undoes = QUALIFYING[referral.qualifies_on]
    wanted = came | events.of_kinds(undoes) if undoes else came
    if referral.account is not None:
        wanted = wanted & events.says("account", referral.account)
    rows = slice(None) if wanted.all() else np.flatnonzero(wanted)
    people = len(events.ids)
    return Presence(events.user[rows], events.at[rows], came[rows], people)


def _courses(
    claims: Claims, presence: Presence, referral: Referral, now: int
) -> Courses:
    terms = terms_of(referral)
    admitted = claims.refused == ADMITTED
    if admitted.all():
        return courses(claims.invitee, claims.touched, presence, terms, now)
    rows = np.flatnonzero(admitted)
    some = courses(claims.invitee[rows], claims.touched[rows], presence, terms, now)
    size = len(admitted)
    refused = np.uint8(STATUSES.index(Status.REFUSED))
    found = Courses(
        np.full(size, refused),
        claims.refused.astype(np.uint8),
        claims.touched.copy(),
        np.full(size, ENDLESS),
        np.full(size, NEVER),
    )
    columns: tuple[NDArray[Any], ...] = found
    for column, values in zip(columns, some, strict=True):
        column[rows] = values
    return found
