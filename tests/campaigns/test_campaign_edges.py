"""Campaigns at their edges: all kinds of rewards, latecomers, and nobody at all."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pyarrow as pa
import pytest

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.lottery import Prize, winning_odds
from wxengage.campaigns.contests.ranking import capped_votes, rank_entries
from wxengage.campaigns.facts import GRANTED, Fact
from wxengage.campaigns.folding import advance
from wxengage.campaigns.funnel import campaign_funnel
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.guard import Attack, Crowd, RiskPolicy, attack_profits
from wxengage.campaigns.guard.laws import pool_tails
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral, Requirement
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.states import State
from wxengage.campaigns.virality.trees import _refuse_two_inviters
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash, Coupon, Perk, Points, yuan

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.campaigns.standings import Standings

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LATER = OPENS + 100 * DAY
WRONG: Any = "wrong"
MISSING: Any = None
NO_PLACES = np.zeros(0, dtype=np.int64)
LADDER = Ladder({1: yuan("1"), 2: yuan("3")}, pays="total")
SPRING = Referral("spring", ladder=LADDER, opens=OPENS, closes=OPENS + 14 * DAY)
RECALL = Gift(
    "recall",
    reward=Coupon("987"),
    opens=OPENS,
    closes=OPENS + 30 * HOUR,
    claim_within=10 * HOUR,
)
PHOTOS = Contest(
    "photos",
    prizes=(Cash(500),),
    opens=OPENS,
    closes=OPENS + 14 * DAY,
    publishes=OPENS + 15 * DAY,
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
EMPTY: dict[str, list[Any]] = {name: [] for name in ("user", "kind", "at", "inviter")}


# --- rewards --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reward", "row", "zh", "en"),
    [
        (Cash(805), ("cash", "", 805), "8.05元", "8.05 yuan"),
        (Points(50), ("points", "", 50), "50积分", "50 points"),
        (Coupon("987"), ("coupon", "987", 1), "优惠券（987）", "coupon 987"),  # noqa: RUF001
        (Perk("vip"), ("perk", "vip", 1), "权益“vip”", "the perk 'vip'"),
    ],
)
def test_every_kind_of_reward_is_named_to_people_and_to_programs(
    reward: Any, row: tuple[str, str, int], zh: str, en: str
) -> None:
    """In both languages, and as the columns kind, name and amount."""
    referral = attrs.evolve(SPRING, ladder=Ladder([(1, reward)], pays="each"))
    standings = replay(referral, INVITES[:1], as_of=LATER)
    (fact,) = rows(standings, "rewards")
    (owed,) = rows(standings, "entitlements")

    assert row == (owed["kind"], owed["name"], owed["amount"])
    assert row == (fact["reward"], fact["name"], fact["amount"])
    assert zh in fact["zh"]
    assert en in fact["en"]


def test_entitlements_tell_the_level_they_are_from() -> None:
    """Of friends 1, of friends' friends 2; each by its own ladder."""
    second = Ladder([(1, Perk("vip"))], pays="each")
    deep = attrs.evolve(SPRING, depth=2, acknowledge_depth=True, second=second)

    found = rows(replay(deep, INVITES, as_of=LATER), "entitlements")

    assert [
        {"user": "ada", "level": 1, "kind": "cash", "name": "", "amount": 300},
        {"user": "ada", "level": 2, "kind": "perk", "name": "vip", "amount": 1},
        {"user": "bo", "level": 1, "kind": "cash", "name": "", "amount": 100},
    ] == found


def test_a_fact_speaks_the_language_one_asks_for() -> None:
    """Chinese unless English is wanted."""
    fact = Fact("joined", "spring", "ada", OPENS, "k", reason="new", zh="好", en="good")

    assert ("好", "good") == (fact.explain(), fact.explain("en"))


# --- gifts ----------------------------------------------------------------------------


def offer(user: str, hours: float, **more: Any) -> Event:
    """Return the message that offers the gift."""
    return event("deliver", user, hours, campaign="recall", **more)


def claim(user: str, hours: float) -> Event:
    """Return an attempt to redeem."""
    return event("redeem", user, hours, campaign="recall")


def test_follows_of_another_account_offer_nothing() -> None:
    """Where the gift is of one account; folded and replayed."""
    gift = attrs.evolve(RECALL, offered_on="follow", account="shop")
    events = [
        event("follow", "ada", 1, account="shop"),
        event("follow", "bo", 1, account="club"),
        event("follow", "cy", 1),
    ]
    state = gift.start()
    for one in events:
        state, _ = advance(state, one, gift)

    users = replay(gift, events, as_of=OPENS + 2 * HOUR).columns("users")
    assert ["ada"] == users["user"].tolist()
    assert ["offered"] == users["status"].tolist()
    assert ["ada"] == [tick.subject for tick in gift.due(state, LATER)]


