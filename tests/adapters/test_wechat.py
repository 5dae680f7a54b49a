"""What senders promise, with the real wechatpy and a fake WeChat."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from wxengage.adapters.calls import MOST_BYTES, Lost, answer_of
from wxengage.adapters.endpoints import Endpoint
from wxengage.adapters.inbound import Inbound
from wxengage.adapters.outgoing import (
    Content,
    CustomerTask,
    StaffText,
    SubscribeMessage,
    TemplateMessage,
    Text,
)
from wxengage.adapters.wechat import (
    GroupRobotSender,
    MiniProgramSender,
    OfficialAccountSender,
    WeComSender,
)
from wxengage.channels.answers import ANSWERS
from wxengage.delivery.actions import action_of
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.ports import Letter, Sender
from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.sends import Send, Sent
from wxengage.testing.faults import Fault
from wxengage.testing.fixtures import fake_wechat
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.testing.server import FakeWeChat

pytest.importorskip("wechatpy", reason="wechatpy is not installed")

__all__ = ["fake_wechat"]

SHOP = Account("shop", "service", "wx1234567890abcdef")
MINI = Account("mini", "mini_program", "wxmini0123456789a")
CORP = Account("corp", "wecom", "ww1234567890abcdef")
SECRET = "app-secret"  # noqa: S105  a test's
CUSTOM = "/cgi-bin/message/custom/send"
TOKEN = "/cgi-bin/stable_token"  # noqa: S105  a path
TEMPLATE = TemplateMessage("t1", {"thing1": "你好"}, url="https://e.example")
SIGN_IN = SubscribeMessage("t1", {"thing1": "签到"}, page="pages/index")


def letter(channel: str = "customer_message", **more: Any) -> Letter:
    """Return a letter to Alice."""
    return Letter(Send("s1", "oAlice", channel, "t1", **more), "k1")


def says(content: Content) -> Callable[[Letter], Content]:
    """Return what composes the same for every letter."""
    return lambda _: content


def official(
    fake: FakeWeChat,
    content: Content = Text("hi"),  # noqa: B008  frozen
    *,
    total: float = 5.0,
    read: float = 2.0,
    **more: Any,
) -> OfficialAccountSender:
    """Return a sender of the shop."""
    endpoint = Endpoint(fake.url, read=read, total=total)
    return OfficialAccountSender(
        SHOP, says(content), secret=SECRET, endpoint=endpoint, **more
    )


def test_a_customer_message_goes_within_its_window(fake_wechat: FakeWeChat) -> None:
    """What WeChat took is what the letter said, and the receipt is WeChat's."""
    sender: Sender = official(fake_wechat)
    fake_wechat.act("message", "oAlice")

    outcome = sender.send(letter(topic="recall"), fake_wechat.now)

    (message,) = fake_wechat.messages
    assert isinstance(outcome, Sent)
    assert ("oAlice", fake_wechat.now, "recall", "k1", message.receipt) == (
        outcome.user,
        outcome.at,
        outcome.topic,
        outcome.key,
        outcome.receipt,
    )
    assert {
        "touser": "oAlice",
        "msgtype": "text",
        "text": {"content": "hi"},
    } == message.body
    assert isinstance(sender.query(letter(), fake_wechat.now), Unknown)


def test_a_template_message_says_its_key(fake_wechat: FakeWeChat) -> None:
    """A repeat within ten minutes is known by it and counts as sent."""
    sender = official(fake_wechat, TEMPLATE)
    fake_wechat.act("follow", "oAlice")

    first, second = (
        sender.send(letter("template_message"), fake_wechat.now) for _ in range(2)
    )

    assert first == second
    assert isinstance(first, Sent)
    assert [
        {
            "touser": "oAlice",
            "template_id": "t1",
            "data": {"thing1": {"value": "你好"}},
            "url": "https://e.example",
            "client_msg_id": "k1",
        }
    ] == [message.body for message in fake_wechat.messages]


