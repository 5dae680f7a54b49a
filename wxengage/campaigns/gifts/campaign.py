"""The definition of a gift (礼包活动): whom it is offered, and until when it is kept.

One noun for what the article calls by four names. A newcomer gift is offered by
the first follow; a recall pack, a compensation or a limited offer by a message
that says so. Whoever redeems it in time has it, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from wxengage.campaigns.definitions import require_all, require_word
from wxengage.campaigns.gifts.holders import due_ticks
from wxengage.campaigns.states import State, Tick, require_period
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.money import Reward
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.log.events import Event

__all__ = ["STOCK", "Gift"]

Offer = Literal["deliver", "follow", "register"]
#: Key of the subject that counts what has been taken; no user's.
STOCK: Final = "#stock"


@attrs.frozen
class Gift:
    """A reward that everybody in an audience may have once (礼包).

    Attributes
    ----------
    id
        The name by which events tell it.
    reward
        What it is.
    opens, closes
        It is offered at ``opens <= at < closes``; an offer made in time may be
        taken up later.
    claim_within
        How long an offer holds: it is redeemed at ``offered <= at < offered +
        claim_within``.
    offered_on
        ``"deliver"``: a message with the gift's id for campaign. ``"follow"`` or
        ``"register"``: the first one ever, which makes a newcomer; an earlier one
        than ``opens``, whenever it comes to be known, means that somebody is none.
    audience
        Segments, as the ``group`` of a message names them, for which the offer
        holds; empty: everybody. A message that names none is no offer to a
        narrower audience.
    account
        The account whose follows count; None: all accounts are one.
    stock
        How many there are; None: enough. First come, first served.

    Raises
    ------
    InvalidInputError
        If fields break their rules: all faults at once.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.money import Coupon
    >>> welcome = Gift(
    ...     "welcome",
    ...     reward=Coupon("9876543"),
    ...     opens=dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc),
    ...     closes=dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc),
    ...     claim_within=dt.timedelta(days=7),
    ...     offered_on="follow",
    ... )
    >>> welcome.stock is None
    True
    """

    id: str
    reward: Reward = attrs.field(kw_only=True)
    opens: dt.datetime = attrs.field(kw_only=True)
    closes: dt.datetime = attrs.field(kw_only=True)
    claim_within: dt.timedelta = attrs.field(kw_only=True)
    offered_on: Offer = attrs.field(default="deliver", kw_only=True)
    audience: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)
    stock: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks = [
            lambda: require_id("id", self.id),
            self._check_reward,
            lambda: require_period(self.opens, self.closes),
            lambda: span_micros("claim_within", self.claim_within),
            lambda: require_word("offered_on", self.offered_on, Offer),
            self._check_audience,
            lambda: self.account is None or require_id("account", self.account),
            lambda: self.stock is None or require_whole("stock", self.stock, least=1),
        ]
        require_all("Gift", self.id, checks)

    def _check_reward(self) -> None:
        if not isinstance(self.reward, get_args(Reward)):
            hint = "for example Coupon('9876543')"
            raise InvalidInputError("reward", self.reward, "a reward", hint)

    def _check_audience(self) -> None:
        got: object = self.audience
        if not isinstance(got, tuple):
            raise InvalidInputError("audience", got, "a tuple of segments")
        for row, segment in enumerate(got):
            require_id(f"audience[{row}]", segment)
        if got and self.offered_on != "deliver":
            hint = "only a message names the segment, by its group"
            raise InvalidInputError("audience", got, "empty without messages", hint)

    def start(self) -> State:
        """Return the state in which nothing has happened."""
        return State(self.id)

    def touches(
        self,
        event: Event | Tick,
        state: State | None = None,  # noqa: ARG002  nobody leads to anybody else
    ) -> frozenset[str]:
        """Return the keys that an event can concern: the user, and the stock."""
        key = event.subject if isinstance(event, Tick) else str(event.user)
        return frozenset({key} if self.stock is None else {key, STOCK})

    def due(self, state: State, now: dt.datetime) -> tuple[Tick, ...]:
        """Return the offers that have run out since their users were last judged.

        Parameters
        ----------
        state
            Of this campaign.
        now
            The instant, aware; included.

        Returns
        -------
        tuple of Tick
            Earliest first.
        """
        micros("now", now)
        return due_ticks(state, now, self)
