"""What a rulebook grants and limits, in numbers (配额条款).

An act of the user opens windows; a calendar limit allows a number a period. Each
number is read from the rule that states it, and a rule that was not in force is
not guessed: then the act opens nothing that is known, or nothing limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.times.periods import PERIODS, Period
from wxengage.times.zones import MICROS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxengage.rules.book import Rulebook

__all__ = [
    "ACTS",
    "Limit",
    "Opening",
    "limits_of",
    "messages_kept",
    "openings",
    "sends_a_grant",
]

#: What a user does that may open a window.
ACTS: Final = ("message", "menu_click", "follow", "scan", "open")
#: Act at an official account -> the rule that says what it opens there.
_OFFICIAL: Final = {
    "message": "WX-CS-001",
    "menu_click": "WX-CS-002",
    "follow": "WX-CS-003",
    "scan": "WX-CS-004",
}
#: Act at a mini program -> the parameter of WX-CS-006 with count and seconds.
_MINI: Final = {"message": "user_message", "open": "enter_session"}
_MINI_RULE: Final = "WX-CS-006"
_REPLY_RULE: Final = "WX-RECV-001"
_WECOM_RULE: Final = "WW-EXT-001"


@attrs.frozen
class Opening:
    """A window that an act opens (互动窗口).

    Attributes
    ----------
    channel
        What may be sent in it.
    count
        How many messages.
    span
        How long it is open, in microseconds.
    """

    channel: str
    count: int
    span: int


@attrs.frozen
class Limit:
    """So many messages a calendar period (周期配额).

    Attributes
    ----------
    channel
        Of which channel.
    per
        ``"minute"``, ``"day"``, ``"week"`` (ISO) or ``"month"``.
    count
        How many; None for as many as the month has days.
    whose
        ``"user"``: for each user, or group, by itself; ``"account"``: for all.
    kind
        The kind of account it holds at; "" for any.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    channel: str
    per: Period
    count: int | None
    whose: Literal["user", "account"] = "user"
    kind: str = ""

    def __attrs_post_init__(self) -> None:
        require_id("channel", self.channel)
        if self.per not in PERIODS:
            raise InvalidInputError(
                "per", self.per, "a period", nearest(self.per, PERIODS)
            )
        if self.count is not None:
            require_whole("count", self.count)
        elif self.per != "month":
            raise InvalidInputError("count", None, "a number but for a month")


def openings(book: Rulebook, kind: str, act: str) -> tuple[Opening, ...]:
    """Return the windows that an act at an account opens.

    Parameters
    ----------
    book
        The rules of the day of the act.
    kind
        The kind of account.
    act
        One of ``ACTS``.

    Returns
    -------
    tuple of Opening
        Empty where no rule in force says that it opens one.
    """
    if kind == "mini_program":
        if act not in _MINI or _MINI_RULE not in book:
            return ()
        count, seconds = book[_MINI_RULE].param(_MINI[act], tuple)
        span = int(seconds) * MICROS_PER_SECOND
        return (Opening("mini_program_customer_message", int(count), span),)
    if kind not in {"service", "subscription"} or act not in _OFFICIAL:
        return ()
    found = []
    if _OFFICIAL[act] in book:
        rule = book[_OFFICIAL[act]]
        span = rule.param("window_s", int) * MICROS_PER_SECOND
        found.append(Opening("customer_message", rule.param("count", int), span))
    if _REPLY_RULE in book:
        # One request of the platform has one response.
        span = book[_REPLY_RULE].param("deadline_s", int) * MICROS_PER_SECOND
        found.append(Opening("passive_reply", 1, span))
    return tuple(found)


def messages_kept(book: Rulebook, channel: str, limits: Iterable[Limit]) -> int:
    """Return how many messages of a channel must be known to be exact.

    Parameters
    ----------
    book
        The rules of a day.
    channel
        The channel.
    limits
        The calendar limits.

    Returns
    -------
    int
        At least the largest number that a window or a period allows; 1 for one
        that nothing limits.
    """
    counts = [limit.count or 0 for limit in limits if limit.channel == channel]
    counts.extend(
        opening.count
        for kind in ("service", "mini_program")
        for act in ACTS
        for opening in openings(book, kind, act)
        if opening.channel == channel
    )
    return max(counts, default=1)


def sends_a_grant(book: Rulebook) -> int:
    """Return how many messages one grant of a subscription is good for."""
    rule = "WX-SUB-001"
    return book[rule].param("sends_per_grant", int) if rule in book else 0


def limits_of(book: Rulebook) -> tuple[Limit, ...]:
    """Return the calendar limits that hold by a rulebook.

    Parameters
    ----------
    book
        The rules of a day.

    Returns
    -------
    tuple of Limit
        Only those whose rule is in force.

    Raises
    ------
    InvalidInputError
        If the number of WeCom tasks, which a corporation may choose, is neither
        ``"days_in_month"`` nor of the form ``"7/week"``.
    """
    found = []
    if "WX-MASS-001" in book:
        count = book["WX-MASS-001"].param("count", int)
        kind = "subscription"
        found.append(Limit("mass_send", "day", count, "account", kind))
    if "WX-MASS-002" in book:
        count = book["WX-MASS-002"].param("count", int)
        found.append(Limit("mass_send", "month", count, kind="service"))
    if "WX-TPL-003" in book:
        count = book["WX-TPL-003"].param("daily", int)
        found.append(Limit("template_message", "day", count, "account"))
    if _WECOM_RULE in book:
        per, number = _chosen(book[_WECOM_RULE].param("per_customer_month", str))
        found.append(Limit("wecom_customer_task", per, number))
        found.append(Limit("wecom_group_task", per, number))
    if "WW-API-001" in book:
        count = book["WW-API-001"].param("robot_min", int)
        found.append(Limit("group_robot", "minute", count))
    return tuple(found)


def _chosen(text: str) -> tuple[Period, int | None]:
    """Read ``"days_in_month"``, ``"7/week"`` or ``"1/day"``."""
    if text == "days_in_month":
        return "month", None
    count, _, per = text.partition("/")
    for period in ("day", "week", "month"):
        if per == period and count.isascii() and count.isdigit() and int(count):
            return period, int(count)
    name = f"{_WECOM_RULE} per_customer_month"
    rule = "'days_in_month', or a number a period such as '7/week' or '1/day'"
    raise InvalidInputError(name, text, rule, f"periods: {', '.join(PERIODS[1:])}")
