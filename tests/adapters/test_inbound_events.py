"""What callbacks tell: the events of WeChat in our words."""

from __future__ import annotations

import base64
import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest

from wxengage.adapters.bodies import xml_of
from wxengage.adapters.happenings import NOTICES, Report
from wxengage.adapters.inbound import Callback, Inbound
from wxengage.channels.folding import advance
from wxengage.channels.quotas import Quota
from wxengage.errors import CallbackRejected, InvalidInputError
from wxengage.rules.book import rulebook
from wxengage.testing.pushes import Pushes
from wxengage.users import Account, AccountKind

pytest.importorskip("cryptography", reason="cryptography is not installed")

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
SECOND = int(NOON.timestamp())
TOKEN = "let-me-in"  # noqa: S105  a test's
KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
SHOP = Account("shop", "service", "wx1234567890abcdef")


def read(body: str, kind: AccountKind = "service") -> Callback:
    """Return what a plain callback tells."""
    account = Account("shop", kind, "wx1234567890abcdef")
    push = Pushes(account, token=TOKEN).raw(body, NOON)
    key = KEY if kind == "wecom" else None
    inbound = Inbound(account, token=TOKEN, aes_key=key, allow_plaintext=True)
    return inbound.read(push.method, push.query, push.body, NOON)


def event_of(
    name: str, more: str = "", *, user: str = "oAlice", second: int = SECOND
) -> str:
    """Return the body of an event."""
    fields: dict[str, str | int] = {
        "ToUserName": "gh_1",
        "FromUserName": user,
        "CreateTime": second,
        "MsgType": "event",
        "Event": name,
    }
    return xml_of(fields).replace("</xml>", f"{more}</xml>")


def keyed(key: str) -> str:
    """Return the field by which most events say what they are about."""
    return f"<EventKey><![CDATA[{key}]]></EventKey>"


@pytest.mark.parametrize(
    ("name", "more", "kind", "item"),
    [
        ("subscribe", keyed(""), "follow", None),
        ("subscribe", "", "follow", None),
        ("subscribe", keyed("qrscene_spring:ada"), "follow", "spring:ada"),
        ("unsubscribe", keyed(""), "unfollow", None),
        ("SCAN", keyed("spring:ada"), "scan", "spring:ada"),
        ("CLICK", keyed("MENU_1"), "menu_click", "MENU_1"),
        ("scancode_push", keyed("MENU_2"), "menu_click", "MENU_2"),
        ("scancode_waitmsg", keyed("MENU_3"), "menu_click", "MENU_3"),
        ("VIEW", keyed("https://e.example/a"), "click", "https://e.example/a"),
        ("VIEW", keyed("https://e.example/" + "a" * 200), "click", None),
        ("pic_weixin", keyed("MENU_4"), "click", "MENU_4"),
        ("user_enter_tempsession", "", "open", None),
    ],
)
def test_what_a_user_did_becomes_an_event(
    name: str, more: str, kind: str, item: str | None
) -> None:
    """Who, when and about what are those of the callback."""
    callback = read(event_of(name, more))

    (event,) = callback.events
    assert (name, True, ()) == (callback.kind, callback.known, callback.reports)
    assert (kind, "oAlice", NOON, item, "shop") == (
        event.kind,
        event.user,
        event.at,
        event.item,
        event.account,
    )


@pytest.mark.parametrize(
    "kind", ["text", "image", "voice", "video", "shortvideo", "location", "link"]
)
def test_a_message_of_any_type_is_a_message(kind: str) -> None:
    """It opens the reply window, whatever it is made of."""
    fields: dict[str, str | int] = {
        "ToUserName": "gh_1",
        "FromUserName": "oAlice",
        "CreateTime": SECOND,
        "MsgType": kind,
        "MsgId": "23456789012345678",
    }

    callback = read(xml_of(fields))

    assert ["message"] == [event.kind for event in callback.events]
    assert kind == callback.kind


