"""What a trigger waits for (场景): the closed set of scenes.

A scene turns what is known of a user into *occasions*. Each occasion says since
when it has been on its way, the instant at which the user entered it, where it
ends by itself, and whether something the user did has ended it already. Every
stretch is half-open: it holds from its first instant on and no longer at its
end.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, TypeAlias, get_args

import attrs

from wxengage.claims.figures import DORMANT_AFTER
from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.log.kinds import KINDS, nearest_kind
from wxengage.pacing.windows import MINUTES_PER_DAY, minute_of_day

__all__ = [
    "ACTIVE_KINDS",
    "SCENES",
    "Birthday",
    "Expiring",
    "Followed",
    "Happened",
    "RunningLow",
    "Scene",
    "Silent",
    "StreakBreaking",
    "require_kinds",
    "require_span",
    "require_time",
    "span_of",
]

#: Kinds that count as an interaction unless a policy says otherwise.
ACTIVE_KINDS: Final = tuple(name for name, kind in KINDS.items() if kind.active)
# Long enough for every scene, short enough for 64 bits of microseconds.
_LONGEST: Final = dt.timedelta(days=36_525)
_MOST_DAYS_BEFORE: Final = 60


def span_of(span: dt.timedelta) -> int:
    """Return a duration in microseconds."""
    return span // dt.timedelta(microseconds=1)


def require_span(name: str, got: object, *, least: dt.timedelta) -> None:
    """Refuse what is no duration from ``least`` to a hundred years.

    Parameters
    ----------
    name
        The field's name, for the message.
    got
        The value as it came in.
    least
        The shortest one allowed.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if not isinstance(got, dt.timedelta) or not least <= got <= _LONGEST:
        rule = f"a timedelta of at least {least} and at most 100 years"
        raise InvalidInputError(name, got, rule, "for example timedelta(days=3)")


