"""What happens in a simulated shop: a ladder, a challenge, and those who take part."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tests.torture.model import (
    ChallengeRules,
    LadderRules,
    owed_by_challenge,
    owed_by_ladder,
)
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.terms import Milestone
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.findings import Override
from wxengage.campaigns.policy.linting import lint_campaign
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.delivery.outbox.backoff import Backoff
from wxengage.delivery.outbox.policy import WECHAT_KEYS, OutboxPolicy
from wxengage.desk.settings import Settings
from wxengage.desk.terms import Terms
from wxengage.log.events import Event
from wxengage.money import Cash
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxengage.desk.desk import Desk

OPENS: Final = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
CLOSES: Final = OPENS + dt.timedelta(days=12)
HOLD: Final = dt.timedelta(hours=24)
REVOKE: Final = dt.timedelta(days=4)
RUNGS: Final = {2: 100, 3: 250}
DAYS: Final = {2: 60, 3: 150}
SETTINGS: Final = Settings(
    merchant="1900000109",
    outbox=OutboxPolicy(
        keyed=WECHAT_KEYS,
        backoff=Backoff(dt.timedelta(seconds=30), most=dt.timedelta(minutes=20)),
        attempts=6,
        trips_after=20,
        cooling=Backoff(dt.timedelta(seconds=30), most=dt.timedelta(minutes=10)),
    ),
)
LADDER: Final = Referral(
    "ladder",
    ladder=Ladder(RUNGS, pays="each"),
    opens=OPENS,
    closes=CLOSES,
    hold=HOLD,
    revoke_until=REVOKE,
    placement="own_app",
)
CHALLENGE: Final = CheckIn(
    "challenge",
    opens=OPENS,
    closes=CLOSES,
    days=3,
    reward=Cash(DAYS[3]),
    milestones=(Milestone(2, Cash(DAYS[2])),),
)


def start(desk: Desk, *, budget: int = 2_000) -> None:
    """Publish both campaigns; those who follow already have been brought in."""
    known = [
        Event("follow", user=f"old{row}", at=OPENS - dt.timedelta(days=9), id=f"o{row}")
        for row in range(3)
    ]
    desk.backfill(known, now=OPENS)
    desk.publish(LADDER, budget=budget, overrides=signed(LADDER), now=OPENS)
    terms = Terms(pays="on_claim")
    desk.publish(
        CHALLENGE,
        budget=budget,
        terms=terms,
        overrides=signed(CHALLENGE),
        now=OPENS,
    )


def signed(campaign: Any) -> tuple[Override, ...]:
    """Return that somebody answers for every error that the rules find."""
    found = lint_campaign(campaign, as_of=OPENS.date())
    rules = sorted({one.rule_id for one in found if one.severity == "error"})
    return tuple(Override(rule, "tester", "a test") for rule in rules)


def events(seed: int, count: int = 200) -> list[Event]:
    """Return what users do, in no order: come, leave, invite, check in, undo."""
    rng = np.random.default_rng([seed, 7])
    span = (CLOSES - OPENS).total_seconds()
    found = []
    for row in range(count):
        at = OPENS + dt.timedelta(seconds=float(rng.uniform(-3_600, span * 1.05)))
        at = at.replace(microsecond=0)
        if rng.random() < 0.7:
            found.append(_of_ladder(rng, f"e{row}", at))
        else:
            found.append(_of_challenge(rng, f"e{row}", at))
    return found


def _of_ladder(rng: np.random.Generator, name: str, at: dt.datetime) -> Event:
    who = int(rng.integers(60))
    user = f"old{who}" if who < 2 else f"u{who}"
    if rng.random() < 0.2:
        return Event("unfollow", user=user, at=at, id=name)
    inviter = None if rng.random() < 0.15 else f"u{int(rng.integers(2, 14))}"
    kind = "follow" if rng.random() < 0.9 else "scan"
    campaign = None if inviter is None else LADDER.id
    return Event(kind, user=user, at=at, id=name, inviter=inviter, campaign=campaign)


def _of_challenge(rng: np.random.Generator, name: str, at: dt.datetime) -> Event:
    user = f"c{int(rng.integers(9))}"
    # The first days are the busiest, or nobody would have three in a row.
    at = OPENS + (at - OPENS) / 2
    if rng.random() < 0.1:
        item = (at + dt.timedelta(hours=8)).date().isoformat()
        return Event(
            "void", user=user, at=at, id=name, campaign=CHALLENGE.id, item=item
        )
    return Event("check_in", user=user, at=at, id=name, campaign=CHALLENGE.id)


def ladder_rules(closes: dt.datetime = CLOSES) -> LadderRules:
    """Return the ladder as the model has it."""
    micro = dt.timedelta(microseconds=1)
    ends = micros("closes", closes)
    opens = micros("opens", OPENS)
    return LadderRules("ladder", opens, ends, HOLD // micro, REVOKE // micro, RUNGS)


def owed(
    stored: Iterable[dict[str, Any]], now: dt.datetime, closes: dt.datetime = CLOSES
) -> dict[tuple[str, str, str], int]:
    """Return what both campaigns owe, by the model; the ladder may end later."""
    rows = list(stored)
    opens, ends = micros("opens", OPENS), micros("closes", CLOSES)
    challenge = ChallengeRules("challenge", opens, ends, DAYS)
    return {
        **owed_by_ladder(ladder_rules(closes), rows, micros("now", now)),
        **owed_by_challenge(challenge, rows),
    }
