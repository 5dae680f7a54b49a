"""The rules of a level system (会员等级规则): how one rises, keeps a level, falls.

Level 0 is everybody's; level k is reached with ``thresholds[k - 1]`` points. What
counts is the *qualification value*: points earned within a window, less those of
them that were taken back by then. A review looks at the period that ends with it:
at what was earned before it, not at it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, nearest, require_whole
from wxengage.segments.points.facts import MOST_POINTS
from wxengage.segments.points.validity import Months, Validity, later_months
from wxengage.times.calendars import add_months
from wxengage.times.days import DayClock
from wxengage.times.zones import span_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FixedYear",
    "SinceTierStart",
    "TierPolicy",
    "Trailing",
    "period_starts",
]

_DAY: Final = dt.timedelta(days=1)
_MOST_DAYS, _MOST_MONTHS = 36_525, 1_200
_A_COMMON_YEAR: Final = 2023
_CENTURY: Final = dt.timedelta(days=_MOST_DAYS)


@attrs.frozen(kw_only=True)
class Trailing:
    """Points of the whole local days, or months of days, that end with today.

    Attributes
    ----------
    days, months
        Exactly one of them. 365 days are today and the 364 before it; 12 months
        that end with 28 February began on 1 March.

    Raises
    ------
    InvalidInputError
        If not exactly one is given, or it is not from one day to a century.

    Examples
    --------
    >>> Trailing(months=12).first_day(dt.date(2026, 4, 30))
    datetime.date(2025, 5, 1)
    """

    days: int | None = None
    months: int | None = None

    def __attrs_post_init__(self) -> None:
        if (self.days is None) == (self.months is None):
            got = {"days": self.days, "months": self.months}
            hint = "for example Trailing(months=12)"
            raise InvalidInputError("Trailing", got, "one of days and months", hint)
        if self.days is not None:
            require_whole("days", self.days, least=1, most=_MOST_DAYS)
        else:
            require_whole("months", self.months, least=1, most=_MOST_MONTHS)

    def first_day(self, today: dt.date) -> dt.date:
        """Return the first day that counts on a local date."""
        if self.days is not None:
            return today - dt.timedelta(days=self.days - 1)
        return add_months(today + _DAY, -(self.months or 0))

    def first_days(self, today: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``first_day`` of many local days. Shape ``(n,)``."""
        if self.days is not None:
            return today - (self.days - 1)
        return later_months(today + 1, -(self.months or 0))


