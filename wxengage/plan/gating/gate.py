"""The gate (触达闸门): whether a message goes now, when else, and why not.

It joins what the user wants, what a crisis has stopped, what the platform allows
and what the brand has set itself. A message that may never go is dropped with the
reason; one that may go later has the exact first instant.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import attrs

from wxengage.channels.catalog import CATALOG
from wxengage.errors import InvalidInputError
from wxengage.pacing.caps import Cap
from wxengage.pacing.gaps import MinGap
from wxengage.pacing.mix import ContentMix
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.sunset import Sunset
from wxengage.plan.gating.decisions import Decision
from wxengage.plan.gating.faults import (
    faults_of,
    fully_quiet,
    known_words,
    named,
    one_of,
    tuple_of,
)
from wxengage.plan.gating.history import History
from wxengage.plan.gating.rounds import FOREVER, NEVER, first_free
from wxengage.plan.gating.settled import MINORS, settled_by
from wxengage.plan.gating.steps import Counted, binding_of, steps_of
from wxengage.rules.book import Rulebook
from wxengage.sends import Category, Freeze, Send
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from wxengage.plan.gating.decisions import Action, Decisions

__all__ = ["EXEMPTIONS", "Gate"]

Exemption = Literal["consent", "freeze", "sunset", "quiet_hours", "gap", "cap", "mix"]
#: What a transactional message may be exempt from. What has expired, what is not
#: due, and what the platform does not take stays where it is all the same.
EXEMPTIONS: Final[tuple[Exemption, ...]] = get_args(Exemption)
Consent = Literal["opt_out", "opt_in"]
MissingZone = Literal["assume", "block", "allow"]


@attrs.frozen(kw_only=True)
class Gate:
    """The rules by which messages go, wait or are dropped (触达规则).

    Attributes
    ----------
    caps
        Frequency caps; each must have room.
    quiet
        Quiet hours, on the user's own clock.
    gaps
        Minimum gaps.
    mix
        The content mix, with the share of ads; None for no such bound.
    sunset
        How often, and how far apart, users of a segment are tried; None for no
        such bound.
    clock
        Whose days count, and the zone of users whose own is not known.
    rulebook
        The rules by which channels carry categories and minors get no marketing;
        None for those that the library knows of today. What the platform has left
        is in the quotas, which were folded under rules of their own.
    consent
        ``"opt_out"``: a message may go unless the user has said no.
        ``"opt_in"``: only where the user has said yes.
    on_missing_zone
        What to do where quiet hours must be kept and the user's zone is not
        known. ``"assume"``: take the clock's. ``"block"``: drop the message.
        ``"allow"``: ask no quiet hours. Caps count days of the clock's zone.
    exempt
        What a transactional message need not keep to, of ``EXEMPTIONS``.
    digests
        Topics whose messages, where they have to wait, go into a digest.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule. All faults of a policy are told at once.

    Notes
    -----
    In this order, and the first one that says no settles it: expired; a channel
    that may not carry the category; a user who is known not to follow where the
    channel needs it; a user under 14 and marketing; opted out; no consent; no
    zone. Then each of these names the first instant that it allows, again and
    again until none moves it: not before, freeze, sunset, quota of the user, quota
    of the account, quiet hours, gap, cap, mix. The last one that moved it is the
    constraint that binds.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.users import User
    >>> gate = Gate(caps=(Cap(1),), quiet=(QuietHours("22:30", "08:00"),))
    >>> night = dt.datetime(2026, 3, 2, 15, tzinfo=dt.timezone.utc)
    >>> found = gate.check(
    ...     Send("s1", "ada", "app_push", "gift"), History(User("ada"), None), night
    ... )
    >>> found.action, f"{found.at:%d %H:%M}", found.constraint
    ('defer', '03 08:00', 'quiet_hours: 22:30-08:00')
    """

    caps: tuple[Cap, ...] = ()
    quiet: tuple[QuietHours, ...] = ()
    gaps: tuple[MinGap, ...] = ()
    mix: ContentMix | None = None
    sunset: Sunset | None = None
    clock: DayClock = DayClock()
    rulebook: Rulebook | None = None
    consent: Consent = "opt_out"
    on_missing_zone: MissingZone = "assume"
    exempt: tuple[Exemption, ...] = EXEMPTIONS
    digests: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        faults_of(
            "gate",
            tuple_of("caps", self.caps, Cap),
            tuple_of("quiet", self.quiet, QuietHours),
            fully_quiet("quiet", self.quiet),
            tuple_of("gaps", self.gaps, MinGap),
            one_of("mix", self.mix, ContentMix, or_none=True),
            one_of("sunset", self.sunset, Sunset, or_none=True),
            one_of("clock", self.clock, DayClock),
            one_of("rulebook", self.rulebook, Rulebook, or_none=True),
            known_words("consent", (self.consent,), get_args(Consent)),
            known_words(
                "on_missing_zone", (self.on_missing_zone,), get_args(MissingZone)
            ),
            known_words("exempt", self.exempt, EXEMPTIONS),
            named("digests", self.digests),
        )

    @functools.cached_property
    def limits(self) -> tuple[Counted, ...]:
        """The gaps, then the caps, taken apart for a quick look."""
        gaps = [Counted.of("gap", gap, gap.cap) for gap in self.gaps]
        return (*gaps, *(Counted.of("cap", cap, cap) for cap in self.caps))

    def check(
        self,
        send: Send,
        history: History,
        now: dt.datetime,
        *,
        freezes: Sequence[Freeze] = (),
    ) -> Decision:
        """Decide about one message.

        Parameters
        ----------
        send
            The message.
        history
            What is known of its user.
        now
            The instant, aware.
        freezes
            What has been stopped.

        Returns
        -------
        Decision
            Whether it goes now, when else, or why not.

        Raises
        ------
        InvalidInputError
            If the history is another user's, ``now`` is naive, or something is not
            of the type it must be.

        Notes
        -----
        ``O(n log n)`` in the user's past sends the first time a history is asked,
        then ``O(c log n)`` for ``c`` constraints that move nothing.
        """
        at = micros("now", now)
        _require_case(send, history)
        _require_freezes(freezes)
        settled = settled_by(self, send, history, now, at)
        if settled is not None:
            return Decision(send.id, send.user, "drop", None, *settled)
        clock, tz = self.clock, history.user.zone
        if tz is not None and tz != clock.tz:
            clock = _clock_of(tz, clock)
        steps = steps_of(self, send, history, freezes, clock=clock, now=now)
        expires = FOREVER if send.expires is None else micros("expires", send.expires)
        found, before, step = first_free(steps, at, expires)
        if step is None:
            then = from_micros(at, clock.zone)
            return Decision(send.id, send.user, "send", then, "may_go")
        reason, constraint = binding_of(step, before)
        if found >= expires:
            if send.expires is not None and found != NEVER:
                reason = "expires_first"
            return Decision(send.id, send.user, "drop", None, reason, constraint)
        action: Action = "digest" if send.topic in self.digests else "defer"
        then = from_micros(found, clock.zone)
        return Decision(send.id, send.user, action, then, reason, constraint)

    def check_many(
        self,
        sends: Any,  # noqa: ANN401  any frame
        past: Any,  # noqa: ANN401  any frame
        users: Any,  # noqa: ANN401  any frame
        quotas: Any,  # noqa: ANN401  any frame
        now: dt.datetime,
        *,
        freezes: Sequence[Freeze] = (),
    ) -> Decisions:
        """Decide about many messages: the answers of ``check``, from tables.

        Tables are pandas, Polars or PyArrow frames, dicts of arrays or lists of
        dicts. What an empty cell or a missing column means is what the field's
        default means.

        Parameters
        ----------
        sends
            The messages: ``Send`` values, or a table with the columns ``user`` and
            ``channel`` and, where they are needed, the other fields of ``Send``.
        past
            What went out, see ``Past.of``: a table, or a ``Past`` that was sorted
            before.
        users
            Who everybody is, see ``People.of``: a table, or a ``People``. Every user
            of a message has a row.
        quotas
            What the platform allows, see ``Allowances.of``; None: it is not asked.
        now
            The instant, aware.
        freezes
            What has been stopped.

        Returns
        -------
        Decisions
            Exactly one for each message, in their order. Each message is judged
            against the past alone, not against the others.

        Raises
        ------
        InvalidInputError
            If a table cannot be read, a user of a message has no row, or ``now`` is
            naive.

        Notes
        -----
        ``O(n log k)`` for ``n`` messages to users with ``k`` past sends each, and a
        round more for the messages that a constraint has moved.
        """
        from wxengage.plan.gating.many import (  # noqa: PLC0415  loads narwhals
            decide_many,
        )

        _require_freezes(freezes)
        at = micros("now", now)
        return decide_many(self, sends, (past, users, quotas), at, freezes)

    @functools.cached_property
    def carries(self) -> Mapping[str, tuple[Category, ...]]:
        """What each channel of the catalogue may carry."""
        return {one.code: one.carried(self.rulebook) for one in CATALOG.values()}

    @functools.cached_property
    def spares_minors(self) -> bool:
        """Whether nothing is advertised to users under 14."""
        return self.rulebook is None or MINORS in self.rulebook

    def asks(self, what: Exemption, send: Send) -> bool:
        """Return whether a message must keep to something.

        Parameters
        ----------
        what
            One of ``EXEMPTIONS``.
        send
            The message.

        Returns
        -------
        bool
            False only for a transactional message that is exempt from it.
        """
        return not (send.transactional and what in self.exempt)


@functools.lru_cache(maxsize=1024)
def _clock_of(tz: str, clock: DayClock) -> DayClock:
    """Return the clock of a user: the gate's, on the user's wall."""
    return attrs.evolve(clock, tz=tz)


def _require_case(send: Send, history: History) -> None:
    if not isinstance(send, Send):
        raise InvalidInputError("send", send, "a Send")
    if not isinstance(history, History):
        raise InvalidInputError("history", history, "a History")
    if send.user != history.user.id:
        hint = f"the history is of {history.user.id!r}"
        raise InvalidInputError("send.user", send.user, "the history's user", hint)


def _require_freezes(freezes: Sequence[Freeze]) -> None:
    if not isinstance(freezes, tuple | list):
        hint = "write (freeze,) for one"
        raise InvalidInputError("freezes", freezes, "several freezes", hint)
    for row, freeze in enumerate(freezes):
        if not isinstance(freeze, Freeze):
            raise InvalidInputError(f"freezes[{row}]", freeze, "a Freeze")
