"""The constraints on one message in time (时间约束), in the order they are asked."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import attrs

from wxengage.pacing.quiet import QuietHours
from wxengage.plan.gating.periods import quiet_end
from wxengage.plan.gating.rounds import NEVER, calendar_end, rolling_end
from wxengage.sends import Freeze
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from wxengage.channels.quotas import Quota
    from wxengage.pacing.caps import Cap, Period
    from wxengage.pacing.gaps import MinGap
    from wxengage.pacing.mix import ContentMix
    from wxengage.pacing.sunset import Sunset
    from wxengage.plan.gating.gate import Gate
    from wxengage.plan.gating.history import History
    from wxengage.plan.gating.rounds import Step
    from wxengage.sends import Category, Send
    from wxengage.times.days import DayClock

__all__ = ["Counted", "binding_of", "quiet_name", "steps_of"]


class Counted(NamedTuple):
    """A cap or a gap, taken apart.

    Attributes
    ----------
    kind
        ``"cap"`` or ``"gap"``.
    source
        The cap or the gap itself.
    obeys, scope, counts, limit
        As in ``Cap``.
    field, value
        The two parts of the scope; None where it has none.
    per
        A calendar period, or a span in microseconds.
    """

    kind: Literal["cap", "gap"]
    source: Cap | MinGap
    obeys: tuple[Category, ...]
    scope: str | None
    counts: tuple[Category, ...]
    limit: int
    field: str | None
    value: str | None
    per: Period | int

    @classmethod
    def of(cls, kind: Literal["cap", "gap"], source: Cap | MinGap, cap: Cap) -> Self:
        """Take a cap apart, or a gap and the cap that says the same."""
        field, colon, value = (cap.scope or "").partition(":")
        per = cap.per if isinstance(cap.per, str) else span_micros("per", cap.per)
        return cls(
            kind,
            source,
            cap.obeys,
            cap.scope,
            cap.counts,
            cap.limit,
            field or None,
            value if colon else None,
            per,
        )


def steps_of(
    gate: Gate,
    send: Send,
    history: History,
    freezes: Sequence[Freeze],
    *,
    clock: DayClock,
    now: dt.datetime,
) -> list[Step]:
    """Return what one message must keep to in time.

    Parameters
    ----------
    gate, send, history, freezes, now
        As for ``Gate.check``.
    clock
        The user's: days and nights are counted on it.

    Returns
    -------
    list of Step
        In the order of ``Gate``. What can never bind is left out.
    """
    steps: list[Step] = []
    for name, bound in (("not_before", send.not_before), ("at", send.at)):
        if bound is not None:
            steps.append(("not_before", name, max, (micros(name, bound),)))
    # Pacing and freezes let a transactional message pass; what it is not exempt
    # from it must keep to like any other.
    strict = attrs.evolve(send, transactional=False) if send.transactional else send
    if freezes and gate.asks("freeze", send):
        steps += _freezes(freezes, strict, history.segment)
    if gate.sunset is not None and gate.asks("sunset", send):
        source = (gate.sunset, strict, history, clock)
        steps.append(("sunset", history.segment, _sunset_end, source))
    for kind, quota in (("quota", history.quota), ("account", history.account)):
        if quota is not None:
            asked = (history.opened, kind, quota, send)
            steps.append((kind, (quota, send, now), _quota_end, asked))
    quiet_is_known = history.user.zone is not None or gate.on_missing_zone != "allow"
    if gate.quiet and quiet_is_known and gate.asks("quiet_hours", send):
        steps += [("quiet_hours", q, quiet_end, (q, clock.tz)) for q in gate.quiet]
    if gate.limits:
        steps += _limits(gate, send, history, clock)
    if gate.mix is not None and gate.asks("mix", send) and gate.mix.binds(strict):
        mixed = (gate.mix, strict, history)
        steps.append(("mix", mixed, _mix_end, mixed))
    return steps


def _limits(
    gate: Gate, send: Send, history: History, clock: DayClock
) -> Iterator[Step]:
    for limit in gate.limits:
        if send.category not in limit.obeys or not gate.asks(limit.kind, send):
            continue
        bucket = "" if limit.field is None else getattr(send, limit.field) or ""
        if limit.value is not None and bucket != limit.value:
            continue
        times = history.times(limit.scope, limit.counts, bucket)
        if len(times) < limit.limit:
            continue
        if isinstance(limit.per, int):
            crowd = (limit.limit, limit.per, times)
            yield limit.kind, limit.source, rolling_end, crowd
        else:
            period = (limit.limit, limit.per, clock, times)
            yield limit.kind, limit.source, calendar_end, period


def _freezes(
    freezes: Iterable[Freeze], send: Send, segment: str | None
) -> Iterator[Step]:
    for freeze in freezes:
        if freeze.stops(send, freeze.start, segment=segment):
            start = micros("start", freeze.start)
            end = NEVER if freeze.end is None else micros("end", freeze.end)
            yield "freeze", freeze, _after, (start, end)


def _after(start: int, end: int, at: int) -> int:
    return end if start <= at < end else at


def _instant(found: dt.datetime | None) -> int:
    return NEVER if found is None else micros("at", found)


def _sunset_end(
    sunset: Sunset, send: Send, history: History, clock: DayClock, at: int
) -> int:
    found = sunset.next_allowed(
        send,
        history.sends,
        from_micros(at, clock.zone),
        segment=history.segment,
        since=history.since,
    )
    return _instant(found)


def _mix_end(mix: ContentMix, send: Send, history: History, at: int) -> int:
    return _instant(mix.next_allowed(send, history.sends, from_micros(at)))


def _quota_end(
    opened: dict[tuple[object, ...], tuple[int, int]],
    kind: str,
    quota: Quota,
    send: Send,
    at: int,
) -> int:
    key = (kind, send.channel, send.account, send.message)
    start, end = opened.get(key, (NEVER, NEVER))
    if start <= at < end:
        return at
    when = from_micros(at)
    allowance = quota.may_send(send, when)
    if not allowance.yes:
        return _instant(quota.next_allowed(send, when))
    # It may go until the answer says so, or the next fact that is known changes it.
    end = _instant(allowance.until)
    later = bisect_right(quota.marks, at, key=attrgetter("at"))
    if later < len(quota.marks):
        end = min(end, quota.marks[later].at)
    opened[key] = (at, end)
    return at


def binding_of(step: Step, before: int) -> tuple[str, str]:
    """Return why a step moved an instant, and what it is called.

    Parameters
    ----------
    step
        The constraint.
    before
        The instant that it moved, microseconds since 1970.

    Returns
    -------
    reason, constraint
        As in ``Decision``.
    """
    kind, source, _, _ = step
    if kind in {"quota", "account"}:
        quota, send, now = source
        # What is open now and not by then was a window.
        why = quota.refusal(send, now) or "no_window"
        return why, f"{kind}: {send.channel}"
    if kind == "mix":
        mix, send, history = source
        return _mix_reason(mix, send, history, before), f"mix: {mix.name}"
    return kind, f"{kind}: {_name(source)}"


def _name(source: Any) -> str:  # noqa: ANN401  a constraint of any kind
    if isinstance(source, str):
        return source
    if isinstance(source, Freeze):
        return source.because
    return quiet_name(source) if isinstance(source, QuietHours) else str(source.name)


def quiet_name(quiet: QuietHours) -> str:
    """Return what sentences and tables call quiet hours."""
    days = "" if quiet.days is None else f" {','.join(quiet.days)}"
    return f"{quiet.start}-{quiet.end}{days}"


def _mix_reason(mix: ContentMix, send: Send, history: History, at: int) -> str:
    return mix.refusal(send, history.sends, from_micros(at)) or "mix"