@attrs.frozen(kw_only=True)
class FixedYear:
    """Points since the year began, on the same date for everybody.

    Attributes
    ----------
    month, day
        Where a year begins: a date that every year has.

    Raises
    ------
    InvalidInputError
        If there is no such date each year.
    """

    month: int = 1
    day: int = 1

    def __attrs_post_init__(self) -> None:
        require_whole("month", self.month, least=1, most=12)
        require_whole("day", self.day, least=1, most=31)
        try:
            dt.date(_A_COMMON_YEAR, self.month, self.day)
        except ValueError:
            raise InvalidInputError("day", self.day, "a day of every year") from None

    def first_day(self, today: dt.date) -> dt.date:
        """Return the first day of the year of a local date."""
        begin = today.replace(month=self.month, day=self.day)
        return begin if begin <= today else begin.replace(year=today.year - 1)

    def first_days(self, today: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ``first_day`` of many local days. Shape ``(n,)``."""
        year = today.astype("M8[D]").astype("M8[Y]")
        begin = self._begin(year)
        return np.where(begin <= today, begin, self._begin(year - 1))

    def _begin(self, year: NDArray[np.datetime64]) -> NDArray[np.int64]:
        month = year.astype("M8[M]") + (self.month - 1)
        return month.astype("M8[D]").astype(np.int64) + (self.day - 1)


@attrs.frozen
class SinceTierStart:
    """Points since the present level was reached, or last renewed.

    The points that brought the level do not count again.
    """


Qualify: TypeAlias = Trailing | FixedYear | SinceTierStart
Upgrade = Literal["immediate", "periodic"]
Downgrade = Literal["one_down", "match", "never"]
Review = Literal["expiry", "month", "year"]


def _word(words: tuple[str, ...]) -> Any:
    def check(_: object, field: attrs.Attribute[Any], got: Any) -> None:
        if not isinstance(got, str) or got not in words:
            rule = "one of " + ", ".join(words)
            raise InvalidInputError(field.name, got, rule, nearest(got, words))

    return check


def _climbing(_: object, field: attrs.Attribute[Any], got: Any) -> None:
    if not isinstance(got, tuple) or not got:
        hint = "for example (1_000, 5_000)"
        raise InvalidInputError(field.name, got, "a tuple of whole points", hint)
    below = 0
    for level, points in enumerate(got):
        name = f"{field.name}[{level}]"
        require_whole(name, points, least=1, most=MOST_POINTS)
        if points <= below:
            rule = f"above the threshold before it, {below}"
            raise InvalidInputError(name, points, rule, "thresholds climb")
        below = points


def _kinds(kinds: tuple[type, ...], rule: str) -> Any:
    def check(_: object, field: attrs.Attribute[Any], got: Any) -> None:
        if not isinstance(got, kinds):
            raise InvalidInputError(field.name, got, rule)
        if isinstance(got, bool):
            return
        if isinstance(got, dt.timedelta) and field.name == "min_gap":
            span_micros(field.name, got)
        if isinstance(got, dt.timedelta) and not dt.timedelta(0) <= got <= _CENTURY:
            raise InvalidInputError(field.name, got, "from 0 to a century")

    return check


def _lasting(_: object, field: attrs.Attribute[Any], got: Any) -> None:
    if got is not None and not isinstance(got, Validity):
        raise InvalidInputError(field.name, got, "a Validity, or None")
    if got is not None and not got.length[1]:
        hint = "the present month is review='month'"
        raise InvalidInputError(field.name, got, "a day or longer", hint)


@attrs.frozen
class TierPolicy:
    """How users rise, keep their level and fall (等级规则).

    Attributes
    ----------
    thresholds
        Whole points, each above the one before; a level is reached *at* its own.
    qualify
        Which points count: ``Trailing(days=365)``, ``Trailing(months=12)``,
        ``FixedYear(month=4)`` or ``SinceTierStart()``.
    upgrade
        ``"immediate"``: at the instant of the earning, to the highest level
        reached. ``"periodic"``: at reviews only.
    valid_for
        How long a level holds, with ``review="expiry"``; None: for ever. A renewal
        counts from the last day of the period before it.
    review
        When levels are judged: at their own ``"expiry"``, or everybody's at the
        start of each local ``"month"`` or ``"year"`` (a FixedYear's own, where that
        qualifies). Level 0 has nothing to keep: it is judged only where upgrades
        are periodic.
    downgrade
        When a review finds too few points: ``"one_down"``, to the level that they
        ``"match"``, or ``"never"``.
    min_gap
        A level that fell is not lowered by a review until so long afterwards: at
        a review before that, it is renewed. Elapsed time, or whole ``Months`` of
        local days.
    grace
        A level that a review would lower is kept for this much elapsed time, and
        judged again then: what is earned meanwhile counts, and what counted at the
        review counts still.
    refund_recheck
        Whether a refund lowers the level at once when, by it, the points with
        which the level was gained or last kept fall below its threshold. These are
        the points since the window of that judgement began. Such a fall follows
        ``downgrade``, but no ``min_gap`` holds it up, which would make buying and
        returning pay; a gap begins with it.
    names
        Of the levels, level 0 first; or none.
    clock
        Whose days, months and years count.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule; thresholds that do not climb are named by
        their place.

    Examples
    --------
    >>> monthly = TierPolicy(
    ...     (600, 3_000, 10_000),
    ...     qualify=Trailing(months=12),
    ...     review="month",
    ...     min_gap=Months(6),
    ... )
    >>> monthly.level_of(3_000)
    2
    """

    thresholds: tuple[int, ...] = attrs.field(validator=_climbing)
    qualify: Qualify = attrs.field(
        default=Trailing(days=365),
        kw_only=True,
        validator=_kinds(
            (Trailing, FixedYear, SinceTierStart),
            "a Trailing, FixedYear or SinceTierStart",
        ),
    )
    upgrade: Upgrade = attrs.field(
        default="immediate", kw_only=True, validator=_word(get_args(Upgrade))
    )
    valid_for: Validity | None = attrs.field(
        default=Validity(days=365), kw_only=True, validator=_lasting
    )
    review: Review = attrs.field(
        default="expiry", kw_only=True, validator=_word(get_args(Review))
    )
    downgrade: Downgrade = attrs.field(
        default="one_down", kw_only=True, validator=_word(get_args(Downgrade))
    )
    min_gap: dt.timedelta | Months | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_kinds(
            (dt.timedelta, Months, type(None)), "a timedelta, Months or None"
        ),
    )
    grace: dt.timedelta = attrs.field(
        default=dt.timedelta(0),
        kw_only=True,
        validator=_kinds((dt.timedelta,), "a timedelta"),
    )
    refund_recheck: bool = attrs.field(
        default=False, kw_only=True, validator=_kinds((bool,), "True or False")
    )
    names: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    clock: DayClock = attrs.field(
        default=DayClock(), kw_only=True, validator=_kinds((DayClock,), "a DayClock")
    )

    def __attrs_post_init__(self) -> None:
        if (
            self.upgrade == "periodic"
            and self.review == "expiry"
            and not self.valid_for
        ):
            hint = "or nobody would ever rise"
            raise InvalidInputError("valid_for", None, "a Validity", hint)
        names = self.names
        if not isinstance(names, tuple) or not all(isinstance(n, str) for n in names):
            raise InvalidInputError("names", names, "a tuple of texts")
        levels = len(self.thresholds) + 1
        if names and len(names) != levels:
            rule = f"{levels} names, level 0 first"
            raise InvalidInputError("names", names, rule)

    def level_of(self, value: int) -> int:
        """Return the highest level that a qualification value reaches."""
        return sum(value >= points for points in self.thresholds)

    def name_of(self, level: int) -> str:
        """Return a level's name, or its number where there are no names."""
        require_whole("level", level, most=len(self.thresholds))
        return self.names[level] if self.names else str(level)

    @property
    def year(self) -> FixedYear:
        """Where the year of ``review="year"`` begins."""
        return self.qualify if isinstance(self.qualify, FixedYear) else FixedYear()


def period_starts(policy: TierPolicy, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first day of the month or year of review of local days.

    Parameters
    ----------
    policy
        With ``review="month"`` or ``"year"``.
    days
        Days since 1970-01-01. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Days since 1970-01-01. Shape ``(n,)``.
    """
    if policy.review == "year":
        return policy.year.first_days(days)
    month = days.astype("M8[D]").astype("M8[M]")
    starts: NDArray[np.int64] = month.astype("M8[D]").astype(np.int64)
    return starts
