"""Whoever asks is told how far they are, why, and who is ahead; tables leave safely."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.terms import Milestone
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.desk.exporting import EXPORTS
from wxengage.desk.terms import Terms
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.money import Cash, Points, yuan
from wxengage.testing.provider import FaultyProvider

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from wxengage.desk.desk import Desk


def check_in(**changes: Any) -> CheckIn:
    """Return a challenge of seven days that pays points."""
    terms: dict[str, Any] = {
        "reward": Points(500),
        "milestones": (Milestone(3, Points(50)),),
        "opens": OPENS,
        "closes": OPENS + 30 * DAY,
    }
    return CheckIn("week", **(terms | changes))


def contest(**changes: Any) -> Contest:
    """Return a contest with two prizes."""
    terms: dict[str, Any] = {
        "prizes": (Cash(yuan("50")), Cash(yuan("20"))),
        "votes": VoteRule(per_day=3),
        "opens": OPENS,
        "closes": OPENS + 5 * DAY,
        "publishes": OPENS + 6 * DAY,
    }
    return Contest("photos", **(terms | changes))


def act(kind: str, user: str, campaign: str, at: dt.datetime, **more: Any) -> Event:
    """Return an event of a campaign."""
    told = "-".join([kind, user, campaign, f"{at:%d%H%M%S}", *map(str, more.values())])
    return Event(kind, user=user, at=at, id=told, campaign=campaign, **more)


def test_a_referral_tells_rung_rewards_and_what_is_missing(desk: Desk) -> None:
    """Three of six: the first reward is on its way, three more for the next."""
    desk.publish(referral())
    desk.record_many(invited("ada", 3, OPENS + DAY))
    found = desk.progress("ada")["spring"]
    assert (3, 3, Cash(yuan("7"))) == (found.count, found.needs, found.next)
    (owed,) = found.rewards
    assert ("rung:3", Cash(yuan("8")), "reserved") == (
        owed.reward_key,
        owed.reward,
        owed.state,
    )
    assert found.missing is not None
    assert "再邀请 3 位好友可得7.00元" == found.missing.zh
    assert "3 more for 7.00 yuan" == found.missing.en
    assert "8.00元：等待发放" in found.explain()  # noqa: RUF001  as people read it
    assert "8.00 yuan: to be paid" in found.explain("en")


def test_each_invite_says_why_it_stands_so(desk: Desk) -> None:
    """One that counts, one that left, one who scanned their own code."""
    desk.publish(referral())
    at = OPENS + DAY
    desk.record_many([scan("bo", "ada", at), follow("bo", at)])
    desk.record_many([scan("cy", "ada", at), follow("cy", at)])
    desk.record_many([scan("ada", "ada", at), scan("di", "ada", at)])
    desk.record(unfollow("cy", at + HOUR))
    lines = {line.other: line for line in desk.progress("ada")["spring"].lines}
    assert {"bo": "qualified", "cy": "revoked", "di": "pending", "ada": "refused"} == {
        other: line.status for other, line in lines.items()
    }
    assert ("left", "self") == (lines["cy"].reason, lines["ada"].reason)
    for line in lines.values():
        assert line.zh
        assert line.en
        assert line.zh in desk.progress("ada").explain("zh")
        assert line.en in desk.progress("ada").explain("en")


def test_a_reward_is_followed_to_the_end(desk: Desk, clock: Clock) -> None:
    """From its promise over claiming to the money."""
    desk.publish(referral(), terms=Terms(pays="on_claim"))
    desk.record_many(invited("ada", 3, OPENS + DAY))

    def owed() -> Any:
        (found,) = desk.progress("ada")["spring"].rewards
        return found

    assert ("held", "unclaimed") == (owed().state, owed().because)
    assert "待领取" in owed().explain()
    desk.claim("ada", owed().number)
    assert "reserved" == owed().state
    provider = FaultyProvider(np.random.default_rng(1), clock, rate=0, waits=0)
    desk.dispatch({"payout:cash": provider})
    assert "paid" == owed().state
    assert "8.00元：已发放" == owed().explain()  # noqa: RUF001  as people read it


def test_the_top_of_a_ladder_has_nothing_missing(desk: Desk) -> None:
    """Six of six."""
    desk.publish(referral())
    desk.record_many(invited("ada", 6, OPENS + DAY))
    found = desk.progress("ada")["spring"]
    assert (6, None, None, None) == (
        found.count,
        found.needs,
        found.next,
        found.missing,
    )
    assert ["rung:3", "rung:6"] == [one.reward_key for one in found.rewards]


def test_a_challenge_tells_the_streak(desk: Desk, clock: Clock) -> None:
    """Three days in a row: fifty points, and four to go."""
    desk.publish(check_in())
    for day in range(3):
        desk.record(act("check_in", "ada", "week", OPENS + day * DAY + HOUR))
    clock.at = OPENS + 2 * DAY + 2 * HOUR
    found = desk.progress("ada")["week"]
    assert (3, 4, Points(500)) == (found.count, found.needs, found.next)
    assert [Points(50)] == [one.reward for one in found.rewards]
    clock.at += 5 * DAY
    assert 0 == desk.progress("ada")["week"].count
    assert 3 == desk.progress("ada", now=OPENS + 2 * DAY + 2 * HOUR)["week"].count


def test_a_contest_tells_entries_and_votes(desk: Desk) -> None:
    """Each entry with its votes, and that it was withdrawn."""
    desk.publish(contest(), budget=yuan("70"))
    at = OPENS + HOUR
    desk.record(act("submit", "ada", "photos", at, item="cat"))
    desk.record(act("submit", "ada", "photos", at, item="dog"))
    desk.record(act("vote", "bo", "photos", at + HOUR, item="cat"))
    desk.record(act("withdraw", "ada", "photos", at + 2 * HOUR, item="dog"))
    found = desk.progress("ada", "photos")["photos"]
    assert 1 == found.count
    lines = {line.other: (line.status, line.reason) for line in found.lines}
    assert {
        "cat": ("entered", "submitted"),
        "dog": ("left", "withdrawn_by_author"),
    } == lines


def test_a_gift_tells_whether_it_waits(desk: Desk, clock: Clock) -> None:
    """To be taken, then taken."""
    gift = Gift(
        "welcome",
        reward=Points(10),
        opens=OPENS,
        closes=OPENS + 20 * DAY,
        claim_within=2 * DAY,
    )
    desk.publish(gift)
    desk.record(act("deliver", "ada", "welcome", clock.at - HOUR))
    found = desk.progress("ada")["welcome"]
    assert (0, 1, Points(10)) == (found.count, found.needs, found.next)
    desk.record(act("redeem", "ada", "welcome", clock.at))
    found = desk.progress("ada")["welcome"]
    assert (1, None) == (found.count, found.needs)
    assert [Points(10)] == [one.reward for one in found.rewards]


def test_of_nobody_there_is_nothing_to_tell(desk: Desk) -> None:
    """But of a campaign that is asked for, where one begins."""
    desk.publish(referral())
    assert () == desk.progress("zoe").campaigns
    assert not str(desk.progress("zoe"))
    found = desk.progress("zoe", "spring")["spring"]
    assert (0, 3, Cash(yuan("8"))) == (found.count, found.needs, found.next)
    with pytest.raises(KeyError):
        desk.progress("zoe")["spring"]
    with pytest.raises(InvalidInputError, match="did you mean 'spring'"):
        desk.progress("zoe", "sprong")


def boards(desk: Desk, campaign: str, at: dt.datetime) -> tuple[Any, Any]:
    """Return the places by subjects and by a replay."""
    now = desk.leaderboard(campaign, top=100)
    return now.places, desk.leaderboard(campaign, top=100, at=at).places


def test_who_got_there_first_is_ahead(desk: Desk, clock: Clock) -> None:
    """Of equals, by when the last invite began to count; restored ones count anew."""
    desk.publish(referral())
    desk.record_many(invited("bo", 2, OPENS + DAY))
    desk.record_many(invited("ada", 2, OPENS + 2 * DAY))
    desk.record_many(invited("cy", 3, OPENS + 3 * DAY))
    assert [("cy", 3), ("bo", 2), ("ada", 2)] == [
        (one.user, one.score) for one in desk.leaderboard("spring").places
    ]
    desk.record(unfollow("bo-friend-0", OPENS + 4 * DAY))
    desk.record(follow("bo-friend-0", OPENS + 5 * DAY))
    by_subject, by_replay = boards(desk, "spring", clock.at)
    assert ["cy", "ada", "bo"] == [one.user for one in by_subject]
    assert by_replay == by_subject
    assert [1, 2, 3] == [one.rank for one in by_subject]


def test_staff_keep_their_places_and_hide_their_names(desk: Desk) -> None:
    """Nobody moves up because a name is hidden."""
    desk.publish(referral())
    desk.record_many(invited("boss", 2, OPENS + DAY))
    desk.record_many(invited("ada", 1, OPENS + DAY))
    places = desk.leaderboard("spring", staff={"boss"}).places
    assert [(1, None, 2), (2, "ada", 1)] == [
        (one.rank, one.user, one.score) for one in places
    ]
    assert 1 == len(desk.leaderboard("spring", top=1))
    with pytest.raises(InvalidInputError, match="staff"):
        desk.leaderboard("spring", staff="boss")


def test_equal_streaks_share_a_rank(desk: Desk, clock: Clock) -> None:
    """A challenge has no rule by which equals differ."""
    desk.publish(check_in())
    for user, days in (("ada", 2), ("bo", 2), ("cy", 1)):
        for day in range(days):
            desk.record(act("check_in", user, "week", OPENS + day * DAY + HOUR))
    by_subject, by_replay = boards(desk, "week", clock.at)
    assert [(1, "ada", 2), (1, "bo", 2), (3, "cy", 1)] == [
        (one.rank, one.user, one.score) for one in by_subject
    ]
    assert by_subject == by_replay


def test_entries_are_ranked_by_votes(desk: Desk, clock: Clock) -> None:
    """Then by which was handed in first."""
    desk.publish(contest(), budget=yuan("70"))
    at = OPENS + HOUR
    for row, entry in enumerate(("cat", "ant", "bee")):
        user = f"author-{entry}"
        told = act("submit", user, "photos", at + row * HOUR, item=entry)
        desk.record(told)
    desk.record(act("vote", "bo", "photos", at + 4 * HOUR, item="bee"))
    by_subject, by_replay = boards(desk, "photos", clock.at)
    assert ["bee", "cat", "ant"] == [one.entry for one in by_subject]
    assert by_replay == by_subject


def test_nobody_is_ahead_in_a_gift(desk: Desk) -> None:
    """Everybody gets the same."""
    span = {"opens": OPENS, "closes": OPENS + 20 * DAY, "claim_within": 2 * DAY}
    gift = Gift("welcome", reward=Points(10), **span)  # type: ignore[arg-type]
    desk.publish(gift)
    with pytest.raises(InvalidInputError, match="campaign"):
        desk.leaderboard("welcome")


USERS = st.sampled_from(["ada", "bo", "cy", "di", "ed"])
STEPS = st.lists(
    st.tuples(USERS, USERS, st.sampled_from(["scan", "follow", "unfollow"])),
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_subjects_and_replay_agree_on_who_is_ahead(
    steps: list[tuple[str, str, str]],
) -> None:
    """Whatever people do: the order now is the order by the events alone."""
    clock = Clock(OPENS + 10 * DAY)
    with opened("memory://", clock) as desk:
        desk.backfill([])
        desk.publish(referral(reciprocal="allow"))
        for row, (user, inviter, kind) in enumerate(steps):
            at = OPENS + row * HOUR
            event = {
                "scan": scan(user, inviter, at),
                "follow": follow(user, at),
                "unfollow": unfollow(user, at),
            }[kind]
            desk.record(event)
        desk.tick()
        by_subject, by_replay = boards(desk, "spring", clock.at)
        assert by_replay == by_subject
        replayed = desk.replay("spring", as_of=clock.at)
        assert 0 == len(replayed.columns("difference")["user"])
        table = desk.export("invites").columns
        wanted = replayed.columns("invites")
        pairs = ("inviter", "invitee", "status", "reason")
        assert sorted(zip(*(wanted[name].tolist() for name in pairs), strict=True)) == (
            sorted(zip(*(table[name].tolist() for name in pairs), strict=True))
        )


def test_other_rules_say_what_would_have_been(desk: Desk, clock: Clock) -> None:
    """One yuan more, and the books know nothing of it."""
    desk.publish(referral())
    desk.record_many(invited("ada", 3, OPENS + DAY))
    money = str(desk.statement("spring"))
    rules = referral(ladder=Ladder({3: yuan("9"), 6: yuan("15")}, pays="total"))
    found = desk.replay("spring", as_of=clock.at, rules=rules).columns("difference")
    assert [("ada", "cash", 900, 800, 100)] == list(
        zip(
            *(
                found[name].tolist()
                for name in ("user", "kind", "replayed", "granted", "difference")
            ),
            strict=True,
        )
    )
    assert money == str(desk.statement("spring"))
    with pytest.raises(InvalidInputError, match="rules"):
        desk.replay("spring", as_of=clock.at, rules=check_in())


def test_a_replay_stops_where_a_campaign_was_closed(desk: Desk, clock: Clock) -> None:
    """What came after counts neither here nor there."""
    desk.publish(referral())
    desk.record_many(invited("ada", 2, OPENS + DAY))
    desk.close("spring", by="ops", reason="enough")
    clock.at += 2 * HOUR
    desk.record_many(
        [scan("late", "ada", clock.at - HOUR), follow("late", clock.at - HOUR)]
    )
    users = desk.replay("spring", as_of=clock.at).columns("users")
    assert [2] == users["counts"].tolist()
    assert 2 == desk.progress("ada")["spring"].count


@pytest.mark.parametrize("like", ["arrays", "records", "pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_tables_are_frames_of_every_kind(desk: Desk, name: str, like: str) -> None:
    """With as many rows as the store has, empty ones too."""
    if like in {"pandas", "polars", "pyarrow"}:
        pytest.importorskip(like)
    assert 0 == len(desk.export(name))
    desk.export(name, like=like)
    desk.publish(referral())
    desk.record_many(invited("ada", 3, OPENS + DAY))
    desk.pause("spring", by="ops", reason="a look")
    frame = desk.export(name, like=like)
    size = len(desk.export(name))
    first = next(iter(frame.values())) if isinstance(frame, dict) else frame
    assert size == len(first)
    assert size == {"letters": 1, "payouts": 1, "decisions": 1}.get(name, size)
    assert name in repr(desk.export(name))


def test_a_number_of_28_digits_stays_text(desk: Desk) -> None:
    """A float would have changed it."""
    number = "1234567890123456789012345678"
    desk.record(Event("like", user=number, at=OPENS, id=number))
    assert [number] == desk.export("events").columns["user"].tolist()
    assert [number] == [row["id"] for row in desk.export("events", like="records")]


RISKY = ["=1+1", "+8613", "-1", "@SUM(A1)", "\uff1d1", "123456789012345"]


def test_no_cell_of_a_csv_is_a_formula(desk: Desk, tmp_path: Path) -> None:
    """Led by an apostrophe; numbers and plain text are as they are."""
    for row, user in enumerate([*RISKY, "plain", "a=b"]):
        desk.record(Event("purchase", user=user, at=OPENS, id=f"e{row}", value=1.5))
    path = tmp_path / "events.csv"
    assert len(RISKY) + 2 == desk.export("events").write_csv(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    users = [row["user"] for row in sorted(rows, key=lambda row: row["id"])]
    assert [*(f"'{user}" for user in RISKY), "plain", "a=b"] == users
    assert {"1.5"} == {row["value"] for row in rows}
    assert {"2026-03-01T00:00:00.000000Z"} == {row["at"] for row in rows}


def test_an_unknown_table_is_named(desk: Desk) -> None:
    """With what was meant."""
    with pytest.raises(InvalidInputError, match="did you mean 'payouts'"):
        desk.export("payout")


def test_a_log_reads_a_desk(desk: Desk) -> None:
    """All events, whatever a page holds, in the order of time."""
    count = 5_003
    desk.record_many(
        Event(
            "like", user=f"u{row % 7}", at=OPENS + (row // 9) * HOUR / 60, id=str(row)
        )
        for row in range(count)
    )
    log = read_log(desk)
    assert count == len(log)
    source = desk.to_log_source()
    assert count == len(set(source["id"].tolist()))
    assert (np.diff(source["at"].astype(np.int64)) >= 0).all()


def test_an_empty_desk_is_an_empty_log(desk: Desk) -> None:
    """No events, and no error."""
    assert 0 == len(read_log(desk))
