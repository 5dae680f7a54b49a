"""Campaigns as they run (进行中的活动): definition, version, state and terms."""

from __future__ import annotations

import functools
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wxengage.codec.envelope import dump, load
from wxengage.errors import InvalidInputError, nearest, require_id
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.desk.terms import CampaignState, Terms
    from wxengage.desk.unit import Unit
    from wxengage.log.events import Event
    from wxengage.stores.schema import Key, Row

__all__ = [
    "Running",
    "anew",
    "keep",
    "keep_rules",
    "nobody_tells",
    "require_published",
    "require_running",
    "running",
    "takes",
    "telling",
]

# In so many lots those who tell events are drawn, so that they do not all wait.
_TELLERS: Final = 128
# Campaigns that are read at a time.
_PAGE: Final = 1000


class Running(NamedTuple):
    """A campaign that was published.

    Attributes
    ----------
    campaign
        Its definition, as of its latest version.
    version
        From 1; rises with each amendment of the definition.
    state
        Open, paused or closed.
    terms
        On which it pays.
    """

    campaign: Any
    version: int
    state: CampaignState
    terms: Terms


# A definition of a version never changes, so its text is read once.
@functools.lru_cache(maxsize=256)
def _read(text: str) -> Any:
    return load(text)


def running(unit: Unit) -> tuple[Running, ...]:
    """Return every campaign that was ever published, read once a transaction.

    Parameters
    ----------
    unit
        The transaction's rows.

    Returns
    -------
    tuple of Running
        By id.
    """
    return unit.once("running", lambda: _all(unit))


def _all(unit: Unit) -> tuple[Running, ...]:
    rows: list[Row] = []
    after: Key | None = None
    while True:
        page = unit.tx.walk("campaign", after=after, limit=_PAGE)
        rows += page
        if len(page) < _PAGE:
            break
        after = (str(page[-1][0]),)
    unit.load("rules", [(str(row[0]), int(row[2] or 0)) for row in rows])
    return tuple(_of(unit, row) for row in rows)


def _of(unit: Unit, row: Row) -> Running:
    name, state, version, _, _, terms = row
    rules = unit.get("rules", str(name), int(version or 0))
    if rules is None:
        raise InvalidInputError("campaign", name, f"kept with its rules {version}")
    return Running(_read(str(rules[3])), int(version or 0), state, _read(str(terms)))  # type: ignore[arg-type]  # as the schema has it


def require_running(unit: Unit, campaign: str) -> Running:
    """Return a campaign, read anew under its lock.

    Parameters
    ----------
    unit
        The transaction's rows.
    campaign
        Its id.

    Returns
    -------
    Running
        As it is now.

    Raises
    ------
    InvalidInputError
        If none of that id was published.
    """
    require_id("campaign", campaign)
    unit.lock([f"campaign:{campaign}"])
    unit.forget("campaign")
    row = unit.get("campaign", campaign)
    if row is None:
        known = ", ".join(one.campaign.id for one in running(unit)) or "none"
        rule = "the id of a published campaign"
        raise InvalidInputError("campaign", campaign, rule, f"there are: {known}")
    return _of(unit, row)


def require_published(unit: Unit, campaign: str) -> Running:
    """Return a campaign as it was when the transaction first looked.

    Parameters
    ----------
    unit
        The transaction's rows.
    campaign
        Its id.

    Returns
    -------
    Running
        To be looked at, not to be changed.

    Raises
    ------
    InvalidInputError
        If none of that id was published.
    """
    known = {one.campaign.id: one for one in running(unit)}
    if not isinstance(campaign, str) or campaign not in known:
        rule = "the id of a published campaign"
        hint = nearest(campaign, known) if known else "none was published"
        raise InvalidInputError("campaign", campaign, rule, hint)
    return known[campaign]


def anew(unit: Unit, one: Running) -> Running:
    """Return a campaign as it is now.

    To be called under a lock that whoever steers it takes too, its own or that of its
    books: it may have been paused, or resumed, since it was read.

    Parameters
    ----------
    unit
        The transaction's rows.
    one
        The campaign as it was read.

    Returns
    -------
    Running
        The same where nothing has changed.
    """
    unit.forget("campaign")
    row = unit.get("campaign", one.campaign.id)
    return one if row is None else _of(unit, row)


def telling(unit: Unit, name: str) -> None:
    """Note that an event is being told, before the campaigns are read.

    Whoever publishes one waits until this transaction ends: an event that did not see
    the campaign is then seen by it. Those who tell do not wait for each other, but
    for one in 128.
    """
    slot = zlib.crc32(name.encode()) % _TELLERS
    unit.once("telling", lambda: unit.lock([f"events:{slot}"]))


def nobody_tells(unit: Unit) -> None:
    """Wait until nobody tells an event, and let nobody begin to."""
    unit.lock(f"events:{slot}" for slot in range(_TELLERS))


def keep(unit: Unit, one: Running) -> None:
    """Write down how a campaign runs; its rules are written once a version."""
    campaign = one.campaign
    unit.put(
        "campaign",
        (
            campaign.id,
            one.state,
            one.version,
            micros("opens", campaign.opens),
            micros("closes", campaign.closes),
            dump(one.terms),
        ),
    )


def keep_rules(unit: Unit, one: Running, at: dt.datetime) -> None:
    """Write down the definition of a campaign's version."""
    row = (one.campaign.id, one.version, micros("at", at), dump(one.campaign))
    unit.put("rules", row)


def takes(one: Running, event: Event) -> bool:
    """Return whether an event comes early enough for a campaign that was closed."""
    closed = one.terms.closed_at
    return closed is None or micros("at", event.at) < micros("closed_at", closed)
