"""What the guard of a contest promises."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from wxengage.campaigns.contests import Contest, VoteRule
from wxengage.campaigns.guard import RiskPolicy, vote_risk
from wxengage.campaigns.replaying import replay
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
AS_OF = OPENS + 15 * DAY
PHOTOS = Contest(
    "photos",
    prizes=(Cash(50_000),),
    votes=VoteRule(per_day=2),
    opens=OPENS,
    closes=OPENS + 14 * DAY,
)


def columns(
    rows: list[tuple[str, str, dt.datetime, str | None, str]],
) -> dict[str, Any]:
    """Return rows as a log."""
    user, kind, at, item, channel = zip(*rows, strict=True)
    naive = [one.replace(tzinfo=None) for one in at]
    return {
        "user": np.array(user, dtype=object),
        "kind": np.array(kind, dtype=object),
        "at": np.array(naive, dtype="datetime64[us]"),
        "item": np.array(item, dtype=object),
        "channel": np.array(channel, dtype=object),
    }


def log(rng: np.random.Generator, bought: str) -> dict[str, Any]:
    """Return a contest of 60 entries, one of which bought forty votes."""
    rows: list[tuple[str, str, dt.datetime, str | None, str]] = []
    for entry in range(60):
        rows.append((f"a{entry}", "submit", OPENS, f"p{entry}", f"da{entry}"))
        for vote in range(int(rng.integers(10, 60))):
            who = f"v{entry}-{vote}"
            at = OPENS + float(rng.random()) * 14 * DAY
            age = 0.5 * DAY if rng.random() < 0.1 else 90 * DAY
            home = rng.random() < 0.05
            rows.append((who, "follow", at - age, None, who))
            rows.append((who, "vote", at, f"p{entry}", f"home{entry}" if home else who))
    start = OPENS + 5 * DAY
    for vote in range(40):
        who = f"x{vote}"
        spread = 5 * dt.timedelta(minutes=1) if bought == "burst" else 8 * DAY
        at = start + float(rng.random()) * spread
        age = DAY if bought == "new" else 90 * DAY
        rows.append((who, "follow", at - age, None, who))
        rows.append((who, "vote", at, "p0", "farm" if bought == "farm" else who))
    return columns(rows)


@pytest.mark.parametrize(
    ("bought", "signal"),
    [("burst", "burst_votes"), ("new", "new_voters"), ("farm", "shared_votes")],
)
def test_bought_votes_are_found_by_what_they_have_in_common(
    bought: str, signal: str
) -> None:
    """The entry is held or for review, and all others pass, but for one at most."""
    source = log(np.random.default_rng(4), bought)

    risks = vote_risk(source, PHOTOS, as_of=AS_OF, device="channel", tz="UTC")

    found = risks.of("p0")
    assert signal in [one.name for one in found.signals]
    assert found.verdict in {"hold", "review"}
    assert (risks.columns()["verdict"] != "pass").sum() <= 2
    assert "votes" in found.explain("en")


def test_a_recount_says_what_is_left() -> None:
    """Without new accounts and shared devices; nothing is taken out by itself."""
    source = log(np.random.default_rng(4), "farm")
    risks = vote_risk(source, PHOTOS, as_of=AS_OF, device="channel", tz="UTC").columns()
    counted = replay(PHOTOS, source, as_of=AS_OF, tz="UTC").columns("entries")

    votes = dict(zip(risks["entry"], risks["votes"].tolist(), strict=True))
    assert votes == dict(zip(counted["entry"], counted["votes"].tolist(), strict=True))
    row = risks["entry"].tolist().index("p0")
    assert 39 <= risks["votes"][row] - risks["without"][row] <= 50
    assert (risks["without"] <= risks["votes"]).all()


def test_one_phone_may_vote_every_day() -> None:
    """A device is shared where another person used it before for the same entry."""
    events = [
        Event("submit", user="ada", at=OPENS, item="p", campaign="photos"),
        *(
            Event(
                "vote",
                user=user,
                at=OPENS + day * DAY,
                item="p",
                campaign="photos",
                channel="d",
            )
            for user, day in [("bo", 1), ("bo", 2), ("cy", 3)]
        ),
    ]

    found = vote_risk(events, PHOTOS, as_of=AS_OF, device="channel").columns()

    assert [1] == found["shared_votes_count"].tolist()
    assert [3] == found["shared_votes_of"].tolist()
    assert ([3], [2]) == (found["votes"].tolist(), found["without"].tolist())


def test_without_votes_there_is_nothing_to_say() -> None:
    """And what is no contest is refused."""
    empty: dict[str, list[Any]] = {"user": [], "kind": [], "at": [], "item": []}

    assert 0 == len(vote_risk(empty, PHOTOS, as_of=AS_OF, policy=RiskPolicy()))
    with pytest.raises(InvalidInputError, match="contest must be a Contest"):
        vote_risk(empty, "photos", as_of=AS_OF)  # type: ignore[arg-type]
