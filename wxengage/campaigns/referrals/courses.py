"""How all invites of a campaign stand at once (批量邀请状态)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from wxengage.campaigns.referrals.invites import COUNTING, Status
from wxengage.campaigns.referrals.presence import ENDLESS
from wxengage.campaigns.referrals.sentences import REASONS
from wxengage.log.runs import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.campaigns.referrals.invites import Terms
    from wxengage.campaigns.referrals.presence import Presence

__all__ = ["COUNTS", "REASON_CODES", "REASON_NAMES", "STATUSES", "Courses", "courses"]

#: A status's code in a column is its place here, and likewise a reason's.
STATUSES: Final = tuple(Status)
REASON_NAMES: Final = tuple(REASONS)
REASON_CODES: Final = {name: code for code, name in enumerate(REASON_NAMES)}
#: Which statuses count. Shape ``(statuses,)``.
COUNTS: Final = np.array([status in COUNTING for status in STATUSES])
_CODE: Final = {status: code for code, status in enumerate(STATUSES)}


class Courses(NamedTuple):
    """How invites stand; shape ``(n,)`` each.

    Attributes
    ----------
    status, reason
        Codes into ``STATUSES`` and ``REASON_NAMES``, ``uint8``.
    since
        Microseconds.
    qualified
        When each began to count for the first time; ``ENDLESS``: not by then.
    counted
        Since when each that counts has counted; ``NEVER`` for the others.
    """

    status: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    since: NDArray[np.int64]
    qualified: NDArray[np.int64]
    counted: NDArray[np.int64]

    @classmethod
    def empty(cls, size: int) -> Courses:
        """Return columns of which nothing is said yet."""
        return cls(
            np.zeros(size, dtype=np.uint8),
            np.zeros(size, dtype=np.uint8),
            np.zeros(size, dtype=np.int64),
            np.full(size, ENDLESS),
            np.full(size, NEVER),
        )

    def refuse(
        self, rows: NDArray[np.int64], reason: NDArray[np.int8], at: NDArray[np.int64]
    ) -> None:
        """Say in some rows that they are refused, why, and at which touch."""
        self.status[rows] = _CODE[Status.REFUSED]
        self.reason[rows] = reason
        self.since[rows] = at
        self.qualified[rows] = ENDLESS
        self.counted[rows] = NEVER


def courses(
    invitee: NDArray[np.int64],
    touched: NDArray[np.int64],
    presence: Presence,
    terms: Terms,
    as_of: int,
) -> Courses:
    """Return how invites that are not refused stand.

    Parameters
    ----------
    invitee
        Codes of people. Shape ``(n,)``.
    touched
        When each invite began, microseconds. Shape ``(n,)``.
    presence
        When people came and left, until ``as_of``.
    terms
        Of the campaign.
    as_of
        Microseconds.

    Returns
    -------
    Courses
        What ``course`` says of each.

    Notes
    -----
    A handful of searches in the sorted marks: ``O(n log n)``.
    """
    place = presence.place(invitee, touched)
    present = presence.present(place, invitee)
    # A stay that had begun when the invite did, or the first one that lasts.
    end = presence.left_after(place, invitee)
    held = present & (end > touched + terms.hold)
    good = presence.held_from(terms.closes, terms.hold)[place]
    later = ~held & presence.here(good, invitee)
    begun = np.where(held, touched, presence.at[good])
    some = held | later
    qualified = np.where(some, begun, ENDLESS - terms.hold) + terms.hold
    found = _Standing(qualified)
    rows = np.flatnonzero(~some)
    invites = invitee[rows], touched[rows]
    _wait(found, rows, invites, presence, terms=terms, as_of=as_of)
    rows = np.flatnonzero(some & (qualified > as_of))
    found.say(rows, Status.PENDING, "on_hold", touched[rows])
    rows = np.flatnonzero(qualified <= as_of)
    end = np.where(held, end, presence.left_after(good, invitee))
    stays = invitee[rows], end[rows]
    _stay(found, rows, stays, presence, terms=terms, as_of=as_of)
    found.qualified[qualified > as_of] = ENDLESS
    return found.done()


class _Standing:
    """Columns that are filled in case by case."""

    def __init__(self, qualified: NDArray[np.int64]) -> None:
        size = len(qualified)
        self.status = np.zeros(size, dtype=np.uint8)
        self.reason = np.zeros(size, dtype=np.uint8)
        self.since = np.zeros(size, dtype=np.int64)
        self.qualified = qualified
        self.counted = np.full(size, NEVER)

    def say(
        self,
        rows: NDArray[np.int64],
        status: Status,
        reason: str,
        since: NDArray[np.int64],
    ) -> None:
        """Write how the invites in some rows stand."""
        self.status[rows] = _CODE[status]
        self.reason[rows] = REASON_CODES[reason]
        self.since[rows] = since

    def done(self) -> Courses:
        """Return the columns."""
        return Courses(
            self.status, self.reason, self.since, self.qualified, self.counted
        )


def _wait(
    found: _Standing,
    rows: NDArray[np.int64],
    invites: tuple[NDArray[np.int64], NDArray[np.int64]],
    presence: Presence,
    *,
    terms: Terms,
    as_of: int,
) -> None:
    """Say how invites stand of which no stay lasts."""
    invitee, touched = invites
    place = presence.place(invitee, touched)
    close = presence.place(invitee, np.full(len(rows), terms.closes))
    # The last stay that began in time, if any: it has broken the hold.
    last = presence.last_begun[close - 1]
    came = presence.here(last, invitee) & (last >= place) & (close > 0)
    left = presence.left_after(np.where(came, last, place), invitee)
    present = presence.present(place, invitee)
    left = np.where(came | present, left, NEVER)
    over = np.maximum(left, terms.closes)
    lapsed = over <= as_of
    found.say(rows[lapsed], Status.LAPSED, "too_late", over[lapsed])
    broken = ~lapsed & (came | present)
    found.say(rows[broken], Status.PENDING, "left_on_hold", touched[broken])
    waiting = ~lapsed & ~broken
    found.say(rows[waiting], Status.PENDING, "waiting", touched[waiting])


def _stay(
    found: _Standing,
    rows: NDArray[np.int64],
    stays: tuple[NDArray[np.int64], NDArray[np.int64]],
    presence: Presence,
    *,
    terms: Terms,
    as_of: int,
) -> None:
    """Say how invites stand that have qualified."""
    invitee, end = stays
    began = found.qualified[rows]
    final_at = began + terms.revoke
    final = final_at <= as_of
    # Before it is final, or by now: who never left needs no further look.
    until = np.where(final, final_at, as_of + 1)
    stayed = end >= until
    kept, new = stayed & final, stayed & ~final
    found.say(rows[kept], Status.FINAL, "kept", final_at[kept])
    found.say(rows[new], Status.QUALIFIED, "stayed", began[new])
    found.counted[rows[stayed]] = began[stayed]
    moved = np.flatnonzero(~stayed)
    rows, final, final_at = rows[moved], final[moved], final_at[moved]
    last = presence.place(invitee[moved], until[moved]) - 1
    here = presence.came[last]
    begun = presence.last_begun[last]
    back, gone = presence.at[begun], presence.at[presence.next_left[begun]]
    found.say(rows[here & final], Status.FINAL, "kept", final_at[here & final])
    found.say(rows[~here & final], Status.LOST, "gone", final_at[~here & final])
    found.say(rows[here & ~final], Status.RESTORED, "came_back", back[here & ~final])
    found.say(rows[~here & ~final], Status.REVOKED, "left", gone[~here & ~final])
    found.counted[rows[here]] = back[here]
