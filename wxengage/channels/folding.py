"""How what happened becomes a quota (配额折叠)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

import attrs

from wxengage.channels.accounts import kind_of, resolved
from wxengage.channels.answers import answer_to
from wxengage.channels.catalog import CATALOG
from wxengage.channels.marks import KEPT, Failure, Lifted, Mark, added
from wxengage.channels.terms import (
    ACTS,
    limits_of,
    messages_kept,
    openings,
    sends_a_grant,
)
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.sends import Sent
from wxengage.times.zones import micros
from wxengage.users import AccountKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.channels.marks import What
    from wxengage.channels.quotas import Quota
    from wxengage.channels.terms import Limit
    from wxengage.rules.book import Rulebook
    from wxengage.times.days import DayClock

__all__ = ["ACTED_AT", "COUNTED", "GRANTED", "advance"]

#: The kinds of account at which users act.
ACTED_AT: Final = ("service", "subscription", "mini_program")
#: Kind of account -> the channel on which a grant is good.
GRANTED: Final = {
    "service": "subscribe_message",
    "subscription": "subscribe_message",
    "mini_program": "mini_program_subscribe",
}
_MOVES: Final[Mapping[str, What]] = {"follow": "followed", "unfollow": "unfollowed"}
_CHOICES: Final[Mapping[str, What]] = {"subscribe": "granted", "decline": "withdrawn"}
#: The kinds of events, besides ``deliver``, that change a quota.
COUNTED: Final = {*ACTS, *_MOVES, *_CHOICES}


def advance(
    quota: Quota,
    event: Event | Sent | Failure | Lifted,
    rulebook: Rulebook,
    *,
    clock: DayClock | None = None,
) -> Quota:
    """Fold one thing that happened into a quota.

    Parameters
    ----------
    quota
        What was known.
    event
        What happened. Of an ``Event`` these kinds count: ``message``,
        ``menu_click``, ``follow``, ``unfollow``, ``scan``, ``open`` (a session of
        a mini program), ``subscribe`` and ``decline`` (a grant given, or
        withdrawn; ``item`` is the template's id) and ``deliver``, which is a
        ``Sent`` of ``channel`` and ``item``. Any other kind changes nothing.
    rulebook
        The rules of the day on which it happened.
    clock
        Whose days count from now on; None: as before.

    Returns
    -------
    Quota
        What is known now.

    Raises
    ------
    InvalidInputError
        If it happened to another user, at an account that is not listed, or where
        several accounts fit and none was named.

    Notes
    -----
    Any order of the same events, any of them any number of times, gives the same
    quota, as long as each comes with the rulebook of its own day. Calendar limits
    are those of the latest rulebook. Linear in what the quota holds. A message that
    does not count against caps has still used the platform's quota.

    A quota without a user takes what concerns an account: messages, and refusals
    that are not about one recipient.
    """
    _require_own(quota, event)
    clock = quota.clock if clock is None else clock
    as_of, limits, marks = quota.as_of, quota.limits, quota.marks
    new = _marks(quota, event, rulebook)
    if new and (as_of is None or rulebook.as_of > as_of):
        as_of, limits = rulebook.as_of, limits_of(rulebook)
    for mark in new:
        marks = added(marks, mark, _kept(mark, limits, rulebook))
    changed = attrs.evolve(quota, clock=clock, as_of=as_of, limits=limits, marks=marks)
    return quota if changed == quota else changed


def _require_own(quota: Quota, event: object) -> None:
    if isinstance(event, Lifted):
        return
    if not isinstance(event, Event | Sent | Failure):
        rule = "an Event, a Sent, a Failure or a Lifted"
        raise InvalidInputError("event", event, rule)
    if quota.user is None or event.user == quota.user:
        return
    hint = f"this quota is {quota.user!r}'s"
    raise InvalidInputError("event.user", event.user, "the quota's own user", hint)


def _kept(mark: Mark, limits: tuple[Limit, ...], book: Rulebook) -> int:
    """Return how many facts of a kind must stay for the answers to be exact."""
    if mark.what != "sent":
        return KEPT
    if CATALOG[mark.channel].quota == "grant":
        # As many as the grants that are kept are good for.
        return KEPT * max(sends_a_grant(book), 1)
    return max(KEPT, messages_kept(book, mark.channel, limits))


def _marks(
    quota: Quota, event: Event | Sent | Failure | Lifted, book: Rulebook
) -> tuple[Mark, ...]:
    """Return the facts that lie in what happened."""
    if isinstance(event, Lifted):
        return (_lifted(quota, event),)
    if isinstance(event, Event):
        if event.kind == "deliver":
            return _delivered(quota, event)
        return () if quota.user is None else _acted(quota, event, book)
    if event.channel not in CATALOG:
        return ()
    if isinstance(event, Failure):
        return _refused(quota, event)
    return (_sent(quota, event, event.key),)


def _sent(quota: Quota, event: Sent | Failure, key: str) -> Mark:
    kinds = CATALOG[event.channel].on
    account = resolved(quota.accounts, event.account, kinds, "event.account")
    if quota.user is None:
        # One mass send goes to many at one instant; any other message to one.
        key = "" if event.channel == "mass_send" else key or event.user
    return Mark(
        micros("event.at", event.at),
        "sent",
        event.channel,
        account,
        event.message,
        key=key,
    )


def _delivered(quota: Quota, event: Event) -> tuple[Mark, ...]:
    if event.channel is None or event.channel not in CATALOG:
        return ()
    message = "" if event.item is None else str(event.item)
    sent = Sent(
        str(event.user),
        event.at,
        event.channel,
        account=event.account,
        message=message,
    )
    return (_sent(quota, sent, ""),)


def _refused(quota: Quota, event: Failure) -> tuple[Mark, ...]:
    answer = answer_to(event.code)
    if answer.effect == "sent":
        return (_sent(quota, event, ""),)
    if not answer.effect or (quota.user is None and "recipient" in answer.scope):
        return ()
    kinds = CATALOG[event.channel].on
    account = resolved(quota.accounts, event.account, kinds, "event.account")
    message = event.message if "template" in answer.scope else ""
    at, where = micros("event.at", event.at), (event.channel, account, message)
    if answer.effect == "unfollow":
        return (Mark(at, "unfollowed", "", account),)
    if answer.effect == "void":
        return (Mark(at, "withdrawn", *where),)
    return (Mark(at, "failed", *where, count=event.code),)


def _lifted(quota: Quota, event: Lifted) -> Mark:
    channel = CATALOG.get(event.channel)
    kinds = channel.on if channel else get_args(AccountKind)
    account = resolved(quota.accounts, event.account, kinds, "event.account")
    at = micros("event.at", event.at)
    return Mark(at, "lifted", event.channel, account, event.message)


def _acted(quota: Quota, event: Event, book: Rulebook) -> tuple[Mark, ...]:
    """Return what an act of the user opens, gives, takes back or changes."""
    if event.kind not in COUNTED:
        return ()
    account = resolved(quota.accounts, event.account, ACTED_AT, "event.account")
    kind = kind_of(quota.accounts, account)
    at = micros("event.at", event.at)
    found = []
    if event.kind in _MOVES:
        found.append(Mark(at, _MOVES[event.kind], "", account))
    if event.kind in _CHOICES and kind in GRANTED and event.item is not None:
        count = sends_a_grant(book) if event.kind == "subscribe" else 0
        where = (GRANTED[kind], account, str(event.item))
        found.append(Mark(at, _CHOICES[event.kind], *where, count=count))
    if event.kind in ACTS:
        found.extend(
            Mark(
                at,
                "opened",
                each.channel,
                account,
                act=event.kind,
                count=each.count,
                until=at + each.span,
            )
            for each in openings(book, kind, event.kind)
        )
    return tuple(found)
