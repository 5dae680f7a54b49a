"""What a refusal stops, and until when (停发)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxengage.channels.answers import answer_to
from wxengage.channels.catalog import CATALOG
from wxengage.times.periods import next_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wxengage.channels.answers import Answer
    from wxengage.channels.marks import Mark
    from wxengage.times.days import DayClock
    from wxengage.times.periods import Period

__all__ = ["STOPS", "stop_end", "stopped"]

#: Effect of a failure -> the reason it gives, the heaviest first.
STOPS: Final = {
    "invalid": "invalid_recipient",
    "suppress": "suppressed",
    "stop": "stopped",
    "period": "period_limit",
    "day": "day_limit",
    "minute": "minute_limit",
}
_ORDER: Final = tuple(STOPS.values())


def stop_end(mark: Mark, clock: DayClock, per: Period | None) -> int | None:
    """Return when what a failure stopped goes on by itself.

    Parameters
    ----------
    mark
        The failure.
    clock
        Whose days count.
    per
        The period of the channel's calendar limit; None where none is known.

    Returns
    -------
    int or None
        Microseconds since 1970; None: when it is lifted.
    """
    effect = answer_to(mark.count).effect
    if effect == "minute":
        return next_start("minute", mark.at, clock)
    if effect == "day":
        return next_start("day", mark.at, clock)
    if effect == "period" and per is not None:
        return next_start(per, mark.at, clock)
    return None


def stopped(
    failed: Iterable[Mark],
    cures: Sequence[Mark],
    where: tuple[str, str],
    *,
    now: int,
    clock: DayClock,
    per: Period | None,
) -> str | None:
    """Return why refusals of the past stop a message.

    Parameters
    ----------
    failed
        The refusals at the account.
    cures
        What shows that a stop is over: messages that went later, and what was
        lifted.
    where
        Channel and message.
    now
        The instant, in microseconds since 1970.
    clock, per
        As in ``stop_end``.

    Returns
    -------
    str or None
        The heaviest reason; None where nothing stops it.
    """
    found = set()
    for mark in failed:
        answer = answer_to(mark.count)
        if (
            mark.at > now
            or answer.effect not in STOPS
            or not _reaches(answer, mark, *where)
        ):
            continue
        end = stop_end(mark, clock, per)
        if end is not None and end <= now:
            continue
        if not any(mark.at < c.at <= now and _cures(answer, mark, c) for c in cures):
            found.add(STOPS[answer.effect])
    return min(found, key=_ORDER.index, default=None)


def _reaches(answer: Answer, mark: Mark, channel: str, message: str) -> bool:
    """Return whether a refusal is about a message too."""
    if answer.effect == "period" or answer.scope == "api":
        return mark.channel == channel
    if answer.scope in {"template", "recipient x template"}:
        return (mark.channel, mark.message) == (channel, message)
    # Where accounts have no name, their kind still tells them apart.
    return bool({*CATALOG[mark.channel].on} & {*CATALOG[channel].on})


def _cures(answer: Answer, mark: Mark, cure: Mark) -> bool:
    if cure.what == "sent":
        return _reaches(answer, mark, cure.channel, cure.message)
    return cure.channel in {"", mark.channel} and cure.message in {"", mark.message}
