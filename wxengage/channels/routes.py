"""Which channel of several takes a message now (渠道降级)."""

from __future__ import annotations

import datetime as dt  # noqa: TC003
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.channels.accounts import kind_of
from wxengage.channels.catalog import CATALOG
from wxengage.channels.quotas import REASONS
from wxengage.errors import InvalidInputError, require_id
from wxengage.sends import Send
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wxengage.channels.quotas import Quota

__all__ = ["SKIPPED", "Route", "Skip", "route"]

#: Why a channel is passed over: reason -> Chinese and English sentence.
SKIPPED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "not_carried": (
            "该渠道不能发送这类内容",
            "the channel does not carry that category",
        ),
        **REASONS,
    }
)


@attrs.frozen
class Skip:
    """A channel that was passed over, and why.

    Attributes
    ----------
    channel
        Its code.
    reason
        A key of ``SKIPPED``.
    """

    channel: str
    reason: str

    @property
    def zh(self) -> str:
        """The reason as a Chinese sentence."""
        return SKIPPED[self.reason][0]

    @property
    def en(self) -> str:
        """The reason as an English sentence."""
        return SKIPPED[self.reason][1]


@attrs.frozen
class Route:
    """Where a message goes (选定渠道).

    Attributes
    ----------
    send
        The message on the channel that takes it; None where none does.
    skipped
        The channels before it in the order, each with its reason.
    """

    send: Send | None
    skipped: tuple[Skip, ...]


def route(
    send: Send,
    quota: Quota,
    now: dt.datetime,
    order: Iterable[str | Send],
    *,
    account: Quota | None = None,
) -> Route:
    """Return the first channel of an order that may carry a message now.

    Parameters
    ----------
    send
        The message. Its own channel plays no part unless the order names it.
    quota
        What is known of the user.
    now
        The instant, aware.
    order
        Channels, the best first: the code of one, or the message as it would go
        there, where template, text or account differ.
    account
        The account's own quota; None is not asked.

    Returns
    -------
    Route
        A channel that ``CATALOG`` does not have takes everything: put it last.

    Raises
    ------
    InvalidInputError
        If the order is one text, holds something else, or a message in it is for
        another user.

    Examples
    --------
    >>> from wxengage.channels.quotas import Quota
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    >>> send = Send("s1", "ada", "customer_message", "parcel", category="service")
    >>> found = route(send, Quota("ada"), noon, ["customer_message", "sms"])
    >>> found.send.channel, [skip.reason for skip in found.skipped]
    ('sms', ['no_window'])
    """
    micros("now", now)
    if isinstance(order, str):
        raise InvalidInputError("order", order, "several channels", "write [code]")
    skipped = []
    for place, step in enumerate(order):
        attempt = _on(send, step, quota, f"order[{place}]")
        channel = CATALOG.get(attempt.channel)
        if channel is not None and attempt.category not in channel.carries:
            skipped.append(Skip(attempt.channel, "not_carried"))
            continue
        reason = quota.refusal(attempt, now)
        if reason is None and account is not None:
            reason = account.refusal(attempt, now)
        if reason is None:
            return Route(attempt, tuple(skipped))
        skipped.append(Skip(attempt.channel, reason))
    return Route(None, tuple(skipped))


def _on(send: Send, step: str | Send, quota: Quota, name: str) -> Send:
    """Return the message as it would go on a step's channel."""
    if isinstance(step, Send):
        if step.user != send.user:
            raise InvalidInputError(f"{name}.user", step.user, f"{send.user!r} too")
        return step
    if not isinstance(step, str):
        raise InvalidInputError(name, step, "the code of a channel, or a Send")
    require_id(name, step)
    own = send.account
    if own is not None and step in CATALOG and quota.accounts:
        # Another kind of account is meant then: the only one that has the channel.
        fits = kind_of(quota.accounts, own) in {*CATALOG[step].on, ""}
        own = own if fits else None
    return attrs.evolve(send, channel=step, account=own)