def require_time(name: str, got: object) -> None:
    """Refuse what is no local time of day from ``"00:00"`` to ``"23:59"``.

    Parameters
    ----------
    name
        The field's name, for the message.
    got
        The value as it came in.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if minute_of_day(name, got) == MINUTES_PER_DAY:
        hint = "midnight is '00:00', the start of a day"
        raise InvalidInputError(name, got, "a time from '00:00' to '23:59'", hint)


def require_kinds(name: str, got: object, *, some: bool = True) -> None:
    """Refuse what is no tuple of kinds of events, each once.

    Parameters
    ----------
    name
        The field's name, for the message.
    got
        The value as it came in.
    some
        Whether there must be at least one.

    Raises
    ------
    InvalidInputError
        If it is none, or a kind is unknown or there twice.
    """
    if not isinstance(got, tuple) or (some and not got):
        rule = "a tuple of kinds of events" + (", at least one" if some else "")
        raise InvalidInputError(name, got, rule, "for example ('purchase',)")
    for row, kind in enumerate(got):
        if not isinstance(kind, str) or kind not in KINDS:
            near = nearest_kind(str(kind))
            hint = f"did you mean {near!r}?" if near else "see wxengage.log.KINDS"
            raise InvalidInputError(f"{name}[{row}]", kind, "a known kind", hint)
        if kind in got[:row]:
            raise InvalidInputError(f"{name}[{row}]", kind, "named once")


@attrs.frozen
class Followed:
    """The user follows (关注).

    An occasion is a stretch of following: it is entered with the first follow
    since the last unfollow and over with the next unfollow. Another follow in
    between changes nothing, and a follow in the instant of an unfollow does not
    stay. All accounts are taken together: give the events of one account where
    several are kept apart.
    """


@attrs.frozen
class Happened:
    """The user did something (行为发生).

    An occasion is an instant at which one of the kinds happened; two events of
    one instant are one. It is never over by itself: name what stops it in the
    trigger's ``unless``.

    Attributes
    ----------
    kinds
        Keys of ``KINDS``, at least one.

    Examples
    --------
    >>> Happened(("register",)).kinds
    ('register',)
    """

    kinds: tuple[str, ...]

    def __attrs_post_init__(self) -> None:
        require_kinds("kinds", self.kinds)


@attrs.frozen
class Silent:
    """The user has been silent for so long (沉默).

    An occasion is a last interaction. It is entered when exactly ``after`` has
    passed since then, in elapsed time, without another one, and over with the
    next one: silence comes again only after somebody has spoken. An interaction
    at the very end of the stretch breaks the silence.

    Attributes
    ----------
    after
        How long. The default is the article's 30 days, its unverified claim.
    kinds
        Which kinds break the silence; every active one by default.

    Examples
    --------
    >>> Silent(dt.timedelta(hours=1), ("click",)).kinds
    ('click',)
    """

    after: dt.timedelta = DORMANT_AFTER
    kinds: tuple[str, ...] = ACTIVE_KINDS

    def __attrs_post_init__(self) -> None:
        require_span("after", self.after, least=dt.timedelta(microseconds=1))
        require_kinds("kinds", self.kinds)


@attrs.frozen
class Birthday:
    """It is the user's birthday (生日).

    An occasion is a year. It is entered at ``at`` on the user's own calendar,
    ``days_before`` days ahead, and ends with the birthday.

    Attributes
    ----------
    at
        Local time ``"HH:MM"`` in the user's zone. One that the clock jumps over
        is the instant of the jump; of one that comes twice, the first counts.
    days_before
        How many days ahead, from 0 to 60.
    leap
        Which day is celebrated for 29 February in a common year: ``"02-28"``
        or ``"03-01"``.
    """

    at: str = "09:00"
    days_before: int = 0
    leap: Literal["02-28", "03-01"] = "02-28"

    def __attrs_post_init__(self) -> None:
        require_time("at", self.at)
        require_whole("days_before", self.days_before, most=_MOST_DAYS_BEFORE)
        if self.leap not in {"02-28", "03-01"}:
            raise InvalidInputError("leap", self.leap, "'02-28' or '03-01'")


@attrs.frozen
class StreakBreaking:
    """A run of days is about to break (打卡将断).

    An occasion is a local day of the clock that follows ``days`` days in a row
    with a check-in, or more. It is entered at ``by`` of that day if there has
    been none by then, over with the day's check-in, and ends with the day.

    Attributes
    ----------
    days
        Days in a row that are worth keeping, at least 1.
    by
        Local time ``"HH:MM"`` on the clock that counts the days.
    kind
        What counts as a check-in.
    """

    days: int
    by: str = "20:00"
    kind: str = "check_in"

    def __attrs_post_init__(self) -> None:
        require_whole("days", self.days, least=1)
        require_time("by", self.by)
        require_kinds("kind", (self.kind,))


@attrs.frozen
class Expiring:
    """Something the user holds is about to end (即将到期).

    An occasion is a ``Holding`` of this kind that has an end: an unclaimed
    reward, an open reply window. It is entered ``before`` its end, or when it
    was given if that is later, over when it is used, and ends with it.

    Attributes
    ----------
    kind
        The holding's kind, such as ``"reward"``.
    before
        How long before the end, in elapsed time.
    """

    kind: str
    before: dt.timedelta

    def __attrs_post_init__(self) -> None:
        require_id("kind", self.kind)
        require_span("before", self.before, least=dt.timedelta(microseconds=1))


@attrs.frozen
class RunningLow:
    """Of something the user holds there is just so much left (余量告急).

    An occasion is a ``Holding`` of this kind with exactly ``left`` left, such as
    the last subscription grant. It is entered when it came to that, over when
    it is used, and ends with it. Fewer than that is too late.

    Attributes
    ----------
    kind
        The holding's kind, such as ``"grant"``.
    left
        How many, at least 1.
    """

    kind: str
    left: int = 1

    def __attrs_post_init__(self) -> None:
        require_id("kind", self.kind)
        require_whole("left", self.left, least=1)


Scene: TypeAlias = (
    Followed | Happened | Silent | Birthday | StreakBreaking | Expiring | RunningLow
)
#: The scenes there are.
SCENES: Final[tuple[type, ...]] = get_args(Scene)


def require_scene(name: str, got: object) -> None:
    """Refuse what is no scene."""
    if not isinstance(got, SCENES):
        names = [scene.__name__ for scene in SCENES]
        raise InvalidInputError(name, got, "a scene", nearest(got, names))
