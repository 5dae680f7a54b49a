"""The definition of a referral campaign (裂变活动): what counts as an invite."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from wxengage.campaigns.definitions import require_all, require_word
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.judging import due_ticks
from wxengage.campaigns.states import State, Tick, require_period
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.money import Fen  # noqa: TC001  the codec reads the annotations
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.campaigns.referrals.people import Participant
    from wxengage.log.events import Event

__all__ = ["Referral", "Requirement"]

Act = Literal["follow", "register", "purchase"]
Placement = Literal["wechat_link", "mini_program", "wecom", "own_app", "offline"]
Attribution = Literal["first_touch", "last_touch", "registration"]
Field = Literal["account", "item", "channel", "group"]
Unknown = Literal["refuse", "accept"]
Reciprocal = Literal["refuse", "allow"]

_LONGEST: Final = dt.timedelta(days=3_660)


@attrs.frozen
class Requirement:
    """What a touch must say for the invite to be admitted (参与条件).

    WeChat no longer tells where people live: what is not known stays ``None`` in
    an event, and the requirement says what that means.

    Attributes
    ----------
    field
        A field of the event that names the inviter: account, item, channel or
        group.
    among
        The values that will do.
    unknown
        ``"refuse"`` or ``"accept"`` an event that leaves the field empty.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    field: Field
    among: tuple[str, ...]
    unknown: Unknown = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_word("field", self.field, Field)
        require_word("unknown", self.unknown, Unknown)
        if not isinstance(self.among, tuple) or not self.among:
            raise InvalidInputError("among", self.among, "a tuple of values")
        for row, value in enumerate(self.among):
            require_id(f"among[{row}]", value)

    def fault(self, value: object) -> str:
        """Return why a value will not do, for programs; empty where it does."""
        if value is None:
            return "" if self.unknown == "accept" else "unknown"
        return "" if value in self.among else "not_eligible"


