"""What the library and proactive-gate decide about an audience, ready to be timed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from audience import NOW, SENDS, ZONE
from jobs import Job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from audience import Audience
    from timing import Digests

__all__ = ["OWN", "OWN_SORTING", "PEER", "PEER_COUNTING", "make_job", "unequal"]

OWN: Final = "wxengage"
OWN_SORTING: Final = "wxengage, sorting"
PEER: Final = "proactive-gate"
PEER_COUNTING: Final = "proactive-gate, counting"
#: The policy of both: quiet hours, hours apart, messages a day, a week, a month.
_QUIET: Final = ("22:30", "08:00")
_GAP: Final = dt.timedelta(hours=4)
_CAPS: Final = {"day": 2, "week": 7, "month": 32}
_MESSAGE: Final = "gift"
_CHANNEL: Final = "subscribe_message"


def make_job(work: str, engine: str, audience: Audience, scratch: Path) -> Job:
    """Make an engine ready for a comparison.

    Parameters
    ----------
    work
        ``"G1"``: one by one, from past messages; ``"G2"``: one by one, with what
        was learned from them; ``"G3"`` and ``"G4"``: as a table.
    engine
        Its name in that comparison.
    audience
        Whom it is about.
    scratch
        Not needed.

    Returns
    -------
    Job
        Ready.
    """
    del scratch
    if engine in {PEER, PEER_COUNTING}:
        kept = engine == PEER and work != "G1"
        return _their_singles(audience, kept=kept)
    if work in {"G1", "G2"}:
        return _our_singles(audience, kept=work == "G2")
    return _our_table(audience, sort=engine == OWN_SORTING)


def _plain(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return who may get the message now, in bytes as text."""
    return {"may_go": np.packbits(found["may_go"]).tobytes().hex()}


def unequal(found: Digests) -> list[str]:
    """Return in what the engines differ: who may get the message now."""
    (own, ours), *others = found.items()
    return [
        f"{engine} lets others through than {own}"
        for engine, theirs in others
        if theirs["may_go"] != ours["may_go"]
    ]


def _instants(audience: Audience) -> list[list[dt.datetime]]:
    return [
        [dt.datetime.fromtimestamp(at, dt.UTC) for at in row]
        for row in audience.column("at").tolist()
    ]


# --- wxengage --------------------------------------------------------------


def _our_gate() -> Any:
    from wxengage.pacing.caps import Cap
    from wxengage.pacing.gaps import MinGap
    from wxengage.pacing.quiet import QuietHours
    from wxengage.plan.gating import Gate

    return Gate(
        caps=tuple(Cap(limit, per=per) for per, limit in _CAPS.items()),  # type: ignore[arg-type]
        quiet=(QuietHours(*_QUIET),),
        gaps=(MinGap(_GAP),),
        consent="opt_in",
    )


def _our_singles(audience: Audience, *, kept: bool) -> Job:
    """Return the work of deciding one by one, with histories that were asked or new."""
    from wxengage.plan.gating import History
    from wxengage.sends import Send

    gate, parts = _our_gate(), _our_parts(audience)
    cases = [
        (Send(f"s{row}", user.id, _CHANNEL, _MESSAGE), user, sends, quota)
        for row, (user, sends, quota) in enumerate(parts)
    ]

    def histories() -> list[Any]:
        return [
            (send, History(user, None, sends, quota))
            for send, user, sends, quota in cases
        ]

    known = histories()
    for send, history in known:
        gate.check(send, history, NOW - dt.timedelta(minutes=1))

    def run(start: Any) -> list[str]:
        del start
        return [
            gate.check(send, history, NOW).action
            for send, history in (known if kept else histories())
        ]

    return Job(lambda: None, run, _our_answer, _plain)


