"""Challenges on real messages: whose days they are decides who completes them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.folding import advance
from wxengage.campaigns.replaying import replay
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.money import Points
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from pathlib import Path

OPENS = dt.datetime(2004, 4, 1, tzinfo=dt.UTC)
CLOSES = dt.datetime(2004, 12, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("tz", ["Asia/Shanghai", "UTC", "America/Los_Angeles"])
def test_streaks_of_real_messages_are_those_of_their_dates(
    data_folder: Path, tz: str
) -> None:
    """Against dates of the standard library, the log's streaks, and folding."""
    path = data_folder / "collegemsg" / "CollegeMsg.txt"
    sender, _, second = np.loadtxt(path, dtype=np.int64).T
    clock = DayClock(tz)
    campaign = CheckIn(
        "chat", reward=Points(7), opens=OPENS, closes=CLOSES, clock=clock
    )
    table = {
        "user": sender,
        "kind": np.full(len(sender), "check_in", dtype=object),
        "at": second * 1_000_000,
    }
    as_of = dt.datetime(2004, 10, 26, 12, tzinfo=dt.UTC)
    found = replay(campaign, table, as_of=as_of, unit="us").columns("users")

    streaks = read_log(table, unit="us").streaks(as_of, clock=clock)
    for name, other in (("user", "user"), ("streak", "current"), ("longest",) * 2):
        assert streaks[other].tolist() == found[name].tolist()

    zone = ZoneInfo(tz)
    dates: dict[int, set[int]] = {}
    for who, when in zip(sender.tolist(), second.tolist(), strict=True):
        date = dt.datetime.fromtimestamp(when, zone).date()
        dates.setdefault(who, set()).add(date.toordinal())
    longest = []
    for who in sorted(dates):
        best = run = 0
        for day in range(min(dates[who]), max(dates[who]) + 1):
            run = run + 1 if day in dates[who] else 0
            best = max(best, run)
        longest.append(best)
    assert longest == found["longest"].tolist()
    assert [best >= 7 for best in longest] == found["completed"].tolist()

    state = campaign.start()
    for who, when in zip(sender[:3_000].tolist(), second[:3_000].tolist(), strict=True):
        at = dt.datetime.fromtimestamp(when, dt.UTC)
        event = Event("check_in", user=str(who), at=at, campaign="chat")
        state, _ = advance(state, event, campaign)
    part = {name: column[:3_000] for name, column in table.items()}
    users = replay(campaign, part, as_of=as_of, unit="us").columns("users")
    assert {
        str(who): best
        for who, best in zip(
            users["user"].tolist(), users["longest"].tolist(), strict=True
        )
    } == {who: campaign.progress(state, who, as_of).longest for who in state.subjects}


def test_who_completes_depends_on_whose_days_count(data_folder: Path) -> None:
    """One log, three zones, three answers: the zone is part of the rules."""
    path = data_folder / "collegemsg" / "CollegeMsg.txt"
    sender, _, second = np.loadtxt(path, dtype=np.int64).T
    table = {
        "user": sender,
        "kind": np.full(len(sender), "check_in", dtype=object),
        "at": second * 1_000_000,
    }
    completed = []
    for tz in ("Asia/Shanghai", "UTC", "America/Los_Angeles"):
        campaign = CheckIn(
            "chat",
            reward=Points(7),
            opens=OPENS,
            closes=CLOSES,
            clock=DayClock(tz),
        )
        users = replay(campaign, table, as_of=CLOSES, unit="us").columns("users")
        completed.append(int(users["completed"].sum()))
    assert [166, 174, 163] == completed
