"""Whole courses of campaigns at the desk: what is granted is what a replay finds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.desk.desks import (
    DAY,
    HOUR,
    OPENS,
    Clock,
    follow,
    invited,
    opened,
    referral,
    scan,
    unfollow,
)
from tests.desk.senders import Scripted
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.findings import Override
from wxengage.desk.folding import folder_of
from wxengage.desk.running import require_published
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash, Coupon, Perk, Points, yuan

if TYPE_CHECKING:
    from wxengage.desk.desk import Desk
    from wxengage.desk.unit import Unit

ONE = Ladder({1: yuan("1")}, pays="total")


def differences(desk: Desk, campaign: str, clock: Clock) -> int:
    """Return in how many rewards the books and a replay of all events differ."""
    found = desk.replay(campaign, as_of=clock.at).columns("difference")
    return len(found["user"])


def owed(desk: Desk, user: str, campaign: str) -> dict[str, str]:
    """Return the rewards of somebody, and where they are."""
    rewards = desk.progress(user, campaign)[campaign].rewards
    return {one.reward_key: one.state for one in rewards}


# The end.


def test_a_campaign_is_prolonged_before_it_ends_and_not_after(
    desk: Desk, clock: Clock
) -> None:
    """What came after the end was judged by it; a new end would be unfair to that."""
    desk.publish(referral(ladder=ONE))
    clock.at = OPENS + 14 * DAY - HOUR
    longer = OPENS + 16 * DAY
    desk.amend("spring", by="lin", reason="rain", closes=longer)
    clock.at = OPENS + 15 * DAY
    desk.record_many(invited("ada", 1, OPENS + 14 * DAY + HOUR))
    assert {"rung:1": "reserved"} == owed(desk, "ada", "spring")
    for since in (-HOUR / 20, HOUR * 0, DAY):
        clock.at = longer + since
        with pytest.raises(InvalidInputError, match="when it ends"):
            desk.amend("spring", by="lin", reason="rain", closes=OPENS + 20 * DAY)
    desk.amend("spring", by="lin", reason="for the last", add_budget=yuan("5"))
    desk.record_many(invited("bob", 1, longer + HOUR))
    assert {} == owed(desk, "bob", "spring")
    assert 0 == differences(desk, "spring", clock)


def test_what_was_earned_before_a_campaign_was_closed_is_found_by_late_ticks(
    desk: Desk, clock: Clock
) -> None:
    """Holds end afterwards, late callbacks of before count, and later acts do not."""
    desk.publish(referral(ladder=ONE, hold=2 * DAY))
    clock.at = OPENS + 3 * DAY
    desk.record_many(invited("ada", 1, OPENS + 2 * DAY))
    desk.close("spring", by="lin", reason="enough")
    clock.at = OPENS + 10 * DAY
    desk.record_many(invited("bob", 1, OPENS + DAY))
    desk.record_many(invited("cleo", 1, OPENS + 4 * DAY))
    desk.record(unfollow("ada-friend-0", OPENS + 5 * DAY))
    desk.tick()
    states = [owed(desk, name, "spring") for name in ("ada", "bob", "cleo")]
    assert [{"rung:1": "reserved"}, {"rung:1": "reserved"}, {}] == states
    assert 0 == differences(desk, "spring", clock)
    assert () == desk.audit()


def test_a_subject_that_somebody_took_out_is_due_for_nothing(
    desk: Desk, clock: Clock
) -> None:
    """Erased between the look and the lock: the tick goes on with the others."""
    desk.publish(referral())

    def due(unit: Unit) -> tuple[Any, ...]:
        one = require_published(unit, "spring")
        return folder_of(unit, desk._settings, one).due("nobody", clock.at)

    assert () == desk._do(due)


# Of each kind.


def test_a_day_that_was_made_up_completes_a_streak(desk: Desk, clock: Clock) -> None:
    """The reward comes with the make-up, and is called off when that is undone."""
    week = CheckIn(
        "week",
        days=3,
        reward=Points(30),
        make_ups=1,
        opens=OPENS,
        closes=OPENS + 20 * DAY,
    )
    desk.publish(week)

    def act(kind: str, day: int, item: str | None = None) -> Event:
        at = OPENS + day * DAY + HOUR
        name = f"{kind}{day}{item}"
        return Event(kind, user="ada", at=at, id=name, campaign="week", item=item)

    desk.record_many([act("check_in", 0), act("check_in", 2)])
    assert {} == owed(desk, "ada", "week")
    missed = (OPENS + DAY).date().isoformat()
    (fact,) = desk.record(act("check_in", 3, missed)).facts[-1:]
    assert ("granted", Points(30)) == (fact.kind, fact.reward)
    assert ["reserved"] == list(owed(desk, "ada", "week").values())
    desk.record(act("void", 4, missed))
    assert ["cancelled"] == list(owed(desk, "ada", "week").values())
    assert 0 == differences(desk, "week", clock)
    assert () == desk.audit()


def test_the_prizes_of_a_contest_are_granted_when_its_results_are_due(
    desk: Desk, clock: Clock
) -> None:
    """Time alone does it, once; a dispatch pays, and what is void does not win."""
    art = Contest(
        "art",
        prizes=(Cash(500), Cash(300)),
        votes=VoteRule(per_day=2),
        opens=OPENS,
        closes=OPENS + 9 * DAY,
        publishes=OPENS + 10 * DAY,
    )
    desk.publish(art, budget=yuan("8"))
    at = OPENS + HOUR

    def act(kind: str, user: str, item: str) -> Event:
        name = f"{kind} {user} {item}"
        return Event(kind, user=user, at=at, id=name, campaign="art", item=item)

    desk.record_many(act("submit", f"a{row}", f"e{row}") for row in range(3))
    at += HOUR
    desk.record_many(act("vote", f"u{row}", "e1") for row in range(3))
    desk.record_many(act("vote", f"u{row}", "e0") for row in range(2))
    desk.record_many(act("vote", f"v{row}", "e2") for row in range(9))
    desk.record_many(act("void", f"v{row}", "e2") for row in range(9))
    assert OPENS + 10 * DAY == desk.next_due()
    clock.at = OPENS + 10 * DAY
    till = Scripted()
    assert {"paid": 2} == desk.dispatch({"payout:cash": till}).outcomes
    assert () == desk.tick()
    winners = {one.user: one.score for one in desk.leaderboard("art", top=2).places}
    assert {"a1": 3, "a0": 2} == winners
    assert (800, 0) == (
        desk.statement("art").lines[0].paid,
        desk.statement("art").lines[0].budget,
    )
    assert 0 == differences(desk, "art", clock)
    assert () == desk.audit()


def test_no_gift_goes_twice_however_many_ask_at_once(where: str, clock: Clock) -> None:
    """Ten there are, forty redeem in four threads, and ten have one each."""
    gift = Gift(
        "welcome",
        reward=Points(5),
        opens=OPENS,
        closes=OPENS + 30 * DAY,
        claim_within=30 * DAY,
        offered_on="follow",
        stock=10,
    )
    with opened(where, clock) as desk:
        desk.backfill([])
        signed = Override("WX-IND-002", "lin", "a welcome without conditions")
        desk.publish(gift, overrides=[signed])
        failed: list[BaseException] = []

        def ask(lot: int) -> None:
            try:
                for row in range(10):
                    name, at = f"u{lot}-{row}", OPENS + DAY
                    told: Any = {"user": name, "at": at + HOUR, "id": f"r {name}"}
                    desk.record(follow(name, at))
                    desk.record(Event("redeem", campaign="welcome", **told))
            except BaseException as error:  # noqa: BLE001  told below
                failed.append(error)

        threads = [threading.Thread(target=ask, args=(lot,)) for lot in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [] == failed
        assert {"paid": 10} == desk.dispatch({"payout:points": Scripted()}).outcomes
        assert 50 == desk.statement("welcome").lines[0].paid
        assert () == desk.audit()


def test_the_second_level_goes_with_the_first(desk: Desk, clock: Clock) -> None:
    """Friends of friends count while the friend does, and not longer."""
    deep = referral(
        ladder=ONE,
        second=Ladder({2: yuan("1")}, pays="total"),
        depth=2,
        acknowledge_depth=True,
    )
    desk.publish(deep)
    desk.record_many([scan("bob", "ada", OPENS), follow("bob", OPENS + HOUR)])
    for row in range(2):
        at = OPENS + (2 + row) * HOUR
        desk.record_many([scan(f"f{row}", "bob", at), follow(f"f{row}", at + HOUR / 2)])
    both = {"rung:1": "reserved", "second:2": "reserved"}
    assert both == owed(desk, "ada", "spring")
    desk.record(unfollow("bob", OPENS + DAY))
    assert dict.fromkeys(both, "cancelled") == owed(desk, "ada", "spring")
    assert 0 == differences(desk, "spring", clock)
    assert () == desk.audit()


@pytest.mark.parametrize(
    "reward", [Points(3), Coupon("9876543"), Perk("badge")], ids=str
)
def test_whatever_is_no_cash_leaves_by_its_own_channel(desk: Desk, reward: Any) -> None:
    """Made as it is promised, paid once, and the books know of it."""
    desk.publish(referral(ladder=Ladder({1: reward}, pays="total"), budget=None))
    desk.record_many(invited("ada", 1, OPENS))
    channel = f"payout:{type(reward).__name__.lower()}"
    till = Scripted()
    assert {channel: {"paid": 1}} == desk.dispatch({channel: till}).channels
    (line,) = desk.statement("spring").lines
    assert line.funded == line.paid > 0
    assert () == desk.audit()


def test_campaigns_whose_names_look_alike_are_apart(desk: Desk) -> None:
    """A case, a blank, an accent, or what another one's keys look like."""
    names = ("spring", "Spring", "spring ", "spr\u0131ng", "spring/ada", "#tick")
    for name in names:
        desk.publish(attrs.evolve(referral(ladder=ONE), id=name))
    event = scan("bob", "ada", OPENS)
    desk.record_many([attrs.evolve(event, campaign="Spring"), follow("bob", OPENS)])
    told = [one.campaign for one in desk.progress("ada").campaigns if one.rewards]
    assert ["Spring"] == told
    assert () == desk.audit()
