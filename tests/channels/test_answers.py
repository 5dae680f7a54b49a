"""What every error code of the platform comes to."""

from __future__ import annotations

import datetime as dt
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from wxengage.channels.answers import ANSWERS, Answer, Effect, Retry, Scope, answer_to
from wxengage.channels.folding import advance
from wxengage.channels.marks import Failure, Lifted
from wxengage.channels.quotas import REASONS, Quota
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.rules.book import rulebook
from wxengage.sends import Send, Sent
from wxengage.users import Account

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
SECOND, HOUR = dt.timedelta(seconds=1), dt.timedelta(hours=1)
BOOK = rulebook(dt.date(2026, 3, 2))
NEXT_DAY = dt.datetime(2026, 3, 3, tzinfo=SHANGHAI)
NEXT_MONTH = dt.datetime(2026, 4, 1, tzinfo=SHANGHAI)
NEXT_MINUTE = NOON + 60 * SECOND
CHANNELS = ("customer_message", "subscribe_message", "mass_send", "template_message")

#: Code -> what it leaves on the channel it came from, until when by itself, and on
#: which other channels it is felt too.
LEFT: dict[int, tuple[str | None, dt.datetime | None, tuple[str, ...]]] = {
    -1: (None, None, ()),
    40001: (None, None, ()),
    40003: ("invalid_recipient", None, CHANNELS),
    40014: (None, None, ()),
    40037: ("stopped", None, ()),
    40164: (None, None, ()),
    40249: ("stopped", None, ()),
    40250: ("stopped", None, ()),
    40251: ("stopped", None, ()),
    40252: ("stopped", None, ()),
    41030: (None, None, ()),
    42001: (None, None, ()),
    43004: ("unfollowed", None, ("customer_message", "mass_send")),
    43019: ("suppressed", None, CHANNELS),
    43101: ("no_grant", None, ()),
    43116: ("stopped", None, ()),
    43117: ("day_limit", NEXT_DAY, ()),
    45009: ("day_limit", NEXT_DAY, ()),
    45011: ("minute_limit", NEXT_MINUTE, ()),
    45015: ("no_window", None, ()),
    45028: ("period_limit", NEXT_MONTH, ()),
    45047: ("used_up", None, ()),
    45065: (None, None, ()),
    45109: ("stopped", None, ()),
    47003: (None, None, ()),
    47009: ("stopped", None, ()),
    48001: ("stopped", None, ()),
    48002: ("suppressed", None, CHANNELS),
    48004: ("stopped", None, CHANNELS),
    50002: ("stopped", None, CHANNELS),
    61004: (None, None, ()),
    87014: (None, None, ()),
}
#: Where a code comes from, if not from a template message.
FROM = {
    43101: "subscribe_message",
    43117: "subscribe_message",
    45015: "customer_message",
    45028: "mass_send",
    45047: "customer_message",
    45065: "mass_send",
}


def known() -> Quota:
    """Return the quota of a user who may get anything."""
    quota = Quota.under(BOOK, "ada")
    for event in (
        Event("message", user="ada", at=NOON - HOUR),
        Event("subscribe", user="ada", at=NOON - HOUR, item="t1"),
        Event("subscribe", user="ada", at=NOON - HOUR, item="t2"),
    ):
        quota = advance(quota, event, BOOK)
    return quota


def on(channel: str, message: str = "t1") -> Send:
    """Return a message on a channel."""
    return Send("s1", "ada", channel, message)


def after(code: int, **fields: Any) -> Quota:
    """Return the quota once a code came back at noon."""
    channel = FROM.get(code, "template_message")
    failure = Failure("ada", NOON, channel, code, message="t1", **fields)
    return advance(known(), failure, BOOK)


def test_every_code_of_the_table_is_mapped() -> None:
    """And each one is tested below."""
    assert set(LEFT) == set(ANSWERS)
    assert 32 == len(ANSWERS)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=lambda answer: answer.code)
def test_an_answer_is_complete(answer: Answer) -> None:
    """Both languages, and words of the closed sets."""
    assert answer is answer_to(answer.code)
    assert answer.known
    assert all((answer.zh, answer.en, answer.action_zh, answer.action_en))
    assert answer.scope in get_args(Scope)
    assert answer.retry in get_args(Retry)
    assert answer.effect in get_args(Effect)


@pytest.mark.parametrize("code", LEFT)
def test_a_code_leaves_what_the_table_says(code: int) -> None:
    """The channel it came from, from its instant on, until it ends by itself."""
    reason, ends, _ = LEFT[code]
    quota, send = after(code), on(FROM.get(code, "template_message"))

    assert known().refusal(send, NOON) is None
    assert quota.refusal(send, NOON - SECOND) is None
    assert reason == quota.refusal(send, NOON)
    assert reason is None or reason in REASONS
    if ends is not None:
        assert ends == quota.next_allowed(send, NOON)
        assert reason == quota.refusal(send, ends - SECOND)
    elif reason is not None:
        assert quota.next_allowed(send, NOON) is None


@pytest.mark.parametrize("code", LEFT)
def test_a_code_is_felt_as_far_as_its_scope_reaches(code: int) -> None:
    """A template's on that template, a user's or an account's everywhere."""
    _, _, felt = LEFT[code]
    own = FROM.get(code, "template_message")
    quota = after(code)

    for channel in CHANNELS:
        if channel != own:
            refused = quota.refusal(on(channel), NOON) is not None
            assert refused == (channel in felt), channel
    if "template" in ANSWERS[code].scope:
        assert quota.refusal(on(own, "t2"), NOON) is None


