"""What the platform lets one user get, and when (触达配额).

A quota answers before the platform is asked: may this go now, until when, and how
many more? It knows what it was told, the user's acts, the messages and the refusals,
and nothing else. ``advance`` tells it.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import functools
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from wxengage.channels.accounts import kind_of, require_accounts, resolved
from wxengage.channels.catalog import CATALOG
from wxengage.channels.marks import Mark
from wxengage.channels.standing import (
    FREE,
    LONG_AGO,
    Standing,
    balance,
    in_windows,
    period_left,
)
from wxengage.channels.stops import stop_end, stopped
from wxengage.channels.terms import Limit, limits_of
from wxengage.errors import InvalidInputError, require_id
from wxengage.rules.rule import require_date
from wxengage.times.days import DayClock
from wxengage.times.periods import next_start
from wxengage.times.zones import from_micros, micros
from wxengage.users import Account  # noqa: TC001  the codec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxengage.channels.catalog import Channel
    from wxengage.channels.marks import What
    from wxengage.rules.book import Rulebook
    from wxengage.sends import Send
    from wxengage.times.periods import Period

__all__ = ["REASONS", "Allowance", "Quota"]

#: Why a message may not go: reason -> Chinese and English sentence.
REASONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "not_pushed": ("该渠道不推送，只能等用户自己来", "nothing is pushed there"),
        "wrong_account": (
            "该账号没有这个渠道",
            "the account does not have that channel",
        ),
        "invalid_recipient": ("接收人无效", "there is no such recipient"),
        "suppressed": ("用户拒收或已被拉黑", "the recipient refuses, or is blocked"),
        "unfollowed": ("用户已取消关注", "the user no longer follows the account"),
        "stopped": (
            "账号、接口或模板已停用",
            "the account, the API or the template is stopped",
        ),
        "period_limit": (
            "平台返回本周期已没有配额",
            "the platform says that none is left in this period",
        ),
        "day_limit": ("已到当日上限，次日恢复", "stopped until the next day"),
        "minute_limit": ("已到每分钟上限", "stopped until the next minute"),
        "no_window": ("没有打开的互动窗口", "no window is open"),
        "used_up": ("窗口内的条数已用完", "the window's messages are used up"),
        "no_grant": ("没有剩余的订阅授权", "no grant is left"),
        "period_used_up": ("本周期的条数已用完", "the period's messages are used up"),
    }
)


class Allowance(NamedTuple):
    """Whether something may go now (能否发送).

    Attributes
    ----------
    yes
        Whether it may.
    until
        If it may: the first instant at which it no longer may unless something
        else happens. None for no such instant, and where it may not go.
    left
        How many more may go, this one included: 0 where it may not. None for no
        bound that is known.
    """

    yes: bool
    until: dt.datetime | None
    left: int | None


def _ascending(marks: tuple[Mark, ...]) -> bool:
    # An account's day has many facts: only those of one instant are compared whole.
    times = [mark.at for mark in marks]
    meet = [row for row, pair in enumerate(pairwise(times)) if pair[0] >= pair[1]]
    return all(marks[row] < marks[row + 1] for row in meet)


def _how_many(marks: tuple[Mark, ...]) -> str:
    return f"<{len(marks)} facts>"


@attrs.frozen
class Quota:
    """What is known of one user's windows, grants and counts (触达配额).

    Attributes
    ----------
    user
        Whose; the group's id for channels that go to groups. None for the
        account's own state: one mass send a day, the day's calls, a ban.
    accounts
        The merchant's accounts. Empty where there is one official account that
        needs no name, or where every account that is named is a service account.
    clock
        Whose days, weeks and months count.
    as_of
        The day of the rulebook that ``limits`` are from; None: none yet.
    limits
        So many messages a calendar period, see ``Limit``.
    marks
        The facts, ascending. ``advance`` adds to them; of each kind the latest
        64 are kept, and so an answer is exact from the first of these on.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> from wxengage.channels.folding import advance
    >>> from wxengage.log.events import Event
    >>> from wxengage.rules.book import rulebook
    >>> from wxengage.sends import Send
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    >>> wrote = Event("message", user="ada", at=noon)
    >>> quota = advance(Quota("ada"), wrote, rulebook(dt.date(2026, 3, 2)))
    >>> send = Send("s1", "ada", "customer_message", "hello")
    >>> quota.may_send(send, noon).left
    5
    >>> quota.refusal(send, noon + dt.timedelta(hours=48))
    'no_window'
    """

    user: str | None
    accounts: tuple[Account, ...] = ()
    clock: DayClock = attrs.field(
        default=DayClock(),
        kw_only=True,
        validator=attrs.validators.instance_of(DayClock),
    )
    as_of: dt.date | None = attrs.field(default=None, kw_only=True)
    limits: tuple[Limit, ...] = attrs.field(default=(), kw_only=True, repr=False)
    marks: tuple[Mark, ...] = attrs.field(default=(), kw_only=True, repr=_how_many)

    def __attrs_post_init__(self) -> None:
        if self.user is not None:
            require_id("user", self.user)
        require_accounts(self.accounts)
        if self.as_of is not None:
            require_date("as_of", self.as_of)
        for name, kind in (("limits", Limit), ("marks", Mark)):
            got = getattr(self, name)
            if not isinstance(got, tuple) or not set(map(type, got)) <= {kind}:
                raise InvalidInputError(name, got, f"a tuple of {kind.__name__}")
        if not _ascending(self.marks):
            raise InvalidInputError("marks", self.marks, "ascending, each once")

    @classmethod
    def under(
        cls,
        rulebook: Rulebook,
        user: str | None,
        accounts: tuple[Account, ...] = (),
        *,
        clock: DayClock = DayClock(),
    ) -> Quota:
        """Return the quota of somebody of whom nothing is known yet.

        Parameters
        ----------
        rulebook
            The rules of the day, whose calendar limits hold from the start.
        user, accounts, clock
            As in the class.

        Returns
        -------
        Quota
            No windows, no grants, nothing sent.
        """
        limits = limits_of(rulebook)
        return cls(user, accounts, clock=clock, as_of=rulebook.as_of, limits=limits)

    def may_send(self, send: Send, now: dt.datetime) -> Allowance:
        """Return whether a message may go at an instant, until when, how many more.

        Parameters
        ----------
        send
            The message.
        now
            The instant, aware. Facts after it are not looked at.

        Returns
        -------
        Allowance
            Always yes on a channel that ``CATALOG`` does not have.

        Raises
        ------
        InvalidInputError
            If the message is for somebody else, or names an account that is not
            among the accounts.
        """
        standing = self._standing(self._place(send), send.message, micros("now", now))
        if standing.reason is not None:
            return Allowance(yes=False, until=None, left=0)
        until = None if standing.until is None else from_micros(standing.until)
        return Allowance(yes=True, until=until, left=standing.left)

    def refusal(self, send: Send, at: dt.datetime) -> str | None:
        """Return why a message may not go at an instant.

        Parameters
        ----------
        send
            The message.
        at
            The instant, aware.

        Returns
        -------
        str or None
            A key of ``REASONS``; None where it may go.
        """
        now = micros("at", at)
        return self._standing(self._place(send), send.message, now).reason

    def next_allowed(self, send: Send, at: dt.datetime) -> dt.datetime | None:
        """Return the first instant from ``at`` on at which a message may go.

        Parameters
        ----------
        send
            The message.
        at
            The instant asked about, aware.

        Returns
        -------
        datetime.datetime or None
            ``at`` itself where it may go at once, else the exact instant in the
            clock's zone. None: not before the user or the platform does
            something.

        Notes
        -----
        An answer changes only where a fact, a period or the end of a stop stands
        in time; those instants are tried in order.
        """
        now, place = micros("at", at), self._place(send)
        if self._standing(place, send.message, now).reason is None:
            return at
        for instant in self._turns(place, now):
            if self._standing(place, send.message, instant).reason is None:
                return from_micros(instant, self.clock.zone)
        return None

    @functools.cached_property
    def _by_channel(self) -> Mapping[tuple[str, str], list[Mark]]:
        found: dict[tuple[str, str], list[Mark]] = {}
        for mark in self.marks:
            found.setdefault((mark.channel, mark.account), []).append(mark)
        return found

    @functools.cached_property
    def _by_what(self) -> Mapping[tuple[str, str], list[Mark]]:
        found: dict[tuple[str, str], list[Mark]] = {}
        for mark in self.marks:
            found.setdefault((mark.what, mark.account), []).append(mark)
        return found

    def _of(self, what: What, account: str) -> Sequence[Mark]:
        return self._by_what.get((what, account), ())

    def _place(self, send: Send) -> tuple[Channel | None, str]:
        """Return the channel and the account of a message."""
        if self.user is not None and send.user != self.user:
            hint = f"this quota is {self.user!r}'s"
            raise InvalidInputError("send.user", send.user, "the quota's own", hint)
        channel = CATALOG.get(send.channel)
        if channel is None:
            return None, ""
        name = "send.account"
        return channel, resolved(self.accounts, send.account, channel.on, name)

    def _standing(
        self, place: tuple[Channel | None, str], message: str, now: int
    ) -> Standing:
        channel, account = place
        if channel is None:
            return FREE
        reason = self._never(channel, account) or self._stop(
            channel, account, message, now
        )
        if reason is not None:
            return Standing(reason, left=0)
        marks = self._by_channel.get((channel.code, account), ())
        if self.user is not None and channel.quota == "window":
            return in_windows(marks, now)
        if self.user is not None and channel.quota == "grant":
            left = balance(marks, message, now)
            return Standing(None if left else "no_grant", left=left)
        limits = self._limits(channel, account)
        if not limits:
            return FREE
        left = min(period_left(marks, limit, now, self.clock) for limit in limits)
        return Standing(None if left else "period_used_up", left=left)

    def _never(self, channel: Channel, account: str) -> str | None:
        """Return why a channel takes no message from that account, ever."""
        if not channel.is_push:
            return "not_pushed"
        fits = not self.accounts or kind_of(self.accounts, account) in channel.on
        return None if fits else "wrong_account"

    def _stop(
        self, channel: Channel, account: str, message: str, now: int
    ) -> str | None:
        """Return why messages are stopped at an instant."""
        failed = self._of("failed", account)
        if failed:
            cures = [*self._of("sent", account), *self._of("lifted", account)]
            where, per = (channel.code, message), self._per(channel, account)
            reason = stopped(failed, cures, where, now=now, clock=self.clock, per=per)
            if reason is not None:
                return reason
        left = [mark.at for mark in self._of("unfollowed", account) if mark.at <= now]
        if not (channel.needs_follow and left):
            return None
        came = [mark.at for mark in self._of("followed", account) if mark.at <= now]
        # Of a follow and an unfollow of one instant the unfollow counts last.
        return "unfollowed" if max(left) >= max(came, default=LONG_AGO) else None

    def _limits(self, channel: Channel, account: str) -> list[Limit]:
        whose = "account" if self.user is None else "user"
        return [x for x in self._every_limit(channel, account) if x.whose == whose]

    def _every_limit(self, channel: Channel, account: str) -> list[Limit]:
        kinds = {"", kind_of(self.accounts, account)}
        return [
            limit
            for limit in self.limits
            if limit.channel == channel.code and limit.kind in kinds
        ]

    def _per(self, channel: Channel, account: str) -> Period | None:
        limits = self._every_limit(channel, account)
        return limits[0].per if limits else None

    def _turns(self, place: tuple[Channel | None, str], now: int) -> list[int]:
        """Return the later instants at which an answer may change, ascending."""
        channel, account = place
        if channel is None:
            return []
        facts = [mark for mark in self.marks if mark.account == account]
        later = {mark.at for mark in facts if mark.at > now}
        per = self._per(channel, account)
        for mark in facts:
            if mark.what == "failed":
                end = stop_end(mark, self.clock, per)
                later |= {end} if end is not None and end > now else set()
        for limit in self._limits(channel, account):
            after = [m.at for m in facts if m.what == "sent" and m.at > now]
            later |= {next_start(limit.per, at, self.clock) for at in (now, *after)}
        return sorted(later)
