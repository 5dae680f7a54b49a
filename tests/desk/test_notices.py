"""A fact is told once, in words that the platform takes."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.desk.desks import OPENS, referral
from wxengage.adapters.outgoing import (
    CustomerTask,
    SubscribeMessage,
    TemplateMessage,
    Text,
)
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.facts import Fact, fact_key
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.ladder import Ladder
from wxengage.desk.notices import (
    FACT_KINDS,
    Notice,
    check_notices,
    fact_key_of,
    notice_of,
    notices_of,
)
from wxengage.desk.wording import PLACEHOLDERS, one_line, reward_text
from wxengage.errors import InvalidInputError
from wxengage.money import Cash, Coupon, Perk, Points, yuan
from wxengage.rules.book import rulebook
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from collections.abc import Callable

BOOK = rulebook(dt.date(2026, 3, 1))
SHANGHAI = DayClock()
NEW_YEAR = dt.datetime(2026, 12, 31, 15, 59, tzinfo=dt.UTC)


def fact(kind: str = "granted", **changes: Any) -> Fact:
    """Return a fact about Ada; by default that she is owed 8 yuan."""
    moves = kind in {"granted", "withdrawn"}
    told: dict[str, Any] = {
        "reward": Cash(yuan("8")) if moves else None,
        "reward_key": "rung:3" if moves else None,
        "reason": "rung_reached",
        "zh": "已邀请 3 位好友",
        "en": "three friends came",
    }
    key = fact_key("spring", kind, "ada", "3")
    return Fact(kind, "spring", "ada", NEW_YEAR, key, **(told | changes))


def notice(**changes: Any) -> Notice:
    """Return a notice of grants by template message."""
    told: dict[str, Any] = {
        "fact": "granted",
        "channel": "template_message",
        "template_id": "t1",
        "fields": {"thing1": "{why}", "amount2": "{reward}", "time3": "{at}"},
    }
    return Notice(**(told | changes))


def test_a_template_is_filled_in() -> None:
    """What the fact says stands in the fields, on the merchant's wall clock."""
    data = {"thing1": "已邀请 3 位好友", "amount2": "8.00元"}
    data["time3"] = "2026年12月31日 23:59"
    said = notice(link="https://e.example").content(fact(), SHANGHAI, BOOK)
    assert TemplateMessage("t1", data, url="https://e.example") == said


@pytest.mark.parametrize(
    ("channel", "made"),
    [
        ("customer_message", Text("给 ada")),
        ("wecom_customer_task", CustomerTask("给 ada")),
        ("sms", Text("给 ada")),
    ],
)
def test_a_channel_without_templates_has_words(channel: str, made: object) -> None:
    """The one field is what is said."""
    plain = notice(channel=channel, fields={"content": "给 {user}"})
    assert made == plain.content(fact(), SHANGHAI, BOOK)


def test_a_subscribe_message_leads_to_a_page() -> None:
    """The link of a subscribe message is a page."""
    one = notice(
        channel="subscribe_message", fields={"thing1": "{why}"}, link="pages/me"
    )
    made = SubscribeMessage("t1", {"thing1": "已邀请 3 位好友"}, page="pages/me")
    assert made == one.content(fact(), SHANGHAI, BOOK)


