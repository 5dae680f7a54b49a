"""Each rule finds what it forbids, at its boundary and from its first day on."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import pytest

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.terms import Milestone
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.cases import Case
from wxengage.campaigns.policy.launch import Ask, Draw, Launch, Notice
from wxengage.campaigns.policy.linting import CHECKS, lint_campaign
from wxengage.campaigns.policy.sentences import FOUND
from wxengage.campaigns.policy.terms import terms_of
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.money import Cash, Coupon, Perk, Points, yuan
from wxengage.rules.book import Rulebook, rulebook

if TYPE_CHECKING:
    from wxengage.campaigns.policy.findings import Finding
    from wxengage.campaigns.referrals.campaign import Placement

TODAY = dt.date(2026, 11, 24)
DAY = dt.timedelta(days=1)
OPENS = dt.datetime(2026, 12, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
CLOSES = OPENS + 10 * DAY
#: A launch that says everything, so that nothing but the campaign is at fault.
TOLD = Launch(rules="凡注册满 3 位好友者得奖", min_age=14)
EIGHT = Ladder({3: yuan("8")}, pays="total")
BOOK = rulebook(TODAY)


def referral(**changes: Any) -> Referral:
    """Return a referral without a fault, changed."""
    plain: dict[str, Any] = {
        "placement": "own_app",
        "qualifies_on": "purchase",
        "ladder": EIGHT,
    }
    return Referral("spring", opens=OPENS, closes=CLOSES, **plain | changes)


def check_in(**changes: Any) -> CheckIn:
    """Return seven days of checking in for points, changed."""
    plain: dict[str, Any] = {"reward": Points(70)}
    return CheckIn("seven", opens=OPENS, closes=CLOSES, **plain | changes)


def contest(**changes: Any) -> Contest:
    """Return a contest whose best entry is shown, changed."""
    plain: dict[str, Any] = {"prizes": (Perk("shown in the account"),)}
    return Contest("photos", opens=OPENS, closes=CLOSES, **plain | changes)


def gift(**changes: Any) -> Gift:
    """Return a coupon that a message brings, changed."""
    plain: dict[str, Any] = {"reward": Coupon("9876543"), "claim_within": 7 * DAY}
    return Gift("welcome", opens=OPENS, closes=CLOSES, **plain | changes)


def told(**changes: Any) -> Launch:
    """Return the launch that says everything, changed."""
    return attrs.evolve(TOLD, **changes)


class Told(NamedTuple):
    """What a campaign is found to be guilty of."""

    rule: str
    severity: str
    reason: str
    campaign: Any
    launch: Launch = TOLD
    copy: tuple[str, ...] = ()
    field: str = ""


def cash(fen: int, **changes: Any) -> Gift:
    """Return a gift of so many fen."""
    return gift(reward=Cash(fen), **changes)


def packet(**changes: Any) -> Launch:
    """Return a launch that pays by red packets."""
    return told(payout="red_packet", **changes)


def asks(*given: Ask, placement: Placement = "wechat_link") -> Launch:
    """Return a launch that asks for something."""
    return told(asks=given, placement=placement)


def draws(**changes: Any) -> Launch:
    """Return a launch with a draw in order, changed."""
    plain: dict[str, Any] = {
        "top": 100,
        "odds": "1 of 100",
        "names_winners": True,
        "keep_years": 2,
    }
    return told(draw=Draw(**plain | changes))


ELEVEN = Ladder({n: yuan("2") for n in range(1, 12)}, pays="each")
ENDLESS = Ladder({1: 100}, pays="each", repeats=(1, 100))
OVER_ONE_DAY = Ladder(
    {**{n: yuan("200") for n in range(1, 11)}, 11: yuan("0.10")}, pays="each"
)
LINK: Placement = "wechat_link"
MINI: Placement = "mini_program"

CASES = [
    Told("WX-IND-001", "error", "rewards_invite", referral(placement=LINK)),
    Told("WX-IND-001", "warning", "rewards_invite", referral(placement="wecom")),
    *(
        Told("WX-IND-001", "error", f"asks_{act}", check_in(), asks(Ask(act, "entry")))
        for act in ("share", "invite", "help", "collect")
    ),
    Told("WX-IND-001", "error", "asks_share", contest(), asks(Ask("share", "votes"))),
    Told(
        "WX-IND-001",
        "warning",
        "copy_rewards_sharing",
        check_in(),
        copy=("打卡七天得积分", "分享到朋友圈即可领取红包"),
        field="copy[1]",
    ),
    Told("WX-IND-002", "error", "rewards_follow", gift(offered_on="follow")),
    Told("WX-IND-002", "error", "asks_follow", contest(), asks(Ask("follow", "entry"))),
    Told("WX-IND-002", "warning", "follow_counts", referral(qualifies_on="follow")),
    Told(
        "WX-IND-002",
        "warning",
        "follow_gates",
        contest(votes=VoteRule(min_account_age=DAY)),
    ),
    Told(
        "WX-IND-002",
        "warning",
        "copy_rewards_following",
        referral(),
        copy=("关注公众号才能参与",),
        field="copy[0]",
    ),
    Told(
        "WX-IND-003",
        "error",
        "asks_share",
        check_in(),
        asks(Ask("share", Points(1)), placement=MINI),
    ),
    Told("WX-IND-003", "warning", "rewards_invite", referral(placement=MINI)),
    Told(
        "WX-IND-003",
        "warning",
        "copy_rewards_sharing",
        check_in(),
        told(placement=MINI, rules="集赞满 30 个有奖"),
        field="launch.rules",
    ),
    Told(
        "WX-SUB-003",
        "error",
        "asks_subscribe",
        check_in(),
        asks(Ask("subscribe", Coupon("1")), placement="own_app"),
    ),
    Told(
        "WX-DIST-001",
        "warning",
        "levels_unclear",
        referral(depth=2, acknowledge_depth=True, second=EIGHT),
    ),
    Told("WX-RP-001", "warning", "payment_too_small", cash(99), packet()),
    Told("WX-RP-001", "warning", "payment_too_large", cash(20_001), packet()),
    Told("WX-RP-002", "warning", "too_many_a_day", referral(ladder=ELEVEN), packet()),
    Told(
        "WX-RP-002",
        "warning",
        "too_much_a_day",
        referral(ladder=Ladder(dict.fromkeys(range(1, 10), 12500), pays="each")),
        packet(),
    ),
    Told("WX-RP-002", "note", "no_end", referral(ladder=ENDLESS), packet()),
    Told(
        "WX-RP-002",
        "warning",
        "budget_too_large",
        referral(budget=10 * 100_000_000 + 1),
        packet(),
    ),
    Told("WX-RP-005", "note", "closed_to_new_merchants", cash(100), packet()),
    Told("WX-TRF-002", "warning", "payment_too_small", cash(9)),
    Told("WX-TRF-002", "warning", "payment_too_large", cash(20_001)),
    Told("WX-TRF-002", "warning", "too_much_a_day", referral(ladder=OVER_ONE_DAY)),
    Told("WX-TRF-002", "note", "no_end", referral(ladder=ENDLESS)),
    Told(
        "WX-TRF-002",
        "warning",
        "budget_too_large",
        referral(budget=10 * 5_000_000 + 1),
    ),
    Told(
        "WX-TPL-001",
        "error",
        "marketing_by_template",
        check_in(),
        told(notices=(Notice("wecom_customer_task"), Notice("template_message"))),
        field="launch.notices[1].channel",
    ),
    Told(
        "WX-TPL-001",
        "warning",
        "template_promotes",
        check_in(),
        told(notices=(Notice("template_message", "service", "您有红包待领"),)),
        field="launch.notices[0].text",
    ),
    Told("CN-PROMO-001", "warning", "no_rules", gift(), told(rules=" \n")),
    Told("CN-LOT-001", "error", "prize_too_large", gift(), draws(top=5_000_001)),
    Told(
        "CN-LOT-001",
        "warning",
        "contest_prize_large",
        contest(prizes=(Points(1), Cash(5_000_001))),
        told(payout="none"),
        field="prizes[1]",
    ),
    Told("CN-LOT-002", "error", "no_odds", gift(), draws(odds="  ")),
    Told(
        "CN-LOT-002",
        "error",
        "winners_not_named",
        gift(),
        draws(top=50_001, names_winners=False),
    ),
    Told("CN-LOT-002", "error", "records_too_short", gift(), draws(keep_years=1)),
    Told("CN-AD-001", "warning", "absolute_words", gift(), copy=("最佳面膜",)),
    Told(
        "CN-AD-001",
        "note",
        "absolute_words_to_prove",
        gift(),
        copy=("国家级非遗工艺",),
    ),
    Told("CN-PI-001", "note", "age_not_said", gift(), told(min_age=None)),
    Told("CN-PI-001", "warning", "children_admitted", gift(), told(min_age=13)),
]

# What is at the boundary and allowed: nothing is found at all.
CLEAN: list[tuple[str, Any, Launch, tuple[str, ...]]] = [
    ("invites in an app", referral(), TOLD, ()),
    ("invites offline", referral(placement="offline"), TOLD, ()),
    ("a gift on registering", gift(offered_on="register"), TOLD, ()),
    ("the least transfer", cash(10), TOLD, ()),
    ("the largest payment", cash(20_000), TOLD, ()),
    (
        "the most in one day",
        referral(ladder=Ladder({n: yuan("200") for n in range(1, 11)}, pays="each")),
        TOLD,
        (),
    ),
    ("an end by cap", referral(ladder=ENDLESS, cap=200_000), TOLD, ()),
    ("an end by budget", referral(ladder=ENDLESS, budget=200_000), TOLD, ()),
    ("the largest budget", referral(budget=10 * 5_000_000), TOLD, ()),
    (
        "one payment a day",
        check_in(
            reward=Cash(20_000),
            days=10,
            milestones=tuple(Milestone(n, Cash(20_000)) for n in range(1, 10)),
        ),
        told(payout="transfer"),
        (),
    ),
    (
        "one prize each",
        contest(prizes=(Cash(20_000),) * 11, one_prize_each=True),
        TOLD,
        (),
    ),
    ("not paid by WeChat", cash(5_000_000), told(payout="none"), ()),
    ("the largest prize", gift(), draws(top=5_000_000), ()),
    ("winners of 500 yuan", gift(), draws(top=50_000, names_winners=False), ()),
    (
        "a service notice",
        check_in(),
        told(notices=(Notice("template_message", "service", "您今天还没有打卡"),)),
        (),
    ),
    ("a tip on use", gift(), TOLD, ("最佳赏味期 30 天, 力求最佳",)),
    ("an absolute no", check_in(), TOLD, ("无需分享即可领取, 不用关注也能参与抽奖",)),
    ("a talk of friends", check_in(), TOLD, ("邀请好友一起打卡",)),
]


def lint(told: Told, book: Rulebook | None = None) -> tuple[Finding, ...]:
    """Return the findings about a case."""
    return lint_campaign(
        told.campaign, as_of=TODAY, launch=told.launch, copy=told.copy, rulebook=book
    )


def found(findings: tuple[Finding, ...]) -> set[tuple[str, str, str]]:
    """Return what tells findings apart."""
    return {(one.rule_id, one.severity, one.reason) for one in findings}


def dated(rule_id: str, **changes: Any) -> Rulebook:
    """Return today's rules, one of them with other dates."""
    versions = [
        attrs.evolve(rule, **changes) if rule.id == rule_id else rule for rule in BOOK
    ]
    return Rulebook(TODAY, tuple(versions))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.reason}")
