"""What the gate asks, taken from the store (触达历史): who it is, and what they got."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from wxengage.codec.envelope import load
from wxengage.desk.keeping import freezes_in
from wxengage.desk.people import ACCOUNT, account_quota, quota, user
from wxengage.desk.rows import event_of, letter_of
from wxengage.plan.gating.gate import Gate
from wxengage.plan.gating.history import History
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.plan.gating.decisions import Decision
    from wxengage.segments.policy import LifecyclePolicy
    from wxengage.sends import Send, Sent
    from wxengage.stores.schema import Row

__all__ = ["decide", "history", "look_back", "segment"]

_PLAIN: Final = Gate()
# Longer than the calendar period, wherever it is and whatever the clocks do.
_PERIODS: Final = {
    "day": dt.timedelta(days=2),
    "week": dt.timedelta(days=8),
    "month": dt.timedelta(days=32),
}
_PAGE: Final = 200
# Columns of ``event``.
_KIND, _AT = 2, 3


def decide(unit: Unit, settings: Settings, send: Send, now: dt.datetime) -> Decision:
    """Return the gate's word about a message, from what the store knows.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    send
        The message.
    now
        The instant, aware.

    Returns
    -------
    Decision
        As ``Gate.check`` has it. Without a gate of one's own, the platform's quotas
        and what has been frozen are asked, and whether the user wants it.

    Raises
    ------
    InvalidInputError
        If the message names an account that the desk was not told of.
    """
    gate = settings.gate or _PLAIN
    stops = freezes_in(unit, now)
    known = history(unit, settings, send.user, now, stops=bool(stops))
    return gate.check(send, known, now, freezes=stops)


def history(
    unit: Unit,
    settings: Settings,
    name: str,
    now: dt.datetime,
    *,
    stops: bool = True,
) -> History:
    """Return what the gate has to know of a user.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    name
        Of the user; nobody has to have heard of it.
    now
        The instant, aware.
    stops
        Whether segments may be frozen: where they are not, and nothing else asks
        for it, the segment is not worked out.

    Returns
    -------
    History
        With the messages that the gate's limits look back at.
    """
    gate = settings.gate or _PLAIN
    at = micros("now", now)
    unit.load("profile", [(name, "user"), (name, "quota"), (ACCOUNT, "quota")])
    known: tuple[str | None, dt.datetime | None] = (None, None)
    if stops or gate.sunset is not None:
        known = segment(unit, settings.lifecycle, name, now)
    span = look_back(gate)
    past = () if span == 0 else _past(unit, name, None if span is None else at - span)
    return History(
        user(unit, name),
        known[0],
        past,
        quota(unit, name, settings),
        since=known[1],
        account=account_quota(unit, settings),
    )


def look_back(gate: Gate) -> int | None:
    """Return how far back a gate's limits look, in microseconds (None: for ever)."""
    if gate.sunset is not None or (gate.mix is not None and gate.mix.window is None):
        return None
    spans = [gap.after for gap in gate.gaps]
    spans += [
        _PERIODS[cap.per] if isinstance(cap.per, str) else cap.per for cap in gate.caps
    ]
    if gate.mix is not None and gate.mix.window is not None:
        spans.append(gate.mix.window)
    return max((span_micros("per", span) for span in spans), default=0)


def _past(unit: Unit, name: str, least: int | None) -> tuple[Sent, ...]:
    """Return what went out to a user, or may have, from an instant on."""
    rows = unit.find("letter", "by_touch", (name,), least=least)
    touches = (letter_of(row).touch for row in rows)
    others = unit.find("touch", "by_user", (name,), least=least)
    told: list[Sent] = [load(str(row[3])) for row in others]
    return (*(one for one in touches if one is not None), *told)


def segment(
    unit: Unit, policy: LifecyclePolicy, name: str, now: dt.datetime
) -> tuple[str | None, dt.datetime | None]:
    """Return a user's segment, and since when the user has been in it.

    Parameters
    ----------
    unit
        The transaction's rows.
    policy
        Who is what.
    name
        Of the user.
    now
        The instant, aware.

    Returns
    -------
    tuple of (str or None, datetime or None)
        As ``segment_users`` has it; None and None for who has no event by then.

    Notes
    -----
    Where one interaction makes active, events are read from the newest back to the
    first that is missing between two interactions; else all of the user's are.
    """
    at = micros("now", now)
    first = unit.find("event", "by_user", (name,), below=at + 1, limit=1)
    if not first:
        return None, None
    if not policy.one_suffices:
        return _weighed(unit, policy, name, now)
    silence = span_micros("dormant_after", policy.dormant_after)
    counted = {kind for kind, weight in policy.weights.items() if weight}
    last = began = None
    for row in _back(unit, name, at):
        if row[_KIND] not in counted:
            continue
        instant = int(row[_AT] or 0)
        if last is None:
            last = began = instant
            if at - last >= silence:
                return "dormant", from_micros(last + silence)
        elif began is not None and began - instant >= silence:
            break
        else:
            began = instant
    if began is None:
        return "potential", from_micros(int(first[0][_AT] or 0))
    return "active", from_micros(began)


def _back(unit: Unit, name: str, at: int) -> Iterator[Row]:
    """Yield the events of a user up to an instant, the newest first."""
    size, below, seen = _PAGE, at + 1, set[str]()
    while True:
        rows = unit.find(
            "event", "by_user", (name,), below=below, limit=size, newest=True
        )
        new = [row for row in rows if row[0] not in seen]
        yield from new
        if len(rows) < size:
            return
        last = int(rows[-1][_AT] or 0)
        # Of one instant there may be more than a page.
        size = 2 * size if last + 1 == below else size
        seen, below = {str(row[0]) for row in rows if row[_AT] == last}, last + 1


def _weighed(
    unit: Unit, policy: LifecyclePolicy, name: str, now: dt.datetime
) -> tuple[str | None, dt.datetime | None]:
    from wxengage.log.reading import read_log  # noqa: PLC0415  loads narwhals
    from wxengage.segments.lifecycle import segment_users  # noqa: PLC0415  as above

    rows = unit.find("event", "by_user", (name,), below=micros("now", now) + 1)
    found = segment_users(read_log([event_of(row) for row in rows]), now, policy)
    since = int(found.since.astype("int64")[0])
    return str(found.segment[0]), from_micros(since)
