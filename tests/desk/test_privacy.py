"""Somebody is introduced, erased and forgotten, and no fen moves."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.desk.desks import (
    DAY,
    HOUR,
    MERCHANT,
    OPENS,
    Clock,
    follow,
    opened,
    referral,
    scan,
    unfollow,
)
from wxengage.adapters.secret import Secret
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.delivery.payouts import bill_number
from wxengage.desk.erasing import Plan, taken_out
from wxengage.desk.pseudonyms import PERSONAL
from wxengage.desk.terms import Terms
from wxengage.errors import InvalidInputError
from wxengage.ledger.funding import SpendLimit
from wxengage.log.events import Event
from wxengage.money import Cash, yuan
from wxengage.sends import Send
from wxengage.stores.schema import TABLES
from wxengage.testing.provider import FaultyProvider
from wxengage.users import Choice, FollowSpan, User

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.desk.desk import Desk

KEY = bytes(range(32))
#: Names that occur in nothing else.
QUINN = "quinn-7f3a"
OPENID = "oQuinn-at-the-shop"
UNIONID = "uQuinn-everywhere"
NAMES = (QUINN, OPENID, UNIONID)


def friends(desk: Desk, inviter: str, count: int, at: dt.datetime, name: str) -> None:
    """Let so many friends scan an inviter's code and follow."""
    for row in range(count):
        friend = f"{name}-{row}"
        desk.record(
            Event(
                "scan",
                user=friend,
                at=at + row * HOUR,
                id=f"s-{name}-{row}",
                campaign="spring",
                inviter=inviter,
            )
        )
        desk.record(
            Event("follow", user=friend, at=at + row * HOUR, id=f"f-{name}-{row}")
        )


def provider_of(clock: Clock, **changes: Any) -> FaultyProvider:
    """Return a provider that pays and delivers, or fails as told."""
    told = {"rate": 0, "waits": 0} | changes
    return FaultyProvider(np.random.default_rng(7), clock, **told)


def pay(desk: Desk, provider: FaultyProvider) -> None:
    """Dispatch what is due."""
    for _ in range(3):
        desk.dispatch({"payout:cash": provider, "wecom": provider})


def introduce(desk: Desk) -> None:
    """Tell who Quinn is."""
    desk.introduce(User(QUINN, openids={"shop": OPENID}, unionid=UNIONID))


def busy(desk: Desk, clock: Clock) -> None:
    """Let Quinn invite, be invited, be paid, be written to, and vote."""
    limits = (SpendLimit("user", yuan("20")),)
    desk.publish(referral(), limits=limits)
    desk.publish(
        Contest(
            "photos",
            prizes=(Cash(yuan("5")),),
            votes=VoteRule(per_day=3),
            opens=OPENS,
            closes=OPENS + 14 * DAY,
        ),
        budget=yuan("10"),
    )
    introduce(desk)
    desk.record(scan(QUINN, "bo", OPENS + DAY))
    desk.record(follow(QUINN, OPENS + DAY))
    friends(desk, QUINN, 3, OPENS + 2 * DAY, "friend")
    for kind, user in (("submit", QUINN), ("vote", "bo"), ("vote", "friend-1")):
        at = OPENS + 3 * DAY
        desk.record(
            Event(
                kind,
                user=user,
                at=at,
                id=f"{kind}-{user[:2]}",
                campaign="photos",
                item=QUINN,
            )
        )
    desk.invite_code("spring", QUINN, carrier="wecom")
    desk.enqueue([Send("hello", QUINN, "wecom", "welcome")])
    pay(desk, provider_of(clock))


def mentions(desk: Desk, *names: str) -> dict[str, int]:
    """Return table -> rows in which one of the names still stands."""

    def work(tx: Any) -> dict[str, int]:
        found = {}
        for table in TABLES:
            count, after = 0, None
            places = TABLES[table].places(TABLES[table].key)
            while rows := tx.walk(table, after=after):
                for row in rows:
                    values = [value for value in row if isinstance(value, str)]
                    # Ids of events are the application's: see the docs of `erase`.
                    told = values[1:] if table == "event" else values
                    told = [one for one in told if not _is_event_id(one)]
                    count += any(name in one for name in names for one in told)
                after = tuple(rows[-1][place] for place in places)
            if count:
                found[table] = count
        return found

    return desk.store.run(work, write=False)