def test_a_rule_finds_what_it_forbids(case: Told) -> None:
    """The rule, how grave it is, why, and where to change it."""
    findings = lint(case)
    (one,) = [one for one in findings if one.reason == case.reason]

    assert (case.rule, case.severity) == (one.rule_id, one.severity)
    assert not case.field or case.field == one.field
    assert BOOK[case.rule].source == one.source
    assert BOOK[case.rule].in_force_from == one.in_force_from
    assert "{" not in one.explain("zh") + one.explain("en")


@pytest.mark.parametrize(
    ("campaign", "launch", "copy"),
    [case[1:] for case in CLEAN],
    ids=[case[0] for case in CLEAN],
)
def test_what_is_just_allowed_is_not_found(
    campaign: Any, launch: Launch, copy: tuple[str, ...]
) -> None:
    """At the boundary there is nothing to say."""
    assert () == lint_campaign(campaign, as_of=TODAY, launch=launch, copy=copy)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.reason}")
def test_a_rule_finds_nothing_before_its_first_day_nor_from_its_end(
    case: Told,
) -> None:
    """Yesterday's law does not judge, nor does tomorrow's; today's does."""
    key = (case.rule, case.severity, case.reason)
    first = dated(case.rule, in_force_from=TODAY)
    later = dated(case.rule, in_force_from=TODAY + DAY)
    ended = dated(case.rule, in_force_from=None, in_force_until=TODAY, confidence="low")

    assert key in found(lint(case, first))
    assert key not in found(lint(case, later))
    assert key not in found(lint(case, ended))


