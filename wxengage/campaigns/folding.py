"""One event at a time (逐条计算): a state and an event give a state and facts."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.folding import fold as fold_check_in
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.folding import fold as fold_contest
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.gifts.folding import fold as fold_gift
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.referrals.folding import fold as fold_referral
from wxengage.campaigns.states import State, Tick, require_event
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.campaigns.facts import Fact

__all__ = ["advance", "campaign_kinds"]

Fold: TypeAlias = Callable[[State, Any, Any], tuple[State, tuple["Fact", ...]]]
# Type of campaign -> how an event is folded into a state of it.
_FOLDS: Final[Mapping[type, Fold]] = MappingProxyType(
    {
        Referral: fold_referral,
        CheckIn: fold_check_in,
        Contest: fold_contest,
        Gift: fold_gift,
    }
)


def campaign_kinds() -> tuple[type, ...]:
    """Return the types of campaigns that there are."""
    return tuple(_FOLDS)


def advance(
    state: State,
    event: Event | Tick,
    campaign: Any,
) -> tuple[State, tuple[Fact, ...]]:
    """Fold one event into a state.

    Parameters
    ----------
    state
        With at least the subjects that the event touches; see
        ``wxengage.campaigns.states``.
    event
        What happened, or a tick: that time has passed.
    campaign
        The definition that the state is of.

    Returns
    -------
    state
        The same object where nothing has changed.
    facts
        What differs now, in order; none for an event that was known already.

    Raises
    ------
    InvalidInputError
        If the state is another campaign's, the event is no event, or a user or
        an inviter is known by a number: subjects have text for keys.

    Notes
    -----
    Looks at the subjects that the event touches and at no others, and takes time
    in proportion to what these hold.
    """
    fold = _FOLDS.get(type(campaign))
    if fold is None:
        known = ", ".join(sorted(kind.__name__ for kind in _FOLDS))
        raise InvalidInputError("campaign", campaign, f"one of {known}")
    if not isinstance(event, Event | Tick):
        raise InvalidInputError("event", event, "an Event or a Tick")
    require_event(event, campaign, state)
    return fold(state, event, campaign)
