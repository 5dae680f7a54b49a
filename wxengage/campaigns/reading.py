"""Which events a campaign reads (相关事件), told before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wxengage.campaigns.checkins.acts import CHECK_IN, UNDO
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.folding import READ
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.referrals.acts import QUALIFYING, TOUCHING
from wxengage.campaigns.referrals.campaign import Referral

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.log.events import Event

__all__ = ["reads"]

Test: TypeAlias = Callable[["Event", Any], bool]


def _of_referral(event: Event, campaign: Referral) -> bool:
    kind = event.kind
    if kind == campaign.qualifies_on or kind == QUALIFYING[campaign.qualifies_on]:
        return True
    return kind in TOUCHING and event.campaign == campaign.id


def _of_check_in(event: Event, campaign: CheckIn) -> bool:
    return event.campaign == campaign.id and event.kind in {CHECK_IN, UNDO}


def _of_contest(event: Event, campaign: Contest) -> bool:
    if event.kind == "follow":
        return True
    return event.campaign == campaign.id and event.kind in READ


def _of_gift(event: Event, campaign: Gift) -> bool:
    if event.kind == campaign.offered_on and event.kind != "deliver":
        return True
    return event.campaign == campaign.id and event.kind in {"redeem", "deliver"}


_TESTS: Final[Mapping[type, Test]] = MappingProxyType(
    {
        Referral: _of_referral,
        CheckIn: _of_check_in,
        Contest: _of_contest,
        Gift: _of_gift,
    }
)


def reads(campaign: Any, event: Event) -> bool:
    """Return whether an event can change anything in a campaign.

    Parameters
    ----------
    campaign
        Its definition.
    event
        What happened.

    Returns
    -------
    bool
        False only where ``advance`` gives back the same state and no facts, whatever
        the state: then nothing of the campaign needs to be loaded.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.log.events import Event
    >>> from wxengage.money import Cash
    >>> monday = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    >>> week = CheckIn(
    ...     "week", reward=Cash(100), opens=monday, closes=monday + dt.timedelta(days=9)
    ... )
    >>> reads(week, Event("like", user="ada", at=monday))
    False
    """
    return _TESTS[type(campaign)](event, campaign)
