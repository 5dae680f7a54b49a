"""What triggers ask for is found in the store, and is sent once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.desks import (
    DAY,
    HOUR,
    OPENS,
    Clock,
    invited,
    opened,
    referral,
)
from tests.desk.senders import Scripted
from wxengage.desk.terms import Terms
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.pacing.quiet import QuietHours
from wxengage.plan.gating.gate import Gate
from wxengage.plan.scenes.plays import RECALL
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
)
from wxengage.plan.scenes.trigger import Step, Trigger
from wxengage.sends import Send
from wxengage.users import Account

if TYPE_CHECKING:
    from wxengage.desk.desk import Desk

SHOP = Account("shop", "service", "wx1234567890abcdef")
HI = Send("s1", "ada", "sms", "hi")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def acted(kind: str, user: str, at: dt.datetime, **more: Any) -> Event:
    """Return an event of a user."""
    return Event(kind, user=user, at=at, **more)


def days(count: float) -> dt.timedelta:
    """Return a number of days."""
    return count * DAY


CART = Trigger(
    "cart",
    Happened(("register",)),
    (Step("first_order", "sms", after=days(3)),),
    unless=("purchase",),
)


def test_a_reminder_is_put_in_once(where: str, clock: Clock) -> None:
    """Asked twice, and from two desks at once, an occasion is one letter."""
    with opened(where, clock, triggers=(CART,)) as desk:
        desk.record(acted("register", "ada", clock.at))
        desk.record(acted("register", "bo", clock.at))
        assert 0 == desk.remind().new
        clock.at += days(3)
        desk.record(acted("purchase", "bo", clock.at))
        assert 1 == desk.remind().new
        again = desk.remind()
        assert (0, 1) == (again.new, again.known)
        sender = Scripted()
        assert {"sent": 1} == desk.dispatch({"sms": sender}).outcomes
        assert (0, 1) == (desk.remind().new, desk.remind().known)
        clock.at += days(2)
        assert (0, 0) == (desk.remind().new, desk.remind().known)


def test_a_reminder_that_has_waited_goes_only_if_it_is_still_due(
    where: str, clock: Clock
) -> None:
    """Whoever has bought meanwhile is not reminded to buy."""
    clock.at = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)
    gate = Gate(quiet=(QuietHours("22:30", "08:00"),))
    with opened(where, clock, triggers=(CART,), gate=gate) as desk:
        for name in ("ada", "bo"):
            desk.record(acted("register", name, clock.at - days(3)))
        assert 2 == desk.remind().new
        assert {"held": 2} == desk.dispatch({"sms": Scripted()}).outcomes
        clock.at += 10 * HOUR
        desk.record(acted("purchase", "ada", clock.at))
        sender = Scripted()
        assert {"dropped": 1, "sent": 1} == desk.dispatch({"sms": sender}).outcomes
        assert 1 == len(sender.delivered)


def test_what_the_gate_drops_is_proposed_again(where: str, clock: Clock) -> None:
    """A user without an open window is reminded when there is one."""
    hello = Trigger("hi", Followed(), (Step("hi", "customer_message", after=HOUR),))
    with opened(where, clock, triggers=(hello,), accounts=(SHOP,)) as desk:
        desk.record(acted("register", "ada", clock.at))
        follows = Event("follow", user="ada", at=clock.at, account="shop")
        desk.record(follows)
        clock.at += 2 * HOUR
        told = desk.remind()
        assert (0, 1) == (told.new, told.dropped)
        desk.record(Event("message", user="ada", at=clock.at, account="shop"))
        assert 1 == desk.remind().new


SCENES: list[tuple[Trigger, list[tuple[str, float]], float, dict[str, str]]] = [
    (CART, [("register", 0)], 3, {}),
    (
        Trigger("f", Followed(), (Step("m", "sms", after=days(1), at="12:00"),)),
        [("follow", 0)],
        2,
        {},
    ),
    (
        Trigger(
            "f",
            Followed(),
            (Step("m", "sms", at="09:00", weekday=1, grace=days(1)),),
        ),
        [("follow", 0)],
        # NOON is on a Monday: the next one at nine in China is six and a half days on.
        6.6,
        {},
    ),
    (Trigger("s", Silent(days(30)), (Step("m", "sms"),)), [("like", 0)], 30, {}),
    (
        Trigger("s", Silent(days(30)), (Step("m", "sms", grace=None),)),
        [("like", 0)],
        300,
        {},
    ),
    (
        Trigger("c", StreakBreaking(2), (Step("m", "sms"),)),
        [("check_in", -0.2), ("check_in", 0.8)],
        2.05,
        {},
    ),
    (
        Trigger("b", Birthday(at="09:00"), (Step("m", "sms"),)),
        [],
        0,
        {"ada": "03-02"},
    ),
]


@pytest.mark.parametrize(("trigger", "told", "after", "birthdays"), SCENES)
def test_every_scene_is_found_in_the_store(
    trigger: Trigger,
    told: list[tuple[str, float]],
    after: float,
    birthdays: dict[str, str],
) -> None:
    """The users whose events make it due are asked, and nobody twice."""
    clock = Clock(NOON)
    with opened("memory://", clock, triggers=(trigger,)) as desk:
        for kind, when in told:
            clock.at = max(clock.at, NOON + days(when))
            desk.record(acted(kind, "ada", NOON + days(when)))
            desk.record(acted("read", "bo", clock.at - 400 * DAY, id=f"old{when}"))
        clock.at = NOON + days(after)
        assert 1 == desk.remind(birthdays=birthdays).new
        assert 0 == desk.remind(birthdays=birthdays).new
        assert {"sent": 1} == desk.dispatch({"sms": Scripted()}).outcomes


def test_what_users_hold_is_found_in_the_store() -> None:
    """A reply window that ends soon, and the last grant of a template."""
    closing = Trigger(
        "w", Expiring("reply_window", 2 * HOUR), (Step("m", "customer_message"),)
    )
    last = Trigger("g", RunningLow("grant"), (Step("n", "customer_message"),))
    clock = Clock(NOON)
    with opened("memory://", clock, triggers=(closing, last), accounts=(SHOP,)) as desk:
        desk.record(Event("message", user="ada", at=NOON, account="shop"))
        grant = Event("subscribe", user="ada", at=NOON, account="shop", item="t1")
        desk.record(grant)
        assert 1 == desk.remind().new
        clock.at += 47 * HOUR
        assert 1 == desk.remind().new


def test_a_reward_that_nobody_claims_is_reminded_of() -> None:
    """Rewards that wait for their user are held by the books."""
    soon = Trigger("r", Expiring("reward", DAY), (Step("m", "sms"),))
    clock = Clock(OPENS.replace(day=8))
    with opened("memory://", clock, triggers=(soon,)) as desk:
        desk.backfill([])
        desk.publish(referral(), terms=Terms(pays="on_claim", claim_within=3 * DAY))
        desk.record_many(invited("ada", 3, OPENS))
        assert 0 == desk.remind().new
        clock.at += 2 * DAY
        assert 1 == desk.remind().new


def test_a_remind_without_triggers_does_nothing(desk: Desk) -> None:
    """And birthdays that are none are refused."""
    assert (0, 0) == (desk.remind().new, desk.remind().known)
    with pytest.raises(InvalidInputError, match="a day of the year"):
        desk.remind(birthdays={"ada": "13-01"})


def test_the_plays_of_the_library_run_on_a_desk() -> None:
    """The recall of the article goes to whoever has been silent for thirty days."""
    clock = Clock(NOON)
    with opened("memory://", clock, triggers=(RECALL,)) as desk:
        desk.record(acted("like", "ada", NOON))
        clock.at += days(30.5)
        told = desk.remind()
        assert told.new + told.dropped >= 1