def _is_event_id(text: str) -> bool:
    return text.startswith(("scan-", "follow-"))


def states(desk: Desk) -> dict[str, str]:
    """Return number -> state of every payout."""
    table = desk.export("payouts").columns
    return dict(zip(table["number"], table["state"], strict=True))


def test_nothing_of_somebody_erased_is_left(desk: Desk, clock: Clock) -> None:
    """In no column and no state of any table, under none of their names."""
    busy(desk, clock)
    before = mentions(desk, *NAMES)
    assert {"alias", "balance", "code", "event", "fact", "letter"} <= before.keys()
    assert {"payout", "posting", "profile", "subject"} <= before.keys()
    erasure = desk.erase(QUINN, by="dpo", key=KEY)
    assert {} == mentions(desk, *NAMES)
    assert erasure.rows.keys() >= before.keys() - {"profile"}
    assert () == desk.audit()


def test_books_and_standings_do_not_change(desk: Desk, clock: Clock) -> None:
    """Sums, counts and ranks are what they were, under another name."""
    busy(desk, clock)
    money = str(desk.statement("spring"))
    ranks = desk.leaderboard("spring")
    numbers = states(desk)
    assert {"paid"} == set(numbers.values())
    erasure = desk.erase(QUINN, by="dpo", key=KEY)
    assert money == str(desk.statement("spring"))
    assert numbers == states(desk)
    after = desk.leaderboard("spring")
    assert [one.score for one in ranks.places] == [one.score for one in after.places]
    assert QUINN == ranks.places[0].user
    assert after.places[0].user is None
    replayed = desk.replay("spring", as_of=clock.at)
    assert erasure.pseudonym in replayed.columns("users")["user"].tolist()
    assert 0 == len(replayed.columns("difference")["user"])
    votes = desk.leaderboard("photos").places
    assert [(None, 2)] == [(one.user, one.score) for one in votes]


def test_a_pseudonym_is_what_its_page_says(desk: Desk, clock: Clock) -> None:
    """HMAC-SHA256 under the key, of purpose, time and name; by a plain recipe."""
    busy(desk, clock)
    erasure = desk.erase(QUINN, by="dpo", key=KEY)
    told = b"wxengage: erased\x000\x00" + QUINN.encode()
    digits = hmac.new(KEY, told, hashlib.sha256).hexdigest()[:32]
    assert f"#erased-{digits}" == erasure.pseudonym


def test_campaigns_go_on_without_the_name(desk: Desk, clock: Clock) -> None:
    """A friend who leaves is one invite less for a pseudonym, and nobody is paid."""
    busy(desk, clock)
    desk.erase(QUINN, by="dpo", key=KEY)
    receipt = desk.record(unfollow("friend-0", clock.at))
    assert ["revoked", "withdrawn"] == [fact.kind for fact in receipt.facts]
    assert all(fact.user.startswith("#erased-") for fact in receipt.facts)
    assert {"paid"} == set(states(desk).values())
    assert () == desk.audit()
    assert {} == mentions(desk, *NAMES)


def test_nobody_is_paid_in_the_name_of_a_pseudonym(desk: Desk, clock: Clock) -> None:
    """Friends of before may still come: their reward is called off, and nobody told."""
    desk.publish(referral())
    friends(desk, QUINN, 2, OPENS + 2 * DAY, "friend")
    desk.record(scan("late", QUINN, OPENS + 3 * DAY))
    desk.erase(QUINN, by="dpo", key=KEY)
    receipt = desk.record(follow("late", OPENS + 4 * DAY))
    assert ["qualified", "granted"] == [fact.kind for fact in receipt.facts]
    provider = provider_of(clock)
    pay(desk, provider)
    assert {} == provider.payments
    assert ["cancelled"] == list(states(desk).values())
    assert 0 == len(desk.export("letters"))
    assert () == desk.audit()