def grants(change: str, *choices: tuple[str, str]) -> str:
    """Return the list of a subscription callback."""
    listed = "".join(
        f"<List><TemplateId>{template}</TemplateId>"
        f"<SubscribeStatusString>{status}</SubscribeStatusString></List>"
        for template, status in choices
    )
    return f"<SubscribeMsg{change}Event>{listed}</SubscribeMsg{change}Event>"


def test_each_accepted_template_is_one_grant() -> None:
    """A refusal in the dialogue takes nothing away."""
    choices = grants("Popup", ("t1", "accept"), ("t2", "reject"), ("t3", "accept"))

    events = read(event_of("subscribe_msg_popup_event", choices)).events

    assert [("subscribe", "t1"), ("subscribe", "t3")] == [
        (event.kind, event.item) for event in events
    ]
    assert 2 == len({event.id for event in events})


def test_turning_a_template_off_withdraws_it() -> None:
    """Only what is turned off is told."""
    choices = grants("Change", ("t1", "reject"), ("t2", "accept"))

    events = read(event_of("subscribe_msg_change_event", choices)).events

    assert [("decline", "t1")] == [(event.kind, event.item) for event in events]


def test_a_quota_can_be_kept_from_callbacks() -> None:
    """What is read is what the quota folds, in any order and more than once."""
    book = rulebook(NOON.date())
    events = [
        *read(event_of("subscribe", second=SECOND - 9)).events,
        *read(
            event_of("subscribe_msg_popup_event", grants("Popup", ("t1", "accept")))
        ).events,
        *read(event_of("CLICK", keyed("M"), second=SECOND - 5)).events,
    ]
    found = set()
    for seed in range(6):
        quota = Quota("oAlice")
        for event in random.Random(seed).sample(events * 2, 6):  # noqa: S311
            quota = advance(quota, event, book)
        found.add(repr(quota))

    assert 1 == len(found)


def test_what_became_of_a_subscribe_message_is_a_report() -> None:
    """It is no event: the sender wrote the message down already."""
    listed = (
        "<SubscribeMsgSentEvent>"
        "<List><TemplateId>t1</TemplateId><MsgID>1700827132819554304</MsgID>"
        "<ErrorCode>0</ErrorCode><ErrorStatus>success</ErrorStatus></List>"
        "<List><TemplateId>t2</TemplateId><MsgID>17</MsgID>"
        "<ErrorCode>1003</ErrorCode><ErrorStatus>refused</ErrorStatus></List>"
        "</SubscribeMsgSentEvent>"
    )

    official = read(event_of("subscribe_msg_sent_event", listed))
    mini = read(event_of("subscribe_msg_sent_event", listed), "mini_program")

    assert () == official.events
    assert (
        Report(
            "subscribe_message",
            NOON,
            "1700827132819554304",
            arrived=True,
            status="success",
            user="oAlice",
            message="t1",
        ),
        Report(
            "subscribe_message",
            NOON,
            "17",
            arrived=False,
            status="refused",
            user="oAlice",
            message="t2",
        ),
    ) == official.reports
    assert {"mini_program_subscribe"} == {one.channel for one in mini.reports}


@pytest.mark.parametrize(
    ("status", "arrived"),
    [("success", True), ("failed:user block", False), ("failed: system failed", False)],
)
def test_what_became_of_a_template_message_is_a_report(
    status: str,
    arrived: bool,
) -> None:
    """WeChat's own word is kept."""
    more = f"<MsgID>200163836</MsgID><Status><![CDATA[{status}]]></Status>"

    (report,) = read(event_of("TEMPLATESENDJOBFINISH", more)).reports

    assert ("template_message", "200163836", arrived, status, "oAlice") == (
        report.channel,
        report.receipt,
        report.arrived,
        report.status,
        report.user,
    )


def test_a_mass_send_reports_its_numbers() -> None:
    """It has no single recipient."""
    more = (
        "<MsgID>1000001625</MsgID><Status>sendsuccess</Status><TotalCount>100</TotalCount>"
        "<FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount>"
    )

    (report,) = read(event_of("MASSSENDJOBFINISH", more)).reports

    assert ("mass_send", True, None) == (report.channel, report.arrived, report.user)
    assert {
        "TotalCount": 100,
        "FilterCount": 80,
        "SentCount": 75,
        "ErrorCount": 5,
    } == dict(report.counts)