def test_a_grant_is_good_for_one_message(fake_wechat: FakeWeChat) -> None:
    """Of an account and of a mini program."""
    endpoint = Endpoint(fake_wechat.url)
    mini = MiniProgramSender(MINI, says(SIGN_IN), secret=SECRET, endpoint=endpoint)
    for sender, channel in (
        (official(fake_wechat, SIGN_IN), "subscribe_message"),
        (mini, "mini_program_subscribe"),
    ):
        fake_wechat.act("subscribe", "oAlice", item="t1")

        assert isinstance(sender.send(letter(channel), fake_wechat.now), Sent)
        assert NotSent("43101", "drop") == sender.send(letter(channel), fake_wechat.now)

    paths = [message.path for message in fake_wechat.messages]
    assert [
        "/cgi-bin/message/subscribe/bizsend",
        "/cgi-bin/message/subscribe/send",
    ] == paths
    assert "formal" == fake_wechat.messages[1].body["miniprogram_state"]


def test_a_task_reaches_the_customers_of_the_staff(fake_wechat: FakeWeChat) -> None:
    """And says so where it leaves somebody out."""
    endpoint = Endpoint(fake_wechat.url)
    task = CustomerTask("新品到店", sender="zhang")
    sender = WeComSender(CORP, says(task), secret=SECRET, endpoint=endpoint)
    fake_wechat.act("follow", "oAlice")
    fake_wechat.fail(
        "/cgi-bin/externalcontact/add_msg_template",
        Fault.body('{"errcode": 0, "fail_list": ["oAlice"], "msgid": "m1"}'),
    )

    left_out = sender.send(letter("wecom_customer_task"), fake_wechat.now)
    outcome = sender.send(letter("wecom_customer_task"), fake_wechat.now)

    assert NotSent("fail_list", "drop") == left_out
    assert isinstance(outcome, Sent)
    assert "msg-10001" == outcome.receipt
    assert {
        "chat_type": "single",
        "external_userid": ["oAlice"],
        "sender": "zhang",
        "text": {"content": "新品到店"},
    } == fake_wechat.messages[-1].body
    assert "/cgi-bin/gettoken" == fake_wechat.calls[0].path
    assert {"corpid": CORP.appid, "corpsecret": SECRET} == fake_wechat.calls[0].query


def test_a_task_for_a_group_names_the_group(fake_wechat: FakeWeChat) -> None:
    """By the list that WeCom has for groups."""
    endpoint = Endpoint(fake_wechat.url)
    task = CustomerTask("新品到店", sender="zhang")
    sender = WeComSender(CORP, says(task), secret=SECRET, endpoint=endpoint)
    fake_wechat.act("follow", "oAlice")

    assert isinstance(sender.send(letter("wecom_group_task"), fake_wechat.now), Sent)
    body = fake_wechat.messages[0].body
    assert ("group", ["oAlice"]) == (body["chat_type"], body["chat_id_list"])


def test_the_staff_is_told_by_an_application(fake_wechat: FakeWeChat) -> None:
    """A member that WeCom does not know is left alone from then on."""
    endpoint = Endpoint(fake_wechat.url)
    alarm = StaffText("预警", agent=1000002)
    sender = WeComSender(CORP, says(alarm), secret=SECRET, endpoint=endpoint)

    unknown = sender.send(letter("wecom_app"), fake_wechat.now)
    fake_wechat.act("message", "oAlice")
    known = sender.send(letter("wecom_app"), fake_wechat.now)

    assert NotSent("invaliduser", "suppress") == unknown
    assert isinstance(known, Sent)
    assert 1000002 == fake_wechat.messages[0].body["agentid"]


def test_the_robot_needs_its_key_alone(fake_wechat: FakeWeChat) -> None:
    """No token is fetched."""
    endpoint = Endpoint(fake_wechat.url)
    sender = GroupRobotSender(says(Text("预警")), key="robot-key", endpoint=endpoint)

    outcome = sender.send(letter("group_robot"), fake_wechat.now)

    assert isinstance(outcome, Sent)
    assert [{"key": "robot-key"}] == [call.query for call in fake_wechat.calls]
    assert 0 == fake_wechat.tokens_fetched


@pytest.mark.parametrize("code", sorted(ANSWERS))
def test_every_error_code_has_its_outcome(fake_wechat: FakeWeChat, code: int) -> None:
    """As the table of answers has it; only the token's codes are tried once more."""
    sender = official(fake_wechat)
    fake_wechat.act("message", "oAlice")
    fake_wechat.fail(CUSTOM, Fault.code(code), times=None)

    outcome = sender.send(letter(), fake_wechat.now)

    done, again = (ANSWERS[code].retry == one for one in ("done", "refresh_token"))
    expected = "Sent" if done else NotSent(str(code), action_of(code))
    assert expected == ("Sent" if isinstance(outcome, Sent) else outcome)
    calls = [call.path for call in fake_wechat.calls]
    assert (2, 2) if again else (1, 1) == (calls.count(CUSTOM), calls.count(TOKEN))