@pytest.mark.parametrize("code", [40003, 43019, 48002, 48004, 50002])
def test_what_an_official_account_is_told_says_nothing_of_wecom(code: int) -> None:
    """Also where accounts have no name: it is another account, of another kind."""
    for channel in ("wecom_customer_task", "wecom_moments", "sms"):
        assert after(code).refusal(on(channel), NOON) is None


def test_a_duplicate_counts_as_sent() -> None:
    """The platform has it already."""
    assert 3 == after(45065).may_send(on("mass_send"), NOON).left
    assert 4 == known().may_send(on("mass_send"), NOON).left


@pytest.mark.parametrize("code", [45015, 45047])
def test_the_next_act_opens_a_window_again(code: int) -> None:
    """What was closed or used up is what had been opened until then."""
    send = on("customer_message")
    wrote = Event("message", user="ada", at=NOON + SECOND)
    quota = advance(after(code), wrote, BOOK)

    assert 5 == quota.may_send(send, NOON + SECOND).left
    assert NOON + SECOND == quota.next_allowed(send, NOON)


def test_the_next_grant_is_good_again() -> None:
    """43101 takes what was given until then, and nothing after."""
    granted = Event("subscribe", user="ada", at=NOON + SECOND, item="t1")
    quota = advance(after(43101), granted, BOOK)

    assert 1 == quota.may_send(on("subscribe_message"), NOON + SECOND).left


def test_a_later_follow_heals() -> None:
    """43004 is news of yesterday then."""
    followed = Event("follow", user="ada", at=NOON + SECOND)
    quota = advance(after(43004), followed, BOOK)

    assert quota.refusal(on("template_message"), NOON + SECOND) is None


STOPPING = [code for code, left in LEFT.items() if left[0] == "stopped"]


@pytest.mark.parametrize("code", [*STOPPING, 40003, 43019, 48002])
def test_a_stop_holds_until_it_is_lifted_or_a_later_message_goes(code: int) -> None:
    """Either shows that it is over; neither undoes what came after it."""
    own, later = FROM.get(code, "template_message"), NOON + HOUR
    lifted = advance(after(code), Lifted(later), BOOK)
    gone = advance(after(code), Sent("ada", later, own, message="t1"), BOOK)

    for quota in (lifted, gone):
        assert quota.refusal(on(own), later - SECOND) is not None
        assert quota.refusal(on(own), later) is None
        again = Failure("ada", later + HOUR, own, code, message="t1")
        stopped = advance(quota, again, BOOK)
        assert stopped.refusal(on(own), later + HOUR) is not None


def test_lifting_one_template_leaves_another_stopped() -> None:
    """What is lifted is named."""
    other = Lifted(NOON + SECOND, "template_message", message="t2")
    elsewhere = Lifted(NOON + SECOND, "mass_send")

    for lifted in (other, elsewhere):
        quota = advance(after(40249), lifted, BOOK)
        assert "stopped" == quota.refusal(on("template_message"), NOON + HOUR)


def test_the_heaviest_reason_is_given() -> None:
    """A minute's pause does not hide a ban."""
    minute = Failure("ada", NOON, "template_message", 45011)
    quota = advance(after(48004), minute, BOOK)

    assert "stopped" == quota.refusal(on("template_message"), NOON)


def test_an_account_takes_what_is_not_about_one_recipient() -> None:
    """Its own quota knows bans and limits, and nobody's grants."""
    account = Quota.under(BOOK, None)
    changed = [
        code
        for code in ANSWERS
        if advance(
            account, Failure("ada", NOON, "template_message", code, message="t1"), BOOK
        )
        != account
    ]

    assert [
        code
        for code, answer in ANSWERS.items()
        if answer.effect and "recipient" not in answer.scope
    ] == changed


def test_without_a_mass_send_left_a_subscription_account_waits_a_day() -> None:
    """The period is the one of the account's kind."""
    shop = (Account("shop", "subscription", "wx1"),)
    account = Quota.under(BOOK, None, shop)
    account = advance(account, Failure("ada", NOON, "mass_send", 45028), BOOK)

    assert NEXT_DAY == account.next_allowed(on("mass_send"), NOON)


@pytest.mark.parametrize("code", [12345, 1, -2, 10**9])
def test_an_unknown_code_keeps_the_message_and_changes_nothing(code: int) -> None:
    """It is not retried, and it is not an error of the caller."""
    answer = answer_to(code)

    assert (False, "never", "") == (answer.known, answer.retry, answer.effect)
    assert code not in ANSWERS
    assert known() == after(code)


@pytest.mark.parametrize("code", [0, True, 40001.0, "40001", None])
def test_what_is_no_refusal_is_refused(code: Any) -> None:
    """0 is a success."""
    with pytest.raises(InvalidInputError, match="code must be an error code"):
        Failure("ada", NOON, "mass_send", code)


@pytest.mark.parametrize(
    "code", [c for c, a in ANSWERS.items() if a.effect and "template" in a.scope]
)
def test_a_refused_template_is_named(code: int) -> None:
    """Which one to stop would be a guess."""
    with pytest.raises(InvalidInputError, match="message must be the template's id"):
        Failure("ada", NOON, "template_message", code)


def test_a_refusal_on_a_channel_of_the_callers_own_changes_nothing() -> None:
    """Its codes are not WeChat's."""
    assert known() == advance(known(), Failure("ada", NOON, "sms", 48004), BOOK)
