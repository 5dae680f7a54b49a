"""Campaigns start checked and signed for, and change only as they may."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

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
)
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.findings import Override
from wxengage.desk.opening import open_desk
from wxengage.desk.terms import Terms
from wxengage.errors import InvalidInputError
from wxengage.ledger.funding import SpendLimit
from wxengage.ledger.states import State
from wxengage.log.events import Event
from wxengage.money import Points, yuan

if TYPE_CHECKING:
    from wxengage.desk.desk import Desk


def states(desk: Desk) -> list[str]:
    """Return the states of all payouts, sorted."""
    found = desk.store.run(lambda tx: tx.walk("payout"), write=False)
    return sorted(str(row[5]) for row in found)


def rows(desk: Desk, table: str) -> int:
    """Return how many rows a table has."""
    return desk.store.run(lambda tx: tx.count(table), write=False)


def test_an_error_of_the_lint_needs_somebody_who_answers_for_it(desk: Desk) -> None:
    """The article's ladder by a link in WeChat is refused, or signed for and kept."""
    by_link = referral(placement="wechat_link")
    with pytest.raises(InvalidInputError, match="WX-IND-001"):
        desk.publish(by_link)
    signed = Override("WX-IND-001", "lin", "an experiment with twenty friends")
    told = desk.publish(by_link, overrides=[signed])
    assert told.new
    assert "lin" in {one.by for finding in told.findings for one in finding.overrides}
    assert 1 == rows(desk, "decision")


def test_who_is_new_cannot_be_told_before_the_followers_are_known(
    where: str, clock: Clock
) -> None:
    """A newness rule would pay old followers as new; a rule without one does not."""
    with opened(where, clock) as desk:
        with pytest.raises(InvalidInputError, match="backfill"):
            desk.publish(referral())
        desk.publish(referral(newness="any"))


def test_cash_needs_a_merchant_and_points_do_not(where: str, clock: Clock) -> None:
    """Numbers of payouts are made of the merchant's; points have one of nobody's."""
    with open_desk(where, clock=clock, processes="one") as desk:
        desk.backfill([])
        with pytest.raises(InvalidInputError, match="merchant"):
            desk.publish(referral())
        points = Ladder({1: Points(50)}, pays="each")
        desk.publish(referral(ladder=points, budget=None))
        desk.record_many(invited("ada", 1, OPENS))
        assert ["reserved"] == states(desk)
        (line,) = desk.statement("spring").lines
        assert ("points", 50, 0, 50) == (
            line.unit,
            line.funded,
            line.budget,
            line.reserved,
        )
        assert () == desk.audit()


def test_publishing_the_same_again_changes_nothing_and_other_rules_are_refused(
    desk: Desk,
) -> None:
    """A campaign's rules are frozen with its id."""
    assert (True, False) == tuple(desk.publish(referral()).new for _ in range(2))
    (line,) = desk.statement("spring").lines
    assert yuan("100") == line.funded
    with pytest.raises(InvalidInputError, match="other rules"):
        desk.publish(referral(hold=DAY))


def test_what_happened_before_publishing_counts(desk: Desk) -> None:
    """Events of a campaign that came before it was published are caught up with."""
    desk.record_many(invited("ada", 3, OPENS))
    assert [] == states(desk)
    told = desk.publish(referral())
    assert 6 == told.caught_up
    assert ["reserved"] == states(desk)


def test_the_past_of_a_running_campaign_is_recorded_not_backfilled(
    desk: Desk,
) -> None:
    """What lies within a campaign counts, so bringing it in as past is refused."""
    desk.publish(referral())
    with pytest.raises(InvalidInputError, match=r"source\[0\]"):
        desk.backfill([follow("late", OPENS + HOUR)])
    assert 1 == desk.backfill([follow("early", OPENS - HOUR)]).new


def test_backfill_takes_what_read_log_takes(desk: Desk) -> None:
    """Columns and dictionaries of an old table are events of the past."""
    past = {
        "user": ["a", "b"],
        "kind": ["follow", "follow"],
        "at": [OPENS - DAY, OPENS - DAY],
    }
    assert 2 == desk.backfill(past).new
    dicts = [{"user": "a", "kind": "follow", "at": OPENS - DAY}]
    again = desk.backfill(dicts)
    assert (1, 0) == (again.events, again.new)
    desk.publish(referral())
    assert "not_new" == desk.record(scan("a", "ada", OPENS + HOUR)).reason


