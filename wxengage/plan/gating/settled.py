"""What drops a message at once (直接丢弃), whatever the hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxengage.channels.catalog import CATALOG
from wxengage.times.zones import micros
from wxengage.users import AGE_BANDS, ALL_TOPICS

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.plan.gating.gate import Gate
    from wxengage.plan.gating.history import History
    from wxengage.sends import Send

__all__ = ["UNDER_14", "settled_by"]

#: The age band to whom nothing is advertised: personal information of anybody so
#: young needs a parent's consent (PIPL, article 31).
UNDER_14 = AGE_BANDS[0]
#: The rule that says so.
MINORS = "CN-PI-001"

_Settled = tuple[str, str] | None


def settled_by(
    gate: Gate, send: Send, history: History, now: dt.datetime, at: int
) -> _Settled:
    """Return why a message is dropped at once.

    Parameters
    ----------
    gate, send, history, now
        As for ``Gate.check``.
    at
        ``now`` in microseconds since 1970.

    Returns
    -------
    tuple of str or None
        Reason and constraint of the first rule that drops it, in the order of
        ``Gate``; None where none does.
    """
    if send.expires is not None and at >= micros("expires", send.expires):
        return "expired", "expires"
    return (
        _by_channel(gate, send, history, now)
        or _by_person(gate, send, history, at)
        or _by_zone(gate, send, history)
    )


def _by_channel(gate: Gate, send: Send, history: History, now: dt.datetime) -> _Settled:
    channel = CATALOG.get(send.channel)
    if channel is None:
        return None
    if send.category not in gate.carries[send.channel]:
        return "not_carried", f"channel: {send.channel}"
    if channel.needs_follow and history.unfollowed(send.account, now):
        return "unfollowed", f"channel: {send.channel}"
    return None


def _by_person(gate: Gate, send: Send, history: History, at: int) -> _Settled:
    young = history.user.age_band == UNDER_14
    if young and send.category == "marketing" and gate.spares_minors:
        return "under_14", f"age_band: {UNDER_14}"
    if not gate.asks("consent", send):
        return None
    said = history.said(send.topic, at)
    if said == "no":
        return "opted_out", f"topic: {send.topic or ALL_TOPICS}"
    if gate.consent == "opt_in" and said != "yes":
        return "no_consent", f"topic: {send.topic or ALL_TOPICS}"
    return None


def _by_zone(gate: Gate, send: Send, history: History) -> _Settled:
    if history.user.zone is not None or gate.on_missing_zone != "block":
        return None
    if not gate.quiet or not gate.asks("quiet_hours", send):
        return None
    return "zone_unknown", "zone"