def test_an_unknown_code_is_kept_for_somebody_to_look(fake_wechat: FakeWeChat) -> None:
    """It is surely not sent, and is not repeated."""
    sender = official(fake_wechat)
    fake_wechat.fail(CUSTOM, Fault.code(99999))

    assert NotSent("99999", "mend") == sender.send(letter(), fake_wechat.now)


@pytest.mark.parametrize(
    ("fault", "went"),
    [
        (Fault.status(500), 0),
        (Fault.status(502, after=True), 1),
        (Fault.status(404), 0),
        (Fault.status(302), 0),
        (Fault.cut(after=False), 0),
        (Fault.cut(after=True), 1),
        (Fault.body("<html><errcode>0</errcode></html>"), 1),
        (Fault.body(""), 1),
        (Fault.body("[]"), 1),
        (Fault.body("{}"), 1),
        (Fault.body('{"errcode": "0"}'), 1),
        (Fault.body('{"errcode": true}'), 1),
        (Fault.body('{"errcode": 0.0}'), 1),
        (Fault.body('{"errcode": 1, "errcode": 0}'), 1),
        (Fault.body('{"errcode": 0, "x": NaN}'), 1),
        (Fault.body('{"errcode": 0'), 1),
        (Fault.body("[" * 100_000), 1),
        (Fault.body('{"errcode": 0, "x": "' + "a" * 2_000_000 + '"}'), 1),
    ],
    ids=str,
)
def test_what_nobody_can_tell_is_unknown(
    fake_wechat: FakeWeChat, fault: Fault, went: int
) -> None:
    """Whether it went or not, no answer that can be trusted came back."""
    sender = official(fake_wechat)
    fake_wechat.act("message", "oAlice")
    fake_wechat.fail(CUSTOM, fault)

    outcome = sender.send(letter(), fake_wechat.now)

    assert isinstance(outcome, Unknown)
    assert went == len(fake_wechat.messages)
    assert 1 == [call.path for call in fake_wechat.calls].count(CUSTOM)


@pytest.mark.parametrize("fault", [Fault.slow(20), Fault.drip(0.1)], ids=str)
def test_a_slow_answer_ends_with_the_time_for_the_call(
    fake_wechat: FakeWeChat, fault: Fault
) -> None:
    """However it trickles, and without losing that it may have gone."""
    sender = official(fake_wechat, total=0.4, read=5.0)
    fake_wechat.act("message", "oAlice")
    fake_wechat.fail(CUSTOM, fault)

    outcome = sender.send(letter(), fake_wechat.now)

    assert Unknown("the time for the call was over") == outcome
    assert 1 == len(fake_wechat.messages)


def test_an_answer_that_does_not_begin_ends_with_the_read_timeout(
    fake_wechat: FakeWeChat,
) -> None:
    """Before the time for the whole call."""
    sender = official(fake_wechat, total=20.0, read=0.2)
    fake_wechat.fail(CUSTOM, Fault.slow(20))

    assert Unknown("ReadTimeout") == sender.send(letter(), fake_wechat.now)


def test_after_a_lost_answer_the_next_letter_goes(fake_wechat: FakeWeChat) -> None:
    """A connection that was shut is not used again."""
    sender = official(fake_wechat, total=0.4)
    fake_wechat.act("message", "oAlice")
    for fault in (Fault.drip(0.1), Fault.cut(), Fault.status(502)):
        fake_wechat.fail(CUSTOM, fault)
        assert isinstance(sender.send(letter(), fake_wechat.now), Unknown)
    fake_wechat.act("message", "oAlice")

    assert isinstance(sender.send(letter(), fake_wechat.now), Sent)


