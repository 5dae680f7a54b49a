"""What is told of a whole campaign, who answers for it, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.findings import SEVERITIES, Override
from wxengage.campaigns.policy.launch import Ask, Draw, Launch, Notice
from wxengage.campaigns.policy.linting import lint_campaign
from wxengage.campaigns.policy.reviews import Review, apply_overrides
from wxengage.campaigns.policy.terms import Terms, terms_of
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.channels.catalog import CATALOG
from wxengage.claims.figures import CHECK_IN_DAYS, REFERRAL_LADDER
from wxengage.codec import dump, load
from wxengage.money import Cash, Coupon, Perk, Points, Reward, yuan
from wxengage.rules.book import rulebook

if TYPE_CHECKING:
    from wxengage.campaigns.policy.launch import Act, Payout
    from wxengage.campaigns.referrals.campaign import Placement

TODAY = dt.date(2026, 11, 24)
DAY = dt.timedelta(days=1)
OPENS = dt.datetime(2026, 12, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
CLOSES = OPENS + 10 * DAY
TOLD = Launch(rules="凡注册满 3 位好友者得奖", min_age=14)
LADDER = Ladder(REFERRAL_LADDER, pays="total")
#: The article's three campaigns, as it tells them.
INVITES = Referral("invites", ladder=LADDER, opens=OPENS, closes=CLOSES)
STREAK = CheckIn(
    "streak", days=CHECK_IN_DAYS, reward=Points(70), opens=OPENS, closes=CLOSES
)
TOLD_NOWHERE = Launch()
PHOTOS = Contest("photos", prizes=(Perk("公众号曝光"),), opens=OPENS, closes=CLOSES)
REMINDED = (Notice("wecom_customer_task", text="今天还差一次打卡"),)
UNSAID = [
    ("warning", "CN-PROMO-001", "launch.rules"),
    ("note", "CN-PI-001", "launch.min_age"),
]


def gift(reward: Reward = Coupon("9876543"), **changes: Any) -> Gift:  # noqa: B008
    """Return a gift that a message brings, changed."""
    plain: dict[str, Any] = {"claim_within": 7 * DAY}
    return Gift("welcome", reward=reward, opens=OPENS, closes=CLOSES, **plain | changes)


def lint(campaign: Any, launch: Launch | None = None) -> list[tuple[str, str, str]]:
    """Return severity, rule and field of each finding."""
    return [
        (one.severity, one.rule_id, one.field)
        for one in lint_campaign(campaign, as_of=TODAY, launch=launch)
    ]


def test_the_articles_ladder_is_induced_sharing() -> None:
    """Cash for invites by a link in WeChat: the rule names it."""
    assert [
        ("error", "WX-IND-001", "placement"),
        ("warning", "WX-IND-002", "qualifies_on"),
        *UNSAID,
    ] == lint(INVITES)


def test_the_ladder_may_be_held_in_an_app_for_purchases() -> None:
    """The same ladder, the same amounts, nothing found."""
    mended = attrs.evolve(INVITES, placement="own_app", qualifies_on="purchase")

    assert LADDER == mended.ladder
    assert [] == lint(mended, TOLD)


def test_the_articles_check_in_is_at_fault_only_where_it_must_be_shared() -> None:
    """A reminder by WeCom is fine; a check-in that counts when shared is not."""
    reminded = Launch(notices=REMINDED)
    shared = attrs.evolve(reminded, asks=(Ask("share", "entry"),))

    assert UNSAID == lint(STREAK, reminded)
    assert [("error", "WX-IND-001", "launch.asks[0]"), *UNSAID] == lint(STREAK, shared)
    assert [] == lint(STREAK, attrs.evolve(TOLD, notices=REMINDED))


def test_the_articles_contest_is_at_fault_only_where_sharing_buys_votes() -> None:
    """Votes are fine; votes for shares, or for those who bring friends, are not."""
    bought = Launch(asks=(Ask("share", "votes"), Ask("help", "votes")))

    assert UNSAID == lint(PHOTOS)
    assert [
        ("error", "WX-IND-001", "launch.asks[0]"),
        ("error", "WX-IND-001", "launch.asks[1]"),
        *UNSAID,
    ] == lint(PHOTOS, bought)
    assert [] == lint(PHOTOS, TOLD)


def test_a_finding_is_told_whole_in_both_languages() -> None:
    """What, why, where, how, the rule, its source and its dates."""
    (one, *_) = lint_campaign(INVITES, as_of=TODAY)

    said = "whoever invites friends by a link in WeChat is given a reward"
    assert [
        f"[error] WX-IND-001: {said}",
        "  - ladder (pays=total): 3 -> 8.00元, 6 -> 15.00元",
    ] == one.explain("en").splitlines()[:2]
    assert [
        "[错误] WX-IND-001: 在微信内的链接中, 邀请好友可得奖励",
        "  - ladder (pays=total): 3 -> 8.00元, 6 -> 15.00元",
    ] == one.explain().replace("\uff0c", ", ").splitlines()[:2]
    assert "in force from: 2019-10-28" in one.explain("en")
    assert "生效: 2019-10-28" in one.explain("zh")
    assert "error WX-IND-001 placement: " in str(one)


def test_every_reward_is_shown_as_evidence() -> None:
    """Whoever reads a finding sees what is promised."""
    rungs: dict[int, int | Reward] = {
        1: Points(5),
        2: Coupon("77"),
        3: Perk("badge"),
        4: yuan("1"),
    }
    ladder = Ladder(rungs, pays="each", repeats=(2, Points(3)))
    (one, *_) = lint_campaign(attrs.evolve(INVITES, ladder=ladder), as_of=TODAY)

    said = "1 -> 5 points, 2 -> coupon 77, 3 -> perk 'badge', 4 -> 1.00元"
    assert (f"ladder (pays=each): {said}, +2 -> 3 points",) == one.evidence


def test_an_override_answers_for_a_finding_and_hides_nothing() -> None:
    """As many findings as before, as grave as before; one blocks no more."""
    findings = lint_campaign(INVITES, as_of=TODAY)
    lin = Override("WX-IND-001", "Lin", "sent one to one after a purchase")
    review = apply_overrides(findings, [lin])

    assert [1, 0] == [len(apply_overrides(findings, ()).blocking), len(review.blocking)]
    assert [one.severity for one in findings] == [
        one.severity for one in review.findings
    ]
    assert (lin,) == review.findings[0].overrides
    assert "Lin: sent one to one after a purchase" in review.findings[0].explain()
    assert "1 errors (0 blocking), 2 warnings, 1 notes" == str(review).splitlines()[0]


def test_an_override_may_be_about_one_field_and_an_unused_one_is_kept() -> None:
    """A signature for one thing does not cover another, nor does it vanish."""
    bought = Launch(asks=(Ask("share", "votes"), Ask("help", "votes")))
    findings = lint_campaign(PHOTOS, as_of=TODAY, launch=bought)
    narrow = Override("WX-IND-001", "Lin", "a test", field="launch.asks[0]")
    idle = Override("WX-IND-003", "Mo", "no mini program")
    review = apply_overrides(findings, (narrow, idle))

    assert ["launch.asks[1]"] == [one.field for one in review.blocking]
    assert (idle,) == review.unused
    assert "unused override: WX-IND-003, Mo" == str(review).splitlines()[-1]


OVERRIDES = st.builds(
    Override,
    st.sampled_from(["WX-IND-001", "WX-IND-002", "CN-PI-001", "X"]),
    st.sampled_from(["Lin", "Mo"]),
    st.just("why"),
    field=st.sampled_from([None, "placement", "launch.rules"]),
)


@given(st.lists(OVERRIDES, max_size=6), st.lists(OVERRIDES, max_size=6))
def test_overrides_add_up_in_any_order_and_take_nothing_away(
    some: list[Override], more: list[Override]
) -> None:
    """Signing twice is signing once; every signature is found again."""
    findings = lint_campaign(INVITES, as_of=TODAY)
    once = apply_overrides(findings, [*some, *more])
    twice = apply_overrides(apply_overrides(findings, some).findings, [*more, *some])
    kept = {who for one in once.findings for who in one.overrides} | set(once.unused)

    assert findings == tuple(attrs.evolve(one, overrides=()) for one in once.findings)
    assert set(some) | set(more) == kept
    assert [set(one.overrides) for one in once.findings] == [
        set(one.overrides) for one in twice.findings
    ]


ASKS = st.builds(
    Ask,
    st.sampled_from(["share", "invite", "help", "collect", "follow", "subscribe"]),
    st.sampled_from(["entry", "votes", "draws"]) | st.just(Points(1)),
)


@given(
    st.lists(ASKS, max_size=4),
    ASKS,
    st.sampled_from(["wechat_link", "mini_program", "wecom", "own_app", "offline"]),
)
def test_asking_for_more_never_finds_less(
    given_asks: list[Ask], ask: Ask, placement: Placement
) -> None:
    """Nobody mends a campaign by demanding something on top."""
    launch = attrs.evolve(TOLD, asks=tuple(given_asks), placement=placement)
    more = attrs.evolve(launch, asks=(*given_asks, ask))
    before, after = lint(STREAK, launch), lint(STREAK, more)

    assert set(before) <= set(after)
    assert after == sorted(after, key=lambda one: SEVERITIES.index(one[0]))


def paid_by_hand(amounts: list[int], bound: int | None) -> tuple[int, int]:
    """Pay one amount after another until the bound is met."""
    count, total = 0, 0
    for fen in amounts:
        if bound is not None and total >= bound:
            break
        count, total = count + 1, total + fen
    return count, total if bound is None else min(total, bound)


@given(
    st.dictionaries(st.integers(1, 20), st.integers(10, 5_000), min_size=1, max_size=8),
    st.none() | st.integers(0, 20_000),
    st.none() | st.integers(0, 20_000),
)
def test_the_busiest_day_is_what_paying_by_hand_gives(
    rungs: dict[int, int], cap: int | None, budget: int | None
) -> None:
    """All rungs may fall due on one day; the cap and the budget end it."""
    ladder = Ladder(sorted(rungs.items()), pays="each")
    campaign = attrs.evolve(INVITES, ladder=ladder, cap=cap, budget=budget)
    bound = min((one for one in (cap, budget) if one is not None), default=None)
    busiest = terms_of(campaign, TOLD_NOWHERE).busiest_day

    amounts = sorted(rungs.values())
    count, _ = paid_by_hand(amounts, bound)
    _, total = paid_by_hand(amounts[::-1], bound)

    assert (count, total) == busiest
    if bound is None and busiest is not None:
        assert ladder.entitlement(20) == busiest[1]


def test_the_busiest_day_of_a_challenge_knows_its_make_ups() -> None:
    """One count a day, and one more for each day that can be made up."""
    paid = attrs.evolve(STREAK, reward=Cash(300))
    cycles = attrs.evolve(paid, streak="cycle", days=2, make_ups=2)

    assert (1, 300) == terms_of(paid, TOLD).busiest_day
    assert (3, 900) == terms_of(cycles, TOLD).busiest_day
    assert (0, 0) == terms_of(attrs.evolve(paid, days=11), TOLD).busiest_day
    assert 10 == terms_of(paid, TOLD).days


def test_a_cap_does_not_hide_many_small_payments() -> None:
    """Eleven packets come before the large one that the cap cuts off."""
    small = {n: yuan("2") for n in range(1, 12)}
    ladder = Ladder({**small, 12: yuan("20")}, pays="each")
    campaign = attrs.evolve(INVITES, ladder=ladder, cap=yuan("22"))

    assert (11, yuan("22")) == terms_of(campaign, TOLD_NOWHERE).busiest_day


PIECES = ["最佳", "国家级", "追求最佳", "最佳赏味期", "国家级非遗", "面膜", "a\nb", ""]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_each_absolute_word_is_judged_where_it_stands(pieces: list[str]) -> None:
    """A word in an exemption does not excuse the next one."""
    copy = ("|".join(pieces),)
    bare = sum(piece in PIECES[:2] for piece in pieces)
    told = {
        one.reason: len(one.evidence)
        for one in lint_campaign(gift(), as_of=TODAY, launch=TOLD, copy=copy)
    }

    assert bare == told.get("absolute_words", 0)
    assert pieces.count("国家级非遗") == told.get("absolute_words_to_prove", 0)


def test_a_long_text_is_read_in_one_go() -> None:
    """A hundred thousand exempt words and one that is not."""
    copy = ("最佳赏味期, " * 100_000 + "最佳面膜",)
    (one,) = lint_campaign(gift(), as_of=TODAY, launch=TOLD, copy=copy)

    assert ("佳赏味期, 最佳面膜",) == tuple(text[-10:] for text in one.evidence)


def test_the_channel_that_carries_no_marketing_is_the_catalogs() -> None:
    """Two rooms speak of the same channel by the same name."""
    assert ("service",) == CATALOG["template_message"].carries


def test_without_an_end_there_is_no_busiest_day() -> None:
    """A ladder that repeats has no largest entitlement, unless it is capped."""
    endless = Ladder({1: 100}, pays="each", repeats=(1, 100))
    campaign = attrs.evolve(INVITES, ladder=endless)

    assert terms_of(campaign, TOLD_NOWHERE).busiest_day is None
    capped = attrs.evolve(campaign, cap=250)
    assert (3, 250) == terms_of(capped, TOLD_NOWHERE).busiest_day
    assert (0, 0) == Terms("own_app").busiest_day


def test_stale_rules_are_told_of_those_that_concern_the_campaign() -> None:
    """A check of exactly that age still counts; rules of other things do not."""
    book = rulebook(TODAY)
    checked = book["CN-PI-001"].checked_on
    within, beyond = (
        lint_campaign(gift(), as_of=checked + n * DAY, launch=TOLD) for n in (180, 181)
    )
    (text, *_) = (
        {
            one.rule_id
            for one in lint_campaign(
                gift(), as_of=checked + 400 * DAY, launch=TOLD, copy=("新品",)
            )
        },
    )

    assert () == within
    assert {("note", "rule_is_stale")} == {(one.severity, one.reason) for one in beyond}
    assert {"WX-IND-001", "WX-IND-002", "CN-PI-001", "CN-AD-001"} == {
        one.rule_id for one in beyond
    }
    assert text > {"CN-AD-001", "CN-AD-002", "CN-PROMO-001"}


def test_findings_launches_and_reviews_can_be_kept() -> None:
    """An audit trail that cannot be read again is none."""
    launch = Launch(
        placement="wechat_link",
        asks=(Ask("share", "votes"), Ask("follow", Cash(100))),
        notices=REMINDED,
        draw=Draw(top=100, odds="1/100", keep_years=2),
        min_age=18,
    )
    findings = lint_campaign(PHOTOS, as_of=TODAY, launch=launch)
    review = apply_overrides(findings, [Override("WX-IND-001", "Lin", "a test")])

    assert launch == load(dump(launch))
    assert review == load(dump(review))
    assert isinstance(load(dump(review)), Review)


def test_exemptions_hold_from_the_day_of_the_guide() -> None:
    """Before the guide of 2023, a tip on use was an absolute word like any other."""
    copy = ("最佳赏味期 30 天",)
    before, on = (
        {
            (one.rule_id, one.severity, one.reason)
            for one in lint_campaign(gift(), as_of=day, launch=TOLD, copy=copy)
        }
        for day in (dt.date(2023, 3, 19), dt.date(2023, 3, 20))
    )

    assert {("CN-AD-001", "warning", "absolute_words")} == before
    assert set() == on


@pytest.mark.parametrize("placement", ["own_app", "offline"])
@pytest.mark.parametrize("act", ["share", "invite", "help", "collect"])
def test_outside_of_wechat_its_rules_on_sharing_do_not_hold(
    placement: Placement, act: Act
) -> None:
    """The rules say where they hold."""
    launch = attrs.evolve(TOLD, asks=(Ask(act, "draws"),), placement=placement)

    assert [] == lint(STREAK, launch)


@pytest.mark.parametrize(
    ("payout", "count"), [("red_packet", 10), ("red_packet", 11), ("transfer", 11)]
)
def test_ten_red_packets_a_day_and_not_eleven(payout: Payout, count: int) -> None:
    """Transfers have no such number."""
    ladder = Ladder({n: yuan("2") for n in range(1, count + 1)}, pays="each")
    findings = lint_campaign(
        attrs.evolve(INVITES, ladder=ladder),
        as_of=TODAY,
        launch=attrs.evolve(TOLD, payout=payout),
    )
    many = "too_many_a_day" in {one.reason for one in findings}

    assert (payout == "red_packet" and count == 11) == many


def test_more_levels_than_the_rule_allows_are_an_error() -> None:
    """A stricter rule makes an error of what could be read either way."""
    book = rulebook(TODAY)
    strict = attrs.evolve(
        book["WX-DIST-001"], params={"max_levels": 1}, source="told by the platform"
    )
    one = attrs.evolve(INVITES, placement="own_app", qualifies_on="purchase")
    two = attrs.evolve(one, depth=2, acknowledge_depth=True, second=LADDER)
    mine = book.overlay([strict])

    assert [("error", "too_many_levels"), ("warning", "levels_unclear")] == [
        (found.severity, found.reason)
        for campaign in (two, one)
        for found in lint_campaign(campaign, as_of=TODAY, launch=TOLD, rulebook=mine)
    ]
