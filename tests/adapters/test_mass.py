"""Mass sends go once a key; pictures and articles are named by their ids."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from wxengage.adapters.endpoints import Endpoint
from wxengage.adapters.mass import Image, MassMessage, News, Said
from wxengage.adapters.outgoing import Text
from wxengage.adapters.wechat import MiniProgramSender, OfficialAccountSender
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.ports import Letter
from wxengage.errors import InvalidInputError
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
MASS = "/cgi-bin/message/mass/sendall"
HOUR = dt.timedelta(hours=1)


def says(content: Said) -> Callable[[Letter], Said]:
    """Return what composes the same for every letter."""
    return lambda _: content


def official(fake: FakeWeChat, content: Said, **more: Any) -> OfficialAccountSender:
    """Return a sender that always says the same."""
    endpoint = Endpoint(fake.url, total=2.0)
    return OfficialAccountSender(
        SHOP,
        says(content),
        secret="app-secret",  # noqa: S106  a test's
        endpoint=endpoint,
        **more,
    )


def letter(channel: str = "mass_send", key: str = "k1") -> Letter:
    """Return a letter; a mass send is to nobody by name."""
    return Letter(Send("s1", "everybody", channel, "m1"), key)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            MassMessage(Text("周末活动")),
            {
                "filter": {"is_to_all": True},
                "msgtype": "text",
                "text": {"content": "周末活动"},
            },
        ),
        (
            MassMessage(News("n1"), tag=2, reprint=True),
            {
                "filter": {"is_to_all": False, "tag_id": 2},
                "msgtype": "mpnews",
                "mpnews": {"media_id": "n1"},
                "send_ignore_reprint": 1,
            },
        ),
        (
            MassMessage(Image("i1"), tag=0),
            {
                "filter": {"is_to_all": False, "tag_id": 0},
                "msgtype": "image",
                "images": {"media_ids": ["i1"]},
            },
        ),
    ],
)
def test_a_mass_send_says_to_whom_what_and_its_key(
    fake_wechat: FakeWeChat, content: MassMessage, said: dict[str, Any]
) -> None:
    """Nobody's address is looked up."""
    sender = official(fake_wechat, content, address=lambda _: None)

    outcome = sender.send(letter(), fake_wechat.now)

    (message,) = fake_wechat.messages
    assert isinstance(outcome, Sent)
    assert {**said, "clientmsgid": "k1"} == message.body
    assert (message.receipt, "k1", "everybody") == (
        outcome.receipt,
        outcome.key,
        outcome.user,
    )


def test_a_repeat_within_a_day_is_the_same_mass_send(fake_wechat: FakeWeChat) -> None:
    """WeChat answers 45065 with the first one's number, and that is a success."""
    sender = official(fake_wechat, MassMessage(Text("hi")))
    fake_wechat.fail(MASS, Fault.cut(after=True))

    lost = sender.send(letter(), fake_wechat.now)
    fake_wechat.advance(24 * HOUR - dt.timedelta(seconds=1))
    again = sender.send(letter(), fake_wechat.now)
    other = sender.send(letter(key="k2"), fake_wechat.now)

    assert isinstance(lost, Unknown)
    assert isinstance(again, Sent)
    assert isinstance(other, Sent)
    first, second = fake_wechat.messages
    assert (first.receipt, second.receipt) == (again.receipt, other.receipt)
    fake_wechat.advance(HOUR)
    sender.send(letter(), fake_wechat.now)
    assert 3 == len(fake_wechat.messages)


def test_a_long_key_is_shortened_and_stays_itself(fake_wechat: FakeWeChat) -> None:
    """WeChat keeps 64 bytes: two long keys must not become one."""
    sender = official(fake_wechat, MassMessage(Text("hi")))
    keys = ["k" * 64, "k" * 65, "k" * 66, "键" * 22]

    for key in [*keys, *keys]:
        assert isinstance(sender.send(letter(key=key), fake_wechat.now), Sent)

    told = [message.body["clientmsgid"] for message in fake_wechat.messages]
    assert 4 == len(set(told)) == len(told)
    assert "k" * 64 == told[0]
    assert all(len(one.encode()) <= 64 for one in told)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.code(45028), NotSent("45028", "wait")),
        (Fault.code(48001), NotSent("48001", "stop")),
        (Fault.status(502), Unknown("HTTP 502")),
    ],
    ids=str,
)
def test_a_mass_send_fails_like_other_messages(
    fake_wechat: FakeWeChat, fault: Fault, outcome: NotSent | Unknown
) -> None:
    """By the one table that there is."""
    sender = official(fake_wechat, MassMessage(Text("hi")))
    fake_wechat.fail(MASS, fault)

    assert outcome == sender.send(letter(), fake_wechat.now)


@pytest.mark.parametrize("content", [Text("hi"), Image("i1")])
def test_a_plain_content_is_no_mass_send(
    fake_wechat: FakeWeChat, content: Said, caplog: pytest.LogCaptureFixture
) -> None:
    """What was meant for one does not go to all."""
    outcome = official(fake_wechat, content).send(letter(), fake_wechat.now)

    assert NotSent("not_composed", "mend") == outcome
    assert "needs a MassMessage" in caplog.text
    assert () == fake_wechat.messages


def test_pictures_and_articles_go_to_one_customer(fake_wechat: FakeWeChat) -> None:
    """By their ids; a mini program has no articles."""
    fake_wechat.act("message", "everybody")
    endpoint = Endpoint(fake_wechat.url)
    outcomes = [
        official(fake_wechat, content).send(letter("customer_message"), fake_wechat.now)
        for content in (Image("i1"), News("n1"), MassMessage(Text("hi")))
    ]
    pictures: list[Said] = [Image("i2"), News("n2")]
    for content in pictures:
        mini = MiniProgramSender(
            MINI,
            says(content),
            secret="app-secret",  # noqa: S106
            endpoint=endpoint,
        )
        outcomes.append(
            mini.send(letter("mini_program_customer_message"), fake_wechat.now)
        )

    refused = NotSent("not_composed", "mend")
    assert [True, True, refused, True, refused] == [
        one if isinstance(one, NotSent) else isinstance(one, Sent) for one in outcomes
    ]
    assert [
        {"touser": "everybody", "msgtype": "image", "image": {"media_id": "i1"}},
        {"touser": "everybody", "msgtype": "mpnews", "mpnews": {"media_id": "n1"}},
        {"touser": "everybody", "msgtype": "image", "image": {"media_id": "i2"}},
    ] == [message.body for message in fake_wechat.messages]


def test_contents_are_checked_when_they_are_made() -> None:
    """Not by WeChat."""
    bad: list[Any] = [
        lambda: Image(""),
        lambda: News("a\nb"),
        lambda: MassMessage("hi"),  # type: ignore[arg-type]
        lambda: MassMessage(Text("hi"), tag=-1),
        lambda: MassMessage(Text("hi"), tag=True),
        lambda: MassMessage(Text("hi"), tag="2"),  # type: ignore[arg-type]
        lambda: MassMessage(Text("hi"), reprint=1),  # type: ignore[arg-type]
    ]
    for build in bad:
        with pytest.raises(InvalidInputError):
            build()
