"""Whatever the events of a campaign lie in, the answer is the same."""

from __future__ import annotations

import datetime as dt
import random
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.replaying import replay
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.money import Coupon, yuan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wxengage.campaigns.standings import Standings

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LATER = OPENS + 100 * DAY
SPRING = Referral(
    "spring",
    ladder=Ladder({1: yuan("1"), 2: yuan("3")}, pays="total"),
    opens=OPENS,
    closes=OPENS + 14 * DAY,
)
WELCOME = Gift(
    "welcome",
    reward=Coupon("987"),
    opens=OPENS,
    closes=OPENS + 30 * HOUR,
    claim_within=10 * HOUR,
    offered_on="follow",
)


def event(kind: str, user: str, hours: float, **more: Any) -> Event:
    """Return an event so many hours after everything opened."""
    return Event(kind, user=user, at=OPENS + hours * HOUR, **more)


def came(user: str, inviter: str, hours: float) -> Event:
    """Return a follow by an invite."""
    return event("follow", user, hours, inviter=inviter, campaign="spring")


def rows(standings: Standings, table: str) -> list[dict[str, Any]]:
    """Return a table as rows."""
    found: list[dict[str, Any]] = standings.to_frame(table, like="records")
    return found


INVITES = [came("bo", "ada", 0), came("cy", "ada", 1), came("di", "bo", 2)]


def table_of(events: Sequence[Event]) -> dict[str, list[Any]]:
    """Return events as columns."""
    names = ("user", "kind", "at", "inviter", "campaign")
    return {name: [getattr(one, name) for one in events] for name in names}


class Export:
    """A table of an adapter."""

    def to_log_source(self) -> object:
        """Return the events that it stands for."""
        return table_of(INVITES)


@pytest.mark.parametrize(
    ("source", "frame"),
    [
        (pa.table(table_of(INVITES)), pa.Table),
        (pl.DataFrame(table_of(INVITES)), pl.DataFrame),
        (pd.DataFrame(table_of(INVITES)), pd.DataFrame),
        (tuple(INVITES), list),
        (Export(), dict),
    ],
    ids=["arrow", "polars", "pandas", "events", "adapter"],
)
def test_standings_come_as_the_kind_of_table_that_the_events_were(
    source: Any, frame: type
) -> None:
    """And are those of the events themselves."""
    expected = replay(SPRING, INVITES, as_of=LATER)
    found = replay(SPRING, source, as_of=LATER)

    for name in ("invites", "users", "entitlements", "rewards", "facts", "people"):
        assert rows(expected, name) == rows(found, name)
    for answer in (found.invites, found.users, found.entitlements, found.facts):
        assert isinstance(answer, frame)


def test_events_may_lie_in_parquet_files(tmp_path: Path) -> None:
    """One, several, or a folder of them, whatever else their columns are."""
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts"
    parts.mkdir()
    frame = pl.DataFrame({**table_of(INVITES), "note": ["x", "y", "z"]})
    frame.write_parquet(whole)
    frame[:1].drop("note").write_parquet(parts / "a.parquet")
    frame[1:].write_parquet(parts / "b.parquet")
    several = [parts / "a.parquet", str(parts / "b.parquet")]
    expected = rows(replay(SPRING, INVITES, as_of=LATER), "facts")

    for source in (whole, str(whole), parts, several):
        assert expected == rows(replay(SPRING, source, as_of=LATER), "facts")


def test_parquet_is_known_by_both_its_endings(tmp_path: Path) -> None:
    """As where logs are read; a file that is none is named."""
    frame = pl.DataFrame(table_of(INVITES))
    expected = rows(replay(SPRING, INVITES, as_of=LATER), "facts")
    for name in ("events.pq", "EVENTS.PARQUET"):
        frame.write_parquet(tmp_path / name)
        assert expected == rows(replay(SPRING, tmp_path / name, as_of=LATER), "facts")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not parquet at all")

    with pytest.raises(InvalidInputError, match=r"file broken\.parquet must be"):
        replay(SPRING, broken, as_of=LATER)


def test_a_campaign_column_of_numbers_is_refused() -> None:
    """The id of a campaign is text: 7 would silently match nothing."""
    table = table_of(INVITES) | {"campaign": [7] * len(INVITES)}

    with pytest.raises(InvalidInputError, match="campaign must be text, got 7"):
        replay(SPRING, table, as_of=LATER)


def test_files_of_other_kinds_are_refused_by_name(tmp_path: Path) -> None:
    """With what to do instead."""
    path = tmp_path / "events.csv"
    path.write_text("user,kind,at,inviter\n", encoding="utf-8")
    said = "source must be Parquet files, got 'events.csv'; read it with"

    with pytest.raises(InvalidInputError, match=re.escape(said)):
        replay(SPRING, path, as_of=LATER)


def test_a_log_serves_campaigns_without_inviters() -> None:
    """A gift's answers are those of the events, and an invite's are refused."""
    events = [event("follow", who, hour) for who, hour in (("bo", 3), ("ada", 1))]
    log = read_log(events)

    expected = rows(replay(WELCOME, events, as_of=LATER), "facts")
    assert ["offered", "offered", "expired", "expired"] == [r["kind"] for r in expected]
    assert expected == rows(replay(WELCOME, log, as_of=LATER), "facts")
    with pytest.raises(InvalidInputError, match="a Log keeps no inviters: hand in"):
        replay(SPRING, log, as_of=LATER)


def test_a_crowd_of_centuries_changes_nothing_about_others() -> None:
    """People and instants that fit into no number together are ranked instead."""
    dice = random.Random(5)  # noqa: S311  a test's dice
    names = [f"u{number}" for number in range(30)]
    story: list[Event] = []
    for _ in range(150):
        user, inviter = dice.sample(names, 2)
        hours = dice.uniform(-48, 400)
        story += [came(user, inviter, hours), event("unfollow", user, hours + 5)]
    story += story[:20]
    crowd = [
        event("follow", f"far{number}", 24 * 365 * years + number * 0.001234567)
        for number in range(1_200)
        for years in (-54, 170)
    ]
    expected = replay(SPRING, story, as_of=LATER)

    found = replay(SPRING, [*crowd, *story], as_of=OPENS + 173 * 365 * DAY)

    assert len(set(expected.columns("invites")["status"].tolist())) > 1
    for table in ("invites", "users"):
        assert rows(expected, table) == rows(found, table)
