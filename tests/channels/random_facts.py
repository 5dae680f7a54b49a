"""What may happen to a few users within weeks, at random (随机事件)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

from wxengage.channels.answers import ANSWERS
from wxengage.channels.catalog import CATALOG
from wxengage.channels.marks import Failure
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.sends import Sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.log.table import Log

Fact: TypeAlias = Event | Sent | Failure

START = dt.datetime(2026, 1, 31, 14, tzinfo=dt.UTC)
TEMPLATES = ("t1", "t2")
ACTS = ("message", "menu_click", "follow", "scan", "open", "unfollow")
CHANNELS = (*CATALOG, "sms")
_SECONDS = (1, 3, 5, 59, 60, 61, 3_600, 86_400, 172_800, 20 * 86_400)

users = st.sampled_from(["ada", "bo", "cy"])
ada = st.just("ada")
# Few instants, so that many things meet, and the ends of windows among them.
instants = st.builds(
    lambda seconds, n: START + dt.timedelta(seconds=seconds * n),
    st.sampled_from(_SECONDS),
    st.integers(0, 3),
)


@st.composite
def events(draw: st.DrawFn, who: st.SearchStrategy[str] = users) -> Event:
    """Return an act, a choice about a template, or a message that went."""
    user, at = draw(who), draw(instants)
    kind = draw(st.sampled_from([*ACTS, "subscribe", "decline", "deliver", "like"]))
    if kind == "deliver":
        channel = draw(st.sampled_from(CHANNELS))
        item = draw(st.sampled_from(TEMPLATES))
        return Event(kind, user=user, at=at, channel=channel, item=item)
    named = kind in {"subscribe", "decline"}
    item_or_none = draw(st.sampled_from([*TEMPLATES, None])) if named else None
    return Event(kind, user=user, at=at, item=item_or_none)


def messages(who: st.SearchStrategy[str] = users) -> st.SearchStrategy[Sent]:
    """Return messages that went."""
    return st.builds(
        Sent,
        who,
        instants,
        st.sampled_from(CHANNELS),
        message=st.sampled_from(TEMPLATES),
        key=st.sampled_from(["", "k1", "k2"]),
    )


def failures(who: st.SearchStrategy[str] = users) -> st.SearchStrategy[Failure]:
    """Return messages that were refused, with every code and an unknown one."""
    return st.builds(
        Failure,
        who,
        instants,
        st.sampled_from(CHANNELS),
        st.sampled_from([*ANSWERS, 12345]),
        message=st.sampled_from(TEMPLATES),
    )


def facts(who: st.SearchStrategy[str] = users) -> st.SearchStrategy[Fact]:
    """Return anything that can be folded in."""
    return st.one_of(events(who), messages(who), failures(who))


def log_of(rows: Sequence[Event]) -> Log:
    """Return events as a log."""
    names = ("user", "kind", "at", "item", "channel")
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    return read_log(columns, item="item", channel="channel")