@attrs.frozen
class Referral:
    """Whoever brings friends climbs a ladder (裂变活动).

    Attributes
    ----------
    id
        The name by which events tell it.
    ladder
        What so many valid invites are worth in all.
    opens, closes
        Touches and qualifying acts count at ``opens <= at < closes``. A hold may
        end later.
    qualifies_on
        What the invitee must do. A follow is undone by an unfollow, a purchase
        by a refund; nothing undoes a registration.
    placement
        Where people are asked to invite; the platform's rules turn on it.
    hold
        How long the invitee must have stayed before the invite counts.
    revoke_until
        How long after it began to count an invite can be revoked and restored.
        Then it is final.
    newness
        Of the invitee, judged over the whole history at the first touch and never
        later: ``"never"`` did the qualifying act before; did not stay at any time
        within this ``timedelta``; ``"any"``.
    attribution
        To whom an invitee belongs: the ``"first_touch"``, the ``"last_touch"``
        before the qualifying act, or whom the act itself names
        (``"registration"``).
    max_helps
        How many inviters one invitee may count for.
    reciprocal
        Whether two people may invite each other. A longer circle of invites is
        always refused; of a circle the latest invite is.
    requires
        What a touch must say besides.
    account
        The account whose follows count; None: all accounts are one.
    depth
        1: an invite counts for the inviter. 2, with ``acknowledge_depth=True``:
        for the inviter's own inviter too, on the ladder ``second``. More is
        multi-level marketing and refused.
    acknowledge_depth
        That you have read that rewards over two levels are what WeChat bans
        accounts for.
    second
        The ladder of the second level, where ``depth`` is 2.
    budget, cap
        The most cash in all, and for one inviter, in fen; None: no bound. Kept
        here, enforced by the books that pay.

    Raises
    ------
    InvalidInputError
        If fields break their rules: all faults at once.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.money import yuan
    >>> spring = Referral(
    ...     "spring",
    ...     ladder=Ladder({3: yuan("8"), 6: yuan("15")}, pays="total"),
    ...     opens=dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc),
    ...     closes=dt.datetime(2026, 3, 15, tzinfo=dt.timezone.utc),
    ... )
    >>> spring.hold.days, spring.newness, spring.max_helps
    (3, 'never', 1)
    """

    id: str
    ladder: Ladder = attrs.field(kw_only=True)
    opens: dt.datetime = attrs.field(kw_only=True)
    closes: dt.datetime = attrs.field(kw_only=True)
    qualifies_on: Act = attrs.field(default="follow", kw_only=True)
    placement: Placement = attrs.field(default="wechat_link", kw_only=True)
    hold: dt.timedelta = attrs.field(default=dt.timedelta(hours=72), kw_only=True)
    revoke_until: dt.timedelta = attrs.field(
        default=dt.timedelta(days=30), kw_only=True
    )
    newness: Literal["never", "any"] | dt.timedelta = attrs.field(
        default="never", kw_only=True
    )
    attribution: Attribution = attrs.field(default="first_touch", kw_only=True)
    max_helps: int = attrs.field(default=1, kw_only=True)
    reciprocal: Reciprocal = attrs.field(default="refuse", kw_only=True)
    requires: tuple[Requirement, ...] = attrs.field(default=(), kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)
    depth: int = attrs.field(default=1, kw_only=True)
    acknowledge_depth: bool = attrs.field(default=False, kw_only=True)
    second: Ladder | None = attrs.field(default=None, kw_only=True)
    budget: Fen | None = attrs.field(default=None, kw_only=True)
    cap: Fen | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks = [
            lambda: require_id("id", self.id),
            lambda: _a_ladder("ladder", self.ladder),
            lambda: require_period(self.opens, self.closes),
            lambda: require_word("qualifies_on", self.qualifies_on, Act),
            lambda: require_word("placement", self.placement, Placement),
            lambda: _a_span("hold", self.hold),
            lambda: _a_span("revoke_until", self.revoke_until),
            lambda: _newness(self.newness),
            lambda: require_word("attribution", self.attribution, Attribution),
            lambda: require_whole("max_helps", self.max_helps, least=1),
            lambda: require_word("reciprocal", self.reciprocal, Reciprocal),
            lambda: _requirements(self.requires),
            lambda: self.account is None or require_id("account", self.account),
            self._check_depth,
            lambda: self.budget is None or require_whole("budget", self.budget),
            lambda: self.cap is None or require_whole("cap", self.cap),
        ]
        require_all("Referral", self.id, checks)

    def _check_depth(self) -> None:
        most = 2
        hint = "rewards over three levels and more are pyramid selling"
        require_whole("depth", self.depth, least=1, most=most, hint=hint)
        got: object = self.acknowledge_depth
        if not isinstance(got, bool):
            raise InvalidInputError("acknowledge_depth", got, "True or False")
        if self.depth == most and not self.acknowledge_depth:
            rule = "1, or 2 with acknowledge_depth=True"
            hint = "WeChat bans accounts for rewards over two levels"
            raise InvalidInputError("depth", self.depth, rule, hint)
        if (self.second is not None) != (self.depth == most):
            rule = "a Ladder where depth is 2, and None where it is 1"
            raise InvalidInputError("second", self.second, rule)
        if self.second is not None:
            _a_ladder("second", self.second)

    def start(self) -> State:
        """Return the state in which nothing has happened."""
        return State(self.id)

    def touches(
        self, event: Event | Tick, state: State | None = None
    ) -> frozenset[str]:
        """Return the keys of the people whom an event can concern.

        Parameters
        ----------
        event
            An event, or a tick.
        state
            The people loaded so far; None: nobody is.

        Returns
        -------
        frozenset of str
            The user and the inviter of the event; and, with a state, the inviters
            who ever touched these, and theirs, as far as people are loaded. Load
            and ask again until nobody new comes: these are the ancestors, among
            whom alone a circle can close.
        """
        named = event.subject if isinstance(event, Tick) else event.user
        found = {str(named)}
        if not isinstance(event, Tick) and event.inviter is not None:
            found.add(str(event.inviter))
        if state is None:
            return frozenset(found)
        front = list(found)
        while front:
            person: Participant | None = state.subjects.get(front.pop())
            more = {touch.inviter for touch in person.touches} if person else set()
            front += more - found
            found |= more
        return frozenset(found)

    def due(self, state: State, now: dt.datetime) -> tuple[Tick, ...]:
        """Return what time alone has decided by an instant.

        Parameters
        ----------
        state
            Of this campaign.
        now
            The instant, aware; included.

        Returns
        -------
        tuple of Tick
            Holds that have ended, invites that have become final or too late,
            since each person was last judged; earliest first.
        """
        micros("now", now)
        return due_ticks(state, now, self)


def _a_ladder(name: str, got: object) -> None:
    if not isinstance(got, Ladder):
        hint = "for example Ladder({3: yuan('8')}, pays='total')"
        raise InvalidInputError(name, got, "a Ladder", hint)


def _a_span(name: str, got: object) -> None:
    if not isinstance(got, dt.timedelta) or not dt.timedelta(0) <= got <= _LONGEST:
        rule = "a timedelta from 0 to ten years"
        raise InvalidInputError(name, got, rule, "for example timedelta(hours=72)")


def _newness(got: Any) -> None:
    if got in {"never", "any"}:
        return
    if not isinstance(got, dt.timedelta) or not dt.timedelta(0) < got <= _LONGEST:
        rule = "'never', 'any' or a timedelta above 0"
        raise InvalidInputError("newness", got, rule)


def _requirements(got: object) -> None:
    if not isinstance(got, tuple):
        raise InvalidInputError("requires", got, "a tuple of Requirement")
    for row, each in enumerate(got):
        if not isinstance(each, Requirement):
            raise InvalidInputError(f"requires[{row}]", each, "a Requirement")
