"""Who gets which letter when (租约): leases, and the moment before a request.

``lease`` gives letters to a worker; ``begin`` is called right before the request,
and what it returns must be on disk before the request leaves. A worker that dies in
between leaves a letter of which the outbox knows that it may have gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import attrs

from wxengage.delivery.outbox.box import suppression_of
from wxengage.delivery.outbox.breakers import places_of
from wxengage.delivery.outbox.states import WAITING, Signal, State
from wxengage.delivery.ports import Letter  # noqa: TC001  told to readers
from wxengage.errors import InvalidInputError, require_whole
from wxengage.plan.gating.decisions import Decision
from wxengage.sends import Send
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterator

    from wxengage.delivery.outbox.box import Outbox
    from wxengage.delivery.outbox.breakers import Place
    from wxengage.delivery.outbox.rows import OutboxRow

    Check = Callable[[Send, dt.datetime], Decision]

__all__ = ["Lease", "Request", "begin", "holds", "lease", "next_due"]


class Lease(NamedTuple):
    """A letter that a worker has for a while (租约).

    Attributes
    ----------
    key
        The letter's key.
    fence
        The number to hand back with what becomes of it.
    """

    key: str
    fence: int


class Request(NamedTuple):
    """What to ask of a sender now.

    Attributes
    ----------
    how
        ``"send"`` it, or only ``"query"`` what became of it.
    letter
        The letter.
    """

    how: Literal["send", "query"]
    letter: Letter


def lease(
    outbox: Outbox,
    now: dt.datetime,
    *,
    limit: int = 100,
    channels: Collection[str] | None = None,
) -> tuple[Outbox, tuple[Lease, ...]]:
    """Give letters to a worker (领取).

    Parameters
    ----------
    outbox
        The outbox.
    now
        When, aware.
    limit
        At most so many.
    channels
        Those for which the worker has a sender; None for all.

    Returns
    -------
    outbox
        With the leases, and what time has done: letters that have expired are
        dropped, and those whose lease ran out are free or in doubt.
    leases
        The longest due first. Commit the outbox before working on them.

    Raises
    ------
    InvalidInputError
        If the limit is not whole or below 1, or ``now`` is naive.

    Notes
    -----
    ``O(n log n)`` in the letters that are not final.
    """
    at = micros("now", now)
    require_whole("limit", limit, least=1)
    outbox = outbox.with_rows(_passed(outbox, at))
    probed = set(_probes(outbox, at))
    until = at + span_micros("lease_for", outbox.policy.lease_for)
    taken: list[OutboxRow] = []
    for row in sorted(_free(outbox, at), key=lambda row: (row.not_before, row.seq)):
        if len(taken) == limit:
            break
        if channels is not None and row.letter.channel not in channels:
            continue
        probes = _half_open(outbox, row.letter, at)
        if probed.isdisjoint(probes):
            probed |= probes
            taken.append(attrs.evolve(row, fence=row.fence + 1, lease_until=until))
    return outbox.with_rows(taken), tuple(Lease(row.key, row.fence) for row in taken)


def _passed(outbox: Outbox, at: int) -> Iterator[OutboxRow]:
    """Yield the rows that time alone has changed."""
    policy = outbox.policy
    for row in outbox.rows.values():
        after = row
        if row.lease_until is not None and not row.held(at, policy):
            after = row.abandoned(at, policy)
        if after.state is State.DUE and after.late(at):
            after = after.moved(Signal.DROP, at, code="expired")
        if after is not row:
            yield after


def _free(outbox: Outbox, at: int) -> Iterator[OutboxRow]:
    """Yield the rows that may be leased, but for half-open breakers."""
    policy = outbox.policy
    heads = _heads(outbox)
    for row in outbox.rows.values():
        if row.state not in WAITING or row.lease_until is not None:
            continue
        if row.ready_at(at, policy) > at or outbox.opens_at(row.letter, at) != at:
            continue
        if _is_head(row, heads):
            yield row


def _heads(outbox: Outbox) -> dict[object, int]:
    """Return the first letter that is still to go where the order counts."""
    ordered = outbox.policy.ordered
    found: dict[object, int] = {}
    for row in outbox.rows.values():
        if row.letter.channel in ordered and not row.is_final:
            line = suppression_of(row.letter)
            found[line] = min(found.get(line, row.seq), row.seq)
    return found


def _is_head(row: OutboxRow, heads: dict[object, int]) -> bool:
    return not heads or heads.get(suppression_of(row.letter), row.seq) == row.seq


def _half_open(outbox: Outbox, letter: Letter, at: int) -> set[Place]:
    return {
        place
        for place in places_of(letter)
        if place in outbox.breakers and outbox.breakers[place].stands(at) == "half_open"
    }


def _probes(outbox: Outbox, at: int) -> Iterator[Place]:
    """Yield the half-open places that somebody is trying already."""
    for row in outbox.rows.values():
        if outbox.breakers and row.lease_until is not None:
            yield from _half_open(outbox, row.letter, at)


def begin(
    outbox: Outbox,
    key: str,
    fence: int,
    now: dt.datetime,
    *,
    check: Check | None = None,
) -> tuple[Outbox, Request | None]:
    """Begin a request (开始发送): ask the gate, and note that it may leave.

    Parameters
    ----------
    outbox
        The outbox.
    key, fence
        A lease.
    now
        When, aware.
    check
        The gate's word about a message at this instant. It is not asked again
        about a message that may have gone already.

    Returns
    -------
    outbox
        With the request noted. Commit it before the request leaves.
    request
        What to ask of the sender. None where there is nothing to ask: the lease
        was lost, the gate, the expiry or a breaker is against it, or the request
        has begun already.

    Raises
    ------
    InvalidInputError
        If there is no such letter, or the decision is about another message.
    """
    at, policy = micros("now", now), outbox.policy
    row = outbox.row(key)
    if row.fence != fence or not row.held(at, policy) or row.state not in WAITING:
        return outbox, None
    if outbox.opens_at(row.letter, at) != at:
        after, how = row.moved(Signal.HOLD, at, next_at=row.next_at), None
    elif row.state is State.DUE:
        after, how = _first(outbox, row, now, check)
    else:
        after, how = _in_doubt(outbox, row, at)
    if how is None:
        return outbox.with_rows([after]), None
    until = at + span_micros("lease_for", policy.lease_for)
    began = at if how == "send" else row.began_at
    after = attrs.evolve(
        after, attempts=row.attempts + 1, lease_until=until, began_at=began
    )
    return outbox.with_rows([after]), Request(how, row.letter)


def _first(
    outbox: Outbox, row: OutboxRow, now: dt.datetime, check: Check | None
) -> tuple[OutboxRow, Literal["send", "query"] | None]:
    at, body = micros("now", now), row.letter.body
    if row.late(at):
        return row.moved(Signal.DROP, at, code="expired"), None
    if suppression_of(row.letter) in outbox.suppressed:
        return row.moved(Signal.DROP, at, code="suppressed"), None
    if check is not None and isinstance(body, Send):
        decision = check(body, now)
        _require_decision(decision, body)
        if decision.action != "send":
            return _decided(row, decision, at), None
    return row.moved(Signal.BEGIN, at), "send"


def _require_decision(decision: object, send: Send) -> None:
    if not isinstance(decision, Decision):
        raise InvalidInputError("decision", decision, "a Decision", "see Gate.check")
    if decision.send != send.id:
        raise InvalidInputError("decision.send", decision.send, f"{send.id!r}")


def _decided(row: OutboxRow, decision: Decision, at: int) -> OutboxRow:
    told = {"outcome": decision.action, "code": decision.reason}
    if decision.at is None:
        return row.moved(Signal.DROP, at, **told)
    signal = Signal.BUNDLE if decision.action == "digest" else Signal.HOLD
    return row.moved(signal, at, not_before=micros("at", decision.at), **told)


def _in_doubt(
    outbox: Outbox, row: OutboxRow, at: int
) -> tuple[OutboxRow, Literal["send", "query"] | None]:
    if row.state is State.ACCEPTED or not row.asked:
        return row.moved(Signal.ASK, at), "query"
    welcome = suppression_of(row.letter) not in outbox.suppressed
    if welcome and row.repeatable(at, outbox.policy):
        return row.moved(Signal.BEGIN, at), "send"
    return row.moved(Signal.LOSE, at), None


def holds(outbox: Outbox, key: str, fence: int, now: dt.datetime) -> bool:
    """Return whether a request that has begun may still leave (租约仍有效).

    Parameters
    ----------
    outbox
        The outbox as it is on disk.
    key, fence
        The lease under which it began.
    now
        The instant right before it leaves, aware.

    Returns
    -------
    bool
        False after a long halt between ``begin`` and the request: the lease has run
        out, and somebody else may be asking already.
    """
    row = outbox.row(key)
    mine = row.fence == fence and row.state in {State.SENDING, State.ASKING}
    return mine and row.held(micros("now", now), outbox.policy)


def next_due(outbox: Outbox, now: dt.datetime) -> dt.datetime | None:
    """Return when there is something to do (下次到期).

    Parameters
    ----------
    outbox
        The outbox.
    now
        When it is asked, aware.

    Returns
    -------
    datetime.datetime or None
        The least instant from now on at which ``lease`` may give a letter, or time
        changes one, in UTC. None where everything is final or waits for a person.
    """
    at, policy = micros("now", now), outbox.policy
    heads = _heads(outbox)
    found = []
    for row in outbox.rows.values():
        if row.is_final:
            continue
        if row.lease_until is not None:
            found.append(row.lease_until if row.held(at, policy) else at)
            continue
        if row.state is State.DUE and row.expires is not None:
            found.append(row.expires)
        opens = outbox.opens_at(row.letter, at)
        if opens is not None and _is_head(row, heads):
            found.append(max(opens, row.ready_at(at, policy)))
    return from_micros(max(at, min(found))) if found else None