def test_every_check_and_every_sentence_has_its_case() -> None:
    """No rule is asked, and nothing said, that these tests do not see."""
    asked = {case.rule for case in CASES}
    elsewhere = {"rule_is_stale", "too_many_levels"}

    assert set(CHECKS) == asked
    assert set(FOUND) == {case.reason for case in CASES} | elsewhere


@pytest.mark.parametrize("rule_id", CHECKS)
def test_a_check_finds_nothing_in_what_does_not_concern_it(rule_id: str) -> None:
    """A coupon that is handed out in one's own app is nobody's business."""
    launch = told(placement="own_app")
    case = Case(terms_of(gift(), launch), launch, (), BOOK)

    assert [] == list(CHECKS[rule_id].find(case, BOOK[rule_id]))


@pytest.mark.parametrize(
    ("rule_id", "first"),
    [
        ("WX-IND-001", dt.date(2019, 10, 28)),
        ("WX-RP-005", dt.date(2024, 6, 5)),
        ("CN-PROMO-001", dt.date(2020, 12, 1)),
        ("CN-LOT-001", dt.date(2018, 1, 1)),
        ("CN-LOT-002", dt.date(2020, 12, 1)),
        ("CN-PI-001", dt.date(2021, 11, 1)),
    ],
)
def test_the_shipped_rules_begin_on_their_days(rule_id: str, first: dt.date) -> None:
    """The day before, nothing; on the day, a finding."""
    (case, *_) = [case for case in CASES if case.rule == rule_id]
    before, on = (
        {
            one.rule_id
            for one in lint_campaign(case.campaign, as_of=day, launch=case.launch)
        }
        for day in (first - DAY, first)
    )

    assert rule_id not in before
    assert rule_id in on


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.reason}")
def test_a_single_weak_source_makes_no_error(case: Told) -> None:
    """Whoever blocks a launch needs more than one weak source."""
    weak = lint(case, dated(case.rule, confidence="low"))

    assert "error" not in {one.severity for one in weak if one.rule_id == case.rule}
    assert case.reason in {one.reason for one in weak}


@pytest.mark.parametrize(
    ("rule_id", "reason", "params"),
    [
        ("WX-IND-001", "rewards_invite", {"reward_on": ("share",), "allowed": False}),
        ("WX-IND-002", "rewards_follow", {"reward_on": ("like",), "allowed": False}),
        ("WX-IND-003", "asks_share", {"allowed": True}),
        ("WX-SUB-003", "asks_subscribe", {"reward_for_grant": True}),
        ("WX-DIST-001", "levels_unclear", {"max_levels": 3}),
        (
            "WX-RP-005",
            "closed_to_new_merchants",
            {"group": False, "new_merchants": True},
        ),
    ],
)
def test_a_corrected_rule_is_the_one_that_judges(
    rule_id: str, reason: str, params: dict[str, Any]
) -> None:
    """The checks hold no number and no word of their own."""
    (case, *_) = [
        case for case in CASES if (case.rule, case.reason) == (rule_id, reason)
    ]
    mine = attrs.evolve(BOOK[rule_id], params=params, source="told by the platform")

    assert reason not in {one.reason for one in lint(case, BOOK.overlay([mine]))}
