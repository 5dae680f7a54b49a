"""What a trigger proposes is what gate and planner take: the rooms fit together."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from wxengage.channels.catalog import CATALOG
from wxengage.channels.folding import advance as fold
from wxengage.channels.quotas import Quota
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.pacing.caps import Cap
from wxengage.pacing.quiet import QuietHours
from wxengage.plan.candidates import Candidates
from wxengage.plan.gating.gate import Gate
from wxengage.plan.gating.history import History
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.facts import Facts
from wxengage.plan.scenes.many import due_many
from wxengage.plan.scenes.plays import NEWCOMER, RECALL
from wxengage.plan.scenes.scene import Silent
from wxengage.plan.scenes.trigger import Step, Trigger
from wxengage.plan.solver import plan_sends
from wxengage.rules.book import rulebook
from wxengage.users import User, advance

NINE = dt.datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
FOLLOW = Event("follow", user="ada", at=NINE)
USER = advance(User("ada"), FOLLOW)
SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize("play", [NEWCOMER, RECALL], ids=lambda play: play.id)
def test_a_plays_channels_are_wechats_and_carry_its_messages(play: Trigger) -> None:
    """No play proposes what its channel may not carry."""
    for step in play.steps:
        assert step.category in CATALOG[step.channel].carries


def test_a_greeting_is_due_as_long_as_the_follow_opens_the_window() -> None:
    """The minute of the play is the minute of the platform's rule."""
    quota = fold(Quota("ada"), FOLLOW, rulebook(NINE.date()))
    facts = Facts("ada", events=(FOLLOW,))
    history = History(USER, "potential", quota=quota)

    (gift,) = due_triggers(NEWCOMER, facts, NINE)

    assert "send" == Gate().check(gift, history, NINE).action
    assert gift.expires is not None
    assert quota.may_send(gift, gift.expires - SECOND).yes
    assert not quota.may_send(gift, gift.expires).yes


def test_a_recall_waits_for_the_morning_and_not_beyond_its_grace() -> None:
    """Quiet hours move it; the exit takes it out of what is due by then."""
    like = Event("like", user="ada", at=NINE - dt.timedelta(days=31))
    facts, history = Facts("ada", events=(like,)), History(USER, "dormant")
    evening = NINE.replace(hour=20)
    back = Event("like", user="ada", at=evening + SECOND)

    (gift,) = due_triggers(RECALL, facts, evening)
    decision = Gate(quiet=(QuietHours("19:00", "08:00"),)).check(gift, history, evening)

    assert ("defer", NINE.replace(day=3, hour=8)) == (decision.action, decision.at)
    assert decision.at is not None
    assert (gift,) == due_triggers(RECALL, facts, decision.at)
    returned = Facts("ada", events=(like, back))
    assert () == due_triggers(RECALL, returned, decision.at)
    assert gift.expires is not None
    assert "expired" == Gate().check(gift, history, gift.expires).reason


def test_a_series_is_planned_like_any_other_candidates() -> None:
    """The planner chooses one of two that are due, within its hours."""
    scene, hour = Silent(dt.timedelta(days=7)), "20:00"
    two = Trigger(
        "two",
        scene,
        (
            Step("a", "wecom", at=hour, value=1.0),
            Step("b", "wecom", at=hour, value=2.0),
        ),
    )
    like = Event("like", user="ada", at=NINE - dt.timedelta(days=7))
    evening = NINE.replace(hour=20)
    due = due_many(two, read_log([like]), evening)

    plan = plan_sends(Candidates.from_sends(due.sends), (Cap(1),))

    assert ["a", "b"] == due.message.tolist()
    assert [("b", evening, due.sends[1].id)] == [
        (send.message, send.at, send.id) for send in plan.sends
    ]