def test_the_name_is_not_in_the_bytes(tmp_path: Path, clock: Clock) -> None:
    """Neither the file nor its log has it, compacted or not."""
    path = tmp_path / "desk.db"
    with opened(f"sqlite:///{path}", clock) as desk:
        desk.backfill([])
        busy_without_ids(desk, clock)
        assert any(QUINN.encode() in each.read_bytes() for each in tmp_path.iterdir())
        desk.erase(QUINN, by="dpo", key=KEY)
        desk.compact()
    for each in tmp_path.iterdir():
        found = each.read_bytes()
        assert not [name for name in NAMES if name.encode() in found], each.name


def busy_without_ids(desk: Desk, clock: Clock) -> None:
    """Let Quinn do something; ids of events are not made of names."""
    desk.publish(referral())
    introduce(desk)
    friends(desk, QUINN, 3, OPENS + 2 * DAY, "friend")
    desk.record(Event("unfollow", user=QUINN, at=clock.at, id="e1", account="shop"))
    desk.enqueue([Send("hello", QUINN, "wecom", "welcome")])
    pay(desk, provider_of(clock))


def test_what_was_promised_is_called_off(desk: Desk, clock: Clock) -> None:
    """Money that nobody was asked for goes back to the budget, with its limit."""
    desk.publish(referral(), limits=(SpendLimit("user", yuan("20")),))
    introduce(desk)
    friends(desk, QUINN, 3, OPENS + 2 * DAY, "friend")
    (number,) = states(desk)
    erasure = desk.erase(QUINN, by="dpo", key=KEY)
    assert (number,) == erasure.called_off
    assert {number: "cancelled"} == states(desk)
    provider = provider_of(clock)
    pay(desk, provider)
    assert {} == provider.payments
    assert () == desk.audit()
    assert {} == mentions(desk, *NAMES)


@pytest.mark.parametrize("fault", ["processing", "closed_after"])
def test_no_erasure_while_money_may_arrive(
    desk: Desk, clock: Clock, fault: str
) -> None:
    """It is refused with the numbers, and nothing has changed."""
    desk.publish(referral())
    introduce(desk)
    friends(desk, QUINN, 3, OPENS + 2 * DAY, "friend")
    provider = provider_of(clock, rate=1, faults=(fault,))
    desk.dispatch({"payout:cash": provider})
    (number,) = states(desk)
    assert states(desk)[number] in {"accepted", "unknown"}
    before = mentions(desk, *NAMES)
    with pytest.raises(InvalidInputError, match=number) as caught:
        desk.erase(QUINN, by="dpo", key=KEY)
    assert QUINN not in str(caught.value)
    assert before == mentions(desk, *NAMES)
    assert () == desk.audit()


def test_a_reward_is_not_paid_again_to_who_comes_back(desk: Desk, clock: Clock) -> None:
    """The number of a reward outlives the name that it was made of."""
    desk.publish(referral())
    introduce(desk)
    friends(desk, QUINN, 3, OPENS + 2 * DAY, "friend")
    provider = provider_of(clock)
    pay(desk, provider)
    desk.erase(QUINN, by="dpo", key=KEY)
    friends(desk, QUINN, 3, OPENS + 4 * DAY, "other")
    pay(desk, provider)
    number = bill_number(MERCHANT, "spring", QUINN, "rung:3")
    assert [number] == list(provider.payments)
    assert {number: "paid"} == states(desk)
    assert () == desk.audit()
    desk.record(unfollow("other-0", OPENS + 5 * DAY))
    assert () == desk.audit()
    again = desk.erase(QUINN, by="dpo", key=KEY)
    assert {} == mentions(desk, *NAMES)
    assert () == desk.audit()
    assert again.pseudonym != desk.export("payouts").columns["user"][0]


def test_the_key_tells_who_was_here(desk: Desk, clock: Clock) -> None:
    """With it one can ask; without it, or with another, nobody can."""
    busy(desk, clock)
    assert desk.was_erased(QUINN, key=KEY) is None
    erasure = desk.erase(QUINN, by="dpo", key=Secret(KEY.hex()))
    assert desk.was_erased(QUINN, key=KEY) is None
    assert erasure.at == desk.was_erased(QUINN, key=KEY.hex().encode())


