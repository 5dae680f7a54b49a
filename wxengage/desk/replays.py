"""The events of a store, replayed (重算): what campaigns would say, and have said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.campaigns.facts import GRANTED, REWARD_KINDS
from wxengage.campaigns.folding import campaign_kinds
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.tables import reward_row
from wxengage.desk.exporting import event_columns
from wxengage.desk.rows import fact_of
from wxengage.errors import InvalidInputError
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.campaigns.standings import Standings
    from wxengage.desk.running import Running
    from wxengage.desk.unit import Unit
    from wxengage.stores.schema import Row

__all__ = ["events_until", "replayed"]

_PAGE: Final = 5_000
#: Who, kind of the reward, and its name.
_Place = tuple[str, str, str]


def events_until(unit: Unit, until: int | None = None) -> dict[str, NDArray[Any]]:
    """Return the events of a store as columns, by time.

    Parameters
    ----------
    unit
        The transaction's rows.
    until
        In microseconds, this instant not included; None: all of them.

    Returns
    -------
    dict
        Column -> array, as ``read_log`` and ``replay`` take them.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    least, size = None, _PAGE
    while True:
        page = unit.find("event", "by_time", least=least, below=until, limit=size)
        new = [row for row in page if row[0] not in seen]
        rows += new
        if len(page) < size:
            return event_columns(rows)
        # The last instant is read again: other events may be of it.
        least = int(page[-1][3] or 0)
        seen = {str(row[0]) for row in page if row[3] == least}
        size = size if new else size * 2


def replayed(
    unit: Unit, one: Running, as_of: dt.datetime, rules: Any = None
) -> Standings:
    """Return where everybody in a campaign stands by the events of the store.

    Parameters
    ----------
    unit
        The transaction's rows.
    one
        The campaign.
    as_of
        Up to when, aware.
    rules
        Another definition of it; None: its own.

    Returns
    -------
    Standings
        With a table ``difference`` beside its own.

    Raises
    ------
    InvalidInputError
        If the other definition has another id.
    """
    campaign: Any = one.campaign if rules is None else rules
    if type(campaign) not in campaign_kinds():
        raise InvalidInputError("rules", rules, "a campaign, or None")
    if campaign.id != one.campaign.id:
        rule = f"of the id {one.campaign.id!r}, by which events name the campaign"
        raise InvalidInputError("rules", campaign.id, rule)
    until = micros("as_of", as_of) + 1
    if one.terms.closed_at is not None:
        until = min(until, micros("closed_at", one.terms.closed_at))
    columns = events_until(unit, until)
    found = replay(campaign, columns, as_of=as_of)
    granted = _granted(unit, campaign.id, micros("as_of", as_of))

    def difference() -> dict[str, NDArray[Any]]:
        return _difference(_rewards(found), granted)

    return attrs.evolve(found, tables={**found.tables, "difference": difference})


def _granted(unit: Unit, campaign: str, until: int) -> Counter[_Place]:
    """Return what was granted, less what was withdrawn, until an instant."""
    sums: Counter[_Place] = Counter()
    for row in unit.find("fact", "by_campaign", (campaign,), below=until + 1):
        fact = fact_of(row).fact
        if fact.kind in REWARD_KINDS and fact.reward is not None:
            kind, name, amount = reward_row(fact.reward)
            sign = 1 if fact.kind == GRANTED else -1
            sums[fact.user, kind, name] += sign * amount
    return sums


def _rewards(standings: Standings) -> Counter[_Place]:
    table = standings.columns("rewards")
    names = ("kind", "user", "reward", "name", "amount")
    sums: Counter[_Place] = Counter()
    for what, user, kind, name, amount in zip(
        *(table[column].tolist() for column in names), strict=True
    ):
        sums[user, kind, name] += amount if what == GRANTED else -amount
    return sums


def _difference(
    replays: Counter[_Place], granted: Counter[_Place]
) -> dict[str, NDArray[Any]]:
    """Return the rewards of which a replay has more or less than was granted."""
    places = sorted(
        place
        for place in replays.keys() | granted.keys()
        if replays[place] != granted[place]
    )
    would = np.array([replays[place] for place in places], dtype=np.int64)
    has = np.array([granted[place] for place in places], dtype=np.int64)
    words = [
        np.array([place[row] for place in places], dtype=object) for row in range(3)
    ]
    user, kind, name = words
    return {
        "user": user,
        "kind": kind,
        "name": name,
        "replayed": would,
        "granted": has,
        "difference": would - has,
    }
