"""Users and accounts (用户与账号): who somebody is, and where we know them.

A user is a person as the brand knows one. The same person has another openid
at every account, perhaps a unionid that ties those together, and perhaps an
external id in WeCom; whether they follow an account is a matter of time.

``advance`` folds what happened into the user. Folding is a union of dated
facts: the same event twice changes nothing, and any order of the same events
gives the same user, because callbacks arrive late and more than once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, get_args

import attrs

from wxengage.errors import InvalidInputError, nearest, require_id
from wxengage.times.zones import from_micros, micros, require_aware, zone

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

__all__ = [
    "AGE_BANDS",
    "ALL_TOPICS",
    "Account",
    "AccountKind",
    "Choice",
    "FollowSpan",
    "User",
    "UserEvent",
    "advance",
]

#: Service account (服务号), subscription account (订阅号), mini program (小程序)
#: or WeCom (企业微信).
AccountKind: TypeAlias = Literal["service", "subscription", "mini_program", "wecom"]
#: WeChat's own bands, with the first one cut at 14: personal information of
#: anybody younger needs a parent's consent (PIPL, article 31).
AGE_BANDS: Final = ("0-13", "14-17", "18-24", "25-29", "30-39", "40-49", "50+")
#: The topic of a consent or an opt-out that names none.
ALL_TOPICS: Final = "*"
# Before every instant that a datetime can tell.
_NEVER: Final = -(2**63)


def _an_id(_: object, field: attrs.Attribute[str], got: object) -> None:
    require_id(field.name, got)


def _an_id_or_none(_: object, field: attrs.Attribute[str | None], got: object) -> None:
    if got is not None:
        require_id(field.name, got)


def _aware(_: object, field: attrs.Attribute[dt.datetime], at: dt.datetime) -> None:
    require_aware(field.name, at)


@attrs.frozen
class Account:
    """One account of the merchant; every quota, letter and bill belongs to one.

    Attributes
    ----------
    id
        The merchant's own name of it, by which events and sends refer to it.
    kind
        ``"service"``, ``"subscription"``, ``"mini_program"`` or ``"wecom"``.
    appid
        WeChat's id of it; the corp id for WeCom.
    """

    id: str = attrs.field(validator=_an_id)
    kind: AccountKind = attrs.field()
    appid: str = attrs.field(validator=_an_id)

    @kind.validator
    def _known_kind(self, _: object, got: object) -> None:
        kinds = get_args(AccountKind)
        if got not in kinds:
            rule = "a kind of account"
            raise InvalidInputError("kind", got, rule, nearest(got, kinds))


@attrs.frozen
class FollowSpan:
    """A time during which a user follows an account (关注时段), half-open.

    Attributes
    ----------
    account
        Id of the account; None where the merchant has only one and events
        name none.
    start
        When the user followed. None where only the end was seen.
    end
        When the user unfollowed. None where that was not seen.
    """

    account: str | None = attrs.field(validator=_an_id_or_none)
    start: dt.datetime | None
    end: dt.datetime | None = None

    def __attrs_post_init__(self) -> None:
        for name, at in (("start", self.start), ("end", self.end)):
            if at is not None:
                require_aware(name, at)
        if self.start is None:
            if self.end is None:
                raise InvalidInputError("start", None, "known where the end is not")
        elif self.end is not None and micros("end", self.end) < micros(
            "start", self.start
        ):
            raise InvalidInputError("end", self.end, f"not before {self.start}")


@attrs.frozen
class Choice:
    """What a user decided about a topic, and when (同意, 退订).

    Attributes
    ----------
    topic
        What it is about; ``ALL_TOPICS`` for everything.
    at
        When.
    """

    topic: str = attrs.field(validator=_an_id)
    at: dt.datetime = attrs.field(validator=_aware)


class UserEvent(Protocol):
    """What ``advance`` reads of an event; ``Event`` of the log is one."""

    @property
    def kind(self) -> str:
        """What happened."""

    @property
    def at(self) -> dt.datetime:
        """When, aware."""

    @property
    def user(self) -> str | int:
        """Whose event it is."""

    @property
    def account(self) -> str | None:
        """At which account."""

    @property
    def item(self) -> str | int | None:
        """About what: the topic of a consent or an opt-out."""


# One follow (True) or unfollow (False), in microseconds: two aware times of one
# zone compare by wall clock, so instants are compared as numbers. An unfollow
# comes after a follow of the same instant: in doubt nobody is written to.
_Mark: TypeAlias = tuple[int, bool]


def _marks(spans: Iterable[FollowSpan]) -> set[_Mark]:
    starts = {(micros("start", s.start), True) for s in spans if s.start is not None}
    return starts | {(micros("end", s.end), False) for s in spans if s.end is not None}


def _spans(account: str | None, marks: set[_Mark]) -> tuple[FollowSpan, ...]:
    # Each unfollow ends the follow before it: the inverse of _marks.
    spans: list[FollowSpan] = []
    for when, followed in sorted(marks, key=lambda mark: (mark[0], not mark[1])):
        at = from_micros(when)
        if followed:
            spans.append(FollowSpan(account, at))
        elif spans and spans[-1].end is None:
            spans[-1] = attrs.evolve(spans[-1], end=at)
        else:
            spans.append(FollowSpan(account, None, at))
    return tuple(spans)


def _in_order(spans: Iterable[FollowSpan]) -> tuple[FollowSpan, ...]:
    by_account: dict[str | None, list[FollowSpan]] = {}
    for span in spans:
        by_account.setdefault(span.account, []).append(span)
    accounts = sorted(by_account, key=lambda account: account or "")
    return tuple(
        span
        for account in accounts
        for span in _spans(account, _marks(by_account[account]))
    )


def _choices_in_order(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    marks = {(micros("at", choice.at), choice.topic) for choice in choices}
    return tuple(Choice(topic, from_micros(at)) for at, topic in sorted(marks))


def _span_keys(spans: Iterable[FollowSpan]) -> list[tuple[object, ...]]:
    return [(span.account, *sorted(_marks([span]))) for span in spans]


def _choice_keys(choices: Iterable[Choice]) -> list[tuple[int, str]]:
    return [(micros("at", choice.at), choice.topic) for choice in choices]


@attrs.frozen
class User:
    """A person as the brand knows one (用户).

    Attributes
    ----------
    id
        The merchant's own key of the person.
    openids
        Account id -> the person's openid there.
    unionid
        The one id across the accounts of one WeChat Open Platform merchant.
    external_userid
        The person's id as an external contact in WeCom.
    spans
        When the person followed which account, by account, then time.
    consents, opt_outs
        Every yes and every no, by time. The later one counts; a no counts
        against a yes of the same instant.
    age_band
        One of ``AGE_BANDS``, or None where unknown.
    zone
        IANA name of the zone whose clock the person lives by, or None where
        unknown.

    Examples
    --------
    >>> import datetime as dt
    >>> start = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
    >>> user = User("u1", spans=(FollowSpan("shop", start),))
    >>> user.follows("shop", start + dt.timedelta(days=1))
    True
    """

    id: str = attrs.field(validator=_an_id)
    openids: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    unionid: str | None = attrs.field(
        default=None, kw_only=True, validator=_an_id_or_none
    )
    external_userid: str | None = attrs.field(
        default=None, kw_only=True, validator=_an_id_or_none
    )
    spans: tuple[FollowSpan, ...] = attrs.field(default=(), kw_only=True)
    consents: tuple[Choice, ...] = attrs.field(default=(), kw_only=True)
    opt_outs: tuple[Choice, ...] = attrs.field(default=(), kw_only=True)
    age_band: str | None = attrs.field(default=None, kw_only=True)
    zone: str | None = attrs.field(default=None, kw_only=True)

    @openids.validator
    def _ids_by_account(self, _: object, got: object) -> None:
        if not isinstance(got, Mapping):
            rule = "a mapping from account id to openid"
            raise InvalidInputError("openids", got, rule, "such as {'shop': 'oAb...'}")
        for account, openid in got.items():
            require_id("openids' account", account)
            require_id(f"openids[{account!r}]", openid)

    @spans.validator
    def _spans_in_order(self, _: object, got: object) -> None:
        _require_all("spans", got, FollowSpan)
        if _span_keys(self.spans) != _span_keys(_in_order(self.spans)):
            rule = "sorted by account, then time, and apart from each other"
            raise InvalidInputError("spans", got, rule)

    @consents.validator
    @opt_outs.validator
    def _in_time(self, field: attrs.Attribute[tuple[Choice, ...]], got: object) -> None:
        _require_all(field.name, got, Choice)
        choices: tuple[Choice, ...] = getattr(self, field.name)
        if _choice_keys(choices) != _choice_keys(_choices_in_order(choices)):
            rule = "sorted by time, then topic, each once"
            raise InvalidInputError(field.name, got, rule)

    @age_band.validator
    def _known_band(self, _: object, got: object) -> None:
        if got is not None and got not in AGE_BANDS:
            rule = "an age band or None"
            raise InvalidInputError("age_band", got, rule, nearest(got, AGE_BANDS))

    @zone.validator
    def _known_zone(self, _: object, got: object) -> None:
        if got is not None:
            zone(require_id("zone", got))

    def follows(self, account: str | None, at: dt.datetime) -> bool:
        """Return whether the person follows an account at an instant.

        Parameters
        ----------
        account
            Id of the account; None where events name none.
        at
            The instant, aware.

        Returns
        -------
        bool
            False also where that cannot be known.
        """
        return self.followed_since(account, at) is not None

    def followed_since(
        self, account: str | None, at: dt.datetime
    ) -> dt.datetime | None:
        """Return since when the person has followed an account at an instant.

        Parameters
        ----------
        account
            Id of the account; None where events name none.
        at
            The instant, aware.

        Returns
        -------
        datetime.datetime or None
            The first follow since the last unfollow: another follow in between
            changes nothing. None where the person does not follow.
        """
        now = micros("at", at)
        since = None
        for span in self.spans:
            if span.account != account or span.start is None:
                continue
            if micros("start", span.start) <= now:
                ended = span.end is not None and micros("end", span.end) <= now
                since = None if ended else since or span.start
        return since

    def consents_to(self, topic: str, at: dt.datetime) -> bool:
        """Return whether the person has said yes to a topic and not no since.

        Parameters
        ----------
        topic
            What it is about. A choice about ``ALL_TOPICS`` counts for each.
        at
            The instant, aware.

        Returns
        -------
        bool
            False where the person has said nothing.
        """
        yes, no = _latest(self.consents, topic, at), _latest(self.opt_outs, topic, at)
        return yes > no

    def opted_out(self, topic: str, at: dt.datetime) -> bool:
        """Return whether the person has said no to a topic and not yes since.

        Parameters
        ----------
        topic
            What it is about. A choice about ``ALL_TOPICS`` counts for each.
        at
            The instant, aware.

        Returns
        -------
        bool
            False where the person has said nothing.
        """
        yes, no = _latest(self.consents, topic, at), _latest(self.opt_outs, topic, at)
        return no >= yes and no != _NEVER


def _require_all(name: str, got: object, kind: type) -> None:
    if not isinstance(got, tuple):
        raise InvalidInputError(name, got, f"a tuple of {kind.__name__}")
    for row, each in enumerate(got):
        if not isinstance(each, kind):
            raise InvalidInputError(f"{name}[{row}]", each, f"a {kind.__name__}")


def _latest(choices: tuple[Choice, ...], topic: str, at: dt.datetime) -> int:
    # In microseconds.
    now = micros("at", at)
    times = (
        micros("at", choice.at)
        for choice in choices
        if choice.topic in {topic, ALL_TOPICS}
    )
    return max((time for time in times if time <= now), default=_NEVER)


def _choice(event: UserEvent) -> Choice:
    topic = ALL_TOPICS if event.item is None else event.item
    return Choice(require_id("event.item", topic), event.at)


def advance(user: User, event: UserEvent) -> User:
    """Fold one event into a user.

    Parameters
    ----------
    user
        Who the person was.
    event
        What happened. ``follow`` and ``unfollow`` move the follow spans of
        ``event.account``; ``consent`` and ``opt_out`` add a choice about
        ``event.item``, or about everything where that is None; any other kind
        does not change who somebody is.

    Returns
    -------
    User
        Who the person is. The same object where nothing changed.

    Raises
    ------
    InvalidInputError
        If the event is another user's, or its time is naive.

    Notes
    -----
    Any order of the same events, any of them any number of times, gives the
    same user. Of a follow and an unfollow of one instant the unfollow counts
    last, since WeChat's seconds do not tell. Linear in what the user holds.
    """
    if event.user != user.id:
        hint = f"this user is {user.id!r}"
        raise InvalidInputError("event.user", event.user, "the user's own id", hint)
    require_aware("event.at", event.at)
    changed = user
    if event.kind == "follow":
        span = FollowSpan(event.account, event.at)
        changed = attrs.evolve(user, spans=_in_order([*user.spans, span]))
    elif event.kind == "unfollow":
        span = FollowSpan(event.account, None, event.at)
        changed = attrs.evolve(user, spans=_in_order([*user.spans, span]))
    elif event.kind == "consent":
        consents = _choices_in_order([*user.consents, _choice(event)])
        changed = attrs.evolve(user, consents=consents)
    elif event.kind == "opt_out":
        opt_outs = _choices_in_order([*user.opt_outs, _choice(event)])
        changed = attrs.evolve(user, opt_outs=opt_outs)
    return user if changed == user else changed