def test_erasing_twice_changes_nothing(desk: Desk, clock: Clock) -> None:
    """Nor does erasing somebody who was never here."""
    busy(desk, clock)
    first = desk.erase(QUINN, by="dpo", key=KEY)
    second = desk.erase(QUINN, by="dpo", key=KEY)
    assert (first.pseudonym, {}) == (second.pseudonym, dict(second.rows))
    assert {} == dict(desk.erase("nobody", by="dpo", key=KEY).rows)
    table = desk.export("decisions").columns
    told = zip(table["about"], table["what"], table["who"], strict=True)
    assert (first.pseudonym, "erase", "dpo") in set(told)


def test_others_keep_their_names(desk: Desk) -> None:
    """A name that is a part of another one, or a campaign's, is not touched."""
    desk.publish(referral())
    friends(desk, "spring", 3, OPENS + 2 * DAY, "spring-friend")
    friends(desk, "s", 3, OPENS + 3 * DAY, "friend-of-s")
    others = mentions(desk, "friend-of-s")
    desk.erase("spring", by="dpo", key=KEY)
    desk.erase("s", by="dpo", key=KEY)
    assert others == mentions(desk, "friend-of-s")
    assert ["spring"] == desk.export("facts").columns["campaign"].tolist()[:1]
    users = set(desk.export("facts").columns["user"].tolist())
    assert not users & {"s", "spring"}
    assert () == desk.audit()


def test_a_limit_for_one_user_is_renamed(desk: Desk) -> None:
    """A campaign's own terms may name somebody."""
    terms = Terms(limits=(SpendLimit("user", yuan("8"), only=QUINN),))
    desk.publish(referral(), terms=terms)
    desk.erase(QUINN, by="dpo", key=KEY)
    assert {} == mentions(desk, QUINN)


@pytest.mark.parametrize("key", [b"short", "text" * 20, None, Secret("short")])
def test_a_key_that_is_none_is_refused(desk: Desk, key: Any) -> None:
    """And not shown."""
    with pytest.raises(InvalidInputError, match="key") as caught:
        desk.erase(QUINN, by="dpo", key=key)
    assert "short" not in str(caught.value)
    assert "text" not in str(caught.value)


def test_what_is_told_meanwhile_is_found(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that others write between reading and changing go in another round."""
    busy(desk, clock)
    told = iter(range(2))
    before = type(desk)._taken_out

    def late(self: Desk, plan: Plan, found: Any, now: dt.datetime) -> Any:
        if next(told, None) is not None:
            friends(self, QUINN, 1, clock.at, f"late-{plan.to[-4:]}")
        return before(self, plan, found, now)

    monkeypatch.setattr(type(desk), "_taken_out", late)
    desk.erase(QUINN, by="dpo", key=KEY)
    assert {} == mentions(desk, *NAMES)
    assert () == desk.audit()


def test_a_reward_granted_meanwhile_stops_the_change(desk: Desk, clock: Clock) -> None:
    """A payout that waits is called off first, in a round of its own."""
    desk.publish(referral())
    friends(desk, QUINN, 3, OPENS + 2 * DAY, "friend")
    plan = Plan(QUINN, "#erased-0", "dpo", "asked")
    settings = desk._settings
    outcome = desk._do(lambda unit: taken_out(unit, settings, plan, {}, clock.at))
    assert outcome is None
    assert "#erased-0" not in desk.export("payouts").columns["user"].tolist()


def test_what_may_hold_a_name_is_looked_at() -> None:
    """Every table is either searched, or said to hold no names."""
    nameless = {"meta", "rules", "breaker", "freeze", "kept"}
    assert set(TABLES) == {*PERSONAL, *nameless}


def test_who_somebody_is_adds_up(desk: Desk) -> None:
    """Names, follows and choices of several tellings are one user's."""
    at = OPENS + DAY
    desk.introduce(
        User(
            QUINN,
            openids={"shop": OPENID},
            spans=(FollowSpan("shop", OPENS, at),),
            consents=(Choice("news", OPENS),),
            zone="Asia/Shanghai",
        )
    )
    merged = desk.introduce(
        User(
            QUINN,
            openids={"mini": "oMini"},
            unionid=UNIONID,
            spans=(FollowSpan("shop", at + DAY),),
            opt_outs=(Choice("news", at),),
            age_band="25-29",
        )
    )
    assert {"shop": OPENID, "mini": "oMini"} == merged.openids
    assert ("Asia/Shanghai", "25-29") == (merged.zone, merged.age_band)
    wanted = (FollowSpan("shop", OPENS, at), FollowSpan("shop", at + DAY))
    assert wanted == merged.spans
    assert merged.opted_out("news", at)
    assert merged == desk.introduce(User(QUINN))
    assert QUINN == desk.user_of("shop", OPENID) == desk.user_of("#unionid", UNIONID)
    assert desk.user_of("shop", "oMini") is None


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (User("bo", openids={"shop": OPENID}), "openids['shop']"),
        (User("bo", unionid=UNIONID), "unionid"),
        (User(QUINN, openids={"shop": "oAnother"}), "openids['shop']"),
        (User(QUINN, unionid="uAnother"), "unionid"),
        (User("#quinn"), "user.id"),
    ],
)
def test_a_name_of_two_people_is_refused(desk: Desk, other: User, name: str) -> None:
    """By name, and nothing of the second telling is kept."""
    introduce(desk)
    with pytest.raises(InvalidInputError) as caught:
        desk.introduce(other)
    assert name == caught.value.name
    assert desk.user_of("shop", OPENID) == QUINN
    assert desk.user_of("shop", "oAnother") is None


