"""All events at once (批量重算): a log gives where everybody stands."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.tables import check_in_standings
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.replaying import contest_standings
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.gifts.replaying import gift_standings
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.referrals.tables import referral_standings
from wxengage.errors import InvalidInputError
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.campaigns.standings import Standings

__all__ = ["replay"]

Replay: TypeAlias = Callable[
    [Any, Any, "dt.datetime", str | None, str | None], "Standings"
]
# Type of campaign -> how its events are replayed.
_REPLAYS: Final[Mapping[type, Replay]] = MappingProxyType(
    {
        Referral: referral_standings,
        CheckIn: check_in_standings,
        Contest: contest_standings,
        Gift: gift_standings,
    }
)


def replay(
    campaign: Any,
    events: Any,
    *,
    as_of: dt.datetime,
    tz: str | None = None,
    unit: str | None = None,
) -> Standings:
    """Work out where everybody in a campaign stands.

    Parameters
    ----------
    campaign
        The definition.
    events
        A pandas, Polars or PyArrow frame, a dict of arrays, a list of dicts or
        of ``Event``, Parquet files, or anything with ``to_log_source()``, with
        the columns user, kind and at, and those that the campaign needs:
        inviter, campaign, account, item, channel, group. A column that is
        missing altogether restricts nothing: without ``campaign``, say, every
        event is of this one. A ``Log`` serves campaigns without inviters.
    as_of
        The instant to settle at, aware. Later events are left out.
    tz, unit
        Of times without a zone, and of times that are numbers, as for
        ``read_log``.

    Returns
    -------
    Standings
        Equal to folding the events one at a time with ``advance``, in any order
        where the campaign says so, and then what is due until ``as_of``.

    Raises
    ------
    InvalidInputError
        If a column is missing or a cell cannot be read; names the row.
    """
    compute = _REPLAYS.get(type(campaign))
    if compute is None:
        known = ", ".join(sorted(kind.__name__ for kind in _REPLAYS))
        raise InvalidInputError("campaign", campaign, f"one of {known}")
    micros("as_of", as_of)
    return compute(campaign, events, as_of, tz, unit)
