"""What the platform lets many users get, as columns (批量配额)."""

from __future__ import annotations

import datetime as dt  # noqa: TC003
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import numpy as np

from wxengage.channels.accounts import kind_of, resolved
from wxengage.channels.catalog import CATALOG
from wxengage.channels.quotas import Quota
from wxengage.errors import InvalidInputError
from wxengage.log.frames import ARRAYS, give
from wxengage.log.runs import NEVER
from wxengage.log.summary import instants
from wxengage.sends import Send
from wxengage.tables import html_table, text_table
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from wxengage.channels.catalog import Channel
    from wxengage.channels.terms import Limit
    from wxengage.log.frames import Origin
    from wxengage.users import Account

__all__ = ["Quotas", "Row", "limited_channels", "rows_of"]


class Row(NamedTuple):
    """One row of ``Quotas``; instants in microseconds, ``NEVER`` for none."""

    user: str | int | None
    channel: str
    message: str
    left: int
    opens: int
    until: int
    reason: str


@attrs.frozen(eq=False, repr=False)
class Quotas:
    """What is left to many users at one instant; every column has shape ``(n,)``.

    A row a user and channel, and on channels with grants a row a user and template
    that is known: a template without a row has no grant. Sends that name no account
    are meant.

    Attributes
    ----------
    user
        Ids; None for the account's own rows.
    channel
        Codes in ``CATALOG``.
    message
        The template; "" on channels without grants.
    left
        How many more may go at ``as_of``; 0 where none may.
    opens
        The first instant from ``as_of`` on at which one may go, ``datetime64[us]``
        in UTC; ``NaT``: not before the user or the platform does something.
    until
        The first instant after ``opens`` at which none may any more; ``NaT``: no
        such instant.
    reason
        Why none may go at ``as_of``: a key of ``REASONS``; "" where one may.
    as_of
        The instant.
    """

    user: NDArray[Any]
    channel: NDArray[np.object_]
    message: NDArray[np.object_]
    left: NDArray[np.int64]
    opens: NDArray[np.datetime64]
    until: NDArray[np.datetime64]
    reason: NDArray[np.object_]
    as_of: dt.datetime
    _origin: Origin = attrs.field(default=ARRAYS)

    @classmethod
    def of(cls, quotas: Iterable[Quota], as_of: dt.datetime) -> Quotas:
        """Return the table of quotas that were folded one by one.

        Parameters
        ----------
        quotas
            Of different users; one without a user gives the account's own rows.
        as_of
            The instant, aware.

        Returns
        -------
        Quotas
            Channels in the order of ``CATALOG`` within each user.

        Raises
        ------
        InvalidInputError
            If two are of one user.
        """
        micros("as_of", as_of)
        rows: list[Row] = []
        seen: set[str | None] = set()
        for place, quota in enumerate(quotas):
            if not isinstance(quota, Quota):
                raise InvalidInputError(f"quotas[{place}]", quota, "a Quota")
            if quota.user in seen:
                rule = "one for each user"
                raise InvalidInputError(f"quotas[{place}].user", quota.user, rule)
            seen.add(quota.user)
            rows.extend(rows_of(quota, as_of))
        return cls.from_rows(rows, as_of)

    @classmethod
    def from_rows(
        cls, rows: Sequence[Row], as_of: dt.datetime, *, origin: Origin = ARRAYS
    ) -> Quotas:
        """Return the table of rows, in their order."""
        columns = list(zip(*rows, strict=True)) or [()] * len(Row._fields)
        user, channel, message, left, opens, until, reason = columns
        return cls(
            np.array(user, dtype=object),
            np.array(channel, dtype=object),
            np.array(message, dtype=object),
            np.array(left, dtype=np.int64),
            instants(np.array(opens, dtype=np.int64)),
            instants(np.array(until, dtype=np.int64)),
            np.array(reason, dtype=object),
            as_of,
            origin,
        )

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name, in order."""
        names = ("user", "channel", "message", "left", "opens", "until", "reason")
        return {name: getattr(self, name) for name in names}

    def __len__(self) -> int:
        return len(self.left)

    def to_frame(self, like: object = None) -> Any:  # noqa: ANN401  any frame
        """Return the table as the kind of table the log came from.

        Parameters
        ----------
        like
            Another kind of table: a frame, or its name.

        Returns
        -------
        object
            A frame of that kind.
        """
        return give(self.columns, self._origin, like)

    def __repr__(self) -> str:
        return f"<Quotas of {len(self):,} rows at {self.as_of.isoformat()}>"

    def __str__(self) -> str:
        return text_table(self.columns)

    def _repr_html_(self) -> str:
        return html_table(self.columns)


def limited_channels(
    accounts: tuple[Account, ...], limits: tuple[Limit, ...], whose: str
) -> Iterator[tuple[Channel, str]]:
    """Yield the channels that limit each user, or an account, and its account.

    Parameters
    ----------
    accounts
        As in ``Quota``. Where none are told, channels of a mini program are left
        out: nothing that happens is known to happen there.
    limits
        The calendar limits.
    whose
        ``"user"`` or ``"account"``.

    Yields
    ------
    channel
        In the order of ``CATALOG``.
    account
        The id of the account it is sent from; "" for the only one.
    """
    for channel in CATALOG.values():
        told = {each.kind for each in accounts} or {"service", "wecom"}
        if not channel.is_push or channel.to != "user" or not told & {*channel.on}:
            continue
        account = resolved(accounts, None, channel.on, "account")
        kinds = {"", kind_of(accounts, account)}
        limited = any(
            (limit.channel, limit.whose) == (channel.code, whose)
            and limit.kind in kinds
            for limit in limits
        )
        if limited or (whose == "user" and channel.quota in {"window", "grant"}):
            yield channel, account


def rows_of(quota: Quota, as_of: dt.datetime) -> Iterator[Row]:
    """Yield the rows of one quota, channel by channel."""
    user = quota.user or "-"
    whose = "account" if quota.user is None else "user"
    for channel, account in limited_channels(quota.accounts, quota.limits, whose):
        messages = [""]
        if channel.quota == "grant":
            messages = sorted(
                {
                    mark.message
                    for mark in quota.marks
                    if (mark.channel, mark.account) == (channel.code, account)
                    and mark.message
                    and mark.at <= micros("as_of", as_of)
                }
            )
        for message in messages:
            send = Send("-", user, channel.code, message or "-")
            yield _row(quota, send, message, as_of)


def _row(quota: Quota, send: Send, message: str, as_of: dt.datetime) -> Row:
    opens = quota.next_allowed(send, as_of)
    until = None if opens is None else quota.may_send(send, opens).until
    reason = quota.refusal(send, as_of)
    return Row(
        quota.user,
        send.channel,
        message,
        quota.may_send(send, as_of).left or 0,
        NEVER if opens is None else micros("opens", opens),
        NEVER if until is None else micros("until", until),
        reason or "",
    )