def test_what_never_left_is_not_sent(fake_wechat: FakeWeChat) -> None:
    """Nobody listens there: no byte of the letter went anywhere."""
    sender = official(fake_wechat)
    fake_wechat.act("message", "oAlice")
    assert isinstance(sender.send(letter(), fake_wechat.now), Sent)

    fake_wechat.__exit__(None, None, None)
    # The connection that was kept open is noticed to be gone.
    outcomes = {str(sender.send(letter(), fake_wechat.now)) for _ in range(3)}

    assert str(NotSent("not_reached", "retry")) in outcomes


HOUR = dt.timedelta(hours=1)


def test_what_may_not_go_is_not_asked(fake_wechat: FakeWeChat) -> None:
    """Each with its reason, before a token is fetched."""
    sender, now = official(fake_wechat), fake_wechat.now
    nobody = official(fake_wechat, address=lambda _: None)
    cases = {
        "too_early": sender.send(letter(not_before=now + HOUR), now),
        "expired": sender.send(letter(expires=now), now),
        "not_carried": sender.send(letter("sms"), now),
        "wrong_account": sender.send(letter(account="other"), now),
        "no_recipient": nobody.send(letter(), now),
        "not_composed": sender.send(letter("template_message"), now),
    }

    assert {name: name for name in cases} == {
        name: getattr(outcome, "code", outcome) for name, outcome in cases.items()
    }
    assert () == fake_wechat.calls


def test_a_text_that_cannot_be_made_is_to_be_mended(
    fake_wechat: FakeWeChat, caplog: pytest.LogCaptureFixture
) -> None:
    """A bad value parks one letter; a bug in the application is not hidden."""

    def compose(_: Letter) -> Text:
        return Text("")

    def bug(_: Letter) -> Text:
        raise KeyError("t1")

    endpoint = Endpoint(fake_wechat.url)
    blank, broken = (
        OfficialAccountSender(SHOP, one, secret=SECRET, endpoint=endpoint)
        for one in (compose, bug)
    )

    assert NotSent("not_composed", "mend") == blank.send(letter(), fake_wechat.now)
    assert "letter k1 is not composed" in caplog.text
    with pytest.raises(KeyError, match="t1"):
        broken.send(letter(), fake_wechat.now)


def test_an_address_can_be_looked_up(fake_wechat: FakeWeChat) -> None:
    """The merchant's id need not be the openid."""
    openids = {"ada": "oAlice"}
    sender = official(fake_wechat, address=lambda send: openids.get(send.user))
    fake_wechat.act("message", "oAlice")
    send = attrs.evolve(letter().send, user="ada")

    outcome = sender.send(Letter(send, "k9"), fake_wechat.now)

    assert isinstance(outcome, Sent)
    assert ("ada", "oAlice") == (outcome.user, fake_wechat.messages[0].to)


def test_a_sender_speaks_for_its_kind_of_account() -> None:
    """A mini program has no template messages of an account."""
    for build, account in (
        (OfficialAccountSender, MINI),
        (MiniProgramSender, SHOP),
        (WeComSender, SHOP),
    ):
        with pytest.raises(InvalidInputError, match="account must be one of"):
            build(account, says(Text("hi")), secret=SECRET)


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("wechatpy.client.base", "wechatpy"),
        ("cryptography.hazmat.primitives", "cryptography"),
    ],
)
def test_without_the_extra_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    """Already when a sender is made, not with the first letter."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "wxengage.adapters.transport", raising=False)

    def make() -> object:
        if package == "wechatpy":
            return OfficialAccountSender(SHOP, says(Text("hi")), secret=SECRET)
        return Inbound(SHOP, token="t", aes_key="a" * 43)  # noqa: S106  a test's

    with pytest.raises(MissingExtraError, match=r"pip install 'wxengage\[wechat\]'"):
        make()


def test_an_early_letter_says_until_when(fake_wechat: FakeWeChat) -> None:
    """So that it is not asked about every minute."""
    opens = fake_wechat.now + HOUR

    assert NotSent("too_early", "wait", until=opens) == official(fake_wechat).send(
        letter(not_before=opens), fake_wechat.now
    )


def test_senders_say_who_they_are(fake_wechat: FakeWeChat) -> None:
    """Their text has no secret."""
    assert "OfficialAccountSender('shop')" == repr(official(fake_wechat))


def test_an_answer_of_any_length_is_not_read() -> None:
    """A megabyte says more than WeChat ever does."""
    assert Lost("the answer is too long") == answer_of(200, b"{}" + b" " * MOST_BYTES)