def test_without_an_audience_every_message_is_an_offer() -> None:
    """And with one, a table that names no segments makes none."""
    narrow = attrs.evolve(RECALL, audience=("dormant",))
    table = {"user": ["ada"], "kind": ["deliver"], "at": [OPENS + HOUR]}

    assert 1 == len(replay(RECALL, table, as_of=LATER).columns("users")["user"])
    assert 0 == len(replay(narrow, table, as_of=LATER).columns("users")["user"])
    grouped = [offer("ada", 1, group="dormant"), offer("bo", 1, group="active")]
    users = replay(narrow, grouped, as_of=LATER).columns("users")
    assert ["ada"] == users["user"].tolist()


def test_who_comes_late_is_told_that_the_stock_is_gone() -> None:
    """The facts of a replay are those of folding, and only prizes are rewards."""
    gift = attrs.evolve(RECALL, stock=1)
    events = [
        offer("ada", 1),
        offer("bo", 1),
        offer("cy", 2),
        claim("bo", 3),
        claim("ada", 4),
    ]
    state, keys = gift.start(), set()
    for one in events:
        state, facts = advance(state, one, gift)
        keys |= {fact.key for fact in facts}
    (tick,) = gift.due(state, LATER)
    _, facts = advance(state, tick, gift)
    keys |= {fact.key for fact in facts}

    standings = replay(gift, events, as_of=LATER)

    assert [("bo", GRANTED)] == [
        (row["user"], row["kind"]) for row in rows(standings, "rewards")
    ]
    assert keys == {row["key"] for row in rows(standings, "facts")}
    told = {row["user"]: row["status"] for row in rows(standings, "users")}
    assert {"ada": "sold_out", "bo": "redeemed", "cy": "expired"} == told
    (refused,) = (row for row in rows(standings, "facts") if row["kind"] == "refused")
    assert ("ada", OPENS + 4 * HOUR) == (refused["user"], refused["at"])


def test_an_offer_that_is_taken_up_at_its_instant_is_no_news() -> None:
    """As by folding the claim first: it is theirs at once."""
    events = [claim("ada", 1), offer("ada", 1)]
    state = RECALL.start()
    folded: list[str] = []
    for one in events:
        state, facts = advance(state, one, RECALL)
        folded += [fact.kind for fact in facts]

    for order in (events, events[::-1]):
        found = rows(replay(RECALL, order, as_of=LATER), "facts")
        assert folded == [row["kind"] for row in found] == [GRANTED]


def test_offers_that_still_hold_are_not_due() -> None:
    """A tick comes at the instant an offer runs out, and not before."""
    state, _ = advance(RECALL.start(), offer("ada", 1), RECALL)

    assert () == RECALL.due(state, OPENS + 11 * HOUR - dt.timedelta.resolution)
    (tick,) = RECALL.due(state, OPENS + 11 * HOUR)
    assert ("ada", OPENS + 11 * HOUR) == (tick.subject, tick.at)
    state, _ = advance(state, tick, RECALL)
    assert () == RECALL.due(state, LATER)


# --- contests -------------------------------------------------------------------------


def test_votes_after_the_day_one_asks_about_are_left_out() -> None:
    """As if they were not there; the instant itself is included."""
    submit = event("submit", "ada", 0, item="p1", campaign="photos")
    votes = [event("vote", "bo", h, item="p1", campaign="photos") for h in (1, 30)]
    events = [submit, *votes]

    early = replay(PHOTOS, events, as_of=OPENS + HOUR)

    assert rows(replay(PHOTOS, events[:2], as_of=OPENS + HOUR), "entries") == rows(
        early, "entries"
    )
    assert [1] == early.columns("entries")["votes"].tolist()
    late = replay(PHOTOS, events, as_of=OPENS + 2 * DAY)
    assert [2] == late.columns("entries")["votes"].tolist()


def test_without_chance_a_ranking_has_no_intervals() -> None:
    """Nor viewers where nobody counted them."""
    ranking = rank_entries(["a", "b"], [1, 3])
    drawn = rank_entries(
        ["a", "b"], [1, 3], viewers=[9, 9], rng=np.random.default_rng(1)
    )

    assert ["rank", "entry", "score", "votes"] == list(ranking.columns())
    assert ["b", "a"] == ranking.columns()["entry"].tolist()
    assert {"best", "worst", "viewers"} < set(drawn.columns())


def test_clusters_are_known_unless_one_says_which_are() -> None:
    """Four votes of one device are two; entries without a vote have none."""
    entries, clusters = [0, 0, 0, 0, 1, 1], [7, 7, 7, 7, 1, 2]

    assert [2, 2, 0] == capped_votes(entries, clusters, size=3).tolist()
    assert [4, 2] == capped_votes(entries, clusters, known=[False] * 6).tolist()
    assert [] == capped_votes([], []).tolist()