def test_an_amendment_only_favours_those_who_take_part(desk: Desk) -> None:
    """A later end and more budget; an earlier end is refused, and both are kept."""
    desk.publish(referral())
    later = OPENS + 20 * DAY
    assert 2 == desk.amend("spring", closes=later, by="lin", reason="rain").version
    with pytest.raises(InvalidInputError, match="later"):
        desk.amend("spring", closes=OPENS + 15 * DAY, by="lin", reason="tired")
    with pytest.raises(InvalidInputError, match="by"):
        desk.amend("spring", add_budget=100, by="", reason="nobody")
    assert (1, 2) == (rows(desk, "decision"), rows(desk, "rules"))


def test_a_paused_campaign_counts_and_pays_later(desk: Desk) -> None:
    """While it is paused rewards are held, and resumed they are set aside."""
    desk.publish(referral())
    desk.pause("spring", by="lin", reason="too many at once")
    desk.record_many(invited("ada", 3, OPENS))
    assert ["held"] == states(desk)
    assert 0 == rows(desk, "letter")
    desk.resume("spring", by="lin", reason="they are real")
    assert ["reserved"] == states(desk)
    assert () == desk.audit()


def test_a_closed_campaign_takes_nothing_later_and_pays_what_was_earned(
    desk: Desk, clock: Clock
) -> None:
    """Events from the closing on do not count; those before it do, told late too."""
    desk.publish(referral())
    desk.record_many(invited("ada", 2, OPENS))
    desk.close("spring", by="lin", reason="the budget is gone", now=clock.at)
    late = clock.at + dt.timedelta(minutes=1)
    assert () == desk.record(scan("x", "ada", late)).facts
    told_late = [scan("y", "ada", OPENS + DAY), follow("y", OPENS + DAY)]
    desk.record_many(told_late)
    assert ["reserved"] == states(desk)
    with pytest.raises(InvalidInputError, match="closed"):
        desk.resume("spring", by="lin", reason="again")


def test_a_campaign_nobody_published_is_named(desk: Desk) -> None:
    """A misspelt id is told with those that there are."""
    desk.publish(referral())
    with pytest.raises(InvalidInputError, match="spring"):
        desk.pause("sprung", by="lin", reason="a slip")


def test_claims_are_paid_once_and_in_time(desk: Desk, clock: Clock) -> None:
    """A reward on claim waits for its user, is paid once, and not after its time."""
    terms = Terms(pays="on_claim", claim_within=7 * DAY)
    desk.publish(referral(), terms=terms)
    desk.record_many([*invited("ada", 3, OPENS), *invited("bob", 3, OPENS)])
    assert ["held", "held"] == states(desk)
    found = desk.store.run(lambda tx: tx.walk("payout"), write=False)
    numbers = {str(row[2]): str(row[0]) for row in found}
    with pytest.raises(InvalidInputError, match="own"):
        desk.claim("bob", numbers["ada"])
    first, again = (desk.claim("ada", numbers["ada"]) for _ in range(2))
    assert first == again
    assert State.RESERVED is first.state
    clock.at += 7 * DAY
    with pytest.raises(InvalidInputError, match="claimed before"):
        desk.claim("bob", numbers["bob"])
    assert () == desk.audit()


def test_limits_hold_beside_the_budget(desk: Desk) -> None:
    """No more than eight yuan a day: the second reward of a day waits."""
    limit = SpendLimit("day", yuan("8"))
    desk.publish(referral(), limits=(limit,))
    desk.record_many([*invited("ada", 3, OPENS), *invited("bob", 3, OPENS)])
    assert ["reserved", "unfunded"] == states(desk)


def test_other_campaigns_run_beside_each_other(desk: Desk, clock: Clock) -> None:
    """A check-in and a gift read their own events, and the books stay apart."""
    week = CheckIn(
        "week", days=3, reward=Points(30), opens=OPENS, closes=OPENS + 30 * DAY
    )
    gift = Gift(
        "welcome",
        reward=Points(5),
        opens=OPENS,
        closes=OPENS + 30 * DAY,
        claim_within=7 * DAY,
        offered_on="follow",
    )
    desk.publish(week)
    signed = Override("WX-IND-002", "lin", "a welcome, no condition for following")
    desk.publish(gift, overrides=[signed])
    clock.at = OPENS + 5 * DAY
    desk.record(follow("ada", OPENS + HOUR))
    desk.record(
        Event("redeem", user="ada", at=OPENS + 2 * HOUR, id="r", campaign="welcome")
    )
    for day in range(3):
        at = OPENS + day * DAY + 3 * HOUR
        desk.record(Event("check_in", user="ada", at=at, id=f"c{day}", campaign="week"))
    assert ["reserved", "reserved"] == states(desk)
    assert [30] == [line.reserved for line in desk.statement("week").lines]
    assert [5] == [line.reserved for line in desk.statement("welcome").lines]
    assert () == desk.audit()