def _our_parts(audience: Audience) -> list[tuple[Any, Any, Any]]:
    from wxengage.channels.folding import advance
    from wxengage.channels.quotas import Quota
    from wxengage.log.events import Event
    from wxengage.rules.book import rulebook
    from wxengage.sends import Sent
    from wxengage.users import Choice, User

    book, before = rulebook(NOW.date()), NOW - dt.timedelta(days=50)
    found = []
    flags = zip(*(audience.column(n).tolist() for n in ("yes", "grants")), strict=True)
    for row, (times, (yes, grant)) in enumerate(
        zip(_instants(audience), flags, strict=True)
    ):
        name = f"u{row}"
        said = (Choice("*", before),) if yes else ()
        quota = Quota(name)
        if grant:
            event = Event("subscribe", user=name, at=before, item=_MESSAGE)
            quota = advance(quota, event, book)
        sends = tuple(Sent(name, at, "app_push") for at in times)
        found.append((User(name, consents=said, zone=ZONE), sends, quota))
    return found


def _our_answer(actions: Any) -> dict[str, Any]:
    return {"may_go": np.asarray(actions) == "send"}


def _our_table(audience: Audience, *, sort: bool) -> Job:
    """Return the work of deciding about a table, with sorting its past or without."""
    import pyarrow as pa

    from wxengage.plan.gating.allowances import Allowances
    from wxengage.plan.gating.past import Past
    from wxengage.plan.gating.people import People

    gate, user = _our_gate(), np.arange(audience.size)
    at = audience.column("at").ravel().astype("datetime64[s]")
    past = {"user": np.repeat(user, SENDS), "at": at.astype("datetime64[us]")}
    said = np.where(audience.column("yes"), "yes", "")
    users = {"user": user, "zone": [ZONE] * len(user), "consents": said.tolist()}
    quotas = {
        "user": user,
        "channel": [_CHANNEL] * len(user),
        "message": [_MESSAGE] * len(user),
        "left": audience.column("grants"),
    }
    words = {"channel": [_CHANNEL] * len(user), "message": [_MESSAGE] * len(user)}
    sends = pa.table({"user": user, **words})
    known = (Past.of(past), People.of(users), Allowances.of(quotas))

    def run(start: Any) -> Any:
        del start
        tables = (past, users, quotas) if sort else known
        return gate.check_many(sends, *tables, NOW).action

    return Job(lambda: None, run, _our_answer, _plain)


# --- proactive-gate ----------------------------------------------------------


def _their_singles(audience: Audience, *, kept: bool) -> Job:
    """Return the work of the peer, with counters that are there or made anew."""
    from proactive_gate import Candidate, EvaluateInput, Gate, MemoryStore, UserState
    from proactive_gate import checks as c
    from proactive_gate.types import QuietWindow

    keys = (c.budget_key, c.weekly_budget_key, c.monthly_budget_key)
    times = _instants(audience)
    flags = zip(*(audience.column(n).tolist() for n in ("yes", "grants")), strict=True)
    asked = [
        EvaluateInput(
            UserState(
                f"u{row}",
                consent=bool(yes),
                timezone=ZONE,
                quiet_hours=QuietWindow(*_QUIET),
                consents={_MESSAGE: bool(grant)},
                snoozed_until=past[-1] + _GAP,
            ),
            Candidate(f"s{row}", _MESSAGE),
            NOW,
        )
        for row, (past, (yes, grant)) in enumerate(zip(times, flags, strict=True))
    ]
    rules = [
        c.Consent(),
        c.RequiresConsent(_MESSAGE),
        c.QuietHours(),
        c.Snooze(defer=True),
        c.DailyBudget(_CAPS["day"]),
        c.WeeklyBudget(_CAPS["week"]),
        c.MonthlyBudget(_CAPS["month"]),
    ]

    def counted() -> Any:
        store = MemoryStore()
        for one, past in zip(asked, times, strict=True):
            for at in past:
                for key in keys:
                    store.incr("pg:" + key(one.user.id, at, ZONE))
        return Gate(rules, store)

    known = counted()

    def run(start: Any) -> list[bool]:
        del start
        gate = known if kept else counted()
        return [gate.evaluate(one).allowed for one in asked]

    return Job(lambda: None, run, _their_answer, _plain)


def _their_answer(allowed: Any) -> dict[str, Any]:
    return {"may_go": np.asarray(allowed)}