def contact(change: str, more: str = "") -> str:
    """Return the body of a change of an external contact."""
    about = (
        f"<ChangeType>{change}</ChangeType><UserID>zhang</UserID>"
        f"<ExternalUserID>wmAlice</ExternalUserID>{more}"
    )
    return event_of("change_external_contact", about, user="sys")


@pytest.mark.parametrize(
    ("change", "more", "expected"),
    [
        ("add_external_contact", "<State>spring</State>", [("follow", "spring")]),
        ("add_half_external_contact", "", [("follow", None)]),
        ("del_follow_user", "", [("unfollow", None)]),
        ("del_external_contact", "", []),
        ("edit_external_contact", "", []),
    ],
)
def test_a_customer_of_wecom_follows_and_leaves(
    change: str, more: str, expected: list[tuple[str, str | None]]
) -> None:
    """What the staff did is known, and is no act of the customer."""
    callback = read(contact(change, more), "wecom")

    assert expected == [(event.kind, event.item) for event in callback.events]
    assert {"wmAlice"} >= {event.user for event in callback.events}
    assert callback.known


def test_members_of_a_group_chat_come_and_go() -> None:
    """Each of them is named where WeCom names them."""

    def change(detail: str, *members: str) -> list[tuple[str, object, object]]:
        listed = "".join(f"<Item>{one}</Item>" for one in members)
        more = (
            f"<ChangeType>update</ChangeType><ChatId>wr1</ChatId>"
            f"<UpdateDetail>{detail}</UpdateDetail>"
            f"<MemChangeList>{listed}</MemChangeList>"
        )
        told = read(event_of("change_external_chat", more, user="sys"), "wecom")
        return [(event.kind, event.user, event.group) for event in told.events]

    assert [("join", "wmA", "wr1"), ("join", "wmB", "wr1")] == change(
        "add_member", "wmA", "wmB"
    )
    assert [("leave", "wmA", "wr1")] == change("del_member", "wmA")
    assert [] == change("change_owner")


def test_the_staff_of_wecom_is_no_audience() -> None:
    """Who opens an application or writes to it is a member of the staff."""
    text = event_of("enter_agent", user="zhang")
    message = text.replace("event", "text").replace("</xml>", "<MsgId>1</MsgId></xml>")

    for body in (text, message, event_of("subscribe", user="zhang")):
        callback = read(body, "wecom")
        assert (True, ()) == (callback.known, callback.events)


@pytest.mark.parametrize("name", sorted(NOTICES))
def test_a_notice_is_known_and_tells_no_act(name: str) -> None:
    """An application finds what it needs in the fields."""
    callback = read(event_of(name, "<OpenID>oAlice</OpenID>"))

    assert (name, True, (), ()) == (
        callback.kind,
        callback.known,
        callback.events,
        callback.reports,
    )
    assert "oAlice" == callback.fields["OpenID"]


@pytest.mark.parametrize("body", ["a_new_event", "user_pay_from_pay_cell"])
def test_an_unknown_kind_is_kept_by_its_name(body: str) -> None:
    """WeChat invents new ones; none of them is an error, and none is lost."""
    callback = read(event_of(body, "<Some><Thing>1</Thing></Some>"))

    assert (body, False, ()) == (callback.kind, callback.known, callback.events)
    assert {"Thing": "1"} == callback.fields["Some"]


def test_the_same_callback_has_the_same_ids_however_it_comes() -> None:
    """WeChat asks three times, each time signed and encrypted anew."""
    pushes = Pushes(SHOP, token=TOKEN, aes_key=KEY)
    inbound = Inbound(SHOP, token=TOKEN, aes_key=KEY)
    body = pushes.push("scan", "oAlice", NOON, item="spring")
    plain = Pushes(SHOP, token=TOKEN).push("scan", "oAlice", NOON, item="spring")
    late = NOON + dt.timedelta(seconds=5)
    again = pushes.raw(plain.body.decode(), late)

    first = inbound.read("POST", body.query, body.body, NOON)
    second = inbound.read("POST", again.query, again.body, late)

    assert body.body != again.body
    assert first.key == second.key
    assert first.events == second.events