def test_a_value_that_is_too_long_is_cut_and_said_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log tells the field and the lengths, and not what was said, or to whom."""
    long = fact(zh="已邀请" + "好" * 30)
    with caplog.at_level(logging.WARNING, "wxengage.desk"):
        said = notice().content(long, SHANGHAI, BOOK)
    assert isinstance(said, TemplateMessage)
    assert "已邀请" + "好" * 16 + "…" == said.data["thing1"]
    assert "notice of granted: thing1 is cut from 33 to 20 characters" in caplog.text
    assert "好" not in caplog.text
    assert "ada" not in caplog.text


def test_a_value_of_a_kind_has_its_own_length() -> None:
    """A phrase takes five characters, and a name ten."""
    one = notice(
        channel="subscribe_message", fields={"phrase1": "{why}", "name2": "{why}"}
    )
    said = one.content(fact(zh="一二三四五六七八九十十一"), SHANGHAI, BOOK)
    assert isinstance(said, SubscribeMessage)
    assert ("一二三四…", "一二三四五六七八九…") == (
        said.data["phrase1"],
        said.data["name2"],
    )


@given(st.text(), st.none() | st.integers(1, 40))
def test_a_template_value_is_one_line_and_no_longer(text: str, longest: int) -> None:
    """Whatever it was, it has no line break, is not blank, and fits."""
    line = one_line(text, longest)
    assert line.strip()
    assert 1 == len(line.splitlines())
    assert longest is None or len(line) <= longest
    assert line == one_line(line, longest)


def test_what_a_fact_does_not_have_is_nothing() -> None:
    """A blank value would be refused by WeChat, so a word stands there."""
    one = notice(fields={"thing1": "{other}"})
    said = one.content(fact(), SHANGHAI, BOOK)
    assert TemplateMessage("t1", {"thing1": "无"}) == said
    words = notice(channel="sms", fields={"content": "{other}"})
    assert Text("无") == words.content(fact(), SHANGHAI, BOOK)


def test_braces_in_a_fact_stay_braces() -> None:
    """What users or staff wrote is no format: it is put in, and not read."""
    words = notice(channel="sms", fields={"content": "{{{why}}}"})
    said = words.content(fact(zh="{user.__class__}"), SHANGHAI, BOOK)
    assert Text("{{user.__class__}}") == said


def test_rewards_have_words() -> None:
    """Every kind of reward is told to whoever gets it."""
    rewards = (Cash(829), Points(500), Coupon("s1"), Perk("勋章"), None)
    assert ("8.29元", "500积分", "代金券", "勋章", "") == tuple(
        map(reward_text, rewards)
    )


def test_a_fact_has_the_same_letter_for_ever() -> None:
    """Found twice it is one letter; another fact, channel or template is another."""
    ways = [
        notice(),
        notice(template_id="t2"),
        notice(channel="mini_program_subscribe"),
    ]
    made = notices_of(ways, fact())
    assert made == notices_of(ways, fact())
    assert 3 == len({one.key for one in made})
    other = attrs.evolve(fact(), key=fact_key("spring", "granted", "ada", "6"))
    assert not {one.key for one in made} & {one.key for one in notices_of(ways, other)}
    assert {fact().key} == {fact_key_of(one.send) for one in made}
    assert ways == [notice_of(ways, fact(), one.send) for one in made]


def test_facts_of_another_kind_or_campaign_are_not_told() -> None:
    """A notice is about one kind of fact and, if it says so, of one campaign."""
    ways = [notice(fact="refused", fields={"thing1": "{why}"}), notice(campaign="x")]
    assert () == notices_of(ways, fact())
    assert 1 == len(notices_of([notice(campaign="spring")], fact()))


def test_a_notice_twice_is_one_letter() -> None:
    """A transaction that records an event is not lost for it."""
    assert 1 == len(notices_of([notice(), notice()], fact()))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"fact": "grantd"}, "did you mean 'granted'"),
        ({"fields": {}}, "texts by the fields' names"),
        ({"fields": {"thing1": ""}}, "not blank"),
        ({"fields": {"thing1": "{whyy}"}}, "did you mean 'why'"),
        ({"fields": {"thing1": "{why"}}, "matching braces"),
        ({"fields": {"thing1": "{at:%H}"}}, "without a format"),
        ({"fields": {"thing1": "{why!r}"}}, "without a format"),
        ({"fields": {"thing1": "{user.__class__}"}}, "known placeholders"),
        ({"fields": {"thing1": "{}"}}, "known placeholders"),
        ({"category": "marketng"}, "did you mean 'marketing'"),
        ({"channel": "sms"}, "one field, 'content'"),
        ({"link": ""}, "a text, or None"),
    ],
)
def test_a_notice_that_cannot_be_is_refused(changes: Any, match: str) -> None:
    """The message names the field and the mend."""
    with pytest.raises(InvalidInputError, match=match):
        notice(**changes)


def checked(*notices: Any, **changes: Any) -> None:
    """Check notices for the referral."""
    check_notices(notices, referral(**changes), BOOK)


def test_notices_that_can_be_sent_pass() -> None:
    """So do those of other campaigns' facts, which this one never finds."""
    checked(
        notice(),
        notice(fact="offered", channel="sms", fields={"content": "{why}"}),
        notice(channel="customer_message", fields={"content": "{why}" * 20}),
    )


