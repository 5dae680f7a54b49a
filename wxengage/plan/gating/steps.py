"""The constraints on one message in time (时间约束), in the order they are asked."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from wxengage.pacing.quiet import QuietHours
from wxengage.plan.gating.periods import quiet_end
from wxengage.plan.gating.rounds import NEVER, Step, calendar_end, rolling_end
from wxengage.sends import Freeze
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wxengage.channels.quotas import Quota
    from wxengage.pacing.caps import Cap
    from wxengage.pacing.mix import ContentMix
    from wxengage.plan.gating.gate import Gate
    from wxengage.plan.gating.history import History
    from wxengage.sends import Send
    from wxengage.times.days import DayClock

__all__ = ["binding_of", "quiet_name", "steps_of"]


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
    steps = [*_bounds(send)]
    # Pacing and freezes let a transactional message pass; what it is not exempt
    # from it must keep to like any other.
    strict = attrs.evolve(send, transactional=False) if send.transactional else send
    if freezes and gate.asks("freeze", send):
        steps += _freezes(freezes, strict, history.segment)
    if gate.sunset is not None and gate.asks("sunset", send):
        ask: Any = partial(
            gate.sunset.next_allowed,
            strict,
            history.sends,
            segment=history.segment,
            since=history.since,
        )
        steps.append(Step("sunset", history.segment, partial(_dated, ask, clock)))
    for kind, quota in (("quota", history.quota), ("account", history.account)):
        if quota is not None:
            ask = partial(quota.next_allowed, send)
            steps.append(Step(kind, (quota, send, now), partial(_dated, ask, clock)))
    quiet_is_known = history.user.zone is not None or gate.on_missing_zone != "allow"
    if gate.quiet and quiet_is_known and gate.asks("quiet_hours", send):
        steps += [
            Step("quiet_hours", q, partial(quiet_end, q, clock.tz)) for q in gate.quiet
        ]
    if gate.gaps and gate.asks("gap", send):
        steps += _caps(
            "gap", ((gap, gap.cap) for gap in gate.gaps), strict, history, clock
        )
    if gate.caps and gate.asks("cap", send):
        steps += _caps("cap", ((cap, cap) for cap in gate.caps), strict, history, clock)
    if gate.mix is not None and gate.asks("mix", send) and gate.mix.binds(strict):
        ask = partial(gate.mix.next_allowed, strict, history.sends)
        source = (gate.mix, strict, history)
        steps.append(Step("mix", source, partial(_dated, ask, clock)))
    return steps


def _bounds(send: Send) -> Iterator[Step]:
    for name in ("not_before", "at"):
        bound: dt.datetime | None = getattr(send, name)
        if bound is not None:
            yield Step("not_before", name, partial(max, micros(name, bound)))


def _freezes(
    freezes: Iterable[Freeze], send: Send, segment: str | None
) -> Iterator[Step]:
    for freeze in freezes:
        if freeze.stops(send, freeze.start, segment=segment):
            start = micros("start", freeze.start)
            end = NEVER if freeze.end is None else micros("end", freeze.end)
            yield Step("freeze", freeze, partial(_after, start, end))


def _after(start: int, end: int, at: int) -> int:
    return end if start <= at < end else at


def _dated(
    ask: Callable[[dt.datetime], dt.datetime | None], clock: DayClock, at: int
) -> int:
    """Ask a question about datetimes with an instant."""
    found = ask(from_micros(at, clock.zone))
    return NEVER if found is None else micros("at", found)


def _caps(
    kind: str,
    caps: Iterable[tuple[Any, Cap]],
    send: Send,
    history: History,
    clock: DayClock,
) -> Iterator[Step]:
    for source, cap in caps:
        bucket = cap.bucket(send) if cap.binds(send) else None
        if bucket is None:
            continue
        times = history.times(cap, bucket)
        if len(times) < cap.limit:
            continue
        if isinstance(cap.per, dt.timedelta):
            span = span_micros("per", cap.per)
            ask = partial(rolling_end, cap.limit, span, times)
        else:
            ask = partial(calendar_end, cap.limit, cap.per, clock, times)
        yield Step(kind, source, ask)


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
    kind, source = step.kind, step.source
    if kind in {"quota", "account"}:
        quota, send, now = source
        why = _quota_reason(quota, send, now, before)
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


def _quota_reason(quota: Quota, send: Send, now: dt.datetime, at: int) -> str:
    # What is against it now, or where nothing is, by the time it would go.
    refusal = quota.refusal(send, now) or quota.refusal(send, from_micros(at))
    return refusal or "quota"


def _mix_reason(mix: ContentMix, send: Send, history: History, at: int) -> str:
    return mix.refusal(send, history.sends, from_micros(at)) or "mix"