def test_nearly_everybody_wins_with_the_same_odds() -> None:
    """Nine of ten, though it takes long until nine are served."""
    odds = winning_odds({f"u{n}": 1 for n in range(10)}, [Prize(Points(1), 9)])

    assert dict.fromkeys(odds, pytest.approx(0.9)) == odds


# --- nobody ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "campaign",
    [
        SPRING,
        attrs.evolve(SPRING, depth=2, acknowledge_depth=True, second=LADDER),
        RECALL,
        attrs.evolve(RECALL, audience=("dormant",), stock=1),
        PHOTOS,
        CheckIn("daily", opens=OPENS, closes=OPENS + 14 * DAY),
    ],
    ids=["referral", "two levels", "gift", "bounded gift", "contest", "check-in"],
)
def test_a_campaign_nobody_came_to_has_tables_without_rows(campaign: Any) -> None:
    """With all their columns, in a terminal and in a notebook too; days remain."""
    row = {"user": "ada", "kind": "read", "at": OPENS, "inviter": "bo"}
    row |= {"item": "p1", "campaign": "other"}
    for source in ([row], EMPTY, pa.Table.from_pylist([row])):
        standings = replay(campaign, source, as_of=LATER)

        for name in standings.tables:
            columns = standings.columns(name)
            if name == "survivors":
                assert [0] * 7 == columns["reached"].tolist()
            else:
                assert {0} == {len(column) for column in columns.values()}, name
        assert "user" in str(standings)
        assert "<table" in standings._repr_html_()
        assert f"<Standings of {campaign.id!r} at {LATER}>" == repr(standings)


def test_shares_of_nobody_are_unknown() -> None:
    """The three eases of a campaign without invites have no value, and print."""
    funnel = campaign_funnel(replay(SPRING, EMPTY, as_of=LATER))

    assert [0, 0, 0] == [funnel.join.n, funnel.spread.n, funnel.redeem.n]
    assert "易参与" in funnel._repr_html_()


# --- the guard ------------------------------------------------------------------------


def test_profits_of_attacks_print() -> None:
    """In a prompt, a terminal and a notebook; of two sizes, one is one attack."""
    profits = attack_profits(
        SPRING,
        fakes=(2, 3),
        identity_cost=10,
        rng=np.random.default_rng(4),
        attacks=(Attack("burst", within=HOUR),),
        attackers=2,
        crowd=Crowd(50),
    )

    assert "<Profits of 1 attacks>" == repr(profits)
    assert 2 == str(profits).count("burst")
    assert "<table" in profits._repr_html_()


def test_laws_that_go_to_and_fro_come_to_an_end() -> None:
    """Who is usual can depend on who is usual; the answer is still one for all."""
    count = np.array([49, 17, 22, 20, 44, 19, 5, 16, 26])
    of = np.array([58, 36, 35, 44, 56, 56, 58, 58, 39])
    everybody, policy = np.ones(9, dtype=np.bool_), RiskPolicy(false_share=0.4)

    tails = pool_tails(count, of, everybody, policy)

    assert 0 == tails.argmin()
    assert ((tails > 0) & (tails <= 1)).all()
    turned = pool_tails(count[::-1], of[::-1], everybody, policy)
    assert pytest.approx(tails) == turned[::-1]


# --- refusals -------------------------------------------------------------------------

FACT = Fact("joined", "spring", "ada", OPENS, "key", reason="new", zh="", en="")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Prize(WRONG, 1), "reward must be a reward, got 'wrong'; for example"),
        (lambda: attrs.evolve(FACT, zh=MISSING), "zh must be a text, got None"),
        (lambda: attrs.evolve(FACT, reward=Cash(5)), "in facts that are granted or"),
        (lambda: attrs.evolve(FACT, kind=GRANTED), "reward must be a reward in facts"),
        (lambda: attrs.evolve(FACT, other=" "), "other must be"),
        (lambda: State("spring", WRONG), "subjects must be a mapping, got 'wrong'"),
        (
            lambda: Requirement("account", (), unknown="accept"),
            "among must be a tuple of values, got ()",
        ),
        (
            lambda: attrs.evolve(SPRING, acknowledge_depth=WRONG),
            "acknowledge_depth must be True or False, got 'wrong'",
        ),
        (
            lambda: replay("spring", [], as_of=LATER),
            "campaign must be one of CheckIn, Contest, Gift, Referral, got 'spring'",
        ),
        (
            lambda: campaign_funnel(replay(RECALL, [], as_of=LATER)),
            "standings must be of a referral campaign",
        ),
        (
            # As many zeros as one likes, in the room of one.
            lambda: _refuse_two_inviters(
                np.broadcast_to(np.int64(0), 2**31), NO_PLACES, NO_PLACES
            ),
            "edges must be of at most 2,147,483,647 users, got 2147483648",
        ),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[], object], said: str) -> None:
    """With the field, what was got, and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