def test_old_events_go_and_what_makes_a_newcomer_stays(
    desk: Desk, clock: Clock
) -> None:
    """A like of long ago is forgotten; a follow of long ago is not."""
    past = OPENS - 500 * DAY
    desk.record(Event("like", user="ada", at=past, id="1"))
    desk.record(Event("follow", user="ada", at=past, id="2"))
    desk.record(Event("like", user="ada", at=OPENS, id="3"))
    found = desk.forget_before()
    assert (1, clock.at - dt.timedelta(days=400)) == (found.events, found.events_before)
    assert ["2", "3"] == sorted(desk.export("events").columns["id"].tolist())
    assert 1 == desk.forget_before(lasting=()).events


def test_what_a_campaign_reads_stays(desk: Desk, clock: Clock) -> None:
    """However old, until it closes; its facts and books stay for ever."""
    desk.publish(referral(newness="any"))
    friends(desk, QUINN, 3, OPENS + 2 * DAY, "friend")
    facts = len(desk.export("facts"))
    wanted = desk.leaderboard("spring")
    clock.at = OPENS + 10 * DAY
    assert 0 == desk.forget_before(clock.at, lasting=()).events
    assert wanted == desk.leaderboard("spring", at=clock.at)
    desk.close("spring", by="ops", reason="over")
    assert 6 == desk.forget_before(clock.at, lasting=()).events
    assert (0, facts) == (len(desk.export("events")), len(desk.export("facts")))
    assert wanted == desk.leaderboard("spring")
    assert () == desk.audit()


def test_old_messages_go_and_payouts_do_not(desk: Desk, clock: Clock) -> None:
    """Of the letters those that are over; what waits is still to go."""
    busy(desk, clock)
    desk.enqueue([Send("later", "bo", "mass", "later")])
    clock.at += 500 * DAY
    before = desk.export("letters").columns
    found = desk.forget_before()
    after = desk.export("letters").columns
    assert 1 == found.letters
    assert len(before["key"]) - 1 == len(after["key"])
    assert "welcome" not in after["message"].tolist()
    assert "later" in after["message"].tolist()


def test_many_events_of_one_instant_are_forgotten(desk: Desk) -> None:
    """Pages end where they must, also where what stays fills one."""
    past = OPENS - 500 * DAY
    kinds = ["follow"] * 1100 + ["like"] * 30
    desk.record_many(
        Event(kind, user=f"u{row}", at=past, id=f"{row:05}")
        for row, kind in enumerate(kinds)
    )
    assert 30 == desk.forget_before().events
    assert 1100 == len(desk.export("events"))


def test_nothing_is_forgotten_ahead(desk: Desk, clock: Clock) -> None:
    """The future is not old."""
    with pytest.raises(InvalidInputError, match="before"):
        desk.forget_before(clock.at + HOUR)