def test_what_differs_has_another_key() -> None:
    """Two acts of one second are two acts."""
    bodies = [
        event_of("SCAN", keyed("a")),
        event_of("SCAN", keyed("b")),
        event_of("SCAN", keyed("a"), user="oBob"),
        event_of("SCAN", keyed("a"), second=SECOND - 1),
        event_of("CLICK", keyed("a")),
        event_of("subscribe_msg_popup_event", grants("Popup", ("t1", "accept"))),
        event_of("subscribe_msg_popup_event", grants("Popup", ("t2", "accept"))),
        event_of("subscribe_msg_popup_event", grants("Popup", ("t1", "reject"))),
        contact("add_external_contact"),
        contact("add_external_contact").replace("wmAlice", "wmBob"),
        contact("add_external_contact").replace("zhang", "li"),
        contact("del_follow_user"),
        event_of("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID><Status>success</Status>"),
        event_of("TEMPLATESENDJOBFINISH", "<MsgID>2</MsgID><Status>success</Status>"),
    ]

    assert len(bodies) == len({read(body).key for body in bodies})


def test_two_accounts_do_not_share_keys() -> None:
    """The same number of a message at another account is another message."""
    other = Account("other", "service", "wx1234567890abcdef")
    push = Pushes(SHOP, token=TOKEN).push("message", "oAlice", NOON, item="hi")
    found = {
        Inbound(account, token=TOKEN, allow_plaintext=True)
        .read("POST", push.query, push.body, NOON)
        .key
        for account in (SHOP, other)
    }

    assert 2 == len(found)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        (
            "subscribe_msg_popup_event",
            grants("Popup", ("t1", "accept")).replace("TemplateId", "X"),
        ),
        ("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID>"),
        ("SCAN", "<EventKey><a>1</a></EventKey>"),
        ("change_external_contact", "<ChangeType>add_external_contact</ChangeType>"),
        ("change_external_chat", "<UpdateDetail>add_member</UpdateDetail>"),
    ],
)
def test_an_event_without_what_it_needs_is_refused(name: str, more: str) -> None:
    """Half an event is none."""
    with pytest.raises(CallbackRejected, match="malformed"):
        read(event_of(name, more))


def test_a_callback_does_not_show_people_in_a_log() -> None:
    """Its text has counts, not ids and words."""
    callback = read(event_of("SCAN", keyed("spring")))

    assert "Callback(kind='SCAN', known=True, events=1, reports=0)" == repr(callback)


def test_the_pushes_of_the_fake_refuse_what_they_cannot_make() -> None:
    """A test that asks for nonsense is told so."""
    with pytest.raises(InvalidInputError, match="did you mean 'follow'"):
        Pushes(SHOP, token=TOKEN).push("folow", "oA", NOON)


def test_the_pushes_of_the_fake_are_what_wechat_sends() -> None:
    """Each kind of act comes back as that kind of event."""
    pushes = Pushes(SHOP, token=TOKEN)
    inbound = Inbound(SHOP, token=TOKEN, allow_plaintext=True)
    found = {}
    kinds = (
        *("message", "follow", "unfollow", "scan", "menu_click", "click", "open"),
        *("subscribe", "decline"),
    )
    for kind in kinds:
        push = pushes.push(kind, "o'; DROP TABLE users;--", NOON, item="t1")
        (event,) = inbound.read(push.method, push.query, push.body, NOON).events
        found[kind] = event.kind, event.user, event.item

    assert {
        kind: (
            kind,
            "o'; DROP TABLE users;--",
            None if kind in {"message", "unfollow", "open"} else "t1",
        )
        for kind in kinds
    } == found
    assert "Pushes('shop')" == repr(pushes)
