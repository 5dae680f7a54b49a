"""One invite as a small state machine (邀请状态).

    pending -> qualified -> revoked <-> restored -> final
       |                       |
       +-> lapsed              +-> lost                  refused: never admitted

What moves it: the invitee comes and leaves, has stayed through the hold, the
campaign has closed, the time for revoking has run out. A re-follow restores the
same invite and is never another one.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from wxengage.errors import IllegalTransitionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "COUNTING",
    "OVER",
    "TRANSITIONS",
    "Invite",
    "Moment",
    "Signal",
    "Status",
    "Terms",
    "course",
    "step",
]


class Status(enum.Enum):
    """Where an invite stands."""

    PENDING = "pending"
    QUALIFIED = "qualified"
    REVOKED = "revoked"
    RESTORED = "restored"
    FINAL = "final"
    LOST = "lost"
    LAPSED = "lapsed"
    REFUSED = "refused"


class Signal(enum.Enum):
    """What moves an invite."""

    CAME = "came"
    LEFT = "left"
    HELD = "held"
    CLOSED = "closed"
    SETTLED = "settled"


#: The statuses in which an invite counts for its inviter.
COUNTING: Final = frozenset({Status.QUALIFIED, Status.RESTORED, Status.FINAL})
#: The statuses that nothing changes any more, except news of the past.
OVER: Final = frozenset({Status.FINAL, Status.LOST, Status.LAPSED, Status.REFUSED})
_NOTHING: Final[Mapping[Signal, Status]] = MappingProxyType({})
#: Status -> what it takes, and what it then is. Nothing else changes a status.
TRANSITIONS: Final[Mapping[Status, Mapping[Signal, Status]]] = MappingProxyType(
    {
        Status.PENDING: MappingProxyType(
            {
                Signal.CAME: Status.PENDING,
                Signal.LEFT: Status.PENDING,
                Signal.HELD: Status.QUALIFIED,
                Signal.CLOSED: Status.LAPSED,
            }
        ),
        Status.QUALIFIED: MappingProxyType(
            {Signal.LEFT: Status.REVOKED, Signal.SETTLED: Status.FINAL}
        ),
        Status.REVOKED: MappingProxyType(
            {Signal.CAME: Status.RESTORED, Signal.SETTLED: Status.LOST}
        ),
        Status.RESTORED: MappingProxyType(
            {Signal.LEFT: Status.REVOKED, Signal.SETTLED: Status.FINAL}
        ),
        Status.FINAL: _NOTHING,
        Status.LOST: _NOTHING,
        Status.LAPSED: _NOTHING,
        Status.REFUSED: _NOTHING,
    }
)


def step(status: Status, signal: Signal) -> Status:
    """Return what an invite is after a signal.

    Parameters
    ----------
    status
        What it is.
    signal
        What moves it.

    Returns
    -------
    Status
        By ``TRANSITIONS``.

    Raises
    ------
    IllegalTransitionError
        If the status does not take the signal.
    """
    takes = TRANSITIONS[status]
    if signal not in takes:
        names = tuple(one.name for one in takes)
        raise IllegalTransitionError("invite", status.name, signal.name, names)
    return takes[signal]


@attrs.frozen
class Invite:
    """One invite as it stands.

    Attributes
    ----------
    inviter, invitee
        Who brought whom.
    touched_at
        The touch by which the inviter is named.
    status
        Where it stands.
    since
        Since when; a pending or refused one since its touch.
    reason
        Why, for programs: a key of the sentences.
    """

    inviter: str
    invitee: str
    touched_at: dt.datetime
    status: Status
    since: dt.datetime
    reason: str

    @property
    def counts(self) -> bool:
        """Whether it counts for the inviter."""
        return self.status in COUNTING


class Terms(NamedTuple):
    """When an invite qualifies and becomes final, microseconds."""

    closes: int
    hold: int
    revoke: int


class Moment(NamedTuple):
    """A change in the course of an invite, and whether time alone made it."""

    at: int
    status: Status
    reason: str
    by_time: bool


def course(
    marks: Sequence[tuple[int, bool]], touched: int, terms: Terms, clock: int
) -> list[Moment]:
    """Return what becomes of an invite until an instant.

    Parameters
    ----------
    marks
        When the invitee came (True) and left (False), microseconds; ascending,
        at one instant coming first.
    touched
        When the invite began.
    terms
        Of the campaign.
    clock
        What time has decided by then counts, this included.

    Returns
    -------
    list of Moment
        From the touch on, one a change of status or of the reason.

    Notes
    -----
    Only coming before the campaign closes begins a hold. Leaving at the very end
    of a hold breaks it: in doubt nobody is paid. The invite is final before what
    happens at that very instant.
    """
    return list(_course(marks, touched, terms, clock))


def _course(
    marks: Sequence[tuple[int, bool]], touched: int, terms: Terms, clock: int
) -> Iterator[Moment]:
    earlier = [came for at, came in marks if at < touched]
    present = bool(earlier) and earlier[-1]
    began = touched if present else None
    status, settles = Status.PENDING, 0
    reason = "on_hold" if present else "waiting"
    yield Moment(touched, status, reason, by_time=False)
    coming = [mark for mark in marks if mark[0] >= touched]
    while status not in OVER:
        if status is Status.PENDING:
            signal = Signal.HELD if began is not None else Signal.CLOSED
            due = terms.closes if began is None else began + terms.hold
            first = bool(coming) and coming[0][0] <= due - (began is None)
        else:
            signal, due = Signal.SETTLED, settles
            first = bool(coming) and coming[0][0] < due
        if not first:
            if due > clock:
                return
            status = step(status, signal)
            if signal is Signal.HELD:
                settles = due + terms.revoke
            yield Moment(due, status, _REASONS[status], by_time=True)
            continue
        at, came = coming.pop(0)
        if came == present:
            continue
        present = came
        status = step(status, Signal.CAME if came else Signal.LEFT)
        reason = _REASONS.get(status, "on_hold" if came else "left_on_hold")
        if status is Status.PENDING:
            began = at if came and at < terms.closes else None
            if began is None and at >= terms.closes:
                status = step(status, Signal.CLOSED)
                reason = _REASONS[status]
        yield Moment(at, status, reason, by_time=False)


_REASONS: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.QUALIFIED: "stayed",
        Status.REVOKED: "left",
        Status.RESTORED: "came_back",
        Status.FINAL: "kept",
        Status.LOST: "gone",
        Status.LAPSED: "too_late",
    }
)
