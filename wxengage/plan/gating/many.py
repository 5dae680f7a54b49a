"""The gate over tables (批量闸门): the same decisions, a column at a time."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.channels.catalog import CATALOG
from wxengage.claims.figures import CONTENT_KINDS
from wxengage.errors import InvalidInputError
from wxengage.plan.gating.allowances import Allowances
from wxengage.plan.gating.bulk import (
    Bound,
    Capped,
    Frozen,
    Hushed,
    Limited,
    Tired,
    run,
)
from wxengage.plan.gating.columns import places
from wxengage.plan.gating.decisions import ACTIONS, Decisions
from wxengage.plan.gating.messages import Messages
from wxengage.plan.gating.mixed import Mixed
from wxengage.plan.gating.past import LONG_AGO, Past, Stretch, first_from
from wxengage.plan.gating.people import NO, YES, People
from wxengage.plan.gating.rounds import FOREVER, NEVER
from wxengage.plan.gating.settled import UNDER_14
from wxengage.plan.gating.steps import quiet_name
from wxengage.sends import CATEGORIES
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from wxengage.pacing.caps import Cap
    from wxengage.plan.gating.bulk import Column, Course
    from wxengage.plan.gating.columns import Words
    from wxengage.plan.gating.gate import Exemption, Gate
    from wxengage.sends import Freeze
    from wxengage.times.days import DayClock

__all__ = ["decide_many"]

_SEND, _DEFER, _DROP, _DIGEST = range(len(ACTIONS))
#: Why a message is dropped at once, in the order in which it is asked.
_SETTLED: Final = (
    ("expired", "expires"),
    ("not_carried", "channel: {channel}"),
    ("unfollowed", "channel: {channel}"),
    ("under_14", f"age_band: {UNDER_14}"),
    ("opted_out", "topic: {topic}"),
    ("no_consent", "topic: {topic}"),
    ("zone_unknown", "zone"),
)


def decide_many(
    gate: Gate,
    sends: Any,  # noqa: ANN401  any frame
    tables: tuple[Any, Any, Any],
    now: int,
    freezes: Sequence[Freeze],
) -> Decisions:
    """Return what ``Gate.check`` says of each message, from tables.

    Parameters
    ----------
    gate, sends, freezes
        As for ``Gate.check_many``.
    tables
        Past, users and quotas, as there.
    now
        Microseconds since 1970.

    Returns
    -------
    Decisions
        One for each message, in their order.
    """
    past, users, quotas = tables
    messages = sends if isinstance(sends, Messages) else Messages.of(sends)
    people = users if isinstance(users, People) else People.of(users)
    person = places(messages.ids, people.ids)[messages.user]
    _refuse_strangers(messages, person)
    history = past if isinstance(past, Past) else Past.of(past)
    limits = None
    if quotas is not None:
        limits = quotas if isinstance(quotas, Allowances) else Allowances.of(quotas)
    in_past = people.places_in(history)[person]
    case = _Case(gate, messages, people, person, history, in_past, limits, now)
    settled = case.settled()
    columns = list(case.columns(freezes))
    expires = np.where(settled > 0, LONG_AGO, messages.expires)
    course = run(columns, np.full(len(messages), now), expires)
    return _answers(case, settled, columns, course)


def _refuse_strangers(messages: Messages, person: NDArray[np.int64]) -> None:
    if person.size and (person < 0).any():
        row = int((person < 0).argmax())
        got = messages.ids.numpy()[messages.user[row]]
        hint = "every user of a message has a row, even an empty one"
        raise InvalidInputError(f"sends[{row}].user", got, "in users", hint)


@attrs.frozen(eq=False)
class _Case:
    """Everything that is asked, joined.

    ``person`` is the place of each message's user in ``people``, ``in_past`` that in
    ``past``, -1 for nobody.
    """

    gate: Gate
    messages: Messages
    people: People
    person: NDArray[np.int64]
    past: Past
    in_past: NDArray[np.int64]
    limits: Allowances | None
    now: int
    stretches: dict[tuple[object, ...], Stretch] = attrs.field(factory=dict, init=False)

    def asks(self, what: Exemption) -> NDArray[np.bool_]:
        """Return which messages must keep to something."""
        if what not in self.gate.exempt:
            return np.ones(len(self.messages), dtype=np.bool_)
        return ~self.messages.transactional

    @functools.cached_property
    def clocks(self) -> tuple[DayClock, ...]:
        """The clock of each zone of ``people.zone``."""
        clock = self.gate.clock
        return tuple(
            clock if name in {"", clock.tz} else attrs.evolve(clock, tz=name)
            for name in self.people.zone.names
        )

    @functools.cached_property
    def zone_of(self) -> NDArray[np.int64]:
        """The zone of each message's user."""
        return self.people.zone.codes[self.person].astype(np.int64)

    def settled(self) -> NDArray[np.int8]:
        """Return why each message is dropped at once: 1 + a place, 0 for not."""
        gate, of, people = self.gate, self.messages.fields, self.people
        marketing = of["category"].flags(("marketing",))
        consent = people.answers("consents", self.person, of["topic"])
        follows = people.answers("follows", self.person, of["account"])
        known = [
            (name, CATALOG[name]) for name in of["channel"].names if name in CATALOG
        ]
        not_carried = np.zeros(len(self.messages), dtype=np.bool_)
        for category in CATEGORIES:
            lacking = [name for name, _ in known if category not in gate.carries[name]]
            mine = of["category"].flags((category,))
            not_carried |= mine & of["channel"].flags(lacking)
        needed = of["channel"].flags(name for name, ch in known if ch.needs_follow)
        young = people.age_band.flags((UNDER_14,))[self.person]
        asks = self.asks("consent")
        lost = np.zeros(len(self.messages), dtype=np.bool_)
        if gate.on_missing_zone == "block" and gate.quiet:
            lost = (self.zone_of == 0) & self.asks("quiet_hours")
        faults = (
            self.messages.expires <= self.now,
            not_carried,
            needed & (follows == NO),
            marketing & young & gate.spares_minors,
            asks & (consent == NO),
            asks & (consent != YES) & (gate.consent == "opt_in"),
            lost,
        )
        found = np.zeros(len(self.messages), dtype=np.int8)
        for place in range(len(faults), 0, -1):
            found[faults[place - 1]] = place
        return found

    def columns(self, freezes: Sequence[Freeze]) -> Iterator[Column]:
        """Give the constraints in time, in the order in which they are asked."""
        messages, gate = self.messages, self.gate
        for name, since in (("not_before", messages.not_before), ("at", messages.at)):
            if since.size and int(since.max()) > self.now:
                yield Bound(name, since)
        for freeze in freezes:
            yield self._frozen(freeze)
        if gate.sunset is not None:
            yield self._sunset()
        yield from self._limited()
        yield from self._hushed()
        for gap in gate.gaps:
            yield self._capped("gap", gap.name, gap.cap)
        for cap in gate.caps:
            yield self._capped("cap", cap.name, cap)
        if gate.mix is not None:
            yield self._mixed()

    def _limited(self) -> Iterator[Limited]:
        if self.limits is None:
            return
        messages = self.messages
        channel, message = (messages.fields[n] for n in ("channel", "message"))
        names = np.array(channel.names, dtype=object)[channel.codes]
        whose = [("quota", messages.ids), ("account", None)]
        for kind, ids in whose[: 1 + self.limits.limit_the_account]:
            asked = self.limits.asked(ids, messages.user, channel, message)
            yield Limited(kind, asked, names, self.now)

    def _hushed(self) -> Iterator[Hushed]:
        zones = np.where(self.asks("quiet_hours"), self.zone_of, -1)
        if self.gate.on_missing_zone == "allow":
            zones[self.zone_of == 0] = -1
        for quiet in self.gate.quiet:
            yield Hushed(quiet, quiet_name(quiet), zones, self.clocks)

    def _frozen(self, freeze: Freeze) -> Frozen:
        of, segment = self.messages.fields, self.people.segment
        stopped = self.asks("freeze") & of["category"].flags(("marketing",))
        if freeze.topics is not None:
            stopped &= of["topic"].flags(freeze.topics)
        if freeze.segments is not None:
            # In a crisis the doubtful message stays at home.
            stopped &= segment.flags(("", *freeze.segments))[self.person]
        end = NEVER if freeze.end is None else micros("end", freeze.end)
        return Frozen(freeze.because, micros("start", freeze.start), end, stopped)

    def _stretch(
        self, scope: str | None, counts: tuple[str, ...], bound: NDArray[np.bool_]
    ) -> Stretch:
        """Return what each message competes with within a limit that binds some."""
        field, colon, value = (scope or "").partition(":")
        under = self.messages.fields[field] if field else None
        if under is not None and colon:
            bound = bound & under.flags((value,))
            under = None
        key = (scope, counts)
        if key not in self.stretches:
            view = self.past.view(scope, counts)
            self.stretches[key] = Stretch.of(view, self.in_past, under)
        found = self.stretches[key]
        return found if bound.all() else found.where(bound)

    def _capped(self, kind: str, name: str, cap: Cap) -> Capped:
        bound = self.asks("cap" if kind == "cap" else "gap")
        bound &= self.messages.fields["category"].flags(cap.obeys)
        stretch = self._stretch(cap.scope, cap.counts, bound)
        return Capped(kind, name, cap, stretch, self.zone_of, self.clocks)

    def _sunset(self) -> Tired:
        sunset = self.gate.sunset
        assert sunset is not None  # noqa: S101  the caller has looked
        segment = self.people.segment
        bound = self.asks("sunset") & segment.flags(sunset.segments)[self.person]
        had = self._stretch(sunset.scope, CATEGORIES, bound)
        if ":" in (sunset.scope or ""):
            field, _, value = (sunset.scope or "").partition(":")
            bound = bound & self.messages.fields[field].flags((value,))
        since = self.people.since[self.person]
        made = had.ends - first_from(had.times, had.starts, had.ends, since)
        never = np.full(len(made), LONG_AGO)
        ready = sunset.next_allowed_many(never, made, had.latest)
        names = np.array(segment.names, dtype=object)[segment.codes[self.person]]
        return Tired(np.where(bound, ready, LONG_AGO), names)

    def _mixed(self) -> Mixed:
        mix = self.gate.mix
        assert mix is not None  # noqa: S101  the caller has looked
        asks = self.asks("mix")
        view = self.past.view(None)
        starts, ends = view.of(self.in_past, None)
        kind = np.where(asks, self.messages.fields["content"].into(CONTENT_KINDS), -1)
        is_ad = asks & self.messages.is_ad & (mix.ads is not None)
        sums = Mixed.sums_of(self.past, view.rows)
        return Mixed(mix, view.times, sums, starts, ends, kind, is_ad)


