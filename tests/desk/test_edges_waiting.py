"""Rewards that wait: for budget, for a claim, for a guard that answers oddly."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

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
from wxengage.campaigns.ladder import Ladder
from wxengage.delivery.payouts import Refused
from wxengage.desk.terms import Terms
from wxengage.errors import InvalidInputError
from wxengage.ledger.funding import SpendLimit
from wxengage.money import Points, yuan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.campaigns.facts import Fact
    from wxengage.delivery.payouts import Payout
    from wxengage.desk.desk import Desk
    from wxengage.desk.progressing import Owed
    from wxengage.log.events import Event

EACH = Ladder({1: yuan("1")}, pays="each")
ONE = Ladder({1: yuan("1")}, pays="total")
TO_CLAIM = Terms(pays="on_claim", claim_within=3 * DAY)


def rewards(desk: Desk, user: str = "ada") -> tuple[Owed, ...]:
    """Return what somebody was granted in the campaign."""
    return desk.progress(user)["spring"].rewards


def brought(count: int, first: int = 0) -> Iterator[Event]:
    """Yield that so many users bring a friend each."""
    for row in range(first, first + count):
        at = OPENS + dt.timedelta(minutes=row)
        yield scan(f"friend-{row:04}", f"user-{row:04}", at)
        yield follow(f"friend-{row:04}", at + dt.timedelta(seconds=1))


# To be claimed.


def test_a_reward_that_nobody_claims_in_time_is_called_off(
    desk: Desk, clock: Clock
) -> None:
    """The desk says when that is, tells the user so, and nobody claims it then."""
    desk.publish(referral(ladder=ONE), terms=TO_CLAIM)
    granted = clock.at
    desk.record_many(invited("ada", 1, OPENS))
    assert granted + 3 * DAY == desk.next_due()
    clock.at = granted + 3 * DAY - HOUR
    desk.tick()
    assert "1.00 yuan: to be claimed" == rewards(desk)[0].explain("en")
    clock.at = granted + 3 * DAY
    desk.tick()
    (owed,) = rewards(desk)
    assert ("cancelled", "not_claimed") == (owed.state, owed.because)
    assert "1.00 yuan: not claimed in time" == owed.explain("en")
    assert "1.00元：超时未领取" == owed.explain("zh")  # noqa: RUF001  Chinese
    assert owed.number is not None
    with pytest.raises(InvalidInputError, match="not_claimed"):
        desk.claim("ada", owed.number)
    due = desk.next_due()
    assert due is not None
    assert due > clock.at
    assert () == desk.audit()


def test_a_reward_that_was_claimed_or_held_by_a_guard_does_not_end(
    where: str, clock: Clock
) -> None:
    """Only what waits for its user is called off, each at its own time."""

    def guard(fact: Fact) -> str | None:
        return "look at it" if fact.user == "eve" else None

    with opened(where, clock, hold=guard) as desk:
        desk.backfill([])
        desk.publish(referral(ladder=ONE), terms=TO_CLAIM)
        for name in ("ada", "bob", "eve"):
            desk.record_many(invited(name, 1, OPENS))
        number = rewards(desk)[0].number
        assert number is not None
        desk.claim("ada", number)
        clock.at += 4 * DAY
        desk.tick()
        states = {name: rewards(desk, name)[0].state for name in ("ada", "bob", "eve")}
        assert {"ada": "reserved", "bob": "cancelled", "eve": "held"} == states


def test_no_claim_ends_while_nobody_can_claim(desk: Desk, clock: Clock) -> None:
    """Paused, nothing is lost: what was to be claimed waits anew afterwards."""
    desk.publish(referral(ladder=ONE), terms=TO_CLAIM)
    desk.record_many(invited("ada", 1, OPENS))
    number = rewards(desk)[0].number
    assert number is not None
    desk.pause("spring", by="lin", reason="looking")
    clock.at += 5 * DAY
    desk.tick()
    assert "unclaimed" == desk.claim("ada", number).because
    desk.resume("spring", by="lin", reason="looked")
    clock.at += 2 * DAY
    desk.tick()
    assert "reserved" == desk.claim("ada", number).state.value
    assert () == desk.audit()


def test_a_claim_that_ended_is_offered_again_with_the_reward(
    desk: Desk, clock: Clock
) -> None:
    """The friend leaves and comes back: the reward is earned anew, under its number."""
    desk.publish(referral(ladder=ONE), terms=TO_CLAIM)
    desk.record_many(invited("ada", 1, OPENS))
    clock.at += 3 * DAY
    desk.tick()
    desk.record(unfollow("ada-friend-0", clock.at))
    clock.at += HOUR
    desk.record(follow("ada-friend-0", clock.at))
    (owed,) = rewards(desk)
    assert ("held", "unclaimed") == (owed.state, owed.because)
    assert owed.number is not None
    assert 1 == desk.claim("ada", owed.number).payout.generation
    assert () == desk.audit()


def test_claims_end_also_where_the_clock_was_turned_back(
    desk: Desk, clock: Clock
) -> None:
    """A look that was too early does not make a later one blind."""
    desk.publish(referral(ladder=ONE), terms=TO_CLAIM)
    desk.record_many(invited("ada", 1, OPENS))
    clock.at += 3 * DAY
    desk.tick()
    clock.at -= 3 * DAY - HOUR
    desk.record_many(invited("bob", 1, OPENS))
    assert clock.at + 3 * DAY == desk.next_due()
    clock.at += 3 * DAY
    desk.tick()
    assert "cancelled" == rewards(desk, "bob")[0].state


# For budget.


def test_what_comes_back_goes_to_who_waits_however_many_do(
    desk: Desk, clock: Clock
) -> None:
    """One look at 450 who began to wait at one instant, and one yuan for one."""
    desk.publish(referral(ladder=ONE, budget=yuan("1")))
    desk.record_many(brought(1))
    desk.record_many(brought(450, first=1))
    clock.at += HOUR
    assert 450 == desk.health().payouts["unfunded"]
    (owed,) = rewards(desk, "user-0000")
    assert owed.number is not None
    desk.void(owed.number, by="lin", reason="a cheat")
    desk.tick()
    assert (449, 1) == (
        desk.health().payouts["unfunded"],
        desk.health().payouts["reserved"],
    )
    assert () == desk.audit()


def test_nobody_who_waits_is_passed_over_for_ever(desk: Desk, clock: Clock) -> None:
    """What is too little for the first 300 goes to the one behind them, in a while."""
    steps = Ladder({1: yuan("3"), 2: yuan("4")}, pays="total")
    desk.publish(referral(ladder=steps, budget=yuan("4")))
    desk.record_many(invited("ada", 2, OPENS))
    for row in range(300):
        clock.at += dt.timedelta(seconds=1)
        desk.record_many(brought(1, first=row))
    clock.at += HOUR
    desk.record_many(invited("cleo", 2, OPENS))
    assert 302 == desk.health().payouts["unfunded"]
    number = rewards(desk)[1].number
    assert number is not None
    desk.void(number, by="lin", reason="a cheat")
    for _ in range(3):
        desk.tick()
    states = [one.state for one in rewards(desk, "cleo")]
    assert ["unfunded", "reserved"] == states
    desk.amend("spring", by="lin", reason="for all", add_budget=yuan("1000"))
    assert 0 == desk.health().payouts["unfunded"]
    assert () == desk.audit()


def test_points_wait_for_the_next_day_where_a_limit_says_so(
    desk: Desk, clock: Clock
) -> None:
    """A limit of a day has room again the day after, also for what is not cash."""
    points = Ladder({1: Points(10)}, pays="total")
    limit = SpendLimit("day", 10, unit="points")
    desk.publish(referral(ladder=points, budget=None), limits=(limit,))
    desk.record_many(brought(3))
    told = []
    for _ in range(3):
        told.append(desk.health().payouts["unfunded"])
        clock.at += DAY
        desk.tick()
    assert [2, 1, 0] == told


def test_a_refused_payout_gives_its_money_to_who_waits(
    desk: Desk, clock: Clock
) -> None:
    """The next dispatch has it: nobody has to add a budget."""
    desk.publish(referral(ladder=ONE, budget=yuan("1")))
    desk.record_many(brought(2))

    def refused(payout: Payout, now: dt.datetime) -> Refused:
        assert now == clock.at
        return Refused(payout.number, "V2_ACCOUNT_SIMPLE_BAN", True, "suppress")

    assert {"refused": 1} == desk.dispatch(
        {"payout:cash": Scripted([refused])}
    ).outcomes
    clock.at += HOUR
    bank = Scripted()
    for _ in range(3):
        desk.dispatch({"payout:cash": bank})
        clock.at += HOUR
    assert 1 == len(bank.delivered)
    assert () == desk.audit()


# For a guard.


@pytest.mark.parametrize("said", ["paused", "unclaimed"])
def test_no_word_of_a_guard_lets_go_what_it_holds(
    where: str, clock: Clock, said: str
) -> None:
    """The desk's own words for other things are none of the guard's."""
    with opened(where, clock, hold=lambda _: said) as desk:
        desk.backfill([])
        desk.publish(referral(ladder=ONE))
        desk.record_many(invited("ada", 1, OPENS))
        desk.pause("spring", by="lin", reason="looking")
        desk.resume("spring", by="lin", reason="looked")
        (owed,) = rewards(desk)
        assert owed.number is not None
        assert "held" == desk.claim("ada", owed.number).state.value
        assert f"guard: {said}" == owed.because


@pytest.mark.parametrize("said", [True, 1, 0, b"no", ["no"], object()])
def test_a_guard_that_answers_with_no_reason_holds(
    where: str, clock: Clock, said: Any
) -> None:
    """Money goes only where the guard has said that it may."""
    with opened(where, clock, hold=lambda _: said) as desk:
        desk.backfill([])
        desk.publish(referral(ladder=ONE))
        desk.record_many(invited("ada", 1, OPENS))
        (owed,) = rewards(desk)
        assert "held" == owed.state
        assert owed.because.startswith("guard_failed: it answered with a")


def test_a_guard_that_is_down_stops_no_event_and_no_dispatch(
    where: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """What happened is kept, other letters go, and the reward waits for a person."""

    def down(fact: Fact) -> str:
        raise ConnectionError(fact.user)

    with opened(where, clock, hold=down) as desk:
        desk.backfill([])
        desk.publish(referral(ladder=ONE, hold=DAY))
        desk.record_many(invited("ada", 1, OPENS + 6 * DAY + 20 * HOUR))
        clock.at += 2 * DAY
        desk.dispatch({})
        (owed,) = rewards(desk)
        assert ("held", "guard_failed: ConnectionError") == (owed.state, owed.because)
        assert "ada" not in caplog.text
        assert owed.number is not None
        record = desk.release(owed.number, by="lin", reason="looked at it")
        assert "reserved" == record.state.value
        assert () == desk.audit()