WRONG: list[tuple[Callable[[], tuple[Any, ...]], str]] = [
    (lambda: ("no notice",), "a Notice"),
    (lambda: (notice(category="marketing"),), "what template_message may carry"),
    (
        lambda: (notice(fact="offered", fields={"thing1": "x"}, campaign="spring"),),
        "a kind of fact that the campaign finds",
    ),
    (
        lambda: (notice(channel="template_mesage", fields={"content": "x"}),),
        "did you mean 'template_message'",
    ),
    (
        lambda: (notice(channel="wecom_app", fields={"content": "x"}),),
        "reaches one user",
    ),
    (
        lambda: (notice(channel="wecom_moments", fields={"content": "x"}),),
        "reaches one user",
    ),
    (lambda: (notice(), notice()), "sends the same letter"),
    (lambda: (notice(), notice(campaign="spring")), "sends the same letter"),
    (lambda: (notice(fields={"thing1": "好" * 21}),), "at most 20 characters"),
    (lambda: (notice(fields={"thing1": "好" * 15 + "{reward}"}),), "it may take 21"),
    (lambda: (notice(fields={"thing1": "时间 {at} 啊"}),), "it may take 22"),
    (lambda: (notice(fields={"thing1": "a\nb"}),), "without line breaks"),
    (lambda: (notice(fields={"thing1": "领红包"}),), "take out '红包'"),
    (
        lambda: (notice(fact="refused", fields={"thing1": "{reward}"}),),
        "no reward moves",
    ),
]


@pytest.mark.parametrize(("made", "match"), WRONG)
def test_what_could_not_be_sent_is_refused_before_the_campaign_starts(
    made: Callable[[], tuple[Any, ...]], match: str
) -> None:
    """The message names the notice, its field and the mend."""
    with pytest.raises(InvalidInputError, match=match):
        checked(*made())


def test_every_fault_of_the_notices_is_told_at_once() -> None:
    """One publish, one list of what to mend."""
    with pytest.raises(InvalidInputError, match="3 faults") as told:
        checked(notice(fields={"thing1": "好" * 21}), notice(category="marketing"))
    assert "notices[0].fields['thing1']" in str(told.value)
    assert "notices[1].category" in str(told.value)


def test_the_longest_reward_of_the_campaign_counts() -> None:
    """A text that fits 8 yuan may not fit the reward of the last rung."""
    tight = notice(fields={"thing1": "好" * 15 + "{reward}"})
    small = Ladder({3: 800}, pays="total")
    checked(tight, ladder=small)
    with pytest.raises(InvalidInputError, match="it may take 21"):
        checked(tight, ladder=Ladder({3: 800, 6: 1_500}, pays="total"))


def test_a_coupon_is_marketing_in_a_template() -> None:
    """A template must not speak of coupons, even where the reward is one."""
    gift = Gift(
        "gift",
        reward=Coupon("9876543"),
        claim_within=dt.timedelta(days=3),
        opens=OPENS,
        closes=OPENS + dt.timedelta(days=9),
    )
    with pytest.raises(InvalidInputError, match="take out '代金券'"):
        check_notices([notice(fields={"thing1": "{reward}"})], gift, BOOK)


def test_a_check_in_has_facts_of_its_own() -> None:
    """Each type of campaign has its kinds, and all move rewards."""
    week = CheckIn(
        "week",
        reward=Points(5),
        opens=OPENS,
        closes=OPENS + dt.timedelta(days=9),
    )
    check_notices([notice(fact="made_up", fields={"thing1": "{other}"})], week, BOOK)
    assert all({"granted", "withdrawn"} <= kinds for kinds in FACT_KINDS.values())
    assert 6 == len(PLACEHOLDERS)