def _answers(
    case: _Case, settled: NDArray[np.int8], columns: Sequence[Column], course: Course
) -> Decisions:
    messages = case.messages
    size = len(messages)
    reason = np.full(size, "may_go", dtype=object)
    constraint = np.full(size, "", dtype=object)
    action = np.full(size, _SEND, dtype=np.int8)
    for number, column in enumerate(columns):
        rows = np.flatnonzero((course.step == number) & (settled == 0))
        if rows.size:
            why, what = column.labels(rows, course.before[rows])
            reason[rows], constraint[rows] = why, what
    moved = (course.step >= 0) & (settled == 0)
    over = moved & (course.at >= messages.expires)
    action[moved] = _DEFER
    digest = messages.fields["topic"].flags(case.gate.digests)
    action[moved & digest & (messages.fields["topic"].codes > 0)] = _DIGEST
    action[over | (settled > 0)] = _DROP
    late = over & (course.at != NEVER) & (messages.expires != FOREVER)
    reason[late] = "expires_first"
    _tell_settled(case, settled, reason, constraint)
    at = course.at.astype("datetime64[us]")
    at[action == _DROP] = np.datetime64("NaT")
    names = messages.ids.numpy()
    return Decisions(
        messages.id,
        names[messages.user],
        np.array(ACTIONS)[action],
        at,
        reason,
        constraint,
        tuple(clock.tz for clock in case.clocks),
        case.zone_of,
        messages.origin,
    )


def _tell_settled(
    case: _Case,
    settled: NDArray[np.int8],
    reason: NDArray[Any],
    constraint: NDArray[Any],
) -> None:
    for place, (word, text) in enumerate(_SETTLED, start=1):
        rows = np.flatnonzero(settled == place)
        if not rows.size:
            continue
        reason[rows] = word
        field = text.partition("{")[2].removesuffix("}")
        if not field:
            constraint[rows] = text
            continue
        column: Words = case.messages.fields[field]
        said = [text.format(**{field: name or "*"}) for name in column.names]
        constraint[rows] = np.array(said, dtype=object)[column.codes[rows]]
